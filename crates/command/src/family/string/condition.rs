//! What must be true of the present value for a write or a deletion to happen: NX, XX, IFEQ, IFNE, the same over a digest,
//! and the versions of HTTP's `If-Match` and `If-None-Match`.

use crate::args::Args;
use crate::reject::{Kind, Reject};
use scrubjay_store::Entry;
use std::fmt::Debug;
use xxhash_rust::xxh3::xxh3_64;

/// A test that an entry's version has to pass. The version is the sequence number of the entry's last change in its slot; a
/// key that was deleted and made again never shows an old one, as long as the process lives.
pub trait VersionTest: Debug {
    /// Whether `version` passes; `None`: the key is not there.
    fn permits(&self, version: Option<u64>) -> bool;
}

/// A condition on what the key holds.
#[derive(Clone, Copy, Debug, Default)]
pub enum Condition<'a> {
    /// None.
    #[default]
    Always,
    /// The key must not exist (`NX`, `If-None-Match: *`).
    Absent,
    /// The key must exist (`XX`, `If-Match: *`).
    Present,
    /// The key must hold exactly this (`IFEQ`).
    Equal(&'a [u8]),
    /// The key must not hold this; an absent key does not (`IFNE`).
    NotEqual(&'a [u8]),
    /// The key must hold a value with this digest (`IFDEQ`).
    DigestEqual(u64),
    /// The key must not hold a value with this digest; an absent key does not (`IFDNE`).
    DigestNotEqual(u64),
    /// The entry's version must pass this (`If-Match`, `If-None-Match`).
    Version(&'a dyn VersionTest),
}

impl<'a> Condition<'a> {
    /// Whether it holds for everything, so that nobody has to look.
    #[inline]
    pub fn is_always(self) -> bool {
        matches!(self, Condition::Always)
    }

    /// Whether it asks for the value, which then has to be a string.
    #[inline]
    pub fn reads_value(self) -> bool {
        use Condition::{DigestEqual, DigestNotEqual, Equal, NotEqual};
        matches!(self, Equal(_) | NotEqual(_) | DigestEqual(_) | DigestNotEqual(_))
    }

    /// Whether the condition holds for what the key holds now.
    #[inline]
    pub fn holds(self, entry: Option<&Entry<'_>>) -> bool {
        match (self, entry) {
            (Condition::Always, _) => true,
            (Condition::Absent, entry) => entry.is_none(),
            (Condition::Present, entry) => entry.is_some(),
            (Condition::NotEqual(_) | Condition::DigestNotEqual(_), None) => true,
            (Condition::Equal(_) | Condition::DigestEqual(_), None) => false,
            (Condition::Equal(value), Some(entry)) => is(entry, value),
            (Condition::NotEqual(value), Some(entry)) => !is(entry, value),
            (Condition::DigestEqual(wanted), Some(entry)) => digest(&entry.value()) == wanted,
            (Condition::DigestNotEqual(unwanted), Some(entry)) => digest(&entry.value()) != unwanted,
            (Condition::Version(test), entry) => test.permits(entry.map(Entry::version)),
        }
    }

    /// Reads `IFEQ value`, `IFNE value`, `IFDEQ digest` or `IFDNE digest` at `at`; `None`: it is something else, or its
    /// value is missing. Errors: a digest that is none.
    pub(crate) fn parse_comparison(args: &Args<'a>, at: usize) -> Result<Option<Condition<'a>>, Reject> {
        let Some(value) = args.get(at + 1) else { return Ok(None) };
        Ok(if args.is(at, "IFEQ") {
            Some(Condition::Equal(value))
        } else if args.is(at, "IFNE") {
            Some(Condition::NotEqual(value))
        } else if args.is(at, "IFDEQ") {
            Some(Condition::DigestEqual(parse_digest(value)?))
        } else if args.is(at, "IFDNE") {
            Some(Condition::DigestNotEqual(parse_digest(value)?))
        } else {
            None
        })
    }
}

/// Whether the entry holds `value`. Lengths go first: a compressed value need not be decompressed to be found different.
fn is(entry: &Entry<'_>, value: &[u8]) -> bool {
    entry.value_bytes() == value.len() && *entry.value() == *value
}

/// The digest of a value that `DIGEST` returns and `IFDEQ` compares: XXH3, 64 bits, seed 0, as in Redis.
pub fn digest(value: &[u8]) -> u64 {
    xxh3_64(value)
}

/// Reads a digest: 16 hexadecimal digits in any case.
pub fn parse_digest(text: &[u8]) -> Result<u64, Reject> {
    const NOT_A_DIGEST: Reject = Reject::new(Kind::BadRequest, "ERR must be exactly 16 hexadecimal characters");
    if text.len() != 16 || !text.iter().all(u8::is_ascii_hexdigit) {
        return Err(NOT_A_DIGEST);
    }
    std::str::from_utf8(text).ok().and_then(|text| u64::from_str_radix(text, 16).ok()).ok_or(NOT_A_DIGEST)
}
