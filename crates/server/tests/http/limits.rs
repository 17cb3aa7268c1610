//! Bounds: memory, sizes, numbers and times; each a setting, each with an answer of its own.

use crate::client::{node, node_with, request, with_json};
use serde_json::json;

#[test]
fn a_write_that_cannot_fit_says_so_and_changes_nothing() {
    let node = node_with(&[("policy", "noeviction"), ("max-memory", "32mb")]);
    let value = "x".repeat(1 << 20);
    assert_eq!(node.ask("PUT /cache/k\n\nsmall").status, 201);
    let mut client = node.connect();
    let stored = (0..64).take_while(|n| client.ask(&format!("PUT /cache/{n}\n\n{value}")).status == 201).count();
    assert!((16..32).contains(&stored), "{stored} MiB in a node of 32");
    // What is left may still hold a value of 1 MiB whose request is smaller in memory: it is filled with short ones.
    let short = "x".repeat(16 << 10);
    let filled = (0..1000).take_while(|n| client.ask(&format!("PUT /cache/s{n}\n\n{short}")).status == 201).count();
    assert!(filled < 1000, "{filled} short values beside them");
    let refused = client.ask(&format!("PUT /cache/k\n\n{value}"));
    assert_eq!((refused.status, refused.code().as_str()), (507, "out_of_memory"));
    let items = format!(r#"{{"items":[{{"key":"k","value":"{value}"}},{{"key":"l","value":1}}]}}"#);
    let many = client.ask(&with_json("POST /cache/bulk", &items)).json();
    assert_eq!((&many["results"][0]["stored"], &many["results"][0]["code"]), (&json!(false), &json!("out_of_memory")));
    assert_eq!(node.get("/cache/k")["value"], "small");
}

#[test]
fn a_value_beyond_its_limit_is_refused_before_it_is_sent() {
    let node = node_with(&[("value-bytes-max", "2kb")]);
    let mut client = node.connect();
    client.send(b"PUT /cache/k HTTP/1.1\r\nHost: a\r\nContent-Length: 2049\r\n\r\n");
    let refused = client.answer(false);
    assert_eq!((refused.status, refused.code().as_str(), refused.field("Connection")), (413, "too_large", "close"));
    assert!(client.is_closed());
    // A chunked body tells its length as it goes.
    let mut client = node.connect();
    client.send(b"PUT /cache/k HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    client.send_until_closed(format!("800\r\n{}\r\n1\r\nx\r\n0\r\n\r\n", "x".repeat(2048)).as_bytes());
    assert_eq!(client.answer(false).status, 413);
    // An envelope may be larger than the value in it.
    let escaped = "\\u0061".repeat(2048);
    assert_eq!(node.ask(&with_json("PUT /cache/k", &format!("{{\"value\":\"{escaped}\"}}"))).status, 201);
    assert_eq!(node.ask(&with_json("PUT /cache/k", &format!("{{\"value\":\"{escaped}a\"}}"))).status, 413);
    assert_eq!(node.get("/cache/k")["value"].as_str().map(str::len), Some(2048));
}

#[test]
fn a_body_beyond_the_clients_share_of_memory_is_refused_before_it_is_sent() {
    let node = node_with(&[("max-memory", "64mb")]);
    let head = "PUT /cache/k HTTP/1.1\r\nHost: a\r\n";
    let said = |answer: &crate::client::Answer| {
        let error = answer.json()["error"].as_str().expect("a sentence").to_owned();
        assert!(error.contains("clients-memory-percent"), "{error}");
        (answer.status, answer.code(), answer.field("Connection").to_owned())
    };
    let refused = (413, "too_large".to_owned(), "close".to_owned());
    for beginning in
        ["Content-Length: 20000000\r\n\r\n", "Content-Type: application/json\r\nContent-Length: 20000000\r\n\r\n"]
    {
        let mut client = node.connect();
        client.send(format!("{head}{beginning}").as_bytes());
        assert_eq!(said(&client.answer(false)), refused);
        assert!(client.is_closed());
    }
    // A chunked body tells its length as it goes.
    let mut client = node.connect();
    client.send_until_closed(
        format!("{head}Transfer-Encoding: chunked\r\n\r\n989680\r\n{}", "x".repeat(10_000_000)).as_bytes(),
    );
    assert_eq!(said(&client.answer(false)), refused);
    assert_eq!(node.node.shared().total(|counters| &counters.dropped_memory), 0);
    assert_eq!(node.ask("GET /cache/k").status, 404);
    node.node.shared().change_settings(&[("clients-memory-percent", "50")]).expect("a setting");
    assert_eq!(node.ask(&format!("PUT /cache/k\n\n{}", "x".repeat(10_000_000))).status, 201);
}

#[test]
fn keys_heads_and_batches_have_settings_of_their_own() {
    let node = node_with(&[("key-bytes-max", "10"), ("http-head-bytes-max", "1kb"), ("batch-items-max", "2")]);
    assert_eq!(node.ask("PUT /cache/0123456789\n\nv").status, 201);
    assert_eq!(node.ask("PUT /cache/0123456789a\n\nv").code(), "too_large");
    assert_eq!(node.ask("GET /cache/%30123456789").status, 200, "the bytes count, not how they are written");
    assert_eq!(node.ask(&format!("GET /health\nX: {}", "x".repeat(1000))).status, 431);
    assert_eq!(node.ask(&with_json("POST /cache/batch", r#"{"keys":["a","b"]}"#)).status, 200);
    assert_eq!(node.ask(&with_json("POST /cache/batch", r#"{"keys":["a","b","c"]}"#)).status, 400);
    node.node.shared().change_settings(&[("batch-items-max", "3")]).expect("a setting");
    assert_eq!(node.ask(&with_json("POST /cache/batch", r#"{"keys":["a","b","c"]}"#)).status, 200);
}

#[test]
fn an_answer_that_would_be_too_large_is_refused_and_its_bytes_are_not() {
    let node = node_with(&[("output-buffer-bytes-max", "1mb")]);
    let value = "x".repeat(600_000);
    for key in ["a", "b"] {
        node.ask(&format!("PUT /cache/{key}\n\n{value}"));
    }
    assert_eq!(node.ask("GET /cache/bulk?keys=a").status, 200);
    assert_eq!(node.ask("GET /cache/bulk?keys=a,b").code(), "answer_too_large");
    node.ask(&format!("PUT /cache/a\n\n{value}{value}"));
    assert_eq!(node.ask("GET /cache/a").code(), "answer_too_large");
    assert_eq!(node.ask("GET /cache/a\nAccept: application/octet-stream").body.len(), 1_200_000);
}

#[test]
fn too_many_connections_are_told_so() {
    let node = node_with(&[("max-clients", "1")]);
    let mut first = node.connect();
    assert_eq!(first.ask("GET /health").status, 200);
    let mut second = node.connect();
    let refused = second.answer(false);
    assert_eq!((refused.status, refused.code().as_str()), (503, "too_many_clients"));
    assert!(second.is_closed());
    assert_eq!(first.ask("GET /health").status, 200);
}

#[test]
fn a_request_that_trickles_is_given_up() {
    let node = node();
    for beginning in [
        &b"GET /health HTTP/1.1\r\nHo"[..],
        b"PUT /cache/k HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc",
        b"PUT /cache/k HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        b"\r\n",
    ] {
        let mut client = node.connect();
        client.send(beginning);
        // The answer of another connection shows that the node has had its turn with the first.
        let received = node.node.shared().total(|counters| &counters.bytes_in);
        assert_eq!(node.ask("GET /health").status, 200);
        assert!(node.node.shared().total(|counters| &counters.bytes_in) > received);
        node.clock.advance_ms(11_000);
        assert!(client.is_closed(), "{:?}", String::from_utf8_lossy(beginning));
    }
    let mut idle = node.connect();
    assert_eq!(idle.ask("GET /health").status, 200);
    node.clock.advance_ms(3_600_000);
    assert_eq!(idle.ask("GET /health").status, 200, "silence between requests is no trickle");
}

#[test]
fn a_reader_that_does_not_read_is_dropped() {
    let node = node_with(&[("output-buffer-bytes-max", "1mb"), ("output-timeout", "1s")]);
    node.ask(&format!("PUT /cache/k\n\n{}", "x".repeat(500_000)));
    let mut client = node.connect();
    let asked = request("GET /cache/k\nAccept: application/octet-stream");
    client.send_until_closed(&asked.repeat(400));
    let shared = node.node.shared();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while shared.total(|counters| &counters.dropped_output) == 0 {
        assert!(std::time::Instant::now() < deadline, "the client was not dropped");
        node.clock.advance_ms(100);
        assert_eq!(node.ask("GET /health").status, 200, "others are served meanwhile");
    }
}
