//! The policies once more, as slowly and plainly as possible: vectors that are searched, summed and shifted on every request.
//!
//! Nothing here shares code with `pure`. A difference on any seeded trace is a bug in one of the two.

use crate::pure::{Capacity, PolicyKind};
use crate::synth::{Shape, Sizes, Synth};

type Queue = Vec<(u64, u64)>;

fn cost_of(queue: &Queue) -> u64 {
    queue.iter().map(|(_, cost)| cost).sum()
}

fn place_of(queue: &Queue, key: u64) -> Option<usize> {
    queue.iter().position(|(held, _)| *held == key)
}

/// Oldest first. `renews`: LRU; otherwise FIFO.
struct OneQueue {
    limit: u64,
    queue: Queue,
    renews: bool,
}

impl OneQueue {
    fn access(&mut self, key: u64, cost: u64) -> bool {
        if let Some(place) = place_of(&self.queue, key) {
            if self.renews {
                let object = self.queue.remove(place);
                self.queue.push(object);
            }
            return true;
        }
        if cost <= self.limit {
            while cost_of(&self.queue) + cost > self.limit {
                self.queue.remove(0);
            }
            self.queue.push((key, cost));
        }
        false
    }
}

/// Oldest first in all three queues; counts in a list of their own.
struct ThreeQueues {
    limit: u64,
    small: Queue,
    main: Queue,
    ghost: Queue,
    counts: Vec<(u64, u64)>,
}

impl ThreeQueues {
    fn count(&mut self, key: u64) -> &mut u64 {
        let place = place_of(&self.counts, key).unwrap_or_else(|| {
            self.counts.push((key, 0));
            self.counts.len() - 1
        });
        &mut self.counts[place].1
    }

    fn access(&mut self, key: u64, cost: u64) -> bool {
        if place_of(&self.small, key).or(place_of(&self.main, key)).is_some() {
            let count = self.count(key);
            *count = (*count + 1).min(3);
            return true;
        }
        let remembered = place_of(&self.ghost, key).map(|place| self.ghost.remove(place)).is_some();
        if cost > self.limit {
            return false;
        }
        let small_limit = (self.limit / 10).max(1);
        while cost_of(&self.small) + cost_of(&self.main) + cost > self.limit {
            if cost_of(&self.small) > small_limit || self.main.is_empty() {
                loop {
                    if self.small.is_empty() {
                        break;
                    }
                    let object = self.small.remove(0);
                    if *self.count(object.0) >= 2 {
                        *self.count(object.0) = 0;
                        self.main.push(object);
                    } else {
                        self.ghost.push(object);
                        while cost_of(&self.ghost) > self.limit - small_limit {
                            self.ghost.remove(0);
                        }
                        break;
                    }
                }
            } else {
                loop {
                    let object = self.main.remove(0);
                    if *self.count(object.0) == 0 {
                        break;
                    }
                    *self.count(object.0) -= 1;
                    self.main.push(object);
                }
            }
        }
        *self.count(key) = 0;
        if remembered {
            self.main.push((key, cost))
        } else {
            self.small.push((key, cost))
        }
        false
    }
}

/// Every shape of trace, with sizes from tiny to larger than the capacity, against both kinds of capacity.
fn compare(kind: PolicyKind, naive: impl Fn(u64) -> Box<dyn FnMut(u64, u64) -> bool>) {
    let shapes = [
        Shape::Zipf { keys: 400, skew: 0.8 },
        Shape::Scan,
        Shape::Loop { keys: 150 },
        Shape::Mixture { keys: 300, skew: 1.0 },
    ];
    let capacities = [
        Capacity::Objects(1),
        Capacity::Objects(9),
        Capacity::Objects(100),
        Capacity::PayloadBytes(700),
        Capacity::PayloadBytes(40_000),
    ];
    for shape in shapes {
        for capacity in capacities {
            for seed in 1..4 {
                let mut fast = kind.build(capacity, seed);
                let mut slow = naive(capacity.limit());
                for (i, r) in Synth::new(shape, Sizes::LogUniform(10, 1000), seed).take(6000).enumerate() {
                    let (got, want) = (fast.access(r.key, r.size), slow(r.key, u64::from(capacity.cost(r.size))));
                    assert_eq!(got, want, "{kind:?} {shape:?} {capacity:?} seed {seed}: request {i}, key {}", r.key);
                    assert!(fast.held().cost <= capacity.limit(), "{kind:?} {shape:?} {capacity:?} seed {seed}: {i}");
                }
            }
        }
    }
}

#[test]
fn lru_equals_the_naive_lru() {
    compare(PolicyKind::Lru, |limit| {
        let mut model = OneQueue { limit, queue: Vec::new(), renews: true };
        Box::new(move |key, cost| model.access(key, cost))
    });
}

#[test]
fn fifo_and_ttl_equal_the_naive_fifo() {
    for kind in [PolicyKind::Fifo, PolicyKind::Ttl] {
        compare(kind, |limit| {
            let mut model = OneQueue { limit, queue: Vec::new(), renews: false };
            Box::new(move |key, cost| model.access(key, cost))
        });
    }
}

#[test]
fn s3fifo_equals_the_naive_s3fifo() {
    compare(PolicyKind::S3Fifo, |limit| {
        let (small, main, ghost, counts) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut model = ThreeQueues { limit, small, main, ghost, counts };
        Box::new(move |key, cost| model.access(key, cost))
    });
}

#[test]
fn lfu_equals_a_naive_search_for_the_lowest_priority() {
    compare(PolicyKind::Lfu, |limit| {
        // (key, cost, frequency, priority); the least recently used stands first.
        let mut held: Vec<(u64, u64, u64, u64)> = Vec::new();
        let mut age = 0;
        Box::new(move |key, cost| {
            if let Some(place) = held.iter().position(|object| object.0 == key) {
                let (_, cost, frequency, _) = held.remove(place);
                held.push((key, cost, frequency + 1, frequency + 1 + age));
                return true;
            }
            if cost <= limit {
                while held.iter().map(|object| object.1).sum::<u64>() + cost > limit {
                    let lowest = held.iter().map(|object| object.3).min().expect("over the limit, so not empty");
                    let victim = held.iter().position(|object| object.3 == lowest).expect("just found");
                    age = held.remove(victim).3;
                }
                held.push((key, cost, 1, 1 + age));
            }
            false
        })
    });
}

#[test]
fn noeviction_keeps_the_first_comers() {
    compare(PolicyKind::NoEviction, |limit| {
        let mut held: Queue = Vec::new();
        Box::new(move |key, cost| {
            if place_of(&held, key).is_some() {
                return true;
            }
            if cost_of(&held) + cost <= limit {
                held.push((key, cost));
            }
            false
        })
    });
}

#[test]
fn random_is_replayable_and_near_what_uniform_traffic_allows() {
    // Under uniform traffic over n keys no policy does better or worse than capacity / n.
    let ratio = |seed| {
        let mut cache = PolicyKind::Random.build(Capacity::Objects(250), seed);
        let trace = Synth::new(Shape::Zipf { keys: 1000, skew: 0.0 }, Sizes::Fixed(1), 9);
        trace.take(100_000).filter(|r| cache.access(r.key, r.size)).count() as f64 / 100_000.0
    };
    assert_eq!(ratio(1), ratio(1));
    assert_ne!(ratio(1), ratio(2));
    assert!((ratio(1) - 0.25).abs() < 0.01, "{}", ratio(1));
}

#[test]
fn an_object_above_the_whole_capacity_is_not_admitted_and_evicts_nothing() {
    for (name, kind) in PolicyKind::ALL {
        let mut cache = kind.build(Capacity::PayloadBytes(100), 1);
        assert!(!cache.access(1, 60) && cache.access(1, 60), "{name}");
        assert!(!cache.access(2, 101) && !cache.access(2, 101), "{name}");
        assert!(cache.access(1, 60), "{name}");
        assert_eq!(cache.held().objects, 1, "{name}");
    }
}
