//! What must hold: after every step, and when all is quiet.

use super::metadata::Record;
use super::node::{Copy, Node};
use super::{NodeNumber, WriteId};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A promise that was not kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Violation {
    /// Acknowledged at this W, and not in the copy that everybody has in the end.
    Lost(WriteId, usize),
    /// A write is in there twice.
    Doubled(WriteId),
    /// Two copies at the same (term, sequence) differ.
    Different(NodeNumber, NodeNumber, (u64, u64)),
    /// Two nodes were primary of one term.
    TwoPrimaries(u64),
    /// The term went back, or stayed while the primary changed.
    TermWentBack(u64),
    /// Everything had healed, and there was no primary, or copies stayed behind.
    NotQuiet,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Violation::Lost(id, w) => write!(f, "write {id} was acknowledged at W={w} and is lost"),
            Violation::Doubled(id) => write!(f, "write {id} was applied twice"),
            Violation::Different(a, b, (term, sequence)) => {
                write!(f, "nodes {a} and {b} differ at term {term}, sequence {sequence}")
            }
            Violation::TwoPrimaries(term) => write!(f, "term {term} had two primaries"),
            Violation::TermWentBack(term) => write!(f, "term {term} is not above the one before"),
            Violation::NotQuiet => write!(f, "all was healed, and the copies did not become equal"),
        }
    }
}

/// Remembers what was promised.
#[derive(Default)]
pub struct Checker {
    /// Acknowledged at W >= 2.
    pub promised: BTreeMap<WriteId, usize>,
    primaries: BTreeMap<u64, NodeNumber>,
    last: Option<(u64, NodeNumber)>,
}

impl Checker {
    /// After every step.
    pub fn step(&mut self, nodes: &[Option<Node>], record: &Record) -> Result<(), Violation> {
        let now = (record.term, record.primary);
        if self.last.is_some_and(|last| now != last && now.0 <= last.0) {
            return Err(Violation::TermWentBack(record.term));
        }
        self.last = Some(now);
        let up = || nodes.iter().enumerate().filter_map(|(number, node)| Some((number, node.as_ref()?)));
        for (number, node) in up() {
            if let Some(leading) = &node.leading
                && *self.primaries.entry(leading.term).or_insert(number) != number
            {
                return Err(Violation::TwoPrimaries(leading.term));
            }
        }
        let copies: Vec<(NodeNumber, &Copy)> = up().filter_map(|(n, node)| Some((n, node.copy.as_ref()?))).collect();
        for (at, (a, one)) in copies.iter().enumerate() {
            for (b, other) in &copies[at + 1..] {
                if one.position() == other.position() && one.state != other.state {
                    return Err(Violation::Different(*a, *b, one.position()));
                }
            }
        }
        Ok(())
    }

    /// When all is quiet: `copies` are everybody's.
    pub fn end(&self, copies: &[Option<&Copy>]) -> Result<(), Violation> {
        let Some(Some(first)) = copies.first() else { return Err(Violation::NotQuiet) };
        let equal = |copy: &&Copy| copy.log == first.log && copy.state == first.state;
        if !copies.iter().all(|copy| copy.as_ref().is_some_and(equal)) {
            return Err(Violation::NotQuiet);
        }
        let mut seen = BTreeSet::new();
        for entry in first.log.iter().filter(|entry| entry.id > 0) {
            if !seen.insert(entry.id) {
                return Err(Violation::Doubled(entry.id));
            }
        }
        match self.promised.iter().find(|(id, _)| !seen.contains(id)) {
            Some((&id, &w)) => Err(Violation::Lost(id, w)),
            None => Ok(()),
        }
    }
}
