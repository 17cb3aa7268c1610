//! A small hash or set as one run: records, one after the other, found by looking at each.
//!
//! ```text
//!   head | field | value | moment? | field | value | moment? | ...       a hash: HAS_VALUES
//!   head | member | moment? | member | moment? | ...                     a set
//! ```
//!
//! A name is looked for by its bytes as they would stand in the run ([`packed`] writes equal things alike), so looking
//! past a record decodes nothing but its lengths. A moment is there only for what expires; the head has the first one.

use super::Shape;
use super::head::{self, Form, HEAD_BYTES};
use crate::value::packed::{self, Item};
use scrubjay_base::clock::UnixMs;
use smallvec::SmallVec;
use std::marker::PhantomData;
use std::ops::Range;

/// A record as it lies in its run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record<'a> {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) name: Item<'a>,
    /// Empty in sets.
    pub(super) value: Item<'a>,
    pub(super) deadline_ms: Option<UnixMs>,
}

/// An empty run.
pub(super) fn empty() -> Vec<u8> {
    head::head(Form::Run, 0).to_vec()
}

/// The record that starts at `at`; `None` at the end.
#[inline]
pub(super) fn record<S: Shape>(bytes: &[u8], at: usize) -> Option<Record<'_>> {
    let (name, next) = packed::item(bytes, at)?;
    let (value, next) = if S::HAS_VALUES { packed::item(bytes, next)? } else { (Item::Bytes(b""), next) };
    let (deadline_ms, end) = match packed::moment(bytes, next) {
        Some((at, end)) => (Some(at), end),
        None => (None, next),
    };
    Some(Record { start: at, end, name, value, deadline_ms })
}

/// The records of a run.
#[derive(Clone, Debug)]
pub(super) struct Records<'a, S> {
    bytes: &'a [u8],
    at: usize,
    shape: PhantomData<S>,
}

pub(super) fn iter<S: Shape>(bytes: &[u8]) -> Records<'_, S> {
    Records { bytes, at: head::start(bytes), shape: PhantomData }
}

impl<'a, S: Shape> Iterator for Records<'a, S> {
    type Item = Record<'a>;

    #[inline]
    fn next(&mut self) -> Option<Record<'a>> {
        let record = record::<S>(self.bytes, self.at)?;
        self.at = record.end;
        Some(record)
    }
}

/// The record of this name.
#[inline]
pub(super) fn find<'a, S: Shape>(bytes: &'a [u8], name: Item<'_>) -> Option<Record<'a>> {
    let mut wanted = SmallVec::<[u8; 80]>::new();
    name.write(&mut wanted);
    let mut at = head::start(bytes);
    let moments = head::form(bytes) == Form::Volatile;
    // Names of one hash are often as long and begin alike: the last of their own bytes tells most of them apart.
    let (tag, last_at) = (wanted[0], wanted.len() - 2);
    let last = wanted[last_at];
    while at < bytes.len() {
        if bytes[at] == tag && bytes.get(at + last_at) == Some(&last) && bytes[at..].starts_with(&wanted) {
            return record::<S>(bytes, at);
        }
        at = packed::skip(bytes, at)?;
        if S::HAS_VALUES {
            at = packed::skip(bytes, at)?;
        }
        if moments && let Some((_, next)) = packed::moment(bytes, at) {
            at = next;
        }
    }
    None
}

/// Puts a record in the place of `old`, which is one or is empty at the end, and settles count and first deadline.
pub(super) fn put<S: Shape>(
    bytes: &mut Vec<u8>,
    old: Range<usize>,
    name: Item<'_>,
    value: Item<'_>,
    deadline_ms: Option<UnixMs>,
) {
    let is_new = old.is_empty();
    let mut fresh = SmallVec::<[u8; 160]>::new();
    name.write(&mut fresh);
    if S::HAS_VALUES {
        value.write(&mut fresh);
    }
    if let Some(at) = deadline_ms {
        Item::Moment(at).write(&mut fresh);
    }
    splice(bytes, old, &fresh);
    settle::<S>(bytes, isize::from(is_new), deadline_ms.is_some());
}

/// Removes the record at `old`.
pub(super) fn remove<S: Shape>(bytes: &mut Vec<u8>, old: Range<usize>) {
    packed::cut(bytes, old);
    settle::<S>(bytes, -1, false);
}

/// Removes the records whose deadline has passed, and shows them before. How many.
pub(super) fn expire<S: Shape>(bytes: &mut Vec<u8>, now_ms: UnixMs, mut see: impl FnMut(Record<'_>)) -> usize {
    let (mut at, mut gone) = (head::start(bytes), 0);
    while let Some(record) = record::<S>(bytes, at) {
        let Record { start, end, deadline_ms, .. } = record;
        if deadline_ms.is_some_and(|at| at <= now_ms) {
            see(record);
            packed::cut(bytes, start..end);
            gone += 1;
        } else {
            at = end;
        }
    }
    settle::<S>(bytes, -(gone as isize), true);
    gone
}

fn settle<S: Shape>(bytes: &mut Vec<u8>, added: isize, volatile: bool) {
    let (form, count) = (head::form(bytes), head::count(bytes).wrapping_add_signed(added));
    head::set_head(bytes, form, count);
    if volatile || form == Form::Volatile {
        let first = iter::<S>(bytes).filter_map(|record| record.deadline_ms).min();
        head::set_first_deadline(bytes, first);
    }
}

fn splice(bytes: &mut Vec<u8>, old: Range<usize>, fresh: &[u8]) {
    let tail = bytes.len() - old.end;
    if fresh.len() > old.len() {
        bytes.resize(bytes.len() + fresh.len() - old.len(), 0);
    }
    bytes.copy_within(old.end..old.end + tail, old.start + fresh.len());
    bytes.truncate(old.start + fresh.len() + tail);
    bytes[old.start..old.start + fresh.len()].copy_from_slice(fresh);
}

/// How many records `run`, which came from elsewhere, has, whether any of them has a deadline and how long the longest name
/// or value is; `None` if it is no sound run of such records.
pub(super) fn measure<S: Shape>(run: &[u8]) -> Option<(usize, bool, usize)> {
    packed::count_checked(run)?;
    let (mut count, mut volatile, mut longest, mut at) = (0, false, 0, 0);
    while at < run.len() {
        let record = record::<S>(run, at)?;
        for item in [record.name, record.value] {
            match item {
                Item::Bytes(_) | Item::Int(_) => longest = longest.max(item.len()),
                Item::Float(_) | Item::Moment(_) => return None,
            }
        }
        volatile |= record.deadline_ms.is_some();
        count += 1;
        at = record.end;
    }
    Some((count, volatile, longest))
}

/// The sound run as a small hash or set; `None` if a name stands twice.
pub(super) fn of<S: Shape>(run: &[u8], count: usize) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(HEAD_BYTES + run.len());
    bytes.extend_from_slice(&head::head(Form::Run, count));
    bytes.extend_from_slice(run);
    let mut names = Vec::with_capacity(count);
    for record in iter::<S>(&bytes) {
        names.push(&bytes[record.start..packed::skip(&bytes, record.start)?]);
    }
    names.sort_unstable();
    if names.windows(2).any(|pair| pair[0] == pair[1]) {
        return None;
    }
    settle::<S>(&mut bytes, 0, true);
    Some(bytes)
}
