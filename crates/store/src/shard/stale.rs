//! Entries past their deadline that are kept for those who take them stale, and the leases on replacing them.
//!
//! ```text
//!   written ---- fresh ---- deadline ---- stale ---- until: removed
//!                           a plain read misses it; a write, and a removal, find it and end it
//! ```
//! A flush, a removal and every write also end the lease of the key: who loads it has loaded what was there before.

use super::Shard;
use crate::effect::{Effect, Removal};
use crate::entry::{self, Layout};
use crate::env::Env;
use crate::evict::Evict;
use crate::heap::Handle;
use crate::key::{Key, Ns};
use crate::lease::{Lease, Leases};
use crate::table::Place;
use crate::{Access, Deadline, Entry};
use scrubjay_base::clock::UnixMs;
use std::sync::atomic::Ordering::Relaxed;

impl Shard {
    /// The deadline of the key's entry has passed: removes it, unless it is kept as stale.
    #[cold]
    pub(super) fn expire(&mut self, env: &Env, key: &Key<'_>, place: Place, handle: Handle, now_ms: UnixMs) {
        let block = self.heap.block(handle);
        let is_over = Layout::read(block).end_ms(block).is_some_and(|at| at <= now_ms);
        if is_over || self.is_hidden(env, handle, key.slot, key.hash) {
            self.take_out(env, self.table_index(env, key), key.hash, place, handle, Some(Removal::Expired));
        }
    }

    /// Removes what is kept as stale under `key`, which is known to have no live entry, and voids its lease.
    pub(super) fn remove_stale(&mut self, env: &Env, key: &Key<'_>, cause: Removal) {
        let voided = self.void_lease(env, key);
        if let Some((place, handle)) = self.locate(env, key) {
            self.take_out(env, self.table_index(env, key), key.hash, place, handle, Some(cause));
        } else if voided {
            tell_end(env, key);
        }
    }

    /// See [`Guard::get_or_stale`](crate::Guard::get_or_stale).
    pub fn get_or_stale(&mut self, env: &Env, key: &Key<'_>, access: Access, now_ms: UnixMs) -> Option<Entry<'_>> {
        let found = match self.live(env, key, now_ms) {
            Some(handle) => Some(handle),
            // Of a collection nothing is kept as stale.
            None => self.locate(env, key).map(|(_, at)| at).filter(|at| Layout::read(self.heap.block(*at)).is_string()),
        };
        if matches!(access, Access::Read | Access::ReadNoTouch) {
            self.counters.hits += u64::from(found.is_some());
            self.counters.misses += u64::from(found.is_none());
        }
        let handle = found?;
        if matches!(access, Access::Read | Access::Write) {
            let block = self.heap.block_mut(handle);
            let rank = self.policies.of_mut(key.ns.0).touch(entry::rank(block), now_ms);
            entry::set_rank(block, rank);
        }
        Some(self.view(handle, now_ms))
    }

    /// Until when a string that is written with `deadline` in place of `old` is to be kept beyond it.
    #[inline]
    pub(super) fn kept_until_ms(&self, old: Option<Handle>, deadline: Deadline) -> Option<UnixMs> {
        match deadline {
            Deadline::Stale { at, until } => Some(until.min(entry::DEADLINE_MS_MAX)).filter(|&until| until > at),
            Deadline::Keep => {
                let block = self.heap.block(old?);
                Layout::read(block).stale_until_ms(block)
            }
            Deadline::At(_) | Deadline::Never | Deadline::Default => None,
        }
    }

    /// Keeps the key's entry until `until_ms`, with this deadline.
    pub(super) fn keep_stale(
        &mut self,
        env: &Env,
        key: &Key<'_>,
        deadline_ms: UnixMs,
        until_ms: UnixMs,
        now_ms: UnixMs,
    ) {
        let Some((_, handle)) = self.locate(env, key) else { return };
        let block = self.heap.block(handle);
        let (old, flags) = (Layout::read(block), Layout::read(block).flags(block));
        if !old.is_kept_stale() {
            let inline = old.value().len();
            let layout = Layout::new(key.ns.0, old.kind(), key.bytes.len(), inline, old.is_large(), true, flags)
                .tagged(old.is_tagged())
                .compressed(old.is_compressed())
                .with_stale();
            let moved = self.relayout(env, key, layout, Some(deadline_ms), flags, now_ms);
            if moved.is_err() {
                return; // the machine itself has no memory left: it expires at its deadline
            }
        }
        let Some((_, handle)) = self.locate(env, key) else { return };
        let block = self.heap.block_mut(handle);
        entry::set_deadline(block, deadline_ms);
        entry::set_stale_until(block, Layout::read(block), until_ms);
        let due = self.due_of(env, handle);
        self.note_due_of(env, key, due);
    }

    /// See [`Guard::invalidate`](crate::Guard::invalidate).
    pub fn invalidate(&mut self, env: &Env, key: &Key<'_>, until_ms: UnixMs, now_ms: UnixMs) -> Option<bool> {
        let Some(entry) = self.get_or_stale(env, key, Access::Peek, now_ms) else {
            if self.void_lease(env, key) {
                tell_end(env, key);
            }
            return Some(false);
        };
        if !entry.is_string() {
            return None;
        }
        let until_ms = until_ms.min(entry::DEADLINE_MS_MAX);
        if until_ms <= now_ms {
            let was_live = self.remove_as(env, key, Removal::Deleted, now_ms);
            debug_assert!(was_live || self.locate(env, key).is_none());
            return Some(true);
        }
        self.keep_stale(env, key, now_ms, until_ms, now_ms);
        self.void_lease(env, key);
        let sequence = self.next_sequence(env, key.slot);
        if let Some((_, handle)) = self.locate(env, key) {
            let block = self.heap.block_mut(handle);
            entry::set_sequence(block, Layout::read(block), sequence);
        }
        let (deadline_ms, stale_until_ms) = (Some(now_ms), Some(until_ms));
        self.tell(env, key.slot, sequence, || Effect::Deadline {
            ns: key.ns,
            key: key.bytes,
            deadline_ms,
            stale_until_ms,
        });
        Some(true)
    }

    /// See [`Guard::lease`](crate::Guard::lease).
    pub fn lease(&mut self, env: &Env, key: &Key<'_>, ttl_ms: u64, now_ms: UnixMs) -> Lease {
        let before = self.lease_bytes();
        let token = env.lease_tokens.fetch_add(1, Relaxed);
        let until_ms = now_ms.saturating_add(ttl_ms);
        let lease = self.leases.get_or_insert_default().take(key.ns, key.hash, token, until_ms, now_ms);
        self.settle_leases(env, before);
        lease
    }

    /// See [`Guard::lease_until_ms`](crate::Guard::lease_until_ms).
    pub fn lease_until_ms(&self, key: &Key<'_>, now_ms: UnixMs) -> Option<UnixMs> {
        self.leases.as_ref().and_then(|leases| leases.until_ms(key.hash, now_ms))
    }

    /// See [`Guard::holds_lease`](crate::Guard::holds_lease).
    pub fn holds_lease(&self, key: &Key<'_>, token: u64, now_ms: UnixMs) -> bool {
        self.leases.as_ref().is_some_and(|leases| leases.is_held(key.hash, token, now_ms))
    }

    /// See [`Guard::release_lease`](crate::Guard::release_lease).
    pub fn release_lease(&mut self, env: &Env, key: &Key<'_>, token: u64, now_ms: UnixMs) -> bool {
        let held = self.holds_lease(key, token, now_ms);
        if held {
            self.void_lease(env, key);
            tell_end(env, key);
        }
        held
    }

    /// The key was written or removed: whoever may fill it may no longer. Whether somebody might.
    #[inline]
    pub(super) fn void_lease(&mut self, env: &Env, key: &Key<'_>) -> bool {
        self.leases.is_some() && self.change_leases(env, |leases| leases.end(key.hash))
    }

    /// As [`Shard::void_lease`], for every key of a namespace, or of all.
    pub(super) fn void_leases(&mut self, env: &Env, ns: Option<Ns>) {
        if self.leases.is_some() {
            self.change_leases(env, |leases| leases.end_all(ns));
        }
    }

    /// Housekeeping: forgets leases whose time is over.
    pub fn end_leases(&mut self, env: &Env, now_ms: UnixMs) {
        if self.leases.is_some() {
            self.change_leases(env, |leases| leases.end_due(now_ms));
        }
    }

    #[cold]
    fn change_leases<R: Default>(&mut self, env: &Env, act: impl FnOnce(&mut Leases) -> R) -> R {
        let before = self.lease_bytes();
        let Some(leases) = &mut self.leases else { return R::default() };
        let result = act(leases);
        if leases.is_empty() {
            self.leases = None;
        }
        self.settle_leases(env, before);
        result
    }

    fn lease_bytes(&self) -> u64 {
        self.leases.as_ref().map_or(0, |leases| leases.bytes())
    }

    /// Counts what the table of leases takes now, which took `before`.
    fn settle_leases(&mut self, env: &Env, before: u64) {
        let after = self.lease_bytes();
        self.charged_bytes = self.charged_bytes + after - before;
        if after > before {
            env.budget.charge(after - before);
        } else {
            env.budget.release(before - after);
        }
    }
}

/// Tells that a lease ended although nothing was changed.
fn tell_end(env: &Env, key: &Key<'_>) {
    if let Some(journal) = env.listener() {
        journal.lease_ended(key.ns, key.bytes);
    }
}
