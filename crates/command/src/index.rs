//! From a command's name to its row: a look-up is a multiplication and, nearly always, one probe.
//!
//! Names are folded to upper case and padded to one 128-bit number, so that comparing two is one comparison and the case
//! of what the client wrote costs nothing. The table is open-addressed and a tenth full.
//!
//! Rows are numbered densely, top-level ones first, subcommands after them, so that counters per command are an array.

use crate::args::Args;
use crate::family;
use crate::reject::{Kind, Reject};
use crate::table::Row;
use std::sync::LazyLock;

/// Every command, sorted by family; the most frequent family first, which [`Row::id`] finds first.
pub static FAMILIES: &[&[Row]] = &[
    family::string::ROWS,
    family::counter::ROWS,
    family::bitmap::ROWS,
    family::list::ROWS,
    family::hash::ROWS,
    family::set::ROWS,
    family::sorted_set::ROWS,
    family::key::ROWS,
    family::group::ROWS,
    family::lease::ROWS,
    family::rate::ROWS,
    crate::server::connection::ROWS,
    crate::server::transaction::ROWS,
    crate::server::pubsub::ROWS,
    crate::server::admin::ROWS,
    crate::server::insight::ROWS,
    crate::server::namespace::ROWS,
];

/// Every top-level row, in the order of their ids.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    FAMILIES.iter().flat_map(|rows| rows.iter())
}

/// Every row, subcommands too, in the order of their ids; with the container's row for a subcommand.
pub fn all_rows() -> impl Iterator<Item = (&'static Row, Option<&'static Row>)> {
    rows()
        .map(|row| (row, None))
        .chain(rows().flat_map(|container| container.subcommands.iter().map(move |row| (row, Some(container)))))
}

/// How many rows there are, subcommands included: every [`Row::id`] is below.
pub fn row_count() -> usize {
    all_rows().count()
}

impl Row {
    /// The row's number, below [`row_count`]. A few nanoseconds for top-level rows.
    #[inline]
    pub fn id(&'static self) -> usize {
        let mut base = 0;
        for rows in FAMILIES {
            // Where the row lies is what it is: rows are statics, and a family's rows are one array.
            let offset = (std::ptr::from_ref(self) as usize).wrapping_sub(rows.as_ptr() as usize);
            if offset < std::mem::size_of_val(*rows) {
                return base + offset / size_of::<Row>();
            }
            base += rows.len();
        }
        all_rows().position(|(row, _)| std::ptr::eq(row, self)).unwrap_or(0)
    }

    /// The row's full name as Redis writes it in errors and statistics: `get`, `object|encoding`.
    pub fn full_name(&'static self) -> String {
        let container = rows().find(|row| row.subcommands.iter().any(|sub| std::ptr::eq(sub, self)));
        match container {
            Some(container) => format!("{}|{}", container.name, self.name).to_ascii_lowercase(),
            None => self.name.to_ascii_lowercase(),
        }
    }
}

/// The row of the command called `name`, ASCII case ignored.
#[inline]
pub fn find(name: &[u8]) -> Option<&'static Row> {
    INDEX.find(name)
}

/// The row that `args` call, that of the subcommand where there is one, with the number of arguments checked.
///
/// Errors: Redis' own sentences for an unknown command or subcommand and for a wrong number of arguments.
#[inline]
pub fn resolve(args: &Args<'_>) -> Result<&'static Row, Reject> {
    let Some(row) = find(args.at(0)) else { return Err(unknown_command(args)) };
    if row.subcommands.is_empty() {
        return if row.accepts(args.len()) { Ok(row) } else { Err(Reject::arity(row.name)) };
    }
    let Some(name) = args.get(1) else {
        // `COMMAND` alone is a command; the other containers need a subcommand.
        return if row.accepts(1) { Ok(row) } else { Err(Reject::arity(row.name)) };
    };
    match row.subcommands.iter().find(|sub| name.eq_ignore_ascii_case(sub.name.as_bytes())) {
        Some(sub) if sub.accepts(args.len()) => Ok(sub),
        Some(sub) => Err(Reject::arity(&sub.full_name())),
        None => Err(Reject::with(
            Kind::Unknown,
            format!("ERR unknown subcommand '{}'. Try {} HELP.", shown(name, 128), row.name),
        )),
    }
}

/// The row that `args` name, whatever their number: the one whose refusal [`resolve`]'s error is. None if the command, or
/// the subcommand, does not exist.
#[cold]
pub fn named(args: &Args<'_>) -> Option<&'static Row> {
    let row = find(args.at(0))?;
    match args.get(1) {
        Some(name) if !row.subcommands.is_empty() => {
            row.subcommands.iter().find(|sub| name.eq_ignore_ascii_case(sub.name.as_bytes()))
        }
        _ => Some(row),
    }
}

#[cold]
fn unknown_command(args: &Args<'_>) -> Reject {
    let mut line = format!("ERR unknown command '{}', with args beginning with: ", shown(args.at(0), 128));
    let start = line.len();
    for arg in args.from(1) {
        let used = line.len() - start;
        if used >= 128 {
            break;
        }
        line.push_str(&format!("'{}' ", shown(arg, 128 - used)));
    }
    Reject::with(Kind::Unknown, line)
}

/// At most `length` bytes of what the client wrote, up to the first zero as in Redis, fit for one line.
fn shown(bytes: &[u8], length: usize) -> String {
    let end = bytes.iter().take(length).position(|&byte| byte == 0).unwrap_or(bytes.len().min(length));
    String::from_utf8_lossy(&bytes[..end]).replace(['\r', '\n'], " ")
}

static INDEX: LazyLock<Index> = LazyLock::new(Index::new);

struct Index {
    slots: Vec<Option<(u128, &'static Row)>>,
}

/// Slots of the table: a power of two, ten times the number of rows.
const INDEX_SLOTS: usize = 2048;

impl Index {
    fn new() -> Index {
        let mut index = Index { slots: vec![None; INDEX_SLOTS] };
        for row in rows() {
            let Some(code) = Index::code(row.name.as_bytes()) else { continue };
            let mut at = Index::home(code);
            while index.slots[at].is_some() {
                at = (at + 1) % INDEX_SLOTS;
            }
            index.slots[at] = Some((code, row));
        }
        index
    }

    /// Upper-cased and padded to 16 bytes; longer names are no command.
    #[inline]
    fn code(name: &[u8]) -> Option<u128> {
        let mut folded = [0u8; 16];
        folded.get_mut(..name.len())?.copy_from_slice(name);
        folded.make_ascii_uppercase();
        Some(u128::from_le_bytes(folded))
    }

    #[inline]
    fn home(code: u128) -> usize {
        let mixed = (code as u64 ^ ((code >> 64) as u64).rotate_left(17)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (mixed >> (64 - INDEX_SLOTS.trailing_zeros())) as usize
    }

    #[inline]
    fn find(&self, name: &[u8]) -> Option<&'static Row> {
        let code = Index::code(name)?;
        let mut at = Index::home(code);
        while let Some((found, row)) = &self.slots[at] {
            if *found == code {
                return Some(row);
            }
            at = (at + 1) % INDEX_SLOTS;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Span;
    use crate::table::{Flags, Handler, Keys};
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
        assert!(find(b"").is_none());
        assert!(find(&[b'G'; 17]).is_none());
    }

    #[test]
    fn ids_are_dense_and_in_the_order_of_the_rows() {
        for (expected, (row, _)) in all_rows().enumerate() {
            assert_eq!(row.id(), expected, "{}", row.name);
        }
        assert_eq!(all_rows().last().expect("there are rows").0.id() + 1, row_count());
    }

    #[test]
    fn every_row_and_subcommand_is_documented() {
        for (row, _) in all_rows() {
            assert!(row.summary.ends_with('.'), "{}: the summary is a sentence", row.name);
            assert!(!row.complexity.is_empty() && !row.since.is_empty(), "{}", row.name);
            assert!(!matches!(row.handler, Handler::Container) || !row.subcommands.is_empty(), "{}", row.name);
        }
    }

    #[test]
    fn a_row_is_either_read_or_write_if_it_has_keys() {
        for (row, _) in all_rows() {
            let says = row.flags.contains(Flags::READONLY) as u8 + row.flags.contains(Flags::WRITE) as u8;
            assert!(says < 2, "{} both reads and writes", row.name);
            // A shard's channel has the place of a key, and its slot, but is none; what WATCH does with keys is neither.
            let is_other = row.flags.contains(Flags::PUBSUB) || row.group == crate::table::Group::Transactions;
            if !matches!(row.keys, Keys::None) && !is_other {
                assert_eq!(says, 1, "{} has keys and says neither read nor write", row.name);
            }
            if row.flags.contains(Flags::DENYOOM) {
                assert!(row.flags.contains(Flags::WRITE), "{}", row.name);
            }
        }
    }

    fn refusal(words: &[&str]) -> String {
        let buffer = words.concat();
        let mut spans = Vec::new();
        let mut start = 0;
        for word in words {
            spans.push(Span { start, length: word.len() as u32 });
            start += word.len() as u32;
        }
        match resolve(&Args::new(buffer.as_bytes(), &spans)) {
            Ok(row) => row.full_name(),
            Err(reject) => reject.line().to_owned(),
        }
    }

    #[test]
    fn a_call_resolves_to_its_row_or_to_the_sentence_that_redis_says() {
        for (words, expected) in [
            (&["get", "k"][..], "get"),
            (&["get"], "ERR wrong number of arguments for 'get' command"),
            (&["gat", "k", "v"], "ERR unknown command 'gat', with args beginning with: 'k' 'v' "),
            (&["ga\nt"], "ERR unknown command 'ga t', with args beginning with: "),
            (&["ga\0t", "a\0b"], "ERR unknown command 'ga', with args beginning with: 'a' "),
            (&["object", "bin\0x"], "ERR unknown subcommand 'bin'. Try OBJECT HELP."),
        ] {
            assert_eq!(refusal(words), expected);
        }
        let long = "x".repeat(300);
        assert_eq!(
            refusal(&["nope", &long, "rest"]),
            format!("ERR unknown command 'nope', with args beginning with: '{}' ", &long[..128])
        );
    }
}
