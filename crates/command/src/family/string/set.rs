//! Writing one key: SET with all its options, and the older commands that are special cases of it.

use super::condition::Condition;
use super::expiry::{Clocked, Expiry, ExpiryOption};
use crate::args::Args;
use crate::family::Taken;
use crate::family::group::Tagging;
use crate::reject::Reject;
use crate::reply::Reply;
use crate::table::Context;
use scrubjay_store::{Access, Flags, flags};

/// Makes `value` the key's value if the condition holds.
#[derive(Clone, Copy, Debug)]
pub struct Set<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The value.
    pub value: &'a [u8],
    /// When it expires.
    pub expiry: Expiry,
    /// What must hold before.
    pub condition: Condition<'a>,
    /// The lease without which nothing is stored; `None`: none is needed.
    pub token: Option<u64>,
    /// The entry's flags.
    pub flags: Flags,
    /// The tags that it gets.
    pub tags: Tagging<'a>,
    /// Whether the outcome shall hold the value that was there before.
    pub get: bool,
    /// Whether the outcome shall hold the new version. Costs a second look-up.
    pub version: bool,
}

/// What a [`Set`] did.
#[derive(Clone, Debug, Default)]
pub struct SetOutcome {
    /// Whether the value was stored; `false`: the condition did not hold, or the lease was void, and nothing was changed.
    pub stored: bool,
    /// Whether the token that was shown is no lease, or no longer.
    pub is_void: bool,
    /// Whether the key existed before; `None`: nobody looked, because neither the condition nor `get` needed it.
    pub existed: Option<bool>,
    /// The value before, if `get` asked for it and there was one.
    pub previous: Option<Taken>,
    /// The new version, if it was asked for, and the key is there (a deadline in the past leaves none).
    pub version: Option<u64>,
}

impl<'a> Set<'a> {
    /// A plain write: any condition, default lifetime, no flags.
    #[inline]
    pub fn new(key: &'a [u8], value: &'a [u8]) -> Set<'a> {
        Set {
            key,
            value,
            expiry: Expiry::Default,
            condition: Condition::Always,
            token: None,
            flags: Flags::Set(flags::NONE),
            tags: Tagging::None,
            get: false,
            version: false,
        }
    }

    /// Reads `SET key value [options]`.
    ///
    /// Errors: options that contradict each other or lack their value, and times that are none, in Redis' words.
    #[inline]
    pub fn parse(args: &Args<'a>, now_ms: u64) -> Result<Set<'a>, Reject> {
        let mut set = Set::new(args.at(1), args.at(2));
        if args.len() > 3 {
            set.parse_options(args, now_ms)?;
        }
        Ok(set)
    }

    fn parse_options(&mut self, args: &Args<'a>, now_ms: u64) -> Result<(), Reject> {
        let mut expiry = ExpiryOption::default();
        let mut at = 3;
        while at < args.len() {
            let (condition, width) = if args.is(at, "NX") {
                (Condition::Absent, 1)
            } else if args.is(at, "XX") {
                (Condition::Present, 1)
            } else if args.is(at, "GET") {
                self.get = true;
                at += 1;
                continue;
            } else if args.is(at, "TAGS") {
                (self.tags, at) = Tagging::parse(args, at)?;
                continue;
            } else if let Some(width) = expiry.accept(args, at, "KEEPTTL").or_else(|| expiry.accept_stale(args, at)) {
                at += width;
                continue;
            } else if let Some(comparison) = Condition::parse_comparison(args, at)? {
                (comparison, 2)
            } else {
                return Err(Reject::SYNTAX);
            };
            let same_kind = std::mem::discriminant(&condition) == std::mem::discriminant(&self.condition);
            if !self.condition.is_always() && !same_kind {
                return Err(Reject::SYNTAX);
            }
            self.condition = condition;
            at += width;
        }
        self.expiry = expiry.expiry(args, now_ms, "set")?.unwrap_or_default();
        Ok(())
    }

    /// Whether key and value are within their limits, so that a batch can be refused before any of it is stored.
    ///
    /// Errors: one of them is too long.
    pub fn check(&self, cx: &Context<'_>) -> Result<(), Reject> {
        cx.key(self.key)?;
        cx.fits(self.value.len())
    }

    /// Writes. A deadline that has passed removes the key and counts as stored.
    ///
    /// Errors: key or value too long, no memory, or what is to be read is no string; nothing was changed.
    #[inline(always)]
    pub fn run(&self, cx: &Context<'_>) -> Result<SetOutcome, Reject> {
        let key = cx.key(self.key)?;
        cx.fits(self.value.len())?;
        let incoming = cx.store.incoming(self.value);
        cx.reserve(&key, incoming.stored_bytes());
        let mut guard = cx.lock(&key);
        let mut outcome = SetOutcome { stored: true, ..SetOutcome::default() };
        if self.token.is_some_and(|token| !guard.holds_lease(&key, token)) {
            return Ok(SetOutcome { stored: false, is_void: true, ..outcome });
        }
        if self.get || !self.condition.is_always() {
            let access = if self.get { cx.read() } else { Access::Write };
            let entry = match self.get || self.condition.reads_value() {
                true => guard.string(&key, access)?,
                false => guard.get(&key, access),
            };
            outcome.existed = Some(entry.is_some());
            outcome.stored = self.condition.holds(entry.as_ref());
            if self.get {
                outcome.previous = entry.as_ref().map(Taken::of);
            }
            if !outcome.stored {
                return Ok(outcome);
            }
        }
        guard.put_incoming(&key, incoming, self.expiry.deadline(cx.now_ms), self.flags)?;
        if !self.tags.is_none() {
            guard.set_tags(&key, &self.tags.names());
        }
        if self.version {
            outcome.version = guard.get(&key, Access::Peek).map(|entry| entry.version());
        }
        Ok(outcome)
    }
}

impl SetOutcome {
    fn say_previous(self, reply: &mut dyn Reply) {
        match self.previous {
            Some(value) => value.say(reply),
            None => reply.null(),
        }
    }
}

pub(super) fn set(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    if args.len() == 3 {
        // Nearly every SET: without options, so that none is looked at.
        Set::new(args.at(1), args.at(2)).run(cx)?;
        reply.ok();
        return Ok(());
    }
    let set = Set::parse(args, cx.now_ms)?;
    let outcome = set.run(cx)?;
    match (set.get, outcome.stored) {
        (true, _) => outcome.say_previous(reply),
        (false, true) => reply.ok(),
        (false, false) => reply.null(),
    }
    Ok(())
}

pub(super) fn setnx(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let set = Set { condition: Condition::Absent, ..Set::new(args.at(1), args.at(2)) };
    reply.int(i64::from(set.run(cx)?.stored));
    Ok(())
}

pub(super) fn setex(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    set_for(cx, args, Clocked::Seconds, "setex", reply)
}

pub(super) fn psetex(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    set_for(cx, args, Clocked::Milliseconds, "psetex", reply)
}

fn set_for(
    cx: &mut Context<'_>,
    args: &Args<'_>,
    clocked: Clocked,
    command: &str,
    reply: &mut dyn Reply,
) -> Result<(), Reject> {
    let expiry = clocked.expiry(args.at(2), cx.now_ms, command)?;
    Set { expiry, ..Set::new(args.at(1), args.at(3)) }.run(cx)?;
    reply.ok();
    Ok(())
}

pub(super) fn getset(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let set = Set { get: true, ..Set::new(args.at(1), args.at(2)) };
    set.run(cx)?.say_previous(reply);
    Ok(())
}
