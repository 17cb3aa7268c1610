//! The budget under a model checker: every order in which two threads can meet (<https://docs.rs/loom>). An ordinary build
//! has none of it; `make loom` runs it.

use super::Budget;
use loom::sync::Arc;
use loom::thread;

/// Runs `there` in another thread beside `here` in this one, and waits for both.
fn beside<R: 'static>(
    budget: &Arc<Budget>,
    there: impl FnOnce(&Budget) -> R + Send + 'static,
    here: impl FnOnce(&Budget),
) -> R {
    let other = {
        let budget = budget.clone();
        thread::spawn(move || there(&budget))
    };
    here(budget);
    other.join().expect("it ends")
}

#[test]
fn of_two_reservations_that_do_not_fit_together_one_is_made() {
    loom::model(|| {
        let budget = Arc::new(Budget::new(100));
        let mut mine = false;
        let others = beside(&budget, |budget| budget.try_reserve(60), |budget| mine = budget.try_reserve(60));
        assert!(mine != others, "{mine} and {others}");
        assert_eq!((budget.used_bytes(), budget.peak_bytes(), budget.surplus_bytes()), (60, 60, 0));
    });
}

#[test]
fn nobody_sees_use_above_the_limit_while_reservations_come_and_go() {
    fn come_and_go(budget: &Budget) {
        if budget.try_reserve(60) {
            assert!(budget.used_bytes() <= 100);
            budget.release(60);
        }
    }
    loom::model(|| {
        let budget = Arc::new(Budget::new(100));
        let here = |budget: &Budget| {
            come_and_go(budget);
            assert!(budget.used_bytes() <= 100);
        };
        beside(&budget, come_and_go, here);
        assert_eq!((budget.used_bytes(), budget.peak_bytes()), (0, 60));
    });
}

#[test]
fn a_charge_beside_a_reservation_is_counted_and_the_peak_has_both() {
    loom::model(|| {
        let budget = Arc::new(Budget::new(100));
        let mut reserved = false;
        beside(&budget, |budget| budget.charge(70), |budget| reserved = budget.try_reserve(50));
        // Either the reservation came first and the charge overdrew, or it came second and did not fit.
        let used = if reserved { 120 } else { 70 };
        assert_eq!((budget.used_bytes(), budget.peak_bytes()), (used, used));
        assert_eq!(budget.surplus_bytes(), used.saturating_sub(100));
    });
}

#[test]
fn a_limit_that_is_lowered_meanwhile_holds_for_what_comes_after() {
    loom::model(|| {
        let budget = Arc::new(Budget::new(100));
        let mut reserved = false;
        beside(&budget, |budget| budget.set_max_bytes(50), |budget| reserved = budget.try_reserve(60));
        assert!(!budget.try_reserve(60));
        assert_eq!(budget.surplus_bytes(), if reserved { 10 } else { 0 });
    });
}
