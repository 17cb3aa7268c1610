//! The data commands. A family is a folder: its `mod.rs` holds the rows, its files the typed operations with their thin
//! handlers.
//!
//! ```text
//! Args --Set::parse--> Set { key, value, expiry, ... } --Set::run--> SetOutcome --handler--> Reply
//!                      ^ HTTP builds it directly and reads the outcome
//! ```
//!
//! Three rules keep refusals clean: everything that can be wrong with the arguments is found before a lock is taken;
//! room is reserved before the lock; and nothing is said to the reply before the last step that can still be refused.

pub mod bitmap;
pub mod counter;
mod first;
pub mod group;
pub mod hash;
pub mod key;
pub mod lease;
pub mod list;
pub mod members;
#[cfg(test)]
mod memory_tests;
pub mod rate;
#[cfg(test)]
mod reference;
pub mod set;
pub mod sorted_set;
pub mod string;
#[cfg(test)]
mod testing;

use crate::reject::Reject;
use crate::reply::Reply;
use crate::table::Context;
use scrubjay_store::{Entry, Guard, Key, SharedBytes};
use smallvec::SmallVec;
use std::ops::Deref;

/// A value taken out of the store, which stays readable after the lock is gone: a handle for large values, a copy of
/// small ones.
#[derive(Clone, Debug)]
pub enum Taken {
    /// The bytes.
    Copied(Vec<u8>),
    /// A handle on the bytes in the store.
    Shared(SharedBytes),
}

impl Taken {
    /// The value of `entry`.
    pub fn of(entry: &Entry<'_>) -> Taken {
        match entry.shared() {
            Some(shared) => Taken::Shared(shared),
            None => Taken::Copied(entry.value().into_owned()),
        }
    }

    /// The value as an owned vector; copies it if the store shares it.
    pub fn into_vec(self) -> Vec<u8> {
        match self {
            Taken::Copied(bytes) => bytes,
            Taken::Shared(shared) => shared.to_vec(),
        }
    }

    /// Says the value.
    pub fn say(self, reply: &mut dyn Reply) {
        match self {
            Taken::Copied(bytes) => reply.bulk(&bytes),
            Taken::Shared(shared) => reply.bulk_shared(shared),
        }
    }
}

impl Deref for Taken {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Taken::Copied(bytes) => bytes,
            Taken::Shared(shared) => shared,
        }
    }
}

/// Says the value of an entry, or that there is none.
#[inline]
pub(crate) fn say_entry(entry: Option<&Entry<'_>>, reply: &mut dyn Reply) {
    match entry {
        Some(entry) => match entry.plain() {
            Some(value) => reply.bulk(value),
            None => match entry.shared() {
                Some(shared) => reply.bulk_shared(shared),
                None => reply.bulk(&entry.value()),
            },
        },
        None => reply.null(),
    }
}

/// Shows the value of a string to `look`, `None` if the key is absent, and returns what it returns: under the slot's lock,
/// or after it where the value is kept compressed, because that takes its time.
///
/// Errors: the key is too long, or holds no string.
#[inline]
pub(crate) fn with_value<R>(cx: &Context<'_>, key: &[u8], look: impl FnOnce(Option<&[u8]>) -> R) -> Result<R, Reject> {
    let key = cx.key(key)?;
    let mut guard = cx.lock(&key);
    let entry = guard.string(&key, cx.read())?;
    match entry.as_ref().filter(|entry| entry.is_compressed()).and_then(Entry::shared) {
        Some(shared) => {
            drop(guard);
            Ok(look(Some(&shared)))
        }
        None => Ok(look(entry.as_ref().map(|entry| entry.value()).as_deref())),
    }
}

/// The keys of a command that names several, in the order of its arguments. Sixteen fit without an allocation. It is
/// large: filled in place, never moved.
pub(crate) type KeyList<'k> = SmallVec<[Key<'k>; 16]>;

/// Places the keys that `names` lists behind those in `keys`. Errors: [`Reject::key_too_long`].
pub(crate) fn place_all<'k>(
    cx: &Context<'_>,
    names: impl Iterator<Item = &'k [u8]>,
    keys: &mut KeyList<'k>,
) -> Result<(), Reject> {
    keys.reserve(names.size_hint().0);
    for name in names {
        keys.push(cx.key(name)?);
    }
    Ok(())
}

/// How many keys are brought near at once: enough to hide the memory's latency, few enough to stay in the first cache.
pub(crate) const PREFETCH_KEYS: usize = 32;

/// Locks the slots of all the keys that `names` lists, and shows each key to `each`, in order, with the guard.
///
/// Errors: [`Reject::key_too_long`], before anything is shown.
#[inline]
pub(crate) fn for_each_key<'k>(
    cx: &Context<'_>,
    mut names: impl Iterator<Item = &'k [u8]>,
    mut each: impl FnMut(&mut Guard<'_>, &Key<'k>),
) -> Result<(), Reject> {
    if let (1, Some(1)) = names.size_hint() {
        // Nearly every DEL and EXISTS names one key: no list, no order of locks.
        let Some(name) = names.next() else { return Ok(()) };
        let key = cx.key(name)?;
        each(&mut cx.lock(&key), &key);
        return Ok(());
    }
    let mut keys = KeyList::new();
    place_all(cx, names, &mut keys)?;
    let mut guard = cx.lock_all(&keys);
    for batch in keys.chunks(PREFETCH_KEYS) {
        guard.prefetch(batch);
        batch.iter().for_each(|key| each(&mut guard, key));
    }
    Ok(())
}
