//! The channel `cache-invalidation`: what happened to a key, as JSON that any program reads.
//!
//! `{"key":"user:1","action":"update","timestamp":1700000000.25,"namespace":"0"}`. The action is `update`, `delete`,
//! `expire`, `evict` or `flush`; the time is in seconds since 1970. A key that is no text is there a second time, as
//! `keyBase64`. A flush has the key `null`, and no namespace if it emptied all of them; a deletion by prefix or tag has the
//! key `null` too, and says the `prefix` or the `tag`.

use super::Notices;
use super::current::Gone;
use crate::pubsub::{INVALIDATION_CHANNEL, PubSub};
use scrubjay_protocol::OutputBuffer;
use scrubjay_protocol::http::{json, value};
use scrubjay_store::{Effect, Ns, NsSet, Removal};

impl Notices {
    /// Says what an effect did to its key. A flush is said by [`Notices::flushed`] and a group of keys by
    /// [`Notices::group_gone`], when it is complete.
    pub fn invalidation(&self, pubsub: &PubSub, effect: &Effect<'_>) {
        match *effect {
            Effect::Put { ns, key, .. }
            | Effect::Write { ns, key, .. }
            | Effect::Change { ns, key, .. }
            | Effect::Deadline { ns, key, .. } => self.invalidate(pubsub, Some(ns), Some(key), "update"),
            Effect::Remove { ns, key, cause } => {
                let action = match cause {
                    Removal::Deleted => "delete",
                    Removal::Expired => "expire",
                    Removal::Evicted => "evict",
                };
                self.invalidate(pubsub, Some(ns), Some(key), action);
            }
            Effect::Flush { .. } | Effect::Hide { .. } | Effect::Tags { .. } => {}
        }
    }

    /// Says that these namespaces were emptied.
    pub fn flushed(&self, pubsub: &PubSub, namespaces: NsSet) {
        if namespaces == NsSet::ALL {
            return self.invalidate(pubsub, None, None, "flush");
        }
        namespaces.iter().for_each(|ns| self.invalidate(pubsub, Some(ns), None, "flush"));
    }

    /// Says that keys were deleted together.
    pub fn group_gone(&self, pubsub: &PubSub, gone: &Gone) {
        let mut out = OutputBuffer::with_capacity(96);
        out.put(b"{\"key\":null,");
        let names = if gone.is_tag { ("\"tag\":", "\"tagBase64\":") } else { ("\"prefix\":", "\"prefixBase64\":") };
        out.put(names.0.as_bytes());
        json::string(&mut out, &String::from_utf8_lossy(&gone.name));
        if std::str::from_utf8(&gone.name).is_err() {
            out.put(b",");
            out.put(names.1.as_bytes());
            json::base64(&mut out, &gone.name);
        }
        self.finish(pubsub, out, "delete", Some(gone.ns));
    }

    fn invalidate(&self, pubsub: &PubSub, ns: Option<Ns>, key: Option<&[u8]>, action: &str) {
        let mut out = OutputBuffer::with_capacity(96);
        out.put(b"{");
        match key {
            Some(key) => value::write_key(&mut out, key),
            None => out.put(b"\"key\":null"),
        }
        self.finish(pubsub, out, action, ns);
    }

    fn finish(&self, pubsub: &PubSub, mut out: OutputBuffer, action: &str, ns: Option<Ns>) {
        out.put(b",\"action\":\"");
        out.put(action.as_bytes());
        out.put(b"\",\"timestamp\":");
        json::seconds(&mut out, self.clock.now_ms());
        if let Some(ns) = ns {
            out.put(b",\"namespace\":\"");
            self.with_name(ns, |name| out.put(name.as_bytes()));
            out.put(b"\"");
        }
        out.put(b"}");
        // Nothing in it is shared, so it is in one piece.
        if let Some(text) = out.single() {
            pubsub.publish(INVALIDATION_CHANNEL, text);
        }
    }
}
