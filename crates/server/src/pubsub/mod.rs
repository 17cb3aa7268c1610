//! Publish and subscribe: channels, globs of channels, and channels of shards.
//!
//! ```text
//! PUBLISH --> registry: name -> clients by thread --letter--> thread 0's inbox --> its subscribers' buffers
//!                            \                    --letter--> thread 3's inbox --> its subscribers' buffers
//!                             `-- each glob is matched once
//! ```
//! A message is encoded once, and costs its publisher one letter per thread that has subscribers, not one per subscriber.
//! Letters keep their order, so what one publisher says on a channel arrives in the order in which it was said. A letter
//! names its receivers as they were when it was written; one that has left since is skipped when it is opened, and one that
//! came since is not in it.
//!
//! The registry's locks are leaves: under them an inbox's lock is taken and nothing else. So it may be asked while a slot
//! is locked.
//!
//! - [`subscriptions`]: what one client listens to. [`push`]: what is sent. [`post`]: how it travels.

pub mod post;
pub mod push;
pub mod subscriptions;

use crate::clients::ClientInfo;
use crate::runtime::inbox::Inbox;
use parking_lot::RwLock;
use post::Audience;
use push::Push;
use scrubjay_base::glob;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use subscriptions::Family;

/// Who listens to what.
pub struct PubSub {
    inboxes: Arc<[Inbox]>,
    topics: [Topics; 3],
    /// Subscriptions that [`INVALIDATION_CHANNEL`] reaches.
    invalidation_listeners: AtomicUsize,
}

/// The channel on which changes of keys are told as JSON.
pub const INVALIDATION_CHANNEL: &[u8] = b"cache-invalidation";

/// The names of one family.
#[derive(Default)]
struct Topics {
    by_name: RwLock<HashMap<Box<[u8]>, Audience>>,
    /// How many there are, to be asked without the lock.
    len: AtomicUsize,
}

impl PubSub {
    /// Nobody listens yet; letters go to these inboxes.
    pub fn new(inboxes: Arc<[Inbox]>) -> PubSub {
        PubSub { inboxes, topics: Default::default(), invalidation_listeners: AtomicUsize::new(0) }
    }

    /// The inboxes of the network threads.
    pub(crate) fn inboxes(&self) -> &[Inbox] {
        &self.inboxes
    }

    /// Client `info`, which did not, listens to `name` from now on.
    pub fn subscribe(&self, family: Family, name: &[u8], info: &ClientInfo) {
        let topics = &self.topics[family as usize];
        let mut by_name = topics.by_name.write();
        match by_name.get_mut(name) {
            Some(audience) => audience.add(info),
            None => by_name.entry(name.into()).or_default().add(info),
        }
        topics.len.store(by_name.len(), Relaxed);
        self.invalidation_listeners.fetch_add(usize::from(reaches(family, name)), Relaxed);
    }

    /// Client `info`, which did, listens to `name` no more.
    pub fn unsubscribe(&self, family: Family, name: &[u8], info: &ClientInfo) {
        let topics = &self.topics[family as usize];
        let mut by_name = topics.by_name.write();
        if let Some(audience) = by_name.get_mut(name) {
            audience.remove(info);
            if audience.is_empty() {
                by_name.remove(name);
            }
        }
        topics.len.store(by_name.len(), Relaxed);
        self.invalidation_listeners.fetch_sub(usize::from(reaches(family, name)), Relaxed);
    }

    /// Sends `payload` to everybody who listens to `channel`; to how many subscriptions that was.
    pub fn publish(&self, channel: &[u8], payload: &[u8]) -> usize {
        let mut count = self.publish_to(Family::Channel, channel, payload);
        let patterns = &self.topics[Family::Pattern as usize];
        if patterns.len.load(Relaxed) > 0 {
            for (pattern, audience) in patterns.by_name.read().iter() {
                if glob::matches(pattern, channel) {
                    audience.send(&self.inboxes, Push::matching(pattern, channel, payload));
                    count += audience.len();
                }
            }
        }
        count
    }

    /// Sends `payload` to everybody who listens to the shard's `channel`; to how many that was.
    pub fn publish_to_shard(&self, channel: &[u8], payload: &[u8]) -> usize {
        self.publish_to(Family::Shard, channel, payload)
    }

    fn publish_to(&self, family: Family, channel: &[u8], payload: &[u8]) -> usize {
        let topics = &self.topics[family as usize];
        if topics.len.load(Relaxed) == 0 {
            return 0;
        }
        let by_name = topics.by_name.read();
        let Some(audience) = by_name.get(channel) else { return 0 };
        audience.send(&self.inboxes, Push::message(family, channel, payload));
        audience.len()
    }

    /// How many names of a family somebody listens to.
    pub fn len(&self, family: Family) -> usize {
        self.topics[family as usize].len.load(Relaxed)
    }

    /// Whether anybody listens to a channel or to a glob.
    pub fn is_heard(&self) -> bool {
        self.len(Family::Channel) + self.len(Family::Pattern) > 0
    }

    /// Whether anybody hears [`INVALIDATION_CHANNEL`].
    pub fn invalidation_is_heard(&self) -> bool {
        self.invalidation_listeners.load(Relaxed) > 0
    }

    /// How many listen to `name`.
    pub fn count(&self, family: Family, name: &[u8]) -> usize {
        self.topics[family as usize].by_name.read().get(name).map_or(0, Audience::len)
    }

    /// The names of a family that match `pattern`, or all.
    pub fn names(&self, family: Family, pattern: Option<&[u8]>) -> Vec<Box<[u8]>> {
        let by_name = self.topics[family as usize].by_name.read();
        by_name.keys().filter(|name| pattern.is_none_or(|pattern| glob::matches(pattern, name))).cloned().collect()
    }
}

/// Whether a subscription hears [`INVALIDATION_CHANNEL`].
fn reaches(family: Family, name: &[u8]) -> bool {
    match family {
        Family::Channel => name == INVALIDATION_CHANNEL,
        Family::Pattern => glob::matches(name, INVALIDATION_CHANNEL),
        Family::Shard => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn a_message_is_one_letter_for_all_subscribers_of_a_thread() {
        let shared = testing::shared();
        let pubsub = &shared.effects.pubsub;
        let clients: Vec<_> = (1..=50).map(|port| testing::session(&shared, port)).collect();
        clients.iter().for_each(|client| pubsub.subscribe(Family::Channel, b"news", &client.info));
        pubsub.subscribe(Family::Pattern, b"n*", &clients[0].info);
        assert_eq!(pubsub.publish(b"news", b"hi"), 51);
        let mut letters = Vec::new();
        pubsub.inboxes()[0].take(&mut letters);
        assert_eq!(letters.len(), 2, "one for the channel, one for the glob");
        clients.iter().for_each(|client| pubsub.unsubscribe(Family::Channel, b"news", &client.info));
        assert_eq!((pubsub.publish(b"news", b"hi"), pubsub.publish(b"other", b"hi")), (1, 0));
        assert!(pubsub.names(Family::Channel, None).is_empty());
    }

    #[test]
    fn who_hears_the_invalidation_channel_is_counted() {
        let shared = testing::shared();
        let pubsub = &shared.effects.pubsub;
        let client = testing::session(&shared, 1000);
        for (family, name, heard) in [
            (Family::Channel, &b"news"[..], false),
            (Family::Shard, b"cache-invalidation", false),
            (Family::Pattern, b"cache-inval*", true),
            (Family::Channel, b"cache-invalidation", true),
        ] {
            pubsub.subscribe(family, name, &client.info);
            assert_eq!(pubsub.invalidation_is_heard(), heard, "{family:?}");
            pubsub.unsubscribe(family, name, &client.info);
            assert!(!pubsub.invalidation_is_heard());
        }
    }
}
