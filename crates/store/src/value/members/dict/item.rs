//! An item of a dict: one allocation of exactly the bytes it needs.
//!
//! ```text
//!   | length of the name, times two, plus one with a deadline | deadline, 8 bytes or none | name | value |
//!     7 bits a byte, the highest says that more follow                                           all the rest
//! ```

use crate::large::allocated_bytes;
use scrubjay_base::clock::UnixMs;

/// Bytes of a deadline.
const DEADLINE_BYTES: usize = 8;

/// A name, a value (empty in sets) and perhaps a deadline.
#[derive(Clone)]
pub(super) struct Item(Box<[u8]>);

impl Item {
    pub(super) fn new(name: &[u8], value: &[u8], deadline_ms: Option<UnixMs>) -> Item {
        let head = (name.len() as u64) << 1 | u64::from(deadline_ms.is_some());
        let head_bytes = (64 - (head | 1).leading_zeros()).div_ceil(7) as usize;
        let deadline_bytes = if deadline_ms.is_some() { DEADLINE_BYTES } else { 0 };
        let mut bytes = Vec::with_capacity(head_bytes + deadline_bytes + name.len() + value.len());
        for place in 0..head_bytes {
            let more = if place + 1 < head_bytes { 0x80 } else { 0 };
            bytes.push((head >> (7 * place)) as u8 & 0x7F | more);
        }
        if let Some(at) = deadline_ms {
            bytes.extend_from_slice(&at.to_le_bytes());
        }
        bytes.extend_from_slice(name);
        bytes.extend_from_slice(value);
        Item(bytes.into_boxed_slice())
    }

    /// Length of the name, whether there is a deadline, and where the bytes behind the first number start.
    #[inline(always)]
    fn head(&self) -> (usize, bool, usize) {
        let first = self.0[0];
        if first < 0x80 {
            return (usize::from(first >> 1), first & 1 != 0, 1);
        }
        let (mut head, mut at) = (0usize, 0);
        loop {
            let byte = self.0[at];
            head |= usize::from(byte & 0x7F) << (7 * at);
            at += 1;
            if byte < 0x80 {
                return (head >> 1, head & 1 != 0, at);
            }
        }
    }

    #[inline(always)]
    fn name_start(&self) -> (usize, usize) {
        let (length, volatile, at) = self.head();
        (length, if volatile { at + DEADLINE_BYTES } else { at })
    }

    #[inline(always)]
    pub(super) fn name(&self) -> &[u8] {
        let (length, start) = self.name_start();
        &self.0[start..start + length]
    }

    /// Name and value.
    #[inline]
    pub(super) fn parts(&self) -> (&[u8], &[u8]) {
        let (length, start) = self.name_start();
        self.0[start..].split_at(length)
    }

    #[inline]
    pub(super) fn deadline_ms(&self) -> Option<UnixMs> {
        match self.head() {
            (_, true, at) => self.0[at..].first_chunk().map(|bytes| UnixMs::from_le_bytes(*bytes)),
            _ => None,
        }
    }

    /// Writes over the value where it is, if the new one is as long.
    pub(super) fn overwrite(&mut self, value: &[u8]) -> bool {
        let (length, start) = self.name_start();
        let old = &mut self.0[start + length..];
        let fits = old.len() == value.len();
        if fits {
            old.copy_from_slice(value);
        }
        fits
    }

    /// Bytes of its allocation.
    #[inline]
    pub(super) fn heap_bytes(&self) -> usize {
        allocated_bytes(self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_gives_back_what_it_was_made_of() {
        for length in [0, 1, 63, 64, 200, 8191, 8192, 3_000_000] {
            for deadline_ms in [None, Some(0), Some(1 << 47)] {
                let (name, value) = (vec![b'n'; length], vec![b'v'; length / 3]);
                let mut item = Item::new(&name, &value, deadline_ms);
                assert_eq!((item.name(), item.parts().1), (&name[..], &value[..]));
                assert_eq!(item.deadline_ms(), deadline_ms);
                assert!(item.overwrite(&vec![b'w'; length / 3]));
                assert!(!item.overwrite(&vec![b'w'; length / 3 + 1]));
                assert_eq!(item.parts(), (&name[..], &vec![b'w'; length / 3][..]));
            }
        }
        assert_eq!(Item::new(b"member", b"", None).heap_bytes(), 8, "a byte and the member");
    }
}
