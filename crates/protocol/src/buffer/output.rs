//! Bytes that wait for the socket: copied small ones, and large values that stay where the store has them.
//!
//! ```text
//! bytes   [ $3\r\nabc\r\n $1048576\r\n | \r\n +OK\r\n ... ]
//! shared                     at 19 --> (1 MiB, not copied)
//! ```
//!
//! A chunk remembers where among the copied bytes it belongs, so encoders append to one vector and the socket gets the
//! pieces in order with one `writev`.

use scrubjay_store::SharedBytes;
use std::collections::VecDeque;
use std::io::{self, IoSlice};

/// Bytes between an encoder and the socket.
#[derive(Default)]
pub struct OutputBuffer {
    bytes: Vec<u8>,
    /// How many of `bytes` have been sent.
    sent: usize,
    chunks: VecDeque<Chunk>,
    /// How much of the first chunk has been sent; only once all bytes before it are.
    chunk_sent: usize,
    /// Unsent bytes of all chunks.
    chunk_bytes: usize,
}

struct Chunk {
    /// Stands before the byte with this index.
    at: usize,
    value: SharedBytes,
}

/// A place in an [`OutputBuffer`] to go back to. Valid until something is sent.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    bytes: usize,
    chunks: usize,
}

/// Fewer sent bytes than this are not worth moving the others for; chosen, untested.
const FORGET_BYTES_MIN: usize = 64 << 10;

impl OutputBuffer {
    /// An empty buffer without memory.
    pub fn new() -> OutputBuffer {
        OutputBuffer::default()
    }

    /// An empty buffer with room for `bytes`.
    pub fn with_capacity(bytes: usize) -> OutputBuffer {
        OutputBuffer { bytes: Vec::with_capacity(bytes), ..OutputBuffer::default() }
    }

    /// Appends a copy of `bytes`.
    #[inline]
    pub fn put(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Appends the first `length` of eight bytes: a fixed-size copy is one instruction, one of unknown size a call.
    #[inline]
    pub fn put_short(&mut self, bytes: [u8; 8], length: usize) {
        let end = self.bytes.len() + length;
        self.bytes.extend_from_slice(&bytes);
        self.bytes.truncate(end);
    }

    /// Makes room for `bytes` more at once.
    #[inline]
    pub fn reserve(&mut self, bytes: usize) {
        self.bytes.reserve(bytes);
    }

    /// Appends a value that the store shares, without copying it.
    pub fn put_shared(&mut self, value: SharedBytes) {
        if !value.is_empty() {
            self.chunk_bytes += value.len();
            self.chunks.push_back(Chunk { at: self.bytes.len(), value });
        }
    }

    /// How many bytes wait to be sent.
    #[inline]
    pub fn len(&self) -> usize {
        self.bytes.len() - self.sent + self.chunk_bytes
    }

    /// Whether everything has been sent.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.sent == self.bytes.len() && self.chunks.is_empty()
    }

    /// Bytes of memory of its own. Shared values count where they were made.
    pub fn memory_bytes(&self) -> usize {
        self.bytes.capacity() + self.chunks.capacity() * size_of::<Chunk>()
    }

    /// The present end, to come back to with [`rewind`](Self::rewind).
    #[inline]
    pub fn mark(&self) -> Mark {
        Mark { bytes: self.bytes.len(), chunks: self.chunks.len() }
    }

    /// Forgets what was put since `mark`. Nothing may have been sent in between.
    pub fn rewind(&mut self, mark: Mark) {
        self.bytes.truncate(mark.bytes);
        for chunk in self.chunks.drain(mark.chunks..) {
            self.chunk_bytes -= chunk.value.len();
        }
    }

    /// Writes `bytes` over what was put `offset` bytes behind `mark`: for lengths that are known only afterwards. Panics
    /// if so much was not put; nothing may have been sent since the mark.
    #[inline]
    pub fn patch(&mut self, mark: Mark, offset: usize, bytes: &[u8]) {
        let at = mark.bytes + offset;
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
    }

    /// The next pieces to send, in order, into `slices`; returns how many there are.
    pub fn pieces<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let mut filled = 0;
        let mut at = self.sent;
        let mut skip = self.chunk_sent;
        for chunk in &self.chunks {
            if filled + 2 > slices.len() {
                return filled;
            }
            if chunk.at > at {
                slices[filled] = IoSlice::new(&self.bytes[at..chunk.at]);
                filled += 1;
                at = chunk.at;
            }
            slices[filled] = IoSlice::new(&chunk.value[skip..]);
            filled += 1;
            skip = 0;
        }
        if filled < slices.len() && at < self.bytes.len() {
            slices[filled] = IoSlice::new(&self.bytes[at..]);
            filled += 1;
        }
        filled
    }

    /// A copy of all that is left.
    pub fn to_vec(&self) -> Vec<u8> {
        let (mut out, mut at, mut skip) = (Vec::with_capacity(self.len()), self.sent, self.chunk_sent);
        for chunk in &self.chunks {
            out.extend_from_slice(&self.bytes[at..chunk.at]);
            out.extend_from_slice(&chunk.value[skip..]);
            (at, skip) = (chunk.at, 0);
        }
        out.extend_from_slice(&self.bytes[at..]);
        out
    }

    /// All that is left, if it is in one piece.
    #[inline]
    pub fn single(&self) -> Option<&[u8]> {
        self.chunks.is_empty().then(|| &self.bytes[self.sent..])
    }

    /// Drops the first `count` unsent bytes: the socket took them. Panics if there are fewer.
    pub fn advance(&mut self, mut count: usize) {
        assert!(count <= self.len(), "more was sent than there was");
        while let Some(chunk) = self.chunks.front() {
            let before = chunk.at - self.sent;
            if count < before {
                break;
            }
            count -= before;
            self.sent = chunk.at;
            let left = chunk.value.len() - self.chunk_sent;
            let taken = count.min(left);
            self.chunk_bytes -= taken;
            count -= taken;
            if taken < left {
                self.chunk_sent += taken;
                return;
            }
            self.chunk_sent = 0;
            self.chunks.pop_front();
        }
        self.sent += count;
        if self.is_empty() {
            self.clear();
        } else if self.sent >= FORGET_BYTES_MIN && self.sent >= self.bytes.len() / 2 {
            self.forget_sent();
        }
    }

    /// Moves what has not been sent to the front, so that a client that is always a little behind costs what it is behind
    /// and not all that it was ever sent. The at least as many bytes that were sent pay for the move.
    fn forget_sent(&mut self) {
        self.bytes.drain(..self.sent);
        for chunk in &mut self.chunks {
            chunk.at -= self.sent;
        }
        self.sent = 0;
    }

    /// Forgets everything, keeps the memory.
    #[inline]
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.sent = 0;
        self.chunks.clear();
        self.chunk_sent = 0;
        self.chunk_bytes = 0;
    }
}

/// For encoders that write through `std::io` (JSON); never fails.
impl io::Write for OutputBuffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.put(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn take(out: &mut OutputBuffer, most: usize, pieces: usize) -> Vec<u8> {
        let mut slices = vec![IoSlice::new(&[]); pieces];
        let filled = out.pieces(&mut slices);
        let all: Vec<u8> = slices[..filled].iter().flat_map(|s| s.iter().copied()).take(most).collect();
        drop(slices);
        out.advance(all.len());
        all
    }

    proptest! {
        #[test]
        fn pieces_come_out_in_the_order_they_went_in(
            parts in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..20)), 0..20),
            most in 1usize..30,
            pieces in 2usize..8,
        ) {
            let mut out = OutputBuffer::new();
            let mut expected = Vec::new();
            for (shared, bytes) in &parts {
                if *shared { out.put_shared(bytes.as_slice().into()) } else { out.put(bytes) }
                expected.extend_from_slice(bytes);
            }
            prop_assert_eq!(out.len(), expected.len());
            let mut got = Vec::new();
            while !out.is_empty() {
                let part = take(&mut out, most, pieces);
                prop_assert!(!part.is_empty());
                got.extend(part);
            }
            prop_assert_eq!(got, expected);
            prop_assert_eq!(out.len(), 0);
        }
    }

    #[test]
    fn a_length_can_be_filled_in_afterwards() {
        let mut out = OutputBuffer::new();
        out.put(b"x");
        let mark = out.mark();
        out.put(b"length:    .");
        out.put_shared(vec![0; 10].as_slice().into());
        out.patch(mark, 8, b"10");
        assert_eq!(take(&mut out, 13, 8), b"xlength: 10 .");
    }

    #[test]
    fn a_reader_that_is_always_behind_costs_what_it_is_behind() {
        let mut out = OutputBuffer::new();
        let (mut put, mut got) = (Vec::new(), Vec::new());
        for round in 0..2000u32 {
            let part = [round as u8; 700];
            out.put(&part);
            out.put_shared(part[..50].into());
            put.extend([part.as_slice(), &part[..50]].concat());
            if round > 10 {
                got.extend(take(&mut out, 750, 8));
            }
        }
        assert!(out.memory_bytes() < 300_000, "{} bytes held", out.memory_bytes());
        while !out.is_empty() {
            got.extend(take(&mut out, 750, 8));
        }
        assert!(got == put, "bytes were lost or changed places");
    }

    #[test]
    fn rewinding_forgets_copied_and_shared_bytes() {
        let mut out = OutputBuffer::new();
        out.put(b"a");
        let mark = out.mark();
        out.put(b"b");
        out.put_shared(vec![0; 10].as_slice().into());
        out.rewind(mark);
        assert_eq!(out.single(), Some(&b"a"[..]));
        assert_eq!(out.len(), 1);
    }
}
