//! Removing ranges of members: ZREMRANGEBYRANK, ZREMRANGEBYSCORE, ZREMRANGEBYLEX.

use super::span::Span;
use crate::args::Args;
use crate::reject::Reject;
use crate::reply::Reply;
use crate::table::Context;
use scrubjay_store::value::sorted_set::SortedSet;

/// Removes a range of members.
#[derive(Clone, Copy, Debug)]
pub struct RemoveRange<'a> {
    /// The key.
    pub key: &'a [u8],
    /// Which.
    pub span: Span<'a>,
}

impl RemoveRange<'_> {
    /// Returns how many there were. Errors: another kind.
    pub fn run(&self, cx: &mut Context<'_>) -> Result<usize, Reject> {
        let key = cx.key(self.key)?;
        let mut guard = cx.lock(&key);
        let removed = guard.edit::<SortedSet, _>(&key, false, 0, |set| {
            let ranks = self.span.find(set.view(), false);
            set.remove_ranks(ranks)
        })?;
        Ok(removed.unwrap_or(0))
    }
}

fn remove_range(cx: &mut Context<'_>, key: &[u8], span: Span<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let removed = RemoveRange { key, span }.run(cx)?;
    reply.int(removed as i64);
    Ok(())
}

pub(super) fn zremrangebyrank(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    remove_range(cx, args.at(1), Span::ranks(args, 2)?, reply)
}

pub(super) fn zremrangebyscore(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    remove_range(cx, args.at(1), Span::scores(args, 2, 3)?, reply)
}

pub(super) fn zremrangebylex(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    remove_range(cx, args.at(1), Span::names(args, 2, 3)?, reply)
}
