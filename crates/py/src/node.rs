//! `scrubjay serve`'s process: a node, from its flags to its end.

use crate::{errors, settings};
use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use scrubjay_server::config::{Origin, Resolved, folder, machine};
use scrubjay_server::{Node, clients::Protocol};
use std::sync::Arc;

/// Runs a node as `flags` and the environment say until SIGTERM, SIGINT, SIGHUP or `SHUTDOWN` stops it; for the main
/// thread of a process that does nothing else. `ready` is called once, when every door is open, with what a start-up
/// message needs: `doors` (pairs of name and address), `absent` (names of settings whose door this version lacks although
/// somebody asked for it), `policy`, `memory_bytes_max`, `entries_max`, `ttl_ms_default`, `threads`.
///
/// A second signal ends the process at once.
///
/// Raises: ConfigurationError if the node cannot start as it is told to; nothing is left running.
#[pyfunction]
pub fn serve(py: Python<'_>, flags: Vec<(String, String)>, ready: Bound<'_, PyAny>) -> PyResult<()> {
    // What is not text is nobody's setting.
    let environment =
        std::env::vars_os().filter_map(|(name, text)| Some((name.into_string().ok()?, text.into_string().ok()?)));
    let environment = environment.collect();
    let resolved = settings::load(py, flags, environment)?;
    folder::prepare(&resolved.config).map_err(|bad| errors::configuration(py, bad.to_string()))?;
    name_process();
    // Before the node's threads exist, so that they inherit it: a signal then waits for whoever asks for it.
    let signals = Signals::block().map_err(|error| PyOSError::new_err(error.to_string()))?;
    let message = message(py, &resolved)?;
    let node = Node::start(resolved).map_err(|bad| errors::configuration(py, bad.to_string()))?;
    let doors: Vec<_> =
        node.addresses().iter().map(|(protocol, address)| (door(*protocol), address.to_string())).collect();
    message.set_item("doors", doors)?;
    message.set_item("threads", node.shared().counters.len())?;
    let node = Arc::new(node);
    signals.stop_on_signal(node.clone()).map_err(|error| PyOSError::new_err(error.to_string()))?;
    ready.call1((message,))?;
    py.detach(|| node.wait(None));
    // The process ends here: its memory goes back as a whole, faster than entry by entry.
    std::mem::forget(node);
    Ok(())
}

fn door(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Resp => "redis",
        Protocol::Http => "http",
    }
}

/// Doors that have a port and, in this version, nobody behind it.
const ABSENT: [&str; 3] = ["memcached-port", "grpc-port", "peer-port"];

fn message<'py>(py: Python<'py>, resolved: &Resolved) -> PyResult<Bound<'py, PyDict>> {
    let config = &resolved.config;
    let ports = [config.memcached_port, config.grpc_port, config.peer_port];
    let asked_for = ABSENT
        .iter()
        .zip(ports)
        .filter(|(name, port)| *port != 0 && *resolved.origin(name) != Origin::Default)
        .map(|(name, _)| *name);
    let message = PyDict::new(py);
    message.set_item("absent", asked_for.collect::<Vec<_>>())?;
    message.set_item("policy", config.policy.name())?;
    message.set_item("memory_bytes_max", config.max_memory.bytes_of(machine::memory_bytes().unwrap_or(0)))?;
    message.set_item("entries_max", config.max_entries)?;
    message.set_item("ttl_ms_default", config.default_ttl.as_millis() as u64)?;
    Ok(message)
}

/// The signals that stop a node, kept from every thread but the one that waits for them.
struct Signals(libc::sigset_t);

impl Signals {
    fn block() -> std::io::Result<Signals> {
        // SAFETY: the set is initialised by sigemptyset before anything reads it; the calls have no other demands.
        unsafe {
            let mut set = std::mem::zeroed();
            libc::sigemptyset(&mut set);
            for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
                libc::sigaddset(&mut set, signal);
            }
            match libc::pthread_sigmask(libc::SIG_BLOCK, &set, std::ptr::null_mut()) {
                0 => Ok(Signals(set)),
                code => Err(std::io::Error::from_raw_os_error(code)),
            }
        }
    }

    fn wait(&self) -> i32 {
        let mut signal = 0;
        // SAFETY: both are valid for the call; the set is blocked in every thread.
        while unsafe { libc::sigwait(&self.0, &mut signal) } != 0 {}
        signal
    }

    /// Starts the thread that waits for them. The first asks the node to stop and lets it drain; the second does not.
    fn stop_on_signal(self, node: Arc<Node>) -> std::io::Result<()> {
        let waiter = move || {
            self.wait();
            // As the setting stands now, as for `SHUTDOWN`.
            node.shutdown(node.shared().config().shutdown_timeout);
            let signal = self.wait();
            std::process::exit(128 + signal);
        };
        std::thread::Builder::new().name("signals".to_owned()).stack_size(64 << 10).spawn(waiter).map(drop)
    }
}

/// `ps` and `top` show the interpreter's name otherwise.
fn name_process() {
    #[cfg(target_os = "linux")]
    // SAFETY: the name is a string that ends in NUL and has at most 16 bytes with it.
    unsafe {
        libc::prctl(libc::PR_SET_NAME, c"scrubjay".as_ptr());
    }
}
