//! Time is a parameter. Everything below `server` takes `now_ms`; this file is where that number may come from.
//!
//! Wall-clock milliseconds since 1970 are used for deadlines, because they travel between nodes and survive restarts.
//! Durations (latencies, time-outs) use the monotonic clock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Milliseconds since the Unix epoch.
pub type UnixMs = u64;

/// A source of wall-clock milliseconds and monotonic nanoseconds.
pub trait Clock: Send + Sync {
    /// Milliseconds since 1970-01-01 00:00 UTC.
    fn now_ms(&self) -> UnixMs;
    /// Nanoseconds since an arbitrary start; never goes back.
    fn monotonic_ns(&self) -> u64;
    /// Nanoseconds since 1970, as exactly as the clock knows.
    fn now_ns(&self) -> u64 {
        self.now_ms() * 1_000_000
    }
}

/// The wall clock, derived from readings of the monotonic one: for threads that need both for every few microseconds of
/// work. Reading a clock costs 25 to 60 ns; this reads the wall clock only every [`WALL_EVERY_NS`].
#[derive(Clone, Debug, Default)]
pub struct DerivedClock {
    /// The wall clock minus the monotonic clock, when both were last read.
    offset_ns: u64,
    /// On the monotonic clock, when the wall clock is to be read next.
    read_at_ns: u64,
}

/// A clock that somebody sets is noticed so late: 20 ms, a third of the time that a person needs to notice anything.
const WALL_EVERY_NS: u64 = 20_000_000;

impl DerivedClock {
    /// The wall clock, in milliseconds, at the moment when `clock`'s monotonic time was `monotonic_ns` (just now).
    #[inline]
    pub fn now_ms(&mut self, clock: &dyn Clock, monotonic_ns: u64) -> UnixMs {
        if monotonic_ns >= self.read_at_ns {
            self.offset_ns = clock.now_ns().wrapping_sub(monotonic_ns);
            self.read_at_ns = monotonic_ns + WALL_EVERY_NS;
        }
        self.offset_ns.wrapping_add(monotonic_ns) / 1_000_000
    }
}

/// The machine's clock.
#[derive(Debug)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// A clock whose monotonic zero is now.
    pub fn new() -> SystemClock {
        SystemClock { start: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        SystemClock::new()
    }
}

impl Clock for SystemClock {
    #[inline]
    fn now_ms(&self) -> UnixMs {
        // Before 1970 the machine's clock is wrong anyway; zero keeps every deadline in the future instead of panicking.
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as u64)
    }

    #[inline]
    fn now_ns(&self) -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos() as u64)
    }

    #[inline]
    fn monotonic_ns(&self) -> u64 {
        self.start.elapsed().as_nanos() as u64
    }
}

/// A clock that stands still until it is told to move: for tests, replays and simulations.
#[derive(Debug, Default)]
pub struct ManualClock {
    now_ms: AtomicU64,
}

impl ManualClock {
    /// A clock that shows `now_ms`.
    pub fn new(now_ms: UnixMs) -> ManualClock {
        ManualClock { now_ms: AtomicU64::new(now_ms) }
    }

    /// Moves forward by `ms`.
    pub fn advance_ms(&self, ms: u64) {
        self.now_ms.fetch_add(ms, Ordering::Relaxed);
    }
}

impl Clock for ManualClock {
    fn now_ms(&self) -> UnixMs {
        self.now_ms.load(Ordering::Relaxed)
    }

    fn monotonic_ns(&self) -> u64 {
        self.now_ms().wrapping_mul(1_000_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_derived_clock_shows_what_its_clock_shows() {
        let clock = ManualClock::new(1_700_000_000_000);
        let mut derived = DerivedClock::default();
        for step_ms in [0, 1, 5, 19, 20, 21, 1000] {
            clock.advance_ms(step_ms);
            assert_eq!(derived.now_ms(&clock, clock.monotonic_ns()), clock.now_ms());
        }
    }

    #[test]
    fn a_derived_clock_is_never_behind_by_a_millisecond_nor_ahead() {
        let clock = SystemClock::new();
        let mut derived = DerivedClock::default();
        for _ in 0..10_000 {
            let before_ms = clock.now_ms();
            let now_ms = derived.now_ms(&clock, clock.monotonic_ns());
            let after_ms = clock.now_ms();
            assert!(before_ms <= now_ms + 1 && now_ms <= after_ms + 1, "{before_ms} {now_ms} {after_ms}");
        }
    }
}
