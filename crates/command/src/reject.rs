//! What a command answers when it refuses: a code, a sentence, and the promise that nothing was changed.
//!
//! RESP clients get Redis' own texts, because programs match on them. Other protocols map [`Kind`] to their own codes.

use scrubjay_store::OutOfMemory;
use scrubjay_store::value::{Refused, WrongKind};
use std::borrow::Cow;
use std::fmt;

/// Whose fault it is and what to do, for protocols that have codes of their own.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    /// The request is malformed or its values are out of range: the client must change it.
    BadRequest,
    /// No such command, subcommand or route.
    Unknown,
    /// The key holds another type.
    WrongType,
    /// A precondition did not hold, the key is absent where it must exist, or exists where it must not.
    Conflict,
    /// The key does not exist and the command needs it.
    NotFound,
    /// The client has not authenticated, or the password is wrong.
    NoAuth,
    /// The client may not do this.
    Forbidden,
    /// No memory under the limit.
    OutOfMemory,
    /// Too large for a stated limit.
    TooLarge,
    /// The server cannot do this now; the same request may succeed later.
    Busy,
    /// A quota of requests a second is used up; the same request may succeed later.
    Limited,
    /// This server does not do this at all in its present configuration.
    Unsupported,
}

impl Kind {
    /// Every kind, so that tables in other languages can be checked against this one.
    pub const ALL: [Kind; 12] = [
        Kind::BadRequest,
        Kind::Unknown,
        Kind::WrongType,
        Kind::Conflict,
        Kind::NotFound,
        Kind::NoAuth,
        Kind::Forbidden,
        Kind::OutOfMemory,
        Kind::TooLarge,
        Kind::Busy,
        Kind::Limited,
        Kind::Unsupported,
    ];

    /// The kind's name in tables and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::BadRequest => "bad_request",
            Kind::Unknown => "unknown",
            Kind::WrongType => "wrong_type",
            Kind::Conflict => "conflict",
            Kind::NotFound => "not_found",
            Kind::NoAuth => "no_auth",
            Kind::Forbidden => "forbidden",
            Kind::OutOfMemory => "out_of_memory",
            Kind::TooLarge => "too_large",
            Kind::Busy => "busy",
            Kind::Limited => "limited",
            Kind::Unsupported => "unsupported",
        }
    }
}

/// A refusal. Nothing was changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reject {
    kind: Kind,
    /// The whole RESP error line without the leading `-`: first word is the code.
    line: Cow<'static, str>,
}

impl Reject {
    /// A refusal with a fixed text, which starts with its RESP code (`ERR ...`).
    pub const fn new(kind: Kind, line: &'static str) -> Reject {
        Reject { kind, line: Cow::Borrowed(line) }
    }

    /// A refusal with a text made for the occasion, which starts with its RESP code.
    pub fn with(kind: Kind, line: String) -> Reject {
        Reject { kind, line: Cow::Owned(line) }
    }

    /// `ERR syntax error`.
    pub const SYNTAX: Reject = Reject::new(Kind::BadRequest, "ERR syntax error");
    /// The key holds another type than the command works on.
    pub const WRONG_TYPE: Reject =
        Reject::new(Kind::WrongType, "WRONGTYPE Operation against a key holding the wrong kind of value");
    /// Not a 64-bit integer.
    pub const NOT_AN_INTEGER: Reject = Reject::new(Kind::BadRequest, "ERR value is not an integer or out of range");
    /// Not a number.
    pub const NOT_A_FLOAT: Reject = Reject::new(Kind::BadRequest, "ERR value is not a valid float");
    /// The key must exist.
    pub const NO_SUCH_KEY: Reject = Reject::new(Kind::NotFound, "ERR no such key");
    /// A result outside 64 bits.
    pub const OVERFLOW: Reject = Reject::new(Kind::BadRequest, "ERR increment or decrement would overflow");
    /// The memory limit stands in the way.
    pub const OUT_OF_MEMORY: Reject =
        Reject::new(Kind::OutOfMemory, "OOM command not allowed when used memory > 'maxmemory'.");
    /// The memory limit of the key's namespace stands in the way.
    pub const QUOTA_USED_UP: Reject = Reject::new(
        Kind::OutOfMemory,
        "OOM the namespace has used up its own memory limit, and nothing of it may be evicted: raise its limit or choose \
         another policy for it; nothing was changed",
    );
    /// A value beyond the string limit.
    pub const STRING_TOO_LONG: Reject =
        Reject::new(Kind::TooLarge, "ERR string exceeds maximum allowed size (proto-max-bulk-len)");

    /// A key of more than `bytes_max` bytes.
    pub fn key_too_long(bytes_max: usize) -> Reject {
        Reject::with(Kind::TooLarge, format!("ERR key is longer than {bytes_max} bytes"))
    }

    /// Too few or too many arguments for `command` (`get`, `client|kill`).
    pub fn arity(command: &str) -> Reject {
        Reject::with(
            Kind::BadRequest,
            format!("ERR wrong number of arguments for '{}' command", command.to_ascii_lowercase()),
        )
    }

    /// A lifetime that is zero, negative or beyond what a deadline can hold.
    pub fn invalid_expire(command: &str) -> Reject {
        Reject::with(Kind::BadRequest, format!("ERR invalid expire time in '{}' command", command.to_ascii_lowercase()))
    }

    /// What kind of refusal it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The RESP error line without `-`.
    pub fn line(&self) -> &str {
        &self.line
    }

    /// The RESP code, the line's first word: `ERR`, `WRONGTYPE`, `OOM`.
    pub fn code(&self) -> &str {
        self.line.split(' ').next().unwrap_or("ERR")
    }

    /// The sentence without the code, for people.
    pub fn message(&self) -> &str {
        self.line.split_once(' ').map_or("", |(_, message)| message)
    }
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line)
    }
}

impl std::error::Error for Reject {}

impl From<WrongKind> for Reject {
    fn from(_: WrongKind) -> Reject {
        Reject::WRONG_TYPE
    }
}

impl From<Refused> for Reject {
    fn from(refused: Refused) -> Reject {
        match refused {
            Refused::WrongKind => Reject::WRONG_TYPE,
            Refused::OutOfMemory(limit) => limit.into(),
        }
    }
}

impl From<OutOfMemory> for Reject {
    fn from(limit: OutOfMemory) -> Reject {
        match limit {
            OutOfMemory::Node => Reject::OUT_OF_MEMORY,
            OutOfMemory::Namespace => Reject::QUOTA_USED_UP,
        }
    }
}
