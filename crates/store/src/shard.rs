//! A shard: some of the tables, their heap, their policy's state, under one lock.
//!
//! Everything here is plain single-threaded code: whoever holds the shard's lock has it exclusively. The shard finds,
//! writes and removes entries, expires what is due, makes room when memory is short, and tells every change to the
//! journal. What spans shards (several keys, scans, taking memory from another shard) is in `guard` and `store`.

use crate::budget::Budget;
use crate::config::{Policy, Rank, Scope};
use crate::effect::{Effect, Journal, Removal};
use crate::entry::{self, GRANULE, INLINE_KEY_BYTES_MAX, INLINE_VALUE_BYTES_MAX, Layout, Parts};
use crate::evict::{Active, Evict, Newcomer, View};
use crate::heap::{Handle, Heap};
use crate::key::{DATABASES, Key, Ns};
use crate::large::{Large, SharedBytes, Thing, cost_bytes};
use crate::pool::{Pool, SEGMENT_BYTES};
use crate::table::{Bucket, Facts, LANES, Place, Table};
use crate::tick::Ticks;
use crate::{Access, Deadline, Flags, OutOfMemory};
use parking_lot::{Mutex, MutexGuard};
use scrubjay_base::clock::UnixMs;
use scrubjay_base::rand::Rng;
use scrubjay_base::{KeyHasher, SlotId};
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};

/// A heap with more than this share of holes (one in eight) is compacted by housekeeping.
const HOLE_SHARE_MAX: u64 = 8;
/// When memory is short, compaction is worth its copies from this share of holes on (one in sixteen).
const HOLE_SHARE_WORTH: u64 = 16;

/// A shard short of memory takes it from another one time in so many, although it could evict for itself: so memory moves
/// to the shards that grow, from those that do not, and evenly used ones stay even.
const STEAL_ONE_IN: u64 = 8;
/// How often a shard that must have memory asks all others again when some were locked.
const ROUNDS_MAX: usize = 100;

/// What all shards share.
pub struct Env {
    /// Hashes keys.
    pub hasher: KeyHasher,
    /// The memory limit.
    pub budget: Arc<Budget>,
    /// Where segments come from.
    pub pool: Pool,
    /// Who hears effects.
    pub journal: Option<Arc<dyn Journal>>,
    /// Deadlines to ticks.
    pub ticks: Ticks,
    /// Number of shards minus one.
    pub shard_mask: usize,
    /// Number of tables minus one; at least `shard_mask`.
    pub table_mask: usize,
    /// For prefetching: where the tables' buckets lie, as far as known.
    pub hints: Box<[Hint]>,
    /// The entry limit; 0: none.
    pub max_entries: AtomicU64,
    /// Entries in all shards; kept only while there is an entry limit.
    pub entries: AtomicU64,
    /// Lifetime of entries written without one; 0: for ever.
    pub default_ttl_ms: AtomicU64,
    /// The shards. A shard that holds its own lock only ever tries another's.
    pub shards: Box<[Berth]>,
}

/// A shard, its lock, and what others may read of it without the lock; apart from its neighbours' cache lines.
#[repr(align(128))]
pub struct Berth {
    /// The shard.
    pub shard: Mutex<Shard>,
    /// The tick at which something is due in it.
    pub due: AtomicU32,
    /// What it holds, in bytes, as of its last change of segments.
    pub bytes: AtomicU64,
    /// The address of its first table, for prefetching only.
    pub tables: usize,
}

/// Where a table's buckets lay when it last said so. Good enough to prefetch, never dereferenced.
#[derive(Default)]
pub struct Hint {
    /// The first bucket.
    pub buckets: AtomicPtr<Bucket>,
    /// How many.
    pub count: AtomicUsize,
}

impl Env {
    /// The shard of a slot.
    #[inline(always)]
    pub fn shard_of(&self, slot: SlotId) -> usize {
        slot.index() & self.shard_mask
    }

    /// The table of a slot, among all tables.
    #[inline(always)]
    pub fn table_of(&self, slot: SlotId) -> usize {
        slot.index() & self.table_mask
    }

    /// The table of a slot, among those of its shard.
    #[inline(always)]
    pub fn table_in_shard(&self, slot: SlotId) -> usize {
        self.table_of(slot) >> self.shard_bits()
    }

    fn shard_bits(&self) -> u32 {
        (self.shard_mask + 1).trailing_zeros()
    }

    /// Another shard than `number`, locked, if one is to be had at once: the larger of two random ones, so that memory is
    /// taken in proportion to what is held.
    fn another(&self, number: usize, rng: &mut Rng) -> Option<MutexGuard<'_, Shard>> {
        let mut pick = || {
            let other = rng.below(self.shard_mask as u64) as usize;
            if other < number { other } else { other + 1 }
        };
        let (a, b) = (pick(), pick());
        let held = |n: usize| self.shards[n].bytes.load(Relaxed);
        self.shards[if held(a) >= held(b) { a } else { b }].shard.try_lock()
    }

    /// Asks the other shards, starting at a random one, until one says that it did something. A few rounds, because a
    /// shard may be locked by its user for a moment.
    fn any_other(&self, number: usize, rng: &mut Rng, mut ask: impl FnMut(&mut Shard) -> bool) -> bool {
        for _ in 0..ROUNDS_MAX {
            let (start, mut busy) = (rng.below(self.shards.len() as u64) as usize, false);
            for step in 0..self.shards.len() {
                let other = (start + step) % self.shards.len();
                if other == number {
                    continue;
                }
                match self.shards[other].shard.try_lock() {
                    Some(mut shard) => {
                        if ask(&mut shard) {
                            return true;
                        }
                    }
                    None => busy = true,
                }
            }
            if !busy {
                break;
            }
            std::thread::yield_now();
        }
        false
    }
}

/// What is kept per slot.
#[derive(Clone, Copy, Default)]
struct Slot {
    /// How many effects the slot has had.
    sequence: u64,
    entries: u32,
}

/// Entries of one namespace in one shard.
#[derive(Clone, Copy, Default)]
pub struct NsCount {
    /// All.
    pub entries: u64,
    /// Those with a deadline.
    pub volatile: u64,
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
    lines_per_entry: u32,
    due: u32,
    heap: Heap,
    /// Counters.
    pub counters: Counters,
    active: Active,
    large: Large,
    number: usize,
    /// Entries per table, side by side for sampling.
    counts: Box<[u32]>,
    slots: Box<[Slot]>,
    policy: Policy,
    rng: Rng,
    payload_bytes: u64,
    large_bytes: u64,
    /// What was charged for tables and the policy's state.
    charged_bytes: u64,
    /// The part of it that is the policy's.
    policy_bytes: u64,
    /// Per namespace.
    pub per_ns: [NsCount; DATABASES as usize],
}

/// The key of the entry in `block`.
#[inline(always)]
pub fn key_of<'a>(block: &'a [u8], layout: Layout, large: &'a Large) -> &'a [u8] {
    if layout.is_large()
        && let Some(key) = &large.get(layout.index(block)).key
    {
        return key;
    }
    &block[layout.key()]
}

/// What the table must know of the entry at `handle`.
fn facts(heap: &Heap, large: &Large, env: &Env, handle: Handle) -> Facts {
    let block = heap.block(handle);
    let layout = Layout::read(block);
    let hash = env.hasher.hash(layout.ns(), key_of(block, layout, large));
    Facts { hash, due: env.ticks.due(layout.deadline_ms(block)) }
}

/// A value on its way in.
pub struct New<'a> {
    /// The bytes.
    pub bytes: &'a [u8],
    /// The same bytes, if they are shared already and need no copy.
    pub shared: Option<SharedBytes>,
    /// Whether the limit may be overdrawn: the write was promised, or takes no more than it frees.
    pub overdraw: bool,
}

impl<'a> New<'a> {
    /// Plain bytes, under the limit.
    #[inline(always)]
    pub fn of(bytes: &'a [u8]) -> New<'a> {
        New { bytes, shared: None, overdraw: false }
    }
}

/// An entry as it is seen under a guard.
pub struct Entry<'g> {
    block: &'g [u8],
    layout: Layout,
    large: Option<&'g Thing>,
    active: &'g Active,
    now_ms: UnixMs,
}

impl<'g> Entry<'g> {
    /// The whole value.
    #[inline]
    pub fn value(&self) -> &'g [u8] {
        match self.large {
            Some(thing) => &thing.value,
            None => &self.block[self.layout.value()],
        }
    }

    /// The value as a cheap handle, if it is stored apart (large values); `None` for small ones, which are copied.
    #[inline]
    pub fn shared(&self) -> Option<SharedBytes> {
        self.large.map(|thing| thing.value.clone())
    }

    /// When it expires; `None`: never.
    #[inline]
    pub fn deadline_ms(&self) -> Option<UnixMs> {
        self.layout.deadline_ms(self.block)
    }

    /// The flags.
    #[inline]
    pub fn flags(&self) -> u32 {
        self.layout.flags(self.block)
    }

    /// The slot sequence of its last change: CAS, ETag.
    #[inline]
    pub fn version(&self) -> u64 {
        self.layout.sequence()
    }

    /// Milliseconds since the last access, if the policy tracks it (`lru`, `noeviction`).
    pub fn idle_ms(&self) -> Option<u64> {
        self.active.idle_ms(entry::rank(self.block), self.now_ms)
    }

    /// How often it is used, if the policy tracks it: 0 to 255, logarithmic, for `lfu`; 0 to 15 for `s3fifo`.
    pub fn frequency(&self) -> Option<u8> {
        self.active.frequency(entry::rank(self.block), self.now_ms)
    }

    /// Bytes that the entry takes: header, rounding, large value and its share of the table included.
    pub fn memory_bytes(&self) -> usize {
        let large = self.large.map_or(0, |thing| thing.charged_bytes as usize);
        self.layout.granules() as usize * GRANULE + large + size_of::<Bucket>() / 8
    }
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
            policy,
            active: active(policy, seed),
            rng: Rng::new(seed),
            due: crate::table::NEVER,
            payload_bytes: 0,
            large_bytes: 0,
            charged_bytes: 0,
            policy_bytes: 0,
            lines_per_entry: 2,
            per_ns: [NsCount::default(); DATABASES as usize],
            counters: Counters::default(),
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

    /// Bytes that entries take, large values included, tables not.
    pub fn entry_bytes(&self) -> u64 {
        self.heap.live_bytes() + self.large_bytes
    }

    /// Everything that this shard holds, in bytes.
    pub fn total_bytes(&self) -> u64 {
        self.heap.total_bytes() + self.large_bytes + self.charged_bytes
    }

    #[inline(always)]
    fn table_index(&self, env: &Env, slot: SlotId) -> usize {
        env.table_in_shard(slot)
    }

    #[inline(always)]
    fn slot_index(&self, env: &Env, slot: SlotId) -> usize {
        slot.index() >> env.shard_bits()
    }

    /// Where the shard's tables lie: fixed for its life, so that a table's own line can be asked for without the lock.
    pub fn tables_address(&self) -> *const Table {
        self.tables.as_ptr()
    }

    /// Asks for the lines of the entries that could be `key`'s.
    #[inline]
    pub fn prefetch(&self, env: &Env, key: &Key<'_>, lines: usize) {
        self.tables[self.table_index(env, key.slot)].candidates(key.hash, |handle| {
            let block = self.heap.block(handle);
            for line in 0..lines {
                crate::prefetch::line(block.as_ptr().wrapping_add(line * 64));
            }
        });
    }

    /// How many lines an entry of average size has here, at most 20.
    #[inline(always)]
    pub fn lines_per_entry(&self) -> usize {
        self.lines_per_entry as usize
    }

    #[inline(always)]
    fn locate(&self, env: &Env, key: &Key<'_>) -> Option<(Place, Handle)> {
        self.tables[self.table_index(env, key.slot)].find(key.hash, |handle| {
            let block = self.heap.block(handle);
            let layout = Layout::read(block);
            layout.ns() == key.ns.0 && key_of(block, layout, &self.large) == key.bytes
        })
    }

    #[inline(always)]
    fn view(&self, handle: Handle, now_ms: UnixMs) -> Entry<'_> {
        let block = self.heap.block(handle);
        let layout = Layout::read(block);
        let large = if layout.is_large() { Some(self.large.get(layout.index(block))) } else { None };
        Entry { block, layout, large, active: &self.active, now_ms }
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
            let touched = self.active.touch(rank, now_ms);
            if touched != rank {
                entry::set_rank(block, touched);
            }
        }
        Some(self.view(handle, now_ms))
    }

    /// Where the live entry of `key` is; one whose deadline has passed is removed.
    #[inline]
    fn live(&mut self, env: &Env, key: &Key<'_>, now_ms: UnixMs) -> Option<Handle> {
        let (place, handle) = self.locate(env, key)?;
        let block = self.heap.block(handle);
        if Layout::read(block).deadline_ms(block).is_some_and(|at| at <= now_ms) {
            self.take_out(env, self.table_index(env, key.slot), key.hash, place, handle, Some(Removal::Expired));
            return None;
        }
        Some(handle)
    }

    /// See [`Guard::put`](crate::Guard::put).
    pub fn put(
        &mut self,
        env: &Env,
        key: &Key<'_>,
        value: &New<'_>,
        deadline: Deadline,
        flags: Flags,
        now_ms: UnixMs,
    ) -> Result<(), OutOfMemory> {
        let (overdraw, value) = (value.overdraw, value);
        let (shared, value) = (&value.shared, value.bytes);
        let old = self.live(env, key, now_ms);
        let (old_deadline, old_flags) = match old {
            Some(handle) => {
                let block = self.heap.block(handle);
                let layout = Layout::read(block);
                (Some(layout.deadline_ms(block)), layout.flags(block))
            }
            None => (None, 0),
        };
        let default = || match env.default_ttl_ms.load(Relaxed) {
            0 => None,
            ttl_ms => Some(now_ms.saturating_add(ttl_ms)),
        };
        let deadline_ms = match deadline {
            Deadline::At(at) => Some(at.min(entry::DEADLINE_MS_MAX)),
            Deadline::Never => None,
            Deadline::Keep => old_deadline.unwrap_or_else(default),
            Deadline::Default => default(),
        };
        let flags = match flags {
            Flags::Set(flags) => flags,
            Flags::Keep => old_flags,
        };
        if deadline_ms.is_some_and(|at| at <= now_ms) {
            self.remove_as(env, key, Removal::Expired, now_ms);
            return Ok(());
        }
        let large = value.len() > INLINE_VALUE_BYTES_MAX || key.bytes.len() > INLINE_KEY_BYTES_MAX;
        let layout = Layout::new(key.ns.0, key.bytes.len(), value.len(), large, deadline_ms.is_some(), flags);
        if let Some(handle) = old
            && !large
            && self.overwrite(env, key, value, layout, deadline_ms, flags, handle, now_ms)
        {
            return Ok(());
        }
        let place_bytes = self.make_place(env, key, layout, value.len(), old.is_none(), overdraw, now_ms);
        let (handle, charged) = place_bytes.inspect_err(|_| self.counters.refused += 1)?;
        // Making room may have moved or evicted anything but the key's own entry, which is protected.
        let index = self.table_index(env, key.slot);
        let sequence = self.next_sequence(env, key.slot);
        let newcomer = Newcomer { hash: key.hash, table: index, bytes: size_of_block(layout) + charged, now_ms };
        let replaced = self.locate(env, key);
        let rank = match replaced {
            Some((_, old)) => {
                let rank = entry::rank(self.heap.block(old));
                let touched = self.active.touch(rank, now_ms);
                self.active.resized(rank, self.bytes_at(old), newcomer.bytes);
                touched
            }
            None => self.active.admit(&newcomer),
        };
        let index_bytes;
        let inline_key = if key.bytes.len() <= INLINE_KEY_BYTES_MAX { key.bytes } else { b"" };
        let inline_value = if large {
            let apart = (key.bytes.len() > INLINE_KEY_BYTES_MAX).then(|| key.bytes.into());
            let value = shared.clone().unwrap_or_else(|| SharedBytes::copy_of(value));
            let thing = Thing { key: apart, value, charged_bytes: charged };
            self.large_bytes += charged;
            index_bytes = self.large.add(thing).to_le_bytes();
            &index_bytes[..]
        } else {
            value
        };
        let parts = Parts { layout, rank, sequence, deadline_ms, flags, key: inline_key, value: inline_value };
        entry::write(self.heap.block_mut(handle), &parts);
        let due = env.ticks.due(deadline_ms);
        match replaced {
            Some((place, old)) => {
                self.discount(old);
                self.drop_block(env, old);
                self.tables[index].set(place, handle);
                self.tables[index].lower_due(place, due);
            }
            None => self.link(env, key, index, handle, due),
        }
        self.count_in(handle);
        self.note_due(env, due);
        self.tell(env, key.slot, sequence, || Effect::Put { ns: key.ns, key: key.bytes, value, deadline_ms, flags });
        if env.budget.surplus_bytes() > 0 {
            // A table grew past the limit.
            self.give_up_memory(env, Some(*key), now_ms);
        }
        Ok(())
    }

    /// Writes over an entry of the same size, where it is. Whether that was possible.
    #[allow(clippy::too_many_arguments)] // the pieces of one entry, already taken apart
    #[inline]
    fn overwrite(
        &mut self,
        env: &Env,
        key: &Key<'_>,
        value: &[u8],
        layout: Layout,
        deadline_ms: Option<UnixMs>,
        flags: u32,
        handle: Handle,
        now_ms: UnixMs,
    ) -> bool {
        let old = Layout::read(self.heap.block(handle));
        if old.is_large() || old.granules() != layout.granules() {
            return false;
        }
        let sequence = self.next_sequence(env, key.slot);
        self.payload_bytes = self.payload_bytes + value.len() as u64 - old.value().len() as u64;
        self.recount_volatile(key.ns, old.has_deadline(), deadline_ms.is_some());
        let rank = self.active.touch(entry::rank(self.heap.block(handle)), now_ms);
        let parts = Parts { layout, rank, sequence, deadline_ms, flags, key: key.bytes, value };
        entry::write(self.heap.block_mut(handle), &parts);
        if deadline_ms.is_some() {
            self.note_deadline(env, key, deadline_ms);
        }
        self.tell(env, key.slot, sequence, || Effect::Put { ns: key.ns, key: key.bytes, value, deadline_ms, flags });
        true
    }

    /// See [`Guard::write_at`](crate::Guard::write_at).
    pub fn write_at(
        &mut self,
        env: &Env,
        key: &Key<'_>,
        offset: usize,
        bytes: &[u8],
        now_ms: UnixMs,
    ) -> Result<usize, OutOfMemory> {
        let end = offset + bytes.len();
        let Some(handle) = self.live(env, key, now_ms) else {
            let mut value = vec![0; end];
            value[offset..].copy_from_slice(bytes);
            self.put(env, key, &New::of(&value), Deadline::Keep, Flags::Keep, now_ms)?;
            return Ok(end);
        };
        let layout = Layout::read(self.heap.block(handle));
        if !layout.is_large() {
            let length = layout.value().len();
            if end <= length {
                let sequence = self.next_sequence(env, key.slot);
                let block = self.heap.block_mut(handle);
                let start = layout.value().start + offset;
                block[start..start + bytes.len()].copy_from_slice(bytes);
                entry::set_sequence(block, layout, sequence);
                let rank = self.active.touch(entry::rank(block), now_ms);
                entry::set_rank(block, rank);
                self.tell(env, key.slot, sequence, || Effect::Write { ns: key.ns, key: key.bytes, offset, bytes });
                return Ok(length);
            }
            let mut value = self.heap.block(handle)[layout.value()].to_vec();
            value.resize(end, 0);
            value[offset..end].copy_from_slice(bytes);
            self.put(env, key, &New::of(&value), Deadline::Keep, Flags::Keep, now_ms)?;
            return Ok(end);
        }
        let index = layout.index(self.heap.block(handle));
        let length = self.large.get(index).value.len();
        let key_bytes = self.large.get(index).key.as_ref().map_or(0, |k| k.len());
        let mut capacity = self.large.capacity_bytes(index);
        if end > capacity {
            // Appending piece by piece must not copy the whole each time: grow by a quarter.
            capacity = end + end / 4;
        }
        let (before, cost) = (self.large.get(index).charged_bytes, cost_bytes(key_bytes, capacity));
        if cost > before && !self.make_budget(env, cost - before, Some(*key), now_ms) {
            self.counters.refused += 1;
            return Err(OutOfMemory);
        }
        let Some((_, handle)) = self.locate(env, key) else { return Err(OutOfMemory) };
        let sequence = self.next_sequence(env, key.slot);
        self.large.write_at(index, offset, bytes, capacity);
        self.large.recharge(index, cost.max(before));
        self.large_bytes += cost.max(before) - before;
        self.payload_bytes += (end.max(length) - length) as u64;
        let block = self.heap.block_mut(handle);
        entry::set_sequence(block, layout, sequence);
        let rank = self.active.touch(entry::rank(block), now_ms);
        entry::set_rank(block, rank);
        self.active.resized(rank, before, cost.max(before));
        self.tell(env, key.slot, sequence, || Effect::Write { ns: key.ns, key: key.bytes, offset, bytes });
        Ok(end.max(length))
    }

    /// Removes the live entry of `key`. Whether it was there.
    pub fn remove_as(&mut self, env: &Env, key: &Key<'_>, cause: Removal, now_ms: UnixMs) -> bool {
        if self.live(env, key, now_ms).is_none() {
            return false;
        }
        if let Some((place, handle)) = self.locate(env, key) {
            self.take_out(env, self.table_index(env, key.slot), key.hash, place, handle, Some(cause));
        }
        true
    }

    /// See [`Guard::set_deadline`](crate::Guard::set_deadline).
    pub fn set_deadline(&mut self, env: &Env, key: &Key<'_>, deadline_ms: Option<UnixMs>, now_ms: UnixMs) -> bool {
        let Some(handle) = self.live(env, key, now_ms) else { return false };
        if deadline_ms.is_some_and(|at| at <= now_ms) {
            return self.remove_as(env, key, Removal::Deleted, now_ms);
        }
        let deadline_ms = deadline_ms.map(|at| at.min(entry::DEADLINE_MS_MAX));
        let block = self.heap.block(handle);
        let old = Layout::read(block);
        let flags = old.flags(block);
        if old.has_deadline() != deadline_ms.is_some() {
            let inline = old.value().len();
            let layout = Layout::new(key.ns.0, key.bytes.len(), inline, old.is_large(), deadline_ms.is_some(), flags);
            if self.relayout(env, key, layout, deadline_ms, flags, now_ms).is_err() {
                return false; // the machine itself has no memory left
            }
        } else if let Some(at) = deadline_ms {
            entry::set_deadline(self.heap.block_mut(handle), at);
        }
        let sequence = self.next_sequence(env, key.slot);
        if let Some((_, handle)) = self.locate(env, key) {
            let block = self.heap.block_mut(handle);
            let layout = Layout::read(block);
            entry::set_sequence(block, layout, sequence);
        }
        self.note_deadline(env, key, deadline_ms);
        self.tell(env, key.slot, sequence, || Effect::Deadline { ns: key.ns, key: key.bytes, deadline_ms });
        true
    }

    /// Moves the key's entry to a block of another shape; key, value, rank and sequence stay.
    fn relayout(
        &mut self,
        env: &Env,
        key: &Key<'_>,
        layout: Layout,
        deadline_ms: Option<UnixMs>,
        flags: u32,
        now_ms: UnixMs,
    ) -> Result<(), OutOfMemory> {
        let size = layout.granules();
        // Six bytes for a deadline must not fail.
        let to = self.make_block(env, size, Some(*key), now_ms);
        let to = to.or_else(|| self.make_block_over_limit(env, size)).ok_or(OutOfMemory)?;
        let Some((place, from)) = self.locate(env, key) else { return Err(OutOfMemory) };
        let block = self.heap.block(from);
        let old = Layout::read(block);
        let (inline_key, inline_value) = (block[old.key()].to_vec(), block[old.value()].to_vec());
        let rank = entry::rank(block);
        let (key_now, value_now) = (&inline_key[..], &inline_value[..]);
        let sequence = old.sequence();
        let parts = Parts { layout, rank, sequence, deadline_ms, flags, key: key_now, value: value_now };
        entry::write(self.heap.block_mut(to), &parts);
        self.heap.release(from, old.granules());
        self.active.resized(rank, size_of_block(old), size_of_block(layout));
        let index = self.table_index(env, key.slot);
        self.tables[index].set(place, to);
        self.recount_volatile(key.ns, old.has_deadline(), deadline_ms.is_some());
        Ok(())
    }

    fn bytes_at(&self, handle: Handle) -> u64 {
        let block = self.heap.block(handle);
        let layout = Layout::read(block);
        let apart = if layout.is_large() { self.large.get(layout.index(block)).charged_bytes } else { 0 };
        size_of_block(layout) + apart
    }

    /// Room for an entry, its large value charged; returns the block and the charge.
    #[allow(clippy::too_many_arguments)] // one caller, which has just worked them out
    fn make_place(
        &mut self,
        env: &Env,
        key: &Key<'_>,
        layout: Layout,
        value_bytes: usize,
        is_new: bool,
        overdraw: bool,
        now_ms: UnixMs,
    ) -> Result<(Handle, u64), OutOfMemory> {
        if is_new && !self.make_entry_slot(env, now_ms) && !overdraw {
            return Err(OutOfMemory);
        }
        let mut charged = 0;
        if layout.is_large() {
            let key_bytes = if key.bytes.len() > INLINE_KEY_BYTES_MAX { key.bytes.len() } else { 0 };
            charged = cost_bytes(key_bytes, value_bytes);
            if !self.make_budget(env, charged, Some(*key), now_ms) {
                if !overdraw {
                    return Err(OutOfMemory);
                }
                env.budget.charge(charged);
            }
        }
        let mut block = self.make_block(env, layout.granules(), Some(*key), now_ms);
        if block.is_none() && overdraw {
            block = self.make_block_over_limit(env, layout.granules());
        }
        match block {
            Some(handle) => Ok((handle, charged)),
            None => {
                env.budget.release(charged);
                Err(OutOfMemory)
            }
        }
    }

    /// Under an entry limit: evicts until one more may come. Whether it may.
    fn make_entry_slot(&mut self, env: &Env, now_ms: UnixMs) -> bool {
        loop {
            let max = env.max_entries.load(Relaxed);
            if max == 0 || env.entries.load(Relaxed) < max {
                return true;
            }
            // Any shard is as likely to give up the entry as any other.
            let mine_first = self.rng.below(env.shards.len() as u64) == 0;
            let gone = mine_first && self.evict_one(env, None, now_ms)
                || self.evict_elsewhere(env, now_ms)
                || self.evict_one(env, None, now_ms);
            if !gone {
                return false;
            }
        }
    }

    /// A block of `size` granules, whatever has to go for it.
    #[inline]
    fn make_block(&mut self, env: &Env, size: u32, protect: Option<Key<'_>>, now_ms: UnixMs) -> Option<Handle> {
        if let Some(handle) = self.heap.allocate(size) {
            return Some(handle);
        }
        self.make_block_slowly(env, size, protect, now_ms)
    }

    #[cold]
    fn make_block_slowly(&mut self, env: &Env, size: u32, protect: Option<Key<'_>>, now_ms: UnixMs) -> Option<Handle> {
        loop {
            if let Some(handle) = self.heap.allocate(size) {
                return Some(handle);
            }
            if self.heap.can_grow()
                && let Some(segment) = env.pool.take()
            {
                self.heap.add_segment(segment);
                continue;
            }
            // Full. Entries of like size leave holes that fit; when sizes differ, holes add up until moving entries
            // together is worth it.
            let holes = self.heap.hole_bytes();
            let worth = holes > self.heap.total_bytes() / HOLE_SHARE_WORTH && holes >= 2 * SEGMENT_BYTES as u64;
            if worth && self.compact_one(env) {
                continue;
            }
            if self.rng.below(STEAL_ONE_IN) == 0
                && env.shards.len() > 1
                && let Some(mut other) = env.another(self.number, &mut self.rng)
                && other.give_up_memory(env, None, now_ms)
            {
                continue;
            }
            if !self.evict_one(env, protect, now_ms) && !self.last_resort(env, now_ms) {
                return None;
            }
        }
    }

    fn evict_elsewhere(&mut self, env: &Env, now_ms: UnixMs) -> bool {
        env.any_other(self.number, &mut self.rng, |other| other.evict_one(env, None, now_ms))
    }

    /// For what must not fail: the limit is overdrawn by a segment, and evicted down later. `None` if the machine itself
    /// has no memory left.
    fn make_block_over_limit(&mut self, env: &Env, size: u32) -> Option<Handle> {
        self.heap.add_segment(env.pool.take_over_limit()?);
        self.heap.allocate(size)
    }

    /// Whether entries of `bytes` altogether could be had without going over the limit, evicting if that is allowed.
    pub fn could_hold(&mut self, env: &Env, bytes: u64, now_ms: UnixMs) -> bool {
        let free = |shard: &Shard| match env.budget.max_bytes() {
            0 => u64::MAX,
            max => max.saturating_sub(env.budget.used_bytes()) + shard.heap.hole_bytes(),
        };
        while free(self) < bytes {
            if bytes > env.budget.max_bytes() || !self.give_up_memory(env, None, now_ms) {
                return false;
            }
        }
        true
    }

    /// Nothing here may go: gathers whatever holes there are, or takes memory from any other shard.
    fn last_resort(&mut self, env: &Env, now_ms: UnixMs) -> bool {
        self.compact_one(env)
            || env.any_other(self.number, &mut self.rng, |other| other.give_up_memory(env, None, now_ms))
    }

    /// Reserves `bytes` of budget, evicting as needed. Whether it succeeded.
    pub fn make_budget(&mut self, env: &Env, bytes: u64, protect: Option<Key<'_>>, now_ms: UnixMs) -> bool {
        let max = env.budget.max_bytes();
        if max != 0 && bytes > max {
            return false; // would empty the cache and still not fit
        }
        while !env.budget.try_reserve(bytes) {
            let stolen = env.shards.len() > 1
                && env.another(self.number, &mut self.rng).is_some_and(|mut o| o.give_up_memory(env, None, now_ms));
            if !stolen && !self.give_up_memory(env, protect, now_ms) && !self.last_resort(env, now_ms) {
                return false;
            }
        }
        true
    }

    /// Evicts until some budget is free again. Whether anything came free.
    pub fn give_up_memory(&mut self, env: &Env, protect: Option<Key<'_>>, now_ms: UnixMs) -> bool {
        let before = self.total_bytes();
        loop {
            // One segment's worth of holes, and a bit, can be gathered into one.
            if self.heap.hole_bytes() >= SEGMENT_BYTES as u64 * 5 / 4 {
                self.compact_one(env);
            }
            if self.total_bytes() < before {
                return true;
            }
            if !self.evict_one(env, protect, now_ms) {
                self.heap.release_empty_segments(&env.pool);
                while self.total_bytes() >= before && self.compact_one(env) {}
                return self.total_bytes() < before;
            }
        }
    }

    /// Evicts one entry: an expired one if the table knows of any, else the policy's choice. Whether one went.
    pub fn evict_one(&mut self, env: &Env, protect: Option<Key<'_>>, now_ms: UnixMs) -> bool {
        if self.due <= env.ticks.reached(now_ms) && self.expire_due(env, now_ms) > 0 {
            return true;
        }
        let Policy::Evict(scope, _) = self.policy else { return false };
        if scope == Scope::Volatile && self.per_ns.iter().all(|n| n.volatile == 0) {
            return false;
        }
        let protect = protect.and_then(|key| self.locate(env, &key)).map(|(_, handle)| handle);
        let mut view = View {
            heap: &mut self.heap,
            tables: &self.tables,
            counts: &self.counts,
            large: &self.large,
            hasher: &env.hasher,
            rng: &mut self.rng,
            scope,
            protect,
            now_ms,
        };
        let Some(victim) = self.active.victim(&mut view) else { return false };
        self.take_out_by_handle(env, victim, Removal::Evicted);
        true
    }

    /// Empties the sparsest segment. Whether one was given back.
    fn compact_one(&mut self, env: &Env) -> bool {
        let Shard { heap, tables, large, .. } = self;
        let bits = env.shard_bits();
        heap.evacuate(&env.pool, |heap, from, to| {
            let block = heap.block(to);
            let layout = Layout::read(block);
            let key = key_of(block, layout, large);
            let hash = env.hasher.hash(layout.ns(), key);
            let table = &mut tables[env.table_of(SlotId::of(key)) >> bits];
            if let Some((place, _)) = table.find(hash, |handle| handle == from) {
                table.set(place, to);
            }
        })
    }

    /// Removes everything that is due. Returns how many entries went.
    pub fn expire_due(&mut self, env: &Env, now_ms: UnixMs) -> usize {
        let tick = env.ticks.reached(now_ms);
        let mut gone = 0;
        let mut found = Vec::new();
        for index in 0..self.tables.len() {
            if self.tables[index].due > tick {
                continue;
            }
            let Shard { tables, heap, large, .. } = self;
            tables[index].take_due(tick, |handle| facts(heap, large, env, handle), &mut found);
            for (handle, hash) in found.drain(..) {
                if let Some((place, _)) = self.tables[index].find(hash, |h| h == handle) {
                    self.take_out(env, index, hash, place, handle, Some(Removal::Expired));
                    gone += 1;
                }
            }
        }
        self.due = self.tables.iter().map(|t| t.due).min().unwrap_or(crate::table::NEVER);
        env.shards[self.number].due.store(self.due, Relaxed);
        gone
    }

    /// Housekeeping besides expiry: compacts if holes take too much. Whether there may be more to do.
    pub fn tidy(&mut self, env: &Env) -> bool {
        self.charge_policy(env);
        let holes = self.heap.hole_bytes();
        if holes * HOLE_SHARE_MAX <= self.heap.total_bytes() || holes < 2 * SEGMENT_BYTES as u64 {
            return false;
        }
        self.compact_one(env)
    }

    /// Counts the policy's own memory, which changes by little at a time.
    fn charge_policy(&mut self, env: &Env) {
        let now = self.active.bytes() as u64;
        self.charged_bytes = self.charged_bytes + now - self.policy_bytes;
        if now > self.policy_bytes {
            env.budget.charge(now - self.policy_bytes);
        } else {
            env.budget.release(self.policy_bytes - now);
        }
        self.policy_bytes = now;
        env.shards[self.number].bytes.store(self.total_bytes(), Relaxed);
    }

    /// Chooses another policy; every entry gets a rank of the new one.
    pub fn set_policy(&mut self, policy: Policy, now_ms: UnixMs) {
        if policy == self.policy {
            return;
        }
        let rank_of = |policy: Policy| match policy {
            Policy::NoEviction => None,
            Policy::Evict(_, rank) => Some(rank),
        };
        let tracks_time = |policy| matches!(rank_of(policy), None | Some(Rank::Lru));
        let same = rank_of(policy) == rank_of(self.policy) || tracks_time(policy) && tracks_time(self.policy);
        self.policy = policy;
        if same {
            if let Active::None(lru) | Active::Lru(lru) = self.active {
                self.active = if policy == Policy::NoEviction { Active::None(lru) } else { Active::Lru(lru) };
            }
            return;
        }
        self.active = active(policy, self.rng.next_u64());
        let Shard { heap, tables, large, active, .. } = self;
        for table in tables.iter() {
            table.sample(0, usize::MAX, |handle| {
                let block = heap.block(handle);
                let layout = Layout::read(block);
                let apart = if layout.is_large() { large.get(layout.index(block)).charged_bytes } else { 0 };
                let rank = active.adopt(size_of_block(layout) + apart, now_ms);
                entry::set_rank(heap.block_mut(handle), rank);
                true
            });
        }
    }

    /// Removes every entry of a namespace, or of all. Returns how many.
    pub fn flush(&mut self, env: &Env, ns: Option<Ns>) -> u64 {
        let mut gone = 0;
        for index in 0..self.tables.len() {
            let mut handles = Vec::new();
            self.tables[index].sample(0, usize::MAX, |handle| {
                if ns.is_none_or(|ns| Layout::read(self.heap.block(handle)).ns() == ns.0) {
                    handles.push(handle);
                }
                true
            });
            gone += handles.len() as u64;
            for handle in handles {
                self.take_out_by_handle_silently(env, handle);
            }
        }
        self.heap.release_empty_segments(&env.pool);
        if env.journal.is_some() {
            for slot in 0..self.slots.len() {
                let Some(id) = SlotId::new((slot << env.shard_bits() | self.number) as u16) else { continue };
                for ns in (0..DATABASES).map(Ns).filter(|n| ns.is_none_or(|ns| ns == *n)) {
                    let sequence = self.next_sequence(env, id);
                    self.tell(env, id, sequence, || Effect::Flush { ns });
                }
            }
        }
        gone
    }

    /// One step of a scan of table `index`; see [`Table::scan`].
    pub fn scan(
        &self,
        env: &Env,
        index: usize,
        from: u32,
        effort: usize,
        now_ms: UnixMs,
        mut visit: impl FnMut(u8, &[u8], Entry<'_>),
    ) -> Option<u32> {
        self.tables[index].scan(
            from,
            effort,
            |handle| facts(&self.heap, &self.large, env, handle),
            |handle| {
                let entry = self.view(handle, now_ms);
                if entry.deadline_ms().is_none_or(|at| at > now_ms) {
                    visit(entry.layout.ns(), key_of(entry.block, entry.layout, &self.large), entry);
                }
            },
        )
    }

    /// A random live key of the namespace; tries every entry before it gives up.
    pub fn random_key(&mut self, ns: Ns, now_ms: UnixMs) -> Option<Vec<u8>> {
        let first = crate::evict::weighted(&self.counts, &mut self.rng)?;
        for step in 0..self.tables.len() {
            let table = (first + step) % self.tables.len();
            let (start, skip) = (self.rng.next_u64(), self.rng.below(LANES as u64));
            let (mut found, mut seen) = (None, 0);
            self.tables[table].sample(start, usize::MAX, |handle| {
                let entry = self.view(handle, now_ms);
                if entry.layout.ns() == ns.0 && entry.deadline_ms().is_none_or(|at| at > now_ms) {
                    found = Some(handle);
                    seen += 1;
                }
                seen <= skip
            });
            if let Some(handle) = found {
                let block = self.heap.block(handle);
                return Some(key_of(block, Layout::read(block), &self.large).to_vec());
            }
        }
        None
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
            self.lines_per_entry = ((self.heap.live_bytes() / entries) / 64 + 2).min(20) as u32;
        }
        if env.max_entries.load(Relaxed) != 0 {
            env.entries.fetch_add(1, Relaxed);
        }
    }

    /// After a table may have grown or shrunk: its memory is charged, and its hint set.
    #[inline]
    fn settle_table(&mut self, env: &Env, index: usize, global: usize, before: usize, moved: bool) {
        let table = &self.tables[index];
        let after = table.bytes();
        if after != before {
            self.charged_bytes = self.charged_bytes + after as u64 - before as u64;
            if after > before {
                env.budget.charge((after - before) as u64);
            } else {
                env.budget.release((before - after) as u64);
            }
        }
        if moved {
            let (buckets, count) = table.hint();
            env.hints[global].buckets.store(buckets.cast_mut(), Relaxed);
            env.hints[global].count.store(count, Relaxed);
        }
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
        let index = self.table_index(env, SlotId::of(key));
        let hash = env.hasher.hash(layout.ns(), key);
        let (place, _) = self.tables[index].find(hash, |h| h == handle)?;
        Some((index, hash, place))
    }

    /// Removes an entry from table, heap and counts, and says so unless `cause` is `None`.
    fn take_out(&mut self, env: &Env, index: usize, hash: u64, place: Place, handle: Handle, cause: Option<Removal>) {
        let block = self.heap.block(handle);
        let layout = Layout::read(block);
        let slot = SlotId::of(key_of(block, layout, &self.large));
        match cause {
            Some(Removal::Expired) => self.counters.expirations += 1,
            Some(Removal::Evicted) => self.counters.evictions += 1,
            Some(Removal::Deleted) | None => {}
        }
        if let Some(cause) = cause {
            let sequence = self.next_sequence(env, slot);
            if env.journal.is_some() {
                let block = self.heap.block(handle);
                let (ns, key) = (Ns(layout.ns()), key_of(block, layout, &self.large));
                self.tell(env, slot, sequence, || Effect::Remove { ns, key, cause });
            }
        }
        let rank = entry::rank(self.heap.block(handle));
        self.active.forget(rank, self.bytes_at(handle));
        self.discount(handle);
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
        let value =
            if layout.is_large() { self.large.get(layout.index(block)).value.len() } else { layout.value().len() };
        let bytes = key_of(block, layout, &self.large).len() + value;
        (Ns(layout.ns()), layout.has_deadline(), bytes as u64)
    }

    fn count_in(&mut self, handle: Handle) {
        let (ns, volatile, bytes) = self.payload_of(handle);
        self.payload_bytes += bytes;
        let count = &mut self.per_ns[ns.0 as usize];
        count.entries += 1;
        count.volatile += u64::from(volatile);
    }

    fn discount(&mut self, handle: Handle) {
        let (ns, volatile, bytes) = self.payload_of(handle);
        self.payload_bytes -= bytes;
        let count = &mut self.per_ns[ns.0 as usize];
        count.entries -= 1;
        count.volatile -= u64::from(volatile);
    }

    fn recount_volatile(&mut self, ns: Ns, before: bool, after: bool) {
        let count = &mut self.per_ns[ns.0 as usize].volatile;
        *count = *count + u64::from(after) - u64::from(before);
    }

    fn note_deadline(&mut self, env: &Env, key: &Key<'_>, deadline_ms: Option<UnixMs>) {
        let due = env.ticks.due(deadline_ms);
        if deadline_ms.is_some()
            && let Some((place, _)) = self.locate(env, key)
        {
            let index = self.table_index(env, key.slot);
            let before = self.tables[index].bytes();
            self.tables[index].lower_due(place, due);
            self.settle_table(env, index, env.table_of(key.slot), before, false);
        }
        self.note_due(env, due);
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
        if let Some(journal) = &env.journal {
            journal.effect(slot, sequence, &effect());
        }
    }

    /// Gives everything back; the store is going.
    pub fn dissolve(&mut self, pool: &Pool) {
        self.heap.clear(pool);
    }

    /// Checks every invariant that can be checked by walking; for tests.
    #[cfg(test)]
    pub fn check(&self, env: &Env) {
        let (mut payload, mut live, mut entries) = (0, 0, 0);
        for (index, table) in self.tables.iter().enumerate() {
            let mut here = 0;
            table.sample(0, usize::MAX, |handle| {
                let block = self.heap.block(handle);
                assert!(matches!(entry::Block::read(block), entry::Block::Live(_)));
                payload += self.payload_of(handle).2;
                live += size_of_block(Layout::read(block));
                let (table, _, _) = self.place_of(env, handle).expect("the entry's own key finds it");
                assert_eq!(table, index);
                here += 1;
                true
            });
            assert_eq!((here, here), (table.count(), self.counts[index]));
            entries += u64::from(here);
        }
        assert_eq!((payload, live), (self.payload_bytes, self.heap.live_bytes()));
        assert_eq!(entries, self.per_ns.iter().map(|n| n.entries).sum::<u64>());
        assert_eq!(entries, self.slots.iter().map(|s| u64::from(s.entries)).sum::<u64>());
    }
}

fn active(policy: Policy, seed: u64) -> Active {
    match policy {
        Policy::NoEviction => Active::new(None, seed),
        Policy::Evict(_, rank) => Active::new(Some(rank), seed),
    }
}

fn size_of_block(layout: Layout) -> u64 {
    u64::from(layout.granules()) * GRANULE as u64
}
