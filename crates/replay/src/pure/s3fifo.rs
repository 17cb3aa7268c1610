//! S3-FIFO: three queues, and a hit moves nothing (Yang, Zhang, Qiu, Yue, Rashmi, "FIFO queues are all you need for cache
//! eviction", SOSP 2023).
//!
//! ```text
//!   new --> [ small: 10 % ] --asked for twice or more--> [ main: the rest ] --not asked for--> gone
//!                |                                          ^      |  ^
//!                | seldom                                   |      +--+ asked for: round again, one count less
//!                v                                          |
//!           ( ghost: keys only ) --asked for again----------+
//! ```
//!
//! Most objects are never asked for again; the small queue sees them off quickly, so that they do not cost main a place.
//!
//! What the paper leaves open, and how it is settled here (so that the figures equal the reference to the last digit):
//! - Small's share is 10 % of the limit, in bytes when the capacity is in bytes; small gives way while it holds *more*
//!   than its share, otherwise main does.
//! - Counts stop at 3 and go back to 0 on the way from small to main.
//! - The ghost remembers keys whose costs sum up to 90 % of the limit. It is asked before room is made for the newcomer,
//!   so the newcomer's own eviction cannot push its memory out.
//! - An object larger than small's share is admitted like any other. (libCacheSim refuses it, which saves object misses
//!   and costs byte misses.)

use super::slab::{List, NONE, Slab};
use super::{Capacity, Held, PurePolicy};

/// Small's part of the limit: one tenth, as in the paper; 5 % and 20 % are within one point of hit ratio.
const SMALL_DIVISOR: u64 = 10;
/// Where counting stops: two bits.
const COUNT_MAX: u32 = 3;
/// Hits in small that earn a place in main.
const PROMOTION_COUNT: u32 = 2;

/// An entry's note: its count in the low two bits, its queue above them.
const SMALL: u32 = 0;
const MAIN: u32 = 4;
const GHOST: u32 = 8;

/// Exact S3-FIFO.
pub struct S3Fifo {
    capacity: Capacity,
    small_limit: u64,
    ghost_limit: u64,
    slab: Slab,
    small: List,
    main: List,
    ghost: List,
}

impl S3Fifo {
    /// An empty cache.
    pub fn new(capacity: Capacity) -> S3Fifo {
        let small_limit = (capacity.limit() / SMALL_DIVISOR).max(1);
        let ghost_limit = capacity.limit().saturating_sub(small_limit);
        let (small, main, ghost) = (List::new(), List::new(), List::new());
        S3Fifo { capacity, small_limit, ghost_limit, slab: Slab::default(), small, main, ghost }
    }

    fn evict(&mut self) {
        if self.small.cost > self.small_limit || self.main.objects == 0 {
            self.evict_from_small();
        } else {
            self.evict_from_main();
        }
    }

    /// Moves what was asked for to main until one was not: that one becomes a memory. May free nothing, when all moved.
    fn evict_from_small(&mut self) {
        while self.small.oldest != NONE {
            let at = self.small.oldest;
            self.small.unlink(&mut self.slab, at);
            if self.slab[at].note & COUNT_MAX >= PROMOTION_COUNT {
                self.slab[at].note = MAIN;
                self.main.push(&mut self.slab, at);
            } else {
                self.remember(at);
                return;
            }
        }
    }

    fn evict_from_main(&mut self) {
        while self.main.oldest != NONE {
            let at = self.main.oldest;
            if self.slab[at].note & COUNT_MAX == 0 {
                self.main.unlink(&mut self.slab, at);
                self.slab.remove(at);
                return;
            }
            self.slab[at].note -= 1;
            self.main.renew(&mut self.slab, at);
        }
    }

    fn remember(&mut self, at: u32) {
        self.slab[at].note = GHOST;
        self.ghost.push(&mut self.slab, at);
        while self.ghost.cost > self.ghost_limit {
            let forgotten = self.ghost.oldest;
            self.ghost.unlink(&mut self.slab, forgotten);
            self.slab.remove(forgotten);
        }
    }
}

impl PurePolicy for S3Fifo {
    fn access(&mut self, key: u64, size: u32) -> bool {
        let mut was_remembered = false;
        if let Some(at) = self.slab.find(key) {
            if self.slab[at].note & GHOST == 0 {
                let note = &mut self.slab[at].note;
                *note += u32::from(*note & COUNT_MAX < COUNT_MAX);
                return true;
            }
            self.ghost.unlink(&mut self.slab, at);
            self.slab.remove(at);
            was_remembered = true;
        }
        let cost = self.capacity.cost(size);
        if u64::from(cost) > self.capacity.limit() {
            return false;
        }
        while self.small.cost + self.main.cost + u64::from(cost) > self.capacity.limit() {
            self.evict();
        }
        let at = self.slab.insert(key, cost);
        if was_remembered {
            self.slab[at].note = MAIN;
            self.main.push(&mut self.slab, at);
        } else {
            self.slab[at].note = SMALL;
            self.small.push(&mut self.slab, at);
        }
        false
    }

    fn held(&self) -> Held {
        Held { objects: self.small.objects + self.main.objects, cost: self.small.cost + self.main.cost }
    }
}
