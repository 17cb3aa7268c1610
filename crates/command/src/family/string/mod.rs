//! Strings: the rows, and where their operations are.

mod condition;
mod expiry;
mod get;
mod lcs;
mod many;
mod range;
mod set;
#[cfg(test)]
mod tests;

pub use condition::{Condition, VersionTest, digest, parse_digest};
pub use expiry::Expiry;
pub use get::{Get, GetDelete, GetExpire, GetMany};
pub use lcs::{Found, Lcs, Match, Want, compare};
pub use many::{Item, SetMany};
pub use range::{Append, GetRange, SetRange};
pub use set::{Set, SetOutcome};

pub(super) use expiry::ExpiryOption;
pub(super) use range::{Before, clamp, clamp_each, write_part};

use super::key::delete;
use crate::table::{Flags, Group, Keys, Row};

const READ: Flags = Flags::READONLY;
const READ_FAST: Flags = READ.union(Flags::FAST);
const WRITE_FAST: Flags = Flags::WRITE.union(Flags::FAST);
const GROW: Flags = Flags::WRITE.union(Flags::DENYOOM);
const GROW_FAST: Flags = GROW.union(Flags::FAST);

/// The rows.
pub static ROWS: &[Row] = &[
    Row::data("GET", Group::String, 2, get::get).flags(READ_FAST).keys(Keys::ONE).docs(
        "1.0.0",
        "O(1)",
        "key",
        "Returns the value of a key.",
    ),
    Row::data("SET", Group::String, -3, set::set).flags(GROW).keys(Keys::ONE).docs(
        "1.0.0",
        "O(1); O(N) with IFDEQ or IFDNE, where N is the length of the present value",
        "key value [NX | XX | IFEQ value | IFNE value | IFDEQ digest | IFDNE digest] [GET] [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL] [STALE time] [TAGS numtags tag [tag ...]]",
        "Writes the value of a key, on conditions and with a deadline if you like.",
    ),
    Row::data("MGET", Group::String, -2, get::mget).flags(READ_FAST).keys(Keys::ALL).docs(
        "1.0.0",
        "O(N), where N is the number of keys",
        "key [key ...]",
        "Returns the values of several keys, as they are at one moment.",
    ),
    Row::data("MSET", Group::String, -3, many::mset).flags(GROW).keys(Keys::PAIRS).docs(
        "1.0.1",
        "O(N), where N is the number of keys",
        "key value [key value ...]",
        "Writes several keys at once.",
    ),
    Row::data("MSETNX", Group::String, -3, many::msetnx).flags(GROW).keys(Keys::PAIRS).docs(
        "1.0.1",
        "O(N), where N is the number of keys",
        "key value [key value ...]",
        "Writes several keys at once if none of them exists.",
    ),
    Row::data("SETNX", Group::String, 3, set::setnx).flags(GROW_FAST).keys(Keys::ONE).docs(
        "1.0.0",
        "O(1)",
        "key value",
        "Writes a key that does not exist yet; SET with NX says more.",
    ),
    Row::data("SETEX", Group::String, 4, set::setex).flags(GROW).keys(Keys::ONE).docs(
        "2.0.0",
        "O(1)",
        "key seconds value",
        "Writes a key that expires after some seconds.",
    ),
    Row::data("PSETEX", Group::String, 4, set::psetex).flags(GROW).keys(Keys::ONE).docs(
        "2.6.0",
        "O(1)",
        "key milliseconds value",
        "Writes a key that expires after some milliseconds.",
    ),
    Row::data("GETSET", Group::String, 3, set::getset).flags(GROW_FAST).keys(Keys::ONE).docs(
        "1.0.0",
        "O(1)",
        "key value",
        "Writes a key and returns the value it had; SET with GET does the same.",
    ),
    Row::data("GETDEL", Group::String, 2, get::getdel).flags(WRITE_FAST).keys(Keys::ONE).docs(
        "6.2.0",
        "O(1)",
        "key",
        "Returns the value of a key and removes the key.",
    ),
    Row::data("GETEX", Group::String, -2, get::getex).flags(WRITE_FAST).keys(Keys::ONE).docs(
        "6.2.0",
        "O(1)",
        "key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | PERSIST]",
        "Returns the value of a key and moves its deadline.",
    ),
    Row::data("DELEX", Group::String, -2, delete::delex).flags(WRITE_FAST).keys(Keys::ONE).docs(
        "8.4.0",
        "O(1); O(N) with IFDEQ or IFDNE, where N is the length of the value",
        "key [IFEQ value | IFNE value | IFDEQ digest | IFDNE digest]",
        "Removes a key if its value, or the value's digest, is as expected.",
    ),
    Row::data("DELIFEQ", Group::String, 3, delete::delifeq).flags(WRITE_FAST).keys(Keys::ONE).docs(
        "9.0.0",
        "O(1)",
        "key value",
        "Removes a key if it holds exactly this value, as Valkey does.",
    ),
    Row::data("DIGEST", Group::String, 2, get::digest_of).flags(READ_FAST).keys(Keys::ONE).docs(
        "8.4.0",
        "O(N), where N is the length of the value",
        "key",
        "Returns the XXH3 digest of a value in hexadecimal digits.",
    ),
    Row::data("APPEND", Group::String, 3, range::append).flags(GROW_FAST).keys(Keys::ONE).docs(
        "2.0.0",
        "O(N), where N is the length of what is appended, amortized",
        "key value",
        "Writes behind the value of a key, which it creates if need be; returns the new length.",
    ),
    Row::data("STRLEN", Group::String, 2, get::strlen).flags(READ_FAST).keys(Keys::ONE).docs(
        "2.2.0",
        "O(1)",
        "key",
        "Returns the length of a value in bytes.",
    ),
    Row::data("GETRANGE", Group::String, 4, range::getrange).flags(READ).keys(Keys::ONE).docs(
        "2.4.0",
        "O(N), where N is the length of the part",
        "key start end",
        "Returns the bytes of a value from one offset to another, both included.",
    ),
    Row::data("SUBSTR", Group::String, 4, range::getrange).flags(READ).keys(Keys::ONE).docs(
        "1.0.0",
        "O(N), where N is the length of the part",
        "key start end",
        "The old name of GETRANGE.",
    ),
    Row::data("SETRANGE", Group::String, 4, range::setrange).flags(GROW).keys(Keys::ONE).docs(
        "2.2.0",
        "O(N), where N is the length of what is written",
        "key offset value",
        "Writes over the bytes of a value from an offset on; returns the new length.",
    ),
    Row::data("LCS", Group::String, -3, lcs::lcs).flags(READ).keys(Keys::TWO).docs(
        "7.0.0",
        "O(N*M), where N and M are the lengths of the values",
        "key1 key2 [LEN] [IDX] [MINMATCHLEN length] [WITHMATCHLEN]",
        "Returns the longest common subsequence of two values, its length, or where it lies.",
    ),
];
