//! Reading with a lease: JAY.GET.

use super::positive;
use crate::args::{Args, parse_int};
use crate::family::say_entry;
use crate::reject::{Kind, Reject};
use crate::reply::Reply;
use crate::table::Context;
use crate::wait::{Nothing, Wish};
use scrubjay_base::clock::UnixMs;
use scrubjay_store::{Access, Entry, Kind as ValueKind, Lease};

/// Longest lease, in milliseconds: an hour, so that a loader that died blocks nobody for ever. Chosen.
pub const LEASE_MS_MAX: u64 = 3_600_000;

/// Who waits for a loader looks again so often at least: its lease may have passed to one with less time.
const LOOK_AGAIN_MS: u64 = 1000;

/// Asks for the right to fill what is not there, or not fresh.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ask {
    /// For how long, 1 to [`LEASE_MS_MAX`].
    pub ttl_ms: u64,
    /// Also for what is fresh, if it expires within so long; 0: not.
    pub recache_ms: u64,
}

/// Reads a string, be it stale.
#[derive(Clone, Copy, Debug)]
pub struct LeasedGet<'a> {
    /// The key.
    pub key: &'a [u8],
    /// Whether to ask for the right to fill it.
    pub ask: Option<Ask>,
}

/// How what was found is to be taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// Fresh.
    Hit,
    /// Past its deadline, and kept.
    Stale,
    /// Nothing is there.
    Miss,
}

/// Who may fill the key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Right {
    /// It was not asked for, or there is no need.
    None,
    /// The caller, with this token.
    Won(u64),
    /// Somebody else, until `until_ms` at most.
    Taken {
        /// When that ends by itself.
        until_ms: UnixMs,
    },
}

impl State {
    /// How the entry, if there is one, is to be taken.
    pub fn of(entry: Option<&Entry<'_>>) -> State {
        match entry {
            None => State::Miss,
            Some(entry) if entry.is_stale() => State::Stale,
            Some(_) => State::Hit,
        }
    }

    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            State::Hit => "hit",
            State::Stale => "stale",
            State::Miss => "miss",
        }
    }
}

impl LeasedGet<'_> {
    /// Shows the entry, fresh or stale, and who may fill it, to `see`, and returns what it returns. Counts as a hit if
    /// anything is there. Errors: key too long. What is no string is shown, and never leased.
    pub fn run<R>(self, cx: &Context<'_>, see: impl FnOnce(Option<&Entry<'_>>, Right) -> R) -> Result<R, Reject> {
        let key = cx.key(self.key)?;
        let mut guard = cx.lock(&key);
        let entry = guard.get_or_stale(&key, cx.read());
        let now_ms = cx.now_ms;
        let is_wanted = |ask: &Ask| match &entry {
            None => true,
            Some(entry) if !entry.is_string() => false,
            Some(entry) => entry.deadline_ms().is_some_and(|at| at <= now_ms.saturating_add(ask.recache_ms)),
        };
        let Some(ask) = self.ask.filter(is_wanted) else { return Ok(see(entry.as_ref(), Right::None)) };
        let right = match guard.lease(&key, ask.ttl_ms.min(LEASE_MS_MAX)) {
            Lease::Won(token) => Right::Won(token),
            Lease::Taken { until_ms } => Right::Taken { until_ms },
        };
        Ok(see(guard.get_or_stale(&key, Access::Peek).as_ref(), right))
    }
}

/// Asks whether a key is not there and somebody else may fill it.
#[derive(Clone, Copy, Debug)]
pub struct Blocked<'a> {
    /// The key.
    pub key: &'a [u8],
}

impl Blocked<'_> {
    /// Asks. Returns when to look again; `None`: there is something, or it is free to fill. Counts nothing.
    pub fn run(self, cx: &Context<'_>) -> Option<UnixMs> {
        let key = cx.store.key(cx.ns, self.key);
        let mut guard = cx.lock(&key);
        if guard.get_or_stale(&key, Access::Peek).is_some() {
            return None;
        }
        guard.lease_until_ms(&key).map(|until_ms| look_again_ms(until_ms, cx.now_ms))
    }
}

/// When somebody who waits for a lease that ends at `until_ms` looks again.
pub fn look_again_ms(until_ms: UnixMs, now_ms: UnixMs) -> UnixMs {
    until_ms.min(now_ms.saturating_add(LOOK_AGAIN_MS))
}

struct Parsed<'a> {
    get: LeasedGet<'a>,
    wait_ms: u64,
}

fn parse<'a>(args: &Args<'a>) -> Result<Parsed<'a>, Reject> {
    const TOO_LONG: Reject = Reject::new(Kind::BadRequest, "ERR LEASE must be at most 3600000 milliseconds");
    const NEGATIVE: Reject = Reject::new(Kind::BadRequest, "ERR WAIT and RECACHE must not be negative");
    let count = |text| {
        let number = parse_int(text).ok_or(Reject::NOT_AN_INTEGER)?;
        u64::try_from(number).map_err(|_| NEGATIVE)
    };
    let (mut lease_ms, mut wait_ms, mut recache_ms) = (None, None, None);
    let mut at = 2;
    while at < args.len() {
        let Some(value) = args.get(at + 1) else { return Err(Reject::SYNTAX) };
        if args.is(at, "LEASE") && lease_ms.is_none() {
            lease_ms = Some(positive(value, "LEASE")?);
        } else if args.is(at, "WAIT") && wait_ms.is_none() {
            wait_ms = Some(count(value)?);
        } else if args.is(at, "RECACHE") && recache_ms.is_none() {
            recache_ms = Some(count(value)?.saturating_mul(1000));
        } else {
            return Err(Reject::SYNTAX);
        }
        at += 2;
    }
    let ask = match lease_ms {
        // To wait for nobody, or to refresh without a token, would do nothing.
        None if wait_ms.is_some() || recache_ms.is_some() => return Err(Reject::SYNTAX),
        None => None,
        Some(ttl_ms) if ttl_ms > LEASE_MS_MAX => return Err(TOO_LONG),
        Some(ttl_ms) => Some(Ask { ttl_ms, recache_ms: recache_ms.unwrap_or(0) }),
    };
    Ok(Parsed { get: LeasedGet { key: args.at(1), ask }, wait_ms: wait_ms.unwrap_or(0) })
}

pub(super) fn get(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let Parsed { get, wait_ms } = parse(args)?;
    let now_ms = cx.now_ms;
    let may_wait = cx.may_wait && wait_ms > 0;
    let blocked = get.run(cx, |entry, right| match (entry, right) {
        (Some(entry), _) if !entry.is_string() => Err(Reject::WRONG_TYPE),
        (None, Right::Taken { until_ms }) if may_wait => Ok(Some(until_ms)),
        _ => {
            say(entry, right, now_ms, reply);
            Ok(None)
        }
    })??;
    if let Some(lease_until_ms) = blocked {
        cx.wish = Some(Box::new(Wish {
            kind: ValueKind::String,
            keys: vec![get.key.into()],
            until_ms: Some(now_ms.saturating_add(wait_ms)),
            nothing: Nothing::Taken,
            look_again_ms: Some(look_again_ms(lease_until_ms, now_ms)),
        }));
    }
    Ok(())
}

fn say(entry: Option<&Entry<'_>>, right: Right, now_ms: UnixMs, reply: &mut dyn Reply) {
    reply.map(5);
    reply.text("value");
    say_entry(entry, reply);
    reply.text("state");
    reply.text(State::of(entry).name());
    reply.text("lease");
    reply.text(match right {
        Right::None => "none",
        Right::Won(_) => "won",
        Right::Taken { .. } => "taken",
    });
    reply.text("token");
    match right {
        Right::Won(token) => reply.int(token as i64),
        _ => reply.null(),
    }
    reply.text("ttl");
    match entry.and_then(|entry| entry.deadline_ms()) {
        Some(at) => reply.int(at.saturating_sub(now_ms) as i64),
        None => reply.null(),
    }
}

/// Says that nothing is there and that somebody else may fill it.
pub(crate) fn say_taken(reply: &mut dyn Reply) {
    say(None, Right::Taken { until_ms: 0 }, 0, reply);
}
