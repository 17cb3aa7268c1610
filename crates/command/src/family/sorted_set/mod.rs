//! Sorted sets: the rows, and where their operations are. The forms that wait are beside those that do not; see
//! [`crate::wait`].

mod add;
mod combine;
mod pop;
mod range;
mod read;
mod remove_range;
mod score;
mod span;
#[cfg(test)]
mod tests;

pub use add::{Add, Added, Direction, Exists, Increment, Rule};
pub use combine::{Aggregate, Combine, Operation};
pub use pop::Pop;
pub use range::{Range, RangeStore};
pub use read::{Count, Rank, Scores};
pub use remove_range::RemoveRange;
pub use span::Span;

use super::members::pick::random;
use super::members::remove::remove;
use super::members::scan::scan;
use crate::reject::Reject;
use crate::reply::Reply;
use crate::table::{Context, Flags, Group, Keys, Row};
use scrubjay_store::value::Collection;
use scrubjay_store::value::packed::Item;
use scrubjay_store::value::sorted_set::{SortedSet, SortedSetView};
use scrubjay_store::{Deadline, Flags as EntryFlags, Guard, Key};

const READ: Flags = Flags::READONLY;
const READ_FAST: Flags = READ.union(Flags::FAST);
const WRITE: Flags = Flags::WRITE;
const WRITE_FAST: Flags = WRITE.union(Flags::FAST);
const GROW: Flags = WRITE.union(Flags::DENYOOM);
const GROW_FAST: Flags = GROW.union(Flags::FAST);

/// What a member takes beside its bytes, at most; for room that is made beforehand.
const MEMBER_OVERHEAD_BYTES: usize = 64;

/// Shows the sorted set of `key`, if there is one.
fn look<R>(cx: &mut Context<'_>, key: &[u8], see: impl FnOnce(Option<SortedSetView<'_>>) -> R) -> Result<R, Reject> {
    let key = cx.key(key)?;
    Ok(see(cx.lock(&key).view::<SortedSet>(&key, cx.read())?))
}

/// Makes `set` the value of `key`, whatever is there; an empty one is no key. How many members it has.
fn store(guard: &mut Guard<'_>, key: &Key<'_>, set: SortedSet) -> Result<usize, Reject> {
    let count = set.len();
    if count == 0 {
        guard.remove(key);
    } else {
        guard.put_body(key, set.into_body(), Deadline::Default, EntryFlags::Set(0))?;
    }
    Ok(count)
}

/// How members are said.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Shape {
    /// Without their scores.
    Names,
    /// Member, score, member, score.
    Flat,
    /// Each member and its score as a pair, as RESP3 clients get them.
    Nested,
}

impl Shape {
    fn of(reply: &dyn Reply, with_scores: bool) -> Shape {
        match with_scores {
            false => Shape::Names,
            true if reply.resp_version() < 3 => Shape::Flat,
            true => Shape::Nested,
        }
    }

    /// Announces `count` members.
    fn begin(self, count: usize, reply: &mut dyn Reply) {
        reply.array(if self == Shape::Flat { 2 * count } else { count });
    }

    /// Says one of them.
    fn say(self, name: Item<'_>, score: f64, reply: &mut dyn Reply) {
        if self == Shape::Nested {
            reply.array(2);
        }
        name.with(|name| reply.bulk(name));
        if self != Shape::Names {
            reply.double(score);
        }
    }
}

/// The rows.
pub static ROWS: &[Row] = &[
    Row::data("ZADD", Group::SortedSet, -4, add::zadd).flags(GROW_FAST).keys(Keys::ONE).docs(
        "1.2.0",
        "O(M*log(N)), where M is the number of members given and N that of all",
        "key [NX | XX] [GT | LT] [CH] [INCR] score member [score member ...]",
        "Gives members of a sorted set their scores, on conditions if you like; returns how many are new.",
    ),
    Row::data("ZINCRBY", Group::SortedSet, 4, add::zincrby).flags(GROW_FAST).keys(Keys::ONE).docs(
        "1.2.0",
        "O(log(N)), where N is the number of members",
        "key increment member",
        "Adds to the score of a member, which is 0 if it is not there; returns the new score.",
    ),
    Row::data("ZREM", Group::SortedSet, -3, remove::<SortedSet>).flags(WRITE_FAST).keys(Keys::ONE).docs(
        "1.2.0",
        "O(M*log(N)), where M is the number of members removed and N that of all",
        "key member [member ...]",
        "Removes members; returns how many were there.",
    ),
    Row::data("ZSCORE", Group::SortedSet, 3, read::zscore).flags(READ_FAST).keys(Keys::ONE).docs(
        "1.2.0",
        "O(1)",
        "key member",
        "Returns the score of a member.",
    ),
    Row::data("ZMSCORE", Group::SortedSet, -3, read::zmscore).flags(READ_FAST).keys(Keys::ONE).docs(
        "6.2.0",
        "O(M), where M is the number of members asked for",
        "key member [member ...]",
        "Returns the scores of several members.",
    ),
    Row::data("ZCARD", Group::SortedSet, 2, read::zcard).flags(READ_FAST).keys(Keys::ONE).docs(
        "1.2.0",
        "O(1)",
        "key",
        "Returns the number of members.",
    ),
    Row::data("ZCOUNT", Group::SortedSet, 4, read::zcount).flags(READ_FAST).keys(Keys::ONE).docs(
        "2.0.0",
        "O(log(N)), where N is the number of members",
        "key min max",
        "Counts the members with scores in a range.",
    ),
    Row::data("ZLEXCOUNT", Group::SortedSet, 4, read::zlexcount).flags(READ_FAST).keys(Keys::ONE).docs(
        "2.8.9",
        "O(log(N)), where N is the number of members",
        "key min max",
        "Counts the members with names in a range, where all scores are equal.",
    ),
    Row::data("ZRANK", Group::SortedSet, -3, read::zrank).flags(READ_FAST).keys(Keys::ONE).docs(
        "2.0.0",
        "O(log(N)), where N is the number of members",
        "key member [WITHSCORE]",
        "Returns how many members stand before one, from the lowest score up.",
    ),
    Row::data("ZREVRANK", Group::SortedSet, -3, read::zrevrank).flags(READ_FAST).keys(Keys::ONE).docs(
        "2.0.0",
        "O(log(N)), where N is the number of members",
        "key member [WITHSCORE]",
        "Returns how many members stand before one, from the highest score down.",
    ),
    Row::data("ZRANGE", Group::SortedSet, -4, range::zrange).flags(READ).keys(Keys::ONE).docs(
        "1.2.0",
        "O(log(N)+M), where N is the number of members and M that of those returned",
        "key start stop [BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES]",
        "Returns a range of members, by rank, by score or by name, in order or against it.",
    ),
    Row::data("ZRANGESTORE", Group::SortedSet, -5, range::zrangestore).flags(GROW).keys(Keys::TWO).docs(
        "6.2.0",
        "O(log(N)+M*log(M)), where N is the number of members and M that of those stored",
        "destination source min max [BYSCORE | BYLEX] [REV] [LIMIT offset count]",
        "Makes a range of one sorted set another one; returns its size.",
    ),
    Row::data("ZRANGEBYSCORE", Group::SortedSet, -4, range::zrangebyscore).flags(READ).keys(Keys::ONE).docs(
        "1.0.5",
        "O(log(N)+M), where N is the number of members and M that of those returned",
        "key min max [WITHSCORES] [LIMIT offset count]",
        "Returns the members with scores in a range; ZRANGE with BYSCORE does the same.",
    ),
    Row::data("ZREVRANGEBYSCORE", Group::SortedSet, -4, range::zrevrangebyscore).flags(READ).keys(Keys::ONE).docs(
        "2.2.0",
        "O(log(N)+M), where N is the number of members and M that of those returned",
        "key max min [WITHSCORES] [LIMIT offset count]",
        "Returns the members with scores in a range, the highest first.",
    ),
    Row::data("ZRANGEBYLEX", Group::SortedSet, -4, range::zrangebylex).flags(READ).keys(Keys::ONE).docs(
        "2.8.9",
        "O(log(N)+M), where N is the number of members and M that of those returned",
        "key min max [LIMIT offset count]",
        "Returns the members with names in a range, where all scores are equal.",
    ),
    Row::data("ZREVRANGEBYLEX", Group::SortedSet, -4, range::zrevrangebylex).flags(READ).keys(Keys::ONE).docs(
        "2.8.9",
        "O(log(N)+M), where N is the number of members and M that of those returned",
        "key max min [LIMIT offset count]",
        "Returns the members with names in a range, the last first, where all scores are equal.",
    ),
    Row::data("ZREVRANGE", Group::SortedSet, -4, range::zrevrange).flags(READ).keys(Keys::ONE).docs(
        "1.2.0",
        "O(log(N)+M), where N is the number of members and M that of those returned",
        "key start stop [WITHSCORES]",
        "Returns a range of members by rank, the highest score first; ZRANGE with REV does the same.",
    ),
    Row::data("ZREMRANGEBYRANK", Group::SortedSet, 4, remove_range::zremrangebyrank).flags(WRITE).keys(Keys::ONE).docs(
        "2.0.0",
        "O(M*log(N)), where N is the number of members and M that of those removed",
        "key start stop",
        "Removes the members from one rank to another.",
    ),
    Row::data("ZREMRANGEBYSCORE", Group::SortedSet, 4, remove_range::zremrangebyscore)
        .flags(WRITE)
        .keys(Keys::ONE)
        .docs(
            "1.2.0",
            "O(M*log(N)), where N is the number of members and M that of those removed",
            "key min max",
            "Removes the members with scores in a range.",
        ),
    Row::data("ZREMRANGEBYLEX", Group::SortedSet, 4, remove_range::zremrangebylex).flags(WRITE).keys(Keys::ONE).docs(
        "2.8.9",
        "O(M*log(N)), where N is the number of members and M that of those removed",
        "key min max",
        "Removes the members with names in a range, where all scores are equal.",
    ),
    Row::data("ZPOPMIN", Group::SortedSet, -2, pop::zpopmin).flags(WRITE_FAST).keys(Keys::ONE).docs(
        "5.0.0",
        "O(M*log(N)), where N is the number of members and M that of those removed",
        "key [count]",
        "Removes the members with the lowest scores and returns them.",
    ),
    Row::data("ZPOPMAX", Group::SortedSet, -2, pop::zpopmax).flags(WRITE_FAST).keys(Keys::ONE).docs(
        "5.0.0",
        "O(M*log(N)), where N is the number of members and M that of those removed",
        "key [count]",
        "Removes the members with the highest scores and returns them.",
    ),
    Row::data("ZMPOP", Group::SortedSet, -4, pop::zmpop).flags(WRITE).keys(Keys::Counted { count: 1 }).docs(
        "7.0.0",
        "O(K+M*log(N)), where K is the number of keys, N that of members and M that of those removed",
        "numkeys key [key ...] <MIN | MAX> [COUNT count]",
        "Removes members from an end of the first of several sorted sets that is there, and returns its key and them.",
    ),
    Row::data("BZPOPMIN", Group::SortedSet, -3, pop::bzpopmin)
        .flags(WRITE_FAST.union(Flags::BLOCKING))
        .keys(Keys::ALL_BUT_LAST)
        .docs(
            "5.0.0",
            "O(log(N)), where N is the number of members",
            "key [key ...] timeout",
            "As ZPOPMIN on the first of several sorted sets that is there; waits for one if none is.",
        ),
    Row::data("BZPOPMAX", Group::SortedSet, -3, pop::bzpopmax)
        .flags(WRITE_FAST.union(Flags::BLOCKING))
        .keys(Keys::ALL_BUT_LAST)
        .docs(
            "5.0.0",
            "O(log(N)), where N is the number of members",
            "key [key ...] timeout",
            "As ZPOPMAX on the first of several sorted sets that is there; waits for one if none is.",
        ),
    Row::data("BZMPOP", Group::SortedSet, -5, pop::bzmpop)
        .flags(WRITE.union(Flags::BLOCKING))
        .keys(Keys::Counted { count: 2 })
        .docs(
            "7.0.0",
            "O(K+M*log(N)), where K is the number of keys, N that of members and M that of those removed",
            "timeout numkeys key [key ...] <MIN | MAX> [COUNT count]",
            "As ZMPOP; waits for a sorted set if none is there.",
        ),
    Row::data("ZRANDMEMBER", Group::SortedSet, -2, random::<SortedSet>).flags(READ).keys(Keys::ONE).docs(
        "6.2.0",
        "O(M*log(N)), where N is the number of members and M that of those returned",
        "key [count [WITHSCORES]]",
        "Returns members by chance: different ones, or, with a negative count, each of all.",
    ),
    Row::data("ZSCAN", Group::SortedSet, -3, scan::<SortedSet>).flags(READ).keys(Keys::ONE).docs(
        "2.8.0",
        "O(1) for each call, O(N) for all, where N is the number of members",
        "key cursor [MATCH pattern] [COUNT count]",
        "Goes through the members and their scores in steps.",
    ),
    Row::data("ZUNION", Group::SortedSet, -3, combine::zunion).flags(READ).keys(Keys::Counted { count: 1 }).docs(
        "6.2.0",
        "O(N*log(N)), where N is the number of members of all sources",
        "numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>] [WITHSCORES]",
        "Returns what is in any of several sorted sets and sets.",
    ),
    Row::data("ZINTER", Group::SortedSet, -3, combine::zinter).flags(READ).keys(Keys::Counted { count: 1 }).docs(
        "6.2.0",
        "O(N*K+M*log(M)), where N is the size of the smallest of K sources and M that of the result",
        "numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>] [WITHSCORES]",
        "Returns what is in all of several sorted sets and sets.",
    ),
    Row::data("ZDIFF", Group::SortedSet, -3, combine::zdiff).flags(READ).keys(Keys::Counted { count: 1 }).docs(
        "6.2.0",
        "O(N*K+M*log(M)), where N is the size of the first of K sources and M that of the result",
        "numkeys key [key ...] [WITHSCORES]",
        "Returns what is in the first of several sorted sets and sets and in no other.",
    ),
    Row::data("ZINTERCARD", Group::SortedSet, -3, combine::zintercard)
        .flags(READ)
        .keys(Keys::Counted { count: 1 })
        .docs(
            "7.0.0",
            "O(N*K), where N is the size of the smallest of K sources",
            "numkeys key [key ...] [LIMIT limit]",
            "Counts what is in all of several sorted sets and sets, up to a limit if you like.",
        ),
    Row::data("ZUNIONSTORE", Group::SortedSet, -4, combine::zunionstore)
        .flags(GROW)
        .keys(Keys::StoredCounted { count: 2 })
        .docs(
            "2.0.0",
            "O(N*log(N)), where N is the number of members of all sources",
            "destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>]",
            "Stores what is in any of several sorted sets and sets; returns the size.",
        ),
    Row::data("ZINTERSTORE", Group::SortedSet, -4, combine::zinterstore)
        .flags(GROW)
        .keys(Keys::StoredCounted { count: 2 })
        .docs(
            "2.0.0",
            "O(N*K+M*log(M)), where N is the size of the smallest of K sources and M that of the result",
            "destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>]",
            "Stores what is in all of several sorted sets and sets; returns the size.",
        ),
    Row::data("ZDIFFSTORE", Group::SortedSet, -4, combine::zdiffstore)
        .flags(GROW)
        .keys(Keys::StoredCounted { count: 2 })
        .docs(
            "6.2.0",
            "O(N*K+M*log(M)), where N is the size of the first of K sources and M that of the result",
            "destination numkeys key [key ...]",
            "Stores what is in the first of several sorted sets and sets and in no other; returns the size.",
        ),
];
