//! Namespaces over the door for Redis clients: apart from each other, gone when they are dropped, and within their quotas.

use crate::support::{Client, TestNode, bulk, until};
use scrubjay_server::clients::ClientFlags;

const GONE: &str =
    "-ERR the selected namespace was dropped: SELECT another, or make it anew and SELECT it; nothing was changed\r\n";

/// A client in the namespace called `name`, which exists from then on.
fn client_in(node: &TestNode, name: &str) -> Client {
    let mut client = node.connect();
    client.send(format!("JAY.NAMESPACE SET {name}\r\nSELECT {name}\r\n")).hears("+OK\r\n+OK\r\n");
    client
}

fn waits(node: &TestNode, command: &str, namespace: &str) -> Client {
    let (mut client, info) = node.connect_known();
    client.send(format!("SELECT {namespace}\r\n{command}\r\n")).hears("+OK\r\n");
    until("the client waits", || info.flags().contains(ClientFlags::WAITING).then_some(()));
    client
}

#[test]
fn a_namespace_is_a_database_of_its_own_with_a_name() {
    let node = TestNode::start(&[]);
    let mut client = client_in(&node, "sessions");
    client.send("SET a 1\r\nSET b 2\r\nDBSIZE\r\nSELECT 0\r\nDBSIZE\r\nGET a\r\n");
    client.hears("+OK\r\n+OK\r\n:2\r\n+OK\r\n:0\r\n$-1\r\n");
    client.send("SET c 3\r\nMOVE c sessions\r\nCOPY none x DB sessions\r\nSET d 4\r\nCOPY d e DB sessions\r\n");
    client.hears("+OK\r\n:1\r\n:0\r\n+OK\r\n:1\r\n");
    client.send("MOVE d other\r\n").hears("-ERR no namespace 'other': JAY.NAMESPACE SET other makes one\r\n");
    client.send("SELECT other\r\n").hears("-ERR no namespace 'other': JAY.NAMESPACE SET other makes one\r\n");
    client.send("SELECT 16\r\n").hears("-ERR DB index is out of range\r\n");
    client
        .send("SELECT sessions\r\nDBSIZE\r\nSCAN 0 MATCH a COUNT 100\r\n")
        .hears("+OK\r\n:4\r\n*2\r\n$1\r\n0\r\n*1\r\n");
    client.hears(bulk(b"a"));
    client.send("CLIENT INFO\r\n");
    assert!(client.reads_bulk().contains(" db=16 "));
    client.send("FLUSHDB\r\nDBSIZE\r\nRANDOMKEY\r\nSELECT 0\r\nDBSIZE\r\n").hears("+OK\r\n:0\r\n$-1\r\n+OK\r\n:1\r\n");
}

#[test]
fn its_lifetime_is_that_of_what_is_written_without_one() {
    let node = TestNode::start(&[("default-ttl", "100")]);
    let mut client = client_in(&node, "short");
    client.send("JAY.NAMESPACE SET short TTL 10\r\nSET a 1\r\nTTL a\r\n").hears("+OK\r\n+OK\r\n:10\r\n");
    client.send("JAY.NAMESPACE SET short TTL INHERIT\r\nSET a 1\r\nTTL a\r\n").hears("+OK\r\n+OK\r\n:100\r\n");
    client.send("JAY.NAMESPACE SET short TTL 0\r\nSET a 1\r\nTTL a\r\n").hears("+OK\r\n+OK\r\n:-1\r\n");
}

#[test]
fn a_session_in_a_dropped_namespace_is_refused_until_it_selects_another() {
    let node = TestNode::start(&[]);
    let mut client = client_in(&node, "old");
    let mut other = node.connect();
    client.send("SET k secret\r\nWATCH k\r\nMULTI\r\nGET k\r\n").hears("+OK\r\n+OK\r\n+OK\r\n+QUEUED\r\n");
    other.send("JAY.NAMESPACE DROP old\r\n").hears("+OK\r\n");
    client.send("EXEC\r\n").hears(GONE);
    // Nobody is shown what has the number next, until then or afterwards.
    for n in 0..48 {
        other.send(format!("JAY.NAMESPACE SET n{n}\r\nSELECT n{n}\r\nSET k new\r\n")).hears("+OK\r\n+OK\r\n+OK\r\n");
    }
    other.send("SELECT n47\r\nCLIENT INFO\r\n").hears("+OK\r\n");
    assert!(other.reads_bulk().contains(" db=16 "), "the number of the one that was dropped is given out last");
    for command in ["GET k", "SET k mine", "BLPOP l 0", "DBSIZE", "KEYS *", "FLUSHDB", "WATCH k", "MEMORY USAGE k"] {
        client.send(format!("{command}\r\n")).hears(GONE);
    }
    client.send("MULTI\r\nGET k\r\nEXEC\r\n").hears("+OK\r\n+QUEUED\r\n").hears(GONE);
    client.send("PING\r\nSELECT n47\r\nGET k\r\n").hears("+PONG\r\n+OK\r\n").hears(bulk(b"new"));
    client.send("MULTI\r\nSELECT n3\r\nGET k\r\nEXEC\r\n").hears("+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n+OK\r\n");
    client.hears(bulk(b"new"));
}

#[test]
fn those_who_wait_in_a_dropped_namespace_are_told() {
    let node = TestNode::start(&[]);
    let mut client = client_in(&node, "jobs");
    let mut waiters: Vec<Client> =
        ["BLPOP a b 0", "BZPOPMIN z 0", "BLPOP a 0"].iter().map(|command| waits(&node, command, "jobs")).collect();
    let mut elsewhere = node.connect_known();
    elsewhere.0.send("BLPOP a 0\r\n");
    until("the client waits", || elsewhere.1.flags().contains(ClientFlags::WAITING).then_some(()));
    client.send("JAY.NAMESPACE DROP jobs\r\n").hears("+OK\r\n");
    for waiter in &mut waiters {
        waiter.hears(GONE).pings();
    }
    client.send("SELECT 0\r\nRPUSH a x\r\n").hears("+OK\r\n:1\r\n");
    elsewhere.0.hears("*2\r\n$1\r\na\r\n$1\r\nx\r\n");
}

#[test]
fn dropping_makes_and_making_anew_shows_nothing_of_before() {
    let node = TestNode::start(&[]);
    let mut client = client_in(&node, "a");
    for round in 0..100 {
        client.send(format!("SET k{round} v\r\nJAY.NAMESPACE DROP a\r\nGET k{round}\r\n")).hears("+OK\r\n+OK\r\n");
        client.hears(GONE).send("JAY.NAMESPACE SET a\r\nSELECT a\r\nDBSIZE\r\n").hears("+OK\r\n+OK\r\n:0\r\n");
    }
    client.send("INFO keyspace\r\n");
    assert_eq!(client.reads_bulk(), "# Keyspace\r\n");
}

#[test]
fn a_number_with_settings_keeps_its_keys_and_is_not_swapped() {
    let node = TestNode::start(&[]);
    let mut client = node.connect();
    client.send("SELECT 3\r\nSET k 1\r\nJAY.NAMESPACE SET 3 TTL 60\r\n").hears("+OK\r\n+OK\r\n+OK\r\n");
    let refused = "-ERR database 3 has settings of its own, which stay with its number: JAY.NAMESPACE DROP 3 takes them \
                   back; nothing was swapped\r\n";
    client.send("SWAPDB 3 4\r\nSWAPDB 4 3\r\nSWAPDB 4 5\r\n").hears(refused).hears(refused).hears("+OK\r\n");
    client.send("JAY.NAMESPACE DROP 3\r\nGET k\r\nSET l 1\r\nTTL l\r\nSWAPDB 3 4\r\nDBSIZE\r\n");
    client.hears("+OK\r\n$1\r\n1\r\n+OK\r\n:-1\r\n+OK\r\n:0\r\n");
    // Settings given after a swap belong to the number, and so to what it shows now.
    client.send("JAY.NAMESPACE SET 4 TTL 60\r\nSELECT 4\r\nSET m 1\r\nTTL m\r\nGET k\r\n");
    client.hears("+OK\r\n+OK\r\n+OK\r\n:60\r\n$1\r\n1\r\n");
}

#[test]
fn a_quota_lets_a_second_s_worth_run_and_then_so_many_a_second() {
    let node = TestNode::start(&[]);
    let mut client = client_in(&node, "metered");
    client.send("JAY.NAMESPACE SET metered MAXOPS 4\r\n").hears("+OK\r\n");
    let refused = |ms| {
        format!("-LIMIT namespace 'metered' may run 4 commands a second: try again in {ms} ms; nothing was changed\r\n")
    };
    // A pipeline counts command by command; what is not on data counts nothing.
    client.send("SET k 1\r\nINCR k\r\nPING\r\nINCR k\r\nINCR k\r\nINCR k\r\nGET k\r\nPING\r\n");
    client.hears("+OK\r\n:2\r\n+PONG\r\n:3\r\n:4\r\n").hears(refused(250)).hears(refused(250)).hears("+PONG\r\n");
    node.clock.advance_ms(250);
    client.send("GET k\r\nGET k\r\n").hears("$1\r\n4\r\n").hears(refused(250));
    // Other namespaces, and clients that select them, are not concerned.
    client.send("SELECT 0\r\nGET k\r\nSELECT metered\r\nGET k\r\n").hears("+OK\r\n$-1\r\n+OK\r\n").hears(refused(250));
    node.clock.advance_ms(500);
    client.send("MULTI\r\nINCR k\r\nINCR k\r\nINCR k\r\nEXEC\r\n").hears("+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n");
    client.hears(refused(250)).send("MULTI\r\nINCR k\r\nINCR k\r\nEXEC\r\n");
    client.hears("+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n:5\r\n:6\r\n");
    client
        .send("GET k\r\nJAY.NAMESPACE SET metered MAXOPS 0\r\nGET k\r\n")
        .hears(refused(250))
        .hears("+OK\r\n$1\r\n6\r\n");
    client.send("INFO namespaces\r\n");
    let expected = "# Namespaces\r\nns_metered:keys=1,expires=0,bytes=";
    let info = client.reads_bulk();
    assert!(
        info.starts_with(expected) && info.ends_with(",max_bytes=0,policy=allkeys-s3fifo,ops_refused=8\r\n"),
        "{info}"
    );
    client.send("INFO errorstats\r\n");
    assert!(client.reads_bulk().contains("errorstat_LIMIT:count=6\r\n"));
    client.send("CONFIG RESETSTAT\r\nJAY.NAMESPACE GET metered\r\n").hears("+OK\r\n");
    client.reads_until("ops-refused");
    client.hears(":0\r\n");
}

#[test]
fn a_quota_of_one_transaction_is_taken_from_each_namespace_that_it_selects() {
    let node = TestNode::start(&[]);
    let mut client = node.connect();
    client.send("JAY.NAMESPACE SET a MAXOPS 10\r\nJAY.NAMESPACE SET b MAXOPS 1\r\n").hears("+OK\r\n+OK\r\n");
    let both = "MULTI\r\nSELECT a\r\nSET k 1\r\nSELECT b\r\nSET k 1\r\nEXEC\r\n";
    client.send(both).hears("+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n*4\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n");
    client.send("SELECT 0\r\n").hears("+OK\r\n");
    // What was taken from the first is given back: nine of ten are left, all the time.
    for _ in 0..20 {
        client.send(both).hears("+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n");
        client.hears("-LIMIT namespace 'b' may run 1 commands a second: try again in 1000 ms; nothing was changed\r\n");
    }
    client.send("SELECT a\r\n").hears("+OK\r\n").send("GET k\r\n".repeat(9)).hears("$1\r\n1\r\n".repeat(9));
    assert!(client.send("GET k\r\n").reads_line().starts_with("-LIMIT namespace 'a' "));
}

#[test]
fn events_say_the_name() {
    let node = TestNode::start(&[("notify-keyspace-events", "KEA")]);
    let mut client = client_in(&node, "sessions");
    let mut listener = node.connect();
    listener.send("PSUBSCRIBE __key*\r\n").hears("*3\r\n$10\r\npsubscribe\r\n$6\r\n__key*\r\n:1\r\n");
    client.send("SET k 1\r\n").hears("+OK\r\n");
    let message = |channel: &str, payload: &str| {
        let parts = ["pmessage", "__key*", channel, payload].map(|part| bulk(part.as_bytes())).concat();
        [b"*4\r\n".as_slice(), &parts].concat()
    };
    listener.hears(message("__keyspace@sessions__:k", "set")).hears(message("__keyevent@sessions__:set", "k"));
    let mut listener = node.connect();
    listener.send("SUBSCRIBE cache-invalidation\r\n");
    listener.hears("*3\r\n$9\r\nsubscribe\r\n$18\r\ncache-invalidation\r\n:1\r\n");
    client.send("DEL k\r\nSET l 1\r\nJAY.NAMESPACE DROP sessions\r\n").hears(":1\r\n+OK\r\n+OK\r\n");
    for (key, action) in [("\"k\"", "delete"), ("\"l\"", "update"), ("null", "flush")] {
        let text = format!(r#"{{"key":{key},"action":"{action}","timestamp":1700000000,"namespace":"sessions"}}"#);
        listener.hears(["message", "cache-invalidation", &text].iter().fold(b"*3\r\n".to_vec(), |mut all, part| {
            all.extend(bulk(part.as_bytes()));
            all
        }));
    }
}

#[test]
fn a_near_cache_is_told_when_a_namespace_is_dropped() {
    let node = TestNode::start(&[]);
    let mut client = client_in(&node, "n");
    client.send("SET k 1\r\nHELLO 3\r\n");
    client.reads_until("modules");
    client.hears("*0\r\n").send("CLIENT TRACKING ON\r\nGET k\r\n").hears("+OK\r\n$1\r\n1\r\n");
    node.connect().send("JAY.NAMESPACE DROP n\r\n").hears("+OK\r\n");
    client.hears(">2\r\n$10\r\ninvalidate\r\n_\r\n");
}
