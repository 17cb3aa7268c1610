//! Latencies, counted in buckets of bounded relative error.
//!
//! Log-linear, after HdrHistogram (<http://hdrhistogram.org>): every power of two is cut into 8 equal buckets.
//!
//! ```text
//!   value (ns)   0 1 .. 7 | 8 9 .. 15 | 16 18 .. 30 | 32 36 .. 60 | .. | 2^40 ..
//!   bucket       0 1 .. 7 | 8 9 .. 15 | 16 17 .. 23 | 24 25 .. 31 | .. | the last
//!   width            1    |     1     |      2      |      4      | ..
//! ```
//!
//! A bucket is at most 1/8 of its lower bound wide, so a percentile read from bucket middles is off by at most 6.25 %,
//! and sums are exact because they are kept apart. 8 and not 32 buckets: one command's histogram is 2.4 KiB, and a
//! thread has one per command it has seen. 40 octaves end at 18 minutes, beyond which everything is the last bucket.
//!
//! Recording is a leading-zero count, a shift and two single-writer additions ([`Counter`]).

use crate::counter::Counter;

const SUB_BITS: u32 = 3;
const SUB: u64 = 1 << SUB_BITS;
const OCTAVES: u32 = 40;
const BUCKETS: usize = ((OCTAVES - SUB_BITS + 1) as usize) << SUB_BITS;

/// The bucket of `value`.
#[inline]
fn bucket_of(value: u64) -> usize {
    let value = value.min((1 << OCTAVES) - 1);
    if value < SUB {
        return value as usize;
    }
    let shift = 63 - value.leading_zeros() - SUB_BITS;
    (((shift as u64) << SUB_BITS) + (value >> shift)) as usize
}

/// The smallest value of `bucket`; of the bucket after the last one, the smallest value that is cut off.
#[inline]
fn lower_bound(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < 2 * SUB {
        return bucket;
    }
    let shift = (bucket >> SUB_BITS) - 1;
    (SUB + (bucket & (SUB - 1))) << shift
}

/// A histogram with one writing thread. Values are nanoseconds by convention, up to 2^40 - 1 (18 minutes); larger ones
/// count as that.
#[derive(Debug)]
pub struct Histogram {
    buckets: [Counter; BUCKETS],
    sum: Counter,
}

impl Default for Histogram {
    fn default() -> Self {
        Histogram::new()
    }
}

impl Histogram {
    /// An empty histogram.
    pub fn new() -> Histogram {
        Histogram { buckets: std::array::from_fn(|_| Counter::new()), sum: Counter::new() }
    }

    /// Counts `value` `times` times. To be called by the owning thread only.
    #[inline]
    pub fn record(&self, value: u64, times: u64) {
        self.buckets[bucket_of(value)].add(times);
        self.sum.add(value.wrapping_mul(times));
    }

    /// Adds what is here to `snapshot`.
    pub fn merge_into(&self, snapshot: &mut Snapshot) {
        for (to, from) in snapshot.buckets.iter_mut().zip(&self.buckets) {
            *to += from.get();
        }
        snapshot.sum = snapshot.sum.wrapping_add(self.sum.get());
    }
}

/// A histogram's contents at one moment, of one thread or of several together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Snapshot {
    buckets: Box<[u64; BUCKETS]>,
    sum: u64,
}

impl Default for Snapshot {
    fn default() -> Self {
        Snapshot { buckets: Box::new([0; BUCKETS]), sum: 0 }
    }
}

impl Snapshot {
    /// Nothing counted.
    pub fn new() -> Snapshot {
        Snapshot::default()
    }

    /// How many values.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// The sum of all values, exact.
    pub fn sum(&self) -> u64 {
        self.sum
    }

    /// How many values lie below 2^`exponent`: exact, because a bucket starts there.
    pub fn below_power_of_two(&self, exponent: u32) -> u64 {
        let end = if exponent >= OCTAVES { BUCKETS } else { bucket_of(1 << exponent) };
        self.buckets[..end].iter().sum()
    }

    /// The value that `percent` (0..=100) of all values do not exceed: the middle of its bucket, off by at most 6.25 %.
    /// 0 if nothing was counted.
    pub fn percentile(&self, percent: f64) -> u64 {
        let count = self.count();
        if count == 0 {
            return 0;
        }
        let rank = ((percent / 100.0 * count as f64).ceil() as u64).clamp(1, count);
        let mut seen = 0;
        for (bucket, &here) in self.buckets.iter().enumerate() {
            seen += here;
            if seen >= rank {
                let (low, next) = (lower_bound(bucket), lower_bound(bucket + 1));
                return low + (next - low) / 2;
            }
        }
        unreachable!("the ranks end at the count")
    }

    /// What was counted since `earlier`, a snapshot of the same histograms.
    pub fn since(&self, earlier: &Snapshot) -> Snapshot {
        let mut difference = self.clone();
        for (to, from) in difference.buckets.iter_mut().zip(earlier.buckets.iter()) {
            *to = to.saturating_sub(*from);
        }
        difference.sum = difference.sum.wrapping_sub(earlier.sum);
        difference
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(values: &[u64]) -> Snapshot {
        let histogram = Histogram::new();
        values.iter().for_each(|&value| histogram.record(value, 1));
        let mut snapshot = Snapshot::new();
        histogram.merge_into(&mut snapshot);
        snapshot
    }

    #[test]
    fn buckets_cover_everything_once_and_in_order() {
        assert_eq!(bucket_of(u64::MAX), BUCKETS - 1);
        assert_eq!(lower_bound(BUCKETS), 1 << OCTAVES);
        for bucket in 0..BUCKETS {
            assert_eq!(bucket_of(lower_bound(bucket)), bucket);
            assert_eq!(bucket_of(lower_bound(bucket + 1) - 1), bucket);
        }
    }

    #[test]
    fn histograms_of_two_threads_merge_to_the_histogram_of_both() {
        let both = of(&[1, 5, 900, 1 << 30, 7, 7, 100_000]);
        let mut merged = of(&[1, 5, 900, 1 << 30]);
        for (to, from) in merged.buckets.iter_mut().zip(of(&[7, 7, 100_000]).buckets.iter()) {
            *to += from;
        }
        merged.sum += 100_014;
        assert_eq!(merged, both);
        assert_eq!(both.sum(), 1 + 5 + 900 + (1 << 30) + 14 + 100_000);
    }

    #[test]
    fn counts_below_powers_of_two_are_exact() {
        let snapshot = of(&[0, 1, 1023, 1024, 1025, 1 << 20, u64::MAX]);
        assert_eq!([10, 11, 20, 21, 40, 63].map(|e| snapshot.below_power_of_two(e)), [3, 5, 5, 6, 7, 7]);
    }

    #[test]
    fn an_empty_histogram_has_percentile_zero() {
        assert_eq!((Snapshot::new().percentile(99.0), Snapshot::new().count()), (0, 0));
    }

    #[test]
    fn since_gives_what_came_in_between() {
        let (earlier, later) = (of(&[5, 6]), of(&[5, 6, 2000]));
        assert_eq!(later.since(&earlier), of(&[2000]));
    }

    proptest! {
        #[test]
        fn percentile_is_off_by_at_most_a_sixteenth(
            mut values in prop::collection::vec(0u64..1 << 39, 1..300), percent in 0.0f64..=100.0
        ) {
            let found = of(&values).percentile(percent);
            values.sort_unstable();
            let rank = ((percent / 100.0 * values.len() as f64).ceil() as usize).clamp(1, values.len());
            let exact = values[rank - 1];
            prop_assert!(found.abs_diff(exact) as f64 <= exact as f64 / 16.0, "found {found}, exact {exact}");
        }
    }
}
