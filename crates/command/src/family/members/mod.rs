//! What the commands on hashes and on sets have in common, because both are names that are there once: deadlines of their
//! members. Removals, random choices and walks they have in common with sorted sets.

pub mod expire;
pub mod named;
pub mod pick;
pub mod remove;
pub mod scan;

use crate::args::{Args, parse_int};
use crate::reject::{Kind, Reject};
use crate::reply::Reply;
use crate::table::Context;
use scrubjay_store::value::members::{Members, Shape, View};
use scrubjay_store::value::packed::Item;

/// What a field or member takes beside its bytes, at most; for room that is made beforehand.
pub(super) const OVERHEAD_BYTES: usize = 64;

/// Shows the hash or set of `key` as it is at the context's time, if there is one.
#[inline]
pub(super) fn look<S: Shape, R>(
    cx: &mut Context<'_>,
    key: &[u8],
    see: impl FnOnce(Option<View<'_, S>>) -> R,
) -> Result<R, Reject> {
    let key = cx.key(key)?;
    Ok(see(cx.lock(&key).view::<Members<S>>(&key, cx.read())?))
}

#[inline]
pub(super) fn say(item: Item<'_>, reply: &mut dyn Reply) {
    item.with(|bytes| reply.bulk(bytes));
}

/// Says an item, or that there is none.
#[inline]
pub(super) fn say_or_null(item: Option<Item<'_>>, reply: &mut dyn Reply) {
    match item {
        Some(item) => say(item, reply),
        None => reply.null(),
    }
}

/// Reads `FIELDS numfields field [field ...]` (or `MEMBERS ...`) from argument `at` to the end, `each` arguments a name.
/// Returns where the first name stands.
///
/// Errors: Redis' own, with the word in them.
pub(super) fn names_at(args: &Args<'_>, at: usize, word: &str, each: usize) -> Result<usize, Reject> {
    let lower = word.to_ascii_lowercase();
    if !args.is(at, word) {
        let line = format!("ERR Mandatory keyword {word} is missing or not at the right position");
        return Err(Reject::with(Kind::BadRequest, line));
    }
    let name = &lower[..lower.len() - 1];
    let count = args.get(at + 1).and_then(parse_int).filter(|count| *count > 0).ok_or_else(|| {
        let line = format!("ERR Parameter `num{}{}s` should be greater than 0", name[..1].to_uppercase(), &name[1..]);
        Reject::with(Kind::BadRequest, line)
    })?;
    let given = args.len() - (at + 2);
    if usize::try_from(count).ok().and_then(|count| count.checked_mul(each)) != Some(given) {
        let line = format!("ERR The `num{lower}` parameter must match the number of arguments");
        return Err(Reject::with(Kind::BadRequest, line));
    }
    Ok(at + 2)
}
