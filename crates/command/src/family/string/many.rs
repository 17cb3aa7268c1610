//! Writing several keys at one moment: MSET and MSETNX.

use super::expiry::Expiry;
use crate::args::Args;
use crate::family::{KeyList, PREFETCH_KEYS};
use crate::reject::Reject;
use crate::reply::Reply;
use crate::table::Context;
use scrubjay_store::{Access, Flags, Incoming, Planned, flags};

/// One of the values that [`SetMany`] writes.
#[derive(Clone, Copy, Debug)]
pub struct Item<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The value.
    pub value: &'a [u8],
    /// The entry's flags.
    pub flags: Flags,
}

/// Writes several keys: all of them or none, and nobody sees some without the others.
#[derive(Clone, Copy, Debug)]
pub struct SetMany<I> {
    /// The keys and values; of a key that stands twice the last value stays.
    pub items: I,
    /// When they expire.
    pub expiry: Expiry,
    /// Whether all is refused if any of the keys exists (`MSETNX`).
    pub all_absent: bool,
}

impl<'a, I: Iterator<Item = Item<'a>> + Clone> SetMany<I> {
    /// Writes. Returns whether the values were stored; `false` only with `all_absent`.
    ///
    /// Errors: a key or value too long, no memory; nothing was changed.
    pub fn run(self, cx: &mut Context<'_>) -> Result<bool, Reject> {
        let mut keys = KeyList::new();
        keys.reserve(self.items.size_hint().0);
        let mut bytes = 0;
        for item in self.items.clone() {
            keys.push(cx.key(item.key)?);
            cx.fits(item.value.len())?;
            bytes += item.key.len() + item.value.len();
        }
        // Compressing takes time, which must not be spent under the locks.
        let incoming: Vec<Incoming<'_>> = match cx.store.is_compressing() {
            true => self.items.clone().map(|item| cx.store.incoming(item.value)).collect(),
            false => Vec::new(),
        };
        cx.reserve_bytes(bytes);
        let mut guard = cx.lock_all(&keys);
        if self.all_absent && keys.iter().any(|key| guard.get(key, Access::Peek).is_some()) {
            return Ok(false);
        }
        let deadline = self.expiry.deadline(cx.now_ms);
        if keys.len() > 1 {
            guard.admit(keys.iter().zip(self.items.clone()).enumerate().map(|(at, (key, item))| Planned {
                key,
                value_bytes: incoming.get(at).map_or(item.value.len(), Incoming::stored_bytes),
                deadline,
                flags: item.flags,
            }))?;
        }
        let mut incoming = incoming.into_iter();
        for (at, (key, item)) in keys.iter().zip(self.items).enumerate() {
            if at % PREFETCH_KEYS == 0 && keys.len() > 1 {
                guard.prefetch(&keys[at..keys.len().min(at + PREFETCH_KEYS)]);
            }
            match incoming.next() {
                Some(incoming) => guard.put_incoming(key, incoming, deadline, item.flags)?,
                None => guard.put(key, item.value, deadline, item.flags)?,
            }
        }
        Ok(true)
    }
}

/// Reads `key value [key value ...]` and runs it.
fn run(cx: &mut Context<'_>, args: &Args<'_>, command: &str, all_absent: bool) -> Result<bool, Reject> {
    if args.len().is_multiple_of(2) {
        return Err(Reject::arity(command));
    }
    let items = args.from(1).step_by(2).zip(args.from(2).step_by(2)).map(|(key, value)| Item {
        key,
        value,
        flags: Flags::Set(flags::NONE),
    });
    SetMany { items, expiry: Expiry::Default, all_absent }.run(cx)
}

pub(super) fn mset(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    run(cx, args, "mset", false)?;
    reply.ok();
    Ok(())
}

pub(super) fn msetnx(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let stored = run(cx, args, "msetnx", true)?;
    reply.int(i64::from(stored));
    Ok(())
}
