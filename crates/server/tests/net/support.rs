//! A node on free ports with a clock that the test moves, and a client that sees every byte.

use scrubjay_base::clock::ManualClock;
use scrubjay_server::clients::{ClientInfo, Protocol};
use scrubjay_server::config::{Layer, Origin, resolve};
use scrubjay_server::{Given, Node, Shared};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long any wait in these tests may take before they fail: long enough for a machine that does ten other things.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// A node of its own for one test; it stops when the test is over.
pub struct TestNode {
    pub node: Node,
    pub clock: Arc<ManualClock>,
}

impl TestNode {
    /// With two threads, the RESP door only, and these settings.
    pub fn start(settings: &[(&str, &str)]) -> TestNode {
        let defaults = [("threads", "2"), ("http-port", "0"), ("max-memory", "256mb")];
        let layers = defaults.iter().chain(settings).map(|(name, value)| Layer::new(Origin::Flag, *name, *value));
        let clock = Arc::new(ManualClock::new(1_700_000_000_000));
        let given = Given { clock: Some(clock.clone()), any_port: true };
        let node = Node::start_with(resolve(layers).expect("settings"), given).expect("a node");
        TestNode { node, clock }
    }

    pub fn shared(&self) -> &Shared {
        self.node.shared()
    }

    pub fn address(&self) -> SocketAddr {
        self.node.address(Protocol::Resp).expect("a RESP door")
    }

    pub fn connect(&self) -> Client {
        Client::connect(self.address())
    }

    /// Connects, and waits until the node serves the connection.
    pub fn connect_known(&self) -> (Client, Arc<ClientInfo>) {
        let client = self.connect();
        let local = client.stream.local_addr().expect("an address");
        let info = until("the node knows the client", || {
            self.shared().clients.list().into_iter().find(|info| info.peer == local)
        });
        (client, info)
    }
}

/// Calls `probe` until it finds something; fails at the deadline.
pub fn until<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(begun.elapsed() < DEADLINE, "waited {DEADLINE:?} in vain: {what}");
        std::thread::yield_now();
    }
}

/// A connection that says what it is told to and checks what it hears.
pub struct Client {
    pub stream: TcpStream,
}

impl Client {
    pub fn connect(address: SocketAddr) -> Client {
        let stream = TcpStream::connect(address).expect("a connection");
        stream.set_read_timeout(Some(DEADLINE)).expect("a time-out");
        stream.set_write_timeout(Some(DEADLINE)).expect("a time-out");
        stream.set_nodelay(true).expect("no delay");
        Client { stream }
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Client {
        self.stream.write_all(bytes.as_ref()).expect("the node takes it");
        self
    }

    /// Sends one command as an array of bulk strings.
    pub fn command(&mut self, words: &[&[u8]]) -> &mut Client {
        self.send(encode(words))
    }

    /// The next bytes are these.
    pub fn hears(&mut self, expected: impl AsRef<[u8]>) -> &mut Client {
        let expected = expected.as_ref();
        let mut got = vec![0; expected.len()];
        let mut filled = 0;
        while filled < got.len() {
            match self.stream.read(&mut got[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) => panic!("{error} after {:?}", String::from_utf8_lossy(&got[..filled])),
            }
        }
        got.truncate(filled);
        if got != expected {
            let at = got.iter().zip(expected).position(|(a, b)| a != b).unwrap_or(filled);
            let shown = |bytes: &[u8]| {
                String::from_utf8_lossy(&bytes[at.min(bytes.len())..]).chars().take(200).collect::<String>()
            };
            panic!("from byte {at} on heard {:?} instead of {:?}", shown(&got), shown(expected));
        }
        self
    }

    /// The node closes, having said these bytes and no more.
    pub fn hears_the_end_after(&mut self, expected: impl AsRef<[u8]>) {
        let mut got = Vec::new();
        match self.stream.read_to_end(&mut got) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
            Err(error) => panic!("{error} after {:?}", String::from_utf8_lossy(&got)),
        }
        assert_eq!(String::from_utf8_lossy(&got), String::from_utf8_lossy(expected.as_ref()));
    }

    /// The next line, without its end.
    pub fn reads_line(&mut self) -> String {
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            let mut byte = [0];
            self.stream.read_exact(&mut byte).expect("a line");
            line.push(byte[0]);
        }
        String::from_utf8_lossy(&line[..line.len() - 2]).into_owned()
    }

    /// The next bulk string.
    pub fn reads_bulk(&mut self) -> String {
        let header = self.reads_line();
        let length: usize =
            header.strip_prefix(['$', '=']).and_then(|length| length.parse().ok()).expect("a bulk string");
        let mut bytes = vec![0; length + 2];
        self.stream.read_exact(&mut bytes).expect("a bulk string");
        bytes.truncate(length);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Reads lines until one is `last`.
    pub fn reads_until(&mut self, last: &str) {
        while self.reads_line() != last {}
    }

    pub fn pings(&mut self) {
        self.send("PING\r\n").hears("+PONG\r\n");
    }
}

/// A command as an array of bulk strings.
pub fn encode(words: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend(format!("${}\r\n", word.len()).bytes());
        bytes.extend_from_slice(word);
        bytes.extend(b"\r\n");
    }
    bytes
}

/// A bulk string.
pub fn bulk(bytes: &[u8]) -> Vec<u8> {
    [format!("${}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}
