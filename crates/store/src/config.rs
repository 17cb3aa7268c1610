//! What a store can be told: limits, policy, default TTL. All but the shard count and the seed can change while it runs.

use crate::compress::Compression;
use scrubjay_base::clock::{Clock, SystemClock, UnixMs};
use std::fmt;
use std::str::FromStr;

/// Which entries a policy may evict.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Scope {
    /// Any entry.
    AllKeys,
    /// Only entries with a deadline.
    Volatile,
}

/// How the victim is chosen.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Rank {
    /// Least recently used.
    Lru,
    /// Least frequently used, with decay.
    Lfu,
    /// Oldest.
    Fifo,
    /// Any.
    Random,
    /// Nearest deadline.
    Ttl,
    /// S3-FIFO: a small probation queue in front of the main one.
    S3Fifo,
}

/// An eviction policy: `noeviction`, or a scope and a rank, named as Redis names them (`allkeys-lru`, `volatile-ttl`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Policy {
    /// Full means full: writes that need room are refused.
    NoEviction,
    /// Evict the lowest-ranked entry of the scope.
    Evict(Scope, Rank),
}

impl Policy {
    /// Every policy, in the order in which they are documented.
    pub const ALL: [Policy; 13] = {
        use Rank::{Fifo, Lfu, Lru, Random, S3Fifo, Ttl};
        use Scope::{AllKeys, Volatile};
        [
            Policy::NoEviction,
            Policy::Evict(AllKeys, S3Fifo),
            Policy::Evict(AllKeys, Lru),
            Policy::Evict(AllKeys, Lfu),
            Policy::Evict(AllKeys, Fifo),
            Policy::Evict(AllKeys, Random),
            Policy::Evict(AllKeys, Ttl),
            Policy::Evict(Volatile, S3Fifo),
            Policy::Evict(Volatile, Lru),
            Policy::Evict(Volatile, Lfu),
            Policy::Evict(Volatile, Fifo),
            Policy::Evict(Volatile, Random),
            Policy::Evict(Volatile, Ttl),
        ]
    };

    /// The policy's name.
    pub fn name(self) -> &'static str {
        use Rank::{Fifo, Lfu, Lru, Random, S3Fifo, Ttl};
        match self {
            Policy::NoEviction => "noeviction",
            Policy::Evict(Scope::AllKeys, rank) => match rank {
                Lru => "allkeys-lru",
                Lfu => "allkeys-lfu",
                Fifo => "allkeys-fifo",
                Random => "allkeys-random",
                Ttl => "allkeys-ttl",
                S3Fifo => "allkeys-s3fifo",
            },
            Policy::Evict(Scope::Volatile, rank) => match rank {
                Lru => "volatile-lru",
                Lfu => "volatile-lfu",
                Fifo => "volatile-fifo",
                Random => "volatile-random",
                Ttl => "volatile-ttl",
                S3Fifo => "volatile-s3fifo",
            },
        }
    }
}

impl Default for Policy {
    fn default() -> Policy {
        Policy::Evict(Scope::AllKeys, Rank::S3Fifo)
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text that names no policy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnknownPolicy(pub String);

impl fmt::Display for UnknownPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = Policy::ALL.iter().map(|p| p.name()).collect();
        write!(f, "'{}' is not an eviction policy: use one of {}", self.0, names.join(", "))
    }
}

impl std::error::Error for UnknownPolicy {}

impl FromStr for Policy {
    type Err = UnknownPolicy;

    /// Reads a policy's name; a bare rank (`lru`) means `allkeys-`.
    fn from_str(text: &str) -> Result<Policy, UnknownPolicy> {
        let lower = text.trim().to_ascii_lowercase();
        Policy::ALL
            .into_iter()
            .find(|p| p.name() == lower || p.name().strip_prefix("allkeys-") == Some(&lower))
            .ok_or_else(|| UnknownPolicy(text.to_owned()))
    }
}

/// How a store starts.
#[derive(Clone, Debug)]
pub struct Config {
    /// Most memory that everything counted may take, in bytes; 0: no limit.
    pub max_memory_bytes: u64,
    /// Most entries; 0: no limit.
    pub max_entries: u64,
    /// What is evicted at a limit.
    pub policy: Policy,
    /// Lifetime of an entry that is written without one; 0: for ever.
    pub default_ttl_ms: u64,
    /// Which values are compressed; none unless told.
    pub compression: Compression,
    /// How many shards (locks with their own heap) stand under the slots: a power of two up to 1024; 0: chosen from the
    /// memory limit.
    pub shards: usize,
    /// Seed of the key hash and of every random choice.
    pub seed: u64,
    /// When the store starts. Deadlines before it are expired on access only.
    pub start_ms: UnixMs,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            max_memory_bytes: 0,
            max_entries: 0,
            policy: Policy::default(),
            default_ttl_ms: 0,
            compression: Compression::default(),
            shards: 0,
            seed: scrubjay_base::rand::entropy_seed(),
            start_ms: SystemClock::new().now_ms(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_policy_is_read_back_by_its_name() {
        for policy in Policy::ALL {
            assert_eq!(policy.name().parse(), Ok(policy));
        }
        assert_eq!("LRU".parse(), Ok(Policy::Evict(Scope::AllKeys, Rank::Lru)));
        assert!("lrux".parse::<Policy>().unwrap_err().to_string().contains("allkeys-s3fifo"));
    }
}
