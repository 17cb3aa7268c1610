//! Values that take less memory than they have bytes: which are compressed, how they lie in the store, who gets them back.
//!
//! ```text
//!   SET --Store::incoming--> saves an eighth? --> | codec, plain bytes: u32 | block |   inline in the entry, or apart
//!                             no: as it came                                   |
//!   GET <-- SharedBytes, which decompresses when somebody first looks at it, <-+-- Entry::value: now
//!           after the slot's lock is gone
//! ```
//!
//! Nobody outside of the store sees a block: effects, dumps and answers carry plain bytes. A value that is written in part
//! becomes plain and stays so until it is written as a whole: recompressing it for each appended byte would make appending
//! quadratic.
//!
//! Which codecs, and what they gain and cost: `docs/decisions/0008-compression.md`.

mod codec;
mod shared;

pub use codec::{BYTES_MIN, Codec, PLAIN_BYTES_MAX};
pub use shared::SharedBytes;

use crate::strings::LongString;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering::Relaxed};

/// Which values are compressed, and how.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Compression {
    /// How; `None`: no value is.
    pub codec: Option<Codec>,
    /// Values shorter than this stay as they are. At least [`BYTES_MIN`].
    pub threshold_bytes: usize,
}

impl Default for Compression {
    fn default() -> Compression {
        Compression { codec: None, threshold_bytes: 1024 }
    }
}

/// [`Compression`] as a store keeps it: changed while it runs, read at every write.
#[derive(Debug)]
pub struct CompressionCell {
    codec: AtomicU8,
    /// The threshold, or no value's length while nothing is compressed: one comparison decides.
    from_bytes: AtomicUsize,
}

impl CompressionCell {
    /// Holds `compression`.
    pub fn new(compression: Compression) -> CompressionCell {
        let cell = CompressionCell { codec: AtomicU8::new(0), from_bytes: AtomicUsize::new(usize::MAX) };
        cell.set(compression);
        cell
    }

    /// Changes it, for values that are written from now on.
    pub fn set(&self, compression: Compression) {
        self.codec.store(compression.codec.map_or(0, |codec| codec as u8), Relaxed);
        let from = compression.codec.map_or(usize::MAX, |_| compression.threshold_bytes.max(BYTES_MIN));
        self.from_bytes.store(from, Relaxed);
    }

    /// Whether anything is compressed.
    #[inline]
    pub fn is_on(&self) -> bool {
        self.from_bytes.load(Relaxed) != usize::MAX
    }

    /// The form in which `plain` is kept, if that is worth it.
    #[inline]
    pub fn compress(&self, plain: &[u8]) -> Option<Compressed> {
        if plain.len() < self.from_bytes.load(Relaxed) { None } else { self.try_compress(plain) }
    }

    #[cold]
    fn try_compress(&self, plain: &[u8]) -> Option<Compressed> {
        let codec = Codec::from_number(self.codec.load(Relaxed))?;
        codec::compress(codec, plain).map(|stored| Compressed(LongString::copy_of(&stored)))
    }
}

/// A compressed value, as the store keeps it.
#[derive(Clone)]
pub struct Compressed(pub(crate) LongString);

impl Compressed {
    /// What lies inline in an entry.
    pub(crate) fn inline(stored: &[u8]) -> Compressed {
        Compressed(LongString::copy_of(stored))
    }

    /// All that is kept of it.
    pub(crate) fn stored(&self) -> &[u8] {
        &self.0
    }

    /// How long the value is.
    pub(crate) fn plain_bytes(&self) -> usize {
        plain_bytes(&self.0)
    }

    /// The value.
    pub(crate) fn plain(&self) -> Vec<u8> {
        plain(&self.0)
    }

    /// The value, written over `room`, which must be as long.
    pub(crate) fn write_over(&self, room: &mut [u8]) {
        decompress(&self.0, room);
    }
}

/// How long the value is that is kept as `stored`.
#[inline]
pub(crate) fn plain_bytes(stored: &[u8]) -> usize {
    codec::header(stored).map_or(0, |(_, plain_bytes)| plain_bytes)
}

/// The value that is kept as `stored`.
pub(crate) fn plain(stored: &[u8]) -> Vec<u8> {
    let mut plain = vec![0; plain_bytes(stored)];
    decompress(stored, &mut plain);
    plain
}

/// Appends the value that is kept as `stored`.
pub(crate) fn append_plain(stored: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + plain_bytes(stored), 0);
    decompress(stored, &mut out[start..]);
}

fn decompress(stored: &[u8], room: &mut [u8]) {
    if codec::decompress(stored, room).is_none() {
        // Blocks are made here and never leave the process: memory was overwritten by something else, and going on would
        // answer with bytes that nobody stored.
        panic!("a compressed value in memory is damaged");
    }
}

/// A string on its way in: its bytes, and the form in which they are kept if that is shorter. Made before the slot is
/// locked ([`Store::incoming`](crate::Store::incoming)), because compressing takes longer than everything else in a write.
pub struct Incoming<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) compressed: Option<Compressed>,
}

impl Incoming<'_> {
    /// Bytes that will be kept.
    #[inline]
    pub fn stored_bytes(&self) -> usize {
        self.compressed.as_ref().map_or(self.bytes.len(), |compressed| compressed.0.len())
    }
}

/// Compressed values of a shard, or of all.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CompressionCounts {
    /// How many there are.
    pub values: u64,
    /// How long they are.
    pub plain_bytes: u64,
    /// What is kept of them.
    pub stored_bytes: u64,
}

impl CompressionCounts {
    /// Counts a value that is kept as `stored`.
    pub(crate) fn add(&mut self, stored: &[u8]) {
        self.values += 1;
        self.plain_bytes += plain_bytes(stored) as u64;
        self.stored_bytes += stored.len() as u64;
    }

    /// Takes it out again.
    pub(crate) fn remove(&mut self, stored: &[u8]) {
        self.values -= 1;
        self.plain_bytes -= plain_bytes(stored) as u64;
        self.stored_bytes -= stored.len() as u64;
    }

    /// Adds the counts of another shard.
    pub(crate) fn merge(&mut self, other: CompressionCounts) {
        self.values += other.values;
        self.plain_bytes += other.plain_bytes;
        self.stored_bytes += other.stored_bytes;
    }

    /// Bytes of values for each byte that is kept of them; 1 while there are none.
    pub fn ratio(&self) -> f64 {
        if self.stored_bytes == 0 { 1.0 } else { self.plain_bytes as f64 / self.stored_bytes as f64 }
    }
}
