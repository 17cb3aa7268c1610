//! Hot keys: which keys are used most at present, over all doors.
//!
//! ```text
//!   command --one in 32, at random--> the thread's sketch      JAY.HOTKEYS, /cluster/hotkeys, INFO, /metrics
//!                                       (sketch)  --merged, times 32, when somebody asks--^
//! ```
//!
//! All keys of a chosen command are noted, whether it found anything or not. Around the threshold of 1000 uses an estimate
//! is right to within a third, 95 times in 100 (31 notes, whose deviation is 5.6); at 10,000 to within a ninth. Noting costs
//! some 50 ns, so that counting takes 1 to 2 ns a command, about 1 % of a `GET` in a pipeline of 64 (`examples/turns.rs` with
//! a window of 60 s and of 0); one in 16 took 2.4 %.
//!
//! Not counted: the keys of HTTP's batches, and what an embedded cache does.

mod sketch;

pub use sketch::{Candidate, Sketch};

use crate::door::Turn;
use crate::namespaces::Namespaces;
use crate::shared::Shared;
use scrubjay_command::table::{Flags, Row};
use scrubjay_command::{Args, Handler};
use scrubjay_store::{Key, Ns};
use std::collections::HashMap;

/// One command in so many is noted.
const ONE_IN: u32 = 32;
/// Commands after which a thread that does not count looks again whether it shall.
const OFF_FOR: u32 = 1024;

/// Chooses the commands that are noted.
#[derive(Debug)]
pub struct Chooser {
    left: u32,
    state: u32,
    /// Of the settings, as of `version`: loading them costs as much as noting.
    version: u64,
    window_ms: u64,
    names_max: usize,
}

impl Default for Chooser {
    fn default() -> Chooser {
        Chooser { left: 1, state: 0x5CB0_1234, version: u64::MAX, window_ms: 0, names_max: 0 }
    }
}

impl Chooser {
    /// Whether the next command is to be noted.
    #[inline(always)]
    pub fn is_next(&mut self) -> bool {
        self.left -= 1;
        self.left == 0
    }

    #[cold]
    fn read_settings(&mut self, shared: &Shared) {
        self.version = shared.config_version();
        let config = shared.config();
        (self.window_ms, self.names_max) = (config.hot_key_window.as_millis() as u64, config.hot_key_capacity);
    }

    /// Draws the distance to the next one: at random, so that no rhythm of a pipeline is in step with it.
    fn draw(&mut self) {
        self.state = self.state.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
        self.left = 1 + (self.state >> 16) % (2 * ONE_IN - 1);
    }
}

/// Notes the keys of a command that [`Chooser::is_next`] chose. The first may have been placed already.
#[cold]
pub fn note(turn: &mut Turn<'_>, row: &Row, args: &Args<'_>, placed: Option<Key<'_>>) {
    let is_data = matches!(row.handler, Handler::Data(_));
    let ns = turn.ns();
    let (store, is_write) = (&turn.shared.store, row.flags.contains(Flags::WRITE));
    match placed {
        Some(key) if is_data && args.len() <= 3 => note_keys(turn, is_write, std::iter::once(key)),
        _ if is_data => {
            let indices = row.keys.indices(args);
            note_keys(turn, is_write, indices.iter().map(|&index| store.key(ns, args.at(index))));
        }
        _ => note_keys(turn, is_write, std::iter::empty()),
    }
}

/// Notes the key of a request at another door that [`Chooser::is_next`] chose, if it has one.
pub fn note_key(turn: &mut Turn<'_>, ns: Ns, key: Option<&[u8]>, is_write: bool) {
    let store = &turn.shared.store;
    note_keys(turn, is_write, key.into_iter().map(|bytes| store.key(ns, bytes)));
}

fn note_keys<'k>(turn: &mut Turn<'_>, is_write: bool, keys: impl Iterator<Item = Key<'k>>) {
    let chooser = &mut turn.scratch.chooser;
    if chooser.version != turn.shared.config_version() {
        chooser.read_settings(turn.shared);
    }
    if chooser.window_ms == 0 {
        chooser.left = OFF_FOR;
        return;
    }
    chooser.draw();
    let (names_max, window_ms) = (chooser.names_max, chooser.window_ms);
    let mut sketch = turn.counters.heat.lock();
    keys.for_each(|key| sketch.note(&key, is_write, names_max, window_ms, turn.now_ms));
}

/// A key that is used often.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HotKey {
    /// The database that it is in now.
    pub database: u8,
    /// The key, or its first 256 bytes.
    pub key: Vec<u8>,
    /// How long the key is.
    pub key_bytes: usize,
    /// Reads within the window, estimated.
    pub reads: u64,
    /// Writes within the window, estimated.
    pub writes: u64,
    /// Whether they are together as many as the threshold.
    pub is_hot: bool,
}

impl HotKey {
    /// Uses within the window, estimated.
    pub fn count(&self) -> u64 {
        self.reads + self.writes
    }
}

/// The keys that are used most, over all threads, the hottest first.
pub fn hottest(shared: &Shared) -> Vec<HotKey> {
    let config = shared.config();
    let (window_ms, threshold) = (config.hot_key_window.as_millis() as u64, config.hot_key_threshold as u64);
    if window_ms == 0 {
        return Vec::new();
    }
    let now_ms = shared.clock.now_ms();
    let mut merged = HashMap::<(Ns, Vec<u8>, usize), (f64, f64)>::new();
    for thread in &shared.counters {
        let candidates = thread.heat.lock().candidates(window_ms, now_ms);
        for Candidate { ns, key, key_bytes, count, writes } in candidates {
            let sums = merged.entry((ns, key, key_bytes)).or_default();
            *sums = (sums.0 + count, sums.1 + writes);
        }
    }
    let hot_key = |((ns, key, key_bytes), (count, writes)): ((Ns, Vec<u8>, usize), (f64, f64))| {
        let scaled = |notes: f64| (notes * f64::from(ONE_IN)).round() as u64;
        let (reads, writes) = (scaled(count - writes), scaled(writes));
        let database = Namespaces::database_of(&shared.store, ns);
        HotKey { database, key, key_bytes, reads, writes, is_hot: reads + writes >= threshold }
    };
    let mut keys: Vec<HotKey> = merged.into_iter().map(hot_key).filter(|key| key.count() > 0).collect();
    keys.sort_by(|a, b| b.count().cmp(&a.count()).then_with(|| a.key.cmp(&b.key)));
    keys
}

/// Forgets all counts.
pub fn reset(shared: &Shared) {
    shared.counters.iter().for_each(|thread| thread.heat.lock().clear());
}

/// Bytes of memory that all sketches take.
pub fn memory_bytes(shared: &Shared) -> usize {
    shared.counters.iter().map(|thread| thread.heat.lock().memory_bytes()).sum()
}
