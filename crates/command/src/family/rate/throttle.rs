//! A limit on a rate: CL.THROTTLE, by the generic cell rate algorithm (ITU-T I.371, in its virtual-scheduling form, as
//! Redis-Cell has it: <https://github.com/brandur/redis-cell>).
//!
//! ```text
//!   the key holds the theoretical arrival time: when everything let through so far would have come at an even pace
//!   arrival' = max(arrival, now) + quantity x interval          interval = period / count
//!   let through if arrival' - now <= (burst + 1) x interval     then arrival' is stored until arrival' itself
//! ```
//! Times are whole nanoseconds, so nothing is lost between calls; an interval that is no whole number of them is cut, which
//! at a million in a second lets through one in a million too many. The key is a string of digits and expires when the
//! limit is as good as new.

use crate::args::{Args, Digits, parse_int};
use crate::reject::{Kind, Reject};
use crate::reply::Reply;
use crate::table::Context;
use scrubjay_store::{Access, Deadline, Flags, flags};

const NS_PER_SECOND: i64 = 1_000_000_000;
const NS_PER_MS: i64 = 1_000_000;

/// Asks whether something may happen under a limit.
#[derive(Clone, Copy, Debug)]
pub struct Throttle<'a> {
    /// The key.
    pub key: &'a [u8],
    /// How many may come at once beyond the first, 0 or more.
    pub max_burst: i64,
    /// How many may come in a period on the long run, at least 1.
    pub count: i64,
    /// The period, in seconds, at least 1.
    pub period_s: i64,
    /// How much of it is asked for; 0 only looks.
    pub quantity: i64,
}

/// The answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Throttled {
    /// Whether it may not happen; then nothing was changed.
    pub limited: bool,
    /// How much may come at once at most.
    pub limit: i64,
    /// How much may come now.
    pub remaining: i64,
    /// After how long the same may be asked again; `None`: it was let through, or never will be.
    pub retry_after_ns: Option<i64>,
    /// After how long the limit is as good as new.
    pub reset_after_ns: i64,
}

const OUT_OF_RANGE: Reject =
    Reject::new(Kind::BadRequest, "ERR the limit is out of range: a burst of 292 years is too long");

impl Throttle<'_> {
    /// Asks, and counts what is let through.
    ///
    /// Errors: numbers out of range, a key that holds something else, no memory; nothing was changed.
    pub fn run(&self, cx: &Context<'_>) -> Result<Throttled, Reject> {
        const BAD_LIMIT: Reject = Reject::new(
            Kind::BadRequest,
            "ERR max_burst and quantity must not be negative, count and period must be above 0",
        );
        const TOO_FAST: Reject = Reject::new(Kind::BadRequest, "ERR the limit is beyond one in a nanosecond");
        if self.max_burst < 0 || self.quantity < 0 || self.count < 1 || self.period_s < 1 {
            return Err(BAD_LIMIT);
        }
        let interval = self.period_s.checked_mul(NS_PER_SECOND).ok_or(OUT_OF_RANGE)? / self.count;
        if interval == 0 {
            return Err(TOO_FAST);
        }
        let limit = self.max_burst.checked_add(1).ok_or(OUT_OF_RANGE)?;
        let tolerance = interval.checked_mul(limit).ok_or(OUT_OF_RANGE)?;
        let increment = interval.checked_mul(self.quantity).ok_or(OUT_OF_RANGE)?;
        let now = i64::try_from(cx.now_ms).ok().and_then(|ms| ms.checked_mul(NS_PER_MS)).ok_or(OUT_OF_RANGE)?;

        let key = cx.key(self.key)?;
        cx.reserve(&key, Digits::LENGTH_MAX);
        let mut guard = cx.lock(&key);
        let arrival = match guard.string(&key, Access::Write)? {
            Some(entry) => parse_int(&entry.value()).ok_or(Reject::NOT_AN_INTEGER)?.max(now),
            None => now,
        };
        let next = arrival.checked_add(increment).ok_or(OUT_OF_RANGE)?;
        let over = (next - now).saturating_sub(tolerance);
        let limited = over > 0;
        let ahead = if limited { arrival - now } else { next - now };
        if !limited && increment > 0 {
            let until_ms = (next as u64).div_ceil(NS_PER_MS as u64);
            guard.put(&key, Digits::of(next).as_bytes(), Deadline::At(until_ms), Flags::Set(flags::NONE))?;
        }
        Ok(Throttled {
            limited,
            limit,
            remaining: (tolerance - ahead).max(0) / interval,
            retry_after_ns: (limited && increment <= tolerance).then_some(over),
            reset_after_ns: ahead,
        })
    }
}

pub(super) fn throttle(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    if args.len() > 6 {
        return Err(Reject::arity("cl.throttle"));
    }
    let quantity = if args.len() == 6 { args.int(5)? } else { 1 };
    let (max_burst, count, period_s) = (args.int(2)?, args.int(3)?, args.int(4)?);
    let answer = Throttle { key: args.at(1), max_burst, count, period_s, quantity }.run(cx)?;
    // Parts of a second count as whole ones: who comes back after them is let through.
    let seconds = |ns: i64| ns / NS_PER_SECOND + i64::from(ns % NS_PER_SECOND > 0);
    reply.array(5);
    reply.int(i64::from(answer.limited));
    reply.int(answer.limit);
    reply.int(answer.remaining);
    reply.int(answer.retry_after_ns.map_or(-1, seconds));
    reply.int(seconds(answer.reset_after_ns));
    Ok(())
}
