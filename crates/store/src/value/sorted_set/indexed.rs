//! A sorted set that is no run any more: by name and in order.
//!
//! ```text
//!            name                                    rank, score, range
//!              |                                            |
//!   Table: 12 tags and handles a line          Tree: score and handle, 63 a leaf
//!              \------ handle ---> Records <--- handle -----/
//!                          score | name
//! ```
//!
//! Some 55 bytes a member of 20 bytes: 32 in its record, 7 in the table, 16 in the tree.

use super::Put;
use super::keys::Key;
use super::records::Records;
use super::tree::Tree;
use super::view::{Cut, SortedSetView};
use crate::heap::Handle;
use crate::table::{Facts, NEVER, Place, Table};
use crate::value::packed::Item;
use scrubjay_base::KeyHasher;
use std::ops::Range;
use std::sync::Arc;

/// How much a table grows, of the eight ways it knows: the usual one.
const GROWTH: usize = 1;

/// Where so many times more members are removed than stay, those that stay are written anew instead: a removal costs as much
/// as an insertion.
const REWRITE_FACTOR: usize = 4;

/// A sorted set with an index.
#[derive(Clone)]
pub struct Indexed {
    table: Table,
    tree: Tree,
    records: Records,
    hasher: Arc<KeyHasher>,
}

fn facts(hasher: &KeyHasher, name: &[u8]) -> Facts {
    Facts { hash: hasher.hash(0, name), due: NEVER }
}

impl Indexed {
    /// An empty one.
    pub fn new(hasher: Arc<KeyHasher>) -> Indexed {
        Indexed { table: Table::new(), tree: Tree::new(), records: Records::new(), hasher }
    }

    /// How many members.
    pub fn len(&self) -> usize {
        self.tree.len()
    }

    /// Bytes of memory held, beyond its own size.
    pub fn heap_bytes(&self) -> usize {
        self.table.bytes() + self.tree.bytes() + self.records.bytes()
    }

    pub(super) fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The name of a member.
    #[inline]
    pub(super) fn name(&self, handle: Handle) -> &[u8] {
        self.records.member(handle)
    }

    #[inline]
    fn find(&self, hash: u64, name: &[u8]) -> Option<(Place, Handle)> {
        self.table.find(hash, |handle| self.records.member(handle) == name)
    }

    /// The score of a member.
    #[inline]
    pub fn score(&self, name: &[u8]) -> Option<f64> {
        let (_, handle) = self.find(self.hasher.hash(0, name), name)?;
        Some(self.records.score(handle))
    }

    /// How many members stand before `cut`. A name is read only where scores do not decide.
    #[inline]
    pub fn count_before(&self, cut: Cut<'_>) -> usize {
        let name = |key: Key| self.records.member(key.handle);
        match cut {
            Cut::Start => 0,
            Cut::End => self.len(),
            Cut::BeforeScore(at) => self.tree.count_while(|key| key.score < at),
            Cut::AfterScore(at) => self.tree.count_while(|key| key.score <= at),
            Cut::BeforeName(at) => self.tree.count_while(|key| name(key) < at),
            Cut::AfterName(at) => self.tree.count_while(|key| name(key) <= at),
            Cut::Before(at, bound) => {
                self.tree.count_while(|key| key.score < at || (key.score == at && name(key) < bound))
            }
        }
    }

    /// Gives `name` this score.
    pub fn put(&mut self, name: &[u8], score: f64) -> Put {
        let facts_of_name = facts(&self.hasher, name);
        let Some((_, handle)) = self.find(facts_of_name.hash, name) else {
            let rank = self.count_before(Cut::Before(score, name));
            let handle = self.records.add(score, name);
            self.tree.insert(rank, Key { score, handle });
            let Indexed { table, records, hasher, .. } = self;
            table.insert(facts_of_name, handle, GROWTH, |handle| facts(hasher, records.member(handle)));
            return Put::Added;
        };
        let before = self.records.score(handle);
        if before == score {
            return Put::Same;
        }
        let rank = self.count_before(Cut::Before(before, name));
        self.records.set_score(handle, score);
        let key = Key { score, handle };
        if self.stays_between_its_neighbours(rank, score, name) {
            self.tree.set(rank, key);
        } else {
            self.tree.remove(rank);
            let rank = self.count_before(Cut::Before(score, name));
            self.tree.insert(rank, key);
        }
        Put::Changed
    }

    fn stays_between_its_neighbours(&self, rank: usize, score: f64, name: &[u8]) -> bool {
        let is_less = |a: (f64, &[u8]), b: (f64, &[u8])| a.0 < b.0 || (a.0 == b.0 && a.1 < b.1);
        let at = |rank: usize| {
            let key = self.tree.get(rank);
            (key.score, self.records.member(key.handle))
        };
        (rank == 0 || is_less(at(rank - 1), (score, name)))
            && (rank + 1 == self.len() || is_less((score, name), at(rank + 1)))
    }

    /// Removes the member `name`. Its score, if it was there.
    pub fn remove(&mut self, name: &[u8]) -> Option<f64> {
        let hash = self.hasher.hash(0, name);
        let (place, handle) = self.find(hash, name)?;
        let score = self.records.score(handle);
        let rank = self.count_before(Cut::Before(score, name));
        self.tree.remove(rank);
        self.forget(hash, place, handle);
        Some(score)
    }

    /// Removes the members of `ranks`, all of which exist, and shows them before; the last ones first if `backwards`.
    pub fn remove_ranks(&mut self, ranks: Range<usize>, backwards: bool, mut see: impl FnMut(Item<'_>, f64)) {
        if ranks.len() > REWRITE_FACTOR * (self.len() - ranks.len()) {
            return self.keep_but(ranks, backwards, see);
        }
        for step in 0..ranks.len() {
            let Key { score, handle } = self.tree.remove(if backwards { ranks.end - 1 - step } else { ranks.start });
            let name = self.records.member(handle);
            let hash = self.hasher.hash(0, name);
            see(Item::Bytes(name), score);
            let place = self.place_of(hash, handle);
            self.forget(hash, place, handle);
        }
    }

    /// As [`Indexed::remove_ranks`], at the cost of what stays.
    fn keep_but(&mut self, ranks: Range<usize>, backwards: bool, mut see: impl FnMut(Item<'_>, f64)) {
        let view = SortedSetView::Indexed(self);
        let doomed = view.range(ranks.clone());
        if backwards {
            doomed.rev().for_each(|(name, score)| see(name, score));
        } else {
            doomed.for_each(|(name, score)| see(name, score));
        }
        let mut rest = Indexed::new(self.hasher.clone());
        for (name, score) in view.range(0..ranks.start).chain(view.range(ranks.end..self.len())) {
            name.with(|name| rest.put(name, score));
        }
        *self = rest;
    }

    fn place_of(&self, hash: u64, handle: Handle) -> Place {
        match self.table.find(hash, |other| other == handle) {
            Some((place, _)) => place,
            None => unreachable!("what is in the tree is in the table"),
        }
    }

    /// Removes a member that has left the tree from table and records.
    fn forget(&mut self, hash: u64, place: Place, handle: Handle) {
        let Indexed { table, records, hasher, .. } = self;
        table.remove(hash, place, |handle| facts(hasher, records.member(handle)));
        let moving = self.records.last_like(handle);
        if moving != handle {
            // The last record of its size will take the place: table and tree are told first, while it can be compared.
            let (score, name) = (self.records.score(moving), self.records.member(moving));
            let rank = self.count_before(Cut::Before(score, name));
            let place = self.place_of(self.hasher.hash(0, name), moving);
            self.table.set(place, handle);
            self.tree.set(rank, Key { score: self.tree.get(rank).score, handle });
        }
        self.records.remove(handle);
    }

    /// See [`super::SortedSetView::scan`].
    pub(super) fn scan<'a>(&'a self, cursor: u32, effort: usize, mut visit: impl FnMut(Item<'a>, f64)) -> Option<u32> {
        self.table.scan(
            cursor,
            effort,
            |handle| facts(&self.hasher, self.records.member(handle)),
            |handle| visit(Item::Bytes(self.records.member(handle)), self.records.score(handle)),
        )
    }

    /// Panics where the three disagree.
    #[cfg(test)]
    pub(super) fn check(&self) {
        assert_eq!(self.table.count() as usize, self.tree.len());
        let mut last: Option<Key> = None;
        for rank in 0..self.len() {
            let key = self.tree.get(rank);
            let name = self.records.member(key.handle);
            assert_eq!(self.records.score(key.handle).to_bits(), key.score.to_bits());
            assert_eq!(self.find(self.hasher.hash(0, name), name).map(|(_, handle)| handle), Some(key.handle));
            let is_after = |last: Key| {
                last.score < key.score || (last.score == key.score && self.records.member(last.handle) < name)
            };
            assert!(last.is_none_or(is_after), "rank {rank} is behind the one before");
            last = Some(key);
        }
        self.records.check();
    }
}
