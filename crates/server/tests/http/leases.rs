//! Over HTTP, too, one of many loads what they miss; and what is stale is given, marked as such.

use crate::client::{TestNode, node, with_json};
use scrubjay_server::clients::ClientFlags;
use serde_json::json;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

fn waits(node: &TestNode, clients: usize) {
    let waiting = || {
        let all = node.node.shared().clients.list();
        all.iter().filter(|info| info.flags().contains(ClientFlags::WAITING)).count()
    };
    while waiting() != clients {
        std::thread::yield_now();
    }
}

#[test]
fn of_many_who_miss_at_once_one_loads_and_the_others_are_given_that() {
    const CLIENTS: usize = 100;
    let node = node();
    let (loads, begin) = (Arc::new(AtomicUsize::new(0)), Arc::new(Barrier::new(CLIENTS)));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (mut client, loads, begin) = (node.connect(), loads.clone(), begin.clone());
            std::thread::spawn(move || {
                begin.wait();
                let answer = client.ask("GET /cache/k?lease=60&wait=60");
                if answer.status == 404 {
                    let token = answer.field("X-Lease").to_owned();
                    loads.fetch_add(1, Ordering::Relaxed);
                    let stored = client.ask(&format!("PUT /cache/k\nX-Lease: {token}\nX-TTL: 60\n\nloaded"));
                    assert_eq!(stored.status, 201, "{stored:?}");
                    return client.ask("GET /cache/k").json()["value"].clone();
                }
                answer.json()["value"].clone()
            })
        })
        .collect();
    for client in clients {
        assert_eq!(client.join().expect("a client"), json!("loaded"));
    }
    assert_eq!(loads.load(Ordering::Relaxed), 1);
}

#[test]
fn a_stale_value_is_marked_and_one_client_may_replace_it() {
    let node = node();
    let stored = node.ask(&with_json("PUT /cache/k", r#"{"value":"old","ttl":10,"stale":20}"#));
    assert_eq!(stored.status, 201);
    node.clock.advance_ms(10_000);
    assert_eq!(node.ask("GET /cache/k").status, 404);
    let first = node.ask("GET /cache/k?lease=5");
    let second = node.ask("GET /cache/k?lease=5&wait=5\nAccept: application/octet-stream");
    assert_eq!((first.status, first.field("X-Cache-Stale"), first.field("X-TTL")), (200, "true", "0"));
    assert_eq!((second.body.as_slice(), second.field("X-Cache-Stale")), (&b"old"[..], "true"));
    assert_eq!(second.field("X-Lease"), "taken");
    let token = first.field("X-Lease");
    let wrong = node.ask("PUT /cache/k\nX-Lease: 1\n\nnew");
    assert_eq!((wrong.status, wrong.code().as_str()), (412, "lease_void"));
    assert_eq!(node.ask(&format!("PUT /cache/k\nX-Lease: {token}\nX-TTL: 10\nX-Stale: 5\n\nnew")).status, 201);
    let fresh = node.ask("GET /cache/k?lease=5");
    assert_eq!((fresh.field("X-Cache-Stale"), fresh.field("X-Lease")), ("", ""));
    let soon = node.ask("GET /cache/k?lease=5&recache=10");
    assert_eq!((soon.status, soon.field("X-Lease").is_empty()), (200, false));
    node.clock.advance_ms(15_000);
    assert_eq!(node.get("/cache/k?lease=5")["code"], "not_found");
}

#[test]
fn a_deleted_lease_is_void_and_a_released_one_is_free() {
    let node = node();
    let token = node.ask("GET /cache/k?lease=60").field("X-Lease").to_owned();
    let (mut one, mut other) = (node.connect(), node.connect());
    one.send(&crate::client::request("GET /cache/k?lease=60&wait=60"));
    other.send(&crate::client::request("GET /cache/k?lease=60&wait=0.5"));
    waits(&node, 2);
    assert_eq!(node.get("/cache/k?lease=60")["code"], "not_found");
    let released = node.ask(&format!("DELETE /cache/k?release={token}"));
    assert_eq!(released.json(), json!({"key": "k", "released": true}));
    waits(&node, 1);
    node.clock.advance_ms(500);
    let mut answers = [one.answer(false), other.answer(false)];
    answers.sort_by_key(|answer| answer.field("X-Lease") == "taken");
    assert_eq!((answers[0].status, answers[1].status), (404, 404));
    assert_ne!(answers[0].field("X-Lease"), token);
    let late = node.ask(&format!("PUT /cache/k\nX-Lease: {token}\n\nlate"));
    assert_eq!(late.status, 412);
}

#[test]
fn what_is_deleted_may_be_kept_as_stale() {
    let node = node();
    assert_eq!(node.ask("PUT /cache/k\n\nv").status, 201);
    let deleted = node.ask("DELETE /cache/k?stale=5");
    assert_eq!(deleted.json(), json!({"key": "k", "deleted": true, "nodesUpdated": 1}));
    assert_eq!(node.ask("GET /cache/k").status, 404);
    assert_eq!(node.ask("GET /cache/k?lease=5").field("X-Cache-Stale"), "true");
    assert_eq!(node.ask("DELETE /cache/k?stale=5\nIf-None-Match: *").status, 412);
    node.redis("rpush list a");
    assert_eq!(node.ask("DELETE /cache/list?stale=5").status, 409);
    for query in ["release=0", "release=x", "stale=0", "stale=-1"] {
        assert_eq!(node.ask(&format!("DELETE /cache/k?{query}")).status, 400, "{query}");
    }
}

#[test]
fn what_is_known_about_an_entry_is_told_without_it() {
    let node = node();
    node.ask("PUT /cache/k\nX-TTL: 10\nX-Stale: 5\n\nvalue");
    let mut known = node.get("/cache/k?meta=true");
    assert!(known["memoryBytes"].as_u64().is_some_and(|bytes| bytes > 20), "{known}");
    known.as_object_mut().expect("an object").remove("memoryBytes");
    let expected = json!({
        "key": "k", "type": "string", "encoding": "embstr", "length": 5, "version": 1, "flags": 0,
        "frequency": 0, "ttl": 10, "stale": 15, "idle": null,
    });
    assert_eq!(known, expected);
    assert_eq!(node.ask("GET /cache/none?meta=true").status, 404);
}
