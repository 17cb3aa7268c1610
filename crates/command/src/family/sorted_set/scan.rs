//! Going through a sorted set in steps: ZSCAN.
//!
//! What is there from the first step to the last is shown at least once, however the set grows or shrinks in between: the
//! cursor is a place among hashes, which stay.

use super::look;
use crate::args::{Args, parse_int};
use crate::reject::{Kind, Reject};
use crate::reply::Reply;
use crate::table::Context;
use scrubjay_base::{double, glob};

/// `COUNT` unless given.
const COUNT_DEFAULT: usize = 10;
/// Steps without enough members after which an answer is given with what there is, as in Redis.
const EFFORT_FACTOR: usize = 10;

/// One step of a scan.
#[derive(Clone, Copy, Debug)]
pub struct Scan<'a> {
    /// The key.
    pub key: &'a [u8],
    /// Where the step before ended; 0 to begin.
    pub cursor: u64,
    /// The members must match this.
    pub pattern: Option<&'a [u8]>,
    /// About how many to visit.
    pub count: usize,
}

impl<'a> Scan<'a> {
    /// Reads `[MATCH pattern] [COUNT count]` from argument 3 on.
    fn parse(args: &Args<'a>, cursor: u64) -> Result<Scan<'a>, Reject> {
        let mut scan = Scan { key: args.at(1), cursor, pattern: None, count: COUNT_DEFAULT };
        for at in (3..args.len()).step_by(2) {
            let Some(value) = args.get(at + 1) else { return Err(Reject::SYNTAX) };
            if args.is(at, "COUNT") {
                let count = parse_int(value).ok_or(Reject::NOT_AN_INTEGER)?;
                scan.count = usize::try_from(count).ok().filter(|&count| count > 0).ok_or(Reject::SYNTAX)?;
            } else if args.is(at, "MATCH") {
                scan.pattern = Some(value);
            } else {
                return Err(Reject::SYNTAX);
            }
        }
        Ok(scan)
    }

    /// Shows members and scores to `see`. Returns where to go on; 0: that was all. Errors: another kind.
    pub fn run(&self, cx: &mut Context<'_>, mut see: impl FnMut(&[u8], f64)) -> Result<u64, Reject> {
        let wants = |name: &[u8]| self.pattern.is_none_or(|pattern| pattern == b"*" || glob::matches(pattern, name));
        look(cx, self.key, |set| {
            let Some(set) = set else { return 0 };
            let (mut cursor, mut found) = (self.cursor as u32, 0);
            let mut effort = self.count.saturating_mul(EFFORT_FACTOR);
            loop {
                let mut visited = 0;
                let next = set.scan(cursor, self.count, |name, score| {
                    visited += 1;
                    name.with(|name| {
                        if wants(name) {
                            found += 1;
                            see(name, score);
                        }
                    });
                });
                effort = effort.saturating_sub(visited.max(1));
                match next {
                    None => return 0,
                    Some(next) if found >= self.count || effort == 0 => return u64::from(next),
                    Some(next) => cursor = next,
                }
            }
        })
    }
}

pub(super) fn zscan(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    const INVALID_CURSOR: Reject = Reject::new(Kind::BadRequest, "ERR invalid cursor");
    let cursor = std::str::from_utf8(args.at(2)).ok().and_then(|text| text.parse().ok()).ok_or(INVALID_CURSOR)?;
    let (mut names, mut members) = (Vec::new(), Vec::new());
    let cursor = match Scan::parse(args, cursor) {
        Ok(scan) => scan.run(cx, |name, score| {
            names.extend_from_slice(name);
            members.push((names.len(), score));
        })?,
        // As in Redis, a key that is absent or of another kind is found before the options are looked at.
        Err(reject) => look(cx, args.at(1), |set| if set.is_some() { Err(reject) } else { Ok(0) })??,
    };
    reply.array(2);
    reply.text(&cursor.to_string());
    reply.array(2 * members.len());
    let (mut start, mut text) = (0, String::new());
    for (end, score) in members {
        reply.bulk(&names[start..end]);
        double::format(score, &mut text);
        reply.text(&text);
        start = end;
    }
    Ok(())
}
