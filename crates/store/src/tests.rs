//! A naive model beside the store, under random operations, for every policy; and the promises about memory.
//!
//! The model is fed by the journal: if effects told less than everything, or in the wrong order, it would differ.

use crate::value::hash::Hash;
use crate::value::list::{End, List};
use crate::value::members::Until;
use crate::value::set::Set;
use crate::value::sorted_set::{Side, SortedSet};
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
    stale_until_ms: Option<u64>,
    flags: u32,
    tags: Vec<Vec<u8>>,
}

impl Held {
    fn is_live(&self, now_ms: u64) -> bool {
        self.deadline_ms.is_none_or(|at| at > now_ms) && !self.members_are_over(now_ms)
    }

    fn is_kept(&self, now_ms: u64) -> bool {
        self.stale_until_ms.or(self.deadline_ms).is_none_or(|at| at > now_ms) && !self.members_are_over(now_ms)
    }

    /// Whether it is a collection whose members have all expired.
    fn members_are_over(&self, now_ms: u64) -> bool {
        let packing = Packing::new(Arc::new(KeyHasher::new(7)));
        match self.kind {
            Kind::Hash => Hash::read_from(&self.value, &packing).expect("a hash").view().is_over(now_ms),
            Kind::Set => Set::read_from(&self.value, &packing).expect("a set").view().is_over(now_ms),
            Kind::String | Kind::List | Kind::SortedSet => false,
        }
    }
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
            Effect::Put { ns, key, kind, value, deadline_ms, stale_until_ms, flags, keeps_tags, .. } => {
                let before = held.remove(&(ns, key.to_vec())).filter(|_| keeps_tags);
                let tags = before.map_or(Vec::new(), |before| before.tags);
                let value = in_order(kind, value.to_vec());
                held.insert((ns, key.to_vec()), Held { kind, value, deadline_ms, stale_until_ms, flags, tags });
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
            Effect::Deadline { ns, key, deadline_ms, stale_until_ms } => {
                let held = held.get_mut(&(ns, key.to_vec())).expect("there");
                (held.deadline_ms, held.stale_until_ms) = (deadline_ms, stale_until_ms);
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
            Effect::Flush { ns } => held.retain(|(n, key), _| ns.is_some_and(|ns| *n != ns) || SlotId::of(key) != slot),
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
        Kind::SortedSet => repeat::<SortedSet>(value, changes),
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
        let kept = known.filter(|held| held.is_kept(self.now_ms));
        let live = kept.clone().filter(|held| held.is_live(self.now_ms));
        match self.rng.below(100) {
            0..40 => {
                let value = self.value();
                let deadline = match self.rng.below(6) {
                    3 => {
                        let at = self.now_ms + 1 + self.rng.below(100);
                        Deadline::Stale { at, until: at + self.rng.below(5000) }
                    }
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
                    Err(_) => assert_eq!(now, kept, "a refused write changes nothing"),
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
                let groups = [group, Group::Tag(b"green")];
                let count = 1 + self.rng.below(2) as usize;
                self.store.hide(ns, &groups[..count]);
            }
            45..47 => {
                let mut guard = self.store.lock(key.slot, self.now_ms);
                let entry = guard.get_or_stale(&key, Access::Read);
                assert_eq!(entry.as_ref().map(Entry::is_stale), kept.as_ref().map(|_| live.is_none()));
                assert_eq!(entry.as_ref().map(seen), kept.map(untagged));
            }
            47..49 => {
                let until_ms = self.now_ms + self.rng.below(9000);
                let done = self.store.lock(key.slot, self.now_ms).invalidate(&key, until_ms);
                let expected = match &kept {
                    Some(held) if held.kind != Kind::String => None,
                    kept => Some(kept.is_some()),
                };
                assert_eq!(done, expected);
                assert!(self.store.lock(key.slot, self.now_ms).get(&key, Access::Peek).is_none() || done.is_none());
            }
            44..75 => {
                let mut guard = self.store.lock(key.slot, self.now_ms);
                let entry = guard.get(&key, Access::Read);
                let seen = entry.as_ref().map(seen);
                assert_eq!(seen, live.map(untagged));
                if let Some(entry) = entry {
                    assert!(entry.version() > 0);
                    if entry.is_string() {
                        assert_eq!(entry.value_bytes(), entry.value().len());
                        assert!(entry.is_compressed() || entry.memory_bytes() > entry.value().len());
                    }
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
            90 => self.edit_list(&key, live),
            92 => self.edit_hash(&key, live),
            93 => self.edit_set(&key, live),
            91 => self.edit_sorted_set(&key, live),
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

    /// Gives an entry another key, or a copy of it.
    fn rename(&mut self, keys: u64) {
        let [from_ns, to_ns] = [0, 1].map(|_| Ns(self.rng.below(3) as u8));
        let (from, to) = (self.key_bytes(keys), self.key_bytes(keys));
        let known = self.listener.held.lock().get(&(from_ns, from.clone())).cloned();
        let live = known.filter(|held| held.is_live(self.now_ms));
        let (from_key, to_key) = (self.store.key(from_ns, &from), self.store.key(to_ns, &to));
        let mut guard = self.store.lock_many([from_key.slot, to_key.slot], self.now_ms);
        let copies = self.rng.below(2) == 0 && from_key != to_key;
        let done = match copies {
            true => guard.copy(&from_key, &to_key),
            false => Ok(guard.rename(&from_key, &to_key)),
        };
        if done.is_err() {
            return; // no memory for a copy
        }
        assert_eq!(done, Ok(live.is_some()));
        if let Some(live) = live {
            assert_eq!(self.listener.held.lock().get(&(to_ns, to.clone())), Some(&live), "tags included");
            assert_eq!(guard.get(&to_key, Access::Peek).as_ref().map(seen), Some(untagged(live)));
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

    /// Gives scores to a few members, or many, and pops some.
    fn edit_sorted_set(&mut self, key: &Key<'_>, live: Option<Held>) {
        let members: Vec<(Vec<u8>, f64)> =
            (0..self.rng.below(4) * self.rng.below(60)).map(|_| (self.value(), self.rng.below(9) as f64)).collect();
        let (pops, side) =
            (self.rng.below(60) as usize, if self.rng.below(2) == 0 { Side::Lowest } else { Side::Highest });
        let create = self.rng.below(4) > 0;
        let room_bytes = members.iter().map(|(name, _)| name.len() + 64).sum();
        let mut guard = self.store.lock(key.slot, self.now_ms);
        let edited = guard.edit::<SortedSet, _>(key, create, room_bytes, |set| {
            members.iter().for_each(|(name, score)| {
                set.put(name, *score);
            });
            set.pop(side, pops, |_, _| {});
            set.len()
        });
        drop(guard);
        self.edited(key, live, Kind::SortedSet, create, edited);
    }

    /// Checks what an edit said, the number of members that are left, beside what the listener heard.
    fn edited(
        &self,
        key: &Key<'_>,
        live: Option<Held>,
        kind: Kind,
        create: bool,
        edited: Result<Option<usize>, Refused>,
    ) {
        let now = self.listener.held.lock().get(&(key.ns, key.bytes.to_vec())).cloned();
        let now = now.filter(|held| held.is_live(self.now_ms));
        match edited {
            Err(Refused::WrongKind) => assert_ne!(live.as_ref().map(|held| held.kind), Some(kind)),
            Err(Refused::OutOfMemory(_)) => {}
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
        for ns in (0..NAMESPACES).map(Ns) {
            let mut cursor = 0;
            loop {
                cursor = self.store.scan(ns, cursor, 50, self.now_ms, |s| {
                    found.insert((ns, s.key.to_vec()), seen(&s.entry));
                });
                if cursor == 0 {
                    break;
                }
            }
        }
        let live = held.iter().filter(|(_, held)| held.is_live(self.now_ms));
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
    Held {
        kind: entry.kind(),
        value: in_order(entry.kind(), value),
        deadline_ms: entry.deadline_ms(),
        stale_until_ms: entry.stale_until_ms(),
        flags: entry.flags(),
        tags: Vec::new(),
    }
}

#[test]
fn store_and_journal_agree_under_random_operations_for_every_policy_and_limit() {
    for (seed, policy) in Policy::ALL.into_iter().enumerate() {
        for max_memory_bytes in [0, 1 << 20, 24 << 20] {
            let config = Config { max_memory_bytes, policy, seed: seed as u64, default_ttl_ms: 60_000, ..quiet() };
            let mut world = World::new(config);
            for step in 0..8_000 {
                world.step(if max_memory_bytes == 1 << 20 { 4000 } else { 900 });
                if step % 16 == 0 {
                    world.rename(900);
                }
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
fn store_and_journal_agree_while_namespaces_get_limits_and_policies_and_lose_them() {
    for (seed, max_memory_bytes) in [(41, 0), (42, 1 << 20), (43, 24 << 20)] {
        let mut world = World::new(Config { max_memory_bytes, seed, ..quiet() });
        for step in 0..30_000 {
            if world.rng.below(500) == 0 {
                let ns = Ns(world.rng.below(3) as u8);
                let max_memory_bytes = [0, 200 << 10, 1 << 20][world.rng.below(3) as usize];
                let policy = world.rng.below(Policy::ALL.len() as u64 + 5) as usize;
                let policy = Policy::ALL.get(policy).copied();
                let settings = NsSettings { max_memory_bytes, policy, default_ttl_ms: Some(9000) };
                world.store.set_ns_settings(ns, settings, world.now_ms);
                assert_eq!(world.store.ns_settings(ns), settings);
                world.store.check();
            }
            if world.rng.below(2000) == 0 {
                world.store.set_policy(Policy::ALL[world.rng.below(13) as usize], world.now_ms);
            }
            world.step(1500);
            if step % 3000 == 0 {
                world.agree();
            }
        }
        (0..3).for_each(|ns| world.store.set_ns_settings(Ns(ns), NsSettings::default(), world.now_ms));
        world.agree();
    }
}

#[test]
fn store_and_journal_agree_while_values_are_compressed_in_one_way_or_another_or_not() {
    for (seed, max_memory_bytes) in [(31, 0), (32, 1 << 20), (33, 24 << 20)] {
        let mut world = World::new(Config { max_memory_bytes, seed, default_ttl_ms: 60_000, ..quiet() });
        for step in 0..20_000 {
            if step % 1000 == 0 {
                let codec = [Some(Codec::Lz4), Some(Codec::Zstd), None][world.rng.below(3) as usize];
                let threshold_bytes = [0, 100, 3000][world.rng.below(3) as usize];
                world.store.set_compression(Compression { codec, threshold_bytes });
            }
            world.step(900);
            if world.rng.below(20) == 0 {
                world.rename(900);
            }
            if step % 2000 == 0 {
                world.agree();
            }
        }
        world.agree();
        let counts = world.store.stats().compression;
        assert!(counts.values > 0 && counts.ratio() > 1.1, "{counts:?}");
        world.store.flush(None);
        assert_eq!(world.store.stats().compression, CompressionCounts::default());
    }
}

#[test]
fn a_compressed_value_takes_less_is_read_whole_and_is_plain_after_it_was_written_in_part() {
    for codec in Codec::ALL {
        let compression = Compression { codec: Some(codec), threshold_bytes: 1024 };
        let store = Store::new(Config { compression, seed: 1, ..quiet() }, None);
        let put = |name: &[u8], value: &[u8]| {
            let key = store.key(Ns(0), name);
            let mut guard = store.lock(key.slot, START_MS);
            guard.put(&key, value, Deadline::At(START_MS + 5000), Flags::Set(77)).expect("no limit");
            let entry = guard.get(&key, Access::Read).expect("there");
            assert_eq!((&entry.value()[..], entry.value_bytes(), entry.flags()), (value, value.len(), 77));
            (entry.is_compressed(), entry.memory_bytes())
        };
        let text = b"one acorn under the oak, and another; ".repeat(4000);
        assert!(!put(b"short", &text[..1023]).0, "below the threshold");
        for length in [1024, 3000, 60_000, 140_000] {
            let (is_compressed, memory_bytes) = put(b"long", &text[..length]);
            assert!(is_compressed && memory_bytes < length / 3, "{length} bytes take {memory_bytes}");
        }
        let noise: Vec<u8> = (0..5000u32).flat_map(|n| n.wrapping_mul(0x9E37_79B9).to_le_bytes()).collect();
        assert!(!put(b"noise", &noise).0, "nothing would be saved");
        let key = store.key(Ns(0), b"long");
        let shared = store.lock(key.slot, START_MS).get(&key, Access::Read).and_then(|entry| entry.shared());
        let shared = shared.expect("a handle");
        let mut guard = store.lock(key.slot, START_MS);
        assert_eq!(guard.write_at(&key, 140_000, b"!"), Ok(140_001));
        let entry = guard.get(&key, Access::Read).expect("there");
        assert_eq!((entry.is_compressed(), entry.flags(), entry.value().last()), (false, 77, Some(&b'!')));
        assert_eq!(entry.deadline_ms(), Some(START_MS + 5000));
        let mut room = vec![0; shared.len()];
        shared.write_over(&mut room);
        assert_eq!((&shared[..], &room[..]), (&text[..140_000], &text[..140_000]), "handed out before, unchanged");
        drop(guard);
        assert_eq!(store.stats().compression, CompressionCounts::default());
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
        cursor = store.scan(Ns(0), cursor, 1000, START_MS, |s| tagged += usize::from(s.key.starts_with(b"{one}")));
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

/// What a table of the stores below may grow by at once: half of it, with its deadlines.
const TABLE_GROWTH_BYTES: u64 = 64 << 10;

/// Puts all or none.
fn put_all(store: &Store, items: &[(Vec<u8>, Vec<u8>)], deadline: Deadline) -> Result<(), OutOfMemory> {
    let keys: Vec<Key<'_>> = items.iter().map(|(name, _)| store.key(Ns(0), name)).collect();
    let mut guard = store.lock_many(keys.iter().map(|key| key.slot), START_MS);
    let flags = Flags::Set(0);
    let planned = |(key, (_, value)): (_, &(_, Vec<u8>))| Planned { key, value_bytes: value.len(), deadline, flags };
    guard.admit(keys.iter().zip(items).map(planned))?;
    for (key, (_, value)) in keys.iter().zip(items) {
        guard.put(key, value, deadline, flags).expect("what was admitted fits");
    }
    Ok(())
}

#[test]
fn several_writes_that_do_not_fit_together_change_nothing() {
    const MAX: u64 = 8 << 20;
    let config = Config { max_memory_bytes: MAX, policy: Policy::NoEviction, seed: 1, shards: 4, ..quiet() };
    let store = Store::new(config, None);
    // Full of entries that leave a gap at the end of each segment, which no entry below fits.
    let mut number = 0u32;
    while put_all(&store, &[(number.to_string().into_bytes(), vec![b'x'; 1500])], Deadline::Never).is_ok() {
        number += 1;
    }
    let before = store.stats();
    for (length, count) in [(1900, 2), (1400, 100), (50_000, 2), (3000, 50), (1 << 20, 8), (9 << 20, 1)] {
        for _ in 0..50 {
            let items: Vec<_> = (0..count).map(|at| (format!("new {at}").into_bytes(), vec![b'y'; length])).collect();
            assert_eq!(put_all(&store, &items, Deadline::Never), Err(OutOfMemory::Node), "{count} of {length} bytes");
        }
    }
    let after = store.stats();
    assert_eq!((after.entries, after.payload_bytes), (before.entries, before.payload_bytes));
    assert!(after.used_bytes <= MAX && after.used_bytes_peak <= MAX + TABLE_GROWTH_BYTES);
    // What takes no room is not refused.
    let same: Vec<_> = (0..100).map(|at: u32| (at.to_string().into_bytes(), vec![b'z'; 1500])).collect();
    assert_eq!(put_all(&store, &same, Deadline::Never), Ok(()));
    store.check();
}

#[test]
fn random_commands_of_many_writes_near_the_limit_are_whole_and_stay_under_it() {
    const MAX: u64 = 6 << 20;
    for seed in 0..6 {
        let config = Config { max_memory_bytes: MAX, policy: Policy::NoEviction, seed, shards: 4, ..quiet() };
        let (store, mut rng) = (Store::new(config, None), Rng::new(seed));
        let mut model: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
        let (mut stored, mut refused) = (0, 0);
        for step in 0..1500u32 {
            let lengths = [10, 200, 1500, 2048, 5000, 60_000][rng.below(6) as usize];
            let items: Vec<(Vec<u8>, Vec<u8>)> = (0..1 + rng.below(40))
                .map(|_| {
                    let name = rng.below(4000).to_string().into_bytes();
                    (name, vec![step as u8; rng.below(lengths) as usize])
                })
                .collect();
            let deadline = if rng.below(2) == 0 { Deadline::Never } else { Deadline::At(START_MS + 1_000_000) };
            if put_all(&store, &items, deadline).is_ok() {
                stored += 1;
                model.extend(items);
            } else {
                refused += 1;
            }
            if rng.below(3) == 0 {
                for _ in 0..30 {
                    let name = rng.below(4000).to_string().into_bytes();
                    let key = store.key(Ns(0), &name);
                    assert_eq!(store.lock(key.slot, START_MS).remove(&key), model.remove(&name).is_some());
                }
            }
            let used = store.stats().used_bytes;
            assert!(used <= MAX + TABLE_GROWTH_BYTES, "seed {seed}, step {step}: {} over", used - MAX);
        }
        assert!(stored > 100 && refused > 100, "seed {seed}: {stored} stored, {refused} refused: not near the limit");
        for (name, value) in &model {
            let key = store.key(Ns(0), name);
            let held = store.lock(key.slot, START_MS).get(&key, Access::Peek).map(|entry| entry.value().to_vec());
            assert_eq!(held.as_ref(), Some(value), "seed {seed}");
        }
        assert_eq!(store.stats().entries, model.len() as u64);
        store.check();
    }
}

#[test]
fn several_writes_make_room_for_each_other_where_entries_may_go() {
    const MAX: u64 = 8 << 20;
    let config = Config { max_memory_bytes: MAX, seed: 3, shards: 4, ..quiet() };
    let store = Store::new(config, None);
    let mut rng = Rng::new(3);
    for step in 0..400u32 {
        let length = [100, 1000, 2000, 10_000][rng.below(4) as usize];
        let items: Vec<_> = (0..100).map(|at| (format!("{step} {at}").into_bytes(), vec![b'v'; length])).collect();
        assert_eq!(put_all(&store, &items, Deadline::Never), Ok(()));
        assert!(store.stats().used_bytes <= MAX + 2 * TABLE_GROWTH_BYTES);
    }
    assert!(store.stats().evictions > 0);
    let too_much: Vec<_> = (0..100).map(|at: u32| (at.to_string().into_bytes(), vec![b'v'; 100_000])).collect();
    assert_eq!(put_all(&store, &too_much, Deadline::Never), Err(OutOfMemory::Node));
    store.check();
}

#[test]
fn a_promise_ends_with_its_writes() {
    const MAX: u64 = 4 << 20;
    let config = Config { max_memory_bytes: MAX, policy: Policy::NoEviction, seed: 1, shards: 1, ..quiet() };
    let store = Store::new(config, None);
    let mut guard = store.lock_all(START_MS);
    let (deadline, flags) = (Deadline::Never, Flags::Keep);
    let first = store.key(Ns(0), b"first");
    guard.admit(std::iter::once(Planned { key: &first, value_bytes: 1, deadline, flags })).expect("room for one");
    guard.put(&first, b"1", deadline, flags).expect("promised");
    let stored = (0..10_000u32).take_while(|number| {
        let name = number.to_string();
        guard.put(&store.key(Ns(0), name.as_bytes()), &[b'v'; 1000], deadline, flags).is_ok()
    });
    assert!((3000..4194).contains(&stored.count()), "the rest of a transaction stays under the limit");
}

#[test]
fn under_an_entry_limit_several_new_keys_are_stored_together_or_not_at_all() {
    let config = Config { max_entries: 10, policy: Policy::NoEviction, seed: 1, ..quiet() };
    let store = Store::new(config, None);
    let items = |from: u32, to: u32| -> Vec<_> { (from..to).map(|at| (at.to_string().into_bytes(), vec![])).collect() };
    assert_eq!(put_all(&store, &items(0, 8), Deadline::Never), Ok(()));
    assert_eq!(put_all(&store, &items(7, 11), Deadline::Never), Err(OutOfMemory::Node));
    assert_eq!(store.stats().entries, 8);
    assert_eq!(put_all(&store, &items(6, 10), Deadline::Never), Ok(()));
    assert_eq!(put_all(&store, &items(0, 10), Deadline::Never), Ok(()));
    assert_eq!(store.stats().entries, 10);
}

#[test]
fn the_mean_ttl_is_that_of_a_sample_of_the_namespaces_own_entries() {
    let store = Store::new(Config { max_memory_bytes: 64 << 20, seed: 1, ..quiet() }, None);
    let put = |ns: Ns, number: u32, deadline: Deadline| {
        let name = number.to_string();
        let key = store.key(ns, name.as_bytes());
        store.lock(key.slot, START_MS).put(&key, b"", deadline, Flags::Keep).expect("there is room");
    };
    assert_eq!(store.mean_ttl_ms(Ns(0), START_MS), 0);
    put(Ns(0), 0, Deadline::At(START_MS + 5000));
    (1..20).for_each(|number| put(Ns(0), number, Deadline::Never));
    (0..20).for_each(|number| put(Ns(1), number, Deadline::At(START_MS + 1)));
    assert_eq!(store.mean_ttl_ms(Ns(0), START_MS), 5000);
    assert_eq!(store.mean_ttl_ms(Ns(0), START_MS + 2000), 3000);
    (0..50_000).for_each(|number| put(Ns(2), number, Deadline::At(START_MS + 1000 + u64::from(number % 1000))));
    let mean = store.mean_ttl_ms(Ns(2), START_MS);
    assert!((1400..1600).contains(&mean), "{mean}");
}

#[test]
fn a_collection_whose_members_have_all_expired_is_gone_at_once_and_removed_once() {
    for (members, is_removed_by_a_write) in [(1u64, false), (5000, false), (1, true), (5000, true)] {
        let mut world = World::new(quiet());
        let key = world.store.key(Ns(0), b"h");
        let fill = |hash: &mut Edit<'_, Hash>| {
            (0..members).for_each(|n| {
                hash.set(format!("f{n}").as_bytes(), b"v", Until::At(START_MS + 10 + n));
            });
        };
        assert_eq!(world.store.lock(key.slot, START_MS).edit(&key, true, 0, fill), Ok(Some(())));
        world.now_ms = START_MS + 10 + members - 2;
        assert!(world.store.lock(key.slot, world.now_ms).get(&key, Access::Read).is_some(), "one is left");
        world.now_ms += 1;
        let mut guard = world.store.lock(key.slot, world.now_ms);
        assert!(guard.get(&key, Access::Read).is_none());
        assert!(guard.get_or_stale(&key, Access::Read).is_none());
        assert!(guard.peek::<Hash>(&key).is_none());
        assert_eq!(guard.edit::<List, _>(&key, false, 0, |_| ()), Ok(None), "it is of no kind any more");
        if is_removed_by_a_write {
            assert!(!guard.remove(&key));
        }
        drop(guard);
        world.store.scan(Ns(0), 0, 100, world.now_ms, |_| panic!("there is nothing"));
        world.store.maintain(world.now_ms + 200, 1000);
        world.agree();
        assert_eq!(world.store.stats().entries, 0);
        assert_eq!(world.listener.removals.lock().values().sum::<u64>(), 1);
    }
}
