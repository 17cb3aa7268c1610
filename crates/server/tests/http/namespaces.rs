//! Namespaces over HTTP: made, used, within their quotas, and dropped.

use crate::client::{TestNode, node, with_json};
use scrubjay_server::clients::ClientFlags;
use serde_json::json;

fn put(node: &TestNode, name: &str, settings: &str) -> u16 {
    node.ask(&with_json(&format!("PUT /v1/namespaces/{name}"), settings)).status
}

#[test]
fn a_namespace_is_made_changed_as_a_whole_and_dropped() {
    let node = node();
    assert_eq!(node.get("/v1/namespaces"), json!({"namespaces": []}));
    let settings = r#"{"maxMemory":"100mb","evictionPolicy":"noeviction","defaultTtl":1.5,"maxOps":5000}"#;
    let made = node.ask(&with_json("PUT /v1/namespaces/jobs", settings));
    let mut jobs = json!({
        "name": "jobs", "database": 16, "maxMemory": 104_857_600, "evictionPolicy": "noeviction", "defaultTtl": 1.5,
        "maxOps": 5000, "entries": 0, "volatileEntries": 0, "memoryBytes": 0, "opsRefused": 0,
    });
    assert_eq!((made.status, made.json()), (201, jobs.clone()));
    assert_eq!(node.get("/v1/namespaces/jobs"), jobs);
    let changed = node.ask(&with_json("PUT /v1/namespaces/jobs", r#"{"maxOps":7,"defaultTtl":null}"#));
    for (name, value) in
        [("maxMemory", json!(0)), ("evictionPolicy", json!(null)), ("defaultTtl", json!(null)), ("maxOps", json!(7))]
    {
        jobs[name] = value;
    }
    assert_eq!((changed.status, changed.json()), (200, jobs.clone()));
    assert_eq!(put(&node, "3", r#"{"defaultTtl":60}"#), 200);
    let names: Vec<_> = node.get("/v1/namespaces")["namespaces"].as_array().expect("a list").clone();
    assert_eq!(names.iter().map(|one| one["name"].clone()).collect::<Vec<_>>(), [json!("3"), json!("jobs")]);
    let dropped = node.ask("DELETE /v1/namespaces/jobs");
    assert_eq!((dropped.status, dropped.json()), (200, json!({"name": "jobs", "dropped": true})));
    assert_eq!(node.ask("DELETE /v1/namespaces/jobs").code(), "no_such_namespace");
    assert_eq!(node.ask("GET /v1/namespaces/jobs").status, 404);
    assert_eq!(node.get("/v1/namespaces/0")["database"], 0);
}

#[test]
fn requests_name_the_namespace_that_they_work_on() {
    let node = node();
    let missing = node.ask("PUT /cache/k\nX-Namespace: sessions\n\nv");
    assert_eq!((missing.status, missing.code().as_str()), (404, "no_such_namespace"));
    assert_eq!(put(&node, "sessions", "{}"), 201);
    assert_eq!(node.ask("PUT /cache/k\nX-Namespace: sessions\n\nv").status, 201);
    assert_eq!(node.ask("GET /cache/k").status, 404);
    assert_eq!(node.ask("GET /cache/k\nX-Namespace: sessions").json()["value"], "v");
    assert_eq!(node.get("/v1/namespaces/sessions")["entries"], 1);
    assert!(node.redis("copy k l db sessions").starts_with(b":0"));
    let metrics = String::from_utf8(node.ask("GET /metrics").body).expect("text");
    assert!(metrics.contains("cache_namespace_entries{namespace=\"sessions\"} 1\n"), "{metrics}");
    node.ask("DELETE /v1/namespaces/sessions");
    assert_eq!(node.ask("GET /cache/k\nX-Namespace: sessions").status, 404);
    assert_eq!(put(&node, "sessions", "{}"), 201);
    assert_eq!(node.ask("GET /cache/k\nX-Namespace: sessions").code(), "not_found");
}

#[test]
fn a_quota_counts_every_key_of_a_batch_and_says_when_to_come_again() {
    let node = node();
    assert_eq!(put(&node, "m", r#"{"maxOps":4}"#), 201);
    assert_eq!(node.ask("PUT /cache/a\nX-Namespace: m\n\nv").status, 201);
    let three = node.ask("GET /cache/bulk?keys=a,b,c\nX-Namespace: m");
    assert_eq!((three.status, three.json()["hits"].clone()), (200, json!(1)));
    for request in ["GET /cache/a", "DELETE /cache/prefix/a", "GET /cache/bulk?keys=a"] {
        let refused = node.ask(&format!("{request}\nX-Namespace: m"));
        assert_eq!((refused.status, refused.field("Retry-After")), (429, "1"), "{request}");
        assert_eq!(refused.code(), "limited");
        let sentence = "namespace 'm' may run 4 commands a second: try again in 250 ms; nothing was changed";
        assert_eq!(refused.json()["error"], sentence);
    }
    assert_eq!(node.ask("GET /cache/a").status, 404, "another namespace");
    assert_eq!(node.get("/v1/namespaces/m")["opsRefused"], 3);
    let bulk = r#"{"items":[{"key":"x","value":1},{"key":"y","value":1}]}"#;
    let bulk = || node.ask(&with_json("POST /cache/bulk\nX-Namespace: m", bulk));
    node.clock.advance_ms(250);
    assert_eq!(bulk().status, 429);
    assert_eq!(node.ask("GET /cache/x\nX-Namespace: m").code(), "not_found");
    node.clock.advance_ms(500);
    assert_eq!(bulk().json()["stored"], 2);
    // One request of more than a second's worth runs after rest, and the next waits for what it took.
    node.clock.advance_ms(1000);
    let keys: Vec<String> = (0..12).map(|n| format!("\"{n}\"")).collect();
    let many = with_json("POST /cache/batch\nX-Namespace: m", &format!("{{\"keys\":[{}]}}", keys.join(",")));
    assert_eq!(node.ask(&many).status, 200);
    assert_eq!(node.ask("GET /cache/a\nX-Namespace: m").field("Retry-After"), "3");
}

#[test]
fn who_waits_for_a_key_of_a_dropped_namespace_is_told_that_it_is_gone() {
    let node = node();
    assert_eq!(put(&node, "m", r#"{"maxOps":2}"#), 201);
    let lease = node.ask("GET /cache/k?lease=60\nX-Namespace: m");
    assert!(lease.field("X-Lease").parse::<u64>().is_ok());
    let mut waiting = node.connect();
    waiting.send(&crate::client::request("GET /cache/k?lease=60&wait=60\nX-Namespace: m"));
    let waits = || node.node.shared().clients.list().iter().any(|info| info.flags().contains(ClientFlags::WAITING));
    while !waits() {
        std::thread::yield_now();
    }
    assert_eq!(node.ask("DELETE /v1/namespaces/m").status, 200);
    assert_eq!(waiting.answer(false).code(), "no_such_namespace");
}

#[test]
fn the_forty_ninth_name_is_refused() {
    let node = node();
    (0..48).for_each(|n| assert_eq!(put(&node, &format!("n{n}"), "{}"), 201));
    let more = node.ask(&with_json("PUT /v1/namespaces/more", "{}"));
    assert_eq!((more.status, more.code().as_str()), (409, "too_many_namespaces"));
    assert_eq!(put(&node, "n3", "{}"), 200);
    assert_eq!(put(&node, "15", "{}"), 200);
}
