//! A shard: some of the tables, their heap, their policy's state, under one lock.
//!
//! Everything here is plain single-threaded code: whoever holds the shard's lock has it exclusively. The shard finds,
//! writes and removes entries, expires what is due, makes room when memory is short, and tells every change to the
//! journal. What spans shards is in `guard`, `store` and `env`.
//!
//! Here: finding, removing, and the books. `write`: writing. `room`: making room. `sweep`: walks over many entries.
//! `stale`: entries past their deadline that are kept, and who may replace them.

mod edit;
mod hide;
mod insight;
mod parts;
mod room;
mod stale;
mod sweep;
mod trial;
mod view;
mod write;

use crate::Access;
use crate::compress::CompressionCounts;
use crate::config::Policy;
use crate::effect::{Effect, Removal};
use crate::entry::{self, GRANULE, Layout};
use crate::env::Env;
use crate::evict::{Active, Evict};
use crate::groups::{Generation, Tags};
use crate::heap::{Handle, Heap};
use crate::key::{Key, NAMESPACES, Ns};
use crate::large::{Body, Large};
use crate::lease::Leases;
use crate::namespaces::NsCount;
use crate::pool::Pool;
use crate::strings::LongString;
use crate::table::{Facts, Place, Table};
use crate::value;
use scrubjay_base::SlotId;
use scrubjay_base::clock::UnixMs;
use scrubjay_base::rand::Rng;
use std::sync::atomic::Ordering::Relaxed;

pub use edit::Purpose;
use parts::Policies;
pub use view::{Entry, New, key_of};

/// Most bytes of an entry that a prefetch asks for: 20 lines, beyond which it would push out what it fetched first.
const PREFETCH_BYTES_MAX: u64 = 1280;

/// What is kept per slot.
#[derive(Clone, Copy, Default)]
struct Slot {
    /// How many effects the slot has had.
    sequence: u64,
    entries: u32,
}

/// A shard's counters.
#[derive(Clone, Copy, Default)]
pub struct Counters {
    /// Reads that found their key.
    pub hits: u64,
    /// Reads that did not.
    pub misses: u64,
    /// Entries evicted.
    pub evictions: u64,
    /// Entries expired.
    pub expirations: u64,
    /// Writes refused.
    pub refused: u64,
}

/// Some of the store, exclusively held. What every access needs stands first, in two lines.
#[repr(C)]
pub struct Shard {
    tables: Box<[Table]>,
    /// Bytes of an average entry, to know how many lines to ask for.
    entry_bytes_mean: u32,
    due: u32,
    heap: Heap,
    /// Counters.
    pub counters: Counters,
    /// Who may fill which key; `None`: nobody.
    leases: Option<Box<Leases>>,
    policies: Policies,
    large: Large,
    number: usize,
    /// Entries per table, side by side for sampling.
    counts: Box<[u32]>,
    slots: Box<[Slot]>,
    rng: Rng,
    /// Deletions of groups that are not wholly reclaimed.
    generations: Vec<Generation>,
    /// The table that the sweep comes to next, and how many sweeps are over.
    sweep_at: usize,
    sweeps: u64,
    /// The tags of entries that have any.
    tags: Tags,
    /// Lent to small collections while they are changed.
    scratch: Vec<u8>,
    /// The bounds of collections, and of which version they are: a copy, so that no edit touches a line of all shards.
    packing: Option<(u32, value::Packing)>,
    payload_bytes: u64,
    large_bytes: u64,
    compression: CompressionCounts,
    /// What was charged for tables and the policy's state.
    charged_bytes: u64,
    /// The part of it that is the policy's.
    policy_bytes: u64,
    /// Per namespace.
    pub per_ns: [NsCount; NAMESPACES as usize],
}

/// Whether two keys are equal. Keys are short: comparing them here, eight bytes at a time, saves a call.
#[inline(always)]
fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let (a_words, a_rest) = a.as_chunks::<8>();
    let (b_words, b_rest) = b.as_chunks::<8>();
    let words = a_words.iter().zip(b_words).all(|(a, b)| u64::from_ne_bytes(*a) == u64::from_ne_bytes(*b));
    words && a_rest.iter().zip(b_rest).all(|(a, b)| a == b)
}

/// What the table must know of the entry at `handle`.
fn facts(heap: &Heap, large: &Large, env: &Env, handle: Handle) -> Facts {
    let block = heap.block(handle);
    let layout = Layout::read(block);
    let hash = env.hasher.hash(layout.ns(), key_of(block, layout, large));
    Facts { hash, due: env.ticks.due(first_deadline_ms(block, layout, large)) }
}

/// When the entry, or the first of its members, is to be removed.
fn first_deadline_ms(block: &[u8], layout: Layout, large: &Large) -> Option<UnixMs> {
    let own = layout.end_ms(block);
    if layout.is_string() {
        return own;
    }
    let members = match layout.is_large() {
        true => large.get(layout.index(block)).body.first_deadline_ms(),
        false => value::first_deadline_inline(layout.kind(), &block[layout.value()]),
    };
    own.into_iter().chain(members).min()
}

impl Shard {
    /// An empty shard.
    pub fn new(number: usize, tables: usize, slots: usize, policy: Policy, seed: u64) -> Shard {
        Shard {
            number,
            heap: Heap::new(),
            tables: (0..tables).map(|_| Table::new()).collect(),
            counts: vec![0; tables].into_boxed_slice(),
            slots: vec![Slot::default(); slots].into_boxed_slice(),
            large: Large::default(),
            policies: Policies::new(policy, seed),
            rng: Rng::new(seed),
            generations: Vec::new(),
            sweep_at: 0,
            sweeps: 0,
            tags: Tags::default(),
            scratch: Vec::new(),
            packing: None,
            due: crate::table::NEVER,
            payload_bytes: 0,
            large_bytes: 0,
            compression: CompressionCounts::default(),
            charged_bytes: 0,
            policy_bytes: 0,
            entry_bytes_mean: 0,
            per_ns: [NsCount::default(); NAMESPACES as usize],
            counters: Counters::default(),
            leases: None,
        }
    }

    /// Entries here.
    pub fn entries(&self) -> u64 {
        self.counts.iter().map(|&c| u64::from(c)).sum()
    }

    /// Bytes of keys and values.
    pub fn payload_bytes(&self) -> u64 {
        self.payload_bytes
    }

    /// The compressed values.
    pub fn compression(&self) -> CompressionCounts {
        self.compression
    }

    /// Bytes that entries take, large values included, tables not.
    pub fn entry_bytes(&self) -> u64 {
        self.heap.live_bytes() + self.large_bytes
    }

    /// Everything that this shard holds, in bytes.
    pub fn total_bytes(&self) -> u64 {
        self.heap.total_bytes() + self.large_bytes + self.charged_bytes
    }

    #[inline(always)]
    fn slot_index(&self, env: &Env, slot: SlotId) -> usize {
        slot.index() >> env.shard_bits()
    }

    /// Where the shard's tables lie, so that a table's own line can be asked for without the lock.
    pub fn tables_address(&self) -> *const Table {
        self.tables.as_ptr()
    }

    /// Asks for the lines of the entries that could be `key`'s, as many as an entry of average size has.
    #[inline]
    pub fn prefetch(&self, env: &Env, key: &Key<'_>) {
        self.tables[self.table_index(env, key)].candidates(key.hash, |handle| {
            let start = self.heap.block(handle).as_ptr();
            let first = start.align_offset(64) % 64;
            crate::prefetch::line(start);
            for line in (first..self.entry_bytes_mean as usize).step_by(64) {
                crate::prefetch::line(start.wrapping_add(line));
            }
        });
    }

    #[inline(always)]
    fn locate(&self, env: &Env, key: &Key<'_>) -> Option<(Place, Handle)> {
        self.tables[self.table_index(env, key)].find(key.hash, |handle| {
            let block = self.heap.block(handle);
            // The value's lines arrive while the key's is waited for.
            crate::prefetch::line(block.as_ptr().wrapping_add(64));
            crate::prefetch::line(block.as_ptr().wrapping_add(128));
            let layout = Layout::read(block);
            layout.ns() == key.ns.0
                && match layout.is_large() {
                    true => self.is_large_of(block, layout, key),
                    false => same(&block[layout.key()], key.bytes),
                }
        })
    }

    /// Whether the entry in `block`, whose value or key lives apart, has this key. Not inlined: what it needs would be kept
    /// in registers of every look-up.
    #[inline(never)]
    fn is_large_of(&self, block: &[u8], layout: Layout, key: &Key<'_>) -> bool {
        same(key_of(block, layout, &self.large), key.bytes)
    }

    #[inline(always)]
    fn view(&self, handle: Handle, now_ms: UnixMs) -> Entry<'_> {
        let block = self.heap.block(handle);
        let layout = Layout::read(block);
        let large = if layout.is_large() { Some(self.large.get(layout.index(block))) } else { None };
        Entry { block, layout, large, policies: &self.policies, now_ms }
    }

    /// The live entry of `key`; one whose deadline has passed is removed.
    #[inline]
    pub fn get(&mut self, env: &Env, key: &Key<'_>, access: Access, now_ms: UnixMs) -> Option<Entry<'_>> {
        let counts = matches!(access, Access::Read | Access::ReadNoTouch);
        let Some(handle) = self.live(env, key, now_ms) else {
            self.counters.misses += u64::from(counts);
            return None;
        };
        self.counters.hits += u64::from(counts);
        if matches!(access, Access::Read | Access::Write) {
            let block = self.heap.block_mut(handle);
            let rank = entry::rank(block);
            let touched = self.policies.of_mut(key.ns.0).touch(rank, now_ms);
            if touched != rank {
                entry::set_rank(block, touched);
            }
        }
        Some(self.view(handle, now_ms))
    }

    /// The live entry of `key`; counts nothing, removes nothing.
    pub fn peek(&self, env: &Env, key: &Key<'_>, now_ms: UnixMs) -> Option<Entry<'_>> {
        let (_, handle) = self.locate(env, key).filter(|(_, at)| !self.is_hidden(env, *at, key.slot, key.hash))?;
        Some(self.view(handle, now_ms)).filter(|entry| !entry.is_over())
    }

    /// Where the live entry of `key` is; one whose deadline has passed is removed, unless it is kept as stale. A collection
    /// all of whose members have expired is none.
    #[inline]
    fn live(&mut self, env: &Env, key: &Key<'_>, now_ms: UnixMs) -> Option<Handle> {
        let (place, handle) = self.locate(env, key)?;
        let block = self.heap.block(handle);
        let layout = Layout::read(block);
        if layout.deadline_ms(block).is_some_and(|at| at <= now_ms) {
            self.expire(env, key, place, handle, now_ms);
            return None;
        }
        if self.is_hidden(env, handle, key.slot, key.hash) {
            self.take_out(env, self.table_index(env, key), key.hash, place, handle, None);
            return None;
        }
        // What the sweep is about to remove, and tell as it does, nobody sees meanwhile, like what is kept as stale.
        if !layout.is_string() && self.view(handle, now_ms).members_are_over() {
            return None;
        }
        Some(handle)
    }

    /// Removes the live entry of `key`. Whether it was there. A stale one is removed too, and was not there.
    pub fn remove_as(&mut self, env: &Env, key: &Key<'_>, cause: Removal, now_ms: UnixMs) -> bool {
        if self.live(env, key, now_ms).is_none() {
            self.remove_stale(env, key, cause);
            return false;
        }
        self.void_lease(env, key);
        if let Some((place, handle)) = self.locate(env, key) {
            self.take_out(env, self.table_index(env, key), key.hash, place, handle, Some(cause));
        }
        true
    }

    /// Removes the live entry of `key` and returns its value.
    pub fn take(&mut self, env: &Env, key: &Key<'_>, now_ms: UnixMs) -> Option<Body> {
        let handle = self.live(env, key, now_ms)?;
        let block = self.heap.block(handle);
        let layout = Layout::read(block);
        let body = match layout.is_large() {
            true if !layout.is_string() => {
                // It changes hands without a copy: the entry keeps an empty string until it goes, in a moment.
                let index = layout.index(block);
                let nothing = Body::Bytes(LongString::copy_of(b""));
                let body = std::mem::replace(self.large.body_mut(index), nothing);
                self.payload_bytes -= body.payload_bytes() as u64;
                body
            }
            _ => self.view(handle, now_ms).body(),
        };
        self.remove_as(env, key, Removal::Deleted, now_ms);
        Some(body)
    }

    fn bytes_at(&self, handle: Handle) -> u64 {
        let block = self.heap.block(handle);
        let layout = Layout::read(block);
        let apart = if layout.is_large() { self.large.get(layout.index(block)).charged_bytes } else { 0 };
        size_of_block(layout) + apart
    }

    fn link(&mut self, env: &Env, key: &Key<'_>, index: usize, handle: Handle, due: u32) {
        let Shard { tables, heap, large, .. } = self;
        let table = &mut tables[index];
        let before = table.bytes();
        let facts_of = Facts { hash: key.hash, due };
        let jitter = env.table_of(key.slot) + table.bucket_count();
        let moved = table.insert(facts_of, handle, jitter, |handle| facts(heap, large, env, handle));
        self.counts[index] += 1;
        self.settle_table(env, index, env.table_of(key.slot), before, moved);
        let slot = self.slot_index(env, key.slot);
        self.slots[slot].entries += 1;
        if self.slots[slot].entries.is_multiple_of(16) {
            let entries = self.per_ns.iter().map(|n| n.entries).sum::<u64>().max(1);
            self.entry_bytes_mean = (self.heap.live_bytes() / entries).min(PREFETCH_BYTES_MAX) as u32;
        }
        if env.max_entries.load(Relaxed) != 0 {
            env.entries.fetch_add(1, Relaxed);
        }
    }

    /// After a table may have grown or shrunk: its memory is charged, and its hint set.
    #[inline]
    fn settle_table(&mut self, env: &Env, index: usize, global: usize, before: usize, moved: bool) {
        let after = self.tables[index].bytes();
        if after != before {
            self.charged_bytes = self.charged_bytes + after as u64 - before as u64;
            if after > before {
                env.budget.charge((after - before) as u64);
            } else {
                env.budget.release((before - after) as u64);
            }
            if let Some(ns) = self.owner_of_table(env, index) {
                env.namespaces.note_bytes(ns, before as u64, after as u64);
            }
        }
        if moved {
            let (buckets, count) = self.tables[index].hint();
            let own = self.owner_of_table(env, index).and_then(|ns| env.namespaces.hint(ns, global));
            let hint = own.unwrap_or(&env.hints[global]);
            hint.buckets.store(buckets.cast_mut(), Relaxed);
            hint.count.store(count, Relaxed);
        }
    }

    /// Whose table it is; `None`: everybody's.
    #[inline]
    fn owner_of_table(&self, env: &Env, index: usize) -> Option<Ns> {
        if index < env.common_tables() { None } else { self.policies.owner_of_table(index) }
    }

    fn take_out_by_handle(&mut self, env: &Env, handle: Handle, cause: Removal) {
        if let Some((index, hash, place)) = self.place_of(env, handle) {
            self.take_out(env, index, hash, place, handle, Some(cause));
        }
    }

    fn take_out_by_handle_silently(&mut self, env: &Env, handle: Handle) {
        if let Some((index, hash, place)) = self.place_of(env, handle) {
            self.take_out(env, index, hash, place, handle, None);
        }
    }

    fn place_of(&self, env: &Env, handle: Handle) -> Option<(usize, u64, Place)> {
        let block = self.heap.block(handle);
        let layout = Layout::read(block);
        let key = key_of(block, layout, &self.large);
        let index = self.policies.table(layout.ns(), env.table_in_shard(SlotId::of(key)));
        let hash = env.hasher.hash(layout.ns(), key);
        let (place, _) = self.tables[index].find(hash, |h| h == handle)?;
        Some((index, hash, place))
    }

    /// Removes an entry from table, heap and counts, and says so unless `cause` is `None`.
    fn take_out(&mut self, env: &Env, index: usize, hash: u64, place: Place, handle: Handle, cause: Option<Removal>) {
        let block = self.heap.block(handle);
        let layout = Layout::read(block);
        let slot = SlotId::of(key_of(block, layout, &self.large));
        // What a deletion has hidden is gone for everybody: why its memory is reclaimed now is nobody's concern.
        let cause = cause.filter(|_| !self.is_hidden(env, handle, slot, hash));
        match cause {
            Some(Removal::Expired) => self.counters.expirations += 1,
            Some(Removal::Evicted) => self.counters.evictions += 1,
            Some(Removal::Deleted) | None => {}
        }
        if let Some(cause) = cause {
            let sequence = self.next_sequence(env, slot);
            if env.listener().is_some() {
                let block = self.heap.block(handle);
                let (ns, key) = (Ns(layout.ns()), key_of(block, layout, &self.large));
                self.tell(env, slot, sequence, || Effect::Remove { ns, key, cause });
            }
        }
        if layout.is_tagged() {
            self.tags.remove(hash);
        }
        let rank = entry::rank(self.heap.block(handle));
        let bytes = self.bytes_at(handle);
        self.policies.of_mut(layout.ns()).forget(rank, bytes);
        self.discount(env, handle);
        let Shard { tables, heap, large, .. } = self;
        let before = tables[index].bytes();
        let moved = tables[index].remove(hash, place, |handle| facts(heap, large, env, handle));
        self.counts[index] -= 1;
        self.settle_table(env, index, env.table_of(slot), before, moved);
        let slot_index = self.slot_index(env, slot);
        self.slots[slot_index].entries -= 1;
        if env.max_entries.load(Relaxed) != 0 {
            env.entries.fetch_sub(1, Relaxed);
        }
        self.drop_block(env, handle);
    }

    /// Gives the entry's block, and its large value, back.
    fn drop_block(&mut self, env: &Env, handle: Handle) {
        let block = self.heap.block(handle);
        let layout = Layout::read(block);
        if layout.is_large() {
            let thing = self.large.remove(layout.index(block));
            self.large_bytes -= thing.charged_bytes;
            env.budget.release(thing.charged_bytes);
        }
        self.heap.release(handle, layout.granules());
    }

    fn payload_of(&self, handle: Handle) -> (Ns, bool, u64) {
        let block = self.heap.block(handle);
        let layout = Layout::read(block);
        let value = match layout.is_large() {
            true => self.large.get(layout.index(block)).body.payload_bytes(),
            false => layout.value().len(),
        };
        let bytes = key_of(block, layout, &self.large).len() + value;
        (Ns(layout.ns()), layout.has_deadline(), bytes as u64)
    }

    fn count_in(&mut self, env: &Env, handle: Handle) {
        let (ns, volatile, bytes) = self.payload_of(handle);
        self.payload_bytes += bytes;
        let count = &mut self.per_ns[ns.0 as usize];
        count.entries += 1;
        count.volatile += u64::from(volatile);
        self.note_bytes(env, ns, 0, self.bytes_at(handle));
        let block = self.heap.block(handle);
        if Layout::read(block).is_compressed() {
            self.compression.add(stored(block, &self.large));
        }
    }

    fn discount(&mut self, env: &Env, handle: Handle) {
        let (ns, volatile, bytes) = self.payload_of(handle);
        self.payload_bytes -= bytes;
        let count = &mut self.per_ns[ns.0 as usize];
        count.entries -= 1;
        count.volatile -= u64::from(volatile);
        self.note_bytes(env, ns, self.bytes_at(handle), 0);
        let block = self.heap.block(handle);
        if Layout::read(block).is_compressed() {
            self.compression.remove(stored(block, &self.large));
        }
    }

    fn recount_volatile(&mut self, ns: Ns, before: bool, after: bool) {
        let count = &mut self.per_ns[ns.0 as usize].volatile;
        *count = *count + u64::from(after) - u64::from(before);
    }

    /// Notes when the entry of `key` is due.
    fn note_due_of(&mut self, env: &Env, key: &Key<'_>, due: u32) {
        if due != crate::table::NEVER
            && let Some((place, _)) = self.locate(env, key)
        {
            self.lower_due(env, key, place, due);
        }
        self.note_due(env, due);
    }

    /// Tells the key's table when the entry at `place` is due; a table's first deadline takes memory.
    fn lower_due(&mut self, env: &Env, key: &Key<'_>, place: Place, due: u32) {
        let index = self.table_index(env, key);
        let before = self.tables[index].bytes();
        self.tables[index].lower_due(place, due);
        self.settle_table(env, index, env.table_of(key.slot), before, false);
    }

    #[inline]
    fn note_due(&mut self, env: &Env, due: u32) {
        if due < self.due {
            self.due = due;
            env.shards[self.number].due.store(due, Relaxed);
        }
    }

    #[inline]
    fn next_sequence(&mut self, env: &Env, slot: SlotId) -> u64 {
        let slot = &mut self.slots[slot.index() >> env.shard_bits()];
        slot.sequence += 1;
        slot.sequence
    }

    #[inline]
    fn tell<'e>(&self, env: &Env, slot: SlotId, sequence: u64, effect: impl FnOnce() -> Effect<'e>) {
        if let Some(journal) = env.listener() {
            journal.effect(slot, sequence, &effect());
        }
    }

    /// For random choices that concern entries here.
    pub fn rng(&mut self) -> &mut Rng {
        &mut self.rng
    }

    /// Gives everything back; the store is going.
    pub fn dissolve(&mut self, pool: &Pool) {
        self.heap.clear(pool);
    }
}

fn active(policy: Policy, seed: u64) -> Active {
    match policy {
        Policy::NoEviction => Active::new(None, seed),
        Policy::Evict(_, rank) => Active::new(Some(rank), seed),
    }
}

/// Whether a string of so many bytes lives apart from its entry's block, or its key does.
#[inline]
pub fn is_apart(key_bytes: usize, value_bytes: usize) -> bool {
    value_bytes > entry::INLINE_VALUE_BYTES_MAX || key_bytes > entry::INLINE_KEY_BYTES_MAX
}

/// What is kept of the compressed value of the entry in `block`.
fn stored<'a>(block: &'a [u8], large: &'a Large) -> &'a [u8] {
    let layout = Layout::read(block);
    if !layout.is_large() {
        return &block[layout.value()];
    }
    match &large.get(layout.index(block)).body {
        Body::Compressed(compressed) => compressed.stored(),
        _ => unreachable!("an entry says that it is compressed if its body is"),
    }
}

fn size_of_block(layout: Layout) -> u64 {
    u64::from(layout.granules()) * GRANULE as u64
}
