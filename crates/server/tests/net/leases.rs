//! Many miss one key: one loads it, the others wait for that, and none for ever.

use crate::support::{Client, TestNode, bulk, until};
use scrubjay_server::clients::ClientFlags;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

/// What JAY.GET says in RESP2, taken apart.
#[derive(PartialEq, Eq, Debug)]
struct Answer {
    value: Option<String>,
    state: String,
    lease: String,
    token: Option<u64>,
}

fn answer(client: &mut Client) -> Answer {
    client.hears("*10\r\n").hears(bulk(b"value"));
    let header = client.reads_line();
    let value = (header != "$-1").then(|| client.reads_line());
    client.hears(bulk(b"state"));
    let state = client.reads_bulk();
    client.hears(bulk(b"lease"));
    let lease = client.reads_bulk();
    client.hears(bulk(b"token"));
    let token = client.reads_line().strip_prefix(':').map(|digits| digits.parse().expect("a number"));
    client.hears(bulk(b"ttl")).reads_line();
    Answer { value, state, lease, token }
}

fn hit(value: &str) -> Answer {
    Answer { value: Some(value.into()), state: "hit".into(), lease: "none".into(), token: None }
}

fn wins(client: &mut Client, command: &str) -> u64 {
    client.send(format!("{command}\r\n"));
    let answer = answer(client);
    assert_eq!(answer.lease, "won", "{answer:?}");
    answer.token.expect("a token")
}

/// A client that waits for another to load the key.
fn waiter(node: &TestNode, command: &str) -> Client {
    let (mut client, info) = node.connect_known();
    client.send(format!("{command}\r\n"));
    until("the client waits", || info.flags().contains(ClientFlags::WAITING).then_some(()));
    client
}

#[test]
fn a_thousand_who_miss_at_once_cause_one_load() {
    const CLIENTS: usize = 1000;
    let node = TestNode::start(&[]);
    let (address, loads) = (node.address(), Arc::new(AtomicUsize::new(0)));
    let begin = Arc::new(Barrier::new(CLIENTS));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (loads, begin) = (loads.clone(), begin.clone());
            let run = move || {
                let mut client = Client::connect(address);
                begin.wait();
                client.send("JAY.GET k LEASE 60000 WAIT 60000\r\n");
                match answer(&mut client) {
                    Answer { lease, token: Some(token), .. } if lease == "won" => {
                        let load = loads.fetch_add(1, Ordering::Relaxed);
                        client
                            .send(format!("JAY.SET k load-{load} TOKEN {token} EX 60 STALE 300\r\n"))
                            .hears("+OK\r\n");
                        hit(&format!("load-{load}"))
                    }
                    other => other,
                }
            };
            std::thread::Builder::new().stack_size(128 << 10).spawn(run).expect("a thread")
        })
        .collect();
    for client in clients {
        assert_eq!(client.join().expect("a client"), hit("load-0"));
    }
    assert_eq!(loads.load(Ordering::Relaxed), 1);
    let mut other = node.connect();
    other.send("INFO clients\r\n");
    assert!(other.reads_bulk().contains("blocked_clients:0\r\n"));
}

#[test]
fn whatever_ends_a_lease_lets_one_of_those_who_wait_load() {
    for act in [
        "JAY.RELEASE k TOKEN {}",
        "DEL k",
        "JAY.DEL k",
        "FLUSHDB",
        "RENAME other k\r\nDEL k",
        "SET k x PX 1000\r\nDEL k",
    ] {
        let node = TestNode::start(&[]);
        let mut loader = node.connect();
        loader.send("SET other x\r\n").hears("+OK\r\n");
        let token = wins(&mut loader, "JAY.GET k LEASE 60000");
        let mut waiting = waiter(&node, "JAY.GET k LEASE 60000 WAIT 60000");
        let act = act.replace("{}", &token.to_string());
        loader.send(format!("{act}\r\n"));
        act.lines().for_each(|_| drop(loader.reads_line()));
        let answer = answer(&mut waiting);
        match act.contains("\r\n") {
            // What came first was taken.
            true => assert_eq!(answer, hit("x"), "{act}"),
            false => {
                assert_eq!((answer.state.as_str(), answer.lease.as_str()), ("miss", "won"), "{act}");
                assert!(answer.token.expect("a token") > token, "{act}");
            }
        }
        loader.send(format!("JAY.SET k late TOKEN {token}\r\n")).hears("$-1\r\n");
    }
}

#[test]
fn a_loader_that_dies_is_followed_by_the_next_when_its_lease_is_over() {
    let node = TestNode::start(&[]);
    wins(&mut node.connect(), "JAY.GET k LEASE 5000");
    let mut waiting = waiter(&node, "JAY.GET k LEASE 5000 WAIT 60000");
    let mut behind = waiter(&node, "JAY.GET k LEASE 5000 WAIT 60000");
    node.clock.advance_ms(4_999);
    waiting.stream.set_nonblocking(true).expect("a socket");
    node.connect().pings();
    assert!(std::io::Read::read(&mut waiting.stream, &mut [0]).is_err(), "the lease is not over");
    waiting.stream.set_nonblocking(false).expect("a socket");
    node.clock.advance_ms(1);
    let first_is_next = until("one of them is told", || {
        node.connect().pings();
        for (is_first, client) in [(true, &mut waiting), (false, &mut behind)] {
            client.stream.set_nonblocking(true).expect("a socket");
            let heard = client.stream.peek(&mut [0]).is_ok();
            client.stream.set_nonblocking(false).expect("a socket");
            if heard {
                return Some(is_first);
            }
        }
        None
    });
    let (next, last) = if first_is_next { (&mut waiting, &mut behind) } else { (&mut behind, &mut waiting) };
    let token = answer(next).token.expect("it won");
    next.send(format!("JAY.SET k v TOKEN {token}\r\n")).hears("+OK\r\n");
    assert_eq!(answer(last), hit("v"));
}

#[test]
fn who_has_waited_long_enough_is_told_that_another_loads() {
    let node = TestNode::start(&[]);
    wins(&mut node.connect(), "JAY.GET k LEASE 60000");
    let mut waiting = waiter(&node, "JAY.GET k LEASE 60000 WAIT 500");
    node.clock.advance_ms(500);
    let taken = Answer { value: None, state: "miss".into(), lease: "taken".into(), token: None };
    assert_eq!(answer(&mut waiting), taken);
    let (mut client, info) = node.connect_known();
    client.send("JAY.GET k LEASE 60000 WAIT 60000\r\n");
    until("the client waits", || info.flags().contains(ClientFlags::WAITING).then_some(()));
    node.connect().send(format!("CLIENT UNBLOCK {}\r\n", info.id)).hears(":1\r\n");
    assert_eq!(answer(&mut client), taken);
    client.send("MULTI\r\nJAY.GET k LEASE 60000 WAIT 60000\r\nEXEC\r\n").hears("+OK\r\n+QUEUED\r\n*1\r\n");
    assert_eq!(answer(&mut client), taken);
}

#[test]
fn nobody_waits_while_there_is_something_stale_to_give() {
    let node = TestNode::start(&[]);
    let mut loader = node.connect();
    loader.send("SET k old PX 1000 STALE 5000\r\n").hears("+OK\r\n");
    node.clock.advance_ms(1000);
    let token = wins(&mut loader, "JAY.GET k LEASE 60000 WAIT 60000");
    let mut other = node.connect();
    other.send("JAY.GET k LEASE 60000 WAIT 60000\r\nGET k\r\n");
    let stale = Answer { value: Some("old".into()), state: "stale".into(), lease: "taken".into(), token: None };
    assert_eq!(answer(&mut other), stale);
    other.hears("$-1\r\n");
    loader.send(format!("JAY.SET k new TOKEN {token}\r\n")).hears("+OK\r\n");
    other.send("GET k\r\n").hears("$3\r\nnew\r\n");
}

#[test]
fn a_watched_key_that_became_stale_has_changed() {
    let node = TestNode::start(&[]);
    let mut client = node.connect();
    client.send("SET k old PX 1000 STALE 5000\r\nWATCH k\r\n").hears("+OK\r\n+OK\r\n");
    node.clock.advance_ms(1000);
    client.send("MULTI\r\nSET k new\r\nEXEC\r\n").hears("+OK\r\n+QUEUED\r\n*-1\r\n");
    client.send("WATCH k\r\nMULTI\r\nSET k new\r\nEXEC\r\n").hears("+OK\r\n+OK\r\n+QUEUED\r\n*1\r\n+OK\r\n");
}
