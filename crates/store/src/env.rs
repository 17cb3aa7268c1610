//! What all shards share, and how one reaches another: to take memory from it when its own is short.
//!
//! A shard that holds its own lock only ever *tries* another's, so no two can wait for each other.

use crate::budget::Budget;
use crate::compress::CompressionCell;
use crate::effect::Journal;
use crate::key::{Key, NsSet};
use crate::namespaces::Namespaces;
use crate::pool::Pool;
use crate::shard::Shard;
use crate::table::{Bucket, Table};
use crate::tick::Ticks;
use crate::value::PackingCell;
use parking_lot::{Mutex, MutexGuard};
use scrubjay_base::rand::Rng;
use scrubjay_base::{KeyHasher, SlotId};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};

/// How often a shard that must have memory asks all others again when some were locked.
const ROUNDS_MAX: usize = 100;

/// What all shards share.
pub struct Env {
    /// Hashes keys.
    pub hasher: KeyHasher,
    /// The memory limit.
    pub budget: Arc<Budget>,
    /// Where segments come from.
    pub pool: Pool,
    /// Who hears effects.
    pub journal: Option<Arc<dyn Journal>>,
    /// Whether anybody does at present: while nobody does, effects are not even made.
    pub telling: AtomicBool,
    /// Up to where collections are one run.
    pub packing: PackingCell,
    /// Which values are compressed.
    pub compression: CompressionCell,
    /// Deadlines to ticks.
    pub ticks: Ticks,
    /// Number of shards minus one.
    pub shard_mask: usize,
    /// Number of tables minus one; at least `shard_mask`.
    pub table_mask: usize,
    /// For prefetching: where the tables' buckets lie, as far as known.
    pub hints: Box<[Hint]>,
    /// The entry limit; 0: none.
    pub max_entries: AtomicU64,
    /// Entries in all shards; kept only while there is an entry limit.
    pub entries: AtomicU64,
    /// What namespaces were told for themselves.
    pub namespaces: Namespaces,
    /// The next token of a lease.
    pub lease_tokens: AtomicU64,
    /// The shards. A shard that holds its own lock only ever tries another's.
    pub shards: Box<[Berth]>,
}

/// A shard, its lock, and what others may read of it without the lock; apart from its neighbours' cache lines.
#[repr(align(128))]
pub struct Berth {
    /// The shard.
    pub shard: Mutex<Shard>,
    /// The tick at which something is due in it.
    pub due: AtomicU32,
    /// What it holds, in bytes, as of its last change of segments.
    pub bytes: AtomicU64,
    /// The address of its first table, for prefetching only.
    pub tables: AtomicUsize,
}

/// Where a table's buckets lay when it last said so. Good enough to prefetch, never dereferenced.
#[derive(Default)]
pub struct Hint {
    /// The first bucket.
    pub buckets: AtomicPtr<Bucket>,
    /// How many.
    pub count: AtomicUsize,
}

impl Env {
    /// Who hears the next effect.
    #[inline(always)]
    pub fn listener(&self) -> Option<&dyn Journal> {
        match &self.journal {
            Some(journal) if self.telling.load(Relaxed) => Some(&**journal),
            _ => None,
        }
    }

    /// The shard of a slot.
    #[inline(always)]
    pub fn shard_of(&self, slot: SlotId) -> usize {
        slot.index() & self.shard_mask
    }

    /// The table of a slot, among all tables.
    #[inline(always)]
    pub fn table_of(&self, slot: SlotId) -> usize {
        slot.index() & self.table_mask
    }

    /// The table of a slot, among those of its shard.
    #[inline(always)]
    pub fn table_in_shard(&self, slot: SlotId) -> usize {
        self.table_of(slot) >> self.shard_bits()
    }

    /// How many tables of a shard the namespaces share that have none of their own.
    #[inline(always)]
    pub fn common_tables(&self) -> usize {
        (self.table_mask + 1) >> self.shard_bits()
    }

    pub fn shard_bits(&self) -> u32 {
        (self.shard_mask + 1).trailing_zeros()
    }

    /// Another shard than `number`, locked, if one is to be had at once: the larger of two random ones, so that memory is
    /// taken in proportion to what is held.
    pub fn another(&self, number: usize, rng: &mut Rng) -> Option<MutexGuard<'_, Shard>> {
        let mut pick = || {
            let other = rng.below(self.shard_mask as u64) as usize;
            if other < number { other } else { other + 1 }
        };
        let (a, b) = (pick(), pick());
        let held = |n: usize| self.shards[n].bytes.load(Relaxed);
        self.shards[if held(a) >= held(b) { a } else { b }].shard.try_lock()
    }

    /// Asks the other shards, starting at a random one, until one says that it did something. A few rounds, because a
    /// shard may be locked by its user for a moment.
    pub fn any_other(&self, number: usize, rng: &mut Rng, mut ask: impl FnMut(&mut Shard) -> bool) -> bool {
        for _ in 0..ROUNDS_MAX {
            let (start, mut busy) = (rng.below(self.shards.len() as u64) as usize, false);
            for step in 0..self.shards.len() {
                let other = (start + step) % self.shards.len();
                if other == number {
                    continue;
                }
                match self.shards[other].shard.try_lock() {
                    Some(mut shard) => {
                        if ask(&mut shard) {
                            return true;
                        }
                    }
                    None => busy = true,
                }
            }
            if !busy {
                break;
            }
            std::thread::yield_now();
        }
        false
    }

    /// Where the buckets of the key's table lay; `apart`: the namespaces with tables of their own.
    #[inline(always)]
    fn hint(&self, key: &Key<'_>, apart: NsSet) -> &Hint {
        let table = self.table_of(key.slot);
        let own = if apart.contains(key.ns) { self.namespaces.hint(key.ns, table) } else { None };
        own.unwrap_or(&self.hints[table])
    }

    /// Asks for the bucket of a key.
    #[inline(always)]
    pub(crate) fn prefetch_bucket(&self, key: &Key<'_>) {
        Env::prefetch_bucket_at(self.hint(key, self.namespaces.apart()), key);
    }

    #[inline(always)]
    fn prefetch_bucket_at(hint: &Hint, key: &Key<'_>) {
        let home = (u64::from(crate::table::position(key.hash)) * hint.count.load(Relaxed) as u64) >> 32;
        crate::prefetch::line(hint.buckets.load(Relaxed).wrapping_add(home as usize));
    }

    /// The first two passes of a prefetch, which need no lock: the tables' addresses, their buckets.
    #[inline]
    pub(crate) fn prefetch_buckets(&self, keys: &[Key<'_>]) {
        let apart = self.namespaces.apart();
        for key in keys {
            let berth = &self.shards[self.shard_of(key.slot)];
            crate::prefetch::line(&raw const *self.hint(key, apart));
            crate::prefetch::line(berth);
            crate::prefetch::line((&raw const *berth).wrapping_byte_add(64));
            let number = self.table_in_shard(key.slot);
            let own = if apart.contains(key.ns) { self.namespaces.span(key.ns) } else { None };
            let table = own.map_or(number, |span| span.table(number));
            crate::prefetch::line((berth.tables.load(Relaxed) + table * size_of::<Table>()) as *const Table);
        }
        for key in keys {
            Env::prefetch_bucket_at(self.hint(key, apart), key);
        }
    }
}
