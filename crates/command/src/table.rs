//! THE table: every command once, with its arity, flags, keys, documentation and handler.
//!
//! `COMMAND`, `COMMAND DOCS`, help, completion, the reference page, routing and ACL categories are read from here. A new
//! command is one row, here in its family's file, and one handler.

use crate::args::Args;
use crate::family;
use crate::reject::Reject;
use crate::reply::Reply;
use crate::server::ServerCommand;
use scrubjay_store::{Ns, Store};
use std::sync::LazyLock;

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
}

impl Keys {
    /// One key at index 1.
    pub const ONE: Keys = Keys::Range { first: 1, last: 1, step: 1 };
    /// Keys from 1 to the end.
    pub const ALL: Keys = Keys::Range { first: 1, last: -1, step: 1 };
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
    /// Keys of any type.
    Generic,
    /// The client's own connection.
    Connection,
    /// The server.
    Server,
}

impl Group {
    /// The group's name, as `COMMAND DOCS` says it.
    pub fn name(self) -> &'static str {
        match self {
            Group::String => "string",
            Group::Bitmap => "bitmap",
            Group::Generic => "generic",
            Group::Connection => "connection",
            Group::Server => "server",
        }
    }
}

/// Everything a data command needs besides its arguments.
pub struct Context<'a> {
    /// The store.
    pub store: &'a Store,
    /// The namespace that the session selected.
    pub ns: Ns,
    /// Now, in Unix milliseconds; the same for a whole batch.
    pub now_ms: u64,
    /// Whether reads refresh an entry's rank (`CLIENT NO-TOUCH` turns it off).
    pub touch: bool,
    /// Longest value, in bytes (`proto-max-bulk-len`, 512 MiB unless set).
    pub value_bytes_max: usize,
}

impl Context<'_> {
    /// How a read of this session counts.
    #[inline]
    pub fn read(&self) -> scrubjay_store::Access {
        if self.touch { scrubjay_store::Access::Read } else { scrubjay_store::Access::ReadNoTouch }
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
    /// Whether `count` arguments, name included, are acceptable.
    #[inline]
    pub fn accepts(&self, count: usize) -> bool {
        if self.arity >= 0 { count == self.arity as usize } else { count >= -self.arity as usize }
    }
}

/// Every command, sorted by family.
pub static FAMILIES: &[&[Row]] =
    &[family::string::ROWS, family::counter::ROWS, family::bitmap::ROWS, family::key::ROWS, crate::server::ROWS];

/// Every top-level row.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    FAMILIES.iter().flat_map(|rows| rows.iter())
}

/// The row of the command called `name`, ASCII case ignored.
#[inline]
pub fn find(name: &[u8]) -> Option<&'static Row> {
    INDEX.find(name)
}

static INDEX: LazyLock<Index> = LazyLock::new(Index::new);

/// Names folded into one number, in an open-addressed table: a look-up is a multiplication and, nearly always, one probe.
struct Index {
    slots: Vec<Option<(u128, &'static Row)>>,
}

impl Index {
    fn new() -> Index {
        let mut index = Index { slots: vec![None; 1024] };
        for row in rows() {
            let Some(code) = Index::code(row.name.as_bytes()) else { continue };
            let mut at = index.home(code);
            while index.slots[at].is_some() {
                at = (at + 1) % index.slots.len();
            }
            index.slots[at] = Some((code, row));
        }
        index
    }

    /// Upper-cased and padded to 16 bytes; longer names are no command.
    #[inline]
    fn code(name: &[u8]) -> Option<u128> {
        if name.len() > 16 {
            return None;
        }
        let mut folded = [0u8; 16];
        for (to, from) in folded.iter_mut().zip(name) {
            *to = from.to_ascii_uppercase();
        }
        Some(u128::from_le_bytes(folded))
    }

    #[inline]
    fn home(&self, code: u128) -> usize {
        let mixed = (code as u64 ^ (code >> 64) as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (mixed >> 54) as usize % self.slots.len()
    }

    #[inline]
    fn find(&self, name: &[u8]) -> Option<&'static Row> {
        let code = Index::code(name)?;
        let mut at = self.home(code);
        while let Some((found, row)) = &self.slots[at] {
            if *found == code {
                return Some(row);
            }
            at = (at + 1) % self.slots.len();
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_row_is_found_by_its_name_in_any_case_and_stands_once() {
        let mut seen = HashSet::new();
        for row in rows() {
            assert!(row.name.len() <= 16, "{} does not fit the index", row.name);
            assert_eq!(row.name, row.name.to_ascii_uppercase());
            assert!(seen.insert(row.name), "{} stands twice", row.name);
            assert!(std::ptr::eq(find(row.name.to_ascii_lowercase().as_bytes()).expect(row.name), row));
        }
        assert!(find(b"NOSUCH").is_none());
    }

    #[test]
    fn every_row_and_subcommand_is_documented() {
        fn check(row: &Row) {
            assert!(row.summary.ends_with('.'), "{}: the summary is a sentence", row.name);
            assert!(!row.complexity.is_empty() && !row.since.is_empty(), "{}", row.name);
            row.subcommands.iter().for_each(check);
            assert_eq!(matches!(row.handler, Handler::Container), !row.subcommands.is_empty(), "{}", row.name);
        }
        rows().for_each(check);
    }
}
