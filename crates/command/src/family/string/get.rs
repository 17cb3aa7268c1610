//! Reading values: GET, MGET, and the reads that also remove the key or move its deadline.
//!
//! The operations hand the entry to a closure while the slot is locked, so that a door copies the value exactly once, to
//! where it shall go, and takes flags, deadline and version along. The closure must be quick and must not call the store.

use super::condition::digest;
use super::expiry::{Expiry, ExpiryOption};
use crate::args::Args;
use crate::family::{for_each_key, say_entry, with_value};
use crate::reject::Reject;
use crate::reply::Reply;
use crate::table::Context;
use scrubjay_store::{Deadline, Entry};

/// Reads one key.
#[derive(Clone, Copy, Debug)]
pub struct Get<'a> {
    /// The key.
    pub key: &'a [u8],
}

impl Get<'_> {
    /// Shows the entry to `read`, `None` if there is none, and returns what it returns.
    #[inline]
    pub fn run<R>(&self, cx: &mut Context<'_>, read: impl FnOnce(Option<&Entry<'_>>) -> R) -> Result<R, Reject> {
        let key = cx.key(self.key)?;
        Ok(read(cx.lock(&key).string(&key, cx.read())?.as_ref()))
    }
}

/// Reads several keys at one moment.
#[derive(Clone, Copy, Debug)]
pub struct GetMany<I> {
    /// The keys.
    pub keys: I,
}

impl<'k, I: Iterator<Item = &'k [u8]>> GetMany<I> {
    /// Shows each key's entry to `each`, in the order of the keys, `None` for those that are not there or no strings. A key that cannot
    /// exist is refused before the first is shown.
    pub fn run(self, cx: &mut Context<'_>, mut each: impl FnMut(Option<&Entry<'_>>)) -> Result<(), Reject> {
        let access = cx.read();
        for_each_key(cx, self.keys, |guard, key| each(guard.get(key, access).filter(Entry::is_string).as_ref()))
    }
}

/// Reads one key and removes it.
#[derive(Clone, Copy, Debug)]
pub struct GetDelete<'a> {
    /// The key.
    pub key: &'a [u8],
}

impl GetDelete<'_> {
    /// Shows the entry to `read`, then removes it.
    pub fn run<R>(&self, cx: &mut Context<'_>, read: impl FnOnce(Option<&Entry<'_>>) -> R) -> Result<R, Reject> {
        let key = cx.key(self.key)?;
        let mut guard = cx.lock(&key);
        let entry = guard.string(&key, cx.read())?;
        let there = entry.is_some();
        let result = read(entry.as_ref());
        if there {
            guard.remove(&key);
        }
        Ok(result)
    }
}

/// Reads one key and moves its deadline.
#[derive(Clone, Copy, Debug)]
pub struct GetExpire<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The new deadline. [`Expiry::Keep`] leaves it, [`Expiry::Default`] makes it the default lifetime from now.
    pub expiry: Expiry,
}

impl<'a> GetExpire<'a> {
    /// Reads `GETEX key [EX s | PX ms | EXAT s | PXAT ms | PERSIST]`.
    pub fn parse(args: &Args<'a>, now_ms: u64) -> Result<GetExpire<'a>, Reject> {
        let mut option = ExpiryOption::default();
        let mut at = 2;
        while at < args.len() {
            at += option.accept(args, at, "PERSIST").ok_or(Reject::SYNTAX)?;
        }
        let expiry = option.expiry(args, now_ms, "getex")?.unwrap_or(Expiry::Keep);
        Ok(GetExpire { key: args.at(1), expiry })
    }

    /// Shows the entry as it was to `read`, then moves its deadline; one that has passed removes the key.
    pub fn run<R>(&self, cx: &mut Context<'_>, read: impl FnOnce(Option<&Entry<'_>>) -> R) -> Result<R, Reject> {
        let key = cx.key(self.key)?;
        let mut guard = cx.lock(&key);
        let entry = guard.string(&key, cx.read())?;
        let before = entry.as_ref().map(|entry| entry.deadline_ms());
        let result = read(entry.as_ref());
        if let Some(before) = before {
            let after = match self.expiry.deadline(cx.now_ms) {
                Deadline::Keep => before,
                Deadline::Never => None,
                // Moving a deadline keeps nothing beyond it.
                Deadline::At(moment) | Deadline::Stale { at: moment, .. } => Some(moment),
                Deadline::Default => match cx.default_ttl_ms() {
                    0 => None,
                    ttl_ms => Some(cx.now_ms.saturating_add(ttl_ms)),
                },
            };
            if after != before {
                guard.set_deadline(&key, after);
            }
        }
        Ok(result)
    }
}

pub(super) fn get(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let mut later = None;
    Get { key: args.at(1) }.run(cx, |entry| match entry.map(Entry::plain) {
        Some(Some(value)) => reply.bulk(value),
        // What is compressed is decompressed when the lock is gone.
        Some(None) => later = entry.and_then(Entry::shared),
        None => reply.null(),
    })?;
    if let Some(shared) = later {
        reply.bulk_shared(shared);
    }
    Ok(())
}

pub(super) fn mget(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let keys = args.from(1);
    let mut count = Some(keys.len());
    // The length is said with the first entry, when nothing can be refused any more.
    GetMany { keys }.run(cx, |entry| {
        if let Some(length) = count.take() {
            reply.array(length);
        }
        say_entry(entry, reply);
    })
}

pub(super) fn getdel(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    GetDelete { key: args.at(1) }.run(cx, |entry| say_entry(entry, reply))
}

pub(super) fn getex(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    match GetExpire::parse(args, cx.now_ms) {
        Ok(operation) => operation.run(cx, |entry| say_entry(entry, reply)),
        // As in Redis, an absent key answers before the time is looked at; a contradiction of words comes first.
        Err(reject) if reject == Reject::SYNTAX => Err(reject),
        Err(reject) => Get { key: args.at(1) }.run(cx, |entry| match entry {
            Some(_) => Err(reject),
            None => {
                reply.null();
                Ok(())
            }
        })?,
    }
}

pub(super) fn strlen(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let key = cx.key(args.at(1))?;
    let length = cx.lock(&key).string(&key, cx.read())?.map_or(0, |entry| entry.value_bytes());
    reply.int(length as i64);
    Ok(())
}

pub(super) fn digest_of(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let digest = with_value(cx, args.at(1), |value| value.map(digest))?;
    match digest {
        Some(digest) => reply.text(&format!("{digest:016x}")),
        None => reply.null(),
    }
    Ok(())
}
