//! A running node as a target: RESP over TCP, pipelined, with nothing but the standard library.
//!
//! ```text
//!   window of requests        GET a  GET b  GET c  GET d   -->  one write
//!                             hit    nil    nil    hit     <--  one or more reads
//!                             SET b  SET c                 -->  one write, one answer each
//! ```
//!
//! **What the window changes.** All GETs of a window reach the node before its SETs, so up to `window - 1` misses are
//! inserted a little late: an object that they would have pushed out may still be hit once. A window ends before a key that
//! it already holds, so a key's own second request always finds its first one's insert. With a window of 1 the node sees
//! exactly the trace's order, at one round trip a request. Measured (a shop's trace, a node of 2 MB): windows of 1 to 256
//! miss 0.1770 to 0.1784 of the requests, which is also the spread of repeating one of them. A server that counts replies
//! under way against its limit, as Redis does, evicts more under a large window: 0.200 with 1, 0.213 with 64, in 3 MB.
//!
//! Keys are the trace's numbers as 16 hexadecimal digits; values are as long as the trace says. What is in the node stays
//! there, and what the replay inserted stays too: replay into a node, or a database of it, that has nothing else to do.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use hashbrown::HashSet;

use crate::run::{Target, TargetError};
use crate::trace::Request;

/// How many requests are under way at once unless told otherwise.
pub const WINDOW: usize = 64;

/// How long a node may stay silent. It answers in microseconds; half a minute is a node that is gone.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Where a node is and how to get in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Address {
    /// Name or number of the machine.
    pub host: String,
    /// The RESP port.
    pub port: u16,
    /// The user, if not the default one.
    pub user: Option<String>,
    /// The password, if one is asked for.
    pub password: Option<String>,
    /// The database, `0..=15`.
    pub database: u8,
}

impl Address {
    /// Reads `scheme://[[user]:password@]host[:port][/database]`; the scheme is `scrubjay`, `redis`, or left out.
    ///
    /// # Errors
    /// [`TargetError`] that says which part is wrong.
    ///
    /// ```
    /// use scrubjay_replay::node::Address;
    /// let address = Address::parse("scrubjay://:secret@cache.example/3")?;
    /// assert_eq!((address.host.as_str(), address.port, address.database), ("cache.example", 6379, 3));
    /// # Ok::<(), scrubjay_replay::run::TargetError>(())
    /// ```
    pub fn parse(url: &str) -> Result<Address, TargetError> {
        let bad =
            |what: &str| TargetError::new(format!("cannot use the URL '{url}': {what}; write scrubjay://host:6379"));
        let rest = match url.split_once("://") {
            Some(("scrubjay" | "redis", rest)) => rest,
            Some((scheme, _)) => return Err(bad(&format!("a replay speaks RESP without TLS, not '{scheme}'"))),
            None => url,
        };
        let (login, rest) = rest.rsplit_once('@').map_or((None, rest), |(login, rest)| (Some(login), rest));
        let (place, database) = rest.split_once('/').unwrap_or((rest, ""));
        let (host, port) = match place.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
            Some((host, after)) => (host, after.strip_prefix(':').unwrap_or(after)),
            None => place.split_once(':').unwrap_or((place, "")),
        };
        if host.is_empty() {
            return Err(bad("the host is missing"));
        }
        let port = if port.is_empty() { 6379 } else { port.parse().map_err(|_| bad("the port is not 1..65535"))? };
        let database = if database.is_empty() { Ok(0) } else { database.parse::<u8>() };
        let database = database.ok().filter(|&number| number < 16).ok_or_else(|| bad("the database is not 0..15"))?;
        let (user, password) = match login.map(|login| login.split_once(':').unwrap_or(("", login))) {
            Some((user, password)) => ((!user.is_empty()).then(|| user.to_owned()), Some(password.to_owned())),
            None => (None, None),
        };
        Ok(Address { host: host.to_owned(), port, user, password, database })
    }
}

/// A connection to a running node.
pub struct Node {
    stream: BufReader<TcpStream>,
    name: String,
    window: usize,
    outgoing: Vec<u8>,
    line: Vec<u8>,
    refused: u64,
}

impl Node {
    /// Connects, authenticates and selects the database. `window` requests are under way at once ([`WINDOW`]).
    ///
    /// # Errors
    /// [`TargetError`] when nobody listens, or the node refuses the password or the database.
    pub fn connect(address: &Address, window: usize) -> Result<Node, TargetError> {
        let name = format!("{}:{}", address.host, address.port);
        let stream = TcpStream::connect((address.host.as_str(), address.port))
            .map_err(|source| TargetError::io(format!("cannot connect to the node at {name}"), source))?;
        let set = |source| TargetError::io(format!("cannot set up the connection to {name}"), source);
        stream.set_nodelay(true).map_err(set)?;
        stream.set_read_timeout(Some(TIMEOUT)).map_err(set)?;
        stream.set_write_timeout(Some(TIMEOUT)).map_err(set)?;
        let stream = BufReader::with_capacity(64 << 10, stream);
        let mut node = Node { stream, name, window: window.max(1), outgoing: Vec::new(), line: Vec::new(), refused: 0 };
        if let Some(password) = &address.password {
            let user = address.user.iter().map(String::as_bytes);
            let words: Vec<&[u8]> = [&b"AUTH"[..]].into_iter().chain(user).chain([password.as_bytes()]).collect();
            node.ask(&words)?;
        }
        if address.database != 0 {
            node.ask(&[b"SELECT", address.database.to_string().as_bytes()])?;
        }
        Ok(node)
    }

    /// Inserts that the node refused for lack of memory, as `noeviction` does.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// One command whose answer must not be an error.
    fn ask(&mut self, words: &[&[u8]]) -> Result<(), TargetError> {
        self.outgoing.extend(format!("*{}\r\n", words.len()).as_bytes());
        for word in words {
            self.outgoing.extend(format!("${}\r\n", word.len()).as_bytes());
            self.outgoing.extend(*word);
            self.outgoing.extend(b"\r\n");
        }
        self.send()?;
        match self.answer_of_one()? {
            Answer::Error(text) => Err(TargetError::new(format!("the node at {} refuses: {text}", self.name))),
            _ => Ok(()),
        }
    }

    fn send(&mut self) -> Result<(), TargetError> {
        let sent = self.stream.get_mut().write_all(&self.outgoing);
        self.outgoing.clear();
        sent.map_err(|source| TargetError::io(format!("lost the node at {} while writing", self.name), source))
    }

    /// Reads one answer and throws away what it carries.
    fn answer_of_one(&mut self) -> Result<Answer, TargetError> {
        let lost = |name: &str, source| TargetError::io(format!("lost the node at {name} while reading"), source);
        self.line.clear();
        // A line is a length or a sentence; a megabyte of it without an end is no RESP.
        let read = (&mut self.stream).take(1 << 20).read_until(b'\n', &mut self.line);
        read.map_err(|source| lost(&self.name, source))?;
        let odd = |line: &[u8]| {
            let text = String::from_utf8_lossy(&line[..line.len().min(80)]).trim_end().to_owned();
            TargetError::new(format!("the node at {} does not speak RESP: it answered '{text}'", self.name))
        };
        let Some(body) = self.line.strip_suffix(b"\r\n") else {
            if self.line.is_empty() {
                return Err(TargetError::new(format!("the node at {} closed the connection", self.name)));
            }
            return Err(odd(&self.line));
        };
        match body.split_first() {
            Some((b'+' | b':', _)) => Ok(Answer::Something),
            Some((b'_', b"")) | Some((b'$', b"-1")) => Ok(Answer::Nothing),
            Some((b'-', text)) => Ok(Answer::Error(String::from_utf8_lossy(text).into_owned())),
            Some((b'$', length)) => {
                let length = std::str::from_utf8(length).ok().and_then(|text| text.parse::<u64>().ok());
                let length = length.ok_or_else(|| odd(&self.line))? + 2;
                let skipped = std::io::copy(&mut (&mut self.stream).take(length), &mut std::io::sink())
                    .map_err(|source| lost(&self.name, source))?;
                if skipped < length {
                    return Err(TargetError::new(format!("the node at {} closed the connection", self.name)));
                }
                Ok(Answer::Something)
            }
            _ => Err(odd(&self.line)),
        }
    }

    /// GETs, then SETs of what was missing. No key occurs twice.
    fn answer_distinct(&mut self, requests: &[Request], hits: &mut Vec<bool>) -> Result<(), TargetError> {
        for request in requests {
            self.outgoing.extend(b"*2\r\n$3\r\nGET\r\n$16\r\n");
            self.outgoing.extend(request.key_text());
            self.outgoing.extend(b"\r\n");
        }
        self.send()?;
        let first = hits.len();
        for _ in requests {
            match self.answer_of_one()? {
                Answer::Something => hits.push(true),
                Answer::Nothing => hits.push(false),
                Answer::Error(text) => {
                    return Err(TargetError::new(format!("the node at {} refuses GET: {text}", self.name)));
                }
            }
        }
        let mut inserts = 0;
        for (request, _) in requests.iter().zip(&hits[first..]).filter(|(_, hit)| !**hit) {
            let (key, size) = (request.key, request.size);
            self.outgoing.extend(b"*3\r\n$3\r\nSET\r\n$16\r\n");
            self.outgoing.extend(request.key_text());
            self.outgoing.extend(format!("\r\n${size}\r\n").as_bytes());
            // Counting bytes: neither a constant, which a node might fold, nor text, which it might compress well.
            self.outgoing.extend((0..size).map(|i| (i as u8).wrapping_mul(167) ^ key as u8));
            self.outgoing.extend(b"\r\n");
            inserts += 1;
        }
        if inserts > 0 {
            self.send()?;
        }
        for _ in 0..inserts {
            match self.answer_of_one()? {
                Answer::Error(text) if text.starts_with("OOM") => self.refused += 1,
                Answer::Error(text) => {
                    return Err(TargetError::new(format!("the node at {} refuses SET: {text}", self.name)));
                }
                Answer::Something | Answer::Nothing => {}
            }
        }
        Ok(())
    }
}

enum Answer {
    Something,
    Nothing,
    Error(String),
}

impl Target for Node {
    fn window(&self) -> usize {
        self.window
    }

    fn answer(&mut self, requests: &[Request], hits: &mut Vec<bool>) -> Result<(), TargetError> {
        let mut rest = requests;
        let mut seen = HashSet::with_capacity(requests.len());
        while !rest.is_empty() {
            seen.clear();
            let distinct = rest.iter().position(|r| !seen.insert(r.key)).unwrap_or(rest.len());
            let (head, tail) = rest.split_at(distinct);
            self.answer_distinct(head, hits)?;
            rest = tail;
        }
        Ok(())
    }
}
