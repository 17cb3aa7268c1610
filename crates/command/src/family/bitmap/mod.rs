//! Bits of strings: the rows, and where their operations are.

mod bit;
mod count;
mod field;
mod op;
#[cfg(test)]
mod tests;

pub use bit::{GetBit, SetBit};
pub use count::{BitCount, BitPos, Unit};
pub use field::{BitField, Field, Overflow, Step};
pub use op::{BitOp, BitOperation};

use crate::table::{Flags, Group, Keys, Row};

const READ: Flags = Flags::READONLY;
const READ_FAST: Flags = READ.union(Flags::FAST);
const GROW: Flags = Flags::WRITE.union(Flags::DENYOOM);

/// The rows.
pub static ROWS: &[Row] = &[
    Row::data("SETBIT", Group::Bitmap, 4, bit::setbit).flags(GROW).keys(Keys::ONE).docs(
        "2.2.0",
        "O(1)",
        "key offset value",
        "Writes one bit of a value, which grows if need be; returns the bit as it was.",
    ),
    Row::data("GETBIT", Group::Bitmap, 3, bit::getbit).flags(READ_FAST).keys(Keys::ONE).docs(
        "2.2.0",
        "O(1)",
        "key offset",
        "Returns one bit of a value.",
    ),
    Row::data("BITCOUNT", Group::Bitmap, -2, count::bitcount).flags(READ).keys(Keys::ONE).docs(
        "2.6.0",
        "O(N), where N is the length of the part",
        "key [start end [BYTE | BIT]]",
        "Counts the bits that are on in a value or a part of it.",
    ),
    Row::data("BITPOS", Group::Bitmap, -3, count::bitpos).flags(READ).keys(Keys::ONE).docs(
        "2.8.7",
        "O(N), where N is the length of the part",
        "key bit [start [end [BYTE | BIT]]]",
        "Finds the first bit of a value that is on, or off.",
    ),
    Row::data("BITOP", Group::Bitmap, -4, op::bitop)
        .flags(GROW)
        .keys(Keys::Range { first: 2, last: -1, step: 1 })
        .docs(
            "2.6.0",
            "O(N), where N is the length of the values together",
            "<AND | OR | XOR | NOT | DIFF | DIFF1 | ANDOR | ONE> destkey key [key ...]",
            "Combines the bits of several values and writes the result to a key; returns its length.",
        ),
    Row::data("BITFIELD", Group::Bitmap, -2, field::bitfield).flags(GROW).keys(Keys::ONE).docs(
        "3.2.0",
        "O(N), where N is the number of operations",
        "key [GET encoding offset | [OVERFLOW WRAP | SAT | FAIL] SET encoding offset value | [OVERFLOW WRAP | SAT | FAIL] INCRBY encoding offset increment ...]",
        "Reads and writes small integers at any bit of a value.",
    ),
    Row::data("BITFIELD_RO", Group::Bitmap, -2, field::bitfield_ro).flags(READ_FAST).keys(Keys::ONE).docs(
        "6.0.0",
        "O(N), where N is the number of operations",
        "key [GET encoding offset [GET encoding offset ...]]",
        "Reads small integers at any bit of a value.",
    ),
];
