//! A list: runs of items in a row.
//!
//! ```text
//!   front                                                    back
//!   | count | item item item | -> | count | item ... | -> ... -> | count | item item |
//!     a chunk: one packed run of at most 8 KiB (`list-max-listpack-size`), its number of items before it
//! ```
//!
//! Pushing and popping at either end touch one chunk; a place in the middle is found by skipping whole chunks from the
//! nearer end. One chunk within the bounds is a small list, and stays in its entry if it is short enough; one that has grown
//! beyond them is small again when it is down to half of them, so that a list at the border does not change its form with
//! every push and pop. This is the shape of Redis' quicklist (M. Stancliff, "Redis Quicklist", 2014) with the chunks in an
//! array instead of a linked list: 28 bytes a chunk instead of 32 and an allocation, and skipping runs through memory. When
//! a list changes its form is Redis' rule too, because `OBJECT ENCODING` tells.
//!
//! Cost: push and pop O(1) (a push to the front moves one chunk's bytes); index, set, insert O(chunks + items of one);
//! a range O(chunks + its items).

mod chunk;
mod edit;
#[cfg(test)]
mod tests;
mod view;

pub use view::ListView;

use super::packed::{self, Item};
use super::{Collection, Edit, Kind, Packing};
use crate::large::{Body, allocated_bytes};
use chunk::{COUNT_BYTES, Chunk, bounds};
use std::collections::VecDeque;

/// What Redis has around the items of a run, which its bounds in bytes include: 6 bytes before and one behind.
const AROUND_BYTES: usize = 7;
/// A chunk that shrank below this share of its bound is joined with a neighbour, if both fit.
const JOIN_SHARE: usize = 4;

/// One of a list's two ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// The left one.
    Front,
    /// The right one.
    Back,
}

/// A list.
#[derive(Clone)]
pub struct List {
    /// At least one, and none of them empty unless it is the only one. More than one only of what has grown.
    chunks: VecDeque<Chunk>,
    /// Whether it grew beyond the bounds of one run and has not shrunk to half of them since.
    has_grown: bool,
    len: usize,
    /// Bytes that the chunks' runs take.
    run_bytes: usize,
}

impl List {
    fn of(chunk: Chunk) -> List {
        let (len, run_bytes) = (chunk.count(), allocated_bytes(chunk.0.capacity()));
        List { chunks: VecDeque::from([chunk]), has_grown: false, len, run_bytes }
    }

    /// Before `item` is added or written over another: notes whether one run is still enough.
    fn grow(&mut self, item: Item<'_>, packing: &Packing) {
        if !self.has_grown {
            let (count_max, bytes_max) = bounds(packing);
            let only = &self.chunks[0];
            let bytes = only.0.len() - COUNT_BYTES + AROUND_BYTES + item.len();
            self.has_grown = only.count() >= count_max || bytes > bytes_max;
        }
    }

    /// After items were removed or written over: notes whether one run is enough again.
    fn shrink(&mut self, packing: &Packing) {
        if !self.has_grown || self.chunks.len() > 1 {
            return;
        }
        let only = &self.chunks[0];
        let (count_max, bytes_max) = bounds(packing);
        self.has_grown = match packing.list_size_max {
            0.. => only.count() > count_max / 2,
            _ => only.0.len() - COUNT_BYTES + AROUND_BYTES > bytes_max / 2,
        };
    }

    /// Runs `act` on a chunk and counts what became of its memory.
    fn change<R>(&mut self, chunk: usize, act: impl FnOnce(&mut Chunk) -> R) -> R {
        let chunk = &mut self.chunks[chunk];
        let before = allocated_bytes(chunk.0.capacity());
        let result = act(chunk);
        self.run_bytes = self.run_bytes + allocated_bytes(chunk.0.capacity()) - before;
        result
    }

    fn add_chunk(&mut self, at: usize, chunk: Chunk) {
        self.run_bytes += allocated_bytes(chunk.0.capacity());
        self.chunks.insert(at, chunk);
    }

    fn drop_chunk(&mut self, at: usize) -> Option<Chunk> {
        let chunk = self.chunks.remove(at)?;
        self.run_bytes -= allocated_bytes(chunk.0.capacity());
        Some(chunk)
    }

    /// The chunk of item `index` and its number in it; `index` is less than the length.
    fn find(&self, index: usize) -> (usize, usize) {
        find_in(self.chunks.len(), self.len, index, |chunk| self.chunks[chunk].count())
    }

    /// Adds an item at an end.
    pub(crate) fn push(&mut self, end: End, item: Item<'_>, packing: &Packing) {
        self.grow(item, packing);
        let chunk = match end {
            End::Front => 0,
            End::Back => self.chunks.len() - 1,
        };
        self.len += 1;
        let at_end = &self.chunks[chunk];
        if !self.has_grown || at_end.has_room(item.packed_bytes(), packing) || at_end.count() == 0 {
            return self.change(chunk, |chunk| match end {
                End::Front => chunk.insert(0, item),
                End::Back => {
                    item.write(&mut chunk.0);
                    chunk.add_count(1);
                }
            });
        }
        // What stands behind the end from now on changes seldom: it gives back what it had in reserve.
        self.change(chunk, |chunk| chunk.0.shrink_to_fit());
        let mut fresh = Chunk::new();
        fresh.insert(0, item);
        self.add_chunk(if end == End::Front { 0 } else { chunk + 1 }, fresh);
    }

    /// Removes `count` items, at most as many as there are, from an end and shows them in the order of their removal.
    pub(crate) fn pop(&mut self, end: End, count: usize, packing: &Packing, mut see: impl FnMut(Item<'_>)) {
        let mut left = count.min(self.len);
        while left > 0 {
            let (chunk, items) = match end {
                // Those of one chunk leave together: what is behind them moves once.
                End::Front => (0, 0..left.min(self.chunks[0].count())),
                End::Back => {
                    let last = self.chunks.len() - 1;
                    (last, self.chunks[last].count() - 1..self.chunks[last].count())
                }
            };
            left -= items.len();
            self.len -= items.len();
            self.change(chunk, |chunk| chunk.remove(items, &mut see));
            self.settle(chunk, None);
        }
        self.shrink(packing);
    }

    /// Writes over item `index`, which exists.
    pub(crate) fn set(&mut self, index: usize, item: Item<'_>, packing: &Packing) {
        self.grow(item, packing);
        let (chunk, within) = self.find(index);
        let (count_max, bytes_max) = bounds(packing);
        self.change(chunk, |chunk| {
            let at = chunk.place(within);
            packed::replace(&mut chunk.0, at, item);
        });
        self.split(chunk, within, count_max, bytes_max);
        self.shrink(packing);
    }

    /// Puts an item before item `index`, which exists.
    pub(crate) fn insert(&mut self, index: usize, item: Item<'_>, packing: &Packing) {
        self.grow(item, packing);
        let (chunk, within) = self.find(index);
        let (count_max, bytes_max) = bounds(packing);
        self.change(chunk, |chunk| chunk.insert(within, item));
        self.len += 1;
        self.split(chunk, within, count_max, bytes_max);
    }

    /// Removes `count` items from `index` on, all of which exist.
    pub(crate) fn remove(&mut self, index: usize, count: usize, packing: &Packing) {
        let mut left = count;
        while left > 0 {
            let (chunk, within) = self.find(index);
            let here = left.min(self.chunks[chunk].count() - within);
            self.change(chunk, |chunk| chunk.remove(within..within + here, |_| {}));
            self.len -= here;
            left -= here;
            self.settle(chunk, Some(packing));
        }
        self.shrink(packing);
    }

    /// Cuts a chunk that grew beyond its bounds: at `within`, where the new bytes are, or behind them.
    fn split(&mut self, chunk: usize, within: usize, count_max: usize, bytes_max: usize) {
        let is_over = |chunk: &Chunk| chunk.count() > 1 && (chunk.count() > count_max || chunk.0.len() > bytes_max);
        if !self.has_grown || !is_over(&self.chunks[chunk]) {
            return;
        }
        let count = self.chunks[chunk].count();
        let at = if within == 0 { 1 } else { within };
        let rest = self.change(chunk, |chunk| {
            let rest = chunk.split_off(at);
            chunk.0.shrink_to_fit();
            rest
        });
        self.add_chunk(chunk + 1, rest);
        if within > 0 && within + 1 < count && is_over(&self.chunks[chunk + 1]) {
            self.split(chunk + 1, 0, count_max, bytes_max);
        }
    }

    /// After `chunk` lost items: drops it if it is empty, or joins it with a neighbour if both are sparse.
    fn settle(&mut self, chunk: usize, packing: Option<&Packing>) {
        if self.chunks.len() == 1 {
            return;
        }
        if self.chunks[chunk].count() == 0 {
            self.drop_chunk(chunk);
            return;
        }
        // Popping drains chunks one after the other; only removals in the middle leave many sparse ones.
        let Some(packing) = packing else { return };
        let (count_max, bytes_max) = bounds(packing);
        if self.chunks[chunk].0.len() > bytes_max.min(8 << 10) / JOIN_SHARE {
            return;
        }
        let first = if chunk + 1 < self.chunks.len() { chunk } else { chunk - 1 };
        let (a, b) = (&self.chunks[first], &self.chunks[first + 1]);
        if a.0.len() + b.0.len() > bytes_max || a.count() + b.count() > count_max {
            return;
        }
        if let Some(second) = self.drop_chunk(first + 1) {
            self.change(first, |chunk| {
                chunk.0.extend_from_slice(&second.0[COUNT_BYTES..]);
                chunk.add_count(second.count() as isize);
            });
        }
    }
}

/// The chunk of item `index`, and its number there, from the nearer end.
fn find_in(chunks: usize, len: usize, index: usize, count: impl Fn(usize) -> usize) -> (usize, usize) {
    if index < len / 2 {
        let mut before = 0;
        for chunk in 0..chunks {
            let here = count(chunk);
            if index < before + here {
                return (chunk, index - before);
            }
            before += here;
        }
    } else {
        let mut after = len;
        for chunk in (0..chunks).rev() {
            after -= count(chunk);
            if index >= after {
                return (chunk, index - after);
            }
        }
    }
    unreachable!("the item exists")
}

impl Collection for List {
    const KIND: Kind = Kind::List;
    type View<'a> = ListView<'a>;

    fn new(_packing: &Packing) -> List {
        List::of(Chunk::new())
    }

    fn from_inline(bytes: Vec<u8>) -> List {
        List::of(Chunk(bytes))
    }

    fn inline(&self) -> Option<&[u8]> {
        (!self.has_grown).then(|| &self.chunks[0].0[..])
    }

    fn into_inline(mut self) -> Vec<u8> {
        self.chunks.pop_front().map(|chunk| chunk.0).unwrap_or_default()
    }

    fn view_inline(bytes: &[u8]) -> ListView<'_> {
        ListView::Inline(bytes)
    }

    fn view(&self) -> ListView<'_> {
        ListView::Apart(self)
    }

    fn len(&self) -> usize {
        self.len
    }

    fn heap_bytes(&self) -> usize {
        self.run_bytes + allocated_bytes(self.chunks.capacity() * size_of::<Chunk>())
    }

    fn write_to(&self, out: &mut Vec<u8>) {
        for chunk in &self.chunks {
            out.extend_from_slice(&chunk.0[COUNT_BYTES..]);
        }
    }

    fn read_from(bytes: &[u8], packing: &Packing) -> Option<List> {
        packed::count_checked(bytes)?;
        let mut list = List::new(packing);
        for (_, item) in packed::items(bytes) {
            match item {
                Item::Bytes(_) | Item::Int(_) => list.push(End::Back, item, packing),
                Item::Float(_) | Item::Moment(_) => return None,
            }
        }
        (list.len > 0).then_some(list)
    }

    fn repeat(edit: &mut Edit<'_, List>, changes: &[u8]) -> Option<()> {
        edit::repeat(edit, changes)
    }

    fn into_body(self) -> Body {
        Body::List(Box::new(self))
    }

    fn of(body: &Body) -> Option<&List> {
        if let Body::List(list) = body { Some(list) } else { None }
    }

    fn of_mut(body: &mut Body) -> Option<&mut List> {
        if let Body::List(list) = body { Some(list) } else { None }
    }
}
