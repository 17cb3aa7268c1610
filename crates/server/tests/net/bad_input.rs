//! Malformed and hostile input: a clear answer, and nobody else notices.

use crate::support::{TestNode, encode, until};

#[test]
fn what_is_not_the_protocol_is_answered_and_closed_and_nobody_else_notices() {
    let node = TestNode::start(&[("inline-bytes-max", "100"), ("value-bytes-max", "1kb"), ("batch-items-max", "50")]);
    let mut bystander = node.connect();
    bystander.command(&[b"SET", b"k", b"v"]).hears("+OK\r\n");
    let long_line = "x".repeat(101);
    let cases = [
        ("*-x\r\n", "invalid multibulk length"),
        ("*51\r\n", "invalid multibulk length"),
        ("*999999999999999999999999\r\n", "invalid multibulk length"),
        ("*2\r\n$3\r\nGET\r\n*1\r\n$1\r\nk\r\n", "expected '$', got '*'"),
        ("*2\r\n$3\r\nGET\r\n:1\r\n", "expected '$', got ':'"),
        ("*1\r\n$-1\r\n", "invalid bulk length"),
        ("*1\r\n$1025\r\n", "invalid bulk length"),
        ("*1\r\n$4\r\nPINGPING", "expected a line end after an argument"),
        ("GET \"k\r\n", "unbalanced quotes in request"),
        (&long_line, "too big inline request"),
    ];
    for (input, sentence) in cases {
        let mut client = node.connect();
        client.send("PING\r\n").send(input);
        client.hears_the_end_after(format!("+PONG\r\n-ERR Protocol error: {sentence}\r\n"));
        bystander.send("GET k\r\n").hears("$1\r\nv\r\n");
    }
    assert_eq!(node.shared().total(|c| &c.protocol_errors), cases.len() as u64);
}

#[test]
fn the_reason_arrives_although_the_client_sends_on() {
    let node = TestNode::start(&[]);
    let mut client = node.connect();
    let garbage = [b"*1\r\n$-7\r\n".as_slice(), &[b'x'; 1 << 20]].concat();
    // The node need not take all of it.
    let _ = std::io::Write::write_all(&mut client.stream, &garbage);
    client.hears("-ERR Protocol error: invalid bulk length\r\n");
}

#[test]
fn wrong_commands_are_answered_and_the_connection_lives() {
    let node = TestNode::start(&[]);
    let mut client = node.connect();
    for (input, answer) in [
        ("NOSUCH a b\r\n", "-ERR unknown command 'NOSUCH', with args beginning with: 'a' 'b' \r\n"),
        ("GET\r\n", "-ERR wrong number of arguments for 'get' command\r\n"),
        ("GET a b\r\n", "-ERR wrong number of arguments for 'get' command\r\n"),
        ("INCRBY k x\r\n", "-ERR value is not an integer or out of range\r\n"),
        ("SET k v EX\r\n", "-ERR syntax error\r\n"),
    ] {
        client.send(input).hears(answer);
    }
    client.pings();
}

#[test]
fn a_key_that_is_too_long_is_refused_and_the_connection_lives() {
    let node = TestNode::start(&[]);
    let mut client = node.connect();
    let key = vec![b'k'; (64 << 10) + 1];
    let refusal = "-ERR key is longer than 65536 bytes\r\n";
    client.command(&[b"SET", &key, b"v"]).hears(refusal);
    // In a pipeline too, where keys are called for beforehand.
    client.send([encode(&[b"GET", &key]), encode(&[b"GET", &key[1..]])].concat()).hears([refusal, "$-1\r\n"].concat());
    assert_eq!(node.shared().store.stats().entries, 0);
}

#[test]
fn a_browser_is_turned_away_before_its_body_is_read_as_commands() {
    let node = TestNode::start(&[]);
    for request in [
        "POST / HTTP/1.1\r\nHost: localhost\r\n\r\nSET k v\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "PUT /cache/k HTTP/1.1\r\n\r\nSET k v\r\n",
        "Host: localhost\r\n",
        "post x\r\nSET k v\r\n",
    ] {
        node.connect().send(request).hears_the_end_after("");
    }
    assert_eq!(node.shared().total(|c| &c.wrong_door), 5);
    node.connect().send("GET k\r\n").hears("$-1\r\n");
}

#[test]
fn before_authentication_little_is_taken() {
    let node = TestNode::start(&[("requirepass", "secret")]);
    let seventeen = ["x"; 17].join(" ") + "\r\n";
    for (input, answer) in [
        (
            "GET k\r\n*17\r\n",
            "-NOAUTH Authentication required.\r\n-ERR Protocol error: unauthenticated multibulk length\r\n",
        ),
        ("*1\r\n$65537\r\n", "-ERR Protocol error: unauthenticated bulk length\r\n"),
        (&seventeen, "-ERR Protocol error: unauthenticated multibulk length\r\n"),
    ] {
        node.connect().send(input).hears_the_end_after(answer);
    }
    let mut client = node.connect();
    let commands = "GET k\r\n".repeat((64 << 10) / 7);
    let answers = "-NOAUTH Authentication required.\r\n".repeat((64 << 10) / 7);
    client.send(commands).hears(answers).send("GET k\r\nGET k\r\n");
    let refusal = "-NOAUTH Authentication required.\r\n";
    client.hears_the_end_after([refusal, "-ERR Protocol error: too many bytes before authentication\r\n"].concat());
    drop(client);
    until("all are forgotten", || node.shared().clients.is_empty().then_some(()));
}
