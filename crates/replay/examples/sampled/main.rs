//! What approximations cost and what better rules gain: the forms of eviction that a store can afford, next to exact LRU.
//!
//! ```text
//! SCRUBJAY_TRACES=<directory of traces and reference.csv> cargo run --release -p scrubjay-replay --example sampled
//! ```
//! Prints, for each form, by how many per cent fewer objects miss than under exact LRU at equal payload bytes: the mean over
//! the real traces, the worst trace, and the mean of the byte misses, at 1, 10 and 20 % of the unique bytes. Then the object
//! miss ratios on synthetic traffic that is hostile to one form or another. Without real traces, only the latter.
//!
//! The forms use no more than what a store has: 32 bits in each entry, random entries of a shard, a ring of references, and
//! a table of fingerprints. One shard; payload bytes only.

mod bag;
mod ghost;
mod lru;
mod probation;

use std::path::Path;

use scrubjay_replay::pure::{Capacity, PolicyKind, PurePolicy};
use scrubjay_replay::synth::{Shape, Sizes, Synth};
use scrubjay_replay::trace::{Request, TraceReader};

use lru::SampledLru;
use probation::{MainRule, Probation, Settings};

/// Shares of the unique bytes, as the reference figures have them.
const SHARES: [f64; 3] = [0.01, 0.1, 0.2];

/// A form's name, and how to make one of so many payload bytes.
type Form = (String, Box<dyn Fn(u64) -> Box<dyn PurePolicy>>);

fn forms() -> Vec<Form> {
    let mut forms: Vec<Form> = Vec::new();
    for (name, kind) in [("exact fifo", PolicyKind::Fifo), ("exact s3fifo", PolicyKind::S3Fifo)] {
        forms.push((name.to_owned(), Box::new(move |bytes| kind.build(Capacity::PayloadBytes(bytes), 1))));
    }
    for (sample, pool) in [(8, 0), (8, 16), (16, 0), (16, 16), (32, 0), (32, 16)] {
        let name = format!("lru, {sample} samples, pool of {pool}");
        forms.push((name, Box::new(move |bytes| Box::new(SampledLru::new(bytes, sample, pool)))));
    }
    let s3 = Settings { rule: MainRule::OldestUnused, promote_uses: 2, ..Settings::default() };
    let weigh = |exponent| Settings { rule: MainRule::UsesPerIdle { exponent }, ..Settings::default() };
    for (name, settings) in [
        ("s3fifo, main sampled", s3),
        ("uses/idle", weigh(0.0)),
        ("uses/(idle*sqrt(size))", weigh(0.5)),
        ("uses/(idle*size)", weigh(1.0)),
        ("uses/(idle*sqrt(size)), no small queue", Settings { small_share: 0.0, ..weigh(0.5) }),
        ("uses/(idle*sqrt(size)), two uses to promote", Settings { promote_uses: 2, ..weigh(0.5) }),
        ("uses/(idle*sqrt(size)), small adapts", Settings { adapts: true, ..weigh(0.5) }),
    ] {
        forms.push((name.to_owned(), Box::new(move |bytes| Box::new(Probation::new(bytes, settings)))));
    }
    forms
}

/// Object and byte miss ratio.
fn ratios(cache: &mut dyn PurePolicy, trace: &[Request]) -> (f64, f64) {
    let (mut misses, mut missed, mut asked) = (0u64, 0u64, 0u64);
    for request in trace {
        asked += u64::from(request.size);
        if !cache.access(request.key, request.size) {
            misses += 1;
            missed += u64::from(request.size);
        }
    }
    (misses as f64 / trace.len() as f64, missed as f64 / asked as f64)
}

fn unique_bytes(trace: &[Request]) -> u64 {
    let mut seen = std::collections::HashSet::new();
    trace.iter().filter(|r| seen.insert(r.key)).map(|r| u64::from(r.size)).sum()
}

fn real(directory: &Path) {
    let mut traces: Vec<(u64, Vec<Request>)> = Vec::new();
    let mut paths: Vec<_> = std::fs::read_dir(directory)
        .unwrap_or_else(|error| panic!("{}: {error}", directory.display()))
        .map(|entry| entry.expect("the directory is readable").path())
        .filter(|path| path.to_string_lossy().ends_with(".bin.gz"))
        .collect();
    paths.sort();
    for path in &paths {
        let trace = TraceReader::open(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let trace = trace.unwrap_or_else(|error| panic!("{error}"));
        traces.push((unique_bytes(&trace), trace));
    }
    println!("| form | 1 %: mean, worst, bytes | 10 % | 20 % |\n|---|---|---|---|");
    let lru = |bytes| PolicyKind::Lru.build(Capacity::PayloadBytes(bytes), 1);
    let capacity = |unique: u64, share: f64| (unique as f64 * share).round() as u64;
    let base: Vec<Vec<(f64, f64)>> = SHARES
        .iter()
        .map(|&share| traces.iter().map(|(u, trace)| ratios(&mut *lru(capacity(*u, share)), trace)).collect())
        .collect();
    for (name, make) in forms() {
        print!("| {name} |");
        for (share, base) in SHARES.iter().zip(&base) {
            let (mut objects, mut bytes) = (Vec::new(), Vec::new());
            for ((unique, trace), base) in traces.iter().zip(base) {
                let got = ratios(&mut *make(capacity(*unique, *share)), trace);
                objects.push(100.0 * (1.0 - got.0 / base.0));
                bytes.push(100.0 * (1.0 - got.1 / base.1));
            }
            let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
            let worst = objects.iter().copied().fold(f64::INFINITY, f64::min);
            print!(" {:+.2}, {worst:+.1}, {:+.1} |", mean(&objects), mean(&bytes));
        }
        println!();
    }
}

fn synthetic() {
    const OBJECTS: u64 = 10_000;
    let drift = |skew| Shape::Drift { keys: 100_000, skew, requests_per_step: 10 };
    let shapes = [
        ("twice, .5 apart", Shape::Twice { apart: OBJECTS as u32 / 4 }),
        ("twice, .8 apart", Shape::Twice { apart: OBJECTS as u32 * 2 / 5 }),
        ("loop of 1.5", Shape::Loop { keys: OBJECTS as u32 * 3 / 2 }),
        ("zipf .9", Shape::Zipf { keys: 100_000, skew: 0.9 }),
        ("drift .9", drift(0.9)),
        ("drift 1.1", drift(1.1)),
        ("mixture", Shape::Mixture { keys: 100_000, skew: 0.9 }),
    ];
    println!("\n| form |{}", shapes.map(|(name, _)| format!(" {name} |")).concat());
    println!("|---|{}", "---|".repeat(shapes.len()));
    let traces = shapes.map(|(_, shape)| Synth::new(shape, Sizes::Fixed(100), 5).take(600_000).collect::<Vec<_>>());
    let lru: Form = ("exact lru".to_owned(), Box::new(|bytes| PolicyKind::Lru.build(Capacity::PayloadBytes(bytes), 1)));
    for (name, make) in std::iter::once(lru).chain(forms()) {
        let row = traces.each_ref().map(|trace| format!(" {:.3} |", ratios(&mut *make(OBJECTS * 100), trace).0));
        println!("| {name} |{}", row.concat());
    }
}

fn main() {
    match std::env::var_os("SCRUBJAY_TRACES") {
        Some(directory) => real(Path::new(&directory)),
        None => eprintln!("SCRUBJAY_TRACES is not set: synthetic traffic only"),
    }
    synthetic();
}
