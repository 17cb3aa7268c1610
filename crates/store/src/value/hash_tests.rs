//! A hash beside a `BTreeMap`, under random edits while time passes, with bounds so small that every form is met; and a
//! second hash that repeats what the first wrote down.

use super::super::packed::Item;
use super::super::{Collection, Packing};
use super::*;
use proptest::prelude::*;
use scrubjay_base::KeyHasher;
use scrubjay_base::rand::Rng;
use std::collections::BTreeMap;
use std::sync::Arc;

const START_MS: u64 = 1_700_000_000_000;

type Model = BTreeMap<Vec<u8>, (Vec<u8>, Option<u64>)>;

fn packing(entries: u32, value_bytes: u32) -> Packing {
    let hasher = Arc::new(KeyHasher::new(1));
    Packing { hash_entries_max: entries, hash_value_bytes_max: value_bytes, ..Packing::new(hasher) }
}

fn edit<R>(
    hash: &mut Hash,
    packing: &Packing,
    now_ms: u64,
    act: impl FnOnce(&mut Edit<'_, Hash>) -> R,
) -> (R, Vec<u8>) {
    let mut rng = Rng::new(1);
    let mut edit = Edit::new(hash, packing, true, now_ms, &mut rng);
    let result = act(&mut edit);
    (result, edit.log.run().to_vec())
}

fn contents(view: HashView<'_>, now_ms: u64) -> Model {
    let all = view.iter(now_ms).map(|m| (m.name.to_vec(), (m.value.to_vec(), m.deadline_ms)));
    all.collect()
}

fn bytes(rng: &mut Rng) -> Vec<u8> {
    match rng.below(3) {
        0 => rng.below(40).to_string().into_bytes(),
        1 => (rng.next_u64() as i64 >> rng.below(64)).to_string().into_bytes(),
        _ => vec![b"abc"[rng.below(3) as usize]; rng.below(14) as usize],
    }
}

fn live(model: &Model, now_ms: u64) -> Model {
    model.iter().filter(|(_, v)| v.1.is_none_or(|at| at > now_ms)).map(|(k, v)| (k.clone(), v.clone())).collect()
}

/// One random edit of hash and model. What the edit wrote down.
fn step(hash: &mut Hash, model: &mut Model, packing: &Packing, now_ms: u64, rng: &mut Rng) -> Vec<u8> {
    let (field, value) = (bytes(rng), bytes(rng));
    let at = now_ms + rng.below(400);
    let action = rng.below(12);
    let (result, log) = edit(hash, packing, now_ms, |edit| match action {
        0..4 => edit.set(&field, &value, Until::Never),
        4 | 5 => edit.set(&field, &value, Until::At(at)),
        6 => edit.set(&field, &value, Until::Keep),
        7 | 8 => edit.remove(&field),
        9 => edit.set_deadline(&field, Some(at)),
        10 => edit.set_deadline(&field, None),
        _ => {
            Hash::expire(edit);
            true
        }
    });
    let there = model.get(&field).filter(|(_, at)| at.is_none_or(|at| at > now_ms)).cloned();
    let kept = there.as_ref().and_then(|(_, at)| *at);
    let expected = match action {
        7..=10 => there.is_some(),
        11 => true,
        _ => there.is_none(),
    };
    assert_eq!(result, expected, "action {action} on {}", field.escape_ascii());
    match action {
        0..4 => drop(model.insert(field, (value, None))),
        4 | 5 if at > now_ms => drop(model.insert(field, (value, Some(at)))),
        6 => drop(model.insert(field, (value, kept))),
        9 if at > now_ms && there.is_some() => drop(model.insert(field, (there.expect("there").0, Some(at)))),
        4 | 5 | 7 | 8 | 9 => drop(model.remove(&field)),
        10 if there.is_some() => drop(model.insert(field, (there.expect("there").0, None))),
        11 => model.retain(|_, (_, at)| at.is_none_or(|at| at > now_ms)),
        _ => {}
    }
    log
}

proptest! {
    #[test]
    fn random_edits_give_what_they_give_a_map(seed in any::<u64>(), entries in prop_oneof![Just(0), Just(5), Just(128)],
                                             value_bytes in prop_oneof![Just(4), Just(64)]) {
        let (packing, mut rng) = (packing(entries, value_bytes), Rng::new(seed));
        let (mut hash, mut model, mut now_ms) = (Hash::new(&packing), Model::new(), START_MS);
        let mut again = Hash::new(&packing);
        for _ in 0..120 {
            let log = step(&mut hash, &mut model, &packing, now_ms, &mut rng);
            // By another clock, that of a copy far away.
            edit(&mut again, &packing, now_ms + 1000, |edit| Hash::repeat(edit, &log)).0.expect("it can be repeated");
            now_ms += rng.below(3) * rng.below(60);
            let live = live(&model, now_ms);
            prop_assert_eq!(hash.view().len(now_ms), live.len());
            let first = model.values().filter_map(|v| v.1).filter(|&at| at > now_ms).min();
            prop_assert!(first.is_none_or(|at| hash.first_deadline_ms().is_some_and(|early| early <= at)));
            prop_assert_eq!(&contents(hash.view(), now_ms), &live);
            prop_assert_eq!(contents(again.view(), 0), contents(hash.view(), 0));
            if let Some(inline) = hash.inline() {
                prop_assert_eq!(&contents(Hash::view_inline(inline), now_ms), &live);
                prop_assert_eq!(Hash::first_deadline_inline(inline), hash.first_deadline_ms());
                prop_assert_eq!(contents(Hash::from_inline(inline.to_vec()).view(), now_ms), live);
            }
        }
        let live = live(&model, now_ms);
        for (field, (value, at)) in &live {
            let found = hash.view().get(field, now_ms).expect("there");
            prop_assert_eq!((found.value.to_vec(), found.deadline_ms), (value.clone(), *at));
        }
        let mut scanned = Model::new();
        let mut cursor = 0;
        loop {
            cursor = hash.view().scan(cursor, 3, now_ms, |m| drop(scanned.insert(m.name.to_vec(), (m.value.to_vec(), m.deadline_ms))));
            if cursor == 0 { break }
        }
        prop_assert_eq!(&scanned, &live);
        let mut travelling = Vec::new();
        hash.write_to(&mut travelling);
        let arrived = Hash::read_from(&travelling, &packing);
        prop_assert_eq!(arrived.as_ref().map(|hash| contents(hash.view(), 0)),
                        (!hash.is_empty()).then(|| contents(hash.view(), 0)));
        edit(&mut hash, &packing, now_ms, Hash::expire);
        prop_assert_eq!(hash.len(), live.len());
    }

    #[test]
    fn bytes_from_elsewhere_are_a_sound_hash_or_none(seed in any::<u64>(), noise in prop::collection::vec(any::<u8>(), 0..60)) {
        let packing = packing(4, 64);
        let mut rng = Rng::new(seed);
        // Sound pieces in any order, and now and then a byte that is none.
        let mut run = Vec::new();
        for _ in 0..rng.below(12) {
            match rng.below(8) {
                0 => Item::Moment(START_MS + rng.below(10)).write(&mut run),
                1 => Item::of_float(rng.unit()).write(&mut run),
                _ => Item::of(&bytes(&mut rng)).write(&mut run),
            }
        }
        if rng.below(4) == 0 && !run.is_empty() {
            let at = rng.below(run.len() as u64) as usize;
            run[at] = rng.next_u64() as u8;
        }
        for bytes in [&run, &noise] {
            if let Some(hash) = Hash::read_from(bytes, &packing) {
                let (mut again, all) = (Vec::new(), contents(hash.view(), 0));
                prop_assert_eq!(all.len(), hash.len());
                hash.write_to(&mut again);
                prop_assert_eq!(again.len(), bytes.len());
                prop_assert_eq!(Hash::read_from(&again, &packing).map(|hash| contents(hash.view(), 0)), Some(all));
            }
            let mut hash = Hash::new(&packing);
            let _ = edit(&mut hash, &packing, START_MS, |edit| Hash::repeat(edit, bytes));
            prop_assert_eq!(contents(hash.view(), 0).len(), hash.len());
        }
    }
}

#[test]
fn a_field_that_stands_twice_is_no_hash() {
    for entries in [0, 128] {
        let mut run = Vec::new();
        [b"f", b"1", b"f", b"2"].iter().for_each(|&bytes| Item::of(bytes).write(&mut run));
        assert!(Hash::read_from(&run, &packing(entries, 64)).is_none());
    }
}

#[test]
fn a_hash_is_small_within_its_bounds_and_says_how_it_is_kept() {
    let packing = packing(3, 8);
    let mut hash = Hash::new(&packing);
    let mut set = |field: &[u8], value: &[u8], until| {
        edit(&mut hash, &packing, START_MS, |edit| edit.set(field, value, until));
        hash.view().encoding()
    };
    assert_eq!(set(b"a", b"1", Until::Never), "listpack");
    assert_eq!(set(b"b", b"12345678", Until::At(START_MS + 5)), "listpackex");
    assert_eq!(set(b"b", b"1", Until::Never), "listpack");
    assert_eq!(set(b"c", b"1", Until::Never), "listpack");
    assert_eq!(set(b"c", b"2", Until::Never), "listpack");
    assert_eq!(set(b"d", b"1", Until::Never), "hashtable");
    let mut hash = Hash::new(&packing);
    edit(&mut hash, &packing, START_MS, |edit| edit.set(b"a", b"123456789", Until::Never));
    assert_eq!(hash.view().encoding(), "hashtable");
}

#[test]
fn bounds_that_were_lowered_hold_for_what_is_written_over_and_not_for_deadlines() {
    let mut hash = Hash::new(&packing(3, 8));
    let mut act = |entries, bytes, act: &dyn Fn(&mut Edit<'_, Hash>)| {
        edit(&mut hash, &packing(entries, bytes), START_MS, |edit| act(edit));
        hash.view().encoding()
    };
    let fill = |edit: &mut Edit<'_, Hash>| {
        [b"a", b"b", b"c"].iter().for_each(|&name| {
            edit.set(name, b"12345678", Until::Never);
        });
    };
    assert_eq!(act(3, 8, &fill), "listpack");
    assert_eq!(act(1, 1, &|edit| assert!(edit.set_deadline(b"a", Some(START_MS + 5)))), "listpackex");
    assert_eq!(act(1, 1, &|edit| assert!(edit.remove(b"a"))), "listpack");
    assert_eq!(act(2, 8, &|edit| assert!(!edit.set(b"b", b"1", Until::Never))), "listpack");
    assert_eq!(act(1, 8, &|edit| assert!(!edit.set(b"b", b"1", Until::Never))), "hashtable");
    assert_eq!(act(9, 8, &|edit| assert!(edit.remove(b"b"))), "hashtable", "until it is made anew");
}

#[test]
fn small_hashes_take_no_more_than_in_redis() {
    let packing = packing(128, 64);
    let mut hash = Hash::new(&packing);
    let ((), _) = edit(&mut hash, &packing, START_MS, |edit| {
        for n in 0..20 {
            edit.set(format!("field:{n}").as_bytes(), format!("value of {n}").as_bytes(), Until::Never);
        }
    });
    // A listpack has seven bytes around its items, which take what ours do.
    let items: usize = (0..20).map(|n| 4 + format!("field:{n}value of {n}").len()).sum();
    assert_eq!(hash.inline().map(<[u8]>::len), Some(items + 4));
}
