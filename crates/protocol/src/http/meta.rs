//! `GET /cache/{key}?meta=true`: what is known about an entry beside its value.

use super::data::Exchange;
use super::fault::{Fault, Status};
use super::respond::Answer;
use super::{json, value};
use crate::OutputBuffer;
use scrubjay_command::family::key::Describe;

/// 200 or 404. What the node does not keep is null.
pub fn get(x: &Exchange<'_, '_>, key: &[u8], out: &mut OutputBuffer) -> Result<(), Fault> {
    let known = Describe { key }.run(x.cx)?.ok_or(Fault::KEY_NOT_FOUND)?;
    let mut answer = Answer::begin(out, x.manner, Status(200));
    answer.etag(known.version);
    answer.json(|out| {
        out.put(b"{");
        value::write_key(out, key);
        out.put(b",\"type\":\"");
        out.put(known.kind.name().as_bytes());
        out.put(b"\",\"encoding\":\"");
        out.put(known.encoding.as_bytes());
        out.put(b"\"");
        for (name, number) in [
            ("length", known.length.map(|length| length as u64)),
            ("memoryBytes", Some(known.memory_bytes as u64)),
            ("version", Some(known.version)),
            ("flags", Some(u64::from(known.flags))),
            ("frequency", known.frequency.map(u64::from)),
        ] {
            member(out, name, number, json::number);
        }
        for (name, ms) in [("ttl", known.ttl_ms), ("stale", known.stale_left_ms), ("idle", known.idle_ms)] {
            member(out, name, ms, json::seconds);
        }
        out.put(b"}");
    });
    Ok(())
}

fn member(out: &mut OutputBuffer, name: &str, number: Option<u64>, write: fn(&mut OutputBuffer, u64)) {
    out.put(b",\"");
    out.put(name.as_bytes());
    out.put(b"\":");
    match number {
        Some(number) => write(out, number),
        None => out.put(b"null"),
    }
}
