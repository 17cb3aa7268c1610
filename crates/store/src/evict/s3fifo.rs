//! The default policy: S3-FIFO's small queue and ghost in front of a main region that weighs use, idleness and size.
//!
//! ```text
//!   new --> [ small, 10 % or more  ] --used again--> [ main ] --lowest uses / (idle x sqrt(size)) of a sample--> out
//!                  |                                        ^
//!                  `--not used--> out, fingerprint --> [ ghost ] --asked for again soon
//! ```
//! Most objects are asked for once; the small queue lets them pass without pushing anybody out (Yang, Zhang, Qiu, Yue and
//! Rashmi, "FIFO queues are all you need for cache eviction", SOSP 2023). Plain S3-FIFO keeps main as a queue too. A
//! sampled score does better on every replayed trace and needs no queue: object misses against exact LRU fall by 7.2,
//! 13.0 and 11.5 % at 1, 10 and 20 % of the unique bytes, where plain S3-FIFO reaches 5.6, 9.2 and 8.3, and byte misses
//! fall as well. With the size itself instead of its root, 0.5 points fewer objects miss and 3 points more bytes
//! (`docs/decisions/0004-eviction.md` has the tables).
//!
//! A fixed share of a tenth loses badly where every key comes back after half a cache's worth of others (98 % misses
//! against LRU's 50). So the share follows what would have been hits: recalls by the ghost raise it, hits of nearly evicted
//! entries in main lower it. On such traffic that leaves 52 % misses, and nothing changes on the real traces.
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

/// The small queue's share of all bytes at the start and at the least: one tenth, as in the paper.
const SHARE_MIN: f32 = 0.10;
/// The most that it may grow to.
const SHARE_MAX: f32 = 0.60;
/// An admission that the ghost recalls would have been a hit in a longer small queue: the share rises by this, divided by
/// the shard's entries.
const SHARE_UP: f32 = 0.15;
/// A hit in main of an entry idle for more than half of what victims are would have been a miss in a smaller main: the
/// share falls by this, likewise divided.
const SHARE_DOWN: f32 = 0.30;
/// Weight of a new victim in the running mean of victims' idleness.
const VICTIM_WEIGHT: f32 = 1.0 / 64.0;
/// Uses in the small queue that earn a place in main: one, and one more for entries above the mean size. Two for all would
/// cost a point at large capacities.
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
pub struct S3Fifo {
    /// Mean idleness of victims from main, in ticks.
    victim_idle: f32,
    share: f32,
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

impl Default for S3Fifo {
    fn default() -> S3Fifo {
        S3Fifo {
            victim_idle: 0.0,
            share: SHARE_MIN,
            small: VecDeque::new(),
            small_bytes: 0,
            main_bytes: 0,
            small_entries: 0,
            main_entries: 0,
            admissions: 0,
            pressed: false,
            ghost: Ghost::default(),
        }
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
        self.main_entries == 0 || self.small_bytes as f32 > self.share * (self.small_bytes + self.main_bytes) as f32
    }

    fn entries(&self) -> u64 {
        self.main_entries + self.small_entries
    }

    fn idle(&self, rank: u32) -> u32 {
        self.stamp().wrapping_sub(rank >> STAMP_SHIFT) & STAMP_MASK
    }

    /// The head of the small queue leaves it: for main if it was used, else for good.
    fn pop_small(&mut self, view: &mut View<'_>) -> Option<Handle> {
        let mut promotions = 0;
        while promotions < PROMOTIONS_MAX && self.small_is_due() {
            let reference = self.small.pop_front()?;
            // Whoever was deleted meanwhile is not found.
            let Some(found) = view.find(reference.table(), reference.0, |rank| rank & MAIN == 0) else { continue };
            let is_big = found.bytes * self.entries() > self.small_bytes + self.main_bytes;
            if found.rank & USES_MASK < PROMOTE_USES + u32::from(is_big) && view.may_go(&found) {
                self.ghost.remember(reference.0, self.entries());
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
        let uses = (candidate.rank & USES_MASK).max(1);
        uses as f32 / ((self.idle(candidate.rank) + 1) as f32 * (candidate.bytes as f32).sqrt())
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
            self.share = SHARE_MAX.min(self.share + SHARE_UP / self.entries().max(1) as f32);
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
        if rank & MAIN != 0 && self.victim_idle > 0.0 && self.idle(rank) as f32 > self.victim_idle / 2.0 {
            self.share = SHARE_MIN.max(self.share - SHARE_DOWN / self.entries() as f32);
        }
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
        if let Some(victim) = worst {
            self.victim_idle += (self.idle(victim.rank) as f32 - self.victim_idle) * VICTIM_WEIGHT;
        }
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
