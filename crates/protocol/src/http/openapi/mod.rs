//! `GET /openapi.json`: the routes, described for machines (OpenAPI 3.1, <https://spec.openapis.org/oas/v3.1.0>).
//!
//! Paths and methods come from the table of routes; what each operation takes and answers is written here, the shapes in
//! `schemas`. The document is meant to be true for any input, however odd: property-based testers read it and try.

mod schemas;

use super::head::Method;
use super::route::{Operation, Route, routes};
use serde_json::{Map, Value, json};
use std::sync::LazyLock;

/// The document.
pub fn document() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| build().to_string());
    &TEXT
}

fn build() -> Value {
    let paths: Map<String, Value> = routes().map(|route| (route.template.to_owned(), path_item(route))).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Scrubjay",
            "summary": "A distributed cache, over HTTP.",
            "description": "All times are seconds; fractions are allowed. An application/json body is an envelope, any other \
                            content type is the raw value. HEAD is answered wherever GET is.",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "security": [{}, { "bearer": [] }, { "basic": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas::all(),
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer", "description": "The node's password as token." },
                "basic": { "type": "http", "scheme": "basic", "description": "User 'default', the node's password." },
            },
        },
    })
}

fn path_item(route: &Route) -> Value {
    let mut item = Map::new();
    for (method, operation) in route.operations {
        item.insert(method.name().to_ascii_lowercase(), describe(route, *method, *operation));
    }
    Value::Object(item)
}

fn describe(route: &Route, method: Method, operation: Operation) -> Value {
    let mut description = json!({
        "operationId": operation_id(route, method),
        "summary": summary(operation),
        "tags": [if operation.is_data() { "entries" } else { "node" }],
        "parameters": parameters(route, operation),
        "responses": responses(operation),
    });
    if let Some(body) = request_body(operation) {
        description["requestBody"] = body;
    }
    if operation.is_open() {
        description["security"] = json!([]);
    }
    description
}

/// `get_cache_key`, `post_cache_bulk`: unique because path and method are.
fn operation_id(route: &Route, method: Method) -> String {
    let path = route.template.trim_matches(['/', '}']).replace(['/', '{', '}', '.'], "_").replace("__", "_");
    format!("{}_{path}", method.name().to_ascii_lowercase())
}

fn summary(operation: Operation) -> &'static str {
    match operation {
        Operation::Get => "The entry; as bare bytes if Accept prefers application/octet-stream.",
        Operation::Put => "Stores a value under the key, replacing what was there.",
        Operation::Remove => "Deletes the entry.",
        Operation::PutKeyed => "Stores a value under the key in the body.",
        Operation::GetList | Operation::GetMany => "Reads several entries: a result per key, in order.",
        Operation::PutMany => "Stores several values: a result per item, in order. Not atomic.",
        Operation::RemovePrefix => "Deletes every entry whose key starts with the prefix, at once.",
        Operation::RemoveTag => "Deletes every entry with the tag, at once.",
        Operation::Stats => "Counters and limits of this node.",
        Operation::Health => "Whether the process lives.",
        Operation::Ready => "Whether the node serves requests.",
        Operation::Metrics => "Prometheus' text format.",
        Operation::OpenApi => "This document.",
        Operation::ClusterStatus => "The nodes and their health.",
        Operation::ClusterDistribution => "Which node would hold how many of a sample of keys.",
        Operation::ClusterHotkeys => "The keys that are used most, with estimated counts.",
        Operation::Namespaces => "The namespaces that have a name or settings of their own.",
        Operation::GetNamespace => "A namespace: its settings and what it holds.",
        Operation::PutNamespace => "Makes a namespace, or changes it: it has these settings then, and no others.",
        Operation::DropNamespace => {
            "Empties a namespace and forgets it; a number keeps its entries and loses its settings."
        }
    }
}

fn parameters(route: &Route, operation: Operation) -> Value {
    let mut parameters = Vec::new();
    let mut header = |name: &str, schema: Value, description: &str| {
        parameters.push(json!({ "name": name, "in": "header", "schema": schema, "description": description }));
    };
    if operation.is_data() {
        header("X-Namespace", schemas::namespace(), "The namespace, 0 unless named.");
        header("X-Consistency", schemas::consistency(operation.is_write()), "How many copies must agree.");
        header("X-Session", json!({ "type": "string" }), "A session's token; a node that stands alone needs none.");
    }
    if matches!(operation, Operation::Get | Operation::Put | Operation::Remove | Operation::PutKeyed) {
        header("If-Match", schemas::etags(), "Only if the entry has one of these versions; '*': only if there is one.");
        header("If-None-Match", schemas::etags(), "Only if it has none of these; '*': only if there is none.");
    }
    if matches!(operation, Operation::Put | Operation::PutKeyed | Operation::PutMany) {
        header("X-TTL", schemas::ttl_header(), "Lifetime in seconds, or 'none', where the body does not say it.");
        header("X-Stale", schemas::seconds_above_0(), "Seconds for which it is kept beyond that, as stale.");
    }
    if matches!(operation, Operation::Put | Operation::PutKeyed) {
        header("X-Lease", schemas::token(), "Only if this token, which GET gave, is still good; else 412.");
    }
    let mut query = |name: &str, schema: Value, description: &str| {
        parameters.push(json!({ "name": name, "in": "query", "schema": schema, "description": description }));
    };
    if operation == Operation::Get {
        query("lease", schemas::lease(), "On a miss, or if stale: asks for the right to load it, for so many seconds.");
        query("wait", schemas::wait(), "How many seconds to wait for another who loads it. With lease.");
        query("recache", schemas::seconds_from_0(), "Lease it too if it expires within so many seconds. With lease.");
        query("meta", json!({ "type": "boolean" }), "What is known about the entry, instead of it.");
    }
    if operation == Operation::Remove {
        query("stale", schemas::seconds_above_0(), "Keep it so many seconds for those who take it stale.");
        query("release", schemas::token(), "Give this token back, and delete nothing.");
    }
    if operation == Operation::GetList {
        parameters.push(json!({
            "name": "keys", "in": "query", "required": true, "style": "form", "explode": false,
            "schema": { "type": "array", "items": { "type": "string" }, "minItems": 1 },
            "description": "Keys, separated by commas; a comma inside a key is written %2C.",
        }));
    }
    if let Some((_, name)) = route.template.split_once('{') {
        let (schema, description) = match name {
            "name}" => (schemas::namespace(), "A namespace."),
            _ => (json!({ "type": "string", "minLength": 1 }), "Any bytes, percent-encoded."),
        };
        parameters.push(json!({
            "name": name.trim_end_matches('}'), "in": "path", "required": true,
            "schema": schema, "description": description,
        }));
    }
    Value::Array(parameters)
}

fn request_body(operation: Operation) -> Option<Value> {
    let json_body = |name: &str| json!({ "application/json": { "schema": schemas::reference(name) } });
    let content = match operation {
        Operation::Put => {
            let mut content = json_body("Value");
            content["application/octet-stream"] = json!({ "schema": { "type": "string", "format": "binary" } });
            content
        }
        Operation::PutKeyed => json_body("Item"),
        Operation::PutMany => json_body("Items"),
        Operation::GetMany => json_body("Keys"),
        Operation::PutNamespace => json_body("NamespaceSettings"),
        _ => return None,
    };
    // A raw value may be empty, and then there is no body.
    Some(json!({ "required": operation != Operation::Put, "content": content }))
}

fn responses(operation: Operation) -> Value {
    let mut responses = Map::new();
    let (status, success) = success(operation);
    if let Some(success) = success {
        responses.insert(status.to_owned(), success);
    }
    for &(status, description) in faults(operation) {
        responses.insert(status.to_owned(), answer(description, "Error"));
    }
    if operation == Operation::Get {
        responses["404"]["headers"] = json!({ "X-Lease": lease() });
        responses.insert("304".to_owned(), json!({ "description": "The client has this version.", "headers": etag() }));
    }
    if operation == Operation::PutNamespace {
        responses.insert("201".to_owned(), answer("It was made.", "Namespace"));
    }
    if operation.is_data() {
        let unknown = "No such namespace; to one key also: no such key.";
        responses.entry("404").or_insert_with(|| answer(unknown, "Error"));
        let mut limited =
            answer("The namespace's quota of commands a second is used up; nothing was changed.", "Error");
        limited["headers"] = json!({ "Retry-After": { "description": "Seconds.", "schema": { "type": "integer" } } });
        responses.insert("429".to_owned(), limited);
    }
    // What any request may meet before it is understood.
    for (status, description) in [
        ("400", "The request is malformed."),
        ("413", "The request is too large, or its answer would be."),
        ("431", "The head is too large."),
    ] {
        responses.entry(status).or_insert_with(|| answer(description, "Error"));
    }
    if !operation.is_open() {
        responses.insert("401".to_owned(), answer("A password is needed, and none or a wrong one was given.", "Error"));
    }
    Value::Object(responses)
}

fn etag() -> Value {
    json!({ "ETag": { "description": "The version, quoted.", "schema": { "type": "string" } } })
}

fn lease() -> Value {
    json!({
        "description": "A token: load it, and store it with this. 'taken': another does.", "schema": { "type": "string" },
    })
}

fn answer(description: &str, schema: &str) -> Value {
    json!({
        "description": description,
        "content": { "application/json": { "schema": schemas::reference(schema) } },
    })
}

/// The status of success and what comes with it.
fn success(operation: Operation) -> (&'static str, Option<Value>) {
    let (status, description, schema) = match operation {
        Operation::Get => {
            let mut entry = answer("The entry, or with meta what is known about it.", "Entry");
            let shapes = json!([schemas::reference("Entry"), schemas::reference("Meta")]);
            entry["content"]["application/json"]["schema"] = json!({ "anyOf": shapes });
            entry["content"]["application/octet-stream"] =
                json!({ "schema": { "type": "string", "format": "binary" } });
            entry["headers"] = etag();
            entry["headers"]["X-TTL"] =
                json!({ "description": "Seconds left, if it expires.", "schema": { "type": "number" } });
            entry["headers"]["X-Cache-Stale"] =
                json!({ "description": "true: it is past its deadline.", "schema": { "const": "true" } });
            entry["headers"]["X-Lease"] = lease();
            return ("200", Some(entry));
        }
        Operation::Remove => {
            let mut deleted =
                answer("Deleted, or there was nothing to delete; with release, given back or not.", "Deleted");
            let shapes = json!([schemas::reference("Deleted"), schemas::reference("Released")]);
            deleted["content"]["application/json"]["schema"] = json!({ "anyOf": shapes });
            return ("200", Some(deleted));
        }
        Operation::Metrics => {
            let text = json!({ "text/plain": { "schema": { "type": "string" } } });
            return ("200", Some(json!({ "description": "The metrics.", "content": text })));
        }
        Operation::OpenApi => {
            let object = json!({ "application/json": { "schema": { "type": "object" } } });
            return ("200", Some(json!({ "description": "This document.", "content": object })));
        }
        Operation::Put | Operation::PutKeyed => ("201", "Stored.", "Stored"),
        Operation::GetList | Operation::GetMany => ("200", "A result per key.", "Results"),
        Operation::PutMany => ("200", "A result per item.", "StoredMany"),
        Operation::RemovePrefix => ("200", "Deleted.", "DeletedPrefix"),
        Operation::RemoveTag => ("200", "Deleted.", "DeletedTag"),
        Operation::Stats => ("200", "The counters.", "Stats"),
        Operation::Health => ("200", "It lives.", "Status"),
        Operation::Ready => ("200", "It serves.", "Status"),
        Operation::ClusterStatus => ("200", "The cluster.", "ClusterStatus"),
        Operation::ClusterDistribution => ("200", "The distribution.", "Distribution"),
        Operation::ClusterHotkeys => ("200", "The keys, the hottest first.", "HotKeys"),
        Operation::Namespaces => ("200", "The namespaces, by database.", "Namespaces"),
        Operation::GetNamespace => ("200", "The namespace.", "Namespace"),
        Operation::PutNamespace => ("200", "The namespace as it is now.", "Namespace"),
        Operation::DropNamespace => ("200", "Dropped.", "DroppedNamespace"),
    };
    let mut answer = answer(description, schema);
    if status == "201" {
        answer["headers"] = etag();
    }
    (status, Some(answer))
}

/// The failures of an operation, besides those that every request may meet.
fn faults(operation: Operation) -> &'static [(&'static str, &'static str)] {
    const CONDITION: (&str, &str) = ("412", "If-Match, If-None-Match or the lease did not hold; nothing was changed.");
    const KIND: (&str, &str) = ("409", "It is no string, and cannot be kept as stale; nothing was changed.");
    const MEMORY: (&str, &str) =
        ("507", "No memory under the limit, and nothing that may be evicted; nothing was changed.");
    const MEDIA: (&str, &str) = ("415", "The body must be application/json.");
    match operation {
        Operation::Get => &[("404", "No such key, or no such namespace."), CONDITION],
        Operation::Put => &[CONDITION, MEMORY],
        Operation::PutKeyed => &[CONDITION, MEDIA, MEMORY],
        Operation::Remove => &[CONDITION, KIND],
        Operation::GetMany | Operation::PutMany => &[MEDIA],
        Operation::GetNamespace | Operation::DropNamespace => &[("404", "No such namespace.")],
        Operation::PutNamespace => &[("409", "There are 48 named namespaces, and there can be no more."), MEDIA],
        Operation::Ready => &[("503", "It is starting or stopping.")],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn parsed() -> Value {
        serde_json::from_str(document()).expect("the document is JSON")
    }

    #[test]
    fn every_route_stands_in_the_document_and_nothing_else() {
        let document = parsed();
        let described: BTreeSet<(String, String)> = document["paths"]
            .as_object()
            .expect("paths")
            .iter()
            .flat_map(|(path, item)| {
                item.as_object().expect("methods").keys().map(|method| (path.clone(), method.to_ascii_uppercase()))
            })
            .collect();
        let routed: BTreeSet<(String, String)> = routes()
            .flat_map(|route| {
                route.operations.iter().map(|(method, _)| (route.template.to_owned(), method.name().to_owned()))
            })
            .collect();
        assert_eq!(described, routed);
    }

    #[test]
    fn operation_ids_are_unique_and_references_lead_somewhere() {
        let document = parsed();
        let (mut ids, mut references) = (Vec::new(), Vec::new());
        visit(&document, &mut |name, value| {
            if let Some(text) = value.as_str() {
                match name {
                    "operationId" => ids.push(text.to_owned()),
                    "$ref" => references.push(text.to_owned()),
                    _ => {}
                }
            }
        });
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{ids:?}");
        assert!(!references.is_empty());
        for reference in references {
            assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
        }
    }

    fn visit(value: &Value, see: &mut impl FnMut(&str, &Value)) {
        match value {
            Value::Object(members) => members.iter().for_each(|(name, member)| {
                see(name, member);
                visit(member, see);
            }),
            Value::Array(items) => items.iter().for_each(|item| visit(item, see)),
            _ => {}
        }
    }
}
