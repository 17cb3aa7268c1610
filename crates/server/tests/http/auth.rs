//! With a password set, nothing but health is answered without it.

use crate::client::{node, node_with, request, with_json};

const BASIC: &str = "Authorization: Basic ZGVmYXVsdDpzM2NyZXQ="; // default:s3cret

#[test]
fn a_password_is_asked_for_and_both_schemes_bring_it() {
    let node = node_with(&[("requirepass", "s3cret")]);
    for refused in
        ["", "\nAuthorization: Bearer wrong", "\nAuthorization: Bearer s3cre", "\nAuthorization: Negotiate x"]
    {
        let answer = node.ask(&format!("GET /cache/k{refused}"));
        assert_eq!((answer.status, answer.code().as_str()), (401, "unauthorized"), "{refused}");
        let schemes: Vec<_> = answer.fields.iter().filter(|(name, _)| name == "WWW-Authenticate").collect();
        assert_eq!(schemes.len(), 2);
    }
    assert_eq!(node.ask("PUT /cache/k\nAuthorization: Bearer s3cret\n\nv").status, 201);
    assert_eq!(node.ask(&format!("GET /cache/k\n{BASIC}")).status, 200);
    assert_eq!(node.ask("GET /cache/k\nAuthorization: Basic b3RoZXI6czNjcmV0").status, 401, "another user");
}

#[test]
fn health_and_readiness_are_open_and_nothing_else_is() {
    let node = node_with(&[("requirepass", "s3cret")]);
    for (path, status) in [
        ("/health", 200),
        ("/ready", 200),
        ("/stats", 401),
        ("/metrics", 401),
        ("/openapi.json", 401),
        ("/nowhere", 401),
    ] {
        assert_eq!(node.ask(&format!("GET {path}")).status, status, "{path}");
    }
}

#[test]
fn a_password_counts_for_its_own_request() {
    let node = node_with(&[("requirepass", "s3cret")]);
    let mut client = node.connect();
    assert_eq!(client.ask("PUT /cache/k\nAuthorization: Bearer s3cret\n\nv").status, 201);
    assert_eq!(client.ask("GET /cache/k").status, 401);
    assert_eq!(client.ask("GET /cache/k\nAuthorization: Bearer s3cret").status, 200);
}

#[test]
fn a_password_that_is_set_later_is_asked_for_at_once() {
    let node = node();
    let mut client = node.connect();
    assert_eq!(client.ask("PUT /cache/k\n\nv").status, 201);
    node.node.shared().change_settings(&[("requirepass", "new")]).expect("a setting");
    assert_eq!(client.ask("GET /cache/k").status, 401);
    assert_eq!(client.ask("GET /cache/k\nAuthorization: Bearer new").status, 200);
}

#[test]
fn a_large_body_without_password_is_refused_before_it_is_sent() {
    let node = node_with(&[("requirepass", "s3cret")]);
    for field in ["Content-Length: 65537", "Transfer-Encoding: chunked", "Expect: 100-continue\r\nContent-Length: 5"] {
        let mut client = node.connect();
        client.send(format!("PUT /cache/k HTTP/1.1\r\nHost: a\r\n{field}\r\n\r\n").as_bytes());
        let answer = client.answer(false);
        assert_eq!((answer.status, answer.field("Connection")), (401, "close"), "{field}");
        assert!(client.is_closed());
    }
    let mut client = node.connect();
    client.send(b"PUT /cache/k HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer s3cret\r\nContent-Length: 100000\r\n\r\n");
    client.send(&[b'x'; 100_000]);
    assert_eq!(client.answer(false).status, 201);
}

#[test]
fn a_client_without_password_may_not_go_on_for_ever() {
    let node = node_with(&[("requirepass", "s3cret")]);
    let mut client = node.connect();
    let asked = request(&format!("GET /cache/k\nX-Padding: {}", "x".repeat(30_000)));
    for _ in 0..3 {
        client.send(&asked);
        assert_eq!(client.answer(false).status, 401);
    }
    assert!(client.is_closed());
    let mut late = node.connect();
    assert_eq!(late.ask("GET /health").status, 200);
    node.clock.advance_ms(11_000);
    assert!(late.is_closed(), "the time to show a password is over");
}

#[test]
fn a_refused_write_changes_nothing() {
    let node = node_with(&[("requirepass", "s3cret")]);
    assert_eq!(node.ask(&with_json("POST /cache", r#"{"key":"k","value":1}"#)).status, 401);
    assert_eq!(node.ask("DELETE /cache/prefix/k").status, 401);
    assert_eq!(node.node.shared().store.stats().entries, 0);
}
