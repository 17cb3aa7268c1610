//! Who in the server hears what the store does.
//!
//! ```text
//! store --Effect, under the slot's lock--> Effects --> watched    WATCH: has a key changed?
//!                                                  --> waiting    BLPOP and its kin: is there something now? JAY.GET: is it loaded?
//!                                                  --> notices    keyspace events, the channel cache-invalidation
//!                                                  --> tracking   who has read the key?
//! ```
//! Each listener has a bit. While no bit is set the store makes no effects at all; while one is, the others cost a test of
//! a bit. What listens here is called with a slot locked: it is quick, takes no lock that anybody holds while locking a
//! slot, and does not call the store.

use crate::config::Config;
use crate::namespaces::directory::Directory;
use crate::notices::{Notices, current};
use crate::pubsub::PubSub;
use crate::runtime::inbox::Inbox;
use crate::tracking::Tracking;
use crate::waiting::Waiting;
use crate::watched::Watched;
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use scrubjay_base::SlotId;
use scrubjay_base::clock::Clock;
use scrubjay_store::{Effect, Journal, Ns, NsSet, Store};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

bitflags::bitflags! {
    /// Who wants to hear effects at present.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Interest: u32 {
        /// Some session watches a key.
        const WATCHED = 1;
        /// Some client waits for a key.
        const WAITING = 1 << 1;
        /// Keyspace events are on, and somebody listens to a channel.
        const EVENTS = 1 << 2;
        /// Somebody listens to the channel of invalidations.
        const INVALIDATIONS = 1 << 3;
        /// Some client tracks keys.
        const TRACKING = 1 << 4;
        /// Those who tell others which command of whom an effect came from.
        const TOLD = Self::EVENTS.bits() | Self::INVALIDATIONS.bits() | Self::TRACKING.bits();
    }
}

/// All listeners of a node.
pub struct Effects {
    interests: AtomicU32,
    /// Held while what [`Effects::refresh`] looks at is brought into line.
    refreshing: Mutex<()>,
    /// Keys that transactions depend on.
    pub watched: Watched,
    /// Clients that wait for keys.
    pub waiting: Waiting,
    /// Channels and who listens to them.
    pub pubsub: PubSub,
    /// What is said on channels when keys change.
    pub notices: Notices,
    /// Clients that are told when keys change.
    pub tracking: Tracking,
}

impl Effects {
    /// Nobody listens yet. What is sent goes to these inboxes; `clock` says when it happened, `names` how
    /// namespaces are called.
    pub fn new(inboxes: Arc<[Inbox]>, clock: Arc<dyn Clock>, names: Arc<ArcSwap<Directory>>) -> Effects {
        Effects {
            interests: AtomicU32::new(0),
            refreshing: Mutex::default(),
            watched: Watched::default(),
            waiting: Waiting::default(),
            pubsub: PubSub::new(inboxes.clone()),
            notices: Notices::new(clock, names),
            tracking: Tracking::new(inboxes),
        }
    }

    /// Takes what concerns listeners from the settings; [`Effects::refresh`] then acts on it.
    pub fn configure(&self, config: &Config) {
        self.notices.configure(config.notify_keyspace_events, config.invalidation_channel);
        self.tracking.set_keys_max(config.tracking_table_max_keys);
    }

    /// Looks anew at who wants to hear: to be called after somebody began to listen or to track, or ceased to, and after
    /// the settings changed.
    pub fn refresh(&self, store: &Store) {
        let _one_at_a_time = self.refreshing.lock();
        let events = self.notices.classes().is_on() && self.pubsub.is_heard();
        let invalidations = self.notices.has_channel() && self.pubsub.invalidation_is_heard();
        if events || invalidations {
            self.notices.learn_databases(store);
        }
        self.set(store, Interest::EVENTS, events);
        self.set(store, Interest::INVALIDATIONS, invalidations);
        self.set(store, Interest::TRACKING, self.tracking.clients() > 0);
    }

    /// Databases have changed places, so whoever knows a key by its database knows the wrong one. No matter what is locked.
    pub fn databases_swapped(&self, store: &Store) {
        self.waiting.databases_swapped(store);
        if !self.is_told() {
            return;
        }
        self.notices.learn_databases(store);
        self.tracking.flushed();
        if self.interests().contains(Interest::INVALIDATIONS) {
            self.notices.flushed(&self.pubsub, NsSet::ALL);
        }
    }

    /// Tells what could not be told before a command of this thread was done: that many keys are gone at once. To be called
    /// with no slot locked, even if nobody listens any more: what is left over would be told at a later command's end, to
    /// those who began to listen in between.
    #[inline]
    pub fn settle(&self) {
        self.settle_flushes();
        self.settle_groups();
    }

    fn settle_flushes(&self) {
        let flushed = current::take_flushed();
        if flushed == NsSet::NONE {
            return;
        }
        self.tracking.flushed();
        if self.interests().contains(Interest::INVALIDATIONS) {
            self.notices.flushed(&self.pubsub, flushed);
        }
    }

    fn settle_groups(&self) {
        for gone in current::take_gone() {
            match gone.is_tag {
                // Which keys had the tag is known to nobody any more.
                true => self.tracking.flushed(),
                false => self.tracking.prefix_gone(&gone.name),
            }
            if self.interests().contains(Interest::INVALIDATIONS) {
                self.notices.group_gone(&self.pubsub, &gone);
            }
        }
    }

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

    /// Whether somebody is told what happens to keys.
    pub fn is_told(&self) -> bool {
        self.interests().intersects(Interest::TOLD)
    }

    fn tell(&self, interests: Interest, slot: SlotId, effect: &Effect<'_>) {
        if interests.contains(Interest::EVENTS) {
            self.notices.event(&self.pubsub, effect);
        }
        if interests.contains(Interest::INVALIDATIONS) {
            self.notices.invalidation(&self.pubsub, effect);
        }
        match *effect {
            Effect::Put { key, .. }
            | Effect::Write { key, .. }
            | Effect::Change { key, .. }
            | Effect::Deadline { key, .. }
            | Effect::Remove { key, .. } => {
                if interests.contains(Interest::TRACKING) {
                    self.tracking.changed(slot, key, current::author());
                }
            }
            Effect::Tags { .. } => {} // the value is the same
            Effect::Hide { ns, group } => current::note_gone(ns, group),
            Effect::Flush { ns } => current::note_flush(ns),
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
        if interests.intersects(Interest::TOLD) {
            self.tell(interests, slot, effect);
        }
    }

    fn lease_ended(&self, ns: Ns, key: &[u8]) {
        if self.interests().contains(Interest::WAITING) {
            self.waiting.lease_ended(ns, key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use crate::tracking::tracker::Tracker;
    use scrubjay_store::Group;

    #[test]
    fn those_who_begin_to_listen_hear_nothing_of_what_was_deleted_before() {
        let shared = testing::shared();
        let effects = &shared.effects;
        let (slot, ns) = (SlotId::of(b"k"), Ns(0));
        effects.set(&shared.store, Interest::TRACKING, true);
        effects.effect(slot, 1, &Effect::Flush { ns: Some(ns) });
        effects.effect(slot, 2, &Effect::Hide { ns, group: Group::Tag(b"t") });
        // The last listener leaves while the command runs, and another comes before the next one.
        effects.set(&shared.store, Interest::TRACKING, false);
        effects.settle();
        effects.tracking.begin(&Arc::new(Tracker::new(testing::session(&shared, 1).info)));
        effects.refresh(&shared.store);
        effects.settle();
        let mut letters = Vec::new();
        effects.pubsub.inboxes()[0].take(&mut letters);
        assert!(letters.is_empty());
    }
}
