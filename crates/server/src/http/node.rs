//! The routes that are about the node itself: statistics, health, metrics, and the cluster of one that it is.

use crate::door::Turn;
use crate::exposition;
use crate::heat;
use scrubjay_metrics::exposition::CONTENT_TYPE;
use scrubjay_protocol::OutputBuffer;
use scrubjay_protocol::http::{Answer, Fault, Manner, Operation, Status, json, openapi, respond, value};

/// Virtual nodes of each node on the ring that prefers slots.
const VIRTUAL_NODES: u64 = 150;
/// Keys whose distribution is shown.
const SAMPLE_SIZE: u64 = 10_000;
/// The version of a topology that nobody has changed.
const TOPOLOGY_VERSION: u64 = 1;

/// Answers a request about the node.
pub(super) fn answer(
    operation: Operation,
    turn: &Turn<'_>,
    manner: Manner,
    out: &mut OutputBuffer,
) -> Result<(), Fault> {
    if operation == Operation::Ready && turn.shared.shutdown.asked().is_some() {
        return Err(Fault::new(503, "stopping", "the node is stopping; ask another one"));
    }
    let answer = Answer::begin(out, manner, Status(200));
    match operation {
        Operation::Stats => answer.json(|out| stats(turn, out)),
        Operation::Health => answer.json(|out| status("healthy", turn, out)),
        Operation::Ready => answer.json(|out| status("ready", turn, out)),
        Operation::Metrics => answer.bytes(CONTENT_TYPE, exposition::prometheus(turn.shared).as_bytes()),
        Operation::OpenApi => answer.bytes(respond::JSON, openapi::document().as_bytes()),
        Operation::ClusterStatus => answer.json(|out| cluster_status(turn, out)),
        Operation::ClusterHotkeys => answer.json(|out| hot_keys(turn, out)),
        _ => answer.json(|out| distribution(turn, out)),
    }
    Ok(())
}

/// Writes an object's members.
pub(super) struct Members<'o> {
    pub out: &'o mut OutputBuffer,
    first: bool,
}

impl<'o> Members<'o> {
    pub fn open(out: &'o mut OutputBuffer) -> Members<'o> {
        out.put(b"{");
        Members { out, first: true }
    }

    pub fn name(&mut self, name: &str) -> &mut OutputBuffer {
        if !std::mem::replace(&mut self.first, false) {
            self.out.put(b",");
        }
        json::string(self.out, name);
        self.out.put(b":");
        self.out
    }

    pub fn count(&mut self, name: &str, value: u64) {
        json::number(self.name(name), value);
    }

    pub fn text(&mut self, name: &str, value: &str) {
        json::string(self.name(name), value);
    }

    pub fn close(self) {
        self.out.put(b"}");
    }
}

fn stats(turn: &Turn<'_>, out: &mut OutputBuffer) {
    let (shared, stats) = (turn.shared, turn.shared.store.stats());
    let reads = stats.hits + stats.misses;
    let mut members = Members::open(out);
    for (name, value) in [
        ("entries", stats.entries),
        ("memoryBytes", stats.used_bytes),
        ("maxEntries", stats.max_entries),
        ("maxMemoryBytes", stats.max_memory_bytes),
        ("hits", stats.hits),
        ("misses", stats.misses),
    ] {
        members.count(name, value);
    }
    json::float(members.name("hitRate"), if reads == 0 { 0.0 } else { stats.hits as f64 / reads as f64 });
    for (name, value) in [
        ("evictions", stats.evictions),
        ("expirations", stats.expirations),
        ("refusedWrites", stats.refused),
        ("volatileEntries", stats.volatile_entries),
        ("payloadBytes", stats.payload_bytes),
        ("peakMemoryBytes", stats.used_bytes_peak),
        ("connections", shared.clients.len() as u64),
    ] {
        members.count(name, value);
    }
    members.text("policy", shared.store.policy().name());
    json::seconds(members.name("defaultTtl"), shared.store.default_ttl_ms());
    json::seconds(members.name("uptime"), turn.now_ms.saturating_sub(shared.started_ms));
    members.close();
}

/// Most keys that are answered.
const HOT_KEYS_MAX: usize = 100;

fn hot_keys(turn: &Turn<'_>, out: &mut OutputBuffer) {
    let config = turn.shared.config();
    let mut members = Members::open(out);
    json::seconds(members.name("windowSeconds"), config.hot_key_window.as_millis() as u64);
    members.count("threshold", config.hot_key_threshold as u64);
    let out = members.name("keys");
    out.put(b"[");
    for (at, key) in heat::hottest(turn.shared).iter().take(HOT_KEYS_MAX).enumerate() {
        out.put(if at == 0 { b"{" } else { b",{" });
        value::write_key(out, &key.key);
        out.put(b",\"namespace\":\"");
        out.put(turn.shared.namespaces.directory().name(key.database).as_bytes());
        for (name, number) in
            [(&b"\",\"count\":"[..], key.count()), (b",\"reads\":", key.reads), (b",\"writes\":", key.writes)]
        {
            out.put(name);
            json::number(out, number);
        }
        out.put(if key.is_hot { b",\"hot\":true}" } else { b",\"hot\":false}" });
    }
    out.put(b"]");
    members.close();
}

fn status(word: &str, turn: &Turn<'_>, out: &mut OutputBuffer) {
    let mut members = Members::open(out);
    members.text("status", word);
    json::seconds(members.name("timestamp"), turn.now_ms);
    members.close();
}

fn cluster_status(turn: &Turn<'_>, out: &mut OutputBuffer) {
    let mut members = Members::open(out);
    members.count("totalNodes", 1);
    members.count("healthyNodes", 1);
    let out = members.name("nodes");
    out.put(b"[");
    let mut node = Members::open(out);
    node.text("id", &turn.shared.run_id);
    // The address under which this client reached it.
    node.text("address", &turn.session.info.local.to_string());
    node.name("healthy").put(b"true");
    json::seconds(node.name("lastCheck"), turn.now_ms);
    node.count("consecutiveFailures", 0);
    node.close();
    members.out.put(b"]");
    for (name, value) in
        [("replicationFactor", 1), ("writeQuorum", 1), ("readQuorum", 1), ("topologyVersion", TOPOLOGY_VERSION)]
    {
        members.count(name, value);
    }
    members.close();
}

/// A node that stands alone holds every key of any sample.
fn distribution(turn: &Turn<'_>, out: &mut OutputBuffer) {
    let mut members = Members::open(out);
    members.count("sampleSize", SAMPLE_SIZE);
    let mut nodes = Members::open(members.name("distribution"));
    let mut node = Members::open(nodes.name(&turn.shared.run_id));
    node.count("count", SAMPLE_SIZE);
    node.text("percentage", "100.00%");
    node.close();
    nodes.close();
    members.count("virtualNodesPerNode", VIRTUAL_NODES);
    members.close();
}
