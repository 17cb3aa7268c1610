//! What is known about an entry beside its value: JAY.META.
//!
//! Only what the entry carries anyway. The time at which it was made or last changed is not among it (eight bytes an
//! entry, which few would ask for); its version is, which changes with every write. When it was last used is known to the
//! policies that go by that, and how often to those that count.

use super::object::encoding_name;
use crate::args::Args;
use crate::reject::Reject;
use crate::reply::Reply;
use crate::table::Context;
use scrubjay_store::{Access, Entry, Kind};

/// Asks about an entry, be it stale. Counts nothing, refreshes nothing.
#[derive(Clone, Copy, Debug)]
pub struct Describe<'a> {
    /// The key.
    pub key: &'a [u8],
}

/// What is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Description {
    /// Of which kind the value is.
    pub kind: Kind,
    /// How Redis would keep it.
    pub encoding: &'static str,
    /// How long a string is, in bytes; `None`: it is none.
    pub length: Option<usize>,
    /// Everything that the entry takes, in bytes.
    pub memory_bytes: usize,
    /// Changes with every write.
    pub version: u64,
    /// The 32 bits that clients keep with it.
    pub flags: u32,
    /// Milliseconds until it expires, 0 if it is stale; `None`: it does not.
    pub ttl_ms: Option<u64>,
    /// Milliseconds until a value that is kept beyond its deadline is removed; `None`: it is not kept.
    pub stale_left_ms: Option<u64>,
    /// Milliseconds since its last use; `None`: the policy does not keep that.
    pub idle_ms: Option<u64>,
    /// How often it is used, on the policy's own scale; `None`: the policy does not count.
    pub frequency: Option<u8>,
}

impl Description {
    fn of(entry: &Entry<'_>, now_ms: u64) -> Description {
        Description {
            kind: entry.kind(),
            encoding: encoding_name(entry),
            length: entry.is_string().then(|| entry.value_bytes()),
            memory_bytes: entry.memory_bytes(),
            version: entry.version(),
            flags: entry.flags(),
            ttl_ms: entry.deadline_ms().map(|at| at.saturating_sub(now_ms)),
            stale_left_ms: entry.stale_until_ms().map(|at| at.saturating_sub(now_ms)),
            idle_ms: entry.idle_ms(),
            frequency: entry.frequency(),
        }
    }
}

impl Describe<'_> {
    /// Asks. `None`: there is no such key. Errors: key too long.
    pub fn run(self, cx: &Context<'_>) -> Result<Option<Description>, Reject> {
        let key = cx.key(self.key)?;
        let mut guard = cx.lock(&key);
        Ok(guard.get_or_stale(&key, Access::Peek).map(|entry| Description::of(&entry, cx.now_ms)))
    }
}

pub(super) fn meta(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let Some(known) = (Describe { key: args.at(1) }).run(cx)? else {
        reply.null();
        return Ok(());
    };
    reply.map(10);
    reply.text("type");
    reply.text(known.kind.name());
    reply.text("encoding");
    reply.text(known.encoding);
    for (name, number) in [
        ("length", known.length.map(|length| length as u64)),
        ("memory", Some(known.memory_bytes as u64)),
        ("version", Some(known.version)),
        ("flags", Some(u64::from(known.flags))),
        ("ttl", known.ttl_ms),
        ("stale", known.stale_left_ms),
        ("idle", known.idle_ms),
        ("frequency", known.frequency.map(u64::from)),
    ] {
        reply.text(name);
        match number {
            Some(number) => reply.int(number as i64),
            None => reply.null(),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::family::testing::Node;

    #[test]
    fn everything_that_is_known_is_told_and_what_is_not_is_nil() {
        let mut node = Node::new();
        node.run("set k 12345 PX 1000 STALE 500");
        node.now_ms += 200;
        let told = node.run("jay.meta k");
        for fact in [
            "\"type\": \"string\"",
            "\"encoding\": \"int\"",
            "\"length\": 5",
            "\"version\": 1",
            "\"flags\": 0",
            "\"ttl\": 800",
            "\"stale\": 1300",
            "\"idle\": nil",
            "\"frequency\": 0",
        ] {
            assert!(told.contains(fact), "{fact} in {told}");
        }
        node.now_ms += 900;
        assert!(node.run("jay.meta k").contains("\"ttl\": 0, \"stale\": 400"));
        node.check(&[("jay.meta none", "nil"), ("rpush l a", "1")]);
        assert!(node.run("jay.meta l").starts_with("{\"type\": \"list\", \"encoding\": \"listpack\", \"length\": nil"));
    }

    #[test]
    fn asking_counts_nothing() {
        let node = Node::new();
        node.run("jay.meta none");
        assert_eq!((node.store.stats().misses, node.store.stats().hits), (0, 0));
        let asked = Describe { key: &[0; 1 << 20] }.run(&node.context());
        assert!(asked.is_err(), "a key that cannot exist");
    }
}
