//! Synthetic traces: seeded, endless, and shaped like what caches meet. For tests and for machines without real traces.
//!
//! | shape   | what it is                                   | whom it hurts |
//! |---------|----------------------------------------------|---------------|
//! | zipf    | few keys asked often, many seldom            | FIFO, random  |
//! | scan    | every key once, then the next                | nobody can win; what a scan pushes out counts |
//! | loop    | the same keys in the same order, over and over | LRU and FIFO, when the loop exceeds the cache |
//! | mixture | zipf, with scans and loops breaking in       | policies that cannot tell once from often |
//! | twice   | every key exactly twice, some way apart      | S3-FIFO, when the way exceeds its small queue |
//! | drift   | zipf whose favourites change all the time    | LFU, and whoever trusts frequency for long |
//!
//! An object's size follows from its key and the seed, so it is the same each time the object is asked for, as in the
//! real traces.

use scrubjay_base::rand::Rng;

use crate::trace::Request;

/// The order in which keys are asked for.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Shape {
    /// Rank `r` of `keys` is asked for with weight `r^-skew`.
    Zipf {
        /// How many keys there are.
        keys: u32,
        /// 0 is uniform; web traffic lies between 0.6 and 1.1.
        skew: f64,
    },
    /// A key that was never asked for before, every time.
    Scan,
    /// Keys `0..keys` in order, over and over.
    Loop {
        /// The length of the loop.
        keys: u32,
    },
    /// Zipf traffic; about once in `keys` requests a burst of `keys / 2` breaks in, a scan or a loop over `keys / 4`.
    Mixture {
        /// Keys of the zipf part.
        keys: u32,
        /// Skew of the zipf part.
        skew: f64,
    },
    /// Each key is asked for twice; between the two lie `apart` first requests for other keys.
    Twice {
        /// How far apart the two requests are, in keys.
        apart: u32,
    },
    /// Zipf, but rank `r` belongs to the next key every `requests_per_step` requests.
    Drift {
        /// Rank `r` is asked for with weight `r^-skew`, of so many ranks.
        keys: u32,
        /// As for [`Shape::Zipf`].
        skew: f64,
        /// How long a rank stays with a key.
        requests_per_step: u32,
    },
}

/// How large the objects are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sizes {
    /// All alike.
    Fixed(u32),
    /// Evenly spread over the logarithm, from the first to the second bound: many small, few large.
    LogUniform(u32, u32),
}

/// An endless seeded trace; `take(n)` of it. The same arguments give the same requests.
///
/// ```
/// use scrubjay_replay::synth::{Shape, Sizes, Synth};
/// let trace = Synth::new(Shape::Loop { keys: 3 }, Sizes::Fixed(10), 1);
/// assert_eq!(trace.take(4).map(|r| r.key).collect::<Vec<_>>(), [0, 1, 2, 0]);
/// ```
pub struct Synth {
    rng: Rng,
    seed: u64,
    shape: Shape,
    sizes: Sizes,
    /// `cumulative[r]`: the share of zipf requests for ranks up to `r`. Empty where the shape has no zipf part.
    cumulative: Vec<f64>,
    /// The next key of a scan, or the position in a loop.
    position: u64,
    /// Requests left of the burst that broke in, and whether it is a scan.
    burst: (u32, bool),
}

/// Scanned keys start here, so that they never meet those of the other shapes.
const SCAN_BASE: u64 = 1 << 40;
/// Looped keys of a mixture start here.
const LOOP_BASE: u64 = 1 << 39;

impl Synth {
    /// A trace of this shape. Costs 8 bytes per key for zipf and mixture.
    pub fn new(shape: Shape, sizes: Sizes, seed: u64) -> Synth {
        let cumulative = match shape {
            Shape::Zipf { keys, skew } | Shape::Mixture { keys, skew } | Shape::Drift { keys, skew, .. } => {
                cumulative(keys.max(1), skew)
            }
            Shape::Scan | Shape::Loop { .. } | Shape::Twice { .. } => Vec::new(),
        };
        Synth { rng: Rng::new(seed), seed, shape, sizes, cumulative, position: 0, burst: (0, false) }
    }

    fn key(&mut self) -> u64 {
        match self.shape {
            Shape::Zipf { .. } => self.zipf(),
            Shape::Scan => self.scan(),
            Shape::Loop { keys } => {
                self.position += 1;
                (self.position - 1) % u64::from(keys.max(1))
            }
            Shape::Twice { apart } => {
                self.position += 1;
                let (pair, is_second) = ((self.position - 1) / 2, self.position.is_multiple_of(2));
                // Second requests lag `apart` keys behind the first ones; until there is one, something else is asked for.
                match pair.checked_sub(u64::from(apart)) {
                    _ if !is_second => pair,
                    Some(key) => key,
                    None => SCAN_BASE + pair,
                }
            }
            Shape::Drift { requests_per_step, .. } => {
                self.position += 1;
                self.zipf() + self.position / u64::from(requests_per_step.max(1))
            }
            Shape::Mixture { keys, .. } => {
                if self.burst.0 == 0 && self.rng.below(u64::from(keys)) == 0 {
                    self.burst = (keys / 2, self.rng.below(2) == 0);
                }
                match self.burst {
                    (0, _) => self.zipf(),
                    (left, is_scan) => {
                        self.burst.0 -= 1;
                        if is_scan { self.scan() } else { LOOP_BASE + u64::from(left % (keys / 4).max(1)) }
                    }
                }
            }
        }
    }

    fn scan(&mut self) -> u64 {
        self.position += 1;
        SCAN_BASE + self.position
    }

    fn zipf(&mut self) -> u64 {
        let point = self.rng.unit();
        self.cumulative.partition_point(|&share| share < point).min(self.cumulative.len() - 1) as u64
    }

    fn size_of(&self, key: u64) -> u32 {
        match self.sizes {
            Sizes::Fixed(size) => size,
            Sizes::LogUniform(low, high) => {
                let unit = Rng::new(self.seed ^ key.wrapping_mul(0x9E37_79B9_7F4A_7C15)).unit();
                let (low, high) = (f64::from(low.max(1)), f64::from(high.max(1)));
                (low * (high / low).powf(unit)) as u32
            }
        }
    }
}

impl Iterator for Synth {
    type Item = Request;

    fn next(&mut self) -> Option<Request> {
        let key = self.key();
        Some(Request { key, size: self.size_of(key) })
    }
}

fn cumulative(keys: u32, skew: f64) -> Vec<f64> {
    let mut sum = 0.0;
    let mut shares: Vec<f64> = (1..=keys)
        .map(|rank| {
            sum += f64::from(rank).powf(-skew);
            sum
        })
        .collect();
    shares.iter_mut().for_each(|share| *share /= sum);
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{HashMap, HashSet};

    #[test]
    fn the_same_seed_gives_the_same_trace_and_another_seed_another() {
        let shape = Shape::Mixture { keys: 1000, skew: 0.9 };
        let trace = |seed| Synth::new(shape, Sizes::LogUniform(10, 5000), seed).take(5000).collect::<Vec<_>>();
        assert_eq!(trace(1), trace(1));
        assert_ne!(trace(1), trace(2));
    }

    #[test]
    fn an_objects_size_never_changes_and_stays_within_its_bounds() {
        let mut sizes = HashMap::new();
        for request in Synth::new(Shape::Zipf { keys: 300, skew: 0.5 }, Sizes::LogUniform(100, 9000), 3).take(20_000) {
            assert!((100..=9000).contains(&request.size));
            assert_eq!(*sizes.entry(request.key).or_insert(request.size), request.size);
        }
        assert!(sizes.values().collect::<HashSet<_>>().len() > 100);
    }

    #[test]
    fn twice_asks_for_each_key_exactly_twice_so_many_keys_apart() {
        let trace: Vec<_> = Synth::new(Shape::Twice { apart: 5 }, Sizes::Fixed(1), 1).take(1000).collect();
        for key in 0..400 {
            let at: Vec<usize> = (0..1000).filter(|&i| trace[i].key == key).collect();
            assert_eq!((at.len(), at[1] - at[0]), (2, 11), "{key}");
        }
    }

    #[test]
    fn drift_leaves_its_favourites_behind() {
        let shape = Shape::Drift { keys: 100, skew: 1.0, requests_per_step: 10 };
        let trace: Vec<_> = Synth::new(shape, Sizes::Fixed(1), 1).take(20_000).collect();
        let lowest = |part: &[Request]| part.iter().map(|r| r.key).min();
        assert!(lowest(&trace[..1000]) == Some(0) && lowest(&trace[19_000..]) >= Some(1900));
    }

    #[test]
    fn zipf_prefers_low_ranks_and_scan_never_repeats() {
        let zipf: Vec<_> = Synth::new(Shape::Zipf { keys: 1000, skew: 1.0 }, Sizes::Fixed(1), 5).take(50_000).collect();
        let asked = |key| zipf.iter().filter(|r| r.key == key).count();
        assert!(asked(0) > 5 * asked(9), "{} {}", asked(0), asked(9));
        let scan: HashSet<_> = Synth::new(Shape::Scan, Sizes::Fixed(1), 5).take(1000).map(|r| r.key).collect();
        assert_eq!(scan.len(), 1000);
    }
}
