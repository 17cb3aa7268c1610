//! Inline commands: what a person types into `telnet` or `nc`. Words between blanks; `"..."` with escapes, `'...'` without.
//!
//! Unescaping only ever shortens, so it happens in place: the words stay spans of the input.

use super::error::ProtocolError;
use scrubjay_command::Span;

/// Splits `data[start..end]`, one line without its end, into `spans`; words with quotes are unescaped in place.
pub(super) fn split(data: &mut [u8], start: usize, end: usize, spans: &mut Vec<Span>) -> Result<(), ProtocolError> {
    let mut read = start;
    loop {
        while read < end && is_blank(data[read]) {
            read += 1;
        }
        if read == end {
            return Ok(());
        }
        let word = read;
        let mut write = read;
        while read < end && !is_blank(data[read]) {
            match data[read] {
                quote @ (b'"' | b'\'') => read = quoted(data, read + 1, end, quote, &mut write)?,
                byte => {
                    data[write] = byte;
                    write += 1;
                    read += 1;
                }
            }
        }
        spans.push(Span { start: word as u32, length: (write - word) as u32 });
    }
}

/// Reads the rest of a quoted word from `read`, just after its quote; returns where the input goes on.
fn quoted(data: &mut [u8], mut read: usize, end: usize, quote: u8, write: &mut usize) -> Result<usize, ProtocolError> {
    while read < end {
        let (byte, width) = match data[read..end] {
            [b, ..] if b == quote => {
                // As in Redis, the word ends with its quote.
                return match data[read + 1..end] {
                    [after, ..] if !is_blank(after) => Err(ProtocolError::UnbalancedQuotes),
                    _ => Ok(read + 1),
                };
            }
            [b'\\', b'\'', ..] if quote == b'\'' => (b'\'', 2),
            [b'\\', b'x', high, low, ..] if quote == b'"' && high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                (hex(high) << 4 | hex(low), 4)
            }
            [b'\\', escaped, ..] if quote == b'"' => (unescape(escaped), 2),
            [byte, ..] => (byte, 1),
            [] => break,
        };
        data[*write] = byte;
        *write += 1;
        read += width;
    }
    Err(ProtocolError::UnbalancedQuotes)
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0B | 0x0C)
}

fn unescape(escaped: u8) -> u8 {
    match escaped {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 0x08,
        b'a' => 0x07,
        other => other,
    }
}

fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20) - b'a' + 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Result<Vec<Vec<u8>>, ProtocolError> {
        let mut data = line.as_bytes().to_vec();
        let mut spans = Vec::new();
        let end = data.len();
        split(&mut data, 0, end, &mut spans)?;
        Ok(spans.iter().map(|span| data[span.range()].to_vec()).collect())
    }

    #[test]
    fn lines_split_as_redis_splits_them() {
        for (line, expected) in [
            ("", &[][..]),
            ("  GET  k ", &[&b"GET"[..], b"k"]),
            (r#"SET k "a b""#, &[b"SET", b"k", b"a b"]),
            (r#"SET k "\x41\n\"\\""#, &[b"SET", b"k", b"A\n\"\\"]),
            (r#"SET k "\xZZ""#, &[b"SET", b"k", b"xZZ"]),
            (r"SET k 'it\'s \n'", &[b"SET", b"k", br"it's \n"]),
            (r#"a"b c""#, &[b"ab c"]),
            (r#""" x"#, &[b"", b"x"]),
        ] {
            assert_eq!(words(line).expect(line), expected, "{line}");
        }
    }

    #[test]
    fn open_quotes_and_text_after_a_closing_quote_are_refused() {
        for line in [r#"GET "k"#, "GET 'k", r#"GET "k"x"#, r"GET 'a'b", r#"GET "\"#] {
            assert_eq!(words(line), Err(ProtocolError::UnbalancedQuotes), "{line}");
        }
    }
}
