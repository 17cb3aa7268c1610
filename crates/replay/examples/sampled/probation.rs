//! A small queue and a ghost in front, and a main region whose victim is found by sampling.
//!
//! ```text
//!   new --> [ small: a true FIFO ] --used--> [ main: the worst of 16 by the rule ] --> gone
//!                   `--not used--> ( ghost ) --asked for again--^
//! ```
//! The rule is S3-FIFO's own (the oldest insert, unless it was used: then round again), or a weight: uses per idle time and
//! per some power of the size. Until the first eviction everything goes to main.

use std::collections::VecDeque;

use scrubjay_replay::pure::{Held, PurePolicy};

use crate::bag::{Bag, Entry};
use crate::ghost::Ghost;

const SAMPLE: usize = 16;
const USES_MAX: u32 = 15;
/// What an object counts as used that the ghost remembered.
const RECALLED_USES: u32 = 2;
/// Admissions per tick of the clock that idle times are measured in.
const TICK: u32 = 8;
/// Where the small queue's share may go when it adapts.
const SHARE_BOUNDS: (f32, f32) = (0.1, 0.6);
/// How far a recall moves the small queue's bound upwards: so many entries' worth.
const RECALL_STEP: f32 = 0.15;
/// The same for a rescue, a hit on an entry that main was about to lose; downwards.
const RESCUE_STEP: f32 = 0.3;

/// Who leaves main.
#[derive(Clone, Copy)]
pub enum MainRule {
    /// Of the sample the oldest insert; if it was used, it is inserted anew with one use less, and so on.
    OldestUnused,
    /// Of the sample the lowest `uses / (idle * size^exponent)`.
    UsesPerIdle {
        /// 0: sizes do not matter; 1: a byte is as good as any other.
        exponent: f32,
    },
}

#[derive(Clone, Copy)]
pub struct Settings {
    pub rule: MainRule,
    /// The small queue's share of the bytes; 0: there is none.
    pub small_share: f32,
    /// Hits in the small queue that earn a place in main.
    pub promote_uses: u32,
    /// Whether the share moves between its bounds: up when the ghost recalls, down when main's last were needed.
    pub adapts: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { rule: MainRule::UsesPerIdle { exponent: 0.5 }, small_share: 0.1, promote_uses: 1, adapts: false }
    }
}

pub struct Probation {
    settings: Settings,
    limit_bytes: u64,
    share: f32,
    bag: Bag,
    small: VecDeque<u64>,
    small_bytes: u64,
    main_bytes: u64,
    ghost: Ghost,
    admissions: u32,
    was_full: bool,
    /// Idle time of main's victims, a moving average.
    victim_idle: f32,
}

impl Probation {
    pub fn new(limit_bytes: u64, settings: Settings) -> Probation {
        Probation {
            settings,
            limit_bytes,
            share: settings.small_share,
            bag: Bag::new(),
            small: VecDeque::new(),
            small_bytes: 0,
            main_bytes: 0,
            ghost: Ghost::default(),
            admissions: 0,
            was_full: false,
            victim_idle: 0.0,
        }
    }

    /// Ticks for weights; every single event for insertion order.
    fn now(&self) -> u32 {
        match self.settings.rule {
            MainRule::OldestUnused => self.admissions,
            MainRule::UsesPerIdle { .. } => self.admissions / TICK,
        }
    }

    fn hit(&mut self, key: u64) -> bool {
        let (now, rule) = (self.now(), self.settings.rule);
        let Some(entry) = self.bag.get(key) else { return false };
        let idle = now.wrapping_sub(entry.stamp) as f32;
        let is_rescued = !entry.is_small && self.victim_idle > 0.0 && idle > self.victim_idle / 2.0;
        entry.uses = (entry.uses + 1).min(USES_MAX);
        match rule {
            MainRule::OldestUnused => entry.uses = entry.uses.min(3),
            MainRule::UsesPerIdle { .. } => entry.stamp = now,
        }
        if is_rescued && self.settings.adapts {
            self.share = (self.share - RESCUE_STEP / self.bag.len() as f32).max(SHARE_BOUNDS.0);
        }
        true
    }

    fn evict(&mut self) {
        self.was_full = true;
        let small_is_over =
            |p: &Probation| p.main_bytes == 0 || p.small_bytes as f32 > p.share * (p.small_bytes + p.main_bytes) as f32;
        while small_is_over(self) {
            let Some(key) = self.small.pop_front() else { break };
            let (now, promote_uses, rule) = (self.now(), self.settings.promote_uses, self.settings.rule);
            let entry = self.bag.get(key).expect("only this loop removes small entries");
            let bytes = u64::from(entry.bytes);
            self.small_bytes -= bytes;
            if entry.uses < promote_uses {
                self.bag.remove(key);
                self.ghost.remember(key, self.bag.len());
                return;
            }
            (entry.is_small, entry.stamp) = (false, now);
            entry.uses = if matches!(rule, MainRule::OldestUnused) { 0 } else { 1 };
            self.main_bytes += bytes;
        }
        self.evict_from_main();
    }

    fn evict_from_main(&mut self) {
        loop {
            // A sample may meet small entries; they are passed over, and drawn again if there were no others.
            let drawn: [Entry; SAMPLE] = std::array::from_fn(|_| self.bag.draw());
            let now = self.now();
            let worst = match self.settings.rule {
                MainRule::OldestUnused => drawn.iter().filter(|e| !e.is_small).min_by_key(|e| e.stamp),
                MainRule::UsesPerIdle { exponent } => {
                    let weight = |e: &Entry| {
                        let idle = now.wrapping_sub(e.stamp) + 1;
                        e.uses.max(1) as f32 / (idle as f32 * (e.bytes as f32).powf(exponent))
                    };
                    drawn.iter().filter(|e| !e.is_small).min_by(|a, b| weight(a).total_cmp(&weight(b)))
                }
            };
            let Some(&worst) = worst else { continue };
            if matches!(self.settings.rule, MainRule::OldestUnused) && worst.uses > 0 {
                self.admissions += 1;
                let now = self.now();
                let entry = self.bag.get(worst.key).expect("just drawn");
                (entry.uses, entry.stamp) = (worst.uses - 1, now);
                continue;
            }
            self.victim_idle += (now.wrapping_sub(worst.stamp) as f32 - self.victim_idle) / 64.0;
            self.bag.remove(worst.key);
            self.main_bytes -= u64::from(worst.bytes);
            return;
        }
    }
}

impl PurePolicy for Probation {
    fn access(&mut self, key: u64, size: u32) -> bool {
        if self.hit(key) {
            return true;
        }
        let bytes = u64::from(size);
        if bytes > self.limit_bytes {
            return false;
        }
        while self.small_bytes + self.main_bytes + bytes > self.limit_bytes {
            self.evict();
        }
        self.admissions += 1;
        let is_recalled = self.ghost.recalls(key);
        if is_recalled && self.settings.adapts {
            self.share = (self.share + RECALL_STEP / self.bag.len().max(1) as f32).min(SHARE_BOUNDS.1);
        }
        let is_small = self.was_full && !is_recalled && self.settings.small_share > 0.0;
        let uses = if is_recalled && !matches!(self.settings.rule, MainRule::OldestUnused) { RECALLED_USES } else { 0 };
        self.bag.insert(Entry { key, bytes: size, uses, stamp: self.now(), is_small });
        if is_small {
            self.small.push_back(key);
            self.small_bytes += bytes;
        } else {
            self.main_bytes += bytes;
        }
        false
    }

    fn held(&self) -> Held {
        Held { objects: self.bag.len() as u64, cost: self.small_bytes + self.main_bytes }
    }
}
