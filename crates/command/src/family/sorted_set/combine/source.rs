//! What ZUNION and its like read from: sorted sets, and sets, whose members all have the score 1.

use crate::reject::Reject;
use scrubjay_store::value::WrongKind;
use scrubjay_store::value::sorted_set::{SortedSet, SortedSetView};
use scrubjay_store::{Access, Guard, Key, Kind};

/// What a key has to give.
#[derive(Clone, Copy)]
pub(super) enum Source<'a> {
    Nothing,
    SortedSet(SortedSetView<'a>),
}

impl<'a> Source<'a> {
    /// What `key` holds. Errors: a kind that has no members with scores.
    pub(super) fn of(guard: &'a mut Guard<'_>, key: &Key<'_>, access: Access) -> Result<Source<'a>, Reject> {
        let Some(entry) = guard.get(key, access) else { return Ok(Source::Nothing) };
        let source = match entry.kind() {
            Kind::SortedSet => entry.view::<SortedSet>().map(Source::SortedSet),
            Kind::String | Kind::List | Kind::Set | Kind::Hash => None,
        };
        source.ok_or(WrongKind.into())
    }

    /// How many members.
    pub(super) fn len(self) -> usize {
        match self {
            Source::Nothing => 0,
            Source::SortedSet(set) => set.len(),
        }
    }

    /// The score of a member.
    pub(super) fn score(self, name: &[u8]) -> Option<f64> {
        match self {
            Source::Nothing => None,
            Source::SortedSet(set) => set.score(name),
        }
    }

    /// Shows each member with its score.
    pub(super) fn for_each(self, mut see: impl FnMut(&[u8], f64)) {
        match self {
            Source::Nothing => {}
            Source::SortedSet(set) => set.iter().for_each(|(name, score)| name.with(|name| see(name, score))),
        }
    }
}
