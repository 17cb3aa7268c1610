//! memcached's replies (`doc/protocol.txt` of memcached), to its classic text commands and to its meta commands.

use super::{Meaning, Reply, garbled, line, number};
use crate::Error;

/// Ends every reply to a `get`.
const END: &[u8] = b"END\r\n";
/// `VALUE ` and a key of 16 bytes.
const HIT_HEAD_AT: usize = 22;

/// `hit_head` is ` 0 <value length>\r\n`: what follows the key.
#[inline]
pub(super) fn decode(bytes: &[u8], hit_head: &[u8], value_bytes: usize) -> Result<Option<Reply>, Error> {
    let hit = |head: usize, payload: usize| Reply { length: head + payload + 2 + END.len(), meaning: Meaning::Hit };
    if bytes.get(HIT_HEAD_AT..).is_some_and(|rest| rest.starts_with(hit_head)) && bytes.starts_with(b"VALUE ") {
        return Ok(Some(hit(HIT_HEAD_AT + hit_head.len(), value_bytes)));
    }
    let Some(length) = line(bytes) else { return Ok(None) };
    let text = bytes[..length].trim_ascii_end();
    let meaning = match text {
        b"END" => Meaning::Miss,
        b"STORED" => Meaning::Stored,
        _ if text.starts_with(b"VALUE ") => {
            let payload = text.rsplit(|&b| b == b' ').next().and_then(number).ok_or_else(|| garbled(bytes))?;
            return Ok(Some(hit(length, payload)));
        }
        [b'A'..=b'Z', ..] => Meaning::Refused,
        _ => return Err(garbled(bytes)),
    };
    Ok(Some(Reply { length, meaning }))
}

/// Replies to `mg` and `ms`; `hit_head` is `VA <value length>\r\n`.
#[inline]
pub(super) fn decode_meta(bytes: &[u8], hit_head: &[u8], value_bytes: usize) -> Result<Option<Reply>, Error> {
    let hit = |head: usize, payload: usize| Reply { length: head + payload + 2, meaning: Meaning::Hit };
    if bytes.starts_with(hit_head) {
        return Ok(Some(hit(hit_head.len(), value_bytes)));
    }
    if bytes.starts_with(b"HD\r\n") {
        return Ok(Some(Reply { length: 4, meaning: Meaning::Stored }));
    }
    let Some(length) = line(bytes) else { return Ok(None) };
    let mut words = bytes[..length].trim_ascii_end().split(|&b| b == b' ');
    let meaning = match words.next() {
        Some(b"VA") => {
            let payload = words.next().and_then(number).ok_or_else(|| garbled(bytes))?;
            return Ok(Some(hit(length, payload)));
        }
        Some(b"EN") => Meaning::Miss,
        Some(b"HD") => Meaning::Stored,
        Some([b'A'..=b'Z', ..]) => Meaning::Refused,
        _ => return Err(garbled(bytes)),
    };
    Ok(Some(Reply { length, meaning }))
}
