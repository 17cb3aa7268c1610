//! Looking at many bits: BITCOUNT, BITPOS. Eight bytes a step.

use crate::args::Args;
use crate::family::string::{clamp, clamp_each};
use crate::family::with_value;
use crate::reject::{Kind, Reject};
use crate::reply::Reply;
use crate::table::Context;
use std::ops::Range;

/// What the ends of a range count.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Unit {
    /// Bytes.
    #[default]
    Byte,
    /// Bits.
    Bit,
}

impl Unit {
    fn parse(args: &Args<'_>, at: usize) -> Result<Unit, Reject> {
        match at < args.len() {
            false => Ok(Unit::Byte),
            true if args.is(at, "BYTE") => Ok(Unit::Byte),
            true if args.is(at, "BIT") => Ok(Unit::Bit),
            true => Err(Reject::SYNTAX),
        }
    }

    fn in_bytes(self, bytes: usize) -> usize {
        match self {
            Unit::Byte => bytes,
            Unit::Bit => bytes * 8,
        }
    }

    fn bits(self, range: Range<usize>) -> Range<usize> {
        match self {
            Unit::Byte => range.start * 8..range.end * 8,
            Unit::Bit => range,
        }
    }
}

/// Counts the bits that are on.
#[derive(Clone, Copy, Debug)]
pub struct BitCount<'a> {
    /// The key.
    pub key: &'a [u8],
    /// First and last unit, both included, negative ones counted from the end.
    pub range: (i64, i64),
    /// What the range counts.
    pub unit: Unit,
}

impl<'a> BitCount<'a> {
    /// Reads `BITCOUNT key [start end [BYTE | BIT]]`.
    fn parse(args: &Args<'a>) -> Result<BitCount<'a>, Reject> {
        let range = match args.len() {
            2 => (0, -1),
            4 | 5 => (args.int(2)?, args.int(3)?),
            _ => return Err(Reject::SYNTAX),
        };
        Ok(BitCount { key: args.at(1), range, unit: Unit::parse(args, 4)? })
    }

    /// Counts.
    pub fn run(&self, cx: &mut Context<'_>) -> Result<u64, Reject> {
        with_value(cx, self.key, |value| {
            let (value, (start, end)) = (value.unwrap_or_default(), self.range);
            let units = clamp(start, end, self.unit.in_bytes(value.len()));
            count(value, self.unit.bits(units))
        })
    }
}

/// Finds the first bit that is on, or off.
#[derive(Clone, Copy, Debug)]
pub struct BitPos<'a> {
    /// The key.
    pub key: &'a [u8],
    /// Whether to look for a bit that is on.
    pub on: bool,
    /// First unit, negative ones counted from the end.
    pub start: i64,
    /// Last unit, included; `None`: the last of the value, and behind it everything is off.
    pub end: Option<i64>,
    /// What the ends count.
    pub unit: Unit,
}

impl<'a> BitPos<'a> {
    /// Reads `BITPOS key bit [start [end [BYTE | BIT]]]`.
    fn parse(args: &Args<'a>) -> Result<BitPos<'a>, Reject> {
        const NO_BIT: Reject = Reject::new(Kind::BadRequest, "ERR The bit argument must be 1 or 0.");
        let on = match args.int(2)? {
            0 => false,
            1 => true,
            _ => return Err(NO_BIT),
        };
        if args.len() > 6 {
            return Err(Reject::SYNTAX);
        }
        let start = if args.len() > 3 { args.int(3)? } else { 0 };
        let unit = Unit::parse(args, 5)?;
        let end = if args.len() > 4 { Some(args.int(4)?) } else { None };
        Ok(BitPos { key: args.at(1), on, start, end, unit })
    }

    /// Finds. `None`: there is none.
    pub fn run(&self, cx: &mut Context<'_>) -> Result<Option<u64>, Reject> {
        with_value(cx, self.key, |value| {
            let Some(value) = value else {
                // An absent key is off without end.
                return if self.on { None } else { Some(0) };
            };
            let units = clamp_each(self.start, self.end.unwrap_or(-1), self.unit.in_bytes(value.len()));
            if units.is_empty() {
                return None;
            }
            let bits = self.unit.bits(units);
            let behind = bits.end as u64;
            let padded = !self.on && self.end.is_none();
            find(value, bits, self.on).or(padded.then_some(behind))
        })
    }
}

/// How many of the bits in `bits` are on.
fn count(bytes: &[u8], bits: Range<usize>) -> u64 {
    let (first, last) = match edges(bytes, &bits) {
        Some(edges) => edges,
        None => return 0,
    };
    let inner = &bytes[bits.start / 8..bits.end.div_ceil(8)];
    let (words, rest) = inner.as_chunks::<8>();
    let whole: u64 = words.iter().map(|word| u64::from(u64::from_ne_bytes(*word).count_ones())).sum();
    let tail: u64 = rest.iter().map(|byte| u64::from(byte.count_ones())).sum();
    whole + tail - u64::from(first.count_ones()) - u64::from(last.count_ones())
}

/// The bits of the first and the last byte that lie outside of `bits`; `None` if there are no bits.
fn edges(bytes: &[u8], bits: &Range<usize>) -> Option<(u8, u8)> {
    if bits.is_empty() {
        return None;
    }
    let before = !(0xFF >> (bits.start % 8));
    let after = (0xFFu16 >> ((bits.end - 1) % 8 + 1)) as u8;
    Some((bytes[bits.start / 8] & before, bytes[(bits.end - 1) / 8] & after))
}

/// The first of the bits in `bits` that is `on`.
fn find(bytes: &[u8], bits: Range<usize>, on: bool) -> Option<u64> {
    // Looking for a one among flipped bytes is looking for a zero.
    let flip = if on { 0 } else { !0u64 };
    let mut at = bits.start / 8;
    let head = (bytes[at] ^ flip as u8) & (0xFF >> (bits.start % 8));
    let found = if head != 0 {
        at * 8 + head.leading_zeros() as usize
    } else {
        at += 1;
        let rest = &bytes[at..bits.end.div_ceil(8)];
        let (words, tail) = rest.as_chunks::<8>();
        match words.iter().position(|word| u64::from_ne_bytes(*word) != flip) {
            Some(word) => {
                let value = u64::from_be_bytes(words[word]) ^ flip;
                (at + word * 8) * 8 + value.leading_zeros() as usize
            }
            None => {
                let byte = tail.iter().position(|&byte| byte != flip as u8)?;
                (at + words.len() * 8 + byte) * 8 + (tail[byte] ^ flip as u8).leading_zeros() as usize
            }
        }
    };
    (found < bits.end).then_some(found as u64)
}

pub(super) fn bitcount(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let count = BitCount::parse(args)?.run(cx)?;
    reply.int(count as i64);
    Ok(())
}

pub(super) fn bitpos(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let position = BitPos::parse(args)?.run(cx)?;
    reply.int(position.map_or(-1, |position| position as i64));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counting_and_finding_agree_with_looking_at_every_bit() {
        let mut rng = scrubjay_base::rand::Rng::new(17);
        for _ in 0..3000 {
            let length = rng.below(40) as usize;
            let dense = rng.below(3);
            let bytes: Vec<u8> = (0..length)
                .map(|_| match dense {
                    0 => rng.next_u64() as u8,
                    1 => (rng.below(20) == 0) as u8 * rng.next_u64() as u8,
                    _ => !((rng.below(20) == 0) as u8 * rng.next_u64() as u8),
                })
                .collect();
            let (a, b) = (rng.below(length as u64 * 8 + 1) as usize, rng.below(length as u64 * 8 + 1) as usize);
            let bits = a.min(b)..a.max(b);
            let is_on = |bit: &usize| bytes[bit / 8] & (0x80 >> (bit % 8)) != 0;
            assert_eq!(count(&bytes, bits.clone()), bits.clone().filter(is_on).count() as u64, "{bytes:?} {bits:?}");
            if !bits.is_empty() {
                for on in [true, false] {
                    let expected = bits.clone().find(|bit| is_on(bit) == on).map(|bit| bit as u64);
                    assert_eq!(find(&bytes, bits.clone(), on), expected, "{on} {bytes:?} {bits:?}");
                }
            }
        }
    }
}
