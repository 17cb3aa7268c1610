//! Long strings: bytes shared by reference count, in heaps of their own.
//!
//! ```text
//!   LongString --> | holders, length, capacity, heap | bytes ...        | room |      a region, in a chunk or a mapping
//! ```
//!
//! In the general allocator, pages per length kept what strings of other lengths had left behind: after values had grown
//! from 3000 to 5000 bytes, 2.3 times the limit was resident. Here regions lie in heaps of holes (`holes`), and the strings
//! of chunks that have become sparse move: each shard replaces its own by copies, so that readers keep what they hold.
//!
//! Several heaps with a lock each, by thread: an overwrite takes and gives back, and all threads write.

use crate::chunk::{self, CHUNK_BYTES, PAGE_BYTES};
use crate::holes::{self, GRANULE_BYTES, Holes, OWN_BYTES};
use parking_lot::{Mutex, const_mutex};
use std::alloc::{Layout, handle_alloc_error};
use std::cell::Cell;
use std::fmt;
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::*, fence};

/// Chosen: each keeps a chunk to spare, and threads rarely meet within the hundred nanoseconds that a lock is held.
const HEAPS: usize = 8;
/// In place of a heap's number: a mapping of its own.
const NO_HEAP: usize = usize::MAX;

/// On lines of its own.
#[repr(align(128))]
struct Heap(Mutex<Holes>);

/// Without huge pages: strings are read in a row, and where memory is fragmented the system takes 4 ms to make a huge page,
/// which doubled the CPU time of a SET of 4 KiB while a node filled.
static HEAP: [Heap; HEAPS] = [const { Heap(const_mutex(Holes::new(false))) }; HEAPS];

/// How often chunks were called sparse: whoever has strings looks through them once a turn.
static TURN: AtomicU64 = AtomicU64::new(0);

/// The present turn.
#[inline]
pub fn turn() -> u64 {
    TURN.load(Relaxed)
}

/// What a region begins with; the bytes follow.
#[repr(C)]
struct Region {
    holders: AtomicUsize,
    length: usize,
    capacity: usize,
    heap: usize,
}

const HEAD_BYTES: usize = size_of::<Region>();

/// What a string with room for `capacity_bytes` takes.
#[inline]
pub fn region_bytes(capacity_bytes: usize) -> usize {
    let bytes = HEAD_BYTES + capacity_bytes;
    bytes.next_multiple_of(if bytes < OWN_BYTES { GRANULE_BYTES } else { PAGE_BYTES })
}

/// A value shared with the store. It stays as it was when it was handed out.
pub struct LongString(NonNull<Region>);

// SAFETY: what is shared is not changed, and the count of its holders is atomic.
unsafe impl Send for LongString {}
// SAFETY: as above; a shared reference gives out `&[u8]` and clones.
unsafe impl Sync for LongString {}

impl LongString {
    /// Shares a copy of `bytes`.
    pub fn copy_of(bytes: &[u8]) -> LongString {
        let mut copy = LongString::with_room(bytes.len(), home());
        copy.fill(0, bytes);
        copy
    }

    /// An empty string with room for `capacity_bytes` and what rounding adds; in that heap, unless it is too long for one.
    fn with_room(capacity_bytes: usize, heap: usize) -> LongString {
        let bytes = region_bytes(capacity_bytes);
        let (place, heap) = match bytes < OWN_BYTES {
            true => (HEAP[heap].0.lock().take(bytes), heap),
            false => (chunk::map(bytes, false), NO_HEAP),
        };
        let Some(place) = place else { handle_alloc_error(Layout::new::<Region>()) };
        let region = place.cast::<Region>();
        let head = Region { holders: AtomicUsize::new(1), length: 0, capacity: bytes - HEAD_BYTES, heap };
        // SAFETY: so many bytes are ours, more than a head, and aligned to a granule at least.
        unsafe { region.write(head) };
        LongString(region)
    }

    /// How long it may become without moving.
    pub fn capacity_bytes(&self) -> usize {
        self.region().capacity
    }

    /// Writes `bytes` at `offset`, zeros before it if it lies behind the end: in place if nobody else holds the string and
    /// it has the room, else into a copy with room for `capacity_bytes`, or for what is needed.
    pub fn write_at(&mut self, offset: usize, bytes: &[u8], capacity_bytes: usize) {
        let end = offset + bytes.len();
        // Acquire: what others did with the string they dropped has been done.
        if self.region().holders.load(Acquire) != 1 || end > self.capacity_bytes() {
            let mut copy = LongString::with_room(capacity_bytes.max(end).max(self.len()), home());
            copy.fill(0, self);
            *self = copy;
        }
        self.fill(offset, bytes);
    }

    /// Whether it is in a chunk that shall empty.
    #[inline]
    pub fn should_move(&self) -> bool {
        let start = self.0.cast::<u8>();
        // Only a mapping of its own begins where a chunk could: a chunk's first granule is its head.
        !start.addr().get().is_multiple_of(CHUNK_BYTES) && holes::is_sparse(start)
    }

    /// A copy in another chunk of the same heap, in whose holes it fits; as much room.
    pub fn elsewhere(&self) -> LongString {
        let mut copy = LongString::with_room(self.capacity_bytes(), self.region().heap.min(HEAPS - 1));
        copy.fill(0, self);
        copy
    }

    /// Writes into what nobody else holds and has the room.
    fn fill(&mut self, offset: usize, bytes: &[u8]) {
        let (length, end) = (self.len(), offset + bytes.len());
        assert!(end <= self.capacity_bytes(), "the caller made room");
        debug_assert_eq!(self.region().holders.load(Relaxed), 1);
        let start = self.start();
        // SAFETY: the one holder may change it. Everything written lies before `end`, inside the region; `bytes` is borrowed,
        // so it is no part of it.
        unsafe {
            if offset > length {
                start.add(length).write_bytes(0, offset - length);
            }
            start.add(offset).copy_from_nonoverlapping(NonNull::from(bytes).cast(), bytes.len());
            (*self.0.as_ptr()).length = length.max(end);
        }
    }

    #[inline(always)]
    fn region(&self) -> &Region {
        // SAFETY: a region lives as long as its holders, and only `fill` changes it, which has `&mut`.
        unsafe { self.0.as_ref() }
    }

    #[inline(always)]
    fn start(&self) -> NonNull<u8> {
        // SAFETY: the bytes follow the head, in the same region.
        unsafe { self.0.cast::<u8>().add(HEAD_BYTES) }
    }
}

impl Clone for LongString {
    #[inline]
    fn clone(&self) -> LongString {
        // More holders than memory has room for cannot be.
        self.region().holders.fetch_add(1, Relaxed);
        LongString(self.0)
    }
}

impl Drop for LongString {
    #[inline]
    fn drop(&mut self) {
        if self.region().holders.fetch_sub(1, Release) == 1 {
            // What other holders did comes before the region is somebody else's.
            fence(Acquire);
            let Region { capacity, heap, .. } = *self.region();
            give_back(self.0.cast(), HEAD_BYTES + capacity, heap);
        }
    }
}

/// Gives up a region that nobody holds.
fn give_back(start: NonNull<u8>, bytes: usize, heap: usize) {
    let Some(Heap(heap)) = HEAP.get(heap) else {
        // SAFETY: mapped with this size in `with_room`.
        unsafe { chunk::unmap(start, bytes) };
        return;
    };
    let mut holes = heap.lock();
    let unused = holes.give_back(start, bytes);
    let thinned = holes.thin_out();
    drop(holes);
    if thinned {
        TURN.fetch_add(1, Relaxed);
    }
    if let Some(unused) = unused {
        // SAFETY: a chunk of which nothing is taken, and which the heap has given up.
        unsafe { chunk::unmap(unused, CHUNK_BYTES) };
    }
}

/// The number of this thread's heap.
fn home() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local!(static HOME: Cell<usize> = const { Cell::new(NO_HEAP) });
    HOME.with(|home| {
        if home.get() == NO_HEAP {
            home.set(NEXT.fetch_add(1, Relaxed) % HEAPS);
        }
        home.get()
    })
}

impl From<&[u8]> for LongString {
    fn from(bytes: &[u8]) -> LongString {
        LongString::copy_of(bytes)
    }
}

impl Deref for LongString {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        // SAFETY: `length` bytes were written, and stay while anybody holds them.
        unsafe { std::slice::from_raw_parts(self.start().as_ptr(), self.region().length) }
    }
}

impl AsRef<[u8]> for LongString {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for LongString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LongString({} bytes)", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_is_its_bytes_whatever_its_length() {
        for length in [0, 1, 31, 32, 33, 3000, OWN_BYTES - HEAD_BYTES - 1, OWN_BYTES, CHUNK_BYTES + 1] {
            let bytes: Vec<u8> = (0..length).map(|at| at as u8).collect();
            let shared = LongString::copy_of(&bytes);
            assert!(*shared == *bytes && *shared.elsewhere() == *bytes);
            assert_eq!(HEAD_BYTES + shared.capacity_bytes(), region_bytes(length));
            assert_eq!(region_bytes(shared.capacity_bytes()), region_bytes(length), "rounding again changes nothing");
        }
    }

    #[test]
    fn a_string_is_changed_in_place_only_if_nobody_else_holds_it() {
        let mut shared = LongString::copy_of(b"hello");
        let (place, other) = (shared.0, shared.clone());
        shared.write_at(4, b"y!!", 100);
        assert_eq!((&*other, &*shared), (&b"hello"[..], &b"helly!!"[..]));
        assert!(shared.0 != place && shared.capacity_bytes() >= 100);
        drop(other);
        let place = shared.0;
        shared.write_at(9, b"z", 100);
        assert_eq!((&*shared, shared.0), (&b"helly!!\0\0z"[..], place));
        shared.write_at(200, b"end", 0);
        assert_eq!((shared.len(), &shared[..10], &shared[199..]), (203, &b"helly!!\0\0z"[..], &b"\0end"[..]));
    }

    #[test]
    fn strings_may_be_dropped_on_other_threads() {
        let strings: Vec<LongString> =
            (0..100u8).map(|at| LongString::copy_of(&vec![at; 100 + usize::from(at)])).collect();
        std::thread::scope(|scope| {
            for _ in 0..3 {
                let mine = strings.clone();
                scope.spawn(move || {
                    for (at, string) in mine.into_iter().enumerate() {
                        assert!(string.len() == 100 + at && string.iter().all(|&byte| usize::from(byte) == at));
                    }
                });
            }
            drop(strings);
        });
    }
}
