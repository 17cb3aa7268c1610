//! Why a request was not served: a status, a code for programs, a sentence for people.
//!
//! Every error leaves this door as `{"error": sentence, "code": word}`. A fault of the byte stream itself (a head that
//! cannot be read, lengths that contradict each other) also ends the connection, because nobody knows where the next
//! request would start; a fault of one request does not.

use scrubjay_command::{Kind, Reject};
use std::borrow::Cow;
use std::fmt;

/// A status code with its reason phrase.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Status(pub u16);

impl Status {
    /// The phrase that follows the number on the status line.
    pub fn reason(self) -> &'static str {
        match self.0 {
            100 => "Continue",
            200 => "OK",
            201 => "Created",
            204 => "No Content",
            304 => "Not Modified",
            400 => "Bad Request",
            401 => "Unauthorized",
            403 => "Forbidden",
            404 => "Not Found",
            405 => "Method Not Allowed",
            408 => "Request Timeout",
            409 => "Conflict",
            412 => "Precondition Failed",
            413 => "Content Too Large",
            415 => "Unsupported Media Type",
            417 => "Expectation Failed",
            429 => "Too Many Requests",
            431 => "Request Header Fields Too Large",
            501 => "Not Implemented",
            503 => "Service Unavailable",
            505 => "HTTP Version Not Supported",
            507 => "Insufficient Storage",
            _ => "Internal Server Error",
        }
    }
}

/// A refusal in HTTP's terms. Unless the sentence says otherwise, nothing was changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// The status code.
    pub status: Status,
    /// The word for programs; stable.
    pub code: &'static str,
    /// The sentence for people.
    pub message: Cow<'static, str>,
    /// Header lines that belong to this status (`Allow`, `WWW-Authenticate`), each ended by CRLF.
    pub headers: Cow<'static, str>,
}

impl Fault {
    /// A fault with a fixed sentence.
    pub const fn new(status: u16, code: &'static str, message: &'static str) -> Fault {
        Fault { status: Status(status), code, message: Cow::Borrowed(message), headers: Cow::Borrowed("") }
    }

    /// A fault with a sentence made for the occasion.
    pub fn with(status: u16, code: &'static str, message: String) -> Fault {
        Fault { message: Cow::Owned(message), ..Fault::new(status, code, "") }
    }

    /// The request is malformed: 400 `bad_request`.
    pub const fn bad(message: &'static str) -> Fault {
        Fault::new(400, "bad_request", message)
    }

    /// As [`bad`](Self::bad), with a sentence made for the occasion.
    pub fn bad_with(message: String) -> Fault {
        Fault::with(400, "bad_request", message)
    }

    /// Something larger than a stated limit: 413 `too_large`.
    pub fn too_large(message: String) -> Fault {
        Fault::with(413, "too_large", message)
    }

    /// No such key.
    pub const KEY_NOT_FOUND: Fault = Fault::new(404, "not_found", "no such key");
    /// No such route.
    pub const NO_ROUTE: Fault =
        Fault::new(404, "no_such_route", "no such route; GET /openapi.json lists those that exist");
    /// `If-Match` or `If-None-Match` did not hold.
    pub const PRECONDITION: Fault =
        Fault::new(412, "precondition_failed", "the entry's version does not meet the condition; nothing was changed");
    /// The token of a lease is not good.
    pub const LEASE_VOID: Fault = Fault::new(
        412,
        "lease_void",
        "the lease is over, was used, or the key was written or deleted meanwhile; nothing was changed",
    );
    /// No or wrong credentials.
    pub const UNAUTHORIZED: Fault = Fault {
        status: Status(401),
        code: "unauthorized",
        message: Cow::Borrowed("authentication required: send the password as bearer token or by basic authentication"),
        headers: Cow::Borrowed(
            "WWW-Authenticate: Bearer realm=\"scrubjay\"\r\nWWW-Authenticate: Basic realm=\"scrubjay\"\r\n",
        ),
    };
    /// Whether it is an outcome that a client expects, as a nil is over RESP.
    pub fn is_expected(&self) -> bool {
        self.code == Fault::KEY_NOT_FOUND.code || self.code == Fault::PRECONDITION.code || *self == Fault::LEASE_VOID
    }

    /// No namespace is called so: 404.
    pub fn no_such_namespace(name: &str) -> Fault {
        Fault::with(404, "no_such_namespace", format!("no namespace '{name}': PUT /v1/namespaces/{name} makes one"))
    }

    /// A quota is used up, and has room again in `retry_ms`.
    pub fn limited(reject: Reject, retry_ms: u64) -> Fault {
        Fault {
            headers: Cow::Owned(format!("Retry-After: {}\r\n", retry_ms.div_ceil(1000).max(1))),
            ..Fault::from(reject)
        }
    }

    /// Another method than the route has.
    pub fn method_not_allowed(allow: &str) -> Fault {
        Fault {
            headers: Cow::Owned(format!("Allow: {allow}\r\n")),
            ..Fault::with(405, "method_not_allowed", format!("this route answers {allow}"))
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.status.0, self.code, self.message)
    }
}

impl std::error::Error for Fault {}

/// The one table from kinds of refusals to statuses and codes. Exhaustive, so a new kind cannot be forgotten.
impl From<Reject> for Fault {
    fn from(reject: Reject) -> Fault {
        let (status, code) = match reject.kind() {
            Kind::BadRequest => (400, "bad_request"),
            Kind::Unknown => (404, "unknown"),
            Kind::WrongType => (409, "wrong_type"),
            Kind::Conflict => (412, "precondition_failed"),
            Kind::NotFound => (404, "not_found"),
            Kind::NoAuth => (401, "unauthorized"),
            Kind::Forbidden => (403, "forbidden"),
            // 507 says what is wrong (no room for this representation); 503 would invite an identical retry.
            Kind::OutOfMemory => (507, "out_of_memory"),
            Kind::TooLarge => (413, "too_large"),
            Kind::Busy => (503, "busy"),
            Kind::Limited => (429, "limited"),
            Kind::Unsupported => (501, "not_implemented"),
        };
        Fault::with(status, code, reject.message().to_owned())
    }
}
