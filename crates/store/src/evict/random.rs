//! Random: any entry goes. Needs no memory of anything and never loses badly.

use super::{Evict, Newcomer, View};
use crate::heap::Handle;
use scrubjay_base::clock::UnixMs;

/// Any entry.
pub struct Random;

impl Evict for Random {
    fn admit(&mut self, _newcomer: &Newcomer) -> u32 {
        0
    }

    fn adopt(&mut self, _bytes: u64, _now_ms: UnixMs) -> u32 {
        0
    }

    fn touch(&mut self, rank: u32, _now_ms: UnixMs) -> u32 {
        rank
    }

    fn victim(&mut self, view: &mut View<'_>) -> Option<Handle> {
        let sample = view.sample();
        let pick = view.rng.below(sample.items().len() as u64) as usize;
        sample.items().get(pick).map(|c| c.handle)
    }
}
