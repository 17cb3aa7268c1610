//! Which members a command is about: by rank, by score or by name. See [`scrubjay_store::value::sorted_set::Cut`].

use super::score::{name_cuts, score_cuts};
use crate::args::Args;
use crate::reject::Reject;
use scrubjay_store::value::sorted_set::{Cut, SortedSetView};
use std::ops::Range;

/// A part of a sorted set.
#[derive(Clone, Copy, Debug)]
pub enum Span<'a> {
    /// From one rank to another, both included, negative ones counted from the end.
    Ranks(i64, i64),
    /// Between two places.
    Cuts(Cut<'a>, Cut<'a>),
}

impl<'a> Span<'a> {
    /// Reads two ranks, arguments `at` and the one behind it.
    pub(super) fn ranks(args: &Args<'a>, at: usize) -> Result<Span<'a>, Reject> {
        Ok(Span::Ranks(args.int(at)?, args.int(at + 1)?))
    }

    /// Reads two scores; the lower one is argument `min`.
    pub(super) fn scores(args: &Args<'a>, min: usize, max: usize) -> Result<Span<'a>, Reject> {
        score_cuts(args.at(min), args.at(max)).map(|(from, to)| Span::Cuts(from, to))
    }

    /// Reads two names; the lower one is argument `min`.
    pub(super) fn names(args: &Args<'a>, min: usize, max: usize) -> Result<Span<'a>, Reject> {
        name_cuts(args.at(min), args.at(max)).map(|(from, to)| Span::Cuts(from, to))
    }

    /// The ranks of what `set` has there. `reversed`: ranks are counted from the highest score down.
    pub(super) fn find(self, set: SortedSetView<'_>, reversed: bool) -> Range<usize> {
        match self {
            Span::Cuts(from, to) => set.ranks(from, to),
            Span::Ranks(start, stop) => {
                let length = set.len() as i64;
                let from_end = |rank: i64| if rank < 0 { rank.saturating_add(length) } else { rank };
                let (start, end) = (from_end(start).max(0), from_end(stop).min(length - 1) + 1);
                match start < end {
                    true if reversed => (length - end) as usize..(length - start) as usize,
                    true => start as usize..end as usize,
                    false => 0..0,
                }
            }
        }
    }
}
