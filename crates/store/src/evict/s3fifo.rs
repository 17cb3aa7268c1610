//! The default policy: S3-FIFO's small queue and ghost in front of a main region that weighs use, idleness and size.
//!
//! ```text
//!   new --> [ small, 10 % of the bytes ] --used again--> [ main ] --lowest uses / (idle x sqrt(size)) of a sample--> out
//!                  |                                        ^
//!                  `--not used--> out, fingerprint --> [ ghost ] --asked for again soon
//! ```
//! Most objects are asked for once; the small queue lets them pass without pushing anybody out (Yang, Zhang, Qiu, Yue and
//! Rashmi, "FIFO queues are all you need for cache eviction", SOSP 2023). Plain S3-FIFO keeps main as a queue too. A
//! sampled score does better on every replayed trace and needs no queue: object misses against exact LRU fall by 7.0,
//! 13.6 and 12.0 % at 1, 10 and 20 % of the unique bytes, where plain S3-FIFO reaches 5.6, 9.2 and 8.3, and byte misses
//! fall as well. With the size itself instead of its root, 0.5 points fewer objects miss and 3 points more bytes. See `docs/decisions` for the table.
//!
//! The small queue is a ring of references (8 bytes for a tenth of the entries). The ghost keeps 16-bit fingerprints in
//! buckets that are small FIFOs themselves: 2.3 bytes each; a foreign key is taken for a known one about once in 9000.
//!
//! Rank: bits 0-3 uses (saturating), bit 4 in main, bits 5-31 the shard's clock at the last use. The clock ticks once in
//! [`ADMISSIONS_PER_TICK`] admissions, so a hit seldom has to write to the entry.

use super::{Candidate, Evict, Newcomer, View};
use crate::heap::Handle;
use scrubjay_base::clock::UnixMs;
use std::collections::VecDeque;

/// The small queue's share of all bytes: one tenth, as in the paper; 2 to 20 % are within one point of each other.
const SMALL_SHARE: u64 = 10;
/// Uses in the small queue that earn a place in main. One; with two, misses at large capacities rise by a point.
const PROMOTE_USES: u32 = 1;
/// Counts as so many uses: to have come back after the ghost remembered it.
const RECALLED_USES: u32 = 2;
const USES_MASK: u32 = 0b1111;
const MAIN: u32 = 1 << 4;
const STAMP_SHIFT: u32 = 5;
const STAMP_MASK: u32 = u32::MAX >> STAMP_SHIFT;
/// Measured: 256 admissions a tick are as good as 1 for caches of tens of thousands of objects; 8 keep that true for a
/// shard of a thousand.
const ADMISSIONS_PER_TICK: u32 = 8;
/// Entries of the small queue that one call may promote before it looks in main instead.
const PROMOTIONS_MAX: usize = 64;

/// The state of one shard.
#[derive(Default)]
pub struct S3Fifo {
    small: VecDeque<Reference>,
    small_bytes: u64,
    main_bytes: u64,
    small_entries: u64,
    main_entries: u64,
    admissions: u32,
    /// Whether this shard ever had to evict. Until then there is nobody to protect from newcomers: they go to main, and
    /// the small queue, which would hold every key, costs nothing.
    pressed: bool,
    ghost: Ghost,
}

/// 48 bits of hash and 16 bits of table number: enough to find the entry again wherever it has moved.
#[derive(Clone, Copy)]
struct Reference(u64);

impl Reference {
    fn new(hash: u64, table: usize) -> Reference {
        Reference(hash & !0xFFFF | table as u64 & 0xFFFF)
    }

    fn table(self) -> usize {
        (self.0 & 0xFFFF) as usize
    }
}

impl S3Fifo {
    /// Uses since it came, 0 to 15.
    pub fn frequency(rank: u32) -> u8 {
        (rank & USES_MASK) as u8
    }

    #[inline]
    fn stamp(&self) -> u32 {
        (self.admissions / ADMISSIONS_PER_TICK) & STAMP_MASK
    }

    #[inline]
    fn rank(&self, queue: u32, uses: u32) -> u32 {
        self.stamp() << STAMP_SHIFT | queue | uses
    }

    fn enter_main(&mut self, bytes: u64, uses: u32) -> u32 {
        self.main_bytes += bytes;
        self.main_entries += 1;
        self.rank(MAIN, uses)
    }

    /// Entries that were deleted leave their references; below the limit nobody pops them.
    fn has_many_stale_references(&self) -> bool {
        self.small.len() as u64 > 2 * self.small_entries + 1024
    }

    fn small_is_due(&self) -> bool {
        self.main_entries == 0 || self.small_bytes * SMALL_SHARE > self.small_bytes + self.main_bytes
    }

    /// The head of the small queue leaves it: for main if it was used, else for good.
    fn pop_small(&mut self, view: &mut View<'_>) -> Option<Handle> {
        let mut promotions = 0;
        while promotions < PROMOTIONS_MAX && self.small_is_due() {
            let reference = self.small.pop_front()?;
            // Whoever was deleted meanwhile is not found.
            let Some(found) = view.find(reference.table(), reference.0, |rank| rank & MAIN == 0) else { continue };
            if found.rank & USES_MASK < PROMOTE_USES && view.may_go(&found) {
                self.ghost.remember(reference.0, self.main_entries + self.small_entries);
                return Some(found.handle);
            }
            self.forget(found.rank, found.bytes);
            let rank = self.enter_main(found.bytes, 1);
            view.set_rank(found.handle, rank);
            promotions += 1;
        }
        None
    }

    /// Lower is worse.
    fn score(&self, candidate: &Candidate) -> f32 {
        let idle = self.stamp().wrapping_sub(candidate.rank >> STAMP_SHIFT) & STAMP_MASK;
        let uses = (candidate.rank & USES_MASK).max(1);
        uses as f32 / ((idle + 1) as f32 * (candidate.bytes as f32).sqrt())
    }
}

impl Evict for S3Fifo {
    #[inline]
    fn admit(&mut self, newcomer: &Newcomer) -> u32 {
        self.admissions = self.admissions.wrapping_add(1);
        if !self.pressed || self.has_many_stale_references() {
            return self.enter_main(newcomer.bytes, 0);
        }
        if self.ghost.recalls(newcomer.hash) {
            return self.enter_main(newcomer.bytes, RECALLED_USES);
        }
        self.small.push_back(Reference::new(newcomer.hash, newcomer.table));
        self.small_bytes += newcomer.bytes;
        self.small_entries += 1;
        self.rank(0, 0)
    }

    fn adopt(&mut self, bytes: u64, _now_ms: UnixMs) -> u32 {
        self.enter_main(bytes, 1)
    }

    #[inline]
    fn touch(&mut self, rank: u32, _now_ms: UnixMs) -> u32 {
        let uses = (rank & USES_MASK) + u32::from(rank & USES_MASK != USES_MASK);
        self.rank(rank & MAIN, uses)
    }

    #[inline]
    fn forget(&mut self, rank: u32, bytes: u64) {
        let (queue, entries) = if rank & MAIN != 0 {
            (&mut self.main_bytes, &mut self.main_entries)
        } else {
            (&mut self.small_bytes, &mut self.small_entries)
        };
        *queue -= bytes;
        *entries -= 1;
    }

    fn resized(&mut self, rank: u32, before_bytes: u64, after_bytes: u64) {
        let queue = if rank & MAIN != 0 { &mut self.main_bytes } else { &mut self.small_bytes };
        *queue = *queue + after_bytes - before_bytes;
    }

    fn victim(&mut self, view: &mut View<'_>) -> Option<Handle> {
        self.pressed = true;
        if self.has_many_stale_references() {
            self.small.retain(|r| view.find(r.table(), r.0, |rank| rank & MAIN == 0).is_some());
        }
        if self.small_is_due()
            && let Some(victim) = self.pop_small(view)
        {
            return Some(victim);
        }
        let sample = view.sample();
        let main = sample.items().iter().filter(|c| c.rank & MAIN != 0);
        let worst = main.min_by(|a, b| self.score(a).total_cmp(&self.score(b)));
        worst.or(sample.items().first()).map(|c| c.handle)
    }

    fn bytes(&self) -> usize {
        self.small.capacity() * size_of::<Reference>() + self.ghost.bytes()
    }
}

/// Keys that left the small queue lately, as fingerprints.
#[derive(Default)]
struct Ghost {
    buckets: Box<[GhostBucket]>,
}

/// Seven fingerprints and the place of the oldest: 16 bytes.
#[derive(Clone, Copy, Default)]
struct GhostBucket {
    fingerprints: [u16; 7],
    oldest: u16,
}

const _: () = assert!(size_of::<GhostBucket>() == 16);

impl Ghost {
    fn place(&self, hash: u64) -> (usize, u16) {
        let bucket = ((hash >> 32) * self.buckets.len() as u64) >> 32;
        (bucket as usize, (hash >> 16) as u16 | 1)
    }

    /// Remembers a key; the ghost is sized for as many keys as the shard has entries.
    fn remember(&mut self, hash: u64, entries: u64) {
        let wanted = (entries / 7 + 1) as usize;
        if self.buckets.len() < wanted || self.buckets.len() > 4 * wanted + 16 {
            // Resizing forgets: the fingerprints alone do not say where they would go. It happens while the shard's
            // number of entries doubles, not in steady state.
            self.buckets = vec![GhostBucket::default(); wanted + wanted / 4].into_boxed_slice();
        }
        let (bucket, fingerprint) = self.place(hash);
        let bucket = &mut self.buckets[bucket];
        bucket.fingerprints[bucket.oldest as usize] = fingerprint;
        bucket.oldest = (bucket.oldest + 1) % 7;
    }

    /// Whether the key is remembered; if so, it is forgotten.
    fn recalls(&mut self, hash: u64) -> bool {
        if self.buckets.is_empty() {
            return false;
        }
        let (bucket, fingerprint) = self.place(hash);
        match self.buckets[bucket].fingerprints.iter_mut().find(|f| **f == fingerprint) {
            Some(found) => {
                *found = 0;
                true
            }
            None => false,
        }
    }

    fn bytes(&self) -> usize {
        self.buckets.len() * size_of::<GhostBucket>()
    }
}
