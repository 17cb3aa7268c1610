//! `/v1/namespaces`: names, quotas and settings of namespaces.

use super::node::Members;
use crate::config::NAMESPACE_SETTINGS;
use crate::config::namespace::check_name;
use crate::namespaces::shown::Shown;
use crate::shared::Shared;
use scrubjay_command::{Kind, Reject};
use scrubjay_protocol::OutputBuffer;
use scrubjay_protocol::http::options::{self, NO_NAMESPACE};
use scrubjay_protocol::http::{Answer, Fault, Manner, Operation, Request, Status, json, namespace, percent};

/// Whether a request is answered here.
pub(super) fn is_about(operation: Operation) -> bool {
    use Operation::{DropNamespace, GetNamespace, Namespaces, PutNamespace};
    matches!(operation, Namespaces | GetNamespace | PutNamespace | DropNamespace)
}

/// Answers it; `parameter` is the name in the path, percent-encoded.
pub(super) fn answer(
    operation: Operation,
    shared: &Shared,
    request: &Request<'_>,
    parameter: &[u8],
    manner: Manner,
    out: &mut OutputBuffer,
) -> Result<(), Fault> {
    if operation == Operation::Namespaces {
        let all = shared.namespaces.show_all(&shared.store, &shared.store.stats());
        Answer::begin(out, manner, Status(200)).json(|out| {
            out.put(b"{\"namespaces\":[");
            for (at, one) in all.iter().enumerate() {
                out.put(if at == 0 { b"" } else { b"," });
                write(one, out);
            }
            out.put(b"]}");
        });
        return Ok(());
    }
    let name = percent::decode_path(parameter)?;
    let name = std::str::from_utf8(&name).ok().filter(|name| check_name(name).is_ok()).ok_or(NO_NAMESPACE)?;
    if operation == Operation::DropNamespace {
        shared.drop_namespace(name).map_err(|_| Fault::no_such_namespace(name))?;
        Answer::begin(out, manner, Status(200)).json(|out| {
            let mut members = Members::open(out);
            members.text("name", name);
            members.name("dropped").put(b"true");
            members.close();
        });
        return Ok(());
    }
    let is_made = operation == Operation::PutNamespace && put(shared, name, request)?;
    let status = Status(if is_made { 201 } else { 200 });
    let one = shared.namespaces.show(name, &shared.store).ok_or_else(|| Fault::no_such_namespace(name))?;
    Answer::begin(out, manner, status).json(|out| write(&one, out));
    Ok(())
}

/// Makes the namespace, or tells it what the body says and nothing else. Whether it was made.
fn put(shared: &Shared, name: &str, request: &Request<'_>) -> Result<bool, Fault> {
    options::require_json_body(request)?;
    let settings = namespace::settings(request.body)?;
    let made = shared.set_namespace(name, |config| {
        for (json, text) in &settings {
            let row = NAMESPACE_SETTINGS.iter().find(|row| row.json == *json).ok_or(Reject::SYNTAX)?;
            let put = row.put(config, text.as_deref());
            put.map_err(|bad| Reject::with(Kind::BadRequest, format!("ERR {json}: {bad}")))?;
        }
        Ok(())
    });
    made.map_err(|reject| match reject.kind() {
        Kind::Conflict => Fault::with(409, "too_many_namespaces", reject.message().to_owned()),
        _ => Fault::from(reject),
    })
}

fn write(one: &Shown, out: &mut OutputBuffer) {
    let mut members = Members::open(out);
    members.text("name", &one.name);
    members.count("database", u64::from(one.database));
    members.count("maxMemory", one.config.max_memory_bytes);
    match one.config.policy {
        Some(policy) => members.text("evictionPolicy", policy.name()),
        None => members.name("evictionPolicy").put(b"null"),
    }
    match one.config.default_ttl_ms {
        Some(ms) => json::seconds(members.name("defaultTtl"), ms),
        None => members.name("defaultTtl").put(b"null"),
    }
    members.count("maxOps", one.config.max_ops);
    members.count("entries", one.count.entries);
    members.count("volatileEntries", one.count.volatile);
    members.count("memoryBytes", one.count.bytes);
    members.count("opsRefused", one.refused);
    members.close();
}
