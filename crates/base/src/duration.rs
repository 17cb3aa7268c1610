//! Durations as people write them: `10s`, `500ms`, `5m`, `1.5h`, `30d`; a bare number is seconds.

use std::fmt;
use std::time::Duration;

/// Why a text is no duration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BadDuration {
    text: String,
}

impl fmt::Display for BadDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}' is not a duration: write seconds (10, 1.5) or a unit (500ms, 10s, 5m, 2h, 30d)", self.text)
    }
}

impl std::error::Error for BadDuration {}

/// Reads a duration. Case and spaces around the number do not matter; finer than a millisecond is cut off.
pub fn parse(text: &str) -> Result<Duration, BadDuration> {
    let bad = || BadDuration { text: text.to_owned() };
    let lower = text.trim().to_ascii_lowercase();
    let digits = lower.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(lower.len());
    let factor_ms: u64 = match lower[digits..].trim() {
        "ms" => 1,
        "" | "s" => 1000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(bad()),
    };
    let number = &lower[..digits];
    if let Ok(whole) = number.parse::<u64>() {
        return whole.checked_mul(factor_ms).map(Duration::from_millis).ok_or_else(bad);
    }
    let ms = number.parse::<f64>().map_err(|_| bad())? * factor_ms as f64;
    if ms < u64::MAX as f64 { Ok(Duration::from_millis(ms as u64)) } else { Err(bad()) }
}

/// A duration in the largest unit that needs no fraction: `90s`, `2m`, `1500ms`; zero is `0`.
pub fn show(duration: Duration) -> String {
    let ms = duration.as_millis();
    match [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s")]
        .iter()
        .find(|(unit, _)| ms.is_multiple_of(*unit))
    {
        _ if ms == 0 => "0".to_owned(),
        Some((unit, name)) => format!("{}{name}", ms / unit),
        None => format!("{ms}ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_write_them() {
        for (text, ms) in [
            ("0", 0),
            ("10", 10_000),
            ("1.5", 1500),
            ("500ms", 500),
            (" 5 M ", 300_000),
            ("2h", 7_200_000),
            ("0.5d", 43_200_000),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for text in ["", "s", "-1", "1 week", "1..5s", "99999999999999999999", "1e3"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn shown_durations_read_back() {
        for (ms, shown) in [
            (0, "0"),
            (1, "1ms"),
            (1500, "1500ms"),
            (90_000, "90s"),
            (120_000, "2m"),
            (7_200_000, "2h"),
            (86_400_000, "1d"),
        ] {
            let duration = Duration::from_millis(ms);
            assert_eq!(show(duration), shown);
            assert_eq!(parse(shown), Ok(duration));
        }
    }
}
