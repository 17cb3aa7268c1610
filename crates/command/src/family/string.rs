//! Strings.

use crate::args::Args;
use crate::reject::Reject;
use crate::reply::Reply;
use crate::table::{Context, Flags, Group, Handler, Keys, Row};

/// The rows.
pub static ROWS: &[Row] = &[Row {
    name: "GET",
    group: Group::String,
    arity: 2,
    flags: Flags::READONLY.union(Flags::FAST),
    keys: Keys::ONE,
    since: "1.0.0",
    complexity: "O(1)",
    summary: "Returns the string value of a key.",
    usage: "key",
    handler: Handler::Data(get),
    subcommands: &[],
}];

fn get(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let key = cx.store.key(cx.ns, args.at(1));
    match cx.store.lock(key.slot, cx.now_ms).get(&key, cx.read()) {
        Some(entry) => match entry.shared() {
            Some(shared) => reply.bulk_shared(shared),
            None => reply.bulk(entry.value()),
        },
        None => reply.null(),
    }
    Ok(())
}
