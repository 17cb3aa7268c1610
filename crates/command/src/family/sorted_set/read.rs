//! Reading scores, ranks and numbers of members: ZSCORE, ZMSCORE, ZRANK, ZREVRANK, ZCARD, ZCOUNT, ZLEXCOUNT.

use super::look;
use super::span::Span;
use crate::args::Args;
use crate::reject::Reject;
use crate::reply::Reply;
use crate::table::Context;
use scrubjay_store::value::sorted_set::SortedSetView;

/// Reads the scores of members.
#[derive(Clone, Copy, Debug)]
pub struct Scores<'a, I> {
    /// The key.
    pub key: &'a [u8],
    /// Whose.
    pub members: I,
}

impl<'a, I: Iterator<Item = &'a [u8]>> Scores<'a, I> {
    /// Shows each to `each`, `None` for those that are not there. Errors: another kind; nothing was shown.
    pub fn run(self, cx: &mut Context<'_>, mut each: impl FnMut(Option<f64>)) -> Result<(), Reject> {
        look(cx, self.key, |set| self.members.for_each(|name| each(set.and_then(|set| set.score(name)))))
    }
}

/// Where a member stands.
#[derive(Clone, Copy, Debug)]
pub struct Rank<'a> {
    /// The key.
    pub key: &'a [u8],
    /// Who.
    pub member: &'a [u8],
    /// Whether the highest score is the first.
    pub reversed: bool,
}

impl Rank<'_> {
    /// Returns the rank, from 0 on, and the score; `None`: not there. Errors: another kind.
    pub fn run(&self, cx: &mut Context<'_>) -> Result<Option<(usize, f64)>, Reject> {
        look(cx, self.key, |set| {
            let set = set?;
            let (rank, score) = set.rank(self.member)?;
            Some((if self.reversed { set.len() - 1 - rank } else { rank }, score))
        })
    }
}

/// Counts the members in a range.
#[derive(Clone, Copy, Debug)]
pub struct Count<'a> {
    /// The key.
    pub key: &'a [u8],
    /// Which; `None`: all.
    pub span: Option<Span<'a>>,
}

impl Count<'_> {
    /// Counts; 0 if there is no such key. Errors: another kind.
    pub fn run(&self, cx: &mut Context<'_>) -> Result<usize, Reject> {
        let count = |set: SortedSetView<'_>| self.span.map_or(set.len(), |span| span.find(set, false).len());
        look(cx, self.key, |set| set.map_or(0, count))
    }
}

fn say_score(score: Option<f64>, reply: &mut dyn Reply) {
    match score {
        Some(score) => reply.double(score),
        None => reply.null(),
    }
}

pub(super) fn zscore(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    Scores { key: args.at(1), members: args.from(2) }.run(cx, |score| say_score(score, reply))
}

pub(super) fn zmscore(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let mut scores = Vec::with_capacity(args.len() - 2);
    Scores { key: args.at(1), members: args.from(2) }.run(cx, |score| scores.push(score))?;
    reply.array(scores.len());
    scores.into_iter().for_each(|score| say_score(score, reply));
    Ok(())
}

fn rank(cx: &mut Context<'_>, args: &Args<'_>, reversed: bool, reply: &mut dyn Reply) -> Result<(), Reject> {
    let with_score = match args.len() {
        3 => false,
        4 if args.is(3, "WITHSCORE") => true,
        4 => return Err(Reject::SYNTAX),
        _ => return Err(Reject::arity(if reversed { "zrevrank" } else { "zrank" })),
    };
    let rank = Rank { key: args.at(1), member: args.at(2), reversed };
    match rank.run(cx)? {
        Some((rank, score)) if with_score => {
            reply.array(2);
            reply.int(rank as i64);
            reply.double(score);
        }
        Some((rank, _)) => reply.int(rank as i64),
        None if with_score => reply.null_array(),
        None => reply.null(),
    }
    Ok(())
}

pub(super) fn zrank(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    rank(cx, args, false, reply)
}

pub(super) fn zrevrank(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    rank(cx, args, true, reply)
}

fn count(cx: &mut Context<'_>, key: &[u8], span: Option<Span<'_>>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let count = Count { key, span }.run(cx)?;
    reply.int(count as i64);
    Ok(())
}

pub(super) fn zcard(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    count(cx, args.at(1), None, reply)
}

pub(super) fn zcount(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    count(cx, args.at(1), Some(Span::scores(args, 2, 3)?), reply)
}

pub(super) fn zlexcount(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    count(cx, args.at(1), Some(Span::names(args, 2, 3)?), reply)
}
