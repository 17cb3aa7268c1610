//! The common floor of the list-shaped policies: entries in one vector, linked by index, found through one map.
//!
//! ```text
//!   map: key -> index          entries: [ key | cost | note | newer | older ]  24 bytes each
//!                                          ^ reused through a free list
//!   List { newest, oldest, objects, cost }   any number of lists over the same entries
//! ```
//!
//! Indices instead of pointers: no `unsafe`, half the width, and an entry moves between lists without touching the map.

use hashbrown::HashMap;

/// No entry.
pub(super) const NONE: u32 = u32::MAX;

/// One object, or the memory of one.
pub(super) struct Entry {
    pub key: u64,
    pub cost: u32,
    /// The policy's own: a frequency, a queue, a bit.
    pub note: u32,
    newer: u32,
    older: u32,
}

/// All entries of a policy.
#[derive(Default)]
pub(super) struct Slab {
    map: HashMap<u64, u32>,
    entries: Vec<Entry>,
    free: Vec<u32>,
}

impl Slab {
    /// The entry of `key`.
    #[inline]
    pub fn find(&self, key: u64) -> Option<u32> {
        self.map.get(&key).copied()
    }

    /// A new entry, in no list yet. The key must not have one.
    pub fn insert(&mut self, key: u64, cost: u32) -> u32 {
        let entry = Entry { key, cost, note: 0, newer: NONE, older: NONE };
        let at = match self.free.pop() {
            Some(at) => {
                self.entries[at as usize] = entry;
                at
            }
            None => {
                // 2^32 - 1 objects at once would be 100 GB of entries: a trace that large is not replayed exactly.
                let at = u32::try_from(self.entries.len()).ok().filter(|&at| at != NONE);
                self.entries.push(entry);
                at.expect("fewer than 2^32 - 1 objects are held at once")
            }
        };
        self.map.insert(key, at);
        at
    }

    /// Forgets the entry, which must be in no list any more.
    pub fn remove(&mut self, at: u32) {
        self.map.remove(&self.entries[at as usize].key);
        self.free.push(at);
    }
}

impl std::ops::Index<u32> for Slab {
    type Output = Entry;
    #[inline]
    fn index(&self, at: u32) -> &Entry {
        &self.entries[at as usize]
    }
}

impl std::ops::IndexMut<u32> for Slab {
    #[inline]
    fn index_mut(&mut self, at: u32) -> &mut Entry {
        &mut self.entries[at as usize]
    }
}

/// A queue over entries of a slab: in at the newest end, out anywhere.
pub(super) struct List {
    pub newest: u32,
    pub oldest: u32,
    pub objects: u64,
    pub cost: u64,
}

impl List {
    pub const fn new() -> List {
        List { newest: NONE, oldest: NONE, objects: 0, cost: 0 }
    }

    /// Puts an entry that is in no list at the newest end.
    #[inline]
    pub fn push(&mut self, slab: &mut Slab, at: u32) {
        let entry = &mut slab[at];
        (entry.newer, entry.older) = (NONE, self.newest);
        self.cost += u64::from(entry.cost);
        self.objects += 1;
        match self.newest {
            NONE => self.oldest = at,
            newest => slab[newest].newer = at,
        }
        self.newest = at;
    }

    /// Takes an entry of this list out.
    #[inline]
    pub fn unlink(&mut self, slab: &mut Slab, at: u32) {
        let Entry { newer, older, cost, .. } = slab[at];
        self.cost -= u64::from(cost);
        self.objects -= 1;
        match newer {
            NONE => self.newest = older,
            newer => slab[newer].older = older,
        }
        match older {
            NONE => self.oldest = newer,
            older => slab[older].newer = newer,
        }
    }

    /// Moves an entry of this list to its newest end.
    #[inline]
    pub fn renew(&mut self, slab: &mut Slab, at: u32) {
        if self.newest != at {
            self.unlink(slab, at);
            self.push(slab, at);
        }
    }

    /// The neighbour on the newer side, or [`NONE`].
    pub fn newer(&self, slab: &Slab, at: u32) -> u32 {
        slab[at].newer
    }
}
