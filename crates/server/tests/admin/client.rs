//! A node in this process, and a client that speaks just enough RESP to be told apart from a real one by nobody.

use scrubjay_server::clients::Protocol;
use scrubjay_server::{Config, Given, Node};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long anything may take before a test fails.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// A node on free ports.
pub fn node(config: Config) -> Node {
    let config = Config { threads: 2, ..config };
    Node::start_with(config, Given { any_port: true, ..Given::default() }).expect("a node")
}

/// A node with default settings.
pub fn plain_node() -> Node {
    node(Config::default())
}

/// A connection to a node's port for Redis clients.
pub struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    /// Connects.
    pub fn of(node: &Node) -> Client {
        Client::to(node.address(Protocol::Resp).expect("a port for Redis clients"))
    }

    fn to(address: SocketAddr) -> Client {
        let stream = TcpStream::connect(address).expect("a connection");
        stream.set_read_timeout(Some(DEADLINE)).expect("a deadline");
        stream.set_nodelay(true).expect("no delay");
        Client { stream: BufReader::new(stream) }
    }

    /// This end's address, as the node's `CLIENT LIST` shows it.
    pub fn address(&self) -> SocketAddr {
        self.stream.get_ref().local_addr().expect("an address")
    }

    /// Sends commands of words that hold no spaces, one a line, in one write.
    pub fn send(&mut self, lines: &str) {
        let mut bytes = Vec::new();
        for line in lines.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            bytes.extend(format!("*{}\r\n", words.len()).bytes());
            words.iter().for_each(|word| bytes.extend(format!("${}\r\n{word}\r\n", word.len()).bytes()));
        }
        self.stream.get_mut().write_all(&bytes).expect("sent");
    }

    /// Sends a command and reads its answer.
    pub fn ask(&mut self, line: &str) -> String {
        self.send(line);
        self.read()
    }

    /// Reads an answer as text: arrays as `[a, b]`, maps as `{a: b}`, errors with their `-`.
    pub fn read(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).expect("an answer before the deadline");
        let line = line.trim_end();
        assert!(!line.is_empty(), "the node closed the connection");
        let (kind, rest) = line.split_at(1);
        let mut several = |count: usize| (0..count).map(|_| self.read()).collect::<Vec<_>>();
        match kind {
            "+" | ":" | "," => rest.to_owned(),
            "-" => line.to_owned(),
            "_" => "(nil)".to_owned(),
            "$" | "=" if rest == "-1" => "(nil)".to_owned(),
            "$" | "=" => {
                let mut bytes = vec![0; rest.parse::<usize>().expect("a length") + 2];
                self.stream.read_exact(&mut bytes).expect("a whole answer");
                bytes.truncate(bytes.len() - 2);
                String::from_utf8_lossy(&bytes).into_owned()
            }
            "*" if rest == "-1" => "(nil)".to_owned(),
            "*" | "~" => format!("[{}]", several(rest.parse().expect("a count")).join(", ")),
            "%" => {
                let items = several(2 * rest.parse::<usize>().expect("a count"));
                let pairs: Vec<String> = items.chunks(2).map(|pair| format!("{}: {}", pair[0], pair[1])).collect();
                format!("{{{}}}", pairs.join(", "))
            }
            _ => panic!("no RESP: {line}"),
        }
    }

    /// A field of `INFO`.
    pub fn info(&mut self, field: &str) -> String {
        let text = self.ask("INFO everything");
        let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        line.unwrap_or_else(|| panic!("INFO has no {field}:\n{text}")).to_owned()
    }

    /// Whether the node closes the connection, without another answer.
    pub fn is_closed(&mut self) -> bool {
        matches!(self.stream.read(&mut [0]), Ok(0) | Err(_))
    }
}
