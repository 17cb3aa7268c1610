//! Changing a list in the store, and making the changes again that an edit wrote down.

use super::super::Edit;
use super::super::packed::{self, Item};
use super::{End, List};

/// The changes that an edit writes down; the numbers are part of the format in which changes travel.
mod change {
    /// An item, at the front.
    pub const PUSH_FRONT: i64 = 0;
    /// An item, at the back.
    pub const PUSH_BACK: i64 = 1;
    /// So many, from the front.
    pub const POP_FRONT: i64 = 2;
    /// So many, from the back.
    pub const POP_BACK: i64 = 3;
    /// An index, its new item.
    pub const SET: i64 = 4;
    /// An index, an item to put before it.
    pub const INSERT: i64 = 5;
    /// An index, how many to remove from there on.
    pub const REMOVE: i64 = 6;
}

impl Edit<'_, List> {
    /// Adds an item at an end.
    pub fn push(&mut self, end: End, bytes: &[u8]) {
        let item = Item::of(bytes);
        self.value.push(end, item, self.packing);
        self.log.note(if end == End::Front { change::PUSH_FRONT } else { change::PUSH_BACK }, [item]);
    }

    /// Removes up to `count` items from an end and shows them in the order of their removal.
    pub fn pop(&mut self, end: End, count: usize, see: impl FnMut(Item<'_>)) {
        let count = count.min(self.value.len);
        if count == 0 {
            return;
        }
        self.value.pop(end, count, self.packing, see);
        let number = if end == End::Front { change::POP_FRONT } else { change::POP_BACK };
        self.log.note(number, [Item::Int(count as i64)]);
    }

    /// Writes over item `index`. Whether there was one.
    pub fn set(&mut self, index: usize, bytes: &[u8]) -> bool {
        if index >= self.value.len {
            return false;
        }
        let item = Item::of(bytes);
        self.value.set(index, item, self.packing);
        self.log.note(change::SET, [Item::Int(index as i64), item]);
        true
    }

    /// Puts an item before item `index`, or at the end if that is the length. Whether there was such a place.
    pub fn insert(&mut self, index: usize, bytes: &[u8]) -> bool {
        if index == self.value.len {
            self.push(End::Back, bytes);
            return true;
        }
        if index > self.value.len {
            return false;
        }
        let item = Item::of(bytes);
        self.value.insert(index, item, self.packing);
        self.log.note(change::INSERT, [Item::Int(index as i64), item]);
        true
    }

    /// Removes up to `count` items from `index` on. How many.
    pub fn remove(&mut self, index: usize, count: usize) -> usize {
        let count = count.min(self.value.len.saturating_sub(index));
        if count > 0 {
            self.value.remove(index, count, self.packing);
            self.log.note(change::REMOVE, [index, count].map(|number| Item::Int(number as i64)));
        }
        count
    }
}

/// Makes changes that an edit wrote down; `None` where they make no sense.
pub(super) fn repeat(edit: &mut Edit<'_, List>, changes: &[u8]) -> Option<()> {
    let mut items = packed::items(changes).map(|(_, item)| item);
    while let Some(Item::Int(number)) = items.next() {
        let mut size = || match items.next()? {
            Item::Int(size) => usize::try_from(size).ok(),
            _ => None,
        };
        match number {
            change::PUSH_FRONT => items.next()?.with(|bytes| edit.push(End::Front, bytes)),
            change::PUSH_BACK => items.next()?.with(|bytes| edit.push(End::Back, bytes)),
            change::POP_FRONT => edit.pop(End::Front, size()?, |_| {}),
            change::POP_BACK => edit.pop(End::Back, size()?, |_| {}),
            change::SET => {
                let index = size()?;
                items.next()?.with(|bytes| edit.set(index, bytes)).then_some(())?;
            }
            change::INSERT => {
                let index = size()?;
                items.next()?.with(|bytes| edit.insert(index, bytes)).then_some(())?;
            }
            change::REMOVE => {
                let index = size()?;
                edit.remove(index, size()?);
            }
            _ => return None,
        }
    }
    Some(())
}
