//! Where heap segments come from: 2 MiB chunks of the operating system's memory, cut into equal segments.
//!
//! A chunk is aligned and advised to be one huge page: random access to hundreds of megabytes in 4 KiB pages spends more
//! time walking page tables than reading entries. Free segments are handed out from the fullest chunk first, so emptying
//! chunks become wholly empty and go back to the system.
//!
//! All `unsafe` of the store's memory is in this file: above it, a [`Segment`] is a slice.

use crate::budget::Budget;
use parking_lot::Mutex;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::Arc;

/// Bytes of a segment. Measured: with 256 shards a half-filled open segment each costs 0.8 byte an entry at 5 M entries;
/// 64 KiB would cost 1.6, 16 KiB wastes more at the ends of segments.
pub const SEGMENT_BYTES: usize = 32 << 10;
const CHUNK_BYTES: usize = 2 << 20;
const SEGMENTS_PER_CHUNK: usize = CHUNK_BYTES / SEGMENT_BYTES;
/// Wholly free chunks kept for the next request, so that a shard growing and shrinking by one segment costs no system call.
const SPARE_CHUNKS: usize = 1;

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
    free: u64,
}

// SAFETY: a chunk is plain memory that the pool's lock protects.
unsafe impl Send for Chunk {}

impl Chunk {
    fn new() -> Option<Chunk> {
        // SAFETY: `map_chunk` has no precondition beyond a working allocator.
        let start = NonNull::new(unsafe { map_chunk() })?;
        Some(Chunk { start, free: u64::MAX >> (64 - SEGMENTS_PER_CHUNK) })
    }
}

/// Maps an aligned chunk of untouched zero pages; null if the system has none.
#[cfg(not(miri))]
unsafe fn map_chunk() -> *mut u8 {
    use libc::{MADV_HUGEPAGE, MAP_ANONYMOUS, MAP_FAILED, MAP_PRIVATE, PROT_READ, PROT_WRITE, madvise, mmap, munmap};
    // The allocator's aligned zeroed memory would be touched, and so resident, at once: map twice the size, keep the
    // aligned half.
    // SAFETY: a fresh anonymous mapping at an address of the kernel's choice.
    let raw = unsafe {
        mmap(std::ptr::null_mut(), 2 * CHUNK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    };
    if raw == MAP_FAILED {
        return std::ptr::null_mut();
    }
    let before = raw.cast::<u8>().align_offset(CHUNK_BYTES);
    // SAFETY: `before < CHUNK_BYTES`, so the kept chunk and the two trimmed ranges lie inside the mapping, which nothing
    // else knows yet. Advice that fails changes nothing but speed.
    unsafe {
        let start = raw.cast::<u8>().add(before);
        if before > 0 {
            munmap(raw, before);
        }
        munmap(start.add(CHUNK_BYTES).cast(), CHUNK_BYTES - before);
        madvise(start.cast(), CHUNK_BYTES, MADV_HUGEPAGE);
        start
    }
}

#[cfg(not(miri))]
unsafe fn unmap_chunk(start: *mut u8) {
    // SAFETY: the caller passes what `map_chunk` returned, once, with nothing left pointing into it.
    unsafe { libc::munmap(start.cast(), CHUNK_BYTES) };
}

#[cfg(miri)]
unsafe fn map_chunk() -> *mut u8 {
    // SAFETY: the layout's size is not zero.
    unsafe { std::alloc::alloc_zeroed(chunk_layout()) }
}

#[cfg(miri)]
unsafe fn unmap_chunk(start: *mut u8) {
    // SAFETY: the caller passes what `map_chunk` returned, once.
    unsafe { std::alloc::dealloc(start, chunk_layout()) }
}

#[cfg(miri)]
fn chunk_layout() -> std::alloc::Layout {
    std::alloc::Layout::from_size_align(CHUNK_BYTES, CHUNK_BYTES).expect("a power of two")
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
        match vacant {
            Some(_) => self.all[index] = Some(chunk),
            None => self.all.push(Some(chunk)),
        }
        Some(index)
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
        let index = chunks.with_space()?;
        chunks.current = index;
        let chunk = chunks.all[index].as_mut()?;
        let place = chunk.free.trailing_zeros() as usize;
        chunk.free &= chunk.free - 1;
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
            let empty = |c: &Chunk| c.free.count_ones() as usize == SEGMENTS_PER_CHUNK;
            if empty(chunk)
                && chunks.all.iter().flatten().filter(|c| empty(c)).count() > SPARE_CHUNKS
                && let Some(chunk) = chunks.all[index].take()
            {
                // SAFETY: allocated by `map_chunk`; all its segments are back, so nothing points into it.
                unsafe { unmap_chunk(chunk.start.as_ptr()) };
            }
        }
        self.budget.release(SEGMENT_BYTES as u64);
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        for chunk in self.chunks.get_mut().all.drain(..).flatten() {
            // SAFETY: the store owns pool and shards and drops the shards, with their segments, first.
            unsafe { unmap_chunk(chunk.start.as_ptr()) };
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
    fn empty_chunks_go_back_but_for_one() {
        let pool = Pool::new(Arc::new(Budget::new(0)));
        let taken: Vec<Segment> = (0..SEGMENTS_PER_CHUNK * 3).filter_map(|_| pool.take()).collect();
        assert_eq!(pool.chunks.lock().all.iter().flatten().count(), 3);
        taken.into_iter().for_each(|s| pool.give_back(s));
        assert_eq!(pool.chunks.lock().all.iter().flatten().count(), 1);
    }
}
