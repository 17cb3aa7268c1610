//! Reading whole entries of any kind, with all that they carry: for a door whose clients hold typed values and versions
//! (HTTP). No RESP command does.

use crate::table::Context;
use scrubjay_store::{Entry, Key};

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::family::string::Set;
    use crate::family::testing::Node;

    #[test]
    fn many_are_read_in_order_until_the_reader_has_enough() {
        let node = Node::new();
        let cx = node.context();
        Set::new(b"b", b"2").run(&cx).expect("room");
        let mut seen = Vec::new();
        let keys = [b"a".as_slice(), b"b", b"c"];
        FetchMany { keys: &keys }.run(&cx, |one| {
            seen.push((one.key().to_vec(), one.look(|entry| entry.is_some())));
            seen.len() < 2
        });
        assert_eq!(seen, [(b"a".to_vec(), false), (b"b".to_vec(), true)]);
    }
}
