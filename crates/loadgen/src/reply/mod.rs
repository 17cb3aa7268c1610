//! Bytes -> counted replies. Every reply is parsed, because a server may be fast at answering errors or misses.
//!
//! A decoder looks at the first bytes of a reply and says how long the whole is and what it means. Payload that has not
//! arrived yet is skipped by count and never kept, so what is carried from one read to the next is at most an unfinished line
//! (HTTP: an unfinished head). The reply that is expected, a hit of the configured value length, is recognised by one
//! comparison; all others take the general way.

mod http;
mod memcached;
mod resp;

use crate::{Config, Error, Protocol};

/// What one reply says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Meaning {
    Hit,
    Miss,
    Stored,
    /// The text is the reply's first line.
    Refused,
}

/// One reply: its whole length, part of which may not have arrived, and its meaning.
#[derive(PartialEq, Eq, Debug)]
struct Reply {
    length: usize,
    meaning: Meaning,
}

/// What the replies of a window added up to.
#[derive(Clone, Default, Debug)]
pub(crate) struct Tally {
    pub(crate) hits: u64,
    pub(crate) misses: u64,
    pub(crate) stored: u64,
    pub(crate) errors: u64,
    pub(crate) first_error: Option<String>,
}

impl Tally {
    pub(crate) fn replies(&self) -> u64 {
        self.hits + self.misses + self.stored + self.errors
    }

    pub(crate) fn merge(&mut self, other: Tally) {
        self.hits += other.hits;
        self.misses += other.misses;
        self.stored += other.stored;
        self.errors += other.errors;
        self.first_error = self.first_error.take().or(other.first_error);
    }
}

/// Reads the replies of one protocol. Holds no state of a connection: that is two numbers, which the connection keeps.
pub(crate) struct Scanner {
    protocol: Protocol,
    /// What follows the first fixed bytes of a hit with a value of the configured length.
    hit_head: Vec<u8>,
    value_bytes: usize,
}

impl Scanner {
    pub(crate) fn new(config: &Config) -> Scanner {
        let length = config.value_bytes;
        let hit_head = match config.protocol {
            Protocol::Resp => format!("${length}\r\n"),
            Protocol::Memcached => format!(" 0 {length}\r\n"),
            Protocol::Meta => format!("VA {length}\r\n"),
            Protocol::Http => String::new(),
        };
        Scanner { protocol: config.protocol, hit_head: hit_head.into_bytes(), value_bytes: length }
    }

    /// Counts replies from the start of `bytes` until `owed` are complete or the bytes run out. `skip` is the payload
    /// that an earlier call still waits for. Returns how many bytes are dealt with; the others come again, with more
    /// behind them.
    #[inline]
    pub(crate) fn scan(
        &self,
        bytes: &[u8],
        owed: &mut u32,
        skip: &mut usize,
        tally: &mut Tally,
    ) -> Result<usize, Error> {
        match self.protocol {
            Protocol::Resp => {
                scan(bytes, owed, skip, tally, |rest| resp::decode(rest, &self.hit_head, self.value_bytes))
            }
            Protocol::Memcached => {
                scan(bytes, owed, skip, tally, |rest| memcached::decode(rest, &self.hit_head, self.value_bytes))
            }
            Protocol::Meta => {
                scan(bytes, owed, skip, tally, |rest| memcached::decode_meta(rest, &self.hit_head, self.value_bytes))
            }
            Protocol::Http => scan(bytes, owed, skip, tally, http::decode),
        }
    }
}

#[inline]
fn scan(
    bytes: &[u8],
    owed: &mut u32,
    skip: &mut usize,
    tally: &mut Tally,
    decode: impl Fn(&[u8]) -> Result<Option<Reply>, Error>,
) -> Result<usize, Error> {
    let mut at = (*skip).min(bytes.len());
    *skip -= at;
    while *owed > 0 && at < bytes.len() {
        let rest = &bytes[at..];
        let Some(reply) = decode(rest)? else { break };
        match reply.meaning {
            Meaning::Hit => tally.hits += 1,
            Meaning::Miss => tally.misses += 1,
            Meaning::Stored => tally.stored += 1,
            Meaning::Refused => {
                tally.errors += 1;
                tally.first_error.get_or_insert_with(|| first_line(rest));
            }
        }
        *owed -= 1;
        at += reply.length;
        if at > bytes.len() {
            *skip = at - bytes.len();
            at = bytes.len();
        }
    }
    Ok(at)
}

/// The length of the line that `bytes` begins with, its end included.
#[inline]
fn line(bytes: &[u8]) -> Option<usize> {
    memchr::memchr(b'\n', bytes).map(|end| end + 1)
}

/// What a person can read of the first line: at most 200 characters.
fn first_line(bytes: &[u8]) -> String {
    let end = line(bytes).unwrap_or(bytes.len()).min(200);
    String::from_utf8_lossy(&bytes[..end]).trim_end().to_owned()
}

fn garbled(bytes: &[u8]) -> Error {
    Error::Garbled(format!("{:?}", first_line(bytes)))
}

fn number(digits: &[u8]) -> Option<usize> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds `wire` in pieces of every length; the tally may not depend on where the reads fell.
    fn tally_in_pieces(protocol: Protocol, wire: &[u8], replies: u32) -> Vec<(u64, u64, u64, u64, Option<String>)> {
        let scanner = Scanner::new(&Config { protocol, value_bytes: 4, ..Config::default() });
        let mut outcomes = Vec::new();
        for piece in 1..=wire.len() {
            let (mut owed, mut skip, mut tally, mut carry) = (replies, 0, Tally::default(), Vec::new());
            for chunk in wire.chunks(piece) {
                carry.extend_from_slice(chunk);
                let used = scanner.scan(&carry, &mut owed, &mut skip, &mut tally).expect("well-formed");
                carry.drain(..used);
            }
            assert_eq!((owed, skip, carry.len()), (0, 0, 0), "pieces of {piece}");
            outcomes.push((tally.hits, tally.misses, tally.stored, tally.errors, tally.first_error));
        }
        outcomes.dedup();
        outcomes
    }

    #[test]
    fn resp_replies_are_counted_wherever_reads_end() {
        let wire = b"$4\r\nabcd\r\n$-1\r\n+OK\r\n_\r\n$5\r\na\nb\r\n\r\n-OOM no room\r\n-ERR later\r\n:7\r\n$0\r\n\r\n";
        let expected = (3, 2, 2, 2, Some("-OOM no room".to_owned()));
        assert_eq!(tally_in_pieces(Protocol::Resp, wire, 9), [expected]);
    }

    #[test]
    fn memcached_replies_are_counted_wherever_reads_end() {
        let wire = b"VALUE key:000000000001 0 4\r\nabcd\r\nEND\r\nEND\r\nSTORED\r\nVALUE k 12 5\r\nENDab\r\nEND\r\n\
                     SERVER_ERROR out of memory storing object\r\n";
        let expected = (2, 1, 1, 1, Some("SERVER_ERROR out of memory storing object".to_owned()));
        assert_eq!(tally_in_pieces(Protocol::Memcached, wire, 5), [expected]);
    }

    #[test]
    fn meta_replies_are_counted_wherever_reads_end() {
        let wire =
            b"VA 4\r\nabcd\r\nEN\r\nHD\r\nVA 5 t30\r\nEN\r\na\r\nVA 0\r\n\r\nNS\r\nCLIENT_ERROR bad data chunk\r\n";
        let expected = (3, 1, 1, 2, Some("NS".to_owned()));
        assert_eq!(tally_in_pieces(Protocol::Meta, wire, 7), [expected]);
    }

    #[test]
    fn http_replies_are_counted_wherever_reads_end() {
        let wire = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nETag: \"1\"\r\n\r\nabcd\
                     HTTP/1.1 404 Not Found\r\ncontent-length:2\r\n\r\n{}HTTP/1.1 201 Created\r\nCONTENT-LENGTH: 0\r\n\r\n\
                     HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 507 Insufficient Storage\r\nContent-Length: 3\r\n\r\nfoo";
        let expected = (1, 1, 2, 1, Some("HTTP/1.1 507 Insufficient Storage".to_owned()));
        assert_eq!(tally_in_pieces(Protocol::Http, wire, 5), [expected]);
    }

    #[test]
    fn bytes_that_are_no_reply_end_the_run() {
        for (protocol, wire) in [
            (Protocol::Resp, &b"HTTP/1.1 400 Bad Request\r\n"[..]),
            (Protocol::Resp, b"$x\r\n"),
            (Protocol::Resp, b"$4\r\nabcdef+OK\r\n"),
            (Protocol::Memcached, b"-ERR unknown command\r\n"),
            (Protocol::Memcached, b"VALUE a 0 x\r\n"),
            (Protocol::Meta, b"VA x\r\n"),
            (Protocol::Meta, b"+OK\r\n"),
            (Protocol::Http, b"+OK\r\nmore\r\n\r\n"),
            (Protocol::Http, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        ] {
            let scanner = Scanner::new(&Config { protocol, value_bytes: 4, ..Config::default() });
            let outcome = scanner.scan(wire, &mut 1, &mut 0, &mut Tally::default());
            assert!(matches!(outcome, Err(Error::Garbled(_))), "{protocol:?} {wire:?}: {outcome:?}");
        }
    }
}
