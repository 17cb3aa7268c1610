//! The codecs: bytes to a block and back, nothing of stores.
//!
//! ```text
//!   bits 0-29 plain bytes | bits 30-31 codec | block       little-endian
//! ```
//!
//! Each thread keeps its tables and its scratch between calls; making them anew costs as much as compressing a kilobyte.

use std::cell::RefCell;
use std::fmt;
use std::str::FromStr;

/// Shorter values are not worth a block's header. Chosen: below, no block of the measurements saved an eighth.
pub const BYTES_MIN: usize = 64;
/// The longest value that is compressed, and the most that a block may claim to hold: the longest that any door takes.
pub const PLAIN_BYTES_MAX: usize = 512 << 20;

const HEADER_BYTES: usize = 4;
const CODEC_SHIFT: u32 = 30;
/// A block that saves less than one part in so many is not kept: reading it would cost time for next to nothing.
const SAVING_ONE_IN: usize = 8;
/// The level of zstd. 3 saves 2 to 5 % more and compresses at two thirds of the speed.
const ZSTD_LEVEL: i32 = 1;
/// Scratch beyond this is given back after use.
const SCRATCH_BYTES_KEPT: usize = 1 << 20;
/// Inputs from this length on need LZ4's wider table.
const LZ4_WIDE_FROM: usize = u16::MAX as usize;

const _: () = assert!(PLAIN_BYTES_MAX < 1 << CODEC_SHIFT);

/// How values are compressed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Codec {
    /// LZ4: fast, saves less.
    Lz4 = 1,
    /// Zstandard: saves more, several times the processor time.
    Zstd = 2,
}

impl Codec {
    /// Every codec.
    pub const ALL: [Codec; 2] = [Codec::Lz4, Codec::Zstd];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Codec::Lz4 => "lz4",
            Codec::Zstd => "zstd",
        }
    }

    /// The codec with this number.
    pub(super) const fn from_number(number: u8) -> Option<Codec> {
        match number {
            1 => Some(Codec::Lz4),
            2 => Some(Codec::Zstd),
            _ => None,
        }
    }
}

/// A text that names no codec.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UnknownCodec;

impl fmt::Display for UnknownCodec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("values are compressed by lz4 or by zstd")
    }
}

impl std::error::Error for UnknownCodec {}

impl FromStr for Codec {
    type Err = UnknownCodec;

    fn from_str(text: &str) -> Result<Codec, UnknownCodec> {
        Codec::ALL.into_iter().find(|codec| codec.name() == text).ok_or(UnknownCodec)
    }
}

/// What a thread keeps between calls.
#[derive(Default)]
struct Tools {
    scratch: Vec<u8>,
    lz4_narrow: Option<lz4_flex::block::CompressTable>,
    lz4_wide: Option<lz4_flex::block::CompressTable>,
    zstd_in: Option<zstd::bulk::Compressor<'static>>,
    zstd_out: Option<zstd::bulk::Decompressor<'static>>,
}

thread_local! {
    static TOOLS: RefCell<Tools> = RefCell::default();
}

/// The codec of a stored value, and how long the value is; `None`: it is none.
#[inline]
pub(super) fn header(stored: &[u8]) -> Option<(Codec, usize)> {
    let (header, _) = stored.split_first_chunk::<HEADER_BYTES>()?;
    let header = u32::from_le_bytes(*header);
    let plain_bytes = (header & ((1 << CODEC_SHIFT) - 1)) as usize;
    Codec::from_number((header >> CODEC_SHIFT) as u8).filter(|_| plain_bytes <= PLAIN_BYTES_MAX).zip(Some(plain_bytes))
}

/// What to keep instead of `plain`; `None` if that would not save an eighth.
pub(super) fn compress(codec: Codec, plain: &[u8]) -> Option<Vec<u8>> {
    if plain.len() > PLAIN_BYTES_MAX {
        return None;
    }
    TOOLS.with_borrow_mut(|tools| {
        let room = lz4_flex::block::get_maximum_output_size(plain.len());
        if tools.scratch.len() < room {
            tools.scratch.resize(room, 0);
        }
        let length = match codec {
            Codec::Lz4 => tools.lz4(plain),
            Codec::Zstd => tools.zstd(plain),
        };
        let kept = length.filter(|length| HEADER_BYTES + length <= plain.len() - plain.len() / SAVING_ONE_IN);
        let stored = kept.map(|length| {
            let header = plain.len() as u32 | u32::from(codec as u8) << CODEC_SHIFT;
            [&header.to_le_bytes(), &tools.scratch[..length]].concat()
        });
        if tools.scratch.len() > SCRATCH_BYTES_KEPT {
            tools.scratch = Vec::new();
        }
        stored
    })
}

/// The value that is kept as `stored`, written over `room`, whose length must be the header's. `None`: it is damaged, and
/// whatever `room` holds now means nothing. Needs no memory that depends on what `stored` says.
pub(super) fn decompress(stored: &[u8], room: &mut [u8]) -> Option<()> {
    let (codec, plain_bytes) = header(stored)?;
    if plain_bytes != room.len() {
        return None;
    }
    let block = &stored[HEADER_BYTES..];
    let written = match codec {
        Codec::Lz4 => lz4_flex::block::decompress_into(block, room).ok()?,
        Codec::Zstd => TOOLS.with_borrow_mut(|tools| tools.unzstd(block, room))?,
    };
    (written == plain_bytes).then_some(())
}

impl Tools {
    fn lz4(&mut self, plain: &[u8]) -> Option<usize> {
        use lz4_flex::block::CompressTable;
        let table = match plain.len() < LZ4_WIDE_FROM {
            true => self.lz4_narrow.get_or_insert_with(CompressTable::small),
            false => self.lz4_wide.get_or_insert_with(CompressTable::large),
        };
        lz4_flex::block::compress_into_with_table(plain, &mut self.scratch, table).ok()
    }

    fn zstd(&mut self, plain: &[u8]) -> Option<usize> {
        if self.zstd_in.is_none() {
            // The header says how long the value is, and memory is not a wire: neither is said twice, nor summed.
            let mut made = zstd::bulk::Compressor::new(ZSTD_LEVEL).ok()?;
            made.include_contentsize(false).and(made.include_checksum(false)).ok()?;
            self.zstd_in = Some(made);
        }
        self.zstd_in.as_mut()?.compress_to_buffer(plain, &mut self.scratch[..]).ok()
    }

    fn unzstd(&mut self, block: &[u8], room: &mut [u8]) -> Option<usize> {
        if self.zstd_out.is_none() {
            self.zstd_out = Some(zstd::bulk::Decompressor::new().ok()?);
        }
        self.zstd_out.as_mut()?.decompress_to_buffer(block, room).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scrubjay_base::rand::Rng;

    /// Text-like bytes of `length`: words from a small vocabulary.
    fn text(rng: &mut Rng, length: usize) -> Vec<u8> {
        let mut text = Vec::new();
        while text.len() < length {
            text.extend_from_slice([&b"acorn "[..], b"jay ", b"oak ", b"cache "][rng.below(4) as usize]);
        }
        text.truncate(length);
        text
    }

    #[test]
    fn what_was_compressed_comes_back_at_every_length() {
        let mut rng = Rng::new(1);
        for codec in Codec::ALL {
            for length in (64..300).chain([1023, 4096, 65_534, 65_535, 65_536, 2 << 20]) {
                let plain = text(&mut rng, length);
                let Some(stored) = compress(codec, &plain) else {
                    assert!(length < 300, "{codec:?}: {length} bytes of text save less than an eighth");
                    continue;
                };
                assert!(stored.len() <= length * 7 / 8 + 1 && header(&stored) == Some((codec, length)));
                let mut back = vec![0; length];
                assert_eq!(decompress(&stored, &mut back), Some(()));
                assert_eq!(back, plain, "{codec:?}, {length} bytes");
            }
        }
    }

    #[test]
    fn noise_is_left_as_it_is() {
        let mut rng = Rng::new(2);
        let noise: Vec<u8> = (0..100_000).map(|_| rng.next_u64() as u8).collect();
        assert!(Codec::ALL.iter().all(|codec| compress(*codec, &noise).is_none()));
    }

    #[test]
    fn damage_is_found_or_changes_bytes_but_never_writes_beyond_the_room() {
        let mut rng = Rng::new(3);
        for codec in Codec::ALL {
            let plain = text(&mut rng, 5000);
            let whole = compress(codec, &plain).expect("text");
            for round in 0..3000 {
                let mut stored = whole.clone();
                match round % 3 {
                    0 => stored.truncate(rng.below(stored.len() as u64) as usize),
                    _ => {
                        let at = rng.below(stored.len() as u64) as usize;
                        stored[at] ^= 1 << rng.below(8);
                    }
                }
                let mut room = vec![0; plain.len()];
                // Damaged or not, it returns; the room is all that it may write to.
                let _ = decompress(&stored, &mut room);
                assert!(header(&stored).is_none_or(|(_, bytes)| bytes <= PLAIN_BYTES_MAX));
            }
            assert_eq!(decompress(&whole, &mut vec![0; plain.len() - 1]), None, "the room is what the header says");
        }
    }

    #[test]
    fn codecs_are_read_back_by_their_names() {
        assert!(Codec::ALL.iter().all(|codec| codec.name().parse() == Ok(*codec)));
        assert_eq!("none".parse::<Codec>(), Err(UnknownCodec));
    }
}
