//! A dict: byte strings by name, each with a value or none, and with a deadline or none. What large hashes and sets are.
//!
//! ```text
//!   table   name's hash -> handle          buckets of one line, as the store's own (crate::table)
//!                            |
//!   items   | item | item | item | item |  dense, 512 to a chunk: handle h is item h % 512 of chunk h / 512
//!               |
//!           | lengths | deadline | name | value |       one allocation (item)
//! ```
//!
//! - The table is the store's, and so are its virtues: it grows a few buckets at a time, and a cursor is a position in
//!   hash space that survives every change of size.
//! - Items are dense: what is removed is replaced by the last one, whose handle is then set right. So a random item is a
//!   random number below the count, exactly uniform. Chunks never move, so growing copies no long array.
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
        self.items.heap_bytes() + allocated_bytes(self.table.bytes())
    }

    #[inline]
    fn find(&self, name: &[u8]) -> (u64, Option<(Place, Handle)>) {
        let hash = self.hasher.hash(0, name);
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
    pub fn iter(&self) -> impl Iterator<Item = Found<'_>> + Clone + use<'_> {
        self.items.chunks.iter().flatten().map(Item::found)
    }

    /// Visits items from a position in hash space on, about `effort` of them; where to go on, `None` at the end.
    pub fn scan<'d>(&'d self, from: u32, effort: usize, mut visit: impl FnMut(Found<'d>)) -> Option<u32> {
        let hash_of = |handle| Facts { hash: self.hash_of(handle), due: NEVER };
        self.table.scan(from, effort, hash_of, |handle| visit(self.items.get(handle).found()))
    }

    fn hash_of(&self, handle: Handle) -> u64 {
        self.hasher.hash(0, self.items.get(handle).name())
    }

    /// Adds an item, or writes over the one of that name, deadline included. Whether it is new.
    pub fn put(&mut self, name: &[u8], value: &[u8], deadline_ms: Option<UnixMs>) -> bool {
        self.start_ms = self.start_ms.or(deadline_ms);
        let (hash, found) = self.find(name);
        let due = tick_of(self.start_ms, deadline_ms);
        match found {
            Some((place, handle)) => {
                self.items.put(handle, name, value, deadline_ms);
                self.table.lower_due(place, due);
            }
            None => {
                let Dict { table, items, hasher, start_ms, .. } = self;
                let handle = items.push(Item::new(name, value, deadline_ms));
                // Dicts of equal counts part ways as tables do, by where their first bucket stands.
                let jitter = hash as usize;
                table.insert(Facts { hash, due }, handle, jitter, |handle| items.facts(handle, hasher, *start_ms));
            }
        }
        found.is_none()
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
        let hash = self.hash_of(handle);
        if let Some((place, _)) = self.table.find(hash, |at| at == handle) {
            self.take_out(hash, place, handle);
        }
    }

    fn take_out(&mut self, hash: u64, place: Place, handle: Handle) {
        let Dict { table, items, hasher, start_ms, .. } = self;
        table.remove(hash, place, |handle| items.facts(handle, hasher, *start_ms));
        let last = Handle(items.len as u32 - 1);
        if last != handle {
            let hash = hasher.hash(0, items.get(last).name());
            let Some((place, _)) = table.find(hash, |at| at == last) else {
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
        let Dict { table, items, hasher, start_ms, .. } = self;
        table.take_due(now, |handle| items.facts(handle, hasher, *start_ms), &mut due);
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
        assert_eq!(self.items.len, self.items.chunks.iter().map(Vec::len).sum::<usize>());
        let payload: usize = self.items.chunks.iter().flatten().map(Item::heap_bytes).sum();
        let slots: usize = self.items.chunks.iter().map(slots_bytes).sum();
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
    chunks: Vec<Vec<Item>>,
    len: usize,
    /// Bytes of the items' allocations.
    payload_bytes: usize,
    /// Bytes of the chunks' allocations.
    slots_bytes: usize,
}

impl Clone for Items {
    fn clone(&self) -> Items {
        // A cloned vector has no reserve, so its bytes are counted anew.
        let chunks = self.chunks.clone();
        let slots_bytes = chunks.iter().map(slots_bytes).sum();
        Items { chunks, slots_bytes, ..*self }
    }
}

fn slots_bytes(chunk: &Vec<Item>) -> usize {
    allocated_bytes(chunk.capacity() * size_of::<Item>())
}

impl Items {
    #[inline(always)]
    fn get(&self, handle: Handle) -> &Item {
        let index = handle.0 as usize;
        &self.chunks[index / CHUNK_ITEMS][index % CHUNK_ITEMS]
    }

    fn get_mut(&mut self, handle: Handle) -> &mut Item {
        let index = handle.0 as usize;
        &mut self.chunks[index / CHUNK_ITEMS][index % CHUNK_ITEMS]
    }

    /// What the table must know of an item.
    #[inline]
    fn facts(&self, handle: Handle, hasher: &KeyHasher, start_ms: Option<UnixMs>) -> Facts {
        let item = self.get(handle);
        Facts { hash: hasher.hash(0, item.name()), due: tick_of(start_ms, item.deadline_ms()) }
    }

    fn push(&mut self, item: Item) -> Handle {
        self.payload_bytes += item.heap_bytes();
        if self.len.is_multiple_of(CHUNK_ITEMS) {
            self.chunks.push(Vec::new());
        }
        let chunk = &mut self.chunks[self.len / CHUNK_ITEMS];
        let before = slots_bytes(chunk);
        if chunk.len() == chunk.capacity() {
            // By half: what is doubled is half empty at worst.
            chunk.reserve_exact((chunk.len() / 2).max(4).min(CHUNK_ITEMS - chunk.len()));
        }
        chunk.push(item);
        self.slots_bytes = self.slots_bytes + slots_bytes(chunk) - before;
        self.len += 1;
        Handle(self.len as u32 - 1)
    }

    fn put(&mut self, handle: Handle, name: &[u8], value: &[u8], deadline_ms: Option<UnixMs>) {
        let item = self.get_mut(handle);
        if item.deadline_ms() == deadline_ms && item.overwrite(value) {
            return;
        }
        let fresh = Item::new(name, value, deadline_ms);
        let (before, after) = (item.heap_bytes(), fresh.heap_bytes());
        *item = fresh;
        self.payload_bytes = self.payload_bytes + after - before;
    }

    fn set_deadline(&mut self, handle: Handle, deadline_ms: Option<UnixMs>) {
        let item = self.get(handle);
        let (name, value) = item.parts();
        let fresh = Item::new(name, value, deadline_ms);
        self.payload_bytes = self.payload_bytes + fresh.heap_bytes() - item.heap_bytes();
        *self.get_mut(handle) = fresh;
    }

    fn swap_remove(&mut self, handle: Handle) {
        self.payload_bytes -= self.get(handle).heap_bytes();
        self.len -= 1;
        let chunk = &mut self.chunks[self.len / CHUNK_ITEMS];
        let last = chunk.pop();
        if chunk.is_empty() {
            self.slots_bytes -= slots_bytes(chunk);
            self.chunks.pop();
        }
        if let Some(last) = last
            && handle.0 as usize != self.len
        {
            *self.get_mut(handle) = last;
        }
    }

    fn heap_bytes(&self) -> usize {
        self.payload_bytes + self.slots_bytes + allocated_bytes(self.chunks.capacity() * size_of::<Vec<Item>>())
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
