//! The server's own log: one line per event on standard error, for whoever runs it.
//!
//! Rare things only. What a client can cause at will is counted in metrics and logged at most once a minute, so that a
//! flood of bad input does not become a flood of lines.

use scrubjay_base::clock::{Clock, SystemClock, UnixMs};
use std::fmt;
use std::io::Write;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};

/// How important a line is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Level {
    /// For whoever works on the server.
    Debug,
    /// What a healthy server does.
    Info,
    /// Something that an operator may want to change.
    Warning,
    /// Something that does not work.
    Error,
}

impl Level {
    /// The level's name, as in the setting `log-level` and in a line.
    pub fn name(self) -> &'static str {
        match self {
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warning => "warning",
            Level::Error => "error",
        }
    }

    /// The level called `name`; `Info` for any other text.
    pub fn named(name: &str) -> Level {
        let levels = [Level::Debug, Level::Info, Level::Warning, Level::Error];
        levels.into_iter().find(|level| level.name() == name).unwrap_or(Level::Info)
    }
}

static LEAST: AtomicU8 = AtomicU8::new(Level::Info as u8);

/// Writes lines of this level and above only. Common to all nodes of a process.
pub fn set_level(least: Level) {
    LEAST.store(least as u8, Relaxed);
}

/// Writes a line: `2026-01-31T12:00:00.123Z warning ...`.
pub fn write(level: Level, text: fmt::Arguments<'_>) {
    if (level as u8) < LEAST.load(Relaxed) {
        return;
    }
    let name = level.name();
    let line = format!("{} {name} {text}\n", timestamp(SystemClock::new().now_ms()));
    // One write, so that lines of several threads do not mix. Nobody can be told that standard error is gone.
    let _ = std::io::stderr().write_all(line.as_bytes());
}

/// Lets one line a minute through.
#[derive(Default, Debug)]
pub struct OncePerMinute {
    next_ms: AtomicU64,
}

impl OncePerMinute {
    /// Whether a line may be written at `now_ms`.
    pub fn may(&self, now_ms: UnixMs) -> bool {
        let next_ms = self.next_ms.load(Relaxed);
        now_ms >= next_ms && self.next_ms.compare_exchange(next_ms, now_ms + 60_000, Relaxed, Relaxed).is_ok()
    }
}

/// `2026-01-31T12:00:00.123Z`, by the civil calendar (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn timestamp(unix_ms: UnixMs) -> String {
    let (days, ms) = (unix_ms / 86_400_000, unix_ms % 86_400_000);
    let shifted = days + 719_468; // days since 0000-03-01
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", ms % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_right_across_leap_days() {
        for (unix_ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_709_251_199_999, "2024-02-29T23:59:59.999Z"),
            (1_735_689_600_001, "2025-01-01T00:00:00.001Z"),
        ] {
            assert_eq!(timestamp(unix_ms), text);
        }
    }

    #[test]
    fn one_line_a_minute_passes() {
        let gate = OncePerMinute::default();
        let passed = [5, 6, 60_004, 60_005, 60_006].map(|now_ms| gate.may(now_ms));
        assert_eq!(passed, [true, false, false, true, false]);
    }

    #[test]
    fn levels_have_the_names_of_the_setting() {
        let (_, setting) = crate::config::find("log-level").unwrap();
        let crate::config::Kind::Choice(words) = setting.kind else { panic!("a choice") };
        for word in words {
            assert_eq!(Level::named(word).name(), *word);
        }
    }
}
