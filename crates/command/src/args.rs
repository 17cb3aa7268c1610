//! A command's arguments: spans of one buffer, the command's name first.
//!
//! The parser writes spans into a vector that lives as long as the connection, so a pipelined batch allocates nothing.

use crate::reject::Reject;
use std::ops::Range;

/// Where one argument lies in its buffer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// Number of bytes.
    pub length: u32,
}

impl Span {
    /// The span as a range.
    #[inline]
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.start as usize + self.length as usize
    }
}

/// The arguments of one command. `args[0]` is the name as the client wrote it.
#[derive(Clone, Copy, Debug)]
pub struct Args<'a> {
    buffer: &'a [u8],
    spans: &'a [Span],
}

impl<'a> Args<'a> {
    /// The arguments that `spans` cut out of `buffer`. Spans must lie inside the buffer.
    #[inline]
    pub fn new(buffer: &'a [u8], spans: &'a [Span]) -> Args<'a> {
        Args { buffer, spans }
    }

    /// How many, the name included.
    #[inline]
    #[allow(clippy::len_without_is_empty)] // a command without a name does not exist
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// The argument at `index`. Panics past the end: arity is checked before a handler runs.
    #[inline]
    pub fn at(&self, index: usize) -> &'a [u8] {
        &self.buffer[self.spans[index].range()]
    }

    /// The argument at `index`, or `None` past the end.
    #[inline]
    pub fn get(&self, index: usize) -> Option<&'a [u8]> {
        self.spans.get(index).map(|span| &self.buffer[span.range()])
    }

    /// The arguments from `index` on.
    pub fn from(&self, index: usize) -> impl ExactSizeIterator<Item = &'a [u8]> + Clone + use<'a> {
        let buffer = self.buffer;
        self.spans[index.min(self.spans.len())..].iter().map(move |span| &buffer[span.range()])
    }

    /// The same arguments without the first `count`: a subcommand's own view.
    pub fn skip(&self, count: usize) -> Args<'a> {
        Args { buffer: self.buffer, spans: &self.spans[count.min(self.spans.len())..] }
    }

    /// Whether the argument at `index` is `word`, ASCII case ignored.
    #[inline]
    pub fn is(&self, index: usize, word: &str) -> bool {
        self.get(index).is_some_and(|arg| arg.eq_ignore_ascii_case(word.as_bytes()))
    }

    /// The argument at `index` as a 64-bit integer, in Redis' strict form.
    #[inline]
    pub fn int(&self, index: usize) -> Result<i64, Reject> {
        parse_int(self.at(index)).ok_or(Reject::NOT_AN_INTEGER)
    }

    /// The argument at `index` as a 32-bit integer: what Redis takes for the number of a database.
    pub fn int_32(&self, index: usize) -> Result<i32, Reject> {
        const OUT_OF_RANGE: Reject = Reject::new(
            crate::reject::Kind::BadRequest,
            "ERR value is out of range, value must between -2147483648 and 2147483647",
        );
        self.int(index).and_then(|number| i32::try_from(number).map_err(|_| OUT_OF_RANGE))
    }

    /// The argument at `index` as a finite number; Redis accepts `inf`, but not NaN, where it says "valid float".
    pub fn float(&self, index: usize) -> Result<f64, Reject> {
        parse_float(self.at(index)).ok_or(Reject::NOT_A_FLOAT)
    }
}

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

/// Reads a floating-point number as Redis' `string2d` and `getLongDoubleFromObject` do: no spaces, no NaN, `inf` allowed.
pub fn parse_float(text: &[u8]) -> Option<f64> {
    if text.is_empty() || text.len() > 512 || text.iter().any(|b| b.is_ascii_whitespace()) {
        return None;
    }
    let value: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    (!value.is_nan()).then_some(value)
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
