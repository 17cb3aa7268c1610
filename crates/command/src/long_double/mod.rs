//! The x87's 80-bit numbers, in software: what INCRBYFLOAT computes with.
//!
//! Redis adds `long double`s and prints them with `%.17Lf`; with 53-bit doubles `10.5 + 0.1` would come out as
//! `10.59999999999999964`. Sums must not depend on the machine either (where C's `long double` is something else). So here
//! are the 64-bit mantissa, the correctly rounded sum, and the two conversions, each rounded once, half to even.
//!
//! ```text
//! value = mantissa * 2^exponent      mantissa: 2^63 .. 2^64-1, or 0
//! ```
//!
//! Not here: numbers below 2^-16382 keep full precision instead of losing it bit by bit; with 17 digits behind the point
//! nobody can see that.

mod big;

use big::Big;
use std::fmt;

/// A number with a mantissa of 64 bits, or an infinity.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LongDouble {
    negative: bool,
    mantissa: u64,
    /// [`INFINITE`] for the infinities.
    exponent: i32,
}

/// The exponent that says "infinite".
const INFINITE: i32 = i32::MAX;
/// From 2^16384 on a number is out of range.
const BITS_MAX: i32 = 16384;
/// The smallest number is 2^-16445.
const EXPONENT_MIN: i32 = -16445;
/// Longest text that is read, as in Redis: a number of 4933 digits fits.
const TEXT_MAX: usize = 5 * 1024 - 1;
/// Digits behind the point that are written.
const FRACTION_DIGITS: usize = 17;
const FRACTION_UNIT: u128 = 10u128.pow(FRACTION_DIGITS as u32);

impl LongDouble {
    /// Zero.
    pub const ZERO: LongDouble = LongDouble { negative: false, mantissa: 0, exponent: 0 };

    /// Bytes that a number below 2^64 takes as text.
    pub const TEXT_USUAL_MAX: usize = 1 + 20 + 1 + FRACTION_DIGITS;

    /// Reads a number as C's `strtold` does, from the whole text: decimal or hexadecimal, with or without exponent,
    /// `inf`, `infinity`. `None`: no number, NaN, out of range, or spaces.
    pub fn parse(text: &[u8]) -> Option<LongDouble> {
        if text.len() > TEXT_MAX {
            return None;
        }
        let (negative, digits) = match text.split_first()? {
            (b'-', rest) => (true, rest),
            (b'+', rest) => (false, rest),
            _ => (false, text),
        };
        let number = match digits {
            [b'0', b'x' | b'X', rest @ ..] => parse_hexadecimal(rest)?,
            _ if digits.eq_ignore_ascii_case(b"inf") || digits.eq_ignore_ascii_case(b"infinity") => {
                LongDouble { negative: false, mantissa: 1 << 63, exponent: INFINITE }
            }
            _ => parse_decimal(digits)?,
        };
        Some(LongDouble { negative, ..number })
    }

    /// The number that the shortest decimal form of `value` says: a tenth for `0.1`, as if the caller had sent the text.
    /// `None`: NaN.
    pub fn from_f64(value: f64) -> Option<LongDouble> {
        LongDouble::parse(format!("{value:e}").as_bytes())
    }

    /// Whether it is a number, not an infinity.
    pub fn is_finite(&self) -> bool {
        self.exponent != INFINITE
    }

    /// The sum, rounded; infinite if it is out of range. `None`: infinity minus infinity.
    pub fn plus(self, other: LongDouble) -> Option<LongDouble> {
        match (self.is_finite(), other.is_finite()) {
            (false, false) => return (self.negative == other.negative).then_some(self),
            (false, true) => return Some(self),
            (true, false) => return Some(other),
            (true, true) => {}
        }
        if self.mantissa == 0 || other.mantissa == 0 {
            let zero = LongDouble { negative: self.negative && other.negative, ..LongDouble::ZERO };
            return Some(if self.mantissa != 0 {
                self
            } else if other.mantissa != 0 {
                other
            } else {
                zero
            });
        }
        let order = |number: &LongDouble| (number.exponent, number.mantissa);
        let (large, small) = if order(&self) >= order(&other) { (self, other) } else { (other, self) };
        // 62 bits below the larger mantissa hold what rounding needs; what the smaller one has below them only tips ties.
        const ROOM: u32 = 62;
        let distance = (large.exponent - small.exponent) as u32;
        let wide = u128::from(large.mantissa) << ROOM;
        let shifted = u128::from(small.mantissa) << ROOM;
        let part = shifted.checked_shr(distance).unwrap_or(0);
        let lost = part.checked_shl(distance).unwrap_or(0) != shifted;
        let sum = if large.negative == small.negative { wide + part } else { wide - part - u128::from(lost) };
        let magnitude = round(sum, lost, large.exponent - ROOM as i32);
        Some(LongDouble { negative: large.negative && magnitude.mantissa != 0, ..magnitude })
    }
}

/// The number nearest to `(value + a bit more if lost) * 2^exponent`, ties to even; infinite if that is out of range.
fn round(value: u128, lost: bool, exponent: i32) -> LongDouble {
    let bits = 128 - value.leading_zeros() as i32;
    let surplus = bits - 64;
    let (mut mantissa, mut exponent) = (value, exponent + surplus);
    if surplus > 0 {
        mantissa = value >> surplus;
        let rest = value & ((1 << surplus) - 1);
        let half = 1u128 << (surplus - 1);
        if rest > half || (rest == half && (lost || mantissa & 1 == 1)) {
            mantissa += 1;
        }
        if mantissa >> 64 != 0 {
            mantissa >>= 1;
            exponent += 1;
        }
    } else if value != 0 {
        mantissa <<= -surplus;
    }
    if mantissa == 0 {
        return LongDouble::ZERO;
    }
    if exponent + 64 > BITS_MAX {
        return LongDouble { negative: false, mantissa: 1 << 63, exponent: INFINITE };
    }
    LongDouble { negative: false, mantissa: mantissa as u64, exponent }
}

/// Splits `digits [. digits] [marker [sign] digits]`: the digits without the point, how many of them stand behind it, and
/// the exponent. `None`: it is something else.
fn split(text: &[u8], marker: u8, is_digit: fn(&u8) -> bool) -> Option<(Vec<u8>, i64, i64)> {
    let whole = text.iter().take_while(|b| is_digit(b)).count();
    let mut digits = text[..whole].to_vec();
    let mut rest = &text[whole..];
    let mut behind = 0;
    if let [b'.', fraction @ ..] = rest {
        behind = fraction.iter().take_while(|b| is_digit(b)).count();
        digits.extend_from_slice(&fraction[..behind]);
        rest = &fraction[behind..];
    }
    if digits.is_empty() {
        return None;
    }
    let exponent = match rest {
        [] => 0,
        [first, exponent @ ..] if first.eq_ignore_ascii_case(&marker) => {
            let (negative, number) = match exponent {
                [b'-', number @ ..] => (true, number),
                [b'+', number @ ..] => (false, number),
                number => (false, number),
            };
            if number.is_empty() || !number.iter().all(u8::is_ascii_digit) {
                return None;
            }
            let size = number.iter().fold(0i64, |sum, d| (sum * 10 + i64::from(d - b'0')).min(1 << 40));
            if negative { -size } else { size }
        }
        _ => return None,
    };
    Some((digits, behind as i64, exponent))
}

fn parse_decimal(text: &[u8]) -> Option<LongDouble> {
    let (digits, behind, exponent) = split(text, b'e', u8::is_ascii_digit)?;
    let exponent = exponent - behind;
    let digits = &digits[digits.iter().take_while(|&&digit| digit == b'0').count()..];
    if digits.is_empty() {
        return Some(LongDouble::ZERO);
    }
    // Far out of range either way; and the powers of ten below stay small enough to compute.
    if !(-5000..=5000).contains(&(exponent + digits.len() as i64)) {
        return None;
    }
    let mut numerator = Big::from_u64(0);
    for chunk in digits.chunks(9) {
        let value = chunk.iter().fold(0, |value, digit| value * 10 + u32::from(digit - b'0'));
        numerator.mul_add(10u32.pow(chunk.len() as u32), value);
    }
    let mut denominator = Big::from_u64(1);
    let scaled = if exponent < 0 { &mut denominator } else { &mut numerator };
    scaled.mul_power_of_ten(exponent.unsigned_abs() as u32);
    // 66 bits of quotient or more: 64 for the mantissa, one to round, and what is lost below says how ties fall.
    let shift = 66 - (numerator.bits() as i32 - denominator.bits() as i32);
    if shift >= 0 {
        numerator = numerator.shifted_left(shift as u32);
    } else {
        denominator = denominator.shifted_left(-shift as u32);
    }
    let (quotient, lost) = numerator.divide(&denominator);
    in_range(round(quotient, lost, -shift))
}

fn parse_hexadecimal(text: &[u8]) -> Option<LongDouble> {
    let (digits, behind, exponent) = split(text, b'p', u8::is_ascii_hexdigit)?;
    let (mut value, mut lost, mut dropped) = (0u128, false, 0i64);
    for &digit in &digits {
        let digit = char::from(digit).to_digit(16)?;
        if value >> 120 == 0 {
            value = value << 4 | u128::from(digit);
        } else {
            lost |= digit != 0;
            dropped += 4;
        }
    }
    if value == 0 {
        return Some(LongDouble::ZERO);
    }
    let exponent = exponent - 4 * behind + dropped;
    let exponent = i32::try_from(exponent).ok().filter(|e| e.abs() < 1 << 20)?;
    in_range(round(value, lost, exponent))
}

/// `None` where `strtold` says `ERANGE`: infinite, or rounded to zero.
fn in_range(number: LongDouble) -> Option<LongDouble> {
    (number.is_finite() && number.exponent + 63 >= EXPONENT_MIN).then_some(number)
}

impl fmt::Display for LongDouble {
    /// Decimal without exponent, at most 17 digits behind the point, no zeros at the end: `%.17Lf`, trimmed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.negative { "-" } else { "" };
        if !self.is_finite() {
            return write!(f, "{sign}inf");
        }
        if self.mantissa == 0 {
            return f.write_str("0");
        }
        if self.exponent >= 0 {
            return write!(
                f,
                "{sign}{}",
                Big::from_u64(self.mantissa).shifted_left(self.exponent as u32).into_decimal()
            );
        }
        // 64 + 57 bits: the number in units of the last digit fits, before the division by 2^shift.
        let scaled = u128::from(self.mantissa) * FRACTION_UNIT;
        let shift = -self.exponent as u32;
        let mut units = scaled.checked_shr(shift).unwrap_or(0);
        let rest = scaled - units.checked_shl(shift).unwrap_or(0);
        let half = 1u128.checked_shl(shift - 1).unwrap_or(u128::MAX);
        if rest > half || (rest == half && units & 1 == 1) {
            units += 1;
        }
        if units == 0 {
            return f.write_str("0");
        }
        let (whole, fraction) = (units / FRACTION_UNIT, units % FRACTION_UNIT);
        if fraction == 0 {
            return write!(f, "{sign}{whole}");
        }
        let fraction = format!("{fraction:0FRACTION_DIGITS$}");
        write!(f, "{sign}{whole}.{}", fraction.trim_end_matches('0'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(a: &str, b: &str) -> String {
        let read = |text: &str| LongDouble::parse(text.as_bytes()).unwrap_or_else(|| panic!("{text} is a number"));
        read(a).plus(read(b)).map_or("nan".into(), |sum| sum.to_string())
    }

    #[test]
    fn sums_are_what_an_x87_computes_and_prints() {
        for (a, b, expected) in [
            ("10.50", "0.1", "10.6"),
            ("5.0e3", "2.0e2", "5200"),
            ("3.0e3", "1.1", "3001.10000000000000009"),
            ("0", "0.1", "0.1"),
            ("0.1", "0.2", "0.3"),
            ("1", "1e-17", "1.00000000000000001"),
            ("1", "1e-20", "1"),
            ("-1.5", "1.5", "0"),
            ("-0", "-0", "0"),
            ("-0.1", "0", "-0.1"),
            ("1e18", "0.5", "1000000000000000000.5"),
            ("17179869184", "1.5", "17179869185.5"),
            ("9223372036854775807", "1", "9223372036854775808"),
            ("18446744073709551615", "1", "18446744073709551616"),
            ("18446744073709551616", "1", "18446744073709551616"),
            ("18446744073709551616", "3", "18446744073709551620"),
            ("1e30", "-1e30", "0"),
            ("0x10", "0x.8p1", "17"),
            ("0x1p-1", "+1", "1.5"),
            (".5", "5.", "5.5"),
            ("inf", "1", "inf"),
            ("inf", "-inf", "nan"),
            ("-1e-30", "0", "0"),
        ] {
            assert_eq!(sum(a, b), expected, "{a} + {b}");
        }
    }

    #[test]
    fn what_strtold_does_not_take_whole_is_no_number() {
        for text in [
            "",
            " 1",
            "1 ",
            "abc",
            "1e",
            "1e+",
            "0x",
            "0xg",
            "0x1p",
            ".",
            "-",
            "+-1",
            "1.2.3",
            "nan",
            "-nan",
            "1e5000",
            "1e-5000",
            "1e99999999999999999999",
            "infinit",
            "1_0",
            "--1",
            "1,5",
        ] {
            assert_eq!(LongDouble::parse(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(LongDouble::parse(b"0e99999"), Some(LongDouble::ZERO));
    }

    #[test]
    fn the_largest_number_is_written_and_read_back_and_doubled_is_infinite() {
        let text = "1.18973149535723176502e+4932";
        let largest = LongDouble::parse(text.as_bytes()).expect("LDBL_MAX");
        assert_eq!(LongDouble::parse(largest.to_string().as_bytes()), Some(largest));
        assert_eq!(largest.plus(largest).map(|sum| sum.is_finite()), Some(false));
        assert_eq!(largest.plus(LongDouble::parse(b"1").expect("one")), Some(largest));
    }

    #[test]
    fn parsing_agrees_with_the_standard_library_after_rounding_to_doubles() {
        let mut rng = scrubjay_base::rand::Rng::new(11);
        for _ in 0..2000 {
            let value = (rng.unit() - 0.5) * 10f64.powi(rng.below(40) as i32 - 20);
            let number = LongDouble::from_f64(value).expect("finite");
            let exact = number.mantissa as f64 * 2f64.powi(number.exponent);
            assert_eq!(if number.negative { -exact } else { exact }, value);
        }
    }
}
