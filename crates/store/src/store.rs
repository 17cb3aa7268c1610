//! The store: all shards, and what concerns more than one of them.
//!
//! ```text
//!  key --CRC16--> slot (16384) --low bits--> table (16..16384) --low bits--> shard (1..256): lock, heap, policy
//! ```
//! A table serves one slot in a large store and several in a small one; a shard serves many tables. How many there are
//! follows from the memory limit, and was measured (`docs/decisions`): locks hardly matter from 64 on, but every shard
//! has a half-filled segment, and every used table at least one bucket.

use crate::budget::Budget;
use crate::compress::{Compression, CompressionCell, Incoming};
use crate::config::{Config, Policy};
use crate::effect::Journal;
use crate::env::{Berth, Env, Hint};
use crate::everywhere::{Everywhere, Scanned};
use crate::groups::Group;
use crate::guard::{Guard, Others};
use crate::key::{DATABASES, Key, NAMESPACES, Ns};
use crate::namespaces::{Namespaces, NsCount, NsSettings};
use crate::pool::Pool;
use crate::shard::Shard;
use crate::stats::Stats;
use crate::tick::Ticks;
use crate::value::{Packing, PackingCell};
use parking_lot::Mutex;
use scrubjay_base::clock::UnixMs;
use scrubjay_base::rand::Rng;
use scrubjay_base::{KeyHasher, SLOTS, SlotId};
use smallvec::SmallVec;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};

/// Most shards that are chosen unless told: more locks than any machine's cores keep busy at once.
const SHARDS_MAX: u64 = 256;
/// Memory that earns a shard of its own: 256 segments, so that a half-filled one is 0.2 %.
const BYTES_PER_SHARD: u64 = 8 << 20;
/// Entries under an entry limit that earn a shard of their own. A shard evicts among its own entries: with 100 each, LRU
/// misses 1 % more than with one shard and the default policy loses a tenth of its gain; with 5 each, 5 to 8 % more.
const ENTRIES_PER_SHARD: u64 = 512;
/// Memory that earns a table of its own: some hundred entries.
const BYTES_PER_TABLE: u64 = 64 << 10;
/// How long housekeeping sleeps when nothing is due.
const IDLE_MS: u64 = 100;
/// Entries that expiry or eviction handles in a microsecond of budget, at least.
const SHARDS_PER_STEP: usize = 16;
/// How much a look at the lifetimes looks at: some thousand entries, a tenth of a millisecond.
const TTL_SHARDS_MAX: usize = 16;
const TTL_LOOKS_PER_SHARD: usize = 256;

/// The store. Shared by reference between threads.
pub struct Store {
    pub(crate) env: Env,
    databases: [AtomicU8; DATABASES as usize],
    /// A leaf, like `swapping`: whoever holds slots may take it.
    policy: Mutex<Policy>,
    swapping: Mutex<()>,
    /// Held while settings reach one shard after the other. Never taken by who holds a slot.
    settling: Mutex<()>,
    next_shard: AtomicUsize,
}

impl Store {
    /// An empty store. `journal` hears every effect; `None` costs nothing.
    pub fn new(config: Config, journal: Option<Arc<dyn Journal>>) -> Store {
        let memory = if config.max_memory_bytes == 0 { u64::MAX } else { config.max_memory_bytes };
        let shards = match config.shards {
            0 => {
                let entries = if config.max_entries == 0 { u64::MAX } else { config.max_entries };
                (memory / BYTES_PER_SHARD).min(entries / ENTRIES_PER_SHARD).clamp(1, SHARDS_MAX)
            }
            given => given as u64,
        };
        let shards = previous_power_of_two(shards.clamp(1, 1024)) as usize;
        let tables = previous_power_of_two((memory / BYTES_PER_TABLE).clamp(16, SLOTS as u64)) as usize;
        let tables = tables.max(shards);
        let mut rng = Rng::new(config.seed ^ 0x5CB0);
        let berths = (0..shards).map(|number| {
            let shard = Shard::new(number, tables / shards, SLOTS / shards, config.policy, rng.next_u64());
            Berth {
                tables: AtomicUsize::new(shard.tables_address() as usize),
                shard: Mutex::new(shard),
                due: AtomicU32::new(crate::table::NEVER),
                bytes: AtomicU64::new(0),
            }
        });
        let budget = Arc::new(Budget::new(config.max_memory_bytes));
        let hasher = KeyHasher::new(config.seed);
        Store {
            env: Env {
                packing: PackingCell::new(&Packing::new(Arc::new(hasher.clone()))),
                compression: CompressionCell::new(config.compression),
                hasher,
                pool: Pool::new(budget.clone()),
                budget,
                telling: AtomicBool::new(journal.is_some()),
                journal,
                ticks: Ticks::new(config.start_ms),
                shard_mask: shards - 1,
                table_mask: tables - 1,
                hints: (0..tables).map(|_| Hint::default()).collect(),
                max_entries: config.max_entries.into(),
                entries: AtomicU64::new(0),
                namespaces: Namespaces::new(config.default_ttl_ms),
                lease_tokens: crate::lease::first_token(config.start_ms).into(),
                shards: berths.collect(),
            },
            databases: std::array::from_fn(|n| AtomicU8::new(n as u8)),
            policy: Mutex::new(config.policy),
            swapping: Mutex::default(),
            settling: Mutex::default(),
            next_shard: AtomicUsize::new(0),
        }
    }

    /// Places a key.
    #[inline]
    pub fn key<'k>(&self, ns: Ns, bytes: &'k [u8]) -> Key<'k> {
        Key { ns, bytes, slot: SlotId::of(bytes), hash: self.env.hasher.hash(ns.0, bytes) }
    }

    /// The namespace that `SELECT database` reaches now; from [`DATABASES`] on, the named ones, which are never swapped;
    /// `None` from [`NAMESPACES`] on. Ask once per command or batch: [`Store::swap_databases`] changes the answer.
    #[inline]
    pub fn namespace(&self, database: u8) -> Option<Ns> {
        match self.databases.get(database as usize) {
            Some(ns) => Some(Ns(ns.load(Relaxed))),
            None => (database < NAMESPACES).then_some(Ns(database)),
        }
    }

    /// What the namespace was told for itself.
    pub fn ns_settings(&self, ns: Ns) -> NsSettings {
        self.env.namespaces.settings(ns)
    }

    /// Tells a namespace something for itself, or nothing any more. One that gets a limit or a policy gets tables of its own,
    /// as many as its limit is worth, and its entries move there, one shard after the other; back when it has neither any
    /// more. To find them costs a look at every entry of the tables that they leave: some 100 ns each. What is over a new
    /// limit is evicted by [`Store::maintain`] and by the next writes. Not for who holds a guard.
    pub fn set_ns_settings(&self, ns: Ns, settings: NsSettings, now_ms: UnixMs) {
        let _one_at_a_time = self.settling.lock();
        let policy = settings.policy.unwrap_or(self.policy());
        let env = &self.env;
        let common = env.common_tables();
        let tables = match settings.max_memory_bytes / BYTES_PER_TABLE / env.shards.len() as u64 {
            _ if settings.max_memory_bytes == 0 => common,
            tables => previous_power_of_two(tables.clamp(1, common as u64)) as usize,
        };
        if settings.is_apart() {
            self.charge(env.namespaces.make_hints(ns, tables << env.shard_bits()) as i64);
        }
        let (before, after) = env.namespaces.set(ns, settings, tables as u32, common as u32);
        for berth in &env.shards {
            let mut shard = berth.shard.lock();
            if before != after {
                shard.set_common(env, ns, now_ms);
            }
            if let Some(span) = after {
                shard.set_apart(env, ns, span, policy, now_ms);
            }
        }
    }

    /// Exchanges what two database numbers mean, for all sessions at once. Commands that already hold their namespace
    /// finish on it. Numbers from [`DATABASES`] on change nothing. Cost: O(1).
    pub fn swap_databases(&self, a: u8, b: u8) {
        if a.max(b) >= DATABASES {
            return;
        }
        let _one_at_a_time = self.swapping.lock();
        let (ns_a, ns_b) = (self.databases[a as usize].load(Relaxed), self.databases[b as usize].load(Relaxed));
        self.databases[a as usize].store(ns_b, Relaxed);
        self.databases[b as usize].store(ns_a, Relaxed);
    }

    /// Brings the cache lines of these keys near; best for a batch of 8 to 64. Three passes, so that the misses of all
    /// keys overlap: the tables' addresses, their buckets, the entries. Takes each key's lock for a moment: who holds a
    /// guard asks [`Guard::prefetch`] instead.
    #[inline]
    pub fn prefetch(&self, keys: &[Key<'_>]) {
        self.env.prefetch_buckets(keys);
        for key in keys {
            let shard = self.env.shards[self.env.shard_of(key.slot)].shard.lock();
            shard.prefetch(&self.env, key);
        }
    }

    /// Asks for the bucket of one key, for a caller who has something else to do (read a clock, take the lock) before the
    /// look-up. Cheap enough for a single key, unlike [`Store::prefetch`].
    #[inline]
    pub fn prefetch_bucket(&self, key: &Key<'_>) {
        self.env.prefetch_bucket(key);
    }

    /// Locks the slot of one key. `now_ms` is the time at which everything under the guard happens.
    #[inline]
    pub fn lock(&self, slot: SlotId, now_ms: UnixMs) -> Guard<'_> {
        let number = self.env.shard_of(slot);
        let first = (number as u32, self.env.shards[number].shard.lock());
        Guard { env: &self.env, first, others: Others::default(), now_ms, promised: 0 }
    }

    /// Locks the slots of several keys, in ascending order, each shard once. Without any slot, the first shard.
    pub fn lock_many(&self, slots: impl IntoIterator<Item = SlotId>, now_ms: UnixMs) -> Guard<'_> {
        let mut numbers: SmallVec<[u32; 16]> = slots.into_iter().map(|s| self.env.shard_of(s) as u32).collect();
        numbers.sort_unstable();
        numbers.dedup();
        self.lock_shards(numbers.first().copied().unwrap_or(0), numbers.iter().copied().skip(1), now_ms)
    }

    /// Locks everything.
    pub fn lock_all(&self, now_ms: UnixMs) -> Guard<'_> {
        self.lock_shards(0, 1..self.env.shards.len() as u32, now_ms)
    }

    fn lock_shards(&self, first: u32, others: impl Iterator<Item = u32>, now_ms: UnixMs) -> Guard<'_> {
        let lock = |number: u32| (number, self.env.shards[number as usize].shard.lock());
        Guard { env: &self.env, first: lock(first), others: others.map(lock).collect(), now_ms, promised: 0 }
    }

    /// Makes room for a write of `bytes` before its locks are taken, so that evicting much for a large value does not
    /// keep its slot locked. Cheap for small ones: they make their own room.
    #[inline]
    pub fn reserve(&self, bytes: usize, now_ms: UnixMs) {
        if bytes > crate::pool::SEGMENT_BYTES {
            self.make_room(bytes as u64, now_ms);
        }
    }

    fn make_room(&self, bytes: u64, now_ms: UnixMs) {
        let budget = &self.env.budget;
        let mut idle = 0;
        while budget.max_bytes() != 0
            && bytes <= budget.max_bytes()
            && budget.used_bytes() + bytes > budget.max_bytes()
            && idle < self.env.shards.len()
        {
            let number = self.next_shard.fetch_add(1, Relaxed) & self.env.shard_mask;
            let freed = self.env.shards[number].shard.lock().give_up_memory(&self.env, None, now_ms);
            idle = if freed { 0 } else { idle + 1 };
        }
    }

    /// A string on its way in, compressed if it is to be and that is worth it: to be made before its slot is locked.
    #[inline]
    pub fn incoming<'a>(&self, bytes: &'a [u8]) -> Incoming<'a> {
        Incoming { bytes, compressed: self.env.compression.compress(bytes) }
    }

    /// Whether any value is compressed that is written now.
    #[inline]
    pub fn is_compressing(&self) -> bool {
        self.env.compression.is_on()
    }

    /// Changes which values are compressed, for those that are written from now on.
    pub fn set_compression(&self, compression: Compression) {
        self.env.compression.set(compression);
    }

    /// As [`Everywhere::scan`].
    pub fn scan(&self, ns: Ns, cursor: u64, effort: usize, now_ms: UnixMs, mut visit: impl FnMut(Scanned<'_>)) -> u64 {
        Everywhere::scan(&mut &*self, ns, cursor, effort, now_ms, &mut visit)
    }

    /// As [`Everywhere::len`].
    pub fn len(&self, ns: Ns) -> u64 {
        Everywhere::len(&mut &*self, ns)
    }

    /// As [`Everywhere::random_key`].
    pub fn random_key(&self, ns: Ns, now_ms: UnixMs) -> Option<Vec<u8>> {
        Everywhere::random_key(&mut &*self, ns, now_ms)
    }

    /// As [`Everywhere::flush`].
    pub fn flush(&self, ns: Option<Ns>) -> u64 {
        Everywhere::flush(&mut &*self, ns)
    }

    /// How long the namespace's entries with a deadline have to live, in milliseconds, on average over a sample: up to 16
    /// shards, 256 entries each. 0 if none of them has one.
    pub fn mean_ttl_ms(&self, ns: Ns, now_ms: UnixMs) -> u64 {
        let first = self.next_shard.fetch_add(1, Relaxed);
        let (mut shards, mut seen, mut sum) = (0, 0u64, 0u128);
        for step in 0..self.env.shards.len() {
            let mut shard = self.env.shards[(first + step) & self.env.shard_mask].shard.lock();
            if shard.per_ns[ns.0 as usize].volatile == 0 {
                continue;
            }
            shard.sample_ttls(&self.env, ns, now_ms, TTL_LOOKS_PER_SHARD, |ttl_ms| {
                seen += 1;
                sum += u128::from(ttl_ms);
            });
            shards += 1;
            if shards == TTL_SHARDS_MAX {
                break;
            }
        }
        sum.checked_div(u128::from(seen)).unwrap_or(0) as u64
    }

    /// The counters' sum.
    pub fn stats(&self) -> Stats {
        let mut stats = Stats {
            used_bytes: self.env.budget.used_bytes(),
            used_bytes_peak: self.env.budget.peak_bytes(),
            max_memory_bytes: self.max_memory_bytes(),
            max_entries: self.max_entries(),
            per_ns: vec![NsCount::default(); NAMESPACES as usize],
            ..Stats::default()
        };
        for berth in &self.env.shards {
            let shard = berth.shard.lock();
            for (sum, count) in stats.per_ns.iter_mut().zip(&shard.per_ns) {
                stats.entries += count.entries;
                stats.volatile_entries += count.volatile;
                sum.merge(*count);
            }
            stats.payload_bytes += shard.payload_bytes();
            stats.entry_bytes += shard.entry_bytes();
            stats.compression.merge(shard.compression());
            stats.hits += shard.counters.hits;
            stats.misses += shard.counters.misses;
            stats.evictions += shard.counters.evictions;
            stats.expirations += shard.counters.expirations;
            stats.refused += shard.counters.refused;
        }
        stats
    }

    /// How many deletions of groups are not wholly reclaimed: while there are any, counts of entries and bytes include what
    /// is hidden already.
    pub fn unreclaimed(&self) -> usize {
        self.env.shards.iter().map(|berth| berth.shard.lock().generation_count()).sum()
    }

    /// As [`Everywhere::hide`].
    pub fn hide(&self, ns: Ns, groups: &[Group<'_>]) -> usize {
        Everywhere::hide(&mut &*self, ns, groups)
    }

    /// Sets hits, misses, evictions, expirations and refusals back to zero.
    pub fn reset_stats(&self) {
        for berth in &self.env.shards {
            berth.shard.lock().counters = Default::default();
        }
    }

    /// The memory limit in bytes; 0: none.
    #[inline]
    pub fn max_memory_bytes(&self) -> u64 {
        self.env.budget.max_bytes()
    }

    /// Changes the limit; the surplus is evicted by [`Store::maintain`] and by the next writes.
    pub fn set_max_memory_bytes(&self, bytes: u64) {
        self.env.budget.set_max_bytes(bytes);
    }

    /// The entry limit; 0: none.
    pub fn max_entries(&self) -> u64 {
        self.env.max_entries.load(Relaxed)
    }

    /// Changes the entry limit; the surplus is evicted by [`Store::maintain`].
    pub fn set_max_entries(&self, entries: u64) {
        let all = self.lock_all(0); // the common count starts while nobody writes
        let held = std::iter::once(&all.first).chain(all.others.iter()).map(|(_, shard)| shard.entries()).sum();
        self.env.entries.store(held, Relaxed);
        self.env.max_entries.store(entries, Relaxed);
    }

    /// The lifetime of entries written without one; 0: for ever.
    pub fn default_ttl_ms(&self) -> u64 {
        self.env.namespaces.node_ttl_ms()
    }

    /// Changes it, for entries written from now on.
    pub fn set_default_ttl_ms(&self, ttl_ms: u64) {
        self.env.namespaces.set_node_ttl_ms(ttl_ms);
    }

    /// Whether anybody wants to hear effects now; from the start on, if there is a journal. Those that happen meanwhile are
    /// not told later.
    pub fn set_telling(&self, telling: bool) {
        self.env.telling.store(telling, Relaxed);
    }

    /// Up to where collections are one run.
    pub fn packing(&self) -> Packing {
        self.env.packing.get()
    }

    /// Changes it, for edits from now on.
    pub fn set_packing(&self, packing: &Packing) {
        self.env.packing.set(packing);
    }

    /// The eviction policy.
    pub fn policy(&self) -> Policy {
        *self.policy.lock()
    }

    /// Changes the policy. Each shard in turn gives its entries ranks of the new one: about 20 ns an entry. Not for who
    /// holds a guard.
    pub fn set_policy(&self, policy: Policy, now_ms: UnixMs) {
        let _one_at_a_time = self.settling.lock();
        *self.policy.lock() = policy;
        let inherits = |ns: &Ns| self.env.namespaces.settings(*ns).policy.is_none();
        for berth in &self.env.shards {
            berth.shard.lock().set_policy(&self.env, policy, inherits, now_ms);
        }
    }

    /// Housekeeping: removes what is due, shrinks to a lowered limit, compacts, gives memory back. Does about a shard's
    /// work per `SHARDS_PER_STEP` microseconds of `budget_us`, and returns when it wants to be called again (Unix ms): at
    /// once if it did not finish.
    pub fn maintain(&self, now_ms: UnixMs, budget_us: u64) -> UnixMs {
        let env = &self.env;
        let tick = env.ticks.reached(now_ms);
        let mut next = now_ms + IDLE_MS;
        for berth in &env.shards {
            if berth.due.load(Relaxed) <= tick {
                berth.shard.lock().expire_due(env, now_ms);
            }
            let due = berth.due.load(Relaxed);
            if due != crate::table::NEVER {
                next = next.min(env.ticks.time_of(due));
            }
        }
        if env.pool.trim() {
            next = now_ms;
        }
        let steps = (budget_us as usize / SHARDS_PER_STEP).clamp(1, env.shards.len());
        for _ in 0..steps {
            let number = self.next_shard.fetch_add(1, Relaxed) & env.shard_mask;
            let mut shard = env.shards[number].shard.lock();
            shard.end_leases(env, now_ms);
            if shard.tidy(env) {
                next = now_ms;
            }
            if env.budget.surplus_bytes() > 0 && shard.give_up_memory(env, None, now_ms) {
                next = now_ms;
            }
            if shard.shrink_namespaces(env, SHARDS_PER_STEP, now_ms) {
                next = now_ms;
            }
            let max = env.max_entries.load(Relaxed);
            for _ in 0..SHARDS_PER_STEP {
                if max == 0 || env.entries.load(Relaxed) <= max || !shard.evict_one(env, None, now_ms) {
                    break;
                }
                next = now_ms;
            }
        }
        next
    }

    /// Counts memory that others hold (client buffers) against the limit; negative gives it back.
    pub fn charge(&self, bytes: i64) {
        if bytes >= 0 {
            self.env.budget.charge(bytes as u64);
        } else {
            self.env.budget.release(bytes.unsigned_abs());
        }
    }

    /// Checks every invariant that can be checked by walking.
    #[cfg(test)]
    pub fn check(&self) {
        let mut own = [0; NAMESPACES as usize];
        for berth in &self.env.shards {
            let shard = berth.shard.lock();
            shard.check(&self.env);
            own.iter_mut().zip(0..).for_each(|(bytes, ns)| *bytes += shard.own_bytes(&self.env, Ns(ns)));
        }
        for (ns, bytes) in (0..).map(Ns).zip(own) {
            assert_eq!(self.env.namespaces.used_bytes(ns), bytes);
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        for berth in &mut self.env.shards {
            berth.shard.get_mut().dissolve(&self.env.pool);
        }
    }
}

fn previous_power_of_two(n: u64) -> u64 {
    1 << n.max(1).ilog2()
}
