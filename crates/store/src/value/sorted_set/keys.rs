//! A short row of keys, in order: what leaves and inner nodes of the tree have in common.
//!
//! ```text
//!   | score score score ... free | handle handle handle ... free | len |
//! ```
//!
//! Scores and handles lie apart, so that a search reads scores alone, one cache line for eight of them.

use crate::heap::Handle;

/// Where a member stands in order: its score, and which record it is.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Key {
    pub score: f64,
    pub handle: Handle,
}

/// Up to `N` keys.
#[derive(Clone)]
pub struct Keys<const N: usize> {
    scores: [f64; N],
    handles: [u32; N],
    len: u16,
}

impl<const N: usize> Keys<N> {
    /// None.
    pub fn new() -> Keys<N> {
        Keys { scores: [0.0; N], handles: [0; N], len: 0 }
    }

    /// How many.
    #[inline]
    pub fn len(&self) -> usize {
        usize::from(self.len)
    }

    /// Key number `at`, which exists.
    #[inline]
    pub fn get(&self, at: usize) -> Key {
        Key { score: self.scores[at], handle: Handle(self.handles[at]) }
    }

    /// Writes over key number `at`, which exists.
    pub fn set(&mut self, at: usize, key: Key) {
        self.scores[at] = key.score;
        self.handles[at] = key.handle.0;
    }

    /// Puts a key before number `at`; there must be a free place.
    pub fn insert(&mut self, at: usize, key: Key) {
        let len = self.len();
        self.scores.copy_within(at..len, at + 1);
        self.handles.copy_within(at..len, at + 1);
        self.len += 1;
        self.set(at, key);
    }

    /// Takes key number `at` out.
    pub fn remove(&mut self, at: usize) -> Key {
        let (key, len) = (self.get(at), self.len());
        self.scores.copy_within(at + 1..len, at);
        self.handles.copy_within(at + 1..len, at);
        self.len -= 1;
        key
    }

    /// How many keys at the start `before` holds for; it holds for none behind one that it does not hold for.
    #[inline]
    pub fn count_while(&self, mut before: impl FnMut(Key) -> bool) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            if before(self.get(middle)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// Moves the last `count` keys to the front of `right`, which has room for them.
    pub fn give_back(&mut self, right: &mut Keys<N>, count: usize) {
        let (from, there) = (self.len() - count, right.len());
        right.scores.copy_within(..there, count);
        right.handles.copy_within(..there, count);
        right.scores[..count].copy_from_slice(&self.scores[from..from + count]);
        right.handles[..count].copy_from_slice(&self.handles[from..from + count]);
        self.len -= count as u16;
        right.len += count as u16;
    }

    /// Moves the first `count` keys of `right` to the end, where there is room for them.
    pub fn take_front(&mut self, right: &mut Keys<N>, count: usize) {
        let (here, there) = (self.len(), right.len());
        self.scores[here..here + count].copy_from_slice(&right.scores[..count]);
        self.handles[here..here + count].copy_from_slice(&right.handles[..count]);
        right.scores.copy_within(count..there, 0);
        right.handles.copy_within(count..there, 0);
        self.len += count as u16;
        right.len -= count as u16;
    }
}
