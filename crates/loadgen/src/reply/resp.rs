//! RESP replies (<https://redis.io/docs/latest/develop/reference/protocol-spec/>): the kinds that GET, SET and PING give.

use super::{Meaning, Reply, garbled, line, number};
use crate::Error;

/// `hit_head` is `$<value length>\r\n`.
#[inline]
pub(super) fn decode(bytes: &[u8], hit_head: &[u8], value_bytes: usize) -> Result<Option<Reply>, Error> {
    if bytes.starts_with(hit_head) {
        return bulk(bytes, hit_head.len() + value_bytes + 2).map(Some);
    }
    if bytes.starts_with(b"+OK\r\n") {
        return Ok(Some(Reply { length: 5, meaning: Meaning::Stored }));
    }
    let Some(length) = line(bytes) else { return Ok(None) };
    let meaning = match bytes[0] {
        b'$' if bytes.starts_with(b"$-1") => Meaning::Miss,
        b'$' => {
            let payload = number(bytes[1..length - 1].trim_ascii_end()).ok_or_else(|| garbled(bytes))?;
            return bulk(bytes, length + payload + 2).map(Some);
        }
        b'_' => Meaning::Miss,
        b'+' | b':' => Meaning::Stored,
        b'-' => Meaning::Refused,
        _ => return Err(garbled(bytes)),
    };
    Ok(Some(Reply { length, meaning }))
}

#[inline]
fn bulk(bytes: &[u8], length: usize) -> Result<Reply, Error> {
    // A wrong length would shift all that follows; where the end is in sight it is looked at.
    match bytes.get(length - 1) {
        Some(&last) if last != b'\n' => Err(garbled(bytes)),
        _ => Ok(Reply { length, meaning: Meaning::Hit }),
    }
}
