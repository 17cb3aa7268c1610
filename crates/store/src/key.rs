//! A key that has been placed: its namespace, its bytes, its slot and its hash, computed once per request.

use scrubjay_base::SlotId;

/// A namespace: the databases 0..15 of Redis are the namespaces 0..15.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Ns(pub u8);

/// How many databases `SELECT` reaches by number.
pub const DATABASES: u8 = 16;

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
