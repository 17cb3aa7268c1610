//! The table beside a map, through growth, shrinking, scans and expiry.

use super::*;
use scrubjay_base::rand::Rng;
use std::collections::HashMap;

/// The "heap" of these tests: a handle is an index, its facts stand in a vector.
struct World {
    table: Table,
    facts: Vec<Facts>,
    model: HashMap<u32, u64>,
    jitter: usize,
}

impl World {
    fn new() -> World {
        World { table: Table::new(), facts: Vec::new(), model: HashMap::new(), jitter: 0 }
    }

    fn insert(&mut self, facts: Facts) {
        let handle = Handle(self.facts.len() as u32);
        self.facts.push(facts);
        let known = &self.facts;
        let jitter = self.jitter + self.table.bucket_count();
        self.table.insert(facts, handle, jitter, |h| known[h.0 as usize]);
        self.model.insert(handle.0, facts.hash);
    }

    fn remove(&mut self, handle: u32) {
        let Some(hash) = self.model.remove(&handle) else { return };
        let (place, _) = self.table.find(hash, |h| h.0 == handle).expect("in the model");
        let known = &self.facts;
        self.table.remove(hash, place, |h| known[h.0 as usize]);
    }

    fn check(&self) {
        assert_eq!(self.table.count() as usize, self.model.len());
        for (&handle, &hash) in &self.model {
            let (place, found) = self.table.find(hash, |h| h.0 == handle).expect("findable");
            assert_eq!((found.0, self.table.at(place).0), (handle, handle));
        }
    }
}

#[test]
fn entries_are_found_while_the_table_grows_and_shrinks_step_by_step() {
    for seed in 0..6 {
        let (mut world, mut rng) = (World::new(), Rng::new(seed));
        for round in 0..6 {
            let grow = round % 2 == 0;
            for step in 0..8000 {
                if rng.below(10) < if grow { 8 } else { 1 } {
                    let due = if rng.below(2) == 0 { NEVER } else { rng.below(1000) as u32 };
                    world.insert(Facts { hash: rng.next_u64(), due });
                } else {
                    let handle = rng.below(world.facts.len() as u64 + 1) as u32;
                    world.remove(handle);
                }
                if step % 2000 == 0 {
                    world.check();
                }
            }
            world.check();
        }
        for handle in world.model.keys().copied().collect::<Vec<_>>() {
            world.remove(handle);
        }
        assert_eq!(world.table.bytes(), 0, "an empty table keeps no memory");
    }
}

#[test]
fn equal_hashes_are_told_apart_and_survive_removal_of_each_other() {
    let mut world = World::new();
    for _ in 0..100 {
        world.insert(Facts { hash: 42, due: NEVER });
    }
    world.check();
    for handle in (0..100).step_by(3) {
        world.remove(handle);
    }
    world.check();
}

#[test]
fn a_scan_meets_every_entry_that_stays_whatever_the_table_does_meanwhile() {
    for seed in 0..10 {
        let (mut world, mut rng) = (World::new(), Rng::new(seed));
        for _ in 0..5000 {
            world.insert(Facts { hash: rng.next_u64(), due: NEVER });
        }
        let staying: Vec<u32> = (0..5000).step_by(7).collect();
        let mut seen = std::collections::HashSet::new();
        let mut from = Some(0);
        while let Some(at) = from {
            let facts = &world.facts;
            from = world.table.scan(
                at,
                20,
                |h| facts[h.0 as usize],
                |h| {
                    seen.insert(h.0);
                },
            );
            for _ in 0..40 {
                if seed % 2 == 0 {
                    world.insert(Facts { hash: rng.next_u64(), due: NEVER });
                } else {
                    let handle = rng.below(5000) as u32;
                    if !handle.is_multiple_of(7) {
                        world.remove(handle);
                    }
                }
            }
        }
        assert!(staying.iter().all(|h| seen.contains(h)), "seed {seed}");
    }
}

#[test]
fn take_due_finds_exactly_what_is_due() {
    let (mut world, mut rng) = (World::new(), Rng::new(3));
    for _ in 0..3000 {
        let due = if rng.below(3) == 0 { NEVER } else { rng.below(100) as u32 };
        world.insert(Facts { hash: rng.next_u64(), due });
    }
    for tick in [0, 10, 50, 99, 200] {
        let expected: Vec<u32> = world.model.keys().copied().filter(|&h| world.facts[h as usize].due <= tick).collect();
        let mut due = Vec::new();
        let facts = &world.facts;
        world.table.take_due(tick, |h| facts[h.0 as usize], &mut due);
        assert_eq!(due.len(), expected.len(), "tick {tick}");
        for (handle, _) in due {
            world.remove(handle.0);
        }
        assert!(world.table.due > tick);
    }
    world.check();
}

#[test]
fn growth_keeps_the_load_in_a_band_for_every_count() {
    let mut bytes = Vec::new();
    let mut worlds: Vec<World> = (0..64).map(|jitter| World { jitter, ..World::new() }).collect();
    let mut rng = Rng::new(5);
    for count in 1..=600 {
        for world in &mut worlds {
            world.insert(Facts { hash: rng.next_u64(), due: NEVER });
        }
        if count >= 100 {
            let total: usize = worlds.iter().map(|w| w.table.bytes()).sum();
            bytes.push(total as f64 / (64 * count) as f64);
        }
    }
    let (low, high) = bytes.iter().fold((f64::MAX, 0f64), |(l, h), &b| (l.min(b), h.max(b)));
    assert!(low > 5.3 && high < 8.8, "{low:.2} to {high:.2} bytes an entry");
}
