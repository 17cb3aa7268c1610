//! FIFO: the oldest entry goes, however often it is used.
//!
//! Rank: how many entries the shard had admitted before this one, modulo 2^32.

use super::{Evict, Newcomer, View};
use crate::heap::Handle;
use scrubjay_base::clock::UnixMs;

/// First in, first out.
#[derive(Default)]
pub struct Fifo {
    admitted: u32,
}

impl Fifo {
    fn next(&mut self) -> u32 {
        self.admitted = self.admitted.wrapping_add(1);
        self.admitted
    }
}

impl Evict for Fifo {
    #[inline]
    fn admit(&mut self, _newcomer: &Newcomer) -> u32 {
        self.next()
    }

    fn adopt(&mut self, _bytes: u64, _now_ms: UnixMs) -> u32 {
        self.next()
    }

    #[inline]
    fn touch(&mut self, rank: u32, _now_ms: UnixMs) -> u32 {
        rank
    }

    fn victim(&mut self, view: &mut View<'_>) -> Option<Handle> {
        let admitted = self.admitted;
        view.sample().items().iter().max_by_key(|c| admitted.wrapping_sub(c.rank)).map(|c| c.handle)
    }
}
