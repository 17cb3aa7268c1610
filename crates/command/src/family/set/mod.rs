//! Sets: the rows, and where their operations are. What they share with hashes is in [`super::members`].

mod algebra;
mod edit;
mod read;
#[cfg(test)]
mod tests;

pub use algebra::{Algebra, Combine, IntersectionCount};
pub use edit::{Add, MoveMember, PopMembers};
pub use read::{GetSet, HasMembers};

use super::members::expire::members;
use super::members::pick::random;
use super::members::remove::remove;
use super::members::scan::scan;
use crate::table::{Flags, Group, Keys, Row};
use scrubjay_store::value::set::Set;

const READ: Flags = Flags::READONLY;
const READ_FAST: Flags = READ.union(Flags::FAST);
const WRITE_FAST: Flags = Flags::WRITE.union(Flags::FAST);
const GROW: Flags = Flags::WRITE.union(Flags::DENYOOM);
const GROW_FAST: Flags = GROW.union(Flags::FAST);

/// The rows.
pub static ROWS: &[Row] = &[
    Row::data("SADD", Group::Set, -3, edit::sadd).flags(GROW_FAST).keys(Keys::ONE).docs(
        "2.4.0",
        "O(N), where N is the number of members named",
        "key member [member ...]",
        "Adds members to a set, which it creates if need be; returns how many are new.",
    ),
    Row::data("SREM", Group::Set, -3, remove::<Set>).flags(WRITE_FAST).keys(Keys::ONE).docs(
        "2.4.0",
        "O(N), where N is the number of members named",
        "key member [member ...]",
        "Removes members from a set; returns how many there were.",
    ),
    Row::data("SISMEMBER", Group::Set, 3, read::sismember).flags(READ_FAST).keys(Keys::ONE).docs(
        "1.0.0",
        "O(1)",
        "key member",
        "Tells whether a set has a member.",
    ),
    Row::data("SMISMEMBER", Group::Set, -3, read::smismember).flags(READ_FAST).keys(Keys::ONE).docs(
        "6.2.0",
        "O(N), where N is the number of members named",
        "key member [member ...]",
        "Tells for several members whether a set has them.",
    ),
    Row::data("SMEMBERS", Group::Set, 2, read::smembers).flags(READ).keys(Keys::ONE).docs(
        "1.0.0",
        "O(N), where N is the number of members",
        "key",
        "Returns all members of a set.",
    ),
    Row::data("SCARD", Group::Set, 2, read::scard).flags(READ_FAST).keys(Keys::ONE).docs(
        "1.0.0",
        "O(1)",
        "key",
        "Returns the number of members in a set.",
    ),
    Row::data("SPOP", Group::Set, -2, edit::spop).flags(WRITE_FAST).keys(Keys::ONE).docs(
        "3.2.0",
        "O(N), where N is the number of members returned",
        "key [count]",
        "Removes members at random and returns them.",
    ),
    Row::data("SRANDMEMBER", Group::Set, -2, random::<Set>).flags(READ).keys(Keys::ONE).docs(
        "2.6.0",
        "O(N), where N is the number of members returned; small sets are walked through",
        "key [count]",
        "Returns members at random: different ones, or, with a negative count, each time any.",
    ),
    Row::data("SMOVE", Group::Set, 4, edit::smove).flags(WRITE_FAST).keys(Keys::TWO).docs(
        "1.0.0",
        "O(1)",
        "source destination member",
        "Moves a member from one set to another, with its deadline.",
    ),
    Row::data("SSCAN", Group::Set, -3, scan::<Set>).flags(READ).keys(Keys::ONE).docs(
        "2.8.0",
        "O(1) a call, O(N) for the whole scan, where N is the number of members",
        "key cursor [MATCH pattern] [COUNT count]",
        "Returns some members and a cursor to go on with; 0 starts and ends.",
    ),
    Row::data("SINTER", Group::Set, -2, algebra::sinter).flags(READ).keys(Keys::ALL).docs(
        "1.0.0",
        "O(N*M), where N is the size of the smallest set and M the number of sets",
        "key [key ...]",
        "Returns the members that are in all of several sets.",
    ),
    Row::data("SINTERSTORE", Group::Set, -3, algebra::sinterstore).flags(GROW).keys(Keys::ALL).docs(
        "1.0.0",
        "O(N*M), where N is the size of the smallest set and M the number of sets",
        "destination key [key ...]",
        "Writes the members that are in all of several sets to a key; returns how many.",
    ),
    Row::data("SINTERCARD", Group::Set, -3, algebra::sintercard).flags(READ).keys(Keys::Counted { count: 1 }).docs(
        "7.0.0",
        "O(N*M), where N is the size of the smallest set and M the number of sets",
        "numkeys key [key ...] [LIMIT limit]",
        "Counts the members that are in all of several sets, up to a limit if you like.",
    ),
    Row::data("SUNION", Group::Set, -2, algebra::sunion).flags(READ).keys(Keys::ALL).docs(
        "1.0.0",
        "O(N), where N is the number of members of all the sets",
        "key [key ...]",
        "Returns the members that are in any of several sets.",
    ),
    Row::data("SUNIONSTORE", Group::Set, -3, algebra::sunionstore).flags(GROW).keys(Keys::ALL).docs(
        "1.0.0",
        "O(N), where N is the number of members of all the sets",
        "destination key [key ...]",
        "Writes the members that are in any of several sets to a key; returns how many.",
    ),
    Row::data("SDIFF", Group::Set, -2, algebra::sdiff).flags(READ).keys(Keys::ALL).docs(
        "1.0.0",
        "O(N), where N is the number of members of all the sets",
        "key [key ...]",
        "Returns the members of the first set that are in none of the others.",
    ),
    Row::data("SDIFFSTORE", Group::Set, -3, algebra::sdiffstore).flags(GROW).keys(Keys::ALL).docs(
        "1.0.0",
        "O(N), where N is the number of members of all the sets",
        "destination key [key ...]",
        "Writes the members of the first set that are in none of the others to a key; returns how many.",
    ),
    Row::data("JAY.SEXPIRE", Group::Set, -6, members::expire).flags(GROW_FAST).keys(Keys::ONE).docs(
        "scrubjay 0.1",
        "O(N), where N is the number of members named",
        "key seconds [NX | XX | GT | LT] MEMBERS nummembers member [member ...]",
        "Lets members of a set expire after some seconds.",
    ),
    Row::data("JAY.SPEXPIRE", Group::Set, -6, members::pexpire).flags(GROW_FAST).keys(Keys::ONE).docs(
        "scrubjay 0.1",
        "O(N), where N is the number of members named",
        "key milliseconds [NX | XX | GT | LT] MEMBERS nummembers member [member ...]",
        "Lets members of a set expire after some milliseconds.",
    ),
    Row::data("JAY.SEXPIREAT", Group::Set, -6, members::expireat).flags(GROW_FAST).keys(Keys::ONE).docs(
        "scrubjay 0.1",
        "O(N), where N is the number of members named",
        "key unix-time-seconds [NX | XX | GT | LT] MEMBERS nummembers member [member ...]",
        "Lets members of a set expire at a moment given in seconds since 1970.",
    ),
    Row::data("JAY.SPEXPIREAT", Group::Set, -6, members::pexpireat).flags(GROW_FAST).keys(Keys::ONE).docs(
        "scrubjay 0.1",
        "O(N), where N is the number of members named",
        "key unix-time-milliseconds [NX | XX | GT | LT] MEMBERS nummembers member [member ...]",
        "Lets members of a set expire at a moment given in milliseconds since 1970.",
    ),
    Row::data("JAY.STTL", Group::Set, -5, members::ttl).flags(READ_FAST).keys(Keys::ONE).docs(
        "scrubjay 0.1",
        "O(N), where N is the number of members named",
        "key MEMBERS nummembers member [member ...]",
        "Tells for how many seconds members still live: -1 for ever, -2 if there is none.",
    ),
    Row::data("JAY.SPTTL", Group::Set, -5, members::pttl).flags(READ_FAST).keys(Keys::ONE).docs(
        "scrubjay 0.1",
        "O(N), where N is the number of members named",
        "key MEMBERS nummembers member [member ...]",
        "Tells for how many milliseconds members still live: -1 for ever, -2 if there is none.",
    ),
    Row::data("JAY.SEXPIRETIME", Group::Set, -5, members::expiretime).flags(READ_FAST).keys(Keys::ONE).docs(
        "scrubjay 0.1",
        "O(N), where N is the number of members named",
        "key MEMBERS nummembers member [member ...]",
        "Tells when members expire, in seconds since 1970: -1 never, -2 if there is none.",
    ),
    Row::data("JAY.SPEXPIRETIME", Group::Set, -5, members::pexpiretime).flags(READ_FAST).keys(Keys::ONE).docs(
        "scrubjay 0.1",
        "O(N), where N is the number of members named",
        "key MEMBERS nummembers member [member ...]",
        "Tells when members expire, in milliseconds since 1970: -1 never, -2 if there is none.",
    ),
    Row::data("JAY.SPERSIST", Group::Set, -5, members::persist).flags(WRITE_FAST).keys(Keys::ONE).docs(
        "scrubjay 0.1",
        "O(N), where N is the number of members named",
        "key MEMBERS nummembers member [member ...]",
        "Takes the deadlines of members away.",
    ),
];
