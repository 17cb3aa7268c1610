//! A hash or a set as a reader sees it: the same for small and large ones, and without what has expired.

use super::super::packed::Item;
use super::dict::{Dict, Found};
use super::head::{self, Form};
use super::pick::Picker;
use super::records::{self, Record};
use super::{Held, Members, Shape, ints};
use scrubjay_base::clock::UnixMs;
use scrubjay_base::rand::Rng;
use std::marker::PhantomData;

/// A field with its value, or a member.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Member<'a> {
    /// The field or member.
    pub name: Item<'a>,
    /// The value; empty in sets.
    pub value: Item<'a>,
    /// When it expires.
    pub deadline_ms: Option<UnixMs>,
}

impl<'a> Member<'a> {
    #[inline]
    pub(super) fn of_int(number: i64) -> Member<'a> {
        Member { name: Item::Int(number), value: Item::Bytes(b""), deadline_ms: None }
    }

    #[inline]
    pub(super) fn of_record(record: Record<'a>) -> Member<'a> {
        Member { name: record.name, value: record.value, deadline_ms: record.deadline_ms }
    }

    #[inline]
    pub(super) fn of_found(found: Found<'a>) -> Member<'a> {
        Member { name: Item::Bytes(found.name), value: Item::Bytes(found.value), deadline_ms: found.deadline_ms }
    }

    /// Shows the value's bytes.
    #[inline]
    pub fn value_with<R>(&self, see: impl FnOnce(&[u8]) -> R) -> R {
        self.value.with(see)
    }

    #[inline]
    fn is_live(&self, now_ms: UnixMs) -> bool {
        self.deadline_ms.is_none_or(|at| at > now_ms)
    }
}

/// A hash or a set as a reader sees it.
#[derive(Clone, Copy)]
pub struct View<'a, S> {
    seen: Seen<'a>,
    shape: PhantomData<S>,
}

#[derive(Clone, Copy)]
enum Seen<'a> {
    Small(&'a [u8]),
    Dict(&'a Dict),
}

impl<S: Shape> Members<S> {
    #[inline]
    pub(super) fn as_view(&self) -> View<'_, S> {
        let seen = match &self.held {
            Held::Small(bytes) => Seen::Small(bytes),
            Held::Dict(dict) => Seen::Dict(dict),
        };
        View { seen, shape: PhantomData }
    }
}

impl<'a, S: Shape> View<'a, S> {
    #[inline]
    pub(super) fn of_small(bytes: &'a [u8]) -> View<'a, S> {
        View { seen: Seen::Small(bytes), shape: PhantomData }
    }

    /// Whether nothing of it has expired, as far as can be told at once.
    #[inline]
    pub(super) fn is_fresh(self, now_ms: UnixMs) -> bool {
        let first = match self.seen {
            Seen::Small(bytes) => head::first_deadline_ms(bytes),
            Seen::Dict(dict) => dict.first_deadline_ms(),
        };
        first.is_none_or(|at| at > now_ms)
    }

    /// Whether all have expired and are still there.
    #[inline]
    pub(crate) fn is_over(self, now_ms: UnixMs) -> bool {
        !self.is_fresh(now_ms) && self.has_no_live(now_ms)
    }

    #[cold]
    fn has_no_live(self, now_ms: UnixMs) -> bool {
        match self.seen {
            Seen::Small(_) => self.iter(now_ms).next().is_none(),
            // What came last mostly goes last.
            Seen::Dict(dict) => !dict.iter().rev().any(|found| Member::of_found(found).is_live(now_ms)),
        }
    }

    /// How many there are, what has expired included: the most that [`View::len`] can say.
    pub fn len_max(self) -> usize {
        match self.seen {
            Seen::Small(bytes) => head::count(bytes),
            Seen::Dict(dict) => dict.len(),
        }
    }

    /// How many there are. Cost: O(1); while some have expired and are not yet removed, a look at those that may have.
    #[allow(clippy::len_without_is_empty)] // a key without members does not exist
    pub fn len(self, now_ms: UnixMs) -> usize {
        match self.seen {
            _ if self.is_fresh(now_ms) => self.len_max(),
            Seen::Small(_) => self.iter(now_ms).count(),
            Seen::Dict(dict) => dict.live_len(now_ms),
        }
    }

    /// The field or member of this name.
    #[inline]
    pub fn get(self, name: &[u8], now_ms: UnixMs) -> Option<Member<'a>> {
        let found = match self.seen {
            Seen::Dict(dict) => dict.get(name).map(Member::of_found),
            Seen::Small(bytes) if head::form(bytes).int_bytes().is_some() => match Item::of(name) {
                Item::Int(number) => ints::find(bytes, number).ok().map(|_| Member::of_int(number)),
                _ => None,
            },
            Seen::Small(bytes) => records::find::<S>(bytes, Item::of(name)).map(Member::of_record),
        };
        found.filter(|member| member.is_live(now_ms))
    }

    /// Whether there is one of this name, which may come from another of them.
    #[inline]
    pub fn contains(self, name: Item<'_>, now_ms: UnixMs) -> bool {
        match (self.seen, name) {
            (Seen::Small(bytes), Item::Int(number)) if head::form(bytes).int_bytes().is_some() => {
                ints::find(bytes, number).is_ok()
            }
            _ => name.with(|name| self.get(name, now_ms).is_some()),
        }
    }

    /// All of them.
    pub fn iter(self, now_ms: UnixMs) -> impl Iterator<Item = Member<'a>> + use<'a, S> {
        let (ints, run, dict) = match self.seen {
            Seen::Small(bytes) if head::form(bytes).int_bytes().is_some() => (Some(ints::iter(bytes)), None, None),
            Seen::Small(bytes) => (None, Some(records::iter::<S>(bytes)), None),
            Seen::Dict(dict) => (None, None, Some(dict.iter())),
        };
        let ints = ints.into_iter().flatten().map(Member::of_int);
        let run = run.into_iter().flatten().map(Member::of_record);
        let dict = dict.into_iter().flatten().map(Member::of_found);
        ints.chain(run).chain(dict).filter(move |member| member.is_live(now_ms))
    }

    /// One step of a walk through all of them: shows about `effort`, from `cursor` on, and returns the next cursor, 0 at the
    /// end. What is there from the first step to the last is shown at least once, whatever happens in between. Small ones
    /// are shown in one step.
    pub fn scan(self, cursor: u64, effort: usize, now_ms: UnixMs, mut see: impl FnMut(Member<'a>)) -> u64 {
        match (self.seen, u32::try_from(cursor)) {
            (Seen::Small(_), _) => {
                self.iter(now_ms).for_each(see);
                0
            }
            (Seen::Dict(dict), Ok(from)) => {
                let next = dict.scan(from, effort, |found| {
                    let member = Member::of_found(found);
                    if member.is_live(now_ms) {
                        see(member);
                    }
                });
                next.map_or(0, u64::from)
            }
            (Seen::Dict(_), Err(_)) => 0,
        }
    }

    /// Number `index`, below [`View::len_max`], in any order.
    pub(super) fn at(self, index: usize) -> Option<Member<'a>> {
        match self.seen {
            Seen::Dict(dict) => Some(Member::of_found(dict.at(index))),
            Seen::Small(bytes) if head::form(bytes).int_bytes().is_some() => {
                Some(Member::of_int(ints::at(bytes, index)))
            }
            Seen::Small(bytes) => records::iter::<S>(bytes).nth(index).map(Member::of_record),
        }
    }

    /// Whether finding number `index` costs O(1).
    pub(super) fn is_indexed(self) -> bool {
        match self.seen {
            Seen::Dict(_) => true,
            Seen::Small(bytes) => head::form(bytes).int_bytes().is_some(),
        }
    }

    /// One at random, each as likely as the others; `None` if there is none.
    pub fn random(self, now_ms: UnixMs, rng: &mut Rng) -> Option<Member<'a>> {
        let count = self.len_max() as u64;
        if count == 0 {
            return None;
        }
        // What has expired is passed over; few have that are not removed yet.
        const TRIES: usize = 16;
        for _ in 0..TRIES {
            let found = self.at(rng.below(count) as usize).filter(|member| member.is_live(now_ms));
            if found.is_some() {
                return found;
            }
        }
        let picker = Picker::new(self, now_ms);
        picker.at(rng.below(picker.len() as u64) as usize)
    }

    /// How it is kept, in Redis' words.
    pub fn encoding(self) -> &'static str {
        match self.seen {
            Seen::Dict(_) => "hashtable",
            Seen::Small(bytes) => match head::form(bytes) {
                Form::Run => "listpack",
                Form::Volatile => "listpackex",
                Form::Ints2 | Form::Ints4 | Form::Ints8 => "intset",
            },
        }
    }
}
