//! Numbers that go up, and numbers that go both ways.
//!
//! A hit costs a data plane about 200 ns in a pipelined batch. A counter that all cores add to with a locked instruction
//! costs up to half of that once the cache line bounces, so the counter of the hot path has one writer: a plain load, an
//! addition and a plain store, which the compiler turns into one `add [mem], n` without a lock prefix. Readers may look at
//! any time and see a slightly older number, never a torn one.

#[cfg(loom)]
use loom::sync::atomic::{AtomicI64, AtomicU64, Ordering};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// A count with one writing thread. A second writer would lose counts (never more than that): use [`Tally`] there.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Zero.
    pub fn new() -> Counter {
        Counter(AtomicU64::new(0))
    }

    /// Adds `n`. To be called by the owning thread only.
    #[inline]
    pub fn add(&self, n: u64) {
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(n), Ordering::Relaxed);
    }

    /// The count, as of a moment ago.
    #[inline]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A count with any number of writers: for what happens rarely (a refused connection, a protocol error).
#[derive(Debug, Default)]
pub struct Tally(AtomicU64);

impl Tally {
    /// Zero.
    pub fn new() -> Tally {
        Tally(AtomicU64::new(0))
    }

    /// Adds `n`.
    #[inline]
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// The count.
    #[inline]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A number that goes up and down: open connections, bytes of output waiting.
#[derive(Debug, Default)]
pub struct Gauge(AtomicI64);

impl Gauge {
    /// Zero.
    pub fn new() -> Gauge {
        Gauge(AtomicI64::new(0))
    }

    /// Adds `n`, which may be negative, and returns the new value.
    #[inline]
    pub fn add(&self, n: i64) -> i64 {
        self.0.fetch_add(n, Ordering::Relaxed) + n
    }

    /// Makes it `value`.
    #[inline]
    pub fn set(&self, value: i64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// Raises it to `value` if it is lower: a high-water mark.
    #[inline]
    pub fn raise_to(&self, value: i64) {
        self.0.fetch_max(value, Ordering::Relaxed);
    }

    /// The value.
    #[inline]
    pub fn get(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[cfg(all(test, loom))]
#[path = "counter_interleavings.rs"]
mod interleavings;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tally_loses_nothing_between_threads() {
        let tally = Tally::new();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..1000).for_each(|_| tally.add(1)));
            }
        });
        assert_eq!(tally.get(), 4000);
    }

    #[test]
    fn gauge_goes_both_ways_and_keeps_its_highest_when_asked() {
        let gauge = Gauge::new();
        assert_eq!((gauge.add(5), gauge.add(-2)), (5, 3));
        gauge.raise_to(2);
        assert_eq!(gauge.get(), 3);
        gauge.raise_to(9);
        assert_eq!(gauge.get(), 9);
    }
}
