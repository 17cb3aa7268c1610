//! Writing fields: HSET, HMSET, HSETNX.

use crate::args::Args;
use crate::family::members::OVERHEAD_BYTES;
use crate::reject::Reject;
use crate::reply::Reply;
use crate::table::Context;
use scrubjay_store::value::hash::Hash;
use scrubjay_store::value::members::Until;

/// Writes fields.
#[derive(Clone, Copy, Debug)]
pub struct SetFields<'a, I> {
    /// The key.
    pub key: &'a [u8],
    /// Fields and values.
    pub pairs: I,
}

impl<'a, I: Iterator<Item = (&'a [u8], &'a [u8])> + Clone> SetFields<'a, I> {
    /// Writes; deadlines that the fields had are gone. Returns how many are new.
    ///
    /// Errors: another kind, a value too long, no memory; nothing was changed.
    #[inline]
    pub fn run(self, cx: &mut Context<'_>) -> Result<usize, Reject> {
        let key = cx.key(self.key)?;
        let room_bytes = room_for(cx, self.pairs.clone())?;
        let new = cx.lock(&key).edit::<Hash, _>(&key, true, room_bytes, |hash| {
            self.pairs.map(|(field, value)| usize::from(hash.set(field, value, Until::Never))).sum()
        })?;
        Ok(new.unwrap_or(0))
    }
}

/// Bytes that these fields take at most. Errors: one is too long.
pub(super) fn room_for<'a>(
    cx: &Context<'_>,
    pairs: impl Iterator<Item = (&'a [u8], &'a [u8])>,
) -> Result<usize, Reject> {
    let mut room_bytes = 0;
    for (field, value) in pairs {
        cx.fits(field.len())?;
        cx.fits(value.len())?;
        room_bytes += field.len() + value.len() + OVERHEAD_BYTES;
    }
    Ok(room_bytes)
}

/// Writes a field that is not there yet.
#[derive(Clone, Copy, Debug)]
pub struct AddField<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The field.
    pub field: &'a [u8],
    /// Its value.
    pub value: &'a [u8],
}

impl AddField<'_> {
    /// Writes. Whether it was not there. Errors: as [`SetFields::run`].
    pub fn run(&self, cx: &mut Context<'_>) -> Result<bool, Reject> {
        let key = cx.key(self.key)?;
        let room_bytes = room_for(cx, std::iter::once((self.field, self.value)))?;
        let added = cx.lock(&key).edit::<Hash, _>(&key, true, room_bytes, |hash| {
            hash.get(self.field).is_none() && hash.set(self.field, self.value, Until::Never)
        })?;
        Ok(added.unwrap_or(false))
    }
}

/// The fields and values from argument `at` on.
pub(super) fn pairs<'a>(args: &Args<'a>, at: usize) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + Clone + use<'a> {
    let args = *args;
    (at..args.len() - 1).step_by(2).map(move |at| (args.at(at), args.at(at + 1)))
}

fn set(cx: &mut Context<'_>, args: &Args<'_>, command: &str) -> Result<usize, Reject> {
    if !args.len().is_multiple_of(2) {
        return Err(Reject::arity(command));
    }
    SetFields { key: args.at(1), pairs: pairs(args, 2) }.run(cx)
}

pub(super) fn hset(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let new = set(cx, args, "hset")?;
    reply.int(new as i64);
    Ok(())
}

pub(super) fn hmset(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    set(cx, args, "hmset")?;
    reply.ok();
    Ok(())
}

pub(super) fn hsetnx(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let added = AddField { key: args.at(1), field: args.at(2), value: args.at(3) }.run(cx)?;
    reply.int(i64::from(added));
    Ok(())
}
