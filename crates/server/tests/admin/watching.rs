//! `SLOWLOG`, `LATENCY`, `MONITOR`.

use crate::client::{Client, plain_node};

#[test]
fn the_slow_log_shows_who_asked_what() {
    let node = plain_node();
    let mut client = Client::of(&node);
    client.send("CLIENT SETNAME jay\nCONFIG SET slowlog-log-slower-than 0\nSLOWLOG RESET");
    (0..3).for_each(|_| assert_eq!(client.read(), "OK"));
    client.send("SET k v\nGET k\nAUTH default secret");
    (0..3).for_each(|_| drop(client.read()));
    let log = client.ask("SLOWLOG GET");
    let address = client.address();
    for part in ["[SET, k, v], ", "[GET, k], ", &format!("{address}, jay]")] {
        assert!(log.contains(part), "{part} is not in {log}");
    }
    assert!(!log.contains("secret"), "{log}");
    assert_eq!(client.ask("CONFIG SET slowlog-log-slower-than -1"), "OK");
    assert_eq!(client.ask("SLOWLOG RESET"), "OK");
    client.ask("GET k");
    assert_eq!(client.ask("SLOWLOG LEN"), "0");
}

#[test]
fn a_monitor_sees_what_others_run_but_no_secrets() {
    let node = plain_node();
    let (mut watcher, mut client) = (Client::of(&node), Client::of(&node));
    assert_eq!(watcher.ask("MONITOR"), "OK");
    client.send("SELECT 3\nSET k a\"b\nAUTH default secret\nCONFIG GET port\nGET k");
    (0..5).for_each(|_| drop(client.read()));
    let address = client.address();
    for expected in [
        format!("[0 {address}] \"SELECT\" \"3\""),
        format!("[3 {address}] \"SET\" \"k\" \"a\\\"b\""),
        format!("[3 {address}] \"GET\" \"k\""),
    ] {
        let line = watcher.read();
        assert!(line.ends_with(&expected), "{line}, not {expected}");
    }
    assert!(client.ask("CLIENT LIST").contains("flags=O"));
    let own = watcher.address();
    assert_eq!(client.ask(&format!("CLIENT KILL ADDR {own}")), "1");
    assert!(watcher.is_closed());
    assert_eq!(client.ask("GET k"), "a\"b", "nobody watches any more");
}

#[test]
fn latency_events_are_forgotten_on_request() {
    let node = plain_node();
    let mut client = Client::of(&node);
    node.shared().latency.note("command", 1_700_000_000, 42);
    assert_eq!(client.ask("LATENCY LATEST"), "[[command, 1700000000, 42, 42]]");
    assert_eq!(client.ask("LATENCY RESET"), "1");
    assert_eq!(client.ask("LATENCY LATEST"), "[]");
}
