//! A chunk of a list: a packed run, its number of items before it. Everything is O(bytes before the place, or behind it).

use super::super::Packing;
use super::super::packed::{self, Item};
use std::ops::Range;

/// Bytes of a chunk's count.
pub(super) const COUNT_BYTES: usize = 4;

/// A run of items, and how many they are: in the first four bytes, so that the bytes are all there is to a small list.
#[derive(Clone)]
pub(super) struct Chunk(pub(super) Vec<u8>);

impl Chunk {
    pub(super) fn new() -> Chunk {
        Chunk(vec![0; COUNT_BYTES])
    }

    pub(super) fn count(&self) -> usize {
        count_of(&self.0)
    }

    pub(super) fn add_count(&mut self, change: isize) {
        let count = self.count().wrapping_add_signed(change) as u32;
        self.0[..COUNT_BYTES].copy_from_slice(&count.to_le_bytes());
    }

    /// Where item number `index` starts; the end of the run for the number of items.
    pub(super) fn place(&self, index: usize) -> usize {
        place_in(&self.0, index)
    }

    pub(super) fn insert(&mut self, index: usize, item: Item<'_>) {
        let at = self.place(index);
        packed::insert(&mut self.0, at, item);
        self.add_count(1);
    }

    /// Removes items and shows them, in order.
    pub(super) fn remove(&mut self, indices: Range<usize>, mut see: impl FnMut(Item<'_>)) {
        let from = self.place(indices.start);
        let mut to = from;
        for (at, item) in packed::items_from(&self.0, from).take(indices.len()) {
            see(item);
            to = at + item.packed_bytes();
        }
        packed::cut(&mut self.0, from..to);
        self.add_count(-(indices.len() as isize));
    }

    /// The items from `index` on, as a chunk of their own.
    pub(super) fn split_off(&mut self, index: usize) -> Chunk {
        let (at, moved) = (self.place(index), self.count() - index);
        let mut rest = Chunk::new();
        rest.0.extend_from_slice(&self.0[at..]);
        rest.add_count(moved as isize);
        self.0.truncate(at);
        self.add_count(-(moved as isize));
        rest
    }

    /// Whether `bytes` more bytes are within the bounds.
    pub(super) fn has_room(&self, bytes: usize, packing: &Packing) -> bool {
        let (count_max, bytes_max) = bounds(packing);
        self.count() < count_max && self.0.len() + bytes <= bytes_max
    }
}

pub(super) fn count_of(bytes: &[u8]) -> usize {
    bytes.first_chunk().map_or(0, |count| u32::from_le_bytes(*count) as usize)
}

pub(super) fn place_in(bytes: &[u8], index: usize) -> usize {
    let count = count_of(bytes);
    if index <= count / 2 {
        packed::items_from(bytes, COUNT_BYTES).nth(index).map_or(bytes.len(), |(at, _)| at)
    } else {
        let from_back = count - index;
        let mut at = bytes.len();
        for _ in 0..from_back {
            at = packed::before(bytes, at).unwrap_or(COUNT_BYTES);
        }
        at
    }
}

/// Most items and most bytes of a chunk.
pub(super) fn bounds(packing: &Packing) -> (usize, usize) {
    /// A run by number of items is still no longer than this, as in Redis.
    const SAFETY_BYTES_MAX: usize = 8 << 10;
    match packing.list_size_max {
        count if count >= 0 => (count.max(1) as usize, SAFETY_BYTES_MAX),
        class => (usize::MAX, (4 << 10) << (-class - 1).clamp(0, 4)),
    }
}
