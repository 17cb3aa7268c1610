//! Leases as dialogues with a node without a door.

use crate::family::testing::{Node, START_MS};

/// The first token that a store of the tests gives out; they count up from there.
fn first(node: &Node) -> u64 {
    let answer = node.run("jay.get nobody LEASE 1");
    let digits = answer.split("\"token\": ").nth(1).expect("won").split(',').next().expect("a number");
    digits.parse::<u64>().expect("a number") + 1
}

fn answer(value: &str, state: &str, lease: &str, token: &str, ttl: &str) -> String {
    format!(
        "{{\"value\": {value}, \"state\": \"{state}\", \"lease\": \"{lease}\", \"token\": {token}, \"ttl\": {ttl}}}"
    )
}

#[test]
fn of_two_who_miss_one_wins_and_only_its_token_fills() {
    let node = Node::new();
    let token = first(&node);
    assert_eq!(node.run("jay.get k LEASE 5000"), answer("nil", "miss", "won", &token.to_string(), "nil"));
    assert_eq!(node.run("jay.get k LEASE 5000"), answer("nil", "miss", "taken", "nil", "nil"));
    assert_eq!(node.run("jay.get k"), answer("nil", "miss", "none", "nil", "nil"));
    node.check(&[
        (&format!("jay.set k v TOKEN {} EX 9", token + 1), "nil"),
        ("get k", "nil"),
        (&format!("jay.set k v TOKEN {token} EX 9"), "+OK"),
        (&format!("jay.set k w TOKEN {token} EX 9"), "nil"),
        ("get k", "\"v\""),
    ]);
    assert_eq!(node.run("jay.get k LEASE 5000"), answer("\"v\"", "hit", "none", "nil", "9000"));
}

#[test]
fn a_lease_ends_with_its_time_its_release_and_any_write_or_removal() {
    let acts =
        ["del k", "jay.del k", "jay.del k STALE 5", "set k other", "append k x", "incr k", "rpush k x", "flushdb"];
    for act in acts.into_iter().chain(["its time"]) {
        let mut node = Node::new();
        let token = first(&node);
        assert!(node.run("jay.get k LEASE 5000").contains("won"));
        match act {
            "its time" => node.now_ms += 5000,
            _ => assert!(!node.run(act).starts_with('-'), "{act}"),
        }
        assert_eq!(node.run(&format!("jay.set k late TOKEN {token}")), "nil", "{act}");
        assert_eq!(node.run(&format!("jay.release k TOKEN {token}")), "0", "{act}");
    }
    let node = Node::new();
    let token = first(&node);
    assert!(node.run("jay.get k LEASE 5000").contains("won"));
    assert_eq!(node.run(&format!("jay.release k TOKEN {token}")), "1");
    assert!(node.run("jay.get k LEASE 5000").contains(&format!("\"won\", \"token\": {}", token + 1)));
}

#[test]
fn between_the_deadlines_plain_reads_miss_and_others_are_given_what_is_stale() {
    let mut node = Node::new();
    node.check(&[("set k v EX 60 STALE 300", "+OK"), ("ttl k", "60"), ("get k", "\"v\"")]);
    node.now_ms = START_MS + 60_000;
    node.check(&[
        ("get k", "nil"),
        ("mget k k", "[nil nil]"),
        ("exists k", "0"),
        ("ttl k", "-2"),
        ("type k", "+none"),
        ("keys *", "[]"),
        ("expire k 5", "0"),
        ("strlen k", "0"),
        ("jay.get k", &answer("\"v\"", "stale", "none", "nil", "0")),
    ]);
    let token = first(&node);
    assert_eq!(node.run("jay.get k LEASE 10 WAIT 10"), answer("\"v\"", "stale", "won", &token.to_string(), "0"));
    assert_eq!(node.run("jay.get k LEASE 10 WAIT 10"), answer("\"v\"", "stale", "taken", "nil", "0"));
    node.check(&[(&format!("jay.set k new TOKEN {token} PX 100 STALE 50"), "+OK"), ("get k", "\"new\"")]);
    node.now_ms += 149;
    node.check(&[("get k", "nil"), ("jay.get k", &answer("\"new\"", "stale", "none", "nil", "0"))]);
    node.now_ms += 1;
    node.check(&[("jay.get k", &answer("nil", "miss", "none", "nil", "nil"))]);
}

#[test]
fn what_expires_soon_is_loaded_anew_by_one_while_all_are_given_it() {
    let node = Node::new();
    let token = first(&node);
    node.run("set k v EX 20");
    assert_eq!(node.run("jay.get k LEASE 10 RECACHE 19"), answer("\"v\"", "hit", "none", "nil", "20000"));
    assert_eq!(node.run("jay.get k LEASE 10 RECACHE 20"), answer("\"v\"", "hit", "won", &token.to_string(), "20000"));
    assert_eq!(node.run("jay.get k LEASE 10 RECACHE 30"), answer("\"v\"", "hit", "taken", "nil", "20000"));
    node.run("set k v");
    assert_eq!(node.run("jay.get k LEASE 10 RECACHE 30"), answer("\"v\"", "hit", "none", "nil", "nil"));
}

#[test]
fn an_invalidated_value_is_kept_as_stale_and_a_deleted_one_is_not() {
    let node = Node::new();
    node.check(&[
        ("jay.del k STALE 10", "0"),
        ("set k v", "+OK"),
        ("jay.del k STALE 10", "1"),
        ("get k", "nil"),
        ("jay.get k", &answer("\"v\"", "stale", "none", "nil", "0")),
        ("jay.del k STALE 10", "1"),
        ("del k", "0"),
        ("jay.get k", &answer("nil", "miss", "none", "nil", "nil")),
        ("rpush l a", "1"),
        ("jay.del l STALE 10", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ("jay.get l LEASE 5", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ("jay.del l", "1"),
        ("exists l", "0"),
    ]);
}

#[test]
fn a_stale_value_is_no_beginning_of_another() {
    for (line, expected) in [
        ("append k x", "1"),
        ("incr k", "1"),
        ("setnx k x", "1"),
        ("rpush k x", "1"),
        ("setrange k 0 x", "1"),
        ("set k x GET", "nil"),
        ("getex k PERSIST", "nil"),
    ] {
        let mut node = Node::new();
        node.run("set k 41 PX 10 STALE 1000");
        node.now_ms += 10;
        assert_eq!(node.run(line), expected, "{line}");
    }
}

#[test]
fn a_deleted_tag_takes_what_is_stale_and_voids_leases() {
    let mut node = Node::new();
    let token = first(&node);
    node.run("jay.get k LEASE 60000");
    node.check(&[(&format!("jay.set k v TOKEN {token} PX 10 STALE 1000 TAGS 1 red"), "+OK")]);
    node.now_ms += 10;
    assert!(node.run("jay.get k LEASE 60000").contains("\"stale\", \"lease\": \"won\""));
    node.run("jay.deltag red");
    node.check(&[
        (&format!("jay.set k late TOKEN {}", token + 1), "nil"),
        ("jay.get k", &answer("nil", "miss", "none", "nil", "nil")),
    ]);
    node.run("set k v PX 10 STALE 1000 TAGS 1 red");
    node.now_ms += 10;
    node.check(&[("append k x", "1")]);
    node.run("jay.deltag red");
    node.check(&[("get k", "\"x\"")]);
}

#[test]
fn a_copy_is_kept_as_long_as_what_it_was_made_of() {
    let mut node = Node::new();
    node.check(&[("set a v PX 10 STALE 100", "+OK"), ("copy a b", "1"), ("rename a c", "+OK"), ("move c 1", "1")]);
    node.now_ms += 10;
    node.check(&[("jay.get b", &answer("\"v\"", "stale", "none", "nil", "0")), ("copy b d", "0")]);
    node.database = 1;
    node.check(&[("jay.get c", &answer("\"v\"", "stale", "none", "nil", "0"))]);
}

#[test]
fn what_is_asked_wrongly_is_refused() {
    let syntax = "-ERR syntax error";
    Node::new().check(&[
        ("jay.get k LEASE", syntax),
        ("jay.get k WAIT 5", syntax),
        ("jay.get k RECACHE 5", syntax),
        ("jay.get k LEASE 5 LEASE 5", syntax),
        ("jay.get k LEASE 0", "-ERR LEASE must be above 0"),
        ("jay.get k LEASE x", "-ERR value is not an integer or out of range"),
        ("jay.get k LEASE 3600001", "-ERR LEASE must be at most 3600000 milliseconds"),
        ("jay.get k LEASE 5 WAIT -1", "-ERR WAIT and RECACHE must not be negative"),
        ("jay.set k v EX 5", "-ERR TOKEN is needed: the one that JAY.GET gave"),
        ("jay.set k v TOKEN", "-ERR wrong number of arguments for 'jay.set' command"),
        ("jay.set k v TOKEN 0", "-ERR TOKEN must be above 0"),
        ("jay.release k TOKN 5", "-ERR TOKEN is needed: the one that JAY.GET gave"),
        ("jay.del k STALE", syntax),
        ("jay.del k STALE 0", "-ERR STALE must be above 0"),
        ("set k v STALE 5", syntax),
        ("set k v KEEPTTL STALE 5", syntax),
        ("set k v EX 5 STALE", syntax),
        ("set k v EX 5 STALE 0", "-ERR invalid expire time in 'set' command"),
        ("exists k", "0"),
    ]);
}
