//! Taking from the first of several keys that holds a list, or a sorted set, and waiting for one: what LMPOP, BLPOP, ZMPOP,
//! BZPOPMIN and their like have in common.

use super::{KeyList, place_all};
use crate::args::{Args, parse_int};
use crate::reject::{Kind, Reject};
use crate::reply::Reply;
use crate::table::Context;
use crate::wait::Nothing;
use scrubjay_store::value::{Collection, Edit, WrongKind};
use scrubjay_store::{Access, Guard, Key};

/// What follows the name of LMPOP and ZMPOP.
pub(super) struct Words<I, E> {
    /// The keys, in the order in which they are tried.
    pub keys: I,
    /// From which end.
    pub end: E,
    /// How many at most.
    pub count: usize,
}

/// Reads `numkeys key [key ...] end [COUNT count]` from argument `at` on; `end` reads its word.
///
/// Errors: Redis' own.
pub(super) fn words<'a, E>(
    args: &Args<'a>,
    at: usize,
    end: fn(&Args<'_>, usize) -> Result<E, Reject>,
) -> Result<Words<impl Iterator<Item = &'a [u8]> + Clone + use<'a, E>, E>, Reject> {
    const NUMKEYS: Reject = Reject::new(Kind::BadRequest, "ERR numkeys should be greater than 0");
    const COUNT: Reject = Reject::new(Kind::BadRequest, "ERR count should be greater than 0");
    let positive = |text, wrong| match parse_int(text) {
        Some(number @ 1..) => Ok(usize::try_from(number).unwrap_or(usize::MAX)),
        _ => Err(wrong),
    };
    let keys = positive(args.at(at), NUMKEYS)?;
    let end_at = at.saturating_add(1).saturating_add(keys);
    if end_at >= args.len() {
        return Err(Reject::SYNTAX);
    }
    let end = end(args, end_at)?;
    let count = match args.get(end_at + 2) {
        None if args.len() == end_at + 1 => 1,
        Some(count) if args.is(end_at + 1, "COUNT") => positive(count, COUNT)?,
        _ => return Err(Reject::SYNTAX),
    };
    if args.len() > end_at + 3 {
        return Err(Reject::SYNTAX);
    }
    Ok(Words { keys: args.from(at + 1).take(keys), end, count })
}

/// For how long a command waits that finds nothing.
#[derive(Clone, Copy)]
pub(super) enum Patience {
    /// It does not wait.
    None,
    /// Until this moment, in Unix milliseconds; `None`: for ever.
    Until(Option<u64>),
}

/// Lets `take` have the first collection that exists under one of the keys, with its key, to take from it and say the whole
/// answer. If there is none: waits, or says a null array.
///
/// Errors: a key before it holds another kind; nothing was changed.
pub(super) fn take_first<'k, C: Collection>(
    cx: &mut Context<'_>,
    names: impl Iterator<Item = &'k [u8]> + Clone,
    patience: Patience,
    reply: &mut dyn Reply,
    take: impl FnOnce(&'k [u8], &mut Edit<'_, C>, &mut dyn Reply),
) -> Result<(), Reject> {
    let mut keys = KeyList::new();
    place_all(cx, names.clone(), &mut keys)?;
    let mut guard = cx.lock_all(&keys);
    if let Some(key) = first_of_kind::<C>(cx, &mut guard, &keys)? {
        guard.edit::<C, _>(&key, false, 0, |collection| take(key.bytes, collection, reply))?;
        return Ok(());
    }
    drop(guard);
    match patience {
        Patience::None => reply.null_array(),
        Patience::Until(until_ms) => cx.wait_for(C::KIND, names, until_ms, Nothing::NullArray, reply),
    }
    Ok(())
}

/// The first of the keys that holds a collection of this kind; none, where those who wait already come first. A key of
/// another kind is an error when the command comes; for a client that has waited since, it is one key less to wait for, as in
/// Redis.
///
/// Errors: such a key before the first.
fn first_of_kind<'k, C: Collection>(
    cx: &Context<'_>,
    guard: &mut Guard<'_>,
    keys: &[Key<'k>],
) -> Result<Option<Key<'k>>, WrongKind> {
    for key in keys {
        match guard.view::<C>(key, Access::Peek) {
            Ok(Some(_)) => return Ok(cx.may_take.then_some(*key)),
            Ok(None) => {}
            Err(WrongKind) if cx.waited => {}
            Err(wrong) => return Err(wrong),
        }
    }
    Ok(None)
}
