//! LFU with decay: the entry used least often goes, and old fame fades.
//!
//! Rank: 8 bits of a logarithmic counter, 24 bits of the second of its last change. The counter goes up with probability
//! 1 / (counter above its start x factor + 1), so 255 stands for about a million uses with factor 10, and down by one for
//! each period without use (Morris, "Counting large numbers of events in small registers", 1978; the scale is Redis').
//! Without decay a replayed trace lost 74 % against LRU: yesterday's hits never leave.

use super::{Evict, Newcomer, View};
use crate::heap::Handle;
use scrubjay_base::clock::UnixMs;
use scrubjay_base::rand::Rng;

/// A new entry starts here, so that it is not the first to go before it had a chance.
const START: u8 = 5;
/// How slowly the counter grows (`lfu-log-factor`).
const LOG_FACTOR: u64 = 10;
/// Seconds after which an unused entry's counter falls by one (`lfu-decay-time`).
const DECAY_S: u32 = 60;
const SECONDS_MASK: u32 = (1 << 24) - 1;
/// A stamp up to this far ahead is of now: a thread that read the clock a moment later left it (see `lru`).
const AHEAD_S_MAX: u32 = 60;

/// Least frequently used.
pub struct Lfu {
    rng: Rng,
}

impl Lfu {
    /// The policy with its own source of chance.
    pub fn new(seed: u64) -> Lfu {
        Lfu { rng: Rng::new(seed) }
    }

    /// The counter after decay.
    pub fn frequency(&self, rank: u32, now_ms: UnixMs) -> u8 {
        let periods = age_s(rank, now_ms) / DECAY_S;
        counter(rank).saturating_sub(periods.min(255) as u8)
    }
}

fn counter(rank: u32) -> u8 {
    (rank >> 24) as u8
}

fn seconds(now_ms: UnixMs) -> u32 {
    (now_ms / 1000) as u32 & SECONDS_MASK
}

fn age_s(rank: u32, now_ms: UnixMs) -> u32 {
    let age_s = seconds(now_ms).wrapping_sub(rank) & SECONDS_MASK;
    if age_s > SECONDS_MASK - AHEAD_S_MAX { 0 } else { age_s }
}

fn pack(counter: u8, now_ms: UnixMs) -> u32 {
    u32::from(counter) << 24 | seconds(now_ms)
}

impl Evict for Lfu {
    fn admit(&mut self, newcomer: &Newcomer) -> u32 {
        pack(START, newcomer.now_ms)
    }

    fn adopt(&mut self, _bytes: u64, now_ms: UnixMs) -> u32 {
        pack(START, now_ms)
    }

    fn touch(&mut self, rank: u32, now_ms: UnixMs) -> u32 {
        let counter = self.frequency(rank, now_ms);
        let above = u64::from(counter.saturating_sub(START));
        let up = counter < u8::MAX && self.rng.below(above * LOG_FACTOR + 1) == 0;
        pack(counter + u8::from(up), now_ms)
    }

    fn victim(&mut self, view: &mut View<'_>) -> Option<Handle> {
        let now_ms = view.now_ms;
        let key = |rank| (self.frequency(rank, now_ms), u32::MAX - age_s(rank, now_ms));
        view.sample().items().iter().min_by_key(|c| key(c.rank)).map(|c| c.handle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counter_grows_ever_more_slowly_and_decays() {
        let mut lfu = Lfu::new(1);
        let mut rank = pack(START, 0);
        let mut at = Vec::new();
        for hit in 1..=100_000 {
            rank = lfu.touch(rank, 0);
            if [10, 1000, 100_000].contains(&hit) {
                at.push(lfu.frequency(rank, 0));
            }
        }
        assert!(at[0] < 12 && at[1] > at[0] && at[2] > at[1] && at[2] < 250, "{at:?}");
        let minutes_10 = 10 * 60_000;
        assert_eq!(lfu.frequency(rank, minutes_10), at[2] - 10);
        assert_eq!(lfu.frequency(rank, u64::from(SECONDS_MASK - AHEAD_S_MAX) * 1000), 0);
    }

    #[test]
    fn a_stamp_from_a_moment_ahead_has_not_decayed() {
        let (lfu, now_ms) = (Lfu::new(1), 1 << 40);
        let rank = pack(200, now_ms + 1000);
        assert_eq!((lfu.frequency(rank, now_ms), age_s(rank, now_ms)), (200, 0));
    }
}
