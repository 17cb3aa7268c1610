//! Sizes as people write them: `100mb`, `4gb`, `1048576`, `80%`.
//!
//! As in Redis' configuration, `k`, `m`, `g` are powers of 1000 and `kb`, `mb`, `gb` powers of 1024.

use std::fmt;

/// A size that is either a number of bytes or a share of what the machine (or its cgroup) has.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Size {
    /// Bytes.
    Bytes(u64),
    /// Percent of the machine's memory, above 0 and at most 100.
    Percent(f64),
}

/// Why a text is no size.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BadSize {
    text: String,
}

impl fmt::Display for BadSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}' is not a size: write bytes (1048576), a unit (100mb, 4gb) or a percentage (80%)", self.text)
    }
}

impl std::error::Error for BadSize {}

impl Size {
    /// Reads a size. Case and spaces around the number do not matter; fractions are allowed before a unit.
    pub fn parse(text: &str) -> Result<Size, BadSize> {
        let bad = || BadSize { text: text.to_owned() };
        let lower = text.trim().to_ascii_lowercase();
        let digits = lower.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(lower.len());
        let (number, unit) = (&lower[..digits], lower[digits..].trim());
        if unit == "%" {
            let percent: f64 = number.parse().map_err(|_| bad())?;
            return if percent > 0.0 && percent <= 100.0 { Ok(Size::Percent(percent)) } else { Err(bad()) };
        }
        let factor: u64 = match unit {
            "" | "b" => 1,
            "k" => 1000,
            "kb" | "kib" => 1 << 10,
            "m" => 1_000_000,
            "mb" | "mib" => 1 << 20,
            "g" => 1_000_000_000,
            "gb" | "gib" => 1 << 30,
            "t" => 1_000_000_000_000,
            "tb" | "tib" => 1 << 40,
            _ => return Err(bad()),
        };
        if let Ok(whole) = number.parse::<u64>() {
            return whole.checked_mul(factor).map(Size::Bytes).ok_or_else(bad);
        }
        let fraction: f64 = number.parse().map_err(|_| bad())?;
        let bytes = fraction * factor as f64;
        if factor > 1 && bytes < u64::MAX as f64 { Ok(Size::Bytes(bytes as u64)) } else { Err(bad()) }
    }

    /// The size in bytes on a machine with `total_bytes`.
    pub fn bytes_of(self, total_bytes: u64) -> u64 {
        match self {
            Size::Bytes(bytes) => bytes,
            Size::Percent(percent) => (total_bytes as f64 * percent / 100.0) as u64,
        }
    }
}

/// Bytes as people read them, with Redis' shape: `512B`, `1.50K`, `2.00G`.
pub fn human(bytes: u64) -> String {
    const UNITS: [(&str, u64); 4] = [("T", 1 << 40), ("G", 1 << 30), ("M", 1 << 20), ("K", 1 << 10)];
    for (unit, factor) in UNITS {
        if bytes >= factor {
            return format!("{:.2}{unit}", bytes as f64 / factor as f64);
        }
    }
    format!("{bytes}B")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_as_people_write_them() {
        for (text, bytes) in [
            ("0", 0),
            ("1048576", 1 << 20),
            ("100mb", 100 << 20),
            ("1k", 1000),
            ("1kb", 1024),
            (" 4 GB ", 4 << 30),
            ("1.5gb", 3 << 29),
            ("2tb", 2 << 40),
        ] {
            assert_eq!(Size::parse(text), Ok(Size::Bytes(bytes)), "{text}");
        }
        assert_eq!(Size::parse("80%").map(|s| s.bytes_of(1000)), Ok(800));
    }

    #[test]
    fn nonsense_is_refused_with_a_sentence() {
        for text in ["", "mb", "-1", "1xb", "0%", "101%", "99999999999999999999", "1.5", "1..5gb"] {
            assert!(Size::parse(text).is_err(), "{text}");
        }
        assert!(Size::parse("12q").unwrap_err().to_string().contains("'12q'"));
    }

    #[test]
    fn human_sizes_have_redis_shape() {
        assert_eq!([human(12), human(1536), human(2 << 30)], ["12B", "1.50K", "2.00G"]);
    }
}
