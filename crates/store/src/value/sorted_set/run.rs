//! A small sorted set: one run of members and their scores, in order.
//!
//! ```text
//!   | count, u32 | member score | member score | ...        items of `packed`; a whole score is an integer there
//! ```
//!
//! The bytes are all of it, so it lies in its entry. Everything is O(members), which are few.

use super::view::Cut;
use crate::value::packed::{self, Item};

const COUNT_BYTES: usize = 4;
/// A run that is full grows by this part of its length.
const RESERVE_PART: usize = 8;

/// An empty run.
pub fn new() -> Vec<u8> {
    vec![0; COUNT_BYTES]
}

/// How many members.
#[inline]
pub fn count(run: &[u8]) -> usize {
    run.first_chunk().map_or(0, |count| u32::from_le_bytes(*count) as usize)
}

fn add_count(run: &mut [u8], change: isize) {
    let count = count(run).wrapping_add_signed(change) as u32;
    run[..COUNT_BYTES].copy_from_slice(&count.to_le_bytes());
}

/// A member, where it starts and with its score.
#[derive(Clone, Copy, Debug)]
pub struct Pair<'a> {
    pub at: usize,
    pub member: Item<'a>,
    pub score: f64,
}

/// The members from one place on.
#[derive(Clone, Debug)]
pub struct Pairs<'a>(packed::Items<'a>);

impl<'a> Iterator for Pairs<'a> {
    type Item = Pair<'a>;

    #[inline]
    fn next(&mut self) -> Option<Pair<'a>> {
        let (at, member) = self.0.next()?;
        let (_, score) = self.0.next()?;
        Some(Pair { at, member, score: score.number()? })
    }
}

impl DoubleEndedIterator for Pairs<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let (_, score) = self.0.next_back()?;
        let (at, member) = self.0.next_back()?;
        Some(Pair { at, member, score: score.number()? })
    }
}

/// All members.
pub fn pairs(run: &[u8]) -> Pairs<'_> {
    Pairs(packed::items_from(run, COUNT_BYTES))
}

/// Where member number `rank` starts; the end for the number of members.
pub fn place(run: &[u8], rank: usize) -> usize {
    let count = count(run);
    if rank <= count / 2 {
        pairs(run).nth(rank).map_or(run.len(), |pair| pair.at)
    } else {
        (rank..count).fold(run.len(), |at, _| {
            let score = packed::before(run, at).unwrap_or(COUNT_BYTES);
            packed::before(run, score).unwrap_or(COUNT_BYTES)
        })
    }
}

/// The members of ranks `from` to `to`.
pub fn range(run: &[u8], from: usize, to: usize) -> Pairs<'_> {
    let start = place(run, from);
    let end = if to == count(run) { run.len() } else { place(run, to) };
    Pairs(packed::items_from(&run[..end], start))
}

/// The member `name`, with its rank.
#[inline]
pub fn find<'a>(run: &'a [u8], name: &[u8]) -> Option<(usize, Pair<'a>)> {
    let wanted = Item::of(name);
    pairs(run).enumerate().find(|(_, pair)| pair.member == wanted)
}

/// How many members stand before `cut`, and where the next one starts.
pub fn seek(run: &[u8], cut: Cut<'_>) -> (usize, usize) {
    let is_before = |pair: &Pair<'_>| cut.is_behind(pair.score, pair.member);
    // Members often come in order, and ranges often reach to the end.
    if pairs(run).next_back().as_ref().is_none_or(is_before) {
        return (count(run), run.len());
    }
    let next = pairs(run).enumerate().find(|(_, pair)| !is_before(pair));
    next.map_or((count(run), run.len()), |(rank, pair)| (rank, pair.at))
}

/// Adds a member that is not there.
pub fn insert(run: &mut Vec<u8>, name: &[u8], score: f64) {
    let (_, at) = seek(run, Cut::Before(score, name));
    let (member, score) = (Item::of(name), Item::of_float(score));
    let (free, more) = (run.capacity() - run.len(), member.packed_bytes() + score.packed_bytes());
    if free < more {
        // Doubling would keep as much in reserve as is there.
        run.reserve_exact(more.max(run.len() / RESERVE_PART));
    }
    packed::insert(run, at, member);
    packed::insert(run, at + member.packed_bytes(), score);
    add_count(run, 1);
}

/// Removes the members of ranks `from` to `to`.
pub fn remove(run: &mut Vec<u8>, from: usize, to: usize) {
    let (start, end) = (place(run, from), place(run, to));
    packed::cut(run, start..end);
    add_count(run, -((to - from) as isize));
}
