//! The counters under a model checker: every order in which threads can meet, with whatever each may see of the others
//! (<https://docs.rs/loom>). An ordinary build has none of it; `make loom` runs it.

use super::{Counter, Gauge, Tally};
use loom::sync::Arc;
use loom::thread;

#[test]
fn a_reader_sees_a_counter_go_up_and_never_torn_or_back() {
    loom::model(|| {
        let counter = Arc::new(Counter::new());
        let writer = {
            let counter = counter.clone();
            thread::spawn(move || {
                counter.add(1);
                counter.add(2);
                counter.add(1 << 32);
            })
        };
        let seen = [counter.get(), counter.get()];
        assert!(seen.is_sorted(), "{seen:?}");
        assert!(seen.iter().all(|count| [0, 1, 3, 3 + (1 << 32)].contains(count)), "{seen:?}");
        writer.join().expect("the writer ends");
        assert_eq!(counter.get(), 3 + (1 << 32));
    });
}

#[test]
#[should_panic(expected = "of two writers")]
fn a_second_writer_of_a_counter_is_what_the_checker_would_find() {
    loom::model(|| {
        let counter = Arc::new(Counter::new());
        let other = {
            let counter = counter.clone();
            thread::spawn(move || counter.add(1))
        };
        counter.add(1);
        other.join().expect("it ends");
        assert_eq!(counter.get(), 2, "of two writers one was lost");
    });
}

#[test]
fn a_tally_loses_nothing_whoever_writes() {
    loom::model(|| {
        let tally = Arc::new(Tally::new());
        let others: Vec<_> = (0..2)
            .map(|_| {
                let tally = tally.clone();
                thread::spawn(move || tally.add(1))
            })
            .collect();
        tally.add(1);
        others.into_iter().for_each(|other| other.join().expect("it ends"));
        assert_eq!(tally.get(), 3);
    });
}

#[test]
fn what_a_gauge_returns_is_a_value_it_had_and_the_highest_is_kept() {
    loom::model(|| {
        let (gauge, highest) = (Arc::new(Gauge::new()), Arc::new(Gauge::new()));
        let come_and_go = |gauge: &Gauge, highest: &Gauge| {
            highest.raise_to(gauge.add(1));
            let left = gauge.add(-1);
            assert!((0..=1).contains(&left), "{left}");
        };
        let other = {
            let (gauge, highest) = (gauge.clone(), highest.clone());
            thread::spawn(move || come_and_go(&gauge, &highest))
        };
        come_and_go(&gauge, &highest);
        other.join().expect("it ends");
        assert_eq!(gauge.get(), 0);
        assert!((1..=2).contains(&highest.get()), "{}", highest.get());
    });
}
