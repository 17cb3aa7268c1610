//! An effect: the one description of a change, told once, in order per slot, to whoever listens.
//!
//! A command is what a client asked for; an effect is what happened. Effects carry absolute deadlines and whole values
//! (or the bytes that were written, for a change inside a large value), so applying them needs neither a clock nor the
//! command that caused them. The append-only file, replicas, client tracking and keyspace events are all listeners.

use crate::groups::Group;
use crate::key::Ns;
use crate::value::Kind;
use scrubjay_base::SlotId;
use scrubjay_base::clock::UnixMs;

/// Why an entry went away.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Removal {
    /// A command deleted it.
    Deleted,
    /// Its deadline passed.
    Expired,
    /// It made room for others.
    Evicted,
}

/// A change to one slot. Borrowed: a listener copies what it keeps.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Effect<'a> {
    /// The key now holds this.
    Put {
        /// The namespace.
        ns: Ns,
        /// The key.
        key: &'a [u8],
        /// Of which kind it is.
        kind: Kind,
        /// The whole value: a string's bytes, or a collection as it travels.
        value: &'a [u8],
        /// When it expires; `None`: never.
        deadline_ms: Option<UnixMs>,
        /// Until when it is kept beyond that, to be served as stale; `None`: not at all.
        stale_until_ms: Option<UnixMs>,
        /// The entry's flags.
        flags: u32,
        /// Whether the tags of what was there stay.
        keeps_tags: bool,
        /// Whether nothing was under the key before.
        is_new: bool,
    },
    /// These bytes were written at `offset`; the value was padded with zeros up to there if it was shorter.
    Write {
        /// The namespace.
        ns: Ns,
        /// The key.
        key: &'a [u8],
        /// Where the bytes went.
        offset: usize,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// The key's collection was changed in these ways, in order.
    Change {
        /// The namespace.
        ns: Ns,
        /// The key.
        key: &'a [u8],
        /// Its kind.
        kind: Kind,
        /// The changes, as the kind writes them down and can repeat them.
        changes: &'a [u8],
    },
    /// The key's deadline changed; its value did not.
    Deadline {
        /// The namespace.
        ns: Ns,
        /// The key.
        key: &'a [u8],
        /// The new deadline; `None`: it no longer expires.
        deadline_ms: Option<UnixMs>,
        /// Until when it is kept beyond that, to be served as stale; `None`: not at all.
        stale_until_ms: Option<UnixMs>,
    },
    /// The key is gone.
    Remove {
        /// The namespace.
        ns: Ns,
        /// The key.
        key: &'a [u8],
        /// Why.
        cause: Removal,
    },
    /// The key has these tags now, in place of those that it had.
    Tags {
        /// The namespace.
        ns: Ns,
        /// The key.
        key: &'a [u8],
        /// Their names.
        tags: &'a [&'a [u8]],
    },
    /// Every key of the group in this slot is gone. What of it is reclaimed later is not told again.
    Hide {
        /// The namespace.
        ns: Ns,
        /// Which keys.
        group: Group<'a>,
    },
    /// Every key of the namespace in this slot is gone.
    Flush {
        /// The namespace; `None`: all.
        ns: Option<Ns>,
    },
}

/// Hears every effect. Called with the slot locked, in the order of `sequence`, which has no gaps: it must be quick, must
/// not block and must not call back into the store.
pub trait Journal: Send + Sync {
    /// `slot` changed for the `sequence`-th time.
    fn effect(&self, slot: SlotId, sequence: u64, effect: &Effect<'_>);

    /// The right to fill the key, which somebody had, is free again without a change of the key. Leases are no effects:
    /// nobody has to repeat them.
    fn lease_ended(&self, ns: Ns, key: &[u8]) {
        let _ = (ns, key);
    }

    /// The effects from `begins` to its opposite are one transaction's, on this thread: they belong together.
    fn batch(&self, begins: bool) {
        let _ = begins;
    }
}
