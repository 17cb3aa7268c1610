//! LRU: the entry that was not used for the longest time goes.
//!
//! Rank: the low 32 bits of the time of the last access in milliseconds. It wraps after 49 days; an entry idle for longer
//! looks fresh once, and is found the next time.

use super::{Evict, Newcomer, View};
use crate::heap::Handle;
use scrubjay_base::clock::UnixMs;

/// Time is read before the lock is taken, so an entry may bear the stamp of a thread that read it a moment later than we
/// did. Up to this far ahead it was used just now; beyond, the difference is one of 49 days. Chosen: a thread that is kept
/// from running for a minute is a machine in other trouble.
const AHEAD_MS_MAX: u32 = 60_000;

/// Least recently used.
#[derive(Clone, Copy)]
pub struct Lru;

impl Lru {
    /// Milliseconds since the access that `rank` remembers.
    pub fn idle_ms(rank: u32, now_ms: UnixMs) -> u64 {
        let idle_ms = (now_ms as u32).wrapping_sub(rank);
        if idle_ms > u32::MAX - AHEAD_MS_MAX { 0 } else { u64::from(idle_ms) }
    }
}

impl Evict for Lru {
    #[inline]
    fn admit(&mut self, newcomer: &Newcomer) -> u32 {
        newcomer.now_ms as u32
    }

    fn adopt(&mut self, _bytes: u64, now_ms: UnixMs) -> u32 {
        now_ms as u32
    }

    #[inline]
    fn touch(&mut self, _rank: u32, now_ms: UnixMs) -> u32 {
        now_ms as u32
    }

    fn victim(&mut self, view: &mut View<'_>) -> Option<Handle> {
        let now_ms = view.now_ms;
        view.sample().items().iter().max_by_key(|c| Lru::idle_ms(c.rank, now_ms)).map(|c| c.handle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_from_a_moment_ahead_is_fresh_and_not_49_days_old() {
        let now_ms = 1 << 40;
        assert_eq!(Lru::idle_ms((now_ms - 1234) as u32, now_ms), 1234);
        assert_eq!(Lru::idle_ms(now_ms as u32, now_ms), 0);
        assert_eq!(Lru::idle_ms((now_ms + 7) as u32, now_ms), 0);
        let days_40_ms = 40 * 86_400_000;
        assert_eq!(Lru::idle_ms((now_ms - days_40_ms) as u32, now_ms), days_40_ms);
    }
}
