//! A store with its clock: what a cache, its iterators and its upkeep thread share. No Python in here.

use crate::time::{COARSE_LAG_MS, Time};
use crate::ttl::Ttl;
use scrubjay_base::clock::UnixMs;
use scrubjay_command::Reject;
use scrubjay_command::args::{Digits, parse_int};
use scrubjay_store::{Access, Deadline, Entry, Flags, Guard, Key, Ns, OutOfMemory, Store, flags};

/// The one namespace of an embedded cache.
pub const NS: Ns = Ns(0);

/// What an entry takes beside key and value, for reservations: its header, table slot and rounding, amply.
const ENTRY_OVERHEAD_BYTES: usize = 64;

/// Under which condition a write happens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum When {
    /// Always.
    Always,
    /// Only if the key is absent.
    Absent,
    /// Only if it is there.
    Present,
}

/// The lifetime that a write gives.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Life {
    /// This one.
    Fresh(Ttl),
    /// As it was.
    Keep,
}

/// Under which conditions a lifetime changes; all that are set must hold. Without a lifetime counts as for ever.
#[derive(Clone, Copy, Debug)]
pub struct Only {
    /// It has none.
    pub nx: bool,
    /// It has one.
    pub xx: bool,
    /// The new one ends later.
    pub gt: bool,
    /// The new one ends earlier.
    pub lt: bool,
}

impl Only {
    fn allows(self, old: Option<UnixMs>, new: Option<UnixMs>) -> bool {
        let ends = |deadline_ms: Option<UnixMs>| deadline_ms.unwrap_or(UnixMs::MAX);
        (!self.nx || old.is_none())
            && (!self.xx || old.is_some())
            && (!self.gt || ends(new) > ends(old))
            && (!self.lt || ends(new) < ends(old))
    }
}

/// A store and the time it lives in.
pub struct Engine {
    /// The store.
    pub store: Store,
    /// Its clock.
    pub time: Time,
}

impl Engine {
    /// What `see` makes of the live entry of `key`; `None` if there is none. `see` runs under the entry's lock.
    #[inline]
    pub fn look<R>(&self, key: &[u8], access: Access, see: impl FnOnce(&Entry<'_>) -> R) -> Option<R> {
        let key = self.store.key(NS, key);
        self.store.prefetch_bucket(&key);
        let now_ms = self.time.coarse();
        let mut guard = self.store.lock(key.slot, now_ms);
        let entry = guard.get(&key, access)?;
        if entry.deadline_ms().is_some_and(|deadline_ms| deadline_ms <= now_ms + COARSE_LAG_MS) {
            drop(guard);
            return self.look_exactly(&key, see);
        }
        Some(see(&entry))
    }

    /// The second look at an entry that is about to expire, already counted.
    #[cold]
    fn look_exactly<R>(&self, key: &Key<'_>, see: impl FnOnce(&Entry<'_>) -> R) -> Option<R> {
        self.change(key, |guard| guard.get(key, Access::Peek).map(|entry| see(&entry)))
    }

    /// Runs `act` under the lock of `key` at the exact time.
    #[inline]
    pub fn change<R>(&self, key: &Key<'_>, act: impl FnOnce(&mut Guard<'_>) -> R) -> R {
        act(&mut self.store.lock(key.slot, self.time.exact()))
    }

    /// Writes. Whether the condition held.
    #[inline]
    pub fn put(&self, key: &[u8], value: &[u8], flags: u32, life: Life, when: When) -> Result<bool, OutOfMemory> {
        let key = self.store.key(NS, key);
        self.store.prefetch_bucket(&key);
        // A lifetime counts from now, exactly; without one the coarse time will do, unless a condition asks who is alive.
        let exact = when != When::Always || matches!(life, Life::Keep | Life::Fresh(Ttl::Ms(_)));
        let now_ms = if exact { self.time.exact() } else { self.time.coarse() };
        let incoming = self.store.incoming(value);
        self.store.reserve(key.bytes.len() + incoming.stored_bytes() + ENTRY_OVERHEAD_BYTES, now_ms);
        let mut guard = self.store.lock(key.slot, now_ms);
        if when != When::Always && guard.get(&key, Access::Peek).is_some() != (when == When::Present) {
            return Ok(false);
        }
        let deadline = match life {
            Life::Fresh(ttl) => ttl.deadline(now_ms),
            Life::Keep => Deadline::Keep,
        };
        guard.put_incoming(&key, incoming, deadline, Flags::Set(flags))?;
        Ok(true)
    }

    /// Removes. Whether it was there.
    #[inline]
    pub fn remove(&self, key: &[u8]) -> bool {
        let key = self.store.key(NS, key);
        self.change(&key, |guard| guard.remove(&key))
    }

    /// Adds to the number at `key` (0 if there is none, which then lives for `ttl`) and returns the sum. The deadline of
    /// one that is there stays.
    pub fn add(&self, key: &[u8], delta: i64, ttl: Ttl) -> Result<i64, Reject> {
        let key = self.store.key(NS, key);
        self.change(&key, |guard| {
            let (present, deadline) = match guard.get(&key, Access::Write) {
                Some(entry) => (parse_int(&entry.value()).ok_or(Reject::NOT_AN_INTEGER)?, Deadline::Keep),
                None => (0, ttl.deadline(guard.now_ms())),
            };
            let sum = present.checked_add(delta).ok_or(Reject::OVERFLOW)?;
            guard.put(&key, Digits::of(sum).as_bytes(), deadline, Flags::Set(flags::INT))?;
            Ok(sum)
        })
    }

    /// Gives `key` a new lifetime. Whether it is there and the conditions held.
    pub fn expire(&self, key: &[u8], ttl: Ttl, only: Only) -> bool {
        let key = self.store.key(NS, key);
        self.change(&key, |guard| {
            let Some(old) = guard.get(&key, Access::Peek).map(|entry| entry.deadline_ms()) else { return false };
            let new = match ttl {
                Ttl::Ms(ms) => Some(guard.now_ms() + ms),
                Ttl::Never | Ttl::Default => None,
            };
            only.allows(old, new) && guard.set_deadline(&key, new)
        })
    }

    /// Takes the lifetime from `key`. Whether it had one.
    pub fn persist(&self, key: &[u8]) -> bool {
        let key = self.store.key(NS, key);
        self.change(&key, |guard| {
            let had_one = guard.get(&key, Access::Peek).is_some_and(|entry| entry.deadline_ms().is_some());
            had_one && guard.set_deadline(&key, None)
        })
    }

    /// Counts as a use of `key`, and gives it a new lifetime unless `ttl` is the default. Whether it is there.
    pub fn touch(&self, key: &[u8], ttl: Ttl) -> bool {
        let key = self.store.key(NS, key);
        self.change(&key, |guard| {
            let present = guard.get(&key, Access::Write).is_some();
            match ttl {
                Ttl::Ms(ms) if present => guard.set_deadline(&key, Some(guard.now_ms() + ms)),
                Ttl::Never if present => guard.set_deadline(&key, None),
                _ => present,
            }
        })
    }

    /// How many entries there are. Those that expired within the last tenth of a second may be among them; where a test
    /// moves the clock, nobody removes them behind its back, so there they are counted one by one.
    pub fn len(&self) -> usize {
        if self.time.is_machine() {
            return self.store.len(NS) as usize;
        }
        let (mut live, mut cursor) = (0, 0);
        loop {
            cursor = self.store.scan(NS, cursor, 1024, self.time.exact(), |_| live += 1);
            if cursor == 0 {
                return live;
            }
        }
    }
}
