//! LRU: the entry that was not used for the longest time goes.
//!
//! Rank: the low 32 bits of the time of the last access in milliseconds. It wraps after 49 days; an entry idle for longer
//! looks fresh once, and is found the next time.

use super::{Evict, Newcomer, View};
use crate::heap::Handle;
use scrubjay_base::clock::UnixMs;

/// Least recently used.
#[derive(Clone, Copy)]
pub struct Lru;

impl Lru {
    /// Milliseconds since the access that `rank` remembers.
    pub fn idle_ms(rank: u32, now_ms: UnixMs) -> u64 {
        u64::from((now_ms as u32).wrapping_sub(rank))
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
