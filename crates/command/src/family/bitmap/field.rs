//! Small integers at any bit of a value: BITFIELD, BITFIELD_RO.
//!
//! ```text
//! byte     0        1        2             u12 at bit 6: the bits x, the highest first
//!      ......xx xxxxxxxx xx......
//! ```
//!
//! A field is at most 64 bits and so lies in at most nine bytes, which are read and written as one number.

use super::bit::parse_offset;
use crate::args::{Args, parse_int};
use crate::family::string::{Before, write_part};
use crate::reject::{Kind, Reject};
use crate::reply::Reply;
use crate::table::Context;
use scrubjay_store::{Access, Entry};

/// Where an integer lies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Field {
    /// Whether it has a sign (in two's complement).
    pub signed: bool,
    /// How many bits it has: 1 to 64 with sign, 1 to 63 without.
    pub bits: u32,
    /// Its first bit.
    pub offset: u64,
}

/// What happens to a result that does not fit its field.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Overflow {
    /// The high bits are lost.
    #[default]
    Wrap,
    /// It becomes the largest or smallest that fits.
    Saturate,
    /// Nothing is written.
    Fail,
}

/// One thing to do with a field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// Read it.
    Get(Field),
    /// Write it; the result is what was there.
    Set(Field, i64, Overflow),
    /// Add to it; the result is the sum.
    Add(Field, i64, Overflow),
}

/// Does several things with the fields of one value, in turn, at one moment.
#[derive(Clone, Debug)]
pub struct BitField<'a> {
    /// The key. If anything is written it is created if it is absent, and grown with zeros if it is too short.
    pub key: &'a [u8],
    /// What to do.
    pub steps: Vec<Step>,
}

impl<'a> BitField<'a> {
    /// Reads `BITFIELD key [GET type offset | [OVERFLOW how] SET type offset value | [OVERFLOW how] INCRBY ...]...`.
    fn parse(cx: &Context<'_>, args: &Args<'a>) -> Result<BitField<'a>, Reject> {
        const NO_OVERFLOW: Reject = Reject::new(Kind::BadRequest, "ERR Invalid OVERFLOW type specified");
        let mut steps = Vec::new();
        let mut overflow = Overflow::default();
        let mut at = 2;
        while at < args.len() {
            let left = args.len() - at - 1;
            if args.is(at, "OVERFLOW") && left >= 1 {
                overflow = match () {
                    () if args.is(at + 1, "WRAP") => Overflow::Wrap,
                    () if args.is(at + 1, "SAT") => Overflow::Saturate,
                    () if args.is(at + 1, "FAIL") => Overflow::Fail,
                    () => return Err(NO_OVERFLOW),
                };
                at += 2;
                continue;
            }
            let field = || Field::parse(cx, args.at(at + 1), args.at(at + 2));
            let value = || parse_int(args.at(at + 3)).ok_or(Reject::NOT_AN_INTEGER);
            let (step, width) = if args.is(at, "GET") && left >= 2 {
                (Step::Get(field()?), 3)
            } else if args.is(at, "SET") && left >= 3 {
                (Step::Set(field()?, value()?, overflow), 4)
            } else if args.is(at, "INCRBY") && left >= 3 {
                (Step::Add(field()?, value()?, overflow), 4)
            } else {
                return Err(Reject::SYNTAX);
            };
            steps.push(step);
            at += width;
        }
        Ok(BitField { key: args.at(1), steps })
    }

    /// Does it. Returns a result for each step; `None` where a result did not fit and nothing was to be written.
    ///
    /// Errors: key or value too long, no memory; nothing was changed.
    pub fn run(&self, cx: &mut Context<'_>) -> Result<Vec<Option<i64>>, Reject> {
        let key = cx.key(self.key)?;
        let written = self.steps.iter().filter_map(Step::written).map(|field| field.last_byte() + 1).max();
        if let Some(length) = written {
            cx.fits(length)?;
            cx.reserve(&key, length);
        }
        let mut guard = cx.lock(&key);
        let access = if written.is_some() { Access::Write } else { cx.read() };
        let mut before = Before::of(guard.string(&key, access)?);
        if let Some(length) = written.filter(|&length| length > before.length) {
            // Growing first is what can fail for want of memory; the writes below stay inside.
            write_part(&mut guard, &key, before, length - 1, &[0])?;
            before = Before::of(guard.string(&key, Access::Peek)?);
        }
        // A compressed value is decompressed once; the first write makes it plain.
        let mut plain = guard.string(&key, Access::Peek)?.filter(Entry::is_compressed).and_then(|entry| entry.shared());
        let mut results = Vec::with_capacity(self.steps.len());
        for &step in &self.steps {
            let field = *step.field();
            let window = match &plain {
                Some(value) => field.window(value),
                None => field.window(&guard.string(&key, Access::Peek)?.map(|entry| entry.value()).unwrap_or_default()),
            };
            let old = field.read(window);
            let fitted = match step {
                Step::Get(_) => {
                    results.push(Some(old as i64));
                    continue;
                }
                // Without sign a negative number to write is meant as its 64 bits: too large for any field.
                Step::Set(_, value, how) if field.signed => field.fit(i128::from(value), how),
                Step::Set(_, value, how) => field.fit(i128::from(value as u64), how),
                Step::Add(_, by, how) => field.fit(old + i128::from(by), how),
            };
            let Some(new) = fitted else {
                results.push(None);
                continue;
            };
            results.push(Some(if matches!(step, Step::Set(..)) { old as i64 } else { new as i64 }));
            let bytes = field.write(window, new).to_be_bytes();
            let first = field.first_byte();
            plain = None;
            write_part(&mut guard, &key, before, first, &bytes[16 - WINDOW_BYTES..][..=field.last_byte() - first])?;
        }
        Ok(results)
    }
}

impl Step {
    fn field(&self) -> &Field {
        match self {
            Step::Get(field) | Step::Set(field, ..) | Step::Add(field, ..) => field,
        }
    }

    fn written(&self) -> Option<&Field> {
        match self {
            Step::Get(_) => None,
            _ => Some(self.field()),
        }
    }
}

/// The most bytes that a field touches: 64 bits from the last bit of a byte on.
const WINDOW_BYTES: usize = 9;

impl Field {
    fn parse(cx: &Context<'_>, kind: &[u8], offset: &[u8]) -> Result<Field, Reject> {
        const NO_TYPE: Reject = Reject::new(
            Kind::BadRequest,
            "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.",
        );
        let (signed, digits) = match kind {
            [b'i', digits @ ..] => (true, digits),
            [b'u', digits @ ..] => (false, digits),
            _ => return Err(NO_TYPE),
        };
        let bits = match parse_int(digits) {
            Some(bits @ 1..=63) => bits as u32,
            Some(64) if signed => 64,
            _ => return Err(NO_TYPE),
        };
        Ok(Field { signed, bits, offset: parse_offset(cx, offset, Some(u64::from(bits)))? })
    }

    fn first_byte(&self) -> usize {
        (self.offset / 8) as usize
    }

    fn last_byte(&self) -> usize {
        ((self.offset + u64::from(self.bits) - 1) / 8) as usize
    }

    /// The nine bytes from the field's first one on, as one number; what lies behind the value is zero.
    fn window(&self, value: &[u8]) -> u128 {
        let part = value.get(self.first_byte()..).unwrap_or_default();
        let part = &part[..part.len().min(WINDOW_BYTES)];
        let mut bytes = [0; 16];
        bytes[16 - WINDOW_BYTES..][..part.len()].copy_from_slice(part);
        u128::from_be_bytes(bytes)
    }

    fn shift(&self) -> u32 {
        8 * WINDOW_BYTES as u32 - (self.offset % 8) as u32 - self.bits
    }

    fn mask(&self) -> u128 {
        (1 << self.bits) - 1
    }

    fn read(&self, window: u128) -> i128 {
        self.signed_value(window >> self.shift())
    }

    /// What the low bits of `bits` say as a number of this field's kind.
    fn signed_value(&self, bits: u128) -> i128 {
        let value = (bits & self.mask()) as i128;
        if self.signed && value >> (self.bits - 1) != 0 { value - (1 << self.bits) } else { value }
    }

    fn write(&self, window: u128, value: i128) -> u128 {
        let cleared = window & !(self.mask() << self.shift());
        cleared | (value as u128 & self.mask()) << self.shift()
    }

    /// `value` if it fits, else what `how` makes of it.
    fn fit(&self, value: i128, how: Overflow) -> Option<i128> {
        let max = (self.mask() >> u32::from(self.signed)) as i128;
        let min = if self.signed { -max - 1 } else { 0 };
        if (min..=max).contains(&value) {
            return Some(value);
        }
        match how {
            Overflow::Wrap => Some(self.signed_value(value as u128)),
            Overflow::Saturate => Some(value.clamp(min, max)),
            Overflow::Fail => None,
        }
    }
}

pub(super) fn bitfield(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let results = BitField::parse(cx, args)?.run(cx)?;
    say(&results, reply);
    Ok(())
}

pub(super) fn bitfield_ro(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    const ONLY_GET: Reject = Reject::new(Kind::BadRequest, "ERR BITFIELD_RO only supports the GET subcommand");
    let operation = BitField::parse(cx, args)?;
    if operation.steps.iter().any(|step| step.written().is_some()) {
        return Err(ONLY_GET);
    }
    let results = operation.run(cx)?;
    say(&results, reply);
    Ok(())
}

fn say(results: &[Option<i64>], reply: &mut dyn Reply) {
    reply.array(results.len());
    for result in results {
        match result {
            Some(value) => reply.int(*value),
            None => reply.null(),
        }
    }
}
