//! A hash: fields with values, each of which may expire by itself. How it is kept is in [`members`](super::members).

use super::members::{Bounds, Members, Shape, Until, View};
use super::{Edit, Kind, Packing};
use crate::large::Body;

/// The shape of a hash.
#[derive(Clone, Copy, Debug)]
pub struct Fields;

/// A hash.
pub type Hash = Members<Fields>;
/// A hash as a reader sees it.
pub type HashView<'a> = View<'a, Fields>;

impl Shape for Fields {
    const KIND: Kind = Kind::Hash;
    const HAS_VALUES: bool = true;

    fn bounds(packing: &Packing) -> Bounds {
        Bounds {
            ints_max: 0,
            entries_max: packing.hash_entries_max as usize,
            value_bytes_max: packing.hash_value_bytes_max as usize,
        }
    }

    fn into_body(hash: Hash) -> Body {
        Body::Hash(Box::new(hash))
    }

    fn of(body: &Body) -> Option<&Hash> {
        if let Body::Hash(hash) = body { Some(hash) } else { None }
    }

    fn of_mut(body: &mut Body) -> Option<&mut Hash> {
        if let Body::Hash(hash) = body { Some(hash) } else { None }
    }
}

impl Edit<'_, Hash> {
    /// Writes a field. Whether it is new.
    pub fn set(&mut self, field: &[u8], value: &[u8], until: Until) -> bool {
        self.put(field, value, until)
    }
}

#[cfg(test)]
#[path = "hash_tests.rs"]
mod tests;
