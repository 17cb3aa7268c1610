//! Entries that can be found by key and drawn at random: what a store's table offers to a policy.

use std::collections::HashMap;

use scrubjay_base::rand::Rng;

/// One object and its 32 bits, taken apart for legibility.
#[derive(Clone, Copy)]
pub struct Entry {
    pub key: u64,
    pub bytes: u32,
    /// Uses since it came; saturates at 15.
    pub uses: u32,
    /// The policy's clock at the last use or insert.
    pub stamp: u32,
    /// Still in the small queue.
    pub is_small: bool,
}

/// All entries of a cache.
pub struct Bag {
    places: HashMap<u64, usize>,
    entries: Vec<Entry>,
    rng: Rng,
}

impl Bag {
    pub fn new() -> Bag {
        Bag { places: HashMap::new(), entries: Vec::new(), rng: Rng::new(1) }
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn get(&mut self, key: u64) -> Option<&mut Entry> {
        self.places.get(&key).map(|&place| &mut self.entries[place])
    }

    pub fn insert(&mut self, entry: Entry) {
        self.places.insert(entry.key, self.entries.len());
        self.entries.push(entry);
    }

    pub fn remove(&mut self, key: u64) -> Option<Entry> {
        let place = self.places.remove(&key)?;
        let entry = self.entries.swap_remove(place);
        if let Some(moved) = self.entries.get(place) {
            self.places.insert(moved.key, place);
        }
        Some(entry)
    }

    /// Any entry. There must be one.
    pub fn draw(&mut self) -> Entry {
        self.entries[self.rng.below(self.entries.len() as u64) as usize]
    }
}
