//! Names that are there once: what hashes and sets have in common. A hash's names are its fields, and have values; a set's
//! are its members. Either may expire by itself.
//!
//! ```text
//!   small   | head | integers, sorted |     sets of integers only                      ints
//!           | head | run of records   |     short names and values, not many of them   records
//!   else    a dict                                                                     dict
//! ```
//!
//! What has outgrown a form never goes back to it. Deadlines are kept beside what expires; views hide what has expired
//! until an edit or the store's own expiry removes it.
//!
//! Here: the data structure. `view`: reading. `edit`: changing, writing down, repeating. `travel`: in and out.

mod dict;
mod edit;
mod head;
mod ints;
mod pick;
mod records;
mod travel;
mod view;

pub use edit::Until;
pub use pick::Picker;
pub use view::{Member, View};

use super::packed::Item;
use super::{Kind, Packing, RUN_BYTES_MAX};
use crate::large::{Body, allocated_bytes};
use dict::Dict;
use head::{COUNT_MAX, Form};
use scrubjay_base::clock::UnixMs;
use std::marker::PhantomData;

/// Most milliseconds of a deadline: what a moment in a run holds.
pub const DEADLINE_MS_MAX: UnixMs = (1 << 48) - 1;

/// Which of the two it is.
pub trait Shape: Copy + Send + Sync + std::fmt::Debug + 'static {
    /// The kind.
    const KIND: Kind;
    /// Whether names have values.
    const HAS_VALUES: bool;
    /// Up to where it is small.
    fn bounds(packing: &Packing) -> Bounds;
    /// Kept apart from its entry.
    fn into_body(members: Members<Self>) -> Body;
    /// What `body` holds, if it is of this kind.
    fn of(body: &Body) -> Option<&Members<Self>>;
    /// The same, to change.
    fn of_mut(body: &mut Body) -> Option<&mut Members<Self>>;
}

/// Up to where it is small.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Most integers, if it is of integers only; 0: that is no form of its own.
    pub ints_max: usize,
    /// Most names in a run.
    pub entries_max: usize,
    /// Most bytes of a name or value in a run.
    pub value_bytes_max: usize,
}

/// A hash or a set.
#[derive(Clone)]
pub struct Members<S> {
    held: Held,
    shape: PhantomData<S>,
}

#[derive(Clone)]
enum Held {
    /// Integers or a run; the head says which.
    Small(Vec<u8>),
    Dict(Box<Dict>),
}

impl<S: Shape> Members<S> {
    fn small(bytes: Vec<u8>) -> Members<S> {
        Members { held: Held::Small(bytes), shape: PhantomData }
    }

    fn large(dict: Dict) -> Members<S> {
        Members { held: Held::Dict(Box::new(dict)), shape: PhantomData }
    }

    fn empty() -> Members<S> {
        Members::small(records::empty())
    }

    fn count(&self) -> usize {
        match &self.held {
            Held::Small(bytes) => head::count(bytes),
            Held::Dict(dict) => dict.len(),
        }
    }

    fn held_bytes(&self) -> usize {
        match &self.held {
            Held::Small(bytes) => allocated_bytes(bytes.capacity()),
            Held::Dict(dict) => allocated_bytes(size_of::<Dict>()) + dict.heap_bytes(),
        }
    }

    #[inline]
    fn first_deadline(&self) -> Option<UnixMs> {
        match &self.held {
            Held::Small(bytes) => head::first_deadline_ms(bytes),
            Held::Dict(dict) => dict.first_deadline_ms(),
        }
    }

    /// Adds a name, or writes over it, deadline included. Whether it is new.
    fn put(&mut self, name: &[u8], value: &[u8], deadline_ms: Option<UnixMs>, packing: &Packing) -> bool {
        let bounds = S::bounds(packing);
        if let Held::Small(bytes) = &mut self.held {
            let item = Item::of(name);
            if let (Item::Int(number), None) = (item, deadline_ms) {
                if bounds.ints_max > 0 && head::count(bytes) == 0 && head::form(bytes) == Form::Run {
                    *bytes = ints::of(&[number]);
                    return true;
                }
                if head::form(bytes).int_bytes().is_some() {
                    match ints::find(bytes, number) {
                        Ok(_) => return false,
                        Err(index) if head::count(bytes) < bounds.ints_max.min(COUNT_MAX) => {
                            ints::insert(bytes, index, number);
                            return true;
                        }
                        // More integers than fit are too many for a run as well, whatever its own bound.
                        Err(_) => self.become_dict(packing),
                    }
                }
            }
            self.leave_ints(name.len(), &bounds, packing);
        }
        if let Held::Small(bytes) = &mut self.held {
            let item = Item::of(name);
            let found = records::find::<S>(bytes, item).map(|record| record.start..record.end);
            let is_new = found.is_none();
            // What is written over counts too: bounds that were lowered meanwhile hold for every edit.
            let fits = name.len() <= bounds.value_bytes_max
                && value.len() <= bounds.value_bytes_max
                && bytes.len() + name.len() + value.len() <= RUN_BYTES_MAX
                && head::count(bytes) + usize::from(is_new) <= bounds.entries_max.min(COUNT_MAX);
            if fits {
                let old = found.unwrap_or(bytes.len()..bytes.len());
                records::put::<S>(bytes, old, item, Item::of(value), deadline_ms);
                return is_new;
            }
            self.become_dict(packing);
        }
        match &mut self.held {
            Held::Dict(dict) => dict.put(name, value, deadline_ms),
            Held::Small(_) => unreachable!("it has just become a dict"),
        }
    }

    /// Adds a name that has neither value nor deadline, if it is not there. Whether it was not.
    pub(in crate::value) fn add(&mut self, name: &[u8], packing: &Packing) -> bool {
        match &mut self.held {
            Held::Dict(dict) => dict.add(name),
            Held::Small(bytes)
                if head::form(bytes).int_bytes().is_none() && records::find::<S>(bytes, Item::of(name)).is_some() =>
            {
                false
            }
            Held::Small(_) => self.put(name, b"", None, packing),
        }
    }

    /// Makes integers that are to be joined by something else a run, or a dict.
    fn leave_ints(&mut self, name_bytes: usize, bounds: &Bounds, packing: &Packing) {
        let Held::Small(bytes) = &mut self.held else { return };
        if head::form(bytes).int_bytes().is_none() {
            return;
        }
        let count = head::count(bytes);
        // The longest integer is the first or the last.
        let ends = [0, count.saturating_sub(1)].into_iter().filter(|&index| index < count);
        let longest = ends.map(|index| Item::Int(ints::at(bytes, index)).len()).max().unwrap_or(0).max(name_bytes);
        if count >= bounds.entries_max || longest > bounds.value_bytes_max {
            return self.become_dict(packing);
        }
        let mut run = records::empty();
        ints::iter(bytes).for_each(|number| Item::Int(number).write(&mut run));
        head::set_head(&mut run, Form::Run, head::count(bytes));
        *bytes = run;
    }

    fn become_dict(&mut self, packing: &Packing) {
        let mut dict = Dict::new(packing.hasher.clone());
        for member in self.as_view().iter(0) {
            member.name.with(|name| member.value_with(|value| dict.put(name, value, member.deadline_ms)));
        }
        self.held = Held::Dict(Box::new(dict));
    }

    fn remove(&mut self, name: &[u8]) -> bool {
        match &mut self.held {
            Held::Dict(dict) => dict.remove(name),
            Held::Small(bytes) if head::form(bytes).int_bytes().is_some() => {
                let Item::Int(number) = Item::of(name) else { return false };
                ints::find(bytes, number).map(|index| ints::remove(bytes, index)).is_ok()
            }
            Held::Small(bytes) => {
                let Some(record) = records::find::<S>(bytes, Item::of(name)) else { return false };
                let old = record.start..record.end;
                records::remove::<S>(bytes, old);
                true
            }
        }
    }

    fn set_deadline(&mut self, name: &[u8], deadline_ms: Option<UnixMs>, packing: &Packing) -> bool {
        if self.as_view().get(name, 0).is_none() {
            return false;
        }
        if deadline_ms.is_some() {
            self.leave_ints(0, &S::bounds(packing), packing);
        }
        match &mut self.held {
            Held::Dict(dict) => dict.set_deadline(name, deadline_ms),
            Held::Small(bytes) if head::form(bytes).int_bytes().is_some() => true,
            // Nothing grows but by the deadline, so no bound is asked.
            Held::Small(bytes) => {
                let Some(record) = records::find::<S>(bytes, Item::of(name)) else { return false };
                let (old, value) = (record.start..record.end, record.value.to_vec());
                records::put::<S>(bytes, old, Item::of(name), Item::of(&value), deadline_ms);
                true
            }
        }
    }

    /// Shows the member at `index`, below the length, and removes it.
    fn take_at(&mut self, index: usize, see: impl FnOnce(Member<'_>)) {
        match &mut self.held {
            Held::Dict(dict) => dict.take_at(index, |found| see(Member::of_found(found))),
            Held::Small(bytes) if head::form(bytes).int_bytes().is_some() => {
                see(Member::of_int(ints::at(bytes, index)));
                ints::remove(bytes, index);
            }
            Held::Small(bytes) => {
                let Some(record) = records::iter::<S>(bytes).nth(index) else { return };
                see(Member::of_record(record));
                let old = record.start..record.end;
                records::remove::<S>(bytes, old);
            }
        }
    }

    /// Removes what has expired and shows it before. How many.
    fn expire(&mut self, now_ms: UnixMs, mut see: impl FnMut(Member<'_>)) -> usize {
        match &mut self.held {
            Held::Dict(dict) => dict.expire(now_ms, |found| see(Member::of_found(found))),
            Held::Small(bytes) if head::first_deadline_ms(bytes).is_some_and(|at| at <= now_ms) => {
                records::expire::<S>(bytes, now_ms, |record| see(Member::of_record(record)))
            }
            Held::Small(_) => 0,
        }
    }

    /// Removes everything.
    fn clear(&mut self) {
        *self = Members::empty();
    }
}
