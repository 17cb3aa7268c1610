//! What the memory is used for. There is one allocator and no script, so much of what Redis tells apart is 0.

use super::{Facts, Lines, ratio};

pub(super) fn memory(facts: &Facts<'_>, lines: &mut Lines) {
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

/// Below so much in use the program itself is most of the process, and its share says nothing about fragmentation.
const SMALL_BYTES: u64 = 64 << 20;

/// Physical memory for each byte in use; 1 while there is nothing to say.
fn fragmentation(resident_bytes: u64, used_bytes: u64) -> f64 {
    if used_bytes < SMALL_BYTES { 1.0 } else { ratio(resident_bytes, used_bytes) }
}
