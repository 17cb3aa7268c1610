//! Reading a hash: HGET, HMGET, HGETALL, HKEYS, HVALS, HLEN, HEXISTS, HSTRLEN, HRANDFIELD.

use crate::args::Args;
use crate::family::members::{look, say, say_or_null};
use crate::reject::Reject;
use crate::reply::Reply;
use crate::table::Context;
use scrubjay_store::value::hash::{Fields, HashView};
use scrubjay_store::value::members::Member;
use std::cell::RefCell;

/// Reads one field.
#[derive(Clone, Copy, Debug)]
pub struct GetField<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The field.
    pub field: &'a [u8],
}

impl GetField<'_> {
    /// Shows it to `see`; `None` if there is none. Errors: another kind.
    #[inline]
    pub fn run<R>(&self, cx: &mut Context<'_>, see: impl FnOnce(Option<Member<'_>>) -> R) -> Result<R, Reject> {
        let now_ms = cx.now_ms;
        look::<Fields, _>(cx, self.key, |hash| see(hash.and_then(|hash| hash.get(self.field, now_ms))))
    }
}

/// Reads several fields, as they are at one moment.
#[derive(Clone, Copy, Debug)]
pub struct GetFields<'a, I> {
    /// The key.
    pub key: &'a [u8],
    /// The fields.
    pub fields: I,
}

impl<'a, I: ExactSizeIterator<Item = &'a [u8]>> GetFields<'a, I> {
    /// Shows their number to `begin`, then each to `see`, in order. Errors: another kind; nothing was shown.
    pub fn run(
        self,
        cx: &mut Context<'_>,
        begin: impl FnOnce(usize),
        mut see: impl FnMut(Option<Member<'_>>),
    ) -> Result<(), Reject> {
        let now_ms = cx.now_ms;
        look::<Fields, _>(cx, self.key, |hash| {
            begin(self.fields.len());
            self.fields.for_each(|field| see(hash.and_then(|hash| hash.get(field, now_ms))));
        })
    }
}

/// Reads a whole hash.
#[derive(Clone, Copy, Debug)]
pub struct GetHash<'a> {
    /// The key.
    pub key: &'a [u8],
}

impl GetHash<'_> {
    /// Shows the number of fields to `begin`, then each to `see`. Errors: another kind; nothing was shown.
    pub fn run(
        &self,
        cx: &mut Context<'_>,
        begin: impl FnOnce(usize),
        see: impl FnMut(Member<'_>),
    ) -> Result<(), Reject> {
        let now_ms = cx.now_ms;
        look::<Fields, _>(cx, self.key, |hash: Option<HashView<'_>>| match hash {
            None => begin(0),
            Some(hash) => {
                begin(hash.len(now_ms));
                hash.iter(now_ms).for_each(see);
            }
        })
    }

    /// Counts the fields. Errors: another kind.
    pub fn len(&self, cx: &mut Context<'_>) -> Result<usize, Reject> {
        let now_ms = cx.now_ms;
        look::<Fields, _>(cx, self.key, |hash| hash.map_or(0, |hash| hash.len(now_ms)))
    }
}

pub(super) fn hget(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    GetField { key: args.at(1), field: args.at(2) }.run(cx, |found| say_or_null(found.map(|f| f.value), reply))
}

pub(super) fn hmget(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let fields = args.from(2);
    let reply = RefCell::new(reply);
    let begin = |count| reply.borrow_mut().array(count);
    let see = |found: Option<Member<'_>>| say_or_null(found.map(|field| field.value), &mut **reply.borrow_mut());
    GetFields { key: args.at(1), fields }.run(cx, begin, see)
}

pub(super) fn hgetall(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let reply = RefCell::new(reply);
    let see = |field: Member<'_>| {
        let reply = &mut **reply.borrow_mut();
        say(field.name, reply);
        say(field.value, reply);
    };
    GetHash { key: args.at(1) }.run(cx, |count| reply.borrow_mut().map(count), see)
}

pub(super) fn hkeys(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let reply = RefCell::new(reply);
    let see = |field: Member<'_>| say(field.name, &mut **reply.borrow_mut());
    GetHash { key: args.at(1) }.run(cx, |count| reply.borrow_mut().array(count), see)
}

pub(super) fn hvals(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let reply = RefCell::new(reply);
    let see = |field: Member<'_>| say(field.value, &mut **reply.borrow_mut());
    GetHash { key: args.at(1) }.run(cx, |count| reply.borrow_mut().array(count), see)
}

pub(super) fn hlen(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let length = GetHash { key: args.at(1) }.len(cx)?;
    reply.int(length as i64);
    Ok(())
}

pub(super) fn hexists(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    GetField { key: args.at(1), field: args.at(2) }.run(cx, |found| reply.int(i64::from(found.is_some())))
}

pub(super) fn hstrlen(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let length = |found: Option<Member<'_>>| found.map_or(0, |field| field.value.len());
    let length = GetField { key: args.at(1), field: args.at(2) }.run(cx, length)?;
    reply.int(length as i64);
    Ok(())
}
