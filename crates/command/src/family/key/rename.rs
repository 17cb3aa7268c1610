//! Giving an entry another key or database: RENAME, RENAMENX, COPY, MOVE.

use crate::args::Args;
use crate::namespace::{NO_SUCH_DATABASE, Named, named};
use crate::reject::{Kind, Reject};
use crate::reply::Reply;
use crate::table::Context;
use scrubjay_store::{Access, Key, Ns};

/// Gives the entry of one key to another, with its deadline; what was there is gone.
#[derive(Clone, Copy, Debug)]
pub struct Rename<'a> {
    /// The key now.
    pub from: &'a [u8],
    /// The key then.
    pub to: &'a [u8],
    /// Whether nothing happens if `to` exists.
    pub only_if_absent: bool,
}

impl Rename<'_> {
    /// Renames. Returns whether it did; `false` only with `only_if_absent`. Errors: no such key, key too long.
    pub fn run(&self, cx: &mut Context<'_>) -> Result<bool, Reject> {
        let (from, to) = (cx.key(self.from)?, cx.key(self.to)?);
        give(cx, &from, &to, self.only_if_absent)?.ok_or(Reject::NO_SUCH_KEY)
    }
}

/// Gives the entry of a key to the same key in another namespace, unless that has one.
#[derive(Clone, Copy, Debug)]
pub struct Move<'a> {
    /// The key.
    pub key: &'a [u8],
    /// Where to.
    pub ns: Ns,
}

impl Move<'_> {
    /// Moves. Returns whether it did; `false`: no such key, or the other namespace has one. Errors: the same namespace.
    pub fn run(&self, cx: &mut Context<'_>) -> Result<bool, Reject> {
        if self.ns == cx.ns {
            return Err(SAME_OBJECT);
        }
        let (from, to) = (cx.key(self.key)?, cx.key_in(self.ns, self.key)?);
        Ok(give(cx, &from, &to, true)?.unwrap_or(false))
    }
}

/// Copies the entry of a key, with deadline and flags.
#[derive(Clone, Copy, Debug)]
pub struct Copy<'a> {
    /// What to copy.
    pub from: &'a [u8],
    /// Where to.
    pub to: &'a [u8],
    /// The namespace of `to`.
    pub ns: Ns,
    /// Whether an entry that is there is written over.
    pub replace: bool,
}

impl Copy<'_> {
    /// Copies. Returns whether it did; `false`: no such key, or `to` exists and `replace` was not said.
    ///
    /// Errors: both are the same, a key too long, no memory; nothing was changed.
    pub fn run(&self, cx: &mut Context<'_>) -> Result<bool, Reject> {
        let (from, to) = (cx.key(self.from)?, cx.key_in(self.ns, self.to)?);
        if from == to {
            return Err(SAME_OBJECT);
        }
        // How much room is needed is known only when it is found; the look before the lock is a good guess.
        let length = cx.lock(&from).get(&from, Access::Peek).map_or(0, |entry| entry.memory_bytes());
        cx.reserve(&to, length);
        let mut guard = cx.lock_all(&[from, to]);
        if guard.get(&from, cx.read()).is_none() {
            return Ok(false);
        }
        if !self.replace && guard.get(&to, Access::Peek).is_some() {
            return Ok(false);
        }
        Ok(guard.copy(&from, &to)?)
    }
}

const SAME_OBJECT: Reject = Reject::new(Kind::BadRequest, "ERR source and destination objects are the same");

/// Renames under both locks. `None`: `from` is not there; `false`: `to` is, and must not be.
fn give(cx: &mut Context<'_>, from: &Key<'_>, to: &Key<'_>, only_if_absent: bool) -> Result<Option<bool>, Reject> {
    let mut guard = cx.lock_all(&[*from, *to]);
    if guard.get(from, Access::Write).is_none() {
        return Ok(None);
    }
    if only_if_absent && guard.get(to, Access::Peek).is_some() {
        return Ok(Some(false));
    }
    guard.rename(from, to);
    Ok(Some(true))
}

/// The namespace that the argument at `index` names, by its number or its name.
pub(super) fn namespace(cx: &Context<'_>, args: &Args<'_>, index: usize) -> Result<Ns, Reject> {
    let database = match named(args, index)? {
        Named::Number(number) => number,
        Named::Name(name) => cx.names.database(name)?,
    };
    cx.store.namespace(database).ok_or(NO_SUCH_DATABASE)
}

pub(super) fn rename(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    Rename { from: args.at(1), to: args.at(2), only_if_absent: false }.run(cx)?;
    reply.ok();
    Ok(())
}

pub(super) fn renamenx(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let renamed = Rename { from: args.at(1), to: args.at(2), only_if_absent: true }.run(cx)?;
    reply.int(i64::from(renamed));
    Ok(())
}

pub(super) fn move_key(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let moved = Move { key: args.at(1), ns: namespace(cx, args, 2)? }.run(cx)?;
    reply.int(i64::from(moved));
    Ok(())
}

pub(super) fn copy(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let mut copy = Copy { from: args.at(1), to: args.at(2), ns: cx.ns, replace: false };
    let mut at = 3;
    while at < args.len() {
        if args.is(at, "REPLACE") {
            copy.replace = true;
        } else if args.is(at, "DB") && at + 1 < args.len() {
            at += 1;
            copy.ns = namespace(cx, args, at)?;
        } else {
            return Err(Reject::SYNTAX);
        }
        at += 1;
    }
    let copied = copy.run(cx)?;
    reply.int(i64::from(copied));
    Ok(())
}
