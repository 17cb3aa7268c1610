//! The exact policies against the reference figures on the real traces.
//!
//! The traces are not part of the repository: `SCRUBJAY_TRACES` names the directory that holds them and `reference.csv`
//! (`trace,mode,frac_of_unique,capacity,algorithm,implementation,object_miss_ratio,byte_miss_ratio`). Without it the test
//! says on stderr that it checked nothing.

use std::path::{Path, PathBuf};

use scrubjay_replay::pure::{Capacity, PolicyKind};
use scrubjay_replay::trace::{Request, TraceReader};

/// The ratios are printed with six digits; these policies are exact, so only the rounding may differ.
const TOLERANCE: f64 = 0.000_001;

/// What the file calls each policy, and whose figures are compared: the reference simulator has no FIFO of its own.
const COMPARED: [(&str, &str, PolicyKind); 4] = [
    ("LRU", "own simulator", PolicyKind::Lru),
    ("FIFO", "libCacheSim-0.3.5", PolicyKind::Fifo),
    ("S3-FIFO", "own simulator", PolicyKind::S3Fifo),
    ("SIEVE", "own simulator", PolicyKind::Sieve),
];

struct Row {
    trace: String,
    capacity: Capacity,
    kind: PolicyKind,
    object_miss_ratio: f64,
    byte_miss_ratio: f64,
    text: String,
}

fn directory() -> Option<PathBuf> {
    let directory = std::env::var_os("SCRUBJAY_TRACES").map(PathBuf::from);
    match directory.filter(|path| path.join("reference.csv").is_file()) {
        Some(path) => Some(path),
        None => {
            eprintln!(
                "SKIPPED: SCRUBJAY_TRACES does not name a directory with reference.csv; no real trace was replayed"
            );
            None
        }
    }
}

fn rows(directory: &Path) -> Vec<Row> {
    let text = std::fs::read_to_string(directory.join("reference.csv")).expect("reference.csv is readable");
    text.lines().skip(1).filter_map(row).collect()
}

fn row(line: &str) -> Option<Row> {
    let [trace, mode, _, capacity, algorithm, implementation, objects, bytes] =
        line.split(',').collect::<Vec<_>>().try_into().ok()?;
    let (_, _, kind) = COMPARED.iter().find(|(name, whose, _)| *name == algorithm && *whose == implementation)?;
    let limit = capacity.parse().ok()?;
    Some(Row {
        trace: trace.to_owned(),
        capacity: if mode == "bytes" { Capacity::PayloadBytes(limit) } else { Capacity::Objects(limit) },
        kind: *kind,
        object_miss_ratio: objects.parse().ok()?,
        byte_miss_ratio: bytes.parse().ok()?,
        text: line.to_owned(),
    })
}

fn check(trace: &[Request], row: &Row) {
    let mut cache = row.kind.build(row.capacity, 1);
    let (mut misses, mut missed, mut asked) = (0u64, 0u64, 0u64);
    for request in trace {
        // Where capacity counts objects, the reference counts bytes as objects too.
        let bytes = u64::from(row.capacity.cost(request.size));
        asked += bytes;
        if !cache.access(request.key, request.size) {
            misses += 1;
            missed += bytes;
        }
    }
    let objects = misses as f64 / trace.len() as f64;
    let bytes = missed as f64 / asked as f64;
    assert!((objects - row.object_miss_ratio).abs() < TOLERANCE, "object miss ratio {objects}, reference {}", row.text);
    assert!((bytes - row.byte_miss_ratio).abs() < TOLERANCE, "byte miss ratio {bytes}, reference {}", row.text);
}

#[test]
fn exact_policies_equal_their_reference_on_every_real_trace() {
    let Some(directory) = directory() else { return };
    let rows = rows(&directory);
    let mut names: Vec<&str> = rows.iter().map(|row| row.trace.as_str()).collect();
    names.dedup();
    assert!(
        names.len() >= 5 && rows.len() >= 160,
        "{} rows over {} traces: is reference.csv whole?",
        rows.len(),
        names.len()
    );
    for name in names {
        let path = directory.join(format!("{name}.bin.gz"));
        let trace: Vec<Request> =
            TraceReader::open(&path).and_then(|reader| reader.collect()).unwrap_or_else(|error| panic!("{error}"));
        rows.iter().filter(|row| row.trace == name).for_each(|row| check(&trace, row));
    }
}
