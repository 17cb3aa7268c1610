//! Dialogues with the commands on keys of any type.

use super::*;
use crate::family::testing::{Node, START_MS};
use scrubjay_store::{Access, Deadline, Flags, Kind, Ns};
use std::collections::HashSet;

#[test]
fn keys_are_counted_removed_and_touched() {
    Node::new().check(&[
        ("mset a 1 b 2 c 3", "+OK"),
        ("exists a b nope a", "3"),
        ("touch a nope c", "2"),
        ("del a a nope", "1"),
        ("unlink b c c", "2"),
        ("exists a b c", "0"),
        ("del", "-ERR wrong number of arguments for 'del' command"),
        ("type a", "+none"),
        ("set a 1", "+OK"),
        ("type a", "+string"),
        ("dbsize", "1"),
    ]);
}

#[test]
fn deadlines_are_moved_in_every_unit() {
    Node::new().check(&[
        ("expire a 10", "0"),
        ("set a 1", "+OK"),
        ("ttl a", "-1"),
        ("pttl a", "-1"),
        ("expiretime a", "-1"),
        ("pexpiretime none", "-2"),
        ("expire a 10", "1"),
        ("ttl a", "10"),
        ("pttl a", "10000"),
        ("pexpire a 1499", "1"),
        ("ttl a", "1"),
        ("pexpire a 1500", "1"),
        ("ttl a", "2"),
        (&format!("expireat a {}", START_MS / 1000 + 7), "1"),
        ("pttl a", "7000"),
        (&format!("pexpireat a {}", START_MS + 7500), "1"),
        ("pexpiretime a", &(START_MS + 7500).to_string()),
        ("expiretime a", &(START_MS / 1000 + 8).to_string()),
        ("persist a", "1"),
        ("persist a", "0"),
        ("persist none", "0"),
        ("ttl a", "-1"),
    ]);
}

#[test]
fn a_deadline_in_the_past_removes_the_key() {
    for command in ["expire k 0", "expire k -1", "pexpire k -9000", "expireat k 1", "pexpireat k -5"] {
        Node::new().check(&[("set k 1", "+OK"), (command, "1"), ("exists k", "0"), ("dbsize", "0")]);
    }
}

#[test]
fn an_expired_key_is_gone_for_every_command() {
    let mut node = Node::new();
    node.check(&[("set a 1 PX 100", "+OK"), ("set b 1", "+OK")]);
    node.now_ms += 100;
    node.check(&[
        ("get a", "nil"),
        ("exists a", "0"),
        ("keys *", "[\"b\"]"),
        ("scan 0 COUNT 1000", "[\"0\" [\"b\"]]"),
        ("rename a c", "-ERR no such key"),
        ("copy a c", "0"),
        ("setnx a 2", "1"),
        ("pttl a", "-1"),
    ]);
}

#[test]
fn expire_obeys_its_conditions() {
    Node::new().check(&[
        ("set a 1", "+OK"),
        ("expire a 10 XX", "0"),
        ("expire a 10 GT", "0"),
        ("expire a 10 NX", "1"),
        ("expire a 20 NX", "0"),
        ("expire a 5 GT", "0"),
        ("expire a 10 GT", "0"),
        ("expire a 10 LT", "0"),
        ("expire a 20 gt", "1"),
        ("expire a 30 LT", "0"),
        ("expire a 15 XX LT", "1"),
        ("ttl a", "15"),
        ("persist a", "1"),
        ("expire a 10 XX LT", "0"),
        ("expire a 10 LT", "1"),
        ("expire a 10 NX XX", "-ERR NX and XX, GT or LT options at the same time are not compatible"),
        ("expire a 10 NX GT", "-ERR NX and XX, GT or LT options at the same time are not compatible"),
        ("expire a 10 GT LT", "-ERR GT and LT options at the same time are not compatible"),
        ("expire a 10 foo", "-ERR Unsupported option foo"),
        ("expire a abc", "-ERR value is not an integer or out of range"),
    ]);
}

#[test]
fn deadlines_beyond_64_bits_are_refused_in_the_words_of_redis() {
    Node::new().check(&[
        ("set a 1", "+OK"),
        ("expire a 9223372036854775807", "-ERR invalid expire time in 'expire' command"),
        ("expire a -9223372036854775808", "-ERR invalid expire time in 'expire' command"),
        ("pexpire a 9223372036854775807", "-ERR invalid expire time in 'pexpire' command"),
        ("expireat a 9223372036854776", "-ERR invalid expire time in 'expireat' command"),
        ("ttl a", "-1"),
    ]);
}

#[test]
fn rename_takes_value_and_deadline_along() {
    Node::new().check(&[
        ("rename a b", "-ERR no such key"),
        ("renamenx a b", "-ERR no such key"),
        ("set a 1 PX 5000", "+OK"),
        ("set b 2", "+OK"),
        ("rename a b", "+OK"),
        ("mget a b", "[nil \"1\"]"),
        ("pttl b", "5000"),
        ("rename b b", "+OK"),
        ("get b", "\"1\""),
        ("renamenx b b", "0"),
        ("set c 3", "+OK"),
        ("renamenx b c", "0"),
        ("renamenx b d", "1"),
        ("mget b c d", "[nil \"3\" \"1\"]"),
        ("set c x PX 100", "+OK"),
        ("set e y", "+OK"),
        ("rename e c", "+OK"),
        ("pttl c", "-1"),
    ]);
}

#[test]
fn copies_are_independent_and_keep_the_deadline() {
    Node::new().check(&[
        ("copy a b", "0"),
        ("set a 1 PX 5000", "+OK"),
        ("copy a b", "1"),
        ("pttl b", "5000"),
        ("append b x", "2"),
        ("get a", "\"1\""),
        ("copy a b", "0"),
        ("copy a b replace", "1"),
        ("get b", "\"1\""),
        ("copy a a", "-ERR source and destination objects are the same"),
        ("copy a a DB 1", "1"),
        ("copy a a DB 0", "-ERR source and destination objects are the same"),
        ("copy a c DB 16", "-ERR DB index is out of range"),
        ("copy a c DB x", "-ERR value is not an integer or out of range"),
        ("copy a c DB", "-ERR syntax error"),
        ("copy a c NX", "-ERR syntax error"),
    ]);
}

#[test]
fn databases_are_apart_until_keys_are_moved_or_they_are_swapped() {
    let mut node = Node::new();
    node.check(&[
        ("set a 1 PX 5000", "+OK"),
        ("set b 1", "+OK"),
        ("move a 0", "-ERR source and destination objects are the same"),
        ("move a 16", "-ERR DB index is out of range"),
        ("move a x", "-ERR value is not an integer or out of range"),
        ("move a 4294967296", "-ERR value is out of range, value must between -2147483648 and 2147483647"),
        ("move none 1", "0"),
        ("move a 1", "1"),
        ("exists a", "0"),
    ]);
    node.database = 1;
    node.check(&[("pttl a", "5000"), ("set b 2", "+OK"), ("move b 0", "0"), ("dbsize", "2")]);
    node.check(&[
        ("swapdb 0 1", "+OK"),
        ("keys *", "[\"b\"]"),
        ("get b", "\"1\""),
        ("swapdb 1 1", "+OK"),
        ("swapdb x 1", "-ERR invalid first DB index"),
        ("swapdb 1 x", "-ERR invalid second DB index"),
        ("swapdb 1 16", "-ERR DB index is out of range"),
    ]);
    node.database = 0;
    node.check(&[("dbsize", "2"), ("flushdb bogus", "-ERR syntax error"), ("flushdb ASYNC", "+OK"), ("dbsize", "0")]);
    node.database = 1;
    node.check(&[("dbsize", "1"), ("flushall sync", "+OK"), ("dbsize", "0")]);
}

#[test]
fn keys_and_randomkey_see_their_own_database() {
    let mut node = Node::new();
    node.check(&[
        ("randomkey", "nil"),
        ("mset hello 1 hallo 2 hxllo 3", "+OK"),
        ("keys h[^ae]llo", "[\"hxllo\"]"),
        ("keys nothing", "[]"),
    ]);
    let crate::Value::Array(all) = node.value(&[b"keys", b"h?llo"]) else { panic!("KEYS answers an array") };
    assert_eq!(all.len(), 3);
    assert!(node.run("randomkey").contains("llo"));
    node.database = 3;
    node.check(&[("keys *", "[]"), ("randomkey", "nil")]);
}

#[test]
fn a_full_scan_returns_every_key_that_matches() {
    let node = Node::new();
    for i in 0..1000 {
        node.run(&format!("set key:{i} v"));
    }
    for (options, expected) in [("", 1000), ("MATCH key:1*", 111), ("TYPE string COUNT 7", 1000), ("TYPE list", 0)] {
        let mut seen = HashSet::new();
        let mut cursor = 0;
        loop {
            let words = format!("scan {cursor} {options}");
            let answer = node.value(&words.split_whitespace().map(str::as_bytes).collect::<Vec<_>>());
            let crate::Value::Array(parts) = answer else { panic!("{answer:?}") };
            let [crate::Value::Bulk(next), crate::Value::Array(names)] = &parts[..] else { panic!("{parts:?}") };
            seen.extend(names.iter().map(|name| format!("{name:?}")));
            cursor = String::from_utf8_lossy(next).parse().expect("a cursor is a number");
            if cursor == 0 {
                break;
            }
        }
        assert_eq!(seen.len(), expected, "{options}");
    }
}

#[test]
fn scan_refuses_what_redis_refuses() {
    Node::new().check(&[
        ("scan x", "-ERR invalid cursor"),
        ("scan 0 COUNT 0", "-ERR syntax error"),
        ("scan 0 COUNT x", "-ERR value is not an integer or out of range"),
        ("scan 0 COUNT", "-ERR syntax error"),
        ("scan 0 FOO bar", "-ERR syntax error"),
    ]);
}

#[test]
fn object_tells_how_redis_would_keep_a_value() {
    let long = "x".repeat(45);
    Node::new().check(&[
        ("object encoding none", "nil"),
        ("object refcount none", "nil"),
        ("mset int 12 short abc empty \"\" zero 007", "+OK"),
        (&format!("set long {long}"), "+OK"),
        ("object encoding int", "\"int\""),
        ("object encoding short", "\"embstr\""),
        ("object encoding empty", "\"embstr\""),
        ("object encoding zero", "\"embstr\""),
        ("object encoding long", "\"raw\""),
        ("object refcount int", "1"),
        ("object foo int", "-ERR unknown subcommand 'foo'. Try OBJECT HELP."),
        ("object", "-ERR wrong number of arguments for 'object' command"),
        ("object encoding", "-ERR wrong number of arguments for 'object|encoding' command"),
    ]);
}

#[test]
fn object_tells_rank_only_where_the_policy_keeps_it() {
    let mut node = Node::new();
    node.run("set k v");
    let not_lfu = "-ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when \
                   switching between policies at runtime LRU and LFU data will take some time to adjust.";
    let lfu = "-ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between \
               policies at runtime LRU and LFU data will take some time to adjust.";
    node.store.set_policy("allkeys-lru".parse().expect("a policy"), node.now_ms);
    node.now_ms += 7000;
    node.check(&[("object freq k", not_lfu), ("object idletime k", "7"), ("object idletime none", "nil")]);
    node.store.set_policy("allkeys-lfu".parse().expect("a policy"), node.now_ms);
    node.check(&[("object idletime k", lfu), ("object freq none", "nil")]);
    node.store.set_policy("allkeys-s3fifo".parse().expect("a policy"), node.now_ms);
    assert!(node.run("object idletime k").starts_with("-ERR the maxmemory policy allkeys-s3fifo does not track idle"));
    assert!(node.run("object freq k").parse::<u8>().is_ok());
}

#[test]
fn commands_over_many_keys_answer_while_every_shard_is_theirs() {
    // Bringing keys near must not ask for the locks that the command holds.
    let node = Node::new();
    let keys: Vec<String> = (0..500).map(|i| format!("key:{i}")).collect();
    let keys = keys.join(" ");
    assert_eq!(node.run(&format!("mset {}", keys.replace(' ', " v ") + " v")), "+OK");
    assert_eq!(node.run(&format!("exists {keys}")), "500");
    assert_eq!(node.run(&format!("touch {keys}")), "500");
    assert_eq!(node.run(&format!("del {keys}")), "500");
}

fn dump_of(node: &Node, key: &str) -> Vec<u8> {
    match node.value(&[b"dump", key.as_bytes()]) {
        crate::Value::Bulk(dump) => dump,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_was_dumped_is_restored_with_its_flags() {
    let node = Node::new();
    node.check(&[("dump none", "nil"), ("set a \\x00\\xffz EX 5", "+OK")]);
    let dump = dump_of(&node, "a");
    for (words, expected) in [
        (vec![&b"restore"[..], b"a", b"0", &dump], "-BUSYKEY Target key name already exists."),
        (vec![b"restore", b"a", b"0", &dump, b"REPLACE"], "+OK"),
        (vec![b"restore", b"b", b"1500", &dump, b"IDLETIME", b"5"], "+OK"),
        (vec![b"restore", b"c", b"1700000001000", &dump, b"ABSTTL", b"FREQ", b"255"], "+OK"),
        (vec![b"restore", b"d", b"1", &dump, b"ABSTTL"], "+OK"),
        (vec![b"restore", b"e", b"-1", &dump], "-ERR Invalid TTL value, must be >= 0"),
        (vec![b"restore", b"e", b"x", &dump], "-ERR value is not an integer or out of range"),
        (vec![b"restore", b"e", b"0", &dump, b"FREQ", b"256"], "-ERR Invalid FREQ value, must be >= 0 and <= 255"),
        (vec![b"restore", b"e", b"0", &dump, b"IDLETIME", b"-1"], "-ERR Invalid IDLETIME value, must be >= 0"),
        (vec![b"restore", b"e", b"0", &dump, b"FREQ", b"1", b"IDLETIME", b"1"], "-ERR syntax error"),
        (vec![b"restore", b"e", b"0", &dump, b"FREQ"], "-ERR syntax error"),
        (vec![b"restore", b"e", b"0", b"junk"], "-ERR DUMP payload version or checksum are wrong"),
    ] {
        assert_eq!(node.call(&words), expected, "{:?}", words.iter().map(|w| w.escape_ascii().to_string()));
    }
    node.check(&[
        ("get a", "\"\\x00\\xffz\""),
        ("pttl a", "-1"),
        ("pttl b", "1500"),
        ("pttl c", "1000"),
        ("exists d", "0"),
        ("exists e", "0"),
    ]);
}

#[test]
fn a_dump_with_any_bit_changed_or_any_byte_missing_is_refused() {
    let node = Node::new();
    node.run("set k text");
    let key = node.store.key(Ns(0), b"k");
    let mut guard = node.store.lock(key.slot, START_MS);
    guard.put(&key, b"some value", Deadline::Never, Flags::Set(7)).expect("room");
    let dump = guard.get(&key, Access::Peek).map(|entry| encode_dump(&entry)).expect("just written");
    assert_eq!(decode_dump(&dump), Ok((Kind::String, &b"some value"[..], 7)));
    for bit in 0..dump.len() * 8 {
        let mut damaged = dump.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(decode_dump(&damaged).is_err(), "bit {bit}");
    }
    for length in 0..dump.len() {
        assert!(decode_dump(&dump[..length]).is_err(), "length {length}");
    }
}
