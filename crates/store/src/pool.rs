//! Where heap segments come from: 2 MiB chunks of the operating system's memory, cut into equal segments.
//!
//! A chunk is one huge page where the system has them. Free segments are handed out from the fullest chunk first, so
//! emptying chunks become wholly empty and go back to the system; where they do not, [`Pool::trim`] gives back pages.
//!
//! Above this file, a [`Segment`] is a slice.

use crate::budget::Budget;
use crate::chunk::{self, CHUNK_BYTES};
use parking_lot::Mutex;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::Arc;

/// Bytes of a segment. Measured: with 256 shards a half-filled open segment each costs 0.8 byte an entry at 5 M entries;
/// 64 KiB would cost 1.6, 16 KiB wastes more at the ends of segments.
pub const SEGMENT_BYTES: usize = 32 << 10;
const SEGMENTS_PER_CHUNK: usize = CHUNK_BYTES / SEGMENT_BYTES;
/// Wholly free chunks kept for the next request, so that a shard growing and shrinking by one segment costs no system call.
const SPARE_CHUNKS: usize = 1;
/// Free segments may be resident up to one in so many of those in use, and up to [`RESIDENT_FREE_MIN`] in any case: what is
/// taken again soon need not be faulted in again. At 1.5 % of the limit, a seventh of what churn may cost.
const RESIDENT_FREE_ONE_IN: usize = 64;
/// 1 MiB. Chosen.
const RESIDENT_FREE_MIN: usize = 32;

const _: () = assert!(SEGMENTS_PER_CHUNK <= 64, "a chunk's free segments are one u64 of bits");

/// A segment: owned, zeroed or dirty, returned to its pool with [`Pool::give_back`].
pub struct Segment {
    start: NonNull<u8>,
    chunk: u32,
}

// SAFETY: a segment is exclusively owned memory; nothing about it is tied to a thread.
unsafe impl Send for Segment {}
// SAFETY: a shared segment gives out `&[u8]` only.
unsafe impl Sync for Segment {}

impl Deref for Segment {
    type Target = [u8];

    #[inline(always)]
    fn deref(&self) -> &[u8] {
        // SAFETY: `start` points to SEGMENT_BYTES initialised bytes that this value alone owns until it is given back.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), SEGMENT_BYTES) }
    }
}

impl DerefMut for Segment {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `deref`, and `&mut self` makes the access exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), SEGMENT_BYTES) }
    }
}

struct Chunk {
    start: NonNull<u8>,
    /// Segments that nobody has.
    free: u64,
    /// Those of them whose pages may be resident all the same.
    resident: u64,
}

// SAFETY: a chunk is plain memory that the pool's lock protects.
unsafe impl Send for Chunk {}

impl Chunk {
    fn new() -> Option<Chunk> {
        let all = u64::MAX >> (64 - SEGMENTS_PER_CHUNK);
        // The first touch of a huge page makes all of it resident.
        Some(Chunk { start: chunk::map(CHUNK_BYTES, true)?, free: all, resident: all })
    }

    fn is_empty(&self) -> bool {
        self.free.count_ones() as usize == SEGMENTS_PER_CHUNK
    }
}

/// The store's segments, shared by all shards.
pub struct Pool {
    chunks: Mutex<Chunks>,
    budget: Arc<Budget>,
}

#[derive(Default)]
struct Chunks {
    all: Vec<Option<Chunk>>,
    /// The chunk that the last segment came from: asked first, so the search for the fullest is made once a chunk.
    current: usize,
    /// Free segments that may be resident, in all chunks.
    resident_free: usize,
    /// Segments that somebody has.
    taken: usize,
}

impl Chunks {
    /// The index of a chunk with a free segment: the current one, else the fullest, else a new one.
    fn with_space(&mut self) -> Option<usize> {
        if self.all.get(self.current).and_then(Option::as_ref).is_some_and(|c| c.free != 0) {
            return Some(self.current);
        }
        let free = |c: &Chunk| (c.free != 0).then(|| c.free.count_ones());
        let fullest = (0..self.all.len()).filter_map(|i| Some((free(self.all[i].as_ref()?)?, i))).min();
        if let Some((_, index)) = fullest {
            return Some(index);
        }
        let chunk = Chunk::new()?;
        let vacant = self.all.iter().position(Option::is_none);
        let index = vacant.unwrap_or(self.all.len());
        self.resident_free += SEGMENTS_PER_CHUNK;
        match vacant {
            Some(_) => self.all[index] = Some(chunk),
            None => self.all.push(Some(chunk)),
        }
        Some(index)
    }

    /// Gives a chunk back to the system if nothing is in it and there are others like it.
    fn drop_if_spare(&mut self, index: usize) {
        if self.all[index].as_ref().is_some_and(Chunk::is_empty)
            && self.all.iter().flatten().filter(|c| c.is_empty()).count() > SPARE_CHUNKS
            && let Some(chunk) = self.all[index].take()
        {
            self.resident_free -= chunk.resident.count_ones() as usize;
            // SAFETY: mapped in `Chunk::new`; all its segments are back, so nothing points into it.
            unsafe { chunk::unmap(chunk.start, CHUNK_BYTES) };
        }
    }
}

impl Pool {
    /// An empty pool that counts what it hands out against `budget`.
    pub fn new(budget: Arc<Budget>) -> Pool {
        Pool { chunks: Mutex::default(), budget }
    }

    /// A segment, if the budget (or the machine) still has one.
    pub fn take(&self) -> Option<Segment> {
        if !self.budget.try_reserve(SEGMENT_BYTES as u64) {
            return None;
        }
        let taken = self.take_counted();
        if taken.is_none() {
            self.budget.release(SEGMENT_BYTES as u64);
        }
        taken
    }

    /// A segment even if the budget has none: for what must not fail. The surplus is evicted later.
    pub fn take_over_limit(&self) -> Option<Segment> {
        self.budget.charge(SEGMENT_BYTES as u64);
        let taken = self.take_counted();
        if taken.is_none() {
            self.budget.release(SEGMENT_BYTES as u64);
        }
        taken
    }

    fn take_counted(&self) -> Option<Segment> {
        let mut chunks = self.chunks.lock();
        let chunks = &mut *chunks;
        let index = chunks.with_space()?;
        chunks.current = index;
        let chunk = chunks.all[index].as_mut()?;
        let preferred = if chunk.resident != 0 { chunk.resident } else { chunk.free };
        let place = preferred.trailing_zeros() as usize;
        let bit = 1 << place;
        chunks.resident_free -= usize::from(chunk.resident & bit != 0);
        chunks.taken += 1;
        chunk.free &= !bit;
        chunk.resident &= !bit;
        // SAFETY: `place < SEGMENTS_PER_CHUNK`, so the offset stays inside the chunk's allocation.
        let start = unsafe { chunk.start.add(place * SEGMENT_BYTES) };
        Some(Segment { start, chunk: index as u32 })
    }

    /// Takes a segment back.
    pub fn give_back(&self, segment: Segment) {
        let mut chunks = self.chunks.lock();
        let index = segment.chunk as usize;
        if let Some(chunk) = chunks.all[index].as_mut() {
            let place = (segment.start.as_ptr() as usize - chunk.start.as_ptr() as usize) / SEGMENT_BYTES;
            chunk.free |= 1 << place;
            chunk.resident |= 1 << place;
            chunks.resident_free += 1;
            chunks.taken -= 1;
        }
        chunks.drop_if_spare(index);
        drop(chunks);
        self.budget.release(SEGMENT_BYTES as u64);
    }

    /// Gives the pages of free segments back where more are resident than may be: a chunk goes back as a whole only once
    /// nothing is in it, and when tables grow at the cost of segments, few chunks empty. One chunk's worth, the emptiest
    /// one's. Whether there is more to do.
    pub fn trim(&self) -> bool {
        let mut chunks = self.chunks.lock();
        let most = (chunks.taken / RESIDENT_FREE_ONE_IN).max(RESIDENT_FREE_MIN);
        if chunks.resident_free <= most {
            return false;
        }
        let resident = |c: &Chunk| (c.resident != 0).then(|| (c.resident.count_ones(), c.free.count_ones()));
        let fullest = (0..chunks.all.len()).filter_map(|i| Some((resident(chunks.all[i].as_ref()?)?, i))).max();
        let Some((_, index)) = fullest else { return false };
        let Some(chunk) = chunks.all[index].as_mut() else { return false };
        // Taken, so that nobody else has them while the system works without the lock.
        let (start, mut segments) = (chunk.start, chunk.resident);
        let taken = segments;
        chunk.free &= !taken;
        chunk.resident = 0;
        chunks.resident_free -= taken.count_ones() as usize;
        drop(chunks);
        while segments != 0 {
            let first = segments.trailing_zeros();
            let run = (segments >> first).trailing_ones();
            // SAFETY: a run of segments of this chunk, which are taken: inside its mapping, and nobody else's.
            unsafe { chunk::discard(start.add(first as usize * SEGMENT_BYTES), run as usize * SEGMENT_BYTES) };
            segments &= !(u64::MAX >> (64 - run) << first);
        }
        let mut chunks = self.chunks.lock();
        if let Some(chunk) = chunks.all[index].as_mut() {
            chunk.free |= taken;
        }
        chunks.drop_if_spare(index);
        chunks.resident_free > most
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        for chunk in self.chunks.get_mut().all.drain(..).flatten() {
            // SAFETY: the store owns pool and shards and drops the shards, with their segments, first.
            unsafe { chunk::unmap(chunk.start, CHUNK_BYTES) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_distinct_writable_and_counted() {
        let budget = Arc::new(Budget::new(3 * SEGMENT_BYTES as u64));
        let pool = Pool::new(budget.clone());
        let mut taken: Vec<Segment> = (0..3).map(|_| pool.take().expect("under the limit")).collect();
        assert!(pool.take().is_none(), "the fourth is over the limit");
        for (i, segment) in taken.iter_mut().enumerate() {
            segment.fill(i as u8 + 1);
        }
        assert!(taken.iter().enumerate().all(|(i, s)| s.iter().all(|&b| b == i as u8 + 1)));
        for segment in taken {
            pool.give_back(segment);
        }
        assert_eq!(budget.used_bytes(), 0);
    }

    #[test]
    fn free_segments_in_chunks_that_are_in_use_give_their_pages_back() {
        let pool = Pool::new(Arc::new(Budget::new(0)));
        let mut taken: Vec<Segment> = (0..SEGMENTS_PER_CHUNK * 4).filter_map(|_| pool.take()).collect();
        for segment in &mut taken {
            segment.fill(7);
        }
        let mut at = 0;
        let (kept, free): (Vec<_>, Vec<_>) = taken.into_iter().partition(|_| {
            at += 1;
            at % 2 == 0
        });
        let freed = free.len();
        free.into_iter().for_each(|s| pool.give_back(s));
        assert_eq!(pool.chunks.lock().resident_free, freed);
        while pool.trim() {}
        assert!(pool.chunks.lock().resident_free <= RESIDENT_FREE_MIN);
        assert!(kept.iter().all(|s| s.iter().all(|&byte| byte == 7)), "what is in use was left alone");
        // They are handed out again, the resident ones first.
        let again: Vec<Segment> = (0..freed).filter_map(|_| pool.take()).collect();
        let count = pool.chunks.lock().all.iter().flatten().count();
        assert_eq!((count, pool.chunks.lock().resident_free), (4, 0));
        assert!(again[freed - 1].iter().all(|&byte| byte == 0), "given back and faulted in again");
        kept.into_iter().chain(again).for_each(|s| pool.give_back(s));
        assert_eq!(pool.chunks.lock().taken, 0);
    }

    #[test]
    fn empty_chunks_go_back_but_for_one() {
        let pool = Pool::new(Arc::new(Budget::new(0)));
        let taken: Vec<Segment> = (0..SEGMENTS_PER_CHUNK * 3).filter_map(|_| pool.take()).collect();
        assert_eq!(pool.chunks.lock().all.iter().flatten().count(), 3);
        taken.into_iter().for_each(|s| pool.give_back(s));
        assert_eq!(pool.chunks.lock().all.iter().flatten().count(), 1);
    }
}
