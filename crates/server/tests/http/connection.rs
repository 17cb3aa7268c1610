//! Connections: kept open, pipelined, cut into pieces, paused, and left alone.

use crate::client::{NOW_MS, node, node_with, request};

#[test]
fn a_connection_stays_open_unless_asked_otherwise() {
    let node = node();
    let mut client = node.connect();
    for _ in 0..3 {
        let answer = client.ask("GET /health");
        assert_eq!((answer.status, answer.field("Connection")), (200, ""));
    }
    let last = client.ask("GET /health\nConnection: close");
    assert_eq!(last.field("Connection"), "close");
    assert!(client.is_closed());
}

#[test]
fn http_1_0_closes_unless_asked_otherwise() {
    let node = node();
    let mut client = node.connect();
    client.send(b"GET /health HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert_eq!(client.answer(false).field("Connection"), "keep-alive");
    client.send(b"GET /health HTTP/1.0\r\n\r\n");
    assert_eq!(client.answer(false).field("Connection"), "close");
    assert!(client.is_closed());
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let node = node();
    let mut client = node.connect();
    let mut batch = Vec::new();
    for number in 0..2000 {
        batch.extend(request(&format!("PUT /cache/k{number}\n\nvalue {number}")));
        batch.extend(request(&format!("GET /cache/k{number}\nAccept: application/octet-stream")));
    }
    client.send(&batch);
    for number in 0..2000 {
        assert_eq!(client.answer(false).status, 201);
        assert_eq!(client.answer(false).body, format!("value {number}").into_bytes());
    }
}

#[test]
fn a_fault_of_one_request_is_no_fault_of_the_next() {
    let node = node();
    let mut client = node.connect();
    for (asked, status) in [
        ("GET /nowhere", 404),
        ("PUT /cache/k\nContent-Type: application/json\n\n{", 400),
        ("PUT /cache/%zz\n\nv", 400),
        ("PATCH /cache/k", 405),
        ("GET /cache/k\nX-Namespace: x", 404),
        ("GET /cache/k\nX-Namespace: a:b", 400),
        ("GET /health", 200),
    ] {
        assert_eq!(client.ask(asked).status, status, "{asked}");
    }
}

#[test]
fn a_request_may_arrive_byte_by_byte() {
    let node = node();
    let mut client = node.connect();
    for byte in request("PUT /cache/k\nX-TTL: 5\n\nvalue") {
        client.send(&[byte]);
    }
    assert_eq!(client.answer(false).status, 201);
    for byte in b"PUT /cache/c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\nA: b\r\n\r\n" {
        client.send(&[*byte]);
    }
    assert_eq!(client.answer(false).status, 201);
    assert_eq!(client.ask("GET /cache/c\nAccept: application/octet-stream").body, b"abcde");
}

#[test]
fn a_body_is_asked_for_when_the_client_waits_for_that() {
    let node = node();
    let mut client = node.connect();
    client.send(b"PUT /cache/k HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    assert_eq!(client.answer(false).status, 100);
    client.send(b"value");
    assert_eq!(client.answer(false).status, 201);
    // A body that is there already needs no asking.
    client.send(b"PUT /cache/k HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nvalue");
    assert_eq!(client.answer(false).status, 201);
    assert_eq!(client.ask("GET /cache/k").json()["value"], "value");
}

#[test]
fn a_value_of_many_megabytes_goes_in_and_comes_out() {
    // A tenth of the limit is for clients' buffers.
    let node = node_with(&[("max-memory", "1gb")]);
    let value: Vec<u8> = (0..20_000_000u32).map(|n| b'a' + (n % 23) as u8).collect();
    let mut client = node.connect();
    client.send(format!("PUT /cache/big HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", value.len()).as_bytes());
    client.send(&value);
    assert_eq!(client.answer(false).status, 201);
    assert!(client.ask("GET /cache/big\nAccept: application/octet-stream").body == value);
    let json = client.ask("GET /cache/big").json();
    assert!(json["value"].as_str().map(str::as_bytes) == Some(&value[..]));
    assert_eq!(client.ask("HEAD /cache/big").field("Content-Type"), "application/json");
    let batch = client.ask("GET /cache/bulk?keys=big,none").json();
    assert_eq!(batch["results"][0]["value"].as_str().map(str::len), Some(value.len()));
}

#[test]
fn a_paused_node_holds_writes_and_answers_reads() {
    let node = node();
    let shared = node.node.shared();
    shared.pause.set(NOW_MS + 60_000, false);
    let mut writer = node.connect();
    writer.send(&request("PUT /cache/k\n\nv"));
    assert_eq!(node.ask("GET /cache/k").status, 404);
    assert_eq!(node.ask("GET /health").status, 200);
    shared.unpause();
    assert_eq!(writer.answer(false).status, 201);
    assert_eq!(node.ask("GET /cache/k").status, 200);
}

#[test]
fn what_a_client_sent_before_it_closed_its_side_is_answered() {
    let node = node();
    let mut client = node.connect();
    client.send(&request("PUT /cache/k\n\nv"));
    client.finish();
    assert_eq!(client.answer(false).status, 201);
    assert!(client.is_closed());
}

#[test]
fn requests_are_counted_as_the_commands_that_they_are() {
    let node = node();
    node.ask("PUT /cache/k\n\nv");
    node.ask("GET /cache/k");
    node.ask("GET /cache/none");
    node.ask("GET /cache/k\nX-Namespace: 99");
    let counters = &node.node.shared().counters[0];
    let get = &counters.by_command[scrubjay_command::find(b"GET").expect("GET").id()];
    assert_eq!((get.calls.get(), get.failed.get()), (3, 1));
    assert_eq!(counters.by_command[scrubjay_command::find(b"SET").expect("SET").id()].calls.get(), 1);
}
