//! TTL: the entry nearest to its deadline goes; entries without one go last, at random.

use super::{Evict, Newcomer, View};
use crate::heap::Handle;
use scrubjay_base::clock::UnixMs;

/// Nearest deadline.
pub struct Ttl;

impl Evict for Ttl {
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
        view.sample().items().iter().min_by_key(|c| c.deadline_ms.unwrap_or(UnixMs::MAX)).map(|c| c.handle)
    }
}
