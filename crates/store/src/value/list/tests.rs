//! A list beside a `VecDeque`, under random edits, with bounds so small that every chunk boundary is met; and a second list
//! that repeats what the first wrote down.

use super::*;
use proptest::prelude::*;
use scrubjay_base::KeyHasher;
use scrubjay_base::rand::Rng;
use std::sync::Arc;

fn packing(list_size_max: i32) -> Packing {
    Packing { list_size_max, ..Packing::new(Arc::new(KeyHasher::new(1))) }
}

fn edit<R>(list: &mut List, packing: &Packing, act: impl FnOnce(&mut Edit<'_, List>) -> R) -> (R, Vec<u8>) {
    let mut rng = Rng::new(1);
    let mut edit = Edit::new(list, packing, true, 0, &mut rng);
    let result = act(&mut edit);
    (result, edit.log.run().to_vec())
}

fn contents(view: ListView<'_>) -> Vec<Vec<u8>> {
    view.from(0).map(Item::to_vec).collect()
}

fn check(list: &List) {
    assert_eq!(list.len, list.chunks.iter().map(Chunk::count).sum::<usize>());
    assert!(list.has_grown || list.chunks.len() == 1);
    let runs: usize = list.chunks.iter().map(|chunk| allocated_bytes(chunk.0.capacity())).sum();
    assert_eq!(list.run_bytes, runs);
    for chunk in &list.chunks {
        assert!(chunk.count() > 0 || list.chunks.len() == 1);
        assert_eq!(packed::items_from(&chunk.0, COUNT_BYTES).count(), chunk.count());
    }
}

#[derive(Clone, Debug)]
enum Step {
    Push(bool, Vec<u8>),
    Pop(bool, usize),
    Set(usize, Vec<u8>),
    Insert(usize, Vec<u8>),
    Remove(usize, usize),
}

fn step() -> impl Strategy<Value = Step> {
    let bytes = || {
        prop_oneof![prop::collection::vec(any::<u8>(), 0..20), (0i64..3000).prop_map(|n| n.to_string().into_bytes())]
    };
    prop_oneof![
        4 => (any::<bool>(), bytes()).prop_map(|(front, bytes)| Step::Push(front, bytes)),
        1 => (any::<bool>(), 0usize..5).prop_map(|(front, count)| Step::Pop(front, count)),
        1 => (0usize..50, bytes()).prop_map(|(at, bytes)| Step::Set(at, bytes)),
        1 => (0usize..50, bytes()).prop_map(|(at, bytes)| Step::Insert(at, bytes)),
        1 => (0usize..50, 0usize..6).prop_map(|(at, count)| Step::Remove(at, count)),
    ]
}

proptest! {
    #[test]
    fn random_edits_give_what_they_give_a_deque(size in prop_oneof![Just(1), Just(3), Just(7), Just(-1), Just(-2)],
                                                steps in prop::collection::vec(step(), 0..200)) {
        let packing = packing(size);
        let (mut list, mut model) = (List::new(&packing), VecDeque::<Vec<u8>>::new());
        let mut again = List::new(&packing);
        for step in steps {
            let ((), log) = edit(&mut list, &packing, |edit| match &step {
                Step::Push(true, bytes) => { model.push_front(bytes.clone()); edit.push(End::Front, bytes); }
                Step::Push(false, bytes) => { model.push_back(bytes.clone()); edit.push(End::Back, bytes); }
                Step::Pop(front, count) => {
                    let mut popped = Vec::new();
                    edit.pop(if *front { End::Front } else { End::Back }, *count, |item| popped.push(item.to_vec()));
                    let expected: Vec<Vec<u8>> =
                        (0..*count).filter_map(|_| if *front { model.pop_front() } else { model.pop_back() }).collect();
                    assert_eq!(popped, expected);
                }
                Step::Set(at, bytes) => {
                    assert_eq!(edit.set(*at, bytes), *at < model.len());
                    if let Some(place) = model.get_mut(*at) { place.clone_from(bytes) }
                }
                Step::Insert(at, bytes) => {
                    assert_eq!(edit.insert(*at, bytes), *at <= model.len());
                    if *at <= model.len() { model.insert(*at, bytes.clone()) }
                }
                Step::Remove(at, count) => {
                    let there = (*count).min(model.len().saturating_sub(*at));
                    assert_eq!(edit.remove(*at, *count), there);
                    if there > 0 { model.drain(*at..*at + there); }
                }
            });
            edit(&mut again, &packing, |edit| List::repeat(edit, &log)).0.expect("what was written down can be repeated");
            check(&list);
        }
        let expected: Vec<Vec<u8>> = model.into();
        prop_assert_eq!(&contents(list.view()), &expected);
        prop_assert_eq!(&contents(again.view()), &expected);
        let backwards: Vec<Vec<u8>> = list.view().backwards().map(Item::to_vec).collect();
        prop_assert!(backwards.iter().rev().eq(&expected));
        for (at, bytes) in expected.iter().enumerate() {
            let found = list.view().get(at).map(Item::to_vec);
            prop_assert_eq!(found.as_ref(), Some(bytes));
            prop_assert_eq!(list.view().from(at).count(), expected.len() - at);
        }
        prop_assert!(list.view().get(expected.len()).is_none());
        let mut travelling = Vec::new();
        list.write_to(&mut travelling);
        let arrived = List::read_from(&travelling, &packing);
        prop_assert_eq!(arrived.map(|list| contents(list.view())), (!expected.is_empty()).then_some(expected.clone()));
        if let Some(inline) = list.inline() {
            prop_assert_eq!(contents(List::view_inline(inline)), expected.clone());
            prop_assert_eq!(contents(List::from_inline(inline.to_vec()).view()), expected);
        }
    }

    #[test]
    fn bytes_from_elsewhere_are_a_sound_list_or_none(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        let packing = packing(2);
        if let Some(list) = List::read_from(&bytes, &packing) {
            check(&list);
            let mut again = Vec::new();
            list.write_to(&mut again);
            prop_assert_eq!(again, bytes.clone());
        }
        let mut list = List::new(&packing);
        let _ = edit(&mut list, &packing, |edit| List::repeat(edit, &bytes));
        check(&list);
    }
}

#[test]
fn a_long_item_has_a_chunk_of_its_own_and_full_chunks_keep_no_reserve() {
    let packing = packing(-1);
    let mut list = List::new(&packing);
    edit(&mut list, &packing, |edit| {
        (0..10_000).for_each(|number: u32| edit.push(End::Back, format!("item {number}").as_bytes()));
        edit.push(End::Back, &[b'x'; 10_000]);
        edit.push(End::Back, b"y");
    });
    check(&list);
    assert!(!list.view().is_packed());
    let payload: usize = list.view().from(0).map(Item::packed_bytes).sum();
    assert!(list.heap_bytes() < payload * 11 / 10, "{} bytes for {payload}", list.heap_bytes());
}

#[test]
fn a_list_is_one_run_until_it_outgrows_it_and_again_from_half_of_it_on() {
    let mut list = List::new(&packing(4));
    let mut act = |size, act: &dyn Fn(&mut Edit<'_, List>)| {
        edit(&mut list, &packing(size), |edit| act(edit));
        check(&list);
        list.view().is_packed()
    };
    let push = |count: usize| move |edit: &mut Edit<'_, List>| (0..count).for_each(|_| edit.push(End::Back, b"x"));
    let pop = |count: usize| move |edit: &mut Edit<'_, List>| edit.pop(End::Back, count, |_| {});
    assert!(act(4, &push(4)));
    assert!(!act(4, &push(1)));
    assert!(!act(4, &pop(2)), "one run, but three are more than half of four");
    assert!(act(4, &pop(1)));
    assert!(!act(2, &|edit| assert!(edit.set(0, b"y"))), "a full run is left for what is written over, as in Redis");
    assert!(act(-2, &pop(1)));
    assert!(act(0, &|_| {}), "nothing changes until the list does");
    assert!(!act(0, &push(1)));
    assert!(!act(4, &push(20)));
}

#[test]
fn bounds_in_bytes_count_what_redis_has_around_the_items() {
    for (size, bytes_max) in [(-1, 4 << 10), (-2, 8 << 10), (-5, 64 << 10), (-9, 64 << 10), (1000, 8 << 10)] {
        for (item_bytes, is_packed) in [(bytes_max - AROUND_BYTES, true), (bytes_max - AROUND_BYTES + 1, false)] {
            let mut list = List::new(&packing(size));
            edit(&mut list, &packing(size), |edit| edit.push(End::Back, &vec![b'x'; item_bytes]));
            assert_eq!(list.view().is_packed(), is_packed, "{item_bytes} bytes under {size}");
        }
    }
}
