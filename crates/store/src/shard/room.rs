//! Making room: segments while the budget lasts, then compaction and eviction, here or in another shard.
//!
//! ```text
//!   hole or open segment? -> new segment, if the budget has one? -> holes worth compacting? -> one time in eight, take from
//!   another shard -> evict here -> last resort: compact whatever there is, take from any shard -> refuse
//! ```

use super::{Shard, key_of, size_of_block};
use crate::OutOfMemory;
use crate::entry::{INLINE_KEY_BYTES_MAX, Layout};
use crate::env::Env;
use crate::heap::Handle;
use crate::key::Key;
use crate::large::Body;
use crate::pool::SEGMENT_BYTES;
use scrubjay_base::SlotId;
use scrubjay_base::clock::UnixMs;
use std::sync::atomic::Ordering::Relaxed;

/// A heap with more than this share of holes (one in eight) is compacted by housekeeping.
const HOLE_SHARE_MAX: u64 = 8;

/// When memory is short, compaction is worth its copies from this share of holes on (one in sixteen).
const HOLE_SHARE_WORTH: u64 = 16;
/// A shard short of memory takes it from another one time in so many, although it could evict for itself: so memory moves
/// to the shards that grow, from those that do not, and evenly used ones stay even.
const STEAL_ONE_IN: u64 = 8;

/// What housekeeping moves of strings at a time, roughly: 20 us.
const MOVED_BYTES_A_STEP: u64 = 64 << 10;

impl Shard {
    /// Room for an entry, its large value charged; returns the block and the charge.
    #[allow(clippy::too_many_arguments)] // one caller, which has just worked them out
    pub(super) fn make_place(
        &mut self,
        env: &Env,
        key: &Key<'_>,
        layout: Layout,
        body: Option<&Body>,
        is_new: bool,
        overdraw: bool,
        now_ms: UnixMs,
    ) -> Result<(Handle, u64), OutOfMemory> {
        if is_new && !self.make_entry_slot(env, now_ms) && !overdraw {
            return Err(OutOfMemory::Node);
        }
        let key_bytes = if key.bytes.len() > INLINE_KEY_BYTES_MAX { key.bytes.len() } else { 0 };
        let charged = body.map_or(0, |body| body.cost_bytes(key_bytes));
        if env.namespaces.max_bytes(key.ns) != 0 {
            let before = self.locate(env, key).map_or(0, |(_, old)| self.bytes_at(old));
            let more = (size_of_block(layout) + charged).saturating_sub(before);
            if !self.make_quota(env, key, more, now_ms) && !overdraw {
                return Err(OutOfMemory::Namespace);
            }
        }
        if charged > 0 && !self.make_budget(env, charged, Some(*key), now_ms) {
            if !overdraw {
                return Err(OutOfMemory::Node);
            }
            env.budget.charge(charged);
        }
        let mut block = self.make_block(env, layout.granules(), Some(*key), now_ms);
        if block.is_none() && overdraw {
            block = self.make_block_over_limit(env, layout.granules());
        }
        match block {
            Some(handle) => Ok((handle, charged)),
            None => {
                env.budget.release(charged);
                Err(OutOfMemory::Node)
            }
        }
    }

    /// Under an entry limit: evicts until one more may come. Whether it may.
    pub(super) fn make_entry_slot(&mut self, env: &Env, now_ms: UnixMs) -> bool {
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
    pub(super) fn make_block(
        &mut self,
        env: &Env,
        size: u32,
        protect: Option<Key<'_>>,
        now_ms: UnixMs,
    ) -> Option<Handle> {
        if let Some(handle) = self.heap.allocate(size) {
            return Some(handle);
        }
        self.make_block_slowly(env, size, protect, now_ms)
    }

    #[cold]
    pub(super) fn make_block_slowly(
        &mut self,
        env: &Env,
        size: u32,
        protect: Option<Key<'_>>,
        now_ms: UnixMs,
    ) -> Option<Handle> {
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
            if worth {
                // Even when no segment came free, a free end to write to did.
                self.compact_one(env);
                if let Some(handle) = self.heap.allocate(size) {
                    return Some(handle);
                }
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

    /// For what must not fail: the limit is overdrawn by a segment, and evicted down later. `None` if the machine itself
    /// has no memory left.
    pub(super) fn make_block_over_limit(&mut self, env: &Env, size: u32) -> Option<Handle> {
        self.heap.add_segment(env.pool.take_over_limit()?);
        self.heap.allocate(size)
    }

    /// Makes room for `bytes` more under every limit, reserving them of the budget. Errors: which limit stands in the way;
    /// nothing is reserved, though entries may have been evicted.
    pub(super) fn make_room_for(
        &mut self,
        env: &Env,
        key: &Key<'_>,
        bytes: u64,
        now_ms: UnixMs,
    ) -> Result<(), OutOfMemory> {
        if !self.make_quota(env, key, bytes, now_ms) {
            return Err(OutOfMemory::Namespace);
        }
        if bytes > 0 && !self.make_budget(env, bytes, Some(*key), now_ms) {
            return Err(OutOfMemory::Node);
        }
        Ok(())
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

    /// Nothing here may go: gathers whatever holes there are, or takes memory from any other shard.
    pub(super) fn last_resort(&mut self, env: &Env, now_ms: UnixMs) -> bool {
        self.compact_one(env)
            || env.any_other(self.number, &mut self.rng, |other| other.give_up_memory(env, None, now_ms))
    }

    /// Evicts one entry: an expired one if the table knows of any, else the policy's choice. Whether one went.
    pub fn evict_one(&mut self, env: &Env, protect: Option<Key<'_>>, now_ms: UnixMs) -> bool {
        if self.due <= env.ticks.reached(now_ms) && self.expire_due(env, now_ms) > 0 {
            return true;
        }
        let protect = protect.and_then(|key| self.locate(env, &key)).map(|(_, handle)| handle);
        self.evict_by_policy(env, protect, now_ms)
    }

    pub(super) fn evict_elsewhere(&mut self, env: &Env, now_ms: UnixMs) -> bool {
        env.any_other(self.number, &mut self.rng, |other| other.evict_one(env, None, now_ms))
    }

    /// Empties the sparsest segment. Whether one was given back.
    pub(super) fn compact_one(&mut self, env: &Env) -> bool {
        let Shard { heap, tables, large, policies, .. } = self;
        heap.evacuate(&env.pool, |heap, from, to| {
            let block = heap.block(to);
            let layout = Layout::read(block);
            let key = key_of(block, layout, large);
            let hash = env.hasher.hash(layout.ns(), key);
            let table = &mut tables[policies.table(layout.ns(), env.table_in_shard(SlotId::of(key)))];
            if let Some((place, _)) = table.find(hash, |handle| handle == from) {
                table.set(place, to);
            }
        })
    }

    /// Housekeeping besides expiry: compacts if holes take too much. Whether there may be more to do.
    pub fn tidy(&mut self, env: &Env) -> bool {
        self.charge_policy(env);
        if self.sweep_a_little(env) | self.large.move_strings(MOVED_BYTES_A_STEP) {
            return true;
        }
        let holes = self.heap.hole_bytes();
        if holes * HOLE_SHARE_MAX <= self.heap.total_bytes() || holes < 2 * SEGMENT_BYTES as u64 {
            return false;
        }
        self.compact_one(env)
    }

    /// Counts the policy's own memory, which changes by little at a time.
    pub(super) fn charge_policy(&mut self, env: &Env) {
        let now = (self.policies.bytes() + self.group_bytes()) as u64;
        self.charged_bytes = self.charged_bytes + now - self.policy_bytes;
        if now > self.policy_bytes {
            env.budget.charge(now - self.policy_bytes);
        } else {
            env.budget.release(self.policy_bytes - now);
        }
        self.policy_bytes = now;
        env.shards[self.number].bytes.store(self.total_bytes(), Relaxed);
    }
}
