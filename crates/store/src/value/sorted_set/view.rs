//! A sorted set as a reader sees it. Every range, by score, by name or by rank, is a range of ranks.
//!
//! ```text
//!        cut                    cut          ZCOUNT k (1 4:  AfterScore(1) .. AfterScore(4)  =  ranks 2..4
//!   a:0  b:1  |  c:2  d:4  |  e:5
//! ```

use super::indexed::Indexed;
use super::keys::Key;
use super::node::Leaf;
use super::run;
use crate::value::packed::Item;
use std::ops::Range;

/// A place between two neighbours, or at either end.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Cut<'a> {
    /// Before everything.
    Start,
    /// Before the first member with this score or a greater one.
    BeforeScore(f64),
    /// Behind the last member with this score or a smaller one.
    AfterScore(f64),
    /// Before this name or the first that is greater, where all scores are equal.
    BeforeName(&'a [u8]),
    /// Behind this name or the last that is smaller, where all scores are equal.
    AfterName(&'a [u8]),
    /// Before the member of this score and name.
    Before(f64, &'a [u8]),
    /// Behind everything.
    End,
}

impl Cut<'_> {
    /// Whether the cut is behind the member with this score; its name is looked at only where the score does not decide.
    #[inline]
    pub(super) fn is_behind(self, score: f64, name: Item<'_>) -> bool {
        match self {
            Cut::Start => false,
            Cut::BeforeScore(at) => score < at,
            Cut::AfterScore(at) => score <= at,
            Cut::BeforeName(at) => name.with(|name| name < at),
            Cut::AfterName(at) => name.with(|name| name <= at),
            Cut::Before(at, bound) => score < at || (score == at && name.with(|name| name < bound)),
            Cut::End => true,
        }
    }
}

/// A sorted set as a reader sees it.
#[derive(Clone, Copy)]
pub enum SortedSetView<'a> {
    /// One run.
    Run(&'a [u8]),
    /// With an index.
    Indexed(&'a Indexed),
}

impl<'a> SortedSetView<'a> {
    /// How many members.
    #[allow(clippy::len_without_is_empty)] // a key without members does not exist
    #[inline]
    pub fn len(self) -> usize {
        match self {
            SortedSetView::Run(bytes) => run::count(bytes),
            SortedSetView::Indexed(indexed) => indexed.len(),
        }
    }

    /// Whether all is one run, which clients know as `listpack`; the other form they call `skiplist`.
    pub fn is_packed(self) -> bool {
        matches!(self, SortedSetView::Run(_))
    }

    /// The score of a member; `None`: there is none of this name.
    #[inline]
    pub fn score(self, name: &[u8]) -> Option<f64> {
        match self {
            SortedSetView::Run(bytes) => run::find(bytes, name).map(|(_, pair)| pair.score),
            SortedSetView::Indexed(indexed) => indexed.score(name),
        }
    }

    /// The rank of a member, from the lowest score on, and its score.
    #[inline]
    pub fn rank(self, name: &[u8]) -> Option<(usize, f64)> {
        match self {
            SortedSetView::Run(bytes) => run::find(bytes, name).map(|(rank, pair)| (rank, pair.score)),
            SortedSetView::Indexed(indexed) => {
                let score = indexed.score(name)?;
                Some((indexed.count_before(Cut::Before(score, name)), score))
            }
        }
    }

    /// The member of rank `rank` and its score; `None` past the end.
    pub fn get(self, rank: usize) -> Option<(Item<'a>, f64)> {
        self.range(rank..rank.saturating_add(1)).next()
    }

    /// How many members stand before `cut`.
    pub fn count_before(self, cut: Cut<'_>) -> usize {
        match cut {
            Cut::Start => 0,
            Cut::End => self.len(),
            _ => match self {
                SortedSetView::Run(bytes) => run::seek(bytes, cut).0,
                SortedSetView::Indexed(indexed) => indexed.count_before(cut),
            },
        }
    }

    /// The ranks of the members between two cuts; none if the second is before the first.
    pub fn ranks(self, from: Cut<'_>, to: Cut<'_>) -> Range<usize> {
        let end = self.count_before(to);
        self.count_before(from).min(end)..end
    }

    /// The members of these ranks, as far as there are any, and their scores.
    pub fn range(self, ranks: Range<usize>) -> Members<'a> {
        let end = ranks.end.min(self.len());
        let ranks = ranks.start.min(end)..end;
        match self {
            SortedSetView::Run(bytes) => Members::Run(run::range(bytes, ranks.start, ranks.end)),
            SortedSetView::Indexed(indexed) => Members::Indexed(Walk { indexed, ranks, front: None, back: None }),
        }
    }

    /// All members.
    pub fn iter(self) -> Members<'a> {
        self.range(0..self.len())
    }

    /// Shows some members, at least `effort` if there are as many, from the place that `cursor` stands for; where to go on,
    /// `None` at the end. Begins at 0. What is there from the first call to the last is shown at least once, whatever
    /// happens in between.
    pub fn scan(self, cursor: u32, effort: usize, mut visit: impl FnMut(Item<'a>, f64)) -> Option<u32> {
        match self {
            SortedSetView::Run(bytes) => {
                run::pairs(bytes).for_each(|pair| visit(pair.member, pair.score));
                None
            }
            SortedSetView::Indexed(indexed) => indexed.scan(cursor, effort, visit),
        }
    }
}

/// Members in order, from both ends.
pub enum Members<'a> {
    /// Of a run.
    Run(run::Pairs<'a>),
    /// Of the tree.
    Indexed(Walk<'a>),
}

/// A walk through the tree's leaves.
pub struct Walk<'a> {
    indexed: &'a Indexed,
    ranks: Range<usize>,
    front: Option<Here<'a>>,
    back: Option<Here<'a>>,
}

/// A leaf, and the rank of its first key.
#[derive(Clone, Copy)]
struct Here<'a> {
    leaf: &'a Leaf,
    first: usize,
}

impl<'a> Here<'a> {
    /// The key of rank `rank`, in this leaf or the one that `here` becomes.
    #[inline]
    fn key(here: &mut Option<Here<'a>>, indexed: &'a Indexed, rank: usize) -> Key {
        if let Some(Here { leaf, first }) = here
            && (*first..*first + leaf.len()).contains(&rank)
        {
            return leaf.get(rank - *first);
        }
        let (leaf, within) = indexed.tree().leaf_at(rank);
        *here = Some(Here { leaf, first: rank - within });
        leaf.get(within)
    }
}

impl<'a> Walk<'a> {
    fn see(&self, key: Key) -> (Item<'a>, f64) {
        (Item::Bytes(self.indexed.name(key.handle)), key.score)
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = (Item<'a>, f64);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Members::Run(pairs) => pairs.next().map(|pair| (pair.member, pair.score)),
            Members::Indexed(walk) => {
                let rank = walk.ranks.next()?;
                let key = Here::key(&mut walk.front, walk.indexed, rank);
                Some(walk.see(key))
            }
        }
    }
}

impl DoubleEndedIterator for Members<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        match self {
            Members::Run(pairs) => pairs.next_back().map(|pair| (pair.member, pair.score)),
            Members::Indexed(walk) => {
                let rank = walk.ranks.next_back()?;
                let key = Here::key(&mut walk.back, walk.indexed, rank);
                Some(walk.see(key))
            }
        }
    }
}
