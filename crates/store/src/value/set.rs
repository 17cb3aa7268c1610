//! A set: members, each of which may expire by itself. How it is kept is in [`members`](super::members).

use super::members::{Bounds, Members, Shape, View};
use super::packed::Item;
use super::{Collection, Edit, Kind, Packing};
use crate::large::Body;

/// The shape of a set.
#[derive(Clone, Copy, Debug)]
pub struct Names;

/// A set.
pub type Set = Members<Names>;
/// A set as a reader sees it.
pub type SetView<'a> = View<'a, Names>;

impl Shape for Names {
    const KIND: Kind = Kind::Set;
    const HAS_VALUES: bool = false;

    fn bounds(packing: &Packing) -> Bounds {
        Bounds {
            ints_max: packing.set_ints_max as usize,
            entries_max: packing.set_entries_max as usize,
            value_bytes_max: packing.set_value_bytes_max as usize,
        }
    }

    fn into_body(set: Set) -> Body {
        Body::Set(Box::new(set))
    }

    fn of(body: &Body) -> Option<&Set> {
        if let Body::Set(set) = body { Some(set) } else { None }
    }

    fn of_mut(body: &mut Body) -> Option<&mut Set> {
        if let Body::Set(set) = body { Some(set) } else { None }
    }
}

impl Set {
    /// The set of all these, of which some may be the same.
    pub fn collect<'i>(members: impl Iterator<Item = Item<'i>>, packing: &Packing) -> Set {
        let mut set = Set::new(packing);
        for member in members {
            member.with(|member| Members::add(&mut set, member, packing));
        }
        set
    }
}

impl Edit<'_, Set> {
    /// Adds a member. Whether it is new; one that is there already stays as it is, its deadline too.
    pub fn add(&mut self, member: &[u8]) -> bool {
        self.add_name(member)
    }
}

#[cfg(test)]
#[path = "set_tests.rs"]
mod tests;
