//! What Redis has no section for.

use super::{Facts, Lines, ratio};
use crate::heat::{self, HotKey};

pub(super) fn scrubjay(facts: &Facts<'_>, lines: &mut Lines) {
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

pub(super) fn compression(facts: &Facts<'_>, lines: &mut Lines) {
    let counts = facts.stats.compression;
    lines.put("compression_codec", facts.shared.config().compression);
    lines.put("compressed_values", counts.values);
    lines.put("compressed_plain_bytes", counts.plain_bytes);
    lines.put("compressed_stored_bytes", counts.stored_bytes);
    lines.put("compression_ratio", format_args!("{:.2}", counts.ratio()));
}

pub(super) fn hotkeys(facts: &Facts<'_>, lines: &mut Lines) {
    let (keys, config) = (heat::hottest(facts.shared), facts.shared.config());
    lines.put("hot_keys", keys.iter().filter(|key| key.is_hot).count());
    lines.put("hottest_key_uses", keys.first().map_or(0, HotKey::count));
    lines.put("hot_key_threshold", config.hot_key_threshold);
    lines.put("hot_key_window_ms", config.hot_key_window.as_millis());
    lines.put("hot_key_memory_bytes", heat::memory_bytes(facts.shared));
}
