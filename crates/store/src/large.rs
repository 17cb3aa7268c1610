//! What is too long for an entry's block: large values, and keys beyond a kilobyte.
//!
//! A large value is shared by reference count: a reply sends it from where it is, without a copy under the lock, and stays
//! whole when the entry is overwritten meanwhile. The entry holds an index into its shard's list.

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

/// One large thing.
pub struct Thing {
    /// The key, if it is too long for the block.
    pub key: Option<Box<[u8]>>,
    /// The value.
    pub value: SharedBytes,
    /// What was charged for both.
    pub charged_bytes: u64,
}

/// What keeping `key_bytes` and a value of `capacity_bytes` costs, the general allocator's rounding (at most an eighth)
/// included.
pub fn cost_bytes(key_bytes: usize, capacity_bytes: usize) -> u64 {
    let rounded = |bytes: usize| match bytes {
        0 => 0,
        1..=64 => 64,
        _ => bytes.next_multiple_of(1 << (usize::BITS - bytes.leading_zeros()).saturating_sub(4)),
    };
    (rounded(capacity_bytes) + rounded(key_bytes) + size_of::<Thing>() + 64) as u64
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
        if Arc::get_mut(&mut thing.value.0).is_none() {
            let mut copy = Vec::with_capacity(capacity_bytes);
            copy.extend_from_slice(&thing.value);
            thing.value = SharedBytes(Arc::new(copy));
        }
        let Some(value) = Arc::get_mut(&mut thing.value.0) else { return };
        let end = offset + bytes.len();
        if value.len() < end {
            value.reserve_exact(capacity_bytes.saturating_sub(value.len()).max(end - value.len()));
            value.resize(end, 0);
        }
        value[offset..end].copy_from_slice(bytes);
    }

    /// How many bytes the value at `index` has room for without moving.
    pub fn capacity_bytes(&self, index: u32) -> usize {
        self.get(index).value.0.capacity()
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
        let index = large.add(Thing { key: None, value: SharedBytes::copy_of(b"hello"), charged_bytes: 0 });
        let before = large.get(index).value.clone();
        large.write_at(index, 4, b"y!!", 100);
        assert_eq!((&*before, &*large.get(index).value), (b"hello".as_slice(), b"helly!!".as_slice()));
        drop(before);
        large.write_at(index, 9, b"z", 100);
        assert_eq!(&*large.get(index).value, b"helly!!\0\0z");
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
