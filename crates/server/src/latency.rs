//! Events that took long, by name, with when and how long: what `LATENCY LATEST`, `HISTORY`, `GRAPH` and `DOCTOR` show.
//!
//! An event is remembered if it took at least `latency-monitor-threshold` milliseconds: a `command`, a `fast-command` (or a
//! group of them), the store's `housekeeping`. How long every command takes is elsewhere: each thread's counters have a histogram
//! for each command.

use parking_lot::Mutex;
use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write;

/// Seconds that are remembered of each event: as in Redis.
const SAMPLES_MAX: usize = 160;

/// The events.
#[derive(Debug, Default)]
pub struct Latency {
    events: Mutex<BTreeMap<&'static str, Event>>,
}

/// What is remembered of an event.
#[derive(Clone, Debug, Default)]
pub struct Event {
    /// The longest in each second that had any, the oldest first.
    pub samples: VecDeque<Sample>,
    /// The longest ever, in milliseconds.
    pub longest_ms: u64,
}

/// The longest occurrence within one second.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sample {
    /// The second, in Unix time.
    pub unix_s: u64,
    /// How long it took, in milliseconds.
    pub spent_ms: u64,
}

impl Event {
    /// The latest sample.
    pub fn latest(&self) -> Option<Sample> {
        self.samples.back().copied()
    }
}

impl Latency {
    /// Remembers that `event` took `spent_ms`. Whether that is long enough, the caller has decided.
    #[cold]
    pub fn note(&self, event: &'static str, unix_s: u64, spent_ms: u64) {
        let mut events = self.events.lock();
        let event = events.entry(event).or_default();
        event.longest_ms = event.longest_ms.max(spent_ms);
        match event.samples.back_mut() {
            Some(last) if last.unix_s == unix_s => last.spent_ms = last.spent_ms.max(spent_ms),
            _ => event.samples.push_back(Sample { unix_s, spent_ms }),
        }
        if event.samples.len() > SAMPLES_MAX {
            event.samples.pop_front();
        }
    }

    /// Every event, by name.
    pub fn events(&self) -> Vec<(&'static str, Event)> {
        self.events.lock().iter().map(|(name, event)| (*name, event.clone())).collect()
    }

    /// The event of this name, ASCII case ignored.
    pub fn event(&self, name: &[u8]) -> Option<(&'static str, Event)> {
        self.events().into_iter().find(|(known, _)| known.as_bytes().eq_ignore_ascii_case(name))
    }

    /// Forgets the event of this name; whether there was one.
    pub fn forget(&self, name: &[u8]) -> bool {
        self.event(name).is_some_and(|(known, _)| self.events.lock().remove(known).is_some())
    }

    /// Forgets all; how many there were.
    pub fn forget_all(&self) -> usize {
        std::mem::take(&mut *self.events.lock()).len()
    }
}

/// The event as a chart of characters, one column per sample, with the age of each sample below it.
pub fn graph(name: &str, event: &Event, now_s: u64) -> String {
    const ROWS: u64 = 4;
    let span = event.samples.iter().map(|sample| sample.spent_ms);
    let (low, high) = (span.clone().min().unwrap_or(0), span.max().unwrap_or(0));
    let mut text = format!("{name} - high {high} ms, low {low} ms (all time high {} ms)\n", event.longest_ms);
    let width = event.samples.len().max(40);
    let _ = writeln!(text, "{}", "-".repeat(width));
    for row in (0..ROWS).rev() {
        let line: String = event
            .samples
            .iter()
            .map(|sample| {
                let height = (sample.spent_ms - low) * (ROWS * 2 - 1) / (high - low).max(1);
                match height.checked_sub(row * 2) {
                    None if row == 0 => '_',
                    None => ' ',
                    Some(0) => '_',
                    Some(1) => 'o',
                    Some(_) => '|',
                }
            })
            .collect();
        let _ = writeln!(text, "{}", line.trim_end());
    }
    let ages: Vec<String> = event.samples.iter().map(|sample| age(now_s.saturating_sub(sample.unix_s))).collect();
    for row in 0..ages.iter().map(String::len).max().unwrap_or(0) {
        let line: String = ages.iter().map(|age| age.chars().nth(row).unwrap_or(' ')).collect();
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

/// A number of seconds in its largest unit: `5s`, `3m`, `2h`, `9d`.
fn age(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86_400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_of_a_second_is_kept_and_the_oldest_seconds_go() {
        let latency = Latency::default();
        for unix_s in 0..200 {
            latency.note("command", unix_s, 5);
            latency.note("command", unix_s, 9);
            latency.note("command", unix_s, 7);
        }
        let (_, event) = latency.event(b"COMMAND").unwrap();
        assert_eq!(event.samples.len(), SAMPLES_MAX);
        assert_eq!(
            (event.samples[0], event.latest()),
            (Sample { unix_s: 40, spent_ms: 9 }, Some(Sample { unix_s: 199, spent_ms: 9 }))
        );
        assert!(latency.forget(b"command") && !latency.forget(b"command"));
        assert_eq!(latency.forget_all(), 0);
    }

    #[test]
    fn the_graph_has_a_column_for_each_sample() {
        let latency = Latency::default();
        for (unix_s, spent_ms) in [(10, 10), (40, 80), (100, 40)] {
            latency.note("command", unix_s, spent_ms);
        }
        let text = graph("command", &latency.event(b"command").unwrap().1, 100);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "command - high 80 ms, low 10 ms (all time high 80 ms)");
        assert_eq!(lines[2..6], [" o", " |", " |o", "_||"]);
        assert_eq!(lines[6..], ["110", "mms"]);
    }
}
