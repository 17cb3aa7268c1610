//! THE table of settings: each fact once. Flags, environment variables, TOML keys, `CONFIG GET`, the sample file and the
//! reference page are made from these rows; so is [`Config`], whose fields are typed.
//!
//! A row is: field: type = name, kind, default, when a change takes effect, Redis' name if the meaning is the same, and
//! one sentence. The kind and the type must agree; a test reads every default.

use super::value::{Held, Kind, Secret, Value};
use scrubjay_base::size::Size;
use scrubjay_command::event::Classes;
use scrubjay_store::Policy;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// A row of the table.
pub struct Setting {
    /// Its name: the flag without `--`, the TOML key.
    pub name: &'static str,
    /// The heading it stands under.
    pub section: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// The default, as text.
    pub default: &'static str,
    /// When a change takes effect.
    pub reload: Reload,
    /// What Redis calls it, if the meaning is the same.
    pub redis: Option<Redis>,
    /// One sentence.
    pub help: &'static str,
    pub(super) get: fn(&Config) -> Value,
    pub(super) set: fn(&mut Config, Value) -> Option<()>,
}

/// When a change of a setting takes effect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reload {
    /// At once, by `CONFIG SET`.
    Live,
    /// At the next start.
    Restart,
}

/// A setting's name in `CONFIG GET` and `CONFIG SET`, and how Redis writes its values.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Redis {
    /// Sizes in bytes, durations in seconds, `yes` and `no`, addresses separated by spaces; the rest as we write it.
    Plain(&'static str),
    /// A percentage (`maxmemory-clients 10%`).
    Percent(&'static str),
    /// Redis' levels for ours.
    LogLevel(&'static str),
    /// The hard limit of the class `normal` in `class hard soft seconds` quadruples.
    OutputBuffer(&'static str),
}

impl Redis {
    /// The name.
    pub fn name(self) -> &'static str {
        match self {
            Redis::Plain(name) | Redis::Percent(name) | Redis::LogLevel(name) | Redis::OutputBuffer(name) => name,
        }
    }
}

impl Setting {
    /// The environment variable.
    pub fn environment_name(&self) -> String {
        format!("SCRUBJAY_{}", self.name.replace('-', "_").to_ascii_uppercase())
    }

    /// The value in `config`.
    pub fn value(&self, config: &Config) -> Value {
        (self.get)(config)
    }
}

impl std::fmt::Debug for Setting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Setting({})", self.name)
    }
}

macro_rules! settings {
    ($($section:literal { $(
        $field:ident: $type:ty = $name:literal, $kind:expr, $default:literal, $reload:ident, $redis:expr, $help:literal;
    )* })*) => {
        /// Every setting, in the order of the reference page.
        pub static SETTINGS: &[Setting] = &[$($(Setting {
            name: $name,
            section: $section,
            kind: $kind,
            default: $default,
            reload: Reload::$reload,
            redis: $redis,
            help: $help,
            get: |config| config.$field.to_value(),
            set: |config, value| <$type>::from_value(value).map(|value| config.$field = value),
        },)*)*];

        /// Every setting's value, typed and validated. Made by [`resolve`](super::resolve()).
        #[derive(Clone, PartialEq, Debug)]
        pub struct Config {
            $($(#[doc = $help] pub $field: $type,)*)*
        }

        impl Default for Config {
            fn default() -> Config {
                Config { $($($field: {
                    let value = ($kind).read($default).ok().and_then(<$type>::from_value);
                    value.expect("the table of settings has readable defaults, which a test checks")
                },)*)* }
            }
        }
    };
}

use Redis::{LogLevel, OutputBuffer, Percent, Plain};

const KB: u64 = 1 << 10;
const MB: u64 = 1 << 20;
const GB: u64 = 1 << 30;
const DAY_S: u64 = 86_400;
const U32: i64 = u32::MAX as i64;
const I32_MIN: i64 = i32::MIN as i64;
const I32_MAX: i64 = i32::MAX as i64;

settings! {
    "Doors" {
        bind: Vec<IpAddr> = "bind", Kind::Addresses, "127.0.0.1", Restart, Some(Plain("bind")),
            "The addresses that every door listens on; anything beyond loopback needs requirepass, or insecure.";
        port: u16 = "port", Kind::Port, "6379", Restart, Some(Plain("port")),
            "The port for Redis clients; 0 closes the door.";
        http_port: u16 = "http-port", Kind::Port, "8080", Restart, None,
            "The port for HTTP: the cache's routes, statistics, metrics and health; 0 closes the door.";
        memcached_port: u16 = "memcached-port", Kind::Port, "11211", Restart, None,
            "The port for memcached clients; 0 closes the door.";
        grpc_port: u16 = "grpc-port", Kind::Port, "50051", Restart, None,
            "The port for gRPC; 0 closes the door.";
        peer_port: u16 = "peer-port", Kind::Port, "16379", Restart, None,
            "The port for other nodes of the cluster; 0 closes the door.";
        tcp_backlog: usize = "tcp-backlog", Kind::Int { min: 1, max: 65535, unit: "connections" }, "511", Restart,
            Some(Plain("tcp-backlog")),
            "How many connections the kernel may hold before we accept them; it caps this at net.core.somaxconn.";
        tcp_keepalive: Duration = "tcp-keepalive", Kind::Duration { max_s: DAY_S }, "5m", Live,
            Some(Plain("tcp-keepalive")),
            "How long a connection may be silent before the kernel asks whether the other side still lives; 0 never asks.";
    }
    "Access" {
        requirepass: Secret = "requirepass", Kind::Secret, "", Live, Some(Plain("requirepass")),
            "The password that clients must give; empty means none is asked for.";
        insecure: bool = "insecure", Kind::Bool, "false", Restart, None,
            "Listen beyond loopback without a password: whoever reaches a port can read and change everything.";
        auth_timeout: Duration = "auth-timeout", Kind::Duration { max_s: DAY_S }, "10s", Live, None,
            "How long a client may take to authenticate where a password is set before it is disconnected.";
        pre_auth_bytes_max: u64 = "pre-auth-bytes-max", Kind::Bytes { min: KB, max: GB }, "64kb", Live, None,
            "How large a request of a client may be that has not yet authenticated where a password is set.";
        pre_auth_args_max: usize = "pre-auth-args-max", Kind::Int { min: 4, max: 1 << 20, unit: "arguments" }, "16", Live, None,
            "How many arguments a request of a client may have that has not yet authenticated where a password is set.";
    }
    "Memory" {
        max_memory: Size = "max-memory", Kind::Memory, "80%", Live, Some(Plain("maxmemory")),
            "How much memory everything together may take: bytes, a size, or a share of what the machine or its cgroup has; 0 means no limit.";
        max_entries: usize = "max-entries", Kind::Int { min: 0, max: 1 << 48, unit: "entries" }, "0", Live, None,
            "How many entries there may be; 0 means no limit.";
        policy: Policy = "policy", Kind::Policy, "allkeys-s3fifo", Live, Some(Plain("maxmemory-policy")),
            "Which entries are evicted at a limit.";
        default_ttl: Duration = "default-ttl", Kind::Duration { max_s: 36_500 * DAY_S }, "0", Live, None,
            "How long an entry lives that is written without a lifetime; 0 means for ever.";
        compression: &'static str = "compression", Kind::Choice(&["none", "lz4", "zstd"]), "none", Live, None,
            "How string values are kept that are long enough: lz4 is fast, zstd takes less memory and several times the processor time.";
        compression_threshold: u64 = "compression-threshold", Kind::Bytes { min: 64, max: 512 * MB }, "1kb", Live, None,
            "How long a string value must be to be compressed; one that would not shrink by an eighth stays as it is.";
        shards: usize = "shards", Kind::Int { min: 0, max: 1024, unit: "shards" }, "0", Restart, None,
            "How many locks and tables stand under the 16384 slots, a power of two; 0 chooses from the memory limit.";
        clients_memory_percent: usize = "clients-memory-percent", Kind::Int { min: 1, max: 100, unit: "percent" }, "10", Live,
            Some(Percent("maxmemory-clients")),
            "How much of max-memory the buffers of all clients together may take before the largest client is disconnected; one request may not take more, and is refused with an error.";
    }
    "Packing" {
        hash_max_listpack_entries: usize = "hash-max-listpack-entries", Kind::Int { min: 0, max: U32, unit: "fields" }, "128", Live,
            Some(Plain("hash-max-listpack-entries")),
            "How many fields a hash may have to be kept as one run, which takes the least memory and is searched from its beginning.";
        hash_max_listpack_value: usize = "hash-max-listpack-value", Kind::Int { min: 0, max: U32, unit: "bytes" }, "64", Live,
            Some(Plain("hash-max-listpack-value")),
            "How long the fields and values of a hash may be that is kept as one run.";
        list_max_listpack_size: i64 = "list-max-listpack-size", Kind::Int { min: I32_MIN, max: I32_MAX, unit: "items or size class" }, "-2", Live,
            Some(Plain("list-max-listpack-size")),
            "How many items a run of a list may have, of which a long list has several; -1 to -5 limit its size instead, to 4, 8, 16, 32 or 64 KiB.";
        set_max_intset_entries: usize = "set-max-intset-entries", Kind::Int { min: 0, max: U32, unit: "members" }, "512", Live,
            Some(Plain("set-max-intset-entries")),
            "How many members a set of integers may have to be kept as sorted integers.";
        set_max_listpack_entries: usize = "set-max-listpack-entries", Kind::Int { min: 0, max: U32, unit: "members" }, "128", Live,
            Some(Plain("set-max-listpack-entries")),
            "How many members another set may have to be kept as one run.";
        set_max_listpack_value: usize = "set-max-listpack-value", Kind::Int { min: 0, max: U32, unit: "bytes" }, "64", Live,
            Some(Plain("set-max-listpack-value")),
            "How long the members of a set may be that is kept as one run.";
        zset_max_listpack_entries: usize = "zset-max-listpack-entries", Kind::Int { min: 0, max: U32, unit: "members" }, "128", Live,
            Some(Plain("zset-max-listpack-entries")),
            "How many members a sorted set may have to be kept as one run.";
        zset_max_listpack_value: usize = "zset-max-listpack-value", Kind::Int { min: 0, max: U32, unit: "bytes" }, "64", Live,
            Some(Plain("zset-max-listpack-value")),
            "How long the members of a sorted set may be that is kept as one run.";
    }
    "Clients" {
        max_clients: usize = "max-clients", Kind::Int { min: 1, max: 1_000_000, unit: "clients" }, "10000", Live,
            Some(Plain("maxclients")),
            "How many clients may be connected at once, over all doors.";
        idle_timeout: Duration = "idle-timeout", Kind::Duration { max_s: 365 * DAY_S }, "0", Live, Some(Plain("timeout")),
            "How long a client may be silent before it is disconnected; 0 means for ever.";
        first_command_timeout: Duration = "first-command-timeout", Kind::Duration { max_s: DAY_S }, "10s", Live, None,
            "How long a client may take from connecting, or from a request's first byte, to a whole command or HTTP head; 0 means for ever.";
        output_buffer_bytes_max: u64 = "output-buffer-bytes-max", Kind::Bytes { min: 0, max: 1 << 40 }, "64mb", Live,
            Some(OutputBuffer("client-output-buffer-limit")),
            "How much output may wait for a client: beyond it, its requests wait too, and it is disconnected if it goes on not reading; 0 means no limit.";
        output_timeout: Duration = "output-timeout", Kind::Duration { max_s: DAY_S }, "10s", Live, None,
            "How long a client for which that much output waits may take none of it before it is disconnected.";
        pubsub_output_bytes_max: u64 = "pubsub-output-bytes-max", Kind::Bytes { min: 0, max: 1 << 40 }, "32mb", Live, None,
            "How many bytes of messages may wait for a subscriber before it is disconnected; 0 means no limit.";
        pubsub_output_soft_bytes_max: u64 = "pubsub-output-soft-bytes-max", Kind::Bytes { min: 0, max: 1 << 40 }, "8mb", Live, None,
            "How many bytes of messages may wait for a subscriber for a while; 0 means no limit of this kind.";
        pubsub_output_soft_timeout: Duration = "pubsub-output-soft-timeout", Kind::Duration { max_s: DAY_S }, "1m", Live, None,
            "How long more than pubsub-output-soft-bytes-max may wait for a subscriber before it is disconnected.";
    }
    "Requests" {
        key_bytes_max: u64 = "key-bytes-max", Kind::Bytes { min: 1, max: 64 * KB }, "64kb", Live, None,
            "How long a key may be.";
        value_bytes_max: u64 = "value-bytes-max", Kind::Bytes { min: KB, max: 512 * MB }, "512mb", Live,
            Some(Plain("proto-max-bulk-len")),
            "How large a value, or any one argument, may be.";
        batch_items_max: usize = "batch-items-max", Kind::Int { min: 1, max: 1 << 24, unit: "items" }, "1048576", Live, None,
            "How many arguments a command, or items an HTTP batch, may have.";
        inline_bytes_max: u64 = "inline-bytes-max", Kind::Bytes { min: 64, max: MB }, "64kb", Live, None,
            "How long a line may be: an inline command, a memcached command, the count before an argument.";
        request_bytes_max: u64 = "request-bytes-max", Kind::Bytes { min: MB, max: 4 * GB - 1 }, "1gb", Live,
            Some(Plain("client-query-buffer-limit")),
            "How large a request may be with all its arguments together.";
        http_head_bytes_max: u64 = "http-head-bytes-max", Kind::Bytes { min: KB, max: MB }, "64kb", Live, None,
            "How large the request line and headers of an HTTP request may be together.";
    }
    "Telling" {
        notify_keyspace_events: Classes = "notify-keyspace-events", Kind::Events, "", Live, Some(Plain("notify-keyspace-events")),
            "Which events are published when keys change, as Redis' letters: K or E for the channels, A or some of g$lshzxetdmn for the events; empty means none.";
        invalidation_channel: bool = "invalidation-channel", Kind::Bool, "true", Live, None,
            "Publish every change of a key as JSON on the channel cache-invalidation while somebody listens to it.";
        tracking_table_max_keys: usize = "tracking-table-max-keys", Kind::Int { min: 0, max: 1 << 40, unit: "keys" }, "1000000", Live,
            Some(Plain("tracking-table-max-keys")),
            "How many keys that tracking clients have read are remembered; beyond, their readers are told that a random one changed. 0 means no limit.";
    }
    "Process" {
        threads: usize = "threads", Kind::Int { min: 0, max: 1024, unit: "threads" }, "0", Restart, None,
            "How many threads serve clients; 0 takes one per core that this process may use.";
        config: Option<PathBuf> = "config", Kind::Path, "", Restart, None,
            "The TOML file that settings are read from and CONFIG REWRITE writes to.";
        data_dir: Option<PathBuf> = "data-dir", Kind::Path, "", Restart, Some(Plain("dir")),
            "The folder for what this node keeps on disk; empty means it keeps nothing.";
        log_level: &'static str = "log-level", Kind::Choice(&["debug", "info", "warning", "error"]), "info", Live,
            Some(LogLevel("loglevel")),
            "The least important kind of message that is still written to the log.";
        shutdown_timeout: Duration = "shutdown-timeout", Kind::Duration { max_s: 3600 }, "10s", Live,
            Some(Plain("shutdown-timeout")),
            "How long a stopping server goes on answering what it has read before it closes the remaining connections.";
    }
    "Watching" {
        slowlog_log_slower_than: i64 = "slowlog-log-slower-than", Kind::Int { min: -1, max: 1 << 40, unit: "microseconds" }, "10000", Live,
            Some(Plain("slowlog-log-slower-than")),
            "How many microseconds a command must take to enter the slow log; 0 logs all, -1 none.";
        slowlog_max_len: usize = "slowlog-max-len", Kind::Int { min: 0, max: 1 << 20, unit: "entries" }, "128", Live,
            Some(Plain("slowlog-max-len")),
            "How many entries the slow log keeps; the oldest make room.";
        hot_key_window: Duration = "hot-key-window", Kind::Duration { max_s: DAY_S }, "1m", Live, None,
            "Over how long the uses of a key are counted that JAY.HOTKEYS shows; 0 counts none.";
        hot_key_threshold: usize = "hot-key-threshold", Kind::Int { min: 1, max: 1 << 48, unit: "uses" }, "1000", Live, None,
            "How many uses within the window make a key hot.";
        hot_key_capacity: usize = "hot-key-capacity", Kind::Int { min: 1, max: 4096, unit: "keys" }, "128", Live, None,
            "How many of the most used keys each thread keeps by name.";
        latency_monitor_threshold: i64 = "latency-monitor-threshold", Kind::Int { min: 0, max: 1 << 40, unit: "milliseconds" }, "0", Live,
            Some(Plain("latency-monitor-threshold")),
            "How many milliseconds an event must take to be remembered by LATENCY; 0 remembers none.";
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_row_is_whole_and_its_default_reads_back() {
        let (mut names, config) = (HashSet::new(), Config::default());
        for setting in SETTINGS {
            assert!(names.insert(setting.name), "{} stands twice", setting.name);
            assert!(setting.name.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{}", setting.name);
            assert!(setting.help.ends_with('.') && !setting.help.contains('\n'), "{}: one sentence", setting.name);
            let value = setting.kind.read(setting.default).unwrap_or_else(|bad| panic!("{}: {bad}", setting.name));
            assert_eq!(setting.value(&config), value, "{}: the field is the default", setting.name);
            assert_eq!(setting.kind.read(&value.to_string()), Ok(value.clone()), "{}", setting.name);
            assert_eq!(value.to_string(), setting.default, "{}: written as it would be shown", setting.name);
            assert_eq!((setting.set)(&mut config.clone(), value), Some(()), "{}: kind and field agree", setting.name);
        }
    }

    #[test]
    fn redis_names_stand_once_and_are_nobodys_else_own_name() {
        let mut names = HashSet::new();
        for setting in SETTINGS {
            let Some(redis) = setting.redis else { continue };
            assert!(names.insert(redis.name()), "{} stands twice", redis.name());
            assert!(!SETTINGS.iter().any(|other| other.name == redis.name() && other.name != setting.name));
        }
    }
}
