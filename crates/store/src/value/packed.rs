//! A run of small items in one piece of memory: what small collections are, and what all collections travel as.
//!
//! ```text
//!  item     | tag | payload ... | back |          back: bytes of tag and payload, readable from behind
//!
//!  tag      0xxxxxxx                  an integer 0..127, no payload
//!           10xxxxxx                  bytes, length 0..63
//!           110xxxxx xxxxxxxx         an integer of 13 bits, signed
//!           1110xxxx xxxxxxxx         bytes, length 0..4095
//!           11110000 u32              bytes, longer
//!           11110001 i16   11110010 i24   11110011 i32   11110100 i64
//!           11110101 f64              a number that is no integer (scores)
//!           11110110 u48              a moment in milliseconds (members that expire)
//!  back     1 byte up to 127, else more of 7 bits each, the highest bit says that another stands before it
//! ```
//!
//! Bytes that are the decimal form of an integer are kept as the integer and read back the same. The idea, and that an
//! item can be walked from both ends, are Redis' listpack (its design notes are in antirez' `listpack.md`); the tags are
//! its own but for the last two. Everything is O(bytes before the place); that is why only small collections are one run.

use scrubjay_base::int::{Digits, parse_int};
use smallvec::SmallVec;
use std::ops::Deref;

const INT13: u8 = 0b1100_0000;
const BYTES6: u8 = 0b1000_0000;
const BYTES12: u8 = 0b1110_0000;
const BYTES32: u8 = 0xF0;
const INT16: u8 = 0xF1;
const INT24: u8 = 0xF2;
const INT32: u8 = 0xF3;
const INT64: u8 = 0xF4;
const FLOAT: u8 = 0xF5;
const MOMENT: u8 = 0xF6;

/// Decimal integers are at most this long.
const INT_TEXT_BYTES_MAX: usize = 20;

/// What an item holds.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Item<'a> {
    /// Bytes that are no integer's decimal form.
    Bytes(&'a [u8]),
    /// An integer, or its decimal form.
    Int(i64),
    /// A number that is no integer.
    Float(f64),
    /// Unix milliseconds.
    Moment(u64),
}

impl<'a> Item<'a> {
    /// What `bytes` are kept as.
    #[inline]
    pub fn of(bytes: &'a [u8]) -> Item<'a> {
        match parse_int(bytes) {
            Some(number) if bytes.len() <= INT_TEXT_BYTES_MAX => Item::Int(number),
            _ => Item::Bytes(bytes),
        }
    }

    /// The same bytes as they are kept in a run.
    #[inline]
    pub fn canonical(self) -> Item<'a> {
        match self {
            Item::Bytes(bytes) => Item::of(bytes),
            other => other,
        }
    }

    /// A number, as an integer where it is one. Negative zero is none.
    pub fn of_float(number: f64) -> Item<'static> {
        let whole = number as i64;
        let is_whole = whole as f64 == number && whole != i64::MAX && (number != 0.0 || number.is_sign_positive());
        if is_whole { Item::Int(whole) } else { Item::Float(number) }
    }

    /// Shows the bytes that were kept.
    #[inline]
    pub fn with<R>(self, see: impl FnOnce(&[u8]) -> R) -> R {
        match self {
            Item::Bytes(bytes) => see(bytes),
            Item::Int(number) => see(Digits::of(number).as_bytes()),
            // No collection keeps what it was given as bytes in these.
            Item::Float(_) | Item::Moment(_) => see(b""),
        }
    }

    /// The bytes that were kept, as a copy.
    pub fn to_vec(self) -> Vec<u8> {
        self.with(<[u8]>::to_vec)
    }

    /// The number, if it is one.
    #[inline]
    pub fn number(self) -> Option<f64> {
        match self {
            Item::Int(number) => Some(number as f64),
            Item::Float(number) => Some(number),
            Item::Bytes(_) | Item::Moment(_) => None,
        }
    }

    /// How long the bytes are that were kept.
    #[allow(clippy::len_without_is_empty)] // an item may well be empty, and nobody asks
    pub fn len(self) -> usize {
        match self {
            Item::Bytes(bytes) => bytes.len(),
            other => other.with(<[u8]>::len),
        }
    }

    /// Bytes that the item takes.
    #[inline]
    pub fn packed_bytes(self) -> usize {
        let front = match self {
            Item::Bytes(bytes) => {
                bytes.len()
                    + match bytes.len() {
                        0..=63 => 1,
                        64..=4095 => 2,
                        _ => 5,
                    }
            }
            Item::Int(number) => match number {
                0..=127 => 1,
                -4096..=4095 => 2,
                -0x8000..=0x7FFF => 3,
                -0x80_0000..=0x7F_FFFF => 4,
                -0x8000_0000..=0x7FFF_FFFF => 5,
                _ => 9,
            },
            Item::Float(_) => 9,
            Item::Moment(_) => 7,
        };
        front + back_bytes(front)
    }

    /// Appends the item to `out`.
    #[inline]
    pub fn write(self, out: &mut impl Out) {
        let start = out.len();
        match self {
            Item::Bytes(bytes) => {
                match bytes.len() {
                    length @ 0..=63 => out.put(BYTES6 | length as u8),
                    length @ 64..=4095 => out.put_all(&[BYTES12 | (length >> 8) as u8, length as u8]),
                    length => {
                        out.put(BYTES32);
                        out.put_all(&(length as u32).to_le_bytes());
                    }
                }
                out.put_all(bytes);
            }
            Item::Int(number) => write_int(number, out),
            Item::Float(number) => {
                out.put(FLOAT);
                out.put_all(&number.to_le_bytes());
            }
            Item::Moment(ms) => {
                out.put(MOMENT);
                out.put_all(&ms.to_le_bytes()[..6]);
            }
        }
        write_back(out.len() - start, out);
    }
}

/// What items are written to.
pub trait Out: Deref<Target = [u8]> {
    /// Appends a byte.
    fn put(&mut self, byte: u8);
    /// Appends bytes.
    fn put_all(&mut self, bytes: &[u8]);
}

impl Out for Vec<u8> {
    #[inline]
    fn put(&mut self, byte: u8) {
        self.push(byte);
    }

    #[inline]
    fn put_all(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

impl<const N: usize> Out for SmallVec<[u8; N]> {
    #[inline]
    fn put(&mut self, byte: u8) {
        self.push(byte);
    }

    #[inline]
    fn put_all(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

#[inline]
fn write_int(number: i64, out: &mut impl Out) {
    let bytes = number.to_le_bytes();
    match number {
        0..=127 => out.put(number as u8),
        -4096..=4095 => out.put_all(&[INT13 | (number >> 8) as u8 & 0x1F, number as u8]),
        -0x8000..=0x7FFF => out.put_all(&[INT16, bytes[0], bytes[1]]),
        -0x80_0000..=0x7F_FFFF => out.put_all(&[INT24, bytes[0], bytes[1], bytes[2]]),
        -0x8000_0000..=0x7FFF_FFFF => out.put_all(&[INT32, bytes[0], bytes[1], bytes[2], bytes[3]]),
        _ => {
            out.put(INT64);
            out.put_all(&bytes);
        }
    }
}

#[inline]
const fn back_bytes(front: usize) -> usize {
    match front {
        0..=0x7F => 1,
        0x80..=0x3FFF => 2,
        0x4000..=0x1F_FFFF => 3,
        0x20_0000..=0xFFF_FFFF => 4,
        _ => 5,
    }
}

/// Seven bits at a time, the lowest last; all but the first say that another stands before them.
#[inline]
fn write_back(front: usize, out: &mut impl Out) {
    let count = back_bytes(front);
    for place in (0..count).rev() {
        let more = if place + 1 < count { 0x80 } else { 0 };
        out.put((front >> (7 * place)) as u8 & 0x7F | more);
    }
}

/// The item at `at`, and where the next one starts; `None` at the end, or where the bytes make no sense.
#[inline]
pub fn item(run: &[u8], at: usize) -> Option<(Item<'_>, usize)> {
    let tag = *run.get(at)?;
    let (item, end) = match tag {
        0..=0x7F => (Item::Int(tag.into()), at + 1),
        0x80..=0xBF => {
            let end = at + 1 + usize::from(tag & 0x3F);
            (Item::Bytes(run.get(at + 1..end)?), end)
        }
        0xC0..=0xDF => {
            let raw = i64::from(tag & 0x1F) << 8 | i64::from(*run.get(at + 1)?);
            (Item::Int((raw << 51) >> 51), at + 2)
        }
        0xE0..=0xEF => {
            let length = usize::from(tag & 0x0F) << 8 | usize::from(*run.get(at + 1)?);
            let end = at + 2 + length;
            (Item::Bytes(run.get(at + 2..end)?), end)
        }
        BYTES32 => {
            let length = u32::from_le_bytes(*run.get(at + 1..)?.first_chunk()?) as usize;
            let end = at + 5 + length;
            (Item::Bytes(run.get(at + 5..end)?), end)
        }
        INT16 => (Item::Int(signed(run, at, 2)?), at + 3),
        INT24 => (Item::Int(signed(run, at, 3)?), at + 4),
        INT32 => (Item::Int(signed(run, at, 4)?), at + 5),
        INT64 => (Item::Int(signed(run, at, 8)?), at + 9),
        FLOAT => (Item::Float(f64::from_le_bytes(*run.get(at + 1..)?.first_chunk()?)), at + 9),
        MOMENT => (Item::Moment(signed(run, at, 6)? as u64 & 0xFFFF_FFFF_FFFF), at + 7),
        _ => return None,
    };
    let next = end + back_bytes(end - at);
    if next > run.len() { None } else { Some((item, next)) }
}

/// Where the item after the one at `at` starts, without reading what it holds; `None` at the end, or where the bytes make
/// no sense.
#[inline]
pub fn skip(run: &[u8], at: usize) -> Option<usize> {
    let front = match *run.get(at)? {
        0..=0x7F => 1,
        tag @ 0x80..=0xBF => 1 + usize::from(tag & 0x3F),
        0xC0..=0xDF => 2,
        tag @ 0xE0..=0xEF => 2 + (usize::from(tag & 0x0F) << 8 | usize::from(*run.get(at + 1)?)),
        _ => return item(run, at).map(|(_, next)| next),
    };
    let next = at + front + back_bytes(front);
    (next <= run.len()).then_some(next)
}

/// The moment at `at`, if one stands there, and where the next item starts.
#[inline]
pub fn moment(run: &[u8], at: usize) -> Option<(u64, usize)> {
    if *run.get(at)? != MOMENT {
        return None;
    }
    match item(run, at)? {
        (Item::Moment(ms), next) => Some((ms, next)),
        _ => None,
    }
}

/// The `bytes` bytes behind the tag at `at`, sign extended.
#[inline]
fn signed(run: &[u8], at: usize, bytes: usize) -> Option<i64> {
    let mut wide = [0; 8];
    wide[..bytes].copy_from_slice(run.get(at + 1..at + 1 + bytes)?);
    let unused = 64 - 8 * bytes as u32;
    Some((i64::from_le_bytes(wide) << unused) >> unused)
}

/// Where the item that ends at `end` starts; `None` at the start of the run.
#[inline]
pub fn before(run: &[u8], end: usize) -> Option<usize> {
    let (mut front, mut at, mut shift) = (0, end, 0);
    loop {
        at = at.checked_sub(1)?;
        let byte = *run.get(at)?;
        front |= usize::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 || shift > 28 {
            return at.checked_sub(front);
        }
        shift += 7;
    }
}

/// The items of a run from a place on, each with where it starts.
#[derive(Clone, Debug)]
pub struct Items<'a> {
    run: &'a [u8],
    at: usize,
    end: usize,
}

/// All items of a run.
pub fn items(run: &[u8]) -> Items<'_> {
    Items { run, at: 0, end: run.len() }
}

/// The items of a run from `at` on, where one starts.
pub fn items_from(run: &[u8], at: usize) -> Items<'_> {
    Items { run, at, end: run.len() }
}

impl<'a> Iterator for Items<'a> {
    type Item = (usize, Item<'a>);

    #[inline]
    fn next(&mut self) -> Option<(usize, Item<'a>)> {
        if self.at >= self.end {
            return None;
        }
        let start = self.at;
        let (found, next) = item(self.run, start)?;
        self.at = next;
        Some((start, found))
    }
}

impl DoubleEndedIterator for Items<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        if self.at >= self.end {
            return None;
        }
        let start = before(self.run, self.end)?;
        let (found, _) = item(self.run, start)?;
        self.end = start;
        Some((start, found))
    }
}

/// How many items the run has, if it is a sound one from end to end: for bytes that come from elsewhere. Every item must
/// be in the form that [`Item::write`] gives it, so that equal contents are equal bytes.
pub fn count_checked(run: &[u8]) -> Option<usize> {
    let (mut at, mut count) = (0, 0);
    let mut again = Vec::new();
    while at < run.len() {
        let (found, next) = item(run, at)?;
        let canonical = match found {
            Item::Float(number) if number.is_nan() => return None,
            Item::Float(number) => Item::of_float(number),
            other => other.canonical(),
        };
        again.clear();
        canonical.write(&mut again);
        if again != run[at..next] {
            return None;
        }
        at = next;
        count += 1;
    }
    Some(count)
}

/// Puts `item` into the run at `at`, where an item starts or the run ends.
pub fn insert(run: &mut Vec<u8>, at: usize, item: Item<'_>) {
    if at == run.len() {
        return item.write(run);
    }
    // Written behind the end, which makes the room, and then moved to its place. Rotating would move the rest twice.
    let end = run.len();
    item.write(run);
    let written = SmallVec::<[u8; 256]>::from_slice(&run[end..]);
    run.copy_within(at..end, at + written.len());
    run[at..at + written.len()].copy_from_slice(&written);
}

/// Takes the bytes of `range`, which are whole items, out of the run.
pub fn cut(run: &mut Vec<u8>, range: std::ops::Range<usize>) {
    run.copy_within(range.end.., range.start);
    run.truncate(run.len() - range.len());
}

/// Puts `item` in the place of the one at `at`.
pub fn replace(run: &mut Vec<u8>, at: usize, with: Item<'_>) {
    let Some((_, next)) = item(run, at) else { return };
    if with.packed_bytes() == next - at {
        let mut bytes = Vec::with_capacity(next - at);
        with.write(&mut bytes);
        run[at..next].copy_from_slice(&bytes);
        return;
    }
    cut(run, at..next);
    insert(run, at, with);
}

#[cfg(test)]
#[path = "packed_tests.rs"]
mod tests;
