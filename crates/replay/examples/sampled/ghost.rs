//! The ghost as a store keeps it: 16-bit fingerprints in buckets of seven, each bucket a small FIFO; no keys, no sizes.

use scrubjay_base::rand::Rng;

const WAYS: usize = 7;

/// Keys that left lately, as many as the cache has entries.
#[derive(Default)]
pub struct Ghost {
    /// Fingerprints (never 0), and the place of the oldest.
    buckets: Vec<([u16; WAYS], u8)>,
}

impl Ghost {
    fn place(&self, key: u64) -> (usize, u16) {
        let hash = Rng::new(key).next_u64();
        ((((hash >> 32) * self.buckets.len() as u64) >> 32) as usize, hash as u16 | 1)
    }

    /// Remembers `key`, in a table made for `entries` of them.
    pub fn remember(&mut self, key: u64, entries: usize) {
        let wanted = entries / WAYS + 1;
        if self.buckets.len() < wanted || self.buckets.len() > 4 * wanted + 16 {
            self.buckets = vec![([0; WAYS], 0); wanted + wanted / 4];
        }
        let (bucket, fingerprint) = self.place(key);
        let (fingerprints, oldest) = &mut self.buckets[bucket];
        fingerprints[*oldest as usize] = fingerprint;
        *oldest = (*oldest + 1) % WAYS as u8;
    }

    /// Whether `key` is remembered; it is forgotten then.
    pub fn recalls(&mut self, key: u64) -> bool {
        if self.buckets.is_empty() {
            return false;
        }
        let (bucket, fingerprint) = self.place(key);
        let found = self.buckets[bucket].0.iter_mut().find(|held| **held == fingerprint);
        found.map(|held| *held = 0).is_some()
    }
}
