//! The JSON bodies of requests.
//!
//! ```text
//! PUT  /cache/{key}   {"value": any JSON, "ttl": seconds | null, "tags": []}      or "base64" for "value"
//! POST /cache         the same with "key"
//! POST /cache/bulk    {"items": [{"key", "value", "ttl"}, ...]}
//! POST /cache/batch   {"keys": ["a", "b"]}
//! ```
//!
//! Unknown members are refused: a cache that overlooks a misspelt `"tll"` keeps an entry for ever. Everything is checked
//! before anything is stored. Texts are borrowed from the body wherever they have no escapes.

use super::fault::Fault;
use super::json;
use scrubjay_store::{Deadline, flags};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

/// Most items or keys in one request.
pub const BATCH_MAX: usize = 1_000_000;
/// Longest lifetime, in seconds: 3170 years, below what a deadline can hold.
pub const TTL_SECONDS_MAX: f64 = 1e11;

/// One value to store, as the client wrote it.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields, bound = "'de: 'a")]
struct RawItem<'a> {
    #[serde(default, deserialize_with = "present")]
    key: Option<Text<'a>>,
    #[serde(default, deserialize_with = "present")]
    value: Option<&'a RawValue>,
    #[serde(default, deserialize_with = "present")]
    base64: Option<Text<'a>>,
    /// The outer level: is it there; the inner: is it a number or null.
    #[serde(default, deserialize_with = "present")]
    ttl: Option<Option<f64>>,
    #[serde(default, deserialize_with = "present")]
    tags: Option<Many<Text<'a>>>,
}

/// `null` is a value like others, where any is allowed, and an error where none is: its presence is not absence.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// A JSON string, borrowed from the body if it has no escapes.
#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(transparent)]
pub struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

impl AsRef<[u8]> for Text<'_> {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// One value to store, checked.
#[derive(Clone, PartialEq, Debug)]
pub struct Item<'a> {
    /// The key, where the body says it.
    pub key: Cow<'a, str>,
    /// The bytes to store.
    pub bytes: Cow<'a, [u8]>,
    /// What they are.
    pub flags: u32,
    /// How long they live.
    pub lifetime: Lifetime,
}

/// How long a value shall live.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lifetime {
    /// As the node or namespace says.
    Default,
    /// Until it is deleted or evicted.
    Forever,
    /// This many milliseconds, at least one.
    Ms(u64),
}

impl Lifetime {
    /// Reads seconds: above 0, at most [`TTL_SECONDS_MAX`]. Less than a millisecond is one.
    pub fn of_seconds(seconds: f64) -> Result<Lifetime, Fault> {
        if !(seconds > 0.0 && seconds <= TTL_SECONDS_MAX) {
            return Err(Fault::bad("ttl must be a number of seconds above 0 and at most 1e11, or null for none"));
        }
        Ok(Lifetime::Ms(((seconds * 1000.0).round() as u64).max(1)))
    }

    /// The deadline that follows.
    pub fn deadline(self, now_ms: u64) -> Deadline {
        match self {
            Lifetime::Default => Deadline::Default,
            Lifetime::Forever => Deadline::Never,
            Lifetime::Ms(ms) => Deadline::At(now_ms.saturating_add(ms)),
        }
    }
}

impl<'a> RawItem<'a> {
    fn check(self) -> Result<(Option<Text<'a>>, Item<'a>), Fault> {
        if self.tags.is_some_and(|tags| !tags.0.is_empty()) {
            return Err(Fault::new(400, "tags_unsupported", "this node does not keep tags; nothing was stored"));
        }
        let lifetime = match self.ttl {
            None => Lifetime::Default,
            Some(None) => Lifetime::Forever,
            Some(Some(seconds)) => Lifetime::of_seconds(seconds)?,
        };
        let (bytes, flags) = match (self.value, self.base64) {
            (Some(value), None) => stored_form(value)?,
            (None, Some(text)) => {
                let bytes = json::decode_base64(text.as_ref())
                    .ok_or(Fault::bad("\"base64\" is not padded base64 in the standard alphabet"))?;
                (Cow::Owned(bytes), flags::NONE)
            }
            _ => return Err(Fault::bad("exactly one of \"value\" and \"base64\" is needed")),
        };
        Ok((self.key, Item { key: Cow::Borrowed(""), bytes, flags, lifetime }))
    }

    fn check_with_key(self) -> Result<Item<'a>, Fault> {
        let (key, item) = self.check()?;
        Ok(Item { key: key.ok_or(Fault::bad("\"key\" is missing"))?.0, ..item })
    }
}

/// A JSON string is stored bare, anything else as its text with the mark.
fn stored_form(value: &RawValue) -> Result<(Cow<'_, [u8]>, u32), Fault> {
    let text = value.get();
    if !text.starts_with('"') {
        return Ok((Cow::Borrowed(text.as_bytes()), flags::JSON));
    }
    let plain = &text[1..text.len() - 1];
    if memchr::memchr(b'\\', plain.as_bytes()).is_none() {
        return Ok((Cow::Borrowed(plain.as_bytes()), flags::NONE));
    }
    let unescaped: String = serde_json::from_str(text).map_err(unreadable)?;
    Ok((Cow::Owned(unescaped.into_bytes()), flags::NONE))
}

fn unreadable(error: serde_json::Error) -> Fault {
    Fault::with(400, "bad_json", format!("the body is not the JSON that this route takes: {error}"))
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Fault> {
    let text = std::str::from_utf8(body).map_err(|_| Fault::new(400, "bad_json", "the body is not UTF-8"))?;
    serde_json::from_str::<Object<T>>(text).map(|object| object.0).map_err(unreadable)
}

/// The body of `PUT /cache/{key}`.
pub fn value(body: &[u8]) -> Result<Item<'_>, Fault> {
    match read::<RawItem<'_>>(body)?.check()? {
        (None, item) => Ok(item),
        (Some(_), _) => Err(Fault::bad("the key stands in the path; \"key\" belongs to POST /cache")),
    }
}

/// The body of `POST /cache`.
pub fn keyed(body: &[u8]) -> Result<Item<'_>, Fault> {
    read::<RawItem<'_>>(body)?.check_with_key()
}

/// The body of `POST /cache/bulk`.
pub fn items(body: &[u8]) -> Result<Vec<Item<'_>>, Fault> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Items<'a> {
        #[serde(borrow)]
        items: Many<Object<RawItem<'a>>>,
    }
    let items = read::<Items<'_>>(body)?.items.0;
    items
        .into_iter()
        .enumerate()
        .map(|(index, Object(raw))| {
            let place = |fault: Fault| Fault { message: format!("item {index}: {}", fault.message).into(), ..fault };
            raw.check_with_key().map_err(place)
        })
        .collect()
}

/// The body of `POST /cache/batch`.
pub fn keys(body: &[u8]) -> Result<Vec<Text<'_>>, Fault> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Keys<'a> {
        #[serde(borrow)]
        keys: Many<Text<'a>>,
    }
    Ok(read::<Keys<'_>>(body)?.keys.0)
}

/// A JSON object. `serde` alone would also read a struct from an array of its members, which no client means.
#[derive(Debug)]
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Object<T>, D::Error> {
        struct Members<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(members)).map(Object)
            }
        }
        deserializer.deserialize_map(Members(PhantomData))
    }
}

/// A list with a bound, so that a body of brackets cannot take many times its own size.
#[derive(Debug)]
struct Many<T>(Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Many<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Many<T>, D::Error> {
        struct Bounded<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Bounded<T> {
            type Value = Many<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a list of at most {BATCH_MAX}")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Many<T>, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = sequence.next_element()? {
                    if items.len() == BATCH_MAX {
                        return Err(serde::de::Error::invalid_length(BATCH_MAX + 1, &self));
                    }
                    items.push(item);
                }
                Ok(Many(items))
            }
        }
        deserializer.deserialize_seq(Bounded(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(body: &str) -> Result<(String, u32, Lifetime), &'static str> {
        value(body.as_bytes())
            .map(|item| (String::from_utf8_lossy(&item.bytes).into_owned(), item.flags, item.lifetime))
            .map_err(|fault| fault.code)
    }

    #[test]
    fn values_are_stored_bare_or_as_their_own_text() {
        for (body, bytes, mark) in [
            (r#"{"value":"abc"}"#, "abc", flags::NONE),
            (r#"{"value":"a\"\u00e9"}"#, "a\"é", flags::NONE),
            (r#"{"value":""}"#, "", flags::NONE),
            (r#"{"value":1.0}"#, "1.0", flags::JSON),
            (r#"{"value":123456789012345678901234567890}"#, "123456789012345678901234567890", flags::JSON),
            (r#"{"value":null}"#, "null", flags::JSON),
            (r#" {"value" : { "a": [1, true] } }"#, r#"{ "a": [1, true] }"#, flags::JSON),
            (r#"{"base64":"YQ=="}"#, "a", flags::NONE),
        ] {
            assert_eq!(stored(body), Ok((bytes.into(), mark, Lifetime::Default)), "{body}");
        }
    }

    #[test]
    fn lifetimes_are_absent_none_or_seconds() {
        for (ttl, expected) in [
            (r#","ttl":60"#, Lifetime::Ms(60_000)),
            (r#","ttl":0.5"#, Lifetime::Ms(500)),
            (r#","ttl":1e-9"#, Lifetime::Ms(1)),
            (r#","ttl":null"#, Lifetime::Forever),
            ("", Lifetime::Default),
        ] {
            assert_eq!(stored(&format!(r#"{{"value":1{ttl}}}"#)).map(|s| s.2), Ok(expected), "{ttl}");
        }
    }

    #[test]
    fn what_is_not_an_envelope_is_refused() {
        for (body, code) in [
            ("", "bad_json"),
            ("1", "bad_json"),
            ("[]", "bad_json"),
            (r#"["k", 1]"#, "bad_json"),
            ("{}", "bad_request"),
            (r#"{"value":1,"value":2}"#, "bad_json"),
            (r#"{"value":1,"base64":"YQ=="}"#, "bad_request"),
            (r#"{"value":1,"tll":60}"#, "bad_json"),
            (r#"{"value":1,"ttl":0}"#, "bad_request"),
            (r#"{"value":1,"ttl":-1}"#, "bad_request"),
            (r#"{"value":1,"ttl":1e300}"#, "bad_request"),
            (r#"{"value":1,"ttl":"60"}"#, "bad_json"),
            (r#"{"value":1,"ttl":1e999}"#, "bad_json"),
            (r#"{"value":1,"tags":["a"]}"#, "tags_unsupported"),
            (r#"{"value":1,"tags":null}"#, "bad_json"),
            (r#"{"value":1,"key":"k"}"#, "bad_request"),
            (r#"{"value":"\ud800"}"#, "bad_json"),
            ("{\"value\":\"a\nb\"}", "bad_json"),
            (r#"{"value":nul}"#, "bad_json"),
            (r#"{"value":1}x"#, "bad_json"),
            (r#"{"base64":"!"}"#, "bad_request"),
            (r#"{"base64":null}"#, "bad_json"),
        ] {
            assert_eq!(stored(body), Err(code), "{body}");
        }
        assert_eq!(value(b"{\"value\":\"\xff\"}").map_err(|fault| fault.code), Err("bad_json"));
        assert_eq!(stored(r#"{"value":1,"tags":[]}"#).map(|s| s.0), Ok("1".into()));
    }

    #[test]
    fn texts_without_escapes_are_borrowed() {
        let body = br#"{"items":[{"key":"k","value":"v"},{"key":"\u006b","value":"v"}]}"#;
        let items = items(body).expect("valid");
        assert!(matches!((&items[0].key, &items[1].key), (Cow::Borrowed("k"), Cow::Owned(key)) if key == "k"));
        assert!(matches!(items[0].bytes, Cow::Borrowed(b"v")));
        assert!(matches!(keys(br#"{"keys":["a"]}"#).expect("valid")[0].0, Cow::Borrowed("a")));
    }

    #[test]
    fn a_bad_item_is_named_and_refuses_all() {
        let fault = items(br#"{"items":[{"key":"a","value":1},{"value":2}]}"#).expect_err("no key");
        assert_eq!(fault.message, "item 1: \"key\" is missing");
        assert!(items(br#"{"items":[["k", 1]]}"#).is_err() && items(br#"[[]]"#).is_err());
        assert!(items(br#"{"items":{}}"#).is_err() && items(b"{}").is_err() && keys(br#"{"keys":[1]}"#).is_err());
    }

    #[test]
    fn depth_costs_no_stack() {
        let deep = format!(r#"{{"value":{}{}}}"#, "[".repeat(1_000_000), "]".repeat(1_000_000));
        assert_eq!(stored(&deep).map(|s| s.1), Ok(flags::JSON));
    }
}
