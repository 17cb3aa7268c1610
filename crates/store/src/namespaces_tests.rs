//! Namespaces with limits and policies of their own, beside others.

use crate::value::list::{End, List};
use crate::*;
use scrubjay_base::clock::UnixMs;

const NOW_MS: UnixMs = 1_700_000_000_000;
const PLAIN: Ns = Ns(0);
const OWN: Ns = Ns(20);

fn store(max_memory_bytes: u64) -> Store {
    Store::new(Config { max_memory_bytes, seed: 1, shards: 8, start_ms: NOW_MS, ..Config::default() }, None)
}

fn put(store: &Store, ns: Ns, name: &str, value_bytes: usize) -> Result<(), OutOfMemory> {
    let key = store.key(ns, name.as_bytes());
    store.lock(key.slot, NOW_MS).put(&key, &vec![b'v'; value_bytes], Deadline::Never, Flags::Set(0))
}

fn has(store: &Store, ns: Ns, name: &str) -> bool {
    let key = store.key(ns, name.as_bytes());
    store.lock(key.slot, NOW_MS).get(&key, Access::Read).is_some()
}

fn entries(store: &Store, ns: Ns) -> u64 {
    store.stats().per_ns[ns.0 as usize].entries
}

fn own(max_memory_bytes: u64, policy: Policy) -> NsSettings {
    NsSettings { max_memory_bytes, policy: Some(policy), default_ttl_ms: None }
}

const LRU: Policy = Policy::Evict(Scope::AllKeys, Rank::Lru);

#[test]
fn a_namespace_that_evicts_nothing_refuses_at_its_limit_and_loses_nothing() {
    let store = store(0);
    store.set_ns_settings(OWN, own(1 << 20, Policy::NoEviction), NOW_MS);
    let stored = (0..20_000).take_while(|n| put(&store, OWN, &format!("job:{n}"), 100).is_ok()).count();
    assert_eq!(put(&store, OWN, "one more", 100), Err(OutOfMemory::Namespace));
    assert_eq!(put(&store, OWN, "huge", 2 << 20), Err(OutOfMemory::Namespace));
    assert_eq!(entries(&store, OWN), stored as u64);
    assert!((0..stored).all(|n| has(&store, OWN, &format!("job:{n}"))));
    let bytes = store.stats().per_ns[OWN.0 as usize].bytes;
    assert!((900 << 10..=1 << 20).contains(&bytes), "{bytes}");
    assert!(put(&store, PLAIN, "another", 2 << 20).is_ok(), "others have no such limit");
    // What takes no more than before is never refused, and what is deleted makes room.
    assert_eq!(put(&store, OWN, "job:0", 100), Ok(()));
    let key = store.key(OWN, b"job:1");
    assert!(store.lock(key.slot, NOW_MS).remove(&key));
    assert_eq!(put(&store, OWN, "job:new", 100), Ok(()));
    let list = store.key(OWN, b"list");
    let pushed = store.lock(list.slot, NOW_MS).edit::<List, _>(&list, true, 50_000, |list| {
        (0..500).for_each(|_| list.push(End::Back, &[b'i'; 100]));
    });
    assert_eq!(pushed, Err(value::Refused::OutOfMemory(OutOfMemory::Namespace)));
    store.set_ns_settings(OWN, own(2 << 20, Policy::NoEviction), NOW_MS);
    assert_eq!(put(&store, OWN, "after the limit was raised", 100), Ok(()));
    store.check();
}

#[test]
fn a_namespace_evicts_its_own_entries_at_its_limit_and_nobody_elses() {
    for policy in Policy::ALL.into_iter().filter(|policy| matches!(policy, Policy::Evict(Scope::AllKeys, _))) {
        let store = store(0);
        (0..5000).for_each(|n| put(&store, PLAIN, &format!("key:{n}"), 100).expect("no limit"));
        store.set_ns_settings(OWN, own(1 << 20, policy), NOW_MS);
        (0..30_000).for_each(|n| put(&store, OWN, &format!("key:{n}"), 100).expect("evicts"));
        assert_eq!(entries(&store, PLAIN), 5000, "{policy}");
        assert!(has(&store, OWN, "key:29999"), "{policy}: what was just written stays");
        let bytes = store.stats().per_ns[OWN.0 as usize].bytes;
        assert!((800 << 10..=1 << 20).contains(&bytes), "{policy}: {bytes}");
        assert!(put(&store, OWN, "large", 500_000).is_ok() && has(&store, OWN, "large"), "{policy}");
        store.check();
    }
}

#[test]
fn when_the_node_is_full_who_evicts_gives_and_who_does_not_keeps_all() {
    let store = store(16 << 20);
    store.set_ns_settings(OWN, own(0, Policy::NoEviction), NOW_MS);
    store.set_ns_settings(Ns(21), own(0, LRU), NOW_MS);
    (0..20_000).for_each(|n| put(&store, OWN, &format!("job:{n}"), 100).expect("there is room"));
    for n in 0..200_000 {
        put(&store, if n % 2 == 0 { PLAIN } else { Ns(21) }, &format!("key:{n}"), 100).expect("others evict");
    }
    assert_eq!(entries(&store, OWN), 20_000);
    let (plain, lru) = (entries(&store, PLAIN) as f64, entries(&store, Ns(21)) as f64);
    assert!((0.8..1.25).contains(&(plain / lru)), "{plain} and {lru} are left of as many");
    let first = (0..200_000).position(|n| put(&store, OWN, &format!("more:{n}"), 100).is_err());
    assert!(first.is_some_and(|first| first > 50_000), "it takes the room of all others, and then there is none");
    assert!(entries(&store, PLAIN) + entries(&store, Ns(21)) < 100);
    store.check();
}

#[test]
fn entries_move_to_tables_of_their_own_and_back_as_they_are() {
    let store = store(0);
    for n in 0..3000 {
        put(&store, OWN, &format!("key:{n}"), if n % 100 == 0 { 10_000 } else { 20 }).expect("no limit");
        put(&store, PLAIN, &format!("key:{n}"), 20).expect("no limit");
    }
    let expiring = store.key(OWN, b"expiring");
    let mut guard = store.lock(expiring.slot, NOW_MS);
    guard.put(&expiring, b"v", Deadline::At(NOW_MS + 500), Flags::Set(0)).expect("no limit");
    drop(guard);
    for settings in [own(0, LRU), own(64 << 20, Policy::default()), NsSettings::default(), own(4 << 20, LRU)] {
        store.set_ns_settings(OWN, settings, NOW_MS);
        store.check();
        for ns in [PLAIN, OWN] {
            let (mut names, mut cursor) = (std::collections::BTreeSet::new(), 0);
            loop {
                cursor = store.scan(ns, cursor, 100, NOW_MS, |found| {
                    names.insert(found.key.to_vec());
                });
                if cursor == 0 {
                    break;
                }
            }
            assert_eq!(names.len(), if ns == OWN { 3001 } else { 3000 });
            assert!((0..3000).all(|n| has(&store, ns, &format!("key:{n}"))));
            assert!(store.random_key(ns, NOW_MS).is_some());
        }
        assert_eq!(store.biggest(100, None, NOW_MS).len(), 30);
    }
    while store.maintain(NOW_MS + 1000, 1000) <= NOW_MS + 1000 {}
    assert_eq!(entries(&store, OWN), 3000, "a deadline moves too");
    assert_eq!(store.flush(Some(OWN)), 3000);
    assert_eq!((entries(&store, OWN), entries(&store, PLAIN)), (0, 3000));
    store.check();
}

#[test]
fn writes_of_one_command_fit_together_or_not_at_all() {
    let store = store(0);
    store.set_ns_settings(OWN, own(100_000, Policy::NoEviction), NOW_MS);
    let admitted = |count: usize, value_bytes: usize| {
        let names: Vec<String> = (0..count).map(|n| format!("key:{n}")).collect();
        let keys: Vec<Key<'_>> = names.iter().map(|name| store.key(OWN, name.as_bytes())).collect();
        let mut guard = store.lock_many(keys.iter().map(|key| key.slot), NOW_MS);
        let planned =
            keys.iter().map(|key| Planned { key, value_bytes, deadline: Deadline::Never, flags: Flags::Set(0) });
        guard.admit(planned).map(|()| {
            let put = |key| guard.put(key, &vec![b'v'; value_bytes], Deadline::Never, Flags::Set(0));
            assert_eq!(keys.iter().try_for_each(put), Ok(()), "it was promised");
        })
    };
    assert_eq!(admitted(100, 400), Ok(()));
    assert_eq!(admitted(100, 1500), Err(OutOfMemory::Namespace));
    assert_eq!(admitted(100, 400), Ok(()), "the same again takes no more");
    store.set_ns_settings(OWN, own(100_000, LRU), NOW_MS);
    assert_eq!(admitted(60, 1200), Ok(()), "the others make room");
    assert_eq!(admitted(200, 1200), Err(OutOfMemory::Namespace), "more than all of it");
    store.check();
}

#[test]
fn a_lowered_limit_is_reached_by_housekeeping_and_a_lifetime_of_its_own_is_taken() {
    let store = store(0);
    (0..10_000).for_each(|n| put(&store, OWN, &format!("key:{n}"), 100).expect("no limit"));
    store.set_ns_settings(OWN, NsSettings { default_ttl_ms: Some(500), ..own(300_000, LRU) }, NOW_MS);
    for _ in 0..10_000 {
        store.maintain(NOW_MS, 1000);
    }
    let bytes = store.stats().per_ns[OWN.0 as usize].bytes;
    assert!((200_000..=300_000).contains(&bytes), "{bytes}");
    let key = store.key(OWN, b"short");
    let mut guard = store.lock(key.slot, NOW_MS);
    guard.put(&key, b"v", Deadline::Default, Flags::Set(0)).expect("evicts");
    assert_eq!(guard.get(&key, Access::Peek).and_then(|entry| entry.deadline_ms()), Some(NOW_MS + 500));
    let plain = store.key(PLAIN, b"long");
    drop(guard);
    let mut guard = store.lock(plain.slot, NOW_MS);
    guard.put(&plain, b"v", Deadline::Default, Flags::Set(0)).expect("no limit");
    assert_eq!(guard.get(&plain, Access::Peek).and_then(|entry| entry.deadline_ms()), None);
}

#[test]
fn settings_change_while_others_hold_everything_and_ask_for_them() {
    let store = store(0);
    (0..500).for_each(|n| put(&store, OWN, &format!("key:{n}"), 100).expect("no limit"));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..300 {
                store.set_policy(Policy::ALL[round % Policy::ALL.len()], NOW_MS);
                store.set_ns_settings(OWN, own((round as u64 % 3) << 20, LRU), NOW_MS);
            }
        });
        for _ in 0..300 {
            let all = store.lock_all(NOW_MS);
            store.swap_databases(1, 2);
            assert!(Policy::ALL.contains(&store.policy()));
            assert!(store.ns_settings(OWN).max_memory_bytes <= 2 << 20);
            drop(all);
        }
    });
    store.check();
}

#[test]
fn what_was_deleted_stays_so_while_its_namespace_changes_tables() {
    for steps in [1, 20, 60, 100] {
        let store = store(0);
        store.set_ns_settings(OWN, own(0, LRU), NOW_MS);
        (0..60_000).for_each(|n| put(&store, OWN, &format!("gone:{n}"), 100).expect("no limit"));
        assert_ne!(store.hide(OWN, &[Group::Prefix(b"gone:")]), 0);
        (0..steps).for_each(|_| {
            store.maintain(NOW_MS, 16);
        });
        assert!(store.unreclaimed() > 0, "{steps} steps: a sweep is under way");
        store.set_ns_settings(OWN, NsSettings::default(), NOW_MS);
        while store.unreclaimed() > 0 {
            store.maintain(NOW_MS, 1000);
        }
        assert_eq!((0..60_000).filter(|n| has(&store, OWN, &format!("gone:{n}"))).count(), 0, "{steps} steps");
        assert_eq!(entries(&store, OWN), 0);
        store.check();
    }
}
