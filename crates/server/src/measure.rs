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
//! Noting a quick command costs 3 ns, of the 30 that a `PING` in a pipeline of 64 costs without the kernel
//! (`examples/turns.rs`, with and without).
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
use scrubjay_command::Args;
use scrubjay_command::table::{Flags, Row};

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
    /// The command's [`Row::id`].
    pub id: usize,
    alone: bool,
}

impl Meter {
    /// A turn begins, at `now_ns` on the monotonic clock.
    #[inline]
    pub fn begin(&mut self, now_ns: u64) {
        self.last_ns = now_ns;
        self.running = true;
    }

    /// To be called before a command of `row` runs.
    #[inline]
    pub fn before(
        &mut self,
        shared: &Shared,
        counters: &ThreadCounters,
        session: &Session,
        row: &'static Row,
        args: &Args<'_>,
    ) -> Timing {
        self.refresh(shared);
        let id = row.id();
        let alone = !is_quick(row) || args.len() > ARGS_QUICK_MAX || self.exact;
        if alone {
            self.settle(shared, counters, session);
        } else {
            self.note(shared, id, || slowlog::Brief::of(args));
        }
        Timing { id, alone }
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
        // Nearly always the threshold is 0, which remembers nothing: then no look at the settings.
        if self.event_ms > 0 {
            shared.note_event(event, spent_ns);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, Node};
    use scrubjay_command::{Span, index};
    use scrubjay_metrics::Snapshot;

    /// A client whose commands take as long as the test says.
    struct Timed {
        node: Node,
        session: Session,
        meter: Meter,
    }

    impl Timed {
        fn new(slow_us: i64) -> Timed {
            let config =
                Config { slowlog_log_slower_than: slow_us, latency_monitor_threshold: 10, ..Config::default() };
            let node = testing::node(config);
            let session = testing::session(&node.shared, 1000);
            Timed { node, session, meter: Meter::default() }
        }

        /// Runs a command of a name and a key for `ms`.
        fn run(&mut self, name: &str, ms: u64) {
            let spans = [(0, name.len()), (name.len(), 1)]
                .map(|(start, length)| Span { start: start as u32, length: length as u32 });
            let words = format!("{name}k");
            let args = Args::new(words.as_bytes(), &spans);
            let row = index::find(name.as_bytes()).expect(name);
            let (shared, session) = (&self.node.shared, &self.session);
            let timing = self.meter.before(shared, &shared.counters[0], session, row, &args);
            self.node.clock.advance_ms(ms);
            self.meter.after(timing, shared, &shared.counters[0], session, row, &args);
        }

        fn end(&mut self) {
            self.meter.end(&self.node.shared, &self.node.shared.counters[0], &self.session);
        }

        /// How often a command was counted, and the milliseconds that it took altogether.
        fn counted(&self, name: &str) -> (u64, u64) {
            let row = index::find(name.as_bytes()).expect(name);
            let mut snapshot = Snapshot::new();
            if let Some(latency) = self.node.shared.counters[0].by_command[row.id()].latency() {
                latency.merge_into(&mut snapshot);
            }
            (snapshot.count(), snapshot.sum() / 1_000_000)
        }
    }

    #[test]
    fn quick_commands_share_their_time_and_what_may_take_long_has_its_own() {
        let mut timed = Timed::new(1_000_000);
        for (name, ms) in [("GET", 1), ("GET", 3), ("SET", 2), ("KEYS", 50), ("GET", 7)] {
            timed.run(name, ms);
        }
        timed.end();
        assert_eq!(timed.counted("GET"), (3, 2 + 2 + 7));
        assert_eq!((timed.counted("SET"), timed.counted("KEYS")), ((1, 2), (1, 50)));
        timed.node.clock.advance_ms(1000);
        timed.run("GET", 1);
        timed.end();
        assert_eq!(timed.counted("GET"), (4, 12), "what passes between turns is nobody's");
    }

    #[test]
    fn a_slow_group_stands_in_the_slow_log_under_its_first_command() {
        let mut timed = Timed::new(10_000);
        for ms in [6, 6, 6] {
            timed.run("GET", ms);
        }
        timed.run("KEYS", 20);
        timed.run("KEYS", 9);
        timed.end();
        let entries = timed.node.shared.slowlog.latest(10);
        let shown: Vec<(u64, String)> = entries
            .iter()
            .map(|entry| (entry.spent_us, String::from_utf8_lossy(&entry.args.join(&b' ')).into_owned()))
            .collect();
        let group = "GET k ... (2 more commands in the pipeline)".to_owned();
        assert_eq!(shown, [(20_000, "KEYS k".to_owned()), (18_000, group)]);
        let events: Vec<&str> = timed.node.shared.latency.events().iter().map(|(name, _)| *name).collect();
        assert_eq!(events, ["command", "fast-command"]);
    }

    #[test]
    fn who_asks_for_less_than_a_millisecond_gets_every_command_exactly() {
        let mut timed = Timed::new(0);
        timed.run("GET", 1);
        timed.run("GET", 3);
        timed.end();
        let spent: Vec<u64> = timed.node.shared.slowlog.latest(10).iter().map(|entry| entry.spent_us).collect();
        assert_eq!(spent, [3000, 1000]);
        timed.run("AUTH", 5);
        assert_eq!(timed.node.shared.slowlog.len(), 2, "what holds a secret is never shown");
    }
}
