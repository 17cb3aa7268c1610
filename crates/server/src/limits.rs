//! What a connection may do: every bound on input, output and time, read from the settings once and copied to each
//! thread, which looks for a newer copy once a turn.

use crate::config::Config;
use scrubjay_command::SizeLimits;
use scrubjay_protocol::{http, resp};
use std::time::Duration;

/// The bounds. Times are milliseconds; 0 means unbounded where a sentence does not say otherwise.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Whether clients must authenticate.
    pub auth_required: bool,
    /// Most clients at once, over all doors.
    pub clients_max: usize,
    /// Longest key, in bytes.
    pub key_bytes_max: usize,
    /// Longest value, in bytes.
    pub value_bytes_max: usize,
    /// What a RESP client may send that has authenticated, or need not.
    pub resp: resp::Limits,
    /// What one may send before.
    pub resp_before_auth: resp::Limits,
    /// What an HTTP request may be.
    pub http: http::Limits,
    /// What it may ask for.
    pub http_data: http::Bounds,
    /// Bytes that a client may send altogether before it has authenticated.
    pub before_auth_bytes_max: u64,
    /// Time until a client must have authenticated.
    pub auth_ms_max: u64,
    /// Time that a request may take from its first byte to its last, unless it brings [`REQUEST_BYTES_PER_SECOND_MIN`].
    pub request_ms_max: u64,
    /// Time that a client may be silent between requests.
    pub idle_ms_max: u64,
    /// Bytes of answers that may wait for one client: beyond, its requests wait too.
    pub output_bytes_max: usize,
    /// Time that a client with so many bytes waiting may take none of them before it is dropped; 0: none at all.
    pub output_stall_ms_max: u64,
    /// Bytes of messages that may wait for a subscriber before it is dropped.
    pub pubsub_bytes_max: usize,
    /// Bytes of messages that may wait for a subscriber for [`Limits::pubsub_soft_ms_max`] and no longer.
    pub pubsub_soft_bytes_max: usize,
    /// How long so many may wait.
    pub pubsub_soft_ms_max: u64,
    /// Share of the memory limit that all clients' buffers together may take, in percent.
    pub clients_memory_percent: u64,
    /// The largest request that is kept until all of it has arrived: what all clients' buffers may take, less what reading
    /// it takes besides.
    pub room_bytes_max: usize,
    /// Time after which the kernel probes a silent connection.
    pub keepalive_ms: u64,
}

/// A request that is still coming in after its time stays alive at this rate: a large value over a slow line is no attack,
/// a byte a second is. 1 KiB/s is a hundredth of the slowest mobile connections in use; chosen, untested.
pub const REQUEST_BYTES_PER_SECOND_MIN: u64 = 1024;

impl Limits {
    /// How long keys and values may be.
    #[inline]
    pub fn sizes(&self) -> SizeLimits {
        SizeLimits { key_bytes_max: self.key_bytes_max, value_bytes_max: self.value_bytes_max }
    }

    /// The bounds that `config` sets, with a memory limit of `max_memory_bytes` (0: none).
    pub fn of(config: &Config, max_memory_bytes: u64) -> Limits {
        let ms = |duration: Duration| duration.as_millis() as u64;
        let resp = resp::Limits {
            authenticated: true,
            args_max: config.batch_items_max,
            bulk_bytes_max: config.value_bytes_max as usize,
            inline_bytes_max: config.inline_bytes_max as usize,
            request_bytes_max: config.request_bytes_max as usize,
            room_bytes_max: room_bytes_max(max_memory_bytes, config.clients_memory_percent as u64),
        };
        Limits {
            auth_required: !config.requirepass.is_empty(),
            clients_max: config.max_clients,
            key_bytes_max: config.key_bytes_max as usize,
            value_bytes_max: config.value_bytes_max as usize,
            resp,
            resp_before_auth: resp::Limits {
                authenticated: false,
                args_max: resp.args_max.min(config.pre_auth_args_max),
                bulk_bytes_max: resp.bulk_bytes_max.min(config.pre_auth_bytes_max as usize),
                ..resp
            },
            http: http::Limits {
                head_bytes_max: config.http_head_bytes_max as usize,
                body_bytes_max: config.request_bytes_max as usize,
            },
            http_data: http::Bounds {
                items_max: config.batch_items_max,
                // An answer that the client could never take in one piece is not built.
                answer_bytes_max: match config.output_buffer_bytes_max {
                    0 => usize::MAX,
                    bytes => bytes as usize,
                },
            },
            before_auth_bytes_max: config.pre_auth_bytes_max,
            auth_ms_max: ms(config.auth_timeout),
            request_ms_max: ms(config.first_command_timeout),
            idle_ms_max: ms(config.idle_timeout),
            output_bytes_max: config.output_buffer_bytes_max as usize,
            output_stall_ms_max: ms(config.output_timeout),
            pubsub_bytes_max: config.pubsub_output_bytes_max as usize,
            pubsub_soft_bytes_max: match config.pubsub_output_soft_bytes_max {
                0 => usize::MAX,
                bytes => bytes as usize,
            },
            pubsub_soft_ms_max: ms(config.pubsub_output_soft_timeout),
            clients_memory_percent: config.clients_memory_percent as u64,
            room_bytes_max: resp.room_bytes_max,
            keepalive_ms: ms(config.tcp_keepalive),
        }
    }
}

/// Memory that a connection takes beside its request: the room of a read, and what it makes of the head.
const BESIDE_REQUEST_BYTES: u64 = 64 << 10;

/// See [`Limits::room_bytes_max`].
fn room_bytes_max(max_memory_bytes: u64, percent: u64) -> usize {
    match max_memory_bytes {
        0 => usize::MAX,
        bytes => (bytes / 100 * percent).saturating_sub(BESIDE_REQUEST_BYTES).max(BESIDE_REQUEST_BYTES) as usize,
    }
}
