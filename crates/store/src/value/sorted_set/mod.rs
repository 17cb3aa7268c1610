//! A sorted set: members with scores, in the order of their scores, equal scores in the order of the members' bytes.
//!
//! ```text
//!   small   | count | member score | member score | ...          run: up to 128 members of up to 64 bytes
//!
//!   else    Table  name -> record         by name                 table
//!           Tree   rank -> record         in order, with ranks    tree, node, keys
//!           Records  score | name         side by side            records
//! ```
//!
//! The order is Redis': by score, -inf first; -0 equals 0; a score is never NaN. What grew out of its run
//! (`zset-max-listpack-entries`, `zset-max-listpack-value`) stays indexed until it is made anew.
//!
//! Cost, of what is indexed: the score of a member O(1); all else O(log n), and the length of a range on top. Sources: order
//! statistics in a tree are Cormen, Leiserson, Rivest and Stein, chapter "Augmenting data structures"; B+trees are Comer,
//! "The ubiquitous B-tree", 1979.

mod indexed;
mod keys;
mod node;
mod records;
mod run;
mod tree;
mod view;

pub use view::{Cut, Members, SortedSetView};

use super::packed::{self, Item};
use super::{Collection, Edit, Kind, Packing, RUN_BYTES_MAX};
use crate::large::{Body, allocated_bytes};
use indexed::Indexed;
use std::ops::Range;

/// What giving a member a score did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Put {
    /// It is new.
    Added,
    /// It had another score.
    Changed,
    /// It had this score.
    Same,
}

/// One of the two ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// Where the scores are low.
    Lowest,
    /// Where they are high.
    Highest,
}

#[derive(Clone)]
enum Form {
    Run(Vec<u8>),
    Indexed(Box<Indexed>),
}

/// A sorted set.
#[derive(Clone)]
pub struct SortedSet(Form);

impl SortedSet {
    /// Gives `name` this score, which is not NaN.
    pub fn put(&mut self, name: &[u8], score: f64, packing: &Packing) -> Put {
        debug_assert!(!score.is_nan());
        let bytes = match &mut self.0 {
            Form::Indexed(indexed) => return indexed.put(name, score),
            Form::Run(bytes) => bytes,
        };
        match run::find(bytes, name) {
            Some((_, pair)) if pair.score == score => return Put::Same,
            Some((rank, _)) => {
                run::remove(bytes, rank, rank + 1);
                run::insert(bytes, name, score);
                return Put::Changed;
            }
            None => {}
        }
        let is_small = run::count(bytes) < packing.sorted_set_entries_max as usize
            && name.len() <= packing.sorted_set_value_bytes_max as usize
            && bytes.len() + name.len() <= RUN_BYTES_MAX;
        if is_small {
            run::insert(bytes, name, score);
            return Put::Added;
        }
        let mut indexed = Box::new(Indexed::new(packing.hasher.clone()));
        for pair in run::pairs(bytes) {
            pair.member.with(|name| indexed.put(name, pair.score));
        }
        let put = indexed.put(name, score);
        self.0 = Form::Indexed(indexed);
        put
    }

    fn remove(&mut self, name: &[u8]) -> Option<f64> {
        match &mut self.0 {
            Form::Indexed(indexed) => indexed.remove(name),
            Form::Run(bytes) => {
                let (rank, score) = run::find(bytes, name).map(|(rank, pair)| (rank, pair.score))?;
                run::remove(bytes, rank, rank + 1);
                Some(score)
            }
        }
    }

    fn remove_ranks(&mut self, ranks: Range<usize>, backwards: bool, mut see: impl FnMut(Item<'_>, f64)) {
        match &mut self.0 {
            Form::Indexed(indexed) => indexed.remove_ranks(ranks, backwards, see),
            Form::Run(bytes) => {
                let members = run::range(bytes, ranks.start, ranks.end);
                if backwards {
                    members.rev().for_each(|pair| see(pair.member, pair.score));
                } else {
                    members.for_each(|pair| see(pair.member, pair.score));
                }
                run::remove(bytes, ranks.start, ranks.end);
            }
        }
    }
}

/// The changes that an edit writes down; the numbers are part of the format in which changes travel.
mod change {
    /// A name, its new score.
    pub const PUT: i64 = 0;
    /// A name to remove.
    pub const REMOVE: i64 = 1;
    /// A rank, how many to remove from there on.
    pub const REMOVE_RANKS: i64 = 2;
}

impl Edit<'_, SortedSet> {
    /// Gives `name` this score, which must not be NaN.
    pub fn put(&mut self, name: &[u8], score: f64) -> Put {
        let put = self.value.put(name, score, self.packing);
        if put != Put::Same {
            self.log.note(change::PUT, [Item::of(name), Item::of_float(score)]);
        }
        put
    }

    /// Removes the member `name`. Its score, if it was there.
    pub fn remove(&mut self, name: &[u8]) -> Option<f64> {
        let score = self.value.remove(name)?;
        self.log.note(change::REMOVE, [Item::of(name)]);
        Some(score)
    }

    /// Removes the members of these ranks, as far as there are any. How many.
    pub fn remove_ranks(&mut self, ranks: Range<usize>) -> usize {
        self.take(ranks, false, |_, _| {})
    }

    /// Removes up to `count` members from one side and shows them in the order of their removal. How many.
    pub fn pop(&mut self, side: Side, count: usize, see: impl FnMut(Item<'_>, f64)) -> usize {
        let len = self.value.len();
        match side {
            Side::Lowest => self.take(0..count, false, see),
            Side::Highest => self.take(len.saturating_sub(count)..len, true, see),
        }
    }

    fn take(&mut self, ranks: Range<usize>, backwards: bool, see: impl FnMut(Item<'_>, f64)) -> usize {
        let end = ranks.end.min(self.value.len());
        let ranks = ranks.start.min(end)..end;
        let count = ranks.len();
        if count > 0 {
            self.log.note(change::REMOVE_RANKS, [ranks.start, count].map(|number| Item::Int(number as i64)));
            self.value.remove_ranks(ranks, backwards, see);
        }
        count
    }
}

impl Collection for SortedSet {
    const KIND: Kind = Kind::SortedSet;
    type View<'a> = SortedSetView<'a>;

    fn new(_packing: &Packing) -> SortedSet {
        SortedSet(Form::Run(run::new()))
    }

    fn from_inline(bytes: Vec<u8>) -> SortedSet {
        SortedSet(Form::Run(bytes))
    }

    fn inline(&self) -> Option<&[u8]> {
        if let Form::Run(bytes) = &self.0 { Some(bytes) } else { None }
    }

    fn into_inline(self) -> Vec<u8> {
        if let Form::Run(bytes) = self.0 { bytes } else { Vec::new() }
    }

    fn view_inline(bytes: &[u8]) -> SortedSetView<'_> {
        SortedSetView::Run(bytes)
    }

    fn view(&self) -> SortedSetView<'_> {
        match &self.0 {
            Form::Run(bytes) => SortedSetView::Run(bytes),
            Form::Indexed(indexed) => SortedSetView::Indexed(indexed),
        }
    }

    fn len(&self) -> usize {
        self.view().len()
    }

    fn heap_bytes(&self) -> usize {
        match &self.0 {
            Form::Run(bytes) => allocated_bytes(bytes.capacity()),
            Form::Indexed(indexed) => allocated_bytes(size_of::<Indexed>()) + indexed.heap_bytes(),
        }
    }

    fn write_to(&self, out: &mut Vec<u8>) {
        for (name, score) in self.view().iter() {
            name.with(|name| Item::of(name).write(out));
            Item::of_float(score).write(out);
        }
    }

    fn read_from(bytes: &[u8], packing: &Packing) -> Option<SortedSet> {
        packed::count_checked(bytes)?;
        let mut set = SortedSet::new(packing);
        let mut items = packed::items(bytes).map(|(_, item)| item);
        let mut last: Option<(f64, Vec<u8>)> = None;
        while let Some(member) = items.next() {
            let (name, score) = (read_name(member)?, read_score(items.next()?)?);
            let is_after = last.is_none_or(|(least, before)| least < score || (least == score && before < name));
            if !is_after || set.put(&name, score, packing) != Put::Added {
                return None;
            }
            last = Some((score, name));
        }
        (!set.is_empty()).then_some(set)
    }

    fn repeat(edit: &mut Edit<'_, SortedSet>, changes: &[u8]) -> Option<()> {
        let mut items = packed::items(changes).map(|(_, item)| item);
        while let Some(Item::Int(number)) = items.next() {
            match number {
                change::PUT => {
                    let (name, score) = (read_name(items.next()?)?, read_score(items.next()?)?);
                    edit.put(&name, score);
                }
                change::REMOVE => {
                    edit.remove(&read_name(items.next()?)?);
                }
                change::REMOVE_RANKS => {
                    let mut size = || match items.next()? {
                        Item::Int(size) => usize::try_from(size).ok(),
                        _ => None,
                    };
                    let (start, count) = (size()?, size()?);
                    edit.remove_ranks(start..start.saturating_add(count));
                }
                _ => return None,
            }
        }
        Some(())
    }

    fn into_body(mut self) -> Body {
        if let Form::Run(bytes) = &mut self.0 {
            bytes.shrink_to_fit();
        }
        Body::SortedSet(Box::new(self))
    }

    fn of(body: &Body) -> Option<&SortedSet> {
        if let Body::SortedSet(set) = body { Some(set) } else { None }
    }

    fn of_mut(body: &mut Body) -> Option<&mut SortedSet> {
        if let Body::SortedSet(set) = body { Some(set) } else { None }
    }
}

/// A member's name from elsewhere.
fn read_name(item: Item<'_>) -> Option<Vec<u8>> {
    matches!(item, Item::Bytes(_) | Item::Int(_)).then(|| item.to_vec())
}

/// A score from elsewhere: a number, in the one form in which it is written.
fn read_score(item: Item<'_>) -> Option<f64> {
    item.number().filter(|score| !score.is_nan() && Item::of_float(*score) == item)
}

#[cfg(test)]
mod tests;
