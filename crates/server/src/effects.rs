//! Who in the server hears what the store does.
//!
//! ```text
//! store --Effect, under the slot's lock--> Effects --> watched    WATCH: has a key changed?
//!                                                  --> waiting    BLPOP and its kin: is there something now? JAY.GET: is it loaded?
//! ```
//! Each listener has a bit. While no bit is set the store makes no effects at all; while one is, the others cost a test of
//! a bit. What listens here is called with a slot locked: it is quick, takes no lock that anybody holds while locking a
//! slot, and does not call the store.

use crate::waiting::Waiting;
use crate::watched::Watched;
use scrubjay_base::SlotId;
use scrubjay_store::{Effect, Journal, Ns, Store};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

bitflags::bitflags! {
    /// Who wants to hear effects at present.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Interest: u32 {
        /// Some session watches a key.
        const WATCHED = 1;
        /// Some client waits for a key.
        const WAITING = 1 << 1;
    }
}

/// All listeners of a node.
#[derive(Default)]
pub struct Effects {
    interests: AtomicU32,
    /// Keys that transactions depend on.
    pub watched: Watched,
    /// Clients that wait for keys.
    pub waiting: Waiting,
}

impl Effects {
    /// Says whether a listener wants to hear from now on. Effects under way may still come, or not yet.
    pub fn set(&self, store: &Store, interest: Interest, wanted: bool) {
        let before = match wanted {
            true => self.interests.fetch_or(interest.bits(), Relaxed),
            false => self.interests.fetch_and(!interest.bits(), Relaxed),
        };
        let after = if wanted { before | interest.bits() } else { before & !interest.bits() };
        if (before == 0) != (after == 0) {
            // Two who set different bits at once may come here in the wrong order: what counts is what is set now.
            store.set_telling(self.interests.load(Relaxed) != 0);
        }
    }

    /// Who wants to hear at present.
    #[inline]
    pub fn interests(&self) -> Interest {
        Interest::from_bits_truncate(self.interests.load(Relaxed))
    }
}

impl Journal for Effects {
    fn effect(&self, slot: SlotId, _sequence: u64, effect: &Effect<'_>) {
        let interests = self.interests();
        if interests.contains(Interest::WATCHED) {
            self.watched.effect(slot, effect);
        }
        if interests.contains(Interest::WAITING) {
            self.waiting.effect(effect);
        }
    }

    fn lease_ended(&self, ns: Ns, key: &[u8]) {
        if self.interests().contains(Interest::WAITING) {
            self.waiting.lease_ended(ns, key);
        }
    }
}
