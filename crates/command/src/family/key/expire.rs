//! Deadlines: EXPIRE and its kin, PERSIST, and the commands that tell how long a key still lives.

use crate::args::{Args, parse_int};
use crate::reject::{Kind, Reject};
use crate::reply::Reply;
use crate::table::Context;
use scrubjay_base::clock::UnixMs;
use scrubjay_store::Access;

/// Moves the deadline of a key.
#[derive(Clone, Copy, Debug)]
pub struct Expire<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The new deadline in Unix milliseconds; one that has passed, negative ones too, removes the key.
    pub at_ms: i64,
    /// What must hold of the present deadline.
    pub only: Only,
}

bitflags::bitflags! {
    /// What must hold of the present deadline for it to be moved; all that is named. A key without deadline lives
    /// for ever, so nothing is later and everything is sooner.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct Only: u8 {
        /// There is none (`NX`).
        const IF_NONE = 1;
        /// There is one (`XX`).
        const IF_ANY = 2;
        /// The new one is later (`GT`).
        const IF_LATER = 4;
        /// The new one is sooner (`LT`).
        const IF_SOONER = 8;
    }
}

impl Only {
    /// Whether the present deadline may not become `new`.
    pub fn forbids(self, present: Option<UnixMs>, new: UnixMs) -> bool {
        (self.contains(Only::IF_NONE) && present.is_some())
            || (self.contains(Only::IF_ANY) && present.is_none())
            || (self.contains(Only::IF_LATER) && present.is_none_or(|present| new <= present))
            || (self.contains(Only::IF_SOONER) && present.is_some_and(|present| new >= present))
    }
}

impl<'a> Expire<'a> {
    /// Lets the key live for `ttl_ms` from now.
    pub fn after(key: &'a [u8], ttl_ms: u64, now_ms: UnixMs) -> Expire<'a> {
        Expire { key, at_ms: i64::try_from(now_ms.saturating_add(ttl_ms)).unwrap_or(i64::MAX), only: Only::empty() }
    }

    /// Moves it. Returns whether it was moved (or the key removed); `false`: no such key, or a condition did not hold.
    pub fn run(&self, cx: &mut Context<'_>) -> Result<bool, Reject> {
        let key = cx.key(self.key)?;
        let mut guard = cx.lock(&key);
        let Some(entry) = guard.get(&key, Access::Write) else { return Ok(false) };
        let present = entry.deadline_ms();
        let new = self.at_ms.max(0) as u64;
        if self.only.forbids(present, new) {
            return Ok(false);
        }
        Ok(if new <= cx.now_ms { guard.remove(&key) } else { guard.set_deadline(&key, Some(new)) })
    }
}

/// Takes the deadline of a key away.
#[derive(Clone, Copy, Debug)]
pub struct Persist<'a> {
    /// The key.
    pub key: &'a [u8],
}

impl Persist<'_> {
    /// Takes it away. Returns whether there was one.
    pub fn run(&self, cx: &mut Context<'_>) -> Result<bool, Reject> {
        let key = cx.key(self.key)?;
        let mut guard = cx.lock(&key);
        let volatile = guard.get(&key, Access::Write).is_some_and(|entry| entry.deadline_ms().is_some());
        Ok(volatile && guard.set_deadline(&key, None))
    }
}

/// Asks how long a key still lives. Refreshes nothing.
#[derive(Clone, Copy, Debug)]
pub struct Ttl<'a> {
    /// The key.
    pub key: &'a [u8],
}

/// How long a key lives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lifetime {
    /// There is no such key.
    Missing,
    /// It has no deadline.
    Endless,
    /// It expires at this moment, which is later than now.
    Until(UnixMs),
}

impl Ttl<'_> {
    /// Asks.
    pub fn run(&self, cx: &mut Context<'_>) -> Result<Lifetime, Reject> {
        let key = cx.key(self.key)?;
        Ok(match cx.lock(&key).get(&key, Access::ReadNoTouch) {
            None => Lifetime::Missing,
            Some(entry) => entry.deadline_ms().map_or(Lifetime::Endless, Lifetime::Until),
        })
    }
}

/// How a command counts time.
#[derive(Clone, Copy)]
enum Unit {
    Seconds,
    Milliseconds,
}

pub(super) fn expire(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    run_expire(cx, args, "expire", Unit::Seconds, cx.now_ms, reply)
}

pub(super) fn pexpire(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    run_expire(cx, args, "pexpire", Unit::Milliseconds, cx.now_ms, reply)
}

pub(super) fn expireat(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    run_expire(cx, args, "expireat", Unit::Seconds, 0, reply)
}

pub(super) fn pexpireat(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    run_expire(cx, args, "pexpireat", Unit::Milliseconds, 0, reply)
}

fn run_expire(
    cx: &mut Context<'_>,
    args: &Args<'_>,
    command: &str,
    unit: Unit,
    base_ms: UnixMs,
    reply: &mut dyn Reply,
) -> Result<(), Reject> {
    let only = parse_only(args)?;
    let given = parse_int(args.at(2)).ok_or(Reject::NOT_AN_INTEGER)?;
    let at_ms = match unit {
        Unit::Seconds => given.checked_mul(1000),
        Unit::Milliseconds => Some(given),
    };
    let at_ms = at_ms.and_then(|ms| ms.checked_add(base_ms as i64)).ok_or_else(|| Reject::invalid_expire(command))?;
    let moved = Expire { key: args.at(1), at_ms, only }.run(cx)?;
    reply.int(i64::from(moved));
    Ok(())
}

fn parse_only(args: &Args<'_>) -> Result<Only, Reject> {
    const NONE_AND_OTHERS: Reject =
        Reject::new(Kind::BadRequest, "ERR NX and XX, GT or LT options at the same time are not compatible");
    const LATER_AND_SOONER: Reject =
        Reject::new(Kind::BadRequest, "ERR GT and LT options at the same time are not compatible");
    let mut only = Only::empty();
    for word in args.from(3) {
        only |= match word {
            _ if word.eq_ignore_ascii_case(b"NX") => Only::IF_NONE,
            _ if word.eq_ignore_ascii_case(b"XX") => Only::IF_ANY,
            _ if word.eq_ignore_ascii_case(b"GT") => Only::IF_LATER,
            _ if word.eq_ignore_ascii_case(b"LT") => Only::IF_SOONER,
            _ => {
                let word = String::from_utf8_lossy(word);
                return Err(Reject::with(Kind::BadRequest, format!("ERR Unsupported option {word}")));
            }
        };
    }
    if only.contains(Only::IF_NONE) && only != Only::IF_NONE {
        return Err(NONE_AND_OTHERS);
    }
    if only.contains(Only::IF_LATER.union(Only::IF_SOONER)) {
        return Err(LATER_AND_SOONER);
    }
    Ok(only)
}

pub(super) fn persist(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let was_volatile = Persist { key: args.at(1) }.run(cx)?;
    reply.int(i64::from(was_volatile));
    Ok(())
}

pub(super) fn ttl(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let now_ms = cx.now_ms;
    tell(cx, args, reply, |at_ms| (at_ms.saturating_sub(now_ms) + 500) / 1000)
}

pub(super) fn pttl(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let now_ms = cx.now_ms;
    tell(cx, args, reply, |at_ms| at_ms.saturating_sub(now_ms))
}

pub(super) fn expiretime(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    tell(cx, args, reply, |at_ms| (at_ms + 500) / 1000)
}

pub(super) fn pexpiretime(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    tell(cx, args, reply, |at_ms| at_ms)
}

fn tell(
    cx: &mut Context<'_>,
    args: &Args<'_>,
    reply: &mut dyn Reply,
    number: impl FnOnce(UnixMs) -> u64,
) -> Result<(), Reject> {
    reply.int(match (Ttl { key: args.at(1) }).run(cx)? {
        Lifetime::Missing => -2,
        Lifetime::Endless => -1,
        Lifetime::Until(at_ms) => number(at_ms) as i64,
    });
    Ok(())
}
