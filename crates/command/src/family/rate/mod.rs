//! Counting against a limit: a counter that is made with its deadline in one step, and a limit on a rate.

mod count;
mod throttle;
#[cfg(test)]
mod throttle_tests;

pub use throttle::{Throttle, Throttled};

use crate::table::{Flags, Group, Keys, Row};

const GROW_FAST: Flags = Flags::WRITE.union(Flags::DENYOOM).union(Flags::FAST);

/// The rows.
pub static ROWS: &[Row] = &[
    Row::data("JAY.INCR", Group::String, -2, count::incr).flags(GROW_FAST).keys(Keys::ONE).docs(
        "scrubjay 0.1",
        "O(1)",
        "key [BY increment] [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds] [NX]",
        "Adds to a counter and sets its deadline in one step; with NX, the deadline of a new counter only.",
    ),
    Row::data("CL.THROTTLE", Group::String, -5, throttle::throttle).flags(GROW_FAST).keys(Keys::ONE).docs(
        "scrubjay 0.1",
        "O(1)",
        "key max_burst count period [quantity]",
        "Whether so much may happen now under a limit of a count in a period of seconds, with a burst; answers as Redis-Cell does.",
    ),
    Row::data("JAY.THROTTLE", Group::String, -5, throttle::throttle).flags(GROW_FAST).keys(Keys::ONE).docs(
        "scrubjay 0.1",
        "O(1)",
        "key max_burst count period [quantity]",
        "The same as CL.THROTTLE.",
    ),
];
