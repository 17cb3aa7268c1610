//! THE table: every command once, with its arity, flags, keys, documentation and handler.
//!
//! `COMMAND`, `COMMAND DOCS`, help, completion, the reference page, routing and ACL categories are read from here. A new
//! command is one row in its family's file and one handler. How a name finds its row is in [`crate::index`].

use crate::args::Args;
use crate::namespace::{Namespaces, NumbersOnly};
use crate::reject::Reject;
use crate::reply::Reply;
use crate::server::ServerCommand;
use crate::wait::Wish;
use scrubjay_store::{Access, Everywhere, Guard, Key, Ns, Policy, Store};
use std::cell::{RefCell, RefMut};
use std::ops::{Deref, DerefMut};

bitflags::bitflags! {
    /// What a command is like, in Redis' terms.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Flags: u32 {
        /// May change data.
        const WRITE = 1;
        /// Reads data, changes none.
        const READONLY = 1 << 1;
        /// Refused while memory is full and nothing may be evicted.
        const DENYOOM = 1 << 2;
        /// Constant or logarithmic time.
        const FAST = 1 << 3;
        /// For operators.
        const ADMIN = 1 << 4;
        /// Allowed before authentication.
        const NO_AUTH = 1 << 5;
        /// Has to do with the connection, not with data.
        const CONNECTION = 1 << 6;
        /// Could be slow or far-reaching (`KEYS`, `FLUSHALL`).
        const DANGEROUS = 1 << 7;
        /// May wait.
        const BLOCKING = 1 << 8;
        /// Not shown to `MONITOR` and not written to the slow log with its arguments (`AUTH`).
        const SECRET = 1 << 9;
        /// Publish or subscribe.
        const PUBSUB = 1 << 10;
        /// Not allowed inside a transaction.
        const NO_MULTI = 1 << 11;
    }
}

/// Where the keys are among the arguments.
#[derive(Clone, Copy, Debug)]
pub enum Keys {
    /// None.
    None,
    /// From `first` to `last` (negative: from the end) every `step`.
    Range {
        /// Index of the first key.
        first: usize,
        /// Index of the last key; -1 is the last argument.
        last: isize,
        /// Distance between keys.
        step: usize,
    },
    /// A count at `count`, then that many keys after it.
    Counted {
        /// Index of the count.
        count: usize,
    },
    /// A key at 1 that is written; a count at `count`, then that many keys after it that are read.
    StoredCounted {
        /// Index of the count.
        count: usize,
    },
}

impl Keys {
    /// One key at index 1.
    pub const ONE: Keys = Keys::Range { first: 1, last: 1, step: 1 };
    /// Keys from 1 to the end.
    pub const ALL: Keys = Keys::Range { first: 1, last: -1, step: 1 };
    /// Keys from 1 to the last but one: what follows them is a time-out.
    pub const ALL_BUT_LAST: Keys = Keys::Range { first: 1, last: -2, step: 1 };
    /// Keys at 1, 3, 5, ...
    pub const PAIRS: Keys = Keys::Range { first: 1, last: -1, step: 2 };
    /// Keys at 1 and 2.
    pub const TWO: Keys = Keys::Range { first: 1, last: 2, step: 1 };

    /// The indices of the keys among `args`.
    pub fn indices(self, args: &Args<'_>) -> Vec<usize> {
        match self {
            Keys::None => Vec::new(),
            Keys::Range { first, last, step } => {
                let last = if last < 0 { args.len() as isize + last } else { last };
                let last = last.min(args.len() as isize - 1);
                (first..).step_by(step).take_while(|&i| (i as isize) <= last).collect()
            }
            Keys::Counted { count } => {
                let keys = args.get(count).and_then(crate::args::parse_int).unwrap_or(0).max(0) as usize;
                (count + 1..args.len()).take(keys).collect()
            }
            Keys::StoredCounted { count } => {
                let mut indices = vec![1];
                indices.extend(Keys::Counted { count }.indices(args));
                indices
            }
        }
    }
}

/// Which part of the product a command belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Group {
    /// Strings and counters.
    String,
    /// Bits of strings.
    Bitmap,
    /// Lists.
    List,
    /// Transactions.
    Transactions,
    /// Sets.
    Set,
    /// Hashes.
    Hash,
    /// Sorted sets.
    SortedSet,
    /// Channels and those who listen to them.
    PubSub,
    /// Keys of any type.
    Generic,
    /// The client's own connection.
    Connection,
    /// The server.
    Server,
    /// Many nodes.
    Cluster,
}

impl Group {
    /// The group's name, as `COMMAND DOCS` says it.
    pub fn name(self) -> &'static str {
        match self {
            Group::String => "string",
            Group::Bitmap => "bitmap",
            Group::List => "list",
            Group::Transactions => "transactions",
            Group::Set => "set",
            Group::Hash => "hash",
            Group::SortedSet => "sorted-set",
            Group::PubSub => "pubsub",
            Group::Generic => "generic",
            Group::Connection => "connection",
            Group::Server => "server",
            Group::Cluster => "cluster",
        }
    }
}

/// Everything a data command needs besides its arguments.
pub struct Context<'a> {
    /// The store.
    pub store: &'a Store,
    /// The namespace that the session selected.
    pub ns: Ns,
    /// Who knows other namespaces by their names.
    pub names: &'a dyn Namespaces,
    /// Now, in Unix milliseconds; the same for a whole batch.
    pub now_ms: u64,
    /// Whether reads refresh an entry's rank (`CLIENT NO-TOUCH` turns it off).
    pub touch: bool,
    /// Longest value, in bytes (`proto-max-bulk-len`, 512 MiB unless set).
    pub value_bytes_max: usize,
    /// Longest key, in bytes, at most `KEY_BYTES_MAX` of the store.
    pub key_bytes_max: usize,
    /// A key of this very command that has been placed already, to be prefetched; `None`: none has.
    pub placed: Option<Key<'a>>,
    /// Whether the client can wait for a key that is not there yet.
    pub may_wait: bool,
    /// Whether it may take what is there, or has to stand behind others who wait for it.
    pub may_take: bool,
    /// Whether this is another try for a client that waits.
    pub waited: bool,
    /// What the command wants to wait for; then it has said nothing.
    pub wish: Option<Box<Wish>>,
    /// The slots that the transaction holds in which the command runs.
    pub held: Held<'a>,
}

/// The guard of a transaction, lent to each of its commands in turn. One word, because nearly no command has any.
#[derive(Default)]
pub struct Held<'a>(Option<Box<RefCell<Guard<'a>>>>);

impl<'a> Held<'a> {
    /// What a command has that runs by itself.
    pub const fn nothing() -> Held<'a> {
        Held(None)
    }

    /// The guard over all slots that a transaction's commands will ask for.
    pub fn by(guard: Guard<'a>) -> Held<'a> {
        Held(Some(Box::new(RefCell::new(guard))))
    }

    /// Gives the transaction's guard back, or up.
    pub fn take(&mut self) -> Option<Guard<'a>> {
        self.0.take().map(|guard| guard.into_inner())
    }

    /// Lends the guard out, if this is a transaction. Panics if it is lent already: a command locks one thing after the
    /// other, never one inside another.
    #[inline(always)]
    fn lend(&self) -> Option<Locked<'_, 'a>> {
        self.0.as_ref().map(|guard| Locked::Lent(guard.borrow_mut()))
    }
}

/// The slots of a command's keys, locked.
pub enum Locked<'c, 'a> {
    /// For this command alone.
    Own(Guard<'a>),
    /// As part of its transaction.
    Lent(RefMut<'c, Guard<'a>>),
}

impl<'a> Deref for Locked<'_, 'a> {
    type Target = Guard<'a>;

    #[inline(always)]
    fn deref(&self) -> &Guard<'a> {
        match self {
            Locked::Own(guard) => guard,
            Locked::Lent(guard) => guard,
        }
    }
}

impl DerefMut for Locked<'_, '_> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut Self::Target {
        match self {
            Locked::Own(guard) => guard,
            Locked::Lent(guard) => guard,
        }
    }
}

impl<'a> Context<'a> {
    /// A command's surroundings where it runs by itself and cannot wait.
    pub fn new(store: &'a Store, ns: Ns, now_ms: u64, limits: SizeLimits) -> Context<'a> {
        Context {
            store,
            ns,
            names: &NumbersOnly,
            now_ms,
            touch: true,
            value_bytes_max: limits.value_bytes_max,
            key_bytes_max: limits.key_bytes_max,
            placed: None,
            may_wait: false,
            may_take: true,
            waited: false,
            wish: None,
            held: Held::nothing(),
        }
    }
}

/// How long keys and values may be.
#[derive(Clone, Copy, Debug)]
pub struct SizeLimits {
    /// Longest key, in bytes.
    pub key_bytes_max: usize,
    /// Longest value, in bytes.
    pub value_bytes_max: usize,
}

impl Context<'_> {
    /// How a read of this session counts.
    #[inline]
    pub fn read(&self) -> Access {
        if self.touch { Access::Read } else { Access::ReadNoTouch }
    }

    /// The lifetime of an entry of the session's namespace that is written without one, in milliseconds; 0: for ever.
    pub fn default_ttl_ms(&self) -> u64 {
        self.store.ns_settings(self.ns).default_ttl_ms.unwrap_or_else(|| self.store.default_ttl_ms())
    }

    /// What is evicted of the session's namespace.
    pub fn policy(&self) -> Policy {
        self.store.ns_settings(self.ns).policy.unwrap_or_else(|| self.store.policy())
    }

    /// Places a key of the session's namespace. Errors: [`Reject::key_too_long`].
    #[inline(always)]
    pub fn key<'k>(&self, bytes: &'k [u8]) -> Result<Key<'k>, Reject> {
        self.key_in(self.ns, bytes)
    }

    /// Places a key of another namespace. Errors: [`Reject::key_too_long`].
    #[inline(always)]
    pub fn key_in<'k>(&self, ns: Ns, bytes: &'k [u8]) -> Result<Key<'k>, Reject> {
        if bytes.len() > self.key_bytes_max {
            return Err(Reject::key_too_long(self.key_bytes_max));
        }
        match &self.placed {
            // The same bytes at the same place: their slot and hash need not be computed again (7 ns for 16 bytes).
            Some(placed) if std::ptr::eq(placed.bytes, bytes) && placed.ns == ns => Ok(Key { bytes, ..*placed }),
            _ => Ok(self.store.key(ns, bytes)),
        }
    }

    /// Whether a value of `length` bytes may be stored. Errors: [`Reject::STRING_TOO_LONG`].
    #[inline]
    pub fn fits(&self, length: usize) -> Result<(), Reject> {
        if length > self.value_bytes_max { Err(Reject::STRING_TOO_LONG) } else { Ok(()) }
    }
}

impl<'a> Context<'a> {
    /// Locks the slot of one key.
    #[inline]
    pub fn lock(&self, key: &Key<'_>) -> Locked<'_, 'a> {
        match self.held.lend() {
            Some(lent) => lent,
            None => Locked::Own(self.store.lock(key.slot, self.now_ms)),
        }
    }

    /// Locks the slots of several keys, which everything under the guard then sees and changes at once.
    #[inline]
    pub fn lock_all(&self, keys: &[Key<'_>]) -> Locked<'_, 'a> {
        match (keys, self.held.lend()) {
            (_, Some(lent)) => lent,
            ([one], None) => self.lock(one),
            _ => Locked::Own(self.store.lock_many(keys.iter().map(|key| key.slot), self.now_ms)),
        }
    }

    /// Locks everything: for what cannot name its keys.
    pub fn lock_everything(&self) -> Locked<'_, 'a> {
        match self.held.lend() {
            Some(lent) => lent,
            None => Locked::Own(self.store.lock_all(self.now_ms)),
        }
    }

    /// Runs `act` on all of the store: a shard at a time, or on what the transaction holds.
    pub fn everywhere<R>(&self, act: impl FnOnce(&mut dyn Everywhere) -> R) -> R {
        match self.held.lend() {
            Some(mut lent) => act(&mut *lent),
            None => act(&mut &*self.store),
        }
    }

    /// Makes room for a value of `value_bytes` under `key` before its slot is locked.
    #[inline]
    pub fn reserve(&self, key: &Key<'_>, value_bytes: usize) {
        self.reserve_bytes(key.bytes.len() + value_bytes);
    }

    /// Makes room for so many bytes before anything is locked.
    #[inline]
    pub fn reserve_bytes(&self, bytes: usize) {
        // A transaction has its slots locked already; what does not fit then is refused.
        if self.held.0.is_none() {
            self.store.reserve(bytes, self.now_ms);
        }
    }
}

/// Runs a data command: says its whole answer to `reply`, or returns a refusal, having changed and said nothing.
pub type DataFn = fn(&mut Context<'_>, &Args<'_>, &mut dyn Reply) -> Result<(), Reject>;

/// Who runs a command.
#[derive(Clone, Copy)]
pub enum Handler {
    /// It needs the store alone.
    Data(DataFn),
    /// It needs the session, the configuration or other clients: the server runs it.
    Server(ServerCommand),
    /// It is only a name for its subcommands.
    Container,
}

/// One command.
pub struct Row {
    /// Its name, upper case.
    pub name: &'static str,
    /// Which part it belongs to.
    pub group: Group,
    /// How many arguments, name included; negative: at least that many. For subcommands the container counts too.
    pub arity: i16,
    /// What it is like.
    pub flags: Flags,
    /// Where its keys are.
    pub keys: Keys,
    /// Since which version of Redis the command exists in this form (`8.0.0`), or `scrubjay 0.1` for our own.
    pub since: &'static str,
    /// Complexity, in O notation with its variables explained.
    pub complexity: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// The arguments, as in Redis' documentation: `key value [NX | XX] [GET]`.
    pub usage: &'static str,
    /// Who runs it.
    pub handler: Handler,
    /// Its subcommands (`CLIENT ID`); empty for most.
    pub subcommands: &'static [Row],
}

impl Row {
    /// A command with neither flags, keys nor documentation yet; the methods below add them, so that a row is a few
    /// lines of facts. `arity` counts the name; negative: at least that many.
    pub const fn new(name: &'static str, group: Group, arity: i16, handler: Handler) -> Row {
        Row {
            name,
            group,
            arity,
            flags: Flags::empty(),
            keys: Keys::None,
            since: "",
            complexity: "",
            summary: "",
            usage: "",
            handler,
            subcommands: &[],
        }
    }

    /// A command that needs the store alone.
    pub const fn data(name: &'static str, group: Group, arity: i16, run: DataFn) -> Row {
        Row::new(name, group, arity, Handler::Data(run))
    }

    /// A name for its subcommands.
    pub const fn container(name: &'static str, group: Group, subcommands: &'static [Row]) -> Row {
        Row { subcommands, ..Row::new(name, group, -2, Handler::Container) }
    }

    /// What it is like.
    pub const fn flags(self, flags: Flags) -> Row {
        Row { flags, ..self }
    }

    /// Where its keys are.
    pub const fn keys(self, keys: Keys) -> Row {
        Row { keys, ..self }
    }

    /// Its documentation: since when, at what cost, with which arguments, what for.
    pub const fn docs(
        self,
        since: &'static str,
        complexity: &'static str,
        usage: &'static str,
        summary: &'static str,
    ) -> Row {
        Row { since, complexity, usage, summary, ..self }
    }

    /// Whether `count` arguments, name included, are acceptable.
    #[inline]
    pub fn accepts(&self, count: usize) -> bool {
        if self.arity >= 0 { count == self.arity as usize } else { count >= -self.arity as usize }
    }
}
