//! Who is connected, and who of them waits or listens.

use super::{Facts, Lines};
use crate::clients::ClientFlags;

pub(super) fn clients(facts: &Facts<'_>, lines: &mut Lines) {
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
