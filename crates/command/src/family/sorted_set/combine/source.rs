//! What ZUNION and its like read from: sorted sets, and sets, whose members all have the score 1.

use crate::reject::Reject;
use scrubjay_store::value::WrongKind;
use scrubjay_store::value::packed::Item;
use scrubjay_store::value::set::{Set, SetView};
use scrubjay_store::value::sorted_set::{SortedSet, SortedSetView};
use scrubjay_store::{Access, Guard, Key, Kind};

/// What a key has to give.
#[derive(Clone, Copy)]
pub(super) enum Source<'a> {
    Nothing,
    SortedSet(SortedSetView<'a>),
    /// With the time, after which some of its members are gone.
    Set(SetView<'a>, u64),
}

/// The score of a set's members.
const SCORE_IN_SET: f64 = 1.0;

impl<'a> Source<'a> {
    /// What `key` holds. Errors: a kind that has no members with scores.
    pub(super) fn of(guard: &'a mut Guard<'_>, key: &Key<'_>, access: Access) -> Result<Source<'a>, Reject> {
        let Some(entry) = guard.get(key, access) else { return Ok(Source::Nothing) };
        let source = match entry.kind() {
            Kind::SortedSet => entry.view::<SortedSet>().map(Source::SortedSet),
            Kind::Set => entry.view::<Set>().map(|set| Source::Set(set, entry.now_ms())),
            Kind::String | Kind::List | Kind::Hash => None,
        };
        source.ok_or(WrongKind.into())
    }

    /// How many members.
    pub(super) fn len(self) -> usize {
        match self {
            Source::Nothing => 0,
            Source::SortedSet(set) => set.len(),
            Source::Set(set, now_ms) => set.len(now_ms),
        }
    }

    /// The score of a member.
    pub(super) fn score(self, name: &[u8]) -> Option<f64> {
        match self {
            Source::Nothing => None,
            Source::SortedSet(set) => set.score(name),
            Source::Set(set, now_ms) => set.contains(Item::of(name), now_ms).then_some(SCORE_IN_SET),
        }
    }

    /// Shows each member with its score.
    pub(super) fn for_each(self, mut see: impl FnMut(&[u8], f64)) {
        match self {
            Source::Nothing => {}
            Source::SortedSet(set) => set.iter().for_each(|(name, score)| name.with(|name| see(name, score))),
            Source::Set(set, now_ms) => {
                set.iter(now_ms).for_each(|member| member.name.with(|name| see(name, SCORE_IN_SET)));
            }
        }
    }
}
