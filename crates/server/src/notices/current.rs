//! Which command of whom this thread runs at the moment: effects come from the store, which does not know.

use super::Notices;
use crate::effects::{Effects, Interest};
use scrubjay_command::event::{self, Running};
use scrubjay_command::table::{Flags, Row};
use scrubjay_command::{Args, Context, find};
use scrubjay_store::{Access, Group, Ns, NsSet};
use std::cell::{Cell, RefCell};

thread_local! {
    static AUTHOR: Cell<u64> = const { Cell::new(0) };
    static RUNNING: RefCell<Option<Running>> = const { RefCell::new(None) };
    /// Namespaces that were emptied on this thread and are to be told about.
    static FLUSHED: Cell<NsSet> = const { Cell::new(NsSet::NONE) };
    /// Groups of keys that were deleted on this thread and are to be told about.
    static GONE: RefCell<Vec<Gone>> = const { RefCell::new(Vec::new()) };
}

/// Keys that were deleted together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Gone {
    /// Of which namespace.
    pub ns: Ns,
    /// Whether those with a tag, and not those with a prefix.
    pub is_tag: bool,
    /// The prefix, or the tag.
    pub name: Box<[u8]>,
}

/// A command runs for as long as this lives.
pub struct Scope {
    author: u64,
    running: Option<Running>,
}

impl Scope {
    /// Client `author` runs a command. Costs a look at a number while nobody is told where effects come from.
    #[inline]
    pub fn enter(effects: &Effects, author: u64, args: &Args<'_>) -> Option<Scope> {
        effects.interests().intersects(Interest::TOLD).then(|| Scope::new(effects, author, args))
    }

    #[cold]
    fn new(effects: &Effects, author: u64, args: &Args<'_>) -> Scope {
        let running = match effects.interests().contains(Interest::EVENTS) {
            true => find(args.at(0)).and_then(|row| event::running(row.name, args)),
            false => None,
        };
        Scope { author: AUTHOR.replace(author), running: RUNNING.replace(running) }
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        AUTHOR.set(self.author);
        RUNNING.set(self.running.take());
    }
}

/// Who runs the present command; 0: nobody does.
pub fn author() -> u64 {
    AUTHOR.get()
}

/// Shows the events of the present command to `look`.
pub fn with_running<R>(look: impl FnOnce(Option<&Running>) -> R) -> R {
    RUNNING.with_borrow(|running| look(running.as_ref()))
}

/// A slot of this namespace, or of all, was emptied.
pub fn note_flush(ns: Option<Ns>) {
    FLUSHED.set(FLUSHED.get().union(NsSet::of(ns)));
}

/// The namespaces that were emptied since the last time that this was asked.
pub fn take_flushed() -> NsSet {
    FLUSHED.take()
}

/// The keys of a group that are in some slot were deleted. A deletion is told once, however many slots it concerns.
pub fn note_gone(ns: Ns, group: Group<'_>) {
    let (Group::Prefix(name) | Group::Tag(name)) = group;
    let is_tag = matches!(group, Group::Tag(_));
    GONE.with_borrow_mut(|gone| {
        if !gone.iter().any(|known| known.ns == ns && known.is_tag == is_tag && *known.name == *name) {
            gone.push(Gone { ns, is_tag, name: name.into() });
        }
    });
}

/// The groups that were deleted since the last time that this was asked.
pub fn take_gone() -> Vec<Gone> {
    GONE.take()
}

/// Says `keymiss` for keys that the command of `row` is about to look for in vain. Nothing is locked but what `cx` lends.
#[inline]
pub fn note_misses(effects: &Effects, cx: &Context<'_>, row: &Row, args: &Args<'_>) {
    if effects.interests().contains(Interest::EVENTS) && effects.notices.classes().contains(event::Classes::MISS) {
        say_misses(effects, &effects.notices, cx, row, args);
    }
}

#[cold]
fn say_misses(effects: &Effects, notices: &Notices, cx: &Context<'_>, row: &Row, args: &Args<'_>) {
    let name = find(args.at(0)).map_or(row.name, |row| row.name);
    let wanted = event::missing(name, row.flags.contains(Flags::READONLY));
    for (_, index) in row.keys.indices(args).into_iter().enumerate().filter(|(number, _)| wanted.contains(number)) {
        // A key that is too long to exist is refused in a moment.
        let Ok(key) = cx.key(args.at(index)) else { return };
        if cx.lock(&key).get(&key, Access::Peek).is_none() {
            notices.say(&effects.pubsub, event::Classes::MISS, cx.ns, key.bytes, "keymiss");
        }
    }
}
