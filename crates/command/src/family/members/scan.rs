//! A walk through a large collection in small steps: HSCAN, SSCAN, ZSCAN.

use super::named::{Beside, Found, Named};
use super::say;
use crate::args::{Args, parse_int};
use crate::reject::Reject;
use crate::reply::Reply;
use crate::table::Context;
use scrubjay_base::{double, glob};
use std::marker::PhantomData;

/// `COUNT` unless given.
const COUNT_DEFAULT: usize = 10;

/// One step of a walk.
#[derive(Clone, Copy, Debug)]
pub struct Walk<'a, C> {
    /// The key.
    pub key: &'a [u8],
    /// Where the step before ended; 0 to start.
    pub cursor: u64,
    /// The names must match this.
    pub pattern: Option<&'a [u8]>,
    /// About how many to visit.
    pub count: usize,
    /// Whether what stands beside names is wanted.
    pub beside: bool,
    /// Through which kind of collection.
    pub kind: PhantomData<C>,
}

impl<'a, C: Named> Walk<'a, C> {
    /// Reads `[MATCH pattern] [COUNT count] [NOVALUES]` from argument 3 on, the last where the kind has such a word.
    pub fn parse(args: &Args<'a>, cursor: u64) -> Result<Walk<'a, C>, Reject> {
        let (beside, kind) = (C::WITH.is_some(), PhantomData);
        let mut walk = Walk { key: args.at(1), cursor, pattern: None, count: COUNT_DEFAULT, beside, kind };
        let mut at = 3;
        while at < args.len() {
            if C::WITHOUT.is_some_and(|word| args.is(at, word)) {
                walk.beside = false;
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
    pub fn run(&self, cx: &mut Context<'_>, say: impl FnOnce(u64, &[Found<'_>])) -> Result<(), Reject> {
        let (key, now_ms) = (cx.key(self.key)?, cx.now_ms);
        let mut guard = cx.lock(&key);
        let Some(view) = guard.view::<C>(&key, cx.read())? else {
            say(0, &[]);
            return Ok(());
        };
        let pattern = self.pattern.filter(|pattern| *pattern != b"*");
        let mut shown = Vec::new();
        let next = C::scan(view, self.cursor, self.count, now_ms, |found| {
            if pattern.is_none_or(|pattern| found.name.with(|name| glob::matches(pattern, name))) {
                shown.push(found);
            }
        });
        say(next, &shown);
        Ok(())
    }
}

/// Runs `key cursor` and what [`Walk::parse`] reads.
pub(in crate::family) fn scan<C: Named>(
    cx: &mut Context<'_>,
    args: &Args<'_>,
    reply: &mut dyn Reply,
) -> Result<(), Reject> {
    let walk = match Walk::<C>::parse(args, args.cursor(2)?) {
        Ok(walk) => walk,
        Err(reject) => {
            // As in Redis, a key that is absent or of another kind is found before the options are looked at.
            let key = cx.key(args.at(1))?;
            if cx.lock(&key).view::<C>(&key, cx.read())?.is_some() {
                return Err(reject);
            }
            reply.array(2);
            reply.text("0");
            reply.array(0);
            return Ok(());
        }
    };
    walk.run(cx, |next, shown| {
        reply.array(2);
        reply.text(&next.to_string());
        reply.array(if walk.beside { 2 * shown.len() } else { shown.len() });
        let mut text = String::new();
        for found in shown {
            say(found.name, reply);
            match found.beside {
                // Text in RESP3 too.
                Beside::Score(score) => {
                    double::format(score, &mut text);
                    reply.text(&text);
                }
                beside if walk.beside => beside.say(reply),
                _ => {}
            }
        }
    })
}
