//! Integers as the protocol writes them: read strictly, so that text and number are one to one, and written without
//! allocating. What reads back as the same bytes may be kept as a number.

/// Reads a decimal integer exactly as Redis' `string2ll` does: optional `-`, no `+`, no leading zero, no spaces, in range.
#[inline]
pub fn parse_int(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        _ => (false, text),
    };
    match digits {
        [b'0'] if !negative => return Some(0),
        [b'1'..=b'9', ..] if digits.len() <= 19 => {}
        _ => return None,
    }
    let mut value: u64 = 0;
    for &digit in digits {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value.wrapping_mul(10).wrapping_add(u64::from(digit)); // 19 digits fit in 64 bits
    }
    if negative { (value <= 1 << 63).then(|| (value as i64).wrapping_neg()) } else { i64::try_from(value).ok() }
}

/// The digits of an integer, without allocating.
pub struct Digits {
    buffer: [u8; 20],
    start: usize,
}

impl Digits {
    /// The most that [`Digits::as_bytes`] returns: a sign and 19 digits.
    pub const LENGTH_MAX: usize = 20;

    /// The decimal form of `value`.
    #[inline]
    pub fn of(value: i64) -> Digits {
        let mut digits = Digits { buffer: [0; 20], start: 20 };
        let mut rest = value.unsigned_abs();
        loop {
            digits.start -= 1;
            digits.buffer[digits.start] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        if value < 0 {
            digits.start -= 1;
            digits.buffer[digits.start] = b'-';
        }
        digits
    }

    /// The digits as bytes.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.buffer[self.start..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_read_as_strictly_as_redis_reads_them() {
        for (text, value) in [
            ("0", Some(0)),
            ("-1", Some(-1)),
            ("9223372036854775807", Some(i64::MAX)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("-9223372036854775809", None),
            ("", None),
            ("-", None),
            ("-0", None),
            ("+1", None),
            ("01", None),
            (" 1", None),
            ("1a", None),
        ] {
            assert_eq!(parse_int(text.as_bytes()), value, "{text}");
        }
    }

    #[test]
    fn digits_read_back() {
        for value in [0, 1, -1, 10, 99, -100, i64::MAX, i64::MIN] {
            assert_eq!(parse_int(Digits::of(value).as_bytes()), Some(value));
        }
    }
}
