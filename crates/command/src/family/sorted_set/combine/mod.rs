//! Several sorted sets and sets to one: ZUNION, ZINTER, ZDIFF, ZINTERCARD, and the forms that store.
//!
//! All sources are read under one guard, the smallest first; scores are multiplied with the source's weight and then put
//! together. What is no number then, the sum of two infinities or an infinity times nothing, counts as 0.

mod source;
mod words;

pub(super) use words::*;

use super::store;
use crate::family::{KeyList, place_all};
use crate::reject::Reject;
use crate::table::Context;
use scrubjay_store::value::Collection;
use scrubjay_store::value::sorted_set::SortedSet;
use scrubjay_store::{Access, Guard, Key};
use source::Source;

/// How sources become one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operation {
    /// What is in any.
    Union,
    /// What is in all.
    Intersection,
    /// What is in the first and in no other.
    Difference,
}

/// What becomes of the scores of one member.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Aggregate {
    /// Their sum.
    #[default]
    Sum,
    /// The smallest.
    Min,
    /// The greatest.
    Max,
}

impl Aggregate {
    fn of(self, a: f64, b: f64) -> f64 {
        match self {
            Aggregate::Sum => number(a + b),
            Aggregate::Min if b < a => b,
            Aggregate::Max if b > a => b,
            Aggregate::Min | Aggregate::Max => a,
        }
    }
}

/// 0 for what is no number.
fn number(score: f64) -> f64 {
    if score.is_nan() { 0.0 } else { score }
}

/// Combines several keys.
#[derive(Clone, Debug)]
pub struct Combine<'a> {
    /// How.
    pub operation: Operation,
    /// Which, each with its weight.
    pub sources: Vec<(&'a [u8], f64)>,
    /// How scores are put together.
    pub aggregate: Aggregate,
}

/// A member of the result, and its score.
type Member = (Box<[u8]>, f64);

/// A source that has been placed.
struct Placed<'k> {
    key: Key<'k>,
    weight: f64,
    len: usize,
}

impl<'a> Combine<'a> {
    fn keys(&self, cx: &Context<'_>, first: Option<Key<'a>>) -> Result<KeyList<'a>, Reject> {
        let mut keys = KeyList::from_iter(first);
        place_all(cx, self.sources.iter().map(|(name, _)| *name), &mut keys)?;
        Ok(keys)
    }

    /// Returns the result. Errors: another kind.
    pub fn run(&self, cx: &mut Context<'_>) -> Result<SortedSet, Reject> {
        let keys = self.keys(cx, None)?;
        let mut guard = cx.lock_all(&keys);
        self.combine(cx, &mut guard, &keys)
    }

    /// Makes the result the value of `to`, whatever is there; nothing is no key. Returns how many members it has.
    ///
    /// Errors: another kind under a source, no memory; nothing was changed.
    pub fn store(&self, cx: &mut Context<'_>, to: &'a [u8]) -> Result<usize, Reject> {
        let to = cx.key(to)?;
        let keys = self.keys(cx, Some(to))?;
        let mut guard = cx.lock_all(&keys);
        let result = self.combine(cx, &mut guard, &keys[1..])?;
        store(&mut guard, &to, result)
    }

    /// Counts the result of an intersection, up to `limit`. Errors: another kind.
    pub fn count(&self, cx: &mut Context<'_>, limit: usize) -> Result<usize, Reject> {
        let keys = self.keys(cx, None)?;
        let mut guard = cx.lock_all(&keys);
        let sources = self.placed(&mut guard, &keys, cx.read())?;
        Ok(self.intersect(&mut guard, &sources, limit)?.len())
    }

    /// The sources, smallest first where the order does not matter.
    fn placed<'k>(&self, guard: &mut Guard<'_>, keys: &[Key<'k>], access: Access) -> Result<Vec<Placed<'k>>, Reject> {
        let mut placed = Vec::with_capacity(keys.len());
        for (key, (_, weight)) in keys.iter().zip(&self.sources) {
            placed.push(Placed { key: *key, weight: *weight, len: Source::of(guard, key, access)?.len() });
        }
        if self.operation != Operation::Difference {
            placed.sort_by_key(|source| source.len);
        }
        Ok(placed)
    }

    fn combine(&self, cx: &Context<'_>, guard: &mut Guard<'_>, keys: &[Key<'_>]) -> Result<SortedSet, Reject> {
        let sources = self.placed(guard, keys, cx.read())?;
        let packing = cx.store.packing();
        let mut result = SortedSet::new(&packing);
        let members = match self.operation {
            Operation::Intersection => self.intersect(guard, &sources, usize::MAX)?,
            Operation::Difference => self.subtract(guard, &sources)?,
            Operation::Union => {
                for source in &sources {
                    Source::of(guard, &source.key, Access::Peek)?.for_each(|name, score| {
                        let score = number(score * source.weight);
                        let before = result.view().score(name);
                        result.put(name, before.map_or(score, |before| self.aggregate.of(before, score)), &packing);
                    });
                }
                return Ok(result);
            }
        };
        for (name, score) in members {
            result.put(&name, score, &packing);
        }
        Ok(result)
    }

    /// The members of all sources, at most `limit` of them.
    fn intersect(&self, guard: &mut Guard<'_>, sources: &[Placed<'_>], limit: usize) -> Result<Vec<Member>, Reject> {
        let Some((smallest, others)) = sources.split_first() else { return Ok(Vec::new()) };
        let mut members = Vec::with_capacity(smallest.len);
        Source::of(guard, &smallest.key, Access::Peek)?
            .for_each(|name, score| members.push((Box::from(name), number(score * smallest.weight))));
        for (number_of_source, source) in others.iter().enumerate() {
            let (set, is_last) = (Source::of(guard, &source.key, Access::Peek)?, number_of_source + 1 == others.len());
            let mut found = 0;
            members.retain_mut(|(name, score): &mut Member| {
                if is_last && found == limit {
                    return false;
                }
                let Some(other) = set.score(name) else { return false };
                // As in Redis, no number is made 0 only after it was added here: it takes the sum with it.
                *score = self.aggregate.of(*score, other * source.weight);
                found += 1;
                true
            });
        }
        members.truncate(limit);
        Ok(members)
    }

    /// The members of the first source that are in no other.
    fn subtract(&self, guard: &mut Guard<'_>, sources: &[Placed<'_>]) -> Result<Vec<Member>, Reject> {
        let Some((first, others)) = sources.split_first() else { return Ok(Vec::new()) };
        let mut members = Vec::with_capacity(first.len);
        Source::of(guard, &first.key, Access::Peek)?.for_each(|name, score| members.push((Box::from(name), score)));
        for source in others {
            let set = Source::of(guard, &source.key, Access::Peek)?;
            members.retain(|(name, _): &Member| set.score(name).is_none());
        }
        Ok(members)
    }
}
