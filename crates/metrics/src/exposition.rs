//! Prometheus' text format, version 0.0.4
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>).
//!
//! The format wants all samples of a family together under one `# HELP` and one `# TYPE` line, each label set once, labels
//! and help texts escaped. The writer below is handed one family at a time and closes it when the next begins, so a caller
//! cannot scatter samples; handing in the same family twice is caught in tests by [`Exposition::families`].

use crate::family::{Family, Kind};
use crate::histogram::Snapshot;
use std::fmt::Write;

/// The content type of the text.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Where the buckets of an exposed histogram end: 2^10 ns (1.024 us) to 2^34 ns (17.2 s), one per power of two. These are
/// the bounds at which [`Snapshot`] counts exactly; decimal ones would have to be guessed at from inside a bucket.
pub const BOUND_EXPONENTS: std::ops::RangeInclusive<u32> = 10..=34;

/// A text in the making.
#[derive(Debug, Default)]
pub struct Exposition {
    text: String,
    families: Vec<&'static str>,
}

impl Exposition {
    /// An empty text.
    pub fn new() -> Exposition {
        Exposition::default()
    }

    /// Starts `family`; its samples follow on what is returned.
    pub fn family(&mut self, family: &'static Family) -> Samples<'_> {
        let _ = writeln!(self.text, "# HELP {} {}", family.name, escaped(family.help, false));
        let _ = writeln!(self.text, "# TYPE {} {}", family.name, family.kind.name());
        self.families.push(family.name);
        Samples { text: &mut self.text, family }
    }

    /// A family with one sample without labels.
    pub fn single(&mut self, family: &'static Family, value: f64) {
        self.family(family).sample(&[], value);
    }

    /// The names of the families so far, in order.
    pub fn families(&self) -> &[&'static str] {
        &self.families
    }

    /// The text.
    pub fn finish(self) -> String {
        self.text
    }
}

/// Takes the samples of one family.
#[derive(Debug)]
pub struct Samples<'a> {
    text: &'a mut String,
    family: &'static Family,
}

impl Samples<'_> {
    /// A sample of a counter or a gauge; `labels` are the values of the family's labels, in order.
    pub fn sample(&mut self, labels: &[&str], value: f64) {
        debug_assert_ne!(self.family.kind, Kind::Histogram);
        self.line("", labels, None, value);
    }

    /// A series of a histogram. The values counted are nanoseconds; what is written is seconds.
    pub fn histogram(&mut self, labels: &[&str], snapshot: &Snapshot) {
        debug_assert_eq!(self.family.kind, Kind::Histogram);
        for exponent in BOUND_EXPONENTS {
            let bound = (1u64 << exponent) as f64 / 1e9;
            // `le` is inclusive and our count is of what lies below the bound; values are whole nanoseconds, so the two
            // differ only for a latency of exactly 2^n ns.
            self.line("_bucket", labels, Some(&bound.to_string()), snapshot.below_power_of_two(exponent) as f64);
        }
        self.line("_bucket", labels, Some("+Inf"), snapshot.count() as f64);
        self.line("_sum", labels, None, snapshot.sum() as f64 / 1e9);
        self.line("_count", labels, None, snapshot.count() as f64);
    }

    fn line(&mut self, suffix: &str, labels: &[&str], bound: Option<&str>, value: f64) {
        debug_assert_eq!(labels.len(), self.family.labels.len(), "{}", self.family.name);
        self.text.push_str(self.family.name);
        self.text.push_str(suffix);
        let mut separator = '{';
        let pairs = self.family.labels.iter().copied().zip(labels.iter().copied());
        for (name, value) in pairs.chain(bound.map(|bound| ("le", bound))) {
            let _ = write!(self.text, "{separator}{name}=\"{}\"", escaped(value, true));
            separator = ',';
        }
        if separator == ',' {
            self.text.push('}');
        }
        // Rust writes a whole f64 without exponent or fraction, NaN as NaN and infinity as inf, which Go's parser accepts.
        let _ = writeln!(self.text, " {value}");
    }
}

fn escaped(text: &str, quotes_too: bool) -> std::borrow::Cow<'_, str> {
    if !text.contains(['\\', '\n', '"']) {
        return text.into();
    }
    let text = text.replace('\\', "\\\\").replace('\n', "\\n");
    if quotes_too { text.replace('"', "\\\"").into() } else { text.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::histogram::Histogram;

    #[test]
    fn samples_stand_under_their_family_with_labels_escaped() {
        static HITS: Family = Family::counter("cache_hits_total", &[], "Reads that found their key.");
        static CALLS: Family = Family::counter("cache_commands_total", &["command", "door"], "Commands \\ run.");
        let mut text = Exposition::new();
        text.single(&HITS, 12.0);
        let mut calls = text.family(&CALLS);
        calls.sample(&["get", "resp"], 1e16);
        calls.sample(&["a\"b\\c\nd", "http"], 0.5);
        assert_eq!(text.families(), ["cache_hits_total", "cache_commands_total"]);
        let expected = r#"# HELP cache_hits_total Reads that found their key.
# TYPE cache_hits_total counter
cache_hits_total 12
# HELP cache_commands_total Commands \\ run.
# TYPE cache_commands_total counter
cache_commands_total{command="get",door="resp"} 10000000000000000
cache_commands_total{command="a\"b\\c\nd",door="http"} 0.5
"#;
        assert_eq!(text.finish(), expected);
    }

    #[test]
    fn histogram_is_cumulative_in_seconds_and_ends_with_everything() {
        static LATENCY: Family = Family::histogram("cache_latency_seconds", &["command"], "Time.");
        let histogram = Histogram::new();
        for value in [500, 1500, 3000, 60_000_000_000] {
            histogram.record(value, 1);
        }
        let mut snapshot = Snapshot::new();
        histogram.merge_into(&mut snapshot);
        let mut text = Exposition::new();
        text.family(&LATENCY).histogram(&["get"], &snapshot);
        let text = text.finish();
        for line in [
            "cache_latency_seconds_bucket{command=\"get\",le=\"0.000001024\"} 1\n",
            "cache_latency_seconds_bucket{command=\"get\",le=\"0.000002048\"} 2\n",
            "cache_latency_seconds_bucket{command=\"get\",le=\"17.179869184\"} 3\n",
            "cache_latency_seconds_bucket{command=\"get\",le=\"+Inf\"} 4\n",
            "cache_latency_seconds_sum{command=\"get\"} 60.000005\n",
            "cache_latency_seconds_count{command=\"get\"} 4\n",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }
}
