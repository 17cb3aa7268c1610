//! Random: every object held is equally likely to be the victim.

use hashbrown::HashMap;
use scrubjay_base::rand::Rng;

use super::{Capacity, Held, PurePolicy};

/// Exact random eviction, replayable through its seed.
pub struct Random {
    capacity: Capacity,
    rng: Rng,
    /// Where each key lies in `objects`.
    places: HashMap<u64, usize>,
    /// (key, cost), in no order: the last one fills the victim's place.
    objects: Vec<(u64, u32)>,
    cost: u64,
}

impl Random {
    /// An empty cache that draws its victims from `rng`.
    pub fn new(capacity: Capacity, rng: Rng) -> Random {
        Random { capacity, rng, places: HashMap::new(), objects: Vec::new(), cost: 0 }
    }
}

impl PurePolicy for Random {
    fn access(&mut self, key: u64, size: u32) -> bool {
        if self.places.contains_key(&key) {
            return true;
        }
        let cost = self.capacity.cost(size);
        if u64::from(cost) > self.capacity.limit() {
            return false;
        }
        while self.cost + u64::from(cost) > self.capacity.limit() {
            let place = self.rng.below(self.objects.len() as u64) as usize;
            let (victim, victim_cost) = self.objects.swap_remove(place);
            self.places.remove(&victim);
            self.cost -= u64::from(victim_cost);
            if let Some((moved, _)) = self.objects.get(place) {
                self.places.insert(*moved, place);
            }
        }
        self.places.insert(key, self.objects.len());
        self.objects.push((key, cost));
        self.cost += u64::from(cost);
        false
    }

    fn held(&self) -> Held {
        Held { objects: self.objects.len() as u64, cost: self.cost }
    }
}
