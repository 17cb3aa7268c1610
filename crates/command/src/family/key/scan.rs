//! Finding keys: KEYS, SCAN, RANDOMKEY, DBSIZE.
//!
//! A scan goes through the whole store in small steps, each under one lock for a short time, and keeps the keys of its
//! own namespace. It misses no key that is there from its start to its end; one that moves meanwhile may come twice.
//! Keys are collected in one buffer before anything is said, because the reply starts with their number.

use crate::args::{Args, parse_int};
use crate::reject::Reject;
use crate::reply::Reply;
use crate::table::Context;
use scrubjay_base::glob;
use scrubjay_store::Scanned;

/// Entries that one step of a scan visits under its lock.
const STEP_ENTRIES: usize = 256;
/// Steps without enough keys after which `SCAN` answers with what it has, as in Redis: ten times the count.
const EFFORT_FACTOR: usize = 10;
/// `COUNT` unless given.
const COUNT_DEFAULT: usize = 10;

/// One call of a scan.
#[derive(Clone, Copy, Debug)]
pub struct Scan<'a> {
    /// Where the call before ended; 0 to start.
    pub cursor: u64,
    /// The keys must match this.
    pub pattern: Option<&'a [u8]>,
    /// About how many entries to visit.
    pub count: usize,
    /// Their type must be called this; there is only `string`.
    pub kind: Option<&'a [u8]>,
}

/// Keys, one after the other in one buffer.
#[derive(Clone, Debug, Default)]
pub struct Names {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Names {
    /// How many.
    pub fn len(&self) -> usize {
        self.ends.len()
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
    /// The keys.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        (0..self.len()).map(|at| {
            let start = if at == 0 { 0 } else { self.ends[at - 1] };
            &self.bytes[start..self.ends[at]]
        })
    }
    fn push(&mut self, name: &[u8]) {
        self.bytes.extend_from_slice(name);
        self.ends.push(self.bytes.len());
    }
    fn say(&self, reply: &mut dyn Reply) {
        reply.array(self.len());
        self.iter().for_each(|name| reply.bulk(name));
    }
}

impl<'a> Scan<'a> {
    /// A scan of all keys from its start.
    pub fn all() -> Scan<'a> {
        Scan { cursor: 0, pattern: None, count: COUNT_DEFAULT, kind: None }
    }

    /// Reads `SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]`.
    pub fn parse(args: &Args<'a>) -> Result<Scan<'a>, Reject> {
        let mut scan = Scan { cursor: args.cursor(1)?, ..Scan::all() };
        let mut at = 2;
        while at < args.len() {
            let Some(value) = args.get(at + 1) else { return Err(Reject::SYNTAX) };
            if args.is(at, "COUNT") {
                let count = parse_int(value).ok_or(Reject::NOT_AN_INTEGER)?;
                scan.count = usize::try_from(count).ok().filter(|&count| count > 0).ok_or(Reject::SYNTAX)?;
            } else if args.is(at, "MATCH") {
                scan.pattern = Some(value);
            } else if args.is(at, "TYPE") {
                scan.kind = Some(value);
            } else {
                return Err(Reject::SYNTAX);
            }
            at += 2;
        }
        Ok(scan)
    }

    /// Visits about `count` entries, more if few of them are wanted. Returns the next cursor, 0 at the end, and the keys.
    pub fn run(&self, cx: &mut Context<'_>) -> (u64, Names) {
        let mut names = Names::default();
        let mut cursor = self.cursor;
        let mut effort = self.count.saturating_mul(EFFORT_FACTOR);
        loop {
            let step = self.count.min(STEP_ENTRIES);
            cursor = cx.everywhere(|all| {
                all.scan(cx.ns, cursor, step, cx.now_ms, &mut |found| {
                    if self.wants(&found) {
                        names.push(found.key);
                    }
                })
            });
            effort = effort.saturating_sub(step);
            if cursor == 0 || names.len() >= self.count || effort == 0 {
                return (cursor, names);
            }
        }
    }

    fn wants(&self, found: &Scanned<'_>) -> bool {
        self.kind.is_none_or(|kind| kind.eq_ignore_ascii_case(found.entry.kind().name().as_bytes()))
            && self.pattern.is_none_or(|pattern| pattern == b"*" || glob::matches(pattern, found.key))
    }
}

pub(super) fn scan(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let (cursor, names) = Scan::parse(args)?.run(cx);
    reply.array(2);
    reply.text(&cursor.to_string());
    names.say(reply);
    Ok(())
}

pub(super) fn keys(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let scan = Scan { pattern: Some(args.at(1)), count: usize::MAX, ..Scan::all() };
    scan.run(cx).1.say(reply);
    Ok(())
}

pub(super) fn randomkey(cx: &mut Context<'_>, _args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    match cx.everywhere(|all| all.random_key(cx.ns, cx.now_ms)) {
        Some(key) => reply.bulk(&key),
        None => reply.null(),
    }
    Ok(())
}

pub(super) fn dbsize(cx: &mut Context<'_>, _args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    reply.int(cx.everywhere(|all| all.len(cx.ns)) as i64);
    Ok(())
}
