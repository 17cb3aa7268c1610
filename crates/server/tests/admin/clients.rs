//! Greeting, password, `CLIENT`.

use crate::client::{Client, DEADLINE, node, plain_node};
use scrubjay_server::Config;
use scrubjay_server::config::Secret;

#[test]
fn nothing_is_answered_before_the_password() {
    let node = node(Config { requirepass: Secret::new("swordfish"), ..Config::default() });
    let mut client = Client::of(&node);
    for line in ["PING", "GET k", "INFO", "CLIENT LIST", "CONFIG GET requirepass", "SHUTDOWN"] {
        assert_eq!(client.ask(line), "-NOAUTH Authentication required.", "{line}");
    }
    assert!(client.ask("AUTH salmon").starts_with("-WRONGPASS"));
    assert_eq!(client.ask("AUTH swordfish"), "OK");
    assert_eq!(client.ask("CONFIG GET requirepass"), "[requirepass, swordfish]");
    assert_eq!(client.ask("CONFIG SET requirepass salmon"), "OK");
    let mut other = Client::of(&node);
    assert!(other.ask("HELLO 3 AUTH default swordfish").starts_with("-WRONGPASS"));
    assert!(other.ask("HELLO 3 AUTH default salmon SETNAME jay").contains("proto: 3"));
    assert_eq!(other.ask("CLIENT GETNAME"), "jay");
    assert_eq!(client.ask("PING"), "PONG", "who is in stays in");
}

#[test]
fn answers_change_their_shape_with_the_version() {
    let node = plain_node();
    let mut client = Client::of(&node);
    assert!(client.ask("HELLO").starts_with("[server, redis, "));
    assert!(client.ask("CONFIG GET port").starts_with("[port, "));
    assert!(client.ask("HELLO 3").starts_with("{server: redis, "));
    assert!(client.ask("CONFIG GET port").starts_with("{port: "));
    assert!(client.ask("INFO server").starts_with("txt:# Server"));
    assert_eq!(client.ask("CLIENT GETNAME"), "(nil)");
    assert_eq!(client.ask("RESET"), "RESET");
    assert!(client.ask("INFO server").starts_with("# Server"));
}

#[test]
fn a_killed_client_is_closed_and_gone_from_the_list() {
    let node = plain_node();
    let (mut client, mut other) = (Client::of(&node), Client::of(&node));
    let address = other.address();
    assert_eq!(other.ask("PING"), "PONG");
    assert!(client.ask("CLIENT LIST").contains(&format!("addr={address}")));
    assert_eq!(client.ask(&format!("CLIENT KILL ADDR {address}")), "1");
    assert!(other.is_closed());
    assert!(!client.ask("CLIENT LIST").contains(&format!("addr={address}")));
    let own = client.address();
    assert_eq!(client.ask(&format!("CLIENT KILL {own}")), "OK");
    assert!(client.is_closed());
}

#[test]
fn a_paused_write_waits_and_a_read_does_not() {
    let node = plain_node();
    let (mut client, mut writer) = (Client::of(&node), Client::of(&node));
    assert_eq!(client.ask("CLIENT PAUSE 600000 WRITE"), "OK");
    writer.send("GET k\nSET k v\nGET k");
    assert_eq!(writer.read(), "(nil)");
    assert_eq!(client.ask("GET k"), "(nil)");
    assert_eq!(client.ask("CLIENT UNPAUSE"), "OK");
    assert_eq!([writer.read(), writer.read()], ["OK", "v"]);
}

#[test]
fn silenced_answers_stay_out_and_the_next_ones_come() {
    let node = plain_node();
    let mut client = Client::of(&node);
    client.send("CLIENT REPLY SKIP\nSET a 1\nGET a\nCLIENT REPLY OFF\nSET a 2\nNOSUCH\nCLIENT REPLY ON\nGET a");
    assert_eq!([client.read(), client.read(), client.read()], ["1", "OK", "2"]);
}

#[test]
fn shutdown_ends_the_connection_and_the_node() {
    let node = plain_node();
    let mut client = Client::of(&node);
    assert!(client.ask("SHUTDOWN SAVE").contains("SHUTDOWN NOSAVE"));
    client.send("SET k v\nSHUTDOWN NOSAVE");
    assert_eq!(client.read(), "OK");
    assert!(client.is_closed());
    assert!(node.wait(Some(DEADLINE)), "the node ends");
}
