//! Instruments: how the server counts what it does without slowing down what it does.
//!
//! ```text
//!   thread 1: Sheet { hits: Counter, latency: Histogram, .. }  --+
//!   thread 2: Sheet { .. }                                     --+--> PerThread::sum / merge --> Exposition --> text
//!   thread 3: Sheet { .. }                                     --+         (when somebody asks)
//! ```
//!
//! - [`counter`]: [`Counter`] has one writer and any number of readers; [`Tally`] and [`Gauge`] have many writers and are
//!   for rare events.
//! - [`histogram`]: latencies in buckets of bounded relative error.
//! - [`per_thread`]: one block of instruments for each thread, added up when read.
//! - [`family`] and [`exposition`]: metrics as declared things with a sentence each, and Prometheus' text format.
//!
//! Not here: which metrics exist (the server declares them), time-outs, sampling over time, and any network. Nothing here
//! reads a clock.

pub mod counter;
pub mod exposition;
pub mod family;
pub mod histogram;
pub mod per_thread;

pub use counter::{Counter, Gauge, Tally};
pub use exposition::Exposition;
pub use family::{Family, Kind};
pub use histogram::{Histogram, Snapshot};
pub use per_thread::PerThread;
