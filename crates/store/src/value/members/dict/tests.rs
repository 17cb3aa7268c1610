//! A dict beside a `BTreeMap`, under random edits while time passes.

use super::*;
use proptest::prelude::*;
use scrubjay_base::rand::Rng;
use std::collections::BTreeMap;

const START_MS: u64 = 1_700_000_000_000;

fn dict() -> Dict {
    Dict::new(Arc::new(KeyHasher::new(1)))
}

type Model = BTreeMap<Vec<u8>, (Vec<u8>, Option<u64>)>;

fn contents(dict: &Dict) -> Model {
    dict.iter().map(|found| (found.name.to_vec(), (found.value.to_vec(), found.deadline_ms))).collect()
}

proptest! {
    #[test]
    fn random_edits_give_what_they_give_a_map(seed in any::<u64>(), names in prop_oneof![Just(20u64), Just(700), Just(5000)]) {
        let mut rng = Rng::new(seed);
        let (mut dict, mut model, mut now_ms) = (dict(), Model::new(), START_MS);
        for step in 0..1500 {
            let name = format!("name {}", rng.below(names)).into_bytes();
            match rng.below(10) {
                0..6 => {
                    let value = vec![b'v'; rng.below(20) as usize];
                    let deadline_ms = (rng.below(4) == 0).then(|| now_ms + 1 + rng.below(5000));
                    let is_new = dict.put(&name, &value, deadline_ms);
                    prop_assert_eq!(is_new, model.insert(name, (value, deadline_ms)).is_none());
                }
                6..8 => prop_assert_eq!(dict.remove(&name), model.remove(&name).is_some()),
                8 => now_ms += rng.below(60),
                _ => {
                    let mut gone = 0;
                    prop_assert_eq!(dict.live_len(now_ms), model.values().filter(|v| v.1.is_none_or(|at| at > now_ms)).count());
                    dict.expire(now_ms, |found| gone += usize::from(found.deadline_ms.is_some_and(|at| at <= now_ms)));
                    let before = model.len();
                    model.retain(|_, (_, deadline_ms)| deadline_ms.is_none_or(|at| at > now_ms));
                    prop_assert_eq!(gone, before - model.len());
                }
            }
            if step % 500 == 0 {
                dict.check();
            }
        }
        dict.check();
        prop_assert_eq!(&contents(&dict), &model);
        for (name, (value, deadline_ms)) in &model {
            prop_assert_eq!(dict.get(name), Some(Found { name, value, deadline_ms: *deadline_ms }));
        }
        while dict.len() > 0 {
            let name = dict.at(rng.below(dict.len() as u64) as usize).name.to_vec();
            prop_assert!(dict.remove(&name));
        }
        dict.check();
        prop_assert_eq!((dict.items.heap_bytes() < 1000, dict.table.bytes()), (true, 0));
    }
}

#[test]
fn a_scan_sees_whatever_stays_however_the_dict_grows_and_shrinks_meanwhile() {
    let mut rng = Rng::new(1);
    let mut dict = dict();
    let stays: Vec<Vec<u8>> = (0..2000).map(|n| format!("stays {n}").into_bytes()).collect();
    stays.iter().for_each(|name| assert!(dict.put(name, b"", None)));
    for round in 0..20 {
        let (mut seen, mut from) = (BTreeMap::new(), Some(0));
        while let Some(at) = from {
            from = dict.scan(at, 10, |found| *seen.entry(found.name.to_vec()).or_insert(0) += 1);
            for _ in 0..200 {
                let name = format!("goes {}", rng.below(40_000)).into_bytes();
                if round % 2 == 0 {
                    dict.put(&name, b"", None)
                } else {
                    dict.remove(&name)
                };
            }
        }
        assert!(stays.iter().all(|name| seen.contains_key(name)), "round {round}");
        dict.check();
    }
}

#[test]
fn random_items_are_uniform_after_removals() {
    let mut rng = Rng::new(7);
    let mut dict = dict();
    (0..1000u32).for_each(|n| assert!(dict.put(&n.to_le_bytes(), b"", None)));
    (0..1000u32).filter(|n| n % 10 != 0).for_each(|n| assert!(dict.remove(&n.to_le_bytes())));
    let (draws, mut counts) = (100_000, BTreeMap::<Vec<u8>, u32>::new());
    for _ in 0..draws {
        let index = rng.below(dict.len() as u64) as usize;
        *counts.entry(dict.at(index).name.to_vec()).or_default() += 1;
    }
    let expected = f64::from(draws) / 100.0;
    let chi: f64 = counts.values().map(|&n| (f64::from(n) - expected).powi(2) / expected).sum();
    assert_eq!(counts.len(), 100);
    assert!(chi < 148.2, "chi-square of 99 degrees is {chi}; beyond 148.2 once in a thousand seeds");
}

#[test]
fn a_set_member_takes_what_was_promised() {
    let mut dict = dict();
    (0..1_000_000).for_each(|n| assert!(dict.put(format!("member:{n:09}").as_bytes(), b"", None)));
    let each = dict.heap_bytes() as f64 / 1e6;
    // 17 bytes in 24, 16 for the pointer, 4 for the hash, and the table.
    assert!(each < 24.0 + 20.1 + 9.0, "{each:.1} bytes a member");
}
