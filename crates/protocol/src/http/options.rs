//! The header fields that any data request may carry: `X-Namespace`, `X-Consistency`, `X-TTL`, `X-Stale`, `X-Lease`,
//! `Accept`, `Content-Type`.

use super::decode::Request;
use super::envelope::{self, Lifetime};
use super::fault::Fault;
use super::head::Field;
use scrubjay_command::namespace::{Named, is_name};
use scrubjay_store::DATABASES;

/// How many copies must agree, by name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Consistency {
    /// One copy writes, one copy reads.
    One,
    /// A majority for both.
    Quorum,
    /// Every copy writes, one reads.
    All,
    /// Every in-sync copy writes; reads see every acknowledged write.
    Strong,
    /// Reads only: the nearest copy, perhaps stale.
    Any,
    /// Reads only: at least what this session wrote.
    Session,
}

impl Consistency {
    /// The levels, as a write may name them first.
    pub const ALL: [(&'static str, Consistency); 6] = [
        ("one", Consistency::One),
        ("quorum", Consistency::Quorum),
        ("all", Consistency::All),
        ("strong", Consistency::Strong),
        ("any", Consistency::Any),
        ("session", Consistency::Session),
    ];

    /// Whether a write may ask for it.
    pub fn is_for_writes(self) -> bool {
        !matches!(self, Consistency::Any | Consistency::Session)
    }
}

/// The level that `X-Consistency` asks for. Errors: an unknown level, or one that a write cannot have.
pub fn consistency(request: &Request<'_>, write: bool) -> Result<Option<Consistency>, Fault> {
    let Some(name) = request.field(Field::XConsistency) else { return Ok(None) };
    let level = Consistency::ALL.into_iter().find(|(known, _)| name.eq_ignore_ascii_case(known.as_bytes()));
    match level {
        Some((_, level)) if write && !level.is_for_writes() => Err(Fault::bad(
            "X-Consistency 'any' and 'session' are levels for reads; a write takes one, quorum, all or strong",
        )),
        Some((_, level)) => Ok(Some(level)),
        None => Err(Fault::bad("X-Consistency must be one, quorum, all, strong, any or session")),
    }
}

/// What `X-Namespace` names. Errors: neither a number below [`DATABASES`] nor what can be a name.
pub fn namespace<'a>(request: &Request<'a>) -> Result<Option<Named<'a>>, Fault> {
    let Some(name) = request.field(Field::XNamespace) else { return Ok(None) };
    if is_name(name) {
        return Ok(Some(Named::Name(name)));
    }
    number(name).map(|number| Some(Named::Number(number))).ok_or(NO_NAMESPACE)
}

/// What cannot name a namespace.
pub const NO_NAMESPACE: Fault = Fault::bad(
    "a namespace is a number from 0 to 15, or a name of 1 to 64 letters, digits, '.', '_' and '-' that is no number",
);

/// The number of a database.
fn number(text: &[u8]) -> Option<u8> {
    std::str::from_utf8(text)
        .ok()
        .filter(|text| text.len() <= 2 && text.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|text| text.parse().ok())
        .filter(|&number| number < DATABASES)
}

/// The lifetime that `X-TTL` sets: seconds, or `none`.
pub fn lifetime(request: &Request<'_>) -> Result<Lifetime, Fault> {
    let Some(text) = request.field(Field::XTtl) else { return Ok(Lifetime::Default) };
    if text.eq_ignore_ascii_case(b"none") {
        return Ok(Lifetime::Forever);
    }
    let seconds = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
    Lifetime::of_seconds(seconds.ok_or(Fault::bad("X-TTL must be a number of seconds, or none"))?)
}

/// How long `X-Stale` keeps the value beyond its deadline, in milliseconds; 0: not at all.
pub fn stale_ms(request: &Request<'_>) -> Result<u64, Fault> {
    let Some(text) = request.field(Field::XStale) else { return Ok(0) };
    seconds(text).and_then(envelope::stale_ms).ok_or(Fault::bad("X-Stale must be a number of seconds above 0"))
}

/// The token that `X-Lease` shows.
pub fn token(request: &Request<'_>) -> Result<Option<u64>, Fault> {
    request.field(Field::XLease).map(|text| parse_token(text).ok_or(BAD_TOKEN)).transpose()
}

/// A token of a lease: a whole number above 0.
pub fn parse_token(text: &[u8]) -> Option<u64> {
    let number = scrubjay_command::args::parse_int(text)?;
    u64::try_from(number).ok().filter(|&token| token > 0)
}

/// What is no token.
pub const BAD_TOKEN: Fault = Fault::bad("a lease's token is the whole number above 0 that X-Lease of an answer said");

/// A number of seconds.
pub fn seconds(text: &[u8]) -> Option<f64> {
    std::str::from_utf8(text).ok()?.parse().ok().filter(|seconds: &f64| seconds.is_finite())
}

/// Whether the body is a JSON envelope. Everything else is the raw value.
pub fn has_json_body(request: &Request<'_>) -> bool {
    request.field(Field::ContentType).is_some_and(|field| media_type(field).eq_ignore_ascii_case(b"application/json"))
}

/// For routes that take an envelope only. Errors: 415.
pub fn require_json_body(request: &Request<'_>) -> Result<(), Fault> {
    if has_json_body(request) {
        return Ok(());
    }
    Err(Fault::new(415, "unsupported_media_type", "this route takes 'Content-Type: application/json'"))
}

/// Whether the client wants the bare bytes: it names `application/octet-stream` and does not like JSON as much.
#[inline]
pub fn wants_bytes(request: &Request<'_>) -> bool {
    let Some(field) = request.field(Field::Accept) else { return false };
    field != b"*/*" && weight(field, b"application/octet-stream") > weight(field, b"application/json")
}

/// A media type's weight in an `Accept` list, in thousandths; 0 if it is not named. Ranges do not count: `*/*` is content
/// with JSON.
fn weight(list: &[u8], wanted: &[u8]) -> u32 {
    let Some(range) = list.split(|&byte| byte == b',').find(|range| media_type(range).eq_ignore_ascii_case(wanted))
    else {
        return 0;
    };
    range
        .split(|&byte| byte == b';')
        .skip(1)
        .find_map(|parameter| {
            let parameter = parameter.trim_ascii();
            let value = parameter.strip_prefix(b"q=").or_else(|| parameter.strip_prefix(b"Q="))?;
            let weight: f32 = std::str::from_utf8(value).ok()?.parse().ok()?;
            Some((weight.clamp(0.0, 1.0) * 1000.0) as u32)
        })
        .unwrap_or(1000)
}

/// A media type without its parameters.
fn media_type(field: &[u8]) -> &[u8] {
    field.split(|&byte| byte == b';').next().unwrap_or(field).trim_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::decode::{Decoder, Limits};

    fn with<R>(field: &str, test: impl FnOnce(&Request<'_>) -> R) -> R {
        let text = format!("GET / HTTP/1.1\r\nHost: a\r\n{field}\r\n\r\n");
        let mut decoder = Decoder::new();
        decoder.decode(text.as_bytes(), &Limits::default()).expect(field);
        test(&decoder.request(text.as_bytes()))
    }

    #[test]
    fn bytes_are_sent_to_those_who_prefer_them() {
        for (accept, bytes) in [
            ("*/*", false),
            ("application/json", false),
            ("text/html, */*", false),
            ("application/octet-stream", true),
            ("APPLICATION/OCTET-STREAM;q=0.5, */*;q=0.1", true),
            ("application/octet-stream, */*", true),
            ("application/json, application/octet-stream", false),
            ("application/json;q=0.5, application/octet-stream", true),
            ("application/octet-stream;q=0", false),
        ] {
            assert_eq!(with(&format!("Accept: {accept}"), wants_bytes), bytes, "{accept}");
        }
    }

    #[test]
    fn namespaces_are_the_numbers_of_databases_and_names() {
        for (name, expected) in [
            ("0", Some(Named::Number(0))),
            ("15", Some(Named::Number(15))),
            ("07", Some(Named::Number(7))),
            ("x", Some(Named::Name(b"x"))),
            ("jobs.high", Some(Named::Name(b"jobs.high"))),
            ("16", None),
            ("-1", None),
            ("007", None),
            ("a b", None),
        ] {
            with(&format!("X-Namespace: {name}"), |request| {
                assert_eq!(namespace(request).ok().flatten(), expected, "{name}");
            });
        }
        assert_eq!(with("X-Other: 1", |request| namespace(request).map(|named| named.is_none())), Ok(true));
    }

    #[test]
    fn levels_for_reads_are_no_levels_for_writes() {
        for (name, reads, writes) in [
            ("one", true, true),
            ("QUORUM", true, true),
            ("all", true, true),
            ("any", true, false),
            ("best", false, false),
        ] {
            let field = format!("X-Consistency: {name}");
            assert_eq!(with(&field, |r| consistency(r, false).is_ok()), reads, "{name}");
            assert_eq!(with(&field, |r| consistency(r, true).is_ok()), writes, "{name}");
        }
    }

    #[test]
    fn lifetimes_are_seconds_above_zero() {
        for (text, expected) in [
            ("60", Some(Lifetime::Ms(60_000))),
            ("0.25", Some(Lifetime::Ms(250))),
            ("0.00001", Some(Lifetime::Ms(1))),
            ("none", Some(Lifetime::Forever)),
            ("0", None),
            ("-1", None),
            ("inf", None),
            ("nan", None),
            ("1e12", None),
            ("soon", None),
        ] {
            assert_eq!(with(&format!("X-TTL: {text}"), lifetime).ok(), expected, "{text}");
        }
    }

    #[test]
    fn json_is_known_by_its_media_type_alone() {
        for (field, json) in [
            ("application/json", true),
            ("Application/JSON; charset=utf-8", true),
            ("text/plain", false),
            ("application/x-www-form-urlencoded", false),
        ] {
            assert_eq!(with(&format!("Content-Type: {field}"), has_json_body), json, "{field}");
        }
    }
}
