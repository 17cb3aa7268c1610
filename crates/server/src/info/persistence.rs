//! Snapshots and append-only files: this node has none, and says so.

use super::{Facts, Lines};

pub(super) fn persistence(facts: &Facts<'_>, lines: &mut Lines) {
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
