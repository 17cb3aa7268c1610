//! What the differential runs do not reach: deadlines of fields, forms younger than the reference, limits, moves.

use crate::family::testing::{Node, START_MS};

const MISSING: &str = "[-2]";

#[test]
fn fields_expire_by_themselves_and_the_key_with_the_last() {
    let mut node = Node::new();
    for filler in [0, 400] {
        node.run("flushall");
        (0..filler).for_each(|n| drop(node.run(&format!("hset h filler:{n} x"))));
        node.check(&[
            ("hset h a 1 b 2 c 3", "3"),
            ("hexpire h 10 FIELDS 2 a none", "[1 -2]"),
            ("hpexpire h 1500 FIELDS 1 b", "[1]"),
            ("httl h FIELDS 4 a b c none", "[10 2 -1 -2]"),
            ("hpttl h fields 2 a b", "[10000 1500]"),
            ("hpersist h FIELDS 3 a c none", "[1 -1 -2]"),
            ("httl h FIELDS 1 a", "[-1]"),
            ("httl none FIELDS 2 a b", "[-2 -2]"),
            ("hexpire none 5 FIELDS 2 a b", "[-2 -2]"),
            ("hpersist none FIELDS 1 a", MISSING),
        ]);
        node.run(&format!("hpexpireat h {} FIELDS 1 a", node.now_ms + 1400));
        node.check(&[("hpexpiretime h FIELDS 1 a", &*format!("[{}]", node.now_ms + 1400))]);
        node.now_ms += 1400;
        node.check(&[
            ("hget h a", "nil"),
            ("hexists h a", "0"),
            ("hlen h", &(filler + 2).to_string()),
            ("hmget h a b", "[nil \"2\"]"),
            ("hset h a new", "1"),
            ("httl h FIELDS 1 a", "[-1]"),
            ("hdel h a", "1"),
        ]);
        node.now_ms += 100;
        node.check(&[("hlen h", &(filler + 1).to_string()), ("hexpire h 0 FIELDS 2 c b", "[2 -2]")]);
        assert_eq!(node.run("exists h"), if filler == 0 { "0" } else { "1" });
        assert_eq!(node.run("hkeys h").matches('"').count(), 2 * filler);
    }
}

#[test]
fn deadlines_are_moved_on_conditions() {
    Node::new().check(&[
        ("hset h f v", "1"),
        ("hexpire h 100 XX FIELDS 1 f", "[0]"),
        ("hexpire h 100 GT FIELDS 1 f", "[0]"),
        ("hexpire h 100 LT FIELDS 1 f", "[1]"),
        ("hexpire h 100 NX FIELDS 1 f", "[0]"),
        ("hexpire h 200 LT FIELDS 1 f", "[0]"),
        ("hexpire h 200 gt FIELDS 1 f", "[1]"),
        ("hexpire h 300 XX FIELDS 1 f", "[1]"),
        ("httl h FIELDS 1 f", "[300]"),
        ("hincrby h n 1", "1"),
        ("hexpire h 300 FIELDS 1 n", "[1]"),
        ("hincrby h n 1", "2"),
        ("hincrbyfloat h n 0.5", "\"2.5\""),
        ("httl h FIELDS 1 n", "[300]"),
        ("hset h n 1", "0"),
        ("httl h FIELDS 1 n", "[-1]"),
    ]);
}

#[test]
fn arguments_of_deadlines_are_refused_in_the_words_of_redis() {
    let node = Node::new();
    node.run("hset h f v");
    let keyword = "-ERR Mandatory keyword FIELDS is missing or not at the right position";
    node.check(&[
        ("hexpire h x FIELDS 1 f", "-ERR value is not an integer or out of range"),
        ("hexpire h -1 FIELDS 1 f", "-ERR invalid expire time, must be >= 0"),
        ("hexpire h 9223372036854775807 FIELDS 1 f", "-ERR invalid expire time in 'hexpire' command"),
        ("hpexpireat h 70368744177665 FIELDS 1 f", "-ERR invalid expire time in 'hpexpireat' command"),
        ("hexpire h 1 FIELD 1 f", keyword),
        ("hexpire h 1 NX 1 FIELDS f", keyword),
        ("hexpire h 1 FIELDS 0 f", "-ERR Parameter `numFields` should be greater than 0"),
        ("hexpire h 1 FIELDS 2 f", "-ERR The `numfields` parameter must match the number of arguments"),
        ("httl h FIELDS 1 f g", "-ERR The `numfields` parameter must match the number of arguments"),
        ("httl h 1 f g", keyword),
        ("hexpire h 1 FIELDS 1", "-ERR wrong number of arguments for 'hexpire' command"),
        ("httl h FIELDS 1 f", "[-1]"),
    ]);
}

#[test]
fn fields_are_read_and_removed_or_written_with_their_deadlines() {
    let node = Node::new();
    node.check(&[
        ("hset h a 1 b 2 c 3", "3"),
        ("hgetdel h FIELDS 2 a none", "[\"1\" nil]"),
        ("hgetdel none FIELDS 2 a b", "[nil nil]"),
        ("hgetex h EX 10 FIELDS 2 b none", "[\"2\" nil]"),
        ("httl h FIELDS 1 b", "[10]"),
        ("hgetex h FIELDS 1 b", "[\"2\"]"),
        ("httl h FIELDS 1 b", "[10]"),
        ("hgetex h PERSIST FIELDS 1 b", "[\"2\"]"),
        ("httl h FIELDS 1 b", "[-1]"),
        ("hgetex h PXAT 1 FIELDS 1 b", "[\"2\"]"),
        ("hexists h b", "0"),
        ("hgetex h EX 0 FIELDS 1 c", "-ERR invalid expire time in 'hgetex' command"),
        ("hgetex h EX 1 PX 1 FIELDS 1 c", "-ERR syntax error"),
        ("hgetdel h FIELDS 1 c", "[\"3\"]"),
        ("exists h", "0"),
        ("hsetex h EX 10 FIELDS 2 a 1 b 2", "1"),
        ("httl h FIELDS 2 a b", "[10 10]"),
        ("hsetex h FNX FIELDS 2 c 1 b 2", "0"),
        ("hsetex h FXX KEEPTTL FIELDS 1 a 2", "1"),
        ("hmget h a b c", "[\"2\" \"2\" nil]"),
        ("httl h FIELDS 1 a", "[10]"),
        ("hsetex h FIELDS 1 a 3", "1"),
        ("httl h FIELDS 1 a", "[-1]"),
        ("hsetex none FXX FIELDS 1 a 3", "0"),
        ("exists none", "0"),
        ("hsetex h FNX FXX FIELDS 1 a 3", "-ERR syntax error"),
        ("hsetex h PXAT 1 FIELDS 2 a 1 b 2", "1"),
        ("exists h", "0"),
    ]);
}

#[test]
fn a_hash_moves_with_the_deadlines_of_its_fields() {
    for filler in [0, 400] {
        let mut node = Node::new();
        (0..filler).for_each(|n| drop(node.run(&format!("hset h filler:{n} {n}"))));
        node.check(&[("hset h f v g w", "2"), ("hexpire h 100 FIELDS 1 f", "[1]"), ("rename h r", "+OK")]);
        node.check(&[("httl r FIELDS 2 f g", "[100 -1]"), ("copy r c", "1"), ("httl c FIELDS 1 f", "[100]")]);
        let crate::Value::Bulk(dump) = node.value(&[b"DUMP", b"c"]) else { panic!("a dump") };
        assert_eq!(node.call(&[b"RESTORE", b"back", b"0", &dump]), "+OK");
        node.check(&[("httl back FIELDS 2 f g", "[100 -1]"), ("hlen back", &(filler + 2).to_string())]);
        node.now_ms += 100_000;
        node.check(&[("hget r f", "nil"), ("hget back f", "nil"), ("hget c g", "\"w\"")]);
        assert_eq!(node.now_ms, START_MS + 100_000);
    }
}

#[test]
fn scanning_a_large_hash_finds_every_field_once_while_nothing_changes() {
    let node = Node::new();
    (0..1000).for_each(|n| drop(node.run(&format!("hset h field:{n} {n}"))));
    for (options, each) in [("", 2), (" NOVALUES", 1)] {
        let (mut cursor, mut found) = ("0".to_owned(), Vec::new());
        loop {
            let answer = node.run(&format!("hscan h {cursor} COUNT 50{options}"));
            let (next, rest) = answer[2..].split_once('"').expect("a cursor");
            found.extend(rest.split('"').skip(1).step_by(2).map(str::to_owned));
            if next == "0" {
                break;
            }
            cursor = next.to_owned();
        }
        assert_eq!(found.len(), each * 1000);
        found.sort();
        found.dedup();
        assert_eq!(found.len(), each * 1000);
    }
    node.check(&[
        ("hscan h 0 COUNT 0", "-ERR syntax error"),
        ("hscan h x", "-ERR invalid cursor"),
        ("hscan none 0", "[\"0\" []]"),
        ("hset s f v", "1"),
        ("hscan s 0 MATCH f* NOVALUES", "[\"0\" [\"f\"]]"),
        ("hscan s 17 MATCH g*", "[\"0\" []]"),
    ]);
}

#[test]
fn random_fields_are_fields_with_their_values() {
    let node = Node::new();
    node.check(&[
        ("hrandfield h", "nil"),
        ("hrandfield h 5", "[]"),
        ("hset h f v", "1"),
        ("hrandfield h", "\"f\""),
        ("hrandfield h 5", "[\"f\"]"),
        ("hrandfield h -3", "[\"f\" \"f\" \"f\"]"),
        ("hrandfield h 0", "[]"),
        ("hrandfield h -2 WITHVALUES", "[[\"f\" \"v\"] [\"f\" \"v\"]]"),
        ("hrandfield h 2 VALUES", "-ERR syntax error"),
        ("hrandfield h x", "-ERR value is not an integer or out of range"),
        (
            "hrandfield h -9223372036854775808",
            "-ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
        ),
        ("hrandfield h -9223372036854775807", "-ERR value is out of range: at most 4194304 are picked with repetition"),
    ]);
}

#[test]
fn a_full_store_refuses_what_grows_and_changes_nothing() {
    let node = Node::with_limit(2 << 20);
    let value = "x".repeat(1000);
    let written = (0..).take_while(|n| node.run(&format!("hset h field:{n} {value}")) == "1").count();
    assert!((1000..2100).contains(&written), "{written}");
    let oom = "-OOM command not allowed when used memory > 'maxmemory'.";
    node.check(&[
        (&*format!("hset h new {}", "y".repeat(100_000)), oom),
        (&*format!("hset other a 1 new {}", "y".repeat(100_000)), oom),
        ("exists other", "0"),
        ("hlen h", &*written.to_string()),
        ("hdel h field:0 field:1", "2"),
        ("hset h field:2 short", "0"),
    ]);
}

#[test]
fn other_kinds_are_refused() {
    let node = Node::new();
    node.run("set s text");
    for line in [
        "hset s f v",
        "hget s f",
        "hdel s f",
        "hlen s",
        "hgetall s",
        "hincrby s f 1",
        "hincrbyfloat s f 1",
        "hrandfield s",
        "hrandfield s 2",
        "hscan s 0",
        "hsetnx s f v",
        "hexpire s 1 FIELDS 1 f",
        "httl s FIELDS 1 f",
        "hpersist s FIELDS 1 f",
        "hgetdel s FIELDS 1 f",
        "hgetex s FIELDS 1 f",
        "hsetex s FIELDS 1 f v",
    ] {
        assert_eq!(node.run(line), "-WRONGTYPE Operation against a key holding the wrong kind of value", "{line}");
    }
    node.check(&[("hset h f v", "1"), ("get h", "-WRONGTYPE Operation against a key holding the wrong kind of value")]);
}

#[test]
fn a_key_whose_members_have_all_expired_is_there_for_no_command() {
    for (fill, kind) in [("HSETEX k PX 10 FIELDS 2 a 1 b 2", "hash"), ("SADD k a b", "set")] {
        let mut node = Node::new();
        node.run(fill);
        node.run("JAY.SPEXPIRE k 10 MEMBERS 2 a b");
        assert_eq!(node.run("TYPE k"), format!("+{kind}"));
        node.now_ms += 10;
        node.check(&[
            ("EXISTS k", "0"),
            ("TYPE k", "+none"),
            ("TTL k", "-2"),
            ("OBJECT ENCODING k", "nil"),
            ("KEYS *", "[]"),
            ("RANDOMKEY", "nil"),
            ("DUMP k", "nil"),
            ("GET k", "nil"),
            ("HLEN k", "0"),
            ("SCARD k", "0"),
            ("LRANGE k 0 -1", "[]"),
            ("EXPIRE k 10", "0"),
            ("COPY k l", "0"),
            ("RENAME k l", "-ERR no such key"),
            ("SET k x XX", "nil"),
            ("DEL k", "0"),
            ("SET k x NX", "+OK"),
            ("GET k", "\"x\""),
        ]);
    }
}
