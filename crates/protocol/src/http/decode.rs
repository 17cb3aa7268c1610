//! Bytes -> requests, without I/O.
//!
//! ```text
//!            head incomplete        body incomplete
//!  decode --> Partial --.   .-----> Head (once), then Partial ...
//!     ^                 |   |
//!     '--- more input --'   '-----> Ready --> request() --> finish()
//! ```
//!
//! A head is parsed where it lies; so is a body of known length. A chunked body is collected in the decoder, and its
//! head with it, so that the input can be dropped as it is decoded.
//!
//! Cost: linear in the input however it is cut. A head that arrives in pieces is searched for its end from where the
//! last search stopped, and parsed again only when it is complete or has doubled; so nonsense is refused early, too.

use super::chunked::Chunked;
use super::fault::Fault;
use super::head::{BodyLength, Field, Head};
use scrubjay_command::Span;

/// How large a request may be. The time it may take is the runtime's concern.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Longest head, request line and empty line included.
    pub head_bytes_max: usize,
    /// Longest body, decoded.
    pub body_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { head_bytes_max: 64 << 10, body_bytes_max: 512 << 20 }
    }
}

/// Empty lines before a request line are skipped (RFC 9112 section 2.2), but not without end.
const LEADING_BYTES_MAX: usize = 16;

/// What a call of [`Decoder::decode`] came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// More input is needed. The first `consumed` bytes are done with: the next call must start behind them.
    Partial {
        /// Bytes to drop from the front of the input.
        consumed: usize,
    },
    /// The head is complete, the body is not. Said once per request: the place to refuse a request before its body, or
    /// to send `100 Continue`. Call again, with the same input or more.
    Head,
    /// A whole request: see [`Decoder::request`], then [`Decoder::finish`].
    Ready,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum State {
    #[default]
    Head,
    Body {
        end: usize,
    },
    Chunked,
    Ready {
        end: usize,
    },
}

/// Decodes the requests of one connection, one after the other. After an error it must not be used again: where the
/// next request starts is unknown.
#[derive(Default, Debug)]
pub struct Decoder {
    state: State,
    head: Head,
    /// Bytes of the present input that are decoded already; the head (unless chunked) starts here.
    start: usize,
    /// Empty-line bytes skipped before this request.
    skipped: usize,
    /// How far the search for the end of the head has come, from `start`.
    searched: usize,
    /// The input length at which an incomplete head is parsed again.
    parse_at: usize,
    said_head: bool,
    collected: Option<Box<Collected>>,
}

/// A request whose body is chunked: it does not lie in one piece in the input.
#[derive(Default, Debug)]
struct Collected {
    text: Vec<u8>,
    body: Vec<u8>,
    chunks: Chunked,
}

impl Decoder {
    /// A decoder at the start of a connection. Holds no memory.
    pub fn new() -> Decoder {
        Decoder::default()
    }

    /// Looks for the next request in `input`, which holds what arrived and was not consumed.
    pub fn decode(&mut self, input: &[u8], limits: &Limits) -> Result<Step, Fault> {
        loop {
            match self.state {
                State::Head => {
                    if !self.decode_head(input, limits)? {
                        return Ok(self.partial(self.start));
                    }
                }
                State::Body { end } if input.len() >= end => self.state = State::Ready { end },
                State::Body { .. } => {
                    if !std::mem::replace(&mut self.said_head, true) {
                        return Ok(Step::Head);
                    }
                    // The head stays where it is until its body is there; nothing is consumed.
                    return Ok(Step::Partial { consumed: 0 });
                }
                State::Chunked => {
                    let Some(collected) = &mut self.collected else { return Err(Fault::bad("bad chunk")) };
                    let rest = &input[self.start..];
                    let Collected { body, chunks, .. } = &mut **collected;
                    self.start += chunks.decode(rest, body, limits.body_bytes_max)?;
                    if chunks.is_done() {
                        self.state = State::Ready { end: self.start };
                    } else if !std::mem::replace(&mut self.said_head, true) {
                        return Ok(Step::Head);
                    } else {
                        return Ok(self.partial(self.start));
                    }
                }
                State::Ready { .. } => return Ok(Step::Ready),
            }
        }
    }

    /// The request whose head is known: whole after [`Step::Ready`]; without its body after [`Step::Head`]. `input` is
    /// what [`decode`](Self::decode) was given.
    pub fn request<'a>(&'a self, input: &'a [u8]) -> Request<'a> {
        match (&self.collected, self.state) {
            (Some(collected), state) => {
                let body = if matches!(state, State::Ready { .. }) { &collected.body[..] } else { &[] };
                Request { head: &self.head, text: &collected.text, body }
            }
            (None, State::Ready { end }) => {
                let text = &input[self.start..end];
                Request { head: &self.head, text, body: &text[self.head.bytes..] }
            }
            (None, _) => Request { head: &self.head, text: &input[self.start.min(input.len())..], body: &[] },
        }
    }

    /// Goes on to the next request; returns how many bytes of the input the finished one took.
    pub fn finish(&mut self) -> usize {
        let State::Ready { end } = self.state else { return 0 };
        self.state = State::Head;
        (self.start, self.skipped, self.searched, self.parse_at, self.said_head) = (0, 0, 0, 0, false);
        self.collected = None;
        end
    }

    /// How many bytes the present request will take in the input, as far as its head has said; 0 if it has not.
    pub fn expected_bytes(&self) -> usize {
        if let State::Body { end } = self.state { end } else { 0 }
    }

    /// Whether nothing of a next request has been seen.
    pub fn is_idle(&self) -> bool {
        self.state == State::Head && self.searched == 0 && self.skipped == 0
    }

    /// Bytes of memory held besides the decoder itself.
    pub fn memory_bytes(&self) -> usize {
        self.collected.as_ref().map_or(0, |c| size_of::<Collected>() + c.text.capacity() + c.body.capacity())
    }

    fn partial(&mut self, consumed: usize) -> Step {
        self.start -= consumed;
        Step::Partial { consumed }
    }

    /// Whether the head is complete; if so, the state says what comes next.
    fn decode_head(&mut self, input: &[u8], limits: &Limits) -> Result<bool, Fault> {
        self.skip_empty_lines(input)?;
        let text = &input[self.start..];
        // Half an empty line is not yet known to be one.
        if matches!(text, [] | [b'\r']) {
            return Ok(false);
        }
        // Most heads arrive whole: the parser alone, which is faster than the search, finds that out.
        let mut ended = self.searched > 0 && self.find_end(text);
        if self.searched == 0 || ended || text.len() >= self.parse_at {
            if let Some(head) = Head::parse(&text[..text.len().min(limits.head_bytes_max)])? {
                self.begin_body(text, head, limits)?;
                return Ok(true);
            }
            self.parse_at = text.len() * 2;
            ended |= self.searched == 0 && self.find_end(text);
        }
        if text.len() > limits.head_bytes_max {
            let message = format!("the request's head is longer than {} bytes", limits.head_bytes_max);
            return Err(Fault::with(431, "head_too_large", message));
        }
        // The end is there and the parser does not see it: the two disagree about line ends.
        if ended { Err(Fault::bad("not HTTP: invalid line end")) } else { Ok(false) }
    }

    fn skip_empty_lines(&mut self, input: &[u8]) -> Result<(), Fault> {
        while self.searched == 0 {
            let width = match &input[self.start..] {
                [b'\r', b'\n', ..] => 2,
                [b'\n', ..] => 1,
                _ => return Ok(()),
            };
            self.start += width;
            self.skipped += width;
            if self.skipped > LEADING_BYTES_MAX {
                return Err(Fault::bad("not HTTP: too many empty lines before the request"));
            }
        }
        Ok(())
    }

    /// Looks for an empty line, from where the last look ended.
    fn find_end(&mut self, text: &[u8]) -> bool {
        // An end may have been cut in two: CRLF and LF need the two bytes before the new ones.
        let from = self.searched.saturating_sub(2);
        self.searched = text.len();
        memchr::memchr_iter(b'\n', &text[from..])
            .any(|at| matches!(&text[from + at + 1..], [b'\n', ..] | [b'\r', b'\n', ..]))
    }

    fn begin_body(&mut self, text: &[u8], head: Head, limits: &Limits) -> Result<(), Fault> {
        self.state = match head.body {
            BodyLength::Bytes(length) if length > limits.body_bytes_max as u64 => {
                return Err(body_too_large(limits.body_bytes_max));
            }
            BodyLength::Bytes(length) => State::Body { end: self.start + head.bytes + length as usize },
            BodyLength::Chunked => {
                let text = text[..head.bytes].to_vec();
                self.collected = Some(Box::new(Collected { text, ..Collected::default() }));
                self.start += head.bytes;
                State::Chunked
            }
        };
        self.head = head;
        Ok(())
    }
}

pub(super) fn body_too_large(body_bytes_max: usize) -> Fault {
    Fault::too_large(format!("the request's body is longer than {body_bytes_max} bytes; nothing was stored"))
}

/// A decoded request: places in the connection's own memory.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// What the head says.
    pub head: &'a Head,
    text: &'a [u8],
    /// The body, decoded; empty if there is none.
    pub body: &'a [u8],
}

impl<'a> Request<'a> {
    /// The path, still percent-encoded.
    #[inline]
    pub fn path(&self) -> &'a [u8] {
        self.at(self.head.path)
    }

    /// The query without `?`, still percent-encoded.
    pub fn query(&self) -> &'a [u8] {
        self.at(self.head.query)
    }

    /// A header field's value.
    #[inline]
    pub fn field(&self, field: Field) -> Option<&'a [u8]> {
        self.head.field(field).map(|span| self.at(span))
    }

    #[inline]
    fn at(&self, span: Span) -> &'a [u8] {
        &self.text[span.range()]
    }
}
