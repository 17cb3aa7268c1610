//! A limit beside a naive one, which keeps the time of everything that it let through as one exact number.

use super::{Throttle, Throttled};
use crate::family::testing::{Node, START_MS};
use scrubjay_base::rand::Rng;

/// The algorithm as the recommendation states it, in 128 bits: the theoretical arrival time, and nothing else.
struct Naive {
    arrival_ns: i128,
}

impl Naive {
    fn ask(&mut self, now_ms: u64, t: &Throttle<'_>) -> Throttled {
        let interval = i128::from(t.period_s) * 1_000_000_000 / i128::from(t.count);
        let (now, burst) = (i128::from(now_ms) * 1_000_000, interval * (i128::from(t.max_burst) + 1));
        let from = self.arrival_ns.max(now);
        let wanted = interval * i128::from(t.quantity);
        let limited = from + wanted > now + burst;
        if !limited {
            self.arrival_ns = from + wanted;
        }
        let ahead = self.arrival_ns.max(now) - now;
        let mut remaining = 0;
        while ahead + interval * (remaining + 1) <= burst {
            remaining += 1;
        }
        Throttled {
            limited,
            limit: t.max_burst + 1,
            remaining: remaining as i64,
            retry_after_ns: (limited && wanted <= burst).then(|| (from + wanted - now - burst) as i64),
            reset_after_ns: ahead as i64,
        }
    }
}

#[test]
fn every_answer_is_that_of_the_naive_limit_whatever_is_asked_when() {
    for seed in 0..200 {
        let mut rng = Rng::new(seed);
        let mut node = Node::new();
        let mut naive = Naive { arrival_ns: 0 };
        let limit = Throttle {
            key: b"k",
            max_burst: rng.below(20) as i64,
            count: 1 + rng.below(50) as i64,
            period_s: 1 + rng.below(5) as i64,
            quantity: 1,
        };
        for step in 0..200 {
            let asked = Throttle { quantity: rng.below(4) as i64 * rng.below(4) as i64, ..limit };
            let answer = asked.run(&node.context()).expect("in range");
            assert_eq!(answer, naive.ask(node.now_ms, &asked), "seed {seed}, step {step}: {asked:?}");
            node.now_ms += rng.below(3) * rng.below(400);
        }
    }
}

#[test]
fn the_answers_are_those_that_redis_cell_tests_itself_by() {
    let mut node = Node::new();
    for (after_ms, quantity, expected) in [
        (0, 6, "[1 5 5 -1 0]"),
        (0, 1, "[0 5 4 -1 1]"),
        (0, 1, "[0 5 3 -1 2]"),
        (0, 1, "[0 5 2 -1 3]"),
        (0, 1, "[0 5 1 -1 4]"),
        (0, 1, "[0 5 0 -1 5]"),
        (0, 1, "[1 5 0 1 5]"),
        (3000, 1, "[0 5 2 -1 3]"),
        (3100, 1, "[0 5 1 -1 4]"),
        (4000, 1, "[0 5 1 -1 4]"),
        (8000, 1, "[0 5 4 -1 1]"),
        (9500, 1, "[0 5 4 -1 1]"),
        (9500, 0, "[0 5 4 -1 1]"),
        (9500, 2, "[0 5 2 -1 3]"),
        (9500, 5, "[1 5 2 3 3]"),
    ] {
        node.now_ms = START_MS + after_ms;
        assert_eq!(node.run(&format!("cl.throttle k 4 1 1 {quantity}")), expected, "{after_ms} {quantity}");
    }
}

#[test]
fn the_key_goes_when_the_limit_is_as_good_as_new_and_a_look_makes_none() {
    let mut node = Node::new();
    node.check(&[
        ("cl.throttle k 1 1 2 0", "[0 2 2 -1 0]"),
        ("exists k", "0"),
        ("jay.throttle k 1 1 2", "[0 2 1 -1 2]"),
        ("pttl k", "2000"),
    ]);
    node.now_ms += 2000;
    node.check(&[("exists k", "0"), ("cl.throttle k 1 1 2", "[0 2 1 -1 2]")]);
}

#[test]
fn what_is_no_limit_is_refused() {
    let bad = "-ERR max_burst and quantity must not be negative, count and period must be above 0";
    let range = "-ERR the limit is out of range: a burst of 292 years is too long";
    Node::new().check(&[
        ("cl.throttle k -1 1 1", bad),
        ("cl.throttle k 1 0 1", bad),
        ("cl.throttle k 1 1 0", bad),
        ("cl.throttle k 1 1 1 -1", bad),
        ("cl.throttle k 1 1000000001 1", "-ERR the limit is beyond one in a nanosecond"),
        ("cl.throttle k 1 1 9223372036854775807", range),
        ("cl.throttle k 9223372036854775807 1 1", range),
        ("cl.throttle k 1 1 1 9223372036854775807", range),
        ("cl.throttle k x 1 1", "-ERR value is not an integer or out of range"),
        ("set k text", "+OK"),
        ("cl.throttle k 1 1 1", "-ERR value is not an integer or out of range"),
        ("get k", "\"text\""),
    ]);
}
