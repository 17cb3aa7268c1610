//! Redis' side of the settings: how our values look under Redis' names, and the parameters that only Redis has.
//!
//! Programs read and set Redis' parameters blindly (`CONFIG SET activedefrag yes`, `CONFIG GET save`).
//! [`INERT`] holds those that only tune Redis' own machinery: any value is accepted, kept and shown, and changes nothing.
//! [`FIXED`] holds those that promise something to the user which this node does not do: they show the truth, and setting
//! them to anything else is refused, because an `OK` to `appendonly yes` would be a promise to keep data.

use super::table::{Config, Redis, Setting};
use super::value::{Kind, Secret, Value};
use std::net::IpAddr;

/// Reads the text of a `CONFIG SET` under Redis' name.
pub fn read(setting: &Setting, text: &str) -> Result<Value, String> {
    match setting.redis {
        Some(Redis::Percent(_)) => setting.kind.read(text.trim().trim_end_matches('%')),
        Some(Redis::LogLevel(_)) => setting.kind.read(match text.to_ascii_lowercase().as_str() {
            "notice" => "info",
            "verbose" => "debug",
            "nothing" => "error",
            other => other,
        }),
        Some(Redis::Plain(_) | Redis::OutputBuffer(_)) | None => setting.kind.read(text),
    }
}

/// What `class hard soft seconds` quadruples say about our settings: names and texts. There is no soft limit for the class
/// `normal`, and no class of replicas; they are read, so that a mistake is found, and left.
pub fn output_limits(text: &str) -> Result<Vec<(&'static str, String)>, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let malformed = || {
        "write 'pubsub 32mb 8mb 60': the class, its hard limit, its soft limit and the soft limit's seconds".to_owned()
    };
    if words.is_empty() || !words.len().is_multiple_of(4) {
        return Err(malformed());
    }
    let mut settings = Vec::new();
    for quadruple in words.chunks_exact(4) {
        let size = |text: &str| LIMIT.read(text).map(|value| value.to_string());
        let (hard, soft) = (size(quadruple[1])?, size(quadruple[2])?);
        let seconds = quadruple[3].parse::<u32>().map_err(|_| malformed())?;
        match quadruple[0].to_ascii_lowercase().as_str() {
            "normal" => settings.push(("output-buffer-bytes-max", hard)),
            "pubsub" => settings.extend([
                ("pubsub-output-bytes-max", hard),
                ("pubsub-output-soft-bytes-max", soft),
                ("pubsub-output-soft-timeout", format!("{seconds}s")),
            ]),
            "replica" | "slave" => {}
            _ => return Err(malformed()),
        }
    }
    Ok(settings)
}

/// What a limit in a quadruple may be.
const LIMIT: Kind = Kind::Bytes { min: 0, max: 1 << 40 };

/// A value as Redis writes it: sizes in bytes, durations in seconds, `yes` and `no`.
pub fn show(setting: &Setting, config: &Config, machine_bytes: u64) -> String {
    match (setting.redis, &setting.value(config)) {
        (Some(Redis::Percent(_)), value) => format!("{value}%"),
        (Some(Redis::LogLevel(_)), Value::Choice("info")) => "notice".to_owned(),
        (Some(Redis::LogLevel(_)), Value::Choice("error")) => "nothing".to_owned(),
        (Some(Redis::OutputBuffer(_)), Value::Bytes(hard)) => {
            let (pubsub, soft) = (config.pubsub_output_bytes_max, config.pubsub_output_soft_bytes_max);
            let seconds = config.pubsub_output_soft_timeout.as_secs();
            format!("normal {hard} 0 0 slave {hard} 0 0 pubsub {pubsub} {soft} {seconds}")
        }
        (_, Value::Memory(size)) => size.bytes_of(machine_bytes).to_string(),
        (_, Value::Bytes(bytes)) => bytes.to_string(),
        (_, Value::Duration(duration)) if duration.subsec_millis() == 0 => duration.as_secs().to_string(),
        (_, Value::Duration(duration)) => duration.as_secs_f64().to_string(),
        (_, Value::Bool(value)) => if *value { "yes" } else { "no" }.to_owned(),
        (_, Value::Addresses(list)) => list.iter().map(IpAddr::to_string).collect::<Vec<_>>().join(" "),
        (_, Value::Secret(secret)) => Secret::reveal(secret).to_owned(),
        (_, other) => other.to_string(),
    }
}

/// Names that Redis had before, and goes on understanding, for the names it has now.
pub static ALIASES: &[(&str, &str)] = &[
    ("hash-max-ziplist-entries", "hash-max-listpack-entries"),
    ("hash-max-ziplist-value", "hash-max-listpack-value"),
    ("list-max-ziplist-size", "list-max-listpack-size"),
    ("zset-max-ziplist-entries", "zset-max-listpack-entries"),
    ("zset-max-ziplist-value", "zset-max-listpack-value"),
];

/// Redis' parameters that change nothing here, with Redis' defaults.
pub static INERT: &[(&str, &str)] = &[
    ("acl-pubsub-default", "resetchannels"),
    ("acllog-max-len", "128"),
    ("active-defrag-cycle-max", "25"),
    ("active-defrag-cycle-min", "1"),
    ("active-defrag-ignore-bytes", "104857600"),
    ("active-defrag-max-scan-fields", "1000"),
    ("active-defrag-threshold-lower", "10"),
    ("active-defrag-threshold-upper", "100"),
    ("active-expire-effort", "1"),
    ("activedefrag", "no"),
    ("activerehashing", "yes"),
    ("always-show-logo", "no"),
    ("aof-disable-auto-gc", "no"),
    ("aof-load-truncated", "yes"),
    ("aof-rewrite-incremental-fsync", "yes"),
    ("aof-timestamp-enabled", "no"),
    ("aof-use-rdb-preamble", "yes"),
    ("aof_rewrite_cpulist", ""),
    ("appenddirname", "appendonlydir"),
    ("appendfilename", "appendonly.aof"),
    ("appendfsync", "everysec"),
    ("auto-aof-rewrite-min-size", "67108864"),
    ("auto-aof-rewrite-percentage", "100"),
    ("bgsave_cpulist", ""),
    ("bio_cpulist", ""),
    ("busy-reply-threshold", "5000"),
    ("cluster-allow-pubsubshard-when-down", "yes"),
    ("cluster-allow-reads-when-down", "no"),
    ("cluster-allow-replica-migration", "yes"),
    ("cluster-link-sendbuf-limit", "0"),
    ("cluster-migration-barrier", "1"),
    ("cluster-node-timeout", "15000"),
    ("cluster-replica-no-failover", "no"),
    ("cluster-replica-validity-factor", "10"),
    ("cluster-require-full-coverage", "yes"),
    ("crash-log-enabled", "yes"),
    ("crash-memcheck-enabled", "yes"),
    ("dbfilename", "dump.rdb"),
    ("disable-thp", "yes"),
    ("dynamic-hz", "yes"),
    ("hll-sparse-max-bytes", "3000"),
    ("hz", "10"),
    ("io-threads", "1"),
    ("io-threads-do-reads", "no"),
    ("jemalloc-bg-thread", "yes"),
    ("latency-tracking", "yes"),
    ("latency-tracking-info-percentiles", "50 99 99.9"),
    ("lazyfree-lazy-eviction", "no"),
    ("lazyfree-lazy-expire", "no"),
    ("lazyfree-lazy-server-del", "no"),
    ("lazyfree-lazy-user-del", "no"),
    ("lazyfree-lazy-user-flush", "no"),
    ("lfu-decay-time", "1"),
    ("lfu-log-factor", "10"),
    ("list-compress-depth", "0"),
    ("lua-time-limit", "5000"),
    ("maxmemory-eviction-tenacity", "10"),
    ("maxmemory-samples", "5"),
    ("min-replicas-max-lag", "10"),
    ("min-slaves-max-lag", "10"),
    ("no-appendfsync-on-rewrite", "no"),
    ("oom-score-adj", "no"),
    ("oom-score-adj-values", "0 200 800"),
    ("proc-title-template", "{title} {listen-addr} {server-mode}"),
    ("propagation-error-behavior", "ignore"),
    ("rdb-del-sync-files", "no"),
    ("rdb-save-incremental-fsync", "yes"),
    ("rdbchecksum", "yes"),
    ("rdbcompression", "yes"),
    ("repl-backlog-size", "1048576"),
    ("repl-backlog-ttl", "3600"),
    ("repl-disable-tcp-nodelay", "no"),
    ("repl-diskless-load", "disabled"),
    ("repl-diskless-sync", "yes"),
    ("repl-diskless-sync-delay", "5"),
    ("repl-diskless-sync-max-replicas", "0"),
    ("repl-ping-replica-period", "10"),
    ("repl-ping-slave-period", "10"),
    ("repl-timeout", "60"),
    ("replica-announced", "yes"),
    ("replica-ignore-disk-write-errors", "no"),
    ("replica-ignore-maxmemory", "yes"),
    ("replica-lazy-flush", "no"),
    ("replica-priority", "100"),
    ("replica-read-only", "yes"),
    ("replica-serve-stale-data", "yes"),
    ("sanitize-dump-payload", "no"),
    ("server_cpulist", ""),
    ("set-proc-title", "yes"),
    ("shutdown-on-sigint", "default"),
    ("shutdown-on-sigterm", "default"),
    ("slave-ignore-maxmemory", "yes"),
    ("slave-lazy-flush", "no"),
    ("slave-priority", "100"),
    ("slave-read-only", "yes"),
    ("slave-serve-stale-data", "yes"),
    ("stop-writes-on-bgsave-error", "yes"),
    ("stream-node-max-bytes", "4096"),
    ("stream-node-max-entries", "100"),
];

/// A parameter of Redis that has one value here.
#[derive(Debug)]
pub struct Fixed {
    /// Its name.
    pub name: &'static str,
    /// Its value.
    pub value: &'static str,
    /// Why no other: a sentence without its full stop.
    pub reason: &'static str,
}

/// Redis' parameters that have one value here.
pub static FIXED: &[Fixed] = &[
    Fixed { name: "aclfile", value: "", reason: "there is one user, whose password is requirepass" },
    Fixed { name: "appendonly", value: "no", reason: "this node writes no append-only file" },
    Fixed { name: "cluster-enabled", value: "no", reason: "this node stands alone" },
    Fixed {
        name: "daemonize",
        value: "no",
        reason: "the server stays in the foreground and leaves that to its supervisor",
    },
    Fixed { name: "databases", value: "16", reason: "there are always 16" },
    Fixed { name: "enable-debug-command", value: "no", reason: "there is no DEBUG command" },
    Fixed { name: "enable-module-command", value: "no", reason: "there are no modules" },
    Fixed { name: "enable-protected-configs", value: "no", reason: "what is read at start stays as it was" },
    Fixed { name: "logfile", value: "", reason: "the log goes to standard error" },
    Fixed { name: "masterauth", value: "", reason: "this node has no primary" },
    Fixed { name: "min-replicas-to-write", value: "0", reason: "this node has no replicas" },
    Fixed { name: "min-slaves-to-write", value: "0", reason: "this node has no replicas" },
    Fixed { name: "pidfile", value: "", reason: "the server writes no such file" },
    Fixed {
        name: "protected-mode",
        value: "yes",
        reason: "beyond loopback a password is required unless the server was started with insecure",
    },
    Fixed { name: "replicaof", value: "", reason: "this node has no primary" },
    Fixed { name: "save", value: "", reason: "this node writes no snapshots" },
    Fixed { name: "slaveof", value: "", reason: "this node has no primary" },
    Fixed { name: "supervised", value: "no", reason: "the server does not speak to its supervisor" },
    Fixed { name: "syslog-enabled", value: "no", reason: "the log goes to standard error" },
    Fixed { name: "tls-port", value: "0", reason: "this node has no TLS door" },
    Fixed { name: "unixsocket", value: "", reason: "the server listens on TCP only" },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::table::SETTINGS;
    use scrubjay_base::size::Size;

    fn setting(name: &str) -> &'static Setting {
        SETTINGS.iter().find(|setting| setting.redis.is_some_and(|redis| redis.name() == name)).unwrap()
    }

    /// Settings of which one was given as Redis writes it.
    fn config(setting: &Setting, text: &str) -> Config {
        let mut config = Config::default();
        (setting.set)(&mut config, read(setting, text).unwrap()).unwrap();
        config
    }

    #[test]
    fn every_setting_shown_as_redis_shows_it_is_read_back() {
        let defaults = Config::default();
        for setting in SETTINGS.iter().filter(|setting| setting.redis.is_some()) {
            if matches!(setting.redis, Some(Redis::OutputBuffer(_))) {
                continue; // several settings at once
            }
            let shown = show(setting, &defaults, 1000);
            let expected = match setting.value(&defaults) {
                Value::Memory(size) => Value::Memory(Size::Bytes(size.bytes_of(1000))),
                value => value,
            };
            assert_eq!(read(setting, &shown), Ok(expected), "{}: {shown}", setting.name);
        }
    }

    #[test]
    fn values_look_as_in_redis() {
        for (name, text, shown) in [
            ("maxmemory", "80%", "800"),
            ("maxmemory", "2kb", "2048"),
            ("timeout", "1m", "60"),
            ("bind", "127.0.0.1,::1", "127.0.0.1 ::1"),
            ("maxmemory-clients", "5%", "5%"),
            ("loglevel", "notice", "notice"),
            ("loglevel", "verbose", "debug"),
            ("notify-keyspace-events", "EKA", "AKE"),
        ] {
            assert_eq!(show(setting(name), &config(setting(name), text), 1000), shown);
        }
    }

    #[test]
    fn output_buffer_limits_are_several_settings_in_one() {
        let limits = output_limits("normal 1mb 0 0 slave 1 1 1 pubsub 16mb 4mb 30").unwrap();
        let expected = [
            ("output-buffer-bytes-max", "1mb"),
            ("pubsub-output-bytes-max", "16mb"),
            ("pubsub-output-soft-bytes-max", "4mb"),
            ("pubsub-output-soft-timeout", "30s"),
        ];
        assert_eq!(limits, expected.map(|(name, text)| (name, text.to_owned())));
        let shown = show(setting("client-output-buffer-limit"), &Config::default(), 1000);
        assert_eq!(shown, "normal 67108864 0 0 slave 67108864 0 0 pubsub 33554432 8388608 60");
        for text in ["", "normal 1mb", "normal x 0 0", "pubsub 1mb x 0", "nobody 0 0 0", "normal 0 0 x"] {
            assert!(output_limits(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_parameter_is_either_a_setting_or_an_alias_or_inert_or_fixed() {
        let mut names: Vec<&str> =
            INERT.iter().map(|(name, _)| *name).chain(FIXED.iter().map(|fixed| fixed.name)).collect();
        names.extend(SETTINGS.iter().filter_map(|setting| setting.redis.map(Redis::name)));
        for (old, now) in ALIASES {
            assert!(names.contains(now), "{old} stands for {now}, which is no setting");
        }
        names.extend(ALIASES.iter().map(|(old, _)| *old));
        names
            .extend(SETTINGS.iter().filter(|s| s.redis.is_none_or(|r| r.name() != s.name)).map(|setting| setting.name));
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
