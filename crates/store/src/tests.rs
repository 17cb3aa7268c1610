//! A naive model beside the store, under random operations, for every policy; and the promises about memory.
//!
//! The model is fed by the journal: if effects told less than everything, or in the wrong order, it would differ.

use crate::value::hash::Hash;
use crate::value::list::{End, List};
use crate::value::members::Until;
use crate::value::set::Set;
use crate::value::{Collection, Edit, Packing, Refused, packed};
use crate::*;
use parking_lot::Mutex;
use scrubjay_base::KeyHasher;
use scrubjay_base::SlotId;
use scrubjay_base::rand::Rng;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

const START_MS: u64 = 1_700_000_000_000;

fn quiet() -> Config {
    Config { start_ms: START_MS, ..Config::default() }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Held {
    kind: Kind,
    /// A string's bytes; a collection as it travels.
    value: Vec<u8>,
    deadline_ms: Option<u64>,
    flags: u32,
    tags: Vec<Vec<u8>>,
}

/// What somebody who only hears effects knows.
#[derive(Default)]
struct Listener {
    held: Mutex<BTreeMap<(Ns, Vec<u8>), Held>>,
    sequences: Mutex<HashMap<SlotId, u64>>,
    removals: Mutex<HashMap<&'static str, u64>>,
}

impl Journal for Listener {
    fn effect(&self, slot: SlotId, sequence: u64, effect: &Effect<'_>) {
        let mut sequences = self.sequences.lock();
        let last = sequences.entry(slot).or_insert(0);
        assert_eq!(sequence, *last + 1, "slot {slot:?}: sequences have no gaps");
        *last = sequence;
        let mut held = self.held.lock();
        match *effect {
            Effect::Put { ns, key, kind, value, deadline_ms, flags, keeps_tags } => {
                let before = held.remove(&(ns, key.to_vec())).filter(|_| keeps_tags);
                let tags = before.map_or(Vec::new(), |before| before.tags);
                let value = in_order(kind, value.to_vec());
                held.insert((ns, key.to_vec()), Held { kind, value, deadline_ms, flags, tags });
            }
            Effect::Change { ns, key, kind, changes } => {
                let held = held.get_mut(&(ns, key.to_vec())).expect("changed where something is");
                assert_eq!(kind, held.kind);
                held.value = changed(kind, &held.value, changes);
            }
            Effect::Write { ns, key, offset, bytes } => {
                let value = &mut held.get_mut(&(ns, key.to_vec())).expect("written where something is").value;
                value.resize(value.len().max(offset + bytes.len()), 0);
                value[offset..offset + bytes.len()].copy_from_slice(bytes);
            }
            Effect::Tags { ns, key, tags } => {
                let tags = tags.iter().map(|tag| tag.to_vec()).collect();
                held.get_mut(&(ns, key.to_vec())).expect("there").tags = tags;
            }
            Effect::Hide { ns, group } => held.retain(|(n, key), held| {
                let is_covered = match group {
                    Group::Prefix(prefix) => key.starts_with(prefix),
                    Group::Tag(tag) => held.tags.iter().any(|own| own == tag),
                };
                *n != ns || SlotId::of(key) != slot || !is_covered
            }),
            Effect::Deadline { ns, key, deadline_ms } => {
                held.get_mut(&(ns, key.to_vec())).expect("there").deadline_ms = deadline_ms;
            }
            Effect::Remove { ns, key, cause } => {
                held.remove(&(ns, key.to_vec())).expect("removed once, and only if it was there");
                let cause = match cause {
                    Removal::Deleted => "deleted",
                    Removal::Expired => "expired",
                    Removal::Evicted => "evicted",
                };
                *self.removals.lock().entry(cause).or_default() += 1;
            }
            Effect::Flush { ns } => held.retain(|(n, key), _| *n != ns || SlotId::of(key) != slot),
        }
    }
}

/// A collection that travelled as `value`, after `changes`.
fn changed(kind: Kind, value: &[u8], changes: &[u8]) -> Vec<u8> {
    fn repeat<C: Collection>(value: &[u8], changes: &[u8]) -> Vec<u8> {
        let packing = Packing::new(Arc::new(KeyHasher::new(7)));
        let mut collection = C::read_from(value, &packing).expect("it travelled whole");
        let mut rng = Rng::new(1);
        let mut edit = Edit::new(&mut collection, &packing, false, 0, &mut rng);
        C::repeat(&mut edit, changes).expect("what was written down can be repeated");
        let mut out = Vec::new();
        collection.write_to(&mut out);
        in_order(C::KIND, out)
    }
    match kind {
        Kind::List => repeat::<List>(value, changes),
        Kind::Set => repeat::<Set>(value, changes),
        Kind::Hash => repeat::<Hash>(value, changes),
        other => panic!("{other:?} has no changes"),
    }
}

/// A value as it travels, with what has no order put into one.
fn in_order(kind: Kind, value: Vec<u8>) -> Vec<u8> {
    let names_every = match kind {
        Kind::Set => 1,
        Kind::Hash => 2,
        _ => return value,
    };
    let mut records: Vec<Vec<u8>> = Vec::new();
    let mut number = 0;
    for (_, item) in packed::items(&value) {
        if !matches!(item, packed::Item::Moment(_)) {
            if number % names_every == 0 {
                records.push(Vec::new());
            }
            number += 1;
        }
        item.write(records.last_mut().expect("a name comes first"));
    }
    records.sort();
    records.concat()
}

struct World {
    store: Store,
    listener: Arc<Listener>,
    rng: Rng,
    now_ms: u64,
}

impl World {
    fn new(config: Config) -> World {
        let listener = Arc::new(Listener::default());
        let rng = Rng::new(config.seed);
        let store = Store::new(config, Some(listener.clone()));
        World { store, listener, rng, now_ms: START_MS }
    }

    fn key_bytes(&mut self, keys: u64) -> Vec<u8> {
        let n = self.rng.below(keys);
        match n % 50 {
            0 => format!("{{tag}}:{n}").into_bytes(),
            1 => format!("long:{n}:{}", "k".repeat(1500)).into_bytes(),
            _ => format!("key:{n}").into_bytes(),
        }
    }

    fn value(&mut self) -> Vec<u8> {
        let length = match self.rng.below(60) {
            0 => self.rng.below(20_000),
            1..6 => self.rng.below(2100),
            _ => self.rng.below(150),
        };
        vec![self.rng.next_u64() as u8; length as usize]
    }

    /// One random operation; panics where the store's answer differs from what the listener knows.
    fn step(&mut self, keys: u64) {
        let bytes = self.key_bytes(keys);
        let ns = Ns(self.rng.below(3) as u8);
        let id = (ns, bytes.clone());
        let key = self.store.key(ns, &bytes);
        let known = self.listener.held.lock().get(&id).cloned();
        let live = known.filter(|h| h.deadline_ms.is_none_or(|at| at > self.now_ms));
        match self.rng.below(100) {
            0..40 => {
                let value = self.value();
                let deadline = match self.rng.below(5) {
                    0 => Deadline::At(self.now_ms + self.rng.below(5000)),
                    1 => Deadline::Keep,
                    2 => Deadline::Never,
                    _ => Deadline::Default,
                };
                let flags = match self.rng.below(4) {
                    0 => Flags::Keep,
                    1 => Flags::Set(self.rng.next_u64() as u32),
                    2 => Flags::Set(flags::STR),
                    _ => Flags::Set(0),
                };
                let done = self.store.lock(key.slot, self.now_ms).put(&key, &value, deadline, flags);
                let now = self.listener.held.lock().get(&id).cloned();
                match done {
                    Err(OutOfMemory) => assert_eq!(now, live, "a refused write changes nothing"),
                    Ok(()) if deadline == Deadline::At(self.now_ms) => assert_eq!(now, None),
                    Ok(()) => {
                        let now = now.expect("stored");
                        assert_eq!((now.kind, &now.value), (Kind::String, &value));
                        if flags == Flags::Keep {
                            assert_eq!(now.flags, live.map_or(0, |h| h.flags));
                        }
                    }
                }
            }
            40..44 => {
                // Tags are told after the value that they belong to.
                let names: [&[u8]; 3] = [b"red", b"green", b"blue"];
                let chosen: Vec<&[u8]> = names.into_iter().filter(|_| self.rng.below(2) == 0).collect();
                if live.is_some() {
                    self.store.lock(key.slot, self.now_ms).set_tags(&key, &chosen);
                }
            }
            44 if self.rng.below(40) == 0 => {
                let group = match self.rng.below(4) {
                    0 => Group::Prefix(&bytes[..bytes.len().min(5)]),
                    1 => Group::Prefix(b"{tag}:"),
                    2 => Group::Tag(b"red"),
                    _ => Group::Tag(b"blue"),
                };
                self.store.hide(ns, group);
            }
            44..75 => {
                let mut guard = self.store.lock(key.slot, self.now_ms);
                let entry = guard.get(&key, Access::Read);
                let seen = entry.as_ref().map(seen);
                assert_eq!(seen, live.map(untagged));
                if let Some(entry) = entry {
                    assert!(entry.version() > 0 && entry.memory_bytes() > entry.value().len());
                }
            }
            75..82 => {
                let removed = self.store.lock(key.slot, self.now_ms).remove(&key);
                assert_eq!(removed, live.is_some());
            }
            82..90 => {
                let deadline_ms = (self.rng.below(3) > 0).then(|| self.now_ms + self.rng.below(9000));
                let there = self.store.lock(key.slot, self.now_ms).set_deadline(&key, deadline_ms);
                assert_eq!(there, live.is_some());
            }
            90..92 => self.edit_list(&key, live),
            92 => self.edit_hash(&key, live),
            93 => self.edit_set(&key, live),
            94..97 if live.as_ref().is_none_or(|held| held.kind == Kind::String) => {
                let offset = self.rng.below(3000) as usize;
                let value = self.value();
                let written = self.store.lock(key.slot, self.now_ms).write_at(&key, offset, &value);
                if let Ok(length) = written {
                    assert_eq!(length, live.map_or(0, |h| h.value.len()).max(offset + value.len()));
                }
            }
            94..=97 => {
                let due = self.store.maintain(self.now_ms, 100);
                assert!(due >= self.now_ms);
            }
            _ => self.now_ms += self.rng.below(200),
        }
    }

    /// Pushes or pops a few items, or many.
    fn edit_list(&mut self, key: &Key<'_>, live: Option<Held>) {
        let items: Vec<Vec<u8>> = (0..self.rng.below(4) * self.rng.below(40)).map(|_| self.value()).collect();
        let (pops, end) = (self.rng.below(60) as usize, if self.rng.below(2) == 0 { End::Front } else { End::Back });
        let create = self.rng.below(4) > 0;
        let room_bytes = items.iter().map(|item| item.len() + 16).sum();
        let mut guard = self.store.lock(key.slot, self.now_ms);
        let edited = guard.edit::<List, _>(key, create, room_bytes, |list| {
            items.iter().for_each(|item| list.push(end, item));
            list.pop(end, pops, |_| {});
            list.len()
        });
        drop(guard);
        self.edited(key, live, Kind::List, create, edited);
    }

    /// Writes and removes some fields, or many, some of which expire.
    fn edit_hash(&mut self, key: &Key<'_>, live: Option<Held>) {
        let fields: Vec<(u64, Vec<u8>, Until)> = (0..self.rng.below(4) * self.rng.below(40))
            .map(|_| match self.rng.below(3) {
                0 => (self.rng.below(300), self.value(), Until::At(self.now_ms + self.rng.below(500))),
                _ => (self.rng.below(300), self.value(), Until::Never),
            })
            .collect();
        let removed: Vec<u64> = (0..self.rng.below(100)).map(|_| self.rng.below(300)).collect();
        let create = self.rng.below(4) > 0;
        let room_bytes = fields.iter().map(|(_, value, _)| value.len() + 64).sum();
        let edited = self.store.lock(key.slot, self.now_ms).edit::<Hash, _>(key, create, room_bytes, |hash| {
            for (n, value, until) in &fields {
                hash.set(format!("f{n}").as_bytes(), value, *until);
            }
            for n in removed {
                hash.remove(format!("f{n}").as_bytes());
            }
            hash.len()
        });
        self.edited(key, live, Kind::Hash, create, edited);
    }

    /// Adds and takes some members, or many, some of which expire.
    fn edit_set(&mut self, key: &Key<'_>, live: Option<Held>) {
        let members: Vec<(u64, bool)> = (0..self.rng.below(4) * self.rng.below(60))
            .map(|_| (self.rng.below(500), self.rng.below(4) == 0))
            .collect();
        let (words, pops, create) = (self.rng.below(2) == 0, self.rng.below(80) as usize, self.rng.below(4) > 0);
        let at_ms = self.now_ms + 1 + self.rng.below(500);
        let edited = self.store.lock(key.slot, self.now_ms).edit::<Set, _>(key, create, 64 * members.len(), |set| {
            for (n, expires) in members {
                let member = if words { format!("member {n}") } else { n.to_string() };
                set.add(member.as_bytes());
                if expires {
                    set.set_deadline(member.as_bytes(), Some(at_ms));
                }
            }
            set.pop(pops, |_| {});
            set.len()
        });
        self.edited(key, live, Kind::Set, create, edited);
    }

    fn edited(
        &self,
        key: &Key<'_>,
        live: Option<Held>,
        kind: Kind,
        create: bool,
        edited: Result<Option<usize>, Refused>,
    ) {
        let now = self.listener.held.lock().get(&(key.ns, key.bytes.to_vec())).cloned();
        match edited {
            Err(Refused::WrongKind) => assert_ne!(live.as_ref().map(|held| held.kind), Some(kind)),
            Err(Refused::OutOfMemory) => {}
            Ok(None) => assert!(live.is_none() && !create),
            Ok(Some(0)) => return assert_eq!(now, None),
            Ok(Some(_)) => return assert_eq!(now.map(|held| held.kind), Some(kind)),
        }
        assert_eq!(now, live, "what did not happen changed nothing");
    }

    /// Everything that the listener knows is in the store, and nothing else.
    fn agree(&self) {
        while self.store.unreclaimed() > 0 {
            self.store.maintain(self.now_ms, 100);
        }
        self.store.check();
        let held = self.listener.held.lock();
        let mut found = BTreeMap::new();
        let mut cursor = 0;
        loop {
            cursor = self.store.scan(cursor, 50, self.now_ms, |s| {
                found.insert((s.ns, s.key.to_vec()), seen(&s.entry));
            });
            if cursor == 0 {
                break;
            }
        }
        let live = held.iter().filter(|(_, h)| h.deadline_ms.is_none_or(|at| at > self.now_ms));
        assert!(live.map(|(k, h)| (k.clone(), untagged(h.clone()))).eq(found), "scan and journal agree");
        assert_eq!(self.store.stats().entries, held.len() as u64);
    }
}

/// What can be seen of it: tags can not.
fn untagged(held: Held) -> Held {
    Held { tags: Vec::new(), ..held }
}

fn seen(entry: &Entry<'_>) -> Held {
    let mut value = Vec::new();
    entry.write_to(&mut value);
    let (kind, deadline_ms, flags) = (entry.kind(), entry.deadline_ms(), entry.flags());
    Held { kind, value: in_order(kind, value), deadline_ms, flags, tags: Vec::new() }
}

#[test]
fn store_and_journal_agree_under_random_operations_for_every_policy_and_limit() {
    for (seed, policy) in Policy::ALL.into_iter().enumerate() {
        for max_memory_bytes in [0, 1 << 20, 24 << 20] {
            let config = Config { max_memory_bytes, policy, seed: seed as u64, default_ttl_ms: 60_000, ..quiet() };
            let mut world = World::new(config);
            for step in 0..8_000 {
                world.step(if max_memory_bytes == 1 << 20 { 4000 } else { 900 });
                if step % 4000 == 0 {
                    world.agree();
                }
                let max = world.store.max_memory_bytes();
                let slack = 256 << 10; // tables and the policy's own state are charged, not reserved
                assert!(max == 0 || world.store.stats().used_bytes <= max + slack, "{policy} seed {seed}");
            }
            world.agree();
            let evicted = world.listener.removals.lock().get("evicted").copied().unwrap_or(0);
            assert_eq!(evicted, world.store.stats().evictions);
            if policy == Policy::NoEviction {
                assert_eq!(evicted, 0);
            } else if max_memory_bytes == 1 << 20 && matches!(policy, Policy::Evict(Scope::AllKeys, _)) {
                assert!(evicted > 0 && world.store.stats().refused == 0, "{policy}");
            }
        }
    }
}

#[test]
fn policies_can_be_switched_at_any_time() {
    let mut world = World::new(Config { max_memory_bytes: 1 << 20, seed: 5, ..quiet() });
    for step in 0..30_000 {
        world.step(4000);
        if step % 500 == 0 {
            let policy = Policy::ALL[world.rng.below(Policy::ALL.len() as u64) as usize];
            world.store.set_policy(policy, world.now_ms);
            assert_eq!(world.store.policy(), policy);
        }
    }
    world.agree();
}

fn fill(store: &Store, keys: std::ops::Range<u32>, value_bytes: usize, now_ms: u64) -> u32 {
    let value = vec![7u8; value_bytes];
    let mut refused = 0;
    for n in keys {
        let bytes = format!("key:{n:012}");
        let key = store.key(Ns(0), bytes.as_bytes());
        let put = store.lock(key.slot, now_ms).put(&key, &value, Deadline::Default, Flags::Set(0));
        refused += u32::from(put.is_err());
    }
    refused
}

#[test]
fn memory_stays_under_the_limit_when_value_sizes_shift_and_no_write_is_refused() {
    for shards in [1, 8] {
        let max = 64 << 20;
        let store = Store::new(Config { max_memory_bytes: max, seed: 1, shards, ..quiet() }, None);
        for (round, size) in [100, 37, 900, 20, 5000, 64, 1500, 100_000, 200].into_iter().enumerate() {
            let from = round as u32 * 1_000_000;
            let count = (2 * max as usize / (size + 60)).min(400_000) as u32;
            assert_eq!(fill(&store, from..from + count, size, START_MS), 0, "{shards} shards, {size} bytes");
            let stats = store.stats();
            assert!(stats.used_bytes <= max + (1 << 20), "{} of {max}", stats.used_bytes);
            assert!(
                stats.payload_bytes as f64 > 0.45 * max as f64,
                "{shards} shards, values of {size}: only {} of {max} are payload",
                stats.payload_bytes
            );
            store.check();
        }
    }
}

#[test]
fn a_lowered_limit_is_reached_by_housekeeping_and_memory_is_given_back() {
    let store = Store::new(Config { max_memory_bytes: 64 << 20, seed: 1, ..quiet() }, None);
    fill(&store, 0..600_000, 64, START_MS);
    store.set_max_memory_bytes(16 << 20);
    for _ in 0..100_000 {
        if store.maintain(START_MS, 1000) > START_MS {
            break;
        }
    }
    assert!(store.stats().used_bytes <= 16 << 20);
    store.set_max_memory_bytes(64 << 20);
    assert_eq!(fill(&store, 0..600_000, 64, START_MS), 0);
    assert!(store.stats().used_bytes > 48 << 20);
    store.flush(None);
    let left = store.stats();
    assert_eq!((left.entries, left.payload_bytes, left.entry_bytes), (0, 0, 0));
    assert!(left.used_bytes < 2 << 20, "{} bytes are left", left.used_bytes);
}

#[test]
fn noeviction_refuses_and_changes_nothing() {
    let store = Store::new(Config { max_memory_bytes: 8 << 20, policy: Policy::NoEviction, seed: 1, ..quiet() }, None);
    assert!(fill(&store, 0..200_000, 64, START_MS) > 0);
    let before = store.stats();
    assert!(fill(&store, 900_000..901_000, 64, START_MS) == 1000);
    let after = store.stats();
    assert_eq!((before.entries, before.payload_bytes), (after.entries, after.payload_bytes));
    assert_eq!(fill(&store, 0..1000, 64, START_MS), 0, "overwriting in place needs no memory");
    let key = store.key(Ns(0), b"key:000000000000");
    assert!(store.lock(key.slot, START_MS).set_deadline(&key, Some(START_MS + 1000)), "a deadline always fits");
}

#[test]
fn an_entry_limit_is_never_exceeded() {
    for shards in [1, 8] {
        let config = Config { max_entries: 1000, seed: 1, shards, max_memory_bytes: 1 << 30, ..quiet() };
        let store = Store::new(config, None);
        store.set_max_entries(1000);
        for step in 0..20 {
            assert_eq!(fill(&store, step * 500..step * 500 + 500, 20, START_MS), 0);
            assert!(store.stats().entries <= 1000);
        }
        assert_eq!(store.stats().entries, 1000);
        store.set_max_entries(100);
        while store.maintain(START_MS, 1000) == START_MS {}
        assert_eq!(store.stats().entries, 100);
    }
}

#[test]
fn what_expires_is_gone_within_two_ticks_without_being_read() {
    let store = Store::new(Config { seed: 1, ..quiet() }, None);
    for n in 0..20_000u64 {
        let bytes = format!("key:{n}");
        let key = store.key(Ns(0), bytes.as_bytes());
        let mut guard = store.lock(key.slot, START_MS);
        guard.put(&key, b"v", Deadline::At(START_MS + 1 + n), Flags::Set(0)).expect("no limit");
    }
    let mut now_ms = START_MS;
    while now_ms < START_MS + 21_000 {
        let next = store.maintain(now_ms, 1000);
        let expired = (now_ms - START_MS).min(20_000);
        let gone = 20_000 - store.stats().entries;
        assert!(gone <= expired && gone + 64 >= expired, "at {now_ms}: {gone} of {expired} are gone");
        now_ms = next.max(now_ms + 1);
    }
    assert_eq!((store.stats().entries, store.stats().expirations), (0, 20_000));
}

#[test]
fn members_that_expire_are_gone_within_three_ticks_without_being_read_and_their_keys_with_the_last() {
    for members in [50u64, 3000] {
        let store = Store::new(Config { seed: 1, ..quiet() }, None);
        let key = store.key(Ns(0), b"hash");
        let written = store.lock(key.slot, START_MS).edit::<Hash, _>(&key, true, 0, |hash| {
            for n in 0..members {
                hash.set(format!("field:{n}").as_bytes(), b"v", Until::At(START_MS + 1 + n));
            }
        });
        assert_eq!(written, Ok(Some(())));
        let (mut now_ms, mut calls) = (START_MS, 0);
        while now_ms < START_MS + members + 200 {
            let next = store.maintain(now_ms, 1000);
            let mut guard = store.lock(key.slot, now_ms);
            let view = guard.view::<Hash>(&key, Access::Peek).expect("a hash");
            let expired = (now_ms - START_MS).min(members);
            let (held, live) = view.map_or((0, 0), |view| (view.len_max() as u64, view.len(now_ms) as u64));
            assert_eq!(live, members - expired, "what has expired is hidden");
            assert!(held - live < 128, "at {now_ms}: {held} are held and {live} have not expired");
            drop(guard);
            calls += 1;
            now_ms = next.max(now_ms + 1);
        }
        assert_eq!(store.stats().entries, 0);
        assert!(calls < 250, "housekeeping is called once in a tick, not {calls} times");
        store.check();
    }
}

#[test]
fn one_hash_tag_may_fill_the_whole_store() {
    let store = Store::new(Config { max_memory_bytes: 64 << 20, seed: 1, shards: 8, ..quiet() }, None);
    fill(&store, 0..500_000, 64, START_MS);
    for n in 0..800_000u32 {
        let bytes = format!("{{one}}:{n}");
        let key = store.key(Ns(0), bytes.as_bytes());
        store.lock(key.slot, START_MS).put(&key, &[1; 64], Deadline::Never, Flags::Set(0)).expect("evicts");
    }
    let mut tagged = 0;
    let mut cursor = 0;
    loop {
        cursor = store.scan(cursor, 1000, START_MS, |s| tagged += usize::from(s.key.starts_with(b"{one}")));
        if cursor == 0 {
            break;
        }
    }
    // The tag's shard is one of eight; without taking memory from the others it would hold an eighth.
    assert!(tagged > 300_000, "{tagged} entries of the tag are held");
    store.check();
}

#[test]
fn what_was_charged_is_what_is_given_back() {
    let store = Store::new(Config { max_memory_bytes: 1 << 30, seed: 1, ..quiet() }, None);
    let ns = Ns(0);
    let deadline = Deadline::At(START_MS + 60_000);
    // The first deadline of a table takes memory, whichever way it comes: with a new entry, with another value, alone.
    for (name, first, then) in [
        (&b"new"[..], deadline, deadline),
        (b"written over", Deadline::Never, deadline),
        (b"deadline lost", deadline, Deadline::Never),
    ] {
        let key = store.key(ns, name);
        let mut guard = store.lock(key.slot, START_MS);
        guard.put(&key, b"short", first, Flags::Keep).expect("there is room");
        guard.put(&key, b"of another length", then, Flags::Keep).expect("there is room");
    }
    let key = store.key(ns, b"alone");
    store.lock(key.slot, START_MS).put(&key, b"value", Deadline::Never, Flags::Keep).expect("there is room");
    assert!(store.lock(key.slot, START_MS).set_deadline(&key, Some(START_MS + 60_000)));
    assert_eq!(store.flush(None), 4);
    let left = store.stats().used_bytes;
    assert!(left < 1 << 20, "{left} bytes in use, and no entry");
}

#[test]
fn promised_writes_overdraw_the_limit_by_one_command_at_most() {
    const MAX: u64 = 8 << 20;
    let store =
        Store::new(Config { max_memory_bytes: MAX, policy: Policy::NoEviction, seed: 1, shards: 4, ..quiet() }, None);
    let put_all = |keys: &[Key<'_>], value: &[u8]| {
        let mut guard = store.lock_many(keys.iter().map(|key| key.slot), START_MS);
        guard.admit(keys.len() * (value.len() + 10))?;
        keys.iter().try_for_each(|key| guard.put(key, value, Deadline::Never, Flags::Keep))
    };
    // Full of entries that leave a gap at the end of each segment, which no entry below fits.
    let mut number = 0u32;
    while {
        let name = number.to_string();
        let key = store.key(Ns(0), name.as_bytes());
        store.lock(key.slot, START_MS).put(&key, &[b'x'; 1500], Deadline::Never, Flags::Keep).is_ok()
    } {
        number += 1;
    }
    for (length, times) in [(1900, 2000), (50_000, 500)] {
        let value = vec![b'y'; length];
        for _ in 0..times {
            let names = [(number + 1).to_string(), (number + 2).to_string()];
            number += 2;
            let keys: Vec<Key<'_>> = names.iter().map(|name| store.key(Ns(0), name.as_bytes())).collect();
            let _refused_or_not = put_all(&keys, &value);
        }
        let over = store.stats().used_bytes.saturating_sub(MAX);
        assert!(over < 2 * (length as u64).max(64 << 10), "{over} bytes over the limit with values of {length}");
    }
}
