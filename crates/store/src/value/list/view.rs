//! Reading a list, inline in its entry or apart from it. A place is found in O(chunks + items of one).

use super::super::packed::{self, Item};
use super::List;
use super::chunk::{COUNT_BYTES, count_of, place_in};

/// A list as a reader sees it.
#[derive(Clone, Copy)]
pub enum ListView<'a> {
    /// In its entry.
    Inline(&'a [u8]),
    /// Apart.
    Apart(&'a List),
}

impl<'a> ListView<'a> {
    /// How many items.
    #[allow(clippy::len_without_is_empty)] // a key without items does not exist
    pub fn len(self) -> usize {
        match self {
            ListView::Inline(bytes) => count_of(bytes),
            ListView::Apart(list) => list.len,
        }
    }

    /// Whether all is one run, which clients know as `listpack`.
    pub fn is_packed(self) -> bool {
        match self {
            ListView::Inline(_) => true,
            ListView::Apart(list) => !list.has_grown,
        }
    }

    fn chunk(self, chunk: usize) -> Option<&'a [u8]> {
        match self {
            ListView::Inline(bytes) => (chunk == 0).then_some(bytes),
            ListView::Apart(list) => list.chunks.get(chunk).map(|chunk| &chunk.0[..]),
        }
    }

    fn find(self, index: usize) -> (usize, usize) {
        match self {
            ListView::Inline(_) => (0, index),
            ListView::Apart(list) => list.find(index),
        }
    }

    /// Item `index`; `None` past the end.
    pub fn get(self, index: usize) -> Option<Item<'a>> {
        if index >= self.len() {
            return None;
        }
        let (chunk, within) = self.find(index);
        let bytes = self.chunk(chunk)?;
        packed::item(bytes, place_in(bytes, within)).map(|(item, _)| item)
    }

    /// The items from `index` to the end, in order.
    pub fn from(self, index: usize) -> impl Iterator<Item = Item<'a>> {
        let (chunk, within) = if index < self.len() { self.find(index) } else { (usize::MAX, 0) };
        let start = self.chunk(chunk).map_or(0, |bytes| place_in(bytes, within));
        (chunk..).map_while(move |number| self.chunk(number)).enumerate().flat_map(move |(step, bytes)| {
            packed::items_from(bytes, if step == 0 { start } else { COUNT_BYTES }).map(|(_, item)| item)
        })
    }

    /// The items from the end to the front.
    pub fn backwards(self) -> impl Iterator<Item = Item<'a>> {
        let chunks = match self {
            ListView::Inline(_) => 1,
            ListView::Apart(list) => list.chunks.len(),
        };
        (0..chunks)
            .rev()
            .filter_map(move |number| self.chunk(number))
            .flat_map(|bytes| packed::items_from(bytes, COUNT_BYTES).rev().map(|(_, item)| item))
    }
}
