//! Commands that wait: what they wait for, and for how long.
//!
//! A handler that finds nothing to take says nothing and leaves a [`Wish`] in its context. The server parks the client with
//! the command, runs the command again after one of its keys was written to, and answers [`Wish::nothing`] when the time is
//! over. Where nobody can wait (inside a transaction), the handler is told so beforehand and answers that itself.
//!
//! A wish for a string is one for a key that somebody else is loading: it is looked at again after any change of the key,
//! after its lease ended, and at a time that the handler names, because a lease may end without anybody doing anything.

use crate::reject::{Kind as RejectKind, Reject};
use crate::reply::Reply;
use crate::table::Context;
use scrubjay_store::Kind;

/// How a command says that there was nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Nothing {
    /// As a null.
    Null,
    /// As a null array in RESP2.
    NullArray,
    /// As a miss whose lease somebody else has.
    Taken,
}

impl Nothing {
    /// Says it.
    pub fn say(self, reply: &mut dyn Reply) {
        match self {
            Nothing::Null => reply.null(),
            Nothing::NullArray => reply.null_array(),
            Nothing::Taken => crate::family::lease::say_taken(reply),
        }
    }
}

/// What a command waits for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wish {
    /// A collection of this kind ...
    pub kind: Kind,
    /// ... under one of these keys, in the session's namespace.
    pub keys: Vec<Box<[u8]>>,
    /// Until when, in Unix milliseconds; `None`: for ever.
    pub until_ms: Option<u64>,
    /// What to answer then.
    pub nothing: Nothing,
    /// When to look again although nothing has happened.
    pub look_again_ms: Option<u64>,
}

/// Reads a time-out: seconds, with fractions; 0: for ever. Returns the moment when it is over.
pub fn until(text: &[u8], now_ms: u64) -> Result<Option<u64>, Reject> {
    const NOT_A_FLOAT: Reject = Reject::new(RejectKind::BadRequest, "ERR timeout is not a float or out of range");
    const NEGATIVE: Reject = Reject::new(RejectKind::BadRequest, "ERR timeout is negative");
    const OUT_OF_RANGE: Reject = Reject::new(RejectKind::BadRequest, "ERR timeout is out of range");
    let seconds = crate::args::parse_float(text).filter(|seconds| seconds.is_finite()).ok_or(NOT_A_FLOAT)?;
    let ms = (seconds * 1000.0).ceil();
    if ms < 0.0 {
        return Err(NEGATIVE);
    }
    // What i64 cannot hold is no time that anybody waits for.
    if ms >= i64::MAX as f64 - now_ms as f64 {
        return Err(OUT_OF_RANGE);
    }
    Ok((ms > 0.0).then(|| now_ms + ms as u64))
}

impl Context<'_> {
    /// There was nothing to take: waits, or says so where nobody can wait.
    pub fn wait_for<'k>(
        &mut self,
        kind: Kind,
        keys: impl Iterator<Item = &'k [u8]>,
        until_ms: Option<u64>,
        nothing: Nothing,
        reply: &mut dyn Reply,
    ) {
        if self.may_wait {
            let keys = keys.map(Box::from).collect();
            self.wish = Some(Box::new(Wish { kind, keys, until_ms, nothing, look_again_ms: None }));
        } else {
            nothing.say(reply);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_out_is_seconds_with_fractions_and_zero_is_for_ever() {
        assert_eq!(until(b"0", 1000), Ok(None));
        assert_eq!(until(b"0.0001", 1000), Ok(Some(1001)));
        assert_eq!(until(b"1.5", 1000), Ok(Some(2500)));
        for (text, wrong) in [
            (&b"x"[..], "ERR timeout is not a float or out of range"),
            (b"inf", "ERR timeout is not a float or out of range"),
            (b"-1", "ERR timeout is negative"),
            (b"1e17", "ERR timeout is out of range"),
        ] {
            assert_eq!(until(text, 1000).map_err(|reject| reject.line().to_owned()), Err(wrong.to_owned()));
        }
    }
}
