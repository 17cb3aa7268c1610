//! Many keys as one: tags, and deleting by tag or prefix. A deletion hides what it covers at once and costs the same however
//! much that is; memory follows within moments (`scrubjay_store::Group`).

use crate::args::{Args, parse_int};
use crate::reject::{Kind, Reject};
use crate::reply::Reply;
use crate::table::{Context, Flags, Group as RowGroup, Keys, Row};
use scrubjay_store::{Access, Group};
use smallvec::SmallVec;

/// Tags that an entry may have: each costs 8 bytes, and a comparison when its group is deleted.
pub const TAGS_MAX: usize = 64;

/// The rows.
pub static ROWS: &[Row] = &[
    Row::data("JAY.TAG", RowGroup::Generic, -2, tag).flags(Flags::WRITE.union(Flags::FAST)).keys(Keys::ONE).docs(
        "scrubjay 0.1",
        "O(N), where N is the number of tags",
        "key [tag [tag ...]]",
        "Gives a key of any type these tags in place of those that it has; SET with TAGS does so while it writes. They stay \
         until the value is written over as a whole.",
    ),
    Row::data("JAY.DELTAG", RowGroup::Generic, -2, deltag).flags(Flags::WRITE).docs(
        "scrubjay 0.1",
        "O(N), where N is the number of slots in use, times the number of tags; not of keys",
        "tag [tag ...]",
        "Deletes all keys of the database that have one of these tags, at once; returns in how many slots there may have \
         been some.",
    ),
    Row::data("JAY.DELPREFIX", RowGroup::Generic, -2, delprefix).flags(Flags::WRITE).docs(
        "scrubjay 0.1",
        "O(N), where N is the number of slots in use, not of keys; O(1) if the prefix contains a whole {hash tag}",
        "prefix [prefix ...]",
        "Deletes all keys of the database that start with one of these prefixes, at once; returns in how many slots there \
         may have been some.",
    ),
];

/// The tags that a write gives its key.
#[derive(Clone, Copy, Debug, Default)]
pub enum Tagging<'a> {
    /// None; those that it has go, if the value is replaced as a whole.
    #[default]
    None,
    /// Some of a command's arguments.
    Args {
        /// The command.
        args: Args<'a>,
        /// The first tag.
        from: usize,
        /// How many.
        count: usize,
    },
    /// These.
    List(&'a [&'a [u8]]),
}

impl<'a> Tagging<'a> {
    /// Reads `TAGS count tag ...` at argument `at`; with the index behind it.
    pub(crate) fn parse(args: &Args<'a>, at: usize) -> Result<(Tagging<'a>, usize), Reject> {
        const COUNT: Reject = Reject::new(Kind::BadRequest, "ERR number of tags must be between 1 and 64");
        let count = args.get(at + 1).and_then(parse_int).ok_or(Reject::SYNTAX)?;
        let count = usize::try_from(count).ok().filter(|count| (1..=TAGS_MAX).contains(count)).ok_or(COUNT)?;
        let from = at + 2;
        if from + count > args.len() {
            return Err(Reject::SYNTAX);
        }
        Ok((Tagging::Args { args: *args, from, count }, from + count))
    }

    /// The names.
    pub fn names(self) -> SmallVec<[&'a [u8]; 8]> {
        match self {
            Tagging::None => SmallVec::new(),
            Tagging::Args { args, from, count } => args.from(from).take(count).collect(),
            Tagging::List(names) => SmallVec::from_slice(names),
        }
    }

    /// Whether there are none.
    #[inline]
    pub fn is_none(self) -> bool {
        matches!(self, Tagging::None | Tagging::List([]))
    }
}

/// Gives a key tags in place of those that it has.
#[derive(Clone, Copy, Debug)]
pub struct Tag<'a> {
    /// The key.
    pub key: &'a [u8],
    /// Its tags.
    pub tags: &'a [&'a [u8]],
}

impl Tag<'_> {
    /// Tags. Whether the key is there. Errors: key too long, too many tags.
    pub fn run(&self, cx: &mut Context<'_>) -> Result<bool, Reject> {
        const TOO_MANY: Reject = Reject::new(Kind::TooLarge, "ERR a key has at most 64 tags");
        if self.tags.len() > TAGS_MAX {
            return Err(TOO_MANY);
        }
        let key = cx.key(self.key)?;
        let mut guard = cx.lock(&key);
        let is_there = guard.get(&key, Access::Peek).is_some();
        if is_there {
            guard.set_tags(&key, self.tags);
        }
        Ok(is_there)
    }
}

/// Deletes all keys of some groups.
#[derive(Clone, Copy, Debug)]
pub struct DeleteGroups<'a>(pub &'a [Group<'a>]);

impl DeleteGroups<'_> {
    /// Hides them. Returns in how many slots there may have been some.
    pub fn run(self, cx: &Context<'_>) -> usize {
        cx.everywhere(|all| all.hide(cx.ns, self.0))
    }
}

fn tag(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let tags: SmallVec<[&[u8]; 8]> = args.from(2).collect();
    let is_there = Tag { key: args.at(1), tags: &tags }.run(cx)?;
    reply.int(i64::from(is_there));
    Ok(())
}

fn deltag(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let groups: Vec<Group<'_>> = args.from(1).map(Group::Tag).collect();
    reply.int(DeleteGroups(&groups).run(cx) as i64);
    Ok(())
}

fn delprefix(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    const EMPTY: Reject = Reject::new(Kind::BadRequest, "ERR an empty prefix would delete every key; FLUSHDB says so");
    if args.from(1).any(<[u8]>::is_empty) {
        return Err(EMPTY);
    }
    let groups: Vec<Group<'_>> = args.from(1).map(Group::Prefix).collect();
    reply.int(DeleteGroups(&groups).run(cx) as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::family::testing::Node;

    #[test]
    fn what_a_tag_covers_is_gone_at_once_and_what_comes_after_stays() {
        let node = Node::new();
        node.run("set a 1 TAGS 2 red green");
        node.run("set b 2 EX 100 TAGS 1 red");
        node.run("set c 3");
        node.run("rpush l 1 2");
        assert_eq!(node.run("JAY.TAG l red"), "1");
        assert_eq!(node.run("JAY.TAG missing red"), "0");
        assert_ne!(node.run("JAY.DELTAG red"), "0");
        assert_eq!(node.run("mget a b c"), r#"[nil nil "3"]"#);
        assert_eq!((node.run("exists a b l"), node.run("keys *")), ("0".into(), r#"["c"]"#.into()));
        node.run("set a 4 TAGS 1 blue");
        node.run("JAY.DELTAG red nobody");
        assert_eq!(node.run("get a"), r#""4""#);
    }

    #[test]
    fn tags_stay_with_a_value_that_grows_and_move_with_it_and_go_when_it_is_replaced() {
        let node = Node::new();
        for (change, stays) in [
            ("append k x", true),
            ("incr k", true),
            ("expire k 100", true),
            ("setrange k 0 5", true),
            ("set k 5 KEEPTTL", true),
            ("set k 5", false),
            ("getset k 5", false),
            ("mset k 5", false),
            ("JAY.TAG k", false),
            ("JAY.TAG k other", false),
        ] {
            node.run("set k 1 TAGS 1 t");
            node.run(change);
            node.run("JAY.DELTAG t");
            assert_eq!(node.run("exists k"), if stays { "0" } else { "1" }, "{change}");
        }
        for to_j in ["rename k j", "copy k j REPLACE"] {
            node.run("set k 1 TAGS 1 t");
            node.run(to_j);
            node.run("JAY.DELTAG t");
            assert_eq!(node.run("exists j k"), "0", "{to_j}");
        }
    }

    #[test]
    fn a_prefix_covers_its_own_database_only() {
        let node = Node::new();
        for number in 0..5000 {
            node.run(&format!("set user:{number} x"));
            node.run(&format!("set {{user:7}}:{number} x"));
        }
        assert_eq!(node.run("JAY.DELPREFIX {user:7}"), "1");
        assert_eq!(node.run("exists {user:7}:1 user:1"), "1");
        node.run("move user:1 1");
        assert_ne!(node.run("JAY.DELPREFIX user: {user"), "0");
        assert_eq!(node.run("keys *"), "[]");
        assert_eq!(node.run("randomkey"), "nil");
        assert_eq!(node.run("move user:1 1"), "0");
        assert_eq!(
            node.run("JAY.DELPREFIX x \"\"").split(';').next(),
            Some("-ERR an empty prefix would delete every key")
        );
    }

    #[test]
    fn tags_are_counted_and_few() {
        let node = Node::new();
        for line in ["set k 1 TAGS 0", "set k 1 TAGS 65 a", "set k 1 TAGS -1 a"] {
            assert_eq!(node.run(line), "-ERR number of tags must be between 1 and 64", "{line}");
        }
        for line in ["set k 1 TAGS 2 a", "set k 1 TAGS", "set k 1 TAGS x a"] {
            assert_eq!(node.run(line), "-ERR syntax error", "{line}");
        }
        assert_eq!(node.run("set k 1 TAGS 2 a b NX GET"), "nil");
        assert_eq!(node.run("exists k"), "1");
    }
}
