//! Where the tables' bucket arrays lie: one heap of holes (`holes`) for the process.
//!
//! Arrays are few (a table each), live long, and pass through every size as their table grows, on whichever thread runs
//! the write. In a general allocator with a heap per thread and a page per size, after values had shrunk from 1000 to 100
//! bytes, two threads held 60 MB for 8 MB of arrays and other things under a limit of 100 MB, and 26 MB without huge pages.
//!
//! One lock: a table asks once in some hundred writes. A fork is waited for (as for the store's own locks), so a child
//! never finds it taken.

use crate::chunk::{self, CHUNK_BYTES, PAGE_BYTES};
use crate::holes::{Holes, OWN_BYTES};
use crate::table::Bucket;
use parking_lot::{Mutex, const_mutex};
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

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

static HOLES: Mutex<Holes> = const_mutex(Holes::new(true));

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
        None => {
            let unused = HOLES.lock().give_back(start, bytes);
            if let Some(unused) = unused {
                // SAFETY: a chunk of which nothing is taken, and which the heap has given up.
                unsafe { chunk::unmap(unused, CHUNK_BYTES) };
            }
        }
    }
}

/// What an array with a mapping of its own maps.
fn own_bytes(bytes: usize) -> Option<usize> {
    (bytes >= OWN_BYTES).then(|| bytes.next_multiple_of(PAGE_BYTES))
}

#[cfg(test)]
mod tests {
    use super::*;

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
