//! (temporary body; the signatures stand)
use crate::*;
use parking_lot::{Mutex, MutexGuard};
use scrubjay_base::{KeyHasher, SlotId, clock::UnixMs};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The store. Shared by reference between threads.
pub struct Store {
    hasher: KeyHasher,
    shard: Mutex<Shard>,
    max_memory: AtomicU64,
    max_entries: AtomicU64,
    default_ttl: AtomicU64,
    policy: Mutex<Policy>,
    databases: Mutex<[Ns; DATABASES as usize]>,
}

#[derive(Default)]
struct Shard {
    map: BTreeMap<(u16, Ns, Vec<u8>), Stored>,
    seq: u64,
    stats: Stats,
}

#[derive(Clone)]
struct Stored {
    value: Arc<[u8]>,
    deadline: Option<UnixMs>,
    flags: u32,
    version: u64,
    touched: UnixMs,
}

/// A large value shared with the store: stays readable after the entry changed.
pub type SharedBytes = Arc<[u8]>;

/// Some slots, locked. All commands run against this; whoever holds it sees and makes changes atomically.
/// Never hold one across I/O.
pub struct Guard<'s> {
    store: &'s Store,
    shard: MutexGuard<'s, Shard>,
    now_ms: UnixMs,
}

/// An entry as it is seen under a guard.
pub struct Entry<'g> {
    stored: &'g Stored,
    now_ms: UnixMs,
}

impl<'g> Entry<'g> {
    /// The whole value.
    pub fn value(&self) -> &'g [u8] {
        &self.stored.value
    }
    /// The value as a cheap handle, if it is stored apart (large values); `None` for small ones, which are copied.
    pub fn shared(&self) -> Option<SharedBytes> {
        (self.stored.value.len() > 4096).then(|| self.stored.value.clone())
    }
    /// When it expires; `None`: never.
    pub fn deadline_ms(&self) -> Option<UnixMs> {
        self.stored.deadline
    }
    /// The flags.
    pub fn flags(&self) -> u32 {
        self.stored.flags
    }
    /// The slot sequence of its last change: CAS, ETag.
    pub fn version(&self) -> u64 {
        self.stored.version
    }
    /// Milliseconds since the last access, if the policy tracks it (`lru`).
    pub fn idle_ms(&self) -> Option<u64> {
        Some(self.now_ms - self.stored.touched)
    }
    /// The logarithmic access counter, if the policy tracks it (`lfu`; 0..=3 for `s3fifo`).
    pub fn frequency(&self) -> Option<u8> {
        None
    }
    /// Bytes that the entry takes, header, rounding and its table slot included.
    pub fn memory_bytes(&self) -> usize {
        self.stored.value.len() + 32
    }
}

/// An entry as a scan shows it.
pub struct Scanned<'g> {
    /// The namespace.
    pub ns: Ns,
    /// The key.
    pub key: &'g [u8],
    /// The entry.
    pub entry: Entry<'g>,
}

impl Store {
    /// A store. `journal` hears every effect; `None` costs nothing.
    pub fn new(config: Config, _journal: Option<Arc<dyn Journal>>) -> Store {
        Store {
            hasher: KeyHasher::new(config.seed),
            shard: Mutex::default(),
            max_memory: config.max_memory_bytes.into(),
            max_entries: config.max_entries.into(),
            default_ttl: config.default_ttl_ms.into(),
            policy: Mutex::new(config.policy),
            databases: Mutex::new(std::array::from_fn(|number| Ns(number as u8))),
        }
    }
    /// Places a key.
    #[inline]
    pub fn key<'k>(&self, ns: Ns, bytes: &'k [u8]) -> Key<'k> {
        Key { ns, bytes, slot: SlotId::of(bytes), hash: self.hasher.hash(ns.0, bytes) }
    }
    /// Brings the cache lines of these keys near; best for a batch of 8 to 64.
    pub fn prefetch(&self, _keys: &[Key<'_>]) {}
    /// Locks the slot of one key. `now_ms` is the time at which everything under the guard happens.
    pub fn lock(&self, _slot: SlotId, now_ms: UnixMs) -> Guard<'_> {
        Guard { store: self, shard: self.shard.lock(), now_ms }
    }
    /// Locks the slots of several keys, in ascending order, each once.
    pub fn lock_many(&self, _slots: impl IntoIterator<Item = SlotId>, now_ms: UnixMs) -> Guard<'_> {
        self.lock(SlotId::default(), now_ms)
    }
    /// Makes room for a write of `bytes` before its locks are taken. Cheap when there is room.
    pub fn reserve(&self, _bytes: usize, _now_ms: UnixMs) {}

    /// One step of a full scan: calls `visit` for every live entry of some buckets, and returns the next cursor (0 at the
    /// end). An entry present from the start to the end of a full scan is visited at least once. `effort`: about how many
    /// entries to visit in this step. The callback runs under the slot's lock: copy and return.
    pub fn scan(&self, cursor: u64, effort: usize, now_ms: UnixMs, mut visit: impl FnMut(Scanned<'_>)) -> u64 {
        let shard = self.shard.lock();
        for ((_, ns, key), stored) in shard.map.iter().skip(cursor as usize).take(effort) {
            if stored.deadline.is_none_or(|d| d > now_ms) {
                visit(Scanned { ns: *ns, key, entry: Entry { stored, now_ms } });
            }
        }
        let next = cursor as usize + effort;
        if next < shard.map.len() { next as u64 } else { 0 }
    }
    /// A random live key of the namespace, or `None` if it has none (uniform over slots' entries, nearly).
    pub fn random_key(&self, ns: Ns, now_ms: UnixMs) -> Option<Vec<u8>> {
        self.shard
            .lock()
            .map
            .iter()
            .find(|((_, n, _), s)| *n == ns && s.deadline.is_none_or(|d| d > now_ms))
            .map(|((_, _, k), _)| k.clone())
    }
    /// The namespace that `SELECT database` reaches now; `None` from [`DATABASES`] on. Ask once per command or batch:
    /// [`Store::swap_databases`] changes the answer.
    pub fn namespace(&self, database: u8) -> Option<Ns> {
        self.databases.lock().get(database as usize).copied()
    }
    /// Exchanges what two database numbers mean, for all sessions at once (`SWAPDB`). Commands that already hold their
    /// namespace finish on it. Numbers from [`DATABASES`] on change nothing.
    pub fn swap_databases(&self, a: u8, b: u8) {
        if a.max(b) < DATABASES {
            self.databases.lock().swap(a as usize, b as usize);
        }
    }
    /// How many entries the namespace has (expired ones that are not yet removed included).
    pub fn len(&self, ns: Ns) -> u64 {
        self.shard.lock().map.keys().filter(|k| k.1 == ns).count() as u64
    }
    /// Removes every entry of the namespace (`None`: of all). Returns how many.
    pub fn flush(&self, ns: Option<Ns>, _now_ms: UnixMs) -> u64 {
        let mut shard = self.shard.lock();
        let before = shard.map.len();
        shard.map.retain(|k, _| ns.is_some_and(|ns| k.1 != ns));
        (before - shard.map.len()) as u64
    }
    /// The counters' sum.
    pub fn stats(&self) -> Stats {
        let shard = self.shard.lock();
        Stats {
            entries: shard.map.len() as u64,
            entries_per_ns: vec![0; 16],
            volatile_per_ns: vec![0; 16],
            ..shard.stats.clone()
        }
    }
    /// Sets hits, misses, evictions, expirations and refusals back to zero (`CONFIG RESETSTAT`).
    pub fn reset_stats(&self) {
        self.shard.lock().stats = Stats::default()
    }
    /// The memory limit in bytes; 0: none.
    pub fn max_memory_bytes(&self) -> u64 {
        self.max_memory.load(Ordering::Relaxed)
    }
    /// Changes the limit; the surplus is evicted by [`Store::maintain`] and by the next writes.
    pub fn set_max_memory_bytes(&self, bytes: u64) {
        self.max_memory.store(bytes, Ordering::Relaxed)
    }
    /// The entry limit; 0: none.
    pub fn max_entries(&self) -> u64 {
        self.max_entries.load(Ordering::Relaxed)
    }
    /// Changes the entry limit.
    pub fn set_max_entries(&self, entries: u64) {
        self.max_entries.store(entries, Ordering::Relaxed)
    }
    /// The lifetime of entries written without one; 0: for ever.
    pub fn default_ttl_ms(&self) -> u64 {
        self.default_ttl.load(Ordering::Relaxed)
    }
    /// Changes it, for entries written from now on.
    pub fn set_default_ttl_ms(&self, ttl_ms: u64) {
        self.default_ttl.store(ttl_ms, Ordering::Relaxed)
    }
    /// The eviction policy.
    pub fn policy(&self) -> Policy {
        *self.policy.lock()
    }
    /// Changes the policy; what the entries remember of their past is read as the new policy's data and corrects itself.
    pub fn set_policy(&self, policy: Policy) {
        *self.policy.lock() = policy
    }
    /// Housekeeping: removes what is due, shrinks to a lowered limit, compacts, gives memory back. Works for about
    /// `budget_us`, returns when it wants to be called again at the latest (Unix ms), sooner if it did not finish.
    pub fn maintain(&self, now_ms: UnixMs, _budget_us: u64) -> UnixMs {
        self.shard.lock().map.retain(|_, s| s.deadline.is_none_or(|d| d > now_ms));
        now_ms + 100
    }
    /// Counts memory that others hold (client buffers) against the limit; negative gives it back.
    pub fn charge(&self, _bytes: i64) {}
}

impl Guard<'_> {
    fn id(key: &Key<'_>) -> (u16, Ns, Vec<u8>) {
        (key.slot.index() as u16, key.ns, key.bytes.to_vec())
    }
    /// The time at which everything under this guard happens.
    pub fn now_ms(&self) -> UnixMs {
        self.now_ms
    }
    /// The entry of `key`. One whose deadline has passed is removed (effect `Expired`) and not returned.
    pub fn get(&mut self, key: &Key<'_>, access: Access) -> Option<Entry<'_>> {
        let id = Self::id(key);
        if self.shard.map.get(&id).is_some_and(|s| s.deadline.is_some_and(|d| d <= self.now_ms)) {
            self.shard.map.remove(&id);
            self.shard.stats.expirations += 1;
        }
        let found = self.shard.map.contains_key(&id);
        if matches!(access, Access::Read | Access::ReadNoTouch) {
            if found { self.shard.stats.hits += 1 } else { self.shard.stats.misses += 1 }
        }
        let now_ms = self.now_ms;
        self.shard.map.get(&id).map(|stored| Entry { stored, now_ms })
    }
    /// Makes `value` the key's value, whatever was there. A deadline that is already past removes the key (effect `Expired`) and counts as stored.
    /// Errors: [`OutOfMemory`]; nothing was changed.
    pub fn put(&mut self, key: &Key<'_>, value: &[u8], deadline: Deadline, flags: Flags) -> Result<(), OutOfMemory> {
        let id = Self::id(key);
        let old = self.shard.map.get(&id).filter(|s| s.deadline.is_none_or(|d| d > self.now_ms)).cloned();
        let default = match self.store.default_ttl_ms() {
            0 => None,
            ttl => Some(self.now_ms + ttl),
        };
        let deadline = match (deadline, &old) {
            (Deadline::At(d), _) => Some(d),
            (Deadline::Never, _) => None,
            (Deadline::Keep, Some(o)) => o.deadline,
            _ => default,
        };
        let flags = match (flags, &old) {
            (Flags::Set(f), _) => f,
            (_, Some(o)) => o.flags,
            _ => 0,
        };
        self.shard.seq += 1;
        let version = self.shard.seq;
        if deadline.is_some_and(|d| d <= self.now_ms) {
            self.shard.map.remove(&id);
            return Ok(());
        }
        let touched = self.now_ms;
        self.shard.map.insert(id, Stored { value: value.into(), deadline, flags, version, touched });
        Ok(())
    }
    /// Writes `bytes` at `offset` into the key's value, padding with zeros; creates the key if it is absent. Deadline and
    /// flags stay. Returns the new length. Errors: [`OutOfMemory`]; nothing was changed.
    pub fn write_at(&mut self, key: &Key<'_>, offset: usize, bytes: &[u8]) -> Result<usize, OutOfMemory> {
        let mut value = self.get(key, Access::Write).map(|e| e.value().to_vec()).unwrap_or_default();
        if value.len() < offset + bytes.len() {
            value.resize(offset + bytes.len(), 0)
        }
        value[offset..offset + bytes.len()].copy_from_slice(bytes);
        self.put(key, &value, Deadline::Keep, Flags::Keep)?;
        Ok(value.len())
    }
    /// Promises that puts of `bytes` altogether (keys and values) fit while this guard is held, so that a command of
    /// several writes is refused as a whole or not at all. Errors: [`OutOfMemory`]; nothing was changed.
    pub fn admit(&mut self, _bytes: usize) -> Result<(), OutOfMemory> {
        Ok(())
    }
    /// Gives the entry of `from` to `to`, whose slot this guard holds too, with value, deadline and flags; what was under
    /// `to` is gone. Never refused: it takes no room that the entry did not take before. Whether `from` was there.
    pub fn rename(&mut self, from: &Key<'_>, to: &Key<'_>) -> bool {
        if self.get(from, Access::Peek).is_none() {
            return false;
        }
        if Self::id(from) != Self::id(to) {
            let Some(mut stored) = self.shard.map.remove(&Self::id(from)) else { return false };
            self.shard.seq += 1;
            stored.version = self.shard.seq;
            self.shard.map.insert(Self::id(to), stored);
        }
        true
    }
    /// Removes the key. Whether it was there.
    pub fn remove(&mut self, key: &Key<'_>) -> bool {
        let live = self.get(key, Access::Peek).is_some();
        self.shard.map.remove(&Self::id(key));
        live
    }
    /// Sets or clears the deadline. A past deadline removes the key. Whether the key was there.
    pub fn set_deadline(&mut self, key: &Key<'_>, deadline_ms: Option<UnixMs>) -> bool {
        if self.get(key, Access::Peek).is_none() {
            return false;
        }
        let id = Self::id(key);
        if deadline_ms.is_some_and(|d| d <= self.now_ms) {
            self.shard.map.remove(&id);
            return true;
        }
        self.shard.map.get_mut(&id).unwrap().deadline = deadline_ms;
        true
    }
}
