//! Scores and bounds as clients write them, read as C's `strtod` reads them: decimal or hexadecimal, `inf`, `infinity`.
//!
//! A score must be a number as a whole. Bounds are read as Redis reads them, more kindly: spaces may stand before, nothing
//! is zero, what is too large is infinite.

use crate::reject::{Kind, Reject};
use scrubjay_store::value::sorted_set::Cut;

/// What a number must be that is no score: a weight.
pub(super) const BAD_WEIGHT: Reject = Reject::new(Kind::BadRequest, "ERR weight value is not a float");
const BAD_SCORE_BOUND: Reject = Reject::new(Kind::BadRequest, "ERR min or max is not a float");
const BAD_NAME_BOUND: Reject = Reject::new(Kind::BadRequest, "ERR min or max not valid string range item");

/// A number, and whether it was none that a double can hold: too large, or so small that nothing is left.
fn number(text: &[u8]) -> Option<(f64, bool)> {
    let (negative, digits) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        (b'+', rest) => (false, rest),
        _ => (false, text),
    };
    if digits.eq_ignore_ascii_case(b"inf") || digits.eq_ignore_ascii_case(b"infinity") {
        return Some((if negative { f64::NEG_INFINITY } else { f64::INFINITY }, false));
    }
    let (magnitude, is_zero) = match digits {
        [b'0', b'x' | b'X', rest @ ..] => hexadecimal(rest)?,
        [b'0'..=b'9' | b'.', ..] => {
            let value: f64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
            let mantissa = digits.iter().take_while(|digit| !matches!(digit, b'e' | b'E'));
            (value, mantissa.clone().all(|digit| matches!(digit, b'0' | b'.')))
        }
        _ => return None,
    };
    let is_lost = magnitude.is_infinite() || (magnitude == 0.0 && !is_zero);
    Some((if negative { -magnitude } else { magnitude }, is_lost))
}

/// The number behind `0x`, and whether all its digits are zeros.
fn hexadecimal(text: &[u8]) -> Option<(f64, bool)> {
    let (mut mantissa, mut exponent, mut digits, mut is_fraction) = (0u64, 0i64, 0, false);
    let mut rest = text;
    while let Some((&first, after)) = rest.split_first() {
        if let Some(digit) = char::from(first).to_digit(16) {
            digits += 1;
            exponent -= if is_fraction { 4 } else { 0 };
            if mantissa >> 59 == 0 {
                mantissa = mantissa << 4 | u64::from(digit);
            } else {
                // Beyond what a double shows: only whether there is anything.
                mantissa |= u64::from(digit != 0);
                exponent += 4;
            }
        } else if first == b'.' && !is_fraction {
            is_fraction = true;
        } else {
            break;
        }
        rest = after;
    }
    let scale: i64 = match rest {
        [] => 0,
        [b'p' | b'P', power @ ..] => {
            let unsigned = power.strip_prefix(b"-").or(power.strip_prefix(b"+")).unwrap_or(power);
            if unsigned.is_empty() || !unsigned.iter().all(u8::is_ascii_digit) {
                return None;
            }
            let far = unsigned.iter().fold(0i64, |far, digit| (far * 10 + i64::from(digit - b'0')).min(1 << 40));
            if power[0] == b'-' { -far } else { far }
        }
        _ => return None,
    };
    if digits == 0 {
        return None;
    }
    let (mut value, mut power) = (mantissa as f64, (exponent + scale).clamp(-4000, 4000));
    while power != 0 {
        let step = power.clamp(-1000, 1000);
        value *= 2f64.powi(step as i32);
        power -= step;
    }
    Some((value, mantissa == 0))
}

/// A score or an increment.
pub(super) fn score(text: &[u8]) -> Result<f64, Reject> {
    match number(text) {
        Some((value, false)) => Ok(value),
        _ => Err(Reject::NOT_A_FLOAT),
    }
}

/// A bound's number.
fn bound(text: &[u8]) -> Option<f64> {
    // C's text ends at a zero byte.
    let text = text.split(|byte| *byte == 0).next()?.trim_ascii_start();
    if text.is_empty() { Some(0.0) } else { number(text).map(|(value, _)| value) }
}

/// The places that `min` and `max` name among scores: `1` from there on, `(1` behind it.
pub(super) fn score_cuts<'a>(min: &[u8], max: &[u8]) -> Result<(Cut<'a>, Cut<'a>), Reject> {
    let read = |text: &[u8]| match text.strip_prefix(b"(") {
        Some(open) => bound(open).map(|value| (value, true)),
        None => bound(text).map(|value| (value, false)),
    };
    let ((min, min_is_open), (max, max_is_open)) =
        (read(min).ok_or(BAD_SCORE_BOUND)?, read(max).ok_or(BAD_SCORE_BOUND)?);
    let from = if min_is_open { Cut::AfterScore(min) } else { Cut::BeforeScore(min) };
    let to = if max_is_open { Cut::BeforeScore(max) } else { Cut::AfterScore(max) };
    Ok((from, to))
}

/// The places that `min` and `max` name among names: `[a` from there on, `(a` behind it, `-` and `+` the ends.
pub(super) fn name_cuts<'a>(min: &'a [u8], max: &'a [u8]) -> Result<(Cut<'a>, Cut<'a>), Reject> {
    let from = match min {
        b"-" => Cut::Start,
        b"+" => Cut::End,
        [b'[', name @ ..] => Cut::BeforeName(name),
        [b'(', name @ ..] => Cut::AfterName(name),
        _ => return Err(BAD_NAME_BOUND),
    };
    let to = match max {
        b"-" => Cut::Start,
        b"+" => Cut::End,
        [b'[', name @ ..] => Cut::AfterName(name),
        [b'(', name @ ..] => Cut::BeforeName(name),
        _ => return Err(BAD_NAME_BOUND),
    };
    Ok((from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_read_as_strtod_reads_them() {
        for (text, value) in [
            ("1", 1.0),
            ("-2.5", -2.5),
            ("+.5", 0.5),
            ("3.", 3.0),
            ("1e3", 1000.0),
            ("1E-2", 0.01),
            ("inf", f64::INFINITY),
            ("+Infinity", f64::INFINITY),
            ("-INF", f64::NEG_INFINITY),
            ("0x10", 16.0),
            ("0xA.8p1", 21.0),
            ("-0x.1", -0.0625),
            ("0x1p-1074", 5e-324),
            ("0x1fffffffffffffffffp0", 5.902958103587057e+20),
            ("0e999999", 0.0),
            ("0x0p-99999", 0.0),
            ("4.9e-324", 5e-324),
        ] {
            assert_eq!(score(text.as_bytes()), Ok(value), "{text}");
        }
        assert!(score(b"-0").is_ok_and(|zero| zero.is_sign_negative()));
        for text in
            ["", " 1", "1 ", "nan", "-nan", "x", "1e", "1e400", "1e-400", ".", "0x", "0x1p", "1_0", "--1", "+-1"]
        {
            assert_eq!(score(text.as_bytes()), Err(Reject::NOT_A_FLOAT), "{text:?}");
        }
    }

    #[test]
    fn bounds_are_read_more_kindly() {
        for (text, value) in [("", 0.0), (" 5", 5.0), ("1e400", f64::INFINITY), ("3\0x", 3.0)] {
            assert_eq!(bound(text.as_bytes()), Some(value), "{text:?}");
        }
        for text in ["5 ", "nan", "((1", "x"] {
            assert_eq!(bound(text.as_bytes()), None, "{text:?}");
        }
    }
}
