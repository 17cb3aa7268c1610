//! Reading a list: LLEN, LINDEX, LRANGE.

use super::say;
use crate::args::Args;
use crate::reject::Reject;
use crate::reply::Reply;
use crate::table::Context;
use scrubjay_store::value::list::{List, ListView};
use scrubjay_store::value::packed::Item;

/// Shows the list of `key`, if there is one.
fn look<R>(cx: &mut Context<'_>, key: &[u8], see: impl FnOnce(Option<ListView<'_>>) -> R) -> Result<R, Reject> {
    let key = cx.key(key)?;
    Ok(see(cx.lock(&key).view::<List>(&key, cx.read())?))
}

/// Counts the elements.
#[derive(Clone, Copy, Debug)]
pub struct Length<'a> {
    /// The key.
    pub key: &'a [u8],
}

impl Length<'_> {
    /// Counts; 0 if there is no list. Errors: another kind.
    pub fn run(&self, cx: &mut Context<'_>) -> Result<usize, Reject> {
        look(cx, self.key, |list| list.map_or(0, ListView::len))
    }
}

/// Reads one element.
#[derive(Clone, Copy, Debug)]
pub struct Index<'a> {
    /// The key.
    pub key: &'a [u8],
    /// Which one, negative ones counted from the end.
    pub index: i64,
}

impl Index<'_> {
    /// Shows it to `see`; `None` if there is none. Errors: another kind.
    pub fn run<R>(&self, cx: &mut Context<'_>, see: impl FnOnce(Option<Item<'_>>) -> R) -> Result<R, Reject> {
        look(cx, self.key, |list| see(list.and_then(|list| list.get(at(self.index, list.len())?))))
    }
}

/// The index that `index` stands for in a list of `length` elements, if it is in it.
pub(super) fn at(index: i64, length: usize) -> Option<usize> {
    let index = if index < 0 { index.checked_add(length as i64)? } else { index };
    usize::try_from(index).ok().filter(|&index| index < length)
}

/// The places from `start` to `stop`, both included, in a list of `length` elements. Unlike a string's, a range that ends
/// before the first element is empty.
pub(super) fn between(start: i64, stop: i64, length: usize) -> std::ops::Range<usize> {
    let signed = length as i64;
    let from_end = |index: i64| if index < 0 { index.saturating_add(signed) } else { index };
    let (start, stop) = (from_end(start).max(0), from_end(stop).min(signed - 1));
    if start > stop { 0..0 } else { start as usize..stop as usize + 1 }
}

/// Reads a range of elements.
#[derive(Clone, Copy, Debug)]
pub struct Range<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The first, negative ones counted from the end.
    pub start: i64,
    /// The last, included.
    pub stop: i64,
}

impl Range<'_> {
    /// Shows their number to `begin` and then each to `see`. Errors: another kind; nothing was shown.
    pub fn run(
        &self,
        cx: &mut Context<'_>,
        begin: impl FnOnce(usize),
        see: impl FnMut(Item<'_>),
    ) -> Result<(), Reject> {
        look(cx, self.key, |list| {
            let Some(list) = list else { return begin(0) };
            let range = between(self.start, self.stop, list.len());
            begin(range.len());
            list.from(range.start).take(range.len()).for_each(see);
        })
    }
}

pub(super) fn llen(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let length = Length { key: args.at(1) }.run(cx)?;
    reply.int(length as i64);
    Ok(())
}

pub(super) fn lindex(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    // As in Redis, what the key holds matters first, and without a list nobody asks for the index.
    let key = args.at(1);
    if (Length { key }).run(cx)? == 0 {
        reply.null();
        return Ok(());
    }
    Index { key, index: args.int(2)? }.run(cx, |item| match item {
        Some(item) => say(item, reply),
        None => reply.null(),
    })
}

pub(super) fn lrange(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let range = Range { key: args.at(1), start: args.int(2)?, stop: args.int(3)? };
    let reply = std::cell::RefCell::new(reply);
    range.run(cx, |count| reply.borrow_mut().array(count), |item| say(item, &mut **reply.borrow_mut()))
}
