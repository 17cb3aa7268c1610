//! What a namespace of its own costs: `cargo run --release -p scrubjay-store --example namespaces`. Prints what a write that
//! evicts takes in a namespace with tables of its own, and where its candidates are looked for among everybody's entries
//! (`volatile-lru` does); what giving a namespace tables takes; and reads and writes with them beside those without.

use scrubjay_store::{Access, Config, Deadline, Flags, Ns, NsSettings, Policy, Rank, Scope, Store};
use std::time::Instant;

const NOW_MS: u64 = 1_700_000_000_000;
const MANY: u64 = 2_000_000;
const COMMON: Ns = Ns(0);
const OWN: Ns = Ns(20);
const ROUNDS: usize = 3;

fn store(policy: Policy) -> Store {
    Store::new(Config { policy, seed: 1, start_ms: NOW_MS, ..Config::default() }, None)
}

fn put(store: &Store, ns: Ns, number: u64, deadline: Deadline) {
    let name = format!("key:{number:012}");
    let key = store.key(ns, name.as_bytes());
    // Refused by nobody: whoever is full evicts.
    let _ = store.lock(key.slot, NOW_MS).put(&key, &[b'v'; 64], deadline, Flags::Set(0));
}

fn read(store: &Store, ns: Ns, number: u64) -> bool {
    let name = format!("key:{number:012}");
    let key = store.key(ns, name.as_bytes());
    store.lock(key.slot, NOW_MS).get(&key, Access::Read).is_some()
}

/// Nanoseconds of one `act`, of `count`.
fn each_ns(count: u64, act: impl FnMut(u64)) -> u128 {
    let began = Instant::now();
    (0..count).for_each(act);
    began.elapsed().as_nanos() / u128::from(count)
}

fn own(max_memory_bytes: u64) -> NsSettings {
    let policy = Some(Policy::Evict(Scope::AllKeys, Rank::Lru));
    NsSettings { max_memory_bytes, policy, default_ttl_ms: None }
}

fn main() {
    for share in [100, 10] {
        let few = MANY / share;
        let apart = store(Policy::default());
        (0..MANY).for_each(|n| put(&apart, COMMON, n, Deadline::Never));
        (0..few).for_each(|n| put(&apart, OWN, n, Deadline::Never));
        let bytes = apart.stats().per_ns[usize::from(OWN.0)].bytes;
        let began = Instant::now();
        apart.set_ns_settings(OWN, own(bytes * 3 / 2), NOW_MS);
        println!("1 in {share}: tables of its own for {few} entries among {MANY}: {:?}", began.elapsed());
        (few..2 * few).for_each(|n| put(&apart, OWN, n, Deadline::Never));
        let ns = each_ns(few, |n| put(&apart, OWN, 2 * few + n, Deadline::Never));
        println!("1 in {share}: a write that evicts among its own: {ns} ns");

        let mixed = store(Policy::Evict(Scope::Volatile, Rank::Lru));
        let deadline = Deadline::At(NOW_MS + 10_000_000);
        (0..MANY).for_each(|n| put(&mixed, COMMON, n, Deadline::Never));
        (0..few).for_each(|n| put(&mixed, COMMON, MANY + n, deadline));
        mixed.set_max_memory_bytes(mixed.stats().used_bytes);
        let ns = each_ns(few, |n| put(&mixed, COMMON, 2 * MANY + n, deadline));
        println!("1 in {share}: a write that looks for its victim among all: {ns} ns");
    }
    let both = store(Policy::default());
    both.set_ns_settings(OWN, own(0), NOW_MS);
    for round in 1..=ROUNDS {
        for (name, ns) in [("common", COMMON), ("its own", OWN)] {
            let write_ns = each_ns(1_000_000, |n| put(&both, ns, n, Deadline::Never));
            let mut found = 0;
            let read_ns = each_ns(1_000_000, |n| found += u64::from(read(&both, ns, n * 7919 % 1_000_000)));
            println!("round {round}, {name} tables: write {write_ns} ns, read {read_ns} ns ({found} found)");
        }
    }
}
