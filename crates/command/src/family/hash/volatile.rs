//! Reading or writing fields together with their deadlines: HGETEX, HGETDEL, HSETEX.

use super::write::{pairs, room_for};
use crate::args::Args;
use crate::family::members::{OVERHEAD_BYTES, names_at};
use crate::family::string::{Expiry, ExpiryOption};
use crate::reject::Reject;
use crate::reply::Reply;
use crate::table::Context;
use scrubjay_base::clock::UnixMs;
use scrubjay_store::value::hash::Hash;
use scrubjay_store::value::members::Until;

/// Reads fields and removes them.
#[derive(Clone, Copy, Debug)]
pub struct TakeFields<'a, I> {
    /// The key.
    pub key: &'a [u8],
    /// The fields.
    pub fields: I,
}

impl<'a, I: Iterator<Item = &'a [u8]> + Clone> TakeFields<'a, I> {
    /// Removes. The values, in order. Errors: another kind.
    pub fn run(self, cx: &mut Context<'_>) -> Result<Vec<Option<Vec<u8>>>, Reject> {
        let key = cx.key(self.key)?;
        let taken = cx.lock(&key).edit::<Hash, _>(&key, false, 0, |hash| {
            let one = |field| {
                let value = hash.get(field)?.value.to_vec();
                hash.remove(field);
                Some(value)
            };
            self.fields.clone().map(one).collect()
        })?;
        Ok(taken.unwrap_or_else(|| self.fields.map(|_| None).collect()))
    }
}

/// Reads fields and moves their deadlines.
#[derive(Clone, Copy, Debug)]
pub struct GetFieldsExpire<'a, I> {
    /// The key.
    pub key: &'a [u8],
    /// The fields.
    pub fields: I,
    /// The new deadline; [`Until::Keep`] leaves it.
    pub until: Until,
}

impl<'a, I: ExactSizeIterator<Item = &'a [u8]> + Clone> GetFieldsExpire<'a, I> {
    /// Reads, then moves. The values, in order. Errors: another kind, no memory; nothing was changed.
    pub fn run(self, cx: &mut Context<'_>) -> Result<Vec<Option<Vec<u8>>>, Reject> {
        let key = cx.key(self.key)?;
        let room_bytes = if let Until::At(_) = self.until { self.fields.len() * OVERHEAD_BYTES } else { 0 };
        let values = cx.lock(&key).edit::<Hash, _>(&key, false, room_bytes, |hash| {
            let one = |field| {
                let found = hash.get(field)?;
                let (value, volatile) = (found.value.to_vec(), found.deadline_ms.is_some());
                let moved = match self.until {
                    Until::At(at_ms) => Some(Some(at_ms)),
                    Until::Never => volatile.then_some(None),
                    Until::Keep => None,
                };
                if let Some(deadline_ms) = moved {
                    hash.set_deadline(field, deadline_ms);
                }
                Some(value)
            };
            self.fields.clone().map(one).collect()
        })?;
        Ok(values.unwrap_or_else(|| vec![None; self.fields.len()]))
    }
}

/// Which fields must be there for a write to happen.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum IfFields {
    /// Any.
    #[default]
    Always,
    /// None of them (`FNX`).
    NoneIs,
    /// All of them (`FXX`).
    AllAre,
}

/// Writes fields with a deadline, all or none.
#[derive(Clone, Copy, Debug)]
pub struct SetFieldsExpire<'a, I> {
    /// The key.
    pub key: &'a [u8],
    /// Fields and values.
    pub pairs: I,
    /// Their deadline.
    pub until: Until,
    /// On what condition.
    pub condition: IfFields,
}

impl<'a, I: Iterator<Item = (&'a [u8], &'a [u8])> + Clone> SetFieldsExpire<'a, I> {
    /// Writes. Whether the condition held. Errors: another kind, a value too long, no memory; nothing was changed.
    pub fn run(self, cx: &mut Context<'_>) -> Result<bool, Reject> {
        let key = cx.key(self.key)?;
        let room_bytes = room_for(cx, self.pairs.clone())?;
        let create = self.condition != IfFields::AllAre;
        let written = cx.lock(&key).edit::<Hash, _>(&key, create, room_bytes, |hash| {
            let mut fields = self.pairs.clone().map(|(field, _)| hash.get(field).is_some());
            let holds = match self.condition {
                IfFields::Always => true,
                IfFields::NoneIs => !fields.any(|is_there| is_there),
                IfFields::AllAre => fields.all(|is_there| is_there),
            };
            if holds {
                for (field, value) in self.pairs {
                    hash.set(field, value, self.until);
                }
            }
            holds
        })?;
        Ok(written.unwrap_or(false))
    }
}

fn until(expiry: Option<Expiry>, now_ms: UnixMs, otherwise: Until) -> Until {
    match expiry {
        None | Some(Expiry::Default) => otherwise,
        Some(Expiry::Keep) => Until::Keep,
        Some(Expiry::Never) => Until::Never,
        Some(Expiry::InMs(ms)) => Until::At(now_ms.saturating_add(ms)),
        // A field is kept no longer than it lives.
        Some(Expiry::At(at_ms) | Expiry::Stale { at: at_ms, .. }) => Until::At(at_ms),
    }
}

fn say_all(values: Vec<Option<Vec<u8>>>, reply: &mut dyn Reply) {
    reply.array(values.len());
    for value in values {
        match value {
            Some(value) => reply.bulk(&value),
            None => reply.null(),
        }
    }
}

pub(super) fn hgetdel(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let first = names_at(args, 2, "FIELDS", 1)?;
    let values = TakeFields { key: args.at(1), fields: args.from(first) }.run(cx)?;
    say_all(values, reply);
    Ok(())
}

pub(super) fn hgetex(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let mut option = ExpiryOption::default();
    let mut at = 2;
    while at < args.len() && !args.is(at, "FIELDS") {
        at += option.accept(args, at, "PERSIST").ok_or(Reject::SYNTAX)?;
    }
    let first = names_at(args, at, "FIELDS", 1)?;
    let until = until(option.expiry(args, cx.now_ms, "hgetex")?, cx.now_ms, Until::Keep);
    let values = GetFieldsExpire { key: args.at(1), fields: args.from(first), until }.run(cx)?;
    say_all(values, reply);
    Ok(())
}

pub(super) fn hsetex(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let (mut option, mut condition) = (ExpiryOption::default(), IfFields::Always);
    let mut at = 2;
    while at < args.len() && !args.is(at, "FIELDS") {
        let given = match (args.is(at, "FNX"), args.is(at, "FXX")) {
            (true, _) => IfFields::NoneIs,
            (_, true) => IfFields::AllAre,
            _ => {
                at += option.accept(args, at, "KEEPTTL").ok_or(Reject::SYNTAX)?;
                continue;
            }
        };
        if condition != IfFields::Always && condition != given {
            return Err(Reject::SYNTAX);
        }
        condition = given;
        at += 1;
    }
    let first = names_at(args, at, "FIELDS", 2)?;
    let until = until(option.expiry(args, cx.now_ms, "hsetex")?, cx.now_ms, Until::Never);
    let written = SetFieldsExpire { key: args.at(1), pairs: pairs(args, first), until, condition }.run(cx)?;
    reply.int(i64::from(written));
    Ok(())
}
