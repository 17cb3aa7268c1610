//! Admitting the writes of one command: all of them fit, or none is made.
//!
//! ```text
//!   roomy? --yes--> go                         the ordinary case: a sum and a comparison
//!     no: a trial: every block is allocated in order, from holes, open ends and new segments, and all is released again
//!         all placed? --yes--> go              the same greedy order finds the same places
//!         no: evict and compact for what was not placed, and try again; or refuse
//! ```
//!
//! Counting bytes will not do: holes add up to more than they hold, and a command that was let in by the sum took what it
//! lacked from beyond the limit. 100 KB at a time, a full `noeviction` node grew without end.

use crate::entry::Layout;
use crate::guard::Guard;
use crate::heap::Handle;
use crate::key::{Key, Ns};
use crate::pool::SEGMENT_BYTES;
use crate::shard::Shard;
use crate::{Deadline, Flags, OutOfMemory};
use std::sync::atomic::Ordering::Relaxed;

/// Trials before a command is refused: what it lacked is made free after the first, room for all of it after the second;
/// what is left over are compactions that free too little at a time.
const TRIALS_MAX: usize = 8;

/// A string that is to be written. All those of one command are of one namespace.
#[derive(Clone, Copy, Debug)]
pub struct Planned<'k> {
    /// Its key, whose slot the guard holds.
    pub key: &'k Key<'k>,
    /// Its length.
    pub value_bytes: usize,
    /// As for [`Guard::put`].
    pub deadline: Deadline,
    /// As for [`Guard::put`].
    pub flags: Flags,
}

impl Guard<'_> {
    /// Promises that these puts fit, if they are the next under this guard, so that a command of several writes is refused as
    /// a whole or not at all. Errors: [`OutOfMemory`]; nothing was changed, though entries may have been evicted.
    ///
    /// Cost: O(writes) where memory is short, else O(shards held) and one addition a write.
    pub fn admit<'k>(&mut self, writes: impl Iterator<Item = Planned<'k>> + Clone) -> Result<(), OutOfMemory> {
        self.promised = 0;
        let limit = if !self.quota_fits(writes.clone()) {
            OutOfMemory::Namespace
        } else if !self.new_entries_fit(writes.clone())
            || !self.is_roomy(writes.clone()) && !self.try_out(writes.clone())
        {
            OutOfMemory::Node
        } else {
            self.promised = writes.count();
            return Ok(());
        };
        self.first.1.counters.refused += 1;
        Err(limit)
    }

    /// Whether the writes fit under the limit of their namespace, after evicting what has to go for them.
    fn quota_fits<'k>(&mut self, writes: impl Iterator<Item = Planned<'k>> + Clone) -> bool {
        let (env, now_ms) = (self.env, self.now_ms);
        let Some(ns) = writes.clone().next().map(|write| write.key.ns) else { return true };
        for _ in 0..TRIALS_MAX {
            let max = env.namespaces.max_bytes(ns);
            if max == 0 {
                return true;
            }
            // What is evicted may have been one of those that are to be written, which then needs more.
            let more: u64 = writes.clone().map(|write| self.shard(write.key).growth_bytes(env, &write, now_ms)).sum();
            if env.namespaces.used_bytes(ns) + more <= max {
                return true;
            }
            if more > max || !self.evict_for_quota(ns, more) {
                return false;
            }
        }
        false
    }

    /// Evicts entries of the namespace until `bytes` more fit under its limit. Whether they do.
    fn evict_for_quota(&mut self, ns: Ns, bytes: u64) -> bool {
        let (env, now_ms) = (self.env, self.now_ms);
        let (mut idle, mut at) = (0, 0);
        let shards = 1 + self.others.len();
        while env.namespaces.used_bytes(ns) + bytes > env.namespaces.max_bytes(ns) {
            let shard = if at == 0 { &mut self.first.1 } else { &mut self.others[at - 1].1 };
            at = (at + 1) % shards;
            idle = if shard.evict_of(env, ns, None, now_ms) { 0 } else { idle + 1 };
            if idle == shards && !self.first.1.evict_of_elsewhere(env, ns, now_ms) {
                return false;
            }
            idle %= shards;
        }
        true
    }

    /// Whether there is so much room that nothing has to be tried.
    fn is_roomy<'k>(&self, writes: impl Iterator<Item = Planned<'k>>) -> bool {
        let budget = &self.env.budget;
        budget.max_bytes() == 0
            || budget.used_bytes() + self.segments_bytes() + writes.map(room_bytes_max).sum::<u64>()
                <= budget.max_bytes()
    }

    /// A segment for each shard: what placing entries may leave unused.
    fn segments_bytes(&self) -> u64 {
        (1 + self.others.len() as u64) * SEGMENT_BYTES as u64
    }

    /// Under an entry limit without eviction, whether there is a place for every key that is new.
    fn new_entries_fit<'k>(&mut self, writes: impl Iterator<Item = Planned<'k>>) -> bool {
        let (env, now_ms) = (self.env, self.now_ms);
        let max = env.max_entries.load(Relaxed);
        if max == 0 || self.first.1.may_evict() {
            return true;
        }
        let new = writes.filter(|write| !self.shard(write.key).holds(env, write.key, now_ms)).count() as u64;
        new == 0 || env.entries.load(Relaxed) + new <= max
    }

    fn try_out<'k>(&mut self, writes: impl Iterator<Item = Planned<'k>> + Clone) -> bool {
        for trial in 0..TRIALS_MAX {
            let mut missing = self.trial(writes.clone());
            if missing == 0 {
                return true;
            }
            if trial > 0 {
                // Each shard may lack a segment, and compaction may have closed the holes that the first trial found.
                missing = self.segments_bytes() + writes.clone().map(room_bytes_max).sum::<u64>();
            }
            if !self.make_free(missing) {
                return false;
            }
        }
        false
    }

    /// Places every write with what is there, and takes all of it back. Returns 0 if that went well, else about how much
    /// has to be free for it.
    fn trial<'k>(&mut self, writes: impl Iterator<Item = Planned<'k>>) -> u64 {
        let (env, now_ms) = (self.env, self.now_ms);
        let (mut placed, mut charged, mut missing) = (Vec::<(u32, Handle, Layout)>::new(), 0, 0);
        let used_before = env.budget.used_bytes();
        for write in writes {
            if missing > 0 {
                missing += room_bytes_max(write);
                continue;
            }
            let number = env.shard_of(write.key.slot) as u32;
            let shard = self.shard(write.key);
            let Some((layout, apart)) = shard.needs(env, &write, now_ms) else { continue };
            if apart > 0 && !env.budget.try_reserve(apart) {
                missing = room_bytes_max(write);
                continue;
            }
            charged += apart;
            match shard.try_block(env, layout) {
                Some(handle) => placed.push((number, handle, layout)),
                None => missing = room_bytes_max(write),
            }
        }
        let used = env.budget.used_bytes().saturating_sub(used_before);
        env.budget.release(charged);
        // Backwards, so that joined holes come apart again as they were.
        for (number, handle, layout) in placed.into_iter().rev() {
            self.shard_number(number).undo_block(handle, layout);
        }
        if missing > 0 {
            missing += used + SEGMENT_BYTES as u64;
            self.each_shard(|shard| shard.drop_empty_segments(env));
        }
        missing
    }

    /// Evicts and compacts until about `bytes` are free, here first. Whether anything was gained.
    fn make_free(&mut self, bytes: u64) -> bool {
        let (env, now_ms) = (self.env, self.now_ms);
        let (used, max) = (env.budget.used_bytes(), env.budget.max_bytes());
        if bytes.saturating_sub(self.segments_bytes()) > max {
            return false; // would empty the cache and still not fit
        }
        let (mut gained, mut idle, mut at) = (false, 0, 0);
        let shards = 1 + self.others.len();
        while env.budget.used_bytes() + bytes > max {
            let shard = if at == 0 { &mut self.first.1 } else { &mut self.others[at - 1].1 };
            at = (at + 1) % shards;
            if shard.give_up_memory(env, None, now_ms) {
                (gained, idle) = (true, 0);
                continue;
            }
            idle += 1;
            if idle < shards {
                continue;
            }
            if !self.first.1.take_from_others(env, now_ms) {
                break;
            }
            gained = true;
        }
        gained || env.budget.used_bytes() < used
    }

    fn each_shard(&mut self, mut act: impl FnMut(&mut Shard)) {
        act(&mut self.first.1);
        self.others.iter_mut().for_each(|(_, shard)| act(shard));
    }
}

/// The most that a write may take, what it leaves unused of its segment included: an eighth of a segment at most stays
/// behind the last entry that fits.
fn room_bytes_max(write: Planned<'_>) -> u64 {
    let (key, value) = (write.key.bytes.len(), write.value_bytes);
    if crate::shard::is_apart(key, value) {
        return crate::large::cost_bytes(key, value)
            + 2 * crate::entry::LARGEST_HEADER_BYTES as u64
            + key.min(2048) as u64;
    }
    let block = (crate::entry::LARGEST_HEADER_BYTES + key + value) as u64;
    block + block / 7
}
