//! What a write would need, and whether it is there: for [`Guard::admit`](crate::Guard::admit).

use super::{Shard, is_apart};
use crate::admit::Planned;
use crate::entry::{self, INLINE_KEY_BYTES_MAX, Layout};
use crate::env::Env;
use crate::heap::Handle;
use crate::key::Key;
use crate::large::cost_bytes;
use crate::value::Kind;
use scrubjay_base::clock::UnixMs;

impl Shard {
    /// Whether the policy lets anything go.
    pub fn may_evict(&self) -> bool {
        self.policies.may_evict()
    }

    /// Whether `key` has a live entry.
    pub fn holds(&mut self, env: &Env, key: &Key<'_>, now_ms: UnixMs) -> bool {
        self.live(env, key, now_ms).is_some()
    }

    /// The block that a write needs, and what it is charged for what lives apart; `None` if it is written where the old
    /// entry is, or not at all.
    pub fn needs(&mut self, env: &Env, write: &Planned<'_>, now_ms: UnixMs) -> Option<(Layout, u64)> {
        let key = write.key;
        let old = self.live(env, key, now_ms);
        let (deadline_ms, flags) = self.resolve(env, key.ns, old, write.deadline, write.flags, now_ms);
        if deadline_ms.is_some_and(|at| at <= now_ms) {
            return None;
        }
        let (key_bytes, value_bytes) = (key.bytes.len(), write.value_bytes);
        let apart = is_apart(key_bytes, value_bytes);
        let layout = Layout::new(key.ns.0, Kind::String, key_bytes, value_bytes, apart, deadline_ms.is_some(), flags);
        if apart {
            let key_apart = if key_bytes > INLINE_KEY_BYTES_MAX { key_bytes } else { 0 };
            return Some((layout, cost_bytes(key_apart, value_bytes)));
        }
        let old = old.map(|handle| Layout::read(self.heap.block(handle)));
        let stays = old.is_some_and(|old| !old.is_large() && old.granules() == layout.granules());
        (!stays).then_some((layout, 0))
    }

    /// By how much a write lets its namespace grow.
    pub fn growth_bytes(&mut self, env: &Env, write: &Planned<'_>, now_ms: UnixMs) -> u64 {
        let Some((layout, apart)) = self.needs(env, write, now_ms) else { return 0 };
        let before = self.locate(env, write.key).map_or(0, |(_, old)| self.bytes_at(old));
        (super::size_of_block(layout) + apart).saturating_sub(before)
    }

    /// A block from holes, the open end or a new segment, marked as taken.
    pub fn try_block(&mut self, env: &Env, layout: Layout) -> Option<Handle> {
        let size = layout.granules();
        let mut handle = self.heap.allocate(size);
        if handle.is_none()
            && self.heap.can_grow()
            && let Some(segment) = env.pool.take()
        {
            self.heap.add_segment(segment);
            handle = self.heap.allocate(size);
        }
        if let Some(handle) = handle {
            // Neighbours that are released look at it.
            entry::write_head(self.heap.block_mut(handle), layout);
        }
        handle
    }

    /// Takes a block of [`Shard::try_block`] back. Segments that it opened stay, to be written to.
    pub fn undo_block(&mut self, handle: Handle, layout: Layout) {
        self.heap.release(handle, layout.granules());
    }

    /// Gives segments back that nothing was written to.
    pub fn drop_empty_segments(&mut self, env: &Env) {
        self.heap.release_empty_segments(&env.pool);
    }

    /// Takes memory from a shard that the caller has not locked.
    pub fn take_from_others(&mut self, env: &Env, now_ms: UnixMs) -> bool {
        env.shards.len() > 1
            && env.any_other(self.number, &mut self.rng, |other| other.give_up_memory(env, None, now_ms))
    }
}
