//! Bytes that arrived and wait to be decoded.
//!
//! ```text
//! | consumed | data: not yet decoded | spare |
//! 0        start                   len     capacity
//! ```
//!
//! Consuming moves `start`; the bytes themselves move only when room is needed and the consumed part is worth it. An
//! incomplete request therefore stays where it is while it grows, and every byte is moved a bounded number of times.

/// Bytes between the socket and a decoder.
#[derive(Default, Debug)]
pub struct InputBuffer {
    bytes: Vec<u8>,
    start: usize,
}

impl InputBuffer {
    /// An empty buffer without memory.
    pub const fn new() -> InputBuffer {
        InputBuffer { bytes: Vec::new(), start: 0 }
    }

    /// An empty buffer with room for `bytes`.
    pub fn with_capacity(bytes: usize) -> InputBuffer {
        InputBuffer { bytes: Vec::with_capacity(bytes), start: 0 }
    }

    /// What has not been consumed.
    #[inline]
    pub fn data(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// What has not been consumed, for decoders that unescape in place.
    #[inline]
    pub fn data_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..]
    }

    /// How many bytes have not been consumed.
    #[inline]
    pub fn len(&self) -> usize {
        self.bytes.len() - self.start
    }

    /// Whether everything has been consumed.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Drops the first `count` bytes of [`data`](Self::data). Panics if there are fewer.
    #[inline]
    pub fn consume(&mut self, count: usize) {
        assert!(count <= self.len(), "a decoder consumed more than it was given");
        self.start += count;
        if self.start == self.bytes.len() {
            self.clear();
        }
    }

    /// Drops everything, keeps the memory.
    #[inline]
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.start = 0;
    }

    /// Bytes of memory held.
    pub fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Adds bytes at the end.
    pub fn extend(&mut self, bytes: &[u8]) {
        self.forget_consumed(bytes.len());
        self.bytes.extend_from_slice(bytes);
    }

    /// The vector to append to, with room for at least `least` more bytes, and no more than that where it has to grow.
    /// Nothing but appending is allowed.
    pub fn make_room(&mut self, least: usize) -> &mut Vec<u8> {
        self.forget_consumed(least);
        self.bytes.reserve_exact(least);
        &mut self.bytes
    }

    /// Moves the data to the front if `needed` bytes do not fit behind it and the move is paid for: by the at least as many
    /// bytes that were consumed in front of it.
    #[inline]
    fn forget_consumed(&mut self, needed: usize) {
        let spare = self.bytes.capacity() - self.bytes.len();
        if spare < needed && self.start > 0 && self.start >= self.len() {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
    }

    /// Takes what is left out of this buffer, into one that has just the memory it needs. This one keeps its own.
    pub fn split_rest(&mut self) -> InputBuffer {
        let rest = InputBuffer { bytes: self.data().to_vec(), start: 0 };
        self.clear();
        rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consumed_bytes_are_gone_and_the_rest_stays_in_order() {
        let mut input = InputBuffer::new();
        input.extend(b"abcdef");
        input.consume(4);
        assert_eq!(input.data(), b"ef");
        input.extend(&[b'g'; 100]);
        assert_eq!((&input.data()[..3], input.len()), (&b"efg"[..], 102));
        let rest = input.split_rest();
        assert_eq!((rest.len(), rest.capacity(), input.len()), (102, 102, 0));
    }

    #[test]
    fn a_stream_through_a_small_buffer_does_not_grow_it() {
        let mut input = InputBuffer::with_capacity(64);
        for round in 0..10_000u32 {
            input.extend(&round.to_le_bytes());
            if input.len() >= 16 {
                input.consume(13);
            }
        }
        assert!(input.capacity() <= 128, "{} bytes held for a window of 16", input.capacity());
    }
}
