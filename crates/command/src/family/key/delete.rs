//! Removing keys, asking whether they are there, and refreshing their rank: DEL, UNLINK, EXISTS, TOUCH, DELEX, DELIFEQ.

use crate::args::Args;
use crate::family::for_each_key;
use crate::family::string::Condition;
use crate::reject::{Kind, Reject};
use crate::reply::Reply;
use crate::table::Context;
use scrubjay_store::Access;

/// Removes a key if a condition holds.
#[derive(Clone, Copy, Debug)]
pub struct Delete<'a> {
    /// The key.
    pub key: &'a [u8],
    /// What must hold.
    pub condition: Condition<'a>,
}

/// What a [`Delete`] did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Deleted {
    /// The key was there and is gone.
    Yes,
    /// The key was not there.
    Missing,
    /// The condition did not hold; nothing was changed.
    Refused,
}

impl Deleted {
    /// What became of a key that may be removed.
    pub(in crate::family) fn of(was_there: bool) -> Deleted {
        if was_there { Deleted::Yes } else { Deleted::Missing }
    }
}

impl Delete<'_> {
    /// Removes. Errors: key too long, a condition on what is no string.
    pub fn run(&self, cx: &Context<'_>) -> Result<Deleted, Reject> {
        let key = cx.key(self.key)?;
        let mut guard = cx.lock(&key);
        if !self.condition.is_always() {
            let entry = match self.condition.reads_value() {
                true => guard.string(&key, Access::Peek)?,
                false => guard.get(&key, Access::Peek),
            };
            if !self.condition.holds(entry.as_ref()) {
                return Ok(Deleted::Refused);
            }
        }
        Ok(Deleted::of(guard.remove(&key)))
    }
}

/// Removes several keys at one moment.
#[derive(Clone, Copy, Debug)]
pub struct DeleteMany<I> {
    /// The keys.
    pub keys: I,
}

impl<'k, I: Iterator<Item = &'k [u8]>> DeleteMany<I> {
    /// Removes; tells `each` for every key, in order, whether it was there.
    pub fn run(self, cx: &mut Context<'_>, mut each: impl FnMut(bool)) -> Result<(), Reject> {
        for_each_key(cx, self.keys, |guard, key| each(guard.remove(key)))
    }
}

/// Asks of several keys, at one moment, whether they are there.
#[derive(Clone, Copy, Debug)]
pub struct Exists<I> {
    /// The keys.
    pub keys: I,
}

impl<'k, I: Iterator<Item = &'k [u8]>> Exists<I> {
    /// Tells `each` for every key, in order, whether it is there. Counts as reads, refreshes nothing.
    pub fn run(self, cx: &mut Context<'_>, mut each: impl FnMut(bool)) -> Result<(), Reject> {
        for_each_key(cx, self.keys, |guard, key| each(guard.get(key, Access::ReadNoTouch).is_some()))
    }
}

/// Refreshes the rank of several keys, as a read of their values would.
#[derive(Clone, Copy, Debug)]
pub struct Touch<I> {
    /// The keys.
    pub keys: I,
}

impl<'k, I: Iterator<Item = &'k [u8]>> Touch<I> {
    /// Tells `each` for every key, in order, whether it is there. Refreshes even where the session's reads do not.
    pub fn run(self, cx: &mut Context<'_>, mut each: impl FnMut(bool)) -> Result<(), Reject> {
        for_each_key(cx, self.keys, |guard, key| each(guard.get(key, Access::Read).is_some()))
    }
}

pub(super) fn del(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let mut count = 0;
    DeleteMany { keys: args.from(1) }.run(cx, |was_there| count += i64::from(was_there))?;
    reply.int(count);
    Ok(())
}

pub(super) fn exists(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let mut count = 0;
    Exists { keys: args.from(1) }.run(cx, |is_there| count += i64::from(is_there))?;
    reply.int(count);
    Ok(())
}

pub(super) fn touch(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let mut count = 0;
    Touch { keys: args.from(1) }.run(cx, |is_there| count += i64::from(is_there))?;
    reply.int(count);
    Ok(())
}

pub(in crate::family) fn delex(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    const NO_CONDITION: Reject =
        Reject::new(Kind::BadRequest, "ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE");
    let condition = match args.len() {
        2 => Condition::Always,
        4 => Condition::parse_comparison(args, 2)?.ok_or(NO_CONDITION)?,
        _ => return Err(Reject::arity("delex")),
    };
    say(Delete { key: args.at(1), condition }.run(cx)?, reply);
    Ok(())
}

pub(in crate::family) fn delifeq(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    say(Delete { key: args.at(1), condition: Condition::Equal(args.at(2)) }.run(cx)?, reply);
    Ok(())
}

fn say(deleted: Deleted, reply: &mut dyn Reply) {
    reply.int(i64::from(deleted == Deleted::Yes));
}
