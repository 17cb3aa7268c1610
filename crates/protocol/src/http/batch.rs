//! Routes on many keys: `/cache/bulk`, `/cache/batch`.
//!
//! A request is checked as a whole before any of it is stored. Reads and writes are then done key by key, in order: a
//! batch is cheaper than its parts, it is not one atomic step. Each key has a result of its own.

use super::data::Exchange;
use super::entry;
use super::envelope;
use super::fault::{Fault, Status};
use super::respond::Answer;
use super::{json, options, percent, value};
use crate::OutputBuffer;
use scrubjay_command::family::group::Tagging;
use scrubjay_command::family::key::FetchMany;
use scrubjay_command::family::string::Set;
use scrubjay_store::Flags;
use std::borrow::Cow;

/// `GET /cache/bulk?keys=a,b`: commas separate, so a comma inside a key is written `%2C`.
pub fn get_list(x: &Exchange<'_, '_>, out: &mut OutputBuffer) -> Result<(), Fault> {
    let mut lists = x
        .request
        .query()
        .split(|&byte| byte == b'&')
        .filter_map(|pair| pair.strip_prefix(b"keys").and_then(|rest| rest.strip_prefix(b"=")));
    let (Some(list), None) = (lists.next(), lists.next()) else {
        return Err(Fault::bad("one 'keys' parameter is needed, with comma-separated keys: ?keys=a,b"));
    };
    let keys: Vec<Cow<'_, [u8]>> =
        list.split(|&byte| byte == b',').map(percent::decode_query).collect::<Result<_, _>>()?;
    read(&keys, x, out)
}

/// `POST /cache/batch`.
pub fn get_many(x: &Exchange<'_, '_>, out: &mut OutputBuffer) -> Result<(), Fault> {
    options::require_json_body(&x.request)?;
    read(&envelope::keys(x.request.body, x.bounds.items_max)?, x, out)
}

fn read<K: AsRef<[u8]>>(keys: &[K], x: &Exchange<'_, '_>, out: &mut OutputBuffer) -> Result<(), Fault> {
    x.count(keys.len())?;
    let start = out.len();
    let (mut hits, mut read) = (0, 0);
    Answer::begin(out, x.manner, Status(200)).json(|out| {
        out.put(b"{\"results\":[");
        FetchMany { keys }.run(x.cx, |one| {
            out.put(if read == 0 { b"" } else { b"," });
            hits += u64::from(entry::write_result(out, one, x.cx.now_ms, x.bounds.answer_bytes_max));
            read += 1;
            out.len() - start <= x.bounds.answer_bytes_max
        });
        out.put(b"],\"hits\":");
        json::number(out, hits);
        out.put(b",\"misses\":");
        json::number(out, read - hits);
        out.put(b"}");
    });
    if read < keys.len() as u64 || out.len() - start > x.bounds.answer_bytes_max {
        return Err(Fault::new(
            413,
            "answer_too_large",
            "the values together exceed 64 MiB; ask for fewer keys at a time",
        ));
    }
    Ok(())
}

/// `POST /cache/bulk`.
pub fn put_many(x: &Exchange<'_, '_>, out: &mut OutputBuffer) -> Result<(), Fault> {
    options::require_json_body(&x.request)?;
    let (lifetime, stale_ms) = (options::lifetime(&x.request)?, options::stale_ms(&x.request)?);
    let items = envelope::items(x.request.body, x.bounds.items_max)?;
    let tags: Vec<Vec<&[u8]>> = items.iter().map(envelope::Item::tag_names).collect();
    let sets: Vec<Set<'_>> = items
        .iter()
        .zip(&tags)
        .map(|(item, tags)| Set {
            expiry: item.expiry(lifetime, stale_ms, x.cx),
            flags: Flags::Set(item.flags),
            tags: Tagging::List(tags),
            ..Set::new(item.key.as_bytes(), &item.bytes)
        })
        .collect();
    sets.iter().try_for_each(|set| set.check(x.cx))?;
    x.count(sets.len())?;
    let mut stored = 0;
    Answer::begin(out, x.manner, Status(200)).json(|out| {
        out.put(b"{\"results\":[");
        for (index, set) in sets.iter().enumerate() {
            out.put(if index == 0 { b"{" } else { b",{" });
            value::write_key(out, set.key);
            match set.run(x.cx) {
                Ok(_) => {
                    stored += 1;
                    out.put(b",\"stored\":true}");
                }
                Err(reject) => {
                    let fault = Fault::from(reject);
                    out.put(b",\"stored\":false,\"error\":");
                    json::string(out, &fault.message);
                    out.put(b",\"code\":");
                    json::string(out, fault.code);
                    out.put(b"}");
                }
            }
        }
        out.put(b"],\"stored\":");
        json::number(out, stored);
        out.put(b"}");
    });
    Ok(())
}
