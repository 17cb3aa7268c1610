//! What is too long for an entry's block: large values, collections that outgrew it, and keys beyond a kilobyte.
//!
//! A large value is shared by reference count: a reply sends it from where it is, without a copy under the lock, and stays
//! whole when the entry is overwritten meanwhile. The entry holds an index into its shard's list.

use crate::compress::{self, Compressed};
use crate::strings::{self, LongString, region_bytes};
use crate::value::hash::Hash;
use crate::value::list::List;
use crate::value::set::Set;
use crate::value::sorted_set::SortedSet;
use crate::value::{Collection, Kind, Packing};
use scrubjay_base::clock::UnixMs;
use std::fmt;

/// A value that is kept apart.
#[derive(Clone)]
pub enum Body {
    /// A string, plain.
    Bytes(LongString),
    /// A string, compressed.
    Compressed(Compressed),
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
            Body::Bytes(_) | Body::Compressed(_) => Kind::String,
            Body::List(_) => Kind::List,
            Body::Set(_) => Kind::Set,
            Body::Hash(_) => Kind::Hash,
            Body::SortedSet(_) => Kind::SortedSet,
        }
    }

    /// The bytes of a string that is kept plain.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Body::Bytes(bytes) => bytes,
            Body::Compressed(_) | Body::List(_) | Body::Set(_) | Body::SortedSet(_) | Body::Hash(_) => b"",
        }
    }

    /// The bytes of a string; what a collection takes in memory, its members' overhead included.
    pub fn payload_bytes(&self) -> usize {
        match self {
            Body::Bytes(bytes) => bytes.len(),
            Body::Compressed(compressed) => compressed.stored().len(),
            Body::List(list) => held_bytes(&**list),
            Body::Set(set) => held_bytes(&**set),
            Body::Hash(hash) => held_bytes(&**hash),
            Body::SortedSet(set) => held_bytes(&**set),
        }
    }

    /// What keeping it, with `key_bytes` of a key that lives apart too, costs.
    pub fn cost_bytes(&self, key_bytes: usize) -> u64 {
        match self {
            Body::Bytes(bytes) | Body::Compressed(Compressed(bytes)) => cost_bytes(key_bytes, bytes.capacity_bytes()),
            _ => cost_bytes(key_bytes, 0) + self.payload_bytes() as u64,
        }
    }

    /// All of it in the form in which it travels.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        match self {
            Body::Bytes(bytes) => out.extend_from_slice(bytes),
            Body::Compressed(compressed) => compress::append_plain(compressed.stored(), out),
            Body::List(list) => list.write_to(out),
            Body::Set(set) => set.write_to(out),
            Body::Hash(hash) => hash.write_to(out),
            Body::SortedSet(set) => set.write_to(out),
        }
    }

    /// What travelled as `bytes`; `None` if that is no such thing.
    pub fn read_from(kind: Kind, bytes: &[u8], packing: &Packing) -> Option<Body> {
        Some(match kind {
            Kind::String => Body::Bytes(LongString::copy_of(bytes)),
            Kind::List => List::read_from(bytes, packing)?.into_body(),
            Kind::Set => Set::read_from(bytes, packing)?.into_body(),
            Kind::Hash => Hash::read_from(bytes, packing)?.into_body(),
            Kind::SortedSet => SortedSet::read_from(bytes, packing)?.into_body(),
        })
    }

    /// The bytes that are all of a small collection.
    pub fn inline(&self) -> Option<&[u8]> {
        match self {
            Body::Bytes(_) | Body::Compressed(_) => None,
            Body::List(list) => list.inline(),
            Body::Set(set) => set.inline(),
            Body::Hash(hash) => hash.inline(),
            Body::SortedSet(set) => set.inline(),
        }
    }

    /// A string from its bytes, a collection from those that were inline.
    pub fn from_inline(kind: Kind, bytes: &[u8]) -> Body {
        match kind {
            Kind::List => List::from_inline(bytes.to_vec()).into_body(),
            Kind::Set => Set::from_inline(bytes.to_vec()).into_body(),
            Kind::Hash => Hash::from_inline(bytes.to_vec()).into_body(),
            Kind::SortedSet => SortedSet::from_inline(bytes.to_vec()).into_body(),
            Kind::String => Body::Bytes(LongString::copy_of(bytes)),
        }
    }

    /// When the first of its members expires.
    pub fn first_deadline_ms(&self) -> Option<UnixMs> {
        match self {
            Body::Bytes(_) | Body::Compressed(_) => None,
            Body::List(list) => list.first_deadline_ms(),
            Body::Set(set) => set.first_deadline_ms(),
            Body::Hash(hash) => hash.first_deadline_ms(),
            Body::SortedSet(set) => set.first_deadline_ms(),
        }
    }
}

/// So a walk is over when a sixty-fourth of a shard has been written: chunks are called sparse at more holes than that.
const WALK_TIMES: u64 = 64;
/// A byte written makes a byte of holes, and for a byte freed about one moves; three times as much catches up.
const MOVE_TIMES: u64 = 3;

/// One large thing.
pub struct Thing {
    /// The key, if it is too long for the block.
    pub key: Option<Box<[u8]>>,
    /// The value.
    pub body: Body,
    /// The hash of its entry's key, and which of the shard's tables the entry is in.
    pub hash: u64,
    /// See `hash`.
    pub table: u32,
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

/// What keeping `key_bytes` and a string of `capacity_bytes` costs, rounding and the share of the list of things included.
pub fn cost_bytes(key_bytes: usize, capacity_bytes: usize) -> u64 {
    (region_bytes(capacity_bytes) + allocated_bytes(key_bytes) + size_of::<Thing>() + 32) as u64
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
    /// The walk that moves strings out of sparse chunks: where it is, and the turns of its beginning and of the last whole one.
    walk_at: usize,
    walk_turn: u64,
    walked_turn: u64,
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

    /// The thing at `index`, if one is there.
    pub fn find(&self, index: u32) -> Option<&Thing> {
        self.things.get(index as usize)?.as_ref()
    }

    /// How many places there are, free ones included.
    pub fn places(&self) -> usize {
        self.things.len()
    }

    /// The thing's entry is in another table now.
    pub fn set_table(&mut self, index: u32, table: u32) {
        if let Some(thing) = &mut self.things[index as usize] {
            thing.table = table;
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
        shared.write_at(offset, bytes, capacity_bytes);
    }

    /// Goes on looking for strings in chunks that shall empty, and moves them, as far as `bytes` just written pay for.
    /// Whether there is more to do.
    #[inline]
    pub fn move_strings(&mut self, bytes: u64) -> bool {
        self.walked_turn != strings::turn() && self.move_strings_slowly(bytes)
    }

    #[cold]
    fn move_strings_slowly(&mut self, bytes: u64) -> bool {
        if self.walk_at == 0 {
            self.walk_turn = strings::turn();
        }
        let (mut passed, mut moved) = (0, 0);
        while passed < bytes * WALK_TIMES && moved < bytes * MOVE_TIMES {
            let Some(thing) = self.things.get_mut(self.walk_at) else {
                (self.walk_at, self.walked_turn) = (0, self.walk_turn);
                return self.walked_turn != strings::turn();
            };
            self.walk_at += 1;
            passed += size_of::<Thing>() as u64;
            let Some(Thing { body: Body::Bytes(string) | Body::Compressed(Compressed(string)), charged_bytes, .. }) =
                thing
            else {
                continue;
            };
            passed += *charged_bytes;
            if string.should_move() {
                moved += *charged_bytes;
                *string = string.elsewhere();
            }
        }
        true
    }

    /// How many bytes the value at `index` has room for without moving.
    pub fn capacity_bytes(&self, index: u32) -> usize {
        match &self.get(index).body {
            Body::Bytes(bytes) => bytes.capacity_bytes(),
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
        let body = Body::Bytes(LongString::copy_of(b"hello"));
        let index = large.add(Thing { key: None, body: body.clone(), hash: 0, table: 0, charged_bytes: 0 });
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
    fn strings_that_move_stay_what_they_are() {
        let mut large = Large::default();
        let count = if cfg!(miri) { 100 } else { 10_000 };
        let bytes_of = |at: u32| at.to_le_bytes().repeat(750);
        let add = |at| Thing {
            key: None,
            body: Body::from_inline(Kind::String, &bytes_of(at)),
            hash: 0,
            table: 0,
            charged_bytes: 3072,
        };
        let places: Vec<u32> = (0..count).map(|at| large.add(add(at))).collect();
        let read_before = large.get(places[0]).body.clone();
        let turn = strings::turn();
        // One in eight stays; 3 MB in chunks that held 30.
        places.iter().filter(|&place| place % 8 != 0).for_each(|&place| drop(large.remove(place)));
        assert!(cfg!(miri) || strings::turn() > turn, "chunks became sparse");
        // Other tests' strings leave chunks sparse too: so many steps and not until there is nothing left to do.
        for _ in 0..1000 {
            large.move_strings(1 << 20);
        }
        assert!(places.iter().step_by(8).all(|&at| large.get(at).body.bytes() == bytes_of(at)));
        assert_eq!(read_before.bytes(), bytes_of(0), "a reader keeps what it holds");
    }

    #[test]
    fn cost_covers_the_rounding() {
        for bytes in [3000, 4097, 5000, 1 << 20, (1 << 20) + 1] {
            let cost = cost_bytes(0, bytes);
            assert!(cost >= bytes as u64 && cost < bytes as u64 * 9 / 8 + 256, "{bytes}: {cost}");
        }
    }
}
