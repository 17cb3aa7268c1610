//! Counters: INCR and its kin, and INCRBYFLOAT. A counter is a string of digits; its deadline and its flags stay.

use crate::args::{Args, Digits, parse_int};
use crate::family::string::Expiry;
use crate::long_double::LongDouble;
use crate::reject::{Kind, Reject};
use crate::reply::Reply;
use crate::table::{Context, Flags, Group, Keys, Row};
use scrubjay_store::{Access, Deadline, Flags as EntryFlags, flags};

const GROW_FAST: Flags = Flags::WRITE.union(Flags::DENYOOM).union(Flags::FAST);

/// The rows.
pub static ROWS: &[Row] = &[
    Row::data("INCR", Group::String, 2, incr).flags(GROW_FAST).keys(Keys::ONE).docs(
        "1.0.0",
        "O(1)",
        "key",
        "Adds one to a counter, which starts at 0 if it is absent.",
    ),
    Row::data("DECR", Group::String, 2, decr).flags(GROW_FAST).keys(Keys::ONE).docs(
        "1.0.0",
        "O(1)",
        "key",
        "Takes one from a counter, which starts at 0 if it is absent.",
    ),
    Row::data("INCRBY", Group::String, 3, incrby).flags(GROW_FAST).keys(Keys::ONE).docs(
        "1.0.0",
        "O(1)",
        "key increment",
        "Adds a whole number to a counter.",
    ),
    Row::data("DECRBY", Group::String, 3, decrby).flags(GROW_FAST).keys(Keys::ONE).docs(
        "1.0.0",
        "O(1)",
        "key decrement",
        "Takes a whole number from a counter.",
    ),
    Row::data("INCRBYFLOAT", Group::String, 3, incrbyfloat).flags(GROW_FAST).keys(Keys::ONE).docs(
        "2.6.0",
        "O(1)",
        "key increment",
        "Adds a number with a fraction to a counter; returns the sum as text.",
    ),
];

/// Adds a whole number to a counter.
#[derive(Clone, Copy, Debug)]
pub struct Increment<'a> {
    /// The key; an absent one counts from 0 and gets the default lifetime.
    pub key: &'a [u8],
    /// What to add.
    pub by: i64,
    /// The flags of a counter that this creates; one that exists keeps its own.
    pub flags_new: u32,
    /// When it expires from now on.
    pub expiry: Expiry,
    /// Whether that is for a counter that this creates alone.
    pub only_new: bool,
}

impl<'a> Increment<'a> {
    /// Adds `by`; a counter that this creates has no flags.
    #[inline]
    pub fn new(key: &'a [u8], by: i64) -> Increment<'a> {
        Increment { key, by, flags_new: flags::NONE, expiry: Expiry::Keep, only_new: false }
    }

    /// Adds. Returns the sum.
    ///
    /// Errors: the key holds something else than an integer, the sum leaves 64 bits, no memory; nothing was changed.
    #[inline]
    pub fn run(&self, cx: &mut Context<'_>) -> Result<i64, Reject> {
        let key = cx.key(self.key)?;
        cx.reserve(&key, Digits::LENGTH_MAX);
        let mut guard = cx.lock(&key);
        let (before, flags, expiry) = match guard.string(&key, Access::Write)? {
            Some(entry) => {
                let expiry = if self.only_new { Expiry::Keep } else { self.expiry };
                (parse_int(&entry.value()).ok_or(Reject::NOT_AN_INTEGER)?, EntryFlags::Keep, expiry)
            }
            None => (0, EntryFlags::Set(self.flags_new), self.expiry),
        };
        let sum = before.checked_add(self.by).ok_or(Reject::OVERFLOW)?;
        guard.put(&key, Digits::of(sum).as_bytes(), expiry.deadline(cx.now_ms), flags)?;
        Ok(sum)
    }
}

/// Adds a number with a fraction to a counter.
#[derive(Clone, Debug)]
pub struct IncrementFloat<'a> {
    /// The key; an absent one counts from 0 and gets the default lifetime.
    pub key: &'a [u8],
    /// What to add.
    pub by: LongDouble,
}

impl IncrementFloat<'_> {
    /// Adds. Returns the sum as it is stored: decimal, without exponent, at most 17 digits behind the point.
    ///
    /// Errors: the key holds something else than a number, the sum is not finite, no memory; nothing was changed.
    pub fn run(&self, cx: &mut Context<'_>) -> Result<String, Reject> {
        const NOT_FINITE: Reject = Reject::new(Kind::BadRequest, "ERR increment would produce NaN or Infinity");
        let key = cx.key(self.key)?;
        cx.reserve(&key, LongDouble::TEXT_USUAL_MAX);
        let mut guard = cx.lock(&key);
        let (before, before_flags) = match guard.string(&key, Access::Write)? {
            Some(entry) => (LongDouble::parse(&entry.value()).ok_or(Reject::NOT_A_FLOAT)?, entry.flags()),
            None => (LongDouble::ZERO, flags::NONE),
        };
        let sum = before.plus(self.by).filter(LongDouble::is_finite).ok_or(NOT_FINITE)?;
        let text = sum.to_string();
        // A counter that was marked as whole loses the mark with its first fraction.
        let whole = before_flags != flags::INT || parse_int(text.as_bytes()).is_some();
        let flags = if whole { EntryFlags::Keep } else { EntryFlags::Set(flags::NONE) };
        guard.put(&key, text.as_bytes(), Deadline::Keep, flags)?;
        Ok(text)
    }
}

fn incr(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    add(cx, args, 1, reply)
}

fn decr(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    add(cx, args, -1, reply)
}

fn incrby(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    add(cx, args, args.int(2)?, reply)
}

fn decrby(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    const NO_NEGATIVE: Reject = Reject::new(Kind::BadRequest, "ERR decrement would overflow");
    add(cx, args, args.int(2)?.checked_neg().ok_or(NO_NEGATIVE)?, reply)
}

#[inline]
fn add(cx: &mut Context<'_>, args: &Args<'_>, by: i64, reply: &mut dyn Reply) -> Result<(), Reject> {
    let sum = Increment::new(args.at(1), by).run(cx)?;
    reply.int(sum);
    Ok(())
}

fn incrbyfloat(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let by = LongDouble::parse(args.at(2)).ok_or(Reject::NOT_A_FLOAT)?;
    let sum = IncrementFloat { key: args.at(1), by }.run(cx)?;
    reply.text(&sum);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::family::string::{Get, Set};
    use crate::family::testing::Node;

    #[test]
    fn counters_count_and_keep_their_deadline() {
        Node::new().check(&[
            ("incr a", "1"),
            ("incrby a 10", "11"),
            ("decr a", "10"),
            ("decrby a -5", "15"),
            ("get a", "\"15\""),
            ("pexpire a 500", "1"),
            ("incr a", "16"),
            ("pttl a", "500"),
            ("decr b", "-1"),
        ]);
    }

    #[test]
    fn sums_beyond_64_bits_are_refused_and_change_nothing() {
        Node::new().check(&[
            ("set a 9223372036854775807", "+OK"),
            ("incr a", "-ERR increment or decrement would overflow"),
            ("incrby a -1", "9223372036854775806"),
            ("set a -9223372036854775808", "+OK"),
            ("decr a", "-ERR increment or decrement would overflow"),
            ("decrby a -9223372036854775808", "-ERR decrement would overflow"),
            ("incrby a -9223372036854775808", "-ERR increment or decrement would overflow"),
            ("incrby a 9223372036854775808", "-ERR value is not an integer or out of range"),
            ("get a", "\"-9223372036854775808\""),
        ]);
    }

    #[test]
    fn only_integers_are_counted() {
        let refused = "-ERR value is not an integer or out of range";
        for value in ["abc", "1.5", "\"\"", "\\x201", "1\\x20", "01", "+1", "9223372036854775808"] {
            Node::new().check(&[(&format!("set a {value}"), "+OK"), ("incr a", refused), ("incrby a x", refused)]);
        }
    }

    #[test]
    fn fractions_are_added_and_printed_as_redis_prints_them() {
        Node::new().check(&[
            ("incrbyfloat a 10.50", "\"10.5\""),
            ("incrbyfloat a 0.1", "\"10.6\""),
            ("incrbyfloat a -5", "\"5.6\""),
            ("set a 5.0e3", "+OK"),
            ("incrbyfloat a 2.0e2", "\"5200\""),
            ("incr a", "5201"),
            ("incrbyfloat a x", "-ERR value is not a valid float"),
            ("incrbyfloat a nan", "-ERR value is not a valid float"),
            ("incrbyfloat a +inf", "-ERR increment would produce NaN or Infinity"),
            ("set b \"\"", "+OK"),
            ("incrbyfloat b 1", "-ERR value is not a valid float"),
            ("pexpire a 500", "1"),
            ("incrbyfloat a 1", "\"5202\""),
            ("pttl a", "500"),
        ]);
    }

    #[test]
    fn a_counter_keeps_its_mark_and_a_new_one_gets_the_callers() {
        let node = Node::new();
        let mut cx = node.context();
        let flags_of = |cx: &mut Context<'_>| Get { key: b"n" }.run(cx, |entry| entry.map(|entry| entry.flags()));
        assert_eq!(Increment { flags_new: flags::INT, ..Increment::new(b"n", 2) }.run(&mut cx), Ok(2));
        assert_eq!(flags_of(&mut cx), Ok(Some(flags::INT)));
        Increment::new(b"n", 1).run(&mut cx).expect("a counter");
        let by = |value: f64| IncrementFloat { key: b"n", by: LongDouble::from_f64(value).expect("a number") };
        assert_eq!(by(1.0).run(&mut cx).as_deref(), Ok("4"));
        assert_eq!(flags_of(&mut cx), Ok(Some(flags::INT)));
        assert_eq!(by(0.1).run(&mut cx).as_deref(), Ok("4.1"));
        assert_eq!(flags_of(&mut cx), Ok(Some(flags::NONE)));
        Set { flags: EntryFlags::Set(9), ..Set::new(b"n", b"5") }.run(&cx).expect("room");
        assert_eq!(Increment { flags_new: flags::INT, ..Increment::new(b"n", 1) }.run(&mut cx), Ok(6));
        assert_eq!(flags_of(&mut cx), Ok(Some(9)));
    }
}
