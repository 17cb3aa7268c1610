//! What is said on channels when keys change: Redis' keyspace events, and the channel `cache-invalidation`.
//!
//! ```text
//! effect --name of the running command--> __keyspace@0__:<key>  "set"     notify-keyspace-events K
//!                                         __keyevent@0__:set    "<key>"                          E
//!        --what happened to the key-----> cache-invalidation    {"key":..., "action":"update", ...}
//! ```
//! Called with a slot locked, so what is said about a key comes in the order in which it happened. While nobody listens,
//! or all of it is turned off, no effects are made for this. A namespace with a name has it where a database has its number.
//!
//! [`current`] knows whose command an effect came from; the names of events are in `scrubjay_command::event`.

pub mod current;
mod invalidation;

use crate::namespaces::directory::Directory;
use crate::pubsub::PubSub;
use arc_swap::ArcSwap;
use scrubjay_base::clock::Clock;
use scrubjay_command::event::{Classes, Removes};
use scrubjay_store::{Effect, Kind, NAMESPACES, Ns, Removal, Store};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering::Relaxed};

/// What is to be said, and what is needed to say it.
pub struct Notices {
    clock: Arc<dyn Clock>,
    classes: AtomicU32,
    has_channel: AtomicBool,
    /// By namespace: the database that it is at present.
    databases: [AtomicU8; NAMESPACES as usize],
    names: Arc<ArcSwap<Directory>>,
}

impl Notices {
    /// Nothing is said yet; `clock` says when things happened, `names` how namespaces are called.
    pub fn new(clock: Arc<dyn Clock>, names: Arc<ArcSwap<Directory>>) -> Notices {
        let databases = std::array::from_fn(|ns| AtomicU8::new(ns as u8));
        Notices { clock, classes: AtomicU32::new(0), has_channel: AtomicBool::new(false), databases, names }
    }

    /// Which events are said, and whether the channel of invalidations exists.
    pub fn configure(&self, classes: Classes, has_channel: bool) {
        self.classes.store(classes.bits(), Relaxed);
        self.has_channel.store(has_channel, Relaxed);
    }

    /// Which events are said.
    #[inline]
    pub fn classes(&self) -> Classes {
        Classes::from_bits_truncate(self.classes.load(Relaxed))
    }

    /// Whether the channel of invalidations exists.
    pub fn has_channel(&self) -> bool {
        self.has_channel.load(Relaxed)
    }

    /// Notes which namespace each database is now.
    pub fn learn_databases(&self, store: &Store) {
        for database in 0..NAMESPACES {
            if let Some(ns) = store.namespace(database) {
                self.databases[usize::from(ns.0)].store(database, Relaxed);
            }
        }
    }

    /// Shows how a namespace is called: by its name, or the number of the database that it is.
    fn with_name<R>(&self, ns: Ns, show: impl FnOnce(&str) -> R) -> R {
        let database = self.databases.get(usize::from(ns.0)).map_or(ns.0, |database| database.load(Relaxed));
        show(&self.names.load().name(database))
    }

    /// Says the events of an effect.
    pub fn event(&self, pubsub: &PubSub, effect: &Effect<'_>) {
        let say = |class, ns, key: &[u8], event| self.say(pubsub, class, ns, key, event);
        current::with_running(|running| match *effect {
            Effect::Put { ns, key, kind, deadline_ms, is_new, .. } => {
                if is_new || running.is_some_and(|running| running.renews) {
                    say(Classes::NEW, ns, key, "new");
                }
                let (class, event) = match running {
                    Some(running) => (running.class, running.written(key)),
                    None => written(kind),
                };
                say(class, ns, key, event);
                if running.map_or(kind == Kind::String, |running| running.expires) && deadline_ms.is_some() {
                    say(Classes::GENERIC, ns, key, "expire");
                }
            }
            Effect::Write { ns, key, .. } => {
                let (class, event) = running.map_or(written(Kind::String), |run| (run.class, run.writes));
                say(class, ns, key, event);
            }
            Effect::Change { ns, key, kind, .. } => {
                let (class, event) = match running {
                    Some(running) => (running.class, running.written(key)),
                    // Nobody did that: fields or members were due.
                    None if kind == Kind::Hash => (Classes::HASH, "hexpired"),
                    None if kind == Kind::Set => (Classes::SET, "sexpired"),
                    None => written(kind),
                };
                say(class, ns, key, event);
                if let Some(also) = running.and_then(|running| running.also) {
                    say(class, ns, key, also);
                }
            }
            Effect::Deadline { ns, key, deadline_ms, .. } => {
                say(Classes::GENERIC, ns, key, if deadline_ms.is_some() { "expire" } else { "persist" });
            }
            Effect::Remove { ns, key, cause: Removal::Expired } => say(Classes::EXPIRED, ns, key, "expired"),
            Effect::Remove { ns, key, cause: Removal::Evicted } => say(Classes::EVICTED, ns, key, "evicted"),
            Effect::Remove { ns, key, cause: Removal::Deleted } => match running.map(|run| (run, run.removes)) {
                Some((run, Removes::As(event))) => say(run.class, ns, key, event),
                Some((run, Removes::Last)) => {
                    say(run.class, ns, key, run.written(key));
                    say(Classes::GENERIC, ns, key, "del");
                }
                Some((_, Removes::Del)) | None => say(Classes::GENERIC, ns, key, "del"),
            },
            // Redis says nothing of a flush either, and what is deleted as a group is not known key by key.
            Effect::Flush { .. } | Effect::Hide { .. } | Effect::Tags { .. } => {}
        });
    }

    /// Says one event, if its class is on.
    fn say(&self, pubsub: &PubSub, class: Classes, ns: Ns, key: &[u8], event: &str) {
        let classes = self.classes();
        if event.is_empty() || !classes.contains(class) {
            return;
        }
        let mut channel = Vec::with_capacity(32 + key.len());
        for (family, name, about, payload) in [
            (Classes::KEYSPACE, "__keyspace@", key, event.as_bytes()),
            (Classes::KEYEVENT, "__keyevent@", event.as_bytes(), key),
        ] {
            if classes.contains(family) {
                channel.clear();
                channel.extend_from_slice(name.as_bytes());
                self.with_name(ns, |name| channel.extend_from_slice(name.as_bytes()));
                channel.extend_from_slice(b"__:");
                channel.extend_from_slice(about);
                pubsub.publish(&channel, payload);
            }
        }
    }
}

/// What a write is called that came from no command: over HTTP, say.
fn written(kind: Kind) -> (Classes, &'static str) {
    match kind {
        Kind::String => (Classes::STRING, "set"),
        Kind::List => (Classes::LIST, "rpush"),
        Kind::Set => (Classes::SET, "sadd"),
        Kind::SortedSet => (Classes::SORTED_SET, "zadd"),
        Kind::Hash => (Classes::HASH, "hset"),
    }
}
