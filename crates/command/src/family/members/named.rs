//! What removals, random choices and walks need to know of a hash, a set or a sorted set: names, each there once, and what stands
//! beside them.

use crate::reply::Reply;
use scrubjay_base::rand::Rng;
use scrubjay_store::value::members::{Member, Members, Picker, Shape};
use scrubjay_store::value::packed::Item;
use scrubjay_store::value::sorted_set::SortedSet;
use scrubjay_store::value::{Collection, Edit};

/// What stands beside a name.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Beside<'v> {
    /// Nothing, in a set.
    Nothing,
    /// A field's value.
    Value(Item<'v>),
    /// A member's score.
    Score(f64),
}

/// A name, and what stands beside it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Found<'v> {
    /// The field or member.
    pub name: Item<'v>,
    /// What stands beside it.
    pub beside: Beside<'v>,
}

impl<'v> Found<'v> {
    fn of_member<S: Shape>(member: Member<'v>) -> Found<'v> {
        let beside = if S::HAS_VALUES { Beside::Value(member.value) } else { Beside::Nothing };
        Found { name: member.name, beside }
    }

    fn of_scored((name, score): (Item<'v>, f64)) -> Found<'v> {
        Found { name, beside: Beside::Score(score) }
    }
}

impl Beside<'_> {
    /// Says it, if it is anything.
    pub fn say(self, reply: &mut dyn Reply) {
        match self {
            Beside::Nothing => {}
            Beside::Value(value) => super::say(value, reply),
            Beside::Score(score) => reply.double(score),
        }
    }
}

/// A collection of names.
pub trait Named: Collection {
    /// The word that asks a random choice for what stands beside names; `None`: nothing does.
    const WITH: Option<&'static str>;
    /// The word that asks a walk not to say it; `None`: there is none.
    const WITHOUT: Option<&'static str>;

    /// Removes a name. Whether it was there.
    fn remove(edit: &mut Edit<'_, Self>, name: &[u8]) -> bool;

    /// One step of a walk: shows about `effort`, from `cursor` on, and returns the next cursor, 0 at the end. What is there
    /// from the first step to the last is shown at least once, whatever happens in between.
    fn scan<'v>(view: Self::View<'v>, cursor: u64, effort: usize, now_ms: u64, see: impl FnMut(Found<'v>)) -> u64;

    /// One at random; `None` if there is none.
    fn one<'v>(view: Self::View<'v>, now_ms: u64, rng: &mut Rng) -> Option<Found<'v>>;

    /// How many there are, fewer than 2^32, and what stands at a number below that.
    fn numbered<'v>(view: Self::View<'v>, now_ms: u64) -> (usize, impl Fn(usize) -> Option<Found<'v>>);
}

impl<S: Shape> Named for Members<S> {
    const WITH: Option<&'static str> = if S::HAS_VALUES { Some("WITHVALUES") } else { None };
    const WITHOUT: Option<&'static str> = if S::HAS_VALUES { Some("NOVALUES") } else { None };

    fn remove(edit: &mut Edit<'_, Self>, name: &[u8]) -> bool {
        edit.remove(name)
    }

    fn scan<'v>(view: Self::View<'v>, cursor: u64, effort: usize, now_ms: u64, mut see: impl FnMut(Found<'v>)) -> u64 {
        view.scan(cursor, effort, now_ms, |member| see(Found::of_member::<S>(member)))
    }

    fn one<'v>(view: Self::View<'v>, now_ms: u64, rng: &mut Rng) -> Option<Found<'v>> {
        view.random(now_ms, rng).map(Found::of_member::<S>)
    }

    fn numbered<'v>(view: Self::View<'v>, now_ms: u64) -> (usize, impl Fn(usize) -> Option<Found<'v>>) {
        let picker = Picker::new(view, now_ms);
        (picker.len(), move |number| picker.at(number).map(Found::of_member::<S>))
    }
}

impl Named for SortedSet {
    const WITH: Option<&'static str> = Some("WITHSCORES");
    const WITHOUT: Option<&'static str> = None;

    fn remove(edit: &mut Edit<'_, Self>, name: &[u8]) -> bool {
        edit.remove(name).is_some()
    }

    fn scan<'v>(view: Self::View<'v>, cursor: u64, effort: usize, _now_ms: u64, mut see: impl FnMut(Found<'v>)) -> u64 {
        // A cursor that no step has given stands behind the end.
        let from = u32::try_from(cursor).ok();
        let next = from.and_then(|from| view.scan(from, effort, |name, score| see(Found::of_scored((name, score)))));
        next.map_or(0, u64::from)
    }

    fn one<'v>(view: Self::View<'v>, _now_ms: u64, rng: &mut Rng) -> Option<Found<'v>> {
        view.get(rng.below(view.len() as u64) as usize).map(Found::of_scored)
    }

    fn numbered<'v>(view: Self::View<'v>, _now_ms: u64) -> (usize, impl Fn(usize) -> Option<Found<'v>>) {
        (view.len(), move |rank| view.get(rank).map(Found::of_scored))
    }
}
