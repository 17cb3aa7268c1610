//! A quota of commands a second: the generic cell rate algorithm (ITU-T I.371), one atomic number.
//!
//! ```text
//!   now            full_at
//!    |<--- debt ---->|          a command moves full_at by 1/N s; it runs if the debt is a second at most then
//! ```
//! So N commands run at once after a second of rest, and N a second in the long run. A request of more commands than N runs
//! when the debt is 0, and leaves one that others wait for: refused for ever, it could never run at all.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Units of time in a nanosecond: a command of ten million a second takes 800 of them, so that what a division cuts off is
/// little more than a thousandth. 2^64 of them are 73 years.
const UNITS_PER_NS: u64 = 8;
/// A second.
const SECOND: u64 = 1_000_000_000 * UNITS_PER_NS;
/// A millisecond.
const MILLISECOND: u64 = SECOND / 1000;

/// The quota of one namespace. On cache lines of its own: those who have none do not feel it.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct Quota {
    /// 0: none.
    per_second: AtomicU64,
    /// When there will be no debt, in units on the monotonic clock.
    full_at: AtomicU64,
    refused: AtomicU64,
}

/// There is no room for the command yet. Nothing was taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Exceeded {
    /// The quota.
    pub per_second: u64,
    /// When there would be, in milliseconds from now, at least 1.
    pub retry_ms: u64,
}

impl Quota {
    /// How many commands a second; 0: as many as one wants.
    #[inline]
    pub fn per_second(&self) -> u64 {
        self.per_second.load(Relaxed)
    }

    /// Changes it. What was taken stays taken.
    pub fn set_per_second(&self, per_second: u64) {
        self.per_second.store(per_second, Relaxed);
    }

    /// Takes as much as `commands` count for, at `now_ns` on the monotonic clock.
    ///
    /// Errors: there is no room; nothing was taken, and `commands` are counted as refused.
    pub fn take(&self, commands: u64, now_ns: u64) -> Result<(), Exceeded> {
        let per_second = self.per_second();
        if per_second == 0 || commands == 0 {
            return Ok(());
        }
        let (each, now) = (SECOND / per_second, now_ns.saturating_mul(UNITS_PER_NS));
        let needed = each.saturating_mul(commands.min(per_second));
        let mut retry = 0;
        let taken = self.full_at.fetch_update(Relaxed, Relaxed, |full_at| {
            let full_at = full_at.max(now);
            // Up to a second of debt is allowed, what is needed included.
            retry = (full_at + needed).saturating_sub(now + SECOND);
            (retry == 0).then(|| full_at + each.saturating_mul(commands))
        });
        taken.map(drop).map_err(|_| {
            self.refused.fetch_add(commands, Relaxed);
            Exceeded { per_second, retry_ms: retry.div_ceil(MILLISECOND).max(1) }
        })
    }

    /// Gives back what was taken for `commands` that do not run after all.
    pub fn give_back(&self, commands: u64) {
        if let Some(each) = SECOND.checked_div(self.per_second()) {
            let less = |full_at: u64| Some(full_at.saturating_sub(each.saturating_mul(commands)));
            let _ = self.full_at.fetch_update(Relaxed, Relaxed, less);
        }
    }

    /// Commands that were refused.
    pub fn refused(&self) -> u64 {
        self.refused.load(Relaxed)
    }

    /// Counts refusals from zero.
    pub fn reset_refused(&self) {
        self.refused.store(0, Relaxed);
    }

    /// As it was made: for another namespace.
    pub fn clear(&self) {
        self.set_per_second(0);
        self.full_at.store(0, Relaxed);
        self.reset_refused();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scrubjay_base::clock::{Clock, ManualClock};
    use scrubjay_base::rand::Rng;

    fn quota(per_second: u64) -> Quota {
        let quota = Quota::default();
        quota.set_per_second(per_second);
        quota
    }

    #[test]
    fn a_second_s_worth_runs_at_once_and_then_one_by_one() {
        let (quota, clock) = (quota(4), ManualClock::new(1_700_000_000_000));
        for _ in 0..4 {
            assert_eq!(quota.take(1, clock.monotonic_ns()), Ok(()));
        }
        assert_eq!(quota.take(1, clock.monotonic_ns()), Err(Exceeded { per_second: 4, retry_ms: 250 }));
        clock.advance_ms(249);
        assert_eq!(quota.take(1, clock.monotonic_ns()), Err(Exceeded { per_second: 4, retry_ms: 1 }));
        clock.advance_ms(1);
        assert_eq!(quota.take(1, clock.monotonic_ns()), Ok(()));
        assert!(quota.take(1, clock.monotonic_ns()).is_err());
        assert_eq!(quota.refused(), 3);
        clock.advance_ms(60_000);
        assert_eq!(quota.take(5, clock.monotonic_ns()), Ok(()), "rest is not saved beyond a second");
        assert_eq!(quota.take(1, clock.monotonic_ns()), Err(Exceeded { per_second: 4, retry_ms: 500 }));
    }

    #[test]
    fn more_than_a_second_s_worth_runs_after_rest_and_makes_others_wait() {
        let (quota, clock) = (quota(10), ManualClock::new(1));
        assert_eq!(quota.take(1, clock.monotonic_ns()), Ok(()));
        assert_eq!(quota.take(30, clock.monotonic_ns()), Err(Exceeded { per_second: 10, retry_ms: 100 }));
        clock.advance_ms(100);
        assert_eq!(quota.take(30, clock.monotonic_ns()), Ok(()));
        assert_eq!(quota.take(1, clock.monotonic_ns()), Err(Exceeded { per_second: 10, retry_ms: 2100 }));
        quota.give_back(30);
        assert_eq!(quota.take(10, clock.monotonic_ns()), Ok(()));
    }

    #[test]
    fn without_a_quota_nothing_is_counted() {
        let quota = quota(0);
        (0..100).for_each(|_| assert_eq!(quota.take(1000, 0), Ok(())));
        quota.set_per_second(1);
        assert_eq!(quota.take(1, 0), Ok(()), "what ran before it was set counts nothing");
        quota.give_back(1);
        quota.clear();
        assert_eq!((quota.per_second(), quota.refused()), (0, 0));
    }

    #[test]
    fn random_requests_are_let_through_as_by_a_bucket_of_tokens() {
        let mut rng = Rng::new(7);
        for per_second in [1, 3, 250, 1000] {
            let (quota, clock) = (quota(per_second), ManualClock::new(1));
            // Tokens times 1000, so that a millisecond adds a whole number.
            let (full, mut tokens) = (per_second as i64 * 1000, per_second as i64 * 1000);
            let mut near = 0;
            for _ in 0..20_000 {
                let ms = rng.below(20);
                clock.advance_ms(ms);
                tokens = (tokens + (ms * per_second) as i64).min(full);
                let commands = 1 + rng.below(3);
                let needed = commands.min(per_second) as i64 * 1000;
                let taken = quota.take(commands, clock.monotonic_ns()).is_ok();
                // Divisions cut off less than a unit of time each; where it is as near as that, either is right.
                if (tokens - needed).abs() > per_second as i64 {
                    assert_eq!(taken, tokens >= needed, "{per_second} a second, {tokens} of {needed}");
                } else {
                    near += 1;
                }
                tokens -= if taken { commands as i64 * 1000 } else { 0 };
            }
            assert!(near < 10_000);
        }
    }
}
