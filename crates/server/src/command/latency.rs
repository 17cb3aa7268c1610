//! `LATENCY`: what took long, and how long each command takes.

use super::{Done, refusal, shown};
use crate::latency::{self, Event};
use crate::shared::Shared;
use scrubjay_command::{Args, Reply, index};
use scrubjay_metrics::Snapshot;

pub(super) fn latest(shared: &Shared, reply: &mut dyn Reply) -> Done {
    let events = shared.latency.events();
    reply.array(events.len());
    for (name, event) in events {
        let latest = event.latest();
        reply.array(4);
        reply.text(name);
        reply.int(latest.map_or(0, |sample| sample.unix_s) as i64);
        reply.int(latest.map_or(0, |sample| sample.spent_ms) as i64);
        reply.int(event.longest_ms as i64);
    }
    Ok(())
}

pub(super) fn history(shared: &Shared, args: &Args<'_>, reply: &mut dyn Reply) -> Done {
    let samples = shared.latency.event(args.at(2)).map(|(_, event)| event.samples).unwrap_or_default();
    reply.array(samples.len());
    for sample in samples {
        reply.array(2);
        reply.int(sample.unix_s as i64);
        reply.int(sample.spent_ms as i64);
    }
    Ok(())
}

pub(super) fn graph(shared: &Shared, args: &Args<'_>, reply: &mut dyn Reply) -> Done {
    let (name, event) = shared
        .latency
        .event(args.at(2))
        .ok_or_else(|| refusal(format_args!("No samples available for event '{}'", shown(args.at(2)))))?;
    reply.verbatim("txt", &latency::graph(name, &event, shared.clock.now_ms() / 1000));
    Ok(())
}

pub(super) fn reset(shared: &Shared, args: &Args<'_>, reply: &mut dyn Reply) -> Done {
    let forgotten = match args.len() {
        2 => shared.latency.forget_all(),
        _ => args.from(2).filter(|name| shared.latency.forget(name)).count(),
    };
    reply.int(forgotten as i64);
    Ok(())
}

pub(super) fn histogram(shared: &Shared, args: &Args<'_>, reply: &mut dyn Reply) -> Done {
    let totals = shared.totals();
    // A container's name stands for all of its subcommands.
    let wanted = |name: &str| {
        args.len() == 2
            || args.from(2).any(|asked| {
                let asked = asked.to_ascii_lowercase();
                name.as_bytes() == asked || name.split('|').next().map(str::as_bytes) == Some(asked.as_slice())
            })
    };
    let found: Vec<(String, u64, &Snapshot)> = index::all_rows()
        .zip(&totals.by_command)
        .filter_map(|((row, _), command)| Some((row.full_name(), command.calls, command.latency.as_ref()?)))
        .filter(|(name, ..)| wanted(name))
        .collect();
    reply.map(found.len());
    for (name, calls, latency) in found {
        reply.text(&name);
        reply.map(2);
        reply.text("calls");
        reply.int(calls as i64);
        reply.text("histogram_usec");
        let buckets = buckets(latency);
        reply.map(buckets.len());
        for (bound_us, count) in buckets {
            reply.int(bound_us as i64);
            reply.int(count as i64);
        }
    }
    Ok(())
}

/// Upper bounds in microseconds and how many calls took no longer, where that number grows. The bounds are powers of two
/// of nanoseconds, cut to microseconds, as in Redis: 1, 2, 4, 8, 16, 32, 65, ...
fn buckets(latency: &Snapshot) -> Vec<(u64, u64)> {
    let mut seen = 0;
    let bounds = (10..=40).map(|exponent| ((1u64 << exponent) / 1000, latency.below_power_of_two(exponent)));
    bounds.filter(|(_, count)| std::mem::replace(&mut seen, *count) < *count).collect()
}

pub(super) fn doctor(shared: &Shared, reply: &mut dyn Reply) -> Done {
    let threshold_ms = shared.config().latency_monitor_threshold;
    reply.verbatim("txt", &diagnosis(threshold_ms, &shared.latency.events(), shared.clock.now_ms() / 1000));
    Ok(())
}

fn diagnosis(threshold_ms: i64, events: &[(&str, Event)], now_s: u64) -> String {
    if threshold_ms == 0 {
        return "Latency events are not being remembered. Start with CONFIG SET latency-monitor-threshold 100: events of 100 \
                milliseconds and more are remembered then. LATENCY HISTOGRAM shows every command's times in any case.\n"
            .to_owned();
    }
    if events.is_empty() {
        return format!("No event took {threshold_ms} milliseconds or more. Nothing to do.\n");
    }
    let mut text = format!("Events of {threshold_ms} milliseconds and more:\n\n");
    for (name, event) in events {
        let count = event.samples.len();
        let sum: u64 = event.samples.iter().map(|sample| sample.spent_ms).sum();
        let last_s = event.latest().map_or(0, |sample| now_s.saturating_sub(sample.unix_s));
        text += &format!(
            "- {name}: in {count} of the seconds remembered, {} ms on average, {} ms at most, last {last_s} s ago.\n  {}\n",
            sum / count.max(1) as u64,
            event.longest_ms,
            advice(name)
        );
    }
    text
}

fn advice(event: &str) -> &'static str {
    match event {
        "command" => {
            "Look into SLOWLOG GET for the commands; replace KEYS by SCAN, and large MGET or DEL by several small ones."
        }
        "fast-command" => {
            "These take constant time: the machine was busy with something else, or values are very large. Check CPU steal, \
             swapping, and MEMORY USAGE of the keys in SLOWLOG GET."
        }
        "housekeeping" => {
            "Very many entries were due at once, or the memory limit was lowered. Spread lifetimes by adding a random part."
        }
        _ => "Look into the log of the server at that time.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{run, session, shared};

    #[test]
    fn events_are_shown_and_forgotten() {
        let shared = shared();
        let mut client = session(&shared, 1000);
        shared.latency.note("command", 1_700_000_000, 120);
        shared.latency.note("command", 1_700_000_001, 80);
        shared.latency.note("fast-command", 1_700_000_001, 5);
        for (line, answer) in [
            ("latency latest", "[[command, 1700000001, 80, 120], [fast-command, 1700000001, 5, 5]]"),
            ("latency history command", "[[1700000000, 120], [1700000001, 80]]"),
            ("latency history nothing", "[]"),
            ("latency graph nothing", "(error) ERR No samples available for event 'nothing'"),
            ("latency reset fast-command nothing", "1"),
            ("latency reset", "1"),
            ("latency latest", "[]"),
        ] {
            assert_eq!(run(&shared, &mut client, line), answer, "{line}");
        }
    }

    #[test]
    fn histograms_are_cumulative_in_microseconds() {
        let shared = shared();
        let mut client = session(&shared, 1000);
        let id = index::find(b"ping").unwrap().id();
        let counters = &shared.counters[0].by_command[id];
        counters.calls.add(3);
        for spent_ns in [500, 3_000, 70_000] {
            counters.record(spent_ns, 1);
        }
        let expected = "{ping: {calls: 3, histogram_usec: {1: 1, 4: 2, 131: 3}}}";
        assert_eq!(run(&shared, &mut client, "latency histogram PING nothing"), expected);
        assert_eq!(run(&shared, &mut client, "latency histogram"), expected);
        assert_eq!(run(&shared, &mut client, "latency histogram get"), "{}");
    }

    #[test]
    fn the_doctor_says_what_to_do() {
        let events = latency::Latency::default();
        assert!(diagnosis(0, &events.events(), 100).contains("CONFIG SET latency-monitor-threshold"));
        assert!(diagnosis(100, &events.events(), 100).contains("Nothing to do"));
        events.note("command", 90, 300);
        let text = diagnosis(100, &events.events(), 100);
        assert!(
            text.contains("command: in 1")
                && text.contains("300 ms at most, last 10 s ago")
                && text.contains("SLOWLOG")
        );
    }
}
