//! What is kept beyond its deadline, and leases: what ends them, and what they leave alone.

use crate::*;
use parking_lot::Mutex;
use scrubjay_base::SlotId;
use std::sync::Arc;

const START_MS: u64 = 1_700_000_000_000;

fn store() -> Store {
    Store::new(Config { start_ms: START_MS, ..Config::default() }, None)
}

fn put_stale(store: &Store, key: &Key<'_>, at: u64, until: u64) {
    let deadline = Deadline::Stale { at: START_MS + at, until: START_MS + until };
    store.lock(key.slot, START_MS).put(key, b"old", deadline, Flags::Set(9)).expect("room");
}

#[test]
fn between_its_deadlines_an_entry_is_there_for_those_only_who_take_it_stale() {
    let store = store();
    let key = store.key(Ns(0), b"k");
    put_stale(&store, &key, 100, 300);
    assert!(store.lock(key.slot, START_MS + 99).get(&key, Access::Read).is_some_and(|entry| !entry.is_stale()));
    for now_ms in [START_MS + 100, START_MS + 299] {
        store.maintain(now_ms, 1_000_000);
        let mut guard = store.lock(key.slot, now_ms);
        assert!(guard.get(&key, Access::Read).is_none());
        let entry = guard.get_or_stale(&key, Access::Read).expect("kept");
        assert_eq!((&*entry.value(), entry.flags(), entry.is_stale()), (&b"old"[..], 9, true));
        drop(guard);
        assert_eq!(store.len(Ns(0)), 1);
    }
    assert!(store.lock(key.slot, START_MS + 300).get_or_stale(&key, Access::Read).is_none());
    assert_eq!((store.len(Ns(0)), store.stats().expirations), (0, 1));
}

#[test]
fn what_is_kept_is_removed_promptly_at_its_end_though_nobody_asks() {
    let store = store();
    let key = store.key(Ns(0), b"k");
    put_stale(&store, &key, 100, 5000);
    for step in 0..30 {
        store.maintain(START_MS + step * 100, 1_000_000);
    }
    assert_eq!(store.len(Ns(0)), 1);
    for step in 50..60 {
        store.maintain(START_MS + step * 100, 1_000_000);
    }
    assert_eq!((store.len(Ns(0)), store.stats().expirations), (0, 1));
}

#[test]
fn a_removal_takes_what_is_stale_too_and_a_deadline_of_its_own_ends_the_keeping() {
    let store = store();
    let key = store.key(Ns(0), b"k");
    put_stale(&store, &key, 100, 300);
    assert!(!store.lock(key.slot, START_MS + 200).remove(&key), "a stale entry was not there");
    assert!(store.lock(key.slot, START_MS + 200).get_or_stale(&key, Access::Peek).is_none());
    put_stale(&store, &key, 100, 300);
    assert!(store.lock(key.slot, START_MS).set_deadline(&key, Some(START_MS + 50)));
    assert!(store.lock(key.slot, START_MS + 50).get_or_stale(&key, Access::Peek).is_none());
}

#[test]
fn a_renamed_entry_and_a_counted_one_stay_kept() {
    let store = store();
    let (from, to) = (store.key(Ns(0), b"{t}a"), store.key(Ns(0), b"{t}b"));
    put_stale(&store, &from, 100, 300);
    let mut guard = store.lock(from.slot, START_MS);
    assert!(guard.rename(&from, &to));
    guard.put(&to, b"a much longer value", Deadline::Keep, Flags::Keep).expect("room");
    drop(guard);
    let mut guard = store.lock(to.slot, START_MS + 200);
    assert_eq!(guard.get_or_stale(&to, Access::Peek).and_then(|entry| entry.stale_until_ms()), Some(START_MS + 300));
}

#[test]
fn every_write_and_removal_voids_the_lease_and_nothing_else_does() {
    let store = store();
    let key = store.key(Ns(0), b"k");
    type Act = fn(&mut Guard<'_>, &Key<'_>);
    let voids: [(&str, Act); 8] = [
        ("put", |guard, key| guard.put(key, b"v", Deadline::Never, Flags::Set(0)).expect("room")),
        ("put in the past", |guard, key| guard.put(key, b"v", Deadline::At(1), Flags::Set(0)).expect("room")),
        ("write over the same", |guard, key| guard.put(key, b"w", Deadline::Never, Flags::Set(0)).expect("room")),
        ("write a part", |guard, key| assert_eq!(guard.write_at(key, 0, b"x"), Ok(1))),
        ("invalidate", |guard, key| assert_eq!(guard.invalidate(key, START_MS + 9), Some(true))),
        ("remove what is stale", |guard, key| assert!(!guard.remove(key))),
        ("remove what is not there", |guard, key| assert!(!guard.remove(key))),
        ("invalidate what is not there", |guard, key| assert_eq!(guard.invalidate(key, START_MS + 9), Some(false))),
    ];
    let mut guard = store.lock(key.slot, START_MS);
    for (name, act) in voids {
        let Lease::Won(token) = guard.lease(&key, 1000) else { panic!("{name}: the one before is void") };
        guard.get(&key, Access::Read);
        guard.get_or_stale(&key, Access::Read);
        guard.set_deadline(&key, None);
        assert!(guard.holds_lease(&key, token), "{name}");
        act(&mut guard, &key);
        assert!(!guard.holds_lease(&key, token), "{name}");
        assert!(!guard.release_lease(&key, token), "{name}");
    }
    let Lease::Won(token) = guard.lease(&key, 1000) else { panic!("none is out") };
    drop(guard);
    store.flush(Some(Ns(1)));
    assert!(store.lock(key.slot, START_MS).holds_lease(&key, token));
    store.flush(Some(Ns(0)));
    assert!(!store.lock(key.slot, START_MS).holds_lease(&key, token));
}

#[test]
fn leases_are_no_entries_evict_nothing_and_give_their_memory_back() {
    let store = store();
    let before = store.stats().used_bytes;
    for n in 0..10_000 {
        let bytes = format!("missing:{n}");
        let key = store.key(Ns(0), bytes.as_bytes());
        assert!(matches!(store.lock(key.slot, START_MS).lease(&key, 100), Lease::Won(_)));
    }
    let stats = store.stats();
    assert_eq!((stats.entries, stats.evictions, stats.misses), (0, 0, 0));
    assert!(stats.used_bytes > before);
    for _ in 0..20 {
        store.maintain(START_MS + 100, 1_000_000);
    }
    assert_eq!(store.stats().used_bytes, before);
}

#[derive(Default)]
struct Ends(Mutex<Vec<Vec<u8>>>);

impl Journal for Ends {
    fn effect(&self, _slot: SlotId, _sequence: u64, _effect: &Effect<'_>) {}

    fn lease_ended(&self, _ns: Ns, key: &[u8]) {
        self.0.lock().push(key.to_vec());
    }
}

#[test]
fn the_end_of_a_lease_is_told_where_no_effect_tells_it() {
    let ends = Arc::new(Ends::default());
    let store = Store::new(Config { start_ms: START_MS, ..Config::default() }, Some(ends.clone()));
    let key = store.key(Ns(0), b"k");
    let mut guard = store.lock(key.slot, START_MS);
    let Lease::Won(token) = guard.lease(&key, 100) else { panic!("none is out") };
    assert!(guard.release_lease(&key, token));
    guard.lease(&key, 100);
    guard.remove(&key);
    guard.remove(&key);
    drop(guard);
    assert_eq!(*ends.0.lock(), [b"k", b"k"]);
}
