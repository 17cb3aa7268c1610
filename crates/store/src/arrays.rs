//! Where the tables' bucket arrays lie: chunks of huge pages of their own, best fit, holes joined.
//!
//! ```text
//!   chunk   | array | hole | array | array |      hole      | array |      holes: by address, to join; by length, to fit
//! ```
//!
//! Arrays are few (a table each), live long, and pass through every size as their table grows, on whichever thread runs
//! the write. A general allocator with a heap per thread and a page per size keeps what they leave behind: after values
//! had shrunk from 1000 to 100 bytes, two threads held 60 MB for 8 MB of arrays and other things under a limit of 100 MB,
//! and 26 MB without huge pages. Here one thread's hole is another's array, and chunks that empty go back to the system.
//!
//! One lock for the process: a table asks once in some hundred writes. A fork is waited for (as for the store's own
//! locks), so a child never finds it taken.

use crate::chunk::{self, CHUNK_BYTES, PAGE_BYTES};
use crate::table::Bucket;
use parking_lot::{Mutex, const_mutex};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

/// Arrays from this size on have a mapping of their own: in a chunk they would leave the other half to chance.
const OWN_BYTES: usize = CHUNK_BYTES / 2;
/// So many chunks are mapped before huge pages are asked for: a small store shall not pay 2 MiB for its first buckets.
const SMALL_CHUNKS: usize = 4;
/// Wholly free chunks that are kept, so that a table growing and shrinking costs no system call.
const SPARE_CHUNKS: usize = 1;

/// The buckets of a table, all empty at first.
pub struct Buckets {
    start: NonNull<Bucket>,
    count: usize,
}

// SAFETY: exclusively owned memory; nothing about it is tied to a thread.
unsafe impl Send for Buckets {}
// SAFETY: a shared reference gives out `&[Bucket]` only.
unsafe impl Sync for Buckets {}

impl Buckets {
    /// So many empty buckets.
    pub fn new(count: usize) -> Buckets {
        if count == 0 {
            return Buckets::default();
        }
        Buckets { start: take(count * size_of::<Bucket>()).cast(), count }
    }
}

impl Default for Buckets {
    fn default() -> Buckets {
        Buckets { start: NonNull::dangling(), count: 0 }
    }
}

impl Clone for Buckets {
    fn clone(&self) -> Buckets {
        let mut copy = Buckets::new(self.count);
        copy.copy_from_slice(self);
        copy
    }
}

impl Deref for Buckets {
    type Target = [Bucket];

    #[inline(always)]
    fn deref(&self) -> &[Bucket] {
        // SAFETY: `start` points to `count` buckets that this value alone owns; zeros are empty buckets.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.count) }
    }
}

impl DerefMut for Buckets {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [Bucket] {
        // SAFETY: as in `deref`, and `&mut self` makes the access exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.count) }
    }
}

impl Drop for Buckets {
    fn drop(&mut self) {
        if self.count > 0 {
            // SAFETY: taken in `new` with this size, and owned until now.
            unsafe { give_back(self.start.cast(), self.count * size_of::<Bucket>()) };
        }
    }
}

static HOLES: Mutex<Holes> = const_mutex(Holes::new());

/// Zeroed bytes, aligned for buckets; `bytes` is a multiple of a bucket's.
fn take(bytes: usize) -> NonNull<u8> {
    let place = match own_bytes(bytes) {
        Some(mapped) => chunk::map(mapped, mapped >= CHUNK_BYTES),
        None => HOLES.lock().take(bytes),
    };
    let Some(place) = place else { std::alloc::handle_alloc_error(std::alloc::Layout::new::<Bucket>()) };
    if own_bytes(bytes).is_none() {
        // SAFETY: `take` handed out this many bytes, which nobody else has.
        unsafe { place.write_bytes(0, bytes) };
    }
    place
}

/// # Safety
/// `start` came from [`take`] with the same `bytes`, and nothing points into it any more.
unsafe fn give_back(start: NonNull<u8>, bytes: usize) {
    match own_bytes(bytes) {
        // SAFETY: mapped with this size in `take`.
        Some(mapped) => unsafe { chunk::unmap(start, mapped) },
        None => HOLES.lock().give_back(start, bytes),
    }
}

/// What an array with a mapping of its own maps.
fn own_bytes(bytes: usize) -> Option<usize> {
    (bytes >= OWN_BYTES).then(|| bytes.next_multiple_of(PAGE_BYTES))
}

/// What is free in all chunks. A hole never crosses from one chunk into the next.
struct Holes {
    by_start: BTreeMap<NonNull<u8>, usize>,
    by_length: BTreeSet<(usize, NonNull<u8>)>,
    chunks: usize,
    /// Chunks that are one hole.
    whole: usize,
}

// SAFETY: plain memory that the lock protects.
unsafe impl Send for Holes {}

impl Holes {
    const fn new() -> Holes {
        Holes { by_start: BTreeMap::new(), by_length: BTreeSet::new(), chunks: 0, whole: 0 }
    }

    /// The start of the smallest hole that fits, or of a new chunk. `None` if the system has no memory.
    fn take(&mut self, bytes: usize) -> Option<NonNull<u8>> {
        let fitting = self.by_length.range((bytes, NonNull::dangling())..).next().copied();
        let (length, start) = match fitting {
            Some(hole) => hole,
            None => {
                let start = chunk::map(CHUNK_BYTES, self.chunks >= SMALL_CHUNKS)?;
                self.chunks += 1;
                self.add(start, CHUNK_BYTES);
                (CHUNK_BYTES, start)
            }
        };
        self.remove(start, length);
        if length > bytes {
            // SAFETY: inside the hole.
            self.add(unsafe { start.add(bytes) }, length - bytes);
        }
        Some(start)
    }

    /// Makes a hole of `bytes` at `start`, joined with its neighbours; a chunk that is free goes back to the system.
    fn give_back(&mut self, start: NonNull<u8>, bytes: usize) {
        let (mut start, mut bytes) = (start, bytes);
        // SAFETY: one past the end of the array at most, which is in or right behind its chunk.
        let end = unsafe { start.add(bytes) };
        if !is_chunk_start(end)
            && let Some(&length) = self.by_start.get(&end)
        {
            self.remove(end, length);
            bytes += length;
        }
        if !is_chunk_start(start)
            && let Some((&before, &length)) = self.by_start.range(..start).next_back()
            && before.addr().get() + length == start.addr().get()
        {
            self.remove(before, length);
            (start, bytes) = (before, bytes + length);
        }
        if bytes == CHUNK_BYTES && self.whole >= SPARE_CHUNKS {
            self.chunks -= 1;
            // SAFETY: a hole as long as a chunk is one, mapped in `take`; nothing else is in it.
            unsafe { chunk::unmap(start, CHUNK_BYTES) };
            return;
        }
        self.add(start, bytes);
    }

    fn add(&mut self, start: NonNull<u8>, bytes: usize) {
        self.whole += usize::from(bytes == CHUNK_BYTES);
        self.by_start.insert(start, bytes);
        self.by_length.insert((bytes, start));
    }

    fn remove(&mut self, start: NonNull<u8>, bytes: usize) {
        self.whole -= usize::from(bytes == CHUNK_BYTES);
        self.by_start.remove(&start);
        self.by_length.remove(&(bytes, start));
    }
}

fn is_chunk_start(at: NonNull<u8>) -> bool {
    at.addr().get().is_multiple_of(CHUNK_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use scrubjay_base::rand::Rng;

    #[test]
    fn arrays_are_apart_and_empty_and_leave_nothing_behind() {
        let (mut rng, mut holes) = (Rng::new(1), Holes::new());
        let mut held: Vec<(NonNull<u8>, usize, u8)> = Vec::new();
        for step in 0..20_000u32 {
            if rng.below(2) == 0 || held.is_empty() {
                let most = if rng.below(10) == 0 { 8000 } else { 100 };
                let bytes = 64 * (1 + rng.below(most) as usize);
                let start = holes.take(bytes).expect("memory");
                // SAFETY: `take` handed out this many bytes.
                unsafe { start.write_bytes(step as u8, bytes) };
                held.push((start, bytes, step as u8));
            } else {
                let (start, bytes, mark) = held.swap_remove(rng.below(held.len() as u64) as usize);
                // SAFETY: ours until it is given back.
                let seen = unsafe { std::slice::from_raw_parts(start.as_ptr(), bytes) };
                assert!(seen.iter().all(|&byte| byte == mark), "step {step}: an array was written over");
                holes.give_back(start, bytes);
            }
        }
        let (live, mapped) = (held.iter().map(|(_, bytes, _)| bytes).sum::<usize>(), holes.chunks * CHUNK_BYTES);
        assert_eq!(live + holes.by_start.values().sum::<usize>(), mapped);
        for (start, bytes, _) in held {
            holes.give_back(start, bytes);
        }
        assert_eq!((holes.chunks, holes.whole, holes.by_start.len(), holes.by_length.len()), (1, 1, 1, 1));
    }

    #[test]
    fn tables_that_pass_through_all_sizes_hold_little_more_than_their_last_ones() {
        let (mut rng, mut holes) = (Rng::new(2), Holes::new());
        let mut tables: Vec<(NonNull<u8>, usize)> =
            (0..1000).map(|_| (holes.take(64 * 8).expect("memory"), 8)).collect();
        for _ in 0..30_000 {
            let table = rng.below(1000) as usize;
            let (start, buckets) = tables[table];
            let next = (buckets + buckets / 3 + 1).min(200 + table / 10);
            tables[table] = (holes.take(64 * next).expect("memory"), next);
            holes.give_back(start, 64 * buckets);
        }
        let live = tables.iter().map(|(_, buckets)| buckets * 64).sum::<usize>();
        let mapped = holes.chunks * CHUNK_BYTES;
        assert!(mapped <= live + live / 8 + 2 * CHUNK_BYTES, "{mapped} bytes mapped for {live}");
        for (start, buckets) in tables {
            holes.give_back(start, 64 * buckets);
        }
    }

    #[test]
    fn buckets_are_empty_whatever_their_place_held_before() {
        for count in [1, 3, 100, OWN_BYTES / 64, OWN_BYTES / 64 + 1] {
            for _ in 0..2 {
                let mut buckets = Buckets::new(count);
                assert!(buckets.iter().all(|bucket| bucket.handles().next().is_none()));
                // SAFETY: any bytes are a bucket.
                unsafe { buckets.as_mut_ptr().write_bytes(0xAB, count) };
            }
        }
    }
}
