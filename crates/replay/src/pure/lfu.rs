//! Least frequently used, with decay by dynamic ageing.
//!
//! Plain LFU never forgets: what was popular last week keeps its place until something becomes as popular again, and on
//! one of the real traces that loses three quarters of the hits. Here each object carries a priority, `hits since insert +
//! age at its last access`, where the cache's age is the priority of the last victim; the lowest priority is evicted, among
//! equals the least recently used. An object that is not asked for keeps its priority while the age climbs past it: the
//! decay needs no clock and no constant. (LFU with dynamic ageing: Arlitt, Cherkasova, Dilley, Friedrich, Jin, "Evaluating
//! content management techniques for Web proxy caches", 1999.)
//!
//! Cost: an ordered map, so O(log n) a request; the store's own form samples instead.

use std::collections::BTreeMap;

use hashbrown::HashMap;

use super::{Capacity, Held, PurePolicy};

/// Exact LFU with dynamic ageing.
pub struct Lfu {
    capacity: Capacity,
    objects: HashMap<u64, Object>,
    /// (priority, time of the last access) -> key; times never repeat.
    order: BTreeMap<(u64, u64), u64>,
    age: u64,
    now: u64,
    cost: u64,
}

struct Object {
    cost: u32,
    frequency: u64,
    place: (u64, u64),
}

impl Lfu {
    /// An empty cache.
    pub fn new(capacity: Capacity) -> Lfu {
        Lfu { capacity, objects: HashMap::new(), order: BTreeMap::new(), age: 0, now: 0, cost: 0 }
    }
}

impl PurePolicy for Lfu {
    fn access(&mut self, key: u64, size: u32) -> bool {
        self.now += 1;
        if let Some(object) = self.objects.get_mut(&key) {
            self.order.remove(&object.place);
            object.frequency += 1;
            object.place = (object.frequency + self.age, self.now);
            self.order.insert(object.place, key);
            return true;
        }
        let cost = self.capacity.cost(size);
        if u64::from(cost) > self.capacity.limit() {
            return false;
        }
        while self.cost + u64::from(cost) > self.capacity.limit() {
            let Some(((priority, _), victim)) = self.order.pop_first() else { break };
            self.age = priority;
            self.cost -= self.objects.remove(&victim).map_or(0, |object| u64::from(object.cost));
        }
        let place = (1 + self.age, self.now);
        self.objects.insert(key, Object { cost, frequency: 1, place });
        self.order.insert(place, key);
        self.cost += u64::from(cost);
        false
    }

    fn held(&self) -> Held {
        Held { objects: self.objects.len() as u64, cost: self.cost }
    }
}
