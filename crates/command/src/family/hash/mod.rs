//! Hashes: the rows, and where their operations are. What they share with sets is in [`super::members`].

mod count;
mod read;
#[cfg(test)]
mod tests;
mod volatile;
mod write;

pub use count::{IncrementField, IncrementFieldFloat};
pub use read::{GetField, GetFields, GetHash};
pub use volatile::{GetFieldsExpire, IfFields, SetFieldsExpire, TakeFields};
pub use write::{AddField, SetFields};

use super::members::expire::fields;
use super::members::pick::random;
use super::members::remove::remove;
use super::members::scan::scan;
use crate::table::{Flags, Group, Keys, Row};
use scrubjay_store::value::hash::Hash;

const READ: Flags = Flags::READONLY;
const READ_FAST: Flags = READ.union(Flags::FAST);
const WRITE_FAST: Flags = Flags::WRITE.union(Flags::FAST);
const GROW_FAST: Flags = WRITE_FAST.union(Flags::DENYOOM);

/// The rows.
pub static ROWS: &[Row] = &[
    Row::data("HSET", Group::Hash, -4, write::hset).flags(GROW_FAST).keys(Keys::ONE).docs(
        "4.0.0",
        "O(N), where N is the number of fields named",
        "key field value [field value ...]",
        "Writes fields of a hash, which it creates if need be; returns how many are new.",
    ),
    Row::data("HGET", Group::Hash, 3, read::hget).flags(READ_FAST).keys(Keys::ONE).docs(
        "2.0.0",
        "O(1)",
        "key field",
        "Returns the value of a field.",
    ),
    Row::data("HMGET", Group::Hash, -3, read::hmget).flags(READ_FAST).keys(Keys::ONE).docs(
        "2.0.0",
        "O(N), where N is the number of fields named",
        "key field [field ...]",
        "Returns the values of several fields.",
    ),
    Row::data("HMSET", Group::Hash, -4, write::hmset).flags(GROW_FAST).keys(Keys::ONE).docs(
        "2.0.0",
        "O(N), where N is the number of fields named",
        "key field value [field value ...]",
        "Writes fields of a hash; HSET does the same and says how many are new.",
    ),
    Row::data("HSETNX", Group::Hash, 4, write::hsetnx).flags(GROW_FAST).keys(Keys::ONE).docs(
        "2.0.0",
        "O(1)",
        "key field value",
        "Writes a field that does not exist yet.",
    ),
    Row::data("HGETALL", Group::Hash, 2, read::hgetall).flags(READ).keys(Keys::ONE).docs(
        "2.0.0",
        "O(N), where N is the number of fields",
        "key",
        "Returns all fields and values of a hash.",
    ),
    Row::data("HKEYS", Group::Hash, 2, read::hkeys).flags(READ).keys(Keys::ONE).docs(
        "2.0.0",
        "O(N), where N is the number of fields",
        "key",
        "Returns all fields of a hash.",
    ),
    Row::data("HVALS", Group::Hash, 2, read::hvals).flags(READ).keys(Keys::ONE).docs(
        "2.0.0",
        "O(N), where N is the number of fields",
        "key",
        "Returns all values of a hash.",
    ),
    Row::data("HLEN", Group::Hash, 2, read::hlen).flags(READ_FAST).keys(Keys::ONE).docs(
        "2.0.0",
        "O(1)",
        "key",
        "Returns the number of fields in a hash.",
    ),
    Row::data("HEXISTS", Group::Hash, 3, read::hexists).flags(READ_FAST).keys(Keys::ONE).docs(
        "2.0.0",
        "O(1)",
        "key field",
        "Tells whether a hash has a field.",
    ),
    Row::data("HDEL", Group::Hash, -3, remove::<Hash>).flags(WRITE_FAST).keys(Keys::ONE).docs(
        "2.4.0",
        "O(N), where N is the number of fields named",
        "key field [field ...]",
        "Removes fields; returns how many there were.",
    ),
    Row::data("HINCRBY", Group::Hash, 4, count::hincrby).flags(GROW_FAST).keys(Keys::ONE).docs(
        "2.0.0",
        "O(1)",
        "key field increment",
        "Adds a whole number to a field, which starts at 0 if it is absent; its deadline stays.",
    ),
    Row::data("HINCRBYFLOAT", Group::Hash, 4, count::hincrbyfloat).flags(GROW_FAST).keys(Keys::ONE).docs(
        "2.6.0",
        "O(1)",
        "key field increment",
        "Adds a number with a fraction to a field; returns the sum as text.",
    ),
    Row::data("HSTRLEN", Group::Hash, 3, read::hstrlen).flags(READ_FAST).keys(Keys::ONE).docs(
        "3.2.0",
        "O(1)",
        "key field",
        "Returns the length of a value in bytes.",
    ),
    Row::data("HRANDFIELD", Group::Hash, -2, random::<Hash>).flags(READ).keys(Keys::ONE).docs(
        "6.2.0",
        "O(N), where N is the number of fields returned; small hashes are walked through",
        "key [count [WITHVALUES]]",
        "Returns fields at random: different ones, or, with a negative count, each time any.",
    ),
    Row::data("HSCAN", Group::Hash, -3, scan::<Hash>).flags(READ).keys(Keys::ONE).docs(
        "2.8.0",
        "O(1) a call, O(N) for the whole scan, where N is the number of fields",
        "key cursor [MATCH pattern] [COUNT count] [NOVALUES]",
        "Returns some fields with their values and a cursor to go on with; 0 starts and ends.",
    ),
    Row::data("HEXPIRE", Group::Hash, -6, fields::expire).flags(GROW_FAST).keys(Keys::ONE).docs(
        "7.4.0",
        "O(N), where N is the number of fields named",
        "key seconds [NX | XX | GT | LT] FIELDS numfields field [field ...]",
        "Lets fields of a hash expire after some seconds.",
    ),
    Row::data("HPEXPIRE", Group::Hash, -6, fields::pexpire).flags(GROW_FAST).keys(Keys::ONE).docs(
        "7.4.0",
        "O(N), where N is the number of fields named",
        "key milliseconds [NX | XX | GT | LT] FIELDS numfields field [field ...]",
        "Lets fields of a hash expire after some milliseconds.",
    ),
    Row::data("HEXPIREAT", Group::Hash, -6, fields::expireat).flags(GROW_FAST).keys(Keys::ONE).docs(
        "7.4.0",
        "O(N), where N is the number of fields named",
        "key unix-time-seconds [NX | XX | GT | LT] FIELDS numfields field [field ...]",
        "Lets fields of a hash expire at a moment given in seconds since 1970.",
    ),
    Row::data("HPEXPIREAT", Group::Hash, -6, fields::pexpireat).flags(GROW_FAST).keys(Keys::ONE).docs(
        "7.4.0",
        "O(N), where N is the number of fields named",
        "key unix-time-milliseconds [NX | XX | GT | LT] FIELDS numfields field [field ...]",
        "Lets fields of a hash expire at a moment given in milliseconds since 1970.",
    ),
    Row::data("HTTL", Group::Hash, -5, fields::ttl).flags(READ_FAST).keys(Keys::ONE).docs(
        "7.4.0",
        "O(N), where N is the number of fields named",
        "key FIELDS numfields field [field ...]",
        "Tells for how many seconds fields still live: -1 for ever, -2 if there is none.",
    ),
    Row::data("HPTTL", Group::Hash, -5, fields::pttl).flags(READ_FAST).keys(Keys::ONE).docs(
        "7.4.0",
        "O(N), where N is the number of fields named",
        "key FIELDS numfields field [field ...]",
        "Tells for how many milliseconds fields still live: -1 for ever, -2 if there is none.",
    ),
    Row::data("HEXPIRETIME", Group::Hash, -5, fields::expiretime).flags(READ_FAST).keys(Keys::ONE).docs(
        "7.4.0",
        "O(N), where N is the number of fields named",
        "key FIELDS numfields field [field ...]",
        "Tells when fields expire, in seconds since 1970: -1 never, -2 if there is none.",
    ),
    Row::data("HPEXPIRETIME", Group::Hash, -5, fields::pexpiretime).flags(READ_FAST).keys(Keys::ONE).docs(
        "7.4.0",
        "O(N), where N is the number of fields named",
        "key FIELDS numfields field [field ...]",
        "Tells when fields expire, in milliseconds since 1970: -1 never, -2 if there is none.",
    ),
    Row::data("HPERSIST", Group::Hash, -5, fields::persist).flags(WRITE_FAST).keys(Keys::ONE).docs(
        "7.4.0",
        "O(N), where N is the number of fields named",
        "key FIELDS numfields field [field ...]",
        "Takes the deadlines of fields away.",
    ),
    Row::data("HGETDEL", Group::Hash, -5, volatile::hgetdel).flags(WRITE_FAST).keys(Keys::ONE).docs(
        "8.0.0",
        "O(N), where N is the number of fields named",
        "key FIELDS numfields field [field ...]",
        "Returns the values of fields and removes them.",
    ),
    Row::data("HGETEX", Group::Hash, -5, volatile::hgetex).flags(GROW_FAST).keys(Keys::ONE).docs(
        "8.0.0",
        "O(N), where N is the number of fields named",
        "key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | PERSIST] FIELDS numfields field [field ...]",
        "Returns the values of fields and moves their deadlines.",
    ),
    Row::data("HSETEX", Group::Hash, -6, volatile::hsetex).flags(GROW_FAST).keys(Keys::ONE).docs(
        "8.0.0",
        "O(N), where N is the number of fields named",
        "key [FNX | FXX] [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL] FIELDS numfields field value [field value ...]",
        "Writes fields with a deadline, on conditions if you like: all of them or none.",
    ),
];
