//! What the differential runs do not reach: the forms that wait, kinds that do not fit, dumps and copies.

use crate::family::testing::Node;

#[test]
fn other_kinds_are_refused_and_nothing_changes() {
    let node = Node::new();
    node.run("SET s text");
    node.run("RPUSH l a b c");
    for line in ["LPUSH s x", "LLEN s", "LPOP s", "LRANGE s 0 -1", "LMOVE l s LEFT LEFT", "LSET s 0 x", "LPOS s x"] {
        assert_eq!(node.run(line), "-WRONGTYPE Operation against a key holding the wrong kind of value", "{line}");
    }
    for line in
        ["GET l", "APPEND l x", "INCR l", "GETRANGE l 0 1", "SETBIT l 1 1", "STRLEN l", "SET l x GET", "GETEX l"]
    {
        assert_eq!(node.run(line), "-WRONGTYPE Operation against a key holding the wrong kind of value", "{line}");
    }
    assert_eq!(node.run("LRANGE l 0 -1"), r#"["a" "b" "c"]"#);
    assert_eq!(node.run("MGET l s"), r#"[nil "text"]"#);
    assert_eq!(node.run("GET s"), r#""text""#);
    assert_eq!(node.run("SET l now-a-string"), "+OK");
    assert_eq!(node.run("TYPE l"), "+string");
}

#[test]
fn a_list_that_becomes_empty_is_gone() {
    let node = Node::new();
    for empty in ["LPOP l 2", "LTRIM l 5 9", "LREM l 0 a", "RPOPLPUSH l other"] {
        node.run("RPUSH l a");
        node.run(empty);
        assert_eq!((node.run("EXISTS l"), node.run("TYPE l")), ("0".into(), "+none".into()), "{empty}");
    }
}

#[test]
fn lists_are_renamed_copied_dumped_and_restored_whole() {
    let node = Node::new();
    for count in [3, 3000] {
        node.run("FLUSHALL");
        for number in 0..count {
            node.run(&format!("RPUSH l element-{number} {number}"));
        }
        node.run("EXPIRE l 100");
        let whole = node.run("LRANGE l 0 -1");
        assert_eq!(node.run("OBJECT ENCODING l"), if count == 3 { r#""listpack""# } else { r#""quicklist""# });
        node.run("RENAME l r");
        assert_eq!((node.run("LRANGE r 0 -1"), node.run("TTL r")), (whole.clone(), "100".into()));
        node.run("COPY r c");
        node.run("LPUSH c first");
        assert_eq!((node.run("LRANGE r 0 -1"), node.run("LINDEX c 0")), (whole.clone(), r#""first""#.into()));
        let dump = match node.value(&[b"DUMP", b"r"]) {
            crate::Value::Bulk(dump) => dump,
            other => panic!("{other:?}"),
        };
        assert_eq!(node.call(&[b"RESTORE", b"back", b"0", &dump]), "+OK");
        assert_eq!(node.run("LRANGE back 0 -1"), whole);
        assert_eq!(node.run("SCAN 0 TYPE list COUNT 100").matches('"').count(), 2 * 4);
        for at in [8, dump.len() / 2] {
            let mut damaged = dump.clone();
            damaged[at] ^= 1;
            assert_eq!(
                node.call(&[b"RESTORE", b"no", b"0", &damaged]),
                "-ERR DUMP payload version or checksum are wrong"
            );
        }
    }
}

#[test]
fn a_full_store_refuses_what_grows_and_takes_out_what_there_is() {
    let node = Node::with_limit(2 << 20);
    let mut pushed = 0;
    while node.run(&format!("RPUSH l {}", "x".repeat(1000))).starts_with(|c: char| c.is_ascii_digit()) {
        pushed += 1;
    }
    assert!((1000..2100).contains(&pushed), "{pushed}");
    let oom = "-OOM command not allowed when used memory > 'maxmemory'.";
    assert_eq!(node.run(&format!("LPUSH l {}", "x".repeat(100_000))), oom);
    assert_eq!(node.run("LLEN l"), pushed.to_string());
    assert!(node.run("LPOP l 500").starts_with('['));
    assert_eq!(node.run("RPUSH l y"), (pushed - 499).to_string());
}

#[test]
fn the_forms_that_wait_answer_at_once_where_nobody_can_wait() {
    let node = Node::new();
    assert_eq!(node.run("BLPOP a b 0"), "nil");
    assert_eq!(node.run("BLMOVE a b LEFT LEFT 0"), "nil");
    assert_eq!(node.run("BLMPOP 0 2 a b LEFT"), "nil");
    assert_eq!(node.run("BLPOP a -1"), "-ERR timeout is negative");
    assert_eq!(node.run("BRPOP a x"), "-ERR timeout is not a float or out of range");
    node.run("RPUSH b 1 2 3 4");
    assert_eq!(node.run("BLPOP a b 0"), r#"["b" "1"]"#);
    assert_eq!(node.run("BRPOP a b 0"), r#"["b" "4"]"#);
    assert_eq!(node.run("BLMPOP 0 2 a b RIGHT COUNT 5"), r#"["b" ["3" "2"]]"#);
}
