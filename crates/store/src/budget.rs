//! The memory limit: one number of bytes in use, reserved before memory is taken and released after it is given back.
//!
//! Shards take memory a segment at a time, so the shared counter is touched once in some hundred writes, not in each.

#[cfg(loom)]
use loom::sync::atomic::{AtomicU64, Ordering::Relaxed};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Bytes in use against a limit that may change.
#[derive(Debug)]
pub struct Budget {
    used: AtomicU64,
    peak: AtomicU64,
    max: AtomicU64,
}

impl Budget {
    /// A budget of `max_bytes`; 0: no limit.
    pub fn new(max_bytes: u64) -> Budget {
        Budget { used: AtomicU64::new(0), peak: AtomicU64::new(0), max: AtomicU64::new(max_bytes) }
    }

    /// Takes `bytes` if they fit under the limit.
    pub fn try_reserve(&self, bytes: u64) -> bool {
        let max = self.max_bytes();
        let fits = |used: u64| if max == 0 || used + bytes <= max { Some(used + bytes) } else { None };
        match self.used.fetch_update(Relaxed, Relaxed, fits) {
            Ok(before) => {
                self.peak.fetch_max(before + bytes, Relaxed);
                true
            }
            Err(_) => false,
        }
    }

    /// Takes `bytes` whether they fit or not: for memory that already exists (a table that had to grow, a client's
    /// buffer). The overshoot is evicted soon after.
    pub fn charge(&self, bytes: u64) {
        let before = self.used.fetch_add(bytes, Relaxed);
        self.peak.fetch_max(before + bytes, Relaxed);
    }

    /// Gives `bytes` back.
    pub fn release(&self, bytes: u64) {
        let before = self.used.fetch_sub(bytes, Relaxed);
        debug_assert!(before >= bytes, "released {bytes} of {before} bytes");
    }

    /// Bytes in use.
    #[inline]
    pub fn used_bytes(&self) -> u64 {
        self.used.load(Relaxed)
    }

    /// The most that was ever in use.
    pub fn peak_bytes(&self) -> u64 {
        self.peak.load(Relaxed)
    }

    /// The limit; 0: none.
    #[inline]
    pub fn max_bytes(&self) -> u64 {
        self.max.load(Relaxed)
    }

    /// Changes the limit. Use may stand above it afterwards, until it was evicted down.
    pub fn set_max_bytes(&self, max_bytes: u64) {
        self.max.store(max_bytes, Relaxed);
    }

    /// By how much use stands above the limit.
    #[inline]
    pub fn surplus_bytes(&self) -> u64 {
        match self.max_bytes() {
            0 => 0,
            max => self.used_bytes().saturating_sub(max),
        }
    }
}

#[cfg(all(test, loom))]
#[path = "budget_interleavings.rs"]
mod interleavings;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reservations_stop_at_the_limit_and_charges_do_not() {
        let budget = Budget::new(100);
        assert!(budget.try_reserve(60) && !budget.try_reserve(41) && budget.try_reserve(40));
        budget.charge(10);
        assert_eq!((budget.surplus_bytes(), budget.peak_bytes()), (10, 110));
        budget.release(50);
        assert_eq!((budget.surplus_bytes(), budget.used_bytes()), (0, 60));
        budget.set_max_bytes(0);
        assert!(budget.try_reserve(1 << 40));
    }
}
