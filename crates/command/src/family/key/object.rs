//! What an entry is like: TYPE and OBJECT.

use crate::args::{Args, parse_int};
use crate::reject::{Kind, Reject};
use crate::reply::Reply;
use crate::table::Context;
use scrubjay_store::value::hash::Hash;
use scrubjay_store::value::list::List;
use scrubjay_store::value::set::Set;
use scrubjay_store::value::sorted_set::SortedSet;
use scrubjay_store::{Access, Entry, Kind as ValueKind, Policy, Rank};

pub(super) fn type_of(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let key = cx.key(args.at(1))?;
    let kind = cx.lock(&key).get(&key, Access::ReadNoTouch).map(|entry| entry.kind());
    reply.simple(kind.map_or("none", ValueKind::name));
    Ok(())
}

/// Longest value that Redis keeps inside its object header.
const EMBEDDED_BYTES_MAX: usize = 44;

/// Redis' name for how it would keep this value; clients use it to tell numbers and short values from long ones, and small
/// collections from large ones.
pub(super) fn encoding_name(entry: &Entry<'_>) -> &'static str {
    if let Some(list) = entry.view::<List>() {
        return if list.is_packed() { "listpack" } else { "quicklist" };
    }
    if let Some(set) = entry.view::<Set>() {
        return set.encoding();
    }
    if let Some(hash) = entry.view::<Hash>() {
        return hash.encoding();
    }
    if let Some(set) = entry.view::<SortedSet>() {
        return if set.is_packed() { "listpack" } else { "skiplist" };
    }
    match entry.value_bytes() {
        1..=20 if parse_int(&entry.value()).is_some() => "int",
        0..=EMBEDDED_BYTES_MAX => "embstr",
        _ => "raw",
    }
}

fn look<R>(
    cx: &mut Context<'_>,
    args: &Args<'_>,
    read: impl FnOnce(&Entry<'_>) -> Result<R, Reject>,
) -> Result<Option<R>, Reject> {
    let key = cx.key(args.at(2))?;
    cx.lock(&key).get(&key, Access::Peek).map(|entry| read(&entry)).transpose()
}

pub(super) fn encoding(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    match look(cx, args, |entry| Ok(encoding_name(entry)))? {
        Some(name) => reply.text(name),
        None => reply.null(),
    }
    Ok(())
}

pub(super) fn refcount(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    say_number(look(cx, args, |_| Ok(1))?, reply);
    Ok(())
}

pub(super) fn idletime(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    const LFU: Reject = Reject::new(
        Kind::Unsupported,
        "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between \
         policies at runtime LRU and LFU data will take some time to adjust.",
    );
    let policy = cx.policy();
    let idle = look(cx, args, |entry| {
        entry.idle_ms().ok_or_else(|| match policy {
            Policy::Evict(_, Rank::Lfu) => LFU,
            other => Reject::with(
                Kind::Unsupported,
                format!(
                    "ERR the maxmemory policy {} does not track idle time. A policy whose name ends in lru does; after \
                     a switch its data takes some time to adjust.",
                    other.name()
                ),
            ),
        })
    })?;
    say_number(idle.map(|ms| ms / 1000), reply);
    Ok(())
}

pub(super) fn freq(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    const NOT_LFU: Reject = Reject::new(
        Kind::Unsupported,
        "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching \
         between policies at runtime LRU and LFU data will take some time to adjust.",
    );
    let frequency = look(cx, args, |entry| entry.frequency().ok_or(NOT_LFU))?;
    say_number(frequency.map(u64::from), reply);
    Ok(())
}

fn say_number(number: Option<u64>, reply: &mut dyn Reply) {
    match number {
        Some(number) => reply.int(number as i64),
        None => reply.null(),
    }
}

pub(super) fn help(_cx: &mut Context<'_>, _args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    const LINES: &[&str] = &[
        "OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "ENCODING <key>",
        "    Tell how Redis would keep the value: int, embstr or raw, listpack, quicklist and so on.",
        "FREQ <key>",
        "    Tell how often the key is used, where the eviction policy counts it (lfu, s3fifo).",
        "IDLETIME <key>",
        "    Tell for how many seconds the key was not used, where the eviction policy keeps it (lru).",
        "REFCOUNT <key>",
        "    Tell how many references the value has: 1.",
        "HELP",
        "    Print this help.",
    ];
    reply.array(LINES.len());
    LINES.iter().for_each(|line| reply.simple(line));
    Ok(())
}
