//! A set beside a `BTreeMap`, under random edits while time passes, with bounds so small that every form is met; and a
//! second set that repeats what the first wrote down.

use super::super::packed::Item;
use super::super::{Collection, Packing};
use super::*;
use crate::value::members::Picker;
use proptest::prelude::*;
use scrubjay_base::KeyHasher;
use scrubjay_base::rand::Rng;
use std::collections::BTreeMap;
use std::sync::Arc;

const START_MS: u64 = 1_700_000_000_000;

type Model = BTreeMap<Vec<u8>, Option<u64>>;

fn packing(ints: u32, entries: u32) -> Packing {
    let hasher = Arc::new(KeyHasher::new(1));
    Packing { set_ints_max: ints, set_entries_max: entries, set_value_bytes_max: 20, ..Packing::new(hasher) }
}

fn edit<R>(
    set: &mut Set,
    packing: &Packing,
    now_ms: u64,
    rng: &mut Rng,
    act: impl FnOnce(&mut Edit<'_, Set>) -> R,
) -> (R, Vec<u8>) {
    let mut edit = Edit::new(set, packing, true, now_ms, rng);
    let result = act(&mut edit);
    (result, edit.log.run().to_vec())
}

fn contents(view: SetView<'_>, now_ms: u64) -> Model {
    view.iter(now_ms).map(|member| (member.name.to_vec(), member.deadline_ms)).collect()
}

fn live(model: &Model, now_ms: u64) -> Model {
    model.iter().filter(|(_, at)| at.is_none_or(|at| at > now_ms)).map(|(name, at)| (name.clone(), *at)).collect()
}

fn step(set: &mut Set, model: &mut Model, packing: &Packing, now_ms: u64, words: bool, rng: &mut Rng) -> Vec<u8> {
    let member = match rng.below(6) {
        0 if words => vec![b"abc"[rng.below(3) as usize]; rng.below(25) as usize],
        1 => (rng.next_u64() as i64 >> rng.below(64)).to_string().into_bytes(),
        _ => rng.below(30).to_string().into_bytes(),
    };
    let at = now_ms + rng.below(400);
    let there = model.get(&member).is_some_and(|at| at.is_none_or(|at| at > now_ms));
    match rng.below(if words { 12 } else { 9 }) {
        0..5 => {
            let (is_new, log) = edit(set, packing, now_ms, rng, |edit| edit.add(&member));
            assert_eq!(is_new, !there);
            if !there {
                model.insert(member, None);
            }
            log
        }
        5 | 6 => {
            let (removed, log) = edit(set, packing, now_ms, rng, |edit| edit.remove(&member));
            assert_eq!(removed, there);
            model.remove(&member);
            log
        }
        7 => {
            let (count, before) = (rng.below(4) as usize, live(model, now_ms));
            let mut popped = Vec::new();
            let ((), log) = edit(set, packing, now_ms, rng, |edit| edit.pop(count, |m| popped.push(m.name.to_vec())));
            assert_eq!(popped.len(), count.min(before.len()));
            for member in popped {
                assert!(before.contains_key(&member) && model.remove(&member).is_some(), "popped once");
            }
            if count >= before.len() {
                model.clear();
            }
            log
        }
        8 => {
            let (_, log) = edit(set, packing, now_ms, rng, Set::expire);
            model.retain(|_, at| at.is_none_or(|at| at > now_ms));
            log
        }
        9 | 10 => {
            let (moved, log) = edit(set, packing, now_ms, rng, |edit| edit.set_deadline(&member, Some(at)));
            assert_eq!(moved, there);
            model.remove(&member);
            if there && at > now_ms {
                model.insert(member, Some(at));
            }
            log
        }
        _ => {
            let (moved, log) = edit(set, packing, now_ms, rng, |edit| edit.set_deadline(&member, None));
            assert_eq!(moved, there);
            if there {
                model.insert(member, None);
            }
            log
        }
    }
}

proptest! {
    #[test]
    fn random_edits_give_what_they_give_a_map(seed in any::<u64>(), ints in prop_oneof![Just(0), Just(6), Just(512)],
                                             entries in prop_oneof![Just(0), Just(5), Just(128)], words in any::<bool>()) {
        let (packing, mut rng) = (packing(ints, entries), Rng::new(seed));
        let (mut set, mut model, mut now_ms) = (Set::new(&packing), Model::new(), START_MS);
        let mut again = Set::new(&packing);
        for _ in 0..300 {
            let log = step(&mut set, &mut model, &packing, now_ms, words, &mut rng);
            let repeat = |edit: &mut Edit<'_, Set>| Set::repeat(edit, &log);
            edit(&mut again, &packing, now_ms + 1000, &mut Rng::new(1), repeat).0.expect("it can be repeated");
            now_ms += rng.below(3) * rng.below(60);
            let live = live(&model, now_ms);
            prop_assert_eq!(set.view().len(now_ms), live.len());
            prop_assert_eq!(&contents(set.view(), now_ms), &live);
            prop_assert_eq!(contents(again.view(), 0), contents(set.view(), 0));
            prop_assert_eq!(set.view().random(now_ms, &mut rng).map(|m| live.contains_key(&m.name.to_vec())),
                            (!live.is_empty()).then_some(true));
            if let Some(inline) = set.inline() {
                prop_assert_eq!(&contents(Set::view_inline(inline), now_ms), &live);
                prop_assert_eq!(Set::first_deadline_inline(inline), set.first_deadline_ms());
            }
        }
        let live = live(&model, now_ms);
        for (member, at) in &live {
            prop_assert_eq!(set.view().get(member, now_ms).map(|m| m.deadline_ms), Some(*at));
        }
        for count in [0, 1, live.len() / 2, live.len(), live.len() + 5] {
            let picker = Picker::new(set.view(), now_ms);
            let picked = rng.distinct(count, picker.len() as u32);
            let names: Model = picked.iter().filter_map(|&n| picker.at(n as usize)).map(|m| (m.name.to_vec(), m.deadline_ms)).collect();
            prop_assert_eq!(names.len(), count.min(live.len()));
            prop_assert!(names.keys().all(|name| live.contains_key(name)));
        }
        let mut travelling = Vec::new();
        set.write_to(&mut travelling);
        let arrived = Set::read_from(&travelling, &packing);
        prop_assert_eq!(arrived.as_ref().map(|set| contents(set.view(), 0)), (!set.is_empty()).then(|| contents(set.view(), 0)));
    }

    #[test]
    fn bytes_from_elsewhere_are_a_sound_set_or_none(seed in any::<u64>(), noise in prop::collection::vec(any::<u8>(), 0..60)) {
        let (packing, mut rng) = (packing(3, 5), Rng::new(seed));
        let mut run = Vec::new();
        let words = rng.below(2) == 0;
        for _ in 0..rng.below(9) {
            match rng.below(9) {
                0 => Item::Moment(START_MS + rng.below(10)).write(&mut run),
                1 if words => Item::Bytes(b"word").write(&mut run),
                _ => Item::Int(rng.below(30) as i64).write(&mut run),
            }
        }
        for bytes in [&run, &noise] {
            if let Some(set) = Set::read_from(bytes, &packing) {
                let (mut again, all) = (Vec::new(), contents(set.view(), 0));
                prop_assert_eq!(all.len(), set.len());
                set.write_to(&mut again);
                prop_assert_eq!(again.len(), bytes.len());
                prop_assert_eq!(Set::read_from(&again, &packing).map(|set| contents(set.view(), 0)), Some(all));
            }
            let mut set = Set::new(&packing);
            let _ = edit(&mut set, &packing, START_MS, &mut rng, |edit| Set::repeat(edit, bytes));
            prop_assert_eq!(contents(set.view(), 0).len(), set.len());
        }
    }
}

#[test]
fn a_set_says_how_it_is_kept() {
    let packing = packing(3, 4);
    let mut set = Set::new(&packing);
    let mut rng = Rng::new(1);
    let mut add = |set: &mut Set, members: &[&str]| {
        edit(set, &packing, START_MS, &mut rng, |edit| {
            for m in members {
                edit.add(m.as_bytes());
            }
        });
        set.view().encoding()
    };
    assert_eq!(add(&mut set, &["1", "2", "3"]), "intset");
    assert_eq!(add(&mut set.clone(), &["word"]), "listpack");
    assert_eq!(add(&mut set, &["3"]), "intset");
    assert_eq!(add(&mut set, &["4"]), "hashtable", "more integers than fit are no run either");
    assert_eq!(add(&mut Set::new(&packing), &["a word that is too long for it"]), "hashtable");
}

#[test]
fn integers_that_would_be_long_in_a_run_do_not_become_one() {
    let packing = Packing { set_value_bytes_max: 4, ..packing(3, 4) };
    for (number, encoding) in [("1234", "listpack"), ("12345", "hashtable"), ("-1234", "hashtable")] {
        let mut set = Set::new(&packing);
        edit(&mut set, &packing, START_MS, &mut Rng::new(1), |edit| {
            edit.add(b"1");
            edit.add(number.as_bytes());
            edit.add(b"word");
        });
        assert_eq!(set.view().encoding(), encoding, "{number}");
    }
}

#[test]
fn a_set_of_integers_takes_what_it_says() {
    let mut set = Set::new(&packing(512, 128));
    let packing = packing(512, 128);
    edit(&mut set, &packing, START_MS, &mut Rng::new(1), |edit| {
        (0..512).for_each(|n| assert!(edit.add(format!("{n}").as_bytes())));
    });
    // Redis' intset: 8 bytes and two for each.
    assert_eq!((set.view().encoding(), set.inline().map(<[u8]>::len)), ("intset", Some(4 + 2 * 512)));
}

/// Chi-square of `counts` against an equal share for each.
fn chi_square(counts: &BTreeMap<Vec<u8>, u32>, of: usize) -> f64 {
    let share = f64::from(counts.values().sum::<u32>()) / of as f64;
    let unseen = (of - counts.len()) as f64 * share;
    unseen + counts.values().map(|&n| (f64::from(n) - share).powi(2) / share).sum::<f64>()
}

#[test]
fn every_member_is_drawn_and_popped_as_often_as_the_others_in_every_form() {
    let mut rng = Rng::new(11);
    for (ints, entries) in [(512, 128), (0, 128), (0, 0)] {
        let packing = packing(ints, entries);
        let mut set = Set::new(&packing);
        let fill = |set: &mut Set, rng: &mut Rng| {
            edit(set, &packing, START_MS, rng, |edit| {
                for n in 0..50 {
                    edit.add(n.to_string().as_bytes());
                }
            });
        };
        fill(&mut set, &mut rng);
        let (mut drawn, mut several, mut popped) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for round in 0..20_000 {
            let one = set.view().random(START_MS, &mut rng).expect("there are some");
            *drawn.entry(one.name.to_vec()).or_insert(0) += 1;
            let picker = Picker::new(set.view(), START_MS);
            for number in rng.distinct(if round % 2 == 0 { 5 } else { 30 }, picker.len() as u32) {
                *several.entry(picker.at(number as usize).expect("below the length").name.to_vec()).or_insert(0) += 1;
            }
            edit(&mut set, &packing, START_MS, &mut rng, |edit| {
                edit.pop(1, |member| *popped.entry(member.name.to_vec()).or_insert(0) += 1);
            });
            fill(&mut set, &mut rng);
        }
        for (what, counts) in [("drawn", drawn), ("several", several), ("popped", popped)] {
            let chi = chi_square(&counts, 50);
            assert!(chi < 85.4, "{what}: chi-square of 49 degrees is {chi}; beyond 85.4 once in a thousand seeds");
        }
    }
}
