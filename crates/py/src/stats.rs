//! `Cache.stats()`.

use pyo3::prelude::*;
use scrubjay_base::size::human;

/// What a cache counted, at one moment. Sizes are in bytes.
#[pyclass(frozen, get_all, module = "scrubjay")]
pub struct Stats {
    /// Entries.
    entries: u64,
    /// Entries that will expire.
    volatile_entries: u64,
    /// Keys and values alone.
    payload_bytes: u64,
    /// Everything that counts against `max_memory_bytes`.
    memory_bytes: u64,
    /// The most that `memory_bytes` ever was.
    memory_bytes_peak: u64,
    /// The limit; 0: none.
    max_memory_bytes: u64,
    /// The entry limit; 0: none.
    max_entries: u64,
    /// Reads that found their key.
    hits: u64,
    /// Reads that did not.
    misses: u64,
    /// Entries removed to make room.
    evictions: u64,
    /// Entries whose lifetime ended.
    expirations: u64,
    /// Writes refused for want of memory.
    refused: u64,
}

impl From<scrubjay_store::Stats> for Stats {
    fn from(stats: scrubjay_store::Stats) -> Stats {
        Stats {
            entries: stats.entries,
            volatile_entries: stats.volatile_entries,
            payload_bytes: stats.payload_bytes,
            memory_bytes: stats.used_bytes,
            memory_bytes_peak: stats.used_bytes_peak,
            max_memory_bytes: stats.max_memory_bytes,
            max_entries: stats.max_entries,
            hits: stats.hits,
            misses: stats.misses,
            evictions: stats.evictions,
            expirations: stats.expirations,
            refused: stats.refused,
        }
    }
}

#[pymethods]
impl Stats {
    /// Hits among all reads, 0.0 before the first.
    #[getter]
    fn hit_rate(&self) -> f64 {
        match self.hits + self.misses {
            0 => 0.0,
            reads => self.hits as f64 / reads as f64,
        }
    }

    fn __repr__(&self) -> String {
        format!(
            "Stats(entries={}, memory={}, hits={}, misses={}, hit_rate={:.3}, evictions={}, expirations={})",
            self.entries,
            human(self.memory_bytes),
            self.hits,
            self.misses,
            self.hit_rate(),
            self.evictions,
            self.expirations
        )
    }
}
