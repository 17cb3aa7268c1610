//! A node on free ports, and a client that says exactly the bytes it is told to say.

use scrubjay_base::clock::{Clock, ManualClock};
use scrubjay_server::clients::Protocol;
use scrubjay_server::config::{Layer, Origin, resolve};
use scrubjay_server::{Given, Node};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// When it is at the start of a test: 2023-11-14 22:13:20 UTC.
pub const NOW_MS: u64 = 1_700_000_000_000;
/// How long a test waits for what must come.
const DEADLINE: Duration = Duration::from_secs(20);

/// A node with one thread, whose clock moves when a test moves it.
pub struct TestNode {
    pub node: Node,
    pub clock: Arc<ManualClock>,
}

/// A node with default settings.
pub fn node() -> TestNode {
    node_with(&[])
}

/// A node with these settings.
pub fn node_with(settings: &[(&str, &str)]) -> TestNode {
    let clock = Arc::new(ManualClock::new(NOW_MS));
    let layers = [("threads", "1"), ("max-memory", "256mb")]
        .iter()
        .chain(settings)
        .map(|(name, text)| Layer::new(Origin::Flag, *name, *text));
    let resolved = resolve(layers.collect::<Vec<_>>()).expect("settings");
    let given = Given { clock: Some(clock.clone() as Arc<dyn Clock>), any_port: true };
    TestNode { node: Node::start_with(resolved, given).expect("a node"), clock }
}

impl TestNode {
    /// A new connection to the HTTP door.
    pub fn connect(&self) -> Client {
        Client::to(self.node.address(Protocol::Http).expect("an HTTP door"))
    }

    /// A new connection to the door for Redis clients.
    pub fn connect_resp(&self) -> Client {
        Client::to(self.node.address(Protocol::Resp).expect("a RESP door"))
    }

    /// One request on a connection of its own.
    pub fn ask(&self, request: &str) -> Answer {
        self.connect().ask(request)
    }

    /// `GET path`, as JSON.
    pub fn get(&self, path: &str) -> Value {
        self.ask(&format!("GET {path}")).json()
    }

    /// What a Redis client gets for one command of words without spaces.
    pub fn redis(&self, line: &str) -> Vec<u8> {
        let mut client = self.connect_resp();
        client.send(format!("{line}\r\n").as_bytes());
        client.line()
    }
}

/// An answer, taken apart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    pub status: u16,
    pub fields: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    /// A header field; empty if there is none.
    pub fn field(&self, name: &str) -> &str {
        self.fields.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
    }

    pub fn json(&self) -> Value {
        assert_eq!(self.field("Content-Type"), "application/json", "{self:?}");
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// The code of an error; checks its shape.
    pub fn code(&self) -> String {
        let json = self.json();
        assert!(json["error"].is_string() && json.as_object().is_some_and(|members| members.len() == 2), "{json}");
        json["code"].as_str().expect("a code").to_owned()
    }
}

/// One connection.
pub struct Client {
    reader: BufReader<TcpStream>,
}

impl Client {
    fn to(address: SocketAddr) -> Client {
        let stream = TcpStream::connect(address).expect("a connection");
        stream.set_read_timeout(Some(DEADLINE)).expect("a deadline");
        stream.set_write_timeout(Some(DEADLINE)).expect("a deadline");
        stream.set_nodelay(true).expect("no delay");
        Client { reader: BufReader::new(stream) }
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.reader.get_mut().write_all(bytes).expect("the node reads");
    }

    /// Sends as much as the node takes, until it closes.
    pub fn send_until_closed(&mut self, bytes: &[u8]) {
        let _ = self.reader.get_mut().write_all(bytes);
    }

    /// Sends a request made by [`request`] and reads its answer.
    pub fn ask(&mut self, text: &str) -> Answer {
        self.send(&request(text));
        self.answer(text.starts_with("HEAD"))
    }

    /// Reads one answer; that to `HEAD` has no body.
    pub fn answer(&mut self, head_only: bool) -> Answer {
        let status_line = self.text_line();
        let status = status_line.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).expect(&status_line);
        let mut answer = Answer { status: status.parse().expect("a status"), fields: Vec::new(), body: Vec::new() };
        loop {
            let line = self.text_line();
            let Some((name, value)) = line.split_once(':') else {
                assert_eq!(line, "", "a header line");
                break;
            };
            answer.fields.push((name.to_owned(), value.trim().to_owned()));
        }
        let length: usize = answer.field("Content-Length").parse().unwrap_or(0);
        if !head_only {
            answer.body = vec![0; length];
            self.reader.read_exact(&mut answer.body).expect("the body");
        }
        answer
    }

    /// A line without its end.
    pub fn line(&mut self) -> Vec<u8> {
        let mut line = Vec::new();
        self.reader.read_until(b'\n', &mut line).expect("a line");
        assert!(line.ends_with(b"\r\n"), "the connection ended in {:?}", String::from_utf8_lossy(&line));
        line.truncate(line.len() - 2);
        line
    }

    fn text_line(&mut self) -> String {
        String::from_utf8(self.line()).expect("text")
    }

    /// Whether the node has closed the connection, having said nothing more.
    pub fn is_closed(&mut self) -> bool {
        let mut rest = Vec::new();
        match self.reader.read_to_end(&mut rest) {
            Ok(_) => rest.is_empty(),
            Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }

    /// Says that nothing more will be sent.
    pub fn finish(&mut self) {
        self.reader.get_mut().shutdown(std::net::Shutdown::Write).expect("an open connection");
    }
}

/// A request from lines: the request line without version, header lines, and behind an empty line the body, whose length
/// is added.
pub fn request(text: &str) -> Vec<u8> {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut lines = head.lines();
    let mut request = format!("{} HTTP/1.1\r\nHost: test\r\n", lines.next().expect("a request line"));
    for line in lines {
        request.push_str(line);
        request.push_str("\r\n");
    }
    if !body.is_empty() {
        request.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    request.push_str("\r\n");
    request.push_str(body);
    request.into_bytes()
}

/// `text` with a body of JSON.
pub fn with_json(text: &str, body: &str) -> String {
    format!("{text}\nContent-Type: application/json\n\n{body}")
}
