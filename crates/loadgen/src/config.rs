//! What to send: the one table of settings, shared by the command line and the Python binding.

use crate::Error;
use serde::{Deserialize, Serialize};

/// The wire language to speak.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// Redis' protocol, version 2 (version 3 replies are understood too).
    Resp,
    /// memcached's text protocol: `get` and `set`.
    Memcached,
    /// memcached's meta commands: `mg` and `ms`. Pipelined reads cost memcached a system call each in the text protocol
    /// and not in this one.
    Meta,
    /// HTTP/1.1 with keep-alive: `GET` and `PUT` of [`Config::http_path`] + key, raw bodies.
    Http,
}

/// What the requests ask for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Operation {
    /// Read a key drawn uniformly.
    Get,
    /// Write a key drawn uniformly.
    Set,
    /// [`Config::set_percent`] of the requests write, the others read.
    Mix,
    /// Write every key once, in order; ends by itself.
    Load,
    /// `PING` (RESP only).
    Ping,
}

/// One run. Unknown fields are refused, missing ones take the default given with each.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where the server listens: a name or an address. Default `127.0.0.1`.
    pub host: String,
    /// The server's port. Default 6379.
    pub port: u16,
    /// Default `resp`.
    pub protocol: Protocol,
    /// Default `get`.
    pub operation: Operation,
    /// Share of writes in a `mix`, 0 to 100. Default 10.
    pub set_percent: u8,
    /// Time to live that writes give, in seconds; 0 for none. Default 0.
    pub ttl_s: u32,
    /// Length of a value in bytes. Default 64.
    pub value_bytes: usize,
    /// If larger than `value_bytes`: each write draws one of 16 lengths evenly spread from that to this. Default 0.
    pub value_bytes_max: usize,
    /// How many keys there are: `key:` and twelve digits, 16 bytes each. Default 1,000,000; at most 2^32 (drawing uses
    /// 32 random bits).
    pub keys: u64,
    /// The number of the first key. Default 0.
    pub first_key: u64,
    /// Requests that are written together and answered together. Default 1.
    pub pipeline: usize,
    /// Connections, shared out among the threads. Default 50.
    pub connections: usize,
    /// Generator threads. Default 1: one drives more than one server core can answer.
    pub threads: usize,
    /// Seconds measured. Default 3. `load` ignores it.
    pub duration_s: f64,
    /// Seconds run before that, not measured. Default 0.5. `load` ignores it.
    pub warmup_s: f64,
    /// Requests per second of an open loop; 0 for a closed loop. Default 0.
    pub rate_per_s: f64,
    /// The server's process, whose CPU time is read from `/proc`; 0 when unknown. Default 0.
    pub server_pid: u32,
    /// What stands before the key in an HTTP request. Default `/v1/keys/`.
    pub http_path: String,
    /// Seed of keys, values and arrival times. Default 1.
    pub seed: u64,
    /// A server that answers nothing for so many seconds has failed. Default 10.
    pub stall_s: f64,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            host: "127.0.0.1".to_owned(),
            port: 6379,
            protocol: Protocol::Resp,
            operation: Operation::Get,
            set_percent: 10,
            ttl_s: 0,
            value_bytes: 64,
            value_bytes_max: 0,
            keys: 1_000_000,
            first_key: 0,
            pipeline: 1,
            connections: 50,
            threads: 1,
            duration_s: 3.0,
            warmup_s: 0.5,
            rate_per_s: 0.0,
            server_pid: 0,
            http_path: "/v1/keys/".to_owned(),
            seed: 1,
            stall_s: 10.0,
        }
    }
}

/// The twelve digits of a key end here.
const KEY_NUMBER_MAX: u64 = 999_999_999_999;

impl Config {
    /// Refuses what cannot be run, with a sentence that names the setting.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let seconds = |value: f64| value.is_finite() && (0.0..1e6).contains(&value);
        let value_bytes = self.value_bytes.max(self.value_bytes_max);
        let complaint = if self.keys == 0 || self.keys > 1 << 32 {
            "keys: 1 to 4294967296"
        } else if self.first_key > KEY_NUMBER_MAX - self.keys {
            "first_key: first_key + keys must stay below 10^12, a key has twelve digits"
        } else if self.pipeline == 0 || self.pipeline > 100_000 {
            "pipeline: 1 to 100000"
        } else if self.connections == 0 || self.threads == 0 || self.threads > self.connections {
            "connections and threads: at least 1, and not more threads than connections"
        } else if value_bytes > 512 << 20 || value_bytes.saturating_mul(self.pipeline) > 1 << 30 {
            "value_bytes, value_bytes_max: at most 512 MiB, and at most 1 GiB times pipeline"
        } else if self.set_percent > 100 {
            "set_percent: 0 to 100"
        } else if !seconds(self.duration_s) || !seconds(self.warmup_s) || !seconds(self.stall_s) {
            "duration_s, warmup_s, stall_s: 0 to 1000000 seconds"
        } else if !self.rate_per_s.is_finite() || self.rate_per_s < 0.0 {
            "rate_per_s: 0 for a closed loop, or a positive number"
        } else if self.rate_per_s > 0.0 && self.operation == Operation::Load {
            "rate_per_s: a load runs as fast as it can; leave the rate at 0"
        } else if self.operation == Operation::Ping && self.protocol != Protocol::Resp {
            "operation: ping exists in the resp protocol only"
        } else if !self.http_path.starts_with('/') || self.http_path.bytes().any(|b| b <= b' ' || b > b'~') {
            "http_path: starts with '/', printable ASCII without spaces"
        } else {
            return Ok(());
        };
        Err(Error::BadConfig(complaint.to_owned()))
    }
}
