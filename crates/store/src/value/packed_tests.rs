//! Items in every form, and runs beside a vector of what they hold.

use super::*;
use proptest::prelude::*;

fn round_trip(original: Item<'_>, bytes: usize) {
    let mut run = Vec::new();
    original.write(&mut run);
    assert_eq!((run.len(), original.packed_bytes()), (bytes, bytes), "{original:?}");
    assert_eq!(item(&run, 0), Some((original, run.len())));
    assert_eq!(before(&run, run.len()), Some(0));
    assert_eq!(skip(&run, 0), Some(run.len()));
    assert_eq!(count_checked(&run), Some(1));
}

#[test]
fn every_form_reads_back_from_both_ends_and_takes_what_it_says() {
    for (number, bytes) in [
        (0, 2),
        (127, 2),
        (128, 3),
        (-1, 3),
        (-4096, 3),
        (4095, 3),
        (4096, 4),
        (-32768, 4),
        (32768, 5),
        (-0x80_0000, 5),
        (0x80_0000, 6),
        (i64::from(i32::MIN), 6),
        (1 << 31, 10),
        (i64::MIN, 10),
        (i64::MAX, 10),
    ] {
        round_trip(Item::Int(number), bytes);
    }
    for (length, bytes) in [(1, 3), (63, 65), (64, 67), (125, 128), (126, 130), (4095, 4099), (4096, 4103)] {
        round_trip(Item::Bytes(&vec![b'x'; length]), bytes);
    }
    round_trip(Item::Bytes(b""), 2);
    round_trip(Item::Float(0.1), 10);
    round_trip(Item::Moment((1 << 48) - 1), 8);
}

#[test]
fn text_that_is_an_integer_is_kept_as_one_and_comes_back_as_text() {
    for text in ["0", "-1", "9223372036854775807", "-9223372036854775808"] {
        assert!(matches!(Item::of(text.as_bytes()), Item::Int(_)));
        assert_eq!(Item::of(text.as_bytes()).to_vec(), text.as_bytes());
    }
    for text in ["", "00", "-0", "+1", "1.0", "9223372036854775808"] {
        assert_eq!(Item::of(text.as_bytes()), Item::Bytes(text.as_bytes()));
    }
}

#[test]
fn scores_that_are_whole_are_integers_and_read_back_the_same() {
    for score in [0.0, 1.0, -3.0, 1e15, 0.1, -0.0, f64::INFINITY, f64::NEG_INFINITY, 1e300, 9.2e18, -9.3e18] {
        let mut run = Vec::new();
        Item::of_float(score).write(&mut run);
        let back = item(&run, 0).and_then(|(item, _)| item.number()).expect("a number");
        assert_eq!(back.to_bits(), score.to_bits(), "{score}");
        assert_eq!(count_checked(&run), Some(1), "{score}");
    }
}

proptest! {
    #[test]
    fn edits_are_those_of_a_list(edits in prop::collection::vec((0u8..4, 0usize..40, prop::collection::vec(any::<u8>(), 0..200)), 0..60)) {
        let (mut model, mut run): (Vec<Vec<u8>>, Vec<u8>) = (Vec::new(), Vec::new());
        for (edit, place, bytes) in edits {
            let starts: Vec<usize> = items(&run).map(|(at, _)| at).chain([run.len()]).collect();
            let place = place % starts.len();
            match edit {
                0 | 1 => { model.insert(place, bytes.clone()); insert(&mut run, starts[place], Item::of(&bytes)); }
                2 if place < model.len() => { model[place] = bytes.clone(); replace(&mut run, starts[place], Item::of(&bytes)); }
                3 if place < model.len() => { model.remove(place); cut(&mut run, starts[place]..starts[place + 1]); }
                _ => {}
            }
            let forward: Vec<Vec<u8>> = items(&run).map(|(_, item)| item.to_vec()).collect();
            let mut backward: Vec<Vec<u8>> = items(&run).rev().map(|(_, item)| item.to_vec()).collect();
            backward.reverse();
            prop_assert_eq!(&forward, &model);
            prop_assert_eq!(&backward, &model);
            prop_assert_eq!(count_checked(&run), Some(model.len()));
        }
    }

    #[test]
    fn bytes_from_elsewhere_are_never_read_past_their_end(run in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = items(&run).count();
        let _ = items(&run).rev().count();
        let _ = count_checked(&run);
    }
}
