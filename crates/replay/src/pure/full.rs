//! No eviction: what came first stays, and once an object does not fit it is turned away.

use hashbrown::HashSet;

use super::{Capacity, Held, PurePolicy};

/// The `noeviction` policy. A smaller object may still fit after a larger one was refused.
pub struct NoEviction {
    capacity: Capacity,
    keys: HashSet<u64>,
    cost: u64,
}

impl NoEviction {
    /// An empty cache.
    pub fn new(capacity: Capacity) -> NoEviction {
        NoEviction { capacity, keys: HashSet::new(), cost: 0 }
    }
}

impl PurePolicy for NoEviction {
    fn access(&mut self, key: u64, size: u32) -> bool {
        if self.keys.contains(&key) {
            return true;
        }
        let cost = u64::from(self.capacity.cost(size));
        if self.cost + cost <= self.capacity.limit() {
            self.cost += cost;
            self.keys.insert(key);
        }
        false
    }

    fn held(&self) -> Held {
        Held { objects: self.keys.len() as u64, cost: self.cost }
    }
}
