//! A node: binds, starts its threads, and stops.

use crate::clients::Protocol;
use crate::config::{Config, Live, Resolved, machine};
use crate::listener::Listener;
use crate::log::{self, Level};
use crate::runtime::worker::Worker;
use crate::shared::Shared;
use scrubjay_base::clock::{Clock, SystemClock};
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// A running node in this process. Dropping it stops it without waiting for anybody.
///
/// ```no_run
/// use scrubjay_server::{Config, Node};
/// use std::time::Duration;
///
/// let node = Node::start(Config::default())?;
/// println!("{:?}", node.addresses());
/// node.shutdown(Duration::from_secs(10));
/// node.wait(None);
/// # Ok::<(), scrubjay_server::StartError>(())
/// ```
pub struct Node {
    shared: Arc<Shared>,
    addresses: Vec<(Protocol, SocketAddr)>,
}

/// Why a node did not start. Nothing of it is left running.
#[derive(Debug)]
pub struct StartError {
    setting: &'static str,
    sentence: String,
    source: Option<io::Error>,
}

impl StartError {
    fn new(setting: &'static str, sentence: String, source: io::Error) -> StartError {
        StartError { setting, sentence, source: Some(source) }
    }

    /// The setting to change; empty if it is none.
    pub fn setting(&self) -> &'static str {
        self.setting
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source as _)
    }
}

/// What a node is given besides its settings, by tests.
#[derive(Default)]
pub struct Given {
    /// The clock; `None`: the machine's.
    pub clock: Option<Arc<dyn Clock>>,
    /// Let the system choose a free port for every door that is open, whatever port the settings say.
    pub any_port: bool,
}

impl Node {
    /// Starts a node as `config` says and returns once every port is bound and every thread is running.
    ///
    /// Errors: a port that cannot be bound, or no descriptors, memory or threads left; the sentence names the setting.
    pub fn start(config: impl Into<Resolved>) -> Result<Node, StartError> {
        Node::start_with(config, Given::default())
    }

    /// As [`Node::start`], around what is `given`.
    pub fn start_with(config: impl Into<Resolved>, given: Given) -> Result<Node, StartError> {
        let settings = Live::new(config.into(), machine::memory_bytes().unwrap_or(0));
        let config = settings.load().clone();
        log::set_level(Level::named(config.log_level));
        let listeners = bind_all(&config, given.any_port)?;
        let addresses = listeners.iter().map(|listener| (listener.protocol, listener.address)).collect();
        let threads = match config.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        };
        raise_descriptor_limit(config.max_clients);
        let clock = given.clock.unwrap_or_else(|| Arc::new(SystemClock::new()));
        // The store counts deadlines from its start, so that has to be a moment of the node's own clock.
        let store = scrubjay_store::Config { start_ms: clock.now_ms(), ..settings.store_config() };
        let starting =
            |error| StartError::new("threads", format!("cannot start {threads} network threads: {error}"), error);
        let shared = Arc::new(Shared::new(settings, store, clock, threads).map_err(starting)?);
        let workers = (0..threads)
            .map(|index| Worker::new(index, shared.clone(), listeners.clone()))
            .collect::<io::Result<Vec<Worker>>>()
            .map_err(starting)?;
        let node = Node { shared, addresses };
        for (index, worker) in workers.into_iter().enumerate() {
            let running = Running::new(node.shared.clone());
            let thread = std::thread::Builder::new().name(format!("net-{index}"));
            let spawned = thread.spawn(move || {
                let _running = running;
                worker.run();
            });
            // If one cannot be started, `node` is dropped, which stops those that were.
            spawned.map_err(starting)?;
        }
        Ok(node)
    }

    /// What listens where; the port is the one that was chosen where none was asked for.
    pub fn addresses(&self) -> &[(Protocol, SocketAddr)] {
        &self.addresses
    }

    /// The address of the first listener of `protocol`.
    pub fn address(&self, protocol: Protocol) -> Option<SocketAddr> {
        self.addresses.iter().find(|(of, _)| *of == protocol).map(|(_, address)| *address)
    }

    /// What the whole node knows.
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Asks the node to stop, and returns at once: no new connections; requests that have arrived are answered; answers
    /// are delivered for at most `drain`.
    pub fn shutdown(&self, drain: Duration) {
        self.shared.ask_shutdown(drain);
    }

    /// Waits until the node has stopped, at most `timeout`; whether it has.
    pub fn wait(&self, timeout: Option<Duration>) -> bool {
        self.shared.shutdown.wait(timeout)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.shared.ask_shutdown(Duration::ZERO);
    }
}

/// Counts a thread for as long as it lives, however it ends.
struct Running(Arc<Shared>);

impl Running {
    fn new(shared: Arc<Shared>) -> Running {
        shared.shutdown.thread_starts();
        Running(shared)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.shutdown.thread_ends();
    }
}

fn bind_all(config: &Config, any_port: bool) -> Result<Vec<Arc<Listener>>, StartError> {
    let mut listeners = Vec::new();
    for (setting, protocol, port) in
        [("port", Protocol::Resp, config.port), ("http-port", Protocol::Http, config.http_port)]
    {
        if port == 0 {
            continue;
        }
        for &ip in &config.bind {
            let address = SocketAddr::new(ip, if any_port { 0 } else { port });
            let bound = Listener::bind(address, protocol, config.tcp_backlog as i32);
            listeners.push(Arc::new(bound.map_err(|error| bind_error(setting, ip, port, error))?));
        }
    }
    Ok(listeners)
}

fn bind_error(port_setting: &'static str, ip: IpAddr, port: u16, error: io::Error) -> StartError {
    let (setting, sentence) = match error.kind() {
        io::ErrorKind::AddrInUse => (
            port_setting,
            format!(
                "{port_setting} {port} is taken by another program on {ip}: stop it, or choose another {port_setting}"
            ),
        ),
        io::ErrorKind::PermissionDenied => {
            (port_setting, format!("{port_setting} {port} is not for ordinary users: choose one from 1024 on"))
        }
        io::ErrorKind::AddrNotAvailable => {
            ("bind", format!("bind {ip} is no address of this machine: choose one of its own, or 127.0.0.1"))
        }
        _ => (port_setting, format!("cannot listen on {ip}:{port}: {error}")),
    };
    StartError::new(setting, sentence, error)
}

/// Lets the process open a descriptor for every client, as far as it may.
fn raise_descriptor_limit(clients_max: usize) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    /// Descriptors for everything but clients: listeners, event loops, files.
    const OTHERS: u64 = 64;
    let wanted = clients_max as u64 + OTHERS;
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < wanted) {
        let current = Some(limit.maximum.map_or(wanted, |most| wanted.min(most)));
        // If it may not, accepting reports the shortage when it comes to that.
        let _ = setrlimit(Resource::Nofile, Rlimit { current, maximum: limit.maximum });
    }
}
