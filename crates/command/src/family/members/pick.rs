//! Random members: HRANDFIELD, SRANDMEMBER, ZRANDMEMBER.

use super::named::{Found, Named};
use super::say_or_null;
use crate::args::{Args, parse_int};
use crate::reject::{Kind, Reject};
use crate::reply::Reply;
use crate::table::Context;
use scrubjay_base::rand::Rng;
use scrubjay_store::value::WrongKind;
use std::cell::RefCell;
use std::marker::PhantomData;

/// Most members with repetition: an answer is made as a whole while its slot is locked, and few bytes ask for it. Chosen.
const REPEATED_MAX: u64 = 1 << 22;

/// Picks members at random; each choice is as likely as the others.
#[derive(Clone, Copy, Debug)]
pub struct Pick<'a, C> {
    /// The key.
    pub key: &'a [u8],
    /// How many different ones, or, negative, how many of which some may be the same.
    pub count: i64,
    /// Of which kind of collection.
    pub kind: PhantomData<C>,
}

impl<C: Named> Pick<'_, C> {
    /// Shows their number to `begin`, then each to `see`. Errors: another kind, more than an answer may hold; nothing was
    /// shown.
    pub fn run(
        &self,
        cx: &mut Context<'_>,
        begin: impl FnOnce(usize),
        mut see: impl FnMut(Found<'_>),
    ) -> Result<(), Reject> {
        let wanted = self.count.unsigned_abs();
        if self.count < 0 && wanted > REPEATED_MAX {
            let line = format!("ERR value is out of range: at most {REPEATED_MAX} are picked with repetition");
            return Err(Reject::with(Kind::TooLarge, line));
        }
        let (key, now_ms) = (cx.key(self.key)?, cx.now_ms);
        let mut guard = cx.lock(&key);
        let mut rng = Rng::new(guard.rng(&key).next_u64());
        let Some(entry) = guard.get(&key, cx.read()) else {
            begin(0);
            return Ok(());
        };
        let view = entry.view::<C>().ok_or(WrongKind)?;
        if wanted == 0 {
            begin(0);
            return Ok(());
        }
        let (len, at) = C::numbered(view, now_ms);
        if self.count > 0 {
            let numbers = rng.distinct(usize::try_from(wanted).unwrap_or(usize::MAX), len as u32);
            begin(numbers.len());
            numbers.iter().filter_map(|&number| at(number as usize)).for_each(see);
            return Ok(());
        }
        let count = if len == 0 { 0 } else { wanted as usize };
        // Few members may be long ones: what they take together is refused before it eats the memory.
        if count.saturating_mul(entry.memory_bytes() / len.max(1)) > cx.value_bytes_max {
            const TOO_LARGE: &str = "ERR value is out of range: the answer would be longer than any value may be";
            return Err(Reject::new(Kind::TooLarge, TOO_LARGE));
        }
        begin(count);
        for _ in 0..count {
            at(rng.below(len as u64) as usize).into_iter().for_each(&mut see);
        }
        Ok(())
    }

    /// Shows one to `see`; `None` if there is none. Errors: another kind.
    pub fn one<R>(cx: &mut Context<'_>, key: &[u8], see: impl FnOnce(Option<Found<'_>>) -> R) -> Result<R, Reject> {
        let (key, now_ms) = (cx.key(key)?, cx.now_ms);
        let mut guard = cx.lock(&key);
        let mut rng = Rng::new(guard.rng(&key).next_u64());
        let view = guard.view::<C>(&key, cx.read())?;
        Ok(see(view.and_then(|view| C::one(view, now_ms, &mut rng))))
    }
}

/// Reads the number of members: anything but the lowest number, as in Redis.
fn count(args: &Args<'_>, at: usize) -> Result<i64, Reject> {
    const OUT_OF_RANGE: Reject = Reject::new(
        Kind::BadRequest,
        "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
    );
    match parse_int(args.at(at)).ok_or(Reject::NOT_AN_INTEGER)? {
        i64::MIN => Err(OUT_OF_RANGE),
        count => Ok(count),
    }
}

/// Runs `key [count [WITH...]]`, with the word of this kind.
pub(in crate::family) fn random<C: Named>(
    cx: &mut Context<'_>,
    args: &Args<'_>,
    reply: &mut dyn Reply,
) -> Result<(), Reject> {
    const OUT_OF_RANGE: Reject = Reject::new(Kind::BadRequest, "ERR value is out of range");
    let key = args.at(1);
    if args.len() == 2 {
        return Pick::<C>::one(cx, key, |found| say_or_null(found.map(|found| found.name), reply));
    }
    if C::WITH.is_none() && args.len() > 3 {
        return Err(Reject::SYNTAX);
    }
    let count = count(args, 2)?;
    let is_with = C::WITH.is_some_and(|word| args.is(3, word));
    if args.len() > 4 || (args.len() == 4 && !is_with) {
        return Err(Reject::SYNTAX);
    }
    if is_with && count.unsigned_abs() > i64::MAX as u64 / 2 {
        return Err(OUT_OF_RANGE);
    }
    let reply = RefCell::new(reply);
    // RESP3 says pairs; RESP2, which has none, says one after the other.
    let is_paired = is_with && reply.borrow().resp_version() >= 3;
    let begin = |count: usize| {
        reply.borrow_mut().array(if is_with && !is_paired { 2 * count } else { count });
    };
    let see = |found: Found<'_>| {
        let reply = &mut **reply.borrow_mut();
        if is_paired {
            reply.array(2);
        }
        super::say(found.name, reply);
        if is_with {
            found.beside.say(reply);
        }
    };
    Pick { key, count, kind: PhantomData::<C> }.run(cx, begin, see)
}
