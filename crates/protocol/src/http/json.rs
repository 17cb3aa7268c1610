//! JSON as it is written here: straight into the output, without a tree.
//!
//! Reading is `serde_json`'s work (see [`envelope`](super::envelope)); what is written is small and regular, and the text
//! of a stored JSON value is copied as it is.

use crate::OutputBuffer;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use scrubjay_command::args::Digits;

/// Appends `text` as a JSON string, quotes included. Cost: a table look-up a byte; runs without escapes are copied whole.
#[inline]
pub fn string(out: &mut OutputBuffer, text: &str) {
    let bytes = text.as_bytes();
    out.reserve(bytes.len() + 2);
    out.put(b"\"");
    let mut rest = bytes;
    while let Some(plain) = rest.iter().position(|&byte| ESCAPED[byte as usize]) {
        out.put(&rest[..plain]);
        escape(out, rest[plain]);
        rest = &rest[plain + 1..];
    }
    out.put(rest);
    out.put(b"\"");
}

/// Whether `text` needs no escapes as a JSON string.
pub fn is_plain(text: &str) -> bool {
    !text.bytes().any(|byte| ESCAPED[byte as usize])
}

/// Which bytes may not stand in a JSON string as they are (RFC 8259 section 7).
static ESCAPED: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 0x20 {
        table[byte] = true;
        byte += 1;
    }
    table[b'"' as usize] = true;
    table[b'\\' as usize] = true;
    table
};

#[cold]
fn escape(out: &mut OutputBuffer, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    match byte {
        b'"' => out.put(b"\\\""),
        b'\\' => out.put(b"\\\\"),
        b'\n' => out.put(b"\\n"),
        b'\r' => out.put(b"\\r"),
        b'\t' => out.put(b"\\t"),
        byte => out.put(&[b'\\', b'u', b'0', b'0', HEX[byte as usize >> 4], HEX[byte as usize & 15]]),
    }
}

/// Appends bytes as base64 in a JSON string.
pub fn base64(out: &mut OutputBuffer, bytes: &[u8]) {
    // In pieces of three bytes' multiples, so that a large value is not held twice more.
    out.reserve(bytes.len().div_ceil(3) * 4 + 2);
    out.put(b"\"");
    let mut encoded = [0u8; 1024];
    for piece in bytes.chunks(768) {
        // The buffer holds exactly the encoding of 768 bytes, so this cannot fail.
        let length = STANDARD.encode_slice(piece, &mut encoded).unwrap_or(0);
        out.put(&encoded[..length]);
    }
    out.put(b"\"");
}

/// The bytes that a base64 text (standard alphabet, padded) stands for.
pub fn decode_base64(text: &[u8]) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Appends an unsigned number.
#[inline]
pub fn number(out: &mut OutputBuffer, value: u64) {
    // Counts beyond 2^63 do not occur; saturating keeps the text a number all the same.
    out.put(Digits::of(i64::try_from(value).unwrap_or(i64::MAX)).as_bytes());
}

/// Appends milliseconds as seconds, with as many decimals as they need: `60`, `0.25`, `59.999`.
#[inline]
pub fn seconds(out: &mut OutputBuffer, ms: u64) {
    number(out, ms / 1000);
    let rest = (ms % 1000) as u16;
    if rest != 0 {
        let digits = [b'.', b'0' + (rest / 100) as u8, b'0' + (rest / 10 % 10) as u8, b'0' + (rest % 10) as u8];
        let zeros = digits.iter().rev().take_while(|&&digit| digit == b'0').count();
        out.put(&digits[..4 - zeros]);
    }
}

/// Appends a share or rate; what is no number is written as 0, because JSON has no word for it.
pub fn float(out: &mut OutputBuffer, value: f64) {
    let value = if value.is_finite() { value } else { 0.0 };
    out.put(value.to_string().as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(write: impl FnOnce(&mut OutputBuffer)) -> String {
        let mut out = OutputBuffer::new();
        write(&mut out);
        String::from_utf8(out.single().expect("nothing shared").to_vec()).expect("JSON is UTF-8")
    }

    #[test]
    fn seconds_have_the_decimals_they_need() {
        for (ms, text) in [(0, "0"), (60_000, "60"), (250, "0.25"), (59_999, "59.999"), (1_010, "1.01"), (5, "0.005")] {
            assert_eq!(written(|out| seconds(out, ms)), text);
        }
    }

    #[test]
    fn what_is_no_number_is_written_as_zero() {
        for (value, text) in [(0.5, "0.5"), (1.0, "1"), (f64::NAN, "0"), (f64::INFINITY, "0")] {
            assert_eq!(written(|out| float(out, value)), text);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_back_as_itself(text in any::<String>()) {
            let json = written(|out| string(out, &text));
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }

        #[test]
        fn any_bytes_are_read_back_from_base64(bytes in prop::collection::vec(any::<u8>(), 0..3000)) {
            let json = written(|out| base64(out, &bytes));
            prop_assert_eq!(decode_base64(json.trim_matches('"').as_bytes()), Some(bytes));
        }
    }
}
