//! Which clients have read which keys: a bounded table, where a key that has to make room is told to its readers as if it
//! had changed, so that nobody keeps what is no longer watched.
//!
//! Keys are kept whole and not as hashes, because whoever makes room has to say which key it was. Namespaces are not told
//! apart, as in Redis: a change in one of them is told for all.

use super::tracker::Tracker;
use hashbrown::HashTable;
use scrubjay_base::KeyHasher;
use scrubjay_base::rand::Rng;
use smallvec::SmallVec;
use std::sync::Arc;

/// Who has read a key, by client number, ascending.
pub type Readers = SmallVec<[(u64, Arc<Tracker>); 1]>;

/// A part of the table: the keys of some slots.
pub struct Table {
    places: HashTable<u32>,
    entries: Vec<Entry>,
    rng: Rng,
}

struct Entry {
    hash: u64,
    key: Box<[u8]>,
    readers: Readers,
}

/// What an entry takes besides its key and further readers: itself, its place among the hashes, the allocator's share.
const ENTRY_BYTES: i64 = (size_of::<Entry>() + 8 + 16) as i64;
const READER_BYTES: i64 = size_of::<(u64, Arc<Tracker>)>() as i64;

/// What a change did to the table.
#[derive(Clone, Copy, Default, Debug)]
pub struct Growth {
    /// How many keys there are more.
    pub keys: isize,
    /// How many pairs of a key and a reader.
    pub readers: isize,
    /// How many bytes of memory.
    pub bytes: i64,
}

fn cost(key: &[u8], readers: usize) -> i64 {
    ENTRY_BYTES + key.len() as i64 + READER_BYTES * (readers as i64 - 1)
}

impl Table {
    /// An empty one; `seed` chooses which keys make room.
    pub fn new(seed: u64) -> Table {
        Table { places: HashTable::new(), entries: Vec::new(), rng: Rng::new(seed) }
    }

    /// Notes that `tracker` is about to read `key`.
    pub fn remember(&mut self, hasher: &KeyHasher, key: &[u8], tracker: &Arc<Tracker>) -> Growth {
        let hash = hasher.hash(0, key);
        let Table { places, entries, .. } = self;
        let found = places.find(hash, |&place| *entries[place as usize].key == *key).copied();
        let Some(place) = found else {
            let place = entries.len() as u32;
            entries.push(Entry {
                hash,
                key: key.into(),
                readers: SmallVec::from_iter([(tracker.id(), tracker.clone())]),
            });
            places.insert_unique(hash, place, |&place| entries[place as usize].hash);
            return Growth { keys: 1, readers: 1, bytes: cost(key, 1) };
        };
        let readers = &mut entries[place as usize].readers;
        match readers.binary_search_by_key(&tracker.id(), |(id, _)| *id) {
            Ok(at) => {
                readers[at].1 = tracker.clone();
                Growth::default()
            }
            Err(at) => {
                readers.insert(at, (tracker.id(), tracker.clone()));
                Growth { keys: 0, readers: 1, bytes: READER_BYTES }
            }
        }
    }

    /// Forgets `key`, and answers who had read it.
    pub fn take(&mut self, hasher: &KeyHasher, key: &[u8]) -> Option<(Readers, Growth)> {
        let hash = hasher.hash(0, key);
        let entries = &self.entries;
        let place = *self.places.find(hash, |&place| *entries[place as usize].key == *key)?;
        let (_, readers, growth) = self.take_at(place as usize);
        Some((readers, growth))
    }

    /// Forgets some key, and answers which and who had read it.
    pub fn take_any(&mut self) -> Option<(Box<[u8]>, Readers, Growth)> {
        let place = match self.entries.len() {
            0 => return None,
            count => self.rng.below(count as u64) as usize,
        };
        Some(self.take_at(place))
    }

    /// Forgets the keys that begin with `prefix`, and answers which and who had read them.
    pub fn take_prefix(&mut self, prefix: &[u8]) -> Vec<(Box<[u8]>, Readers, Growth)> {
        let mut taken = Vec::new();
        // From the end, because the last takes the place of one that goes.
        for place in (0..self.entries.len()).rev() {
            if self.entries.get(place).is_some_and(|entry| entry.key.starts_with(prefix)) {
                taken.push(self.take_at(place));
            }
        }
        taken
    }

    fn take_at(&mut self, place: usize) -> (Box<[u8]>, Readers, Growth) {
        let last = self.entries.len() - 1;
        let entry = self.entries.swap_remove(place);
        if let Ok(found) = self.places.find_entry(entry.hash, |&at| at as usize == place) {
            found.remove();
        }
        if place != last {
            // The last entry has moved into the gap.
            let moved = self.entries[place].hash;
            if let Some(at) = self.places.find_mut(moved, |&at| at as usize == last) {
                *at = place as u32;
            }
        }
        if self.entries.is_empty() {
            (self.entries, self.places) = (Vec::new(), HashTable::new());
        }
        let count = entry.readers.len();
        let growth = Growth { keys: -1, readers: -(count as isize), bytes: -cost(&entry.key, count) };
        (entry.key, entry.readers, growth)
    }

    /// Forgets everything.
    pub fn clear(&mut self) -> Growth {
        let mut growth = Growth::default();
        for entry in &self.entries {
            growth.keys -= 1;
            growth.readers -= entry.readers.len() as isize;
            growth.bytes -= cost(&entry.key, entry.readers.len());
        }
        (self.entries, self.places) = (Vec::new(), HashTable::new());
        growth
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use std::collections::BTreeMap;

    #[test]
    fn the_table_is_a_map_from_keys_to_readers_whatever_happens_to_it() {
        let shared = testing::shared();
        let trackers: Vec<_> =
            (0..4).map(|port| Arc::new(Tracker::new(testing::session(&shared, port).info))).collect();
        let (hasher, mut table, mut rng) = (KeyHasher::new(7), Table::new(1), Rng::new(2));
        let mut model: BTreeMap<Vec<u8>, Vec<u64>> = BTreeMap::new();
        let mut sum = Growth::default();
        let mut add = |growth: Growth| {
            sum.keys += growth.keys;
            sum.readers += growth.readers;
            sum.bytes += growth.bytes;
        };
        let ids = |readers: &Readers| readers.iter().map(|(id, _)| *id).collect::<Vec<_>>();
        for _ in 0..20_000 {
            let key = format!("key:{}", rng.below(200)).into_bytes();
            match rng.below(8) {
                0..=4 => {
                    let tracker = &trackers[rng.below(4) as usize];
                    add(table.remember(&hasher, &key, tracker));
                    let readers = model.entry(key).or_default();
                    if !readers.contains(&tracker.id()) {
                        readers.push(tracker.id());
                        readers.sort_unstable();
                    }
                }
                5 | 6 => {
                    let taken = table.take(&hasher, &key);
                    assert_eq!(taken.as_ref().map(|(readers, _)| ids(readers)), model.remove(&key));
                    taken.into_iter().for_each(|(_, growth)| add(growth));
                }
                _ => {
                    if let Some((key, readers, growth)) = table.take_any() {
                        assert_eq!(Some(ids(&readers)), model.remove(&*key));
                        add(growth);
                    }
                }
            }
        }
        add(table.clear());
        assert_eq!((sum.keys, sum.readers, sum.bytes), (0, 0, 0));
    }
}
