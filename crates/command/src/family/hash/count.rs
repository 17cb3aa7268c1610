//! Counters in fields: HINCRBY, HINCRBYFLOAT. A field keeps its deadline.

use crate::args::{Args, Digits, parse_int};
use crate::family::members::OVERHEAD_BYTES;
use crate::long_double::LongDouble;
use crate::reject::{Kind, Reject};
use crate::reply::Reply;
use crate::table::Context;
use scrubjay_store::value::hash::Hash;
use scrubjay_store::value::members::Until;

/// Adds a whole number to a field.
#[derive(Clone, Copy, Debug)]
pub struct IncrementField<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The field; an absent one counts from 0.
    pub field: &'a [u8],
    /// What to add.
    pub by: i64,
}

impl IncrementField<'_> {
    /// Adds. Returns the sum.
    ///
    /// Errors: another kind, the field holds no integer, the sum leaves 64 bits, no memory; nothing was changed.
    pub fn run(&self, cx: &mut Context<'_>) -> Result<i64, Reject> {
        const NOT_AN_INTEGER: Reject = Reject::new(Kind::BadRequest, "ERR hash value is not an integer");
        change(cx, self.key, self.field, |before| {
            let before = before.map_or(Some(0), parse_int).ok_or(NOT_AN_INTEGER)?;
            let sum = before.checked_add(self.by).ok_or(Reject::OVERFLOW)?;
            Ok((sum, Digits::of(sum).as_bytes().to_vec()))
        })
    }
}

/// Adds a number with a fraction to a field.
#[derive(Clone, Copy, Debug)]
pub struct IncrementFieldFloat<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The field; an absent one counts from 0.
    pub field: &'a [u8],
    /// What to add.
    pub by: LongDouble,
}

impl IncrementFieldFloat<'_> {
    /// Adds. Returns the sum as it is stored.
    ///
    /// Errors: another kind, the field holds no number, the sum is not finite, no memory; nothing was changed.
    pub fn run(&self, cx: &mut Context<'_>) -> Result<String, Reject> {
        const NOT_A_FLOAT: Reject = Reject::new(Kind::BadRequest, "ERR hash value is not a float");
        const NOT_FINITE: Reject = Reject::new(Kind::BadRequest, "ERR increment would produce NaN or Infinity");
        change(cx, self.key, self.field, |before| {
            let before = before.map_or(Some(LongDouble::ZERO), LongDouble::parse).ok_or(NOT_A_FLOAT)?;
            let sum = before.plus(self.by).filter(LongDouble::is_finite).ok_or(NOT_FINITE)?.to_string();
            Ok((sum.clone(), sum.into_bytes()))
        })
    }
}

/// Writes over a field what `next` makes of it.
fn change<R>(
    cx: &mut Context<'_>,
    key: &[u8],
    field: &[u8],
    next: impl FnOnce(Option<&[u8]>) -> Result<(R, Vec<u8>), Reject>,
) -> Result<R, Reject> {
    let key = cx.key(key)?;
    cx.fits(field.len())?;
    let room_bytes = field.len() + LongDouble::TEXT_USUAL_MAX + OVERHEAD_BYTES;
    let changed = cx.lock(&key).edit::<Hash, _>(&key, true, room_bytes, |hash| {
        let (result, value) = match hash.get(field) {
            Some(found) => found.value.with(|bytes| next(Some(bytes)))?,
            None => next(None)?,
        };
        hash.set(field, &value, Until::Keep);
        Ok(result)
    })?;
    changed.unwrap_or(Err(Reject::NO_SUCH_KEY))
}

pub(super) fn hincrby(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let sum = IncrementField { key: args.at(1), field: args.at(2), by: args.int(3)? }.run(cx)?;
    reply.int(sum);
    Ok(())
}

pub(super) fn hincrbyfloat(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    const NOT_FINITE: Reject = Reject::new(Kind::BadRequest, "ERR value is NaN or Infinity");
    let by = LongDouble::parse(args.at(3)).ok_or(Reject::NOT_A_FLOAT)?;
    if !by.is_finite() {
        return Err(NOT_FINITE);
    }
    let sum = IncrementFieldFloat { key: args.at(1), field: args.at(2), by }.run(cx)?;
    reply.text(&sum);
    Ok(())
}
