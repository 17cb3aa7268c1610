//! Whose time it was: a batch's time, shared among its commands.
//!
//! Reading the clock costs about 25 ns, a `GET` in a deep pipeline 200, so not every command is timed. Commands that take
//! constant time are counted as they run, and the time from the first of them to the next reading of the clock is divided
//! among them evenly. What may take long by itself (`KEYS`, `BITCOUNT`, `DEL` of many keys) is timed alone:
//!
//! ```text
//!   clock |  GET  GET  SET  | clock  KEYS  clock |  GET  GET  | clock (end of the turn)
//!         +- a third each --+       +- alone -+  +- half each -+
//! ```
//!
//! A command that comes alone, without pipelining, is therefore exact. If the slow log is asked for less than a
//! millisecond, every command is timed alone: who asks that finely pays for it.
//!
//! A group of quick commands that together took as long as the slow log's threshold enters it as one entry, under the
//! first of them, which says how many others there were.

use crate::config::Config;
use crate::counters::ThreadCounters;
use crate::session::Session;
use crate::shared::Shared;
use crate::slowlog;
use scrubjay_command::table::{Flags, Row};
use scrubjay_command::{Args, index};
use std::sync::LazyLock;

/// Below this threshold of the slow log, in microseconds, every command is timed alone. A command of constant time takes
/// less by itself, so whoever asks below it wants exactness. Chosen, untested.
const EXACT_BELOW_US: i64 = 1000;

/// Runs of the same quick command that are noted before the clock is read at the latest.
const PENDING_MAX: usize = 1024;

/// Arguments that a command of constant time has at most. `MGET` counts as fast, per key.
const ARGS_QUICK_MAX: usize = 16;

/// Whether commands of `row` take so short a time that a look at the clock would be a good part of it.
#[inline]
pub(crate) fn is_quick(row: &Row) -> bool {
    row.flags.contains(Flags::FAST) || row.complexity.starts_with("O(1)")
}

/// [`is_quick`] by [`Row::id`].
static QUICK: LazyLock<Box<[bool]>> = LazyLock::new(|| index::all_rows().map(|(row, _)| is_quick(row)).collect());

/// Times the commands of one network thread.
#[derive(Debug)]
pub struct Meter {
    /// When the clock was last read, in monotonic nanoseconds.
    last_ns: u64,
    /// Whether a group of quick commands has begun at `last_ns`.
    running: bool,
    /// The quick commands since then: [`Row::id`], and how many in a row.
    pending: Vec<(u16, u32)>,
    /// The first of them, as the slow log would show it.
    first: slowlog::Brief,
    /// Of the settings, as of `version`.
    version: u64,
    slow_us: i64,
    event_ms: i64,
    /// Whether every command is timed alone.
    exact: bool,
}

impl Default for Meter {
    fn default() -> Meter {
        Meter {
            last_ns: 0,
            running: false,
            pending: Vec::new(),
            first: slowlog::Brief::default(),
            version: u64::MAX,
            slow_us: -1,
            event_ms: 0,
            exact: false,
        }
    }
}

/// What [`Meter::before`] found out, for [`Meter::after`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub struct Timing {
    alone: bool,
}

impl Meter {
    /// A turn begins, at `now_ns` on the monotonic clock.
    #[inline]
    pub fn begin(&mut self, now_ns: u64) {
        self.last_ns = now_ns;
        self.running = true;
    }

    /// To be called before a command of the row with number `id` runs.
    #[inline]
    pub fn before(
        &mut self,
        shared: &Shared,
        counters: &ThreadCounters,
        session: &Session,
        id: usize,
        args: &Args<'_>,
    ) -> Timing {
        self.refresh(shared);
        let alone = !QUICK[id] || args.len() > ARGS_QUICK_MAX || self.exact;
        if alone {
            self.settle(shared, counters, session);
        } else {
            self.note(shared, id, || slowlog::Brief::of(args));
        }
        Timing { alone }
    }

    /// To be called, alone, before an operation of another door that counts as a command of `row` and concerns `key`.
    #[inline]
    pub fn quick(
        &mut self,
        shared: &Shared,
        counters: &ThreadCounters,
        session: &Session,
        row: &'static Row,
        key: &[u8],
    ) {
        self.refresh(shared);
        if self.exact || self.pending.len() >= PENDING_MAX {
            self.settle(shared, counters, session);
        }
        self.note(shared, row.id(), || slowlog::Brief::new(row.name.as_bytes(), Some(key), 2));
    }

    /// Adds a quick command to the group.
    #[inline]
    fn note(&mut self, shared: &Shared, id: usize, brief: impl FnOnce() -> slowlog::Brief) {
        if !self.running {
            self.begin(shared.clock.monotonic_ns());
        }
        match self.pending.last_mut() {
            Some((last, count)) if usize::from(*last) == id => *count += 1,
            Some(_) => self.pending.push((id as u16, 1)),
            None => {
                self.first = brief();
                self.pending.push((id as u16, 1));
            }
        }
    }

    /// To be called after it ran.
    #[inline]
    pub fn after(
        &mut self,
        timing: Timing,
        shared: &Shared,
        counters: &ThreadCounters,
        session: &Session,
        row: &'static Row,
        args: &Args<'_>,
    ) {
        if timing.alone {
            self.count_alone(shared, counters, session, row, args);
        } else if self.pending.len() >= PENDING_MAX {
            self.settle(shared, counters, session);
        }
    }

    /// To be called when the turn is over: what follows is not these commands' time.
    #[inline]
    pub fn end(&mut self, shared: &Shared, counters: &ThreadCounters, session: &Session) {
        if !self.pending.is_empty() {
            self.settle(shared, counters, session);
        }
        self.running = false;
    }

    /// When the clock was last read, in monotonic nanoseconds.
    #[inline]
    pub fn last_ns(&self) -> u64 {
        self.last_ns
    }

    fn count_alone(
        &mut self,
        shared: &Shared,
        counters: &ThreadCounters,
        session: &Session,
        row: &'static Row,
        args: &Args<'_>,
    ) {
        let spent_ns = self.lap(shared);
        counters.by_command[row.id()].record(spent_ns, 1);
        if self.is_slow(spent_ns) && !row.flags.contains(Flags::SECRET) {
            shared.slowlog.add(shared, session, spent_ns / 1000, slowlog::shorten(args));
        }
        self.note_event(shared, if row.flags.contains(Flags::FAST) { "fast-command" } else { "command" }, spent_ns);
    }

    /// Reads the clock, and divides the time since the last reading among the quick commands since then.
    fn settle(&mut self, shared: &Shared, counters: &ThreadCounters, session: &Session) {
        let spent_ns = self.lap(shared);
        let count: u64 = self.pending.iter().map(|(_, count)| u64::from(*count)).sum();
        if count == 0 {
            return;
        }
        for (id, times) in self.pending.drain(..) {
            counters.by_command[usize::from(id)].record(spent_ns / count, u64::from(times));
        }
        if self.is_slow(spent_ns) {
            shared.slowlog.add(shared, session, spent_ns / 1000, self.first.words(count - 1));
        }
        self.note_event(shared, "fast-command", spent_ns);
    }

    #[inline]
    fn is_slow(&self, spent_ns: u64) -> bool {
        self.slow_us >= 0 && spent_ns / 1000 >= self.slow_us as u64
    }

    /// Nanoseconds since the clock was last read.
    fn lap(&mut self, shared: &Shared) -> u64 {
        let now_ns = shared.clock.monotonic_ns();
        let spent_ns = now_ns.saturating_sub(self.last_ns);
        self.begin(now_ns);
        spent_ns
    }

    fn note_event(&self, shared: &Shared, event: &'static str, spent_ns: u64) {
        let spent_ms = spent_ns / 1_000_000;
        if self.event_ms > 0 && spent_ms >= self.event_ms as u64 {
            shared.latency.note(event, shared.clock.now_ms() / 1000, spent_ms);
        }
    }

    #[inline]
    fn refresh(&mut self, shared: &Shared) {
        if self.version != shared.config_version() {
            self.read_settings(shared);
        }
    }

    #[cold]
    fn read_settings(&mut self, shared: &Shared) {
        self.version = shared.config_version();
        let config: &Config = &shared.config();
        self.slow_us = config.slowlog_log_slower_than;
        self.event_ms = config.latency_monitor_threshold;
        self.exact = (0..EXACT_BELOW_US).contains(&self.slow_us);
    }
}
