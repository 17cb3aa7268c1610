//! A walk through a large hash or set in small steps: HSCAN and SSCAN.

use super::say;
use crate::args::{Args, parse_int};
use crate::reject::{Kind, Reject};
use crate::reply::Reply;
use crate::table::Context;
use scrubjay_base::glob;
use scrubjay_store::value::members::{Member, Members, Shape};
use std::marker::PhantomData;

/// `COUNT` unless given.
const COUNT_DEFAULT: usize = 10;

/// One step of a walk.
#[derive(Clone, Copy, Debug)]
pub struct Walk<'a, S> {
    /// The key.
    pub key: &'a [u8],
    /// Where the step before ended; 0 to start.
    pub cursor: u64,
    /// The names must match this.
    pub pattern: Option<&'a [u8]>,
    /// About how many to visit.
    pub count: usize,
    /// Whether a hash's values are wanted.
    pub values: bool,
    /// Of a hash or a set.
    pub shape: PhantomData<S>,
}

impl<'a, S: Shape> Walk<'a, S> {
    /// Reads `key cursor [MATCH pattern] [COUNT count] [NOVALUES]`.
    pub fn parse(args: &Args<'a>) -> Result<Walk<'a, S>, Reject> {
        const INVALID_CURSOR: Reject = Reject::new(Kind::BadRequest, "ERR invalid cursor");
        let cursor = std::str::from_utf8(args.at(2)).ok().and_then(|text| text.parse().ok()).ok_or(INVALID_CURSOR)?;
        let mut walk = Walk {
            key: args.at(1),
            cursor,
            pattern: None,
            count: COUNT_DEFAULT,
            values: S::HAS_VALUES,
            shape: PhantomData,
        };
        let mut at = 3;
        while at < args.len() {
            if S::HAS_VALUES && args.is(at, "NOVALUES") {
                walk.values = false;
                at += 1;
                continue;
            }
            let Some(value) = args.get(at + 1) else { return Err(Reject::SYNTAX) };
            if args.is(at, "COUNT") {
                let count = parse_int(value).ok_or(Reject::NOT_AN_INTEGER)?;
                walk.count = usize::try_from(count).ok().filter(|&count| count > 0).ok_or(Reject::SYNTAX)?;
            } else if args.is(at, "MATCH") {
                walk.pattern = Some(value);
            } else {
                return Err(Reject::SYNTAX);
            }
            at += 2;
        }
        Ok(walk)
    }

    /// Gives the next cursor, 0 at the end, and what was found to `say`. Errors: another kind.
    pub fn run(&self, cx: &mut Context<'_>, say: impl FnOnce(u64, &[Member<'_>])) -> Result<(), Reject> {
        let (key, now_ms) = (cx.key(self.key)?, cx.now_ms);
        let mut guard = cx.lock(&key);
        let Some(view) = guard.view::<Members<S>>(&key, cx.read())? else {
            say(0, &[]);
            return Ok(());
        };
        let pattern = self.pattern.filter(|pattern| *pattern != b"*");
        let mut found = Vec::new();
        let next = view.scan(self.cursor, self.count, now_ms, |member| {
            if pattern.is_none_or(|pattern| member.name.with(|name| glob::matches(pattern, name))) {
                found.push(member);
            }
        });
        say(next, &found);
        Ok(())
    }
}

pub(in crate::family) fn scan<S: Shape>(
    cx: &mut Context<'_>,
    args: &Args<'_>,
    reply: &mut dyn Reply,
) -> Result<(), Reject> {
    let walk = Walk::<S>::parse(args)?;
    walk.run(cx, |next, found| {
        reply.array(2);
        reply.text(&next.to_string());
        reply.array(if walk.values { 2 * found.len() } else { found.len() });
        for member in found {
            say(member.name, reply);
            if walk.values {
                say(member.value, reply);
            }
        }
    })
}
