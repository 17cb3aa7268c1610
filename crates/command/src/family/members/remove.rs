//! Removing fields and members by name: HDEL, SREM, ZREM.

use super::named::Named;
use crate::args::Args;
use crate::reject::Reject;
use crate::reply::Reply;
use crate::table::Context;
use std::marker::PhantomData;

/// Removes names from a hash, a set or a sorted set.
#[derive(Clone, Copy, Debug)]
pub struct Remove<'a, C, I> {
    /// The key.
    pub key: &'a [u8],
    /// The fields or members.
    pub names: I,
    /// What the key holds.
    pub kind: PhantomData<C>,
}

impl<'a, C: Named, I: Iterator<Item = &'a [u8]>> Remove<'a, C, I> {
    /// Removes. Returns how many were there. Errors: another kind; nothing was changed.
    pub fn run(self, cx: &mut Context<'_>) -> Result<usize, Reject> {
        let key = cx.key(self.key)?;
        let removed = cx
            .lock(&key)
            .edit::<C, _>(&key, false, 0, |edit| self.names.map(|name| usize::from(C::remove(edit, name))).sum())?;
        Ok(removed.unwrap_or(0))
    }
}

/// Runs `key name [name ...]`.
pub(in crate::family) fn remove<C: Named>(
    cx: &mut Context<'_>,
    args: &Args<'_>,
    reply: &mut dyn Reply,
) -> Result<(), Reject> {
    let removed = Remove { key: args.at(1), names: args.from(2), kind: PhantomData::<C> }.run(cx)?;
    reply.int(removed as i64);
    Ok(())
}
