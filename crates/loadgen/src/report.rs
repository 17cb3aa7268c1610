//! What a run found.

use serde::{Deserialize, Serialize};

/// The result of one run. All counts are of the measured window, all rates per second of it.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Report {
    /// Replies received.
    pub ops: u64,
    /// Length of the measured window.
    pub seconds: f64,
    /// Replies per second.
    pub ops_per_s: f64,
    /// Reads that found their key.
    pub hits: u64,
    /// Reads that did not.
    pub misses: u64,
    /// Writes and pings that were confirmed.
    pub stored: u64,
    /// Error replies.
    pub errors: u64,
    /// The text of the first one.
    pub first_error: Option<String>,
    /// Batch latency, microseconds: from the write (closed loop) or the due moment (open loop) to the last reply.
    pub p50_us: f64,
    /// 99th percentile.
    pub p99_us: f64,
    /// 99.9th percentile.
    pub p999_us: f64,
    /// The slowest batch, exactly.
    pub max_us: f64,
    /// Cores the generator used: 0.7 is 70 % of one. In a closed loop a value near [`Config::threads`](crate::Config)
    /// means that the throughput, not the server's CPU per operation, may be the generator's. An open loop spins.
    pub generator_cpu: f64,
    /// The generator's CPU per operation, microseconds.
    pub generator_cpu_us_per_op: f64,
    /// Cores the server used; absent when its process was not named.
    pub server_cpu: Option<f64>,
    /// The server's CPU per operation, microseconds, summed over its threads; absent when its process was not named.
    pub server_cpu_us_per_op: Option<f64>,
    /// Open loop: how late the generator itself wrote, 99th percentile, microseconds. A value near the latencies says
    /// that the generator's core was not its own; they are then an upper bound.
    pub send_lag_p99_us: Option<f64>,
}
