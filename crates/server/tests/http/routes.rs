//! Every route answers what its contract says.

use crate::client::{NOW_MS, node, with_json};
use serde_json::json;

#[test]
fn the_first_three_commands_of_the_documentation_answer_as_documented() {
    let node = node();
    let stored = node.ask(&with_json("PUT /cache/a", r#"{"value":1,"ttl":60}"#));
    assert_eq!(stored.status, 201);
    assert_eq!(stored.json(), json!({"key": "a", "stored": true, "replicas": 1, "quorum": 1}));
    let read = node.ask("GET /cache/a");
    assert_eq!((read.status, read.field("X-TTL")), (200, "60"));
    assert_eq!(read.json(), json!({"key": "a", "value": 1, "ttl": 60, "version": 1}));
    assert_eq!(read.field("ETag"), "\"1\"");
    let stats = node.get("/cache/stats");
    assert_eq!((&stats["entries"], &stats["hits"], &stats["hitRate"]), (&json!(1), &json!(1), &json!(1)));
}

#[test]
fn a_key_is_any_bytes_and_a_slash_is_one_of_them() {
    let node = node();
    for (path, key) in [("/cache/a/b", "a/b"), ("/v1/keys/stats", "stats"), ("/cache/%C3%A9+", "é+"), ("/v1/keys/", "")]
    {
        assert_eq!(node.ask(&format!("PUT {path}\n\nv")).status, 201, "{path}");
        assert_eq!(node.get(path)["key"], key, "{path}");
    }
    assert_eq!(node.ask("PUT /cache/%ff%00\n\nv").status, 201);
    let binary = node.get("/v1/keys/%FF%00");
    assert_eq!((&binary["key"], &binary["keyBase64"]), (&json!("\u{fffd}\0"), &json!("/wA=")));
    assert_eq!(node.redis(r#"get "\xff\x00""#), b"$1");
}

#[test]
fn json_reads_back_as_json_and_over_redis_as_its_text() {
    let node = node();
    for (value, over_redis) in [
        (r#""text""#, "text"),
        (r#""a \"b\" \n""#, "a \"b\" \n"),
        ("5", "5"),
        ("1.50", "1.50"),
        (r#"{"a": [1, null]}"#, r#"{"a": [1, null]}"#),
        ("null", "null"),
    ] {
        assert_eq!(node.ask(&with_json("PUT /cache/k", &format!("{{\"value\":{value}}}"))).status, 201);
        let body = String::from_utf8(node.ask("GET /cache/k").body).expect("text");
        assert!(body.contains(&format!("\"value\":{value},")), "{value} came back in {body}");
        assert_eq!(node.redis("strlen k"), format!(":{}", over_redis.len()).into_bytes(), "{value}");
        assert_eq!(node.ask("GET /cache/k\nAccept: application/octet-stream").body, over_redis.as_bytes());
    }
}

#[test]
fn what_others_wrote_reads_back_as_string_or_base64() {
    let node = node();
    node.redis("set number 5");
    assert_eq!(node.get("/cache/number")["value"], "5");
    node.redis(r#"set binary "\xff""#);
    let binary = node.get("/cache/binary");
    assert_eq!((&binary["base64"], binary.get("value")), (&json!("/w=="), None));
    assert_eq!(node.ask(&with_json("PUT /cache/copy", r#"{"base64":"/w=="}"#)).status, 201);
    assert_eq!(node.ask("GET /cache/copy\nAccept: application/octet-stream").body, b"\xff");
}

#[test]
fn a_json_value_that_redis_commands_changed_is_json_as_long_as_it_still_is() {
    let node = node();
    node.ask(&with_json("PUT /cache/k", r#"{"value":5}"#));
    assert_eq!(node.redis("incr k"), b":6");
    assert_eq!(node.get("/cache/k")["value"], 6);
    node.redis("append k x");
    assert_eq!(node.get("/cache/k")["value"], "6x");
}

#[test]
fn raw_bodies_are_stored_as_they_are() {
    let node = node();
    let put = node.ask("PUT /cache/raw\nContent-Type: text/plain\nX-TTL: 1.5\n\n{\"value\":1}");
    assert_eq!((put.status, put.field("ETag")), (201, "\"1\""));
    let read = node.ask("GET /cache/raw\nAccept: application/octet-stream, */*;q=0.1");
    assert_eq!((read.body.as_slice(), read.field("X-TTL")), (&b"{\"value\":1}"[..], "1.5"));
    assert_eq!((read.field("Content-Type"), read.field("ETag")), ("application/octet-stream", "\"1\""));
    assert_eq!(node.get("/cache/raw")["value"], "{\"value\":1}");
    assert_eq!(node.ask("PUT /cache/empty").status, 201);
    assert_eq!(node.get("/cache/empty")["value"], "");
}

#[test]
fn lifetimes_end_when_they_said_they_would() {
    let node = node();
    node.ask(&with_json("PUT /cache/a", r#"{"value":1,"ttl":0.25}"#));
    node.ask(&with_json("PUT /cache/b", r#"{"value":1,"ttl":null}"#));
    node.clock.advance_ms(249);
    assert_eq!(node.get("/cache/a")["ttl"], 0.001);
    assert_eq!(node.get("/cache/b")["ttl"], json!(null));
    node.clock.advance_ms(1);
    let gone = node.ask("GET /cache/a");
    assert_eq!((gone.status, gone.code().as_str()), (404, "not_found"));
}

#[test]
fn conditions_decide_on_the_version() {
    let node = node();
    let created = node.ask("PUT /cache/k\nIf-None-Match: *\n\n1");
    let tag = created.field("ETag").to_owned();
    assert_eq!(created.status, 201);
    assert_eq!(node.ask("PUT /cache/k\nIf-None-Match: *\n\n2").code(), "precondition_failed");
    assert_eq!(node.ask(&format!("GET /cache/k\nIf-None-Match: {tag}")).status, 304);
    assert_eq!(node.ask(&format!("GET /cache/k\nIf-None-Match: {tag}")).field("ETag"), tag);
    assert_eq!(node.ask("GET /cache/k\nIf-Match: \"99\"").status, 412);
    let changed = node.ask(&format!("PUT /cache/k\nIf-Match: {tag}\n\n3"));
    assert_eq!(changed.status, 201);
    assert_eq!(node.ask(&format!("PUT /cache/k\nIf-Match: {tag}\n\n4")).status, 412);
    assert_eq!(node.ask(&format!("DELETE /cache/k\nIf-Match: {tag}")).status, 412);
    assert_eq!(node.get("/cache/k")["value"], "3");
    assert_eq!(node.ask(&format!("DELETE /cache/k\nIf-Match: {}", changed.field("ETag"))).status, 200);
    assert_eq!(node.ask("PUT /cache/k\nIf-Match: *\n\n5").status, 412);
}

#[test]
fn deleting_says_whether_there_was_anything() {
    let node = node();
    node.ask("PUT /cache/k\n\nv");
    assert_eq!(node.ask("DELETE /cache/k").json(), json!({"key": "k", "deleted": true, "nodesUpdated": 1}));
    assert_eq!(node.ask("DELETE /v1/keys/k").json(), json!({"key": "k", "deleted": false, "nodesUpdated": 0}));
}

#[test]
fn post_takes_the_key_from_the_body() {
    let node = node();
    let stored = node.ask(&with_json("POST /cache", r#"{"key":"k","value":[1],"ttl":9,"tags":[]}"#));
    assert_eq!((stored.status, &stored.json()["key"]), (201, &json!("k")));
    assert_eq!(node.get("/cache/k"), json!({"key": "k", "value": [1], "ttl": 9, "version": 1}));
    assert_eq!(node.ask("POST /cache\nContent-Type: text/plain\n\nx").code(), "unsupported_media_type");
    assert_eq!(node.ask(&with_json("POST /cache", r#"{"key":"t","value":1,"tags":["x"]}"#)).status, 201);
    assert_eq!(node.ask("GET /cache/t").status, 200);
}

#[test]
fn many_keys_have_a_result_each_in_order() {
    let node = node();
    let items = r#"{"items":[{"key":"a","value":1},{"key":"b,c","value":"x","ttl":5},{"key":"a","value":2}]}"#;
    let stored = node.ask(&with_json("POST /cache/bulk", items)).json();
    assert_eq!(stored["stored"], 3);
    assert_eq!(stored["results"][1], json!({"key": "b,c", "stored": true}));
    let read = node.get("/cache/bulk?x=y&keys=a,none,b%2Cc,a");
    assert_eq!((&read["hits"], &read["misses"]), (&json!(3), &json!(1)));
    assert_eq!(read["results"][0], json!({"key": "a", "found": true, "value": 2, "ttl": null, "version": 2}));
    assert_eq!(read["results"][1], json!({"key": "none", "found": false}));
    assert_eq!(read["results"][2]["ttl"], 5);
    let batch = node.ask(&with_json("POST /cache/batch", r#"{"keys":["a","none","b,c","a"]}"#)).json();
    assert_eq!(batch, read);
    assert_eq!(node.ask("GET /cache/bulk").status, 400);
    assert_eq!(node.ask("GET /cache/bulk?keys=a&keys=b").status, 400);
}

#[test]
fn a_bad_item_stores_none_of_them() {
    let node = node();
    let items = r#"{"items":[{"key":"a","value":1},{"key":"b","value":1,"ttl":-1}]}"#;
    let refused = node.ask(&with_json("POST /cache/bulk", items));
    assert_eq!(
        (refused.status, refused.json()["error"].as_str().map(|e| e.starts_with("item 1: "))),
        (400, Some(true))
    );
    assert_eq!(node.get("/stats")["entries"], 0);
}

#[test]
fn a_prefix_takes_its_keys_and_no_others() {
    let node = node();
    for key in ["user:1", "user:2", "order:1"] {
        node.ask(&format!("PUT /cache/{key}\n\nv"));
    }
    node.ask("PUT /cache/user:3\nX-Namespace: 1\n\nv");
    let deleted = node.ask("DELETE /cache/prefix/user%3A").json();
    assert_eq!(deleted, json!({"prefix": "user:", "deleted": true, "slots": 4, "nodesUpdated": 1}));
    assert_eq!(node.ask("GET /cache/order:1").status, 200);
    assert_eq!(node.ask("GET /cache/user:3\nX-Namespace: 1").status, 200);
    assert_eq!(node.ask("DELETE /cache/prefix/").status, 400);
}

#[test]
fn namespaces_are_the_databases_of_redis() {
    let node = node();
    assert_eq!(node.ask("PUT /cache/k\nX-Namespace: 3\n\nthree").status, 201);
    assert_eq!(node.ask("GET /cache/k").status, 404);
    assert_eq!(node.ask("GET /cache/k\nX-Namespace: 3").json()["value"], "three");
    node.redis("set moved here");
    assert_eq!(node.redis("move moved 3"), b":1");
    assert_eq!(node.ask("GET /cache/moved\nX-Namespace: 3").json()["value"], "here");
    assert_eq!(node.ask("GET /cache/k\nX-Namespace: 16").status, 400);
}

#[test]
fn a_node_alone_satisfies_every_level_and_refuses_unknown_ones() {
    let node = node();
    for level in ["one", "quorum", "all", "strong"] {
        assert_eq!(
            node.ask(&format!("PUT /cache/k\nX-Consistency: {level}\nX-Session: s\n\nv")).status,
            201,
            "{level}"
        );
        assert_eq!(node.ask(&format!("GET /cache/k\nX-Consistency: {level}")).status, 200, "{level}");
    }
    assert_eq!(node.ask("GET /cache/k\nX-Consistency: session").status, 200);
    assert_eq!(node.ask("PUT /cache/k\nX-Consistency: any\n\nv").status, 400);
    assert_eq!(node.ask("GET /cache/k\nX-Consistency: most").status, 400);
}

#[test]
fn head_is_get_without_its_body() {
    let node = node();
    node.ask("PUT /cache/k\n\nvalue");
    let (get, head) = (node.ask("GET /cache/k"), node.ask("HEAD /cache/k"));
    assert_eq!((head.status, &head.fields, head.body.len()), (200, &get.fields, 0));
    assert_eq!(node.ask("HEAD /cache/none").status, 404);
    for path in ["/stats", "/health", "/openapi.json", "/cache/bulk?keys=k"] {
        assert_eq!(node.ask(&format!("HEAD {path}")).status, 200, "{path}");
    }
}

#[test]
fn options_and_wrong_methods_say_what_is_allowed() {
    let node = node();
    let options = node.ask("OPTIONS /cache/k");
    assert_eq!((options.status, options.field("Allow")), (204, "GET, HEAD, PUT, DELETE, OPTIONS"));
    assert_eq!(node.ask("OPTIONS *").status, 204);
    for (request, allow) in [
        ("PATCH /cache/k", "GET, HEAD, PUT, DELETE, OPTIONS"),
        ("PUT /cache/stats", "GET, HEAD, OPTIONS"),
        ("GET /cache", "POST, OPTIONS"),
        ("GET /cache/tag/x", "DELETE, OPTIONS"),
        ("BREW /health", "GET, HEAD, OPTIONS"),
    ] {
        let refused = node.ask(request);
        assert_eq!((refused.status, refused.field("Allow")), (405, allow), "{request}");
        assert_eq!(refused.code(), "method_not_allowed");
    }
    assert_eq!(node.ask("GET /nowhere").code(), "no_such_route");
}

#[test]
fn the_node_tells_about_itself() {
    let node = node();
    node.clock.advance_ms(1500);
    assert_eq!(node.get("/health"), json!({"status": "healthy", "timestamp": (NOW_MS + 1500) as f64 / 1000.0}));
    assert_eq!(node.get("/ready")["status"], "ready");
    assert_eq!(node.get("/stats")["uptime"], 1.5);
    let status = node.get("/cluster/status");
    assert_eq!((&status["totalNodes"], &status["healthyNodes"]), (&json!(1), &json!(1)));
    assert_eq!(status["nodes"][0]["healthy"], true);
    for quorum in ["replicationFactor", "writeQuorum", "readQuorum", "topologyVersion"] {
        assert_eq!(status[quorum], 1, "{quorum}");
    }
    let distribution = node.get("/cluster/distribution");
    let id = status["nodes"][0]["id"].as_str().expect("an id");
    assert_eq!(distribution["distribution"][id], json!({"count": 10_000, "percentage": "100.00%"}));
    assert_eq!((&distribution["sampleSize"], &distribution["virtualNodesPerNode"]), (&json!(10_000), &json!(150)));
}

#[test]
fn hot_keys_are_counted_over_all_doors() {
    let node = node();
    for _ in 0..300 {
        node.ask("GET /v1/keys/warm%20one");
    }
    for _ in 0..3000 {
        node.ask("GET /cache/hot");
    }
    let hot = node.get("/cluster/hotkeys");
    assert_eq!((&hot["windowSeconds"], &hot["threshold"]), (&json!(60), &json!(1000)));
    let (first, second) = (&hot["keys"][0], &hot["keys"][1]);
    assert_eq!((&first["key"], &first["namespace"], &first["hot"]), (&json!("hot"), &json!("0"), &json!(true)));
    let count = first["count"].as_u64().expect("a count");
    assert!((1500..4500).contains(&count) && first["reads"] == count, "{hot}");
    assert_eq!((&second["key"], &second["hot"]), (&json!("warm one"), &json!(false)));
}

#[test]
fn a_tag_takes_what_was_written_with_it_at_any_door() {
    let node = node();
    node.ask(&with_json("PUT /cache/a", r#"{"value":1,"tags":["red","green"]}"#));
    node.ask(&with_json("POST /cache", r#"{"key":"b","value":2,"tags":["red"]}"#));
    node.ask(&with_json(
        "POST /cache/bulk",
        r#"{"items":[{"key":"c","value":3,"tags":["red"]},{"key":"d","value":4}]}"#,
    ));
    let deleted = node.ask("DELETE /cache/tag/red").json();
    assert_eq!((&deleted["tag"], &deleted["deleted"]), (&json!("red"), &json!(true)));
    for (key, status) in [("a", 404), ("b", 404), ("c", 404), ("d", 200)] {
        assert_eq!(node.ask(&format!("GET /cache/{key}")).status, status, "{key}");
    }
    node.ask(&with_json("PUT /cache/a", r#"{"value":1,"tags":["blue"]}"#));
    node.ask("DELETE /cache/tag/red");
    assert_eq!(node.ask("GET /cache/a").status, 200);
    assert_eq!(node.ask("DELETE /cache/tag/").status, 400);
}

#[test]
fn metrics_have_the_names_of_the_contract() {
    let node = node();
    node.ask("PUT /cache/k\n\nv");
    node.ask("GET /cache/k");
    node.ask("GET /cache/none");
    let metrics = node.ask("GET /metrics");
    assert_eq!(metrics.field("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
    let text = String::from_utf8(metrics.body).expect("text");
    for line in ["cache_entries 1", "cache_hits_total 1", "cache_misses_total 1", "cache_hit_rate 0.5"] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    for name in ["cache_memory_bytes", "cache_evictions_total", "cache_expirations_total"] {
        assert!(text.lines().any(|line| line.starts_with(&format!("{name} "))), "{name} is not in\n{text}");
    }
}

#[test]
fn the_description_is_served() {
    let node = node();
    let description = node.get("/openapi.json");
    assert_eq!(description["openapi"], "3.1.0");
    assert!(description["paths"]["/cache/{key}"]["get"]["responses"]["404"].is_object());
}

#[test]
fn a_hash_reads_as_an_object_and_a_set_as_an_array_without_what_has_expired() {
    let node = node();
    node.redis("hset h f 1 gone 2");
    node.redis("hpexpire h 1000 FIELDS 1 gone");
    node.redis("sadd s 3");
    assert_eq!(node.get("/cache/h")["value"], json!({"f": "1", "gone": "2"}));
    node.clock.advance_ms(1000);
    let hash = node.get("/cache/h");
    assert_eq!((&hash["type"], &hash["value"]), (&json!("hash"), &json!({"f": "1"})));
    let set = node.get("/cache/s");
    assert_eq!((&set["type"], &set["value"]), (&json!("set"), &json!(["3"])));
    node.redis(r#"hset h "\xff" 2"#);
    let pairs = node.get("/cache/h");
    assert_eq!(pairs["value"], json!([["f", "1"], [{"base64": "/w=="}, "2"]]));
}

#[test]
fn a_sorted_set_is_an_array_of_members_and_scores_in_order() {
    let node = node();
    assert_eq!(node.redis(r#"zadd z 1.5 b -inf a 1e300 "\xff""#), b":3");
    let read = node.get("/cache/z");
    assert_eq!(read["type"], "zset");
    let members = json!([
        {"member": "a", "score": "-inf"},
        {"member": "b", "score": 1.5},
        {"member": {"base64": "/w=="}, "score": 1e300},
    ]);
    assert_eq!(read["value"], members);
}
