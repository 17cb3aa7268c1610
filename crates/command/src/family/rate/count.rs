//! A counter with its deadline: JAY.INCR.

use crate::args::{Args, parse_int};
use crate::family::counter::Increment;
use crate::family::string::{Expiry, ExpiryOption};
use crate::reject::Reject;
use crate::reply::Reply;
use crate::table::Context;

pub(super) fn incr(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let mut increment = Increment::new(args.at(1), 1);
    let mut expiry = ExpiryOption::default();
    let (mut by, mut at) = (None, 2);
    while at < args.len() {
        at += if args.is(at, "NX") {
            increment.only_new = true;
            1
        } else if args.is(at, "BY") && by.is_none() && at + 1 < args.len() {
            by = Some(parse_int(args.at(at + 1)).ok_or(Reject::NOT_AN_INTEGER)?);
            2
        } else {
            expiry.accept_time(args, at).ok_or(Reject::SYNTAX)?
        };
    }
    increment.by = by.unwrap_or(1);
    increment.expiry = match expiry.expiry(args, cx.now_ms, "jay.incr")? {
        Some(expiry) => expiry,
        None if increment.only_new => return Err(Reject::SYNTAX),
        None => Expiry::Keep,
    };
    let sum = increment.run(cx)?;
    reply.int(sum);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::family::testing::Node;

    #[test]
    fn a_counter_gets_its_deadline_with_its_first_count_or_with_every() {
        let mut node = Node::new();
        node.check(&[("jay.incr a PX 1000 NX", "1"), ("jay.incr b PX 1000", "1"), ("jay.incr c BY -5", "-5")]);
        node.now_ms += 400;
        node.check(&[
            ("jay.incr a BY 10 PX 1000 NX", "11"),
            ("pttl a", "600"),
            ("jay.incr b BY 10 PX 1000", "11"),
            ("pttl b", "1000"),
            ("jay.incr a", "12"),
            ("pttl a", "600"),
            ("pttl c", "-1"),
        ]);
        node.now_ms += 600;
        node.check(&[("jay.incr a EX 1 NX", "1"), ("ttl a", "1"), ("get b", "\"11\"")]);
    }

    #[test]
    fn what_cannot_be_counted_is_refused_and_nothing_is_changed() {
        Node::new().check(&[
            ("set a x", "+OK"),
            ("jay.incr a EX 5", "-ERR value is not an integer or out of range"),
            ("ttl a", "-1"),
            ("jay.incr b BY 9223372036854775807", "9223372036854775807"),
            ("jay.incr b PX 5", "-ERR increment or decrement would overflow"),
            ("ttl b", "-1"),
            ("jay.incr b NX", "-ERR syntax error"),
            ("jay.incr b EX 5 PX 5", "-ERR syntax error"),
            ("jay.incr b KEEPTTL", "-ERR syntax error"),
            ("jay.incr b BY", "-ERR syntax error"),
            ("jay.incr b EX 0", "-ERR invalid expire time in 'jay.incr' command"),
        ]);
    }
}
