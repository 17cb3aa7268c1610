//! Percent-encoding (RFC 3986 section 2.1): any bytes at all in a path or a query.

use super::fault::Fault;
use std::borrow::Cow;

/// The bytes that a path segment stands for. Borrowed when nothing is encoded. `+` is itself.
#[inline]
pub fn decode_path(text: &[u8]) -> Result<Cow<'_, [u8]>, Fault> {
    if memchr::memchr(b'%', text).is_none() { Ok(Cow::Borrowed(text)) } else { decode(text, false).map(Cow::Owned) }
}

/// The bytes that a query value stands for. As in HTML forms, and as most client libraries write it, `+` is a space.
pub fn decode_query(text: &[u8]) -> Result<Cow<'_, [u8]>, Fault> {
    if memchr::memchr2(b'%', b'+', text).is_none() {
        return Ok(Cow::Borrowed(text));
    }
    decode(text, true).map(Cow::Owned)
}

fn decode(text: &[u8], plus_is_space: bool) -> Result<Vec<u8>, Fault> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        decoded.push(match byte {
            b'%' => {
                let [high, low, after @ ..] = rest else { return Err(BAD) };
                rest = after;
                nibble(*high)? << 4 | nibble(*low)?
            }
            b'+' if plus_is_space => b' ',
            byte => byte,
        });
    }
    Ok(decoded)
}

const BAD: Fault =
    Fault::bad("a '%' in the URL is not followed by two hexadecimal digits (write %25 for the sign itself)");

fn nibble(digit: u8) -> Result<u8, Fault> {
    (digit as char).to_digit(16).map(|value| value as u8).ok_or(BAD)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_bad_escape_is_refused_and_a_plus_depends_on_the_place() {
        for bad in ["%", "%4", "a%zz", "%%41", "%-1"] {
            assert!(decode_path(bad.as_bytes()).is_err(), "{bad}");
        }
        assert_eq!(decode_path(b"a+b%2Fc").unwrap(), &b"a+b/c"[..]);
        assert_eq!(decode_query(b"a+b%2c").unwrap(), &b"a b,"[..]);
    }

    proptest! {
        #[test]
        fn every_byte_string_can_be_written_and_read_back(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let text: String = bytes.iter().map(|b| format!("%{b:02x}")).collect();
            prop_assert_eq!(decode_path(text.as_bytes()).unwrap().into_owned(), bytes);
        }
    }
}
