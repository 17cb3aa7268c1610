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
#[inline]
pub(super) fn number(data: &[u8], at: usize) -> Line {
    // Nearly every count and length has one digit or two.
    match data[at..] {
        [ones @ b'0'..=b'9', b'\r', b'\n', ..] => Line::Number(i64::from(ones - b'0'), at + 3),
        [tens @ b'1'..=b'9', ones @ b'0'..=b'9', b'\r', b'\n', ..] => {
            Line::Number(i64::from(tens - b'0') * 10 + i64::from(ones - b'0'), at + 4)
        }
        _ => long_number(&data[at..], at),
    }
}

fn long_number(line: &[u8], at: usize) -> Line {
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
