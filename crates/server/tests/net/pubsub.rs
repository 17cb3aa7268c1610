//! Messages over real sockets: who gets them, in which order, in which form, and who does not read them.

use crate::support::{Client, TestNode, bulk, encode, until};
use std::io::Write;

/// A confirmation or message as an array, or with `>` as a push.
fn parts(first: char, parts: &[&str], count: Option<usize>) -> Vec<u8> {
    let mut bytes = format!("{first}{}\r\n", parts.len() + usize::from(count.is_some())).into_bytes();
    parts.iter().for_each(|part| bytes.extend(bulk(part.as_bytes())));
    count.into_iter().for_each(|count| bytes.extend(format!(":{count}\r\n").bytes()));
    bytes
}

fn subscribe(client: &mut Client, channel: &str) {
    client.command(&[b"SUBSCRIBE", channel.as_bytes()]).hears(parts('*', &["subscribe", channel], Some(1)));
}

#[test]
fn a_message_reaches_subscribers_of_both_versions_on_all_threads() {
    let node = TestNode::start(&[("threads", "3")]);
    let mut second: Vec<Client> = (0..6).map(|_| node.connect()).collect();
    let mut third: Vec<Client> = (0..6).map(|_| node.connect()).collect();
    second.iter_mut().for_each(|client| subscribe(client, "news"));
    for client in &mut third {
        client.send("HELLO 3\r\n");
        until("the greeting is over", || {
            let mut byte = [0; 4096];
            std::io::Read::read(&mut client.stream, &mut byte).ok()
        });
        client.send("SUBSCRIBE news\r\n").hears(parts('>', &["subscribe", "news"], Some(1)));
    }
    node.connect().send("PUBLISH news hi\r\n").hears(":12\r\n");
    second.iter_mut().for_each(|client| {
        client.hears(parts('*', &["message", "news", "hi"], None));
    });
    third.iter_mut().for_each(|client| {
        client.hears(parts('>', &["message", "news", "hi"], None));
    });
}

#[test]
fn what_one_publisher_says_arrives_in_order_between_answers() {
    const COUNT: usize = 3000;
    let node = TestNode::start(&[]);
    let (mut publisher, mut subscriber) = (node.connect(), node.connect());
    subscribe(&mut subscriber, "n");
    let mut said = Vec::new();
    (0..COUNT).for_each(|number| said.extend(encode(&[b"PUBLISH", b"n", number.to_string().as_bytes()])));
    publisher.send(said).hears(":1\r\n".repeat(COUNT));
    for number in 0..COUNT {
        subscriber.hears(parts('*', &["message", "n", &number.to_string()], None));
    }
}

#[test]
fn a_message_to_oneself_comes_after_the_answers_of_the_batch() {
    let node = TestNode::start(&[]);
    let mut client = node.connect();
    client.send("HELLO 3\r\nSUBSCRIBE a\r\nECHO ready\r\n");
    let mut heard = Vec::new();
    until("it is ready", || {
        let mut bytes = [0; 4096];
        let count = std::io::Read::read(&mut client.stream, &mut bytes).expect("bytes");
        heard.extend_from_slice(&bytes[..count]);
        heard.ends_with(b"ready\r\n").then_some(())
    });
    client.send("PUBLISH a 1\r\nPUBLISH a 2\r\nGET none\r\n").hears(":1\r\n:1\r\n_\r\n");
    client.hears(parts('>', &["message", "a", "1"], None)).hears(parts('>', &["message", "a", "2"], None));
}

#[test]
fn closing_unsubscribes() {
    let node = TestNode::start(&[]);
    let (mut asker, mut client) = (node.connect(), node.connect());
    client.send("SUBSCRIBE a\r\n").hears(parts('*', &["subscribe", "a"], Some(1)));
    client.send("PSUBSCRIBE a*\r\n").hears(parts('*', &["psubscribe", "a*"], Some(2)));
    asker.send("PUBLISH a 1\r\n").hears(":2\r\n");
    drop(client);
    until("nobody listens", || {
        asker.send("PUBLISH a 2\r\n");
        let mut count = [0; 4];
        std::io::Read::read_exact(&mut asker.stream, &mut count).expect("an answer");
        (&count == b":0\r\n").then_some(())
    });
    asker.send("PUBSUB NUMPAT\r\n").hears(":0\r\n");
}

#[test]
fn in_resp2_a_subscriber_may_do_little_else() {
    let node = TestNode::start(&[]);
    let mut client = node.connect();
    subscribe(&mut client, "a");
    client.send("GET k\r\n").hears(
        "-ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this \
         context\r\n",
    );
    client.send("PING\r\n").hears(parts('*', &["pong", ""], None));
    client.send("PING hi\r\n").hears(parts('*', &["pong", "hi"], None));
    client.send("UNSUBSCRIBE\r\n").hears(parts('*', &["unsubscribe", "a"], Some(0)));
    client.send("GET k\r\n").hears("$-1\r\n");
    subscribe(&mut client, "a");
    client.send("RESET\r\n").hears("+RESET\r\n");
    client.pings();
}

/// Publishes until the subscriber is dropped, and lets the node's time pass meanwhile if `step_ms` says so.
fn flood(node: &TestNode, payload: &[u8], step_ms: u64) {
    let mut publisher = node.connect();
    let message = encode(&[b"PUBLISH", b"a", payload]);
    until("the subscriber is dropped", || {
        publisher.send(&message);
        let mut answer = [0; 4];
        std::io::Read::read_exact(&mut publisher.stream, &mut answer).expect("an answer");
        node.clock.advance_ms(step_ms);
        (node.shared().total(|counters| &counters.dropped_subscribers) == 1).then_some(())
    });
    until("nobody is left to publish to", || {
        publisher.send(&message);
        let mut answer = [0; 4];
        std::io::Read::read_exact(&mut publisher.stream, &mut answer).expect("an answer");
        (&answer == b":0\r\n").then_some(())
    });
}

#[test]
fn a_subscriber_that_does_not_read_is_dropped_and_its_memory_comes_back() {
    let node = TestNode::start(&[("pubsub-output-bytes-max", "1mb")]);
    let mut deaf = node.connect();
    subscribe(&mut deaf, "a");
    flood(&node, &[b'm'; 10_000], 0);
    until("its memory is given back", || (node.shared().clients.memory_bytes() < 100_000).then_some(()));
    let _ = deaf.stream.write(b"x");
}

#[test]
fn a_subscriber_that_is_behind_for_too_long_is_dropped() {
    let settings = [("pubsub-output-soft-bytes-max", "200kb"), ("pubsub-output-soft-timeout", "60s")];
    let node = TestNode::start(&settings);
    let (mut deaf, info) = node.connect_known();
    subscribe(&mut deaf, "a");
    let mut publisher = node.connect();
    let message = encode(&[b"PUBLISH", b"a", &[b'm'; 10_000]]);
    until("it is behind", || {
        publisher.send(&message).hears(":1\r\n");
        (info.buffered_bytes().1 > 300 << 10).then_some(())
    });
    node.clock.advance_ms(59_000);
    publisher.pings();
    assert_eq!(node.shared().total(|counters| &counters.dropped_subscribers), 0, "it has a minute");
    until("it is dropped", || {
        node.clock.advance_ms(1_000);
        (node.shared().total(|counters| &counters.dropped_subscribers) == 1).then_some(())
    });
}

#[test]
fn publishers_that_outrun_their_subscribers_are_slowed_down_and_nothing_is_lost() {
    const COUNT: usize = 20_000;
    // Were no reader ever run, all of them together would still be within the clients' share of the memory.
    let node = TestNode::start(&[("threads", "2"), ("max-memory", "4gb")]);
    let mut subscribers: Vec<Client> = (0..8).map(|_| node.connect()).collect();
    subscribers.iter_mut().for_each(|client| subscribe(client, "a"));
    let mut publisher = node.connect();
    let payload = [b'm'; 1000];
    let (mut sender, said) = (publisher.stream.try_clone().expect("a handle"), encode(&[b"PUBLISH", b"a", &payload]));
    let asker = std::thread::spawn(move || {
        (0..COUNT).for_each(|_| sender.write_all(&said).expect("the node takes it"));
    });
    let message = parts('*', &["message", "a", std::str::from_utf8(&payload).expect("text")], None);
    let readers: Vec<_> = subscribers
        .into_iter()
        .map(|mut client| {
            let message = message.clone();
            std::thread::spawn(move || {
                for _ in 0..COUNT {
                    client.hears(&message);
                }
            })
        })
        .collect();
    publisher.hears(":8\r\n".repeat(COUNT));
    asker.join().expect("everything was said");
    readers.into_iter().for_each(|reader| reader.join().expect("everything was heard"));
}
