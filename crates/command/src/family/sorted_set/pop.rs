//! Taking members from either end: ZPOPMIN, ZPOPMAX, ZMPOP, and the forms that wait, BZPOPMIN, BZPOPMAX, BZMPOP.

use super::Shape;
use crate::args::{Args, parse_int};
use crate::family::{KeyList, first_of_kind};
use crate::reject::{Kind, Reject};
use crate::reply::Reply;
use crate::table::Context;
use crate::wait::{self, Nothing};
use scrubjay_store::Kind as ValueKind;
use scrubjay_store::value::Edit;
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

/// Removes members from one end of the first sorted set that exists.
#[derive(Clone, Debug)]
pub struct PopAny<I> {
    /// The keys, in the order in which they are tried.
    pub keys: I,
    /// From which end.
    pub side: Side,
    /// How many at most.
    pub count: usize,
}

impl<'k, I: Iterator<Item = &'k [u8]> + Clone> PopAny<I> {
    /// Lets `take` have the first sorted set that exists, with its key. Whether there was one. Errors: a key before it holds
    /// another kind; nothing was changed.
    fn run(&self, cx: &mut Context<'_>, take: impl FnOnce(&'k [u8], &mut Edit<'_, SortedSet>)) -> Result<bool, Reject> {
        let mut keys = KeyList::new();
        for name in self.keys.clone() {
            keys.push(cx.key(name)?);
        }
        let mut guard = cx.lock_all(&keys);
        let Some(key) = first_of_kind::<SortedSet>(cx, &mut guard, &keys)? else { return Ok(false) };
        guard.edit::<SortedSet, _>(&key, false, 0, |set| take(key.bytes, set))?;
        Ok(true)
    }
}

fn pop(cx: &mut Context<'_>, args: &Args<'_>, side: Side, reply: &mut dyn Reply) -> Result<(), Reject> {
    const NEGATIVE: Reject = Reject::new(Kind::BadRequest, "ERR value is out of range, must be positive");
    if args.len() > 3 {
        return Err(Reject::SYNTAX);
    }
    let (count, shape) = match args.get(2) {
        // One member alone is no pair among others, in RESP3 either.
        None => (1, Shape::Flat),
        Some(count) => {
            let count = parse_int(count).and_then(|count| usize::try_from(count).ok()).ok_or(NEGATIVE)?;
            (count, Shape::of(reply, true))
        }
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

/// Reads `numkeys key [key ...] MIN|MAX [COUNT count]` from argument `at` on.
fn parse_any<'a>(args: &Args<'a>, at: usize) -> Result<PopAny<impl Iterator<Item = &'a [u8]> + Clone>, Reject> {
    const NUMKEYS: Reject = Reject::new(Kind::BadRequest, "ERR numkeys should be greater than 0");
    const COUNT: Reject = Reject::new(Kind::BadRequest, "ERR count should be greater than 0");
    let positive = |text, wrong| match parse_int(text) {
        Some(number @ 1..) => Ok(usize::try_from(number).unwrap_or(usize::MAX)),
        _ => Err(wrong),
    };
    let keys = positive(args.at(at), NUMKEYS)?;
    let where_at = at.saturating_add(1).saturating_add(keys);
    if where_at >= args.len() {
        return Err(Reject::SYNTAX);
    }
    let side = match (args.is(where_at, "MIN"), args.is(where_at, "MAX")) {
        (true, _) => Side::Lowest,
        (_, true) => Side::Highest,
        _ => return Err(Reject::SYNTAX),
    };
    let (mut count, mut word) = (None, where_at + 1);
    while word < args.len() {
        let Some(text) = args.get(word + 1).filter(|_| count.is_none() && args.is(word, "COUNT")) else {
            return Err(Reject::SYNTAX);
        };
        count = Some(positive(text, COUNT)?);
        word += 2;
    }
    let count = count.unwrap_or(1);
    Ok(PopAny { keys: args.from(at + 1).take(keys), side, count })
}

/// Pops from the first sorted set that is there; says its key and what was popped. Whether one was.
fn pop_any<'a>(
    cx: &mut Context<'_>,
    any: &PopAny<impl Iterator<Item = &'a [u8]> + Clone>,
    reply: &mut dyn Reply,
) -> Result<bool, Reject> {
    any.run(cx, |key, set| {
        reply.array(2);
        reply.bulk(key);
        Shape::Nested.begin(any.count.min(set.len()), reply);
        set.pop(any.side, any.count, |name, score| Shape::Nested.say(name, score, reply));
    })
}

pub(super) fn zmpop(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    if !pop_any(cx, &parse_any(args, 1)?, reply)? {
        reply.null_array();
    }
    Ok(())
}

pub(super) fn bzmpop(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let until_ms = wait::until(args.at(1), cx.now_ms)?;
    let any = parse_any(args, 2)?;
    if !pop_any(cx, &any, reply)? {
        cx.wait_for(ValueKind::SortedSet, any.keys, until_ms, Nothing::NullArray, reply);
    }
    Ok(())
}

fn pop_waiting(cx: &mut Context<'_>, args: &Args<'_>, side: Side, reply: &mut dyn Reply) -> Result<(), Reject> {
    let last = args.len() - 1;
    let until_ms = wait::until(args.at(last), cx.now_ms)?;
    let any = PopAny { keys: args.from(1).take(last - 1), side, count: 1 };
    let found = any.run(cx, |key, set| {
        reply.array(3);
        reply.bulk(key);
        set.pop(side, 1, |name, score| Shape::Flat.say(name, score, reply));
    })?;
    if !found {
        cx.wait_for(ValueKind::SortedSet, any.keys, until_ms, Nothing::NullArray, reply);
    }
    Ok(())
}

pub(super) fn bzpopmin(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    pop_waiting(cx, args, Side::Lowest, reply)
}

pub(super) fn bzpopmax(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    pop_waiting(cx, args, Side::Highest, reply)
}
