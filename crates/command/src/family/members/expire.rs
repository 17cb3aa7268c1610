//! Deadlines of fields and members: HEXPIRE, HTTL, HPERSIST and their kin, and the same for sets.
//!
//! ```text
//!   HEXPIRE key seconds [NX | XX | GT | LT] FIELDS n field ...          JAY.SEXPIRE ... MEMBERS n member ...
//!     each: 1 set   2 removed, the moment has passed   0 forbidden by the condition   -2 no such field
//! ```

use super::{OVERHEAD_BYTES, look, names_at};
use crate::args::Args;
use crate::family::key::Only;
use crate::reject::{Kind, Reject};
use crate::reply::Reply;
use crate::table::Context;
use scrubjay_base::clock::UnixMs;
use scrubjay_store::value::members::{Members, Shape, View};
use scrubjay_store::value::set::Names;
use std::marker::PhantomData;

/// The latest moment that Redis lets a field have: 2^46 milliseconds.
const MOMENT_MS_MAX: i64 = 1 << 46;

/// What became of one name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Moved {
    /// It is not there.
    Missing,
    /// The condition forbids it.
    Forbidden,
    /// It has the deadline.
    Set,
    /// It was removed, because the moment has passed.
    Removed,
}

/// Moves the deadlines of fields or members.
#[derive(Clone, Debug)]
pub struct ExpireMembers<'a, S, I> {
    /// The key.
    pub key: &'a [u8],
    /// The new deadline.
    pub at_ms: UnixMs,
    /// What must hold of the present one.
    pub only: Only,
    /// The names.
    pub names: I,
    /// Of a hash or a set.
    pub shape: PhantomData<S>,
}

impl<'a, S: Shape, I: ExactSizeIterator<Item = &'a [u8]> + Clone> ExpireMembers<'a, S, I> {
    /// Moves them. What became of each. Errors: another kind, no memory; nothing was changed.
    pub fn run(&self, cx: &mut Context<'_>) -> Result<Vec<Moved>, Reject> {
        let key = cx.key(self.key)?;
        let room_bytes = self.names.len() * OVERHEAD_BYTES;
        let moved = cx.lock(&key).edit::<Members<S>, _>(&key, false, room_bytes, |members| {
            let now_ms = members.now_ms();
            let one = |name| match members.get(name).map(|member| member.deadline_ms) {
                None => Moved::Missing,
                Some(present) if self.only.forbids(present, self.at_ms) => Moved::Forbidden,
                Some(_) => {
                    members.set_deadline(name, Some(self.at_ms));
                    if self.at_ms > now_ms { Moved::Set } else { Moved::Removed }
                }
            };
            self.names.clone().map(one).collect()
        })?;
        Ok(moved.unwrap_or_else(|| vec![Moved::Missing; self.names.len()]))
    }
}

/// Takes the deadlines of fields or members away.
#[derive(Clone, Debug)]
pub struct PersistMembers<'a, S, I> {
    /// The key.
    pub key: &'a [u8],
    /// The names.
    pub names: I,
    /// Of a hash or a set.
    pub shape: PhantomData<S>,
}

impl<'a, S: Shape, I: ExactSizeIterator<Item = &'a [u8]> + Clone> PersistMembers<'a, S, I> {
    /// Takes them away. Whether each had one; `None`: it is not there. Errors: another kind.
    pub fn run(&self, cx: &mut Context<'_>) -> Result<Vec<Option<bool>>, Reject> {
        let key = cx.key(self.key)?;
        let had = cx.lock(&key).edit::<Members<S>, _>(&key, false, 0, |members| {
            let one = |name| {
                let had = members.get(name)?.deadline_ms.is_some();
                if had {
                    members.set_deadline(name, None);
                }
                Some(had)
            };
            self.names.clone().map(one).collect()
        })?;
        Ok(had.unwrap_or_else(|| vec![None; self.names.len()]))
    }
}

/// The word before the names.
fn word<S: Shape>() -> &'static str {
    if S::HAS_VALUES { "FIELDS" } else { "MEMBERS" }
}

/// Reads `key time [condition] FIELDS ...`: in units of `unit_ms` from `base_ms` on.
fn expire<S: Shape>(
    cx: &mut Context<'_>,
    args: &Args<'_>,
    unit_ms: i64,
    base_ms: UnixMs,
    reply: &mut dyn Reply,
) -> Result<(), Reject> {
    const NEGATIVE: Reject = Reject::new(Kind::BadRequest, "ERR invalid expire time, must be >= 0");
    let given = args.int(2)?;
    if given < 0 {
        return Err(NEGATIVE);
    }
    let at_ms = given.checked_mul(unit_ms).and_then(|ms| ms.checked_add(base_ms as i64));
    let at_ms = at_ms.filter(|&ms| ms <= MOMENT_MS_MAX).ok_or_else(|| {
        let name = String::from_utf8_lossy(args.at(0)).to_ascii_lowercase();
        Reject::invalid_expire(&name)
    })?;
    let conditions = [("NX", Only::IF_NONE), ("XX", Only::IF_ANY), ("GT", Only::IF_LATER), ("LT", Only::IF_SOONER)];
    let only = conditions.iter().find(|(word, _)| args.is(3, word)).map(|(_, only)| *only);
    let first = names_at(args, if only.is_some() { 4 } else { 3 }, word::<S>(), 1)?;
    let moved = ExpireMembers {
        key: args.at(1),
        at_ms: at_ms as UnixMs,
        only: only.unwrap_or_default(),
        names: args.from(first),
        shape: PhantomData::<S>,
    }
    .run(cx)?;
    reply.array(moved.len());
    for moved in moved {
        reply.int(match moved {
            Moved::Missing => -2,
            Moved::Forbidden => 0,
            Moved::Set => 1,
            Moved::Removed => 2,
        });
    }
    Ok(())
}

/// Tells for each name what `number` makes of its deadline.
fn tell<S: Shape>(
    cx: &mut Context<'_>,
    args: &Args<'_>,
    reply: &mut dyn Reply,
    number: impl Fn(UnixMs) -> u64,
) -> Result<(), Reject> {
    let first = names_at(args, 2, word::<S>(), 1)?;
    let (names, now_ms) = (args.from(first), cx.now_ms);
    look::<S, _>(cx, args.at(1), |view: Option<View<'_, S>>| {
        reply.array(names.len());
        for name in names {
            let found = view.and_then(|view| view.get(name, now_ms));
            reply.int(match found.map(|member| member.deadline_ms) {
                None => -2,
                Some(None) => -1,
                Some(Some(at_ms)) => number(at_ms) as i64,
            });
        }
    })
}

fn persist<S: Shape>(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let first = names_at(args, 2, word::<S>(), 1)?;
    let had = PersistMembers { key: args.at(1), names: args.from(first), shape: PhantomData::<S> }.run(cx)?;
    reply.array(had.len());
    for had in had {
        reply.int(match had {
            None => -2,
            Some(false) => -1,
            Some(true) => 1,
        });
    }
    Ok(())
}

/// The handlers of one kind, all with the names of the commands on hashes.
macro_rules! handlers {
    ($shape:ty, $module:ident) => {
        pub(in crate::family) mod $module {
            use super::*;

            type Outcome = Result<(), Reject>;

            pub(in crate::family) fn expire(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Outcome {
                super::expire::<$shape>(cx, args, 1000, cx.now_ms, reply)
            }
            pub(in crate::family) fn pexpire(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Outcome {
                super::expire::<$shape>(cx, args, 1, cx.now_ms, reply)
            }
            pub(in crate::family) fn expireat(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Outcome {
                super::expire::<$shape>(cx, args, 1000, 0, reply)
            }
            pub(in crate::family) fn pexpireat(
                cx: &mut Context<'_>,
                args: &Args<'_>,
                reply: &mut dyn Reply,
            ) -> Outcome {
                super::expire::<$shape>(cx, args, 1, 0, reply)
            }
            // Rounded up, unlike a key's: as Redis does.
            pub(in crate::family) fn ttl(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Outcome {
                let now_ms = cx.now_ms;
                tell::<$shape>(cx, args, reply, |at_ms| (at_ms - now_ms).div_ceil(1000))
            }
            pub(in crate::family) fn pttl(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Outcome {
                let now_ms = cx.now_ms;
                tell::<$shape>(cx, args, reply, |at_ms| at_ms - now_ms)
            }
            pub(in crate::family) fn expiretime(
                cx: &mut Context<'_>,
                args: &Args<'_>,
                reply: &mut dyn Reply,
            ) -> Outcome {
                tell::<$shape>(cx, args, reply, |at_ms| at_ms.div_ceil(1000))
            }
            pub(in crate::family) fn pexpiretime(
                cx: &mut Context<'_>,
                args: &Args<'_>,
                reply: &mut dyn Reply,
            ) -> Outcome {
                tell::<$shape>(cx, args, reply, |at_ms| at_ms)
            }
            pub(in crate::family) fn persist(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Outcome {
                super::persist::<$shape>(cx, args, reply)
            }
        }
    };
}

handlers!(scrubjay_store::value::hash::Fields, fields);
handlers!(Names, members);
