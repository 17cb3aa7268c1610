//! How fast things go now: the mean over the last moments, from counts that only go up.
//!
//! Somebody calls [`Rates::tick`] a few times a second; the mean is over the last 16 ticks that were at least 100 ms apart,
//! which is what Redis' `instantaneous_` fields show.

use parking_lot::Mutex;
use std::collections::VecDeque;

const TICKS: usize = 16;
const TICK_MS_MIN: u64 = 100;

/// Counts at one moment, or what they grew by per second.
#[derive(Clone, Copy, PartialEq, Default, Debug)]
pub struct Counts {
    /// Commands.
    pub commands: f64,
    /// Bytes read.
    pub bytes_in: f64,
    /// Bytes written.
    pub bytes_out: f64,
}

/// The latest counts.
#[derive(Debug, Default)]
pub struct Rates {
    ticks: Mutex<VecDeque<(u64, Counts)>>,
}

impl Rates {
    /// Notes the counts at `now_ms`, unless the last time is less than 100 ms ago. `counts` is only asked if needed.
    pub fn tick(&self, now_ms: u64, counts: impl FnOnce() -> Counts) {
        let mut ticks = self.ticks.lock();
        if ticks.back().is_some_and(|(last_ms, _)| now_ms.saturating_sub(*last_ms) < TICK_MS_MIN) {
            return;
        }
        if ticks.len() == TICKS {
            ticks.pop_front();
        }
        ticks.push_back((now_ms, counts()));
    }

    /// Growth per second.
    pub fn per_second(&self) -> Counts {
        let ticks = self.ticks.lock();
        let (Some((from_ms, from)), Some((to_ms, to))) = (ticks.front(), ticks.back()) else {
            return Counts::default();
        };
        let seconds = to_ms.saturating_sub(*from_ms) as f64 / 1000.0;
        if seconds == 0.0 {
            return Counts::default();
        }
        let rate = |from: f64, to: f64| (to - from) / seconds;
        Counts {
            commands: rate(from.commands, to.commands),
            bytes_in: rate(from.bytes_in, to.bytes_in),
            bytes_out: rate(from.bytes_out, to.bytes_out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(commands: f64) -> Counts {
        Counts { commands, ..Counts::default() }
    }

    #[test]
    fn the_rate_is_the_mean_of_the_last_ticks() {
        let rates = Rates::default();
        assert_eq!(rates.per_second(), Counts::default());
        for tick in 0..100u64 {
            rates.tick(tick * 100, || counts(if tick < 50 { 0.0 } else { (tick - 50) as f64 * 10.0 }));
        }
        assert_eq!(rates.per_second().commands, 100.0);
    }

    #[test]
    fn ticks_that_come_too_soon_are_not_asked_for_counts() {
        let rates = Rates::default();
        rates.tick(1000, || counts(0.0));
        rates.tick(1050, || panic!("asked"));
        rates.tick(1100, || counts(5.0));
        assert_eq!(rates.per_second().commands, 50.0);
    }
}
