//! A hash or a set on its way: into an entry, apart from it, to other nodes, and back.
//!
//! ```text
//!   travelling   | field | value | moment? | ...    | member | moment? | ...      in any order
//! ```

use super::super::packed::{self, Item};
use super::super::{Collection, Edit, Kind, Packing, RUN_BYTES_MAX};
use super::dict::Dict;
use super::head::{self, COUNT_MAX};
use super::{Held, Members, Shape, View, ints, records};
use crate::large::Body;
use scrubjay_base::clock::UnixMs;

impl<S: Shape> Collection for Members<S> {
    const KIND: Kind = S::KIND;
    type View<'a> = View<'a, S>;

    fn new(_packing: &Packing) -> Members<S> {
        Members::empty()
    }

    fn from_inline(bytes: Vec<u8>) -> Members<S> {
        Members::small(bytes)
    }

    fn inline(&self) -> Option<&[u8]> {
        match &self.held {
            Held::Small(bytes) => Some(bytes),
            Held::Dict(_) => None,
        }
    }

    fn into_inline(self) -> Vec<u8> {
        match self.held {
            Held::Small(bytes) => bytes,
            Held::Dict(_) => Vec::new(),
        }
    }

    fn view_inline(bytes: &[u8]) -> View<'_, S> {
        View::of_small(bytes)
    }

    fn view(&self) -> View<'_, S> {
        self.as_view()
    }

    fn len(&self) -> usize {
        self.count()
    }

    fn heap_bytes(&self) -> usize {
        self.held_bytes()
    }

    fn first_deadline_ms(&self) -> Option<UnixMs> {
        self.first_deadline()
    }

    fn first_deadline_inline(bytes: &[u8]) -> Option<UnixMs> {
        head::first_deadline_ms(bytes)
    }

    fn is_due(&self, now_ms: UnixMs) -> bool {
        match &self.held {
            Held::Dict(dict) => dict.is_due(now_ms),
            Held::Small(_) => self.first_deadline().is_some_and(|at| at <= now_ms),
        }
    }

    fn expire(edit: &mut Edit<'_, Members<S>>) -> usize {
        edit.expire_due()
    }

    fn write_to(&self, out: &mut Vec<u8>) {
        if let Held::Small(bytes) = &self.held
            && head::form(bytes).int_bytes().is_none()
        {
            return out.extend_from_slice(&bytes[head::start(bytes)..]);
        }
        for member in self.as_view().iter(0) {
            member.name.canonical().write(out);
            if S::HAS_VALUES {
                member.value.canonical().write(out);
            }
            if let Some(at) = member.deadline_ms {
                Item::Moment(at).write(out);
            }
        }
    }

    fn read_from(run: &[u8], packing: &Packing) -> Option<Members<S>> {
        let (count, volatile, longest) = records::measure::<S>(run).filter(|(count, ..)| *count > 0)?;
        let bounds = S::bounds(packing);
        if bounds.ints_max > 0 && !volatile && count <= bounds.ints_max.min(COUNT_MAX) {
            let number = |(_, item)| if let Item::Int(number) = item { Some(number) } else { None };
            if let Some(mut numbers) = packed::items(run).map(number).collect::<Option<Vec<i64>>>() {
                numbers.sort_unstable();
                let distinct = numbers.windows(2).all(|pair| pair[0] != pair[1]);
                return distinct.then(|| Members::small(ints::of(&numbers)));
            }
        }
        let is_short = run.len() <= RUN_BYTES_MAX && longest <= bounds.value_bytes_max;
        if is_short && count <= bounds.entries_max.min(COUNT_MAX) {
            return records::of::<S>(run, count).map(Members::small);
        }
        let mut dict = Dict::new(packing.hasher.clone());
        let mut at = 0;
        while let Some(record) = records::record::<S>(run, at) {
            let value = if S::HAS_VALUES { record.value } else { Item::Bytes(b"") };
            let is_new = record.name.with(|name| value.with(|value| dict.put(name, value, record.deadline_ms)));
            if !is_new {
                return None;
            }
            at = record.end;
        }
        Some(Members::large(dict))
    }

    fn repeat(edit: &mut Edit<'_, Members<S>>, changes: &[u8]) -> Option<()> {
        edit.repeat_all(changes)
    }

    fn into_body(mut self) -> Body {
        if let Held::Small(bytes) = &mut self.held {
            bytes.shrink_to_fit();
        }
        S::into_body(self)
    }

    fn of(body: &Body) -> Option<&Members<S>> {
        S::of(body)
    }

    fn of_mut(body: &mut Body) -> Option<&mut Members<S>> {
        S::of_mut(body)
    }
}
