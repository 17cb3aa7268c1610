//! `CONFIG` on a running node.

use crate::client::{Client, node, plain_node};
use scrubjay_server::Config;
use std::fs;

#[test]
fn a_limit_that_is_set_holds_from_the_next_command_on() {
    let node = plain_node();
    let mut client = Client::of(&node);
    assert_eq!(client.ask("CONFIG SET proto-max-bulk-len 1024 batch-items-max 4"), "OK");
    assert!(client.ask("MSET a 1 b 2 c 3").starts_with("-ERR Protocol error"));
    let mut client = Client::of(&node);
    assert_eq!(client.ask("SET k v"), "OK");
    assert!(client.ask("SETRANGE k 2000 x").starts_with("-ERR string exceeds maximum allowed size"));
    assert_eq!(client.ask("CONFIG SET maxclients 1"), "OK");
    let mut late = Client::of(&node);
    assert_eq!(late.read(), "-ERR max number of clients reached");
    assert_eq!(client.ask("CONFIG SET maxclients 100"), "OK");
    assert_eq!(Client::of(&node).ask("PING"), "PONG");
}

#[test]
fn a_change_that_is_refused_changes_nothing() {
    let node = plain_node();
    let mut client = Client::of(&node);
    let before = client.ask("CONFIG GET *");
    let refusal = client.ask("CONFIG SET maxmemory 1gb maxmemory-policy lfu timeout never");
    assert!(refusal.starts_with("-ERR CONFIG SET failed (possibly related to argument 'timeout')"), "{refusal}");
    assert_eq!(client.ask("CONFIG GET *"), before);
}

#[test]
fn rewriting_puts_changes_into_the_file_that_the_node_was_started_with() {
    let path = std::env::temp_dir().join(format!("scrubjay-admin-{}.toml", std::process::id()));
    fs::write(&path, "# the limit\nmax-memory = \"1gb\"\n").unwrap();
    let node = node(Config { config: Some(path.clone()), ..Config::default() });
    let mut client = Client::of(&node);
    assert_eq!(client.ask("CONFIG SET maxmemory 2gb slowlog-max-len 7"), "OK");
    let answer = client.ask("CONFIG REWRITE");
    let text = fs::read_to_string(&path).unwrap();
    fs::remove_file(&path).unwrap();
    assert_eq!(answer, "OK");
    assert_eq!(text, "# the limit\nmax-memory = \"2gb\"\nslowlog-max-len = 7\n");
}

#[test]
fn a_longest_key_that_is_set_holds_for_every_door() {
    let node = plain_node();
    let mut client = Client::of(&node);
    assert_eq!(client.ask("CONFIG SET key-bytes-max 8"), "OK");
    assert_eq!(client.ask("SET 12345678 v"), "OK");
    for line in ["SET 123456789 v", "GET 123456789", "MEMORY USAGE 123456789", "MSET a 1 123456789 2"] {
        assert_eq!(client.ask(line), "-ERR key is longer than 8 bytes", "{line}");
    }
    assert_eq!(client.ask("EXISTS a"), "0", "a refused MSET wrote nothing");
}
