//! A sorted set beside a `BTreeSet`, under random edits, as a run and indexed; and a second one that repeats what the first
//! wrote down.

use super::*;
use proptest::prelude::*;
use scrubjay_base::KeyHasher;
use scrubjay_base::rand::Rng;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

fn packing(entries_max: u32) -> Packing {
    let hasher = Arc::new(KeyHasher::new(1));
    Packing { sorted_set_entries_max: entries_max, sorted_set_value_bytes_max: 12, ..Packing::new(hasher) }
}

fn edit<R>(set: &mut SortedSet, packing: &Packing, act: impl FnOnce(&mut Edit<'_, SortedSet>) -> R) -> (R, Vec<u8>) {
    let mut rng = Rng::new(1);
    let mut edit = Edit::new(set, packing, true, 0, &mut rng);
    let result = act(&mut edit);
    (result, edit.log.run().to_vec())
}

fn check(set: &SortedSet) {
    match &set.0 {
        Form::Indexed(indexed) => indexed.check(),
        Form::Run(bytes) => assert_eq!(run::count(bytes), run::pairs(bytes).count()),
    }
}

/// A score that sorts by `cmp` as numbers do; -0 and 0 are one.
fn sortable(score: f64) -> i64 {
    let bits = (score + 0.0).to_bits() as i64;
    bits ^ (((bits >> 63) as u64) >> 1) as i64
}

/// The plain thing.
#[derive(Clone, Default)]
struct Model {
    scores: HashMap<Vec<u8>, f64>,
    order: BTreeSet<(i64, Vec<u8>)>,
}

impl Model {
    fn put(&mut self, name: &[u8], score: f64) -> Put {
        let before = self.scores.get(name).copied();
        if before == Some(score) {
            return Put::Same;
        }
        self.remove(name);
        self.scores.insert(name.to_vec(), score);
        self.order.insert((sortable(score), name.to_vec()));
        if before.is_some() { Put::Changed } else { Put::Added }
    }

    fn remove(&mut self, name: &[u8]) -> Option<f64> {
        let score = self.scores.remove(name)?;
        self.order.remove(&(sortable(score), name.to_vec()));
        Some(score)
    }

    fn members(&self) -> Vec<(Vec<u8>, f64)> {
        self.order.iter().map(|(_, name)| (name.clone(), self.scores[name])).collect()
    }
}

fn seen(members: Members<'_>) -> Vec<(Vec<u8>, f64)> {
    members.map(|(name, score)| (name.to_vec(), score)).collect()
}

/// Everything that can be asked of `view`, beside the members that it should have, in order.
fn agree(view: SortedSetView<'_>, expected: &[(Vec<u8>, f64)]) {
    assert_eq!(view.len(), expected.len());
    assert_eq!(seen(view.iter()), expected);
    let mut backwards: Vec<_> = view.iter().rev().map(|(name, score)| (name.to_vec(), score)).collect();
    backwards.reverse();
    assert_eq!(backwards, expected);
    for (rank, (name, score)) in expected.iter().enumerate() {
        assert_eq!(view.score(name), Some(*score));
        assert_eq!(view.rank(name), Some((rank, *score)));
        assert_eq!(view.get(rank).map(|(name, score)| (name.to_vec(), score)), Some((name.clone(), *score)));
        let (to, half) = (expected.len().min(rank + 7), rank / 2);
        assert_eq!(seen(view.range(half..to)), expected[half..to]);
        for (cut, fits) in [
            (Cut::BeforeScore(*score), expected.iter().filter(|(_, other)| other < score).count()),
            (Cut::AfterScore(*score), expected.iter().filter(|(_, other)| other <= score).count()),
        ] {
            assert_eq!(view.count_before(cut), fits, "{cut:?}");
        }
    }
    assert!(view.get(expected.len()).is_none() && view.score(b"none of these names").is_none());
    assert_eq!(view.ranks(Cut::Start, Cut::End), 0..expected.len());
    assert!(view.ranks(Cut::AfterScore(1.0), Cut::BeforeScore(1.0)).is_empty());
    let mut scanned = BTreeMap::new();
    let mut cursor = Some(0);
    while let Some(from) = cursor {
        cursor = view.scan(from, 3, |name, score| {
            scanned.insert(name.to_vec(), score);
        });
    }
    assert_eq!(scanned, expected.iter().cloned().collect());
}

#[derive(Clone, Debug)]
enum Step {
    Put(Vec<u8>, f64),
    Remove(Vec<u8>),
    RemoveRanks(usize, usize),
    Pop(bool, usize),
}

fn score() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => (-3i32..4).prop_map(f64::from),
        1 => (-40i32..40).prop_map(|number| f64::from(number) / 7.0),
        1 => prop::sample::select(vec![f64::INFINITY, f64::NEG_INFINITY, -0.0, 1e300, -1e-300, 9e15, 5e-324]),
    ]
}

fn name() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        3 => (0i64..60).prop_map(|number| number.to_string().into_bytes()),
        2 => prop::collection::vec(prop::sample::select(b"ab\x00\xff".to_vec()), 0..4),
        1 => (0usize..6).prop_map(|length| vec![b'x'; length * length * length * 3]),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (name(), score()).prop_map(|(name, score)| Step::Put(name, score)),
        3 => name().prop_map(Step::Remove),
        1 => (0usize..40, 0usize..6).prop_map(|(start, count)| Step::RemoveRanks(start, count)),
        1 => (any::<bool>(), 0usize..4).prop_map(|(lowest, count)| Step::Pop(lowest, count)),
    ]
}

proptest! {
    #[test]
    fn random_edits_give_what_they_give_a_model(entries_max in prop_oneof![Just(0), Just(8), Just(1000)],
                                                steps in prop::collection::vec(step(), 0..300)) {
        let packing = packing(entries_max);
        let (mut set, mut model) = (SortedSet::new(&packing), Model::default());
        let mut again = SortedSet::new(&packing);
        for step in steps {
            let ((), log) = edit(&mut set, &packing, |edit| match &step {
                Step::Put(name, score) => assert_eq!(edit.put(name, *score), model.put(name, *score)),
                Step::Remove(name) => assert_eq!(edit.remove(name), model.remove(name)),
                Step::RemoveRanks(start, count) => {
                    let doomed: Vec<_> = model.members().into_iter().skip(*start).take(*count).collect();
                    assert_eq!(edit.remove_ranks(*start..start + count), doomed.len());
                    doomed.iter().for_each(|(name, _)| { model.remove(name); });
                }
                Step::Pop(lowest, count) => {
                    let mut members = model.members();
                    if !lowest { members.reverse() }
                    members.truncate(*count);
                    let (mut popped, side) = (Vec::new(), if *lowest { Side::Lowest } else { Side::Highest });
                    edit.pop(side, *count, |name, score| popped.push((name.to_vec(), score)));
                    assert_eq!(popped, members);
                    popped.iter().for_each(|(name, _)| { model.remove(name); });
                }
            });
            edit(&mut again, &packing, |edit| SortedSet::repeat(edit, &log)).0.expect("what was written down can be repeated");
            check(&set);
        }
        let expected = model.members();
        agree(set.view(), &expected);
        agree(again.view(), &expected);
        agree(set.clone().view(), &expected);
        check(&set.clone());
        prop_assert!(set.clone().heap_bytes() <= set.heap_bytes());
        let mut travelling = Vec::new();
        set.write_to(&mut travelling);
        let arrived = SortedSet::read_from(&travelling, &packing);
        prop_assert_eq!(arrived.map(|set| seen(set.view().iter())), (!expected.is_empty()).then_some(expected.clone()));
        if let Some(inline) = set.inline() {
            agree(SortedSet::view_inline(inline), &expected);
            agree(SortedSet::from_inline(inline.to_vec()).view(), &expected);
        }
    }

    #[test]
    fn names_are_cut_where_a_sorted_vec_cuts_them(entries_max in prop_oneof![Just(0), Just(1000)],
                                                  names in prop::collection::btree_set(name(), 0..40), bound in name()) {
        let packing = packing(entries_max);
        let mut set = SortedSet::new(&packing);
        names.iter().for_each(|name| { set.put(name, 1.0, &packing); });
        let names: Vec<_> = names.into_iter().collect();
        let view = set.view();
        prop_assert_eq!(view.count_before(Cut::BeforeName(&bound)), names.partition_point(|name| *name < bound));
        prop_assert_eq!(view.count_before(Cut::AfterName(&bound)), names.partition_point(|name| *name <= bound));
        prop_assert!(view.ranks(Cut::AfterName(&bound), Cut::BeforeName(&bound)).is_empty());
    }

    #[test]
    fn bytes_from_elsewhere_are_a_sound_sorted_set_or_none(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        sound_or_none(&bytes);
    }

    #[test]
    fn damaged_bytes_are_a_sound_sorted_set_or_none(pairs in prop::collection::vec((name(), score()), 1..20),
                                                    at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = Vec::new();
        for (name, score) in pairs {
            Item::of(&name).write(&mut bytes);
            Item::of_float(score).write(&mut bytes);
        }
        sound_or_none(&bytes);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        sound_or_none(&bytes);
    }
}

fn sound_or_none(bytes: &[u8]) {
    for entries_max in [0, 4] {
        let packing = packing(entries_max);
        if let Some(set) = SortedSet::read_from(bytes, &packing) {
            check(&set);
            let mut again = Vec::new();
            set.write_to(&mut again);
            assert_eq!(again, bytes);
        }
        let mut set = SortedSet::new(&packing);
        let _ = edit(&mut set, &packing, |edit| SortedSet::repeat(edit, bytes));
        check(&set);
    }
}

#[test]
fn what_travels_is_in_order_and_without_repetition_or_it_is_refused() {
    let travelling = |pairs: &[(&str, Item<'_>)]| {
        let mut bytes = Vec::new();
        pairs.iter().for_each(|(name, score)| {
            Item::of(name.as_bytes()).write(&mut bytes);
            score.write(&mut bytes);
        });
        SortedSet::read_from(&bytes, &packing(4)).map(|set| set.len())
    };
    let (one, two) = (Item::Int(1), Item::Int(2));
    assert_eq!(travelling(&[("a", one), ("b", one), ("a2", two)]), Some(3));
    for refused in [
        &[][..],
        &[("b", one), ("a", one)],
        &[("a", two), ("b", one)],
        &[("a", one), ("a", one)],
        &[("a", one), ("a", two)],
        &[("a", Item::Int((1 << 53) + 1))],
        &[("a", Item::Float(f64::NAN))],
        &[("a", Item::Moment(1))],
        &[("a", Item::Bytes(b"x"))],
    ] {
        assert_eq!(travelling(refused), None, "{refused:?}");
    }
}

#[test]
fn many_members_take_little_and_give_it_back() {
    let packing = Packing::new(Arc::new(KeyHasher::new(1)));
    let (mut set, mut rng) = (SortedSet::new(&packing), Rng::new(1));
    const MEMBERS: usize = 200_000;
    let name = |number: usize| format!("element:{number:012}");
    for number in 0..MEMBERS {
        set.put(name(number).as_bytes(), rng.unit(), &packing);
    }
    let each = set.heap_bytes() as f64 / MEMBERS as f64;
    // 32 bytes of record; Redis 7.0 takes 108: dict entry, bucket, skip list node and string.
    assert!(each < 60.0, "{each} bytes a member");
    while set.len() > 1 {
        let doomed = rng.below(set.len() as u64) as usize;
        set.remove_ranks(doomed..doomed + 1, false, |_, _| {});
        if set.len() % 20_000 == 0 {
            check(&set);
            let each = set.heap_bytes() as f64 / set.len() as f64;
            assert!(each < 100.0, "{each} bytes a member of {}", set.len());
        }
    }
    assert!(set.heap_bytes() < 100_000, "{} bytes for one member", set.heap_bytes());
}

#[test]
fn negative_zero_stands_among_the_zeros_and_stays_what_it_is() {
    for entries_max in [0, 100] {
        let packing = packing(entries_max);
        let mut set = SortedSet::new(&packing);
        for (name, score) in [(b"b", 0.0), (b"a", -0.0), (b"c", -0.0)] {
            assert_eq!(set.put(name, score, &packing), Put::Added);
        }
        assert_eq!(set.put(b"b", -0.0, &packing), Put::Same);
        let names: Vec<_> = set.view().iter().map(|(name, _)| name.to_vec()).collect();
        assert_eq!(names, [b"a", b"b", b"c"]);
        assert!(set.view().score(b"a").is_some_and(f64::is_sign_negative));
        assert!(set.view().score(b"b").is_some_and(f64::is_sign_positive));
    }
}
