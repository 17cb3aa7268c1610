//! A pipelined batch on its way through the store: its commands' rows are looked up and their keys' cache lines called
//! for before the first of them runs.
//!
//! ```text
//! resolve 1..n -> keys -> store.prefetch -> run 1 .. run n
//! ```
//!
//! Each look-up of a key that is not in the processor's cache costs three or four trips to memory. Called for together,
//! the trips of 16 or 64 commands overlap; one by one, they would not.

use scrubjay_command::table::Keys;
use scrubjay_command::{Args, Row, find};
use scrubjay_protocol::resp::Batch;
use scrubjay_store::{Key, Ns, Store};
use smallvec::SmallVec;

/// Most commands that are decoded and called for at once: more would push each other out of the first-level cache (64
/// keys of 6 lines are 24 KiB of its 32). The store's measurements found no gain beyond 64.
pub(crate) const COMMANDS_MAX: usize = 64;

/// The rows of a batch's commands; `None` for a name that is no command.
pub(crate) type Rows = SmallVec<[Option<&'static Row>; COMMANDS_MAX]>;

/// Looks up the rows of the commands of `batch` from `first` on, and calls for their keys.
pub(crate) fn prepare(batch: &Batch, first: usize, data: &[u8], store: &Store, ns: Ns) -> Rows {
    let mut rows = Rows::new();
    if batch.len() - first == 1 {
        rows.push(find(batch.args(first, data).at(0)));
        return rows;
    }
    let mut keys: SmallVec<[Key<'_>; COMMANDS_MAX]> = SmallVec::new();
    for index in first..batch.len() {
        let args = batch.args(index, data);
        let row = find(args.at(0));
        if let Some(key) = row.and_then(|row| first_key(row, &args)) {
            keys.push(store.key(ns, key));
        }
        rows.push(row);
    }
    store.prefetch(&keys);
    rows
}

/// The first key of a command, if it is where its row says.
#[inline]
fn first_key<'a>(row: &Row, args: &Args<'a>) -> Option<&'a [u8]> {
    match row.keys {
        Keys::Range { first, .. } => args.get(first),
        _ => None,
    }
}
