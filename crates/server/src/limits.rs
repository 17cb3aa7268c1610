//! What a connection may do: every bound on input, output and time, read from the settings once and copied to each
//! thread, which looks for a newer copy once a turn.

use crate::config::Config;

/// The bounds.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Longest value, in bytes.
    pub value_bytes_max: usize,
    /// Whether clients must authenticate.
    pub auth_required: bool,
}

impl Limits {
    /// The bounds that `config` sets.
    pub fn of(config: &Config) -> Limits {
        Limits { value_bytes_max: config.value_bytes_max as usize, auth_required: !config.requirepass.is_empty() }
    }
}
