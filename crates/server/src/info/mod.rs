//! `INFO`: the node described in sections of `name:value` lines, with Redis' names, so that its exporters work.
//!
//! A field whose machinery does not exist here (forks, append-only files, scripts) says what is true: nothing of it. What
//! exists here and not in Redis is in sections of its own. Here: which sections there are, and how they are written; each
//! has its fields in the file of its name, those about commands in `commands`, those that Redis has not in `own`.

mod clients;
mod commands;
mod cpu;
mod keyspace;
mod memory;
mod own;
mod persistence;
mod replication;
mod server;
mod stats;
#[cfg(test)]
mod tests;

use crate::process;
use crate::shared::Shared;
use crate::totals::Totals;
use scrubjay_base::size::human;
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
    ("server", "Server", true, server::server),
    ("clients", "Clients", true, clients::clients),
    ("memory", "Memory", true, memory::memory),
    ("persistence", "Persistence", true, persistence::persistence),
    ("stats", "Stats", true, stats::stats),
    ("replication", "Replication", true, replication::replication),
    ("cpu", "CPU", true, cpu::cpu),
    ("modules", "Modules", true, |_, _| {}),
    ("commandstats", "Commandstats", false, commands::commandstats),
    ("errorstats", "Errorstats", true, commands::errorstats),
    ("latencystats", "Latencystats", false, commands::latencystats),
    ("cluster", "Cluster", true, |_, lines| lines.put("cluster_enabled", 0)),
    ("keyspace", "Keyspace", true, keyspace::keyspace),
    ("namespaces", "Namespaces", true, keyspace::namespaces),
    ("scrubjay", "Scrubjay", true, own::scrubjay),
    ("compression", "Compression", true, own::compression),
    ("hotkeys", "Hotkeys", true, own::hotkeys),
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
