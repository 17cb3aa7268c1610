//! `INFO`, `LATENCY HISTOGRAM` and `/metrics` say what happened.

use crate::client::{Client, plain_node};
use scrubjay_server::exposition;

#[test]
fn what_was_done_is_counted_once() {
    let node = plain_node();
    let mut client = Client::of(&node);
    client.send("SET k v EX 100\nGET k\nGET nope\nGET k\nINCR k\nGET\nNOSUCH\nLPOP");
    (0..8).for_each(|_| drop(client.read()));
    for (field, value) in [
        ("keyspace_hits", "2"),
        ("keyspace_misses", "1"),
        ("errorstat_ERR", "count=4"),
        ("total_error_replies", "4"),
        ("connected_clients", "1"),
    ] {
        assert_eq!(client.info(field), value, "{field}");
    }
    let keyspace = client.info("db0");
    let mean_ttl_ms =
        keyspace.strip_prefix("keys=1,expires=1,avg_ttl=").and_then(|rest| rest.strip_suffix(",subexpiry=0"));
    let mean_ttl_ms: u64 = mean_ttl_ms.and_then(|number| number.parse().ok()).expect(&keyspace);
    assert!((1..=100_000).contains(&mean_ttl_ms), "{keyspace}");
    assert!(client.info("cmdstat_get").starts_with("calls=3,"));
    assert!(client.info("cmdstat_incr").ends_with("rejected_calls=0,failed_calls=1"));
    assert!(client.info("total_net_input_bytes").parse::<u64>().unwrap() > 100);
    assert!(client.info("latency_percentiles_usec_get").starts_with("p50="));
    assert_eq!(client.ask("CONFIG RESETSTAT"), "OK");
    assert_eq!(client.info("keyspace_hits"), "0");
    assert!(!client.ask("INFO commandstats").contains("cmdstat_get"));
}

#[test]
fn a_refusal_is_counted_with_the_command_whose_it_is() {
    let node = plain_node();
    let mut client = Client::of(&node);
    client.send("GET\nNOSUCH\nCONFIG\nCONFIG GET\nCONFIG NOSUCH\nOBJECT FREQ");
    (0..6).for_each(|_| drop(client.read()));
    for name in ["get", "config", "config|get", "object|freq"] {
        let counted = client.info(&format!("cmdstat_{name}"));
        assert_eq!(counted, "calls=0,usec=0,usec_per_call=0.00,rejected_calls=1,failed_calls=0", "{name}");
    }
    assert_eq!(client.info("total_error_replies"), "6");
    assert!(exposition::prometheus(node.shared()).contains("cache_commands_rejected_total{command=\"get\"} 1\n"));
}

#[test]
fn every_command_of_a_pipeline_is_in_the_histogram() {
    let node = plain_node();
    let mut client = Client::of(&node);
    client.send(&"GET k\n".repeat(1000));
    (0..1000).for_each(|_| drop(client.read()));
    let histogram = client.ask("LATENCY HISTOGRAM get");
    assert!(histogram.starts_with("[get, [calls, 1000, histogram_usec, ["), "{histogram}");
    assert!(histogram.ends_with(", 1000]]]"), "the last bucket has them all: {histogram}");
}

#[test]
fn metrics_agree_with_info() {
    let node = plain_node();
    let mut client = Client::of(&node);
    client.send("SET k v\nGET k\nGET k\nGET nope\nNOSUCH k f");
    (0..5).for_each(|_| drop(client.read()));
    let text = exposition::prometheus(node.shared());
    for line in [
        "cache_entries 1",
        "cache_hits_total 2",
        "cache_misses_total 1",
        "cache_connections 1",
        "cache_errors_total{code=\"ERR\"} 1",
        "cache_commands_total{command=\"get\"} 3",
        "cache_command_duration_seconds_count{command=\"get\"} 3",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
}

#[test]
fn the_whole_table_comes_over_the_wire() {
    let node = plain_node();
    let mut client = Client::of(&node);
    let count: usize = client.ask("COMMAND COUNT").parse().unwrap();
    assert_eq!(client.ask("COMMAND LIST").split(", ").count(), count);
    for line in ["COMMAND", "COMMAND INFO", "COMMAND DOCS"] {
        let answer = client.ask(line);
        assert!(answer.contains("client|list"), "{line}");
    }
    assert!(client.ask("HELLO 3").contains("proto: 3"));
    let docs = client.ask("COMMAND DOCS get");
    assert!(docs.starts_with("{get: {summary: "), "{docs}");
    assert!(
        client.ask("COMMAND INFO get").starts_with("[[get, 2, [readonly, fast], 1, 1, 1, [@read, @string, @fast], []")
    );
}
