//! A metric as something declared: its name, its kind, and one sentence that says what it counts.

/// What a metric is, in Prometheus' terms.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    /// Goes up, and starts again at zero only when the process does.
    Counter,
    /// Goes both ways.
    Gauge,
    /// Counts in buckets, with a sum.
    Histogram,
}

impl Kind {
    /// The word in the `# TYPE` line.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        }
    }
}

/// A declared metric, with all its labels' series.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Family {
    /// Its name, with the unit last: `cache_memory_bytes`; counters end in `_total`.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// One sentence.
    pub help: &'static str,
    /// The labels that every sample has, in order.
    pub labels: &'static [&'static str],
}

impl Family {
    /// A counter.
    pub const fn counter(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Family {
        Family { name, kind: Kind::Counter, help, labels }
    }

    /// A gauge.
    pub const fn gauge(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Family {
        Family { name, kind: Kind::Gauge, help, labels }
    }

    /// A histogram.
    pub const fn histogram(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Family {
        Family { name, kind: Kind::Histogram, help, labels }
    }

    /// What is wrong with the declaration, if anything: a name that Prometheus' conventions forbid, a help text that is no
    /// sentence, a label that is no label. For tests of tables of families.
    pub fn fault(&self) -> Option<&'static str> {
        let word = |text: &str| {
            text.starts_with(|c: char| c.is_ascii_lowercase())
                && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        };
        let reserved = ["_bucket", "_count", "_sum"].iter().any(|end| self.name.ends_with(end));
        match self {
            _ if !word(self.name) => Some("the name is not lower_snake_case"),
            _ if reserved => Some("the name ends like a part of a histogram"),
            _ if (self.kind == Kind::Counter) != self.name.ends_with("_total") => {
                Some("counters, and only they, end in _total")
            }
            _ if !self.labels.iter().all(|label| word(label) && *label != "le") => Some("a label is not usable"),
            _ if !self.help.ends_with('.') => Some("the help is not a sentence"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faulty_declarations_are_found() {
        assert_eq!(Family::counter("cache_hits_total", &["command"], "Reads that hit.").fault(), None);
        for family in [
            Family::counter("cache_hits", &[], "A."),
            Family::gauge("cache_hits_total", &[], "A."),
            Family::gauge("cacheHits", &[], "A."),
            Family::gauge("cache_hits_sum", &[], "A."),
            Family::gauge("cache_hits", &["le"], "A."),
            Family::gauge("cache_hits", &[], "A"),
        ] {
            assert!(family.fault().is_some(), "{family:?}");
        }
    }
}
