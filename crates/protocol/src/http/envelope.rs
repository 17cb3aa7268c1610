//! The JSON bodies of requests.
//!
//! ```text
//! PUT  /cache/{key}   {"value": any JSON, "ttl": seconds | null, "stale": seconds, "tags": []}   or "base64" for "value"
//! POST /cache         the same with "key"
//! POST /cache/bulk    {"items": [{"key", "value", "ttl"}, ...]}
//! POST /cache/batch   {"keys": ["a", "b"]}
//! ```
//!
//! Unknown members are refused: a cache that overlooks a misspelt `"tll"` keeps an entry for ever. Everything is checked
//! before anything is stored. Texts are borrowed from the body wherever they have no escapes.

use super::fault::Fault;
use super::json;
use scrubjay_command::Context;
use scrubjay_command::family::group::TAGS_MAX;
use scrubjay_command::family::string::Expiry;
use scrubjay_store::flags;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

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
    stale: Option<f64>,
    #[serde(default, deserialize_with = "present")]
    tags: Option<Vec<Text<'a>>>,
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
    /// How long they are kept beyond that; 0: not at all.
    pub stale_ms: u64,
    /// The groups that they belong to.
    pub tags: Vec<Cow<'a, str>>,
}

impl Item<'_> {
    /// The names of its tags.
    pub fn tag_names(&self) -> Vec<&[u8]> {
        self.tags.iter().map(|tag| tag.as_bytes()).collect()
    }

    /// When it expires: as it says itself, else as the header says. What is kept beyond a deadline needs one.
    pub fn expiry(&self, header: Lifetime, header_stale_ms: u64, cx: &Context<'_>) -> Expiry {
        let lifetime = if self.lifetime == Lifetime::Default { header } else { self.lifetime };
        let stale_ms = if self.stale_ms == 0 { header_stale_ms } else { self.stale_ms };
        let ttl_ms = match lifetime {
            _ if stale_ms == 0 => 0,
            Lifetime::Ms(ms) => ms,
            Lifetime::Default => cx.default_ttl_ms(),
            Lifetime::Forever => 0,
        };
        if ttl_ms == 0 {
            return lifetime.expiry();
        }
        let at = cx.now_ms.saturating_add(ttl_ms);
        Expiry::Stale { at, until: at.saturating_add(stale_ms) }
    }
}

/// Seconds for which something is kept as stale, in milliseconds: above 0, at most [`TTL_SECONDS_MAX`].
pub fn stale_ms(seconds: f64) -> Option<u64> {
    (seconds > 0.0 && seconds <= TTL_SECONDS_MAX).then(|| ((seconds * 1000.0).round() as u64).max(1))
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

    /// What a write is told.
    pub fn expiry(self) -> Expiry {
        match self {
            Lifetime::Default => Expiry::Default,
            Lifetime::Forever => Expiry::Never,
            Lifetime::Ms(ms) => Expiry::InMs(ms),
        }
    }
}

impl<'a> RawItem<'a> {
    fn check(self) -> Result<(Option<Text<'a>>, Item<'a>), Fault> {
        let tags: Vec<Cow<'a, str>> = self.tags.unwrap_or_default().into_iter().map(|tag| tag.0).collect();
        if tags.len() > TAGS_MAX {
            return Err(Fault::bad("a value has at most 64 tags; nothing was stored"));
        }
        let lifetime = match self.ttl {
            None => Lifetime::Default,
            Some(None) => Lifetime::Forever,
            Some(Some(seconds)) => Lifetime::of_seconds(seconds)?,
        };
        let stale_ms = match self.stale.map(stale_ms) {
            None => 0,
            Some(ms) => ms.ok_or(Fault::bad("stale must be a number of seconds above 0 and at most 1e11"))?,
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
        Ok((self.key, Item { key: Cow::Borrowed(""), bytes, flags, lifetime, stale_ms, tags }))
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

fn utf8(body: &[u8]) -> Result<&str, Fault> {
    std::str::from_utf8(body).map_err(|_| Fault::new(400, "bad_json", "the body is not UTF-8"))
}

/// Reads a body that is one JSON object. Errors: 400.
pub(super) fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Fault> {
    serde_json::from_str::<Object<T>>(utf8(body)?).map(|object| object.0).map_err(unreadable)
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

/// The body of `POST /cache/bulk`, of at most `most` items.
pub fn items(body: &[u8], most: usize) -> Result<Vec<Item<'_>>, Fault> {
    list::<Object<RawItem<'_>>>(body, "items", most)?
        .into_iter()
        .enumerate()
        .map(|(index, Object(raw))| {
            let place = |fault: Fault| Fault { message: format!("item {index}: {}", fault.message).into(), ..fault };
            raw.check_with_key().map_err(place)
        })
        .collect()
}

/// The body of `POST /cache/batch`, of at most `most` keys.
pub fn keys(body: &[u8], most: usize) -> Result<Vec<Text<'_>>, Fault> {
    list(body, "keys", most)
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

/// Reads `{"<name>": [...]}`. The list is bounded while it is read, so that a body of brackets cannot take many times its
/// own size in memory.
fn list<'a, T: Deserialize<'a>>(body: &'a [u8], name: &'static str, most: usize) -> Result<Vec<T>, Fault> {
    let mut reader = serde_json::Deserializer::from_str(utf8(body)?);
    let list = reader.deserialize_map(Only { name, list: List { most, of: PhantomData } }).map_err(unreadable)?;
    reader.end().map_err(unreadable)?;
    Ok(list)
}

/// An object with one member.
struct Only<T> {
    name: &'static str,
    list: List<T>,
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Only<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with a list called \"{}\"", self.name)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Vec<T>, A::Error> {
        let named = |name: Option<Text<'de>>| name.is_some_and(|name| name.0 == self.name);
        if !named(members.next_key()?) {
            return Err(Error::missing_field(self.name));
        }
        let list = members.next_value_seed(self.list)?;
        match members.next_key::<Text<'de>>()? {
            None => Ok(list),
            Some(other) => {
                Err(Error::custom(format_args!("unknown field `{}`, expected only `{}`", other.0, self.name)))
            }
        }
    }
}

struct List<T> {
    most: usize,
    of: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for List<T> {
    type Value = Vec<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<T>, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for List<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of at most {}", self.most)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Vec<T>, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = sequence.next_element()? {
            if list.len() == self.most {
                return Err(Error::invalid_length(self.most + 1, &self));
            }
            list.push(item);
        }
        Ok(list)
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
            (r#"{"value":1,"ttl":1,"stale":0}"#, "bad_request"),
            (r#"{"value":1,"ttl":1,"stale":null}"#, "bad_json"),
            (r#"{"value":1,"tags":[1]}"#, "bad_json"),
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
        let items = items(body, 2).expect("valid");
        assert!(matches!((&items[0].key, &items[1].key), (Cow::Borrowed("k"), Cow::Owned(key)) if key == "k"));
        assert!(matches!(items[0].bytes, Cow::Borrowed(b"v")));
        assert!(matches!(keys(br#"{"keys":["a"]}"#, 1).expect("valid")[0].0, Cow::Borrowed("a")));
    }

    #[test]
    fn a_bad_item_is_named_and_refuses_all() {
        let fault = items(br#"{"items":[{"key":"a","value":1},{"value":2}]}"#, 9).expect_err("no key");
        assert_eq!(fault.message, "item 1: \"key\" is missing");
        for bad in
            ["{}", "[[]]", r#"{"items":{}}"#, r#"{"items":[["k", 1]]}"#, r#"{"items":[],"more":1}"#, r#"{"items":[]}x"#]
        {
            assert_eq!(items(bad.as_bytes(), 9).map_err(|fault| fault.code), Err("bad_json"), "{bad}");
        }
        assert!(keys(br#"{"keys":[1]}"#, 9).is_err());
    }

    #[test]
    fn a_list_is_bounded() {
        assert_eq!(keys(br#"{"keys":["a","b"]}"#, 2).map(|keys| keys.len()), Ok(2));
        let fault = keys(br#"{"keys":["a","b"]}"#, 1).expect_err("one too many");
        assert!(fault.message.contains("a list of at most 1"), "{fault}");
    }

    #[test]
    fn depth_costs_no_stack() {
        let deep = format!(r#"{{"value":{}{}}}"#, "[".repeat(1_000_000), "]".repeat(1_000_000));
        assert_eq!(stored(&deep).map(|s| s.1), Ok(flags::JSON));
    }
}
