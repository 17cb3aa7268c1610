//! The keyed hash that places a key inside its slot's table.
//!
//! The slot comes from CRC16, which the Redis Cluster protocol fixes and which anyone can collide on purpose. Inside the
//! slot a second, keyed hash is used, so a client that does not know the seed cannot pile its keys into one bucket.
//! rapidhash v3 (<https://github.com/Nicoshev/rapidhash>) with secrets drawn from the seed: about 3 ns for 16 bytes.

use rapidhash::v3::{RapidSecrets, rapidhash_v3_inline};

/// Hashes keys with secrets drawn from one seed. Cheap to copy by reference; make one per store.
#[derive(Clone)]
pub struct KeyHasher {
    secrets: RapidSecrets,
}

impl KeyHasher {
    /// A hasher whose secrets follow from `seed`. The same seed gives the same hashes, which tests rely on.
    pub fn new(seed: u64) -> KeyHasher {
        KeyHasher { secrets: RapidSecrets::seed(seed) }
    }

    /// The hash of `key` in namespace `ns`: all 64 bits are usable.
    #[inline]
    pub fn hash(&self, ns: u8, key: &[u8]) -> u64 {
        // Two namespaces share a slot's table; the odd multiplier spreads the namespace over the high bits, which
        // choose the bucket, and the low ones, which are the tag.
        rapidhash_v3_inline::<true, false, false>(key, &self.secrets)
            ^ u64::from(ns).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }
}

impl std::fmt::Debug for KeyHasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyHasher(secret)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namespaces_and_seeds_separate_equal_keys() {
        let (a, b) = (KeyHasher::new(1), KeyHasher::new(2));
        assert_ne!(a.hash(0, b"k"), a.hash(1, b"k"));
        assert_ne!(a.hash(0, b"k"), b.hash(0, b"k"));
        assert_eq!(a.hash(3, b"k"), KeyHasher::new(1).hash(3, b"k"));
    }
}
