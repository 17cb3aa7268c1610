//! Routes on one key: `GET`, `PUT`, `DELETE /cache/{key}`, the same under `/v1/keys`, and `POST /cache`.
//!
//! A read writes its answer while it holds the slot, straight from the entry into the output, so a small value is copied
//! once. A large one is taken as a handle and written afterwards.

use super::conditional::{Conditions, Read};
use super::data::Exchange;
use super::envelope::{self, Item, Lifetime};
use super::fault::{Fault, Status};
use super::respond::{Answer, BYTES, Manner};
use super::{collection, json, options, value};
use crate::OutputBuffer;
use scrubjay_command::versioned::{Fetch, One, Put, Remove, Removed, Written};
use scrubjay_store::{Entry, SharedBytes};

/// How many copies of an entry a node that stands alone keeps, writes and waits for.
const COPIES: &[u8] = b"1";

/// What an answer says about an entry besides its value.
struct Facts {
    version: u64,
    flags: u32,
    left_ms: Option<u64>,
}

impl Facts {
    #[inline]
    fn of(entry: &Entry<'_>, now_ms: u64) -> Facts {
        Facts {
            version: entry.version(),
            flags: entry.flags(),
            left_ms: entry.deadline_ms().map(|at| at.saturating_sub(now_ms)),
        }
    }
}

/// `GET` and `HEAD`: 200, 304, 404 or 412.
pub fn get(x: &Exchange<'_, '_>, out: &mut OutputBuffer) -> Result<(), Fault> {
    let key = x.key()?;
    let conditions = Conditions::of(&x.request)?;
    let bare = options::wants_bytes(&x.request);
    let large = Fetch { key: &key }.run(x.cx, |entry| {
        let entry = entry.ok_or(Fault::KEY_NOT_FOUND)?;
        let facts = Facts::of(entry, x.cx.now_ms);
        match conditions.read(facts.version) {
            Read::Failed => return Err(Fault::PRECONDITION),
            Read::NotModified => not_modified(out, x.manner, &facts),
            Read::Send if !entry.is_string() => return collection(out, x, &key, entry, &facts).map(|()| None),
            Read::Send => match entry.shared() {
                Some(shared) => return Ok(Some((facts, shared))),
                None if bare => begin(out, x.manner, &facts).bytes(BYTES, entry.value()),
                None => begin(out, x.manner, &facts).json(|out| {
                    envelope(out, &key, &facts, |out| value::write_member(out, entry.value(), facts.flags));
                }),
            },
        }
        Ok(None)
    })?;
    match large {
        None => Ok(()),
        Some((facts, shared)) if bare => {
            begin(out, x.manner, &facts).shared(BYTES, shared);
            Ok(())
        }
        Some((facts, shared)) => large_json(out, x, &key, &facts, shared),
    }
}

/// The answer for what is no string, written while its slot is held: there is no handle to take of it.
fn collection(
    out: &mut OutputBuffer,
    x: &Exchange<'_, '_>,
    key: &[u8],
    entry: &Entry<'_>,
    facts: &Facts,
) -> Result<(), Fault> {
    if options::wants_bytes(&x.request) {
        return Err(Fault::new(406, "not_acceptable", "the key holds no string: ask for it as application/json"));
    }
    let (start, mut is_whole) = (out.len(), true);
    begin(out, x.manner, facts).json(|out| {
        envelope(out, key, facts, |out| {
            is_whole = collection::write_member(out, entry, start, x.bounds.answer_bytes_max);
        });
    });
    if is_whole { Ok(()) } else { Err(TOO_LARGE) }
}

const TOO_LARGE: Fault = Fault::new(
    413,
    "answer_too_large",
    "the collection is too large for one answer; read it in parts, by its commands",
);

#[inline]
fn begin<'o>(out: &'o mut OutputBuffer, manner: Manner, facts: &Facts) -> Answer<'o> {
    let mut answer = Answer::begin(out, manner, Status(200));
    answer.etag(facts.version);
    if let Some(left_ms) = facts.left_ms {
        answer.ttl(left_ms);
    }
    answer
}

#[cold]
fn not_modified(out: &mut OutputBuffer, manner: Manner, facts: &Facts) {
    let mut answer = Answer::begin(out, manner, Status(304));
    answer.etag(facts.version);
    answer.without_body();
}

/// `{"key","value","ttl","version"}`; `member` writes the value's.
#[inline]
fn envelope(out: &mut OutputBuffer, key: &[u8], facts: &Facts, member: impl FnOnce(&mut OutputBuffer)) {
    out.put(b"{");
    value::write_key(out, key);
    out.put(b",");
    rest_of_envelope(out, facts, member);
}

#[inline]
fn rest_of_envelope(out: &mut OutputBuffer, facts: &Facts, member: impl FnOnce(&mut OutputBuffer)) {
    member(out);
    match facts.left_ms {
        Some(left_ms) => {
            out.put(b",\"ttl\":");
            json::seconds(out, left_ms);
        }
        None => out.put(b",\"ttl\":null"),
    }
    out.put(b",\"version\":");
    json::number(out, facts.version);
    out.put(b"}");
}

fn large_json(
    out: &mut OutputBuffer,
    x: &Exchange<'_, '_>,
    key: &[u8],
    facts: &Facts,
    shared: SharedBytes,
) -> Result<(), Fault> {
    if shared.len() > x.bounds.answer_bytes_max {
        return Err(Fault::new(
            413,
            "answer_too_large",
            "the value is too large for a JSON answer; ask for it with 'Accept: application/octet-stream'",
        ));
    }
    begin(out, x.manner, facts)
        .json(|out| envelope(out, key, facts, |out| value::write_shared_member(out, shared, facts.flags)));
    Ok(())
}

/// One of many results: `{"key","found":true,"value","ttl","version"}` or `{"key","found":false}`. Whether it was found.
pub(super) fn write_result(out: &mut OutputBuffer, one: One<'_, '_>, now_ms: u64, bytes_max: usize) -> bool {
    out.put(b"{");
    value::write_key(out, one.key());
    let (found, large) = one.look(|entry| {
        let Some(entry) = entry else {
            out.put(b",\"found\":false}");
            return (false, None);
        };
        out.put(b",\"found\":true,");
        let facts = Facts::of(entry, now_ms);
        if let Some(shared) = entry.shared() {
            return (true, Some((facts, shared)));
        }
        if !entry.is_string() {
            let start = out.len();
            rest_of_envelope(out, &facts, |out| {
                collection::write_member(out, entry, start, bytes_max);
            });
            return (true, None);
        }
        rest_of_envelope(out, &facts, |out| value::write_member(out, entry.value(), facts.flags));
        (true, None)
    });
    if let Some((facts, shared)) = large {
        rest_of_envelope(out, &facts, |out| value::write_shared_member(out, shared, facts.flags));
    }
    found
}

/// `PUT`: 201 or 412.
pub fn put(x: &Exchange<'_, '_>, out: &mut OutputBuffer) -> Result<(), Fault> {
    let key = x.key()?;
    let lifetime = options::lifetime(&x.request)?;
    if options::has_json_body(&x.request) {
        let item = envelope::value(x.request.body)?;
        return store(x, &key, item, lifetime, out);
    }
    let item = Item {
        key: "".into(),
        bytes: x.request.body.into(),
        flags: scrubjay_store::flags::NONE,
        lifetime,
        tags: Vec::new(),
    };
    store(x, &key, item, lifetime, out)
}

/// `POST /cache`: 201 or 412.
pub fn put_keyed(x: &Exchange<'_, '_>, out: &mut OutputBuffer) -> Result<(), Fault> {
    options::require_json_body(&x.request)?;
    let lifetime = options::lifetime(&x.request)?;
    let item = envelope::keyed(x.request.body)?;
    let key = item.key.clone();
    store(x, key.as_bytes(), item, lifetime, out)
}

fn store(
    x: &Exchange<'_, '_>,
    key: &[u8],
    item: Item<'_>,
    header_lifetime: Lifetime,
    out: &mut OutputBuffer,
) -> Result<(), Fault> {
    let conditions = Conditions::of(&x.request)?;
    let lifetime = if item.lifetime == Lifetime::Default { header_lifetime } else { item.lifetime };
    let (tags, deadline) = (item.tag_names(), lifetime.deadline(x.cx.now_ms));
    let put = Put { key, value: &item.bytes, deadline, flags: item.flags, tags: &tags };
    let Written::Stored(version) = put.run(x.cx, |present| conditions.permit(present))? else {
        return Err(Fault::PRECONDITION);
    };
    let mut answer = Answer::begin(out, x.manner, Status(201));
    if let Some(version) = version {
        answer.etag(version);
    }
    answer.json(|out| {
        out.put(b"{");
        value::write_key(out, key);
        out.put(b",\"stored\":true,\"replicas\":");
        out.put(COPIES);
        out.put(b",\"quorum\":");
        out.put(COPIES);
        out.put(b"}");
    });
    Ok(())
}

/// `DELETE`: 200 or 412.
pub fn remove(x: &Exchange<'_, '_>, out: &mut OutputBuffer) -> Result<(), Fault> {
    let key = x.key()?;
    let conditions = Conditions::of(&x.request)?;
    let Removed::Done(deleted) = (Remove { key: &key }).run(x.cx, |present| conditions.permit(present)) else {
        return Err(Fault::PRECONDITION);
    };
    Answer::begin(out, x.manner, Status(200)).json(|out| {
        out.put(b"{");
        value::write_key(out, &key);
        out.put(if deleted { b",\"deleted\":true,\"nodesUpdated\":" } else { b",\"deleted\":false,\"nodesUpdated\":" });
        out.put(if deleted { COPIES } else { b"0" });
        out.put(b"}");
    });
    Ok(())
}
