//! Calls, errors and latencies, by command and by code.

use super::{Facts, Lines};
use crate::counters::ERROR_CODES;
use scrubjay_command::index;
use scrubjay_metrics::Snapshot;

pub(super) fn commandstats(facts: &Facts<'_>, lines: &mut Lines) {
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

pub(super) fn errorstats(facts: &Facts<'_>, lines: &mut Lines) {
    for (code, count) in ERROR_CODES.iter().zip(facts.totals.errors_by_code).filter(|(_, count)| *count > 0) {
        lines.put(&format!("errorstat_{code}"), format_args!("count={count}"));
    }
}

pub(super) fn latencystats(facts: &Facts<'_>, lines: &mut Lines) {
    for ((row, _), command) in index::all_rows().zip(&facts.totals.by_command) {
        let Some(latency) = &command.latency else { continue };
        let us = |percent| Snapshot::percentile(latency, percent) as f64 / 1000.0;
        let fields = format_args!("p50={:.3},p99={:.3},p99.9={:.3}", us(50.0), us(99.0), us(99.9));
        lines.put(&format!("latency_percentiles_usec_{}", row.full_name()), fields);
    }
}
