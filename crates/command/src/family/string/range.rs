//! Parts of a value: APPEND, GETRANGE (and its old name SUBSTR), SETRANGE.

use crate::args::Args;
use crate::family::with_value;
use crate::reject::{Kind, Reject};
use crate::reply::Reply;
use crate::table::Context;
use scrubjay_store::{Access, Deadline, Entry, Flags, Guard, Key, OutOfMemory, flags};
use std::ops::Range;

/// Writes `bytes` behind what the key holds.
#[derive(Clone, Copy, Debug)]
pub struct Append<'a> {
    /// The key; created if it is absent.
    pub key: &'a [u8],
    /// What to append.
    pub bytes: &'a [u8],
}

impl Append<'_> {
    /// Appends. Returns the new length. Errors: key or result too long, no memory; nothing was changed.
    pub fn run(&self, cx: &mut Context<'_>) -> Result<usize, Reject> {
        let key = cx.key(self.key)?;
        cx.reserve(&key, self.bytes.len());
        let mut guard = cx.lock(&key);
        let before = Before::of(guard.string(&key, Access::Write)?);
        let length = before.length + self.bytes.len();
        cx.fits(length)?;
        if before.there && self.bytes.is_empty() {
            return Ok(length);
        }
        Ok(write_part(&mut guard, &key, before, before.length, self.bytes)?)
    }
}

/// Reads the bytes from `start` to `end`, both included, negative ones counted from the end.
#[derive(Clone, Copy, Debug)]
pub struct GetRange<'a> {
    /// The key.
    pub key: &'a [u8],
    /// First byte.
    pub start: i64,
    /// Last byte.
    pub end: i64,
}

impl GetRange<'_> {
    /// Shows the bytes to `read`; none of them if the key is absent or the range is empty.
    pub fn run<R>(&self, cx: &mut Context<'_>, read: impl FnOnce(&[u8]) -> R) -> Result<R, Reject> {
        with_value(cx, self.key, |value| {
            let value = value.unwrap_or_default();
            read(&value[clamp(self.start, self.end, value.len())])
        })
    }
}

/// Writes `bytes` over what the key holds from `offset` on, zeros in between.
#[derive(Clone, Copy, Debug)]
pub struct SetRange<'a> {
    /// The key; created if it is absent and there is something to write.
    pub key: &'a [u8],
    /// Where the first byte goes.
    pub offset: usize,
    /// What to write.
    pub bytes: &'a [u8],
}

impl SetRange<'_> {
    /// Writes. Returns the new length. Errors: key or result too long, no memory; nothing was changed.
    pub fn run(&self, cx: &mut Context<'_>) -> Result<usize, Reject> {
        let key = cx.key(self.key)?;
        if !self.bytes.is_empty() {
            let end = self.offset.checked_add(self.bytes.len()).ok_or(Reject::STRING_TOO_LONG)?;
            cx.fits(end)?;
            cx.reserve(&key, end);
        }
        let mut guard = cx.lock(&key);
        let before = Before::of(guard.string(&key, Access::Write)?);
        if self.bytes.is_empty() {
            return Ok(before.length);
        }
        Ok(write_part(&mut guard, &key, before, self.offset, self.bytes)?)
    }
}

/// The range of a value of `length` bytes (or bits) that `start` and `end` name in Redis' way: both included, negative
/// ones counted from the end, what lies outside cut off.
pub(crate) fn clamp(start: i64, end: i64, length: usize) -> Range<usize> {
    if start < 0 && end < 0 && start > end { 0..0 } else { clamp_each(start, end, length) }
}

/// As [`clamp`], except that two negative ends in the wrong order may meet at the first byte, which `BITPOS` permits.
pub(crate) fn clamp_each(start: i64, end: i64, length: usize) -> Range<usize> {
    let signed = length as i64;
    let from_end = |index: i64| if index < 0 { (signed + index).max(0) } else { index };
    let (start, end) = (from_end(start), from_end(end).min(signed - 1));
    if start > end { 0..0 } else { start as usize..end as usize + 1 }
}

/// What a writer of parts has to know of the entry before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Before {
    /// Whether the key was there.
    pub there: bool,
    /// How long its value was.
    pub length: usize,
    flags: u32,
}

impl Before {
    pub(crate) fn of(entry: Option<Entry<'_>>) -> Before {
        match entry {
            Some(entry) => Before { there: true, length: entry.value_bytes(), flags: entry.flags() },
            None => Before { there: false, length: 0, flags: flags::NONE },
        }
    }
}

/// Writes `bytes` at `offset`; returns the new length. A value that was marked as JSON or as a number loses its mark,
/// because a part of it changed without regard to what it means.
pub(crate) fn write_part(
    guard: &mut Guard<'_>,
    key: &Key<'_>,
    before: Before,
    offset: usize,
    bytes: &[u8],
) -> Result<usize, OutOfMemory> {
    if !matches!(before.flags, flags::JSON | flags::INT) {
        return guard.write_at(key, offset, bytes);
    }
    let mut value = guard.get(key, Access::Peek).map(|entry| entry.value().into_owned()).unwrap_or_default();
    let end = offset + bytes.len();
    if value.len() < end {
        value.resize(end, 0);
    }
    value[offset..end].copy_from_slice(bytes);
    guard.put(key, &value, Deadline::Keep, Flags::Set(flags::NONE))?;
    Ok(value.len())
}

pub(super) fn append(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let length = Append { key: args.at(1), bytes: args.at(2) }.run(cx)?;
    reply.int(length as i64);
    Ok(())
}

pub(super) fn getrange(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let range = GetRange { key: args.at(1), start: args.int(2)?, end: args.int(3)? };
    range.run(cx, |bytes| reply.bulk(bytes))
}

pub(super) fn setrange(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    const OUT_OF_RANGE: Reject = Reject::new(Kind::BadRequest, "ERR offset is out of range");
    let offset = usize::try_from(args.int(2)?).map_err(|_| OUT_OF_RANGE)?;
    let length = SetRange { key: args.at(1), offset, bytes: args.at(3) }.run(cx)?;
    reply.int(length as i64);
    Ok(())
}
