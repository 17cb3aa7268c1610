//! For tests inside this crate: a node's state without sockets, and a client that runs commands on it.

use crate::clients::{ClientInfo, Protocol};
use crate::config::{Config, Live};
use crate::session::Session;
use crate::shared::Shared;
use scrubjay_base::clock::ManualClock;
use scrubjay_command::{Args, Handler, Span, Value, ValueReply, resolve};
use std::net::SocketAddr;
use std::sync::Arc;

/// When it is in tests: 2023-11-14 22:13:20 UTC.
pub const NOW_MS: u64 = 1_700_000_000_000;

/// The state of a node, and its clock.
pub struct Node {
    pub shared: Shared,
    pub clock: Arc<ManualClock>,
}

/// A node with these settings and one network thread that does not run.
pub fn node(config: Config) -> Node {
    let clock = Arc::new(ManualClock::new(NOW_MS));
    let store = scrubjay_store::Config { start_ms: NOW_MS, ..scrubjay_store::Config::default() };
    let settings = Live::new(config.into(), 1 << 30);
    let shared = Shared::new(settings, store, clock.clone(), 1).expect("a node's state");
    Node { shared, clock }
}

/// The state of a node with default settings and one network thread that does not run.
pub fn shared() -> Shared {
    shared_with(Config::default())
}

/// As [`shared`], with these settings.
pub fn shared_with(config: Config) -> Shared {
    node(config).shared
}

/// A client that is connected from 127.0.0.1:`port`.
pub fn session(shared: &Shared, port: u16) -> Session {
    let peer = SocketAddr::from(([127, 0, 0, 1], port));
    let local = SocketAddr::from(([127, 0, 0, 1], 6379));
    let info = ClientInfo::new(shared.clients.next_id(), peer, local, Protocol::Resp, NOW_MS, 0, 8);
    let info = Arc::new(info);
    shared.clients.insert(info.clone());
    Session::new(info, shared.config().requirepass.is_empty())
}

/// Runs a command of words that hold no spaces, and returns its answer as text, in the manner of redis-cli on one line.
pub fn run(shared: &Shared, session: &mut Session, line: &str) -> String {
    let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
    run_words(shared, session, &words)
}

/// As [`run`], with words of any bytes.
pub fn run_words(shared: &Shared, session: &mut Session, words: &[&[u8]]) -> String {
    let mut spans = Vec::new();
    let mut start = 0;
    for word in words {
        spans.push(Span { start, length: word.len() as u32 });
        start += word.len() as u32;
    }
    let buffer = words.concat();
    let args = Args::new(&buffer, &spans);
    let mut reply = ValueReply::new();
    let done = match resolve(&args).map(|row| row.handler) {
        Ok(Handler::Server(command)) => crate::command::run(command, shared, session, &args, &mut reply),
        Ok(_) => panic!("{line} is no command of the server", line = String::from_utf8_lossy(&words.join(&b' '))),
        Err(reject) => Err(reject),
    };
    match done {
        Ok(()) => reply.finish().map_or("(silence)".to_owned(), |value| show(&value)),
        Err(reject) => format!("(error) {reject}"),
    }
}

fn show(value: &Value) -> String {
    match value {
        Value::Simple(text) => (*text).to_owned(),
        Value::Bulk(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::Null => "(nil)".to_owned(),
        Value::Int(value) => value.to_string(),
        Value::Double(value) => value.to_string(),
        Value::Boolean(value) => value.to_string(),
        Value::Array(items) => format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join(", ")),
        Value::Map(pairs) => {
            let pairs: Vec<String> =
                pairs.iter().map(|(key, value)| format!("{}: {}", show(key), show(value))).collect();
            format!("{{{}}}", pairs.join(", "))
        }
        Value::Error(reject) => format!("(error) {reject}"),
    }
}
