//! Writing: whole values, parts of strings, deadlines. How collections change is in `edit`.
//!
//! An entry whose size does not change is written where it is. Otherwise room is made first, while the old entry stands
//! and is protected, so that a refused write has changed nothing.

use super::view::New;
use super::{Shard, first_deadline_ms, is_apart, size_of_block};
use crate::compress::Compressed;
use crate::effect::{Effect, Removal};
use crate::entry::{self, INLINE_KEY_BYTES_MAX, Layout, Parts};
use crate::env::Env;
use crate::evict::{Evict, Newcomer};
use crate::heap::Handle;
use crate::key::{Key, Ns};
use crate::large::{Body, Thing, cost_bytes};
use crate::value::Kind;
use crate::{Deadline, Flags, OutOfMemory};
use scrubjay_base::clock::UnixMs;

impl Shard {
    /// See [`Guard::put`](crate::Guard::put).
    pub fn put(
        &mut self,
        env: &Env,
        key: &Key<'_>,
        mut value: New<'_>,
        deadline: Deadline,
        flags: Flags,
        now_ms: UnixMs,
    ) -> Result<(), OutOfMemory> {
        let old = self.live(env, key, now_ms);
        let (deadline_ms, flags) = self.resolve(env, key.ns, old, deadline, flags, now_ms);
        if deadline_ms.is_some_and(|at| at <= now_ms) {
            self.remove_as(env, key, Removal::Expired, now_ms);
            self.void_lease(env, key);
            return Ok(());
        }
        let mut travelling = Vec::new();
        let told = match &value.body {
            Some(body) if value.bytes.is_empty() && env.listener().is_some() => {
                body.write_to(&mut travelling);
                &travelling
            }
            _ if value.kind != Kind::String && env.listener().is_some() => {
                Body::from_inline(value.kind, value.bytes).write_to(&mut travelling);
                &travelling
            }
            _ => value.bytes,
        };
        let kind = value.kind;
        let stale_until_ms = self.kept_until_ms(old, deadline).filter(|_| kind == Kind::String);
        // What was stale was not there, and nobody keeps its tags.
        let keeps_tags = deadline == Deadline::Keep && old.is_some();
        value.keeps_tags = keeps_tags;
        let sequence = self.write(env, key, value, old, deadline_ms, flags, now_ms)?;
        self.void_lease(env, key);
        let (ns, key_bytes, is_new) = (key.ns, key.bytes, old.is_none());
        let effect = || Effect::Put {
            ns,
            key: key_bytes,
            kind,
            value: told,
            deadline_ms,
            stale_until_ms,
            flags,
            keeps_tags,
            is_new,
        };
        self.tell(env, key.slot, sequence, effect);
        if let (Some(at), Some(until)) = (deadline_ms, stale_until_ms) {
            // Not before: room for six more bytes may have to be made by evicting, which is told in its turn.
            self.keep_stale(env, key, at, until, now_ms);
        }
        if env.budget.surplus_bytes() > 0 {
            // A table grew past the limit.
            self.give_up_memory(env, Some(*key), now_ms);
        }
        Ok(())
    }

    /// Deadline and flags of a write, given the entry that stands there now.
    #[inline(always)]
    pub(super) fn resolve(
        &self,
        env: &Env,
        ns: Ns,
        old: Option<Handle>,
        deadline: Deadline,
        flags: Flags,
        now_ms: UnixMs,
    ) -> (Option<UnixMs>, u32) {
        let (old_deadline, old_flags) = match old {
            Some(handle) => {
                let block = self.heap.block(handle);
                let layout = Layout::read(block);
                (Some(layout.deadline_ms(block)), layout.flags(block))
            }
            None => (None, 0),
        };
        let default = || match env.namespaces.default_ttl_ms(ns) {
            0 => None,
            ttl_ms => Some(now_ms.saturating_add(ttl_ms)),
        };
        let deadline_ms = match deadline {
            Deadline::At(at) | Deadline::Stale { at, .. } => Some(at.min(entry::DEADLINE_MS_MAX)),
            Deadline::Never => None,
            Deadline::Keep => old_deadline.unwrap_or_else(default),
            Deadline::Default => default(),
        };
        let flags = match flags {
            Flags::Set(flags) => flags,
            Flags::Keep => old_flags,
        };
        (deadline_ms, flags)
    }

    /// Makes `value` the key's value, whose present entry is `old`. Returns the sequence of the change, which the caller
    /// tells.
    #[allow(clippy::too_many_arguments)] // the pieces of one entry
    #[inline]
    pub(super) fn write(
        &mut self,
        env: &Env,
        key: &Key<'_>,
        value: New<'_>,
        old: Option<Handle>,
        deadline_ms: Option<UnixMs>,
        flags: u32,
        now_ms: UnixMs,
    ) -> Result<u64, OutOfMemory> {
        let New { bytes: value, body, kind, overdraw, keeps_tags } = value;
        let was_tagged = old.is_some_and(|old| Layout::read(self.heap.block(old)).is_tagged());
        let (is_compressed, stored) = match &body {
            Some(Body::Compressed(compressed)) => (true, compressed.stored()),
            _ => (false, value),
        };
        let has_body = kind != Kind::String && body.is_some();
        let large = is_apart(key.bytes.len(), stored.len()) || has_body;
        let layout = Layout::new(key.ns.0, kind, key.bytes.len(), stored.len(), large, deadline_ms.is_some(), flags)
            .tagged(was_tagged && keeps_tags)
            .compressed(is_compressed);
        if let Some(handle) = old
            && !large
            && let Some(sequence) = self.overwrite(env, key, stored, layout, deadline_ms, flags, handle, now_ms)
        {
            if was_tagged && !keeps_tags {
                self.tags.remove(key.hash);
            }
            return Ok(sequence);
        }
        let compressed = match &body {
            Some(Body::Compressed(compressed)) => Some(compressed.clone()),
            _ => None,
        };
        let value = compressed.as_ref().map_or(value, Compressed::stored);
        let body = large.then(|| body.unwrap_or_else(|| Body::from_inline(kind, value)));
        let place = self.make_place(env, key, layout, body.as_ref(), old.is_none(), overdraw, now_ms);
        let (handle, charged) = place.inspect_err(|_| self.counters.refused += 1)?;
        if was_tagged && !keeps_tags {
            self.tags.remove(key.hash);
        }
        // Making room may have moved or evicted anything but the key's own entry, which is protected.
        let index = self.table_index(env, key);
        let number = self.policies.number(key.ns.0, env.table_in_shard(key.slot));
        let sequence = self.next_sequence(env, key.slot);
        let newcomer = Newcomer { hash: key.hash, table: number, bytes: size_of_block(layout) + charged, now_ms };
        let replaced = self.locate(env, key);
        if replaced.is_some() && old.is_none() {
            // It was stale, and nobody has looked at its tags.
            self.tags.remove(key.hash);
        }
        let rank = match replaced {
            Some((_, old)) => {
                let rank = entry::rank(self.heap.block(old));
                let before = self.bytes_at(old);
                let policy = self.policies.of_mut(key.ns.0);
                let touched = policy.touch(rank, now_ms);
                policy.resized(rank, before, newcomer.bytes);
                touched
            }
            None => self.policies.of_mut(key.ns.0).admit(&newcomer),
        };
        let index_bytes;
        let inline_key = if key.bytes.len() <= INLINE_KEY_BYTES_MAX { key.bytes } else { b"" };
        let inline_value = if let Some(body) = body {
            let apart = (key.bytes.len() > INLINE_KEY_BYTES_MAX).then(|| key.bytes.into());
            let thing = Thing { key: apart, body, hash: key.hash, table: index as u32, charged_bytes: charged };
            self.large_bytes += charged;
            index_bytes = self.large.add(thing).to_le_bytes();
            &index_bytes[..]
        } else {
            value
        };
        let parts = Parts { layout, rank, sequence, deadline_ms, flags, key: inline_key, value: inline_value };
        entry::write(self.heap.block_mut(handle), &parts);
        let due = self.due_of(env, handle);
        match replaced {
            Some((place, old)) => {
                self.discount(env, old);
                self.drop_block(env, old);
                self.tables[index].set(place, handle);
                self.lower_due(env, key, place, due);
            }
            None => self.link(env, key, index, handle, due),
        }
        self.count_in(env, handle);
        self.note_due(env, due);
        if charged > 0 {
            self.large.move_strings(charged);
        }
        Ok(sequence)
    }

    /// The tick at which the entry, or the first of its members, is due.
    #[inline]
    pub(super) fn due_of(&self, env: &Env, handle: Handle) -> u32 {
        let block = self.heap.block(handle);
        env.ticks.due(first_deadline_ms(block, Layout::read(block), &self.large))
    }

    /// Writes over an entry of the same size, where it is. The sequence of the change, if that was possible.
    #[allow(clippy::too_many_arguments)] // the pieces of one entry, already taken apart
    #[inline]
    pub(super) fn overwrite(
        &mut self,
        env: &Env,
        key: &Key<'_>,
        value: &[u8],
        layout: Layout,
        deadline_ms: Option<UnixMs>,
        flags: u32,
        handle: Handle,
        now_ms: UnixMs,
    ) -> Option<u64> {
        let old = Layout::read(self.heap.block(handle));
        if old.is_large() || old.granules() != layout.granules() {
            return None;
        }
        let sequence = self.next_sequence(env, key.slot);
        self.payload_bytes = self.payload_bytes + value.len() as u64 - old.value().len() as u64;
        self.recount_volatile(key.ns, old.has_deadline(), deadline_ms.is_some());
        if old.is_compressed() {
            self.compression.remove(&self.heap.block(handle)[old.value()]);
        }
        if layout.is_compressed() {
            self.compression.add(value);
        }
        let rank = self.policies.of_mut(key.ns.0).touch(entry::rank(self.heap.block(handle)), now_ms);
        let parts = Parts { layout, rank, sequence, deadline_ms, flags, key: key.bytes, value };
        entry::write(self.heap.block_mut(handle), &parts);
        if deadline_ms.is_some() || !layout.is_string() {
            let due = self.due_of(env, handle);
            self.note_due_of(env, key, due);
        }
        Some(sequence)
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
            self.put(env, key, New::of(&value), Deadline::Keep, Flags::Keep, now_ms)?;
            return Ok(end);
        };
        let layout = Layout::read(self.heap.block(handle));
        if layout.is_compressed() {
            // It becomes plain, and what is written to it from here on is written in place.
            let mut value = self.view(handle, now_ms).value().into_owned();
            value.resize(value.len().max(end), 0);
            value[offset..end].copy_from_slice(bytes);
            self.put(env, key, New::of(&value), Deadline::Keep, Flags::Keep, now_ms)?;
            return Ok(value.len());
        }
        if !layout.is_large() {
            let length = layout.value().len();
            if end <= length {
                let sequence = self.next_sequence(env, key.slot);
                let block = self.heap.block_mut(handle);
                let start = layout.value().start + offset;
                block[start..start + bytes.len()].copy_from_slice(bytes);
                entry::set_sequence(block, layout, sequence);
                let rank = self.policies.of_mut(key.ns.0).touch(entry::rank(block), now_ms);
                entry::set_rank(block, rank);
                self.void_lease(env, key);
                self.tell(env, key.slot, sequence, || Effect::Write { ns: key.ns, key: key.bytes, offset, bytes });
                return Ok(length);
            }
            let mut value = self.heap.block(handle)[layout.value()].to_vec();
            value.resize(end, 0);
            value[offset..end].copy_from_slice(bytes);
            self.put(env, key, New::of(&value), Deadline::Keep, Flags::Keep, now_ms)?;
            return Ok(end);
        }
        let index = layout.index(self.heap.block(handle));
        let length = self.large.get(index).body.bytes().len();
        let key_bytes = self.large.get(index).key.as_ref().map_or(0, |k| k.len());
        let mut capacity = self.large.capacity_bytes(index);
        if end > capacity {
            // Appending piece by piece must not copy the whole each time: grow by a quarter.
            capacity = end + end / 4;
        }
        let (before, cost) = (self.large.get(index).charged_bytes, cost_bytes(key_bytes, capacity));
        let room = self.make_room_for(env, key, cost.saturating_sub(before), now_ms);
        room.inspect_err(|_| self.counters.refused += 1)?;
        let Some((_, handle)) = self.locate(env, key) else { return Err(OutOfMemory::Node) };
        let sequence = self.next_sequence(env, key.slot);
        self.large.write_at(index, offset, bytes, capacity);
        self.large.recharge(index, cost.max(before));
        self.large_bytes += cost.max(before) - before;
        self.payload_bytes += (end.max(length) - length) as u64;
        let block = self.heap.block_mut(handle);
        entry::set_sequence(block, layout, sequence);
        let rank = self.policies.of_mut(key.ns.0).touch(entry::rank(block), now_ms);
        entry::set_rank(block, rank);
        let block_bytes = size_of_block(layout);
        self.resized(env, key.ns, rank, block_bytes + before, block_bytes + cost.max(before));
        self.void_lease(env, key);
        self.large.move_strings(cost.max(before) - before);
        self.tell(env, key.slot, sequence, || Effect::Write { ns: key.ns, key: key.bytes, offset, bytes });
        Ok(end.max(length))
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
        // A deadline of its own ends what was kept beyond the old one.
        if old.has_deadline() != deadline_ms.is_some() || old.is_kept_stale() {
            let inline = old.value().len();
            let (kind, key_bytes) = (old.kind(), key.bytes.len());
            let layout = Layout::new(key.ns.0, kind, key_bytes, inline, old.is_large(), deadline_ms.is_some(), flags)
                .tagged(old.is_tagged())
                .compressed(old.is_compressed());
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
        self.note_due_of(env, key, env.ticks.due(deadline_ms));
        self.tell(env, key.slot, sequence, || Effect::Deadline {
            ns: key.ns,
            key: key.bytes,
            deadline_ms,
            stale_until_ms: None,
        });
        true
    }

    /// Moves the key's entry to a block of another shape; key, value, rank and sequence stay.
    pub(super) fn relayout(
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
        let to = to.or_else(|| self.make_block_over_limit(env, size)).ok_or(OutOfMemory::Node)?;
        let Some((place, from)) = self.locate(env, key) else { return Err(OutOfMemory::Node) };
        let block = self.heap.block(from);
        let old = Layout::read(block);
        let (inline_key, inline_value) = (block[old.key()].to_vec(), block[old.value()].to_vec());
        let rank = entry::rank(block);
        let (key_now, value_now) = (&inline_key[..], &inline_value[..]);
        let sequence = old.sequence();
        let parts = Parts { layout, rank, sequence, deadline_ms, flags, key: key_now, value: value_now };
        entry::write(self.heap.block_mut(to), &parts);
        self.heap.release(from, old.granules());
        self.resized(env, key.ns, rank, size_of_block(old), size_of_block(layout));
        let index = self.table_index(env, key);
        self.tables[index].set(place, to);
        self.recount_volatile(key.ns, old.has_deadline(), deadline_ms.is_some());
        Ok(())
    }
}
