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
use scrubjay_store::{KEY_BYTES_MAX, Key, Ns, Store};
use smallvec::SmallVec;

/// Most commands that are decoded and called for at once: more would push each other out of the first-level cache (64
/// keys of 6 lines are 24 KiB of its 32). The store's measurements found no gain beyond 64.
pub(crate) const COMMANDS_MAX: usize = 64;

/// What is known about a batch's commands before the first of them runs.
pub(crate) struct Prepared<'a> {
    commands: SmallVec<[Command; COMMANDS_MAX]>,
    keys: SmallVec<[Key<'a>; COMMANDS_MAX]>,
}

#[derive(Clone, Copy)]
struct Command {
    /// `None`: its name is no command's.
    row: Option<&'static Row>,
    /// Where its first key is among the keys; [`NO_KEY`]: it has none, or was not worth placing.
    key: u32,
}

const NO_KEY: u32 = u32::MAX;

impl<'a> Prepared<'a> {
    /// Looks up the rows of the commands of `batch` from `first` on, and calls for their keys.
    #[inline]
    pub fn new(batch: &'a Batch, first: usize, data: &'a [u8], store: &Store, ns: Ns) -> Prepared<'a> {
        let mut prepared = Prepared { commands: SmallVec::new(), keys: SmallVec::new() };
        if batch.len() - first == 1 {
            prepared.commands.push(Command { row: find(batch.args(first, data).at(0)), key: NO_KEY });
            return prepared;
        }
        let mut known: (&[u8], Option<&'static Row>) = (b"", None);
        for index in first..batch.len() {
            let args = batch.args(index, data);
            let name = args.at(0);
            // Pipelines mostly repeat one command.
            if name != known.0 {
                known = (name, find(name));
            }
            let key = match known.1.and_then(|row| first_key(row, &args)) {
                Some(bytes) => {
                    prepared.keys.push(store.key(ns, bytes));
                    prepared.keys.len() as u32 - 1
                }
                None => NO_KEY,
            };
            prepared.commands.push(Command { row: known.1, key });
        }
        store.prefetch(&prepared.keys);
        prepared
    }

    /// Each command's row and first key, in order.
    #[inline]
    pub fn commands(&self) -> impl Iterator<Item = (Option<&'static Row>, Option<Key<'a>>)> {
        self.commands.iter().map(|command| (command.row, self.keys.get(command.key as usize).copied()))
    }
}

/// The first key of a command, if it is where its row says.
#[inline]
fn first_key<'a>(row: &Row, args: &Args<'a>) -> Option<&'a [u8]> {
    match row.keys {
        Keys::Range { first, .. } => args.get(first).filter(|key| key.len() <= KEY_BYTES_MAX),
        _ => None,
    }
}
