//! Changing sets: SADD, SPOP, SMOVE.

use crate::args::Args;
use crate::family::members::{OVERHEAD_BYTES, say};
use crate::reject::Reject;
use crate::reply::Reply;
use crate::table::Context;
use scrubjay_store::Access;
use scrubjay_store::value::packed::Item;
use scrubjay_store::value::set::Set;
use std::cell::RefCell;

/// Adds members.
#[derive(Clone, Copy, Debug)]
pub struct Add<'a, I> {
    /// The key.
    pub key: &'a [u8],
    /// The members; those that are there already stay as they are, their deadlines too.
    pub members: I,
}

impl<'a, I: Iterator<Item = &'a [u8]> + Clone> Add<'a, I> {
    /// Adds. Returns how many are new. Errors: another kind, a member too long, no memory; nothing was changed.
    #[inline]
    pub fn run(self, cx: &mut Context<'_>) -> Result<usize, Reject> {
        let key = cx.key(self.key)?;
        let mut room_bytes = 0;
        for member in self.members.clone() {
            cx.fits(member.len())?;
            room_bytes += member.len() + OVERHEAD_BYTES;
        }
        let new = cx.lock(&key).edit::<Set, _>(&key, true, room_bytes, |set| {
            self.members.map(|member| usize::from(set.add(member))).sum()
        })?;
        Ok(new.unwrap_or(0))
    }
}

/// Removes members at random.
#[derive(Clone, Copy, Debug)]
pub struct PopMembers<'a> {
    /// The key.
    pub key: &'a [u8],
    /// How many at most.
    pub count: usize,
}

impl PopMembers<'_> {
    /// Shows their number to `begin`, then each to `see`. Whether there is such a set. Errors: another kind.
    pub fn run(
        &self,
        cx: &mut Context<'_>,
        begin: impl FnOnce(usize),
        mut see: impl FnMut(Item<'_>),
    ) -> Result<bool, Reject> {
        let key = cx.key(self.key)?;
        let popped = cx.lock(&key).edit::<Set, _>(&key, false, 0, |set| {
            begin(self.count.min(set.view().len(set.now_ms())));
            if self.count > 0 {
                set.pop(self.count, |member| see(member.name));
            }
        })?;
        Ok(popped.is_some())
    }
}

/// Moves a member from one set to another.
#[derive(Clone, Copy, Debug)]
pub struct MoveMember<'a> {
    /// The key that it leaves.
    pub from: &'a [u8],
    /// The key that it joins.
    pub to: &'a [u8],
    /// The member.
    pub member: &'a [u8],
}

impl MoveMember<'_> {
    /// Moves it, with its deadline, unless it is there already. Whether it was in the first.
    ///
    /// Errors: another kind under either key, no memory; nothing was changed.
    pub fn run(&self, cx: &mut Context<'_>) -> Result<bool, Reject> {
        let (from, to, now_ms) = (cx.key(self.from)?, cx.key(self.to)?, cx.now_ms);
        let mut guard = cx.lock_all(&[from, to]);
        let Some(set) = guard.view::<Set>(&from, Access::Peek)? else { return Ok(false) };
        let found = set.get(self.member, now_ms).map(|member| member.deadline_ms);
        guard.view::<Set>(&to, Access::Peek)?;
        let Some(deadline_ms) = found else { return Ok(false) };
        if from == to {
            return Ok(true);
        }
        // What can be refused comes first; taking out cannot be.
        let room_bytes = self.member.len() + OVERHEAD_BYTES;
        guard.edit::<Set, _>(&to, true, room_bytes, |set| {
            if set.add(self.member) && deadline_ms.is_some() {
                set.set_deadline(self.member, deadline_ms);
            }
        })?;
        guard.edit::<Set, _>(&from, false, 0, |set| set.remove(self.member))?;
        Ok(true)
    }
}

pub(super) fn sadd(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let new = Add { key: args.at(1), members: args.from(2) }.run(cx)?;
    reply.int(new as i64);
    Ok(())
}

pub(super) fn spop(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    if args.len() > 3 {
        return Err(Reject::SYNTAX);
    }
    let key = args.at(1);
    let reply = RefCell::new(reply);
    let see = |member: Item<'_>| say(member, &mut **reply.borrow_mut());
    match args.get(2) {
        None => {
            let mut there = false;
            PopMembers { key, count: 1 }.run(cx, |count| there = count > 0, see)?;
            if !there {
                reply.borrow_mut().null();
            }
        }
        Some(_) => {
            let count = args.count(2)?;
            if !(PopMembers { key, count }).run(cx, |count| reply.borrow_mut().set(count), see)? {
                reply.borrow_mut().set(0);
            }
        }
    }
    Ok(())
}

pub(super) fn smove(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let moved = MoveMember { from: args.at(1), to: args.at(2), member: args.at(3) }.run(cx)?;
    reply.int(i64::from(moved));
    Ok(())
}
