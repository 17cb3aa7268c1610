//! Exact policies: what each one promises, without the approximations that a real store makes for speed and memory.
//!
//! A pure policy holds keys and sizes, no values. It answers one question, "was it there?", and a miss is at once followed
//! by an insert of the missing object, as a cache-aside client does. The conventions, which the reference figures share:
//!
//! - Capacity counts payload bytes ([`Capacity::PayloadBytes`]) or objects ([`Capacity::Objects`]), nothing else.
//! - Objects are evicted until the new one fits; an object above the whole capacity is not admitted and evicts nothing.
//! - A hit changes neither the size nor, in `fifo`, the place of an object. An object keeps the size it was inserted with.
//! - Nothing expires.
//!
//! The yardsticks that need the future (Belady's) are not here; the forms that a store can afford are in
//! `examples/sampled`, measured against these.

use scrubjay_base::rand::Rng;

pub mod fifo;
pub mod full;
pub mod lfu;
pub mod lru;
pub mod random;
pub mod s3fifo;
pub mod sieve;
mod slab;

/// How much a cache may hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Capacity {
    /// So many bytes of payload.
    PayloadBytes(u64),
    /// So many objects, whatever their size.
    Objects(u64),
}

impl Capacity {
    /// The number that the costs of the objects held may not exceed.
    pub fn limit(self) -> u64 {
        match self {
            Capacity::PayloadBytes(limit) | Capacity::Objects(limit) => limit,
        }
    }

    /// What an object of `size` bytes takes of the limit.
    #[inline]
    pub fn cost(self, size: u32) -> u32 {
        match self {
            Capacity::PayloadBytes(_) => size,
            Capacity::Objects(_) => 1,
        }
    }
}

/// One eviction policy over (key, size).
pub trait PurePolicy: Send {
    /// Asks for `key`; on a miss inserts it with `size` bytes, evicting what must go. True: it was there.
    fn access(&mut self, key: u64, size: u32) -> bool;

    /// How many objects are held, and what they take of the capacity.
    fn held(&self) -> Held;
}

/// What a policy holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Held {
    /// Objects.
    pub objects: u64,
    /// Their costs: payload bytes, or again objects, as the capacity counts.
    pub cost: u64,
}

/// The policies that have an exact form.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PolicyKind {
    /// Admits until full, then nothing.
    NoEviction,
    /// Least recently used.
    Lru,
    /// Least frequently used, with decay.
    Lfu,
    /// First in, first out.
    Fifo,
    /// Any, evenly.
    Random,
    /// Nearest deadline. A trace has no deadlines; a replay gives every insert the same time to live, so the nearest
    /// deadline is the oldest insert: exactly [`PolicyKind::Fifo`].
    Ttl,
    /// S3-FIFO.
    S3Fifo,
    /// SIEVE.
    Sieve,
}

impl PolicyKind {
    /// Every policy, under the name it is chosen by.
    pub const ALL: [(&'static str, PolicyKind); 8] = [
        ("noeviction", PolicyKind::NoEviction),
        ("lru", PolicyKind::Lru),
        ("lfu", PolicyKind::Lfu),
        ("fifo", PolicyKind::Fifo),
        ("random", PolicyKind::Random),
        ("ttl", PolicyKind::Ttl),
        ("s3fifo", PolicyKind::S3Fifo),
        ("sieve", PolicyKind::Sieve),
    ];

    /// The policy called `name`. `allkeys-` and `volatile-` before it change nothing: a trace has no keys that stay.
    ///
    /// ```
    /// use scrubjay_replay::pure::PolicyKind;
    /// assert_eq!(PolicyKind::named("allkeys-s3fifo"), Some(PolicyKind::S3Fifo));
    /// assert_eq!(PolicyKind::named("best"), None);
    /// ```
    pub fn named(name: &str) -> Option<PolicyKind> {
        let lower = name.to_ascii_lowercase();
        let bare = lower.strip_prefix("allkeys-").or_else(|| lower.strip_prefix("volatile-")).unwrap_or(&lower);
        Self::ALL.iter().find(|(known, _)| *known == bare).map(|(_, kind)| *kind)
    }

    /// An empty cache under this policy. `seed` matters to [`PolicyKind::Random`] only.
    pub fn build(self, capacity: Capacity, seed: u64) -> Box<dyn PurePolicy> {
        match self {
            PolicyKind::NoEviction => Box::new(full::NoEviction::new(capacity)),
            PolicyKind::Lru => Box::new(lru::Lru::new(capacity)),
            PolicyKind::Lfu => Box::new(lfu::Lfu::new(capacity)),
            PolicyKind::Fifo | PolicyKind::Ttl => Box::new(fifo::Fifo::new(capacity)),
            PolicyKind::Random => Box::new(random::Random::new(capacity, Rng::new(seed))),
            PolicyKind::S3Fifo => Box::new(s3fifo::S3Fifo::new(capacity)),
            PolicyKind::Sieve => Box::new(sieve::Sieve::new(capacity)),
        }
    }
}
