//! What a namespace may be told for itself: a memory limit, a policy, a lifetime.
//!
//! ```text
//!   a namespace that was told nothing, or    shares tables and policy with all the others like it
//!   a lifetime only
//!   one with a limit or a policy             has tables of its own in every shard, and so a policy of its own that finds its
//!                                            entries without looking at anybody else's; heap and lock are everybody's
//! ```
//! A limit is an upper bound and no promise: when the node is full, every namespace whose policy evicts gives, in
//! proportion to what it holds. One with `noeviction` gives nothing.

use crate::config::Policy;
use crate::env::Hint;
use crate::key::{NAMESPACES, Ns, NsSet};
use parking_lot::Mutex;
use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What a namespace was told. [`NsSettings::default`]: nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct NsSettings {
    /// Most bytes that its entries and its tables may take; 0: no limit but the node's.
    pub max_memory_bytes: u64,
    /// What is evicted of it; `None`: what the node's policy says.
    pub policy: Option<Policy>,
    /// Lifetime of an entry that is written without one, 0: for ever; `None`: the node's.
    pub default_ttl_ms: Option<u64>,
}

impl NsSettings {
    /// Whether it has tables of its own.
    pub(crate) fn is_apart(&self) -> bool {
        self.max_memory_bytes > 0 || self.policy.is_some()
    }
}

/// Entries of one namespace.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct NsCount {
    /// All, expired ones that are not yet removed included.
    pub entries: u64,
    /// Those with a deadline.
    pub volatile: u64,
    /// What they take, headers and rounding included.
    pub bytes: u64,
}

impl NsCount {
    /// Adds another's.
    pub fn merge(&mut self, other: NsCount) {
        self.entries += other.entries;
        self.volatile += other.volatile;
        self.bytes += other.bytes;
    }
}

/// No lifetime of its own.
const INHERITED: u64 = u64::MAX;

/// What is looked at on writes, and seldom written.
struct Told {
    ttl_ms: AtomicU64,
    max_bytes: AtomicU64,
    /// Which of every shard's tables are its own, packed as [`Span::pack`] does; 0: none.
    span: AtomicU64,
    /// Where its own tables' buckets lie: as many as it first had tables, good enough for a hint.
    hints: OnceLock<Box<[Hint]>>,
}

/// Written by every thread that writes to a namespace with tables of its own, and so on a line of its own.
#[repr(align(64))]
#[derive(Default)]
struct Used(AtomicU64);

/// The settings of all namespaces as the shards look at them.
pub struct Namespaces {
    node_ttl_ms: AtomicU64,
    told: [Told; NAMESPACES as usize],
    used: [Used; NAMESPACES as usize],
    /// Those that have tables of their own.
    apart: AtomicU64,
    settings: Mutex<[NsSettings; NAMESPACES as usize]>,
}

impl Namespaces {
    /// Nothing was told to any.
    pub fn new(node_ttl_ms: u64) -> Namespaces {
        Namespaces {
            node_ttl_ms: node_ttl_ms.into(),
            told: std::array::from_fn(|_| Told {
                ttl_ms: INHERITED.into(),
                max_bytes: AtomicU64::new(0),
                span: AtomicU64::new(0),
                hints: OnceLock::new(),
            }),
            used: std::array::from_fn(|_| Used::default()),
            apart: AtomicU64::new(0),
            settings: Mutex::new([NsSettings::default(); NAMESPACES as usize]),
        }
    }

    fn told(&self, ns: Ns) -> &Told {
        &self.told[ns.0 as usize]
    }

    /// Lifetime of an entry of `ns` that is written without one; 0: for ever.
    #[inline]
    pub fn default_ttl_ms(&self, ns: Ns) -> u64 {
        match self.told(ns).ttl_ms.load(Relaxed) {
            INHERITED => self.node_ttl_ms(),
            own => own,
        }
    }

    /// The node's.
    pub fn node_ttl_ms(&self) -> u64 {
        self.node_ttl_ms.load(Relaxed)
    }

    /// Changes the node's.
    pub fn set_node_ttl_ms(&self, ttl_ms: u64) {
        self.node_ttl_ms.store(ttl_ms, Relaxed);
    }

    /// Its memory limit; 0: none.
    #[inline]
    pub fn max_bytes(&self, ns: Ns) -> u64 {
        self.told(ns).max_bytes.load(Relaxed)
    }

    /// What its entries and tables take, if they are its own.
    pub fn used_bytes(&self, ns: Ns) -> u64 {
        self.used[ns.0 as usize].0.load(Relaxed)
    }

    /// By how much it is over its limit.
    pub fn surplus_bytes(&self, ns: Ns) -> u64 {
        match self.max_bytes(ns) {
            0 => 0,
            max => self.used_bytes(ns).saturating_sub(max),
        }
    }

    /// It takes so much more, or less.
    pub fn note_bytes(&self, ns: Ns, before: u64, after: u64) {
        // Wraps to the difference, whichever way it goes.
        self.used[ns.0 as usize].0.fetch_add(after.wrapping_sub(before), Relaxed);
    }

    /// The namespaces that have tables of their own.
    #[inline(always)]
    pub fn apart(&self) -> NsSet {
        NsSet::from_bits(self.apart.load(Relaxed))
    }

    /// Which tables of every shard are its own; `None`: it shares the common ones.
    #[inline]
    pub fn span(&self, ns: Ns) -> Option<Span> {
        Span::unpack(self.told(ns).span.load(Relaxed))
    }

    /// Where the buckets lay of the namespace's own table for keys that are in common table `table` of the store.
    #[inline]
    pub fn hint(&self, ns: Ns, table: usize) -> Option<&Hint> {
        let hints = self.told(ns).hints.get()?;
        hints.get(table & (hints.len() - 1))
    }

    /// Makes `count` hints for the namespace, a power of two, unless it has some. Returns the bytes that were taken.
    pub fn make_hints(&self, ns: Ns, count: usize) -> usize {
        let mut bytes = 0;
        self.told(ns).hints.get_or_init(|| {
            bytes = count * size_of::<Hint>();
            (0..count).map(|_| Hint::default()).collect()
        });
        bytes
    }

    /// What `ns` was told.
    pub fn settings(&self, ns: Ns) -> NsSettings {
        self.settings.lock()[ns.0 as usize]
    }

    /// Tells it something else, and gives it `tables` tables of every shard if it is to have its own. `common`: how many
    /// all share. Returns those that it had and those that it has from now on.
    pub fn set(&self, ns: Ns, settings: NsSettings, tables: u32, common: u32) -> (Option<Span>, Option<Span>) {
        let mut all = self.settings.lock();
        all[ns.0 as usize] = settings;
        let told = self.told(ns);
        told.ttl_ms.store(settings.default_ttl_ms.unwrap_or(INHERITED), Relaxed);
        told.max_bytes.store(settings.max_memory_bytes, Relaxed);
        let before = self.span(ns);
        let after = match settings.is_apart() {
            true => before.filter(|span| span.count == tables).or_else(|| Some(self.free_span(tables, common))),
            false => None,
        };
        told.span.store(after.map_or(0, Span::pack), Relaxed);
        let bit = NsSet::of(Some(ns)).bits();
        match after {
            Some(_) => self.apart.fetch_or(bit, Relaxed),
            None => self.apart.fetch_and(!bit, Relaxed),
        };
        (before, after)
    }

    /// The first gap of so many tables behind the common ones. The span that a namespace is about to leave is still taken.
    fn free_span(&self, count: u32, common: u32) -> Span {
        let mut taken: Vec<Span> = (0..NAMESPACES).filter_map(|ns| self.span(Ns(ns))).collect();
        taken.sort_unstable_by_key(|span| span.first);
        let mut first = common;
        for span in taken {
            if first + count <= span.first {
                break;
            }
            first = span.first + span.count;
        }
        Span { first, count }
    }
}

/// Tables of a shard that are one namespace's: the same in every shard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    /// The first one, behind the common ones.
    pub first: u32,
    /// How many, a power of two.
    pub count: u32,
}

impl Span {
    fn pack(self) -> u64 {
        u64::from(self.first) << 32 | u64::from(self.count)
    }

    fn unpack(packed: u64) -> Option<Span> {
        (packed != 0).then_some(Span { first: (packed >> 32) as u32, count: packed as u32 })
    }

    /// The table of keys that are in common table `number` where tables are shared.
    #[inline]
    pub fn table(self, number: usize) -> usize {
        self.first as usize + self.number(number)
    }

    /// The same, counted from the first.
    #[inline]
    pub fn number(self, number: usize) -> usize {
        number & (self.count as usize - 1)
    }

    /// All.
    pub fn range(self) -> Range<usize> {
        self.first as usize..(self.first + self.count) as usize
    }
}
