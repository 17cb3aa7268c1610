//! `If-Match` and `If-None-Match` (RFC 9110 section 13): an entry's version, quoted, is its ETag.
//!
//! | header              | GET, HEAD                  | PUT, POST, DELETE                        |
//! |---------------------|----------------------------|------------------------------------------|
//! | `If-Match: "7"`     | 412 unless the version is 7| only if the version is 7                 |
//! | `If-Match: *`       | 412 if there is no entry   | only if there is an entry                |
//! | `If-None-Match: "7"`| 304 if the version is 7    | only if the version is not 7             |
//! | `If-None-Match: *`  | 304 if there is an entry   | only if there is none: SET NX            |

use super::decode::Request;
use super::fault::Fault;
use super::head::Field;
use scrubjay_command::args::Digits;
use scrubjay_command::family::string::{Condition, VersionTest};

/// A request's conditions.
#[derive(Clone, Copy, Debug)]
pub struct Conditions<'a> {
    if_match: Option<&'a [u8]>,
    if_none_match: Option<&'a [u8]>,
}

/// How a read goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Read {
    /// Send the entry.
    Send,
    /// The client has it: 304.
    NotModified,
    /// 412.
    Failed,
}

impl<'a> Conditions<'a> {
    /// The conditions of `request`. Errors: a tag that is not a quoted one; it would silently never match.
    #[inline]
    pub fn of(request: &Request<'a>) -> Result<Conditions<'a>, Fault> {
        let conditions =
            Conditions { if_match: request.field(Field::IfMatch), if_none_match: request.field(Field::IfNoneMatch) };
        for list in [conditions.if_match, conditions.if_none_match].into_iter().flatten() {
            check(list)?;
        }
        Ok(conditions)
    }

    /// What must hold for a write or a deletion.
    pub fn condition(&self) -> Condition<'_> {
        match (self.if_match, self.if_none_match) {
            (None, None) => Condition::Always,
            _ => Condition::Version(self),
        }
    }

    /// How a read of an entry with this version goes on.
    #[inline]
    pub fn read(&self, version: u64) -> Read {
        if self.if_match.is_some_and(|list| !matches(list, Some(version), false)) {
            return Read::Failed;
        }
        if self.if_none_match.is_some_and(|list| matches(list, Some(version), true)) {
            return Read::NotModified;
        }
        Read::Send
    }
}

impl VersionTest for Conditions<'_> {
    fn permits(&self, version: Option<u64>) -> bool {
        self.if_match.is_none_or(|list| matches(list, version, false))
            && self.if_none_match.is_none_or(|list| !matches(list, version, true))
    }
}

fn tags(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(|&byte| byte == b',').map(<[u8]>::trim_ascii)
}

fn check(list: &[u8]) -> Result<(), Fault> {
    let is_tag = |tag: &[u8]| {
        let tag = tag.strip_prefix(b"W/").unwrap_or(tag);
        tag.len() >= 2 && tag.starts_with(b"\"") && tag.ends_with(b"\"")
    };
    if list == b"*" || tags(list).all(is_tag) {
        return Ok(());
    }
    Err(Fault::bad("If-Match and If-None-Match take '*' or quoted versions as ETag shows them: \"7\", \"9\""))
}

/// Whether the list names the version. A weak tag is good enough to answer 304, never to permit a write.
fn matches(list: &[u8], version: Option<u64>, weak: bool) -> bool {
    let Some(version) = version else { return false };
    if list == b"*" {
        return true;
    }
    let digits = Digits::of(version as i64);
    tags(list).any(|tag| {
        let tag = if weak { tag.strip_prefix(b"W/").unwrap_or(tag) } else { tag };
        tag.strip_prefix(b"\"").and_then(|tag| tag.strip_suffix(b"\"")) == Some(digits.as_bytes())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conditions<'a>(if_match: &'a str, if_none_match: &'a str) -> Conditions<'a> {
        let given = |text: &'a str| (!text.is_empty()).then_some(text.as_bytes());
        Conditions { if_match: given(if_match), if_none_match: given(if_none_match) }
    }

    #[test]
    fn writes_are_permitted_as_the_table_says() {
        for (if_match, if_none_match, version, permitted) in [
            ("", "", None, true),
            ("\"7\"", "", Some(7), true),
            ("\"7\"", "", Some(8), false),
            ("\"7\"", "", None, false),
            ("\"6\", \"7\"", "", Some(7), true),
            ("W/\"7\"", "", Some(7), false),
            ("*", "", Some(7), true),
            ("*", "", None, false),
            ("", "*", None, true),
            ("", "*", Some(7), false),
            ("", "\"7\"", Some(7), false),
            ("", "\"7\"", Some(8), true),
            ("", "\"7\"", None, true),
        ] {
            assert_eq!(conditions(if_match, if_none_match).permits(version), permitted, "{if_match} {if_none_match}");
        }
    }

    #[test]
    fn reads_go_on_as_the_table_says() {
        for (if_match, if_none_match, expected) in [
            ("", "", Read::Send),
            ("\"7\"", "", Read::Send),
            ("\"8\"", "", Read::Failed),
            ("", "\"7\"", Read::NotModified),
            ("", "W/\"7\"", Read::NotModified),
            ("", "*", Read::NotModified),
            ("", "\"8\"", Read::Send),
            ("\"8\"", "\"7\"", Read::Failed),
        ] {
            assert_eq!(conditions(if_match, if_none_match).read(7), expected, "{if_match} {if_none_match}");
        }
    }

    #[test]
    fn an_unquoted_version_is_refused_instead_of_never_matching() {
        assert!(check(b"7").is_err() && check(b"").is_err() && check(b"\"7\", 8").is_err());
        assert!(check(b"\"7\" , W/\"8\"").is_ok() && check(b"*").is_ok());
    }
}
