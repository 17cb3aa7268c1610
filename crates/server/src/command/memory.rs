//! `MEMORY`: what takes how much.

use super::Done;
use crate::process;
use crate::session::Session;
use crate::shared::Shared;
use scrubjay_base::size::human;
use scrubjay_command::{Args, Reject, Reply};
use scrubjay_store::{Access, Ns, Stats};
use std::fmt::Write;

pub(super) fn usage(shared: &Shared, session: &Session, args: &Args<'_>, reply: &mut dyn Reply) -> Done {
    match args.len() {
        3 => {}
        // How many nested values to look at matters for types that are not measured exactly; ours are.
        5 if args.is(3, "samples") && args.int(4)? >= 0 => {}
        _ => return Err(Reject::SYNTAX),
    }
    let key_bytes_max = shared.config().key_bytes_max as usize;
    if args.at(2).len() > key_bytes_max {
        return Err(Reject::key_too_long(key_bytes_max));
    }
    let key = shared.store.key(shared.store.namespace(session.database()).unwrap_or(Ns(0)), args.at(2));
    match shared.store.lock(key.slot, shared.clock.now_ms()).get(&key, Access::Peek) {
        Some(entry) => reply.int(entry.memory_bytes() as i64),
        None => reply.null(),
    }
    Ok(())
}

pub(super) fn stats(shared: &Shared, reply: &mut dyn Reply) -> Done {
    let (stats, resident) = (shared.store.stats(), process::usage().resident_bytes);
    let peak = stats.used_bytes_peak.max(stats.used_bytes);
    let overhead = stats.used_bytes.saturating_sub(stats.payload_bytes);
    let share = |part: u64, whole: u64| part as f64 / whole.max(1) as f64;
    let bytes = |bytes: u64| Field::Int(bytes as i64);
    let fields: &[(&str, Field)] = &[
        ("peak.allocated", bytes(peak)),
        ("total.allocated", bytes(stats.used_bytes)),
        ("startup.allocated", bytes(0)),
        ("replication.backlog", bytes(0)),
        ("clients.slaves", bytes(0)),
        ("clients.normal", bytes(shared.clients.memory_bytes())),
        ("cluster.links", bytes(0)),
        ("aof.buffer", bytes(0)),
        ("lua.caches", bytes(0)),
        ("functions.caches", bytes(0)),
        ("overhead.total", bytes(overhead)),
        ("compression.values", bytes(stats.compression.values)),
        ("compression.plain-bytes", bytes(stats.compression.plain_bytes)),
        ("compression.stored-bytes", bytes(stats.compression.stored_bytes)),
        ("keys.count", bytes(stats.entries)),
        ("keys.bytes-per-key", bytes(stats.used_bytes / stats.entries.max(1))),
        ("dataset.bytes", bytes(stats.payload_bytes)),
        ("dataset.percentage", Field::Double(100.0 * share(stats.payload_bytes, stats.used_bytes))),
        ("peak.percentage", Field::Double(100.0 * share(stats.used_bytes, peak))),
        ("allocator.allocated", bytes(stats.used_bytes)),
        ("allocator.active", bytes(resident)),
        ("allocator.resident", bytes(resident)),
        ("allocator-fragmentation.ratio", Field::Double(share(resident, stats.used_bytes))),
        ("allocator-fragmentation.bytes", bytes(resident.saturating_sub(stats.used_bytes))),
        ("allocator-rss.ratio", Field::Double(1.0)),
        ("allocator-rss.bytes", bytes(0)),
        ("rss-overhead.ratio", Field::Double(1.0)),
        ("rss-overhead.bytes", bytes(0)),
        ("fragmentation", Field::Double(share(resident, stats.used_bytes))),
        ("fragmentation.bytes", Field::Int(resident as i64 - stats.used_bytes as i64)),
    ];
    reply.map(fields.len());
    for (name, value) in fields {
        reply.text(name);
        match value {
            Field::Int(value) => reply.int(*value),
            Field::Double(value) => reply.double(*value),
        }
    }
    Ok(())
}

enum Field {
    Int(i64),
    Double(f64),
}

pub(super) fn doctor(shared: &Shared, reply: &mut dyn Reply) -> Done {
    reply.verbatim(
        "txt",
        &diagnosis(&shared.store.stats(), process::usage().resident_bytes, shared.settings.machine_bytes()),
    );
    Ok(())
}

/// Below this there is nothing to say about proportions: the program itself is most of the process.
const SMALL_BYTES: u64 = 64 << 20;

fn diagnosis(stats: &Stats, resident_bytes: u64, machine_bytes: u64) -> String {
    let mut findings = Vec::new();
    if stats.max_memory_bytes == 0 {
        findings.push("There is no memory limit: when the machine is full, the kernel kills this process. CONFIG SET maxmemory 80%.".to_owned());
    } else if machine_bytes > 0 && stats.max_memory_bytes > machine_bytes / 100 * 95 {
        findings.push(format!(
            "The limit, {}, leaves the machine, which has {}, less than 5 %. CONFIG SET maxmemory 80%.",
            human(stats.max_memory_bytes),
            human(machine_bytes)
        ));
    }
    if stats.refused > 0 {
        findings.push(format!(
            "{} writes were refused because memory was full and nothing might be evicted. Raise maxmemory, or choose a \
             maxmemory-policy that begins with allkeys-. JAY.MEMORY PREFIXES and JAY.BIGKEYS say what takes the memory.",
            stats.refused
        ));
    }
    if resident_bytes > SMALL_BYTES && resident_bytes > stats.used_bytes / 2 * 3 {
        findings.push(format!(
            "The process holds {}, of which {} are in use. After a peak this goes back by itself; MEMORY PURGE asks for it now.",
            human(resident_bytes),
            human(stats.used_bytes)
        ));
    }
    if stats.used_bytes > SMALL_BYTES && stats.payload_bytes < stats.used_bytes / 3 {
        findings.push(format!(
            "Of {} in use, {} are keys and values: entries are very small, and several in one value would take less.",
            human(stats.used_bytes),
            human(stats.payload_bytes)
        ));
    }
    let reads = stats.hits + stats.misses;
    if stats.evictions > 0 && reads > 1000 && stats.hits * 2 < reads {
        findings.push(format!(
            "Fewer than half of the reads find their key, and entries are being evicted: {} are too little for what is read. \
             JAY.MEMORY PREFIXES says what takes them.",
            human(stats.max_memory_bytes)
        ));
    }
    if findings.is_empty() {
        return "Nothing is wrong with the memory.\n".to_owned();
    }
    findings.iter().fold(String::new(), |mut text, finding| {
        let _ = writeln!(text, "- {finding}");
        text
    })
}

pub(super) fn malloc_stats(shared: &Shared, reply: &mut dyn Reply) -> Done {
    let stats = shared.store.stats();
    let text = format!(
        "allocator: mimalloc\nresident: {}\nused by the cache: {}\nentries: {}\nkeys and values: {}\n",
        process::usage().resident_bytes,
        stats.used_bytes,
        stats.entry_bytes,
        stats.payload_bytes
    );
    reply.verbatim("txt", &text);
    Ok(())
}

/// How long housekeeping may work for one `MEMORY PURGE`: long enough to give back about a gigabyte, short enough that
/// nobody takes the node for dead. Chosen, untested.
const PURGE_US: u64 = 50_000;

pub(super) fn purge(shared: &Shared, reply: &mut dyn Reply) -> Done {
    shared.store.maintain(shared.clock.now_ms(), PURGE_US);
    reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{run, session, shared};
    use scrubjay_store::{Deadline, Flags};

    #[test]
    fn usage_is_of_the_selected_database() {
        let shared = shared();
        let mut client = session(&shared, 1000);
        let key = shared.store.key(Ns(0), b"k");
        let now_ms = shared.clock.now_ms();
        shared.store.lock(key.slot, now_ms).put(&key, b"value", Deadline::Never, Flags::Keep).unwrap();
        assert!(run(&shared, &mut client, "memory usage k samples 0").parse::<u64>().unwrap() > 5);
        for (line, answer) in [
            ("memory usage nope", "(nil)"),
            ("memory usage k samples", "(error) ERR syntax error"),
            ("memory usage k samples -1", "(error) ERR syntax error"),
            ("memory usage k limit 1", "(error) ERR syntax error"),
            ("memory purge", "OK"),
        ] {
            assert_eq!(run(&shared, &mut client, line), answer, "{line}");
        }
        run(&shared, &mut client, "select 1");
        assert_eq!(run(&shared, &mut client, "memory usage k"), "(nil)");
        assert!(run(&shared, &mut client, "memory stats").contains("keys.count: 1"));
    }

    #[test]
    fn the_doctor_finds_what_is_wrong_and_says_what_to_do() {
        let healthy =
            Stats { max_memory_bytes: 1 << 30, used_bytes: 500 << 20, payload_bytes: 400 << 20, ..Stats::default() };
        assert_eq!(diagnosis(&healthy, 520 << 20, 4 << 30), "Nothing is wrong with the memory.\n");
        for (stats, resident_bytes, part) in [
            (Stats { max_memory_bytes: 0, ..healthy.clone() }, 520 << 20, "no memory limit"),
            (Stats { max_memory_bytes: 4 << 30, ..healthy.clone() }, 520 << 20, "less than 5 %"),
            (Stats { refused: 3, ..healthy.clone() }, 520 << 20, "3 writes were refused"),
            (healthy.clone(), 900 << 20, "MEMORY PURGE"),
            (Stats { payload_bytes: 100 << 20, ..healthy.clone() }, 520 << 20, "very small"),
            (Stats { evictions: 1, misses: 2000, ..healthy.clone() }, 520 << 20, "too little"),
        ] {
            let text = diagnosis(&stats, resident_bytes, 4 << 30);
            assert!(text.contains(part) && text.lines().count() == 1, "{part}: {text}");
        }
    }
}
