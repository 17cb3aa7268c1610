//! Reading a set: SISMEMBER, SMISMEMBER, SMEMBERS, SCARD, SRANDMEMBER.

use crate::args::Args;
use crate::family::members::{look, say};
use crate::reject::Reject;
use crate::reply::Reply;
use crate::table::Context;
use scrubjay_store::value::packed::Item;
use scrubjay_store::value::set::{Names, SetView};
use std::cell::RefCell;

/// Asks which of several members a set has.
#[derive(Clone, Copy, Debug)]
pub struct HasMembers<'a, I> {
    /// The key.
    pub key: &'a [u8],
    /// The members.
    pub members: I,
}

impl<'a, I: ExactSizeIterator<Item = &'a [u8]>> HasMembers<'a, I> {
    /// Tells their number to `begin`, then for each, in order, whether it is there. Errors: another kind; nothing was told.
    #[inline]
    pub fn run(
        self,
        cx: &mut Context<'_>,
        begin: impl FnOnce(usize),
        mut tell: impl FnMut(bool),
    ) -> Result<(), Reject> {
        let now_ms = cx.now_ms;
        look::<Names, _>(cx, self.key, |set| {
            begin(self.members.len());
            self.members.for_each(|member| tell(set.is_some_and(|set| set.get(member, now_ms).is_some())));
        })
    }
}

/// Reads a whole set.
#[derive(Clone, Copy, Debug)]
pub struct GetSet<'a> {
    /// The key.
    pub key: &'a [u8],
}

impl GetSet<'_> {
    /// Shows the number of members to `begin`, then each to `see`. Errors: another kind; nothing was shown.
    pub fn run(
        &self,
        cx: &mut Context<'_>,
        begin: impl FnOnce(usize),
        mut see: impl FnMut(Item<'_>),
    ) -> Result<(), Reject> {
        let now_ms = cx.now_ms;
        look::<Names, _>(cx, self.key, |set: Option<SetView<'_>>| match set {
            None => begin(0),
            Some(set) => {
                begin(set.len(now_ms));
                set.iter(now_ms).for_each(|member| see(member.name));
            }
        })
    }

    /// Counts the members. Errors: another kind.
    pub fn len(&self, cx: &mut Context<'_>) -> Result<usize, Reject> {
        let now_ms = cx.now_ms;
        look::<Names, _>(cx, self.key, |set| set.map_or(0, |set| set.len(now_ms)))
    }
}

pub(super) fn sismember(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    HasMembers { key: args.at(1), members: args.from(2) }.run(cx, |_| {}, |is_there| reply.int(i64::from(is_there)))
}

pub(super) fn smismember(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let reply = RefCell::new(reply);
    let begin = |count| reply.borrow_mut().array(count);
    HasMembers { key: args.at(1), members: args.from(2) }
        .run(cx, begin, |is_there| reply.borrow_mut().int(i64::from(is_there)))
}

pub(super) fn smembers(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let reply = RefCell::new(reply);
    let begin = |count| reply.borrow_mut().set(count);
    GetSet { key: args.at(1) }.run(cx, begin, |member| say(member, &mut **reply.borrow_mut()))
}

pub(super) fn scard(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let length = GetSet { key: args.at(1) }.len(cx)?;
    reply.int(length as i64);
    Ok(())
}
