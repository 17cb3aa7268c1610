//! A dict: byte strings by name, each with a value or none, and with a deadline or none. What large hashes and sets are.
//!
//! ```text
//!   table   name's hash -> handle          buckets of one line, as the store's own (crate::table)
//!                            |
//!   items   | item | item | item | item |  dense, 512 to a chunk: handle h is item h % 512 of chunk h / 512,
//!           | hash | hash | hash | hash |  and beside them 32 bits of their hashes
//!               |
//!           | lengths | deadline | name | value |       one allocation (item)
//! ```
//!
//! - The table is the store's, and so are its virtues: it grows a few buckets at a time, and a cursor is a position in
//!   hash space that survives every change of size.
//! - Items are dense: what is removed is replaced by the last one, whose handle is then set right. So a random item is a
//!   random number below the count, exactly uniform. Chunks never move, so growing copies no long array.
//! - Growing asks for the hash of every item. Four bytes each, side by side, answer it without a look at the items: filling
//!   a set of three million members takes 30 % less time.
//! - Deadlines are kept per bucket as ticks, rounded down: a bucket may be looked at too early, never too late.
//!
//! Cost: everything by name O(1); removing what expired reads 4 bytes a bucket, and the buckets that are due.

mod item;

use crate::heap::Handle;
use crate::large::allocated_bytes;
use crate::table::{Facts, NEVER, Place, Table};
use item::Item;
use scrubjay_base::KeyHasher;
use scrubjay_base::clock::UnixMs;
use std::sync::Arc;

/// Items of a chunk: 8 KiB of pointers, so that a large dict pays under 1 % for the last, half-full one.
const CHUNK_ITEMS: usize = 512;
/// Milliseconds of a tick, as in [`crate::tick`]: 32 bits of them are four years, counted from the first deadline.
const TICK_MS: u64 = 32;

/// An item as it is seen from outside.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Found<'a> {
    /// Its name: a hash's field, a set's member.
    pub name: &'a [u8],
    /// Its value; empty in sets.
    pub value: &'a [u8],
    /// When it expires.
    pub deadline_ms: Option<UnixMs>,
}

/// Names with values and deadlines.
#[derive(Clone)]
pub struct Dict {
    table: Table,
    items: Items,
    hasher: Arc<KeyHasher>,
    /// Where ticks are counted from; `None` before the first deadline.
    start_ms: Option<UnixMs>,
    /// The tick up to which expired items were removed last.
    swept: u32,
}

impl Dict {
    /// An empty one.
    pub fn new(hasher: Arc<KeyHasher>) -> Dict {
        Dict { table: Table::new(), items: Items::default(), hasher, start_ms: None, swept: 0 }
    }

    /// How many items, those included that expired and are not yet removed.
    pub fn len(&self) -> usize {
        self.items.len
    }

    /// Bytes of memory that it holds beyond its own size. Cost: O(1).
    pub fn heap_bytes(&self) -> usize {
        self.items.heap_bytes() + self.table.bytes()
    }

    #[inline]
    fn find(&self, name: &[u8]) -> (u64, Option<(Place, Handle)>) {
        let hash = hash_of(&self.hasher, name);
        (hash, self.table.find(hash, |handle| self.items.get(handle).name() == name))
    }

    /// The item of this name.
    #[inline]
    pub fn get(&self, name: &[u8]) -> Option<Found<'_>> {
        let (_, found) = self.find(name);
        found.map(|(_, handle)| self.items.get(handle).found())
    }

    /// Item number `index`, below the length: any order, and another after any change.
    pub fn at(&self, index: usize) -> Found<'_> {
        self.items.get(Handle(index as u32)).found()
    }

    /// All items.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Found<'_>> + Clone + use<'_> {
        self.items.chunks.iter().flat_map(|chunk| &chunk.items).map(Item::found)
    }

    /// Visits items from a position in hash space on, about `effort` of them; where to go on, `None` at the end.
    pub fn scan<'d>(&'d self, from: u32, effort: usize, mut visit: impl FnMut(Found<'d>)) -> Option<u32> {
        let ask = |handle| Facts { hash: self.items.hash(handle), due: NEVER };
        self.table.scan(from, effort, ask, |handle| visit(self.items.get(handle).found()))
    }

    /// Adds an item, or writes over the one of that name, deadline included. Whether it is new.
    pub fn put(&mut self, name: &[u8], value: &[u8], deadline_ms: Option<UnixMs>) -> bool {
        self.start_ms = self.start_ms.or(deadline_ms);
        let (hash, found) = self.find(name);
        match found {
            Some((place, handle)) => {
                self.items.put(handle, name, value, deadline_ms);
                self.table.lower_due(place, tick_of(self.start_ms, deadline_ms));
            }
            None => self.insert(hash, name, value, deadline_ms),
        }
        found.is_none()
    }

    /// Adds an item without value and deadline, if there is none of that name. Whether there was none.
    pub fn add(&mut self, name: &[u8]) -> bool {
        let (hash, found) = self.find(name);
        if found.is_none() {
            self.insert(hash, name, b"", None);
        }
        found.is_none()
    }

    fn insert(&mut self, hash: u64, name: &[u8], value: &[u8], deadline_ms: Option<UnixMs>) {
        let Dict { table, items, start_ms, .. } = self;
        let handle = items.push(Item::new(name, value, deadline_ms), hash);
        let due = tick_of(*start_ms, deadline_ms);
        // Dicts of equal counts grow at different times: by chance, which their last hash is.
        let jitter = hash as usize;
        table.insert(Facts { hash, due }, handle, jitter, |handle| items.facts(handle, *start_ms));
    }

    /// Removes the item of this name. Whether it was there.
    pub fn remove(&mut self, name: &[u8]) -> bool {
        let (hash, found) = self.find(name);
        if let Some((place, handle)) = found {
            self.take_out(hash, place, handle);
        }
        found.is_some()
    }

    /// Moves the deadline of the item of this name. Whether it is there.
    pub fn set_deadline(&mut self, name: &[u8], deadline_ms: Option<UnixMs>) -> bool {
        let (_, found) = self.find(name);
        if let Some((place, handle)) = found {
            self.start_ms = self.start_ms.or(deadline_ms);
            self.items.set_deadline(handle, deadline_ms);
            self.table.lower_due(place, tick_of(self.start_ms, deadline_ms));
        }
        found.is_some()
    }

    /// Shows item number `index`, below the length, and removes it.
    pub fn take_at(&mut self, index: usize, see: impl FnOnce(Found<'_>)) {
        let handle = Handle(index as u32);
        see(self.items.get(handle).found());
        let hash = self.items.hash(handle);
        if let Some((place, _)) = self.table.find(hash, |at| at == handle) {
            self.take_out(hash, place, handle);
        }
    }

    fn take_out(&mut self, hash: u64, place: Place, handle: Handle) {
        let Dict { table, items, start_ms, .. } = self;
        table.remove(hash, place, |handle| items.facts(handle, *start_ms));
        let last = Handle(items.len as u32 - 1);
        if last != handle {
            let Some((place, _)) = table.find(items.hash(last), |at| at == last) else {
                unreachable!("every item is in the table")
            };
            table.set(place, handle);
        }
        items.swap_remove(handle);
    }

    /// When the first item expires, up to a tick too early.
    pub fn first_deadline_ms(&self) -> Option<UnixMs> {
        match self.table.due {
            NEVER => None,
            0 => Some(0),
            tick => self.start_ms.map(|start_ms| start_ms + u64::from(tick - 1) * TICK_MS),
        }
    }

    /// Whether [`Dict::expire`] has something to look at that it has not looked at in this tick.
    pub fn is_due(&self, now_ms: UnixMs) -> bool {
        let now = tick_of(self.start_ms, Some(now_ms));
        self.table.due <= now && self.swept < now
    }

    /// Removes what has expired and shows it before.
    pub fn expire(&mut self, now_ms: UnixMs, mut see: impl FnMut(Found<'_>)) -> usize {
        let now = tick_of(self.start_ms, Some(now_ms));
        if self.table.due > now {
            return 0;
        }
        self.swept = now;
        let mut due = Vec::new();
        let Dict { table, items, start_ms, .. } = self;
        table.take_due(now, |handle| items.facts(handle, *start_ms), &mut due);
        due.retain(|&(handle, hash)| {
            let expired = items.get(handle).deadline_ms().is_some_and(|at| at <= now_ms);
            if !expired && let Some((place, _)) = table.find(hash, |at| at == handle) {
                // Later within this very tick: noted again.
                table.lower_due(place, now);
            }
            expired
        });
        // From the last one down, so that none of them is moved before its turn.
        due.sort_unstable_by_key(|(handle, _)| std::cmp::Reverse(handle.0));
        for &(handle, hash) in &due {
            see(self.items.get(handle).found());
            if let Some((place, _)) = self.table.find(hash, |at| at == handle) {
                self.take_out(hash, place, handle);
            }
        }
        due.len()
    }

    /// How many items have not expired.
    pub fn live_len(&self, now_ms: UnixMs) -> usize {
        let now = tick_of(self.start_ms, Some(now_ms));
        if self.table.due > now {
            return self.items.len;
        }
        let mut expired = 0;
        self.table.sample_due(now, |handle| {
            expired += usize::from(self.items.get(handle).deadline_ms().is_some_and(|at| at <= now_ms));
        });
        self.items.len - expired
    }

    /// Checks what must hold between the parts.
    #[cfg(test)]
    pub fn check(&self) {
        assert_eq!(self.items.len, self.table.count() as usize);
        assert_eq!(self.items.len, self.items.chunks.iter().map(|chunk| chunk.items.len()).sum::<usize>());
        let payload: usize = self.items.chunks.iter().flat_map(|chunk| &chunk.items).map(Item::heap_bytes).sum();
        let slots: usize = self.items.chunks.iter().map(Chunk::slots_bytes).sum();
        assert_eq!((self.items.payload_bytes, self.items.slots_bytes), (payload, slots));
        for index in 0..self.items.len {
            let item = self.items.get(Handle(index as u32));
            let (_, found) = self.find(item.name());
            assert_eq!(found.expect("the item's own name finds it").1, Handle(index as u32));
            if let Some(at) = item.deadline_ms() {
                assert!(self.first_deadline_ms().is_some_and(|first| first <= at), "never too late");
            }
        }
    }
}

/// A name's hash: 32 bits that decide where it stands, and the lowest of them, which the smaller tables do not use for that,
/// as its tag. So these 32 are all there is to keep.
#[inline(always)]
fn hash_of(hasher: &KeyHasher, name: &[u8]) -> u64 {
    spread((hasher.hash(0, name) >> 32) as u32)
}

#[inline(always)]
fn spread(position: u32) -> u64 {
    u64::from(position) << 32 | u64::from(position & 0xFF) << 16
}

/// The tick of a deadline, rounded down: 0 before the start, 1 at it.
fn tick_of(start_ms: Option<UnixMs>, at_ms: Option<UnixMs>) -> u32 {
    match (start_ms, at_ms) {
        (Some(start_ms), Some(at_ms)) => match at_ms.checked_sub(start_ms) {
            Some(after_ms) => u32::try_from(after_ms / TICK_MS + 1).unwrap_or(NEVER).min(NEVER - 1),
            None => 0,
        },
        (None, Some(_)) => 0,
        (_, None) => NEVER,
    }
}

impl Item {
    #[inline]
    fn found(&self) -> Found<'_> {
        let (name, value) = self.parts();
        Found { name, value, deadline_ms: self.deadline_ms() }
    }
}

/// The items, dense, and what they take.
#[derive(Default)]
struct Items {
    /// All but the last are full.
    chunks: Vec<Chunk>,
    len: usize,
    /// Bytes of the items' allocations.
    payload_bytes: usize,
    /// Bytes of the chunks' allocations.
    slots_bytes: usize,
}

/// Up to [`CHUNK_ITEMS`] items, and of each the 32 bits of its hash.
#[derive(Clone, Default)]
struct Chunk {
    items: Vec<Item>,
    positions: Vec<u32>,
}

impl Chunk {
    fn slots_bytes(&self) -> usize {
        allocated_bytes(self.items.capacity() * size_of::<Item>()) + allocated_bytes(self.positions.capacity() * 4)
    }
}

impl Clone for Items {
    fn clone(&self) -> Items {
        // A cloned vector has no reserve, so its bytes are counted anew.
        let chunks = self.chunks.clone();
        let slots_bytes = chunks.iter().map(Chunk::slots_bytes).sum();
        Items { chunks, slots_bytes, ..*self }
    }
}

impl Items {
    #[inline(always)]
    fn get(&self, handle: Handle) -> &Item {
        let index = handle.0 as usize;
        &self.chunks[index / CHUNK_ITEMS].items[index % CHUNK_ITEMS]
    }

    fn get_mut(&mut self, handle: Handle) -> &mut Item {
        let index = handle.0 as usize;
        &mut self.chunks[index / CHUNK_ITEMS].items[index % CHUNK_ITEMS]
    }

    #[inline(always)]
    fn hash(&self, handle: Handle) -> u64 {
        let index = handle.0 as usize;
        spread(self.chunks[index / CHUNK_ITEMS].positions[index % CHUNK_ITEMS])
    }

    /// What the table must know of an item; its deadline is looked up only where any has one.
    #[inline]
    fn facts(&self, handle: Handle, start_ms: Option<UnixMs>) -> Facts {
        let due = if start_ms.is_some() { tick_of(start_ms, self.get(handle).deadline_ms()) } else { NEVER };
        Facts { hash: self.hash(handle), due }
    }

    fn push(&mut self, item: Item, hash: u64) -> Handle {
        self.payload_bytes += item.heap_bytes();
        if self.len.is_multiple_of(CHUNK_ITEMS) {
            self.chunks.push(Chunk::default());
        }
        let chunk = &mut self.chunks[self.len / CHUNK_ITEMS];
        let before = chunk.slots_bytes();
        if chunk.items.len() == chunk.items.capacity() {
            // By half: what is doubled is half empty at worst.
            let more = (chunk.items.len() / 2).max(4).min(CHUNK_ITEMS - chunk.items.len());
            chunk.items.reserve_exact(more);
            chunk.positions.reserve_exact(more);
        }
        chunk.items.push(item);
        chunk.positions.push((hash >> 32) as u32);
        self.slots_bytes = self.slots_bytes + chunk.slots_bytes() - before;
        self.len += 1;
        Handle(self.len as u32 - 1)
    }

    fn put(&mut self, handle: Handle, name: &[u8], value: &[u8], deadline_ms: Option<UnixMs>) {
        let item = self.get_mut(handle);
        if item.deadline_ms() == deadline_ms && item.overwrite(value) {
            return;
        }
        self.replace(handle, Item::new(name, value, deadline_ms));
    }

    fn set_deadline(&mut self, handle: Handle, deadline_ms: Option<UnixMs>) {
        let (name, value) = self.get(handle).parts();
        self.replace(handle, Item::new(name, value, deadline_ms));
    }

    /// Puts an item in the place of one of the same name.
    fn replace(&mut self, handle: Handle, fresh: Item) {
        let item = self.get_mut(handle);
        let (before, after) = (item.heap_bytes(), fresh.heap_bytes());
        *item = fresh;
        self.payload_bytes = self.payload_bytes + after - before;
    }

    fn swap_remove(&mut self, handle: Handle) {
        self.payload_bytes -= self.get(handle).heap_bytes();
        self.len -= 1;
        let chunk = &mut self.chunks[self.len / CHUNK_ITEMS];
        let last = chunk.items.pop().zip(chunk.positions.pop());
        if chunk.items.is_empty() {
            self.slots_bytes -= chunk.slots_bytes();
            self.chunks.pop();
        }
        let index = handle.0 as usize;
        if let Some((item, position)) = last
            && index != self.len
        {
            let chunk = &mut self.chunks[index / CHUNK_ITEMS];
            (chunk.items[index % CHUNK_ITEMS], chunk.positions[index % CHUNK_ITEMS]) = (item, position);
        }
    }

    fn heap_bytes(&self) -> usize {
        self.payload_bytes + self.slots_bytes + allocated_bytes(self.chunks.capacity() * size_of::<Chunk>())
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
