//! First in, first out: a hit changes nothing, the oldest insert is evicted.

use super::slab::{List, Slab};
use super::{Capacity, Held, PurePolicy};

/// Exact FIFO. Also what `ttl` becomes on a trace, where every insert lives equally long.
pub struct Fifo {
    capacity: Capacity,
    slab: Slab,
    queue: List,
}

impl Fifo {
    /// An empty cache.
    pub fn new(capacity: Capacity) -> Fifo {
        Fifo { capacity, slab: Slab::default(), queue: List::new() }
    }
}

impl PurePolicy for Fifo {
    fn access(&mut self, key: u64, size: u32) -> bool {
        if self.slab.find(key).is_some() {
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
