//! Floating-point numbers as Redis writes them: the fewest digits that read back as the same number.
//!
//! ```text
//! 3  0.1  -1.5  100000  1e+21  1e-7  inf  nan
//! ```
//!
//! Digits come from Rust's own shortest form; where the point goes and when an exponent is used follows what Redis 7.2
//! and later print.

use std::fmt::Write;

/// `value` as text, into `text`, which it replaces.
pub fn format(value: f64, text: &mut String) {
    text.clear();
    if value.is_nan() {
        return text.push_str("nan");
    }
    if value.is_infinite() {
        return text.push_str(if value < 0.0 { "-inf" } else { "inf" });
    }
    // Most scores are whole numbers; those that are exact and need no exponent are written as one.
    let whole = value as i64;
    if whole as f64 == value && whole.unsigned_abs() < 1 << 53 && whole % 100_000_000 != 0 {
        let _ = write!(text, "{whole}"); // cannot fail
        return;
    }
    // `1.2345e-7`: the digits, and the power of ten of the first.
    let mut scientific = Short::default();
    let _ = write!(scientific, "{:e}", value.abs()); // 17 digits and an exponent fit
    let (mantissa, exponent) = scientific.as_str().split_once('e').unwrap_or(("0", "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let mut digits = Short::default();
    mantissa.split('.').for_each(|part| {
        let _ = digits.write_str(part); // fewer than it was read from
    });
    if value.is_sign_negative() {
        text.push('-');
    }
    place(digits.as_str(), exponent, text);
}

/// A few characters without an allocation: a reply may hold many numbers.
#[derive(Default)]
struct Short {
    bytes: [u8; 32],
    length: usize,
}

impl Short {
    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

impl Write for Short {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let end = self.length + text.len();
        self.bytes.get_mut(self.length..end).ok_or(std::fmt::Error)?.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

/// Writes `digits`, the first of which counts `10^exponent`.
fn place(digits: &str, exponent: i32, text: &mut String) {
    let count = digits.len() as i32;
    let last = exponent - count + 1; // power of ten of the last digit
    if last >= 0 && exponent < count + 7 {
        text.push_str(digits);
        text.extend(std::iter::repeat_n('0', last as usize));
    } else if last < 0 && (last > -7 || exponent.abs() < 4) {
        if exponent < 0 {
            text.push_str("0.");
            text.extend(std::iter::repeat_n('0', (-exponent - 1) as usize));
            text.push_str(digits);
        } else {
            let (whole, fraction) = digits.split_at(exponent as usize + 1);
            text.push_str(whole);
            text.push('.');
            text.push_str(fraction);
        }
    } else {
        let (first, rest) = digits.split_at(1);
        text.push_str(first);
        if !rest.is_empty() {
            text.push('.');
            text.push_str(rest);
        }
        let _ = write!(text, "e{}{}", if exponent < 0 { '-' } else { '+' }, exponent.abs()); // cannot fail
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn formatted(value: f64) -> String {
        let mut text = String::new();
        format(value, &mut text);
        text
    }

    #[test]
    fn numbers_look_as_redis_prints_them() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (3.0, "3"),
            (-1.5, "-1.5"),
            (0.1, "0.1"),
            (12_345_678.0, "12345678"),
            (-1e7, "-10000000"),
            (1e8, "1e+8"),
            (9_007_199_254_740_992.0, "9007199254740992"),
            (1.0 / 3.0, "0.3333333333333333"),
            (123_456.789, "123456.789"),
            (100_000.0, "100000"),
            (1e21, "1e+21"),
            (1e-7, "1e-7"),
            (0.001, "0.001"),
            (1.7976931348623157e308, "1.7976931348623157e+308"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::NAN, "nan"),
        ] {
            assert_eq!(formatted(value), text);
        }
    }

    proptest! {
        #[test]
        fn whole_numbers_look_the_same_by_the_short_way(value in any::<i64>(), shift in 0u32..64, zeros in 0u32..12) {
            let value = ((value >> shift) as f64) * 10f64.powi(zeros as i32);
            let text = formatted(value);
            let mut by_digits = String::new();
            let scientific = format!("{:e}", value.abs());
            let (mantissa, exponent) = scientific.split_once('e').expect("it has an exponent");
            let digits: String = mantissa.chars().filter(|c| *c != '.').collect();
            place(&digits, exponent.parse().expect("a number"), &mut by_digits);
            prop_assert_eq!(text.trim_start_matches('-'), by_digits);
        }

        #[test]
        fn every_number_reads_back_as_itself(bits in any::<u64>()) {
            let value = f64::from_bits(bits);
            prop_assume!(!value.is_nan());
            prop_assert_eq!(formatted(value).parse::<f64>().expect("a number"), value);
        }
    }
}
