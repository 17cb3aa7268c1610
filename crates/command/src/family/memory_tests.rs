//! Commands at the memory limit with a policy that evicts nothing: what grows is refused and changes nothing, what does not
//! grow goes on.

use super::testing::{Node, START_MS};
use scrubjay_store::{Config, Policy, Store};

const REFUSED: &str = "-OOM command not allowed when used memory > 'maxmemory'.";

/// A node that is full: its values are `key:0`, `key:1`, ... of 1000 bytes each.
fn full_node() -> Node {
    let config =
        Config { max_memory_bytes: 16 << 20, policy: Policy::NoEviction, start_ms: START_MS, ..Config::default() };
    let node = Node { store: Store::new(config, None), ..Node::new() };
    let value = "v".repeat(1000);
    for number in 0..1_000_000 {
        if node.run(&format!("set key:{number} {value}")) == REFUSED {
            return node;
        }
    }
    panic!("16 MB hold no gigabyte")
}

#[test]
fn what_grows_is_refused_and_changes_nothing() {
    let node = full_node();
    let before = node.run("dbsize");
    let large = "x".repeat(200_000);
    for line in [
        format!("set new {large}"),
        format!("set key:1 {large} GET"),
        format!("setnx new {large}"),
        format!("setex new 100 {large}"),
        format!("getset key:1 {large}"),
        format!("append key:1 {large}"),
        format!("setrange key:1 500 {large}"),
        format!("mset key:1 changed new {large} key:2 changed"),
        format!("msetnx new {large} other {large}"),
        "setbit key:1 8000000 1".to_owned(),
        "bitfield key:1 set u8 0 1 set u8 8000000 1".to_owned(),
        "bitfield new incrby u8 8000000 1".to_owned(),
    ] {
        let shown = &line[..line.len().min(40)];
        assert_eq!(node.run(&line), REFUSED, "{shown}");
        assert_eq!(node.run("exists new other"), "0", "{shown}");
        assert_eq!(node.run("strlen key:1"), "1000", "{shown}");
        assert_eq!(node.run("getrange key:1 0 0"), "\"v\"", "{shown}");
        assert_eq!(node.run("getrange key:2 0 0"), "\"v\"", "{shown}");
    }
    assert_eq!(node.run("dbsize"), before);
}

#[test]
fn what_does_not_grow_goes_on() {
    let node = full_node();
    let value = "w".repeat(1000);
    node.check(&[
        ("get none", "nil"),
        ("expire key:1 100", "1"),
        ("persist key:1", "1"),
        ("getex key:1 PX 0", "-ERR invalid expire time in 'getex' command"),
        ("rename key:1 other", "+OK"),
        ("strlen other", "1000"),
        ("renamenx other key:1", "1"),
        ("move key:1 1", "1"),
        (&format!("set key:2 {value}"), "+OK"),
        ("set key:2 short", "+OK"),
        ("getdel key:3", &format!("\"{}\"", "v".repeat(1000))),
        ("del key:4 key:5", "2"),
        ("flushall", "+OK"),
        (&format!("set key:1 {value}"), "+OK"),
    ]);
}
