//! Sets combined: SINTER, SUNION, SDIFF, their forms that write, and SINTERCARD.
//!
//! ```text
//!   intersection   the smallest set is walked through, the others are asked      N of the smallest * sets
//!   union          all are collected                                              sum of all
//!   difference     the first is walked through, the others are asked; or, where   sum of all at most
//!                  that asks more often than they have members, their union is
//! ```
//! Several sets are seen at once under one guard, and nothing is copied but what is made anew.

use crate::args::{Args, parse_int};
use crate::family::members::say;
use crate::family::{KeyList, place_all};
use crate::reject::{Kind, Reject};
use crate::reply::Reply;
use crate::table::Context;
use scrubjay_base::clock::UnixMs;
use scrubjay_store::value::packed::Item;
use scrubjay_store::value::set::{Set, SetView};
use scrubjay_store::value::{Collection, Packing};
use scrubjay_store::{Access, Deadline, Flags, Guard, Key};
use std::cell::RefCell;

/// How sets are combined.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Algebra {
    /// What is in all of them.
    Intersection,
    /// What is in any of them.
    Union,
    /// What is in the first and in none of the others.
    Difference,
}

/// The members of a result, each once.
enum Members<'a> {
    /// Some of those that were seen.
    Found(Vec<Item<'a>>),
    /// Made of several sets.
    Made(Set),
}

impl Members<'_> {
    fn len(&self) -> usize {
        match self {
            Members::Found(items) => items.len(),
            Members::Made(set) => set.len(),
        }
    }

    fn each(&self, see: impl FnMut(Item<'_>)) {
        match self {
            Members::Found(items) => items.iter().copied().for_each(see),
            // Nothing that was just made has a deadline.
            Members::Made(set) => set.view().iter(0).map(|member| member.name).for_each(see),
        }
    }

    fn into_set(self, packing: &Packing) -> Set {
        match self {
            Members::Found(items) => Set::collect(items.into_iter(), packing),
            Members::Made(set) => set,
        }
    }
}

impl Algebra {
    fn of<'a>(self, sets: &[Option<SetView<'a>>], now_ms: UnixMs, packing: &Packing) -> Members<'a> {
        let mut found = Vec::new();
        match self {
            Algebra::Intersection => intersect(sets, now_ms, |item| {
                found.push(item);
                true
            }),
            Algebra::Union => {
                let all = sets.iter().flatten().flat_map(|set| set.iter(now_ms)).map(|member| member.name);
                if sets.iter().flatten().count() > 1 {
                    return Members::Made(Set::collect(all, packing));
                }
                found.extend(all);
            }
            Algebra::Difference => {
                let Some((Some(first), others)) = sets.split_first() else { return Members::Found(found) };
                let others: Vec<SetView<'_>> = others.iter().copied().flatten().collect();
                let total = others.iter().map(|set| set.len_max()).sum::<usize>();
                let asked = first.len_max().saturating_mul(others.len());
                let first = first.iter(now_ms).map(|member| member.name);
                if others.len() > 1 && total + others.len() < asked / 2 {
                    let all = others.iter().flat_map(|set| set.iter(now_ms)).map(|member| member.name);
                    let others = Set::collect(all, packing);
                    found.extend(first.filter(|name| !others.view().contains(*name, now_ms)));
                } else {
                    found.extend(first.filter(|name| !others.iter().any(|set| set.contains(*name, now_ms))));
                }
            }
        }
        Members::Found(found)
    }
}

/// Shows what is in all of the sets to `see`, which says whether it wants more.
fn intersect<'a>(sets: &[Option<SetView<'a>>], now_ms: UnixMs, mut see: impl FnMut(Item<'a>) -> bool) {
    let Some(mut sets) = sets.iter().copied().collect::<Option<Vec<SetView<'a>>>>() else { return };
    sets.sort_by_key(|set| set.len_max());
    let Some((smallest, others)) = sets.split_first() else { return };
    for member in smallest.iter(now_ms) {
        if others.iter().all(|set| set.contains(member.name, now_ms)) && !see(member.name) {
            return;
        }
    }
}

fn place<'k>(cx: &Context<'_>, names: impl Iterator<Item = &'k [u8]>) -> Result<KeyList<'k>, Reject> {
    let mut keys = KeyList::new();
    place_all(cx, names, &mut keys)?;
    Ok(keys)
}

/// The sets of all keys, beside each other. Errors: one holds another kind.
fn see_all<'g>(guard: &'g mut Guard<'_>, keys: &[Key<'_>], access: Access) -> Result<Vec<Option<SetView<'g>>>, Reject> {
    for key in keys {
        guard.view::<Set>(key, access)?;
    }
    let guard = &*guard;
    Ok(keys.iter().map(|key| guard.peek::<Set>(key)).collect())
}

/// Combines sets.
#[derive(Clone, Copy, Debug)]
pub struct Combine<I> {
    /// How.
    pub how: Algebra,
    /// Their keys.
    pub keys: I,
}

impl<'k, I: Iterator<Item = &'k [u8]>> Combine<I> {
    /// Shows the number of members to `begin`, then each to `see`, in any order.
    ///
    /// Errors: another kind under one of the keys; nothing was shown.
    pub fn run(self, cx: &mut Context<'_>, begin: impl FnOnce(usize), see: impl FnMut(Item<'_>)) -> Result<(), Reject> {
        let keys = place(cx, self.keys)?;
        let mut guard = cx.lock_all(&keys);
        let sets = see_all(&mut guard, &keys, cx.read())?;
        let members = self.how.of(&sets, cx.now_ms, &cx.store.packing());
        begin(members.len());
        members.each(see);
        Ok(())
    }

    /// Writes the result to `destination`, whatever that held; an empty one removes it. How many members it has.
    ///
    /// Errors: another kind under one of the keys, no memory; nothing was changed.
    pub fn store(self, cx: &mut Context<'_>, destination: &'k [u8]) -> Result<usize, Reject> {
        let mut keys = place(cx, std::iter::once(destination).chain(self.keys))?;
        let mut guard = cx.lock_all(&keys);
        let destination = keys.remove(0);
        let packing = cx.store.packing();
        let sets = see_all(&mut guard, &keys, Access::Peek)?;
        let set = self.how.of(&sets, cx.now_ms, &packing).into_set(&packing);
        let count = set.len();
        if count == 0 {
            guard.remove(&destination);
        } else {
            guard.put_body(&destination, set.into_body(), Deadline::Default, Flags::Set(0))?;
        }
        Ok(count)
    }
}

/// Counts what is in all of several sets.
#[derive(Clone, Copy, Debug)]
pub struct IntersectionCount<I> {
    /// Their keys.
    pub keys: I,
    /// At which number counting ends; 0: at none.
    pub limit: usize,
}

impl<'k, I: Iterator<Item = &'k [u8]>> IntersectionCount<I> {
    /// Counts. Errors: another kind under one of the keys.
    pub fn run(self, cx: &mut Context<'_>) -> Result<usize, Reject> {
        let keys = place(cx, self.keys)?;
        let mut guard = cx.lock_all(&keys);
        let sets = see_all(&mut guard, &keys, cx.read())?;
        let mut count = 0;
        intersect(&sets, cx.now_ms, |_| {
            count += 1;
            count != self.limit
        });
        Ok(count)
    }
}

fn combine(cx: &mut Context<'_>, args: &Args<'_>, how: Algebra, reply: &mut dyn Reply) -> Result<(), Reject> {
    let reply = RefCell::new(reply);
    let begin = |count| reply.borrow_mut().set(count);
    Combine { how, keys: args.from(1) }.run(cx, begin, |member| say(member, &mut **reply.borrow_mut()))
}

fn store(cx: &mut Context<'_>, args: &Args<'_>, how: Algebra, reply: &mut dyn Reply) -> Result<(), Reject> {
    let count = Combine { how, keys: args.from(2) }.store(cx, args.at(1))?;
    reply.int(count as i64);
    Ok(())
}

pub(super) fn sinter(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    combine(cx, args, Algebra::Intersection, reply)
}

pub(super) fn sunion(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    combine(cx, args, Algebra::Union, reply)
}

pub(super) fn sdiff(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    combine(cx, args, Algebra::Difference, reply)
}

pub(super) fn sinterstore(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    store(cx, args, Algebra::Intersection, reply)
}

pub(super) fn sunionstore(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    store(cx, args, Algebra::Union, reply)
}

pub(super) fn sdiffstore(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    store(cx, args, Algebra::Difference, reply)
}

pub(super) fn sintercard(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    const NUMKEYS: Reject = Reject::new(Kind::BadRequest, "ERR numkeys should be greater than 0");
    const TOO_MANY: Reject = Reject::new(Kind::BadRequest, "ERR Number of keys can't be greater than number of args");
    const NEGATIVE: Reject = Reject::new(Kind::BadRequest, "ERR LIMIT can't be negative");
    let count = parse_int(args.at(1)).and_then(|count| usize::try_from(count).ok()).filter(|&count| count > 0);
    let count = count.ok_or(NUMKEYS)?;
    if count > args.len() - 2 {
        return Err(TOO_MANY);
    }
    let mut limit = 0;
    let mut at = 2 + count;
    while at < args.len() {
        let Some(value) = args.get(at + 1).filter(|_| args.is(at, "LIMIT")) else { return Err(Reject::SYNTAX) };
        limit = parse_int(value).and_then(|limit| usize::try_from(limit).ok()).ok_or(NEGATIVE)?;
        at += 2;
    }
    let found = IntersectionCount { keys: args.from(2).take(count), limit }.run(cx)?;
    reply.int(found as i64);
    Ok(())
}
