//! Combining the bits of several values into one: BITOP.
//!
//! Values are taken in one after the other, each once, into one or two running bitmaps as long as the longest value; the
//! shorter ones count as padded with zeros. All keys are locked, so the result is that of one moment.

use crate::args::Args;
use crate::family::{KeyList, place_all};
use crate::reject::{Kind, Reject};
use crate::reply::Reply;
use crate::table::Context;
use scrubjay_store::{Access, Deadline, Flags, flags};

/// How bits are combined. The first source is X, the others are Y.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BitOperation {
    /// On in all.
    And,
    /// On in any.
    Or,
    /// On in an odd number.
    Xor,
    /// Off in the only one.
    Not,
    /// On in X and in no Y.
    Diff,
    /// On in some Y and not in X.
    Diff1,
    /// On in X and in some Y.
    AndOr,
    /// On in exactly one.
    One,
}

impl BitOperation {
    const NAMES: [(&'static str, BitOperation); 8] = [
        ("AND", BitOperation::And),
        ("OR", BitOperation::Or),
        ("XOR", BitOperation::Xor),
        ("NOT", BitOperation::Not),
        ("DIFF", BitOperation::Diff),
        ("DIFF1", BitOperation::Diff1),
        ("ANDOR", BitOperation::AndOr),
        ("ONE", BitOperation::One),
    ];
}

/// Combines the values of `sources` and makes the result the value of `destination`.
#[derive(Clone, Copy, Debug)]
pub struct BitOp<'a, I> {
    /// How.
    pub operation: BitOperation,
    /// Where the result goes; removed if the result is empty.
    pub destination: &'a [u8],
    /// What is combined; absent keys are empty.
    pub sources: I,
}

impl<'a, I: Iterator<Item = &'a [u8]>> BitOp<'a, I> {
    /// Combines. Returns the length of the result in bytes. Errors: key too long, no memory; nothing was changed.
    pub fn run(self, cx: &mut Context<'_>) -> Result<usize, Reject> {
        let mut keys = KeyList::new();
        place_all(cx, std::iter::once(self.destination).chain(self.sources), &mut keys)?;
        let (destination, sources) = (&keys[0], &keys[1..]);
        // How much room is needed is known only when it is found; the look before the locks is a good guess.
        let lengths = sources.iter().map(|key| cx.lock(key).get(key, Access::Peek).map_or(0, |e| e.value_bytes()));
        let guess = lengths.max().unwrap_or(0);
        cx.reserve(destination, guess);
        let mut guard = cx.lock_all(&keys);
        let mut length = 0;
        for key in sources {
            length = length.max(guard.string(key, Access::Peek)?.map_or(0, |entry| entry.value_bytes()));
        }
        if length == 0 {
            guard.remove(destination);
            return Ok(0);
        }
        let mut bits = Running::new(self.operation, length);
        for (at, key) in sources.iter().enumerate() {
            bits.take_in(at, &guard.string(key, cx.read())?.map(|entry| entry.value()).unwrap_or_default());
        }
        guard.put(destination, &bits.finish(), Deadline::Default, Flags::Set(flags::NONE))?;
        Ok(length)
    }
}

/// A combination under way.
struct Running {
    operation: BitOperation,
    /// What the operation says of the values so far; for DIFF, DIFF1 and ANDOR: X.
    first: Vec<u8>,
    /// For DIFF, DIFF1 and ANDOR: on in some Y. For ONE: on in two or more. Else empty.
    second: Vec<u8>,
}

impl Running {
    fn new(operation: BitOperation, length: usize) -> Running {
        use BitOperation::{AndOr, Diff, Diff1, One};
        let two = matches!(operation, Diff | Diff1 | AndOr | One);
        Running { operation, first: vec![0; length], second: vec![0; if two { length } else { 0 }] }
    }

    fn take_in(&mut self, at: usize, value: &[u8]) {
        use BitOperation::{And, AndOr, Diff, Diff1, Not, One, Or, Xor};
        let (first, second) = (&mut self.first, &mut self.second);
        match self.operation {
            One => {
                for ((once, more), byte) in first.iter_mut().zip(second).zip(value) {
                    *more |= *once & byte;
                    *once |= byte;
                }
            }
            _ if at == 0 => first[..value.len()].copy_from_slice(value),
            And => {
                first.iter_mut().zip(value).for_each(|(bits, byte)| *bits &= byte);
                first[value.len()..].fill(0);
            }
            Or => first.iter_mut().zip(value).for_each(|(bits, byte)| *bits |= byte),
            Xor => first.iter_mut().zip(value).for_each(|(bits, byte)| *bits ^= byte),
            Diff | Diff1 | AndOr => second.iter_mut().zip(value).for_each(|(bits, byte)| *bits |= byte),
            Not => {} // has one source
        }
    }

    fn finish(self) -> Vec<u8> {
        use BitOperation::{And, AndOr, Diff, Diff1, Not, One, Or, Xor};
        let (mut first, second) = (self.first, self.second);
        let mut combine = |with: fn(u8, u8) -> u8| first.iter_mut().zip(&second).for_each(|(x, &y)| *x = with(*x, y));
        match self.operation {
            And | Or | Xor => {}
            Not => first.iter_mut().for_each(|bits| *bits = !*bits),
            Diff | One => combine(|x, y| x & !y),
            Diff1 => combine(|x, y| y & !x),
            AndOr => combine(|x, y| x & y),
        }
        first
    }
}

pub(super) fn bitop(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    use BitOperation::{AndOr, Diff, Diff1, Not};
    const ONE_SOURCE: Reject = Reject::new(Kind::BadRequest, "ERR BITOP NOT must be called with a single source key.");
    let named = BitOperation::NAMES.iter().find(|(name, _)| args.is(1, name));
    let &(name, operation) = named.ok_or(Reject::SYNTAX)?;
    let sources = args.from(3);
    if operation == Not && sources.len() != 1 {
        return Err(ONE_SOURCE);
    }
    if matches!(operation, Diff | Diff1 | AndOr) && sources.len() < 2 {
        return Err(Reject::with(
            Kind::BadRequest,
            format!("ERR BITOP {name} must be called with at least two source keys."),
        ));
    }
    let length = BitOp { operation, destination: args.at(2), sources }.run(cx)?;
    reply.int(length as i64);
    Ok(())
}
