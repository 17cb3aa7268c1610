//! Changing a list in its middle: LSET, LINSERT, LREM, LTRIM.

use super::ITEM_OVERHEAD_BYTES;
use super::read::{at, between};
use crate::args::Args;
use crate::reject::{Kind, Reject};
use crate::reply::Reply;
use crate::table::Context;
use scrubjay_store::Access;
use scrubjay_store::value::list::List;
use scrubjay_store::value::packed::Item;

/// Writes over an element.
#[derive(Clone, Copy, Debug)]
pub struct SetAt<'a> {
    /// The key.
    pub key: &'a [u8],
    /// Which one, negative ones counted from the end.
    pub index: i64,
    /// What it becomes.
    pub element: &'a [u8],
}

impl SetAt<'_> {
    /// Writes. Errors: no such key, another kind, no such index, element too long, no memory; nothing was changed.
    pub fn run(&self, cx: &mut Context<'_>) -> Result<(), Reject> {
        const OUT_OF_RANGE: Reject = Reject::new(Kind::BadRequest, "ERR index out of range");
        let key = cx.key(self.key)?;
        cx.fits(self.element.len())?;
        let room_bytes = self.element.len() + ITEM_OVERHEAD_BYTES;
        let done = cx.lock(&key).edit::<List, _>(&key, false, room_bytes, |list| {
            at(self.index, list.len()).is_some_and(|index| list.set(index, self.element))
        })?;
        match done {
            None => Err(Reject::NO_SUCH_KEY),
            Some(false) => Err(OUT_OF_RANGE),
            Some(true) => Ok(()),
        }
    }
}

/// Puts an element beside another.
#[derive(Clone, Copy, Debug)]
pub struct Insert<'a> {
    /// The key.
    pub key: &'a [u8],
    /// Whether behind the other.
    pub after: bool,
    /// The other: the first that equals this.
    pub pivot: &'a [u8],
    /// What to put there.
    pub element: &'a [u8],
}

impl Insert<'_> {
    /// Inserts. Returns the new length; `Some(None)` if no element equals the pivot, `None` if there is no list.
    ///
    /// Errors: another kind, element too long, no memory; nothing was changed.
    pub fn run(&self, cx: &mut Context<'_>) -> Result<Option<Option<usize>>, Reject> {
        let key = cx.key(self.key)?;
        cx.fits(self.element.len())?;
        let room_bytes = self.element.len() + ITEM_OVERHEAD_BYTES;
        let pivot = Item::of(self.pivot);
        Ok(cx.lock(&key).edit::<List, _>(&key, false, room_bytes, |list| {
            let place = list.view().from(0).position(|item| item == pivot)?;
            list.insert(place + usize::from(self.after), self.element);
            Some(list.len())
        })?)
    }
}

/// Removes elements that equal a given one.
#[derive(Clone, Copy, Debug)]
pub struct Remove<'a> {
    /// The key.
    pub key: &'a [u8],
    /// How many at most: from the front, from the back if negative, 0: all.
    pub count: i64,
    /// The element.
    pub element: &'a [u8],
}

impl Remove<'_> {
    /// Removes. Returns how many. Errors: another kind.
    pub fn run(&self, cx: &mut Context<'_>) -> Result<usize, Reject> {
        let key = cx.key(self.key)?;
        let most = if self.count == 0 { usize::MAX } else { self.count.unsigned_abs() as usize };
        let element = Item::of(self.element);
        let removed = cx.lock(&key).edit::<List, _>(&key, false, 0, |list| {
            let length = list.len();
            let mut places: Vec<usize> = if self.count < 0 {
                let from_back = list.view().backwards().enumerate().filter(|(_, item)| *item == element);
                from_back.map(|(place, _)| length - 1 - place).take(most).collect()
            } else {
                let found = list.view().from(0).enumerate().filter(|(_, item)| *item == element);
                found.map(|(place, _)| place).take(most).collect()
            };
            // From the back on, so that a removal does not move the places that are left; neighbours go together.
            places.sort_unstable_by(|a, b| b.cmp(a));
            let removed = places.len();
            for run in places.chunk_by(|later, earlier| later - earlier == 1) {
                list.remove(run[run.len() - 1], run.len());
            }
            removed
        })?;
        Ok(removed.unwrap_or(0))
    }
}

/// Removes what is outside a range.
#[derive(Clone, Copy, Debug)]
pub struct Trim<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The first that stays, negative ones counted from the end.
    pub start: i64,
    /// The last that stays.
    pub stop: i64,
}

impl Trim<'_> {
    /// Removes. Errors: another kind.
    pub fn run(&self, cx: &mut Context<'_>) -> Result<(), Reject> {
        let key = cx.key(self.key)?;
        cx.lock(&key).edit::<List, _>(&key, false, 0, |list| {
            let range = between(self.start, self.stop, list.len());
            list.remove(range.end, usize::MAX);
            list.remove(0, range.start.min(list.len()));
        })?;
        Ok(())
    }
}

pub(super) fn lset(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let key = cx.key(args.at(1))?;
    if cx.lock(&key).view::<List>(&key, Access::Peek)?.is_none() {
        return Err(Reject::NO_SUCH_KEY); // which Redis finds before it looks at the index
    }
    SetAt { key: args.at(1), index: args.int(2)?, element: args.at(3) }.run(cx)?;
    reply.ok();
    Ok(())
}

pub(super) fn linsert(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let after = match (args.is(2, "BEFORE"), args.is(2, "AFTER")) {
        (true, _) => false,
        (_, true) => true,
        _ => return Err(Reject::SYNTAX),
    };
    let insert = Insert { key: args.at(1), after, pivot: args.at(3), element: args.at(4) };
    reply.int(match insert.run(cx)? {
        None => 0,
        Some(None) => -1,
        Some(Some(length)) => length as i64,
    });
    Ok(())
}

pub(super) fn lrem(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let removed = Remove { key: args.at(1), count: args.int(2)?, element: args.at(3) }.run(cx)?;
    reply.int(removed as i64);
    Ok(())
}

pub(super) fn ltrim(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    Trim { key: args.at(1), start: args.int(2)?, stop: args.int(3)? }.run(cx)?;
    reply.ok();
    Ok(())
}
