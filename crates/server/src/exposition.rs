//! What Prometheus reads: every metric declared once with a sentence, and the text with their values.

use crate::counters::ERROR_CODES;
use crate::heat::{self, HotKey};
use crate::namespaces::shown::Shown;
use crate::process;
use crate::pubsub::subscriptions::Family as Kind;
use crate::shared::Shared;
use scrubjay_command::index;
use scrubjay_metrics::{Exposition, Family};

macro_rules! families {
    ($($name:ident: $kind:ident $text:literal [$($label:literal),*] $help:literal;)*) => {
        $(static $name: Family = Family::$kind($text, &[$($label),*], $help);)*
        /// Every metric, in the order of the text.
        pub static FAMILIES: &[&Family] = &[$(&$name),*];
    };
}

families! {
    BUILD: gauge "cache_build_info" ["version"] "1; the label says which version runs.";
    UPTIME: gauge "cache_uptime_seconds" [] "Time since the node started.";
    ENTRIES: gauge "cache_entries" [] "Entries, expired ones that are not yet removed included.";
    VOLATILE: gauge "cache_entries_volatile" [] "Entries with a deadline.";
    ENTRIES_MAX: gauge "cache_entries_max" [] "The limit of entries; 0 means none.";
    MEMORY: gauge "cache_memory_bytes" [] "Memory that counts against the limit.";
    MEMORY_MAX: gauge "cache_memory_max_bytes" [] "The memory limit; 0 means none.";
    MEMORY_PEAK: gauge "cache_memory_peak_bytes" [] "The most memory that ever counted against the limit.";
    PAYLOAD: gauge "cache_payload_bytes" [] "Bytes of keys and values.";
    COMPRESSED: gauge "cache_compressed_values" [] "String values that are kept compressed.";
    COMPRESSED_PLAIN: gauge "cache_compressed_plain_bytes" [] "Bytes that the compressed values have.";
    COMPRESSED_STORED: gauge "cache_compressed_stored_bytes" [] "Bytes that are kept of the compressed values.";
    HOT_KEYS: gauge "cache_hot_keys" [] "Keys whose estimated uses within hot-key-window reach hot-key-threshold.";
    HOTTEST: gauge "cache_hottest_key_uses" [] "Estimated uses of the most used key within hot-key-window.";
    RESIDENT: gauge "cache_resident_memory_bytes" [] "Physical memory of the process.";
    HITS: counter "cache_hits_total" [] "Reads that found their key.";
    MISSES: counter "cache_misses_total" [] "Reads that did not find their key.";
    HIT_RATE: gauge "cache_hit_rate" [] "Share of reads that found their key, 0 to 1; 0 before the first read.";
    EVICTIONS: counter "cache_evictions_total" [] "Entries that made room for others.";
    EXPIRATIONS: counter "cache_expirations_total" [] "Entries whose deadline passed.";
    REFUSED: counter "cache_writes_refused_total" [] "Writes refused for want of memory.";
    CLIENTS: gauge "cache_connections" [] "Clients that are connected.";
    CLIENTS_MAX: gauge "cache_connections_max" [] "The limit of clients.";
    CONNECTIONS: counter "cache_connections_accepted_total" [] "Connections that were accepted.";
    CONNECTIONS_REFUSED: counter "cache_connections_refused_total" [] "Connections that were refused because there were too many.";
    DROPPED: counter "cache_connections_dropped_total" ["reason"] "Clients that were disconnected, by reason.";
    CHANNELS: gauge "cache_channels" ["kind"] "Names that somebody listens to: channels, patterns, channels of shards.";
    PUBLISHED: counter "cache_messages_published_total" [] "Messages that clients published and that somebody listened to.";
    PUSHED: counter "cache_messages_pushed_total" [] "Messages and invalidations that were sent, once for every receiver.";
    TRACKING_CLIENTS: gauge "cache_tracking_clients" [] "Clients that are told when keys change that they have read.";
    TRACKING_KEYS: gauge "cache_tracking_keys" [] "Keys whose readers will be told.";
    BYTES_IN: counter "cache_bytes_in_total" [] "Bytes read from clients.";
    BYTES_OUT: counter "cache_bytes_out_total" [] "Bytes written to clients.";
    ERRORS: counter "cache_errors_total" ["code"] "Errors answered, by the first word of their text in the Redis protocol.";
    COMMANDS: counter "cache_commands_total" ["command"] "Commands run, failures included.";
    FAILED: counter "cache_commands_failed_total" ["command"] "Commands that ran and answered an error.";
    REJECTED: counter "cache_commands_rejected_total" ["command"] "Commands that were refused before they ran.";
    LATENCY: histogram "cache_command_duration_seconds" ["command"] "Time that commands took, without waiting for the network.";
    NS_ENTRIES: gauge "cache_namespace_entries" ["namespace"] "Entries of each namespace that has a name or settings.";
    NS_BYTES: gauge "cache_namespace_bytes" ["namespace"] "Bytes that the entries of the namespace take.";
    NS_MAX_BYTES: gauge "cache_namespace_max_bytes" ["namespace"] "The namespace's memory limit; 0 means none but the node's.";
    NS_REFUSED: counter "cache_namespace_refused_total" ["namespace"] "Commands refused because the namespace's quota of commands a second was used up.";
    PANICS: counter "cache_panics_total" [] "Commands that failed from within: bugs to be reported.";
    TURNS: counter "cache_turns_total" [] "Turns that connections had; one serves everything that one read brought.";
    CPU: counter "cache_cpu_seconds_total" ["mode"] "Processor time of the process.";
}

/// The text for `GET /metrics`; its content type is [`scrubjay_metrics::exposition::CONTENT_TYPE`].
pub fn prometheus(shared: &Shared) -> String {
    let (totals, stats, usage) = (shared.totals(), shared.store.stats(), process::usage());
    let uptime_ms = shared.clock.now_ms().saturating_sub(shared.started_ms);
    let reads = stats.hits + stats.misses;
    let mut text = Exposition::new();
    text.family(&BUILD).sample(&[env!("CARGO_PKG_VERSION")], 1.0);
    text.single(&UPTIME, uptime_ms as f64 / 1000.0);
    text.single(&ENTRIES, stats.entries as f64);
    text.single(&VOLATILE, stats.volatile_entries as f64);
    text.single(&ENTRIES_MAX, stats.max_entries as f64);
    text.single(&MEMORY, stats.used_bytes as f64);
    text.single(&MEMORY_MAX, stats.max_memory_bytes as f64);
    text.single(&MEMORY_PEAK, stats.used_bytes_peak as f64);
    text.single(&PAYLOAD, stats.payload_bytes as f64);
    text.single(&COMPRESSED, stats.compression.values as f64);
    text.single(&COMPRESSED_PLAIN, stats.compression.plain_bytes as f64);
    text.single(&COMPRESSED_STORED, stats.compression.stored_bytes as f64);
    let hottest = heat::hottest(shared);
    text.single(&HOT_KEYS, hottest.iter().filter(|key| key.is_hot).count() as f64);
    text.single(&HOTTEST, hottest.first().map_or(0, HotKey::count) as f64);
    text.single(&RESIDENT, usage.resident_bytes as f64);
    text.single(&HITS, stats.hits as f64);
    text.single(&MISSES, stats.misses as f64);
    text.single(&HIT_RATE, stats.hits as f64 / reads.max(1) as f64);
    text.single(&EVICTIONS, stats.evictions as f64);
    text.single(&EXPIRATIONS, stats.expirations as f64);
    text.single(&REFUSED, stats.refused as f64);
    text.single(&CLIENTS, shared.clients.len() as f64);
    text.single(&CLIENTS_MAX, shared.config().max_clients as f64);
    text.single(&CONNECTIONS, totals.connections as f64);
    text.single(&CONNECTIONS_REFUSED, totals.connections_refused as f64);
    let mut dropped = text.family(&DROPPED);
    dropped.sample(&["output"], totals.dropped_output as f64);
    dropped.sample(&["pubsub"], totals.dropped_subscribers as f64);
    dropped.sample(&["memory"], totals.dropped_memory as f64);
    dropped.sample(&["timeout"], totals.timed_out as f64);
    dropped.sample(&["protocol"], totals.protocol_errors as f64);
    dropped.sample(&["wrong_door"], totals.wrong_door as f64);
    let mut channels = text.family(&CHANNELS);
    for (kind, family) in [("channel", Kind::Channel), ("pattern", Kind::Pattern), ("shard", Kind::Shard)] {
        channels.sample(&[kind], shared.effects.pubsub.len(family) as f64);
    }
    text.single(&PUBLISHED, totals.published as f64);
    text.single(&PUSHED, totals.pushed as f64);
    text.single(&TRACKING_CLIENTS, shared.effects.tracking.clients() as f64);
    text.single(&TRACKING_KEYS, shared.effects.tracking.keys() as f64);
    text.single(&BYTES_IN, totals.bytes_in as f64);
    text.single(&BYTES_OUT, totals.bytes_out as f64);
    let mut errors = text.family(&ERRORS);
    for (code, count) in ERROR_CODES.iter().zip(totals.errors_by_code) {
        errors.sample(&[code], count as f64);
    }
    // Commands that nobody uses would be hundreds of lines of zeros.
    let used: Vec<_> = index::all_rows()
        .zip(&totals.by_command)
        .filter(|(_, command)| command.calls + command.rejected > 0)
        .map(|((row, _), command)| (row.full_name(), command))
        .collect();
    for (family, value) in [
        (&COMMANDS, (|command| command.calls) as fn(&crate::totals::CommandTotals) -> u64),
        (&FAILED, |command| command.failed),
        (&REJECTED, |command| command.rejected),
    ] {
        let mut samples = text.family(family);
        for (name, command) in &used {
            samples.sample(&[name], value(command) as f64);
        }
    }
    let mut latency = text.family(&LATENCY);
    for (name, command) in &used {
        if let Some(snapshot) = &command.latency {
            latency.histogram(&[name], snapshot);
        }
    }
    let namespaces = shared.namespaces.show_all(&shared.store, &stats);
    for (family, value) in [
        (&NS_ENTRIES, (|one| one.count.entries) as fn(&Shown) -> u64),
        (&NS_BYTES, |one| one.count.bytes),
        (&NS_MAX_BYTES, |one| one.config.max_memory_bytes),
        (&NS_REFUSED, |one| one.refused),
    ] {
        let mut samples = text.family(family);
        namespaces.iter().for_each(|one| samples.sample(&[one.name.as_str()], value(one) as f64));
    }
    text.single(&PANICS, totals.panics as f64);
    text.single(&TURNS, totals.turns as f64);
    let mut cpu = text.family(&CPU);
    cpu.sample(&["user"], usage.user_s);
    cpu.sample(&["system"], usage.system_s);
    debug_assert!(text.families().iter().eq(FAMILIES.iter().map(|family| &family.name)));
    text.finish()
}

/// `docs/reference/metrics.md`.
pub fn metrics_page() -> String {
    let mut page = String::from(
        "# Metrics\n\n\
         <!-- Generated from the table in crates/server/src/exposition.rs: change it there, then run `make docs`. -->\n\n\
         `GET /metrics` on the HTTP port answers these in Prometheus' text format. `CONFIG RESETSTAT` sets the counts back \
         to zero; Prometheus takes that as a restart.\n\n\
         The time of a command is measured per group: commands of constant time that came in one pipeline share their time \
         evenly, a command that came alone or may take long by itself is exact.\n\n\
         | Metric | Type | Labels | Meaning |\n|---|---|---|---|\n",
    );
    for family in FAMILIES {
        let labels: Vec<String> = family.labels.iter().map(|label| format!("`{label}`")).collect();
        page += &format!("| `{}` | {} | {} | {} |\n", family.name, family.kind.name(), labels.join(", "), family.help);
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declarations_follow_the_conventions_and_stand_once() {
        let mut names = std::collections::HashSet::new();
        for family in FAMILIES {
            assert_eq!(family.fault(), None, "{}", family.name);
            assert!(family.name.starts_with("cache_") && names.insert(family.name), "{}", family.name);
        }
    }

    #[test]
    fn the_text_has_every_declared_metric_in_order() {
        let shared = crate::testing::shared();
        shared.counters[0].by_command[0].calls.add(2);
        shared.counters[0].by_command[0].record(1500, 2);
        let text = prometheus(&shared);
        let typed: Vec<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("# TYPE "))
            .filter_map(|line| line.split(' ').next())
            .collect();
        assert_eq!(typed, FAMILIES.iter().map(|family| family.name).collect::<Vec<_>>());
        for line in [
            "cache_hits_total 0\n",
            "cache_errors_total{code=\"WRONGTYPE\"} 0\n",
            "_count{command=\"",
            "cache_commands_total{command=\"",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }
}
