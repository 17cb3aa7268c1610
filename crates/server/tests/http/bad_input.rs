//! Bad input gets a clear answer in HTTP's own form; other connections and the data are untouched.

use crate::client::{Answer, node, request, with_json};

/// Whatever was said, the node still serves and has what it had.
fn is_unharmed(node: &crate::client::TestNode) -> bool {
    node.ask("GET /cache/witness").json()["value"] == "here" && node.node.shared().store.stats().entries == 1
}

#[test]
fn a_stream_that_cannot_be_understood_is_answered_and_closed() {
    let node = node();
    node.ask("PUT /cache/witness\n\nhere");
    let long = "x".repeat(70_000);
    let put = "PUT /cache/k HTTP/1.1\r\nHost: a\r\n";
    for (text, status) in [
        ("GET\r\n\r\n".to_owned(), 400),
        ("GET / HTTP/9.9\r\nHost: a\r\n\r\n".to_owned(), 505),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), 505),
        ("\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\r\n\r\n".to_owned(), 400),
        ("*1\r\n$4\r\nPING\r\n".to_owned(), 400),
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nbad header\r\n\r\n".to_owned(), 400),
        (format!("GET /cache/{long} HTTP/1.1\r\nHost: a\r\n\r\n"), 431),
        (format!("GET / HTTP/1.1\r\nHost: a\r\nX: {long}"), 431),
        (format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "a: b\r\n".repeat(101)), 431),
        (format!("{put}Content-Length: 1\r\nContent-Length: 1\r\n\r\nx"), 400),
        (format!("{put}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400),
        (format!("{put}Content-Length: x\r\n\r\n"), 400),
        (format!("{put}Content-Length: 99999999999\r\n\r\n"), 413),
        (format!("{put}Content-Length: 600000000\r\n\r\n"), 413),
        (format!("{put}Transfer-Encoding: gzip\r\n\r\n"), 501),
        (format!("{put}Transfer-Encoding: chunked\r\n\r\nzz\r\n"), 400),
        (format!("{put}Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n"), 400),
        (format!("{put}Transfer-Encoding: chunked\r\n\r\nfffffffffff\r\n"), 413),
        (format!("{put}Expect: miracles\r\nContent-Length: 1\r\n\r\n"), 417),
    ] {
        let mut client = node.connect();
        client.send_until_closed(text.as_bytes());
        let answer: Answer = client.answer(false);
        assert_eq!((answer.status, answer.field("Connection")), (status, "close"), "{:?}", &text[..text.len().min(80)]);
        assert!(!answer.code().is_empty());
        assert!(client.is_closed());
        assert!(is_unharmed(&node), "after {:?}", &text[..text.len().min(80)]);
    }
}

#[test]
fn a_request_that_cannot_be_served_is_answered_and_the_connection_stays() {
    let node = node();
    node.ask("PUT /cache/witness\n\nhere");
    let mut client = node.connect();
    for (text, status, code) in [
        ("GET /".to_owned(), 404, "no_such_route"),
        ("GET /cache/%".to_owned(), 400, "bad_request"),
        ("GET /cache/k\nIf-Match: 7".to_owned(), 400, "bad_request"),
        ("GET /cache/k\nX-Consistency: x".to_owned(), 400, "bad_request"),
        ("GET /cache/k\nX-Namespace: 16".to_owned(), 400, "bad_request"),
        ("GET /cache/k\nX-Namespace: a b".to_owned(), 400, "bad_request"),
        ("GET /cache/k\nX-Namespace: name".to_owned(), 404, "no_such_namespace"),
        ("GET /v1/namespaces/name".to_owned(), 404, "no_such_namespace"),
        ("GET /v1/namespaces/16".to_owned(), 400, "bad_request"),
        ("PUT /v1/namespaces/a%2Fb".to_owned(), 400, "bad_request"),
        ("PUT /v1/namespaces/name\n\n{}".to_owned(), 415, "unsupported_media_type"),
        (with_json("PUT /v1/namespaces/name", "{\"maxops\":1}"), 400, "bad_json"),
        (with_json("PUT /v1/namespaces/name", "{\"maxMemory\":\"12q\"}"), 400, "bad_request"),
        (with_json("PUT /v1/namespaces/name", "{\"maxMemory\":1.5}"), 400, "bad_request"),
        (with_json("PUT /v1/namespaces/name", "{\"maxMemory\":-1}"), 400, "bad_request"),
        (with_json("PUT /v1/namespaces/name", "{\"maxOps\":-1}"), 400, "bad_request"),
        (with_json("PUT /v1/namespaces/name", "{\"maxOps\":1e300}"), 400, "bad_request"),
        ("PUT /cache/k\nX-TTL: 0\n\nv".to_owned(), 400, "bad_request"),
        ("PUT /cache/k\nX-TTL: soon\n\nv".to_owned(), 400, "bad_request"),
        (with_json("PUT /cache/k", "{\"value\":"), 400, "bad_json"),
        (with_json("PUT /cache/k", "[]"), 400, "bad_json"),
        (with_json("PUT /cache/k", "{\"value\":1,\"tll\":5}"), 400, "bad_json"),
        (with_json("PUT /cache/k", "{}"), 400, "bad_request"),
        (with_json("POST /cache", "{\"value\":1}"), 400, "bad_request"),
        ("POST /cache/bulk\nContent-Type: text/csv\n\na,b".to_owned(), 415, "unsupported_media_type"),
        (with_json("POST /cache/batch", "{\"keys\":[1]}"), 400, "bad_json"),
        (with_json("POST /cache", &format!("{{\"key\":\"{}\",\"value\":1}}", "k".repeat(65_537))), 413, "too_large"),
        ("DELETE /cache".to_owned(), 405, "method_not_allowed"),
    ] {
        let answer = client.ask(&text);
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{:?}", &text[..text.len().min(80)]);
        assert!(is_unharmed(&node), "after {:?}", &text[..text.len().min(80)]);
    }
}

#[test]
fn a_request_hidden_in_anothers_body_is_not_run() {
    let node = node();
    node.ask("PUT /cache/witness\n\nhere");
    let mut client = node.connect();
    let hidden = "DELETE /cache/witness HTTP/1.1\r\nHost: a\r\n\r\n";
    client.send(&request(&format!("PUT /cache/decoy\n\n{hidden}")));
    assert_eq!(client.answer(false).status, 201);
    assert_eq!(client.ask("DELETE /cache/decoy").status, 200);
    let both = format!(
        "PUT /cache/k HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}",
        hidden.len() + 5
    );
    client.send(both.as_bytes());
    assert_eq!(client.answer(false).status, 400);
    assert!(client.is_closed());
    assert!(is_unharmed(&node));
}
