//! What keyspace events a command makes: Redis' names, in one table, because they follow from the command and not from what
//! it did to the entry (`INCR` says `incrby`, `SETBIT` says `setbit`, and both write a string).
//!
//! An entry says what each effect of the command is called. `removes` is what it means when the key goes: most commands
//! that take something away say so first, and then `del`.

use crate::args::Args;
use std::fmt;
use std::ops::Range;

bitflags::bitflags! {
    /// Which events are sent, and on which channels: the letters of `notify-keyspace-events`.
    #[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
    pub struct Classes: u32 {
        /// `K`: on `__keyspace@<db>__:<key>`, with the event as the message.
        const KEYSPACE = 1;
        /// `E`: on `__keyevent@<db>__:<event>`, with the key as the message.
        const KEYEVENT = 1 << 1;
        /// `g`: commands on keys of any kind.
        const GENERIC = 1 << 2;
        /// `$`: strings.
        const STRING = 1 << 3;
        /// `l`: lists.
        const LIST = 1 << 4;
        /// `s`: sets.
        const SET = 1 << 5;
        /// `h`: hashes.
        const HASH = 1 << 6;
        /// `z`: sorted sets.
        const SORTED_SET = 1 << 7;
        /// `x`: keys whose deadline has passed.
        const EXPIRED = 1 << 8;
        /// `e`: keys that made room.
        const EVICTED = 1 << 9;
        /// `t`: streams.
        const STREAM = 1 << 10;
        /// `d`: kinds of values that modules bring in Redis.
        const MODULE = 1 << 11;
        /// `m`: reads that found nothing; not in `A`.
        const MISS = 1 << 12;
        /// `n`: keys that were not there before; not in `A`.
        const NEW = 1 << 13;
    }
}

impl Classes {
    /// `A`.
    const ALL: Classes = Classes::GENERIC
        .union(Classes::STRING)
        .union(Classes::LIST)
        .union(Classes::SET)
        .union(Classes::HASH)
        .union(Classes::SORTED_SET)
        .union(Classes::EXPIRED)
        .union(Classes::EVICTED)
        .union(Classes::STREAM)
        .union(Classes::MODULE);

    const LETTERS: &[(char, Classes)] = &[
        ('g', Classes::GENERIC),
        ('$', Classes::STRING),
        ('l', Classes::LIST),
        ('s', Classes::SET),
        ('h', Classes::HASH),
        ('z', Classes::SORTED_SET),
        ('x', Classes::EXPIRED),
        ('e', Classes::EVICTED),
        ('t', Classes::STREAM),
        ('d', Classes::MODULE),
        ('K', Classes::KEYSPACE),
        ('E', Classes::KEYEVENT),
        ('m', Classes::MISS),
        ('n', Classes::NEW),
    ];

    /// Reads letters in any order; `None`: one of them is unknown.
    pub fn parse(letters: &str) -> Option<Classes> {
        let mut classes = Classes::empty();
        for letter in letters.chars() {
            classes |= match letter {
                'A' => Classes::ALL,
                _ => Classes::LETTERS.iter().find(|(known, _)| *known == letter)?.1,
            };
        }
        Some(classes)
    }

    /// Whether any event is sent: one needs a channel and a class.
    pub fn is_on(self) -> bool {
        self.intersects(Classes::KEYSPACE | Classes::KEYEVENT)
            && self.intersects(Classes::ALL | Classes::MISS | Classes::NEW)
    }
}

impl fmt::Display for Classes {
    /// As Redis shows them, in its order, and `A` for all that it stands for.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.contains(Classes::ALL);
        if all {
            f.write_str("A")?;
        }
        let rest = if all { self.difference(Classes::ALL) } else { *self };
        Classes::LETTERS
            .iter()
            .filter(|(_, class)| rest.contains(*class))
            .try_for_each(|(letter, _)| write!(f, "{letter}"))
    }
}

/// What the removal of a key by a command is called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Removes {
    /// `del`.
    Del,
    /// What the command is called, then `del`: it took the last member.
    Last,
    /// This, of the same class: the key went elsewhere.
    As(&'static str),
}

/// The events of one command.
#[derive(Clone, Copy, Debug)]
pub struct Events {
    /// Its name, as in its row.
    pub command: &'static str,
    /// The class of what it writes.
    pub class: Classes,
    /// What a write is called. Empty: it writes no values.
    pub writes: &'static str,
    /// What a removal is called.
    pub removes: Removes,
}

const fn of(command: &'static str, class: Classes, writes: &'static str, removes: Removes) -> Events {
    Events { command, class, writes, removes }
}

use Removes::{As, Del, Last};

const G: Classes = Classes::GENERIC;
const S: Classes = Classes::STRING;
const L: Classes = Classes::LIST;
const T: Classes = Classes::SET;
const H: Classes = Classes::HASH;
const Z: Classes = Classes::SORTED_SET;
const X: Classes = Classes::STREAM;

/// Every command that writes; those with several names are told apart by [`Running`].
pub static EVENTS: &[Events] = &[
    of("APPEND", S, "append", Del),
    of("BITFIELD", S, "setbit", Del),
    of("BITOP", S, "set", Del),
    of("BLMOVE", L, "lpush", Last),
    of("BLMPOP", L, "lpop", Last),
    of("BLPOP", L, "lpop", Last),
    of("BRPOP", L, "rpop", Last),
    of("BRPOPLPUSH", L, "lpush", Last),
    of("BZMPOP", Z, "zpopmin", Last),
    of("BZPOPMAX", Z, "zpopmax", Last),
    of("BZPOPMIN", Z, "zpopmin", Last),
    of("CL.THROTTLE", S, "set", Del),
    of("COPY", G, "copy_to", Del),
    of("DECR", S, "incrby", Del),
    of("DECRBY", S, "incrby", Del),
    of("DEL", G, "", Del),
    of("DELEX", G, "", Del),
    of("DELIFEQ", G, "", Del),
    of("EXPIRE", G, "", Del),
    of("EXPIREAT", G, "", Del),
    of("FLUSHALL", G, "", Del),
    of("FLUSHDB", G, "", Del),
    of("GEOADD", Z, "zadd", Last),
    of("GEORADIUS", Z, "georadiusstore", Del),
    of("GEORADIUSBYMEMBER", Z, "georadiusstore", Del),
    of("GEOSEARCHSTORE", Z, "geosearchstore", Del),
    of("GETDEL", S, "", Del),
    of("GETEX", S, "", Del),
    of("GETSET", S, "set", Del),
    of("HDEL", H, "hdel", Last),
    of("HEXPIRE", H, "hexpire", Last),
    of("HEXPIREAT", H, "hexpire", Last),
    of("HGETDEL", H, "hdel", Last),
    of("HGETEX", H, "hexpire", Last),
    of("HINCRBY", H, "hincrby", Last),
    of("HINCRBYFLOAT", H, "hincrbyfloat", Last),
    of("HMSET", H, "hset", Last),
    of("HPERSIST", H, "hpersist", Last),
    of("HPEXPIRE", H, "hexpire", Last),
    of("HPEXPIREAT", H, "hexpire", Last),
    of("HSET", H, "hset", Last),
    of("HSETEX", H, "hset", Last),
    of("HSETNX", H, "hset", Last),
    of("INCR", S, "incrby", Del),
    of("INCRBY", S, "incrby", Del),
    of("INCRBYFLOAT", S, "incrbyfloat", Del),
    of("JAY.DEL", G, "", Del),
    of("JAY.DELPREFIX", G, "", Del),
    of("JAY.DELTAG", G, "", Del),
    of("JAY.GET", S, "", Del),
    of("JAY.INCR", S, "incrby", Del),
    of("JAY.RELEASE", S, "", Del),
    of("JAY.SET", S, "set", Del),
    of("JAY.SEXPIRE", T, "sexpire", Last),
    of("JAY.SEXPIREAT", T, "sexpire", Last),
    of("JAY.SPERSIST", T, "spersist", Last),
    of("JAY.SPEXPIRE", T, "sexpire", Last),
    of("JAY.SPEXPIREAT", T, "sexpire", Last),
    of("JAY.TAG", G, "", Del),
    of("JAY.THROTTLE", S, "set", Del),
    of("LINSERT", L, "linsert", Last),
    of("LMOVE", L, "lpush", Last),
    of("LMPOP", L, "lpop", Last),
    of("LPOP", L, "lpop", Last),
    of("LPUSH", L, "lpush", Last),
    of("LPUSHX", L, "lpush", Last),
    of("LREM", L, "lrem", Last),
    of("LSET", L, "lset", Last),
    of("LTRIM", L, "ltrim", Last),
    of("MOVE", G, "move_to", As("move_from")),
    of("MSET", S, "set", Del),
    of("MSETEX", S, "set", Del),
    of("MSETNX", S, "set", Del),
    of("PERSIST", G, "", Del),
    of("PEXPIRE", G, "", Del),
    of("PEXPIREAT", G, "", Del),
    of("PFADD", S, "pfadd", Del),
    of("PFMERGE", S, "pfadd", Del),
    of("PSETEX", S, "set", Del),
    of("RENAME", G, "rename_to", As("rename_from")),
    of("RENAMENX", G, "rename_to", As("rename_from")),
    of("RESTORE", G, "restore", Del),
    of("RPOP", L, "rpop", Last),
    of("RPOPLPUSH", L, "lpush", Last),
    of("RPUSH", L, "rpush", Last),
    of("RPUSHX", L, "rpush", Last),
    of("SADD", T, "sadd", Last),
    of("SDIFFSTORE", T, "sdiffstore", Del),
    of("SET", S, "set", Del),
    of("SETBIT", S, "setbit", Del),
    of("SETEX", S, "set", Del),
    of("SETNX", S, "set", Del),
    of("SETRANGE", S, "setrange", Del),
    of("SINTERSTORE", T, "sinterstore", Del),
    of("SMOVE", T, "sadd", Last),
    of("SORT", L, "sortstore", Del),
    of("SPOP", T, "spop", Last),
    of("SREM", T, "srem", Last),
    of("SUNIONSTORE", T, "sunionstore", Del),
    of("SWAPDB", G, "", Del),
    of("UNLINK", G, "", Del),
    of("XACK", X, "", Del),
    of("XADD", X, "xadd", Del),
    of("XAUTOCLAIM", X, "xautoclaim", Del),
    of("XCLAIM", X, "xclaim", Del),
    of("XDEL", X, "xdel", Del),
    of("XGROUP", X, "xgroup-create", Del),
    of("XREADGROUP", X, "", Del),
    of("XSETID", X, "xsetid", Del),
    of("XTRIM", X, "xtrim", Del),
    of("ZADD", Z, "zadd", Last),
    of("ZDIFFSTORE", Z, "zdiffstore", Del),
    of("ZINCRBY", Z, "zincr", Last),
    of("ZINTERSTORE", Z, "zinterstore", Del),
    of("ZMPOP", Z, "zpopmin", Last),
    of("ZPOPMAX", Z, "zpopmax", Last),
    of("ZPOPMIN", Z, "zpopmin", Last),
    of("ZRANGESTORE", Z, "zrangestore", Del),
    of("ZREM", Z, "zrem", Last),
    of("ZREMRANGEBYLEX", Z, "zremrangebylex", Last),
    of("ZREMRANGEBYRANK", Z, "zremrangebyrank", Last),
    of("ZREMRANGEBYSCORE", Z, "zremrangebyscore", Last),
    of("ZUNIONSTORE", Z, "zunionstore", Del),
];

/// Commands that write and whose reads say `keymiss` all the same, with those of their keys, by number, that they read;
/// commands that only read say it of all, but for [`SILENT`].
const READING: &[(&str, Range<usize>)] = &[
    ("BITOP", 1..usize::MAX),
    ("COPY", 0..1),
    ("GEORADIUS", 0..1),
    ("GEORADIUSBYMEMBER", 0..1),
    ("GEOSEARCHSTORE", 1..2),
    ("GETDEL", 0..1),
    ("GETEX", 0..1),
    ("GETSET", 0..1),
    ("PFMERGE", 1..usize::MAX),
    ("SDIFFSTORE", 1..usize::MAX),
    ("SINTERSTORE", 1..usize::MAX),
    ("SORT", 0..1),
    ("SUNIONSTORE", 1..usize::MAX),
    ("ZDIFFSTORE", 1..usize::MAX),
    ("ZINTERSTORE", 1..usize::MAX),
    ("ZRANGESTORE", 1..2),
    ("ZUNIONSTORE", 1..usize::MAX),
];
/// Commands that only read and never say `keymiss`: they look at the entry and not at its value.
const SILENT: &[&str] = &["OBJECT", "MEMORY"];
/// Commands that put an entry in the place of another as if that had not been there.
const RENEWING: &[&str] = &["COPY", "RENAME", "RENAMENX", "RESTORE"];

/// Which keys of the command called `name`, by number, say `keymiss` where a read finds nothing.
pub fn missing(name: &str, only_reads: bool) -> Range<usize> {
    match READING.iter().find(|(reading, _)| *reading == name) {
        Some((_, keys)) => keys.clone(),
        None if only_reads && !SILENT.contains(&name) => 0..usize::MAX,
        None => 0..0,
    }
}

/// The events of the command called `name`.
pub fn of_command(name: &str) -> Option<&'static Events> {
    EVENTS.binary_search_by(|events| events.command.cmp(name)).ok().map(|place| &EVENTS[place])
}

/// The events of one run of a command, as its arguments have it.
#[derive(Clone, Debug)]
pub struct Running {
    /// The class of what it writes.
    pub class: Classes,
    /// What a write is called.
    pub writes: &'static str,
    /// What a removal is called.
    pub removes: Removes,
    /// Whether a write also sets the deadline.
    pub expires: bool,
    /// Whether what it writes is new even if something was there.
    pub renews: bool,
    /// The key from which it takes, where that is not the one to which it gives, and what taking is called.
    pub source: Option<(Box<[u8]>, &'static str)>,
    /// What comes after a write of the one key that it takes from and gives to.
    pub also: Option<&'static str>,
}

/// The events of the command called `name` with `args`.
pub fn running(name: &str, args: &Args<'_>) -> Option<Running> {
    let Events { class, writes, removes, .. } = *of_command(name)?;
    let renews = RENEWING.contains(&name);
    let mut run = Running { class, writes, removes, expires: false, renews, source: None, also: None };
    let word_from =
        |from: usize, words: &[&str]| (from..args.len()).any(|at| words.iter().any(|word| args.is(at, word)));
    let end = |at: usize, left: &'static str, right: &'static str| if args.is(at, "right") { right } else { left };
    match name {
        "SETEX" | "PSETEX" => run.expires = true,
        "SET" => run.expires = word_from(3, &["ex", "px", "exat", "pxat"]),
        "LMPOP" | "BLMPOP" if word_from(2, &["right"]) => run.writes = "rpop",
        "ZMPOP" | "BZMPOP" if word_from(2, &["max"]) => run.writes = "zpopmax",
        "ZADD" if word_from(2, &["incr"]) => run.writes = "zincr",
        "XGROUP" => {
            run.writes = match () {
                () if args.is(1, "setid") => "xgroup-setid",
                () if args.is(1, "destroy") => "xgroup-destroy",
                () if args.is(1, "createconsumer") => "xgroup-createconsumer",
                () if args.is(1, "delconsumer") => "xgroup-delconsumer",
                () => "xgroup-create",
            }
        }
        "LMOVE" | "BLMOVE" => run.moves(args, end(4, "lpush", "rpush"), end(3, "lpop", "rpop")),
        "RPOPLPUSH" | "BRPOPLPUSH" => run.moves(args, "lpush", "rpop"),
        "SMOVE" => run.moves(args, "sadd", "srem"),
        _ => {}
    }
    Some(run)
}

impl Running {
    /// It takes from the first key and gives to the second.
    fn moves(&mut self, args: &Args<'_>, gives: &'static str, takes: &'static str) {
        self.writes = gives;
        match (args.get(1), args.get(2)) {
            (Some(from), Some(to)) if from == to => self.also = Some(takes),
            (Some(from), _) => self.source = Some((from.into(), takes)),
            _ => {}
        }
    }

    /// What a write to `key` is called.
    pub fn written(&self, key: &[u8]) -> &'static str {
        match &self.source {
            Some((source, takes)) if **source == *key => takes,
            _ => self.writes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index;
    use crate::table::Flags;

    #[test]
    fn every_command_that_writes_has_its_events_and_they_stand_in_order() {
        for (row, _) in index::all_rows().filter(|(row, _)| row.flags.contains(Flags::WRITE)) {
            assert!(of_command(row.name).is_some(), "{} writes and stands not in the table of events", row.name);
        }
        for pair in EVENTS.windows(2) {
            assert!(pair[0].command < pair[1].command, "{} comes before {}", pair[1].command, pair[0].command);
        }
    }

    #[test]
    fn letters_are_read_in_any_order_and_shown_in_one() {
        for (letters, shown) in [
            ("", ""),
            ("KEA", "AKE"),
            ("EK$g", "g$KE"),
            ("Exe", "xeE"),
            ("g$lshzxetdKEmn", "AKEmn"),
            ("KEAmn", "AKEmn"),
            ("Km", "Km"),
        ] {
            let classes = Classes::parse(letters).unwrap();
            assert_eq!(classes.to_string(), shown);
            assert_eq!(Classes::parse(shown), Some(classes));
        }
        assert_eq!(Classes::parse("KEq"), None);
        assert!(!Classes::parse("KE").unwrap().is_on() && !Classes::parse("A").unwrap().is_on());
        assert!(Classes::parse("Kg").unwrap().is_on());
    }

    #[test]
    fn arguments_choose_among_the_names_of_a_command() {
        use crate::args::Span;
        let run = |words: &[&str]| {
            let (mut spans, mut start) = (Vec::new(), 0);
            for word in words {
                spans.push(Span { start, length: word.len() as u32 });
                start += word.len() as u32;
            }
            running(words[0], &Args::new(words.concat().as_bytes(), &spans)).unwrap()
        };
        assert!(!run(&["SET", "k", "v", "NX"]).expires && run(&["SET", "k", "v", "nx", "px", "5"]).expires);
        let moved = run(&["LMOVE", "a", "b", "LEFT", "RIGHT"]);
        assert_eq!((moved.written(b"b"), moved.written(b"a")), ("rpush", "lpop"));
        let turned = run(&["LMOVE", "a", "a", "RIGHT", "LEFT"]);
        assert_eq!((turned.written(b"a"), turned.also), ("lpush", Some("rpop")));
        assert_eq!(run(&["LMPOP", "1", "k", "RIGHT"]).writes, "rpop");
    }
}
