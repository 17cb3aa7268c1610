//! A heap of holes: chunks of 2 MiB, best fit, holes joined, and chunks that have become sparse given up.
//!
//! ```text
//!   chunk   head | block | hole | block | block |      hole      | block |      holes: by address, to join; by length, to fit
//!   sparse  head |        hole         | block |      hole              |      takes nothing more in, empties
//! ```
//!
//! Two owners have one: the tables' buckets (`arrays`) and long strings (`strings`). Blocks pass through every length on
//! whichever thread runs the write; a general allocator with pages per length keeps what they leave behind, here one's
//! hole is another's block, and chunks that empty go back to the system.
//!
//! Best fit alone will not do where lengths grow: among random survivors of 3000 bytes hardly ever are seven neighbours
//! free, which 20000 bytes need. An owner whose blocks can move therefore asks for sparse chunks ([`Holes::thin_out`]), and
//! moves what is in them ([`is_sparse`]) to holes elsewhere that fit exactly. Moving is the owner's part.
//!
//! Not here: the lock, and blocks too long for a chunk.

use crate::chunk::{self, CHUNK_BYTES};
use std::collections::{BTreeMap, BTreeSet};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

/// Blocks are multiples of this, and aligned to it: a cache line.
pub const GRANULE_BYTES: usize = 64;
/// Blocks from this size on have a mapping of their own: in a chunk they would leave the other half to chance.
pub const OWN_BYTES: usize = CHUNK_BYTES / 2;
/// What a chunk has for blocks.
const ROOM_BYTES: usize = CHUNK_BYTES - GRANULE_BYTES;
/// So many chunks are mapped before huge pages are asked for: a small store shall not pay 2 MiB for its first blocks.
const SMALL_CHUNKS: usize = 4;
/// Wholly free chunks that are kept, so that growing and shrinking by one block costs no system call.
const SPARE_CHUNKS: usize = 1;
/// Chunks are called sparse when holes exceed one byte in so many. Simulated, lengths changing from 3000 over 5000, 9000,
/// 3000, 20000 to 4000: at 24 a full heap takes 1.11 of what is in it at worst, 1.05 in the end, and a byte written moves 0.3
/// to 1.4; at 16, 1.16, 1.08 and 0.1 to 0.8.
const HOLES_ONE_IN: usize = 24;
/// Below so many bytes of holes nothing is moved: with less than a chunk's worth none could empty.
const HOLES_BYTES_MIN: usize = CHUNK_BYTES * 3 / 2;
/// At most one chunk in so many is sparse at a time, and two in any case: readers may hold blocks in them for long.
const SPARSE_ONE_IN: usize = 16;

/// What a chunk begins with.
struct Head {
    /// Bytes of holes. Changed under the owner's lock.
    free: AtomicUsize,
    /// Whether it shall empty. Changed under the owner's lock, read without.
    sparse: AtomicBool,
}

const _: () = assert!(size_of::<Head>() <= GRANULE_BYTES);

/// What is free in an owner's chunks. A hole never crosses from one chunk into the next: their heads are between.
pub struct Holes {
    huge: bool,
    by_start: BTreeMap<NonNull<u8>, usize>,
    /// Those that blocks are taken from: not those in sparse chunks.
    by_length: BTreeSet<(usize, NonNull<u8>)>,
    chunks: BTreeSet<NonNull<u8>>,
    /// Chunks that are one hole.
    whole: usize,
    sparse: usize,
    /// Bytes of `by_length`.
    free: usize,
    /// From so many on it is worth looking for sparse chunks again.
    look_again: usize,
}

// SAFETY: plain memory that the owner's lock protects.
unsafe impl Send for Holes {}

impl Holes {
    /// No chunks yet. `huge`: they shall be huge pages.
    pub const fn new(huge: bool) -> Holes {
        Holes {
            huge,
            by_start: BTreeMap::new(),
            by_length: BTreeSet::new(),
            chunks: BTreeSet::new(),
            whole: 0,
            sparse: 0,
            free: 0,
            look_again: 0,
        }
    }

    /// The start of the smallest hole that fits `bytes` (a multiple of [`GRANULE_BYTES`], under [`OWN_BYTES`]), or of a new
    /// chunk. `None` if the system has no memory.
    pub fn take(&mut self, bytes: usize) -> Option<NonNull<u8>> {
        debug_assert!(bytes > 0 && bytes < OWN_BYTES && bytes.is_multiple_of(GRANULE_BYTES));
        let fitting = self.by_length.range((bytes, NonNull::dangling())..).next().copied();
        let (length, start) = match fitting {
            Some(hole) => hole,
            None => (ROOM_BYTES, self.add_chunk()?),
        };
        self.remove(start, length, false);
        if length > bytes {
            // SAFETY: inside the hole.
            self.add(unsafe { start.add(bytes) }, length - bytes);
        }
        head(start).free.fetch_sub(bytes, Relaxed);
        Some(start)
    }

    /// Makes a hole of `bytes` at `start`, which `take` handed out, joined with its neighbours. A chunk that is free and not
    /// needed is returned: the caller unmaps it, best without its lock.
    #[must_use]
    pub fn give_back(&mut self, start: NonNull<u8>, bytes: usize) -> Option<NonNull<u8>> {
        let chunk = chunk_of(start);
        let head = head(start);
        head.free.fetch_add(bytes, Relaxed);
        let sparse = head.sparse.load(Relaxed);
        let (mut start, mut bytes) = (start, bytes);
        // SAFETY: one past the end of the block at most, which is in or right behind its chunk.
        let end = unsafe { start.add(bytes) };
        if let Some(&length) = self.by_start.get(&end) {
            self.remove(end, length, sparse);
            bytes += length;
        }
        if let Some((&before, &length)) = self.by_start.range(..start).next_back()
            && before.addr().get() + length == start.addr().get()
        {
            self.remove(before, length, sparse);
            (start, bytes) = (before, bytes + length);
        }
        if bytes < ROOM_BYTES && sparse {
            self.by_start.insert(start, bytes);
            return None;
        }
        if bytes == ROOM_BYTES && sparse {
            head.sparse.store(false, Relaxed);
            self.sparse -= 1;
            self.look_again = 0;
        }
        if bytes == ROOM_BYTES && self.whole >= SPARE_CHUNKS {
            self.chunks.remove(&chunk);
            return Some(chunk);
        }
        self.add(start, bytes);
        None
    }

    /// Chooses chunks that shall empty, the sparsest, if holes are worth it. Whether it chose any.
    pub fn thin_out(&mut self) -> bool {
        let held = self.chunks.len() * CHUNK_BYTES;
        let free = self.free - self.whole * ROOM_BYTES;
        if free * HOLES_ONE_IN <= held {
            self.look_again = 0;
            return false;
        }
        if free < HOLES_BYTES_MIN.max(self.look_again) {
            return false;
        }
        // The chunk that is being filled is the sparsest of all: what is in it would move to the next one, and so on.
        let filling = self.by_length.iter().rev().find(|(bytes, _)| *bytes < ROOM_BYTES).map(|&(_, at)| chunk_of(at));
        let mut candidates: Vec<(usize, NonNull<u8>)> = self.chunks.iter().map(|&at| (free_in(at), at)).collect();
        candidates.retain(|&(free, at)| free < ROOM_BYTES && !is_sparse(at) && Some(at) != filling);
        candidates.sort_unstable_by_key(|&(free, _)| std::cmp::Reverse(free));
        let sparse_before = self.sparse;
        // Half of the holes take in what is in the other half's chunks.
        let most = (free / 2 / CHUNK_BYTES).max(1);
        let most = most.min((self.chunks.len() / SPARSE_ONE_IN).max(2).saturating_sub(self.sparse));
        candidates.into_iter().take(most).for_each(|(_, chunk)| self.call_sparse(chunk));
        self.look_again = self.free - self.whole * ROOM_BYTES + held / 4 / HOLES_ONE_IN;
        self.sparse > sparse_before
    }

    fn call_sparse(&mut self, chunk: NonNull<u8>) {
        head(chunk).sparse.store(true, Relaxed);
        self.sparse += 1;
        // SAFETY: one past the chunk's end.
        let end = unsafe { chunk.add(CHUNK_BYTES) };
        for (&start, &bytes) in self.by_start.range(chunk..end) {
            self.by_length.remove(&(bytes, start));
            self.free -= bytes;
        }
    }

    /// Maps a chunk; the start of the hole that it is.
    fn add_chunk(&mut self) -> Option<NonNull<u8>> {
        let chunk = chunk::map(CHUNK_BYTES, self.huge && self.chunks.len() >= SMALL_CHUNKS)?;
        // SAFETY: fresh memory, aligned to far more than a head, which fits in the first granule.
        let start = unsafe {
            chunk.cast::<Head>().write(Head { free: AtomicUsize::new(ROOM_BYTES), sparse: AtomicBool::new(false) });
            chunk.add(GRANULE_BYTES)
        };
        self.chunks.insert(chunk);
        self.add(start, ROOM_BYTES);
        Some(start)
    }

    fn add(&mut self, start: NonNull<u8>, bytes: usize) {
        self.whole += usize::from(bytes == ROOM_BYTES);
        self.free += bytes;
        self.by_start.insert(start, bytes);
        self.by_length.insert((bytes, start));
    }

    fn remove(&mut self, start: NonNull<u8>, bytes: usize, sparse: bool) {
        self.by_start.remove(&start);
        if !sparse {
            self.whole -= usize::from(bytes == ROOM_BYTES);
            self.free -= bytes;
            self.by_length.remove(&(bytes, start));
        }
    }

    /// What its chunks take.
    #[cfg(test)]
    pub fn held_bytes(&self) -> usize {
        self.chunks.len() * CHUNK_BYTES
    }
}

/// Whether the block at `start`, or the chunk, should be moved away or given up.
///
/// `start` lies in a block that is taken, or is a chunk of the caller's own: so its chunk is mapped.
#[inline]
pub fn is_sparse(start: NonNull<u8>) -> bool {
    head(start).sparse.load(Relaxed)
}

/// The chunk in which `start` lies.
fn chunk_of(start: NonNull<u8>) -> NonNull<u8> {
    let offset = start.addr().get() % CHUNK_BYTES;
    // SAFETY: chunks are aligned to their length, so the chunk's start is this far before and in the same mapping.
    unsafe { start.sub(offset) }
}

/// The head of the chunk in which `start` lies, which must be mapped for as long as the head is looked at.
fn head<'h>(start: NonNull<u8>) -> &'h Head {
    // SAFETY: written when the chunk was mapped; its fields are atomics, so nobody has more than a shared reference.
    unsafe { chunk_of(start).cast::<Head>().as_ref() }
}

fn free_in(chunk: NonNull<u8>) -> usize {
    head(chunk).free.load(Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use scrubjay_base::rand::Rng;

    const STEPS: u32 = if cfg!(miri) { 400 } else { 20_000 };

    fn return_to(holes: &mut Holes, start: NonNull<u8>, bytes: usize) {
        if let Some(chunk) = holes.give_back(start, bytes) {
            // SAFETY: the heap has given it up.
            unsafe { chunk::unmap(chunk, CHUNK_BYTES) };
        }
    }

    /// Unmaps what is left of a heap from which nothing is taken.
    fn drain(holes: Holes) {
        assert!(holes.by_start.values().all(|&bytes| bytes == ROOM_BYTES), "something is taken");
        // SAFETY: nothing is taken.
        holes.chunks.iter().for_each(|&chunk| unsafe { chunk::unmap(chunk, CHUNK_BYTES) });
    }

    #[test]
    fn blocks_are_apart_and_leave_nothing_behind() {
        let (mut rng, mut holes) = (Rng::new(1), Holes::new(true));
        let mut held: Vec<(NonNull<u8>, usize, u8)> = Vec::new();
        for step in 0..STEPS {
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
                assert!(seen.iter().all(|&byte| byte == mark), "step {step}: a block was written over");
                return_to(&mut holes, start, bytes);
            }
            if rng.below(50) == 0 {
                holes.thin_out();
            }
        }
        let live = held.iter().map(|(_, bytes, _)| bytes).sum::<usize>();
        let free = holes.by_start.values().sum::<usize>();
        assert_eq!(live + free, holes.chunks.len() * ROOM_BYTES);
        assert_eq!(holes.chunks.iter().map(|&chunk| free_in(chunk)).sum::<usize>(), free);
        assert_eq!(holes.by_length.iter().map(|(bytes, _)| bytes).sum::<usize>(), holes.free);
        for (start, bytes, _) in held {
            return_to(&mut holes, start, bytes);
        }
        assert_eq!((holes.chunks.len(), holes.whole, holes.sparse), (1, 1, 0));
        assert_eq!((holes.by_start.len(), holes.by_length.len(), holes.free), (1, 1, ROOM_BYTES));
        drain(holes);
    }

    #[test]
    #[cfg_attr(miri, ignore = "far more steps than Miri takes in a minute")]
    fn blocks_that_grow_hold_little_more_than_their_last_lengths() {
        let (mut rng, mut holes) = (Rng::new(2), Holes::new(true));
        let mut blocks: Vec<(NonNull<u8>, usize)> =
            (0..1000).map(|_| (holes.take(64 * 8).expect("memory"), 8)).collect();
        for _ in 0..30_000 {
            let chosen = rng.below(1000) as usize;
            let (start, lines) = blocks[chosen];
            let next = (lines + lines / 3 + 1).min(200 + chosen / 10);
            blocks[chosen] = (holes.take(64 * next).expect("memory"), next);
            return_to(&mut holes, start, 64 * lines);
        }
        let (live, held) = (blocks.iter().map(|(_, lines)| lines * 64).sum::<usize>(), holes.held_bytes());
        assert!(held <= live + live / 8 + 2 * CHUNK_BYTES, "{held} bytes held for {live}");
        for (start, lines) in blocks {
            return_to(&mut holes, start, 64 * lines);
        }
        drain(holes);
    }

    #[test]
    #[cfg_attr(miri, ignore = "far more steps than Miri takes in a minute")]
    fn blocks_that_are_moved_out_of_sparse_chunks_hold_little_more_than_they_are() {
        let (mut rng, mut holes) = (Rng::new(3), Holes::new(true));
        let most = 32 * CHUNK_BYTES;
        let (mut blocks, mut live) = (Vec::<(NonNull<u8>, usize)>::new(), 0);
        for bytes in [3008, 5056, 9024, 3008, 20_032, 4032] {
            let mut written = 0;
            while written < 2 * most {
                while live + bytes > most {
                    let (start, length) = blocks.swap_remove(rng.below(blocks.len() as u64) as usize);
                    return_to(&mut holes, start, length);
                    live -= length;
                }
                blocks.push((holes.take(bytes).expect("memory"), bytes));
                (live, written) = (live + bytes, written + bytes);
                if holes.thin_out() {
                    for (place, length) in blocks.iter_mut().filter(|(place, _)| is_sparse(*place)) {
                        let from = std::mem::replace(place, holes.take(*length).expect("memory"));
                        return_to(&mut holes, from, *length);
                    }
                }
                let held = holes.held_bytes();
                assert!(held <= most * 9 / 8, "{held} bytes held for {live}, of {bytes} each");
            }
        }
        for (start, bytes) in blocks {
            return_to(&mut holes, start, bytes);
        }
        drain(holes);
    }
}
