//! A small seeded generator (wyrand: one multiplication a number), so that every random choice can be replayed.
//!
//! Not for secrets. Seeds that must be unpredictable come from [`entropy_seed`].

use std::collections::HashSet;

/// A seeded pseudo-random generator. Period 2^64; the same seed gives the same sequence.
#[derive(Clone, Debug)]
pub struct Rng {
    state: u64,
}

impl Rng {
    /// A generator that starts at `seed`.
    pub const fn new(seed: u64) -> Rng {
        Rng { state: seed }
    }

    /// The next 64 bits.
    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0xA076_1D64_78BD_642F);
        let wide = u128::from(self.state) * u128::from(self.state ^ 0xE703_7ED1_A0B4_28DB);
        (wide >> 64) as u64 ^ wide as u64
    }

    /// A number in `0..bound`; `bound` 0 gives 0. Bias below 2^-32 for bounds below 2^32.
    #[inline]
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// A number in `0.0..1.0`.
    #[inline]
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// `count` different numbers below `all`, or all of these if there are no more; each choice is as likely as any other.
    pub fn distinct(&mut self, count: usize, all: u32) -> Vec<u32> {
        if count >= all as usize {
            return (0..all).collect();
        }
        if count > all as usize / 3 {
            // The beginning of a shuffle.
            let mut numbers: Vec<u32> = (0..all).collect();
            for at in 0..count {
                numbers.swap(at, at + self.below(u64::from(all) - at as u64) as usize);
            }
            numbers.truncate(count);
            return numbers;
        }
        // Drawn again where it was drawn already: once in three draws at worst.
        let (mut seen, mut numbers) = (HashSet::with_capacity(count), Vec::with_capacity(count));
        while numbers.len() < count {
            let number = self.below(u64::from(all)) as u32;
            if seen.insert(number) {
                numbers.push(number);
            }
        }
        numbers
    }
}

/// A seed that differs from process to process and cannot be guessed from outside.
pub fn entropy_seed() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    // The standard library seeds its hasher from the operating system; that is all the entropy we need, without a crate.
    std::collections::hash_map::RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn below_stays_below_and_reaches_every_number() {
        let mut rng = Rng::new(1);
        let mut seen = [false; 10];
        for _ in 0..1000 {
            seen[rng.below(10) as usize] = true;
        }
        assert_eq!(seen, [true; 10]);
        assert_eq!(rng.below(0), 0);
    }

    #[test]
    fn distinct_numbers_are_distinct_and_each_comes_as_often_as_the_others() {
        let mut rng = Rng::new(1);
        for count in [0, 1, 3, 7, 9, 10, 11] {
            let mut seen = [0; 10];
            for _ in 0..10_000 {
                let mut numbers = rng.distinct(count, 10);
                numbers.iter().for_each(|&number| seen[number as usize] += 1);
                numbers.sort_unstable();
                numbers.dedup();
                assert_eq!(numbers.len(), count.min(10));
            }
            let expected = 1000 * count.min(10) as i32;
            assert!(seen.iter().all(|&times: &i32| (times - expected).abs() < 200), "{count}: {seen:?}");
        }
        assert!(rng.distinct(3, 0).is_empty());
    }
}
