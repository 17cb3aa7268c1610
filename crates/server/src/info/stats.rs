//! What has been counted since the start, or since CONFIG RESETSTAT.

use super::{Facts, Lines};
use crate::pubsub::subscriptions::Family;

pub(super) fn stats(facts: &Facts<'_>, lines: &mut Lines) {
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
