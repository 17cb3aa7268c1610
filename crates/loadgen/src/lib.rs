//! A load generator that is never the bottleneck, so that what it measures is the server.
//!
//! ```text
//!  Batch: P requests built once ── 12 key digits patched ──> write ──> server
//!                                                                        │
//!  Histogram <── one time stamp per batch <── reply::scan <── read ──────┘   every reply is parsed
//! ```
//!
//! redis-benchmark and memtier spend more CPU per operation than the servers they drive, so their figures are their own.
//! Here a request costs the patching of its key and a reply the comparison of its first bytes; one thread drives all its
//! connections from one poll, one read and one write per batch, with one shared send and one shared receive buffer that
//! stay in the L2 cache.
//!
//! - [`Config`] says what to send; [`run`] sends it and returns a [`Report`]. Both are serde types: the command line
//!   `loadgen` and the Python package pass them through as JSON.
//! - Closed loop: each connection sends a batch, waits for all its replies, sends the next. It finds the
//!   capacity, and its latencies are those of a saturated server.
//! - Open loop ([`Config::rate_per_s`]): batches fall due at random moments of a given mean rate, whether or not the server
//!   keeps up, and latency counts from the moment a batch *fell due*. A closed loop that waits out a stall records it
//!   once (Tene's "coordinated omission"); this one records every request that the stall would have hit.
//! - The figure to compare servers by is [`Report::server_cpu_us_per_op`]: it holds even where client or kernel limit
//!   the throughput.
//!
//! What is not here: starting servers, pinning threads to cores and comparing runs (the `bench/` scripts do that), and
//! workloads with skew, which are the business of trace replay.

mod batch;
mod closed;
mod config;
mod connection;
mod error;
mod histogram;
mod open;
mod procfs;
mod reply;
mod report;
mod run;
mod worker;

pub use config::{Config, Operation, Protocol};
pub use error::Error;
pub use report::Report;
pub use run::run;
