//! The metadata: one record of the slot, changed by compare-and-swap.

use super::{NodeNumber, Trap};

/// What the metadata say of the slot.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    /// Counts every change of the topology, whatever it concerns.
    pub version: u64,
    /// Changes only with the primary.
    pub term: u64,
    /// Who it is.
    pub primary: NodeNumber,
    /// By node: the incarnation whose data is a full copy; 0: none ever was.
    pub copies: Vec<u64>,
    /// The smallest W >= 2 that a write was acknowledged at; `None`: only W = 1.
    pub w_star: Option<usize>,
}

impl Record {
    /// The same but for the version: what a change of the slot must have seen.
    fn same_slot(&self, other: &Record) -> bool {
        (self.term, self.primary, &self.copies, self.w_star) == (other.term, other.primary, &other.copies, other.w_star)
    }

    /// Whether this incarnation of a node is a full copy.
    pub fn counts(&self, node: NodeNumber, incarnation: u64, trap: Option<Trap>) -> bool {
        self.copies[node] == incarnation || trap == Some(Trap::OnlyPrimaryRecorded) && incarnation > 0
    }

    /// How many copies, the suspecting one included, must have promised to refuse older terms before one is promoted:
    /// so many that they have a copy in common with any W* of all.
    pub fn answers_needed(&self, trap: Option<Trap>) -> usize {
        match (trap, self.w_star) {
            (Some(Trap::EveryReachableCopy), _) | (_, None) => 1,
            (_, Some(w_star)) => self.copies.len() - w_star + 1,
        }
    }

    /// The record after a write was acknowledged at `w` for the first time; `None`: as it is.
    pub fn with_w(&self, w: usize, trap: Option<Trap>) -> Option<Record> {
        let keeps = |known: usize| if trap == Some(Trap::LargestW) { known >= w } else { known <= w };
        let known = w < 2 || self.w_star.is_some_and(keeps);
        (!known).then(|| Record { w_star: Some(w), ..self.clone() })
    }
}

/// The metadata store: always there, and of one mind.
pub struct Metadata {
    record: Record,
}

impl Metadata {
    /// Node 0 is the primary, all copies are full.
    pub fn new(nodes: usize) -> Metadata {
        Metadata { record: Record { version: 1, term: 1, primary: 0, copies: vec![1; nodes], w_star: None } }
    }

    /// The record now.
    pub fn get(&self) -> &Record {
        &self.record
    }

    /// Makes `new` the slot's record if it still is as `seen`. Whether it did.
    pub fn compare_and_swap(&mut self, seen: &Record, new: Record) -> bool {
        let swaps = self.record.same_slot(seen);
        if swaps {
            self.record = Record { version: self.record.version + 1, ..new };
        }
        swaps
    }

    /// Something else in the topology changes.
    pub fn change_another_thing(&mut self) {
        self.record.version += 1;
    }
}
