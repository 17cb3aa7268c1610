//! A key that has been placed: its namespace, its bytes, its slot and its hash, computed once per request.

use scrubjay_base::SlotId;

/// A namespace: the databases 0..15 of Redis are the namespaces 0..15.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Ns(pub u8);

/// How many databases `SELECT` reaches by number.
pub const DATABASES: u8 = 16;

/// How many namespaces there may be: the databases, and those with a name.
pub const NAMESPACES: u8 = 64;

/// Some namespaces.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct NsSet(u64);

const _: () = assert!(NAMESPACES as u32 == u64::BITS);

impl NsSet {
    /// None.
    pub const NONE: NsSet = NsSet(0);
    /// All.
    pub const ALL: NsSet = NsSet(u64::MAX);

    /// This one; `None`: all.
    pub fn of(ns: Option<Ns>) -> NsSet {
        ns.map_or(NsSet::ALL, |ns| NsSet(1 << ns.0))
    }

    /// As a bit for each.
    pub(crate) fn bits(self) -> u64 {
        self.0
    }

    /// The reverse.
    #[inline(always)]
    pub(crate) fn from_bits(bits: u64) -> NsSet {
        NsSet(bits)
    }

    /// Those of both.
    pub fn union(self, other: NsSet) -> NsSet {
        NsSet(self.0 | other.0)
    }

    /// Whether `ns` is one of them.
    #[inline(always)]
    pub fn contains(self, ns: Ns) -> bool {
        self.0 & 1 << ns.0 != 0
    }

    /// Each of them, ascending.
    pub fn iter(self) -> impl Iterator<Item = Ns> {
        (0..NAMESPACES).map(Ns).filter(move |&ns| self.contains(ns))
    }
}

/// The longest key accepted, in bytes.
pub const KEY_BYTES_MAX: usize = 64 << 10;

/// A key with its place. Made by [`Store::key`](crate::Store::key); valid for that store only.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Key<'a> {
    /// The namespace.
    pub ns: Ns,
    /// The key itself, at most [`KEY_BYTES_MAX`] bytes.
    pub bytes: &'a [u8],
    /// The slot, from CRC16.
    pub slot: SlotId,
    /// The keyed hash: its high bits choose the bucket, its low byte is the tag.
    pub hash: u64,
}
