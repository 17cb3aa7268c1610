//! Least recently used: a hit moves the object to the young end, the old end is evicted.

use super::slab::{List, Slab};
use super::{Capacity, Held, PurePolicy};

/// Exact LRU.
pub struct Lru {
    capacity: Capacity,
    slab: Slab,
    queue: List,
}

impl Lru {
    /// An empty cache.
    pub fn new(capacity: Capacity) -> Lru {
        Lru { capacity, slab: Slab::default(), queue: List::new() }
    }
}

impl PurePolicy for Lru {
    fn access(&mut self, key: u64, size: u32) -> bool {
        if let Some(at) = self.slab.find(key) {
            self.queue.renew(&mut self.slab, at);
            return true;
        }
        let cost = self.capacity.cost(size);
        if u64::from(cost) > self.capacity.limit() {
            return false;
        }
        while self.queue.cost + u64::from(cost) > self.capacity.limit() {
            let victim = self.queue.oldest;
            self.queue.unlink(&mut self.slab, victim);
            self.slab.remove(victim);
        }
        let at = self.slab.insert(key, cost);
        self.queue.push(&mut self.slab, at);
        false
    }

    fn held(&self) -> Held {
        Held { objects: self.queue.objects, cost: self.queue.cost }
    }
}
