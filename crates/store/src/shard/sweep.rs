//! Walks over many entries: prompt expiry, flushing, scanning, a random key.

use super::{Shard, facts, key_of};
use crate::Entry;
use crate::effect::{Effect, Removal};
use crate::entry::Layout;
use crate::env::Env;
use crate::key::{Key, Ns};
use crate::table::LANES;
use scrubjay_base::SlotId;
use scrubjay_base::clock::UnixMs;
use std::sync::atomic::Ordering::Relaxed;

impl Shard {
    /// Removes everything that is due. Returns how many entries went.
    pub fn expire_due(&mut self, env: &Env, now_ms: UnixMs) -> usize {
        let tick = env.ticks.reached(now_ms);
        let mut gone = 0;
        let (mut found, mut members) = (Vec::new(), Vec::new());
        for index in 0..self.tables.len() {
            if self.tables[index].due > tick {
                continue;
            }
            let Shard { tables, heap, large, .. } = self;
            tables[index].take_due(tick, |handle| facts(heap, large, env, handle), &mut found);
            for (handle, hash) in found.drain(..) {
                let Some((place, _)) = self.tables[index].find(hash, |h| h == handle) else { continue };
                let block = self.heap.block(handle);
                let layout = Layout::read(block);
                if env.ticks.due(layout.end_ms(block)) > tick {
                    // Only members are due. That may move entries, so it waits until all handles here were used.
                    let key = key_of(block, layout, &self.large);
                    members.push((Ns(layout.ns()), key.to_vec(), hash));
                    continue;
                }
                self.take_out(env, index, hash, place, handle, Some(Removal::Expired));
                gone += 1;
            }
        }
        for (ns, bytes, hash) in members {
            let key = Key { ns, bytes: &bytes, slot: SlotId::of(&bytes), hash };
            self.expire_members(env, &key, now_ms);
        }
        self.due = self.tables.iter().map(|t| t.due).min().unwrap_or(crate::table::NEVER);
        env.shards[self.number].due.store(self.due, Relaxed);
        gone
    }

    /// Removes every entry of a namespace, or of all. Returns how many.
    pub fn flush(&mut self, env: &Env, ns: Option<Ns>) -> u64 {
        let mut gone = 0;
        let tables = ns.map_or(0..self.tables.len(), |ns| self.tables_of(env, ns));
        for index in tables {
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
        self.void_leases(env, ns);
        if env.listener().is_some() {
            for slot in 0..self.slots.len() {
                let Some(id) = SlotId::new((slot << env.shard_bits() | self.number) as u16) else { continue };
                let sequence = self.next_sequence(env, id);
                self.tell(env, id, sequence, || Effect::Flush { ns });
            }
        }
        gone
    }

    /// One step of a scan of the namespace's entries, in a table from a position on; see [`Table::scan`]. Returns the next
    /// position, and how many entries were looked at.
    pub fn scan(
        &self,
        env: &Env,
        ns: Ns,
        (number, from): (usize, u32),
        effort: usize,
        now_ms: UnixMs,
        mut visit: impl FnMut(&[u8], Entry<'_>),
    ) -> (Option<u32>, usize) {
        let mut looks = 0;
        let index = self.policies.table(ns.0, number);
        let next = self.tables[index].scan(
            from,
            effort,
            |handle| facts(&self.heap, &self.large, env, handle),
            |handle| {
                looks += 1;
                let entry = self.view(handle, now_ms);
                if entry.layout.ns() == ns.0 && !entry.is_over() && !self.is_hidden_at(env, handle) {
                    visit(key_of(entry.block, entry.layout, &self.large), entry);
                }
            },
        );
        (next, looks)
    }

    /// Whether a deletion covers the entry at `handle`, whose key was not placed.
    fn is_hidden_at(&self, env: &Env, handle: crate::heap::Handle) -> bool {
        if self.generation_count() == 0 {
            return false;
        }
        let block = self.heap.block(handle);
        let layout = Layout::read(block);
        let key = key_of(block, layout, &self.large);
        self.is_hidden(env, handle, SlotId::of(key), env.hasher.hash(layout.ns(), key))
    }

    /// A random live key of the namespace; tries every entry before it gives up.
    pub fn random_key(&mut self, env: &Env, ns: Ns, now_ms: UnixMs) -> Option<Vec<u8>> {
        let tables = self.tables_of(env, ns);
        let first = crate::evict::weighted(&self.counts[tables.clone()], &mut self.rng)?;
        for step in 0..tables.len() {
            let table = tables.start + (first + step) % tables.len();
            let (start, skip) = (self.rng.next_u64(), self.rng.below(LANES as u64));
            let (mut found, mut seen) = (None, 0);
            self.tables[table].sample(start, usize::MAX, |handle| {
                let entry = self.view(handle, now_ms);
                let is_live = !entry.is_over() && !self.is_hidden_at(env, handle);
                if entry.layout.ns() == ns.0 && is_live {
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

    /// Visits what is left of the lifetimes of the namespace's entries, from a random one on, looking at so many entries.
    pub fn sample_ttls(&mut self, env: &Env, ns: Ns, now_ms: UnixMs, mut looks: usize, mut visit: impl FnMut(u64)) {
        let tables = self.tables_of(env, ns);
        let Some(first) = crate::evict::weighted(&self.counts[tables.clone()], &mut self.rng) else { return };
        for step in 0..tables.len() {
            let start = if step == 0 { self.rng.next_u64() } else { 0 };
            self.tables[tables.start + (first + step) % tables.len()].sample(start, usize::MAX, |handle| {
                let block = self.heap.block(handle);
                let layout = Layout::read(block);
                if layout.ns() == ns.0
                    && let Some(at) = layout.deadline_ms(block)
                {
                    visit(at.saturating_sub(now_ms));
                }
                looks -= 1;
                looks > 0
            });
            if looks == 0 {
                return;
            }
        }
    }

    /// Checks every invariant that can be checked by walking; for tests.
    #[cfg(test)]
    pub fn check(&self, env: &Env) {
        let (mut payload, mut live, mut entries) = (0, 0, 0);
        let mut compression = crate::compress::CompressionCounts::default();
        for (index, table) in self.tables.iter().enumerate() {
            let mut here = 0;
            table.sample(0, usize::MAX, |handle| {
                let block = self.heap.block(handle);
                assert!(matches!(crate::entry::Block::read(block), crate::entry::Block::Live(_)));
                payload += self.payload_of(handle).2;
                live += super::size_of_block(Layout::read(block));
                if Layout::read(block).is_compressed() {
                    compression.add(super::stored(block, &self.large));
                }
                let (table, _, _) = self.place_of(env, handle).expect("the entry's own key finds it");
                assert_eq!(table, index);
                here += 1;
                true
            });
            assert_eq!((here, here), (table.count(), self.counts[index]));
            entries += u64::from(here);
        }
        assert_eq!((payload, live), (self.payload_bytes, self.heap.live_bytes()));
        assert_eq!(compression, self.compression);
        for ns in self.policies.owners() {
            let tables = self.tables_of(env, ns);
            let entries: u64 = self.counts[tables.clone()].iter().map(|&count| u64::from(count)).sum();
            assert_eq!(entries, self.per_ns[ns.0 as usize].entries);
        }
        assert_eq!(self.entry_bytes(), self.per_ns.iter().map(|n| n.bytes).sum::<u64>());
        assert_eq!(entries, self.per_ns.iter().map(|n| n.entries).sum::<u64>());
        assert_eq!(entries, self.slots.iter().map(|s| u64::from(s.entries)).sum::<u64>());
    }
}
