//! The shapes of bodies, answers and header fields, as JSON Schema.

use crate::http::envelope::TTL_SECONDS_MAX;
use crate::http::lease::{LEASE_SECONDS_MAX, WAIT_SECONDS_MAX};
use scrubjay_store::Policy;
use serde_json::{Value, json};

/// A reference to one of [`all`].
pub fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// An object with exactly these members; `required` are the ones that are always there.
fn object(required: &[&str], properties: Value) -> Value {
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

fn count() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

fn text() -> Value {
    json!({ "type": "string" })
}

/// What names a namespace.
pub fn namespace() -> Value {
    json!({ "anyOf": [
        { "type": "integer", "minimum": 0, "maximum": 15 },
        { "type": "string", "pattern": "^[A-Za-z][A-Za-z0-9._-]{0,63}$" },
    ] })
}

/// The settings of a namespace; where they are answered, all of them are there.
fn namespace_settings(answered: bool) -> Value {
    let bytes = json!({ "type": "integer", "minimum": 0, "maximum": 1u64 << 50, "description": "0: no limit." });
    let size = json!({ "type": "string", "pattern": "^[0-9]{1,5}(kb|mb|gb)$" });
    let policies: Vec<Value> =
        Policy::ALL.map(Policy::name).into_iter().map(Value::from).chain([Value::Null]).collect();
    json!({
        "maxMemory": if answered { bytes } else { json!({ "anyOf": [bytes, size, { "type": "null" }] }) },
        "evictionPolicy": { "enum": policies, "description": "null: the node's." },
        "defaultTtl": {
            // A whole number of seconds is enough here; fractions are understood.
            "type": [if answered { "number" } else { "integer" }, "null"], "minimum": 0, "maximum": 3_153_600_000u64,
            "description": "Seconds; 0: for ever; null: the node's.",
        },
        "maxOps": {
            "type": if answered { json!("integer") } else { json!(["integer", "null"]) }, "minimum": 0,
            "maximum": 10_000_000, "description": "Commands a second; 0: no limit.",
        },
    })
}

/// A namespace, as it is answered.
fn one_namespace() -> Value {
    let mut members = namespace_settings(true);
    members["name"] = text();
    members["database"] = json!({ "type": "integer", "minimum": 0, "maximum": 63 });
    for count_of in ["entries", "volatileEntries", "memoryBytes", "opsRefused"] {
        members[count_of] = count();
    }
    let names: Vec<String> = members.as_object().map(|all| all.keys().cloned().collect()).unwrap_or_default();
    object(&names.iter().map(String::as_str).collect::<Vec<_>>(), members)
}

/// The levels that a read or a write may ask for.
pub fn consistency(write: bool) -> Value {
    use crate::http::options::Consistency;
    let names: Vec<&str> = Consistency::ALL
        .into_iter()
        .filter(|(_, level)| !write || level.is_for_writes())
        .map(|(name, _)| name)
        .collect();
    json!({ "type": "string", "enum": names })
}

/// `*`, or an entity tag. Lists of tags are understood too; one says enough here.
pub fn etags() -> Value {
    json!({ "anyOf": [{ "const": "*" }, { "type": "string", "pattern": "^\"[0-9]{1,15}\"$" }] })
}

/// The `X-TTL` of a request.
pub fn ttl_header() -> Value {
    json!({ "anyOf": [{ "type": "number", "exclusiveMinimum": 0, "maximum": TTL_SECONDS_MAX }, { "const": "none" }] })
}

/// A time above 0.
pub fn seconds_above_0() -> Value {
    json!({ "type": "number", "exclusiveMinimum": 0, "maximum": TTL_SECONDS_MAX })
}

/// A time, perhaps none.
pub fn seconds_from_0() -> Value {
    json!({ "type": "number", "minimum": 0, "maximum": TTL_SECONDS_MAX })
}

/// How long a lease may be.
pub fn lease() -> Value {
    json!({ "type": "number", "exclusiveMinimum": 0, "maximum": LEASE_SECONDS_MAX })
}

/// How long a request may wait.
pub fn wait() -> Value {
    json!({ "type": "number", "minimum": 0, "maximum": WAIT_SECONDS_MAX })
}

/// A lease's token.
pub fn token() -> Value {
    json!({ "type": "integer", "minimum": 1, "maximum": i64::MAX })
}

/// The lifetime in a request's body: above 0.
fn ttl() -> Value {
    json!({
        "type": ["number", "null"], "exclusiveMinimum": 0, "maximum": TTL_SECONDS_MAX,
        "description": "Seconds; null: for ever; absent: the node's default.",
    })
}

fn value_members() -> Value {
    json!({
        "value": { "description": "Any JSON value. A string is stored as its characters, anything else as its JSON text." },
        "base64": { "type": "string", "contentEncoding": "base64", "pattern": "^([A-Za-z0-9+/]{4}){0,256}$" },
        "ttl": ttl(),
        "stale": {
            "type": "number", "exclusiveMinimum": 0, "maximum": TTL_SECONDS_MAX,
            "description": "Seconds for which it is kept beyond its deadline, if it has one.",
        },
        "tags": { "type": "array", "items": text(), "maxItems": 64, "description": "Groups that it can be deleted with." },
    })
}

/// An envelope has its value either as JSON or as base64.
fn envelope(with_key: bool) -> Value {
    let mut members = value_members();
    if with_key {
        members["key"] = text();
    }
    let one = |kind: &str, other: &str| {
        let mut properties = members.clone();
        if let Some(properties) = properties.as_object_mut() {
            properties.remove(other);
        }
        let required: &[&str] = if with_key { &["key", kind] } else { &[kind] };
        object(required, properties)
    };
    json!({ "oneOf": [one("value", "base64"), one("base64", "value")] })
}

/// What an answer says about an entry.
fn entry_members() -> Value {
    json!({
        "key": { "type": "string", "description": "With U+FFFD where the key is not UTF-8; keyBase64 has it exactly then." },
        "keyBase64": text(),
        "value": { "description": "What was stored as JSON, or the stored bytes as a string." },
        "base64": { "type": "string", "description": "The stored bytes, where they are not UTF-8; in place of value." },
        "ttl": { "type": ["number", "null"], "minimum": 0, "description": "Seconds left; null: it does not expire." },
        "version": count(),
        "source": { "type": "string", "description": "hot-key-cache, where it came from one." },
    })
}

/// What is known about an entry; null: the node does not keep it.
fn meta() -> Value {
    let maybe =
        |kind: &str, description: &str| json!({ "type": [kind, "null"], "minimum": 0, "description": description });
    let members = json!({
        "key": text(), "keyBase64": text(),
        "type": text(), "encoding": text(), "memoryBytes": count(), "version": count(), "flags": count(),
        "length": maybe("integer", "Bytes of a string."),
        "frequency": maybe("integer", "How often it is used, on the scale of the eviction policy."),
        "ttl": maybe("number", "Seconds until it expires; 0: it is stale."),
        "stale": maybe("number", "Seconds until what is kept beyond its deadline is removed."),
        "idle": maybe("number", "Seconds since its last use."),
    });
    let always =
        ["key", "type", "encoding", "memoryBytes", "version", "flags", "length", "frequency", "ttl", "stale", "idle"];
    object(&always, members)
}

fn result() -> Value {
    let mut members = entry_members();
    members["found"] = json!({ "type": "boolean" });
    object(&["key", "found"], members)
}

/// Every shape by its name.
pub fn all() -> Value {
    let status = json!({ "status": text(), "timestamp": { "type": "number", "description": "Unix seconds." } });
    json!({
        "Error": {
            "type": "object", "required": ["error", "code"],
            "properties": {
                "error": { "type": "string", "description": "A sentence for people." },
                "code": { "type": "string", "description": "A word for programs." },
            },
        },
        "Value": envelope(false),
        "Item": envelope(true),
        "Items": object(&["items"], json!({ "items": { "type": "array", "items": reference("Item") } })),
        "Keys": object(&["keys"], json!({ "keys": { "type": "array", "items": text() } })),
        "Entry": object(&["key", "ttl", "version"], entry_members()),
        "Result": result(),
        "Results": object(&["results", "hits", "misses"], json!({
            "results": { "type": "array", "items": reference("Result") }, "hits": count(), "misses": count(),
        })),
        "Stored": object(&["key", "stored", "replicas", "quorum"], json!({
            "key": text(), "keyBase64": text(), "stored": { "const": true },
            "replicas": { "type": "integer", "minimum": 1, "description": "Copies that hold it." },
            "quorum": { "type": "integer", "minimum": 1, "description": "Copies that had to." },
        })),
        "StoredMany": object(&["results", "stored"], json!({
            "results": { "type": "array", "items": object(&["key", "stored"], json!({
                "key": text(), "stored": { "type": "boolean" }, "error": text(), "code": text(),
            })) },
            "stored": count(),
        })),
        "Deleted": object(&["key", "deleted", "nodesUpdated"], json!({
            "key": text(), "keyBase64": text(), "deleted": { "type": "boolean" }, "nodesUpdated": count(),
        })),
        "Released": object(&["key", "released"], json!({
            "key": text(), "keyBase64": text(), "released": { "type": "boolean" },
        })),
        "Meta": meta(),
        "DeletedPrefix": deleted_group("prefix"),
        "DeletedTag": deleted_group("tag"),
        "Stats": {
            "type": "object",
            "required": ["entries", "memoryBytes", "maxEntries", "maxMemoryBytes", "hits", "misses", "hitRate", "evictions",
                         "expirations"],
            "properties": {
                "entries": count(), "memoryBytes": count(),
                "maxEntries": { "type": "integer", "minimum": 0, "description": "0: no limit." },
                "maxMemoryBytes": { "type": "integer", "minimum": 0, "description": "0: no limit." },
                "hits": count(), "misses": count(),
                "hitRate": { "type": "number", "minimum": 0, "maximum": 1 },
                "evictions": count(), "expirations": count(),
            },
        },
        "Status": object(&["status", "timestamp"], status),
        "ClusterStatus": {
            "type": "object",
            "required": ["totalNodes", "healthyNodes", "nodes", "replicationFactor", "writeQuorum", "readQuorum",
                         "topologyVersion"],
            "properties": {
                "totalNodes": count(), "healthyNodes": count(),
                "nodes": { "type": "array", "items": {
                    "type": "object",
                    "required": ["id", "address", "healthy", "lastCheck", "consecutiveFailures"],
                    "properties": {
                        "id": text(), "address": text(), "healthy": { "type": "boolean" },
                        "lastCheck": { "type": "number", "description": "Unix seconds." },
                        "consecutiveFailures": count(),
                    },
                } },
                "replicationFactor": count(), "writeQuorum": count(), "readQuorum": count(), "topologyVersion": count(),
            },
        },
        "HotKeys": object(&["windowSeconds", "threshold", "keys"], json!({
            "windowSeconds": { "type": "number", "minimum": 0 }, "threshold": count(),
            "keys": { "type": "array", "items": {
                "type": "object",
                "required": ["key", "namespace", "count", "reads", "writes", "hot"],
                "properties": {
                    "key": text(), "keyBase64": text(), "namespace": text(),
                    "count": count(), "reads": count(), "writes": count(), "hot": { "type": "boolean" },
                },
            } },
        })),
        "Namespace": one_namespace(),
        "Namespaces": object(&["namespaces"], json!({
            "namespaces": { "type": "array", "items": reference("Namespace") },
        })),
        "NamespaceSettings": object(&[], namespace_settings(false)),
        "DroppedNamespace": object(&["name", "dropped"], json!({ "name": text(), "dropped": { "const": true } })),
        "Distribution": object(&["sampleSize", "distribution", "virtualNodesPerNode"], json!({
            "sampleSize": count(),
            "distribution": { "type": "object", "additionalProperties": object(&["count", "percentage"], json!({
                "count": count(), "percentage": { "type": "string", "pattern": "^[0-9]+\\.[0-9]{2}%$" },
            })) },
            "virtualNodesPerNode": count(),
        })),
    })
}

/// The answer to the deletion of a group: whether and in how many slots there may have been something of it.
fn deleted_group(name: &str) -> Value {
    object(
        &[name, "deleted", "slots", "nodesUpdated"],
        json!({
            (name): text(), "deleted": { "type": "boolean" }, "slots": count(), "nodesUpdated": count(),
        }),
    )
}
