//! What a key may hold besides a string: lists, sets, sorted sets and hashes.
//!
//! ```text
//!   small   entry | header | key | inline bytes          copied out, changed, written back
//!   else    entry | header | key | index --> Large: Body::{List, Set, SortedSet, Hash}, changed where it is
//! ```
//!
//! Each kind is a plain data structure in a file or folder of its own that knows nothing of keys, slots or locks: it says
//! what it takes, shows itself as a [`Collection::View`], and is changed through an [`Edit`], which also writes down each
//! change for whoever listens. A collection is small while it is one run of items ([`packed`]), within the bounds of
//! [`Packing`].
//!
//! Sources: what commands promise and at what cost is Redis' documentation; how the kinds are built stands in their files.

pub mod hash;
pub mod list;
pub mod members;
pub mod packed;
pub mod set;
pub mod sorted_set;

use crate::OutOfMemory;
use crate::large::Body;
use packed::Item;
use scrubjay_base::KeyHasher;
use scrubjay_base::clock::UnixMs;
use scrubjay_base::rand::Rng;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// What a key holds.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[repr(u8)]
pub enum Kind {
    /// Bytes.
    #[default]
    String = 0,
    /// A list.
    List = 1,
    /// A set.
    Set = 2,
    /// A sorted set.
    SortedSet = 3,
    /// A hash.
    Hash = 4,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 5] = [Kind::String, Kind::List, Kind::Set, Kind::SortedSet, Kind::Hash];

    /// The name that `TYPE` answers.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::String => "string",
            Kind::List => "list",
            Kind::Set => "set",
            Kind::SortedSet => "zset",
            Kind::Hash => "hash",
        }
    }

    /// The kind with this number.
    pub const fn from_number(number: u8) -> Option<Kind> {
        match number {
            0..5 => Some(Kind::ALL[number as usize]),
            _ => None,
        }
    }
}

/// The key holds another kind than the command works on. Nothing was changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WrongKind;

/// Why an edit did not happen. Nothing was changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refused {
    /// The key holds another kind.
    WrongKind,
    /// No memory under a limit.
    OutOfMemory(OutOfMemory),
}

impl From<OutOfMemory> for Refused {
    fn from(limit: OutOfMemory) -> Refused {
        Refused::OutOfMemory(limit)
    }
}

impl From<WrongKind> for Refused {
    fn from(_: WrongKind) -> Refused {
        Refused::WrongKind
    }
}

/// Most bytes of one run, whatever the bounds say: lengths and places of a run stay far within what 32 bits hold. Redis'
/// limit for the same thing.
pub(crate) const RUN_BYTES_MAX: usize = 1 << 30;

/// Up to where collections are one run. Redis' settings of the same names, with its defaults but for the fields of a hash,
/// which it keeps in one run up to 512: a field there is found by passing those before it.
#[derive(Clone, Debug)]
pub struct Packing {
    /// Items of a list's run, or from -1 to -5 its size: 4, 8, 16, 32 or 64 KiB; what is less counts as -5, and 0 as 1.
    /// `list-max-listpack-size`.
    pub list_size_max: i32,
    /// Fields of a hash. `hash-max-listpack-entries`.
    pub hash_entries_max: u32,
    /// Bytes of a hash's field or value. `hash-max-listpack-value`.
    pub hash_value_bytes_max: u32,
    /// Members of a set of integers. `set-max-intset-entries`.
    pub set_ints_max: u32,
    /// Members of another set. `set-max-listpack-entries`.
    pub set_entries_max: u32,
    /// Bytes of a set's member. `set-max-listpack-value`.
    pub set_value_bytes_max: u32,
    /// Members of a sorted set. `zset-max-listpack-entries`.
    pub sorted_set_entries_max: u32,
    /// Bytes of a sorted set's member. `zset-max-listpack-value`.
    pub sorted_set_value_bytes_max: u32,
    /// Hashes members of what is no run any more.
    pub hasher: Arc<KeyHasher>,
}

impl Packing {
    /// The default bounds.
    pub fn new(hasher: Arc<KeyHasher>) -> Packing {
        Packing {
            list_size_max: -2,
            hash_entries_max: 128,
            hash_value_bytes_max: 64,
            set_ints_max: 512,
            set_entries_max: 128,
            set_value_bytes_max: 64,
            sorted_set_entries_max: 128,
            sorted_set_value_bytes_max: 64,
            hasher,
        }
    }
}

/// The bounds as a store keeps them: changed while it runs, read at every edit.
pub struct PackingCell {
    hasher: Arc<KeyHasher>,
    bounds: [AtomicU32; 8],
    /// How often they were changed.
    version: AtomicU32,
}

impl PackingCell {
    /// Holds `packing`.
    pub fn new(packing: &Packing) -> PackingCell {
        let (hasher, version) = (packing.hasher.clone(), AtomicU32::new(0));
        let cell = PackingCell { hasher, bounds: Default::default(), version };
        cell.set(packing);
        cell
    }

    /// Changes the bounds, for edits from now on. A collection that is no run any more stays so until it is made anew.
    pub fn set(&self, packing: &Packing) {
        let values = [
            packing.list_size_max.cast_unsigned(),
            packing.hash_entries_max,
            packing.hash_value_bytes_max,
            packing.set_ints_max,
            packing.set_entries_max,
            packing.set_value_bytes_max,
            packing.sorted_set_entries_max,
            packing.sorted_set_value_bytes_max,
        ];
        for (cell, value) in self.bounds.iter().zip(values) {
            cell.store(value, Relaxed);
        }
        self.version.fetch_add(1, Release);
    }

    /// Another number after each change, and before the first read of what was changed.
    pub fn version(&self) -> u32 {
        self.version.load(Acquire)
    }

    /// The bounds now.
    pub fn get(&self) -> Packing {
        let [list, hash, hash_value, ints, set, set_value, sorted, sorted_value] = &self.bounds;
        Packing {
            list_size_max: list.load(Relaxed).cast_signed(),
            hash_entries_max: hash.load(Relaxed),
            hash_value_bytes_max: hash_value.load(Relaxed),
            set_ints_max: ints.load(Relaxed),
            set_entries_max: set.load(Relaxed),
            set_value_bytes_max: set_value.load(Relaxed),
            sorted_set_entries_max: sorted.load(Relaxed),
            sorted_set_value_bytes_max: sorted_value.load(Relaxed),
            hasher: self.hasher.clone(),
        }
    }
}

/// A kind of collection: a data structure, and how it is kept, shown, moved and repeated elsewhere.
pub trait Collection: Clone + Sized + Send + Sync + 'static {
    /// Which kind.
    const KIND: Kind;
    /// What a reader gets: borrowed, cheap to copy, the same for small and large ones.
    type View<'a>: Copy;

    /// An empty one.
    fn new(packing: &Packing) -> Self;
    /// A small one, from the bytes that [`Collection::inline`] gave.
    fn from_inline(bytes: Vec<u8>) -> Self;
    /// The bytes that are all of it, while it is small. How long they may be to stay in the entry, the store decides.
    fn inline(&self) -> Option<&[u8]>;
    /// Takes those bytes out, so that their memory is used again. Only called where [`Collection::inline`] gave some.
    fn into_inline(self) -> Vec<u8>;
    /// Shows a small one where it lies.
    fn view_inline(bytes: &[u8]) -> Self::View<'_>;
    /// Shows it.
    fn view(&self) -> Self::View<'_>;

    /// How many members, those included that expired and are not yet removed.
    fn len(&self) -> usize;
    /// Whether there are none: then the key goes.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Bytes of memory that it holds beyond its own size, the allocator's rounding included. Cost: O(1).
    fn heap_bytes(&self) -> usize;
    /// When the first of its members expires; may be too early, never too late. Cost: O(1).
    fn first_deadline_ms(&self) -> Option<UnixMs> {
        None
    }
    /// The same for a small one where it lies.
    fn first_deadline_inline(bytes: &[u8]) -> Option<UnixMs> {
        let _ = bytes;
        None
    }
    /// Whether [`Collection::expire`] has something to do; may say so in vain, at most once in a tick.
    fn is_due(&self, now_ms: UnixMs) -> bool {
        self.first_deadline_ms().is_some_and(|at| at <= now_ms)
    }
    /// Removes the members whose deadline has passed. How many.
    fn expire(edit: &mut Edit<'_, Self>) -> usize {
        let _ = edit;
        0
    }

    /// Appends all of it to `out`, in the form in which it travels: a run of items that does not depend on how it is kept.
    fn write_to(&self, out: &mut Vec<u8>);
    /// The collection that `bytes` came from; `None` if they are no such thing, in whatever way. Never more memory than a
    /// small multiple of `bytes`.
    fn read_from(bytes: &[u8], packing: &Packing) -> Option<Self>;
    /// Does again what an edit elsewhere wrote down; `None` if it makes no sense here.
    fn repeat(edit: &mut Edit<'_, Self>, changes: &[u8]) -> Option<()>;

    /// Kept apart from its entry.
    fn into_body(self) -> Body;
    /// What `body` holds, if it is of this kind.
    fn of(body: &Body) -> Option<&Self>;
    /// The same, to change.
    fn of_mut(body: &mut Body) -> Option<&mut Self>;
}

/// A collection while it is changed, under its slot's lock.
pub struct Edit<'e, C> {
    /// The collection. Changes go through the methods of `Edit`, which write them down.
    pub(crate) value: &'e mut C,
    /// Up to where it is one run.
    pub(crate) packing: &'e Packing,
    /// What was changed.
    pub(crate) log: Log,
    /// Now.
    pub(crate) now_ms: UnixMs,
    /// For random choices.
    pub(crate) rng: &'e mut Rng,
}

impl<'e, C: Collection> Edit<'e, C> {
    /// Begins to change `value`; `listening`: whether anybody wants to know how.
    pub(crate) fn new(
        value: &'e mut C,
        packing: &'e Packing,
        listening: bool,
        now_ms: UnixMs,
        rng: &'e mut Rng,
    ) -> Edit<'e, C> {
        Edit { value, packing, log: Log::new(listening), now_ms, rng }
    }

    /// The collection as it is now.
    pub fn view(&self) -> C::View<'_> {
        self.value.view()
    }

    /// How many members it has now.
    pub fn len(&self) -> usize {
        self.value.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.value.is_empty()
    }

    /// Now, in Unix milliseconds.
    pub fn now_ms(&self) -> UnixMs {
        self.now_ms
    }

    /// Where random choices come from.
    pub fn rng(&mut self) -> &mut Rng {
        self.rng
    }
}

/// What an edit changed: a run in which each change is its number and what it needs, so that [`Collection::repeat`] can do
/// it again elsewhere. Written only if somebody listens; counted always.
#[derive(Debug)]
pub struct Log {
    run: Option<Vec<u8>>,
    changes: usize,
}

impl Log {
    fn new(listening: bool) -> Log {
        Log { run: listening.then(Vec::new), changes: 0 }
    }

    /// Notes change number `change` with `items`.
    #[inline]
    pub(crate) fn note<'a>(&mut self, change: i64, items: impl IntoIterator<Item = Item<'a>>) {
        self.changes += 1;
        if let Some(run) = &mut self.run {
            Item::Int(change).write(run);
            items.into_iter().for_each(|item| item.write(run));
        }
    }

    /// How many changes there were.
    pub(crate) fn changes(&self) -> usize {
        self.changes
    }

    /// What was written down.
    pub(crate) fn run(&self) -> &[u8] {
        self.run.as_deref().unwrap_or_default()
    }
}

/// When the first member of a small collection expires, from the bytes in its entry.
pub(crate) fn first_deadline_inline(kind: Kind, bytes: &[u8]) -> Option<UnixMs> {
    match kind {
        Kind::String => None,
        Kind::List => list::List::first_deadline_inline(bytes),
        Kind::Set => set::Set::first_deadline_inline(bytes),
        Kind::Hash => hash::Hash::first_deadline_inline(bytes),
        Kind::SortedSet => None,
    }
}
