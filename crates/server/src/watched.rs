//! `WATCH`: which sessions depend on which keys.
//!
//! A session's watch is a flag that the first change to any of its keys raises. `EXEC` looks at the flag with its keys'
//! slots locked, so nothing can change between the look and the transaction. A key that is deleted and written again, or
//! expires, has changed, as in Redis; one that had expired before it was watched has not.

use parking_lot::Mutex;
use scrubjay_base::SlotId;
use scrubjay_store::{Effect, Group, Ns};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// What a session's watch is: whether something changed.
#[derive(Default, Debug)]
pub struct Flag(AtomicBool);

impl Flag {
    /// Whether a watched key changed.
    pub fn is_raised(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// A watched key changed.
    pub fn raise(&self) {
        self.0.store(true, Ordering::Release);
    }
}

type Key = (Ns, Box<[u8]>);

/// Keys spread over so many locks: writers of different keys seldom meet.
const PARTS: usize = 64;

/// The keys that are watched, by whom.
pub struct Watched {
    parts: [Mutex<HashMap<Key, Vec<Arc<Flag>>>>; PARTS],
    sessions: AtomicUsize,
}

impl Default for Watched {
    fn default() -> Watched {
        Watched { parts: std::array::from_fn(|_| Mutex::default()), sessions: AtomicUsize::new(0) }
    }
}

impl Watched {
    fn part(&self, slot: SlotId) -> &Mutex<HashMap<Key, Vec<Arc<Flag>>>> {
        &self.parts[slot.index() % PARTS]
    }

    /// Notes that `flag` is to be raised when the key changes. Whether the session watched nothing before is the caller's
    /// to say.
    pub fn add(&self, ns: Ns, key: &[u8], flag: &Arc<Flag>) {
        let mut part = self.part(SlotId::of(key)).lock();
        part.entry((ns, key.into())).or_default().push(flag.clone());
    }

    /// Forgets what `flag` was told about the key.
    pub fn remove(&self, ns: Ns, key: &[u8], flag: &Arc<Flag>) {
        let mut part = self.part(SlotId::of(key)).lock();
        let name = (ns, Box::from(key));
        if let Some(flags) = part.get_mut(&name) {
            flags.retain(|other| !Arc::ptr_eq(other, flag));
            if flags.is_empty() {
                part.remove(&name);
            }
        }
    }

    /// One more session watches, or one fewer. Whether any does now.
    pub fn count(&self, change: isize) -> bool {
        self.sessions.fetch_add(change as usize, Ordering::Relaxed).wrapping_add_signed(change) > 0
    }

    /// Something changed: raises the flags that depend on it.
    pub fn effect(&self, slot: SlotId, effect: &Effect<'_>) {
        let part = self.part(slot).lock();
        if part.is_empty() {
            return;
        }
        match *effect {
            Effect::Put { ns, key, .. }
            | Effect::Write { ns, key, .. }
            | Effect::Change { ns, key, .. }
            | Effect::Deadline { ns, key, .. }
            | Effect::Remove { ns, key, .. } => {
                if let Some(flags) = part.get(&(ns, Box::from(key))) {
                    flags.iter().for_each(|flag| flag.raise());
                }
            }
            Effect::Tags { .. } => {} // another name for the same value
            // Which keys have a tag is not known here: all of the slot may.
            Effect::Hide { ns, group } => {
                let is_covered = |(key_ns, key): &Key| {
                    let may_be = match group {
                        Group::Prefix(prefix) => key.starts_with(prefix),
                        Group::Tag(_) => true,
                    };
                    *key_ns == ns && may_be && SlotId::of(key) == slot
                };
                part.iter()
                    .filter(|(key, _)| is_covered(key))
                    .flat_map(|(_, flags)| flags)
                    .for_each(|flag| flag.raise());
            }
            Effect::Flush { ns } => {
                let of_slot = |(key_ns, key): &Key| ns.is_none_or(|ns| *key_ns == ns) && SlotId::of(key) == slot;
                part.iter().filter(|(key, _)| of_slot(key)).flat_map(|(_, flags)| flags).for_each(|flag| flag.raise());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_is_raised_by_its_own_keys_only_and_by_flushes_of_them() {
        let watched = Watched::default();
        let flag = Arc::new(Flag::default());
        let slot = SlotId::of(b"k");
        watched.add(Ns(0), b"k", &flag);
        watched.effect(slot, &Effect::Deadline { ns: Ns(1), key: b"k", deadline_ms: None, stale_until_ms: None });
        watched.effect(
            SlotId::of(b"other"),
            &Effect::Deadline { ns: Ns(0), key: b"other", deadline_ms: None, stale_until_ms: None },
        );
        watched.effect(slot, &Effect::Flush { ns: Some(Ns(3)) });
        assert!(!flag.is_raised());
        watched.effect(slot, &Effect::Flush { ns: Some(Ns(0)) });
        assert!(flag.is_raised());
        let other = Arc::new(Flag::default());
        watched.add(Ns(0), b"k", &other);
        watched.remove(Ns(0), b"k", &flag);
        watched.effect(slot, &Effect::Write { ns: Ns(0), key: b"k", offset: 0, bytes: b"x" });
        assert!(other.is_raised());
        watched.remove(Ns(0), b"k", &other);
        assert!(watched.parts.iter().all(|part| part.lock().is_empty()));
    }
}
