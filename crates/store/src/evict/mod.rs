//! Eviction: who leaves when memory is short. One file per policy, one trait.
//!
//! A policy owns 32 bits in each entry, its *rank* word, and some state per shard. It has no list of all entries: lists
//! cost 8 to 16 bytes an entry and a write to two neighbours on every hit. Instead a victim is the worst of
//! [`SAMPLE`] random entries (Psounis and Prabhakar, "A randomized web-cache replacement scheme", 2001; Redis does the
//! same with 5). What that costs in hit ratio against the exact policy is measured by the replay tests, on real traces.
//!
//! The shard calls `admit` for a new entry, `touch` on a hit, `forget` when an entry leaves for whatever reason, and
//! `victim` when it needs room. It does the removing.

mod fifo;
mod lfu;
mod lru;
mod random;
mod s3fifo;
mod ttl;

use crate::config::{Rank, Scope};
use crate::entry::{self, GRANULE, Layout};
use crate::heap::{Handle, Heap};
use crate::large::Large;
use crate::table::{Place, Table};
use scrubjay_base::KeyHasher;
use scrubjay_base::clock::UnixMs;
use scrubjay_base::rand::Rng;

pub use fifo::Fifo;
pub use lfu::Lfu;
pub use lru::Lru;
pub use random::Random;
pub use s3fifo::S3Fifo;
pub use ttl::Ttl;

/// Entries looked at for a victim. 16 keeps the miss ratio of sampled LRU within 1 % of exact LRU's on the replayed
/// traces; 8 does not, 32 costs twice the cache misses for a tenth of a per cent.
pub const SAMPLE: usize = 16;

/// What a policy learns about a new entry.
#[derive(Clone, Copy)]
pub struct Newcomer {
    /// The key's hash.
    pub hash: u64,
    /// The number of its table in the shard.
    pub table: usize,
    /// What it takes, key, value and overhead.
    pub bytes: u64,
    /// Now.
    pub now_ms: UnixMs,
}

/// An entry that might go.
#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    /// Where it is.
    pub handle: Handle,
    /// Its rank word.
    pub rank: u32,
    /// Its deadline.
    pub deadline_ms: Option<UnixMs>,
    /// What it takes.
    pub bytes: u64,
}

/// An eviction policy's rules and its state for one shard.
pub trait Evict {
    /// The rank of a new entry.
    fn admit(&mut self, newcomer: &Newcomer) -> u32;
    /// The rank of an entry that was there before this policy was chosen.
    fn adopt(&mut self, bytes: u64, now_ms: UnixMs) -> u32;
    /// The rank after a hit.
    fn touch(&mut self, rank: u32, now_ms: UnixMs) -> u32;
    /// An entry of this rank and size left.
    fn forget(&mut self, rank: u32, bytes: u64) {
        let _ = (rank, bytes);
    }
    /// An entry of this rank changed its size.
    fn resized(&mut self, rank: u32, before_bytes: u64, after_bytes: u64) {
        let _ = (rank, before_bytes, after_bytes);
    }
    /// Who goes; `None` if nothing in this shard may.
    fn victim(&mut self, view: &mut View<'_>) -> Option<Handle>;
    /// Bytes of the policy's own state.
    fn bytes(&self) -> usize {
        0
    }
}

/// What a policy may look at while it chooses: this shard's entries, by sample or by reference.
pub struct View<'a> {
    pub(crate) heap: &'a mut Heap,
    pub(crate) tables: &'a [Table],
    pub(crate) counts: &'a [u32],
    pub(crate) large: &'a Large,
    pub(crate) hasher: &'a KeyHasher,
    pub(crate) rng: &'a mut Rng,
    pub(crate) scope: Scope,
    pub(crate) protect: Option<Handle>,
    /// Now.
    pub now_ms: UnixMs,
}

impl View<'_> {
    /// Up to [`SAMPLE`] random entries that may be evicted, fewer only if the shard has fewer.
    pub fn sample(&mut self) -> Sample {
        let mut handles = [Handle(0); SAMPLE];
        let mut found = 0;
        // A table is chosen in proportion to its entries, then a bucket at random: the entries of a bucket have nothing
        // in common but their hash, so a bucket's worth is as good as as many single draws, and costs one line.
        let Some(mut table) = weighted(self.counts, self.rng) else { return Sample::default() };
        for _ in 0..self.tables.len() {
            let start = self.rng.next_u64();
            let buckets = self.tables[table].bucket_count();
            self.tables[table].sample(start, buckets, |handle| {
                if Some(handle) != self.protect {
                    prefetch(self.heap.block(handle));
                    handles[found] = handle;
                    found += 1;
                }
                found < SAMPLE
            });
            if self.scope == Scope::Volatile {
                found = keep_volatile(self.heap, &mut handles, found);
            }
            if found == SAMPLE {
                break;
            }
            table = (table + 1) % self.tables.len();
        }
        let mut sample = Sample::default();
        for handle in &handles[..found] {
            sample.push(self.candidate(*handle));
        }
        sample
    }

    /// What is to know about the entry at `handle`.
    pub fn candidate(&self, handle: Handle) -> Candidate {
        let block = self.heap.block(handle);
        let layout = Layout::read(block);
        let mut bytes = u64::from(layout.granules()) * GRANULE as u64;
        if layout.is_large() {
            bytes += self.large.get(layout.index(block)).charged_bytes;
        }
        Candidate { handle, rank: entry::rank(block), deadline_ms: layout.deadline_ms(block), bytes }
    }

    /// Whether this entry may be evicted at all.
    pub fn may_go(&self, candidate: &Candidate) -> bool {
        Some(candidate.handle) != self.protect && (self.scope == Scope::AllKeys || candidate.deadline_ms.is_some())
    }

    /// Gives an entry another rank.
    pub fn set_rank(&mut self, handle: Handle, rank: u32) {
        entry::set_rank(self.heap.block_mut(handle), rank);
    }

    /// The entry of table `table` whose hash begins with the 48 bits of `hash`, and for which `fits` holds.
    pub fn find(&self, table: usize, hash: u64, fits: impl Fn(u32) -> bool) -> Option<Candidate> {
        let (_, handle): (Place, Handle) = self.tables.get(table)?.find(hash, |handle| {
            let block = self.heap.block(handle);
            let layout = Layout::read(block);
            let key = crate::shard::key_of(block, layout, self.large);
            fits(entry::rank(block)) && self.hasher.hash(layout.ns(), key) >> 16 == hash >> 16
        })?;
        Some(self.candidate(handle))
    }
}

/// A random index, in proportion to `counts`; `None` if all are zero.
pub fn weighted(counts: &[u32], rng: &mut Rng) -> Option<usize> {
    let total: u64 = counts.iter().map(|&count| u64::from(count)).sum();
    let mut left = rng.below(total);
    counts.iter().position(|&count| {
        let here = left < u64::from(count);
        left = left.saturating_sub(u64::from(count));
        here
    })
}

/// Keeps those of the first `found` handles whose entries have a deadline; returns how many.
fn keep_volatile(heap: &Heap, handles: &mut [Handle; SAMPLE], found: usize) -> usize {
    let mut kept = 0;
    for i in 0..found {
        if Layout::read(heap.block(handles[i])).has_deadline() {
            handles[kept] = handles[i];
            kept += 1;
        }
    }
    kept
}

/// Some candidates, without allocation.
pub struct Sample {
    items: [Candidate; SAMPLE],
    length: usize,
}

impl Default for Sample {
    fn default() -> Sample {
        let nobody = Candidate { handle: Handle(0), rank: 0, deadline_ms: None, bytes: 0 };
        Sample { items: [nobody; SAMPLE], length: 0 }
    }
}

impl Sample {
    fn push(&mut self, candidate: Candidate) {
        self.items[self.length] = candidate;
        self.length += 1;
    }

    /// The candidates.
    pub fn items(&self) -> &[Candidate] {
        &self.items[..self.length]
    }
}

/// Asks for the first line of an entry.
#[inline(always)]
pub fn prefetch(block: &[u8]) {
    crate::prefetch::line(block.as_ptr());
}

/// The policy in force, dispatched without a table of function pointers: `touch` runs on every hit.
pub enum Active {
    /// Nothing is evicted. Accesses are tracked as for LRU, so that switching to it starts with knowledge.
    None(Lru),
    /// Least recently used.
    Lru(Lru),
    /// Least frequently used.
    Lfu(Lfu),
    /// Oldest.
    Fifo(Fifo),
    /// Any.
    Random(Random),
    /// Nearest deadline.
    Ttl(Ttl),
    /// S3-FIFO.
    S3Fifo(Box<S3Fifo>),
}

macro_rules! each {
    ($self:expr, $policy:ident => $call:expr) => {
        match $self {
            Active::None($policy) | Active::Lru($policy) => $call,
            Active::Lfu($policy) => $call,
            Active::Fifo($policy) => $call,
            Active::Random($policy) => $call,
            Active::Ttl($policy) => $call,
            Active::S3Fifo($policy) => $call,
        }
    };
}

impl Active {
    /// The state of a policy that has seen nothing; `None`: no eviction.
    pub fn new(rank: Option<Rank>, seed: u64) -> Active {
        match rank {
            None => Active::None(Lru),
            Some(Rank::Lru) => Active::Lru(Lru),
            Some(Rank::Lfu) => Active::Lfu(Lfu::new(seed)),
            Some(Rank::Fifo) => Active::Fifo(Fifo::default()),
            Some(Rank::Random) => Active::Random(Random),
            Some(Rank::Ttl) => Active::Ttl(Ttl),
            Some(Rank::S3Fifo) => Active::S3Fifo(Box::default()),
        }
    }

    /// Milliseconds since the last access, if this policy knows.
    pub fn idle_ms(&self, rank: u32, now_ms: UnixMs) -> Option<u64> {
        match self {
            Active::None(_) | Active::Lru(_) => Some(Lru::idle_ms(rank, now_ms)),
            _ => None,
        }
    }

    /// How often the entry is used, on the policy's own scale, if it knows.
    pub fn frequency(&self, rank: u32, now_ms: UnixMs) -> Option<u8> {
        match self {
            Active::Lfu(lfu) => Some(lfu.frequency(rank, now_ms)),
            Active::S3Fifo(_) => Some(S3Fifo::frequency(rank)),
            _ => None,
        }
    }
}

impl Evict for Active {
    #[inline]
    fn admit(&mut self, newcomer: &Newcomer) -> u32 {
        each!(self, p => p.admit(newcomer))
    }
    fn adopt(&mut self, bytes: u64, now_ms: UnixMs) -> u32 {
        each!(self, p => p.adopt(bytes, now_ms))
    }
    #[inline]
    fn touch(&mut self, rank: u32, now_ms: UnixMs) -> u32 {
        each!(self, p => p.touch(rank, now_ms))
    }
    #[inline]
    fn forget(&mut self, rank: u32, bytes: u64) {
        each!(self, p => p.forget(rank, bytes));
    }
    #[inline]
    fn resized(&mut self, rank: u32, before_bytes: u64, after_bytes: u64) {
        each!(self, p => p.resized(rank, before_bytes, after_bytes));
    }
    fn victim(&mut self, view: &mut View<'_>) -> Option<Handle> {
        match self {
            Active::None(_) => None,
            _ => each!(self, p => p.victim(view)),
        }
    }
    fn bytes(&self) -> usize {
        each!(self, p => p.bytes())
    }
}
