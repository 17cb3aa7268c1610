//! Lists: the rows, and where their operations are. The forms that wait are beside those that do not; see [`crate::wait`].

mod edit;
mod position;
mod push_pop;
mod read;
#[cfg(test)]
mod tests;
mod transfer;

pub use edit::{Insert, Remove, SetAt, Trim};
pub use position::Position;
pub use push_pop::{Pop, Push};
pub use read::{Index, Length, Range};
pub use transfer::Transfer;

use crate::args::Args;
use crate::reject::Reject;
use crate::reply::Reply;
use crate::table::{Flags, Group, Keys, Row};
use scrubjay_store::value::list::End;
use scrubjay_store::value::packed::Item;

const READ: Flags = Flags::READONLY;
const READ_FAST: Flags = READ.union(Flags::FAST);
const WRITE: Flags = Flags::WRITE;
const WRITE_FAST: Flags = WRITE.union(Flags::FAST);
const GROW: Flags = WRITE.union(Flags::DENYOOM);
const GROW_FAST: Flags = GROW.union(Flags::FAST);

/// What an item takes beside its bytes, at most; for room that is made beforehand.
const ITEM_OVERHEAD_BYTES: usize = 16;

/// Reads `LEFT` or `RIGHT`.
fn end(args: &Args<'_>, index: usize) -> Result<End, Reject> {
    match (args.is(index, "LEFT"), args.is(index, "RIGHT")) {
        (true, _) => Ok(End::Front),
        (_, true) => Ok(End::Back),
        _ => Err(Reject::SYNTAX),
    }
}

fn say(item: Item<'_>, reply: &mut dyn Reply) {
    item.with(|bytes| reply.bulk(bytes));
}

/// The rows.
pub static ROWS: &[Row] = &[
    Row::data("LPUSH", Group::List, -3, push_pop::lpush).flags(GROW_FAST).keys(Keys::ONE).docs(
        "1.0.0",
        "O(N), where N is the number of elements pushed",
        "key element [element ...]",
        "Adds elements at the left end of a list, one after the other; returns the new length.",
    ),
    Row::data("RPUSH", Group::List, -3, push_pop::rpush).flags(GROW_FAST).keys(Keys::ONE).docs(
        "1.0.0",
        "O(N), where N is the number of elements pushed",
        "key element [element ...]",
        "Adds elements at the right end of a list; returns the new length.",
    ),
    Row::data("LPUSHX", Group::List, -3, push_pop::lpushx).flags(GROW_FAST).keys(Keys::ONE).docs(
        "2.2.0",
        "O(N), where N is the number of elements pushed",
        "key element [element ...]",
        "Adds elements at the left end of a list that exists.",
    ),
    Row::data("RPUSHX", Group::List, -3, push_pop::rpushx).flags(GROW_FAST).keys(Keys::ONE).docs(
        "2.2.0",
        "O(N), where N is the number of elements pushed",
        "key element [element ...]",
        "Adds elements at the right end of a list that exists.",
    ),
    Row::data("LPOP", Group::List, -2, push_pop::lpop).flags(WRITE_FAST).keys(Keys::ONE).docs(
        "1.0.0",
        "O(N), where N is the number of elements returned",
        "key [count]",
        "Removes elements from the left end of a list and returns them.",
    ),
    Row::data("RPOP", Group::List, -2, push_pop::rpop).flags(WRITE_FAST).keys(Keys::ONE).docs(
        "1.0.0",
        "O(N), where N is the number of elements returned",
        "key [count]",
        "Removes elements from the right end of a list and returns them.",
    ),
    Row::data("LMPOP", Group::List, -4, push_pop::lmpop).flags(WRITE).keys(Keys::Counted { count: 1 }).docs(
        "7.0.0",
        "O(N+M), where N is the number of keys and M that of the elements returned",
        "numkeys key [key ...] <LEFT | RIGHT> [COUNT count]",
        "Removes elements from an end of the first of several lists that is there, and returns its key and them.",
    ),
    Row::data("LLEN", Group::List, 2, read::llen).flags(READ_FAST).keys(Keys::ONE).docs(
        "1.0.0",
        "O(1)",
        "key",
        "Returns the number of elements in a list.",
    ),
    Row::data("LINDEX", Group::List, 3, read::lindex).flags(READ).keys(Keys::ONE).docs(
        "1.0.0",
        "O(N), where N is the number of runs before the element; O(1) at both ends",
        "key index",
        "Returns the element at an index, negative ones counted from the end.",
    ),
    Row::data("LRANGE", Group::List, 4, read::lrange).flags(READ).keys(Keys::ONE).docs(
        "1.0.0",
        "O(S+N), where S is the number of runs before the range and N the number of elements in it",
        "key start stop",
        "Returns the elements from one index to another, both included.",
    ),
    Row::data("LSET", Group::List, 4, edit::lset).flags(GROW).keys(Keys::ONE).docs(
        "1.0.0",
        "O(N), where N is the number of runs before the element; O(1) at both ends",
        "key index element",
        "Writes over the element at an index.",
    ),
    Row::data("LINSERT", Group::List, 5, edit::linsert).flags(GROW).keys(Keys::ONE).docs(
        "2.2.0",
        "O(N), where N is the number of elements before the pivot",
        "key <BEFORE | AFTER> pivot element",
        "Puts an element before or behind the first one that equals the pivot; returns the new length.",
    ),
    Row::data("LREM", Group::List, 4, edit::lrem).flags(WRITE).keys(Keys::ONE).docs(
        "1.0.0",
        "O(N+M), where N is the length of the list and M the number of elements removed",
        "key count element",
        "Removes elements that equal a given one: the first ones, the last ones (negative count) or all (0).",
    ),
    Row::data("LTRIM", Group::List, 4, edit::ltrim).flags(WRITE).keys(Keys::ONE).docs(
        "1.0.0",
        "O(N), where N is the number of elements removed",
        "key start stop",
        "Removes the elements outside a range.",
    ),
    Row::data("LPOS", Group::List, -3, position::lpos).flags(READ).keys(Keys::ONE).docs(
        "6.0.6",
        "O(N), where N is the number of elements compared",
        "key element [RANK rank] [COUNT num-matches] [MAXLEN len]",
        "Returns where a list has an element that equals a given one.",
    ),
    Row::data("LMOVE", Group::List, 5, transfer::lmove).flags(GROW).keys(Keys::TWO).docs(
        "6.2.0",
        "O(1)",
        "source destination <LEFT | RIGHT> <LEFT | RIGHT>",
        "Moves an element from an end of one list to an end of another, or the same, and returns it.",
    ),
    Row::data("RPOPLPUSH", Group::List, 3, transfer::rpoplpush).flags(GROW).keys(Keys::TWO).docs(
        "1.2.0",
        "O(1)",
        "source destination",
        "Moves the last element of one list to the start of another; LMOVE says more.",
    ),
    Row::data("BLPOP", Group::List, -3, push_pop::blpop)
        .flags(WRITE.union(Flags::BLOCKING))
        .keys(Keys::ALL_BUT_LAST)
        .docs(
            "2.0.0",
            "O(N), where N is the number of keys",
            "key [key ...] timeout",
            "As LPOP on the first of several lists that is there; waits for one if none is.",
        ),
    Row::data("BRPOP", Group::List, -3, push_pop::brpop)
        .flags(WRITE.union(Flags::BLOCKING))
        .keys(Keys::ALL_BUT_LAST)
        .docs(
            "2.0.0",
            "O(N), where N is the number of keys",
            "key [key ...] timeout",
            "As RPOP on the first of several lists that is there; waits for one if none is.",
        ),
    Row::data("BLMPOP", Group::List, -5, push_pop::blmpop)
        .flags(WRITE.union(Flags::BLOCKING))
        .keys(Keys::Counted { count: 2 })
        .docs(
            "7.0.0",
            "O(N+M), where N is the number of keys and M that of the elements returned",
            "timeout numkeys key [key ...] <LEFT | RIGHT> [COUNT count]",
            "As LMPOP; waits for a list if none is there.",
        ),
    Row::data("BLMOVE", Group::List, 6, transfer::blmove).flags(GROW.union(Flags::BLOCKING)).keys(Keys::TWO).docs(
        "6.2.0",
        "O(1)",
        "source destination <LEFT | RIGHT> <LEFT | RIGHT> timeout",
        "As LMOVE; waits for an element if the source has none.",
    ),
    Row::data("BRPOPLPUSH", Group::List, 4, transfer::brpoplpush)
        .flags(GROW.union(Flags::BLOCKING))
        .keys(Keys::TWO)
        .docs(
            "2.2.0",
            "O(1)",
            "source destination timeout",
            "As RPOPLPUSH; waits for an element if the source has none.",
        ),
];
