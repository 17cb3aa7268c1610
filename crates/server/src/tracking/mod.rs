//! Client-side caching: clients are told when a key changes that they have read (`CLIENT TRACKING`), or whose prefix they
//! have named (`BCAST`).
//!
//! ```text
//! read --before it--> table: key -> readers          BCAST --> prefixes -> clients
//! effect on key, slot locked --> readers are taken out, and told once; those of its prefixes every time
//! ```
//! A read is remembered before it looks at the value. So a change is either seen by the read, or finds the reader in the
//! table: nothing falls between.
//!
//! The table is bounded (`tracking-table-max-keys`): when it is full, a random key makes room and its readers are told as
//! if it had changed. Its locks, and those of everything here, are leaves: under them inboxes are reached and nothing else.

pub mod table;
pub mod tracker;
pub mod tracks;

use crate::pubsub::post::Audience;
use crate::pubsub::push::Push;
use crate::runtime::inbox::Inbox;
use parking_lot::{Mutex, RwLock};
use scrubjay_base::rand::entropy_seed;
use scrubjay_base::{KeyHasher, SlotId};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicIsize, AtomicUsize, Ordering::Relaxed};
use table::{Growth, Table};
use tracker::{Destination, Tracker};

/// Parts of the table, each with its lock: few, because only changes and reads of tracked keys ask for them. Chosen.
const PARTS: usize = 64;

/// Who tracks what.
pub struct Tracking {
    inboxes: Arc<[Inbox]>,
    hasher: KeyHasher,
    parts: Box<[Mutex<Table>]>,
    keys_max: AtomicUsize,
    keys: AtomicIsize,
    readers: AtomicIsize,
    /// Memory of the table that the store has not been charged with yet.
    owed_bytes: AtomicI64,
    /// Every client that tracks.
    trackers: Mutex<BTreeMap<u64, Arc<Tracker>>>,
    prefixes: RwLock<Prefixes>,
    prefix_count: AtomicUsize,
    next_part: AtomicUsize,
}

/// Clients by the prefixes that they have named.
type Prefixes = BTreeMap<Box<[u8]>, Vec<Arc<Tracker>>>;

/// Up to how many remembered keys are looked through for those with a deleted prefix: a fraction of a millisecond. With
/// more, everybody is told that everything may have changed.
const LOOKED_THROUGH_MAX: usize = 10_000;

impl Tracking {
    /// Nobody tracks yet; letters go to these inboxes.
    pub fn new(inboxes: Arc<[Inbox]>) -> Tracking {
        let seed = entropy_seed();
        Tracking {
            inboxes,
            hasher: KeyHasher::new(seed),
            parts: (0..PARTS as u64).map(|part| Mutex::new(Table::new(seed ^ part))).collect(),
            keys_max: AtomicUsize::new(0),
            keys: AtomicIsize::new(0),
            readers: AtomicIsize::new(0),
            owed_bytes: AtomicI64::new(0),
            trackers: Mutex::default(),
            prefixes: RwLock::default(),
            prefix_count: AtomicUsize::new(0),
            next_part: AtomicUsize::new(0),
        }
    }

    /// How many clients track.
    pub fn clients(&self) -> usize {
        self.trackers.lock().len()
    }

    /// How many keys have readers that will be told.
    pub fn keys(&self) -> usize {
        self.keys.load(Relaxed).max(0) as usize
    }

    /// How many pairs of a key and a reader there are.
    pub fn readers(&self) -> usize {
        self.readers.load(Relaxed).max(0) as usize
    }

    /// How many prefixes somebody has named.
    pub fn prefixes(&self) -> usize {
        self.prefix_count.load(Relaxed)
    }

    /// How many keys may be in the table; 0: any number.
    pub fn set_keys_max(&self, keys_max: usize) {
        self.keys_max.store(keys_max, Relaxed);
    }

    /// Memory of the table since the last time that this was asked, to be charged to the store.
    pub fn owed_bytes(&self) -> i64 {
        match self.owed_bytes.load(Relaxed) {
            0 => 0,
            _ => self.owed_bytes.swap(0, Relaxed),
        }
    }

    /// A client begins to track.
    pub fn begin(&self, tracker: &Arc<Tracker>) {
        self.trackers.lock().insert(tracker.id(), tracker.clone());
    }

    /// A client is to hear of every key that begins with `prefix`.
    pub fn add_prefix(&self, prefix: &[u8], tracker: &Arc<Tracker>) {
        let mut prefixes = self.prefixes.write();
        prefixes.entry(prefix.into()).or_default().push(tracker.clone());
        self.prefix_count.store(prefixes.len(), Relaxed);
    }

    /// A client that had named these prefixes tracks no more. Keys that it has read are forgotten when they change.
    pub fn end<'p>(&self, tracker: &Arc<Tracker>, named: impl Iterator<Item = &'p [u8]>) {
        tracker.end();
        let mut prefixes = self.prefixes.write();
        for prefix in named {
            if let Some(those) = prefixes.get_mut(prefix) {
                those.retain(|other| !Arc::ptr_eq(other, tracker));
                if those.is_empty() {
                    prefixes.remove(prefix);
                }
            }
        }
        self.prefix_count.store(prefixes.len(), Relaxed);
        drop(prefixes);
        let mut trackers = self.trackers.lock();
        trackers.remove(&tracker.id());
        if trackers.is_empty() {
            // Nobody is left to be told anything, and nobody can begin before the lock is given back.
            self.parts.iter().for_each(|part| self.grow(part.lock().clear()));
        }
    }

    /// `tracker` is about to read `key`.
    pub fn remember(&self, key: &[u8], tracker: &Arc<Tracker>) {
        let growth = self.part(SlotId::of(key)).lock().remember(&self.hasher, key, tracker);
        if growth.readers == 0 {
            return;
        }
        self.grow(growth);
        let keys_max = self.keys_max.load(Relaxed);
        if keys_max > 0 && growth.keys > 0 {
            self.shrink(keys_max);
        }
    }

    /// Random keys make room until there are at most `keys_max`.
    fn shrink(&self, keys_max: usize) {
        let mut empty = 0;
        while self.keys() > keys_max && empty < PARTS {
            let part = self.next_part.fetch_add(1, Relaxed) % PARTS;
            let taken = self.parts[part].lock().take_any();
            match taken {
                Some((key, readers, growth)) => {
                    empty = 0;
                    self.grow(growth);
                    self.tell(Some(&key), readers.iter().map(|(_, tracker)| tracker), 0);
                }
                None => empty += 1,
            }
        }
    }

    /// `key` has changed, by client `author`; 0: by none.
    pub fn changed(&self, slot: SlotId, key: &[u8], author: u64) {
        if self.keys.load(Relaxed) > 0 {
            let taken = self.part(slot).lock().take(&self.hasher, key);
            if let Some((readers, growth)) = taken {
                self.grow(growth);
                self.tell(Some(key), readers.iter().map(|(_, tracker)| tracker), author);
            }
        }
        if self.prefixes() > 0 {
            for (prefix, trackers) in self.prefixes.read().iter() {
                if key.starts_with(prefix) {
                    self.tell(Some(key), trackers.iter(), author);
                }
            }
        }
    }

    /// Every key that begins with `prefix` is gone.
    pub fn prefix_gone(&self, prefix: &[u8]) {
        if self.keys() > LOOKED_THROUGH_MAX {
            return self.flushed();
        }
        for part in &self.parts {
            let gone = part.lock().take_prefix(prefix);
            for (key, readers, growth) in gone {
                self.grow(growth);
                self.tell(Some(&key), readers.iter().map(|(_, tracker)| tracker), 0);
            }
        }
        for (named, trackers) in self.prefixes.read().iter() {
            if named.starts_with(prefix) || prefix.starts_with(named) {
                self.tell(None, trackers.iter(), 0);
            }
        }
    }

    /// Everything may have changed.
    pub fn flushed(&self) {
        self.parts.iter().for_each(|part| self.grow(part.lock().clear()));
        let trackers: Vec<Arc<Tracker>> = self.trackers.lock().values().cloned().collect();
        self.tell(None, trackers.iter(), 0);
    }

    /// Sends an invalidation to these clients, but not to `author` if that does not want to hear of itself.
    fn tell<'t>(&self, key: Option<&[u8]>, trackers: impl Iterator<Item = &'t Arc<Tracker>>, author: u64) {
        let (mut own, mut others) = (Audience::default(), Audience::default());
        for tracker in trackers {
            if !tracker.is_on() || (tracker.id() == author && tracker.spares_own()) {
                continue;
            }
            match tracker.destination() {
                Destination::Own => own.add(tracker.info()),
                Destination::Other(target) => others.add(&target),
                Destination::Broken(id) => {
                    let mut origin = Audience::default();
                    origin.add(tracker.info());
                    origin.send(&self.inboxes, Push::broken(id));
                }
            }
        }
        for (audience, redirected) in [(own, false), (others, true)] {
            if !audience.is_empty() {
                audience.send(&self.inboxes, Push::invalidation(key, redirected));
            }
        }
    }

    fn part(&self, slot: SlotId) -> &Mutex<Table> {
        &self.parts[slot.index() % PARTS]
    }

    fn grow(&self, growth: Growth) {
        self.keys.fetch_add(growth.keys, Relaxed);
        self.readers.fetch_add(growth.readers, Relaxed);
        self.owed_bytes.fetch_add(growth.bytes, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    fn letters(shared: &crate::Shared) -> usize {
        let mut letters = Vec::new();
        shared.effects.pubsub.inboxes()[0].take(&mut letters);
        letters.len()
    }

    #[test]
    fn a_full_table_tells_the_readers_of_the_keys_that_make_room() {
        let shared = testing::shared();
        let tracking = &shared.effects.tracking;
        let tracker = Arc::new(Tracker::new(testing::session(&shared, 1).info));
        tracking.begin(&tracker);
        tracking.set_keys_max(100);
        for number in 0..1000 {
            tracking.remember(format!("key:{number}").as_bytes(), &tracker);
            assert!(tracking.keys() <= 100);
        }
        assert_eq!((tracking.keys(), tracking.readers(), letters(&shared)), (100, 100, 900));
        assert!(tracking.owed_bytes() > 100 * 32 && tracking.owed_bytes() == 0);
        tracking.end(&tracker, std::iter::empty());
        assert_eq!((tracking.keys(), tracking.readers()), (0, 0), "the last one leaves nothing behind");
    }

    #[test]
    fn a_reader_is_told_once_and_a_prefix_every_time() {
        let shared = testing::shared();
        let tracking = &shared.effects.tracking;
        let tracker = |port| Arc::new(Tracker::new(testing::session(&shared, port).info));
        let (reader, other) = (tracker(1), tracker(2));
        tracking.begin(&reader);
        tracking.begin(&other);
        tracking.remember(b"user:1", &reader);
        tracking.add_prefix(b"user:", &other);
        let heard = |key: &[u8], author| {
            tracking.changed(SlotId::of(key), key, author);
            letters(&shared)
        };
        assert_eq!([heard(b"user:1", 0), heard(b"user:1", 0), heard(b"item:1", 0)], [2, 1, 0]);
        other.spare_own(true);
        assert_eq!([heard(b"user:1", other.id()), heard(b"user:1", reader.id())], [0, 1]);
        tracking.flushed();
        assert_eq!(letters(&shared), 1, "both are on one thread");
        tracking.remember(b"user:1", &reader);
        tracking.remember(b"item:1", &reader);
        tracking.prefix_gone(b"user:1");
        assert_eq!((letters(&shared), tracking.keys()), (2, 1), "its reader, and whoever named a prefix of it");
        tracking.end(&other, [&b"user:"[..]].into_iter());
        assert_eq!((heard(b"user:1", 0), tracking.prefixes()), (0, 0));
    }
}
