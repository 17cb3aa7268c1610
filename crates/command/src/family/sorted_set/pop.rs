//! Taking members from either end: ZPOPMIN, ZPOPMAX, ZMPOP, and the forms that wait, BZPOPMIN, BZPOPMAX, BZMPOP.

use super::Shape;
use crate::args::Args;
use crate::family::first::{self, Patience, Words, take_first};
use crate::reject::Reject;
use crate::reply::Reply;
use crate::table::Context;
use crate::wait;
use scrubjay_store::value::packed::Item;
use scrubjay_store::value::sorted_set::{Side, SortedSet};

/// Removes members from one end.
#[derive(Clone, Copy, Debug)]
pub struct Pop<'a> {
    /// The key.
    pub key: &'a [u8],
    /// From which.
    pub side: Side,
    /// How many at most.
    pub count: usize,
}

impl Pop<'_> {
    /// Shows their number to `begin` and then each to `see`, in the order of their removal. Errors: another kind.
    pub fn run(
        &self,
        cx: &mut Context<'_>,
        begin: impl FnOnce(usize),
        see: impl FnMut(Item<'_>, f64),
    ) -> Result<(), Reject> {
        let key = cx.key(self.key)?;
        let mut guard = cx.lock(&key);
        let mut begin = Some(begin);
        let mut start = |count| begin.take().map_or((), |begin| begin(count));
        guard.edit::<SortedSet, _>(&key, false, 0, |set| {
            start(self.count.min(set.len()));
            set.pop(self.side, self.count, see);
        })?;
        start(0);
        Ok(())
    }
}

fn pop(cx: &mut Context<'_>, args: &Args<'_>, side: Side, reply: &mut dyn Reply) -> Result<(), Reject> {
    if args.len() > 3 {
        return Err(Reject::SYNTAX);
    }
    let (count, shape) = match args.get(2) {
        // One member alone is no pair among others, in RESP3 either.
        None => (1, Shape::Flat),
        Some(_) => (args.count(2)?, Shape::of(reply, true)),
    };
    let reply = std::cell::RefCell::new(reply);
    Pop { key: args.at(1), side, count }.run(
        cx,
        |count| shape.begin(count, &mut **reply.borrow_mut()),
        |name, score| shape.say(name, score, &mut **reply.borrow_mut()),
    )
}

pub(super) fn zpopmin(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    pop(cx, args, Side::Lowest, reply)
}

pub(super) fn zpopmax(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    pop(cx, args, Side::Highest, reply)
}

/// Reads `MIN` or `MAX`.
fn side(args: &Args<'_>, index: usize) -> Result<Side, Reject> {
    match (args.is(index, "MIN"), args.is(index, "MAX")) {
        (true, _) => Ok(Side::Lowest),
        (_, true) => Ok(Side::Highest),
        _ => Err(Reject::SYNTAX),
    }
}

fn pop_any(
    cx: &mut Context<'_>,
    args: &Args<'_>,
    at: usize,
    patience: Patience,
    reply: &mut dyn Reply,
) -> Result<(), Reject> {
    let Words { keys, end, count } = first::words(args, at, side)?;
    take_first::<SortedSet>(cx, keys, patience, reply, |key, set, reply| {
        reply.array(2);
        reply.bulk(key);
        Shape::Nested.begin(count.min(set.len()), reply);
        set.pop(end, count, |name, score| Shape::Nested.say(name, score, reply));
    })
}

pub(super) fn zmpop(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    pop_any(cx, args, 1, Patience::None, reply)
}

pub(super) fn bzmpop(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let patience = Patience::Until(wait::until(args.at(1), cx.now_ms)?);
    pop_any(cx, args, 2, patience, reply)
}

fn pop_waiting(cx: &mut Context<'_>, args: &Args<'_>, side: Side, reply: &mut dyn Reply) -> Result<(), Reject> {
    let last = args.len() - 1;
    let patience = Patience::Until(wait::until(args.at(last), cx.now_ms)?);
    take_first::<SortedSet>(cx, args.from(1).take(last - 1), patience, reply, |key, set, reply| {
        reply.array(3);
        reply.bulk(key);
        set.pop(side, 1, |name, score| Shape::Flat.say(name, score, reply));
    })
}

pub(super) fn bzpopmin(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    pop_waiting(cx, args, Side::Lowest, reply)
}

pub(super) fn bzpopmax(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    pop_waiting(cx, args, Side::Highest, reply)
}
