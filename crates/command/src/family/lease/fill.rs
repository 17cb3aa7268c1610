//! What is done with a token, and what voids it: JAY.SET, JAY.RELEASE, JAY.DEL.

use super::positive;
use crate::args::Args;
use crate::family::group::Tagging;
use crate::family::key::Deleted;
use crate::family::string::{Condition, ExpiryOption, Set};
use crate::reject::{Kind, Reject};
use crate::reply::Reply;
use crate::table::Context;
use scrubjay_store::Access;

/// Gives a lease back unused.
#[derive(Clone, Copy, Debug)]
pub struct Release<'a> {
    /// The key.
    pub key: &'a [u8],
    /// Its token.
    pub token: u64,
}

impl Release<'_> {
    /// Gives it back. Returns whether it was still good.
    pub fn run(self, cx: &Context<'_>) -> Result<bool, Reject> {
        let key = cx.key(self.key)?;
        Ok(cx.lock(&key).release_lease(&key, self.token))
    }
}

/// Ends what a key holds, and keeps it for those who take it stale while it is loaded anew.
#[derive(Clone, Copy, Debug)]
pub struct Invalidate<'a> {
    /// The key.
    pub key: &'a [u8],
    /// For how long it is kept; 0: it is removed, and may be of any kind.
    pub stale_ms: u64,
    /// What must hold of what is there, be it stale.
    pub condition: Condition<'a>,
}

impl Invalidate<'_> {
    /// Ends it and voids its lease. What was there only as stale counts as deleted.
    ///
    /// Errors: key too long; what is no string cannot be kept.
    pub fn run(self, cx: &Context<'_>) -> Result<Deleted, Reject> {
        let key = cx.key(self.key)?;
        let mut guard = cx.lock(&key);
        let present = guard.get_or_stale(&key, Access::Peek);
        let was_there = present.is_some();
        if !self.condition.holds(present.as_ref()) {
            return Ok(Deleted::Refused);
        }
        if self.stale_ms == 0 {
            guard.remove(&key);
            return Ok(Deleted::of(was_there));
        }
        let was_there = guard.invalidate(&key, cx.now_ms.saturating_add(self.stale_ms)).ok_or(Reject::WRONG_TYPE)?;
        Ok(Deleted::of(was_there))
    }
}

const NO_TOKEN: Reject = Reject::new(Kind::BadRequest, "ERR TOKEN is needed: the one that JAY.GET gave");

fn token(text: &[u8]) -> Result<u64, Reject> {
    positive(text, "TOKEN")
}

pub(super) fn set(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let mut set = Set::new(args.at(1), args.at(2));
    let mut expiry = ExpiryOption::default();
    let mut at = 3;
    while at < args.len() {
        at += if args.is(at, "TOKEN") && set.token.is_none() {
            set.token = Some(token(args.get(at + 1).ok_or(Reject::SYNTAX)?)?);
            2
        } else if args.is(at, "TAGS") {
            (set.tags, at) = Tagging::parse(args, at)?;
            0
        } else {
            let width = expiry.accept(args, at, "KEEPTTL").or_else(|| expiry.accept_stale(args, at));
            width.ok_or(Reject::SYNTAX)?
        };
    }
    set.token.ok_or(NO_TOKEN)?;
    set.expiry = expiry.expiry(args, cx.now_ms, "jay.set")?.unwrap_or_default();
    match set.run(cx)?.stored {
        true => reply.ok(),
        false => reply.null(),
    }
    Ok(())
}

pub(super) fn release(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    if !args.is(2, "TOKEN") {
        return Err(NO_TOKEN);
    }
    let was_good = Release { key: args.at(1), token: token(args.at(3))? }.run(cx)?;
    reply.int(i64::from(was_good));
    Ok(())
}

pub(super) fn del(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let stale_ms = match args.len() {
        2 => 0,
        4 if args.is(2, "STALE") => positive(args.at(3), "STALE")?.saturating_mul(1000),
        _ => return Err(Reject::SYNTAX),
    };
    let deleted = Invalidate { key: args.at(1), stale_ms, condition: Condition::Always }.run(cx)?;
    reply.int(i64::from(deleted == Deleted::Yes));
    Ok(())
}
