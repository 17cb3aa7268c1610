//! What a namespace may be told for itself: a memory limit, a policy, a lifetime.
//!
//! ```text
//!   a namespace that was told nothing     shares tables and policy with all the others that were told nothing
//!   one with a limit or a policy          has tables of its own, and so a policy of its own that finds its entries
//!                                         without looking at anybody else's; the heap is everybody's
//! ```
//! A limit is an upper bound and no promise: when the node is full, every namespace whose policy evicts gives, in
//! proportion to what it holds. One with `noeviction` gives nothing.

use crate::config::Policy;
use crate::key::{NAMESPACES, Ns};
use parking_lot::Mutex;
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

/// The settings of all namespaces as the shards look at them.
pub struct Namespaces {
    node_ttl_ms: AtomicU64,
    ttls_ms: [AtomicU64; NAMESPACES as usize],
    told: Mutex<[NsSettings; NAMESPACES as usize]>,
}

impl Namespaces {
    /// Nothing was told to any.
    pub fn new(node_ttl_ms: u64) -> Namespaces {
        Namespaces {
            node_ttl_ms: node_ttl_ms.into(),
            ttls_ms: std::array::from_fn(|_| INHERITED.into()),
            told: Mutex::new([NsSettings::default(); NAMESPACES as usize]),
        }
    }

    /// Lifetime of an entry of `ns` that is written without one; 0: for ever.
    #[inline]
    pub fn default_ttl_ms(&self, ns: Ns) -> u64 {
        match self.ttls_ms[ns.0 as usize].load(Relaxed) {
            INHERITED => self.node_ttl_ms(),
            own => own,
        }
    }

    /// What `ns` was told.
    pub fn settings(&self, ns: Ns) -> NsSettings {
        self.told.lock()[ns.0 as usize]
    }

    /// Tells it something else.
    pub fn set(&self, ns: Ns, settings: NsSettings) {
        let mut told = self.told.lock();
        told[ns.0 as usize] = settings;
        self.ttls_ms[ns.0 as usize].store(settings.default_ttl_ms.unwrap_or(INHERITED), Relaxed);
    }

    /// The node's.
    pub fn node_ttl_ms(&self) -> u64 {
        self.node_ttl_ms.load(Relaxed)
    }

    /// Changes the node's.
    pub fn set_node_ttl_ms(&self, ttl_ms: u64) {
        self.node_ttl_ms.store(ttl_ms, Relaxed);
    }
}
