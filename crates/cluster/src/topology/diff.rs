//! From one table to another, in steps that keep every slot served.
//!
//! A slot gains its new holders first, as learners; then the primary changes, to one that has caught up; then who is not
//! to hold it any longer lets go. So no slot ever has fewer holders than before or after, whichever are fewer, and no
//! primary is removed while it is one. Slots are independent of each other: their steps may run side by side, and a step
//! may be tried again.

use crate::table::Table;
use scrubjay_base::{SLOTS, SlotId};

/// What is to be done to a slot.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// This node gets a copy: it learns until it has caught up.
    AddLearner(String),
    /// This holder becomes the primary.
    ChangePrimary(String),
    /// This node, not the primary, gives its copy up.
    RemoveCopy(String),
}

/// One step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// Where.
    pub slot: SlotId,
    /// What.
    pub action: Action,
}

/// The steps from `old` to `new`: slot by slot, in the order in which each slot's are to be taken. A slot that nobody holds
/// in `new` keeps its last holder: where it should go, nobody has said.
pub fn diff(old: &Table, new: &Table) -> Vec<Step> {
    let mut steps = Vec::new();
    for slot in (0..SLOTS as u16).filter_map(SlotId::new) {
        let mut push = |action| steps.push(Step { slot, action });
        let has = |table: &Table, id: &str| table.holders(slot).any(|held| held == id);
        let Some(primary) = new.primary(slot) else {
            let rest = old.holders(slot).skip(1);
            rest.for_each(|id| push(Action::RemoveCopy(id.into())));
            continue;
        };
        for id in new.holders(slot).filter(|id| !has(old, id)) {
            push(Action::AddLearner(id.into()));
        }
        if old.primary(slot) != Some(primary) {
            push(Action::ChangePrimary(primary.into()));
        }
        for id in old.holders(slot).filter(|id| !has(new, id)) {
            push(Action::RemoveCopy(id.into()));
        }
    }
    steps
}
