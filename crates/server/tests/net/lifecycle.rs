//! Connections come, are balanced, paused, spoken to, killed; the node stops.

use crate::support::{Client, DEADLINE, TestNode, bulk, until};
use scrubjay_server::clients::Protocol;
use scrubjay_server::runtime::inbox::Message;
use scrubjay_server::{Config, Given, Node};
use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

#[test]
fn connections_are_spread_evenly_over_the_threads() {
    let node = TestNode::start(&[("threads", "4")]);
    let mut clients: Vec<Client> = (0..40).map(|_| node.connect()).collect();
    clients.iter_mut().for_each(Client::pings);
    let mut per_thread = [0; 4];
    node.shared().clients.list().iter().for_each(|info| per_thread[info.thread] += 1);
    assert_eq!(per_thread, [10; 4]);
}

#[test]
fn a_killed_client_is_gone_and_the_others_stay() {
    let node = TestNode::start(&[]);
    let (mut victim, info) = node.connect_known();
    let mut other = node.connect();
    victim.pings();
    assert!(node.shared().clients.kill(info.id));
    victim.hears_the_end_after("");
    other.pings();
    until("it is forgotten", || node.shared().clients.get(info.id).is_none().then_some(()));
    assert!(!node.shared().clients.kill(info.id));
}

#[test]
fn what_another_connection_has_to_say_is_heard() {
    let node = TestNode::start(&[]);
    let (mut client, info) = node.connect_known();
    assert!(node.shared().clients.send(info.id, Message::Bytes(b">1\r\n+hello\r\n".as_slice().into())));
    client.hears(">1\r\n+hello\r\n").pings();
}

#[test]
fn a_pause_holds_writes_and_lets_reads_pass() {
    let node = TestNode::start(&[]);
    let (mut writer, mut reader) = (node.connect(), node.connect());
    writer.send("SET k 1\r\n").hears("+OK\r\n");
    let until_ms = scrubjay_base::clock::Clock::now_ms(&*node.clock) + 1000;
    node.shared().pause.set(until_ms, false);
    writer.send("GET k\r\nSET k 2\r\nGET k\r\n").hears("$1\r\n1\r\n");
    reader.send("GET k\r\n").hears("$1\r\n1\r\n");
    node.shared().unpause();
    writer.hears("+OK\r\n$1\r\n2\r\n");
}

#[test]
fn a_pause_holds_what_follows_it_in_the_same_pipeline() {
    let node = TestNode::start(&[]);
    let (mut client, info) = node.connect_known();
    client.send("SET k 1\r\nCLIENT PAUSE 1000 ALL\r\nSET k 2\r\nGET k\r\n").hears("+OK\r\n+OK\r\n");
    until("the rest waits", || (info.buffered_bytes().0 > 0).then_some(()));
    node.connect().send("CLIENT UNPAUSE\r\n").hears("+OK\r\n");
    client.hears("+OK\r\n$1\r\n2\r\n");
}

#[test]
fn a_pause_ends_by_itself_and_everything_runs_in_order() {
    let node = TestNode::start(&[]);
    let (mut client, info) = node.connect_known();
    let until_ms = scrubjay_base::clock::Clock::now_ms(&*node.clock) + 1000;
    node.shared().pause.set(until_ms, true);
    client.send("SET k 'a b'\r\nGET k\r\n");
    until("the commands wait", || (info.buffered_bytes().0 > 0).then_some(()));
    client.send("GET k\r\n");
    node.clock.advance_ms(1001);
    client.hears("+OK\r\n$3\r\na b\r\n$3\r\na b\r\n");
}

#[test]
fn a_stopping_node_answers_what_has_arrived() {
    let node = TestNode::start(&[]);
    let (mut client, info) = node.connect_known();
    let (mut idle, _) = node.connect_known();
    // Held back by a pause, so that all of it has arrived and none of it has run.
    node.shared().pause.set(u64::MAX, true);
    client.send("SET k v\r\nGET k\r\n");
    until("the commands wait", || (info.buffered_bytes().0 > 0).then_some(()));
    client.send("PING\r\n".repeat(1000));
    node.node.shutdown(DEADLINE);
    client.hears_the_end_after(["+OK\r\n$1\r\nv\r\n", &"+PONG\r\n".repeat(1000)].concat());
    idle.hears_the_end_after("");
    assert!(node.node.wait(Some(DEADLINE)));
    assert!(TcpStream::connect(node.address()).is_err(), "nobody listens any more");
}

#[test]
fn a_stopping_node_waits_for_a_slow_reader_only_so_long() {
    let node = TestNode::start(&[]);
    let (mut client, info) = node.connect_known();
    client.command(&[b"SET", b"k", &vec![b'v'; 10_000_000]]).hears("+OK\r\n").send("GET k\r\n");
    until("its answer waits", || (info.buffered_bytes().1 > 0).then_some(()));
    node.node.shutdown(Duration::from_secs(5));
    until("nobody listens", || TcpStream::connect(node.address()).err());
    assert!(!node.node.wait(Some(Duration::ZERO)));
    node.clock.advance_ms(5_001);
    assert!(node.node.wait(Some(DEADLINE)));
}

#[test]
fn a_slow_reader_that_sends_on_hears_all_its_answers_before_it_is_cut_off() {
    let node = TestNode::start(&[]);
    let (mut client, info) = node.connect_known();
    let value = vec![b'v'; 500_000];
    client.command(&[b"SET", b"k", &value]).hears("+OK\r\n").send("GET k\r\nCLIENT REPLY OFF\r\n");
    until("the kernel has its answers", || (info.traffic_bytes().1 > 500_000).then_some(()));
    let (stream, sent) = (client.stream.try_clone().expect("a handle"), Arc::new(AtomicU64::new(0)));
    let counted = sent.clone();
    let sender = std::thread::spawn(move || {
        while (&stream).write_all(&b"PING\r\n".repeat(1000)).is_ok() {
            counted.fetch_add(1, Relaxed);
        }
    });
    // It sends more than a stopping node still reads, so there is always something that was not read.
    let until_it_sent = |more: u64| {
        let goal = sent.load(Relaxed) + more;
        until("it sends on", || (sent.load(Relaxed) > goal || sender.is_finished()).then_some(()));
    };
    node.node.shutdown(Duration::from_secs(3600));
    until("nobody listens", || TcpStream::connect(node.address()).err());
    for _ in 0..9 {
        node.clock.advance_ms(1_001);
        until_it_sent(2_000);
    }
    client.hears(bulk(&value)).hears_the_end_after("");
    until("it is cut off", || {
        node.clock.advance_ms(1_001);
        sender.is_finished().then_some(())
    });
    assert!(node.node.wait(Some(DEADLINE)));
}

#[test]
fn a_client_that_only_sends_is_cut_off_after_a_while() {
    let node = TestNode::start(&[]);
    let (mut client, info) = node.connect_known();
    client.command(&[b"SET", b"k", &vec![b'v'; 500_000]]).hears("+OK\r\n").send("GET k\r\nCLIENT REPLY OFF\r\n");
    until("the kernel has its answers", || (info.traffic_bytes().1 > 500_000).then_some(()));
    let stream = client.stream.try_clone().expect("a handle");
    let sender = std::thread::spawn(move || while (&stream).write_all(&b"PING\r\n".repeat(1000)).is_ok() {});
    node.node.shutdown(Duration::from_secs(3600));
    until("it is cut off", || {
        node.clock.advance_ms(1_001);
        sender.is_finished().then_some(())
    });
    assert!(node.node.wait(Some(DEADLINE)));
}

#[test]
fn a_port_that_is_taken_is_named_with_the_way_out() {
    let node = TestNode::start(&[]);
    let config = Config { port: node.address().port(), http_port: 0, threads: 1, ..Config::default() };
    let Err(error) = Node::start_with(config, Given::default()) else { panic!("two nodes on one port") };
    assert_eq!(error.setting(), "port");
    let sentence = error.to_string();
    assert!(
        sentence.contains(&node.address().port().to_string()) && sentence.contains("choose another port"),
        "{sentence}"
    );
}

#[test]
fn a_node_that_is_dropped_stops() {
    let node = TestNode::start(&[]);
    let (address, shared) = (node.address(), node.node.shared().clone());
    drop(node);
    assert!(shared.shutdown.wait(Some(DEADLINE)));
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn several_nodes_live_side_by_side() {
    let nodes = [TestNode::start(&[]), TestNode::start(&[])];
    nodes[0].connect().send("SET k v\r\n").hears("+OK\r\n");
    nodes[1].connect().send("GET k\r\n").hears("$-1\r\n");
    assert_ne!(nodes[0].node.address(Protocol::Resp), nodes[1].node.address(Protocol::Resp));
}
