//! What a store counts. Kept per shard under the shard's own lock, so that counting costs no shared cache line; summed
//! when somebody asks.

use crate::compress::CompressionCounts;
use crate::namespaces::NsCount;

/// A sum over all shards at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Entries, expired ones that are not yet removed included.
    pub entries: u64,
    /// Entries with a deadline.
    pub volatile_entries: u64,
    /// The entries of each of the [`NAMESPACES`](crate::NAMESPACES).
    pub per_ns: Vec<NsCount>,
    /// Bytes of keys and values, compressed ones as they are kept.
    pub payload_bytes: u64,
    /// Bytes that entries take, headers and rounding included.
    pub entry_bytes: u64,
    /// Bytes that count against the limit: heap segments, tables, large values, and what others reserved.
    pub used_bytes: u64,
    /// The most that `used_bytes` ever was.
    pub used_bytes_peak: u64,
    /// The limit; 0: none.
    pub max_memory_bytes: u64,
    /// The entry limit; 0: none.
    pub max_entries: u64,
    /// The compressed values.
    pub compression: CompressionCounts,
    /// Reads that found their key.
    pub hits: u64,
    /// Reads that did not.
    pub misses: u64,
    /// Entries that made room for others.
    pub evictions: u64,
    /// Entries whose deadline passed.
    pub expirations: u64,
    /// Writes refused for want of memory.
    pub refused: u64,
}
