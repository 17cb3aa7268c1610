//! The settings that a node runs with.

use std::net::IpAddr;

/// A typed snapshot of all settings.
#[derive(Clone, Debug)]
pub struct Config {
    /// Addresses to listen on.
    pub bind: Vec<IpAddr>,
    /// RESP port; 0: closed.
    pub port: u16,
    /// HTTP port; 0: closed.
    pub http_port: u16,
    /// Network threads; 0: one per core.
    pub threads: usize,
    /// Most clients at once.
    pub max_clients: usize,
    /// The password; empty: none.
    pub requirepass: String,
    /// Longest value in bytes.
    pub proto_max_bulk_len: usize,
    /// How the store starts.
    pub store: scrubjay_store::Config,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            bind: vec![IpAddr::from([127, 0, 0, 1])],
            port: 6379,
            http_port: 8080,
            threads: 0,
            max_clients: 10_000,
            requirepass: String::new(),
            proto_max_bulk_len: 512 << 20,
            store: scrubjay_store::Config::default(),
        }
    }
}
