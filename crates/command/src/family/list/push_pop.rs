//! Both ends of a list: LPUSH, RPUSH, LPOP, RPOP, LMPOP, and the forms that wait, BLPOP, BRPOP, BLMPOP.

use super::{ITEM_OVERHEAD_BYTES, say};
use crate::args::Args;
use crate::family::first::{self, Patience, Words, take_first};
use crate::reject::Reject;
use crate::reply::Reply;
use crate::table::Context;
use crate::wait;
use scrubjay_store::value::list::{End, List};
use scrubjay_store::value::packed::Item;

/// Adds elements at one end, one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Push<'a, I> {
    /// The key.
    pub key: &'a [u8],
    /// Where.
    pub end: End,
    /// What.
    pub elements: I,
    /// Whether nothing happens if the list does not exist.
    pub only_if_present: bool,
}

impl<'a, I: Iterator<Item = &'a [u8]> + Clone> Push<'a, I> {
    /// Pushes. Returns the new length; 0 if the list does not exist and is not to be made.
    ///
    /// Errors: another kind, an element too long, no memory; nothing was changed.
    pub fn run(self, cx: &mut Context<'_>) -> Result<usize, Reject> {
        let key = cx.key(self.key)?;
        let mut room_bytes = 0;
        for element in self.elements.clone() {
            cx.fits(element.len())?;
            room_bytes += element.len() + ITEM_OVERHEAD_BYTES;
        }
        let mut guard = cx.lock(&key);
        let length = guard.edit::<List, _>(&key, !self.only_if_present, room_bytes, |list| {
            self.elements.for_each(|element| list.push(self.end, element));
            list.len()
        })?;
        Ok(length.unwrap_or(0))
    }
}

/// Removes elements from one end.
#[derive(Clone, Copy, Debug)]
pub struct Pop<'a> {
    /// The key.
    pub key: &'a [u8],
    /// Where.
    pub end: End,
    /// How many at most.
    pub count: usize,
}

impl Pop<'_> {
    /// Shows the elements to `see` in the order of their removal, after their number to `begin`. Whether there is such a
    /// list. Errors: another kind.
    pub fn run(
        &self,
        cx: &mut Context<'_>,
        begin: impl FnOnce(usize),
        see: impl FnMut(Item<'_>),
    ) -> Result<bool, Reject> {
        let key = cx.key(self.key)?;
        let mut guard = cx.lock(&key);
        let popped = guard.edit::<List, _>(&key, false, 0, |list| {
            begin(self.count.min(list.len()));
            list.pop(self.end, self.count, see);
        })?;
        Ok(popped.is_some())
    }
}

fn push(
    cx: &mut Context<'_>,
    args: &Args<'_>,
    end: End,
    only_if_present: bool,
    reply: &mut dyn Reply,
) -> Result<(), Reject> {
    let length = Push { key: args.at(1), end, elements: args.from(2), only_if_present }.run(cx)?;
    reply.int(length as i64);
    Ok(())
}

pub(super) fn lpush(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    push(cx, args, End::Front, false, reply)
}

pub(super) fn rpush(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    push(cx, args, End::Back, false, reply)
}

pub(super) fn lpushx(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    push(cx, args, End::Front, true, reply)
}

pub(super) fn rpushx(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    push(cx, args, End::Back, true, reply)
}

fn pop(cx: &mut Context<'_>, args: &Args<'_>, end: End, command: &str, reply: &mut dyn Reply) -> Result<(), Reject> {
    if args.len() > 3 {
        return Err(Reject::arity(command));
    }
    let key = args.at(1);
    if args.len() == 2 {
        if !(Pop { key, end, count: 1 }).run(cx, |_| {}, |item| say(item, reply))? {
            reply.null();
        }
        return Ok(());
    }
    let count = args.count(2)?;
    let reply = std::cell::RefCell::new(reply);
    let begin = |count| reply.borrow_mut().array(count);
    if !(Pop { key, end, count }).run(cx, begin, |item| say(item, &mut **reply.borrow_mut()))? {
        reply.borrow_mut().null_array();
    }
    Ok(())
}

pub(super) fn lpop(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    pop(cx, args, End::Front, "lpop", reply)
}

pub(super) fn rpop(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    pop(cx, args, End::Back, "rpop", reply)
}

fn pop_any(
    cx: &mut Context<'_>,
    args: &Args<'_>,
    at: usize,
    patience: Patience,
    reply: &mut dyn Reply,
) -> Result<(), Reject> {
    let Words { keys, end, count } = first::words(args, at, super::end)?;
    take_first::<List>(cx, keys, patience, reply, |key, list, reply| {
        reply.array(2);
        reply.bulk(key);
        reply.array(count.min(list.len()));
        list.pop(end, count, |item| say(item, reply));
    })
}

pub(super) fn lmpop(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    pop_any(cx, args, 1, Patience::None, reply)
}

pub(super) fn blmpop(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let patience = Patience::Until(wait::until(args.at(1), cx.now_ms)?);
    pop_any(cx, args, 2, patience, reply)
}

fn pop_waiting(cx: &mut Context<'_>, args: &Args<'_>, end: End, reply: &mut dyn Reply) -> Result<(), Reject> {
    let last = args.len() - 1;
    let patience = Patience::Until(wait::until(args.at(last), cx.now_ms)?);
    take_first::<List>(cx, args.from(1).take(last - 1), patience, reply, |key, list, reply| {
        reply.array(2);
        reply.bulk(key);
        list.pop(end, 1, |item| say(item, reply));
    })
}

pub(super) fn blpop(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    pop_waiting(cx, args, End::Front, reply)
}

pub(super) fn brpop(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    pop_waiting(cx, args, End::Back, reply)
}
