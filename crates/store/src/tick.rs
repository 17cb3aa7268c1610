//! Deadlines as ticks: 32 ms since the store started, in 32 bits, rounded up. So whatever is due at a tick has expired,
//! prompt expiry is at most one tick late, and the table's note of a bucket's first deadline costs four bytes.

use crate::table::NEVER;
use scrubjay_base::clock::UnixMs;

/// Milliseconds of a tick. Half a bucket's worth of lateness below the promise of 100 ms, wide enough for four years.
pub const TICK_MS: u64 = 32;

/// Turns deadlines into ticks.
#[derive(Clone, Copy, Debug)]
pub struct Ticks {
    start_ms: UnixMs,
}

impl Ticks {
    /// Ticks from `start_ms` on.
    pub fn new(start_ms: UnixMs) -> Ticks {
        Ticks { start_ms }
    }

    /// The first tick at which `deadline_ms` has passed. Deadlines more than four years after the start are expired when
    /// they are read, not promptly.
    #[inline]
    pub fn due(self, deadline_ms: Option<UnixMs>) -> u32 {
        match deadline_ms {
            None => NEVER,
            Some(at) => {
                let tick = at.saturating_sub(self.start_ms).div_ceil(TICK_MS) + 1;
                u32::try_from(tick).unwrap_or(NEVER).min(NEVER - 1)
            }
        }
    }

    /// The tick that has been reached at `now_ms`: 1 at the start, 0 before it. So a clock that steps back behind the start
    /// expires nothing early; what is due by then is found when it is read.
    pub fn reached(self, now_ms: UnixMs) -> u32 {
        match now_ms.checked_sub(self.start_ms) {
            Some(since_ms) => u32::try_from(since_ms / TICK_MS + 1).unwrap_or(NEVER).min(NEVER - 2),
            None => 0,
        }
    }

    /// When `tick` is reached.
    pub fn time_of(self, tick: u32) -> UnixMs {
        self.start_ms + u64::from(tick.saturating_sub(1)) * TICK_MS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_has_expired_and_what_expired_is_due_within_a_tick() {
        let ticks = Ticks::new(1000);
        for deadline in 900..1200 {
            let due = ticks.due(Some(deadline));
            assert!(ticks.time_of(due) >= deadline && ticks.time_of(due) < deadline.max(1000) + TICK_MS);
            assert!(ticks.reached(ticks.time_of(due)) >= due);
        }
        assert!(ticks.reached(999) < ticks.due(Some(500)), "a clock behind the start expires nothing early");
        assert_eq!(ticks.due(None), NEVER);
        assert!(ticks.due(Some(u64::MAX)) < NEVER && ticks.reached(u64::MAX) < ticks.due(Some(u64::MAX)));
    }
}
