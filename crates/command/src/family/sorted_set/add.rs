//! Giving members scores: ZADD, ZINCRBY.

use super::MEMBER_OVERHEAD_BYTES;
use super::score::score;
use crate::args::Args;
use crate::reject::{Kind, Reject};
use crate::reply::Reply;
use crate::table::Context;
use scrubjay_store::value::Edit;
use scrubjay_store::value::sorted_set::{Put, SortedSet};
use smallvec::SmallVec;

/// Which members are written, by whether they are there.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Exists {
    /// All.
    #[default]
    Any,
    /// Those that are not there.
    Absent,
    /// Those that are.
    Present,
}

/// How a score may change.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Direction {
    /// Either way.
    #[default]
    Any,
    /// Upwards.
    Greater,
    /// Downwards.
    Less,
}

/// When a score is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Rule {
    /// By whether the member is there.
    pub exists: Exists,
    /// For members that are there, by whether the score is greater or less.
    pub direction: Direction,
}

impl Rule {
    /// Whether a member with the score `before`, if any, gets the score `after`.
    fn allows(self, before: Option<f64>, after: f64) -> bool {
        match (before, self.exists) {
            (None, exists) => exists != Exists::Present,
            (Some(_), Exists::Absent) => false,
            (Some(before), _) => match self.direction {
                Direction::Any => true,
                Direction::Greater => after > before,
                Direction::Less => after < before,
            },
        }
    }
}

/// Gives members their scores.
#[derive(Clone, Debug)]
pub struct Add<'a> {
    /// The key.
    pub key: &'a [u8],
    /// Which of them.
    pub rule: Rule,
    /// The members and their scores, none of them NaN.
    pub members: SmallVec<[(&'a [u8], f64); 4]>,
}

/// What an [`Add`] did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Added {
    /// How many members are new.
    pub added: usize,
    /// How many have another score now.
    pub changed: usize,
}

impl Add<'_> {
    /// Adds. Errors: another kind, a member too long, no memory; nothing was changed.
    pub fn run(&self, cx: &mut Context<'_>) -> Result<Added, Reject> {
        let key = cx.key(self.key)?;
        let mut room_bytes = 0;
        for (name, _) in &self.members {
            cx.fits(name.len())?;
            room_bytes += name.len() + MEMBER_OVERHEAD_BYTES;
        }
        let create = self.rule.exists != Exists::Present;
        let mut guard = cx.lock(&key);
        let added = guard.edit::<SortedSet, _>(&key, create, room_bytes, |set| {
            let mut added = Added::default();
            for &(name, score) in &self.members {
                if self.rule != Rule::default() && !self.rule.allows(set.view().score(name), score) {
                    continue;
                }
                match set.put(name, score) {
                    Put::Added => added.added += 1,
                    Put::Changed => added.changed += 1,
                    Put::Same => {}
                }
            }
            added
        })?;
        Ok(added.unwrap_or_default())
    }
}

/// Adds to a member's score; to zero, if it is not there.
#[derive(Clone, Copy, Debug)]
pub struct Increment<'a> {
    /// The key.
    pub key: &'a [u8],
    /// Whether at all.
    pub rule: Rule,
    /// The member.
    pub member: &'a [u8],
    /// How much.
    pub by: f64,
}

impl Increment<'_> {
    /// Returns the new score; `None`: the rule forbids it.
    ///
    /// Errors: the sum of two infinities, another kind, a member too long, no memory; nothing was changed.
    pub fn run(&self, cx: &mut Context<'_>) -> Result<Option<f64>, Reject> {
        const NOT_A_NUMBER: Reject = Reject::new(Kind::BadRequest, "ERR resulting score is not a number (NaN)");
        let key = cx.key(self.key)?;
        cx.fits(self.member.len())?;
        let create = self.rule.exists != Exists::Present;
        let room_bytes = self.member.len() + MEMBER_OVERHEAD_BYTES;
        let mut guard = cx.lock(&key);
        let increment = |set: &mut Edit<'_, SortedSet>| {
            let before = set.view().score(self.member);
            if self.rule.exists == Exists::Absent && before.is_some() {
                return Ok(None);
            }
            let after = before.map_or(self.by, |before| before + self.by);
            if after.is_nan() {
                return Err(NOT_A_NUMBER);
            }
            let is_allowed = self.rule.allows(before, after);
            if is_allowed {
                set.put(self.member, after);
            }
            Ok(is_allowed.then_some(after))
        };
        guard.edit::<SortedSet, _>(&key, create, room_bytes, increment)?.unwrap_or(Ok(None))
    }
}

/// A ZADD, one way or the other.
enum Parsed<'a> {
    Add(Add<'a>, bool),
    Increment(Increment<'a>),
}

/// Reads `ZADD key [NX | XX] [GT | LT] [CH] [INCR] score member [score member ...]`.
fn parse<'a>(args: &Args<'a>) -> Result<Parsed<'a>, Reject> {
    const NX_AND_XX: Reject =
        Reject::new(Kind::BadRequest, "ERR XX and NX options at the same time are not compatible");
    const GT_LT_NX: Reject =
        Reject::new(Kind::BadRequest, "ERR GT, LT, and/or NX options at the same time are not compatible");
    const ONE_INCREMENT: Reject =
        Reject::new(Kind::BadRequest, "ERR INCR option supports a single increment-element pair");
    let [mut nx, mut xx, mut gt, mut lt, mut ch, mut incr] = [false; 6];
    let mut at = 2;
    while at < args.len() {
        let option = if args.is(at, "NX") {
            &mut nx
        } else if args.is(at, "XX") {
            &mut xx
        } else if args.is(at, "GT") {
            &mut gt
        } else if args.is(at, "LT") {
            &mut lt
        } else if args.is(at, "CH") {
            &mut ch
        } else if args.is(at, "INCR") {
            &mut incr
        } else {
            break;
        };
        *option = true;
        at += 1;
    }
    let words = args.len() - at;
    if words == 0 || !words.is_multiple_of(2) {
        return Err(Reject::SYNTAX);
    }
    if nx && xx {
        return Err(NX_AND_XX);
    }
    if (nx && (gt || lt)) || (gt && lt) {
        return Err(GT_LT_NX);
    }
    if incr && words > 2 {
        return Err(ONE_INCREMENT);
    }
    let exists = if nx { Exists::Absent } else { Exists::default() };
    let exists = if xx { Exists::Present } else { exists };
    let direction = if gt { Direction::Greater } else { Direction::default() };
    let rule = Rule { exists, direction: if lt { Direction::Less } else { direction } };
    let mut members = SmallVec::new();
    for pair in (at..args.len()).step_by(2) {
        members.push((args.at(pair + 1), score(args.at(pair))?));
    }
    let key = args.at(1);
    Ok(match members[..] {
        [(member, by)] if incr => Parsed::Increment(Increment { key, rule, member, by }),
        _ => Parsed::Add(Add { key, rule, members }, ch),
    })
}

fn say_score(score: Option<f64>, reply: &mut dyn Reply) {
    match score {
        Some(score) => reply.double(score),
        None => reply.null(),
    }
}

pub(super) fn zadd(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    match parse(args)? {
        Parsed::Increment(increment) => say_score(increment.run(cx)?, reply),
        Parsed::Add(add, counts_changes) => {
            let Added { added, changed } = add.run(cx)?;
            reply.int((added + if counts_changes { changed } else { 0 }) as i64);
        }
    }
    Ok(())
}

pub(super) fn zincrby(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let by = score(args.at(2))?;
    let increment = Increment { key: args.at(1), rule: Rule::default(), member: args.at(3), by };
    say_score(increment.run(cx)?, reply);
    Ok(())
}
