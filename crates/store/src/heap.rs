//! A shard's heap: segments filled from the front, holes reused by exact size, and compaction by moving entries.
//!
//! ```text
//!  segment 0  |entry|entry|hole |entry|filler|entry|...|   full: holes are on lists, by size
//!  segment 1  |entry|hole |entry|...                   |
//!  segment 2  |entry|entry|entry|      untouched       |   open: new entries go to `bump`
//! ```
//!
//! An entry is named by a [`Handle`]: segment number and granule, 32 bits, 16 GiB a shard. Only the shard's table holds
//! handles, so an entry can move: [`Heap::evacuate`] empties a segment and tells the caller each move. That is what keeps
//! resident memory near the limit after the sizes of values have shifted, where size classes strand it.
//!
//! - allocate: exact hole, else bump, else a larger hole split; O(1).
//! - release: O(1), joined with a hole that follows.
//! - evacuate: O(entries of one segment).

use crate::entry::{self, Block, GRANULE, HOLE_GRANULES_MIN};
use crate::pool::{Pool, SEGMENT_BYTES, Segment};

/// Granules of a segment.
const SEGMENT_GRANULES: u32 = (SEGMENT_BYTES / GRANULE) as u32;
const OFFSET_BITS: u32 = SEGMENT_GRANULES.trailing_zeros();
/// Most segments that a handle can name.
const SEGMENTS_MAX: usize = 1 << (32 - OFFSET_BITS);
/// "No hole": no handle, because the last granule of the last segment cannot start a hole.
const NIL: u32 = u32::MAX;

/// Holes of up to this many granules have a list for each size; larger ones share a list per eighth of a doubling.
const EXACT: usize = 256;
const BINS: usize = EXACT + 8 * 5 + 1;

/// The place of an entry in its shard's heap.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Handle(pub u32);

impl Handle {
    #[inline(always)]
    fn segment(self) -> usize {
        (self.0 >> OFFSET_BITS) as usize
    }

    #[inline(always)]
    fn granule(self) -> u32 {
        self.0 & (SEGMENT_GRANULES - 1)
    }

    #[inline(always)]
    fn byte(self) -> usize {
        self.granule() as usize * GRANULE
    }

    fn new(segment: usize, granule: u32) -> Handle {
        Handle((segment as u32) << OFFSET_BITS | granule)
    }
}

/// A shard's memory.
pub struct Heap {
    segments: Vec<Option<Segment>>,
    /// Granules of live entries, per segment.
    live: Vec<u32>,
    vacant: Vec<u32>,
    open: Option<usize>,
    bump: u32,
    heads: Box<[u32; BINS]>,
    occupied: [u64; BINS.div_ceil(64)],
    live_granules: u64,
    segment_count: usize,
}

impl Heap {
    /// An empty heap; takes no memory until the first segment is added.
    pub fn new() -> Heap {
        Heap {
            segments: Vec::new(),
            live: Vec::new(),
            vacant: Vec::new(),
            open: None,
            bump: SEGMENT_GRANULES,
            heads: Box::new([NIL; BINS]),
            occupied: [0; BINS.div_ceil(64)],
            live_granules: 0,
            segment_count: 0,
        }
    }

    /// The bytes from the start of `handle`'s block to the end of its segment.
    #[inline(always)]
    pub fn block(&self, handle: Handle) -> &[u8] {
        match &self.segments[handle.segment()] {
            Some(segment) => &segment[handle.byte()..],
            None => unreachable!("a handle outlived its segment"),
        }
    }

    /// The same, to write.
    #[inline(always)]
    pub fn block_mut(&mut self, handle: Handle) -> &mut [u8] {
        match &mut self.segments[handle.segment()] {
            Some(segment) => &mut segment[handle.byte()..],
            None => unreachable!("a handle outlived its segment"),
        }
    }

    /// Bytes of live entries, rounding included.
    pub fn live_bytes(&self) -> u64 {
        self.live_granules * GRANULE as u64
    }

    /// Bytes of all segments.
    pub fn total_bytes(&self) -> u64 {
        (self.segment_count * SEGMENT_BYTES) as u64
    }

    /// Bytes in holes and fillers: what compaction could win. The untouched end of the open segment is not among them.
    pub fn hole_bytes(&self) -> u64 {
        let untouched = u64::from(SEGMENT_GRANULES - self.bump) * GRANULE as u64;
        self.total_bytes() - self.live_bytes() - untouched
    }

    /// How many segments.
    #[cfg(test)]
    pub fn segment_count(&self) -> usize {
        self.segment_count
    }

    /// Whether another segment could be named by a handle.
    pub fn can_grow(&self) -> bool {
        self.segment_count < SEGMENTS_MAX - 1
    }

    /// Room for an entry of `size` granules, or `None`: then add a segment, evacuate one, or remove entries.
    #[inline]
    pub fn allocate(&mut self, size: u32) -> Option<Handle> {
        debug_assert!((HOLE_GRANULES_MIN..=SEGMENT_GRANULES).contains(&size));
        if (size as usize) < EXACT && self.heads[size as usize] != NIL {
            let handle = Handle(self.heads[size as usize]);
            self.unlink(handle, size);
            return Some(self.count(handle, size));
        }
        if let (Some(segment), true) = (self.open, size <= SEGMENT_GRANULES - self.bump) {
            let handle = Handle::new(segment, self.bump);
            self.bump += size;
            return Some(self.count(handle, size));
        }
        let (handle, found) = self.larger_hole(size)?;
        self.unlink(handle, found);
        self.add_hole(Handle(handle.0 + size), found - size);
        Some(self.count(handle, size))
    }

    /// Makes a fresh segment the open one. The untouched end of the previous one becomes a hole.
    pub fn add_segment(&mut self, segment: Segment) {
        self.close();
        let index = match self.vacant.pop() {
            Some(index) => index as usize,
            None => {
                self.segments.push(None);
                self.live.push(0);
                self.segments.len() - 1
            }
        };
        self.segments[index] = Some(segment);
        self.live[index] = 0;
        self.segment_count += 1;
        self.open = Some(index);
        self.bump = 0;
    }

    /// Frees the block at `handle`, `size` granules long.
    #[inline]
    pub fn release(&mut self, handle: Handle, size: u32) {
        self.live[handle.segment()] -= size;
        self.live_granules -= u64::from(size);
        let end = handle.granule() + size;
        if self.open == Some(handle.segment()) && end == self.bump {
            self.bump -= size;
            return;
        }
        let mut size = size;
        let next = Handle(handle.0 + size);
        let more = end < SEGMENT_GRANULES && !(self.open == Some(handle.segment()) && end >= self.bump);
        if more && let block @ (Block::Hole(_) | Block::Filler(_)) = Block::read(self.block(next)) {
            if let Block::Hole(found) = block {
                self.unlink(next, found);
            }
            size += block.granules();
        }
        self.add_hole(handle, size);
    }

    /// Gives every segment without live entries back to `pool`, the open one included.
    pub fn release_empty_segments(&mut self, pool: &Pool) {
        for index in 0..self.segments.len() {
            if self.segments[index].is_some() && self.live[index] == 0 {
                self.drop_segment(index, pool);
            }
        }
    }

    /// Empties the segment with the fewest live bytes into the holes and the open end of the others and gives it back to
    /// `pool`. `moved(self, from, to)` is called after each copy and must point the table at `to`. Returns whether a
    /// segment was given back. If some entry fits nowhere else, because every hole is smaller, what was moved stays moved,
    /// and what is left is pushed together at the segment's front and the segment opened: its free end is where such
    /// entries go from now on. Without that the same segment would be tried, and fail, until some large hole appeared by
    /// chance: up to 1500 entries were evicted for one segment.
    pub fn evacuate(&mut self, pool: &Pool, mut moved: impl FnMut(&mut Heap, Handle, Handle)) -> bool {
        let candidates = (0..self.segments.len()).filter(|&i| self.segments[i].is_some() && self.open != Some(i));
        let Some(victim) = candidates.min_by_key(|&i| self.live[i]) else { return false };
        let holes = (self.hole_bytes() / GRANULE as u64) as u32 + (SEGMENT_GRANULES - self.bump);
        if self.live[victim] > holes.saturating_sub(SEGMENT_GRANULES - self.live[victim]) {
            return false; // the rest cannot hold it
        }
        self.for_each_hole(victim, |heap, handle, size| heap.unlink(handle, size));
        let mut at = 0;
        while at < SEGMENT_GRANULES && self.live[victim] > 0 {
            let from = Handle::new(victim, at);
            let block = Block::read(self.block(from));
            let size = block.granules();
            if let Block::Live(_) = block {
                let Some(to) = self.allocate(size) else { break };
                self.copy(from, to, size);
                self.live[victim] -= size;
                self.live_granules -= u64::from(size);
                // The old block must not be taken for live again if the evacuation stops half-way.
                entry::write_filler(self.block_mut(from), size);
                moved(self, from, to);
            }
            at += size;
        }
        if self.live[victim] > 0 {
            self.push_together(victim, moved);
            self.close();
            (self.open, self.bump) = (Some(victim), self.live[victim]);
            return false;
        }
        if let Some(segment) = self.segments[victim].take() {
            self.vacant.push(victim as u32);
            self.segment_count -= 1;
            pool.give_back(segment);
        }
        true
    }

    /// Moves the live entries of a segment whose holes are on no list to its front, in order.
    fn push_together(&mut self, index: usize, mut moved: impl FnMut(&mut Heap, Handle, Handle)) {
        let (mut at, mut end) = (0, 0);
        while at < SEGMENT_GRANULES && end < self.live[index] {
            let from = Handle::new(index, at);
            let block = Block::read(self.block(from));
            let size = block.granules();
            if let Block::Live(_) = block {
                let to = Handle::new(index, end);
                if to != from
                    && let Some(segment) = &mut self.segments[index]
                {
                    segment.copy_within(from.byte()..from.byte() + size as usize * GRANULE, to.byte());
                    moved(self, from, to);
                }
                end += size;
            }
            at += size;
        }
    }

    /// Forgets everything and gives all segments back.
    pub fn clear(&mut self, pool: &Pool) {
        for segment in self.segments.drain(..).flatten() {
            pool.give_back(segment);
        }
        *self = Heap::new();
    }

    #[inline(always)]
    fn count(&mut self, handle: Handle, size: u32) -> Handle {
        self.live[handle.segment()] += size;
        self.live_granules += u64::from(size);
        handle
    }

    fn copy(&mut self, from: Handle, to: Handle, size: u32) {
        let bytes = size as usize * GRANULE;
        let (a, b) = (from.segment(), to.segment());
        debug_assert_ne!(a, b, "the victim's holes are off the lists");
        if let Ok([Some(source), Some(target)]) = self.segments.get_disjoint_mut([a, b]) {
            target[to.byte()..to.byte() + bytes].copy_from_slice(&source[from.byte()..from.byte() + bytes]);
        }
    }

    fn close(&mut self) {
        if let Some(segment) = self.open.take()
            && self.bump < SEGMENT_GRANULES
        {
            self.add_hole(Handle::new(segment, self.bump), SEGMENT_GRANULES - self.bump);
        }
        self.bump = SEGMENT_GRANULES;
    }

    fn drop_segment(&mut self, index: usize, pool: &Pool) {
        if self.open == Some(index) {
            self.close();
        }
        self.for_each_hole(index, |heap, handle, size| heap.unlink(handle, size));
        if let Some(segment) = self.segments[index].take() {
            self.vacant.push(index as u32);
            self.segment_count -= 1;
            pool.give_back(segment);
        }
    }

    fn for_each_hole(&mut self, segment: usize, mut act: impl FnMut(&mut Heap, Handle, u32)) {
        let mut at = 0;
        while at < SEGMENT_GRANULES {
            let handle = Handle::new(segment, at);
            let block = Block::read(self.block(handle));
            if let Block::Hole(size) = block {
                act(self, handle, size);
            }
            at += block.granules();
        }
    }

    fn add_hole(&mut self, handle: Handle, size: u32) {
        match size {
            0 => {}
            1..HOLE_GRANULES_MIN => entry::write_filler(self.block_mut(handle), size),
            _ => {
                let bin = bin_of(size);
                let next = self.heads[bin];
                entry::write_hole(self.block_mut(handle), size, NIL, next);
                if next != NIL {
                    entry::set_hole_previous(self.block_mut(Handle(next)), handle.0);
                }
                self.heads[bin] = handle.0;
                self.occupied[bin / 64] |= 1 << (bin % 64);
            }
        }
    }

    fn unlink(&mut self, handle: Handle, size: u32) {
        let bin = bin_of(size);
        let (previous, next) = entry::hole_links(self.block(handle));
        if next != NIL {
            entry::set_hole_previous(self.block_mut(Handle(next)), previous);
        }
        if previous != NIL {
            entry::set_hole_next(self.block_mut(Handle(previous)), next);
        } else {
            self.heads[bin] = next;
            if next == NIL {
                self.occupied[bin / 64] &= !(1 << (bin % 64));
            }
        }
    }

    /// A hole that holds `size` granules: from the first list of which every member does, or the head of `size`'s own.
    fn larger_hole(&self, size: u32) -> Option<(Handle, u32)> {
        let own = bin_of(size);
        if own >= EXACT && self.heads[own] != NIL {
            let head = Handle(self.heads[own]);
            let found = Block::read(self.block(head)).granules();
            if found >= size {
                return Some((head, found));
            }
        }
        let first = own + 1;
        let mut word = first / 64;
        let mut bits = *self.occupied.get(word)? & (u64::MAX << (first % 64));
        while bits == 0 {
            word += 1;
            bits = *self.occupied.get(word)?;
        }
        let head = Handle(self.heads[word * 64 + bits.trailing_zeros() as usize]);
        Some((head, Block::read(self.block(head)).granules()))
    }
}

/// The list for holes of `size` granules.
#[inline]
fn bin_of(size: u32) -> usize {
    if (size as usize) < EXACT {
        return size as usize;
    }
    let exponent = 31 - size.leading_zeros(); // 8 for 256..512
    let eighth = (size >> (exponent - 3)) & 7;
    (EXACT + 8 * (exponent as usize - 8) + eighth as usize).min(BINS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::Budget;
    use crate::entry::{Layout, Parts};
    use scrubjay_base::rand::Rng;
    use std::collections::HashMap;
    use std::sync::Arc;

    fn write(heap: &mut Heap, value: &[u8]) -> Option<Handle> {
        let layout = Layout::new(0, crate::value::Kind::String, 0, value.len(), false, false, 0);
        let handle = heap.allocate(layout.granules())?;
        let parts = Parts { layout, rank: 0, sequence: 0, deadline_ms: None, flags: 0, key: b"", value };
        entry::write(heap.block_mut(handle), &parts);
        Some(handle)
    }

    fn value_of(heap: &Heap, handle: Handle) -> Vec<u8> {
        let block = heap.block(handle);
        block[Layout::read(block).value()].to_vec()
    }

    /// Every segment is tiled by its blocks, and the counters agree with the walk.
    fn check(heap: &Heap) {
        let mut live = 0;
        for (index, segment) in heap.segments.iter().enumerate().filter(|(_, s)| s.is_some()) {
            let end = if heap.open == Some(index) { heap.bump } else { SEGMENT_GRANULES };
            let (mut at, mut here) = (0, 0);
            while at < end {
                let block = Block::read(&segment.as_ref().expect("filtered")[at as usize * GRANULE..]);
                if let Block::Live(_) = block {
                    here += block.granules();
                }
                at += block.granules();
            }
            assert_eq!((at, here), (end, heap.live[index]), "segment {index}");
            live += u64::from(here);
        }
        assert_eq!(live, heap.live_granules);
    }

    #[test]
    fn random_writes_releases_and_evacuations_keep_every_value() {
        for seed in 0..20 {
            let pool = Pool::new(Arc::new(Budget::new(40 * SEGMENT_BYTES as u64)));
            let (mut heap, mut rng) = (Heap::new(), Rng::new(seed));
            let mut model: HashMap<Handle, Vec<u8>> = HashMap::new();
            for step in 0..20_000u32 {
                match rng.below(100) {
                    0..55 => {
                        let length = if rng.below(20) == 0 { rng.below(2048) } else { rng.below(120) };
                        let value: Vec<u8> = (0..length).map(|i| (i as u8) ^ step as u8).collect();
                        let mut handle = write(&mut heap, &value);
                        if handle.is_none()
                            && let Some(segment) = pool.take()
                        {
                            heap.add_segment(segment);
                            handle = write(&mut heap, &value);
                        }
                        if let Some(handle) = handle {
                            assert!(model.insert(handle, value).is_none(), "seed {seed}: a handle given out twice");
                        }
                    }
                    55..99 => {
                        if let Some(&handle) = model.keys().next() {
                            let size = Layout::read(heap.block(handle)).granules();
                            heap.release(handle, size);
                            model.remove(&handle);
                        }
                    }
                    _ => {
                        heap.evacuate(&pool, |_, from, to| {
                            let value = model.remove(&from).expect("only live entries move");
                            assert!(model.insert(to, value).is_none());
                        });
                    }
                }
                if step % 1000 == 0 {
                    check(&heap);
                }
            }
            check(&heap);
            for (handle, value) in &model {
                assert_eq!(&value_of(&heap, *handle), value, "seed {seed}");
            }
            for handle in model.into_keys() {
                let size = Layout::read(heap.block(handle)).granules();
                heap.release(handle, size);
            }
            heap.release_empty_segments(&pool);
            assert_eq!((heap.total_bytes(), heap.live_bytes()), (0, 0));
        }
    }

    #[test]
    fn evacuation_wins_back_what_scattered_deletes_left() {
        let pool = Pool::new(Arc::new(Budget::new(0)));
        let mut heap = Heap::new();
        let mut handles = Vec::new();
        for i in 0..20_000u32 {
            loop {
                if let Some(handle) = write(&mut heap, &[i as u8; 100]) {
                    handles.push(handle);
                    break;
                }
                heap.add_segment(pool.take().expect("no limit"));
            }
        }
        let full = heap.segment_count();
        for handle in handles.iter().step_by(2) {
            heap.release(*handle, Layout::read(heap.block(*handle)).granules());
        }
        while heap.evacuate(&pool, |_, _, _| {}) {}
        assert!(heap.segment_count() <= full / 2 + 2, "{} of {full} segments are left", heap.segment_count());
        check(&heap);
    }

    #[test]
    fn evacuation_wins_memory_back_when_every_hole_is_smaller_than_the_large_entries() {
        let pool = Pool::new(Arc::new(Budget::new(0)));
        let mut heap = Heap::new();
        let mut live = HashMap::new();
        let mut small = Vec::new();
        for i in 0..10_000u32 {
            let length = if i % 20 == 0 { 2000 } else { 100 };
            let value = vec![i as u8; length];
            let handle = write(&mut heap, &value).unwrap_or_else(|| {
                heap.add_segment(pool.take().expect("no limit"));
                write(&mut heap, &value).expect("a fresh segment holds any entry")
            });
            if i % 20 != 0 && i % 2 == 0 {
                small.push(handle);
            } else {
                live.insert(handle, value);
            }
        }
        for handle in small {
            heap.release(handle, Layout::read(heap.block(handle)).granules());
        }
        let full = heap.segment_count();
        for _ in 0..2 * full {
            heap.evacuate(&pool, |_, from, to| {
                let value = live.remove(&from).expect("only live entries move");
                assert!(live.insert(to, value).is_none());
            });
        }
        let needed = heap.live_bytes().div_ceil(SEGMENT_BYTES as u64) as usize;
        assert!(
            heap.segment_count() <= needed + 2,
            "{} of {full} segments are left for {needed}",
            heap.segment_count()
        );
        check(&heap);
        for (handle, value) in &live {
            assert_eq!(&value_of(&heap, *handle), value);
        }
    }
}
