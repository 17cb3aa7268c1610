//! The chunked transfer coding (RFC 9112 section 7.1), decoded step by step into one body.
//!
//! ```text
//! 4;name=value CRLF  Wiki CRLF  0 CRLF  Trailer: dropped CRLF  CRLF
//! ^size, extension   ^data       ^end   ^trailers              ^end
//! ```
//!
//! Lines end with CRLF and nothing else: where one reader accepts a bare LF and another does not, requests can be
//! smuggled between the two. Extensions and trailers are checked for length and dropped.
//!
//! Cost: every input byte is looked at a bounded number of times, however the input is cut.

use super::fault::Fault;

/// Longest line between data: a size with its extensions, or one trailer field. Chosen: nobody sends extensions.
const LINE_BYTES_MAX: usize = 1024;
/// All trailer fields together.
const TRAILER_BYTES_MAX: usize = 8 << 10;

/// Where in the coding we are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum State {
    /// Before a size line.
    #[default]
    Size,
    /// Inside a chunk's data, with this many bytes to come.
    Data(u64),
    /// Before the CRLF after a chunk's data.
    DataEnd,
    /// Behind the last chunk; this many bytes of trailers were read.
    Trailer(usize),
    /// Behind everything.
    Done,
}

/// Decodes one chunked body.
#[derive(Default, Debug)]
pub struct Chunked {
    state: State,
    /// How much of the present, incomplete line has been searched for its end.
    searched: usize,
}

impl Chunked {
    /// Takes what it can from `input`, appends data to `body`. Returns how many bytes it took; what it leaves, less than a
    /// line, must come again with more behind it. At most `body_bytes_max` bytes are collected.
    pub fn decode(&mut self, input: &[u8], body: &mut Vec<u8>, body_bytes_max: usize) -> Result<usize, Fault> {
        let mut taken = 0;
        loop {
            let rest = &input[taken..];
            match self.state {
                State::Size => {
                    let Some(line) = self.line(rest)? else { return Ok(taken) };
                    let size = size_of(line)?;
                    taken += line.len() + 2;
                    if size > (body_bytes_max - body.len()) as u64 {
                        return Err(super::decode::body_too_large(body_bytes_max));
                    }
                    self.state = if size == 0 { State::Trailer(0) } else { State::Data(size) };
                }
                State::Data(left) => {
                    let now = rest.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                    if now == 0 {
                        return Ok(taken);
                    }
                    body.extend_from_slice(&rest[..now]);
                    taken += now;
                    let left = left - now as u64;
                    self.state = if left == 0 { State::DataEnd } else { State::Data(left) };
                }
                State::DataEnd => match rest {
                    [b'\r', b'\n', ..] => {
                        taken += 2;
                        self.state = State::Size;
                    }
                    [] | [b'\r'] => return Ok(taken),
                    _ => return Err(Fault::bad("bad chunk: its data is not followed by CRLF")),
                },
                State::Trailer(so_far) => {
                    let Some(line) = self.line(rest)? else { return Ok(taken) };
                    taken += line.len() + 2;
                    if line.is_empty() {
                        self.state = State::Done;
                    } else if so_far + line.len() > TRAILER_BYTES_MAX {
                        return Err(Fault::new(431, "head_too_large", "the trailer fields are longer than 8 KiB"));
                    } else {
                        self.state = State::Trailer(so_far + line.len());
                    }
                }
                State::Done => return Ok(taken),
            }
        }
    }

    /// Whether the whole body has been decoded.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// The line at the start of `rest` without its CRLF; `None` if its end has not arrived.
    fn line<'a>(&mut self, rest: &'a [u8]) -> Result<Option<&'a [u8]>, Fault> {
        let Some(feed) = memchr::memchr(b'\n', &rest[self.searched..]).map(|at| at + self.searched) else {
            self.searched = rest.len();
            return if rest.len() > LINE_BYTES_MAX { Err(LINE_TOO_LONG) } else { Ok(None) };
        };
        self.searched = 0;
        if feed > LINE_BYTES_MAX {
            return Err(LINE_TOO_LONG);
        }
        let line = rest[..feed].strip_suffix(b"\r").ok_or(Fault::bad("bad chunk: a line does not end with CRLF"))?;
        if line.iter().any(|&byte| byte.is_ascii_control() && byte != b'\t') {
            return Err(Fault::bad("bad chunk: control characters"));
        }
        Ok(Some(line))
    }
}

const LINE_TOO_LONG: Fault = Fault::bad("bad chunk: a line is longer than 1024 bytes");

/// The hexadecimal size at the start of a size line.
fn size_of(line: &[u8]) -> Result<u64, Fault> {
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    // 15 digits cannot overflow and exceed every limit.
    if digits == 0 || digits > 15 {
        return Err(Fault::bad("bad chunk: its size is not a hexadecimal number"));
    }
    match line[digits..].trim_ascii_start() {
        [] | [b';', ..] => {}
        _ => return Err(Fault::bad("bad chunk: its size is not a hexadecimal number")),
    }
    Ok(line[..digits].iter().fold(0, |size, &digit| size * 16 + u64::from((digit as char).to_digit(16).unwrap_or(0))))
}
