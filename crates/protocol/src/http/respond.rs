//! Answers, written straight into the connection's output.
//!
//! The length of a JSON body is known when it has been written; its `Content-Length` stands in front. So the number is
//! left blank, and filled in afterwards: spaces before a field's value are allowed (RFC 9112 section 5), so nothing has
//! to be moved and nothing is built twice.

use super::decode::Request;
use super::fault::{Fault, Status};
use super::head::Method;
use super::json;
use crate::OutputBuffer;
use crate::buffer::Mark;
use scrubjay_command::args::Digits;
use scrubjay_store::SharedBytes;

/// `application/json`
pub const JSON: &str = "application/json";
/// `application/octet-stream`
pub const BYTES: &str = "application/octet-stream";

/// What all answers of one exchange have in common.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// The text of the `Date` header.
    pub date: [u8; 29],
    /// Whether the connection stays open afterwards.
    pub keep_alive: bool,
    /// Whether the client speaks HTTP/1.0.
    pub http_1_0: bool,
    /// Whether the body is left out (`HEAD`).
    pub head_only: bool,
}

impl Manner {
    /// How to answer `request`.
    #[inline]
    pub fn of(request: &Request<'_>, date: &[u8; 29]) -> Manner {
        let head = request.head;
        Manner {
            date: *date,
            keep_alive: head.keep_alive,
            http_1_0: head.http_1_0,
            head_only: head.method == Method::Head,
        }
    }

    /// How to answer what could not be read: the connection ends.
    pub fn last(date: &[u8; 29]) -> Manner {
        Manner { date: *date, keep_alive: false, http_1_0: false, head_only: false }
    }
}

/// Writes one answer: the status, any number of fields, then exactly one of the bodies.
pub struct Answer<'o> {
    out: &'o mut OutputBuffer,
    manner: Manner,
}

/// Room for the twenty digits of any length, which are aligned to the right: spaces in front are what every reader skips.
const BLANK_LENGTH: &[u8] = b"Content-Length:                     \r\n\r\n";
const _: () = assert!(BLANK_LENGTH.len() == LENGTH_AT + 20 + 4);
const LENGTH_AT: usize = "Content-Length: ".len();

impl<'o> Answer<'o> {
    /// Begins an answer: status line, `Date`, and `Connection` where it is not what the protocol version implies.
    #[inline]
    pub fn begin(out: &'o mut OutputBuffer, manner: Manner, status: Status) -> Answer<'o> {
        match status.0 {
            200 => out.put(b"HTTP/1.1 200 OK\r\nDate: "),
            201 => out.put(b"HTTP/1.1 201 Created\r\nDate: "),
            _ => {
                out.put(b"HTTP/1.1 ");
                out.put(Digits::of(i64::from(status.0)).as_bytes());
                out.put(b" ");
                out.put(status.reason().as_bytes());
                out.put(b"\r\nDate: ");
            }
        }
        out.put(&manner.date);
        out.put(match (manner.keep_alive, manner.http_1_0) {
            (true, false) => b"\r\n",
            (true, true) => b"\r\nConnection: keep-alive\r\n".as_slice(),
            (false, _) => b"\r\nConnection: close\r\n",
        });
        Answer { out, manner }
    }

    /// A header field. Name and value must be free of CR and LF.
    pub fn field(&mut self, name: &str, value: &str) {
        self.lines(&format!("{name}: {value}\r\n"));
    }

    /// Header lines, each ended by CRLF.
    pub fn lines(&mut self, lines: &str) {
        self.out.put(lines.as_bytes());
    }

    /// `ETag`: the entry's version, quoted.
    #[inline]
    pub fn etag(&mut self, version: u64) {
        self.out.put(b"ETag: \"");
        json::number(self.out, version);
        self.out.put(b"\"\r\n");
    }

    /// `X-TTL`: what is left, in seconds.
    #[inline]
    pub fn ttl(&mut self, left_ms: u64) {
        self.out.put(b"X-TTL: ");
        json::seconds(self.out, left_ms);
        self.out.put(b"\r\n");
    }

    /// Ends with no body at all, for statuses that have none (204, 304).
    pub fn without_body(self) {
        self.out.put(b"\r\n");
    }

    /// Ends with a body that is copied.
    #[inline]
    pub fn bytes(mut self, content_type: &str, bytes: &[u8]) {
        self.sized(content_type, bytes.len());
        if !self.manner.head_only {
            self.out.put(bytes);
        }
    }

    /// Ends with a body that stays where the store has it.
    pub fn shared(mut self, content_type: &str, bytes: SharedBytes) {
        self.sized(content_type, bytes.len());
        if !self.manner.head_only {
            self.out.put_shared(bytes);
        }
    }

    #[inline]
    fn sized(&mut self, content_type: &str, length: usize) {
        self.out.put(b"Content-Type: ");
        self.out.put(content_type.as_bytes());
        self.out.put(b"\r\nContent-Length: ");
        json::number(self.out, length as u64);
        self.out.put(b"\r\n\r\n");
    }

    /// Ends with a body of `content_type` that `write` writes.
    #[inline]
    pub fn body<R>(self, content_type: &str, write: impl FnOnce(&mut OutputBuffer) -> R) -> R {
        self.out.put(b"Content-Type: ");
        self.out.put(content_type.as_bytes());
        self.out.put(b"\r\n");
        let length_at = self.out.mark();
        self.out.put(BLANK_LENGTH);
        let (start, body) = (self.out.len(), self.out.mark());
        let written = write(self.out);
        let length = Digits::of((self.out.len() - start) as i64);
        let digits = length.as_bytes();
        self.out.patch(length_at, LENGTH_AT + 20 - digits.len(), digits);
        if self.manner.head_only {
            self.out.rewind(body);
        }
        written
    }

    /// Ends with a JSON body that `write` writes.
    #[inline]
    pub fn json<R>(self, write: impl FnOnce(&mut OutputBuffer) -> R) -> R {
        self.body(JSON, write)
    }
}

/// Answers with a fault, in place of whatever was written since `start`.
#[cold]
pub fn fault(out: &mut OutputBuffer, start: Mark, manner: Manner, fault: &Fault) {
    out.rewind(start);
    let mut answer = Answer::begin(out, manner, fault.status);
    answer.lines(&fault.headers);
    answer.json(|out| {
        out.put(b"{\"error\":");
        json::string(out, &fault.message);
        out.put(b",\"code\":");
        json::string(out, fault.code);
        out.put(b"}");
    });
}
