//! Leases: of all who miss a key, or find it stale, one gets the right to load it; the others wait, or take what is stale.
//!
//! ```text
//!   JAY.GET k LEASE 5000 ---- miss or stale ----> won, with a token ----> JAY.SET k value TOKEN t EX 60 STALE 300
//!   JAY.GET k LEASE 5000 WAIT 2000 -- taken --> waits ..................... is answered with the value
//! ```
//! A token is good for one key until its time is over, it is released, or the key is written or removed: what was loaded
//! before a removal must not be stored after it. The shape follows memcached's meta commands (`mg` with N, R and t; `md`
//! with I: doc/protocol.txt there), with a token in place of their win flag, so that a late loader is refused.

mod fill;
mod get;
#[cfg(test)]
mod tests;

pub use fill::{Invalidate, Release};
pub use get::{Ask, Blocked, LEASE_MS_MAX, LeasedGet, Right, State, look_again_ms};

pub(crate) use get::say_taken;

use crate::args::parse_int;
use crate::reject::{Kind, Reject};
use crate::table::{Flags, Group, Keys, Row};

const WRITE_FAST: Flags = Flags::WRITE.union(Flags::FAST);

/// The rows.
pub static ROWS: &[Row] = &[
    Row::data("JAY.GET", Group::String, -2, get::get).flags(WRITE_FAST.union(Flags::BLOCKING)).keys(Keys::ONE).docs(
        "scrubjay 0.1",
        "O(1)",
        "key [LEASE milliseconds [WAIT milliseconds] [RECACHE seconds]]",
        "Returns a value, be it stale, and what it is; on a miss, a stale value, or one that expires soon, one caller gets a token to fill it.",
    ),
    Row::data("JAY.SET", Group::String, -5, fill::set)
        .flags(Flags::WRITE.union(Flags::DENYOOM))
        .keys(Keys::ONE)
        .docs(
            "scrubjay 0.1",
            "O(1)",
            "key value TOKEN token [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL] [STALE time] [TAGS numtags tag [tag ...]]",
            "Writes the value of a key if the token of JAY.GET is still good.",
        ),
    Row::data("JAY.RELEASE", Group::String, 4, fill::release).flags(WRITE_FAST).keys(Keys::ONE).docs(
        "scrubjay 0.1",
        "O(1)",
        "key TOKEN token",
        "Gives a token of JAY.GET back unused, for the next who asks; returns whether it was still good.",
    ),
    Row::data("JAY.DEL", Group::Generic, -2, fill::del).flags(WRITE_FAST).keys(Keys::ONE).docs(
        "scrubjay 0.1",
        "O(1)",
        "key [STALE seconds]",
        "Removes a key and voids its token; with STALE its value is kept so long for those who take it stale.",
    ),
];

fn positive(text: &[u8], what: &str) -> Result<u64, Reject> {
    let number = parse_int(text).ok_or(Reject::NOT_AN_INTEGER)?;
    u64::try_from(number)
        .ok()
        .filter(|&number| number > 0)
        .ok_or_else(|| Reject::with(Kind::BadRequest, format!("ERR {what} must be above 0")))
}
