//! HTTP/1.1 replies with a `Content-Length` (RFC 9112). Chunked bodies are refused: a cache knows the length of what it
//! sends, and measuring one that does not would measure something else.

use super::{Meaning, Reply, first_line, garbled, number};
use crate::Error;

/// `HTTP/1.1 200`: the status stands at fixed places.
const STATUS: std::ops::Range<usize> = 9..12;

/// 200 is a read that found its key, 201 and 204 a write, 404 a miss, all else a refusal.
pub(super) fn decode(bytes: &[u8]) -> Result<Option<Reply>, Error> {
    let Some(end) = memchr::memmem::find(bytes, b"\r\n\r\n") else { return Ok(None) };
    let head = &bytes[..end];
    if !head.starts_with(b"HTTP/1.") || head.len() < STATUS.end {
        return Err(garbled(bytes));
    }
    let meaning = match &head[STATUS] {
        b"200" => Meaning::Hit,
        b"201" | b"204" => Meaning::Stored,
        b"404" => Meaning::Miss,
        _ => Meaning::Refused,
    };
    let body = match content_length(head) {
        Some(length) => length.ok_or_else(|| garbled(bytes))?,
        None if &head[STATUS] == b"204" => 0,
        None => return Err(Error::Garbled(format!("'{}' without a Content-Length", first_line(bytes)))),
    };
    Ok(Some(Reply { length: end + 4 + body, meaning }))
}

/// `None`: no such header. `Some(None)`: its value is no number.
fn content_length(head: &[u8]) -> Option<Option<usize>> {
    const NAME: &[u8] = b"content-length:";
    let mut at = 0;
    while let Some(end) = memchr::memchr(b'\n', &head[at..]) {
        at += end + 1;
        let header = &head[at..];
        if header.len() >= NAME.len() && header[..NAME.len()].eq_ignore_ascii_case(NAME) {
            let value = &header[NAME.len()..];
            let value = &value[..memchr::memchr(b'\r', value).unwrap_or(value.len())];
            return Some(number(value.trim_ascii()));
        }
    }
    None
}
