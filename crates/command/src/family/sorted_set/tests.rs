//! Dialogues with the sorted set commands, in both forms that a sorted set has, and draws that must be fair.

use crate::family::testing::Node;
use scrubjay_store::value::Packing;
use scrubjay_store::value::sorted_set::Side;
use std::collections::HashMap;

const WRONG_TYPE: &str = "-WRONGTYPE Operation against a key holding the wrong kind of value";

/// A node whose sorted sets are runs, and one whose sorted sets are indexed from the first member on.
fn nodes() -> [Node; 2] {
    let nodes = [Node::new(), Node::new()];
    let packing = nodes[1].store.packing();
    nodes[1].store.set_packing(&Packing { sorted_set_entries_max: 0, ..packing });
    nodes
}

fn check(dialogue: &[(&str, &str)]) {
    nodes().iter().for_each(|node| node.check(dialogue));
}

#[test]
fn members_stand_by_score_and_then_by_name() {
    check(&[
        ("zadd z 2 b 1 a 2 a2 -inf first inf last", "5"),
        ("zrange z 0 -1", r#"["first" "a" "a2" "b" "last"]"#),
        ("zrange z 0 -1 withscores", r#"[["first" (-inf)] ["a" (1)] ["a2" (2)] ["b" (2)] ["last" (inf)]]"#),
        ("zrange z 1 2 rev", r#"["b" "a2"]"#),
        ("zrevrange z 0 0 withscores", r#"[["last" (inf)]]"#),
        ("zrank z a2", "2"),
        ("zrevrank z a2", "2"),
        ("zrank z first withscore", "[0 (-inf)]"),
        ("zrank z none withscore", "nil"),
        ("zrank z none", "nil"),
        ("zrank z a score", "-ERR syntax error"),
        ("zrank z a withscore x", "-ERR wrong number of arguments for 'zrank' command"),
        ("zscore z a2", "(2)"),
        ("zscore z none", "nil"),
        ("zscore none a", "nil"),
        ("zmscore z a none b", "[(1) nil (2)]"),
        ("zmscore none a b", "[nil nil]"),
        ("zcard z", "5"),
        ("zcard none", "0"),
    ]);
}

#[test]
fn zadd_obeys_its_options() {
    check(&[
        ("zadd z xx 1 a", "0"),
        ("exists z", "0"),
        ("zadd z nx 1 a 2 b", "2"),
        ("zadd z nx 9 a 3 c", "1"),
        ("zadd z xx ch 5 a 1 d", "1"),
        ("zadd z ch 5 a 6 b 1 d", "2"),
        ("zadd z gt ch 4 a 7 b 1 e", "2"),
        ("zadd z lt ch 4 a 9 b", "1"),
        ("zrange z 0 -1 withscores", r#"[["d" (1)] ["e" (1)] ["c" (3)] ["a" (4)] ["b" (7)]]"#),
        ("zadd z incr 2 a", "(6)"),
        ("zadd z incr nx 2 a", "nil"),
        ("zadd z incr xx 2 none", "nil"),
        ("zadd z incr gt -1 a", "nil"),
        ("zadd z incr lt -1 a", "(5)"),
        ("zadd z incr gt 0 a", "nil"),
        ("zadd z incr 0 a", "(5)"),
        ("zadd z incr 1 a 2 b", "-ERR INCR option supports a single increment-element pair"),
        ("zadd z nx xx 1 a", "-ERR XX and NX options at the same time are not compatible"),
        ("zadd z gt lt 1 a", "-ERR GT, LT, and/or NX options at the same time are not compatible"),
        ("zadd z nx gt 1 a", "-ERR GT, LT, and/or NX options at the same time are not compatible"),
        ("zadd z 1", "-ERR wrong number of arguments for 'zadd' command"),
        ("zadd z 1 a 2", "-ERR syntax error"),
        ("zadd z nx ch incr", "-ERR syntax error"),
        ("zadd z 1 a x b", "-ERR value is not a valid float"),
        ("zadd z nan a", "-ERR value is not a valid float"),
        ("zscore z a", "(5)"),
    ]);
}

#[test]
fn scores_are_added_up_to_the_infinities_and_no_further() {
    check(&[
        ("zincrby z 1.5 a", "(1.5)"),
        ("zincrby z -2 a", "(-0.5)"),
        ("zincrby z inf a", "(inf)"),
        ("zincrby z 1 a", "(inf)"),
        ("zincrby z -inf a", "-ERR resulting score is not a number (NaN)"),
        ("zadd z incr -inf a", "-ERR resulting score is not a number (NaN)"),
        ("zscore z a", "(inf)"),
        ("zincrby z x a", "-ERR value is not a valid float"),
    ]);
}

#[test]
fn ranges_by_score_and_by_name_have_open_and_closed_ends() {
    check(&[
        ("zadd z 1 a 2 b 2 c 3 d 4 e", "5"),
        ("zrangebyscore z 2 3", r#"["b" "c" "d"]"#),
        ("zrangebyscore z (2 (4", r#"["d"]"#),
        ("zrangebyscore z -inf +inf limit 1 2", r#"["b" "c"]"#),
        ("zrangebyscore z -inf +inf limit -1 2", "[]"),
        ("zrangebyscore z -inf +inf limit 3 -1", r#"["d" "e"]"#),
        ("zrangebyscore z -inf +inf limit 9 1", "[]"),
        ("zrevrangebyscore z (4 2 limit 1 2", r#"["c" "b"]"#),
        ("zrevrangebyscore z 2 (4", "[]"),
        ("zrangebyscore z 2 (2", "[]"),
        ("zrange z (1 3 byscore limit 0 2 withscores", r#"[["b" (2)] ["c" (2)]]"#),
        ("zrange z 3 (1 byscore rev", r#"["d" "c" "b"]"#),
        ("zcount z (1 3", "3"),
        ("zcount z x 3", "-ERR min or max is not a float"),
        ("zadd n 0 a 0 b 0 bb 0 c", "4"),
        ("zrangebylex n - +", r#"["a" "b" "bb" "c"]"#),
        ("zrangebylex n [b (c", r#"["b" "bb"]"#),
        ("zrangebylex n (b +", r#"["bb" "c"]"#),
        ("zrangebylex n + -", "[]"),
        ("zrevrangebylex n [bb - limit 1 1", r#"["b"]"#),
        ("zrange n [c [b bylex rev", r#"["c" "bb" "b"]"#),
        ("zlexcount n [b [c", "3"),
        ("zlexcount n b c", "-ERR min or max not valid string range item"),
        ("zrangebylex n - + withscores", "-ERR syntax error, WITHSCORES not supported in combination with BYLEX"),
        (
            "zrange z 0 -1 limit 0 1",
            "-ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
        ),
        ("zrange z 0 -1 limit 0 -1", r#"["a" "b" "c" "d" "e"]"#),
        ("zrange z 0 -9", "[]"),
        ("zrange z -9 0", r#"["a"]"#),
        ("zrange z 3 1", "[]"),
        ("zrange z 9223372036854775807 9223372036854775807", "[]"),
        ("zrange z -9223372036854775808 -9223372036854775808", "[]"),
        ("zrange z -9223372036854775808 9223372036854775807 rev", r#"["e" "d" "c" "b" "a"]"#),
        ("zrange z x 1", "-ERR value is not an integer or out of range"),
        ("zrangestore s z 3 (1 byscore rev limit 0 2", "2"),
        ("zrange s 0 -1 withscores", r#"[["c" (2)] ["d" (3)]]"#),
        ("zrangestore z z 1 1", "1"),
        ("zrange z 0 -1", r#"["b"]"#),
        ("zrangestore s z 5 9", "0"),
        ("exists s", "0"),
        ("zrangestore s z 0 1 withscores", "-ERR syntax error"),
    ]);
}

#[test]
fn members_are_removed_by_name_rank_score_and_range_and_an_empty_key_is_gone() {
    check(&[
        ("zadd z 1 a 2 b 3 c 4 d 5 e 6 f", "6"),
        ("zrem z a none a", "1"),
        ("zremrangebyrank z -1 -1", "1"),
        ("zremrangebyscore z (2 3", "1"),
        ("zrange z 0 -1", r#"["b" "d" "e"]"#),
        ("zremrangebyrank z 0 -1", "3"),
        ("exists z", "0"),
        ("zadd z 0 a 0 b 0 c", "3"),
        ("zremrangebylex z [a (c", "2"),
        ("zremrangebylex none - +", "0"),
        ("zrem z c", "1"),
        ("type z", "+none"),
    ]);
}

#[test]
fn pops_take_from_either_end() {
    check(&[
        ("zadd z 1 a 2 b 3 c 4 d 5 e", "5"),
        ("zpopmin z", r#"["a" (1)]"#),
        ("zpopmax z 2", r#"[["e" (5)] ["d" (4)]]"#),
        ("zpopmin z 0", "[]"),
        ("zpopmin z -1", "-ERR value is out of range, must be positive"),
        ("zpopmin z 1 2", "-ERR syntax error"),
        ("zpopmin none", "[]"),
        ("zmpop 2 none z max count 9", r#"["z" [["c" (3)] ["b" (2)]]]"#),
        ("zmpop 2 none z max", "nil"),
        ("zmpop 0 z max", "-ERR numkeys should be greater than 0"),
        ("zmpop 1 z middle", "-ERR syntax error"),
        ("zmpop 1 z min count 0", "-ERR count should be greater than 0"),
        ("exists z", "0"),
        ("bzpopmin none z 0", "nil"),
        ("bzmpop 0 1 z min", "nil"),
        ("zadd z 1 a 2 b 3 c", "3"),
        ("bzpopmin none z 0", r#"["z" "a" (1)]"#),
        ("bzpopmax none z 0", r#"["z" "c" (3)]"#),
        ("bzmpop 0 2 none z min count 2", r#"["z" [["b" (2)]]]"#),
        ("bzpopmin z -1", "-ERR timeout is negative"),
    ]);
}

#[test]
fn sorted_sets_are_united_intersected_and_subtracted() {
    check(&[
        ("zadd a 1 x 2 y 3 z", "3"),
        ("zadd b 10 y 20 z 30 w", "3"),
        ("zunion 2 a b withscores", r#"[["x" (1)] ["y" (12)] ["z" (23)] ["w" (30)]]"#),
        ("zunion 2 a b weights 2 0.5 aggregate max withscores", r#"[["x" (2)] ["y" (5)] ["z" (10)] ["w" (15)]]"#),
        ("zinter 2 a b aggregate min withscores", r#"[["y" (2)] ["z" (3)]]"#),
        ("zdiff 2 a b withscores", r#"[["x" (1)]]"#),
        ("zdiff 3 a none a", "[]"),
        ("zinter 2 a none", "[]"),
        ("zunion 1 none", "[]"),
        ("zintercard 2 a b", "2"),
        ("zintercard 2 a b limit 1", "1"),
        ("zintercard 1 a limit 2", "2"),
        ("zintercard 2 a b limit -1", "-ERR LIMIT can't be negative"),
        ("zunionstore a 2 a b", "4"),
        ("zrange a 0 -1 withscores", r#"[["x" (1)] ["y" (12)] ["z" (23)] ["w" (30)]]"#),
        ("zinterstore c 2 a none", "0"),
        ("exists c", "0"),
        ("zdiffstore c 2 a b", "1"),
        ("zrange c 0 -1", r#"["x"]"#),
        ("zadd i inf m", "1"),
        ("zadd j -inf m", "1"),
        ("zunion 2 i j withscores", r#"[["m" (0)]]"#),
        ("zinter 1 i weights 0 withscores", r#"[["m" (0)]]"#),
        ("zunion 0 a", "-ERR at least 1 input key is needed for 'zunion' command"),
        ("zunionstore c 0 a", "-ERR at least 1 input key is needed for 'zunionstore' command"),
        ("zunion 3 a b", "-ERR syntax error"),
        ("zunion 1 a weights x", "-ERR weight value is not a float"),
        ("zdiff 1 a weights 1", "-ERR syntax error"),
        ("zunionstore c 1 a withscores", "-ERR syntax error"),
        ("set s text", "+OK"),
        ("zunion 2 a s", WRONG_TYPE),
        ("zunionstore c 2 a s", WRONG_TYPE),
        ("zrange c 0 -1", r#"["x"]"#),
        ("sadd names x y n", "3"),
        ("zunion 2 names a withscores", r#"[["n" (1)] ["x" (2)] ["y" (13)] ["z" (23)] ["w" (30)]]"#),
        ("zinter 2 a names weights 1 5 aggregate max withscores", r#"[["x" (5)] ["y" (12)]]"#),
        ("zdiff 2 names a", r#"["n"]"#),
        ("zintercard 2 names a", "2"),
        ("jay.sexpire names 1 members 1 x", "[1]"),
        ("zunionstore s 1 a", "4"),
        ("type s", "+zset"),
    ]);
}

#[test]
fn other_kinds_are_refused_and_nothing_changes() {
    for node in nodes() {
        node.check(&[("set s text", "+OK"), ("zadd z 1 a", "1")]);
        for line in [
            "zadd s 1 a",
            "zadd s incr 1 a",
            "zincrby s 1 a",
            "zrem s a",
            "zscore s a",
            "zmscore s a",
            "zcard s",
            "zcount s 0 1",
            "zlexcount s - +",
            "zrank s a",
            "zrange s 0 -1",
            "zrangestore z s 0 -1",
            "zremrangebyrank s 0 -1",
            "zpopmin s",
            "zpopmax s 0",
            "zmpop 2 none s min",
            "bzpopmin s 0",
            "zrandmember s",
            "zscan s 0",
            "zscan s 0 nonsense",
            "zintercard 1 s",
            "get z",
            "lpush z x",
        ] {
            assert_eq!(node.run(line), WRONG_TYPE, "{line}");
        }
        node.check(&[("get s", "\"text\""), ("zrange z 0 -1 withscores", r#"[["a" (1)]]"#)]);
    }
}

#[test]
fn a_sorted_set_leaves_its_run_where_redis_leaves_its_listpack() {
    let node = Node::new();
    for number in 0..128 {
        node.run(&format!("zadd z {number} member-{number}"));
    }
    node.check(&[
        ("object encoding z", "\"listpack\""),
        ("zadd z 5 member-5", "0"),
        ("zadd z 200 another", "1"),
        ("object encoding z", "\"skiplist\""),
        ("zremrangebyrank z 1 -1", "128"),
        ("object encoding z", "\"skiplist\""),
        ("zrange z 0 -1", r#"["member-0"]"#),
        ("zadd n 1 a", "1"),
        (&format!("zadd n 2 {}", "x".repeat(64)), "1"),
        ("object encoding n", "\"listpack\""),
        (&format!("zadd n 2 {}", "x".repeat(65)), "1"),
        ("object encoding n", "\"skiplist\""),
        ("zunionstore n 1 z", "1"),
        ("object encoding n", "\"listpack\""),
    ]);
}

#[test]
fn sorted_sets_are_renamed_copied_dumped_and_restored_whole() {
    for node in nodes() {
        for number in 0..300 {
            node.run(&format!("zadd z {} {number}", number % 7));
        }
        let whole = node.run("zrange z 0 -1 withscores");
        node.check(&[("rename z r", "+OK"), ("copy r c", "1"), ("zadd c 0 fresh", "1"), ("zcard c", "301")]);
        assert_eq!(node.run("zrange r 0 -1 withscores"), whole);
        let crate::Value::Bulk(dump) = node.value(&[b"DUMP", b"r"]) else { panic!("a dump is bytes") };
        assert_eq!(node.call(&[b"RESTORE", b"back", b"0", &dump]), "+OK");
        assert_eq!(node.run("zrange back 0 -1 withscores"), whole);
    }
}

#[test]
fn a_scan_shows_what_stays_while_the_sorted_set_grows_and_shrinks() {
    let node = Node::new();
    for number in 0..1000 {
        node.run(&format!("zadd z {number} stays:{number}"));
    }
    let (mut cursor, mut seen, mut round) = (String::from("0"), HashMap::<String, usize>::new(), 0);
    loop {
        let answer = node.run(&format!("zscan z {cursor} match stays:* count 20"));
        let mut words = answer.split('"').skip(1).step_by(2);
        cursor = words.next().expect("a cursor").to_owned();
        let words: Vec<&str> = words.collect();
        for pair in words.chunks(2) {
            assert_eq!(pair[0], format!("stays:{}", pair[1]));
            *seen.entry(pair[0].to_owned()).or_default() += 1;
        }
        // First it grows to several times its size, then it shrinks below it.
        for number in 0..100 {
            let verb = if round < 25 { "zadd z 1" } else { "zrem z" };
            node.run(&format!("{verb} comes:{}", (round % 25) * 100 + number));
        }
        round += 1;
        if cursor == "0" {
            break;
        }
    }
    assert!(round > 20 && seen.len() == 1000, "{} members in {round} steps", seen.len());
}

#[test]
fn a_full_store_refuses_what_grows_and_takes_out_what_there_is() {
    let node = Node::with_limit(2 << 20);
    let mut added = 0;
    while node.run(&format!("zadd z {added} {added:0100}")) == "1" {
        added += 1;
    }
    assert!((8_000..20_000).contains(&added), "{added}");
    let oom = "-OOM command not allowed when used memory > 'maxmemory'.";
    node.check(&[("zunionstore copy 1 z", oom), ("exists copy", "0"), ("zcard z", &added.to_string())]);
    assert_eq!(node.run("zremrangebyrank z 0 4999"), "5000");
    node.check(&[("zadd z 1 again", "1"), ("zrank z again", "0")]);
}

/// Whether counts that should be equal are no further apart than chance allows: chi-square with `counts.len() - 1` degrees
/// of freedom is below its mean plus five of its standard deviations.
fn is_fair(counts: &HashMap<String, u32>, classes: usize) -> bool {
    let expected = f64::from(counts.values().sum::<u32>()) / classes as f64;
    let absent = (classes - counts.len()) as f64 * expected;
    let chi_square =
        absent + counts.values().map(|&count| (f64::from(count) - expected).powi(2) / expected).sum::<f64>();
    let degrees = (classes - 1) as f64;
    chi_square < degrees + 5.0 * (2.0 * degrees).sqrt()
}

#[test]
fn every_member_is_drawn_as_often_as_any_other() {
    const MEMBERS: usize = 60;
    for node in nodes() {
        for number in 0..MEMBERS {
            node.run(&format!("zadd z {} {number}", number % 5));
        }
        // One; some, remembered; many, gone through; with repetition.
        for line in ["zrandmember z", "zrandmember z 4", "zrandmember z 40", "zrandmember z -50"] {
            let mut counts = HashMap::new();
            for _ in 0..2000 {
                let answer = node.run(line);
                let drawn: Vec<&str> = answer.split('"').skip(1).step_by(2).collect();
                if line != "zrandmember z -50" {
                    let distinct: std::collections::HashSet<_> = drawn.iter().collect();
                    assert_eq!(distinct.len(), drawn.len(), "{line}: {answer}");
                }
                drawn.into_iter().for_each(|member| *counts.entry(member.to_owned()).or_insert(0) += 1);
            }
            assert!(is_fair(&counts, MEMBERS), "{line}: {counts:?}");
        }
    }
}

#[test]
fn zrandmember_answers_what_its_count_says() {
    check(&[
        ("zadd z 1 a", "1"),
        ("zrandmember z", "\"a\""),
        ("zrandmember z 5", r#"["a"]"#),
        ("zrandmember z -3", r#"["a" "a" "a"]"#),
        ("zrandmember z -2 withscores", r#"[["a" (1)] ["a" (1)]]"#),
        ("zrandmember z 0", "[]"),
        ("zrandmember none", "nil"),
        ("zrandmember none -5", "[]"),
        ("zrandmember z 1 x", "-ERR syntax error"),
        ("zrandmember z x", "-ERR value is not an integer or out of range"),
        (
            "zrandmember z -9223372036854775807",
            "-ERR value is out of range: at most 4194304 are picked with repetition",
        ),
        ("zrandmember z -9223372036854775807 withscores", "-ERR value is out of range"),
        ("zrandmember z 9223372036854775807 withscores", "-ERR value is out of range"),
        ("zrandmember z 9223372036854775807", r#"["a"]"#),
    ]);
}

#[test]
fn operations_are_built_and_read_without_words() {
    use super::{Added, Combine, Operation, Pop, Range, Scores, Span};
    let node = Node::new();
    let cx = &mut node.context();
    let add = super::Add {
        key: b"z",
        rule: Default::default(),
        members: [(&b"a"[..], 1.0), (b"b", 2.0)].into_iter().collect(),
    };
    assert_eq!(add.run(cx), Ok(Added { added: 2, changed: 0 }));
    let mut scores = Vec::new();
    Scores { key: b"z", members: [&b"b"[..], b"c"].into_iter() }
        .run(cx, |score| scores.push(score))
        .expect("a sorted set");
    assert_eq!(scores, [Some(2.0), None]);
    let mut names = Vec::new();
    let range = Range { key: b"z", span: Span::Ranks(0, -1), reversed: true, limit: None };
    range.run(cx, |count| assert_eq!(count, 2), |name, _| names.push(name.to_vec())).expect("a sorted set");
    assert_eq!(names, [b"b", b"a"]);
    let union = Combine { operation: Operation::Union, sources: vec![(b"z", 2.0)], aggregate: Default::default() };
    assert_eq!(union.store(cx, b"twice"), Ok(2));
    let mut popped = Vec::new();
    let pop = Pop { key: b"twice", side: Side::Highest, count: 1 };
    pop.run(cx, |_| {}, |name, score| popped.push((name.to_vec(), score))).expect("a sorted set");
    assert_eq!(popped, [(b"b".to_vec(), 4.0)]);
}
