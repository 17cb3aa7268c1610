//! What an idle connection costs. Alone in its binary, because it measures the whole process.

use scrubjay_server::clients::Protocol;
use scrubjay_server::config::{Layer, Origin, resolve};
use scrubjay_server::{Given, Node};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Resident bytes of this process.
fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    statm.split(' ').nth(1).expect("resident pages").parse::<usize>().expect("a number") * 4096
}

#[test]
fn an_idle_connection_takes_at_most_two_kilobytes() {
    let settings = [("threads", "2"), ("http-port", "0"), ("max-memory", "256mb")];
    let layers = settings.map(|(name, value)| Layer::new(Origin::Flag, name, value));
    let given = Given { any_port: true, ..Given::default() };
    let node = Node::start_with(resolve(layers).expect("settings"), given).expect("a node");
    let address = node.address(Protocol::Resp).expect("a RESP door");
    // Each has worked a little, so that what a first command leaves behind counts.
    let connect = || {
        let mut stream = TcpStream::connect(address).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a time-out");
        stream.write_all(b"SET k some-value\r\nGET k\r\nGE").expect("sent");
        let mut answer = [0; 5 + 17];
        stream.read_exact(&mut answer).expect("answered");
        stream.write_all(b"T k\r\n").expect("sent");
        stream.read_exact(&mut answer[..17]).expect("answered");
        stream
    };
    let warm: Vec<TcpStream> = (0..100).map(|_| connect()).collect();
    let before = resident_bytes();
    let clients: Vec<TcpStream> = (0..1000).map(|_| connect()).collect();
    let each = (resident_bytes().saturating_sub(before)) / clients.len();
    assert!(each <= 2048, "{each} bytes for an idle connection");
    drop((warm, clients));
}
