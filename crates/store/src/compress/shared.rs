//! What a reader gets of a long or compressed string: a handle that outlives the slot's lock.

use super::Compressed;
use crate::strings::LongString;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

/// A value shared with the store. It stays as it was when it was handed out. One that the store keeps compressed is
/// decompressed when its bytes are first looked at, once for all copies of the handle.
#[derive(Clone)]
pub struct SharedBytes(Held);

#[derive(Clone)]
enum Held {
    Plain(LongString),
    Compressed(Arc<Lazy>),
}

struct Lazy {
    compressed: Compressed,
    plain: OnceLock<Vec<u8>>,
}

impl SharedBytes {
    pub(crate) fn plain(bytes: LongString) -> SharedBytes {
        SharedBytes(Held::Plain(bytes))
    }

    pub(crate) fn compressed(compressed: Compressed) -> SharedBytes {
        SharedBytes(Held::Compressed(Arc::new(Lazy { compressed, plain: OnceLock::new() })))
    }

    /// Shares a copy of `bytes`.
    pub fn copy_of(bytes: &[u8]) -> SharedBytes {
        SharedBytes::plain(LongString::copy_of(bytes))
    }

    /// How many bytes there are, without decompressing them.
    #[inline]
    pub fn len(&self) -> usize {
        match &self.0 {
            Held::Plain(bytes) => bytes.len(),
            Held::Compressed(lazy) => lazy.compressed.plain_bytes(),
        }
    }

    /// Whether there are none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes all bytes over `room`, which must be as long, decompressing them there if need be.
    pub fn write_over(&self, room: &mut [u8]) {
        match &self.0 {
            Held::Compressed(lazy) if lazy.plain.get().is_none() => lazy.compressed.write_over(room),
            _ => room.copy_from_slice(self),
        }
    }
}

impl From<&[u8]> for SharedBytes {
    fn from(bytes: &[u8]) -> SharedBytes {
        SharedBytes::copy_of(bytes)
    }
}

impl Deref for SharedBytes {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match &self.0 {
            Held::Plain(bytes) => bytes,
            Held::Compressed(lazy) => lazy.plain.get_or_init(|| lazy.compressed.plain()),
        }
    }
}

impl AsRef<[u8]> for SharedBytes {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for SharedBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SharedBytes({} bytes)", self.len())
    }
}
