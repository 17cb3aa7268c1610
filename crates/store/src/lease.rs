//! Leases: who may fill which key, so that of many who miss it one loads it.
//!
//! A lease is no entry. It counts nowhere, is not evicted and evicts nothing: a shard has a small table of those that are
//! out, under the key's hash. Two keys of the same 64-bit hash would share one, which makes a caller wait or load in vain
//! and does nothing worse, because whoever fills a key shows a token that nobody else has.
//!
//! Tokens count up from the moment at which the store was made, so that none is used twice, after a restart neither.

use crate::key::Ns;
use scrubjay_base::clock::UnixMs;
use std::collections::HashMap;

/// Most leases of one shard; the one that ends first gives way. At 256 shards a million loads may be under way at once; a
/// full table takes 2 % of the memory that earns a shard.
const LEASES_MAX: usize = 4096;

/// Bytes that a table takes per place: hash, lease, the map's own byte and its empty places.
const PLACE_BYTES: usize = (size_of::<u64>() + size_of::<Held>() + 1) * 8 / 7;

/// What became of asking for a lease.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lease {
    /// The caller has it, and this token to show when it fills the key.
    Won(u64),
    /// Somebody else has it, at most until `until_ms`.
    Taken {
        /// When it ends unless it is used.
        until_ms: UnixMs,
    },
}

/// The first token of a store that is made at `start_ms`: behind every one of a store that was made before, as long as
/// that gave out less than a million in each of its milliseconds.
pub fn first_token(start_ms: UnixMs) -> u64 {
    (start_ms << 20 & i64::MAX as u64) + 1
}

#[derive(Clone, Copy, Debug)]
struct Held {
    token: u64,
    until_ms: UnixMs,
    ns: Ns,
}

/// The leases of one shard that are out.
#[derive(Default, Debug)]
pub struct Leases {
    held: HashMap<u64, Held>,
}

impl Leases {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Bytes that the table takes.
    pub fn bytes(&self) -> u64 {
        (size_of::<Leases>() + self.held.capacity() * PLACE_BYTES) as u64
    }

    /// Gives `token` to whoever asks first, until `until_ms`.
    pub fn take(&mut self, ns: Ns, hash: u64, token: u64, until_ms: UnixMs, now_ms: UnixMs) -> Lease {
        if let Some(until_ms) = self.until_ms(hash, now_ms) {
            return Lease::Taken { until_ms };
        }
        if self.held.len() >= LEASES_MAX {
            self.end_due(now_ms);
            if self.held.len() >= LEASES_MAX
                && let Some(first) = self.held.iter().min_by_key(|(_, held)| held.until_ms).map(|(hash, _)| *hash)
            {
                self.held.remove(&first);
            }
        }
        self.held.insert(hash, Held { token, until_ms, ns });
        Lease::Won(token)
    }

    /// Until when the lease of `hash` is out; `None`: none is.
    pub fn until_ms(&self, hash: u64, now_ms: UnixMs) -> Option<UnixMs> {
        self.held.get(&hash).map(|held| held.until_ms).filter(|&until_ms| until_ms > now_ms)
    }

    /// Whether `token` is out for `hash`.
    pub fn is_held(&self, hash: u64, token: u64, now_ms: UnixMs) -> bool {
        self.held.get(&hash).is_some_and(|held| held.token == token && held.until_ms > now_ms)
    }

    /// Ends the lease of `hash`. Whether there was one.
    pub fn end(&mut self, hash: u64) -> bool {
        self.held.remove(&hash).is_some()
    }

    /// Ends all of a namespace, or of all.
    pub fn end_all(&mut self, ns: Option<Ns>) {
        self.held.retain(|_, held| ns.is_some_and(|ns| ns != held.ns));
    }

    /// Forgets those whose time is over.
    pub fn end_due(&mut self, now_ms: UnixMs) {
        self.held.retain(|_, held| held.until_ms > now_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_lease_is_out_for_a_key_until_its_time_is_over() {
        let mut leases = Leases::default();
        assert_eq!(leases.take(Ns(0), 7, 1, 100, 0), Lease::Won(1));
        assert_eq!(leases.take(Ns(0), 7, 2, 150, 99), Lease::Taken { until_ms: 100 });
        assert!(leases.is_held(7, 1, 99) && !leases.is_held(7, 1, 100) && !leases.is_held(7, 2, 99));
        assert_eq!(leases.take(Ns(0), 7, 3, 200, 100), Lease::Won(3));
        assert!(leases.end(7) && !leases.end(7));
    }

    #[test]
    fn a_full_table_gives_up_the_lease_that_ends_first() {
        let mut leases = Leases::default();
        for n in 0..LEASES_MAX as u64 {
            leases.take(Ns(0), n, n, 1000 + n, 0);
        }
        assert_eq!(leases.take(Ns(0), 9999, 1, 5000, 0), Lease::Won(1));
        assert!(!leases.is_held(0, 0, 0) && leases.is_held(1, 1, 0));
        assert!(leases.bytes() < 320 << 10, "{}", leases.bytes());
        leases.end_due(1002);
        assert!(!leases.is_held(2, 2, 0) && leases.is_held(3, 3, 0));
    }

    #[test]
    fn a_store_made_later_gives_out_later_tokens() {
        let now_ms = 1_700_000_000_000;
        assert!(first_token(now_ms + 1) > first_token(now_ms) + 1_000_000);
        assert!(i64::try_from(first_token(now_ms)).is_ok());
    }
}
