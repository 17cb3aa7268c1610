//! Changing a hash or a set: every change is written down, with absolute deadlines, and can be repeated.
//!
//! What has expired and is still there is removed when its name is touched, so that no edit sees it.

use super::super::packed::{self, Item};
use super::super::{Collection, Edit};
use super::{DEADLINE_MS_MAX, Member, Members, Shape};
use scrubjay_base::clock::UnixMs;

/// When what is written expires.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Until {
    /// Never, whatever was there before.
    Never,
    /// When it did before; never if it is new.
    Keep,
    /// At this moment. One that has passed removes it.
    At(UnixMs),
}

/// The changes that an edit writes down; the numbers are part of the format in which changes travel.
mod change {
    /// A name (and its value), for ever.
    pub const PUT: i64 = 0;
    /// A name (and its value), and when it expires.
    pub const PUT_UNTIL: i64 = 1;
    /// A name that was removed.
    pub const REMOVE: i64 = 2;
    /// A name whose deadline had passed.
    pub const EXPIRE: i64 = 3;
    /// A name, and when it expires from now on.
    pub const UNTIL: i64 = 4;
    /// A name that no longer expires.
    pub const PERSIST: i64 = 5;
    /// Everything was removed.
    pub const CLEAR: i64 = 6;
}

impl<S: Shape> Edit<'_, Members<S>>
where
    Members<S>: Collection,
{
    /// The field or member of this name, if it has not expired.
    pub fn get(&self, name: &[u8]) -> Option<Member<'_>> {
        self.value.as_view().get(name, self.now_ms)
    }

    /// Removes what has this name and has expired.
    fn drop_expired(&mut self, name: &[u8]) {
        let now_ms = self.now_ms;
        if self.value.as_view().is_fresh(now_ms) || self.value.as_view().get(name, 0).is_none() {
            return;
        }
        if self.value.as_view().get(name, now_ms).is_none() {
            self.value.remove(name);
            self.log.note(change::EXPIRE, [Item::of(name)]);
        }
    }

    /// Adds a name or writes over it. Whether it is new.
    pub(in crate::value) fn put(&mut self, name: &[u8], value: &[u8], until: Until) -> bool {
        self.drop_expired(name);
        let deadline_ms = match until {
            Until::Never => None,
            Until::Keep => self.get(name).and_then(|member| member.deadline_ms),
            Until::At(at) if at <= self.now_ms => return !self.remove(name),
            Until::At(at) => Some(at.min(DEADLINE_MS_MAX)),
        };
        self.put_raw(name, value, deadline_ms)
    }

    /// Adds a name that has neither value nor deadline; one that is there stays as it is. Whether it is new.
    pub(in crate::value) fn add_name(&mut self, name: &[u8]) -> bool {
        self.drop_expired(name);
        let is_new = self.value.add(name, self.packing);
        if is_new {
            self.log.note(change::PUT, [Item::of(name)]);
        }
        is_new
    }

    fn put_raw(&mut self, name: &[u8], value: &[u8], deadline_ms: Option<UnixMs>) -> bool {
        let is_new = self.value.put(name, value, deadline_ms, self.packing);
        let number = if deadline_ms.is_some() { change::PUT_UNTIL } else { change::PUT };
        let value = S::HAS_VALUES.then(|| Item::of(value));
        self.log.note(number, [Item::of(name)].into_iter().chain(value).chain(deadline_ms.map(Item::Moment)));
        is_new
    }

    /// Removes a name. Whether it was there.
    pub fn remove(&mut self, name: &[u8]) -> bool {
        self.drop_expired(name);
        let was_there = self.value.remove(name);
        if was_there {
            self.log.note(change::REMOVE, [Item::of(name)]);
        }
        was_there
    }

    /// Sets or takes away when a name expires; a moment that has passed removes it. Whether it was there.
    pub fn set_deadline(&mut self, name: &[u8], deadline_ms: Option<UnixMs>) -> bool {
        self.drop_expired(name);
        if deadline_ms.is_some_and(|at| at <= self.now_ms) {
            return self.remove(name);
        }
        self.set_deadline_raw(name, deadline_ms.map(|at| at.min(DEADLINE_MS_MAX)))
    }

    fn set_deadline_raw(&mut self, name: &[u8], deadline_ms: Option<UnixMs>) -> bool {
        let was_there = self.value.set_deadline(name, deadline_ms, self.packing);
        if was_there {
            let number = if deadline_ms.is_some() { change::UNTIL } else { change::PERSIST };
            self.log.note(number, [Item::of(name)].into_iter().chain(deadline_ms.map(Item::Moment)));
        }
        was_there
    }

    /// Removes up to `count` at random, each as likely as the others, and shows them before.
    pub fn pop(&mut self, count: usize, mut see: impl FnMut(Member<'_>)) {
        let now_ms = self.now_ms;
        if count >= self.value.as_view().len(now_ms) {
            self.value.as_view().iter(now_ms).for_each(&mut see);
            return self.clear();
        }
        let mut left = count;
        while left > 0 {
            let index = self.rng.below(self.value.count() as u64) as usize;
            let log = &mut self.log;
            self.value.take_at(index, |member| {
                let expired = member.deadline_ms.is_some_and(|at| at <= now_ms);
                log.note(if expired { change::EXPIRE } else { change::REMOVE }, [member.name.canonical()]);
                if !expired {
                    left -= 1;
                    see(member);
                }
            });
        }
    }

    /// Removes everything.
    pub fn clear(&mut self) {
        if self.value.count() > 0 {
            self.value.clear();
            self.log.note(change::CLEAR, []);
        }
    }

    /// Removes what has expired. How many.
    pub(super) fn expire_due(&mut self) -> usize {
        let log = &mut self.log;
        self.value.expire(self.now_ms, |member| log.note(change::EXPIRE, [member.name.canonical()]))
    }

    /// Does again what was written down elsewhere. By the other's clock: nothing expires here unless it says so.
    pub(super) fn repeat_all(&mut self, changes: &[u8]) -> Option<()> {
        let mut items = packed::items(changes).map(|(_, item)| item);
        while let Some(number) = items.next() {
            let Item::Int(number) = number else { return None };
            if number == change::CLEAR {
                self.clear();
                continue;
            }
            let name = bytes(items.next()?)?;
            match number {
                change::PUT | change::PUT_UNTIL => {
                    let value = if S::HAS_VALUES { bytes(items.next()?)? } else { Vec::new() };
                    let deadline_ms = if number == change::PUT_UNTIL { Some(moment(items.next()?)?) } else { None };
                    self.put_raw(&name, &value, deadline_ms);
                }
                change::REMOVE | change::EXPIRE => {
                    self.value.remove(&name).then_some(())?;
                    self.log.note(number, [Item::of(&name)]);
                }
                change::UNTIL => {
                    let at = moment(items.next()?)?;
                    self.set_deadline_raw(&name, Some(at)).then_some(())?;
                }
                change::PERSIST => self.set_deadline_raw(&name, None).then_some(())?,
                _ => return None,
            }
        }
        Some(())
    }
}

fn bytes(item: Item<'_>) -> Option<Vec<u8>> {
    matches!(item, Item::Bytes(_) | Item::Int(_)).then(|| item.to_vec())
}

fn moment(item: Item<'_>) -> Option<UnixMs> {
    match item {
        Item::Moment(at) => Some(at),
        _ => None,
    }
}
