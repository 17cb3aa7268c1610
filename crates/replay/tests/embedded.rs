//! The real store as a target, next to the exact policies at equal total bytes: what sampling and packing cost.

use std::path::PathBuf;

use scrubjay_replay::embedded::Embedded;
use scrubjay_replay::pure::{Capacity, PolicyKind};
use scrubjay_replay::run::{Go, Made, Target, replay};
use scrubjay_replay::synth::{Shape, Sizes, Synth};
use scrubjay_replay::trace::{Request, TraceReader};
use scrubjay_store::Config;

const SEED: u64 = 7;

/// Replays against a store of `max_memory_bytes`. Returns the miss ratio, and how many bytes an entry took beyond its value:
/// on average since the first eviction, because holes come and go.
fn embedded(trace: &[Request], policy: &str, max_memory_bytes: u64) -> (f64, u32) {
    let policy = policy.parse().expect("a known policy");
    let mut target = Embedded::new(Config { max_memory_bytes, policy, seed: SEED, start_ms: 1, ..Config::default() });
    let (mut hits, mut overhead_bytes, mut looks) = (Vec::new(), 0.0, 0.0);
    for window in trace.chunks(4096) {
        target.answer(window, &mut hits).expect("a store does not fail");
        let stats = target.stats();
        assert!(stats.used_bytes <= max_memory_bytes, "{} of {max_memory_bytes}", stats.used_bytes);
        if stats.evictions > 0 {
            let value_bytes = stats.payload_bytes - 16 * stats.entries;
            overhead_bytes += (max_memory_bytes - value_bytes) as f64 / stats.entries as f64;
            looks += 1.0;
        }
    }
    assert!(looks > 0.0, "the limit was never reached");
    let misses = hits.iter().filter(|hit| !**hit).count();
    assert_eq!(target.stats().misses, misses as u64);
    (misses as f64 / trace.len() as f64, (overhead_bytes / looks) as u32)
}

/// The exact policy at the same total bytes, each object costing its value and what the store adds.
fn exact(trace: &[Request], kind: PolicyKind, max_memory_bytes: u64, overhead_bytes: u32) -> f64 {
    let mut cache = kind.build(Capacity::PayloadBytes(max_memory_bytes), SEED);
    let misses = trace.iter().filter(|r| !cache.access(r.key, r.size + overhead_bytes)).count();
    misses as f64 / trace.len() as f64
}

fn compare(name: &str, trace: &[Request], policies: &[&str], max_memory_bytes: u64) {
    for policy in policies {
        let kind = PolicyKind::named(policy).expect("a known policy");
        let (ratio, overhead_bytes) = embedded(trace, policy, max_memory_bytes);
        let want = exact(trace, kind, max_memory_bytes, overhead_bytes);
        let relative = ratio / want - 1.0;
        eprintln!("{name} {max_memory_bytes} {policy}: {relative:+.4} relative to exact, {overhead_bytes} B overhead");
        assert!(
            relative.abs() < 0.01,
            "{name} at {max_memory_bytes} B: {policy} misses {relative:+.4} relative, seed {SEED}"
        );
    }
    let (ratio, overhead_bytes) = embedded(trace, "s3fifo", max_memory_bytes);
    let reduction = 1.0 - ratio / exact(trace, PolicyKind::Lru, max_memory_bytes, overhead_bytes);
    eprintln!("{name} {max_memory_bytes} s3fifo: {:.2} % fewer misses than exact LRU", 100.0 * reduction);
    assert!(
        reduction > -0.03,
        "{name} at {max_memory_bytes} B: the default policy loses {reduction} to LRU, seed {SEED}"
    );
}

#[test]
fn store_policies_stay_within_one_percent_of_the_exact_ones() {
    for shape in [Shape::Zipf { keys: 60_000, skew: 0.8 }, Shape::Zipf { keys: 100_000, skew: 0.5 }] {
        let trace: Vec<Request> = Synth::new(shape, Sizes::LogUniform(20, 2000), SEED).take(400_000).collect();
        compare(&format!("{shape:?}"), &trace, &["lru", "fifo", "random"], 4 << 20);
    }
}

#[test]
fn the_same_seed_gives_the_same_report() {
    let trace: Vec<Request> =
        Synth::new(Shape::Zipf { keys: 20_000, skew: 0.7 }, Sizes::LogUniform(20, 2000), 3).take(100_000).collect();
    for policy in ["s3fifo", "lfu", "random"] {
        assert_eq!(embedded(&trace, policy, 2 << 20), embedded(&trace, policy, 2 << 20), "{policy}");
    }
}

#[test]
fn an_entry_limit_without_a_memory_limit_evicts_as_well_as_the_exact_policy() {
    let trace: Vec<Request> =
        Synth::new(Shape::Zipf { keys: 10_000, skew: 0.8 }, Sizes::Fixed(100), SEED).take(200_000).collect();
    for max_entries in [200, 3000] {
        let policy = "lru".parse().expect("a known policy");
        let mut target = Embedded::new(Config { max_entries, policy, seed: SEED, start_ms: 1, ..Config::default() });
        let mut made = Made::new(trace.iter().copied(), trace.len() as u64);
        let report = replay(&mut made, &mut target, &mut |_| Go::On).expect("a store does not fail");
        assert_eq!(target.stats().entries, max_entries);
        let mut cache = PolicyKind::Lru.build(Capacity::Objects(max_entries), SEED);
        let want = trace.iter().filter(|r| !cache.access(r.key, r.size)).count() as f64 / trace.len() as f64;
        let relative = report.object_miss_ratio() / want - 1.0;
        assert!(relative.abs() < 0.01, "{max_entries} entries: misses {relative:+.4} relative, seed {SEED}");
    }
}

#[test]
fn noeviction_keeps_what_came_first_and_the_replay_goes_on() {
    let policy = "noeviction".parse().expect("a known policy");
    let mut target = Embedded::new(Config { max_memory_bytes: 1 << 20, policy, seed: SEED, ..Config::default() });
    let mut trace = Made::new(Synth::new(Shape::Scan, Sizes::Fixed(500), 1), 10_000);
    let report = replay(&mut trace, &mut target, &mut |_| Go::On).expect("being full is no failure");
    assert_eq!(report.misses(), 10_000);
    assert_eq!(target.stats().entries + target.stats().refused, 10_000);
}

#[test]
fn store_policies_stay_within_one_percent_of_the_exact_ones_on_the_real_traces() {
    let Some(directory) = std::env::var_os("SCRUBJAY_TRACES").map(PathBuf::from).filter(|d| d.is_dir()) else {
        eprintln!("SKIPPED: SCRUBJAY_TRACES names no directory; no real trace was replayed");
        return;
    };
    // Totals near a tenth of the unique bytes; a store below a few megabytes is mostly rounding.
    for (name, megabytes) in [("arc_oltp", 6), ("scarab_recs", 8), ("arc_p3", 14), ("cp_w92_sized", 210)] {
        let path = directory.join(format!("{name}.bin.gz"));
        let trace = TraceReader::open(&path).and_then(|reader| reader.collect::<Result<Vec<_>, _>>());
        let trace = trace.unwrap_or_else(|error| panic!("{error}"));
        compare(name, &trace, &["lru", "fifo"], megabytes << 20);
    }
}
