//! A setting's value: what kinds there are, how each is read from text and written as text.
//!
//! Text is the one form that a flag, an environment variable, a TOML file and `CONFIG SET` share, so reading and writing
//! it happens here only. [`Held`] carries a value into and out of its typed field of [`Config`](super::Config).

use scrubjay_base::{duration, size::Size};
use scrubjay_command::event::Classes;
use scrubjay_store::Policy;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// What a setting takes.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// IP addresses, separated by commas or spaces.
    Addresses,
    /// A TCP port; 0 closes the door.
    Port,
    /// A size that may also be a share of the machine's memory.
    Memory,
    /// A size in bytes, within bounds.
    Bytes {
        /// The least accepted.
        min: u64,
        /// The most accepted.
        max: u64,
    },
    /// A duration, at most this many seconds.
    Duration {
        /// The longest accepted.
        max_s: u64,
    },
    /// An integer within bounds.
    Int {
        /// The least accepted.
        min: i64,
        /// The most accepted.
        max: i64,
        /// What is counted, for people: `threads`, `microseconds`.
        unit: &'static str,
    },
    /// `true` or `false`; `yes`, `no`, `on`, `off`, `1` and `0` are understood too.
    Bool,
    /// One of some words.
    Choice(&'static [&'static str]),
    /// The name of an eviction policy.
    Policy,
    /// Letters that choose keyspace events.
    Events,
    /// A file or folder; empty: none.
    Path,
    /// Text that is never shown; empty: none.
    Secret,
}

/// A value that was read.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    /// Of [`Kind::Addresses`].
    Addresses(Vec<IpAddr>),
    /// Of [`Kind::Memory`].
    Memory(Size),
    /// Of [`Kind::Bytes`].
    Bytes(u64),
    /// Of [`Kind::Duration`].
    Duration(Duration),
    /// Of [`Kind::Port`] and [`Kind::Int`].
    Int(i64),
    /// Of [`Kind::Bool`].
    Bool(bool),
    /// Of [`Kind::Choice`].
    Choice(&'static str),
    /// Of [`Kind::Policy`].
    Policy(Policy),
    /// Of [`Kind::Events`].
    Events(Classes),
    /// Of [`Kind::Path`].
    Path(Option<PathBuf>),
    /// Of [`Kind::Secret`].
    Secret(Secret),
}

impl Kind {
    /// Reads `text`. The error completes a sentence that begins with the setting's name and a colon, and says what would
    /// be accepted.
    pub fn read(self, text: &str) -> Result<Value, String> {
        let trimmed = text.trim();
        match self {
            Kind::Addresses => addresses(trimmed).map(Value::Addresses),
            Kind::Port => int(trimmed, 0, 65535, "a port").map(Value::Int),
            Kind::Memory => Size::parse(trimmed).map(Value::Memory).map_err(|bad| bad.to_string()),
            Kind::Bytes { min, max } => match Size::parse(trimmed) {
                Ok(Size::Bytes(bytes)) if (min..=max).contains(&bytes) => Ok(Value::Bytes(bytes)),
                Ok(_) => Err(format!("'{trimmed}' is not between {} and {}", exact_size(min), exact_size(max))),
                Err(_) => Err(format!("'{trimmed}' is not a size: write bytes (1048576) or a unit (64kb, 100mb, 4gb)")),
            },
            Kind::Duration { max_s } => match duration::parse(trimmed) {
                Ok(found) if found.as_secs() <= max_s => Ok(Value::Duration(found)),
                Ok(_) => Err(format!("'{trimmed}' is longer than {}", duration::show(Duration::from_secs(max_s)))),
                Err(bad) => Err(bad.to_string()),
            },
            Kind::Int { min, max, unit } => int(trimmed, min, max, unit).map(Value::Int),
            Kind::Bool => match trimmed.to_ascii_lowercase().as_str() {
                "true" | "yes" | "on" | "1" => Ok(Value::Bool(true)),
                "false" | "no" | "off" | "0" => Ok(Value::Bool(false)),
                _ => Err(format!("'{trimmed}' is neither true nor false")),
            },
            Kind::Choice(words) => words
                .iter()
                .find(|word| word.eq_ignore_ascii_case(trimmed))
                .map(|word| Value::Choice(word))
                .ok_or_else(|| format!("'{trimmed}' is not one of {}", words.join(", "))),
            Kind::Policy => {
                trimmed.parse().map(Value::Policy).map_err(|unknown: scrubjay_store::UnknownPolicy| unknown.to_string())
            }
            Kind::Events => Classes::parse(trimmed).map(Value::Events).ok_or_else(|| {
                format!("'{trimmed}' has a letter that chooses no events: write some of KEg$lshzxetdmn, or A for most")
            }),
            Kind::Path => Ok(Value::Path((!trimmed.is_empty()).then(|| PathBuf::from(trimmed)))),
            // Spaces may be part of a password.
            Kind::Secret => Ok(Value::Secret(Secret(text.to_owned()))),
        }
    }

    /// What is accepted, for the reference page and for help texts.
    pub fn describe(self) -> String {
        match self {
            Kind::Addresses => "addresses".to_owned(),
            Kind::Port => "port, 0 to 65535".to_owned(),
            Kind::Memory => "size or percentage".to_owned(),
            Kind::Bytes { min, max } => format!("size, {} to {}", exact_size(min), exact_size(max)),
            Kind::Duration { max_s } => format!("duration, up to {}", duration::show(Duration::from_secs(max_s))),
            Kind::Int { min, max, unit } => format!("{unit}, {min} to {max}"),
            Kind::Bool => "true or false".to_owned(),
            Kind::Choice(words) => format!("one of {}", words.join(", ")),
            Kind::Policy => format!("one of {}", Policy::ALL.map(Policy::name).join(", ")),
            Kind::Events => "letters of KEg$lshzxetdmnA".to_owned(),
            Kind::Path => "path".to_owned(),
            Kind::Secret => "secret".to_owned(),
        }
    }

    /// The kind's name, for programs: what `_core.settings()` and the command line switch on.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Addresses => "addresses",
            Kind::Port => "port",
            Kind::Memory => "memory",
            Kind::Bytes { .. } => "bytes",
            Kind::Duration { .. } => "duration",
            Kind::Int { .. } => "int",
            Kind::Bool => "bool",
            Kind::Choice(_) => "choice",
            Kind::Policy => "policy",
            Kind::Events => "events",
            Kind::Path => "path",
            Kind::Secret => "secret",
        }
    }

    /// Whether a TOML file writes the value between quotation marks.
    pub fn quoted_in_toml(self) -> bool {
        !matches!(self, Kind::Port | Kind::Int { .. } | Kind::Bool)
    }
}

impl fmt::Display for Value {
    /// The text that reads back as this value. A secret is shown: mask it where people look.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Addresses(list) => {
                let texts: Vec<String> = list.iter().map(IpAddr::to_string).collect();
                f.write_str(&texts.join(","))
            }
            Value::Memory(Size::Percent(percent)) => write!(f, "{percent}%"),
            Value::Memory(Size::Bytes(bytes)) | Value::Bytes(bytes) => f.write_str(&exact_size(*bytes)),
            Value::Duration(duration) => f.write_str(&duration::show(*duration)),
            Value::Int(value) => write!(f, "{value}"),
            Value::Bool(value) => write!(f, "{value}"),
            Value::Choice(word) => f.write_str(word),
            Value::Policy(policy) => f.write_str(policy.name()),
            Value::Events(classes) => write!(f, "{classes}"),
            Value::Path(path) => path.iter().try_for_each(|path| write!(f, "{}", path.display())),
            Value::Secret(secret) => f.write_str(&secret.0),
        }
    }
}

/// Bytes in the largest unit that needs no fraction: `64kb`, `512mb`, `1000`.
pub fn exact_size(bytes: u64) -> String {
    let units = [(1u64 << 40, "tb"), (1 << 30, "gb"), (1 << 20, "mb"), (1 << 10, "kb")];
    match units.iter().find(|(unit, _)| bytes > 0 && bytes.is_multiple_of(*unit)) {
        Some((unit, name)) => format!("{}{name}", bytes / unit),
        None => bytes.to_string(),
    }
}

fn int(text: &str, min: i64, max: i64, unit: &str) -> Result<i64, String> {
    match text.parse::<i64>() {
        Ok(value) if (min..=max).contains(&value) => Ok(value),
        Ok(_) => Err(format!("{text} is out of range: write {unit} from {min} to {max}")),
        Err(_) => Err(format!("'{text}' is not a whole number: write {unit} from {min} to {max}")),
    }
}

fn addresses(text: &str) -> Result<Vec<IpAddr>, String> {
    let mut list = Vec::new();
    for word in text.split([',', ' ']).filter(|word| !word.is_empty()) {
        // Redis writes `-::1` for "if there is such an address" and `*` for all; both are understood.
        let address = match word.strip_prefix('-').unwrap_or(word) {
            "localhost" => IpAddr::from([127, 0, 0, 1]),
            "*" => IpAddr::from([0, 0, 0, 0]),
            plain => plain.trim_matches(['[', ']']).parse().map_err(|_| {
                format!("'{word}' is not an IP address: write 127.0.0.1, ::1, or 0.0.0.0 for all of this machine's")
            })?,
        };
        if !list.contains(&address) {
            list.push(address);
        }
    }
    if list.is_empty() { Err("no address given: write 127.0.0.1 for this machine only".to_owned()) } else { Ok(list) }
}

/// A text that is kept from logs and debug output.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(String);

impl Secret {
    /// A secret.
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    /// Whether none is set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether `guess` is the secret. Takes the same time for every guess of the same length.
    pub fn equals(&self, guess: &[u8]) -> bool {
        let secret = self.0.as_bytes();
        // The longer text decides how many steps are taken, so the length of the secret does not show either way.
        let difference = (0..secret.len().max(guess.len())).fold(secret.len() ^ guess.len(), |difference, i| {
            difference | usize::from(secret.get(i).unwrap_or(&0) ^ guess.get(i).unwrap_or(&0))
        });
        std::hint::black_box(difference) == 0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_empty() { "Secret(none)" } else { "Secret(***)" })
    }
}

/// A field's type: carries a [`Value`] into the field and out of it.
pub(super) trait Held: Sized {
    /// The field's value; `None` if `value` is of another kind, which the table of settings excludes and a test checks.
    fn from_value(value: Value) -> Option<Self>;
    /// The field as a value.
    fn to_value(&self) -> Value;
}

macro_rules! held {
    ($($type:ty: $pattern:pat => $from:expr, $self:ident => $to:expr;)*) => {$(
        impl Held for $type {
            fn from_value(value: Value) -> Option<$type> {
                match value { $pattern => $from, _ => None }
            }
            fn to_value(&self) -> Value {
                let $self = self;
                $to
            }
        }
    )*};
}

held! {
    Vec<IpAddr>: Value::Addresses(list) => Some(list), list => Value::Addresses(list.clone());
    Size: Value::Memory(size) => Some(size), size => Value::Memory(*size);
    u64: Value::Bytes(bytes) => Some(bytes), bytes => Value::Bytes(*bytes);
    Duration: Value::Duration(duration) => Some(duration), duration => Value::Duration(*duration);
    u16: Value::Int(value) => u16::try_from(value).ok(), value => Value::Int(i64::from(*value));
    i64: Value::Int(value) => Some(value), value => Value::Int(*value);
    usize: Value::Int(value) => usize::try_from(value).ok(), value => Value::Int(*value as i64);
    bool: Value::Bool(value) => Some(value), value => Value::Bool(*value);
    &'static str: Value::Choice(word) => Some(word), word => Value::Choice(word);
    Policy: Value::Policy(policy) => Some(policy), policy => Value::Policy(*policy);
    Classes: Value::Events(classes) => Some(classes), classes => Value::Events(*classes);
    Option<PathBuf>: Value::Path(path) => Some(path), path => Value::Path(path.clone());
    Secret: Value::Secret(secret) => Some(secret), secret => Value::Secret(secret.clone());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_read_and_show_as_documented() {
        for (kind, text, shown) in [
            (Kind::Addresses, "127.0.0.1 -::1", "127.0.0.1,::1"),
            (Kind::Addresses, "localhost, [::1], 127.0.0.1", "127.0.0.1,::1"),
            (Kind::Memory, "80%", "80%"),
            (Kind::Memory, "1048576", "1mb"),
            (Kind::Bytes { min: 0, max: 1 << 30 }, "64kb", "64kb"),
            (Kind::Duration { max_s: 100 }, "1500ms", "1500ms"),
            (Kind::Int { min: -1, max: 9, unit: "things" }, "-1", "-1"),
            (Kind::Bool, "YES", "true"),
            (Kind::Choice(&["a", "b"]), "B", "b"),
            (Kind::Policy, "lru", "allkeys-lru"),
            (Kind::Events, "KEA", "AKE"),
            (Kind::Path, " /tmp ", "/tmp"),
            (Kind::Secret, " two words ", " two words "),
        ] {
            let value = kind.read(text).unwrap_or_else(|bad| panic!("{kind:?} {text}: {bad}"));
            assert_eq!(value.to_string(), shown);
            assert_eq!(kind.read(shown), Ok(value), "{kind:?}: what is shown reads back");
        }
    }

    #[test]
    fn refusals_repeat_the_text_and_say_what_would_be_accepted() {
        for (kind, text, expected) in [
            (Kind::Addresses, "example.org", "0.0.0.0"),
            (Kind::Addresses, "", "127.0.0.1"),
            (Kind::Port, "65536", "from 0 to 65535"),
            (Kind::Port, "http", "'http'"),
            (Kind::Memory, "lots", "80%"),
            (Kind::Bytes { min: 1024, max: 1 << 20 }, "2mb", "1kb and 1mb"),
            (Kind::Bytes { min: 1024, max: 1 << 20 }, "50%", "1kb and 1mb"),
            (Kind::Duration { max_s: 60 }, "2m", "1m"),
            (Kind::Bool, "maybe", "'maybe'"),
            (Kind::Choice(&["a", "b"]), "c", "a, b"),
            (Kind::Policy, "lur", "allkeys-s3fifo"),
            (Kind::Events, "KEq", "'KEq'"),
        ] {
            let refusal = kind.read(text).unwrap_err();
            assert!(refusal.contains(expected), "{kind:?} {text}: {refusal}");
        }
    }

    #[test]
    fn a_secret_equals_only_itself_and_is_never_printed() {
        let secret = Secret::new("swordfish");
        assert!(secret.equals(b"swordfish"));
        for guess in [&b""[..], b"swordfis", b"swordfisi", b"swordfish\0"] {
            assert!(!secret.equals(guess));
        }
        assert_eq!(format!("{secret:?}"), "Secret(***)");
    }
}
