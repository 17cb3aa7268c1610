//! What takes the memory: the largest entries exactly, and random ones to estimate everything else from.
//!
//! ```text
//!   biggest: each shard's list of what lies apart --charges--> the top --> their keys     exact above 2 KiB, walked in steps
//!   sample:  a shard by its share -> a table by its share -> random places, until one has an entry
//! ```
//!
//! Nothing is kept for this while entries are written, but where the entry of a large thing is (12 bytes in what takes at
//! least 2 KiB). Both hold one shard's lock at a time, for some ten microseconds; what changes meanwhile may be seen before
//! or after its change.

use crate::key::Ns;
use crate::shard::Entry;
use crate::store::Store;
use crate::value::Kind;
use scrubjay_base::clock::UnixMs;
use scrubjay_base::rand::Rng;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Large things that are looked at under one lock: some ten microseconds' worth.
const THINGS_PER_STEP: usize = 4096;
/// Entries that are drawn under one lock; each is a few trips to memory.
const DRAWS_PER_STEP: usize = 32;

/// A large entry.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Big {
    /// The namespace.
    pub ns: Ns,
    /// The key.
    pub key: Vec<u8>,
    /// Its kind.
    pub kind: Kind,
    /// Bytes of memory that it takes, its share of the table included.
    pub memory_bytes: usize,
}

impl Store {
    /// The entries that take most memory, the largest first, at most `count`; of one kind, or of all. Only those whose
    /// value, or key, is too long to lie in the entry itself: what takes less than about 2 KiB is not large.
    ///
    /// Cost: a nanosecond or two for every such entry.
    pub fn biggest(&self, count: usize, kind: Option<Kind>, now_ms: UnixMs) -> Vec<Big> {
        let mut top = BinaryHeap::with_capacity(count.min(1024) + 1);
        for number in 0..self.env.shards.len() {
            let mut from = Some(0);
            while let Some(at) = from {
                let shard = self.env.shards[number].shard.lock();
                from = shard.large_things(at, THINGS_PER_STEP, |index, body_kind, bytes| {
                    if kind.is_none_or(|kind| kind == body_kind) {
                        top.push(Reverse((bytes, number, index)));
                        if top.len() > count {
                            top.pop();
                        }
                    }
                });
            }
        }
        let mut found: Vec<Big> = top
            .into_iter()
            .filter_map(|Reverse((_, number, index))| {
                let shard = self.env.shards[number].shard.lock();
                let (ns, key, entry) = shard.entry_of_thing(&self.env, index, now_ms)?;
                Some(Big { ns, key: key.to_vec(), kind: entry.kind(), memory_bytes: entry.memory_bytes() })
            })
            .filter(|big| kind.is_none_or(|kind| kind == big.kind))
            .collect();
        found.sort_by(|a, b| b.memory_bytes.cmp(&a.memory_bytes).then_with(|| a.key.cmp(&b.key)));
        found
    }

    /// Shows about `samples` random live entries of the namespace to `see`, each as likely as any other; the same one may
    /// come again. Returns how many entries the namespace has. `see` runs under a lock: it must be quick.
    pub fn sample(
        &self,
        ns: Ns,
        samples: usize,
        rng: &mut Rng,
        now_ms: UnixMs,
        mut see: impl FnMut(&[u8], &Entry<'_>),
    ) -> u64 {
        let counts: Vec<u64> =
            self.env.shards.iter().map(|berth| berth.shard.lock().per_ns[ns.0 as usize].entries).collect();
        let total: u64 = counts.iter().sum();
        if total == 0 {
            return 0;
        }
        let mut draws = vec![0; counts.len()];
        for _ in 0..samples {
            let mut left = rng.below(total);
            let chosen = counts.iter().position(|&count| {
                let here = left < count;
                left = left.saturating_sub(count);
                here
            });
            draws[chosen.unwrap_or(0)] += 1;
        }
        for (number, mut left) in draws.into_iter().enumerate() {
            while left > 0 {
                let step = left.min(DRAWS_PER_STEP);
                let shard = self.env.shards[number].shard.lock();
                (0..step).for_each(|_| shard.draw(&self.env, ns, rng, now_ms, &mut see));
                left -= step;
            }
        }
        total
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::list::{End, List};
    use crate::{Config, Deadline, Flags};

    const NOW_MS: UnixMs = 1_700_000_000_000;

    fn store() -> Store {
        Store::new(Config { seed: 1, shards: 8, start_ms: NOW_MS, ..Config::default() }, None)
    }

    fn put(store: &Store, ns: Ns, name: &str, value_bytes: usize) {
        let key = store.key(ns, name.as_bytes());
        let mut guard = store.lock(key.slot, NOW_MS);
        guard.put(&key, &vec![b'v'; value_bytes], Deadline::Never, Flags::Set(0)).expect("no limit");
    }

    #[test]
    fn the_largest_entries_are_found_in_order_whatever_became_of_them() {
        let store = store();
        for n in 0..2000 {
            put(&store, Ns(0), &format!("small:{n}"), 100);
            put(&store, Ns(0), &format!("large:{n}"), 3000 + n);
        }
        put(&store, Ns(3), "other", 1 << 20);
        put(&store, Ns(0), "gone", 2 << 20);
        put(&store, Ns(0), "shrunk", 2 << 20);
        put(&store, Ns(0), "shrunk", 10);
        put(&store, Ns(0), "old-name", 90_000);
        let (gone, from, to) =
            (store.key(Ns(0), b"gone"), store.key(Ns(0), b"old-name"), store.key(Ns(0), b"new-name"));
        store.lock(gone.slot, NOW_MS).remove(&gone);
        assert!(store.lock_many([from.slot, to.slot], NOW_MS).rename(&from, &to));
        let grown = store.key(Ns(0), b"large:7");
        store.lock(grown.slot, NOW_MS).write_at(&grown, 60_000, b"!").expect("no limit");
        let list = store.key(Ns(0), b"list");
        let pushed = store.lock(list.slot, NOW_MS).edit::<List, _>(&list, true, 0, |list| {
            (0..3000).for_each(|_| list.push(End::Back, &[b'i'; 100]));
        });
        assert!(pushed.is_ok());
        let names = |kind| -> Vec<String> {
            let found = store.biggest(4, kind, NOW_MS);
            found.into_iter().map(|big| String::from_utf8(big.key).expect("text")).collect()
        };
        assert_eq!(names(None), ["other", "list", "new-name", "large:7"]);
        assert_eq!(names(Some(Kind::List)), ["list"]);
        assert_eq!(names(Some(Kind::Hash)), [""; 0]);
        let first = &store.biggest(1, None, NOW_MS)[0];
        assert!(first.ns == Ns(3) && (1 << 20..9 << 17).contains(&first.memory_bytes), "{first:?}");
    }

    #[test]
    fn every_entry_is_as_likely_to_be_drawn_as_any_other() {
        let store = store();
        (0..300).for_each(|n| put(&store, Ns(0), &format!("a:{n}"), 10));
        (0..100).for_each(|n| put(&store, Ns(0), &format!("{{one-slot}}:{n}"), 10));
        (0..5000).for_each(|n| put(&store, Ns(1), &format!("b:{n}"), 10));
        let (mut rng, mut tagged, mut seen) = (Rng::new(7), 0, 0);
        let entries = store.sample(Ns(0), 20_000, &mut rng, NOW_MS, |key, _| {
            assert!(!key.starts_with(b"b:"));
            seen += 1;
            tagged += usize::from(key.starts_with(b"{"));
        });
        assert_eq!(entries, 400);
        let (mut first, mut all) = (0, 0);
        store.sample(Ns(1), 20_000, &mut rng, NOW_MS, |key, _| {
            // Those that were written first lie in front.
            let number: u32 = std::str::from_utf8(&key[2..]).expect("text").parse().expect("a number");
            first += u32::from(number < 2500);
            all += 1;
        });
        let half = f64::from(first) / f64::from(all);
        assert!((0.48..0.52).contains(&half), "{half} are of the first half");
        let share = tagged as f64 / seen as f64;
        assert!(seen > 19_000 && (0.2..0.3).contains(&share), "{share} of {seen} are of the slot that holds a quarter");
        assert_eq!(store.sample(Ns(2), 10, &mut rng, NOW_MS, |_, _| panic!("an empty namespace")), 0);
    }
}
