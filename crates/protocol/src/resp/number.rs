//! The number lines of RESP: `<type><digits>\r\n`.

/// What a number line holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Line {
    /// A number, and where the line after it starts.
    Number(i64, usize),
    /// The line has not ended yet and may still become a number.
    Incomplete,
    /// No number: the line has other characters, or is too long to be one.
    Bad,
}

/// Digits and sign of the longest number that fits 64 bits.
const NUMBER_BYTES_MAX: usize = 20;

/// Reads the number whose digits start at `data[at]`. Looks at no more than 22 bytes, so a line that arrives byte by byte
/// costs little each time.
#[inline(always)]
pub(super) fn number(data: &[u8], at: usize) -> Line {
    // Nearly every count and length has one digit or two.
    let line = &data[at..];
    match line.first_chunk::<4>() {
        Some([ones @ b'0'..=b'9', b'\r', b'\n', _]) => Line::Number(digit(*ones), at + 3),
        Some([tens @ b'1'..=b'9', ones @ b'0'..=b'9', b'\r', b'\n']) => {
            Line::Number(digit(*tens) * 10 + digit(*ones), at + 4)
        }
        _ => longer_number(line, at),
    }
}

/// Nearly all others have four at most.
fn longer_number(line: &[u8], at: usize) -> Line {
    match line {
        [a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', b'\r', b'\n', ..] => {
            Line::Number(digit(*a) * 100 + digit(*b) * 10 + digit(*c), at + 5)
        }
        [a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', d @ b'0'..=b'9', b'\r', b'\n', ..] => {
            Line::Number(digit(*a) * 1000 + digit(*b) * 100 + digit(*c) * 10 + digit(*d), at + 6)
        }
        _ => any_number(line, at),
    }
}

#[inline(always)]
fn digit(byte: u8) -> i64 {
    i64::from(byte - b'0')
}

fn any_number(line: &[u8], at: usize) -> Line {
    let window = &line[..line.len().min(NUMBER_BYTES_MAX + 1)];
    let Some(end) = window.iter().position(|&b| b == b'\r') else {
        let may_go_on = window.len() <= NUMBER_BYTES_MAX
            && window.iter().enumerate().all(|(i, b)| b.is_ascii_digit() || (i == 0 && *b == b'-'));
        return if may_go_on { Line::Incomplete } else { Line::Bad };
    };
    match (line.get(end + 1), scrubjay_command::args::parse_int(&line[..end])) {
        (_, None) => Line::Bad,
        (None, _) => Line::Incomplete,
        (Some(b'\n'), Some(value)) => Line::Number(value, at + end + 2),
        (Some(_), _) => Line::Bad,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_lines_are_read_strictly() {
        for (line, expected) in [
            ("0\r\n", Line::Number(0, 4)),
            ("7\r\nrest", Line::Number(7, 4)),
            ("7\r\nrest....", Line::Number(7, 4)),
            ("10\r\nrest..", Line::Number(10, 5)),
            ("512\r\nrest..", Line::Number(512, 6)),
            ("512\r\n", Line::Number(512, 6)),
            ("1024\r\nrest", Line::Number(1024, 7)),
            ("65536\r\nrest", Line::Number(65_536, 8)),
            ("012\r\nrest", Line::Bad),
            ("0123\r\nrest", Line::Bad),
            ("12x\r\nrest", Line::Bad),
            ("123\rrest", Line::Bad),
            ("42\r\n", Line::Number(42, 5)),
            ("1048576\r\n", Line::Number(1_048_576, 10)),
            ("-1\r\n", Line::Number(-1, 5)),
            ("-9223372036854775808\r\n", Line::Number(i64::MIN, 23)),
            ("", Line::Incomplete),
            ("-", Line::Incomplete),
            ("12", Line::Incomplete),
            ("12\r", Line::Incomplete),
            ("02\r\n", Line::Bad),
            ("+2\r\n", Line::Bad),
            ("\r\n", Line::Bad),
            ("2x", Line::Bad),
            ("2\rx", Line::Bad),
            ("9223372036854775808\r\n", Line::Bad),
            ("000000000000000000000", Line::Bad),
        ] {
            assert_eq!(number(format!("*{line}").as_bytes(), 1), expected, "{line:?}");
        }
    }
}
