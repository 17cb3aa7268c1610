//! LRU by sampling: the longest idle of some random entries goes; with a pool, of those and the best of earlier samples.
//!
//! The pool is Redis' idea: candidates that were nearly evicted last time are still good candidates now. A candidate that
//! was used or removed meanwhile is dropped.

use scrubjay_replay::pure::{Held, PurePolicy};

use crate::bag::{Bag, Entry};

pub struct SampledLru {
    limit_bytes: u64,
    sample: usize,
    pool_max: usize,
    bag: Bag,
    bytes: u64,
    now: u32,
    /// (stamp, key), longest idle first.
    pool: Vec<(u32, u64)>,
}

impl SampledLru {
    pub fn new(limit_bytes: u64, sample: usize, pool_max: usize) -> SampledLru {
        SampledLru { limit_bytes, sample, pool_max, bag: Bag::new(), bytes: 0, now: 0, pool: Vec::new() }
    }

    fn victim(&mut self) -> u64 {
        let (bag, pool) = (&mut self.bag, &mut self.pool);
        pool.retain(|&(stamp, key)| bag.get(key).is_some_and(|entry| entry.stamp == stamp));
        for _ in 0..self.sample {
            let drawn = bag.draw();
            let candidate = (drawn.stamp, drawn.key);
            let place = pool.partition_point(|held| *held < candidate);
            if pool.get(place) != Some(&candidate) {
                pool.insert(place, candidate);
                pool.truncate(self.pool_max.max(1));
            }
        }
        let (_, key) = pool.remove(0);
        if self.pool_max == 0 {
            pool.clear();
        }
        key
    }
}

impl PurePolicy for SampledLru {
    fn access(&mut self, key: u64, size: u32) -> bool {
        self.now += 1;
        let now = self.now;
        if let Some(entry) = self.bag.get(key) {
            entry.stamp = now;
            return true;
        }
        if u64::from(size) > self.limit_bytes {
            return false;
        }
        while self.bytes + u64::from(size) > self.limit_bytes {
            let victim = self.victim();
            self.bytes -= self.bag.remove(victim).map_or(0, |entry| u64::from(entry.bytes));
        }
        self.bytes += u64::from(size);
        self.bag.insert(Entry { key, bytes: size, uses: 0, stamp: now, is_small: false });
        false
    }

    fn held(&self) -> Held {
        Held { objects: self.bag.len() as u64, cost: self.bytes }
    }
}
