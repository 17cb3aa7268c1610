//! What concerns all of the store at once: scanning, counting, flushing, a random key.
//!
//! Two who can do it: the [`Store`], which takes one shard's lock after the other, so that others go on in between; and a
//! [`Guard`] over everything, under which a transaction sees one moment's picture.

use crate::env::Env;
use crate::groups::Group;
use crate::guard::Guard;
use crate::key::Ns;
use crate::shard::{Entry, Shard};
use crate::store::Store;
use scrubjay_base::clock::UnixMs;
use scrubjay_base::rand::Rng;
use std::collections::BTreeSet;

/// A scan's cursor: the table in the low bits, the position in hash space above.
const CURSOR_TABLE_BITS: u32 = 14;

/// An entry as a scan shows it.
pub struct Scanned<'g> {
    /// The key.
    pub key: &'g [u8],
    /// The entry.
    pub entry: Entry<'g>,
}

/// Who reaches every shard.
pub(crate) trait Shards {
    /// What they share.
    fn env(&self) -> &Env;
    /// Has shard `number` to itself while `act` runs.
    fn with<R>(&mut self, number: usize, act: impl FnOnce(&mut Shard, &Env) -> R) -> R;
}

impl Shards for &Store {
    fn env(&self) -> &Env {
        &self.env
    }

    fn with<R>(&mut self, number: usize, act: impl FnOnce(&mut Shard, &Env) -> R) -> R {
        act(&mut self.env.shards[number].shard.lock(), &self.env)
    }
}

impl Shards for Guard<'_> {
    fn env(&self) -> &Env {
        self.env
    }

    fn with<R>(&mut self, number: usize, act: impl FnOnce(&mut Shard, &Env) -> R) -> R {
        let env = self.env;
        act(self.shard_number(number as u32), env)
    }
}

/// What can be done with all of the store. A guard must hold all of it.
pub trait Everywhere {
    /// One step of a full scan: calls `visit` for every live entry of the namespace in some buckets, and returns the next
    /// cursor (0 at the end). An entry present from the start to the end of a full scan is visited at least once, whatever
    /// happens to the tables meanwhile. `effort`: about how many entries to look at in this step. The callback runs under
    /// the lock: copy and return. An unknown cursor is taken as the nearest position after it.
    fn scan(&mut self, ns: Ns, cursor: u64, effort: usize, now_ms: UnixMs, visit: &mut dyn FnMut(Scanned<'_>)) -> u64;

    /// A random live key of the namespace, or `None` if it has none.
    fn random_key(&mut self, ns: Ns, now_ms: UnixMs) -> Option<Vec<u8>>;

    /// How many entries the namespace has (expired ones that are not yet removed included).
    fn len(&mut self, ns: Ns) -> u64;

    /// Deletes every entry of these groups: hidden at once, reclaimed by housekeeping. In how many slots there was anything;
    /// one of them may have held nothing of any group. Cost: O(slots x groups), however many entries they cover.
    fn hide(&mut self, ns: Ns, groups: &[Group<'_>]) -> usize;

    /// Removes every entry of the namespace (`None`: of all). Returns how many. Each shard is emptied at once; a write
    /// that runs meanwhile is before or after its own shard's turn.
    fn flush(&mut self, ns: Option<Ns>) -> u64;
}

impl<S: Shards> Everywhere for S {
    fn scan(&mut self, ns: Ns, cursor: u64, effort: usize, now_ms: UnixMs, visit: &mut dyn FnMut(Scanned<'_>)) -> u64 {
        let (mut table, mut from) =
            ((cursor & ((1 << CURSOR_TABLE_BITS) - 1)) as usize, (cursor >> CURSOR_TABLE_BITS) as u32);
        let mut left = effort.max(1);
        let bits = self.env().shard_bits();
        let shard_mask = self.env().shard_mask;
        let own = self.env().namespaces.span(ns).map(|span| ((span.count as usize) << bits) - 1);
        let table_mask = own.unwrap_or(self.env().table_mask);
        if table > table_mask {
            // The namespace was given fewer tables since: the rest is spread over all of them.
            (table, from) = (0, 0);
        }
        // Empty tables cost a look each: a bound keeps a step short in an almost empty store.
        let mut looks = effort.saturating_mul(16).max(1024);
        while table <= table_mask {
            let (next, seen) = self.with(table & shard_mask, |shard, env| {
                shard.scan(env, ns, (table >> bits, from), left, now_ms, |key, entry| {
                    visit(Scanned { key, entry });
                })
            });
            (table, from) = match next {
                Some(next) => (table, next),
                None => (table + 1, 0),
            };
            left = left.saturating_sub(seen);
            looks -= 1;
            if (left == 0 || looks == 0) && table <= table_mask {
                return u64::from(from) << CURSOR_TABLE_BITS | table as u64;
            }
        }
        0
    }

    fn random_key(&mut self, ns: Ns, now_ms: UnixMs) -> Option<Vec<u8>> {
        let shards = self.env().shards.len();
        let counts: Vec<u32> = (0..shards)
            .map(|number| self.with(number, |shard, _| shard.per_ns[ns.0 as usize].entries as u32))
            .collect();
        let mut rng = Rng::new(self.with(0, |shard, _| shard.rng().next_u64()));
        let first = crate::evict::weighted(&counts, &mut rng)?;
        (0..shards).find_map(|step| self.with((first + step) % shards, |shard, env| shard.random_key(env, ns, now_ms)))
    }

    fn len(&mut self, ns: Ns) -> u64 {
        (0..self.env().shards.len()).map(|number| self.with(number, |s, _| s.per_ns[ns.0 as usize].entries)).sum()
    }

    fn hide(&mut self, ns: Ns, groups: &[Group<'_>]) -> usize {
        let env = self.env();
        // Groups that can be in one slot only need not be looked for anywhere else.
        let only: Option<BTreeSet<usize>> =
            groups.iter().map(|group| group.only_slot().map(|slot| env.shard_of(slot))).collect();
        let all = only.unwrap_or_else(|| (0..env.shards.len()).collect());
        all.into_iter().map(|number| self.with(number, |shard, env| shard.hide(env, ns, groups))).sum()
    }

    fn flush(&mut self, ns: Option<Ns>) -> u64 {
        (0..self.env().shards.len()).map(|number| self.with(number, |shard, env| shard.flush(env, ns))).sum()
    }
}
