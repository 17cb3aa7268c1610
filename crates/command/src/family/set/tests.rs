//! What the differential runs do not reach: deadlines of members, large sets, limits, moves.

use crate::family::testing::Node;
use std::collections::BTreeMap;

#[test]
fn members_expire_by_themselves_and_the_key_with_the_last() {
    let mut node = Node::new();
    for filler in [0, 600] {
        node.run("flushall");
        (0..filler).for_each(|n| drop(node.run(&format!("sadd s filler:{n}"))));
        node.check(&[
            ("sadd s a b 3", "3"),
            ("jay.sexpire s 10 MEMBERS 2 a none", "[1 -2]"),
            ("jay.spexpire s 1500 MEMBERS 1 3", "[1]"),
            ("jay.sttl s MEMBERS 4 a 3 b none", "[10 2 -1 -2]"),
            ("jay.spttl s MEMBERS 1 3", "[1500]"),
            ("jay.sexpire s 20 NX MEMBERS 2 a b", "[0 1]"),
            ("jay.spersist s MEMBERS 3 b b none", "[1 -1 -2]"),
            ("sadd s a", "0"),
            ("jay.sttl s MEMBERS 1 a", "[10]"),
        ]);
        node.now_ms += 1500;
        node.check(&[
            ("sismember s 3", "0"),
            ("smismember s a b 3", "[1 1 0]"),
            ("scard s", &(filler + 2).to_string()),
            ("sadd s 3", "1"),
            ("jay.sttl s MEMBERS 1 3", "[-1]"),
            ("jay.sexpireat s 1 MEMBERS 3 a b 3", "[2 2 2]"),
        ]);
        assert_eq!(node.run("exists s"), if filler == 0 { "0" } else { "1" });
    }
    node.check(&[
        ("jay.sexpire s 10 FIELDS 1 a", "-ERR Mandatory keyword MEMBERS is missing or not at the right position"),
        ("jay.sexpire s 10 MEMBERS 0 a", "-ERR Parameter `numMembers` should be greater than 0"),
        ("jay.sexpire s 10 MEMBERS 2 a", "-ERR The `nummembers` parameter must match the number of arguments"),
    ]);
}

#[test]
fn what_has_expired_is_in_no_combination_and_is_never_drawn() {
    let mut node = Node::new();
    node.check(&[
        ("sadd s a b c", "3"),
        ("sadd t b c d", "3"),
        ("jay.spexpire s 50 MEMBERS 1 b", "[1]"),
        ("jay.spexpire t 50 MEMBERS 1 d", "[1]"),
    ]);
    node.now_ms += 50;
    node.check(&[
        ("sinter s t", "[\"c\"]"),
        ("sintercard 2 s t", "1"),
        ("sdiff t s", "[\"b\"]"),
        ("sunion t", "[\"b\" \"c\"]"),
        ("srandmember s 5", "[\"a\" \"c\"]"),
        ("sunionstore u s t", "3"),
        ("smove s t b", "0"),
        ("spop t 5", "[\"b\" \"c\"]"),
        ("exists t", "0"),
    ]);
}

#[test]
fn a_member_moves_with_its_deadline() {
    Node::new().check(&[
        ("sadd s a", "1"),
        ("jay.sexpire s 10 MEMBERS 1 a", "[1]"),
        ("smove s t a", "1"),
        ("jay.sttl t MEMBERS 1 a", "[10]"),
        ("exists s", "0"),
        ("smove t t a", "1"),
        ("set x text", "+OK"),
        ("smove t x a", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ("smove none x a", "0"),
        ("smove x t a", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ("smembers t", "[\"a\"]"),
    ]);
}

#[test]
fn sets_of_every_form_combine_as_sets_do() {
    let node = Node::new();
    let ints = |range: std::ops::Range<u32>| range.map(|n| format!(" {n}")).collect::<String>();
    node.run(&format!("sadd ints{}", ints(0..300)));
    node.run(&format!("sadd many{}", ints(100..1000)));
    node.run(&format!("sadd few{} x y", ints(200..220)));
    for (name, encoding) in [("ints", "intset"), ("many", "hashtable"), ("few", "listpack")] {
        assert_eq!(node.run(&format!("object encoding {name}")), format!("\"{encoding}\""));
    }
    node.check(&[
        ("sintercard 3 ints many few", "20"),
        ("sintercard 2 ints many", "200"),
        ("sintercard 2 ints many LIMIT 7", "7"),
        ("sintercard 2 ints none", "0"),
        ("sinterstore to many ints few", "20"),
        ("object encoding to", "\"intset\""),
        ("sunionstore to many few ints", "1002"),
        ("sdiffstore to many ints few", "700"),
        ("sdiffstore to few few few few", "0"),
        ("exists to", "0"),
        ("sdiffstore to few ints", "2"),
        ("sinter to few", "[\"x\" \"y\"]"),
        ("set to text", "+OK"),
        ("sinter few to", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ("sinterstore to few few", "22"),
        ("scard to", "22"),
        ("expire to 100", "1"),
        ("sunionstore to ints to", "302"),
        ("ttl to", "-1"),
    ]);
}

#[test]
fn a_set_is_popped_empty_and_drawn_from_evenly() {
    let node = Node::new();
    for count in [20, 1000] {
        (0..count).for_each(|n| drop(node.run(&format!("sadd s member:{n}"))));
        let mut drawn = BTreeMap::<String, u32>::new();
        for _ in 0..count * 50 {
            *drawn.entry(node.run("srandmember s")).or_default() += 1;
        }
        let chi: f64 = drawn.values().map(|&n| (f64::from(n) - 50.0).powi(2) / 50.0).sum();
        let degrees = f64::from(count - 1);
        assert_eq!(drawn.len() as i32, count);
        // Four standard deviations: the seed is fixed.
        assert!(chi < degrees + 4.0 * (2.0 * degrees).sqrt(), "chi-square of {degrees} degrees is {chi}");
        let mut popped: Vec<String> = (0..count / 2).map(|_| node.run("spop s")).collect();
        let rest = node.run("spop s 5000");
        popped.extend(rest[1..rest.len() - 1].split(' ').map(str::to_owned));
        popped.sort();
        popped.dedup();
        assert_eq!(popped.len() as i32, count);
        assert_eq!(node.run("exists s"), "0");
    }
    node.check(&[
        ("spop s", "nil"),
        ("spop s 3", "[]"),
        ("spop s -1", "-ERR value is out of range, must be positive"),
        ("spop s 1 2", "-ERR syntax error"),
        ("srandmember s -5", "[]"),
        ("sadd s 1", "1"),
        ("srandmember s -3", "[\"1\" \"1\" \"1\"]"),
        ("spop s 0", "[]"),
        ("scard s", "1"),
    ]);
}

#[test]
fn a_full_store_refuses_what_grows_and_lets_members_go() {
    let node = Node::with_limit(2 << 20);
    let pad = "x".repeat(1000);
    let added = (0..).take_while(|n| node.run(&format!("sadd s {n}{pad}")) == "1").count();
    assert!((1000..2100).contains(&added), "{added}");
    let oom = "-OOM command not allowed when used memory > 'maxmemory'.";
    node.check(&[
        (&*format!("sadd s {}", "y".repeat(100_000)), oom),
        ("sunionstore t s", oom),
        ("exists t", "0"),
        ("scard s", &*added.to_string()),
    ]);
    assert!(node.run("spop s 500").starts_with('['));
    node.check(&[("sadd s y", "1"), ("scard s", &(added - 499).to_string())]);
}
