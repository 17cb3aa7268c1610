//! The words of ZUNION and its like, and their answers.

use super::{Aggregate, Combine, Operation};
use crate::args::{Args, parse_int};
use crate::family::sorted_set::Shape;
use crate::family::sorted_set::score::{BAD_WEIGHT, score};
use crate::reject::{Kind, Reject};
use crate::reply::Reply;
use crate::table::Context;
use scrubjay_store::value::Collection;

/// What follows the keys of a command.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Answers,
    Stores,
    Counts,
}

/// A command that was read.
struct Parsed<'a> {
    combine: Combine<'a>,
    with_scores: bool,
    limit: usize,
}

/// Reads `numkeys key [key ...]` from argument `at` on, and the options behind it.
fn parse<'a>(
    args: &Args<'a>,
    at: usize,
    operation: Operation,
    form: Form,
    command: &str,
) -> Result<Parsed<'a>, Reject> {
    let count = args.int(at)?;
    if count < 1 {
        let line = format!("ERR at least 1 input key is needed for '{command}' command");
        return Err(Reject::with(Kind::BadRequest, line));
    }
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    if count > args.len() - at - 1 {
        return Err(Reject::SYNTAX);
    }
    let sources = args.from(at + 1).take(count).map(|key| (key, 1.0)).collect();
    let combine = Combine { operation, sources, aggregate: Aggregate::default() };
    let mut parsed = Parsed { combine, with_scores: false, limit: usize::MAX };
    parsed.options(args, at + 1 + count, form)?;
    Ok(parsed)
}

impl Parsed<'_> {
    fn options(&mut self, args: &Args<'_>, mut at: usize, form: Form) -> Result<(), Reject> {
        const NEGATIVE_LIMIT: Reject = Reject::new(Kind::BadRequest, "ERR LIMIT can't be negative");
        let weighs = self.combine.operation != Operation::Difference && form != Form::Counts;
        while at < args.len() {
            let left = args.len() - at;
            if weighs && left > self.combine.sources.len() && args.is(at, "WEIGHTS") {
                for (_, weight) in &mut self.combine.sources {
                    at += 1;
                    *weight = score(args.at(at)).map_err(|_| BAD_WEIGHT)?;
                }
            } else if weighs && left >= 2 && args.is(at, "AGGREGATE") {
                at += 1;
                self.combine.aggregate = match () {
                    () if args.is(at, "SUM") => Aggregate::Sum,
                    () if args.is(at, "MIN") => Aggregate::Min,
                    () if args.is(at, "MAX") => Aggregate::Max,
                    () => return Err(Reject::SYNTAX),
                };
            } else if form == Form::Answers && args.is(at, "WITHSCORES") {
                self.with_scores = true;
            } else if form == Form::Counts && left >= 2 && args.is(at, "LIMIT") {
                at += 1;
                let limit = parse_int(args.at(at)).and_then(|limit| usize::try_from(limit).ok());
                self.limit = match limit.ok_or(NEGATIVE_LIMIT)? {
                    0 => usize::MAX,
                    limit => limit,
                };
            } else {
                return Err(Reject::SYNTAX);
            }
            at += 1;
        }
        Ok(())
    }
}

fn answer(
    cx: &mut Context<'_>,
    args: &Args<'_>,
    operation: Operation,
    command: &str,
    reply: &mut dyn Reply,
) -> Result<(), Reject> {
    let parsed = parse(args, 1, operation, Form::Answers, command)?;
    let result = parsed.combine.run(cx)?;
    let shape = Shape::of(reply, parsed.with_scores);
    shape.begin(result.len(), reply);
    result.view().iter().for_each(|(name, score)| shape.say(name, score, reply));
    Ok(())
}

fn answer_stored(
    cx: &mut Context<'_>,
    args: &Args<'_>,
    operation: Operation,
    command: &str,
    reply: &mut dyn Reply,
) -> Result<(), Reject> {
    let parsed = parse(args, 2, operation, Form::Stores, command)?;
    let count = parsed.combine.store(cx, args.at(1))?;
    reply.int(count as i64);
    Ok(())
}

pub(crate) fn zunion(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    answer(cx, args, Operation::Union, "zunion", reply)
}

pub(crate) fn zinter(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    answer(cx, args, Operation::Intersection, "zinter", reply)
}

pub(crate) fn zdiff(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    answer(cx, args, Operation::Difference, "zdiff", reply)
}

pub(crate) fn zunionstore(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    answer_stored(cx, args, Operation::Union, "zunionstore", reply)
}

pub(crate) fn zinterstore(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    answer_stored(cx, args, Operation::Intersection, "zinterstore", reply)
}

pub(crate) fn zdiffstore(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    answer_stored(cx, args, Operation::Difference, "zdiffstore", reply)
}

pub(crate) fn zintercard(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let parsed = parse(args, 1, Operation::Intersection, Form::Counts, "zintercard")?;
    let count = parsed.combine.count(cx, parsed.limit)?;
    reply.int(count as i64);
    Ok(())
}
