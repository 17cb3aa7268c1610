//! Ranges: ZRANGE in all its forms, the older commands that are special cases of it, and ZRANGESTORE.

use super::span::Span;
use super::{Shape, look, store};
use crate::args::Args;
use crate::reject::{Kind, Reject};
use crate::reply::Reply;
use crate::table::Context;
use scrubjay_store::value::Collection;
use scrubjay_store::value::packed::Item;
use scrubjay_store::value::sorted_set::{SortedSet, SortedSetView};

/// A range of members, in order or against it.
#[derive(Clone, Copy, Debug)]
pub struct Range<'a> {
    /// The key.
    pub key: &'a [u8],
    /// Which.
    pub span: Span<'a>,
    /// Whether the highest score comes first.
    pub reversed: bool,
    /// How many of them to leave out first, and how many to take then; a negative number takes all, a negative start none.
    pub limit: Option<(i64, i64)>,
}

/// By what a range is given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum By {
    Rank,
    Score,
    Name,
}

/// What of the words of a ZRANGE the command's name says already.
#[derive(Clone, Copy)]
struct Form {
    by: Option<By>,
    reversed: Option<bool>,
}

impl Range<'_> {
    /// The ranks of what the range is of `set`.
    fn find(&self, set: SortedSetView<'_>) -> std::ops::Range<usize> {
        let ranks = self.span.find(set, self.reversed);
        let Some((offset, count)) = self.limit else { return ranks };
        let offset = usize::try_from(offset).map_or(ranks.len(), |offset| offset.min(ranks.len()));
        let left = ranks.len() - offset;
        let count = usize::try_from(count).map_or(left, |count| count.min(left));
        if self.reversed {
            let end = ranks.end - offset;
            end - count..end
        } else {
            let start = ranks.start + offset;
            start..start + count
        }
    }

    /// Shows their number to `begin` and then each to `see`, with its score. Errors: another kind; nothing was shown.
    pub fn run(
        &self,
        cx: &mut Context<'_>,
        begin: impl FnOnce(usize),
        mut see: impl FnMut(Item<'_>, f64),
    ) -> Result<(), Reject> {
        look(cx, self.key, |set| {
            let Some(set) = set else { return begin(0) };
            let ranks = self.find(set);
            begin(ranks.len());
            let members = set.range(ranks);
            if self.reversed {
                members.rev().for_each(|(name, score)| see(name, score));
            } else {
                members.for_each(|(name, score)| see(name, score));
            }
        })
    }
}

/// Makes a range of one sorted set another one.
#[derive(Clone, Copy, Debug)]
pub struct RangeStore<'a> {
    /// The key of the other one; whatever is there goes.
    pub to: &'a [u8],
    /// Of which, and what.
    pub range: Range<'a>,
}

impl RangeStore<'_> {
    /// Returns how many members it has; with none, there is no key.
    ///
    /// Errors: another kind, no memory; nothing was changed.
    pub fn run(&self, cx: &mut Context<'_>) -> Result<usize, Reject> {
        let (to, from) = (cx.key(self.to)?, cx.key(self.range.key)?);
        let packing = cx.store.packing();
        let mut part = SortedSet::new(&packing);
        let mut guard = cx.lock_all(&[to, from]);
        if let Some(set) = guard.view::<SortedSet>(&from, cx.read())? {
            for (name, score) in set.range(self.range.find(set)) {
                name.with(|name| part.put(name, score, &packing));
            }
        }
        store(&mut guard, &to, part)
    }
}

/// Reads `key min max [BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES]` from argument `at` on. Whether the scores
/// are wanted is the second answer; only `stores` takes no such word.
fn parse<'a>(args: &Args<'a>, at: usize, form: Form, stores: bool) -> Result<(Range<'a>, bool), Reject> {
    const LIMIT_WITHOUT: Reject = Reject::new(
        Kind::BadRequest,
        "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
    );
    const SCORES_BY_NAME: Reject =
        Reject::new(Kind::BadRequest, "ERR syntax error, WITHSCORES not supported in combination with BYLEX");
    let Form { mut by, mut reversed } = form;
    let (mut limit, mut with_scores) = (None, false);
    let mut word = at + 3;
    while word < args.len() {
        if !stores && args.is(word, "WITHSCORES") {
            with_scores = true;
        } else if args.is(word, "LIMIT") && word + 2 < args.len() {
            limit = Some((args.int(word + 1)?, args.int(word + 2)?));
            word += 2;
        } else if reversed.is_none() && args.is(word, "REV") {
            reversed = Some(true);
        } else if by.is_none() && args.is(word, "BYLEX") {
            by = Some(By::Name);
        } else if by.is_none() && args.is(word, "BYSCORE") {
            by = Some(By::Score);
        } else {
            return Err(Reject::SYNTAX);
        }
        word += 1;
    }
    let (by, reversed) = (by.unwrap_or(By::Rank), reversed.unwrap_or(false));
    if by == By::Rank && limit.is_some_and(|(_, count)| count != -1) {
        return Err(LIMIT_WITHOUT);
    }
    if by == By::Name && with_scores {
        return Err(SCORES_BY_NAME);
    }
    // Against the order, the higher bound is written first.
    let (min, max) = if reversed { (at + 2, at + 1) } else { (at + 1, at + 2) };
    let span = match by {
        By::Rank => Span::ranks(args, at + 1)?,
        By::Score => Span::scores(args, min, max)?,
        By::Name => Span::names(args, min, max)?,
    };
    let limit = limit.filter(|_| by != By::Rank);
    Ok((Range { key: args.at(at), span, reversed, limit }, with_scores))
}

fn range(cx: &mut Context<'_>, args: &Args<'_>, form: Form, reply: &mut dyn Reply) -> Result<(), Reject> {
    let (range, with_scores) = parse(args, 1, form, false)?;
    let shape = Shape::of(reply, with_scores);
    let reply = std::cell::RefCell::new(reply);
    range.run(
        cx,
        |count| shape.begin(count, &mut **reply.borrow_mut()),
        |name, score| shape.say(name, score, &mut **reply.borrow_mut()),
    )
}

pub(super) fn zrange(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    range(cx, args, Form { by: None, reversed: None }, reply)
}

pub(super) fn zrevrange(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    range(cx, args, Form { by: Some(By::Rank), reversed: Some(true) }, reply)
}

pub(super) fn zrangebyscore(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    range(cx, args, Form { by: Some(By::Score), reversed: Some(false) }, reply)
}

pub(super) fn zrevrangebyscore(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    range(cx, args, Form { by: Some(By::Score), reversed: Some(true) }, reply)
}

pub(super) fn zrangebylex(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    range(cx, args, Form { by: Some(By::Name), reversed: Some(false) }, reply)
}

pub(super) fn zrevrangebylex(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    range(cx, args, Form { by: Some(By::Name), reversed: Some(true) }, reply)
}

pub(super) fn zrangestore(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let (range, _) = parse(args, 2, Form { by: None, reversed: None }, true)?;
    let count = RangeStore { to: args.at(1), range }.run(cx)?;
    reply.int(count as i64);
    Ok(())
}
