//! Every bound on a connection: the client that exceeds it goes, the others stay.

use crate::support::{Client, TestNode, bulk, encode, until};
use std::io::Write;

fn gone(client: &mut Client) {
    client.hears_the_end_after("");
}

#[test]
fn one_client_too_many_is_told_so_and_may_come_back() {
    let node = TestNode::start(&[("max-clients", "2")]);
    let (mut first, mut second) = (node.connect(), node.connect());
    first.pings();
    second.pings();
    node.connect().hears_the_end_after("-ERR max number of clients reached\r\n");
    assert_eq!(node.shared().total(|c| &c.connections_refused), 1);
    drop(first);
    until("its place is free", || (node.shared().clients.len() == 1).then_some(()));
    node.connect().pings();
}

#[test]
fn a_client_that_does_not_read_is_dropped() {
    let node = TestNode::start(&[("output-buffer-bytes-max", "1mb")]);
    let (mut deaf, mut bystander) = (node.connect(), node.connect());
    let value = vec![b'v'; 4000];
    bystander.command(&[b"SET", b"k", &value]).hears("+OK\r\n");
    let (stream, asks) = (deaf.stream.try_clone().expect("a handle"), encode(&[b"GET", b"k"]).repeat(1000));
    let asker = std::thread::spawn(move || while (&stream).write_all(&asks).is_ok() {});
    let shared = node.shared();
    until("its answers are held back", || {
        shared.clients.list().iter().any(|info| info.buffered_bytes().1 > 1 << 20).then_some(())
    });
    node.clock.advance_ms(9_000);
    bystander.pings();
    assert_eq!(shared.total(|c| &c.dropped_output), 0, "it has ten seconds");
    until("it is dropped", || {
        node.clock.advance_ms(1_000);
        (shared.total(|c| &c.dropped_output) == 1).then_some(())
    });
    asker.join().expect("the asker ends when its connection does");
    bystander.send("GET k\r\n").hears(bulk(&value));
    let _ = deaf.stream.write(b"x");
}

#[test]
fn a_client_that_reads_slowly_gets_more_than_the_node_keeps_for_it() {
    let node = TestNode::start(&[("output-buffer-bytes-max", "100kb")]);
    let mut client = node.connect();
    let value = vec![b'v'; 50_000];
    client.command(&[b"SET", b"k", &value]).hears("+OK\r\n");
    let mut sender = Client { stream: client.stream.try_clone().expect("a handle") };
    let asks = encode(&[b"GET", b"k"]).repeat(500);
    let asker = std::thread::spawn(move || {
        sender.send(asks);
    });
    for _ in 0..500 {
        client.hears(bulk(&value));
        let held = node.shared().clients.list()[0].buffered_bytes().1;
        assert!(held <= (100 << 10) + (256 << 10) + 60_000, "{held} bytes held");
    }
    asker.join().expect("everything was taken");
}

#[test]
fn all_clients_buffers_together_stay_within_their_share_of_memory() {
    let node = TestNode::start(&[("max-memory", "64mb"), ("clients-memory-percent", "10")]);
    let mut small = node.connect();
    small.send("*2\r\n$4\r\nECHO\r\n$100000\r\nabc");
    // Each within the share of 6.7 MB, and together beyond.
    let (mut first, mut second) = (node.connect(), node.connect());
    first.send("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5000000\r\n").send(vec![b'v'; 1_000_000]);
    until("a part of it has arrived", || (node.shared().clients.memory_bytes() > 1_000_000).then_some(()));
    let _ = second.stream.write_all(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$6600000\r\n");
    let _ = second.stream.write_all(&[b'v'; 6_500_000]);
    gone(&mut second);
    assert_eq!(node.shared().total(|c| &c.dropped_memory), 1);
    first.send([vec![b'v'; 4_000_000], b"\r\n".to_vec()].concat()).hears("+OK\r\n");
    until("its memory is given back", || (node.shared().clients.memory_bytes() < 1 << 20).then_some(()));
    // The small one is still there.
    small
        .send([vec![b'e'; 99_997], b"\r\n".to_vec()].concat())
        .hears([b"$100000\r\nabc".as_slice(), &[b'e'; 99_997]].concat());
}

#[test]
fn a_request_beyond_the_clients_share_of_memory_is_refused_and_the_connection_lives() {
    let node = TestNode::start(&[("max-memory", "64mb"), ("clients-memory-percent", "10")]);
    let mut client = node.connect();
    client.command(&[b"SET", b"k", b"before"]).hears("+OK\r\n");
    client.send("GET k\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$20000000\r\n");
    let room = node.shared().store.max_memory_bytes() / 100 * 10 - (64 << 10);
    let refusal = format!(
        "-ERR request of 20000031 bytes or more is longer than the {room} that clients' buffers may hold; nothing was \
         stored; raise clients-memory-percent (maxmemory-clients) or max-memory\r\n"
    );
    // Said as soon as the length is, and once; what follows is not kept.
    client.hears("$6\r\nbefore\r\n").hears(&refusal);
    for _ in 0..20 {
        client.send(vec![b'v'; 1_000_000]);
        assert!(node.shared().clients.memory_bytes() < 1 << 20, "nothing of it is kept");
    }
    client.send("\r\nGET k\r\n").hears("$6\r\nbefore\r\n");
    assert_eq!(node.shared().total(|c| &c.dropped_memory), 0);
    // Many arguments count together.
    let many = encode(&vec![vec![b'x'; 100_000].as_slice(); 100]);
    client.send(&many[..many.len() / 10 * 9]).send(&many[many.len() / 10 * 9..]);
    let mut start = [0; 16];
    std::io::Read::read_exact(&mut client.stream, &mut start).expect("a refusal");
    assert_eq!(&start, b"-ERR request of ");
    // A transaction does not go on without it.
    let mut client = node.connect();
    client.send("MULTI\r\nPING\r\n").hears("+OK\r\n+QUEUED\r\n");
    client.send("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$20000000\r\n").hears(&refusal);
    client.send([vec![b'v'; 20_000_000], b"\r\nEXEC\r\n".to_vec()].concat());
    client.hears("-EXECABORT Transaction discarded because of previous errors.\r\n");
    // With more room it is taken.
    node.shared().change_settings(&[("clients-memory-percent", "50")]).expect("a live setting");
    let mut client = node.connect();
    client.command(&[b"SET", b"k", &vec![b'v'; 20_000_000]]).hears("+OK\r\n");
}

#[test]
fn a_refused_request_that_trickles_is_closed() {
    let node = TestNode::start(&[("max-memory", "64mb")]);
    let (mut trickle, _) = node.connect_known();
    trickle.send("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$20000000\r\n");
    let mut start = [0; 16];
    std::io::Read::read_exact(&mut trickle.stream, &mut start).expect("a refusal");
    node.clock.advance_ms(11_001);
    until("it is closed", || (node.shared().total(|c| &c.timed_out) == 1).then_some(()));
}

#[test]
fn a_request_that_trickles_is_closed_and_one_that_flows_is_not() {
    let node = TestNode::start(&[]);
    let (mut trickle, info) = node.connect_known();
    let (mut flow, _) = node.connect_known();
    let (mut silent, _) = node.connect_known();
    trickle.send("*2\r\n$3\r\nGET\r\n$5\r\nab");
    flow.send("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$50000\r\n");
    until("the beginning has arrived", || (info.buffered_bytes().0 > 0).then_some(()));
    flow.send(vec![b'v'; 25_000]);
    let shared = node.shared();
    until("half of the value has arrived", || {
        shared.clients.list().iter().any(|info| info.buffered_bytes().0 > 25_000).then_some(())
    });
    node.clock.advance_ms(10_001);
    gone(&mut trickle);
    assert_eq!(shared.total(|c| &c.timed_out), 1);
    flow.send([vec![b'v'; 25_000], b"\r\n".to_vec()].concat()).hears("+OK\r\n");
    silent.pings(); // nothing was asked, so nothing is late
}

#[test]
fn a_client_that_does_not_authenticate_is_closed() {
    let node = TestNode::start(&[("requirepass", "secret")]);
    let (mut client, _) = node.connect_known();
    client.send("GET k\r\n").hears("-NOAUTH Authentication required.\r\n");
    node.clock.advance_ms(10_001);
    gone(&mut client);
    assert_eq!(node.shared().total(|c| &c.timed_out), 1);
}

#[test]
fn an_idle_client_is_closed_if_that_is_asked_for() {
    let node = TestNode::start(&[]);
    let (mut client, _) = node.connect_known();
    node.clock.advance_ms(86_400_000);
    client.pings();
    node.shared().change_settings(&[("idle-timeout", "5m")]).expect("a live setting");
    node.clock.advance_ms(299_000);
    client.pings();
    node.clock.advance_ms(300_001);
    gone(&mut client);
}
