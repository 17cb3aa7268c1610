//! The store: keys and values in memory, with deadlines, under a limit.
//!
//! ```text
//!   Store ── Shard (lock) ┬─ Table per slot or few: one-line buckets of tags and handles     table
//!                         ├─ Heap: segments of packed entries, movable                       heap, entry, pool
//!                         ├─ Large: long values, shared by reference count                   large, strings, holes
//!                         ├─ lists, sets, sorted sets, hashes: inline while small             value
//!                         ├─ groups of keys that are deleted at once, by tag or prefix        groups
//!                         ├─ leases: who may fill a key that is not there                     lease
//!                         ├─ values compressed, if asked for                                  compress
//!                         ├─ Active policy: 32 bits in each entry, victims by sampling       evict
//!                         └─ every change, once, as an Effect to the Journal                 effect
//! ```
//! Single-threaded code behind short locks: a thread that has a command runs it to completion. Time is a parameter.
//!
//! Not here: commands (crate `command`), sockets and clocks (crate `server`), and whoever listens to the journal.

mod admit;
mod arrays;
mod budget;
mod chunk;
pub mod compress;
mod config;
mod effect;
mod entry;
mod env;
mod everywhere;
mod evict;
mod groups;
mod guard;
mod heap;
mod holes;
mod insight;
mod key;
mod large;
mod lease;
mod namespaces;
#[cfg(test)]
mod namespaces_tests;
mod pool;
mod prefetch;
mod shard;
#[cfg(test)]
mod stale_tests;
mod stats;
mod store;
mod strings;
mod table;
#[cfg(test)]
mod tests;
mod tick;
pub mod value;

pub use admit::Planned;
pub use compress::{Codec, Compressed, Compression, CompressionCounts, Incoming, SharedBytes};
pub use config::{Config, Policy, Rank, Scope, UnknownPolicy};
pub use effect::{Effect, Journal, Removal};
pub use everywhere::{Everywhere, Scanned};
pub use groups::Group;
pub use guard::Guard;
pub use insight::Big;
pub use key::{DATABASES, KEY_BYTES_MAX, Key, NAMESPACES, Ns, NsSet};
pub use large::Body;
pub use lease::Lease;
pub use namespaces::{NsCount, NsSettings};
pub use shard::Entry;
pub use stats::Stats;
pub use store::Store;
pub use value::Kind;

pub mod flags {
    //! The 32 bits that travel with an entry. memcached clients may put any number here; what the SDK and the HTTP door
    //! say about a value's kind has numbers of its own that no client uses by accident, and that the entry packs into
    //! four bits.

    /// Plain bytes, nothing known.
    pub const NONE: u32 = 0;
    /// The first of fifteen numbers that cost no extra memory.
    pub const PACKED_BASE: u32 = 0x5CB0_0000;
    /// The value is JSON text (never a bare JSON string: those are stored without mark).
    pub const JSON: u32 = PACKED_BASE + 1;
    /// The value is a Python `str`, UTF-8.
    pub const STR: u32 = PACKED_BASE + 2;
    /// The value is a Python `int`, decimal.
    pub const INT: u32 = PACKED_BASE + 3;
}

/// A value that would not fit, even after evicting what may be evicted. Nothing was changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OutOfMemory {
    /// Under the node's limit.
    Node,
    /// Under the limit of the key's namespace.
    Namespace,
}

impl std::fmt::Display for OutOfMemory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            OutOfMemory::Node => {
                "not enough memory under the limit, and nothing that may be evicted; nothing was changed"
            }
            OutOfMemory::Namespace => {
                "not enough memory under the namespace's own limit, and nothing of it that may be evicted; nothing was \
                 changed"
            }
        })
    }
}

impl std::error::Error for OutOfMemory {}

/// How a look-up counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// A read by a client: counts as hit or miss, refreshes the entry's rank.
    Read,
    /// A read that leaves the rank alone (`CLIENT NO-TOUCH`, `EXISTS`, `TTL`): counts as hit or miss.
    ReadNoTouch,
    /// A look inside the server or before a write: counts nothing, refreshes nothing.
    Peek,
    /// A write's look-up: refreshes the rank, counts neither hit nor miss.
    Write,
}

/// When a written entry expires.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Deadline {
    /// As before the write; for a new entry, the default TTL.
    Keep,
    /// The default TTL from now; none if none is set.
    Default,
    /// Never, whatever the default TTL says.
    Never,
    /// At this moment (Unix milliseconds).
    At(scrubjay_base::clock::UnixMs),
    /// At the moment `at`; but it is kept until the moment `until`, for those who take it stale. For strings.
    Stale {
        /// The deadline, which reads and lifetimes go by.
        at: scrubjay_base::clock::UnixMs,
        /// When it is removed.
        until: scrubjay_base::clock::UnixMs,
    },
}

/// The flags of a written entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flags {
    /// As before the write; for a new entry, none.
    Keep,
    /// These.
    Set(u32),
}
