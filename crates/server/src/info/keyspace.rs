//! The databases that hold anything, and the namespaces that have a name or settings of their own.

use super::{Facts, Lines};
use crate::namespaces::shown::Shown;

pub(super) fn keyspace(facts: &Facts<'_>, lines: &mut Lines) {
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

pub(super) fn namespaces(facts: &Facts<'_>, lines: &mut Lines) {
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
