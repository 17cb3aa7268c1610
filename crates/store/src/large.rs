//! What is too long for an entry's block: large values, collections that outgrew it, and keys beyond a kilobyte.
//!
//! A large value is shared by reference count: a reply sends it from where it is, without a copy under the lock, and stays
//! whole when the entry is overwritten meanwhile. The entry holds an index into its shard's list.

use crate::value::hash::Hash;
use crate::value::list::List;
use crate::value::set::Set;
use crate::value::sorted_set::SortedSet;
use crate::value::{Collection, Kind, Packing};
use scrubjay_base::clock::UnixMs;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// A value shared with the store. It stays as it was when it was handed out.
#[derive(Clone)]
pub struct SharedBytes(Arc<Vec<u8>>);

impl SharedBytes {
    /// Shares a copy of `bytes`.
    pub fn copy_of(bytes: &[u8]) -> SharedBytes {
        SharedBytes(Arc::new(bytes.to_vec()))
    }
}

impl From<&[u8]> for SharedBytes {
    fn from(bytes: &[u8]) -> SharedBytes {
        SharedBytes::copy_of(bytes)
    }
}

impl Deref for SharedBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for SharedBytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SharedBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SharedBytes({} bytes)", self.len())
    }
}

/// A value that is kept apart.
#[derive(Clone)]
pub enum Body {
    /// A string.
    Bytes(SharedBytes),
    /// A list.
    List(Box<List>),
    /// A set.
    Set(Box<Set>),
    /// A hash.
    Hash(Box<Hash>),
    /// A sorted set.
    SortedSet(Box<SortedSet>),
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({} bytes)", self.kind().name(), self.payload_bytes())
    }
}

impl Body {
    /// Its kind, if the body says so.
    pub fn kind(&self) -> Kind {
        match self {
            Body::Bytes(_) => Kind::String,
            Body::List(_) => Kind::List,
            Body::Set(_) => Kind::Set,
            Body::Hash(_) => Kind::Hash,
            Body::SortedSet(_) => Kind::SortedSet,
        }
    }

    /// The bytes of a string.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Body::Bytes(bytes) => bytes,
            Body::List(_) | Body::Set(_) | Body::SortedSet(_) | Body::Hash(_) => b"",
        }
    }

    /// The bytes of a string; what a collection takes in memory, its members' overhead included.
    pub fn payload_bytes(&self) -> usize {
        match self {
            Body::Bytes(bytes) => bytes.len(),
            Body::List(list) => held_bytes(&**list),
            Body::Set(set) => held_bytes(&**set),
            Body::Hash(hash) => held_bytes(&**hash),
            Body::SortedSet(set) => held_bytes(&**set),
        }
    }

    /// What keeping it, with `key_bytes` of a key that lives apart too, costs.
    pub fn cost_bytes(&self, key_bytes: usize) -> u64 {
        match self {
            Body::Bytes(bytes) => cost_bytes(key_bytes, bytes.len()),
            _ => cost_bytes(key_bytes, 0) + self.payload_bytes() as u64,
        }
    }

    /// All of it in the form in which it travels.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        match self {
            Body::Bytes(bytes) => out.extend_from_slice(bytes),
            Body::List(list) => list.write_to(out),
            Body::Set(set) => set.write_to(out),
            Body::Hash(hash) => hash.write_to(out),
            Body::SortedSet(set) => set.write_to(out),
        }
    }

    /// What travelled as `bytes`; `None` if that is no such thing.
    pub fn read_from(kind: Kind, bytes: &[u8], packing: &Packing) -> Option<Body> {
        Some(match kind {
            Kind::String => Body::Bytes(SharedBytes::copy_of(bytes)),
            Kind::List => List::read_from(bytes, packing)?.into_body(),
            Kind::Set => Set::read_from(bytes, packing)?.into_body(),
            Kind::Hash => Hash::read_from(bytes, packing)?.into_body(),
            Kind::SortedSet => SortedSet::read_from(bytes, packing)?.into_body(),
        })
    }

    /// The bytes that are all of a small collection.
    pub fn inline(&self) -> Option<&[u8]> {
        match self {
            Body::Bytes(_) => None,
            Body::List(list) => list.inline(),
            Body::Set(set) => set.inline(),
            Body::Hash(hash) => hash.inline(),
            Body::SortedSet(set) => set.inline(),
        }
    }

    /// A collection from the bytes that were inline.
    pub fn from_inline(kind: Kind, bytes: Vec<u8>) -> Body {
        match kind {
            Kind::List => List::from_inline(bytes).into_body(),
            Kind::Set => Set::from_inline(bytes).into_body(),
            Kind::Hash => Hash::from_inline(bytes).into_body(),
            Kind::SortedSet => SortedSet::from_inline(bytes).into_body(),
            _ => Body::Bytes(SharedBytes(Arc::new(bytes))),
        }
    }

    /// When the first of its members expires.
    pub fn first_deadline_ms(&self) -> Option<UnixMs> {
        match self {
            Body::Bytes(_) => None,
            Body::List(list) => list.first_deadline_ms(),
            Body::Set(set) => set.first_deadline_ms(),
            Body::Hash(hash) => hash.first_deadline_ms(),
            Body::SortedSet(set) => set.first_deadline_ms(),
        }
    }
}

/// One large thing.
pub struct Thing {
    /// The key, if it is too long for the block.
    pub key: Option<Box<[u8]>>,
    /// The value.
    pub body: Body,
    /// What was charged for both.
    pub charged_bytes: u64,
}

/// What the general allocator takes for `bytes`: its size classes are an eighth apart.
#[inline]
pub fn allocated_bytes(bytes: usize) -> usize {
    match bytes {
        0 => 0,
        1..=64 => bytes.next_multiple_of(8),
        _ => bytes.next_multiple_of(1 << (usize::BITS - bytes.leading_zeros()).saturating_sub(4)),
    }
}

/// What keeping `key_bytes` and a string of `capacity_bytes` costs, the general allocator's rounding included.
pub fn cost_bytes(key_bytes: usize, capacity_bytes: usize) -> u64 {
    (allocated_bytes(capacity_bytes) + allocated_bytes(key_bytes) + size_of::<Thing>() + 64) as u64
}

/// What a collection takes that is kept apart.
fn held_bytes<C: Collection>(collection: &C) -> usize {
    allocated_bytes(size_of::<C>()) + collection.heap_bytes()
}

/// A shard's list of large things.
#[derive(Default)]
pub struct Large {
    things: Vec<Option<Thing>>,
    free: Vec<u32>,
}

impl Large {
    /// Keeps a thing and says under which index.
    pub fn add(&mut self, thing: Thing) -> u32 {
        match self.free.pop() {
            Some(index) => {
                self.things[index as usize] = Some(thing);
                index
            }
            None => {
                self.things.push(Some(thing));
                self.things.len() as u32 - 1
            }
        }
    }

    /// The thing at `index`.
    #[inline]
    pub fn get(&self, index: u32) -> &Thing {
        match &self.things[index as usize] {
            Some(thing) => thing,
            None => unreachable!("an entry points to a large thing that is gone"),
        }
    }

    /// The thing's body, to change.
    pub fn body_mut(&mut self, index: u32) -> &mut Body {
        match &mut self.things[index as usize] {
            Some(thing) => &mut thing.body,
            None => unreachable!("an entry points to a large thing that is gone"),
        }
    }

    /// Gives up the thing at `index`.
    pub fn remove(&mut self, index: u32) -> Thing {
        self.free.push(index);
        match self.things[index as usize].take() {
            Some(thing) => thing,
            None => unreachable!("a large thing is removed once"),
        }
    }

    /// Writes `bytes` at `offset` of the value, which must not be longer than its charged capacity afterwards: in place if
    /// nobody else holds it, else into a copy.
    pub fn write_at(&mut self, index: u32, offset: usize, bytes: &[u8], capacity_bytes: usize) {
        let Some(Some(thing)) = self.things.get_mut(index as usize) else { return };
        let Body::Bytes(shared) = &mut thing.body else { return };
        if Arc::get_mut(&mut shared.0).is_none() {
            let mut copy = Vec::with_capacity(capacity_bytes);
            copy.extend_from_slice(shared);
            *shared = SharedBytes(Arc::new(copy));
        }
        let Some(value) = Arc::get_mut(&mut shared.0) else { return };
        let end = offset + bytes.len();
        if value.len() < end {
            value.reserve_exact(capacity_bytes.saturating_sub(value.len()).max(end - value.len()));
            value.resize(end, 0);
        }
        value[offset..end].copy_from_slice(bytes);
    }

    /// How many bytes the value at `index` has room for without moving.
    pub fn capacity_bytes(&self, index: u32) -> usize {
        match &self.get(index).body {
            Body::Bytes(bytes) => bytes.0.capacity(),
            _ => 0,
        }
    }

    /// Notes what is charged for the thing at `index` from now on; returns what was.
    pub fn recharge(&mut self, index: u32, bytes: u64) -> u64 {
        match &mut self.things[index as usize] {
            Some(thing) => std::mem::replace(&mut thing.charged_bytes, bytes),
            None => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_was_handed_out_does_not_change() {
        let mut large = Large::default();
        let body = Body::Bytes(SharedBytes::copy_of(b"hello"));
        let index = large.add(Thing { key: None, body: body.clone(), charged_bytes: 0 });
        let before = large.get(index).body.clone();
        drop(body);
        large.write_at(index, 4, b"y!!", 100);
        assert_eq!((before.bytes(), large.get(index).body.bytes()), (b"hello".as_slice(), b"helly!!".as_slice()));
        drop(before);
        large.write_at(index, 9, b"z", 100);
        assert_eq!(large.get(index).body.bytes(), b"helly!!\0\0z");
        assert!(large.capacity_bytes(index) >= 100);
    }

    #[test]
    fn cost_covers_the_allocators_rounding() {
        for bytes in [3000, 4097, 5000, 1 << 20, (1 << 20) + 1] {
            let cost = cost_bytes(0, bytes);
            assert!(cost >= bytes as u64 && cost < bytes as u64 * 9 / 8 + 256, "{bytes}: {cost}");
        }
    }
}
