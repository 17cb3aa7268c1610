//! Bytes -> commands, incrementally, without copying.
//!
//! ```text
//! data   *3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nhel          an incomplete command ...
//!        0                            at                  ... stands before its third argument's bytes:
//!        args = [SET, k], left = 1, bulk = 5              kept here until more arrives
//! ```
//!
//! A complete command is cut into spans in one pass over its header lines; its values are skipped, not looked at. An
//! incomplete one leaves where it stands, so a command that trickles in costs each byte once, and at most 22 bytes again
//! per arrival. Memory grows with what has arrived, never with what was announced: an argument of the smallest kind takes
//! 6 bytes on the wire and 8 here.

use super::batch::Batch;
use super::error::ProtocolError;
use super::inline;
use super::number::{Line, number};
use memchr::memchr;
use scrubjay_command::Span;

/// What a client may send.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Whether it has authenticated: before that, what is too much is said in other words.
    pub authenticated: bool,
    /// Most arguments of a command, its name included.
    pub args_max: usize,
    /// Longest argument, in bytes.
    pub bulk_bytes_max: usize,
    /// Longest line of an inline command, in bytes.
    pub inline_bytes_max: usize,
    /// Most bytes of a whole command; below 4 GiB.
    pub request_bytes_max: usize,
    /// Most memory that a command that has not arrived yet may take when it has; beyond, it is skipped and not kept.
    pub room_bytes_max: usize,
}

impl Limits {
    /// What a client may send that need not authenticate or has: a million arguments, 512 MiB a value, 64 KiB a line,
    /// 1 GiB altogether, as Redis has them.
    pub const DEFAULT: Limits = Limits {
        authenticated: true,
        args_max: 1 << 20,
        bulk_bytes_max: 512 << 20,
        inline_bytes_max: 64 << 10,
        request_bytes_max: 1 << 30,
        room_bytes_max: usize::MAX,
    };
}

/// Memory of an argument's place, at most: the vector that holds it grows by doubling.
const SPAN_BYTES: usize = 2 * size_of::<Span>();

/// Finds commands in the bytes of one connection. Small: an idle connection's decoder owns no memory.
#[derive(Default, Debug)]
pub struct Decoder {
    /// Arguments of the incomplete command that are complete; counted from the command's first byte.
    args: Vec<Span>,
    /// How many more arguments the incomplete command announced; 0: none is incomplete.
    left: usize,
    /// Where the incomplete command stands, from its first byte. For a line: how much of it has been searched for its end.
    at: usize,
    /// The length of the argument at `at`, if its header has been read.
    bulk: Option<usize>,
    /// How many bytes of the argument at hand are still to be thrown away, while a command is skipped.
    skip: Option<usize>,
}

/// What happened to one command.
enum Step {
    /// It takes the bytes up to here; the flag says whether it is a command at all (`*0` and empty lines are not).
    Complete(usize, bool),
    Incomplete,
}

/// How far a command's arguments got.
struct Stand {
    at: usize,
    left: usize,
    bulk: Option<usize>,
    /// Whether the argument whose header was read last makes the command longer than there is room for.
    too_long: bool,
}

impl Decoder {
    /// A decoder at the start of a command.
    pub fn new() -> Decoder {
        Decoder::default()
    }

    /// Decodes up to `most` complete commands from the start of `data` into `batch`, which must be empty.
    ///
    /// Whoever calls this consumes [`Batch::consumed`] bytes before the next call, and then passes the rest, grown at its
    /// end. Quoted inline words are unescaped in place.
    ///
    /// Errors: the bytes after those commands make no sense. The batch holds the commands before them; the decoder is of
    /// no further use, unless the error [is skipped](ProtocolError::is_skipped): then it goes on behind that command.
    #[inline]
    pub fn fill(
        &mut self,
        data: &mut [u8],
        limits: &Limits,
        batch: &mut Batch,
        most: usize,
    ) -> Result<(), ProtocolError> {
        while batch.len() < most {
            let start = batch.consumed;
            let step = match data.get(start) {
                None => return Ok(()),
                Some(_) if self.skip.is_some() => self.skip(data, limits, batch)?,
                Some(_) if self.left > 0 => self.resume(data, limits, batch)?,
                Some(b'*') => self.multibulk(data, start, limits, batch)?,
                Some(_) => self.line(data, start, limits, batch)?,
            };
            match step {
                Step::Complete(end, true) => batch.close(end),
                Step::Complete(end, false) => batch.consumed = end,
                Step::Incomplete => return Ok(()),
            }
        }
        Ok(())
    }

    /// How many bytes must still arrive before the incomplete command can be complete, given that `have` of it are there;
    /// 0 if unknown.
    pub fn expects(&self, have: usize) -> usize {
        match self.bulk {
            Some(length) if self.left > 0 => (self.at + length + 2).saturating_sub(have),
            _ => 0,
        }
    }

    /// Whether a command is being skipped: nothing of it is kept, but it has not ended.
    pub fn is_skipping(&self) -> bool {
        self.skip.is_some()
    }

    /// Bytes of memory held.
    pub fn memory_bytes(&self) -> usize {
        self.args.capacity() * size_of::<Span>()
    }

    /// A command that starts at `start` with its count.
    #[inline]
    fn multibulk(
        &mut self,
        data: &[u8],
        start: usize,
        limits: &Limits,
        batch: &mut Batch,
    ) -> Result<Step, ProtocolError> {
        let (count, at) = match number(data, start + 1) {
            Line::Number(count, at) => (count, at),
            Line::Incomplete => return Ok(Step::Incomplete),
            Line::Bad => return Err(ProtocolError::MultibulkLength),
        };
        if count <= 0 {
            return Ok(Step::Complete(at, false)); // as in Redis: nothing asked, nothing answered
        }
        if count as u64 > limits.args_max as u64 {
            return Err(match limits.authenticated {
                true => ProtocolError::MultibulkLength,
                false => ProtocolError::UnauthenticatedMultibulkLength,
            });
        }
        let first = batch.spans.len();
        let stand = arguments(data, start, Stand::new(at, count as usize, None), limits, &mut batch.spans)?;
        if stand.left == 0 {
            return Ok(Step::Complete(stand.at, true));
        }
        if stand.too_long {
            batch.spans.truncate(first);
            return Err(self.begin_skip(stand, start, limits, batch));
        }
        let so_far = batch.spans.drain(first..);
        self.args.extend(so_far.map(|span| Span { start: span.start - start as u32, length: span.length }));
        self.keep(Stand { at: stand.at - start, ..stand });
        Ok(Step::Incomplete)
    }

    /// Goes on with the incomplete command, which starts at the first byte.
    fn resume(&mut self, data: &[u8], limits: &Limits, batch: &mut Batch) -> Result<Step, ProtocolError> {
        let stand = Stand::new(self.at, self.left, self.bulk);
        let stand = arguments(data, 0, stand, limits, &mut self.args)?;
        if stand.too_long {
            return Err(self.begin_skip(stand, 0, limits, batch));
        }
        if stand.left > 0 {
            self.keep(stand);
            return Ok(Step::Incomplete);
        }
        batch.spans.append(&mut self.args);
        *self = Decoder::new();
        Ok(Step::Complete(stand.at, true))
    }

    /// Forgets the command that `stand`s there and began at `start`, and what is still to come of it.
    #[cold]
    fn begin_skip(&mut self, stand: Stand, start: usize, limits: &Limits, batch: &mut Batch) -> ProtocolError {
        let length = stand.bulk.unwrap_or(0);
        *self = Decoder { left: stand.left, skip: Some(length + 2), ..Decoder::new() };
        batch.consumed = stand.at;
        ProtocolError::NoRoom(stand.at - start + length, limits.room_bytes_max)
    }

    /// Goes on with a command that is skipped.
    #[cold]
    fn skip(&mut self, data: &[u8], limits: &Limits, batch: &mut Batch) -> Result<Step, ProtocolError> {
        loop {
            let pending = self.skip.unwrap_or(0);
            let passed = pending.min(data.len() - batch.consumed);
            batch.consumed += passed;
            if passed < pending {
                self.skip = Some(pending - passed);
                return Ok(Step::Incomplete);
            }
            if pending > 0 {
                self.left -= 1;
                self.skip = Some(0);
            }
            if self.left == 0 {
                *self = Decoder::new();
                return Ok(Step::Complete(batch.consumed, false));
            }
            match argument_length(data, batch.consumed)? {
                Some((length, at)) => {
                    batch.consumed = at;
                    let unbounded = Limits { request_bytes_max: usize::MAX, ..*limits };
                    self.skip = Some(bulk_length(length, 0, &unbounded)? + 2);
                }
                None => return Ok(Step::Incomplete),
            }
        }
    }

    fn keep(&mut self, stand: Stand) {
        (self.at, self.left, self.bulk) = (stand.at, stand.left, stand.bulk);
    }

    /// A command on a line that starts at `start`.
    fn line(
        &mut self,
        data: &mut [u8],
        start: usize,
        limits: &Limits,
        batch: &mut Batch,
    ) -> Result<Step, ProtocolError> {
        let found = memchr(b'\n', &data[start + self.at..]).map(|length| start + self.at + length);
        let line_end = found.unwrap_or(data.len());
        if line_end - start > limits.inline_bytes_max {
            return Err(ProtocolError::InlineTooBig);
        }
        if found.is_none() {
            self.at = line_end - start;
            return Ok(Step::Incomplete);
        }
        self.at = 0;
        let first = batch.spans.len();
        inline::split(data, start, line_end, &mut batch.spans)?;
        let words = batch.spans.len() - first;
        if words > limits.args_max {
            return Err(match limits.authenticated {
                true => ProtocolError::InlineTooBig,
                false => ProtocolError::UnauthenticatedMultibulkLength,
            });
        }
        Ok(Step::Complete(line_end + 1, words > 0))
    }
}

impl Stand {
    fn new(at: usize, left: usize, bulk: Option<usize>) -> Stand {
        Stand { at, left, bulk, too_long: false }
    }
}

/// The length that the header at `at` announces, and where it ends; `None` while it is incomplete.
#[inline(always)]
fn argument_length(data: &[u8], at: usize) -> Result<Option<(i64, usize)>, ProtocolError> {
    match data.get(at) {
        Some(b'$') => {}
        Some(&other) => return Err(ProtocolError::ExpectedDollar(other)),
        None => return Ok(None),
    }
    match number(data, at + 1) {
        Line::Number(length, at) => Ok(Some((length, at))),
        Line::Incomplete => Ok(None),
        Line::Bad => Err(ProtocolError::BulkLength),
    }
}

/// Cuts arguments out of `data` from where the command `stand`s, which began at `start`, until it is complete or the bytes
/// end.
#[inline]
fn arguments(
    data: &[u8],
    start: usize,
    mut stand: Stand,
    limits: &Limits,
    spans: &mut Vec<Span>,
) -> Result<Stand, ProtocolError> {
    while stand.left > 0 {
        let length = match stand.bulk.take() {
            Some(length) => length,
            None => match argument_length(data, stand.at)? {
                Some((length, at)) => {
                    stand.at = at;
                    bulk_length(length, at - start, limits)?
                }
                None => return Ok(stand),
            },
        };
        let end = stand.at + length;
        let Some(line_end) = data.get(end..end + 2) else {
            stand.bulk = Some(length);
            // What has arrived as a whole is kept already: only what would have to be waited for is refused.
            let memory_bytes = end - start + SPAN_BYTES * spans.len();
            stand.too_long = memory_bytes > limits.room_bytes_max;
            return Ok(stand);
        };
        if line_end != b"\r\n" {
            return Err(ProtocolError::MissingCrlf);
        }
        spans.push(Span { start: stand.at as u32, length: length as u32 });
        stand.at = end + 2;
        stand.left -= 1;
    }
    Ok(stand)
}

/// Checks an announced length; `before` bytes of the command came before it.
#[inline]
fn bulk_length(length: i64, before: usize, limits: &Limits) -> Result<usize, ProtocolError> {
    if length < 0 {
        return Err(ProtocolError::BulkLength);
    }
    if length as u64 > limits.bulk_bytes_max as u64 {
        return Err(match limits.authenticated {
            true => ProtocolError::BulkLength,
            false => ProtocolError::UnauthenticatedBulkLength,
        });
    }
    // A length within the limit, so the sum cannot overflow.
    if before + length as usize > limits.request_bytes_max {
        return Err(ProtocolError::RequestTooBig);
    }
    Ok(length as usize)
}
