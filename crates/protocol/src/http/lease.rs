//! Leases over HTTP: who may load a key that is not there, or not fresh.
//!
//! ```text
//! GET /cache/k?lease=10&wait=5    404 or 200, with X-Lease: <token>: load it, and   PUT /cache/k   X-Lease: <token>
//!                                 404 with X-Lease: taken: another loads it         X-TTL: 60, X-Stale: 300
//!                                 200 with X-Cache-Stale: true: past its deadline, and kept
//! DELETE /cache/k?stale=60        ends it, and keeps it as stale; ?release=<token> gives a token back
//! ```

use super::data::{Exchange, Wait};
use super::decode::Request;
use super::entry::Facts;
use super::fault::{Fault, Status};
use super::respond::Answer;
use super::{envelope, options, percent, value};
use crate::OutputBuffer;
use scrubjay_command::family::lease::{Ask, LEASE_MS_MAX, Release, Right, look_again_ms};
use scrubjay_command::wait::{Nothing, Wish};
use scrubjay_store::Kind;
use std::borrow::Cow;

/// Longest time that a request waits, in seconds: what proxies commonly let one take.
pub const WAIT_SECONDS_MAX: f64 = 60.0;
/// Longest lease, in seconds.
pub const LEASE_SECONDS_MAX: f64 = LEASE_MS_MAX as f64 / 1000.0;

/// What the query of a read asks for.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Asked {
    /// The facts about the entry instead of it.
    pub meta: bool,
    /// The right to load it.
    pub ask: Option<Ask>,
    /// How long to wait for another to load it.
    pub wait_ms: u64,
}

impl Asked {
    /// Reads the query; names that are not known are none of ours, and `wait` and `recache` mean nothing without `lease`.
    /// Errors: a value that is none, a name that stands twice.
    #[inline]
    pub fn of(request: &Request<'_>) -> Result<Asked, Fault> {
        if request.query().is_empty() { Ok(Asked::default()) } else { Asked::parse(request.query()) }
    }

    fn parse(query: &[u8]) -> Result<Asked, Fault> {
        let meta = match parameter(query, b"meta")?.as_deref() {
            None | Some(b"false") => false,
            Some(b"true") => true,
            Some(_) => return Err(Fault::bad("'meta' is true or false")),
        };
        let lease = ms(query, b"lease", LEASE_SECONDS_MAX)?;
        let (wait_ms, recache_ms) =
            (ms(query, b"wait", WAIT_SECONDS_MAX)?, ms(query, b"recache", envelope::TTL_SECONDS_MAX)?);
        let Some(ttl_ms) = lease else { return Ok(Asked { meta, ..Asked::default() }) };
        if ttl_ms == 0 {
            return Err(Fault::bad("'lease' is a number of seconds above 0"));
        }
        let ask = Some(Ask { ttl_ms, recache_ms: recache_ms.unwrap_or(0) });
        Ok(Asked { meta, ask, wait_ms: wait_ms.unwrap_or(0) })
    }
}

/// What the query of a deletion asks for instead.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Ends {
    /// To give this token back, and to delete nothing.
    pub release: Option<u64>,
    /// To keep the entry as stale for so long; 0: not.
    pub stale_ms: u64,
}

impl Ends {
    /// Reads the query. Errors: a value that is none.
    pub fn of(request: &Request<'_>) -> Result<Ends, Fault> {
        let query = request.query();
        let release = parameter(query, b"release")?;
        let release = release.map(|text| options::parse_token(&text).ok_or(options::BAD_TOKEN)).transpose()?;
        let stale_ms = match parameter(query, b"stale")? {
            None => 0,
            Some(text) => options::seconds(&text)
                .and_then(envelope::stale_ms)
                .ok_or(Fault::bad("'stale' is a number of seconds above 0 and at most 1e11"))?,
        };
        Ok(Ends { release, stale_ms })
    }
}

/// The value of a parameter, which may stand once.
fn parameter<'a>(query: &'a [u8], name: &[u8]) -> Result<Option<Cow<'a, [u8]>>, Fault> {
    let mut values = query
        .split(|&byte| byte == b'&')
        .filter_map(|pair| pair.strip_prefix(name).and_then(|rest| rest.strip_prefix(b"=")));
    let value = values.next().map(percent::decode_query).transpose()?;
    match values.next() {
        Some(_) => Err(Fault::bad_with(format!("'{}' is given twice", String::from_utf8_lossy(name)))),
        None => Ok(value),
    }
}

/// A parameter in seconds, 0 to `most`, as milliseconds; what is above 0 is at least one.
fn ms(query: &[u8], name: &[u8], most: f64) -> Result<Option<u64>, Fault> {
    let Some(text) = parameter(query, name)? else { return Ok(None) };
    match options::seconds(&text) {
        Some(seconds) if (0.0..=most).contains(&seconds) => Ok(Some((seconds * 1000.0).ceil() as u64)),
        _ => {
            Err(Fault::bad_with(format!("'{}' is a number of seconds, at most {most}", String::from_utf8_lossy(name))))
        }
    }
}

/// Says in the head of an answer what is special about the entry, if anything is.
#[inline]
pub(super) fn mark(answer: &mut Answer<'_>, facts: &Facts) {
    if facts.is_stale {
        answer.lines("X-Cache-Stale: true\r\n");
    }
    if facts.right != Right::None {
        answer.lines(&line(facts.right));
    }
}

fn line(right: Right) -> String {
    match right {
        Right::Won(token) => format!("X-Lease: {token}\r\n"),
        Right::Taken { .. } => "X-Lease: taken\r\n".to_owned(),
        Right::None => String::new(),
    }
}

/// There is nothing; `right` says who may load it.
pub(super) fn missing(right: Right) -> Fault {
    Fault { headers: line(right).into(), ..Fault::KEY_NOT_FOUND }
}

/// Whether a read that found nothing waits for `loader` to load the key; then its [`Wait`] says for what.
pub(super) fn waits(x: &Exchange<'_, '_>, key: &[u8], asked: &Asked, loader: Right) -> bool {
    let (Right::Taken { until_ms: lease_until_ms }, true) = (loader, asked.wait_ms > 0) else { return false };
    let now_ms = x.cx.now_ms;
    let until_ms = x.wait.take().until_ms.unwrap_or(now_ms.saturating_add(asked.wait_ms));
    if until_ms <= now_ms {
        return false;
    }
    let wish = Wish {
        kind: Kind::String,
        keys: vec![key.into()],
        until_ms: Some(until_ms),
        nothing: Nothing::Taken,
        look_again_ms: Some(look_again_ms(lease_until_ms, now_ms)),
    };
    x.wait.set(Wait { until_ms: Some(until_ms), wish: Some(wish) });
    true
}

/// `DELETE ?release=token`: 200.
pub(super) fn release(x: &Exchange<'_, '_>, key: &[u8], token: u64, out: &mut OutputBuffer) -> Result<(), Fault> {
    let released = Release { key, token }.run(x.cx)?;
    Answer::begin(out, x.manner, Status(200)).json(|out| {
        out.put(b"{");
        value::write_key(out, key);
        out.put(if released { b",\"released\":true}" } else { b",\"released\":false}" });
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_asks_for_what_it_names_and_nothing_else() {
        let ask = |ttl_ms, recache_ms| Some(Ask { ttl_ms, recache_ms });
        for (query, expected) in [
            ("x=1&y", Asked::default()),
            ("wait=1&recache=1", Asked::default()),
            ("meta=true", Asked { meta: true, ..Asked::default() }),
            ("lease=10", Asked { ask: ask(10_000, 0), ..Asked::default() }),
            ("wait=0.25&lease=0.0001&recache=5", Asked { ask: ask(1, 5000), wait_ms: 250, meta: false }),
            ("lease=1%30", Asked { ask: ask(10_000, 0), ..Asked::default() }),
        ] {
            assert_eq!(Asked::parse(query.as_bytes()), Ok(expected), "{query}");
        }
    }

    #[test]
    fn what_is_no_number_in_range_is_refused() {
        for query in [
            "lease=",
            "lease=x",
            "lease=0",
            "lease=-1",
            "lease=nan",
            "lease=inf",
            "lease=3600.1",
            "lease=1&lease=1",
            "lease=1&wait=61",
            "lease=1&wait=-1",
            "meta=1",
            "meta=",
            "meta=true&meta=true",
        ] {
            assert!(Asked::parse(query.as_bytes()).is_err(), "{query}");
        }
    }
}
