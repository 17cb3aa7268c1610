//! A request's head: method, target and the header fields that this door reads, as places in the text.
//!
//! `httparse` splits the text; this file decides what it means: which fields may stand once only, how long the body is,
//! and whether the connection stays open. What could be read in two ways is refused, because a proxy in front may read
//! it in the other one (request smuggling, RFC 9112 section 11.2): a length and a transfer coding together, two
//! lengths, a coding that is not exactly `chunked`.
//!
//! Cost: one pass over the text. Nothing is allocated.

use super::fault::Fault;
use scrubjay_command::Span;
use std::mem::MaybeUninit;

/// Most header fields in one request. Browsers behind proxies send about 40; more than 100 is no client of a cache.
pub const FIELDS_MAX: usize = 100;

/// A request method that some route answers.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub enum Method {
    /// `GET`
    #[default]
    Get,
    /// `HEAD`: as GET, without the body.
    Head,
    /// `PUT`
    Put,
    /// `POST`
    Post,
    /// `DELETE`
    Delete,
    /// `OPTIONS`: which methods the route has.
    Options,
    /// Any other token.
    Other,
}

impl Method {
    fn of(name: &str) -> Method {
        match name {
            "GET" => Method::Get,
            "HEAD" => Method::Head,
            "PUT" => Method::Put,
            "POST" => Method::Post,
            "DELETE" => Method::Delete,
            "OPTIONS" => Method::Options,
            _ => Method::Other,
        }
    }

    /// The method's name; `Other` has none.
    pub fn name(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Put => "PUT",
            Method::Post => "POST",
            Method::Delete => "DELETE",
            Method::Options => "OPTIONS",
            Method::Other => "",
        }
    }
}

/// A header field whose value is kept for the routes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Field {
    /// `Accept`
    Accept,
    /// `Authorization`
    Authorization,
    /// `Content-Type`
    ContentType,
    /// `If-Match`
    IfMatch,
    /// `If-None-Match`
    IfNoneMatch,
    /// `X-Consistency`
    XConsistency,
    /// `X-Lease`
    XLease,
    /// `X-Namespace`
    XNamespace,
    /// `X-Stale`
    XStale,
    /// `X-TTL`
    XTtl,
}

const FIELDS: usize = 10;

/// How the body's end is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BodyLength {
    /// This many bytes; 0 if the head says nothing.
    Bytes(u64),
    /// The chunked coding says it.
    Chunked,
}

/// A parsed head. Places are relative to the start of the text it was parsed from.
#[derive(Clone, Debug)]
pub struct Head {
    /// The method.
    pub method: Method,
    /// The path of the target, still percent-encoded; starts with `/`, or is `*`.
    pub path: Span,
    /// What follows the first `?` of the target.
    pub query: Span,
    /// How the body's end is known.
    pub body: BodyLength,
    /// Whether the client speaks HTTP/1.0.
    pub http_1_0: bool,
    /// Whether the connection stays open after the answer.
    pub keep_alive: bool,
    /// Whether the client waits for `100 Continue` before it sends the body.
    pub expects_continue: bool,
    /// Length of the head, the empty line included.
    pub bytes: usize,
    fields: [Option<Span>; FIELDS],
}

impl Default for Head {
    fn default() -> Head {
        Head {
            method: Method::Get,
            path: Span::default(),
            query: Span::default(),
            body: BodyLength::Bytes(0),
            http_1_0: false,
            keep_alive: true,
            expects_continue: false,
            bytes: 0,
            fields: [None; FIELDS],
        }
    }
}

impl Head {
    /// Parses the head at the start of `text`. `None`: it is not complete.
    pub fn parse(text: &[u8]) -> Result<Option<Head>, Fault> {
        let mut fields = [const { MaybeUninit::uninit() }; FIELDS_MAX];
        let mut request = httparse::Request::new(&mut []);
        let bytes = match request.parse_with_uninit_headers(text, &mut fields) {
            Ok(httparse::Status::Complete(bytes)) => bytes,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(error) => return Err(unreadable(error)),
        };
        let mut head = Head { bytes, http_1_0: request.version == Some(0), ..Head::default() };
        head.keep_alive = !head.http_1_0;
        head.method = Method::of(request.method.unwrap_or(""));
        head.set_target(text, request.path.unwrap_or("").as_bytes())?;
        head.read_fields(text, request.headers)?;
        Ok(Some(head))
    }

    /// The value of a field, if the request has it.
    pub fn field(&self, field: Field) -> Option<Span> {
        self.fields[field as usize]
    }

    /// Splits the target into path and query. Of the absolute form, which proxies send, only the path matters here.
    fn set_target(&mut self, text: &[u8], target: &[u8]) -> Result<(), Fault> {
        const NO_PATH: Fault = Fault::bad("the request target must be a path that starts with '/'");
        let origin = match target {
            [b'/', ..] | b"*" => target,
            _ => {
                let scheme_end = memchr::memmem::find(target, b"://").ok_or(NO_PATH)?;
                if !matches!(target[..scheme_end].to_ascii_lowercase().as_slice(), b"http" | b"https") {
                    return Err(NO_PATH);
                }
                let after = &target[scheme_end + 3..];
                &after[memchr::memchr(b'/', after).ok_or(NO_PATH)?..]
            }
        };
        // A fragment is not sent by clients; what sends one means the character.
        let question = memchr::memchr(b'?', origin);
        self.path = span_of(text, &origin[..question.unwrap_or(origin.len())]);
        self.query = span_of(text, question.map_or(&origin[origin.len()..], |at| &origin[at + 1..]));
        Ok(())
    }

    fn read_fields(&mut self, text: &[u8], fields: &[httparse::Header<'_>]) -> Result<(), Fault> {
        let (mut length, mut coded, mut hosts) = (None, false, 0);
        for field in fields {
            let name = field.name.as_bytes();
            let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
            // The length of the name settles most fields without a comparison.
            match name.len() {
                4 if is("host") => hosts += 1,
                5 if is("x-ttl") => self.keep(Field::XTtl, text, field)?,
                // A list that may stand on several lines; the first is enough to choose between two forms.
                6 if is("accept") && self.field(Field::Accept).is_none() => self.keep(Field::Accept, text, field)?,
                6 if is("expect") => {
                    if !field.value.eq_ignore_ascii_case(b"100-continue") {
                        return Err(Fault::new(417, "expectation_failed", "only 'Expect: 100-continue' is understood"));
                    }
                    self.expects_continue = true;
                }
                7 if is("x-lease") => self.keep(Field::XLease, text, field)?,
                7 if is("x-stale") => self.keep(Field::XStale, text, field)?,
                8 if is("if-match") => self.keep(Field::IfMatch, text, field)?,
                10 if is("connection") => self.read_connection(field.value),
                11 if is("x-namespace") => self.keep(Field::XNamespace, text, field)?,
                12 if is("content-type") => self.keep(Field::ContentType, text, field)?,
                13 if is("authorization") => self.keep(Field::Authorization, text, field)?,
                13 if is("if-none-match") => self.keep(Field::IfNoneMatch, text, field)?,
                13 if is("x-consistency") => self.keep(Field::XConsistency, text, field)?,
                14 if is("content-length") => {
                    if length.is_some() {
                        return Err(Fault::bad("Content-Length is given twice"));
                    }
                    length = Some(decimal(field.value)?);
                }
                17 if is("transfer-encoding") => {
                    if coded {
                        return Err(Fault::bad("Transfer-Encoding is given twice"));
                    }
                    if !field.value.eq_ignore_ascii_case(b"chunked") {
                        return Err(Fault::new(
                            501,
                            "not_implemented",
                            "the only transfer coding understood is 'chunked'",
                        ));
                    }
                    coded = true;
                }
                _ => {}
            }
        }
        if hosts > 1 || (hosts == 0 && !self.http_1_0) {
            return Err(Fault::bad("a request needs exactly one Host header"));
        }
        self.body = match (length, coded) {
            (Some(_), true) => return Err(Fault::bad("Content-Length and Transfer-Encoding exclude each other")),
            (None, true) if self.http_1_0 => return Err(Fault::bad("HTTP/1.0 has no transfer codings")),
            (None, true) => BodyLength::Chunked,
            (length, false) => BodyLength::Bytes(length.unwrap_or(0)),
        };
        self.expects_continue &= !self.http_1_0;
        Ok(())
    }

    fn keep(&mut self, field: Field, text: &[u8], found: &httparse::Header<'_>) -> Result<(), Fault> {
        let place = &mut self.fields[field as usize];
        if place.is_some() {
            // Reading the first or the last would both be guesses about a write's conditions.
            return Err(Fault::bad_with(format!("the header {} is given twice", found.name)));
        }
        *place = Some(span_of(text, found.value));
        Ok(())
    }

    fn read_connection(&mut self, value: &[u8]) {
        for token in value.split(|&b| b == b',') {
            let token = token.trim_ascii();
            if token.eq_ignore_ascii_case(b"close") {
                self.keep_alive = false;
            } else if token.eq_ignore_ascii_case(b"keep-alive") && self.http_1_0 {
                self.keep_alive = true;
            }
        }
    }
}

fn unreadable(error: httparse::Error) -> Fault {
    use httparse::Error;
    match error {
        Error::TooManyHeaders => {
            Fault::with(431, "head_too_large", format!("a request has at most {FIELDS_MAX} header fields"))
        }
        Error::Version => Fault::new(505, "http_version", "this port speaks HTTP/1.1 and HTTP/1.0"),
        Error::HeaderName => Fault::bad("not HTTP: invalid header name"),
        Error::HeaderValue => Fault::bad("not HTTP: invalid header value"),
        Error::NewLine => Fault::bad("not HTTP: invalid line end"),
        Error::Token => Fault::bad("not HTTP: invalid request line"),
        Error::Status => Fault::bad("not HTTP: invalid status"),
    }
}

/// `1*DIGIT`: no sign, no spaces, no list, no overflow.
fn decimal(text: &[u8]) -> Result<u64, Fault> {
    const BAD: Fault = Fault::bad("Content-Length is not a number");
    if text.is_empty() || text.len() > 19 || !text.iter().all(u8::is_ascii_digit) {
        return Err(BAD);
    }
    Ok(text.iter().fold(0, |value, digit| value * 10 + u64::from(digit - b'0')))
}

/// Where `part`, which `httparse` cut out of `text`, lies in it.
fn span_of(text: &[u8], part: &[u8]) -> Span {
    let start = (part.as_ptr() as usize).wrapping_sub(text.as_ptr() as usize);
    if part.is_empty() || start > text.len() {
        return Span::default();
    }
    Span { start: start as u32, length: part.len() as u32 }
}
