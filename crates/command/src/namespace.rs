//! How commands name a database: by its number, 0 to 15, or by the name of a namespace.
//!
//! Which names there are only the server knows; it lends commands its knowledge as [`Namespaces`]. A name is 1 to 64
//! letters, digits, `.`, `_` and `-`, and no whole number, so that the two forms never meet.

use crate::args::{Args, parse_int};
use crate::reject::{Kind, Reject};
use crate::server::ServerCommand as S;
use crate::table::{Handler, Row};
use scrubjay_store::{DATABASES, Store};

/// Longest name, in bytes.
pub const NAME_BYTES_MAX: usize = 64;

/// Who knows the namespaces.
pub trait Namespaces: Sync {
    /// The database of the namespace called `name`, from `scrubjay_store::DATABASES` on. Errors: there is none.
    fn database(&self, name: &[u8]) -> Result<u8, Reject>;

    /// Exchanges two numbered databases. Errors: one of them has settings of its own; nothing was exchanged.
    fn swap(&self, store: &Store, a: u8, b: u8) -> Result<(), Reject>;
}

/// The sixteen numbers and no names.
#[derive(Clone, Copy, Debug)]
pub struct NumbersOnly;

impl Namespaces for NumbersOnly {
    fn database(&self, _name: &[u8]) -> Result<u8, Reject> {
        Err(Reject::NOT_AN_INTEGER)
    }

    fn swap(&self, store: &Store, a: u8, b: u8) -> Result<(), Reject> {
        store.swap_databases(a, b);
        Ok(())
    }
}

/// How an argument names a database.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Named<'a> {
    /// By its number, below `scrubjay_store::DATABASES`.
    Number(u8),
    /// By what can be a name.
    Name(&'a [u8]),
}

/// How the argument at `index` names a database. Errors: as Redis says them, for a number that is none's, and for what is
/// neither a number nor a name.
pub fn named<'a>(args: &Args<'a>, index: usize) -> Result<Named<'a>, Reject> {
    let text = args.at(index);
    if is_name(text) {
        return Ok(Named::Name(text));
    }
    let number = u8::try_from(args.int_32(index)?).ok().filter(|&number| number < DATABASES);
    number.map(Named::Number).ok_or(NO_SUCH_DATABASE)
}

/// A number that is no database's.
pub const NO_SUCH_DATABASE: Reject = Reject::new(Kind::BadRequest, "ERR DB index is out of range");

/// Nobody is called so.
pub fn no_such_namespace(name: &[u8]) -> Reject {
    let name = String::from_utf8_lossy(name);
    Reject::with(Kind::NotFound, format!("ERR no namespace '{name}': JAY.NAMESPACE SET {name} makes one"))
}

/// Whether a namespace can be called so.
pub fn is_name(text: &[u8]) -> bool {
    let is_number = parse_int(text).is_some() || text.iter().all(u8::is_ascii_digit);
    let is_fit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=NAME_BYTES_MAX).contains(&text.len()) && text.iter().all(is_fit) && !is_number
}

/// Whether a command works on the keys of the selected namespace.
pub fn is_about_keys(row: &Row) -> bool {
    match row.handler {
        Handler::Data(_) => counts(row),
        Handler::Server(command) => {
            matches!(command, S::Watch | S::MemoryUsage | S::JayMemoryHistogram | S::JayMemoryPrefixes)
        }
        Handler::Container => false,
    }
}

/// Whether a command counts against a quota of commands a second: every one on data, but not those on all databases.
pub fn counts(row: &Row) -> bool {
    matches!(row.handler, Handler::Data(_)) && !matches!(row.name, "FLUSHALL" | "SWAPDB")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Span;
    use crate::index::{find, resolve};

    #[test]
    fn a_name_is_a_word_that_is_no_number() {
        let longest = "n".repeat(NAME_BYTES_MAX);
        for name in ["sessions", "a", "jobs.high", "A_b-c", "7days", "1.0", "1e3", "-", "x-1", longest.as_str()] {
            assert!(is_name(name.as_bytes()), "{name}");
        }
        let too_long = "n".repeat(NAME_BYTES_MAX + 1);
        for name in ["", "0", "15", "16", "007", "-1", "a b", "a/b", "jobs:1", "ä", "*", too_long.as_str()] {
            assert!(!is_name(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn an_argument_is_a_number_or_a_name_or_refused_as_redis_does() {
        for (text, expected) in [
            ("0", Ok(Named::Number(0))),
            ("15", Ok(Named::Number(15))),
            ("jobs", Ok(Named::Name(b"jobs"))),
            ("16", Err("ERR DB index is out of range")),
            ("-1", Err("ERR DB index is out of range")),
            ("", Err("ERR value is not an integer or out of range")),
            ("a b", Err("ERR value is not an integer or out of range")),
        ] {
            let spans = [Span { start: 0, length: text.len() as u32 }];
            let found = named(&Args::new(text.as_bytes(), &spans), 0);
            assert_eq!(found.as_ref().map_err(Reject::line), expected.as_ref().map_err(|line| *line), "{text}");
        }
    }

    #[test]
    fn commands_on_keys_count_and_those_of_operators_do_not() {
        let row = |name: &str| find(name.as_bytes()).expect("a command");
        for name in ["GET", "SET", "BLPOP", "JAY.GET", "DBSIZE", "SCAN", "FLUSHDB"] {
            assert!(counts(row(name)) && is_about_keys(row(name)), "{name}");
        }
        for name in ["INFO", "PING", "SELECT", "MULTI", "EXEC", "FLUSHALL", "SWAPDB", "PUBLISH"] {
            assert!(!counts(row(name)) && !is_about_keys(row(name)), "{name}");
        }
        let words = b"MEMORYUSAGEk";
        let spans = [Span { start: 0, length: 6 }, Span { start: 6, length: 5 }, Span { start: 11, length: 1 }];
        let usage = resolve(&Args::new(words, &spans)).expect("a command");
        assert!(is_about_keys(usage) && !counts(usage) && is_about_keys(row("WATCH")));
    }
}
