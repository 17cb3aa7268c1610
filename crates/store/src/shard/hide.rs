//! A shard's part in deleting by prefix or tag: what is hidden, and the sweep that reclaims it. See [`crate::groups`].

use super::{Shard, key_of};
use crate::effect::Effect;
use crate::entry::Layout;
use crate::env::Env;
use crate::groups::{Covered, GENERATIONS_MAX, Generation, Group};
use crate::heap::Handle;
use crate::key::{Key, Ns};
use scrubjay_base::SlotId;
use smallvec::SmallVec;

/// Entries that one step of a sweep looks at: some 20 microseconds' worth.
const SWEEP_ENTRIES: usize = 512;

/// A store of so few entries is swept at once, so that its counts are right at once: some 0.4 ms.
const AT_ONCE_ENTRIES: u64 = 4096;
/// Generations take at most one part in so many of a shard before it is swept.
const GENERATIONS_SHARE_MAX: u64 = 32;

impl Shard {
    /// Deletes groups: hides them now, and lets a sweep reclaim them. In how many slots there was anything.
    pub fn hide(&mut self, env: &Env, ns: Ns, groups: &[Group<'_>]) -> usize {
        let each_bytes = (self.slots.len() * size_of::<u64>()) as u64;
        let held_bytes = (self.generations.len() as u64 + 1) * each_bytes;
        if self.generations.len() >= GENERATIONS_MAX || held_bytes > self.total_bytes() / GENERATIONS_SHARE_MAX {
            while self.sweep(env, usize::MAX) {}
        }
        // Which of the keys are covered their hashes do not tell; to load one in vain does no harm.
        self.void_leases(env, Some(ns));
        let only: SmallVec<[Option<SlotId>; 4]> = groups.iter().map(Group::only_slot).collect();
        let mut ends = vec![0; self.slots.len()].into_boxed_slice();
        let mut slots = 0;
        for index in 0..self.slots.len() {
            let Some(slot) = SlotId::new((index << env.shard_bits() | self.number) as u16) else { continue };
            // An empty slot has nothing to hide, and what comes will be newer.
            if self.slots[index].entries == 0 {
                continue;
            }
            for (&group, _) in groups.iter().zip(&only).filter(|(_, only)| only.is_none_or(|only| only == slot)) {
                ends[index] = self.next_sequence(env, slot);
                self.tell(env, slot, ends[index], || Effect::Hide { ns, group });
            }
            slots += usize::from(ends[index] > 0);
        }
        if slots > 0 {
            let covered = Covered::new(groups, |tag| env.hasher.hash(ns.0, tag));
            // One under way has passed some of the tables already.
            let needs_sweep = self.sweeps + 1 + u64::from(self.sweep_at > 0);
            match self.generations.iter_mut().find(|known| known.ns == ns && known.covered == covered) {
                Some(known) => {
                    known.ends.iter_mut().zip(&ends).for_each(|(end, &later)| *end = later.max(*end));
                    known.needs_sweep = needs_sweep;
                }
                None => self.generations.push(Generation { ns, covered, ends, needs_sweep }),
            }
            let is_small = self.entries() * env.shards.len() as u64 <= AT_ONCE_ENTRIES;
            if is_small || each_bytes > self.total_bytes() / GENERATIONS_SHARE_MAX {
                while self.sweep(env, usize::MAX) {}
            }
            self.charge_policy(env);
        }
        slots
    }

    /// Whether the entry is one that a deletion covers.
    #[inline(always)]
    pub(super) fn is_hidden(&self, env: &Env, handle: Handle, slot: SlotId, hash: u64) -> bool {
        !self.generations.is_empty() && self.is_covered(env, handle, slot, hash)
    }

    #[cold]
    fn is_covered(&self, env: &Env, handle: Handle, slot: SlotId, hash: u64) -> bool {
        let block = self.heap.block(handle);
        let layout = Layout::read(block);
        let index = self.slot_index(env, slot);
        let mut covering =
            self.generations.iter().filter(|known| known.ns.0 == layout.ns() && layout.sequence() < known.ends[index]);
        let tags = || if layout.is_tagged() { self.tags.of(hash) } else { &[] };
        covering.any(|known| known.covered.covers(key_of(block, layout, &self.large), tags))
    }

    /// Takes a step of the sweep: about `effort` entries. Whether there is more to do.
    pub(super) fn sweep(&mut self, env: &Env, effort: usize) -> bool {
        if self.generations.is_empty() {
            return false;
        }
        let mut seen = 0;
        while self.sweep_at < self.tables.len() && seen < effort {
            let mut handles = Vec::new();
            self.tables[self.sweep_at].sample(0, usize::MAX, |handle| {
                handles.push(handle);
                true
            });
            seen += handles.len().max(1);
            for handle in handles {
                let block = self.heap.block(handle);
                let layout = Layout::read(block);
                let key = key_of(block, layout, &self.large);
                let (slot, hash) = (SlotId::of(key), env.hasher.hash(layout.ns(), key));
                if self.is_hidden(env, handle, slot, hash) {
                    self.take_out_by_handle_silently(env, handle);
                }
            }
            self.sweep_at += 1;
        }
        if self.sweep_at == self.tables.len() {
            self.sweep_at = 0;
            self.sweeps += 1;
            let sweeps = self.sweeps;
            self.generations.retain(|known| known.needs_sweep > sweeps);
            self.charge_policy(env);
        }
        !self.generations.is_empty()
    }

    /// A step of the sweep that housekeeping takes.
    pub(super) fn sweep_a_little(&mut self, env: &Env) -> bool {
        self.sweep(env, SWEEP_ENTRIES)
    }

    /// How many deletions are not wholly reclaimed.
    pub fn generation_count(&self) -> usize {
        self.generations.len()
    }

    /// Bytes that generations and tags take.
    pub(super) fn group_bytes(&self) -> usize {
        let of = |known: &Generation| size_of::<Generation>() + known.ends.len() * 8 + known.covered.bytes();
        let generations: usize = self.generations.iter().map(of).sum();
        generations + self.tags.bytes()
    }

    /// See [`Guard::set_tags`](crate::Guard::set_tags).
    pub fn set_tags<'n>(&mut self, env: &Env, key: &Key<'_>, names: &[&'n [u8]]) {
        let Some((_, handle)) = self.locate(env, key) else { return };
        if names.is_empty() && !Layout::read(self.heap.block(handle)).is_tagged() {
            return;
        }
        let hashed = |name: &&'n [u8]| (env.hasher.hash(key.ns.0, name), *name);
        let tags: smallvec::SmallVec<[(u64, &[u8]); 8]> = names.iter().map(hashed).collect();
        self.tags.set(key.hash, &tags);
        crate::entry::set_tagged(self.heap.block_mut(handle), !tags.is_empty());
        self.charge_policy(env);
        let sequence = self.next_sequence(env, key.slot);
        let block = self.heap.block_mut(handle);
        let layout = Layout::read(block);
        crate::entry::set_sequence(block, layout, sequence);
        self.tell(env, key.slot, sequence, || Effect::Tags { ns: key.ns, key: key.bytes, tags: names });
    }

    /// The names of the key's tags, as a copy.
    pub fn tags_of(&self, hash: u64) -> Vec<Vec<u8>> {
        self.tags.names_of(hash).map(<[u8]>::to_vec).collect()
    }
}
