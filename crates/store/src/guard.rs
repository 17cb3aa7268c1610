//! A guard: some slots, locked, and everything that can be done with the keys in them.
//!
//! One slot's shard for most commands; several, taken in ascending order, for commands over several keys. Whoever holds a
//! guard sees and makes its changes atomically. Never hold one across I/O, and never take a second one while holding one.

use crate::compress::Incoming;
use crate::env::Env;
use crate::key::Key;
use crate::large::Body;
use crate::lease::Lease;
use crate::shard::{Entry, New, Purpose, Shard};
use crate::value::{Collection, Edit, Refused, WrongKind};
use crate::{Access, Deadline, Flags, OutOfMemory, Removal};
use parking_lot::MutexGuard;
use scrubjay_base::clock::UnixMs;
use scrubjay_base::rand::Rng;
use std::ops::{Deref, DerefMut};

/// Shards beyond the first, ascending by number: nothing for nearly every guard, which one comparison finds when it is
/// dropped. A vector here is three words to make, and a loop to drop.
#[derive(Default)]
pub(crate) struct Others<'s>(Option<Box<[Held<'s>]>>);

/// A shard and its number.
type Held<'s> = (u32, MutexGuard<'s, Shard>);

impl<'s> Others<'s> {
    #[inline(always)]
    fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

impl<'s> FromIterator<Held<'s>> for Others<'s> {
    fn from_iter<I: IntoIterator<Item = Held<'s>>>(shards: I) -> Others<'s> {
        let held: Box<[_]> = shards.into_iter().collect();
        Others((!held.is_empty()).then_some(held))
    }
}

impl<'s> Deref for Others<'s> {
    type Target = [Held<'s>];

    fn deref(&self) -> &Self::Target {
        self.0.as_deref().unwrap_or_default()
    }
}

impl DerefMut for Others<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.0.as_deref_mut().unwrap_or_default()
    }
}

/// Some slots, locked.
pub struct Guard<'s> {
    pub(crate) env: &'s Env,
    /// Nearly always the only one.
    pub(crate) first: Held<'s>,
    /// The others, ascending by shard number like the first.
    pub(crate) others: Others<'s>,
    pub(crate) now_ms: UnixMs,
    /// How many of the coming puts `admit` promised room for. A transaction goes on under its guard: what it writes after
    /// them was promised nothing.
    pub(crate) promised: usize,
}

impl Guard<'_> {
    /// The time at which everything under this guard happens.
    pub fn now_ms(&self) -> UnixMs {
        self.now_ms
    }

    #[inline(always)]
    pub(crate) fn shard(&mut self, key: &Key<'_>) -> &mut Shard {
        self.shard_number(self.env.shard_of(key.slot) as u32)
    }

    /// A shard that is held.
    #[inline(always)]
    pub(crate) fn shard_number(&mut self, number: u32) -> &mut Shard {
        if self.others.is_empty() || number == self.first.0 {
            debug_assert_eq!(self.first.0, number, "the slot is not locked");
            return &mut self.first.1;
        }
        match self.others.binary_search_by_key(&number, |(n, _)| *n) {
            Ok(at) => &mut self.others[at].1,
            Err(_) => unreachable!("the slot is not locked"),
        }
    }

    /// Brings the cache lines of these keys near, all of which this guard holds; best for a batch of 8 to 64.
    #[inline]
    pub fn prefetch(&mut self, keys: &[Key<'_>]) {
        let env = self.env;
        env.prefetch_buckets(keys);
        for key in keys {
            let shard = self.shard(key);
            shard.prefetch(env, key);
        }
    }

    /// The entry of `key`. One whose deadline has passed is removed (effect `Expired`) and not returned.
    #[inline]
    pub fn get(&mut self, key: &Key<'_>, access: Access) -> Option<Entry<'_>> {
        let (env, now_ms) = (self.env, self.now_ms);
        self.shard(key).get(env, key, access, now_ms)
    }

    /// Makes `value` the key's value, whatever was there. A deadline that is already past removes the key (effect
    /// `Expired`) and counts as stored. Errors: [`OutOfMemory`]; nothing of the key was changed.
    #[inline]
    pub fn put(&mut self, key: &Key<'_>, value: &[u8], deadline: Deadline, flags: Flags) -> Result<(), OutOfMemory> {
        let incoming = Incoming { bytes: value, compressed: self.env.compression.compress(value) };
        self.put_incoming(key, incoming, deadline, flags)
    }

    /// As [`Guard::put`], with what [`Store::incoming`](crate::Store::incoming) made of the value before the slot was locked.
    #[inline(always)]
    pub fn put_incoming(
        &mut self,
        key: &Key<'_>,
        value: Incoming<'_>,
        deadline: Deadline,
        flags: Flags,
    ) -> Result<(), OutOfMemory> {
        let (env, now_ms, overdraw) = (self.env, self.now_ms, self.promised > 0);
        self.promised = self.promised.saturating_sub(1);
        self.shard(key).put(env, key, New::string(value, overdraw), deadline, flags, now_ms)
    }

    /// The entry of `key` for a command on strings. Errors: it holds another kind.
    #[inline(always)]
    pub fn string(&mut self, key: &Key<'_>, access: Access) -> Result<Option<Entry<'_>>, WrongKind> {
        match self.get(key, access) {
            Some(entry) if !entry.is_string() => Err(WrongKind),
            found => Ok(found),
        }
    }

    /// The collection of `key`, if there is one. Errors: it holds another kind.
    #[inline]
    pub fn view<C: Collection>(&mut self, key: &Key<'_>, access: Access) -> Result<Option<C::View<'_>>, WrongKind> {
        match self.get(key, access) {
            Some(entry) => entry.view::<C>().map(Some).ok_or(WrongKind),
            None => Ok(None),
        }
    }

    /// The collection of `key`, if it has one of this kind, seen beside others; it counts as no access. What a command over
    /// several keys first asks for by [`Guard::view`], one after the other.
    pub fn peek<C: Collection>(&self, key: &Key<'_>) -> Option<C::View<'_>> {
        let number = self.env.shard_of(key.slot) as u32;
        let mut held = std::iter::once(&self.first).chain(self.others.iter());
        let (_, shard) = held.find(|(held, _)| *held == number)?;
        shard.peek(self.env, key, self.now_ms)?.view::<C>()
    }

    /// Lets `act` change the collection of `key`, and returns what it returns; `None` if there is no such key and it is not
    /// to be made. A collection that ends up empty is removed; one that is made has the default lifetime; one that `act`
    /// leaves alone is not written. Members whose deadline has passed go beforehand. `room_bytes`: about how much it will
    /// grow, made free beforehand.
    ///
    /// Errors: [`Refused`]; nothing was changed, though `act` may have run on a copy.
    pub fn edit<C: Collection, R>(
        &mut self,
        key: &Key<'_>,
        create: bool,
        room_bytes: usize,
        act: impl FnOnce(&mut Edit<'_, C>) -> R,
    ) -> Result<Option<R>, Refused> {
        let (env, now_ms, overdraw) = (self.env, self.now_ms, self.promised > 0);
        self.shard(key).edit(env, key, Purpose { create, room_bytes, overdraw }, now_ms, |edit: &mut Edit<'_, C>| {
            if edit.value.is_due(now_ms) {
                C::expire(edit);
            }
            act(edit)
        })
    }

    /// Makes `body`, of whatever kind, the key's value, as [`Guard::put`] does a string. Errors: as there.
    pub fn put_body(&mut self, key: &Key<'_>, body: Body, deadline: Deadline, flags: Flags) -> Result<(), OutOfMemory> {
        let (env, now_ms, overdraw) = (self.env, self.now_ms, self.promised > 0);
        self.shard(key).put_body(env, key, body, deadline, flags, overdraw, now_ms)
    }

    /// A random number source of the key's shard.
    pub fn rng(&mut self, key: &Key<'_>) -> &mut Rng {
        self.shard(key).rng()
    }

    /// Tells whoever listens that the effects from here on, or up to here, belong together.
    pub fn batch(&self, begins: bool) {
        if let Some(journal) = self.env.listener() {
            journal.batch(begins);
        }
    }

    /// Gives the entry of `from` to `to`, whose slot this guard holds too, with value, deadline and flags; what was under
    /// `to` is gone. Never refused: it takes no room that the entry did not take before. Whether `from` was there. Cost:
    /// O(value), O(1) for large values.
    pub fn rename(&mut self, from: &Key<'_>, to: &Key<'_>) -> bool {
        let Some(entry) = self.get(from, Access::Peek) else { return false };
        if from.ns == to.ns && from.bytes == to.bytes {
            return true;
        }
        let (deadline, flags) = (entry.deadline(), entry.flags());
        let (env, now_ms) = (self.env, self.now_ms);
        let tags = self.shard(from).tags_of(from.hash);
        let Some(body) = self.shard(from).take(env, from, now_ms) else { return false };
        // Fails only if the machine itself refuses a segment of memory; then the entry is gone, as if evicted.
        let moved = self.shard(to).put_body(env, to, body, deadline, Flags::Set(flags), true, now_ms).is_ok();
        self.carry_tags(&tags, to);
        moved
    }

    /// Gives the key these tags in place of those that it has, if it is there. They stay until its value is replaced as a
    /// whole, and go with it to another name.
    pub fn set_tags(&mut self, key: &Key<'_>, names: &[&[u8]]) {
        let env = self.env;
        self.shard(key).set_tags(env, key, names);
    }

    /// Gives the entry of `to`, which was just written, the tags of the one whose value it was given.
    fn carry_tags(&mut self, tags: &[Vec<u8>], to: &Key<'_>) {
        if !tags.is_empty() {
            let names: Vec<&[u8]> = tags.iter().map(Vec::as_slice).collect();
            self.set_tags(to, &names);
        }
    }

    /// Copies the entry of `from`, with value, deadline, flags and tags, to `to`. Whether `from` was there. Errors:
    /// [`OutOfMemory`]; nothing was changed.
    pub fn copy(&mut self, from: &Key<'_>, to: &Key<'_>) -> Result<bool, OutOfMemory> {
        let Some(entry) = self.get(from, Access::Peek) else { return Ok(false) };
        let (body, flags) = (entry.body(), Flags::Set(entry.flags()));
        let deadline = entry.deadline();
        let tags = self.shard(from).tags_of(from.hash);
        self.put_body(to, body, deadline, flags)?;
        self.carry_tags(&tags, to);
        Ok(true)
    }

    /// Writes `bytes` at `offset` into the key's value, padding with zeros; creates the key if it is absent. Deadline and
    /// flags stay. Returns the new length. Errors: [`OutOfMemory`]; nothing of the key was changed. Cost: O(bytes), and
    /// amortised O(1) copies of a growing large value.
    pub fn write_at(&mut self, key: &Key<'_>, offset: usize, bytes: &[u8]) -> Result<usize, OutOfMemory> {
        let (env, now_ms) = (self.env, self.now_ms);
        self.shard(key).write_at(env, key, offset, bytes, now_ms)
    }

    /// Removes the key. Whether it was there.
    pub fn remove(&mut self, key: &Key<'_>) -> bool {
        let (env, now_ms) = (self.env, self.now_ms);
        self.shard(key).remove_as(env, key, Removal::Deleted, now_ms)
    }

    /// Sets or clears the deadline. A past deadline removes the key. Whether the key was there.
    pub fn set_deadline(&mut self, key: &Key<'_>, deadline_ms: Option<UnixMs>) -> bool {
        let (env, now_ms) = (self.env, self.now_ms);
        self.shard(key).set_deadline(env, key, deadline_ms, now_ms)
    }

    /// As [`Guard::get`], but also an entry that is past its deadline and kept beyond it; [`Entry::is_stale`] tells which.
    /// Counts as a hit in either case.
    pub fn get_or_stale(&mut self, key: &Key<'_>, access: Access) -> Option<Entry<'_>> {
        let (env, now_ms) = (self.env, self.now_ms);
        self.shard(key).get_or_stale(env, key, access, now_ms)
    }

    /// Lets the deadline of a string be now, and keeps it until `until_ms` for those who take it stale; one that is stale
    /// already too. Voids its lease. Whether it was there; `None`: it holds another kind, and nothing was changed.
    pub fn invalidate(&mut self, key: &Key<'_>, until_ms: UnixMs) -> Option<bool> {
        let (env, now_ms) = (self.env, self.now_ms);
        self.shard(key).invalidate(env, key, until_ms, now_ms)
    }

    /// Asks for the right to fill the key, for `ttl_ms`. It ends with that time, with a release, and with any write or
    /// deletion of the key.
    pub fn lease(&mut self, key: &Key<'_>, ttl_ms: u64) -> Lease {
        let (env, now_ms) = (self.env, self.now_ms);
        self.shard(key).lease(env, key, ttl_ms, now_ms)
    }

    /// Until when somebody has the right to fill the key; `None`: nobody has.
    pub fn lease_until_ms(&mut self, key: &Key<'_>) -> Option<UnixMs> {
        let now_ms = self.now_ms;
        self.shard(key).lease_until_ms(key, now_ms)
    }

    /// Whether `token` is the right to fill the key now.
    pub fn holds_lease(&mut self, key: &Key<'_>, token: u64) -> bool {
        let now_ms = self.now_ms;
        self.shard(key).holds_lease(key, token, now_ms)
    }

    /// Gives the right back unused. Whether `token` was it.
    pub fn release_lease(&mut self, key: &Key<'_>, token: u64) -> bool {
        let (env, now_ms) = (self.env, self.now_ms);
        self.shard(key).release_lease(env, key, token, now_ms)
    }
}
