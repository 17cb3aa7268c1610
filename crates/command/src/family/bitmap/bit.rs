//! One bit of a value: SETBIT, GETBIT. Bit 0 is the highest of the first byte.

use crate::args::{Args, parse_int};
use crate::family::string::{Before, write_part};
use crate::family::with_value;
use crate::reject::{Kind, Reject};
use crate::reply::Reply;
use crate::table::Context;
use scrubjay_store::Access;

/// Writes one bit.
#[derive(Clone, Copy, Debug)]
pub struct SetBit<'a> {
    /// The key; created if it is absent, grown with zeros if it is too short.
    pub key: &'a [u8],
    /// Which bit.
    pub offset: u64,
    /// What to write.
    pub on: bool,
}

impl SetBit<'_> {
    /// Writes. Returns the bit as it was. Errors: key or result too long, no memory; nothing was changed.
    pub fn run(&self, cx: &mut Context<'_>) -> Result<bool, Reject> {
        let key = cx.key(self.key)?;
        let (at, mask) = place(self.offset);
        cx.fits(at.saturating_add(1))?;
        cx.reserve(&key, at + 1);
        let mut guard = cx.lock(&key);
        let entry = guard.string(&key, Access::Write)?;
        let byte = entry.as_ref().and_then(|entry| entry.value().get(at).copied());
        let before = Before::of(entry);
        let was_on = byte.is_some_and(|byte| byte & mask != 0);
        if byte.is_none() || was_on != self.on {
            let rest = byte.unwrap_or(0) & !mask;
            write_part(&mut guard, &key, before, at, &[if self.on { rest | mask } else { rest }])?;
        }
        Ok(was_on)
    }
}

/// Reads one bit.
#[derive(Clone, Copy, Debug)]
pub struct GetBit<'a> {
    /// The key.
    pub key: &'a [u8],
    /// Which bit.
    pub offset: u64,
}

impl GetBit<'_> {
    /// Reads; what lies behind the value is off.
    pub fn run(&self, cx: &mut Context<'_>) -> Result<bool, Reject> {
        let (at, mask) = place(self.offset);
        let byte = with_value(cx, self.key, |value| value.and_then(|value| value.get(at).copied()))?;
        Ok(byte.is_some_and(|byte| byte & mask != 0))
    }
}

/// The byte in which a bit lies, and its mask there.
fn place(offset: u64) -> (usize, u8) {
    (usize::try_from(offset / 8).unwrap_or(usize::MAX), 0x80 >> (offset % 8))
}

/// Reads the offset of a bit, or with `unit_bits` also `#n`: the `n`-th field of that width.
///
/// Errors: no number, negative, or behind the longest value.
pub(super) fn parse_offset(cx: &Context<'_>, text: &[u8], unit_bits: Option<u64>) -> Result<u64, Reject> {
    const OUT_OF_RANGE: Reject = Reject::new(Kind::BadRequest, "ERR bit offset is not an integer or out of range");
    let (digits, factor) = match (text, unit_bits) {
        ([b'#', digits @ ..], Some(bits)) => (digits, bits),
        _ => (text, 1),
    };
    let number = parse_int(digits).and_then(|number| u64::try_from(number).ok());
    number
        .and_then(|number| number.checked_mul(factor))
        .filter(|offset| offset / 8 < cx.value_bytes_max as u64)
        .ok_or(OUT_OF_RANGE)
}

pub(super) fn setbit(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    const NO_BIT: Reject = Reject::new(Kind::BadRequest, "ERR bit is not an integer or out of range");
    let offset = parse_offset(cx, args.at(2), None)?;
    let on = match parse_int(args.at(3)) {
        Some(0) => false,
        Some(1) => true,
        _ => return Err(NO_BIT),
    };
    let was_on = SetBit { key: args.at(1), offset, on }.run(cx)?;
    reply.int(i64::from(was_on));
    Ok(())
}

pub(super) fn getbit(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let offset = parse_offset(cx, args.at(2), None)?;
    let on = GetBit { key: args.at(1), offset }.run(cx)?;
    reply.int(i64::from(on));
    Ok(())
}
