//! Keys of any type: the rows, and where their operations are.

pub(super) mod delete;
mod dump;
mod expire;
mod fetch;
mod flush;
mod meta;
mod object;
mod rename;
mod scan;
#[cfg(test)]
mod tests;

pub use delete::{Delete, DeleteMany, Deleted, Exists, Touch};
pub use dump::{Restore, decode as decode_dump, encode as encode_dump};
pub use expire::{Expire, Lifetime, Only, Persist, Ttl};
pub use fetch::{Fetch, FetchMany, One};
pub use flush::Flush;
pub use meta::{Describe, Description};
pub use rename::{Copy, Move, Rename};
pub use scan::{Names, Scan};

use crate::table::{Flags, Group, Keys, Row};

const READ: Flags = Flags::READONLY;
const READ_FAST: Flags = READ.union(Flags::FAST);
const WRITE: Flags = Flags::WRITE;
const WRITE_FAST: Flags = WRITE.union(Flags::FAST);
const GROW: Flags = WRITE.union(Flags::DENYOOM);
const FAR_REACHING: Flags = WRITE.union(Flags::DANGEROUS);

/// Where the key of an `OBJECT` subcommand is.
const THIRD: Keys = Keys::Range { first: 2, last: 2, step: 1 };

/// The rows.
pub static ROWS: &[Row] = &[
    Row::data("DEL", Group::Generic, -2, delete::del).flags(WRITE).keys(Keys::ALL).docs(
        "1.0.0",
        "O(N), where N is the number of keys",
        "key [key ...]",
        "Removes keys; returns how many there were.",
    ),
    Row::data("UNLINK", Group::Generic, -2, delete::del).flags(WRITE_FAST).keys(Keys::ALL).docs(
        "4.0.0",
        "O(N), where N is the number of keys",
        "key [key ...]",
        "Removes keys, as DEL does; large values give their memory back in either case without others waiting.",
    ),
    Row::data("EXISTS", Group::Generic, -2, delete::exists).flags(READ_FAST).keys(Keys::ALL).docs(
        "1.0.0",
        "O(N), where N is the number of keys",
        "key [key ...]",
        "Counts how many of the keys exist, one that is named twice twice.",
    ),
    Row::data("TOUCH", Group::Generic, -2, delete::touch).flags(READ_FAST).keys(Keys::ALL).docs(
        "3.2.1",
        "O(N), where N is the number of keys",
        "key [key ...]",
        "Marks keys as used, as a read would; returns how many exist.",
    ),
    Row::data("EXPIRE", Group::Generic, -3, expire::expire).flags(WRITE_FAST).keys(Keys::ONE).docs(
        "1.0.0",
        "O(1)",
        "key seconds [NX | XX | GT | LT]",
        "Lets a key expire after some seconds.",
    ),
    Row::data("PEXPIRE", Group::Generic, -3, expire::pexpire).flags(WRITE_FAST).keys(Keys::ONE).docs(
        "2.6.0",
        "O(1)",
        "key milliseconds [NX | XX | GT | LT]",
        "Lets a key expire after some milliseconds.",
    ),
    Row::data("EXPIREAT", Group::Generic, -3, expire::expireat).flags(WRITE_FAST).keys(Keys::ONE).docs(
        "1.2.0",
        "O(1)",
        "key unix-time-seconds [NX | XX | GT | LT]",
        "Lets a key expire at a moment given in seconds since 1970.",
    ),
    Row::data("PEXPIREAT", Group::Generic, -3, expire::pexpireat).flags(WRITE_FAST).keys(Keys::ONE).docs(
        "2.6.0",
        "O(1)",
        "key unix-time-milliseconds [NX | XX | GT | LT]",
        "Lets a key expire at a moment given in milliseconds since 1970.",
    ),
    Row::data("TTL", Group::Generic, 2, expire::ttl).flags(READ_FAST).keys(Keys::ONE).docs(
        "1.0.0",
        "O(1)",
        "key",
        "Tells for how many seconds a key still lives: -1 for ever, -2 if there is none.",
    ),
    Row::data("PTTL", Group::Generic, 2, expire::pttl).flags(READ_FAST).keys(Keys::ONE).docs(
        "2.6.0",
        "O(1)",
        "key",
        "Tells for how many milliseconds a key still lives: -1 for ever, -2 if there is none.",
    ),
    Row::data("EXPIRETIME", Group::Generic, 2, expire::expiretime).flags(READ_FAST).keys(Keys::ONE).docs(
        "7.0.0",
        "O(1)",
        "key",
        "Tells when a key expires, in seconds since 1970: -1 never, -2 if there is none.",
    ),
    Row::data("PEXPIRETIME", Group::Generic, 2, expire::pexpiretime).flags(READ_FAST).keys(Keys::ONE).docs(
        "7.0.0",
        "O(1)",
        "key",
        "Tells when a key expires, in milliseconds since 1970: -1 never, -2 if there is none.",
    ),
    Row::data("PERSIST", Group::Generic, 2, expire::persist).flags(WRITE_FAST).keys(Keys::ONE).docs(
        "2.2.0",
        "O(1)",
        "key",
        "Takes the deadline of a key away.",
    ),
    Row::data("TYPE", Group::Generic, 2, object::type_of).flags(READ_FAST).keys(Keys::ONE).docs(
        "1.0.0",
        "O(1)",
        "key",
        "Tells the type of what a key holds; none if there is no such key.",
    ),
    Row::data("KEYS", Group::Generic, 2, scan::keys).flags(READ.union(Flags::DANGEROUS)).docs(
        "1.0.0",
        "O(N), where N is the number of keys in the store",
        "pattern",
        "Returns all keys that match a pattern; SCAN does so without one long answer.",
    ),
    Row::data("SCAN", Group::Generic, -2, scan::scan).flags(READ).docs(
        "2.8.0",
        "O(1) a call, O(N) for the whole scan, where N is the number of keys in the store",
        "cursor [MATCH pattern] [COUNT count] [TYPE type]",
        "Returns some keys and a cursor to go on with; 0 starts and ends.",
    ),
    Row::data("RANDOMKEY", Group::Generic, 1, scan::randomkey).flags(READ).docs(
        "1.0.0",
        "O(1)",
        "",
        "Returns a key at random.",
    ),
    Row::data("RENAME", Group::Generic, 3, rename::rename).flags(WRITE).keys(Keys::TWO).docs(
        "1.0.0",
        "O(1)",
        "key newkey",
        "Gives what a key holds to another key, whatever that held.",
    ),
    Row::data("RENAMENX", Group::Generic, 3, rename::renamenx).flags(WRITE_FAST).keys(Keys::TWO).docs(
        "1.0.0",
        "O(1)",
        "key newkey",
        "Gives what a key holds to another key that does not exist yet.",
    ),
    Row::data("COPY", Group::Generic, -3, rename::copy).flags(GROW).keys(Keys::TWO).docs(
        "6.2.0",
        "O(N), where N is the length of the value",
        "source destination [DB destination-db] [REPLACE]",
        "Copies what a key holds to another key, with its deadline.",
    ),
    Row::data("MOVE", Group::Generic, 3, rename::move_key).flags(WRITE_FAST).keys(Keys::ONE).docs(
        "1.0.0",
        "O(1)",
        "key db",
        "Moves a key to another database that does not have it.",
    ),
    Row::data("DUMP", Group::Generic, 2, dump::dump).flags(READ).keys(Keys::ONE).docs(
        "2.6.0",
        "O(N), where N is the length of the value",
        "key",
        "Returns what a key holds as bytes with a check sum, for RESTORE.",
    ),
    Row::data("RESTORE", Group::Generic, -4, dump::restore).flags(GROW.union(Flags::DANGEROUS)).keys(Keys::ONE).docs(
        "2.6.0",
        "O(N), where N is the length of the value",
        "key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]",
        "Writes a key from what DUMP returned.",
    ),
    Row::data("JAY.META", Group::Generic, 2, meta::meta).flags(READ_FAST).keys(Keys::ONE).docs(
        "scrubjay 0.1",
        "O(1)",
        "key",
        "Tells what is known about an entry, be it stale: type, encoding, size, version, flags, times in milliseconds.",
    ),
    Row::container("OBJECT", Group::Generic, OBJECT).docs(
        "2.2.3",
        "depends on the subcommand",
        "",
        "Tells how a value is kept; a name for its subcommands.",
    ),
    Row::data("DBSIZE", Group::Server, 1, scan::dbsize).flags(READ_FAST).docs(
        "1.0.0",
        "O(1)",
        "",
        "Returns the number of keys in the database.",
    ),
    Row::data("FLUSHDB", Group::Server, -1, flush::flushdb).flags(FAR_REACHING).docs(
        "1.0.0",
        "O(N), where N is the number of keys in the database",
        "[ASYNC | SYNC]",
        "Removes every key of the database.",
    ),
    Row::data("FLUSHALL", Group::Server, -1, flush::flushall).flags(FAR_REACHING).docs(
        "1.0.0",
        "O(N), where N is the number of keys in the store",
        "[ASYNC | SYNC]",
        "Removes every key of every database.",
    ),
    Row::data("SWAPDB", Group::Server, 3, flush::swapdb).flags(FAR_REACHING.union(Flags::FAST)).docs(
        "4.0.0",
        "O(1)",
        "index1 index2",
        "Exchanges two databases for every client at once.",
    ),
];

static OBJECT: &[Row] = &[
    Row::data("ENCODING", Group::Generic, 3, object::encoding).flags(READ).keys(THIRD).docs(
        "2.2.3",
        "O(1)",
        "key",
        "Tells how Redis would keep the value of a key: int, embstr or raw.",
    ),
    Row::data("FREQ", Group::Generic, 3, object::freq).flags(READ).keys(THIRD).docs(
        "4.0.0",
        "O(1)",
        "key",
        "Tells how often a key is used, where the eviction policy counts it.",
    ),
    Row::data("IDLETIME", Group::Generic, 3, object::idletime).flags(READ).keys(THIRD).docs(
        "2.2.3",
        "O(1)",
        "key",
        "Tells for how many seconds a key was not used, where the eviction policy keeps it.",
    ),
    Row::data("REFCOUNT", Group::Generic, 3, object::refcount).flags(READ).keys(THIRD).docs(
        "2.2.3",
        "O(1)",
        "key",
        "Tells how many references the value of a key has: always 1.",
    ),
    Row::data("HELP", Group::Generic, 2, object::help).docs("6.2.0", "O(1)", "", "Lists the subcommands."),
];
