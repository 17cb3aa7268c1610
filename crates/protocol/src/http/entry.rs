//! Routes on one key: `GET`, `PUT`, `DELETE /cache/{key}`, the same under `/v1/keys`, and `POST /cache`.
//!
//! A read writes its answer while it holds the slot, straight from the entry into the output, so a small value is copied
//! once. A large one is taken as a handle and written afterwards.

use super::conditional::{Conditions, Read};
use super::data::{Done, Exchange};
use super::envelope::{self, Item, Lifetime};
use super::fault::{Fault, Status};
use super::respond::{Answer, BYTES, Manner};
use super::{collection, json, lease, meta, options, value};
use crate::OutputBuffer;
use scrubjay_command::family::group::Tagging;
use scrubjay_command::family::key::{Delete, Deleted, Fetch, One};
use scrubjay_command::family::lease::{Invalidate, LeasedGet, Right};
use scrubjay_command::family::string::Set;
use scrubjay_store::{Entry, Flags, SharedBytes};

/// How many copies of an entry a node that stands alone keeps, writes and waits for.
const COPIES: &[u8] = b"1";

/// What an answer says about an entry besides its value.
pub(super) struct Facts {
    version: u64,
    flags: u32,
    left_ms: Option<u64>,
    pub is_stale: bool,
    pub right: Right,
}

impl Facts {
    #[inline]
    fn of(entry: &Entry<'_>, now_ms: u64) -> Facts {
        Facts {
            version: entry.version(),
            flags: entry.flags(),
            left_ms: entry.deadline_ms().map(|at| at.saturating_sub(now_ms)),
            is_stale: false,
            right: Right::None,
        }
    }
}

/// `GET` and `HEAD`: 200, 304, 404 or 412.
pub fn get(x: &Exchange<'_, '_>, out: &mut OutputBuffer) -> Result<Done, Fault> {
    let key = x.key()?;
    let asked = lease::Asked::of(&x.request)?;
    if asked.meta {
        return meta::get(x, &key, out).map(|()| Done::Yes);
    }
    let showing =
        Showing { x, key: &key, conditions: Conditions::of(&x.request)?, bare: options::wants_bytes(&x.request) };
    let large = match asked.ask {
        None => Fetch { key: &key }.run(x.cx, |entry| match entry {
            Some(entry) => showing.small(out, entry, Facts::of(entry, x.cx.now_ms)),
            None => Err(Fault::KEY_NOT_FOUND),
        })?,
        Some(ask) => {
            let mut loader = Right::None;
            let seen = LeasedGet { key: &key, ask: Some(ask) }.run(x.cx, |entry, right| match entry {
                Some(entry) => {
                    let facts = Facts { is_stale: entry.is_stale(), right, ..Facts::of(entry, x.cx.now_ms) };
                    showing.small(out, entry, facts)
                }
                None => {
                    loader = right;
                    Err(lease::missing(right))
                }
            })?;
            if lease::waits(x, &key, &asked, loader) {
                return Ok(Done::Wait);
            }
            seen?
        }
    };
    match large {
        None => Ok(()),
        Some((facts, shared)) if showing.bare => {
            begin(out, x.manner, &facts).shared(BYTES, shared);
            Ok(())
        }
        Some((facts, shared)) => large_json(out, x, &key, &facts, shared),
    }?;
    Ok(Done::Yes)
}

/// How an entry is to be shown.
struct Showing<'a, 'x, 'c> {
    x: &'a Exchange<'x, 'c>,
    key: &'a [u8],
    conditions: Conditions<'a>,
    bare: bool,
}

impl Showing<'_, '_, '_> {
    /// Answers, or returns what is too large to be written while its slot is held.
    #[inline]
    fn small(
        &self,
        out: &mut OutputBuffer,
        entry: &Entry<'_>,
        facts: Facts,
    ) -> Result<Option<(Facts, SharedBytes)>, Fault> {
        match self.conditions.read(facts.version) {
            Read::Failed => return Err(Fault::PRECONDITION),
            Read::NotModified => not_modified(out, self.x.manner, &facts),
            Read::Send if !entry.is_string() => {
                return collection(out, self.x, self.key, entry, &facts).map(|()| None);
            }
            Read::Send => match entry.shared() {
                Some(shared) => return Ok(Some((facts, shared))),
                None if self.bare => begin(out, self.x.manner, &facts).bytes(BYTES, &entry.value()),
                None => begin(out, self.x.manner, &facts).json(|out| {
                    envelope(out, self.key, &facts, |out| value::write_member(out, &entry.value(), facts.flags));
                }),
            },
        }
        Ok(None)
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
    lease::mark(&mut answer, facts);
    answer
}

#[cold]
fn not_modified(out: &mut OutputBuffer, manner: Manner, facts: &Facts) {
    let mut answer = Answer::begin(out, manner, Status(304));
    answer.etag(facts.version);
    lease::mark(&mut answer, facts);
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
        rest_of_envelope(out, &facts, |out| value::write_member(out, &entry.value(), facts.flags));
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
    if options::has_json_body(&x.request) {
        return store(x, &key, envelope::value(x.request.body)?, out);
    }
    let (bytes, flags, lifetime) = (x.request.body.into(), scrubjay_store::flags::NONE, Lifetime::Default);
    store(x, &key, Item { key: "".into(), bytes, flags, lifetime, stale_ms: 0, tags: Vec::new() }, out)
}

/// `POST /cache`: 201 or 412.
pub fn put_keyed(x: &Exchange<'_, '_>, out: &mut OutputBuffer) -> Result<(), Fault> {
    options::require_json_body(&x.request)?;
    let item = envelope::keyed(x.request.body)?;
    let key = item.key.clone();
    store(x, key.as_bytes(), item, out)
}

fn store(x: &Exchange<'_, '_>, key: &[u8], item: Item<'_>, out: &mut OutputBuffer) -> Result<(), Fault> {
    let (lifetime, stale_ms) = (options::lifetime(&x.request)?, options::stale_ms(&x.request)?);
    let (conditions, token) = (Conditions::of(&x.request)?, options::token(&x.request)?);
    let outcome = Set {
        expiry: item.expiry(lifetime, stale_ms, x.cx),
        condition: conditions.condition(),
        token,
        flags: Flags::Set(item.flags),
        tags: Tagging::List(&item.tag_names()),
        version: true,
        ..Set::new(key, &item.bytes)
    }
    .run(x.cx)?;
    match outcome.stored {
        true => {}
        false if outcome.is_void => return Err(Fault::LEASE_VOID),
        false => return Err(Fault::PRECONDITION),
    }
    let mut answer = Answer::begin(out, x.manner, Status(201));
    if let Some(version) = outcome.version {
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
    let ends = lease::Ends::of(&x.request)?;
    if let Some(token) = ends.release {
        return lease::release(x, &key, token, out);
    }
    let condition = conditions.condition();
    let deleted = match ends.stale_ms {
        0 => Delete { key: &key, condition }.run(x.cx)?,
        stale_ms => Invalidate { key: &key, stale_ms, condition }.run(x.cx)?,
    };
    if deleted == Deleted::Refused {
        return Err(Fault::PRECONDITION);
    }
    let was_there = deleted == Deleted::Yes;
    Answer::begin(out, x.manner, Status(200)).json(|out| {
        out.put(b"{");
        value::write_key(out, &key);
        out.put(if was_there {
            b",\"deleted\":true,\"nodesUpdated\":"
        } else {
            b",\"deleted\":false,\"nodesUpdated\":"
        });
        out.put(if was_there { COPIES } else { b"0" });
        out.put(b"}");
    });
    Ok(())
}
