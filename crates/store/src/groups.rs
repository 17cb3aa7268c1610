//! Deleting many keys at once: all with a prefix, or all with a tag.
//!
//! ```text
//! delete prefix "user:"  ->  per slot: the slot's sequence now, as the end of a generation
//! look-up of user:7      ->  its last change came before that end: it is not there, and is removed now
//! sweep, coalesced       ->  removes the rest, and then forgets the generation
//! ```
//! So a deletion costs a number per slot, however many entries it covers; what it covers is hidden at once and stays so,
//! because whatever is written afterwards has a later sequence. A prefix that contains a whole hash tag (`{user:7}`)
//! concerns one slot only. While generations are active every look-up compares with each of them; so they are capped, and
//! one that would be too many is preceded by a sweep.
//!
//! Tags are kept beside the entries, as hashes, for those entries that have any: a bit in the entry says so. Two tags of
//! the same 64-bit hash would be deleted together; the hash is keyed, so nobody can cause it on purpose.
//!
//! Each name is kept once for all entries that bear it. Deleting needs no names, but telling does: the hash's key is the
//! process's own, so a hash means nothing to whoever listens, nor to this process after its next start. An effect that
//! said "the tags of that other key" was refused: the other key may be in a slot that a listener does not follow, or be
//! gone there already. So an entry that moves or is copied (RENAME, COPY, MOVE) is given its tags anew, by their names, and
//! an entry without tags costs nothing, here or there.

use crate::key::Ns;
use crate::large::allocated_bytes;
use scrubjay_base::SlotId;
use smallvec::SmallVec;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasherDefault, Hasher};

/// Generations active at once in a shard: each costs a look-up a comparison. Chosen: below a microsecond together.
pub const GENERATIONS_MAX: usize = 32;

/// Which entries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Group<'a> {
    /// Those whose keys start so.
    Prefix(&'a [u8]),
    /// Those that were written with this tag.
    Tag(&'a [u8]),
}

impl Group<'_> {
    /// The one slot that can hold such keys, if it is one: a prefix with a whole hash tag in it.
    pub fn only_slot(&self) -> Option<SlotId> {
        let Group::Prefix(prefix) = self else { return None };
        let open = prefix.iter().position(|&byte| byte == b'{')?;
        let length = prefix[open + 1..].iter().position(|&byte| byte == b'}')?;
        (length > 0).then(|| SlotId::of(prefix))
    }
}

/// The groups that were deleted together, as a shard remembers them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Covered {
    /// Prefixes, ascending, none of which begins with another: so only the last that is not behind a key can be its own.
    prefixes: Vec<Box<[u8]>>,
    /// The tags' hashes, ascending.
    tags: Vec<u64>,
}

impl Covered {
    /// These groups; `hash` is that of a tag.
    pub fn new(groups: &[Group<'_>], hash: impl Fn(&[u8]) -> u64) -> Covered {
        let mut covered = Covered::default();
        for group in groups {
            match *group {
                Group::Prefix(prefix) => covered.prefixes.push(prefix.into()),
                Group::Tag(tag) => covered.tags.push(hash(tag)),
            }
        }
        covered.prefixes.sort_unstable();
        covered.prefixes.dedup_by(|longer, shorter| longer.starts_with(shorter));
        covered.tags.sort_unstable();
        covered.tags.dedup();
        covered
    }

    /// Whether a key, or one of its tags, is among them. `tags` is asked only if it matters.
    pub fn covers<'t>(&self, key: &[u8], tags: impl FnOnce() -> &'t [u64]) -> bool {
        let at = self.prefixes.partition_point(|prefix| **prefix <= *key);
        at > 0 && key.starts_with(&self.prefixes[at - 1])
            || !self.tags.is_empty() && tags().iter().any(|tag| self.tags.binary_search(tag).is_ok())
    }

    /// Bytes of memory held.
    pub fn bytes(&self) -> usize {
        let names: usize = self.prefixes.iter().map(|prefix| allocated_bytes(prefix.len()) + size_of_val(prefix)).sum();
        names + self.tags.len() * size_of::<u64>()
    }
}

/// A deletion whose entries are not all reclaimed.
#[derive(Debug)]
pub struct Generation {
    /// In which namespace.
    pub ns: Ns,
    /// Which entries.
    pub covered: Covered,
    /// Per slot of the shard: entries that changed last before this sequence. 0: none.
    pub ends: Box<[u64]>,
    /// The sweep that must be over before it can be forgotten.
    pub needs_sweep: u64,
}

/// The tags of a shard's entries.
#[derive(Default)]
pub struct Tags {
    /// Their hashes, by the hash of the entry's key.
    by_key: HashMap<u64, SmallVec<[u64; 2]>, BuildHasherDefault<AsIs>>,
    /// Their names, by their hashes.
    names: HashMap<u64, Name, BuildHasherDefault<AsIs>>,
    spilled: usize,
    /// Bytes that the names themselves take.
    name_bytes: usize,
}

/// A tag's name, for as long as an entry bears it.
struct Name {
    name: Box<[u8]>,
    /// How often it is borne.
    uses: usize,
}

/// About what the tables take per place, its control byte included.
const PLACE_BYTES: usize = size_of::<(u64, SmallVec<[u64; 2]>)>() + 1;
const NAME_PLACE_BYTES: usize = size_of::<(u64, Name)>() + 1;

impl Tags {
    /// The tags of a key.
    pub fn of(&self, hash: u64) -> &[u64] {
        self.by_key.get(&hash).map_or(&[], |tags| tags)
    }

    /// Their names.
    pub fn names_of(&self, hash: u64) -> impl Iterator<Item = &[u8]> {
        self.of(hash).iter().filter_map(|tag| self.names.get(tag)).map(|known| &*known.name)
    }

    /// Gives a key tags, as hashes and names, in place of those that it had.
    pub fn set(&mut self, hash: u64, tags: &[(u64, &[u8])]) {
        // Names that stay are not made anew.
        for &(tag, name) in tags {
            let known = self.names.entry(tag).or_insert_with(|| {
                self.name_bytes += allocated_bytes(name.len());
                Name { name: name.into(), uses: 0 }
            });
            known.uses += 1;
        }
        self.remove(hash);
        if !tags.is_empty() {
            let tags: SmallVec<[u64; 2]> = tags.iter().map(|(tag, _)| *tag).collect();
            self.spilled += spilled_bytes(&tags);
            self.by_key.insert(hash, tags);
        }
    }

    /// A key is gone.
    pub fn remove(&mut self, hash: u64) {
        let Some(tags) = self.by_key.remove(&hash) else { return };
        self.spilled -= spilled_bytes(&tags);
        for tag in tags {
            let Entry::Occupied(mut known) = self.names.entry(tag) else { continue };
            known.get_mut().uses -= 1;
            if known.get().uses == 0 {
                self.name_bytes -= allocated_bytes(known.remove().name.len());
            }
        }
        if self.by_key.is_empty() {
            self.by_key = HashMap::default();
        }
        if self.names.is_empty() {
            self.names = HashMap::default();
        }
    }

    /// Bytes of memory held.
    pub fn bytes(&self) -> usize {
        let places = self.by_key.capacity() * 8 / 7 * PLACE_BYTES + self.names.capacity() * 8 / 7 * NAME_PLACE_BYTES;
        places + self.spilled + self.name_bytes
    }
}

/// What the tags of an entry take apart from their place.
fn spilled_bytes(tags: &SmallVec<[u64; 2]>) -> usize {
    if tags.spilled() { allocated_bytes(tags.capacity() * size_of::<u64>()) } else { 0 }
}

/// A hasher for what is a hash already.
#[derive(Default)]
pub struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _bytes: &[u8]) {
        unreachable!("keys are u64")
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_hash_tag_ties_a_prefix_to_a_slot() {
        assert_eq!(Group::Prefix(b"{user:7}:").only_slot(), Some(SlotId::of(b"{user:7}:cart")));
        for prefix in [&b"user:"[..], b"{user", b"{}x", b"x}"] {
            assert_eq!(Group::Prefix(prefix).only_slot(), None);
        }
        assert_eq!(Group::Tag(b"{t}").only_slot(), None);
    }

    #[test]
    fn of_many_prefixes_the_one_that_a_key_begins_with_is_found() {
        let names: [&[u8]; 6] = [b"user:", b"user:7", b"a", b"user;", b"b:", b"\xff"];
        let covered = Covered::new(&names.map(Group::Prefix), |_| 0);
        for key in [&b"user:"[..], b"user:1", b"user:7:x", b"a", b"abc", b"user;", b"b:c", b"\xff\xff"] {
            assert!(covered.covers(key, || &[]), "{key:?}");
        }
        for key in [&b"user"[..], b"use", b"b", b"c", b"", b"userx"] {
            assert!(!covered.covers(key, || &[]), "{key:?}");
        }
        let tags = Covered::new(&[Group::Tag(b"xyz"), Group::Tag(b"x")], |tag| tag.len() as u64);
        assert!(tags.covers(b"", || &[2, 3]) && !tags.covers(b"", || &[2, 4]) && !tags.covers(b"xyz", || &[]));
    }

    #[test]
    fn tags_that_are_gone_hold_no_memory() {
        let mut tags = Tags::default();
        for key in 0..1000 {
            tags.set(key, &[(1, b"one"), (2, b"two"), (key + 3, format!("tag {key}").as_bytes())]);
        }
        assert!(tags.bytes() > 1000 * 32);
        assert_eq!(tags.of(5), [1, 2, 8]);
        for key in 0..1000 {
            tags.remove(key);
        }
        assert_eq!((tags.bytes(), tags.of(5)), (0, &[][..]));
    }

    #[test]
    fn a_name_is_kept_once_and_as_long_as_somebody_bears_it() {
        fn names(tags: &Tags, key: u64) -> Vec<&[u8]> {
            tags.names_of(key).collect()
        }
        let mut tags = Tags::default();
        let long = [b'x'; 1000];
        (0..100).for_each(|key| tags.set(key, &[(1, &long)]));
        assert!(tags.name_bytes < 2000, "{} bytes", tags.name_bytes);
        (0..99).for_each(|key| tags.set(key, &[]));
        tags.set(99, &[(1, &long), (2, b"b"), (1, &long)]);
        assert_eq!(names(&tags, 99), [&long[..], b"b", &long]);
        tags.set(99, &[(2, b"b")]);
        assert_eq!((names(&tags, 99), tags.names.len()), (vec![&b"b"[..]], 1));
        tags.remove(99);
        tags.remove(99);
        assert_eq!((tags.bytes(), names(&tags, 99).len()), (0, 0));
    }
}
