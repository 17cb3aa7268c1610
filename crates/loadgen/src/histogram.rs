//! Latencies in a fixed table: 64 buckets per power of two, so a percentile is off by at most 1.6 %.
//!
//! A value of 64 ns or more falls, by its leading bits, into bucket `(e - 5) * 64 + next six bits`, where `e` is the
//! exponent of its leading bit; smaller ones count exactly. 3,776 buckets reach over all of `u64`.
//!
//! Finer than the server's own histograms (8 buckets per power of two, 6 % off), because here servers are compared and
//! differences of 10 % are reported.

const SUB_BITS: u32 = 6;
const SUB: usize = 1 << SUB_BITS;
const BUCKETS: usize = (64 - SUB_BITS as usize + 1) * SUB;

/// Counts of nanosecond values. One per worker; merged at the end.
pub(crate) struct Histogram {
    counts: Box<[u64; BUCKETS]>,
    total: u64,
    max_ns: u64,
}

impl Histogram {
    pub(crate) fn new() -> Histogram {
        Histogram { counts: Box::new([0; BUCKETS]), total: 0, max_ns: 0 }
    }

    #[inline]
    pub(crate) fn record(&mut self, ns: u64) {
        self.counts[bucket(ns)] += 1;
        self.total += 1;
        self.max_ns = self.max_ns.max(ns);
    }

    pub(crate) fn merge(&mut self, other: &Histogram) {
        for (mine, theirs) in self.counts.iter_mut().zip(other.counts.iter()) {
            *mine += theirs;
        }
        self.total += other.total;
        self.max_ns = self.max_ns.max(other.max_ns);
    }

    pub(crate) fn clear(&mut self) {
        *self = Histogram::new();
    }

    /// The value below which `share` (0 to 1) of the recorded ones lie, in microseconds; 0 when nothing was recorded.
    pub(crate) fn quantile_us(&self, share: f64) -> f64 {
        let rank = (self.total as f64 * share) as u64;
        let mut seen = 0;
        for (index, &count) in self.counts.iter().enumerate() {
            seen += count;
            if count > 0 && seen > rank.min(self.total - 1) {
                return middle_ns(index).min(self.max_ns as f64) / 1e3;
            }
        }
        0.0
    }

    /// The largest value recorded, exactly, in microseconds.
    pub(crate) fn max_us(&self) -> f64 {
        self.max_ns as f64 / 1e3
    }
}

#[inline]
fn bucket(ns: u64) -> usize {
    if ns < SUB as u64 {
        return ns as usize;
    }
    let shift = 63 - ns.leading_zeros() - SUB_BITS;
    (shift as usize + 1) * SUB + ((ns >> shift) as usize & (SUB - 1))
}

fn middle_ns(bucket: usize) -> f64 {
    if bucket < SUB {
        return bucket as f64;
    }
    let shift = (bucket / SUB - 1) as u32;
    let low = ((SUB + bucket % SUB) as u64) << shift;
    low as f64 + (1u64 << shift) as f64 / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_known_values_are_within_two_percent() {
        let mut histogram = Histogram::new();
        assert_eq!(histogram.quantile_us(0.5), 0.0);
        for us in 1..=100_000u64 {
            histogram.record(us * 1000);
        }
        for (share, us) in [(0.5, 50_000.0), (0.99, 99_000.0), (0.999, 99_900.0)] {
            let got = histogram.quantile_us(share);
            assert!((got - us).abs() < us * 0.02, "{share}: {got}");
        }
        assert_eq!(histogram.max_us(), 100_000.0);
        assert!(histogram.quantile_us(1.0) <= histogram.max_us());
    }

    #[test]
    fn every_value_has_a_bucket_whose_middle_is_near_it() {
        for ns in [0, 1, 63, 64, 65, 127, 128, 1000, u64::from(u32::MAX), 1 << 62, u64::MAX] {
            let middle = middle_ns(bucket(ns));
            assert!((middle - ns as f64).abs() <= ns as f64 / 64.0, "{ns}: {middle}");
        }
    }

    #[test]
    fn merging_equals_recording_into_one() {
        let (mut left, mut right, mut both) = (Histogram::new(), Histogram::new(), Histogram::new());
        for n in 0..1000u64 {
            let ns = n * n * 7;
            if n % 2 == 0 { &mut left } else { &mut right }.record(ns);
            both.record(ns);
        }
        left.merge(&right);
        assert_eq!(left.counts, both.counts);
        assert_eq!((left.total, left.max_ns), (both.total, both.max_ns));
    }
}
