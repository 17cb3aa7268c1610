//! An entry as bytes that can be kept elsewhere and brought back: DUMP and RESTORE.
//!
//! ```text
//! "SJ" | version 1 | kind | flags, 4 | value ... | CRC-64/XZ over all before, 8      numbers little-endian
//! ```
//!
//! Kind 0 is a string and its value the bytes; the others are collections as they travel (`scrubjay_store::value`).
//! The deadline is not inside: RESTORE names it. The form is our own; a dump of Redis is refused as such, and nothing of
//! a dump is believed before its length, version and check sum are right.

use crate::args::{Args, parse_int};
use crate::reject::{Kind, Reject};
use crate::reply::Reply;
use crate::table::Context;
use scrubjay_base::crc64::crc64;
use scrubjay_store::{Access, Body, Deadline, Entry, Flags, Kind as ValueKind};

const MAGIC_AND_VERSION: [u8; 3] = *b"SJ\x01";
const HEADER_BYTES: usize = 8;
const SUM_BYTES: usize = 8;

/// The dump of an entry's value and flags.
pub fn encode(entry: &Entry<'_>) -> Vec<u8> {
    let mut dump = Vec::with_capacity(HEADER_BYTES + entry.value_bytes() + SUM_BYTES);
    dump.extend_from_slice(&MAGIC_AND_VERSION);
    dump.push(entry.kind() as u8);
    dump.extend_from_slice(&entry.flags().to_le_bytes());
    entry.write_to(&mut dump);
    let sum = crc64(&dump);
    dump.extend_from_slice(&sum.to_le_bytes());
    dump
}

/// The kind, the value as it travels, and the flags in a dump.
///
/// Errors: no dump of ours, of another version, or damaged; a kind that this version does not know.
pub fn decode(dump: &[u8]) -> Result<(ValueKind, &[u8], u32), Reject> {
    const DAMAGED: Reject = Reject::new(Kind::BadRequest, "ERR DUMP payload version or checksum are wrong");
    let (body, sum) = dump.split_last_chunk::<SUM_BYTES>().ok_or(DAMAGED)?;
    let (header, value) = body.split_first_chunk::<HEADER_BYTES>().ok_or(DAMAGED)?;
    let [m0, m1, version, kind, f0, f1, f2, f3] = *header;
    if [m0, m1, version] != MAGIC_AND_VERSION || crc64(body) != u64::from_le_bytes(*sum) {
        return Err(DAMAGED);
    }
    let kind = ValueKind::from_number(kind).ok_or(BAD_FORMAT)?;
    Ok((kind, value, u32::from_le_bytes([f0, f1, f2, f3])))
}

const BAD_FORMAT: Reject = Reject::new(Kind::BadRequest, "ERR Bad data format");

/// Writes a key from a dump.
#[derive(Clone, Copy, Debug)]
pub struct Restore<'a> {
    /// The key.
    pub key: &'a [u8],
    /// When it expires.
    pub deadline: Deadline,
    /// The dump.
    pub dump: &'a [u8],
    /// Whether an entry that is there is written over.
    pub replace: bool,
}

impl<'a> Restore<'a> {
    /// Reads `RESTORE key ttl dump [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]`. The last two are checked and
    /// have no effect: a restored entry is as new to the eviction policy as a written one.
    pub fn parse(args: &Args<'a>, now_ms: u64) -> Result<Restore<'a>, Reject> {
        const BAD_TTL: Reject = Reject::new(Kind::BadRequest, "ERR Invalid TTL value, must be >= 0");
        const BAD_IDLETIME: Reject = Reject::new(Kind::BadRequest, "ERR Invalid IDLETIME value, must be >= 0");
        const BAD_FREQ: Reject = Reject::new(Kind::BadRequest, "ERR Invalid FREQ value, must be >= 0 and <= 255");
        let (mut replace, mut absolute, mut idle, mut frequency) = (false, false, false, false);
        let mut at = 4;
        while at < args.len() {
            let number = || args.get(at + 1).map(|text| parse_int(text).ok_or(Reject::NOT_AN_INTEGER));
            if args.is(at, "REPLACE") {
                replace = true;
            } else if args.is(at, "ABSTTL") {
                absolute = true;
            } else if args.is(at, "IDLETIME") && !frequency {
                let seconds = number().ok_or(Reject::SYNTAX)??;
                if seconds < 0 {
                    return Err(BAD_IDLETIME);
                }
                idle = true;
                at += 1;
            } else if args.is(at, "FREQ") && !idle {
                let count = number().ok_or(Reject::SYNTAX)??;
                if !(0..=255).contains(&count) {
                    return Err(BAD_FREQ);
                }
                frequency = true;
                at += 1;
            } else {
                return Err(Reject::SYNTAX);
            }
            at += 1;
        }
        let ttl_ms = u64::try_from(args.int(2)?).map_err(|_| BAD_TTL)?;
        let deadline = match ttl_ms {
            0 => Deadline::Never,
            _ if absolute => Deadline::At(ttl_ms),
            _ => Deadline::At(now_ms.saturating_add(ttl_ms)),
        };
        Ok(Restore { key: args.at(1), deadline, dump: args.at(3), replace })
    }

    /// Writes. A deadline that has passed leaves no key.
    ///
    /// Errors: the key exists and `replace` was not said, no sound dump, too long, no memory; nothing was changed.
    pub fn run(&self, cx: &mut Context<'_>) -> Result<(), Reject> {
        const BUSY_KEY: Reject = Reject::new(Kind::Conflict, "BUSYKEY Target key name already exists.");
        let (kind, value, flags) = decode(self.dump)?;
        let key = cx.key(self.key)?;
        cx.fits(value.len())?;
        if kind == ValueKind::String {
            let incoming = cx.store.incoming(value);
            cx.reserve(&key, incoming.stored_bytes());
            let mut guard = cx.lock(&key);
            if !self.replace && guard.get(&key, Access::Peek).is_some() {
                return Err(BUSY_KEY);
            }
            return Ok(guard.put_incoming(&key, incoming, self.deadline, Flags::Set(flags))?);
        }
        let body = Body::read_from(kind, value, &cx.store.packing()).ok_or(BAD_FORMAT)?;
        cx.reserve(&key, body.payload_bytes());
        let mut guard = cx.lock(&key);
        if !self.replace && guard.get(&key, Access::Peek).is_some() {
            return Err(BUSY_KEY);
        }
        Ok(guard.put_body(&key, body, self.deadline, Flags::Set(flags))?)
    }
}

pub(super) fn dump(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let key = cx.key(args.at(1))?;
    let dump = cx.lock(&key).get(&key, cx.read()).map(|entry| encode(&entry));
    match dump {
        Some(dump) => reply.bulk(&dump),
        None => reply.null(),
    }
    Ok(())
}

pub(super) fn restore(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    Restore::parse(args, cx.now_ms)?.run(cx)?;
    reply.ok();
    Ok(())
}
