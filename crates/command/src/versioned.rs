//! Reading and writing whole values by version: what ETags, compare-and-swap and batches are made of.
//!
//! These operations have no RESP rows. They are for doors whose clients hold typed values and versions: HTTP, gRPC,
//! memcached, the embedded cache. The version is the sequence number of the entry's last change in its slot; a key that
//! was deleted and made again never shows an old one, as long as the process lives.

use crate::reject::Reject;
use crate::table::Context;
use scrubjay_store::{Access, Deadline, Entry, Flags, Key};

/// Reads one entry.
#[derive(Clone, Copy, Debug)]
pub struct Fetch<'a> {
    /// The key.
    pub key: &'a [u8],
}

impl Fetch<'_> {
    /// Shows the entry, or `None`, to `see` under the slot's lock, and returns what it returns: copy what is needed, do
    /// nothing else there. Counts as a hit or a miss. A key too long to exist is a miss.
    #[inline]
    pub fn run<R>(self, cx: &Context<'_>, see: impl FnOnce(Option<&Entry<'_>>) -> R) -> R {
        let key = cx.store.key(cx.ns, self.key);
        fetch(cx, &key, see)
    }
}

/// Reads many entries, one after the other; not one moment's picture of all.
#[derive(Clone, Copy, Debug)]
pub struct FetchMany<'a, K> {
    /// The keys.
    pub keys: &'a [K],
}

/// How many look-ups are prefetched together: enough to hide memory's latency, few enough to stay in the first cache.
const BATCH: usize = 16;

impl<K: AsRef<[u8]>> FetchMany<'_, K> {
    /// Hands the keys to `each`, in order, until it says `false`. It looks when it wants to, and works on what it took
    /// after the lock is gone.
    pub fn run(self, cx: &Context<'_>, mut each: impl FnMut(One<'_, '_>) -> bool) {
        let mut batch = smallvec::SmallVec::<[Key<'_>; BATCH]>::new();
        for keys in self.keys.chunks(BATCH) {
            batch.clear();
            batch.extend(keys.iter().map(|key| cx.store.key(cx.ns, key.as_ref())));
            cx.store.prefetch(&batch);
            if !batch.iter().all(|key| each(One { cx, key })) {
                return;
            }
        }
    }
}

/// One of many keys, ready to be looked up.
pub struct One<'k, 'c> {
    cx: &'k Context<'c>,
    key: &'k Key<'k>,
}

impl<'k> One<'k, '_> {
    /// The key.
    pub fn key(&self) -> &'k [u8] {
        self.key.bytes
    }

    /// Shows the entry as [`Fetch::run`] does.
    pub fn look<R>(self, see: impl FnOnce(Option<&Entry<'_>>) -> R) -> R {
        fetch(self.cx, self.key, see)
    }
}

#[inline]
fn fetch<R>(cx: &Context<'_>, key: &Key<'_>, see: impl FnOnce(Option<&Entry<'_>>) -> R) -> R {
    let mut guard = cx.lock(key);
    let entry = guard.get(key, cx.read());
    see(entry.as_ref())
}

/// Makes a value the key's value if the version that is there permits.
#[derive(Clone, Copy, Debug)]
pub struct Put<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The value.
    pub value: &'a [u8],
    /// When it expires.
    pub deadline: Deadline,
    /// Its flags.
    pub flags: u32,
    /// Its tags.
    pub tags: &'a [&'a [u8]],
}

/// What became of a conditional write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Written {
    /// Done; the entry now has this version. `None` if its deadline had already passed.
    Stored(Option<u64>),
    /// The condition did not hold; this version is there, or nothing. Nothing was changed.
    Refused(Option<u64>),
    /// The lease that was shown is not good, or no longer. Nothing was changed.
    Void,
}

impl Put<'_> {
    /// Stores the value if `permits` agrees to the present version (`None`: no entry).
    ///
    /// Errors: the key or the value is too long, or there is no memory for it; nothing was changed.
    pub fn run(self, cx: &Context<'_>, permits: impl FnOnce(Option<u64>) -> bool) -> Result<Written, Reject> {
        self.fill(cx, None, permits)
    }

    /// As [`Put::run`], if `token`, where there is one, is the key's lease.
    pub fn fill(
        self,
        cx: &Context<'_>,
        token: Option<u64>,
        permits: impl FnOnce(Option<u64>) -> bool,
    ) -> Result<Written, Reject> {
        self.check(cx)?;
        let key = cx.store.key(cx.ns, self.key);
        let incoming = cx.store.incoming(self.value);
        cx.reserve_bytes(self.key.len() + incoming.stored_bytes());
        let mut guard = cx.lock(&key);
        if token.is_some_and(|token| !guard.holds_lease(&key, token)) {
            return Ok(Written::Void);
        }
        let present = guard.get(&key, Access::Peek).map(|entry| entry.version());
        if !permits(present) {
            return Ok(Written::Refused(present));
        }
        guard.put_incoming(&key, incoming, self.deadline, Flags::Set(self.flags))?;
        if !self.tags.is_empty() {
            guard.set_tags(&key, self.tags);
        }
        Ok(Written::Stored(guard.get(&key, Access::Peek).map(|entry| entry.version())))
    }

    /// Whether key and value are within their limits, so that a batch can be refused before any of it is stored.
    pub fn check(&self, cx: &Context<'_>) -> Result<(), Reject> {
        if self.key.len() > cx.key_bytes_max {
            return Err(Reject::key_too_long(cx.key_bytes_max));
        }
        if self.value.len() > cx.value_bytes_max {
            return Err(Reject::STRING_TOO_LONG);
        }
        Ok(())
    }
}

/// Removes a key if the version that is there permits.
#[derive(Clone, Copy, Debug)]
pub struct Remove<'a> {
    /// The key.
    pub key: &'a [u8],
}

/// What became of a conditional removal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Removed {
    /// Permitted; whether there was anything to remove.
    Done(bool),
    /// The condition did not hold. Nothing was changed.
    Refused,
}

impl Remove<'_> {
    /// Removes the key if `permits` agrees to the present version (`None`: no entry).
    pub fn run(self, cx: &Context<'_>, permits: impl FnOnce(Option<u64>) -> bool) -> Removed {
        let key = cx.store.key(cx.ns, self.key);
        let mut guard = cx.lock(&key);
        let present = guard.get(&key, Access::Peek).map(|entry| entry.version());
        if permits(present) { Removed::Done(guard.remove(&key)) } else { Removed::Refused }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SizeLimits;
    use scrubjay_store::{Config, Ns, Store};

    fn context(store: &Store) -> Context<'_> {
        Context::new(store, Ns(0), 1000, SizeLimits { key_bytes_max: 100, value_bytes_max: 100 })
    }

    fn put<'a>(key: &'a [u8], value: &'a [u8]) -> Put<'a> {
        Put { key, value, deadline: Deadline::Never, flags: 0, tags: &[] }
    }

    #[test]
    fn a_write_happens_only_at_the_version_that_was_read() {
        let store = Store::new(Config::default(), None);
        let cx = context(&store);
        let Ok(Written::Stored(Some(first))) = put(b"k", b"1").run(&cx, |present| present.is_none()) else {
            panic!("a new key is stored")
        };
        assert_eq!(put(b"k", b"x").run(&cx, |present| present.is_none()), Ok(Written::Refused(Some(first))));
        let Ok(Written::Stored(Some(second))) = put(b"k", b"2").run(&cx, |present| present == Some(first)) else {
            panic!("the version was right")
        };
        assert_ne!(first, second);
        assert_eq!(Remove { key: b"k" }.run(&cx, |present| present == Some(first)), Removed::Refused);
        assert_eq!(Fetch { key: b"k" }.run(&cx, |entry| entry.map(|e| e.value().to_vec())), Some(b"2".to_vec()));
        assert_eq!(Remove { key: b"k" }.run(&cx, |present| present == Some(second)), Removed::Done(true));
        assert_eq!(Remove { key: b"k" }.run(&cx, |_| true), Removed::Done(false));
    }

    #[test]
    fn what_is_too_long_is_refused_before_anything_changes() {
        let store = Store::new(Config::default(), None);
        let cx = context(&store);
        assert_eq!(put(b"k", &[0; 101]).run(&cx, |_| true), Err(Reject::STRING_TOO_LONG));
        assert_eq!(put(&[0; 101], b"").run(&cx, |_| true), Err(Reject::key_too_long(100)));
        assert_eq!(store.len(Ns(0)), 0);
    }

    #[test]
    fn many_are_read_in_order_until_the_reader_has_enough() {
        let store = Store::new(Config::default(), None);
        let cx = context(&store);
        put(b"b", b"2").run(&cx, |_| true).unwrap();
        let mut seen = Vec::new();
        let keys = [b"a".as_slice(), b"b", b"c"];
        FetchMany { keys: &keys }.run(&cx, |one| {
            seen.push((one.key().to_vec(), one.look(|entry| entry.is_some())));
            seen.len() < 2
        });
        assert_eq!(seen, [(b"a".to_vec(), false), (b"b".to_vec(), true)]);
    }
}
