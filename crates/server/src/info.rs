//! `INFO`: the node described in sections of `name:value` lines, with Redis' names, so that its exporters work.
//!
//! A field whose machinery does not exist here (forks, append-only files, scripts) says what is true: nothing of it. What
//! exists here and not in Redis is in a section of its own, `scrubjay`.

use crate::clients::ClientFlags;
use crate::counters::ERROR_CODES;
use crate::heat::{self, HotKey};
use crate::namespaces::shown::Shown;
use crate::process;
use crate::pubsub::subscriptions::Family;
use crate::shared::Shared;
use crate::totals::Totals;
use scrubjay_base::size::human;
use scrubjay_command::index;
use scrubjay_metrics::Snapshot;
use scrubjay_store::Stats;
use std::fmt::{Display, Write};

/// The version of Redis whose commands and fields are spoken here: what clients look at to choose what they may send.
pub const REDIS_VERSION: &str = "7.4.0";

/// Everything that a section may want, read once.
struct Facts<'a> {
    shared: &'a Shared,
    totals: Totals,
    stats: Stats,
    usage: process::Usage,
    uptime_s: u64,
    now_ms: u64,
}

/// Writes the fields of a section.
type Fields = fn(&Facts<'_>, &mut Lines);

/// Name, heading, whether it belongs to the default, its fields.
static SECTIONS: &[(&str, &str, bool, Fields)] = &[
    ("server", "Server", true, server),
    ("clients", "Clients", true, clients),
    ("memory", "Memory", true, memory),
    ("persistence", "Persistence", true, persistence),
    ("stats", "Stats", true, stats),
    ("replication", "Replication", true, replication),
    ("cpu", "CPU", true, cpu),
    ("modules", "Modules", true, |_, _| {}),
    ("commandstats", "Commandstats", false, commandstats),
    ("errorstats", "Errorstats", true, errorstats),
    ("latencystats", "Latencystats", false, latencystats),
    ("cluster", "Cluster", true, |_, lines| lines.put("cluster_enabled", 0)),
    ("keyspace", "Keyspace", true, keyspace),
    ("namespaces", "Namespaces", true, namespaces),
    ("scrubjay", "Scrubjay", true, scrubjay),
    ("compression", "Compression", true, compression),
    ("hotkeys", "Hotkeys", true, hotkeys),
];

/// The text of `INFO` with these sections; none means the default ones. Unknown names add nothing.
pub fn text(shared: &Shared, sections: &[&[u8]]) -> String {
    let asked = |name: &str| sections.iter().any(|section| section.eq_ignore_ascii_case(name.as_bytes()));
    let (default, all) = (sections.is_empty() || asked("default"), asked("all") || asked("everything"));
    let now_ms = shared.clock.now_ms();
    let facts = Facts {
        shared,
        totals: shared.totals(),
        stats: shared.store.stats(),
        usage: process::usage(),
        uptime_s: now_ms.saturating_sub(shared.started_ms) / 1000,
        now_ms,
    };
    let mut lines = Lines::default();
    for (name, heading, in_default, write) in SECTIONS {
        if all || asked(name) || (default && *in_default) {
            if !lines.0.is_empty() {
                lines.0.push_str("\r\n");
            }
            let _ = write!(lines.0, "# {heading}\r\n");
            write(&facts, &mut lines);
        }
    }
    lines.0
}

#[derive(Default)]
struct Lines(String);

impl Lines {
    fn put(&mut self, name: &str, value: impl Display) {
        let _ = write!(self.0, "{name}:{value}\r\n");
    }

    fn zeros(&mut self, names: &[&str]) {
        names.iter().for_each(|name| self.put(name, 0));
    }

    /// A number of bytes, and the same for people.
    fn size(&mut self, name: &str, bytes: u64) {
        self.put(name, bytes);
        self.put(&format!("{name}_human"), human(bytes));
    }
}

fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

/// Below so much in use the program itself is most of the process, and its share says nothing about fragmentation.
const SMALL_BYTES: u64 = 64 << 20;

/// Physical memory for each byte in use; 1 while there is nothing to say.
fn fragmentation(resident_bytes: u64, used_bytes: u64) -> f64 {
    if used_bytes < SMALL_BYTES { 1.0 } else { ratio(resident_bytes, used_bytes) }
}

fn server(facts: &Facts<'_>, lines: &mut Lines) {
    let config = facts.shared.config();
    lines.put("redis_version", REDIS_VERSION);
    lines.put("server_name", "scrubjay");
    lines.put("redis_git_sha1", "00000000");
    lines.put("redis_git_dirty", 0);
    lines.put("redis_build_id", env!("CARGO_PKG_VERSION"));
    lines.put("redis_mode", "standalone");
    lines.put("os", process::system());
    lines.put("arch_bits", usize::BITS);
    lines.put("monotonic_clock", "POSIX clock_gettime");
    lines.put("multiplexing_api", "epoll");
    lines.put("atomicvar_api", "rust-core");
    lines.put("gcc_version", "0.0.0");
    lines.put("process_id", std::process::id());
    lines.put("process_supervised", "no");
    lines.put("run_id", &facts.shared.run_id);
    lines.put("tcp_port", config.port);
    lines.put("server_time_usec", facts.now_ms * 1000);
    lines.put("uptime_in_seconds", facts.uptime_s);
    lines.put("uptime_in_days", facts.uptime_s / 86_400);
    lines.put("hz", 10);
    lines.put("configured_hz", 10);
    // Seconds, cut to the 24 bits in which Redis keeps them.
    lines.put("lru_clock", (facts.now_ms / 1000) & 0xFF_FFFF);
    lines.put("executable", process::executable());
    lines.put("config_file", config.config.as_deref().map(|path| path.display().to_string()).unwrap_or_default());
    lines.put("io_threads_active", u8::from(facts.shared.counters.len() > 1));
    lines.put(
        "listener0",
        format_args!(
            "name=tcp,bind={},port={}",
            config.bind.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
            config.port
        ),
    );
}

fn clients(facts: &Facts<'_>, lines: &mut Lines) {
    let list = facts.shared.clients.list();
    let most = |of: fn((usize, usize)) -> usize| list.iter().map(|info| of(info.buffered_bytes())).max().unwrap_or(0);
    lines.put("connected_clients", facts.shared.clients.len());
    lines.put("cluster_connections", 0);
    lines.put("maxclients", facts.shared.config().max_clients);
    lines.put("client_recent_max_input_buffer", most(|buffers| buffers.0));
    lines.put("client_recent_max_output_buffer", most(|buffers| buffers.1));
    let waiting = &facts.shared.effects.waiting;
    lines.put("blocked_clients", waiting.clients());
    lines.put("tracking_clients", facts.shared.effects.tracking.clients());
    lines.put("pubsub_clients", list.iter().filter(|info| info.is_subscriber()).count());
    lines.put("watching_clients", list.iter().filter(|info| info.watched() > 0).count());
    lines.put("clients_in_timeout_table", waiting.clients());
    lines.put("total_watched_keys", list.iter().map(|info| u64::from(info.watched())).sum::<u64>());
    lines.put("total_blocking_keys", waiting.keys());
    lines.put("total_blocking_keys_on_nokey", 0);
    lines.put("monitor_clients", list.iter().filter(|info| info.flags().contains(ClientFlags::MONITOR)).count());
}

fn memory(facts: &Facts<'_>, lines: &mut Lines) {
    let (stats, resident) = (&facts.stats, facts.usage.resident_bytes);
    let overhead = stats.used_bytes.saturating_sub(stats.payload_bytes);
    lines.size("used_memory", stats.used_bytes);
    lines.size("used_memory_rss", resident);
    lines.size("used_memory_peak", stats.used_bytes_peak.max(stats.used_bytes));
    lines.put(
        "used_memory_peak_perc",
        format_args!("{:.2}%", 100.0 * ratio(stats.used_bytes, stats.used_bytes_peak.max(stats.used_bytes))),
    );
    lines.put("used_memory_overhead", overhead);
    lines.put("used_memory_startup", 0);
    lines.put("used_memory_dataset", stats.payload_bytes);
    lines.put("used_memory_dataset_perc", format_args!("{:.2}%", 100.0 * ratio(stats.payload_bytes, stats.used_bytes)));
    lines.put("allocator_allocated", stats.used_bytes);
    lines.put("allocator_active", resident);
    lines.put("allocator_resident", resident);
    lines.put("allocator_muzzy", 0);
    lines.size("total_system_memory", facts.shared.settings.machine_bytes());
    lines.size("used_memory_lua", 0);
    lines.put("used_memory_vm_eval", 0);
    lines.zeros(&[
        "used_memory_scripts_eval",
        "number_of_cached_scripts",
        "number_of_functions",
        "number_of_libraries",
    ]);
    lines.put("used_memory_vm_functions", 0);
    lines.size("used_memory_vm_total", 0);
    lines.put("used_memory_functions", 0);
    lines.size("used_memory_scripts", 0);
    lines.size("maxmemory", stats.max_memory_bytes);
    lines.put("maxmemory_policy", facts.shared.store.policy());
    lines.put("allocator_frag_ratio", format_args!("{:.2}", fragmentation(resident, stats.used_bytes)));
    lines.put("allocator_frag_bytes", resident.saturating_sub(stats.used_bytes));
    lines.put("allocator_rss_ratio", "1.00");
    lines.put("allocator_rss_bytes", 0);
    lines.put("rss_overhead_ratio", "1.00");
    lines.put("rss_overhead_bytes", 0);
    lines.put("mem_fragmentation_ratio", format_args!("{:.2}", fragmentation(resident, stats.used_bytes)));
    lines.put("mem_fragmentation_bytes", resident as i64 - stats.used_bytes as i64);
    lines.zeros(&[
        "mem_not_counted_for_evict",
        "mem_replication_backlog",
        "mem_total_replication_buffers",
        "mem_clients_slaves",
    ]);
    lines.put("mem_clients_normal", facts.shared.clients.memory_bytes());
    lines.zeros(&["mem_cluster_links", "mem_aof_buffer"]);
    lines.put("mem_allocator", "mimalloc");
    lines.put("mem_overhead_db_hashtable_rehashing", 0);
    lines.zeros(&["active_defrag_running", "lazyfree_pending_objects", "lazyfreed_objects"]);
}

fn persistence(facts: &Facts<'_>, lines: &mut Lines) {
    lines.zeros(&["loading", "async_loading", "current_cow_peak", "current_cow_size", "current_cow_size_age"]);
    lines.put("current_fork_perc", "0.00");
    lines.zeros(&["current_save_keys_processed", "current_save_keys_total", "rdb_changes_since_last_save"]);
    lines.put("rdb_bgsave_in_progress", 0);
    lines.put("rdb_last_save_time", facts.shared.started_ms / 1000);
    lines.put("rdb_last_bgsave_status", "ok");
    lines.put("rdb_last_bgsave_time_sec", -1);
    lines.put("rdb_current_bgsave_time_sec", -1);
    lines.zeros(&["rdb_saves", "rdb_last_cow_size", "rdb_last_load_keys_expired", "rdb_last_load_keys_loaded"]);
    lines.zeros(&["aof_enabled", "aof_rewrite_in_progress", "aof_rewrite_scheduled"]);
    lines.put("aof_last_rewrite_time_sec", -1);
    lines.put("aof_current_rewrite_time_sec", -1);
    lines.put("aof_last_bgrewrite_status", "ok");
    lines.zeros(&["aof_rewrites", "aof_rewrites_consecutive_failures"]);
    lines.put("aof_last_write_status", "ok");
    lines.zeros(&["aof_last_cow_size", "module_fork_in_progress", "module_fork_last_cow_size"]);
}

fn stats(facts: &Facts<'_>, lines: &mut Lines) {
    let (totals, stats, rates) = (&facts.totals, &facts.stats, facts.shared.rates.per_second());
    lines.put("total_connections_received", totals.connections);
    lines.put("total_commands_processed", totals.commands);
    lines.put("instantaneous_ops_per_sec", rates.commands.round() as u64);
    lines.put("total_net_input_bytes", totals.bytes_in);
    lines.put("total_net_output_bytes", totals.bytes_out);
    lines.zeros(&["total_net_repl_input_bytes", "total_net_repl_output_bytes"]);
    lines.put("instantaneous_input_kbps", format_args!("{:.2}", rates.bytes_in / 1024.0));
    lines.put("instantaneous_output_kbps", format_args!("{:.2}", rates.bytes_out / 1024.0));
    lines.put("instantaneous_input_repl_kbps", "0.00");
    lines.put("instantaneous_output_repl_kbps", "0.00");
    lines.put("rejected_connections", totals.connections_refused);
    lines.zeros(&["sync_full", "sync_partial_ok", "sync_partial_err"]);
    lines.put("expired_subkeys", 0);
    lines.put("expired_keys", stats.expirations);
    lines.put("expired_stale_perc", "0.00");
    lines.zeros(&["expired_time_cap_reached_count", "expire_cycle_cpu_milliseconds"]);
    lines.put("evicted_keys", stats.evictions);
    lines.put("evicted_clients", totals.dropped_memory);
    lines.zeros(&["evicted_scripts", "total_eviction_exceeded_time", "current_eviction_exceeded_time"]);
    lines.put("keyspace_hits", stats.hits);
    lines.put("keyspace_misses", stats.misses);
    let (pubsub, tracking) = (&facts.shared.effects.pubsub, &facts.shared.effects.tracking);
    lines.put("pubsub_channels", pubsub.len(Family::Channel));
    lines.put("pubsub_patterns", pubsub.len(Family::Pattern));
    lines.put("pubsubshard_channels", pubsub.len(Family::Shard));
    lines.zeros(&["latest_fork_usec", "total_forks"]);
    lines.zeros(&["migrate_cached_sockets", "slave_expires_tracked_keys"]);
    lines.zeros(&["active_defrag_hits", "active_defrag_misses", "active_defrag_key_hits", "active_defrag_key_misses"]);
    lines.zeros(&["total_active_defrag_time", "current_active_defrag_time"]);
    lines.put("tracking_total_keys", tracking.keys());
    lines.put("tracking_total_items", tracking.readers());
    lines.put("tracking_total_prefixes", tracking.prefixes());
    lines.put("unexpected_error_replies", 0);
    lines.put("total_error_replies", totals.errors);
    lines.put("dump_payload_sanitizations", 0);
    lines.put("total_reads_processed", totals.turns);
    lines.put("total_writes_processed", totals.writes);
    lines.zeros(&["io_threaded_reads_processed", "io_threaded_writes_processed"]);
    lines.put("client_query_buffer_limit_disconnections", totals.protocol_errors);
    lines.put("client_output_buffer_limit_disconnections", totals.dropped_output + totals.dropped_subscribers);
    lines.zeros(&["reply_buffer_shrinks", "reply_buffer_expands"]);
    lines.zeros(&[
        "acl_access_denied_auth",
        "acl_access_denied_cmd",
        "acl_access_denied_key",
        "acl_access_denied_channel",
    ]);
}

fn replication(facts: &Facts<'_>, lines: &mut Lines) {
    lines.put("role", "master");
    lines.put("connected_slaves", 0);
    lines.put("master_failover_state", "no-failover");
    lines.put("master_replid", &facts.shared.run_id);
    lines.put("master_replid2", "0".repeat(40));
    lines.put("master_repl_offset", 0);
    lines.put("second_repl_offset", -1);
    lines.zeros(&[
        "repl_backlog_active",
        "repl_backlog_size",
        "repl_backlog_first_byte_offset",
        "repl_backlog_histlen",
    ]);
}

fn cpu(facts: &Facts<'_>, lines: &mut Lines) {
    lines.put("used_cpu_sys", format_args!("{:.6}", facts.usage.system_s));
    lines.put("used_cpu_user", format_args!("{:.6}", facts.usage.user_s));
    lines.put("used_cpu_sys_children", "0.000000");
    lines.put("used_cpu_user_children", "0.000000");
    lines.put("used_cpu_sys_main_thread", format_args!("{:.6}", facts.usage.system_s));
    lines.put("used_cpu_user_main_thread", format_args!("{:.6}", facts.usage.user_s));
}

fn commandstats(facts: &Facts<'_>, lines: &mut Lines) {
    for ((row, _), command) in index::all_rows().zip(&facts.totals.by_command) {
        if command.calls + command.rejected == 0 {
            continue;
        }
        let usec = command.latency.as_ref().map_or(0.0, |latency| latency.sum() as f64 / 1000.0);
        let fields = format_args!(
            "calls={},usec={},usec_per_call={:.2},rejected_calls={},failed_calls={}",
            command.calls,
            usec.round() as u64,
            usec / command.calls.max(1) as f64,
            command.rejected,
            command.failed
        );
        lines.put(&format!("cmdstat_{}", row.full_name()), fields);
    }
}

fn errorstats(facts: &Facts<'_>, lines: &mut Lines) {
    for (code, count) in ERROR_CODES.iter().zip(facts.totals.errors_by_code).filter(|(_, count)| *count > 0) {
        lines.put(&format!("errorstat_{code}"), format_args!("count={count}"));
    }
}

fn latencystats(facts: &Facts<'_>, lines: &mut Lines) {
    for ((row, _), command) in index::all_rows().zip(&facts.totals.by_command) {
        let Some(latency) = &command.latency else { continue };
        let us = |percent| Snapshot::percentile(latency, percent) as f64 / 1000.0;
        let fields = format_args!("p50={:.3},p99={:.3},p99.9={:.3}", us(50.0), us(99.0), us(99.9));
        lines.put(&format!("latency_percentiles_usec_{}", row.full_name()), fields);
    }
}

fn keyspace(facts: &Facts<'_>, lines: &mut Lines) {
    for database in 0..scrubjay_store::DATABASES {
        let Some(ns) = facts.shared.store.namespace(database) else { continue };
        let count = facts.stats.per_ns[usize::from(ns.0)];
        let (keys, expires) = (count.entries, count.volatile);
        if keys > 0 {
            let mean_ttl_ms = if expires > 0 { facts.shared.store.mean_ttl_ms(ns, facts.now_ms) } else { 0 };
            let fields = format_args!("keys={keys},expires={expires},avg_ttl={mean_ttl_ms},subexpiry=0");
            lines.put(&format!("db{database}"), fields);
        }
    }
}

fn namespaces(facts: &Facts<'_>, lines: &mut Lines) {
    for Shown { name, config, count, refused, .. } in
        facts.shared.namespaces.show_all(&facts.shared.store, &facts.stats)
    {
        let fields = format_args!(
            "keys={},expires={},bytes={},max_bytes={},policy={},ops_refused={refused}",
            count.entries,
            count.volatile,
            count.bytes,
            config.max_memory_bytes,
            config.policy.unwrap_or(facts.shared.config().policy).name(),
        );
        lines.put(&format!("ns_{name}"), fields);
    }
}

fn scrubjay(facts: &Facts<'_>, lines: &mut Lines) {
    let (stats, totals) = (&facts.stats, &facts.totals);
    lines.put("scrubjay_version", env!("CARGO_PKG_VERSION"));
    lines.put("threads", facts.shared.counters.len());
    lines.put("http_port", facts.shared.config().http_port);
    lines.put("entries", stats.entries);
    lines.put("entries_max", stats.max_entries);
    lines.put("payload_bytes", stats.payload_bytes);
    lines.put("entry_bytes", stats.entry_bytes);
    lines.put("hit_rate", format_args!("{:.4}", ratio(stats.hits, stats.hits + stats.misses)));
    lines.put("writes_refused", stats.refused);
    lines.put("clients_timed_out", totals.timed_out);
    lines.put("protocol_errors", totals.protocol_errors);
    lines.put("wrong_door", totals.wrong_door);
    lines.put("panics", totals.panics);
}

fn compression(facts: &Facts<'_>, lines: &mut Lines) {
    let counts = facts.stats.compression;
    lines.put("compression_codec", facts.shared.config().compression);
    lines.put("compressed_values", counts.values);
    lines.put("compressed_plain_bytes", counts.plain_bytes);
    lines.put("compressed_stored_bytes", counts.stored_bytes);
    lines.put("compression_ratio", format_args!("{:.2}", counts.ratio()));
}

fn hotkeys(facts: &Facts<'_>, lines: &mut Lines) {
    let (keys, config) = (heat::hottest(facts.shared), facts.shared.config());
    lines.put("hot_keys", keys.iter().filter(|key| key.is_hot).count());
    lines.put("hottest_key_uses", keys.first().map_or(0, HotKey::count));
    lines.put("hot_key_threshold", config.hot_key_threshold);
    lines.put("hot_key_window_ms", config.hot_key_window.as_millis());
    lines.put("hot_key_memory_bytes", heat::memory_bytes(facts.shared));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::shared;

    /// The names of the fields of Redis 7 by section, from its documentation of INFO; what only appears on clusters,
    /// replicas, during a save or with TLS is left out.
    const REDIS_FIELDS: &[(&str, &str)] = &[
        (
            "server",
            "redis_version redis_git_sha1 redis_git_dirty redis_build_id redis_mode os arch_bits multiplexing_api atomicvar_api gcc_version \
             process_id process_supervised run_id tcp_port server_time_usec uptime_in_seconds uptime_in_days hz configured_hz lru_clock \
             executable config_file io_threads_active",
        ),
        (
            "clients",
            "connected_clients cluster_connections maxclients client_recent_max_input_buffer client_recent_max_output_buffer blocked_clients \
             tracking_clients clients_in_timeout_table pubsub_clients watching_clients total_watched_keys total_blocking_keys \
             total_blocking_keys_on_nokey",
        ),
        (
            "memory",
            "used_memory used_memory_human used_memory_rss used_memory_rss_human used_memory_peak used_memory_peak_human \
             used_memory_peak_perc used_memory_overhead used_memory_startup used_memory_dataset used_memory_dataset_perc allocator_allocated \
             allocator_active allocator_resident total_system_memory total_system_memory_human used_memory_lua used_memory_vm_eval \
             used_memory_lua_human used_memory_scripts_eval number_of_cached_scripts number_of_functions number_of_libraries \
             used_memory_vm_functions used_memory_vm_total used_memory_vm_total_human used_memory_functions used_memory_scripts \
             used_memory_scripts_human maxmemory maxmemory_human maxmemory_policy allocator_frag_ratio allocator_frag_bytes \
             allocator_rss_ratio allocator_rss_bytes rss_overhead_ratio rss_overhead_bytes mem_fragmentation_ratio mem_fragmentation_bytes \
             mem_not_counted_for_evict mem_replication_backlog mem_total_replication_buffers mem_clients_slaves mem_clients_normal \
             mem_cluster_links mem_aof_buffer mem_allocator active_defrag_running lazyfree_pending_objects lazyfreed_objects",
        ),
        (
            "persistence",
            "loading async_loading current_cow_peak current_cow_size current_cow_size_age current_fork_perc current_save_keys_processed \
             current_save_keys_total rdb_changes_since_last_save rdb_bgsave_in_progress rdb_last_save_time rdb_last_bgsave_status \
             rdb_last_bgsave_time_sec rdb_current_bgsave_time_sec rdb_saves rdb_last_cow_size rdb_last_load_keys_expired \
             rdb_last_load_keys_loaded aof_enabled aof_rewrite_in_progress aof_rewrite_scheduled aof_last_rewrite_time_sec \
             aof_current_rewrite_time_sec aof_last_bgrewrite_status aof_rewrites aof_rewrites_consecutive_failures aof_last_write_status \
             aof_last_cow_size module_fork_in_progress module_fork_last_cow_size",
        ),
        (
            "stats",
            "total_connections_received total_commands_processed instantaneous_ops_per_sec total_net_input_bytes total_net_output_bytes \
             total_net_repl_input_bytes total_net_repl_output_bytes instantaneous_input_kbps instantaneous_output_kbps \
             instantaneous_input_repl_kbps instantaneous_output_repl_kbps rejected_connections sync_full sync_partial_ok sync_partial_err \
             expired_keys expired_stale_perc expired_time_cap_reached_count expire_cycle_cpu_milliseconds evicted_keys evicted_clients \
             total_eviction_exceeded_time current_eviction_exceeded_time keyspace_hits keyspace_misses pubsub_channels pubsub_patterns \
             pubsubshard_channels latest_fork_usec total_forks migrate_cached_sockets slave_expires_tracked_keys active_defrag_hits \
             active_defrag_misses active_defrag_key_hits active_defrag_key_misses total_active_defrag_time current_active_defrag_time \
             tracking_total_keys tracking_total_items tracking_total_prefixes unexpected_error_replies total_error_replies \
             dump_payload_sanitizations total_reads_processed total_writes_processed io_threaded_reads_processed \
             io_threaded_writes_processed reply_buffer_shrinks reply_buffer_expands",
        ),
        (
            "replication",
            "role connected_slaves master_failover_state master_replid master_replid2 master_repl_offset second_repl_offset \
             repl_backlog_active repl_backlog_size repl_backlog_first_byte_offset repl_backlog_histlen",
        ),
        (
            "cpu",
            "used_cpu_sys used_cpu_user used_cpu_sys_children used_cpu_user_children used_cpu_sys_main_thread used_cpu_user_main_thread",
        ),
        ("cluster", "cluster_enabled"),
    ];

    #[test]
    fn every_field_of_redis_is_there_once() {
        let shared = shared();
        for (section, fields) in REDIS_FIELDS {
            let text = text(&shared, &[section.as_bytes()]);
            for field in fields.split_whitespace() {
                let lines = text.lines().filter(|line| line.split(':').next() == Some(field)).count();
                assert_eq!(lines, 1, "{section}: {field}");
            }
        }
        let everything = text(&shared, &[b"everything"]);
        let mut names: Vec<&str> = everything.lines().filter_map(|line| Some(line.split_once(':')?.0)).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count, "a field stands twice");
    }

    #[test]
    fn sections_come_as_asked() {
        let shared = shared();
        let headings = |sections: &[&[u8]]| {
            text(&shared, sections)
                .lines()
                .filter_map(|line| line.strip_prefix("# "))
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        assert_eq!(headings(&[b"CPU", b"server"]), ["Server", "CPU"]);
        assert_eq!(headings(&[b"nonsense"]), [""; 0]);
        assert!(!headings(&[]).contains(&"Commandstats".to_owned()));
        assert_eq!(headings(&[b"all"]).len(), SECTIONS.len());
        assert_eq!(headings(&[b"default", b"commandstats"]).len(), SECTIONS.len() - 1);
    }

    #[test]
    fn commands_that_ran_have_statistics() {
        let shared = shared();
        let counters = &shared.counters[0].by_command[0];
        counters.calls.add(2);
        counters.record(1_500, 2);
        let name = index::all_rows().next().unwrap().0.full_name();
        let text = text(&shared, &[b"commandstats", b"latencystats"]);
        let expected = format!("cmdstat_{name}:calls=2,usec=3,usec_per_call=1.50,rejected_calls=0,failed_calls=0\r\n");
        assert!(text.contains(&expected), "{text}");
        assert!(text.contains(&format!("latency_percentiles_usec_{name}:p50=1.")), "{text}");
    }
}
