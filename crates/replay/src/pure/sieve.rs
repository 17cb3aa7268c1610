//! SIEVE: one queue, one bit, one hand (Zhang, Yang, Yue, Vigfusson, Rashmi, NSDI 2024).
//!
//! A hit sets the object's bit and moves nothing. To evict, the hand walks from the oldest towards the newest, clears the
//! bits it meets and evicts the first object without one; it stays there, so what survived is not looked at again until
//! the hand comes round. Good on web traffic, bad on some block traces: here as a yardstick, not as a policy of the node.

use super::slab::{List, NONE, Slab};
use super::{Capacity, Held, PurePolicy};

/// Exact SIEVE.
pub struct Sieve {
    capacity: Capacity,
    slab: Slab,
    queue: List,
    /// Where the next walk starts, or [`NONE`] for the oldest.
    hand: u32,
}

impl Sieve {
    /// An empty cache.
    pub fn new(capacity: Capacity) -> Sieve {
        Sieve { capacity, slab: Slab::default(), queue: List::new(), hand: NONE }
    }

    fn evict(&mut self) {
        loop {
            let at = if self.hand == NONE { self.queue.oldest } else { self.hand };
            self.hand = self.queue.newer(&self.slab, at);
            if std::mem::take(&mut self.slab[at].note) == 0 {
                self.queue.unlink(&mut self.slab, at);
                self.slab.remove(at);
                return;
            }
        }
    }
}

impl PurePolicy for Sieve {
    fn access(&mut self, key: u64, size: u32) -> bool {
        if let Some(at) = self.slab.find(key) {
            self.slab[at].note = 1;
            return true;
        }
        let cost = self.capacity.cost(size);
        if u64::from(cost) > self.capacity.limit() {
            return false;
        }
        while self.queue.cost + u64::from(cost) > self.capacity.limit() {
            self.evict();
        }
        let at = self.slab.insert(key, cost);
        self.queue.push(&mut self.slab, at);
        false
    }

    fn held(&self) -> Held {
        Held { objects: self.queue.objects, cost: self.queue.cost }
    }
}
