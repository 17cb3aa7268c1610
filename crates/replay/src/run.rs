//! The replay itself: requests in, a [`Target`] that answers hit or miss, a [`Report`] out.
//!
//! ```text
//!   TraceReader --window of requests--> Target { exact policy | store in this process | node over RESP }
//!        |                                 |
//!        +---- fraction read ----+   +-----+ hit or miss, each
//!                                v   v
//!                               watch(&Report) -> Go::On | Go::Stop      every 16 Ki requests
//! ```
//!
//! A miss is followed by an insert of the object that was missing. Targets that pay for a round trip take many requests at
//! once; what that changes is said where it happens ([`crate::node`]).

use std::fmt;
use std::time::{Duration, Instant};

use crate::pure::PurePolicy;
use crate::trace::{Request, TraceError, TraceReader};

/// Requests between two calls of the watcher: a few milliseconds of an exact policy, a quarter second of a slow node.
const WATCH_EVERY: u64 = 16 << 10;

/// A source of requests that may know how far it has come.
pub trait Requests: Iterator<Item = Result<Request, TraceError>> {
    /// The share that was delivered, `0.0..=1.0`; `None` if unknown.
    fn fraction(&self) -> Option<f64>;
}

impl Requests for TraceReader {
    fn fraction(&self) -> Option<f64> {
        TraceReader::fraction(self)
    }
}

/// Requests that were made up: any iterator with a known end.
pub struct Made<I> {
    requests: I,
    total: u64,
    delivered: u64,
}

impl<I: Iterator<Item = Request>> Made<I> {
    /// The first `total` of `requests`.
    pub fn new(requests: I, total: u64) -> Made<I> {
        Made { requests, total, delivered: 0 }
    }
}

impl<I: Iterator<Item = Request>> Iterator for Made<I> {
    type Item = Result<Request, TraceError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.delivered == self.total {
            return None;
        }
        self.delivered += 1;
        self.requests.next().map(Ok)
    }
}

impl<I: Iterator<Item = Request>> Requests for Made<I> {
    fn fraction(&self) -> Option<f64> {
        Some(if self.total == 0 { 1.0 } else { self.delivered as f64 / self.total as f64 })
    }
}

/// Where requests go.
pub trait Target {
    /// How many requests it wants at once; at least 1.
    fn window(&self) -> usize {
        1
    }

    /// Answers `requests` in order, pushing one bool each (true: hit) to `hits`, which is empty. Misses are inserted.
    ///
    /// # Errors
    /// [`TargetError`]: nothing further can be asked. Earlier windows stand; of this one any part may have been applied.
    fn answer(&mut self, requests: &[Request], hits: &mut Vec<bool>) -> Result<(), TargetError>;
}

/// An exact policy is its own target.
impl Target for Box<dyn PurePolicy> {
    // Order is kept inside a window, so its length changes nothing but the calls per request.
    fn window(&self) -> usize {
        1024
    }

    fn answer(&mut self, requests: &[Request], hits: &mut Vec<bool>) -> Result<(), TargetError> {
        hits.extend(requests.iter().map(|r| self.access(r.key, r.size)));
        Ok(())
    }
}

/// A target that could not go on.
#[derive(Debug)]
pub struct TargetError {
    message: String,
    source: Option<std::io::Error>,
}

impl TargetError {
    /// An error that says `message`: what happened and what to do.
    pub fn new(message: impl Into<String>) -> TargetError {
        TargetError { message: message.into(), source: None }
    }

    /// The same, with what the system said.
    pub fn io(message: impl Into<String>, source: std::io::Error) -> TargetError {
        TargetError { message: message.into(), source: Some(source) }
    }
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.source.as_ref().map_or(Ok(()), |source| write!(f, ": {source}"))
    }
}

impl std::error::Error for TargetError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source as _)
    }
}

/// What a replay counted.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Report {
    /// Requests answered.
    pub requests: u64,
    /// Of them, found.
    pub hits: u64,
    /// Payload bytes asked for.
    pub bytes: u64,
    /// Of them, missing.
    pub bytes_missed: u64,
    /// Time spent, reading the trace included.
    pub elapsed: Duration,
    /// The share of the trace that was read; `None` if its length is unknown.
    pub fraction: Option<f64>,
    /// The watcher ended the replay before the trace did.
    pub is_stopped: bool,
}

impl Report {
    /// Requests not found.
    pub fn misses(&self) -> u64 {
        self.requests - self.hits
    }

    /// Misses per request, `0.0..=1.0`; 0 before the first request.
    pub fn object_miss_ratio(&self) -> f64 {
        ratio(self.misses(), self.requests)
    }

    /// Missing bytes per byte asked for, `0.0..=1.0`; 0 before the first byte.
    pub fn byte_miss_ratio(&self) -> f64 {
        ratio(self.bytes_missed, self.bytes)
    }

    /// Requests per second; 0 before any time has passed.
    pub fn requests_per_second(&self) -> f64 {
        let seconds = self.elapsed.as_secs_f64();
        if seconds > 0.0 { self.requests as f64 / seconds } else { 0.0 }
    }
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// Whether a replay goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Go {
    /// On.
    On,
    /// No further; the report so far is returned.
    Stop,
}

/// Why a replay ended early without being told to. The target keeps what was inserted.
#[derive(Debug)]
pub enum ReplayError {
    /// The trace is at fault.
    Trace(TraceError),
    /// The target is at fault.
    Target(TargetError),
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReplayError::Trace(error) => error.fmt(f),
            ReplayError::Target(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ReplayError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            ReplayError::Trace(error) => Some(error),
            ReplayError::Target(error) => Some(error),
        }
    }
}

/// Replays `trace` against `target`. `watch` sees the counts every 16,384 requests and once at the end, and may stop.
///
/// # Errors
/// [`ReplayError`] when the trace is damaged or the target gives up.
///
/// ```
/// use scrubjay_replay::pure::{Capacity, PolicyKind};
/// use scrubjay_replay::run::{Go, Made, replay};
/// use scrubjay_replay::synth::{Shape, Sizes, Synth};
///
/// let mut trace = Made::new(Synth::new(Shape::Loop { keys: 10 }, Sizes::Fixed(100), 1), 1000);
/// let mut target = PolicyKind::Lru.build(Capacity::PayloadBytes(1000), 1);
/// let report = replay(&mut trace, &mut target, &mut |_| Go::On)?;
/// assert_eq!((report.requests, report.misses(), report.bytes_missed), (1000, 10, 1000));
/// # Ok::<(), scrubjay_replay::run::ReplayError>(())
/// ```
pub fn replay(
    trace: &mut dyn Requests,
    target: &mut dyn Target,
    watch: &mut dyn FnMut(&Report) -> Go,
) -> Result<Report, ReplayError> {
    let started = Instant::now();
    let window_max = target.window().max(1);
    let mut report = Report { fraction: trace.fraction(), ..Report::default() };
    let mut window: Vec<Request> = Vec::with_capacity(window_max);
    let mut hits: Vec<bool> = Vec::with_capacity(window_max);
    let mut watch_at = WATCH_EVERY;
    loop {
        window.clear();
        for request in (&mut *trace).take(window_max) {
            window.push(request.map_err(ReplayError::Trace)?);
        }
        if window.is_empty() {
            break;
        }
        hits.clear();
        target.answer(&window, &mut hits).map_err(ReplayError::Target)?;
        debug_assert_eq!(hits.len(), window.len());
        for (request, hit) in window.iter().zip(&hits) {
            report.requests += 1;
            report.bytes += u64::from(request.size);
            if *hit {
                report.hits += 1;
            } else {
                report.bytes_missed += u64::from(request.size);
            }
        }
        if report.requests >= watch_at {
            watch_at = report.requests + WATCH_EVERY;
            report.elapsed = started.elapsed();
            report.fraction = trace.fraction();
            if watch(&report) == Go::Stop {
                report.is_stopped = true;
                return Ok(report);
            }
        }
    }
    report.elapsed = started.elapsed();
    report.fraction = trace.fraction();
    watch(&report);
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pure::{Capacity, PolicyKind};
    use crate::synth::{Shape, Sizes, Synth};

    fn scan(total: u64) -> Made<Synth> {
        Made::new(Synth::new(Shape::Scan, Sizes::Fixed(10), 1), total)
    }

    #[test]
    fn the_watcher_sees_the_fraction_grow_and_can_stop() {
        let mut target = PolicyKind::Fifo.build(Capacity::Objects(10), 1);
        let mut seen = Vec::new();
        let report = replay(&mut scan(100_000), &mut target, &mut |report| {
            seen.push(report.fraction.expect("made up, so the end is known"));
            if seen.len() == 3 { Go::Stop } else { Go::On }
        })
        .expect("neither side fails");
        assert!(report.is_stopped);
        assert_eq!((report.requests, seen.len()), (3 * WATCH_EVERY, 3));
        assert!(seen.is_sorted() && seen[2] < 1.0, "{seen:?}");
    }

    #[test]
    fn a_whole_replay_ends_at_fraction_one_and_counts_bytes() {
        let mut target = PolicyKind::Lru.build(Capacity::Objects(10), 1);
        let mut last = None;
        let report = replay(&mut scan(20_000), &mut target, &mut |report| {
            last = report.fraction;
            Go::On
        })
        .expect("neither side fails");
        assert_eq!(last, Some(1.0));
        assert_eq!((report.hits, report.bytes, report.bytes_missed), (0, 200_000, 200_000));
        assert_eq!((report.object_miss_ratio(), report.byte_miss_ratio()), (1.0, 1.0));
        assert!(!report.is_stopped && report.requests_per_second() > 0.0);
    }

    #[test]
    fn a_damaged_trace_is_the_traces_fault() {
        let bytes = vec![0u8; 30];
        let mut trace = TraceReader::new("cut", std::io::Cursor::new(bytes)).expect("not empty");
        let mut target = PolicyKind::Lru.build(Capacity::Objects(10), 1);
        let error = replay(&mut trace, &mut target, &mut |_| Go::On).expect_err("6 bytes are left over");
        assert!(
            matches!(error, ReplayError::Trace(TraceError::Truncated { records: 2, left_bytes: 6, .. })),
            "{error}"
        );
    }
}
