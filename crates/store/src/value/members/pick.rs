//! Random choices among many: what stands at a number.

use super::{Member, Shape, View};
use scrubjay_base::clock::UnixMs;

/// The live members, each under a number.
pub enum Picker<'a, S> {
    /// None has expired, and any is found at once.
    Direct(View<'a, S>),
    /// They were walked through once.
    Listed(Vec<Member<'a>>),
}

impl<'a, S: Shape> Picker<'a, S> {
    /// Numbers the members. Cost: O(1) unless it is a run or something has expired.
    pub fn new(view: View<'a, S>, now_ms: UnixMs) -> Picker<'a, S> {
        if view.is_fresh(now_ms) && view.is_indexed() {
            Picker::Direct(view)
        } else {
            Picker::Listed(view.iter(now_ms).collect())
        }
    }

    /// How many.
    #[allow(clippy::len_without_is_empty)] // nobody asks
    pub fn len(&self) -> usize {
        match self {
            Picker::Direct(view) => view.len_max(),
            Picker::Listed(members) => members.len(),
        }
    }

    /// The member of this number; `None` from the length on.
    pub fn at(&self, index: usize) -> Option<Member<'a>> {
        match self {
            Picker::Direct(view) if index < view.len_max() => view.at(index),
            Picker::Direct(_) => None,
            Picker::Listed(members) => members.get(index).copied(),
        }
    }
}
