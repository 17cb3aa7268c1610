//! From list to list: LMOVE, RPOPLPUSH, and the forms that wait.

use super::{ITEM_OVERHEAD_BYTES, end};
use crate::args::Args;
use crate::reject::Reject;
use crate::reply::Reply;
use crate::table::Context;
use crate::wait::{self, Nothing};
use scrubjay_store::value::list::{End, List};
use scrubjay_store::{Access, Kind as ValueKind};

/// Moves an element from an end of one list to an end of another, or of the same.
#[derive(Clone, Copy, Debug)]
pub struct Transfer<'a> {
    /// The list that it leaves.
    pub from: &'a [u8],
    /// The list that it joins, which is made if need be.
    pub to: &'a [u8],
    /// The end that it leaves.
    pub from_end: End,
    /// The end that it joins.
    pub to_end: End,
}

impl Transfer<'_> {
    /// Moves it and returns it; `None` if there is no list to take from.
    ///
    /// Errors: another kind under either key, no memory; nothing was changed.
    pub fn run(&self, cx: &mut Context<'_>) -> Result<Option<Vec<u8>>, Reject> {
        let (from, to) = (cx.key(self.from)?, cx.key(self.to)?);
        let mut guard = cx.lock_all(&[from, to]);
        let Some(list) = guard.view::<List>(&from, Access::Peek)? else { return Ok(None) };
        let item = match self.from_end {
            End::Front => list.get(0),
            End::Back => list.get(list.len() - 1),
        };
        let Some(element) = item.map(|item| item.to_vec()) else { return Ok(None) };
        if from == to {
            guard.edit::<List, _>(&from, false, 0, |list| {
                list.pop(self.from_end, 1, |_| {});
                list.push(self.to_end, &element);
            })?;
            return Ok(Some(element));
        }
        // What can be refused comes first; taking out cannot be.
        let room_bytes = element.len() + ITEM_OVERHEAD_BYTES;
        guard.edit::<List, _>(&to, true, room_bytes, |list| list.push(self.to_end, &element))?;
        guard.edit::<List, _>(&from, false, 0, |list| list.pop(self.from_end, 1, |_| {}))?;
        Ok(Some(element))
    }
}

/// Moves, or waits until `until_ms` where a time-out was said.
fn transfer(
    cx: &mut Context<'_>,
    transfer: &Transfer<'_>,
    until_ms: Option<Option<u64>>,
    reply: &mut dyn Reply,
) -> Result<(), Reject> {
    let moved = if cx.may_take { transfer.run(cx)? } else { None };
    match (moved, until_ms) {
        (Some(element), _) => reply.bulk(&element),
        (None, None) => reply.null(),
        (None, Some(until_ms)) => {
            cx.wait_for(ValueKind::List, [transfer.from].into_iter(), until_ms, Nothing::Null, reply);
        }
    }
    Ok(())
}

pub(super) fn lmove(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let (from_end, to_end) = (end(args, 3)?, end(args, 4)?);
    transfer(cx, &Transfer { from: args.at(1), to: args.at(2), from_end, to_end }, None, reply)
}

pub(super) fn blmove(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let (from_end, to_end) = (end(args, 3)?, end(args, 4)?);
    let until_ms = wait::until(args.at(5), cx.now_ms)?;
    transfer(cx, &Transfer { from: args.at(1), to: args.at(2), from_end, to_end }, Some(until_ms), reply)
}

fn right_to_left<'a>(args: &Args<'a>) -> Transfer<'a> {
    Transfer { from: args.at(1), to: args.at(2), from_end: End::Back, to_end: End::Front }
}

pub(super) fn rpoplpush(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    transfer(cx, &right_to_left(args), None, reply)
}

pub(super) fn brpoplpush(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let until_ms = wait::until(args.at(3), cx.now_ms)?;
    transfer(cx, &right_to_left(args), Some(until_ms), reply)
}
