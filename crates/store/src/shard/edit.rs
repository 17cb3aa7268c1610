//! Changing a collection: it is found or made, changed by the caller, and settled again where it now belongs.
//!
//! ```text
//!   inline in the entry --copy--> changed --small still?--> written back like a string      refused: nothing happened
//!                                            no: apart -->
//!   apart --> changed where it is --> memory counted anew --> small and packed: back into the entry
//! ```

use super::view::New;
use super::{Shard, size_of_block};
use crate::Access;
use crate::effect::{Effect, Removal};
use crate::entry::{self, INLINE_KEY_BYTES_MAX, INLINE_VALUE_BYTES_MAX, Layout};
use crate::env::Env;
use crate::evict::Evict;
use crate::heap::Handle;
use crate::key::Key;
use crate::large::{Body, Large};
use crate::value::hash::Hash;
use crate::value::set::Set;
use crate::value::{Collection, Edit, Kind, Log, Packing, Refused};
use scrubjay_base::clock::UnixMs;
use scrubjay_base::rand::Rng;

/// A collection apart that shrank to so few bytes moves back into its entry: half of what made it leave, so that one that
/// hovers at the border does not move with every change.
const BACK_INLINE_BYTES_MAX: usize = INLINE_VALUE_BYTES_MAX / 2;

/// What an edit is for.
#[derive(Clone, Copy, Debug)]
pub struct Purpose {
    /// Whether the collection is made if the key is absent.
    pub create: bool,
    /// About how much memory it will take: made free beforehand, so that the edit itself need not fail. 0: none.
    pub room_bytes: usize,
    /// Whether the limit may be overdrawn.
    pub overdraw: bool,
}

impl Shard {
    /// See [`Guard::edit`](crate::Guard::edit).
    pub fn edit<C: Collection, R>(
        &mut self,
        env: &Env,
        key: &Key<'_>,
        purpose: Purpose,
        now_ms: UnixMs,
        act: impl FnOnce(&mut Edit<'_, C>) -> R,
    ) -> Result<Option<R>, Refused> {
        match self.get(env, key, Access::Write, now_ms) {
            Some(entry) if entry.kind() != C::KIND => return Err(Refused::WrongKind),
            None if !purpose.create => return Ok(None),
            // What is kept as stale is a string, and no beginning of a collection.
            None => self.remove_stale(env, key, Removal::Expired),
            Some(_) => {}
        }
        let room_bytes = purpose.room_bytes as u64;
        // What takes nothing is never refused, even while the limit is overdrawn.
        let reserved = match self.make_room_for(env, key, room_bytes, now_ms) {
            Ok(()) => room_bytes,
            Err(_) if purpose.overdraw => 0,
            Err(limit) => {
                self.counters.refused += 1;
                return Err(limit.into());
            }
        };
        let handle = self.locate(env, key).map(|(_, handle)| handle);
        let apart = handle.filter(|&handle| Layout::read(self.heap.block(handle)).is_large());
        let result = match apart {
            Some(handle) => {
                env.budget.release(reserved);
                self.edit_apart(env, key, handle, now_ms, act)
            }
            None => {
                let result = self.edit_inline(env, key, handle, purpose.overdraw, reserved, now_ms, act);
                result?
            }
        };
        self.void_lease(env, key);
        // Not where the limit may be overdrawn: members may be expiring because room is made for somebody's write, which
        // must not lose its own entry to that.
        if !purpose.overdraw && env.budget.surplus_bytes() > 0 {
            self.give_up_memory(env, Some(*key), now_ms);
        }
        Ok(Some(result))
    }

    /// What an edit needs, each by itself: the bounds as they are now, what is kept apart, random numbers.
    fn for_edit(&mut self, env: &Env) -> (&Packing, &mut Large, &mut Rng) {
        let version = env.packing.version();
        if self.packing.as_ref().is_none_or(|(known, _)| *known != version) {
            self.packing = Some((version, env.packing.get()));
        }
        match &self.packing {
            Some((_, packing)) => (packing, &mut self.large, &mut self.rng),
            None => unreachable!("they were read a moment ago"),
        }
    }

    fn edit_apart<C: Collection, R>(
        &mut self,
        env: &Env,
        key: &Key<'_>,
        handle: Handle,
        now_ms: UnixMs,
        act: impl FnOnce(&mut Edit<'_, C>) -> R,
    ) -> R {
        let layout = Layout::read(self.heap.block(handle));
        let index = layout.index(self.heap.block(handle));
        let (packing, large, rng) = self.for_edit(env);
        let body = large.body_mut(index);
        let payload_before = body.payload_bytes() as u64;
        let Some(value) = C::of_mut(body) else { unreachable!("the entry's kind is its body's") };
        let mut edit = Edit::new(value, packing, env.listener().is_some(), now_ms, rng);
        let result = act(&mut edit);
        let (log, is_empty) = (edit.log, edit.value.is_empty());
        if log.changes() == 0 {
            return result;
        }
        // The books first: whatever happens to the entry from here on is counted from what it takes now.
        let thing = self.large.get(index);
        let key_bytes = thing.key.as_ref().map_or(0, |key| key.len());
        let (payload, cost) = (thing.body.payload_bytes() as u64, thing.body.cost_bytes(key_bytes));
        let before = self.large.recharge(index, cost);
        if cost > before {
            env.budget.charge(cost - before);
        } else {
            env.budget.release(before - cost);
        }
        self.large_bytes = self.large_bytes + cost - before;
        self.payload_bytes = self.payload_bytes + payload - payload_before;
        let rank = entry::rank(self.heap.block(handle));
        let block_bytes = size_of_block(layout);
        self.resized(env, key.ns, rank, block_bytes + before, block_bytes + cost);
        if is_empty {
            self.remove_as(env, key, Removal::Deleted, now_ms);
            return result;
        }
        let sequence = self.next_sequence(env, key.slot);
        entry::set_sequence(self.heap.block_mut(handle), layout, sequence);
        self.note_due_later(env, key, handle, now_ms);
        self.tell_change::<C>(env, key, sequence, &log);
        self.move_inline(env, key, handle);
        result
    }

    /// Moves a collection that has become short back into its entry, if that is to be had without evicting.
    fn move_inline(&mut self, env: &Env, key: &Key<'_>, handle: Handle) {
        let block = self.heap.block(handle);
        let layout = Layout::read(block);
        let body = &self.large.get(layout.index(block)).body;
        let Some(inline) = body.inline().filter(|bytes| bytes.len() <= BACK_INLINE_BYTES_MAX) else { return };
        if key.bytes.len() > INLINE_KEY_BYTES_MAX {
            return;
        }
        let (deadline_ms, flags, sequence) = (layout.deadline_ms(block), layout.flags(block), layout.sequence());
        let (kind, key_bytes) = (layout.kind(), key.bytes.len());
        let to = Layout::new(key.ns.0, kind, key_bytes, inline.len(), false, deadline_ms.is_some(), flags)
            .tagged(layout.is_tagged());
        let bytes = inline.to_vec();
        let Some(place) = self.heap.allocate(to.granules()) else { return };
        let Some((at, _)) = self.locate(env, key) else { return };
        let rank = entry::rank(self.heap.block(handle));
        let parts = entry::Parts { layout: to, rank, sequence, deadline_ms, flags, key: key.bytes, value: &bytes };
        entry::write(self.heap.block_mut(place), &parts);
        let before = self.bytes_at(handle);
        self.discount(env, handle);
        self.drop_block(env, handle);
        let index = self.table_index(env, key);
        self.tables[index].set(at, place);
        self.count_in(env, place);
        self.policies.of_mut(key.ns.0).resized(rank, before, size_of_block(to));
    }

    #[allow(clippy::too_many_arguments)] // one caller, which has just worked them out
    fn edit_inline<C: Collection, R>(
        &mut self,
        env: &Env,
        key: &Key<'_>,
        handle: Option<Handle>,
        overdraw: bool,
        reserved: u64,
        now_ms: UnixMs,
        act: impl FnOnce(&mut Edit<'_, C>) -> R,
    ) -> Result<R, Refused> {
        let (mut value, deadline_ms, flags) = match handle {
            Some(handle) => {
                let block = self.heap.block(handle);
                let layout = Layout::read(block);
                let mut bytes = std::mem::take(&mut self.scratch);
                bytes.clear();
                bytes.extend_from_slice(&block[layout.value()]);
                (C::from_inline(bytes), layout.deadline_ms(block), layout.flags(block))
            }
            None => {
                let ttl_ms = env.namespaces.default_ttl_ms(key.ns);
                (C::new(self.for_edit(env).0), (ttl_ms > 0).then(|| now_ms.saturating_add(ttl_ms)), 0)
            }
        };
        let (packing, _, rng) = self.for_edit(env);
        let mut edit = Edit::new(&mut value, packing, env.listener().is_some(), now_ms, rng);
        let result = act(&mut edit);
        let log = edit.log;
        env.budget.release(reserved);
        if log.changes() == 0 {
            self.keep_scratch(value);
            return Ok(result);
        }
        if value.is_empty() {
            self.remove_as(env, key, Removal::Deleted, now_ms);
            self.keep_scratch(value);
            return Ok(result);
        }
        let fits = |bytes: &[u8]| bytes.len() <= INLINE_VALUE_BYTES_MAX && key.bytes.len() <= INLINE_KEY_BYTES_MAX;
        let written = if value.inline().is_some_and(fits) {
            let bytes = value.into_inline();
            let new = New { bytes: &bytes, body: None, kind: C::KIND, overdraw, keeps_tags: true };
            let written = self.write(env, key, new, handle, deadline_ms, flags, now_ms);
            self.scratch = bytes;
            written
        } else {
            let new = New { bytes: b"", body: Some(value.into_body()), kind: C::KIND, overdraw, keeps_tags: true };
            self.write(env, key, new, handle, deadline_ms, flags, now_ms)
        };
        let sequence = written?;
        match handle {
            Some(_) => self.tell_change::<C>(env, key, sequence, &log),
            None => self.tell_whole(env, key, sequence),
        }
        Ok(result)
    }

    fn keep_scratch<C: Collection>(&mut self, value: C) {
        if value.inline().is_some() {
            self.scratch = value.into_inline();
        }
    }

    fn tell_change<C: Collection>(&self, env: &Env, key: &Key<'_>, sequence: u64, log: &Log) {
        self.tell(env, key.slot, sequence, || Effect::Change {
            ns: key.ns,
            key: key.bytes,
            kind: C::KIND,
            changes: log.run(),
        });
    }

    /// Tells a collection that was just made as a whole, its deadline included.
    fn tell_whole(&self, env: &Env, key: &Key<'_>, sequence: u64) {
        if env.listener().is_none() {
            return;
        }
        let Some((_, handle)) = self.locate(env, key) else { return };
        let entry = self.view(handle, 0);
        let mut value = Vec::new();
        entry.write_to(&mut value);
        let (kind, deadline_ms, flags) = (entry.kind(), entry.deadline_ms(), entry.flags());
        self.tell(env, key.slot, sequence, || Effect::Put {
            ns: key.ns,
            key: key.bytes,
            kind,
            value: &value,
            deadline_ms,
            stale_until_ms: None,
            flags,
            keeps_tags: false,
            is_new: true,
        });
    }

    /// Removes the members of `key` that are due.
    pub(super) fn expire_members(&mut self, env: &Env, key: &Key<'_>, now_ms: UnixMs) {
        let Some((_, handle)) = self.locate(env, key) else { return };
        if self.view(handle, now_ms).members_are_over() {
            return self.remove_stale(env, key, Removal::Deleted);
        }
        // What is removed makes room; the little that the entry may still need is not refused.
        let purpose = Purpose { create: false, room_bytes: 0, overdraw: true };
        // Refused by nobody: the kind was just read, and nothing is needed.
        let _ = match Layout::read(self.heap.block(handle)).kind() {
            Kind::String | Kind::List | Kind::SortedSet => return,
            Kind::Set => self.edit::<Set, _>(env, key, purpose, now_ms, Set::expire),
            Kind::Hash => self.edit::<Hash, _>(env, key, purpose, now_ms, Hash::expire),
        };
        if let Some((_, handle)) = self.locate(env, key) {
            self.note_due_later(env, key, handle, now_ms);
        }
    }

    /// Notes when the entry or its members are due: a collection that may say so too early not before the next tick, or it
    /// would be looked at again and again within this one.
    fn note_due_later(&mut self, env: &Env, key: &Key<'_>, handle: Handle, now_ms: UnixMs) {
        let due = self.due_of(env, handle).max(env.ticks.reached(now_ms) + 1);
        self.note_due_of(env, key, due);
    }

    /// Stores a value of any kind as a whole, inline if it is short enough.
    #[allow(clippy::too_many_arguments)] // the pieces of one entry
    pub fn put_body(
        &mut self,
        env: &Env,
        key: &Key<'_>,
        body: Body,
        deadline: crate::Deadline,
        flags: crate::Flags,
        overdraw: bool,
        now_ms: UnixMs,
    ) -> Result<(), crate::OutOfMemory> {
        let fits = |bytes: &&[u8]| bytes.len() <= INLINE_VALUE_BYTES_MAX && key.bytes.len() <= INLINE_KEY_BYTES_MAX;
        let kind = body.kind();
        match body.inline().filter(fits).map(<[u8]>::to_vec) {
            Some(bytes) => {
                let new = New { body: None, kind, overdraw, ..New::of(&bytes) };
                self.put(env, key, new, deadline, flags, now_ms)
            }
            None if kind == Kind::String => {
                // Compressed, its bytes are nowhere; whoever listens has them made.
                let new = New { body: Some(body.clone()), kind, overdraw, ..New::of(body.bytes()) };
                self.put(env, key, new, deadline, flags, now_ms)
            }
            None => {
                let new = New { body: Some(body), kind, overdraw, ..New::of(b"") };
                self.put(env, key, new, deadline, flags, now_ms)
            }
        }
    }
}
