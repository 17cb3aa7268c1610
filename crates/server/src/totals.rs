//! What all threads counted together, since the start or since `CONFIG RESETSTAT`.
//!
//! Counters belong to their threads and only go up, so nobody sets them back: a reset remembers the sums, and from then on
//! they are subtracted.

use crate::counters::{ERROR_CODES, ThreadCounters};
use parking_lot::Mutex;
use scrubjay_command::index;
use scrubjay_metrics::Snapshot;

/// What one command did.
#[derive(Clone, Default, Debug)]
pub struct CommandTotals {
    /// Times it ran, failures included.
    pub calls: u64,
    /// Times it was refused before it ran.
    pub rejected: u64,
    /// Times it ran and answered an error.
    pub failed: u64,
    /// How long it took, in nanoseconds; `None`: it never ran.
    pub latency: Option<Snapshot>,
}

macro_rules! totals {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Sums over the threads.
        #[derive(Clone, Default, Debug)]
        pub struct Totals {
            $($(#[$doc])* pub $name: u64,)*
            /// Errors answered, by [`ERROR_CODES`].
            pub errors_by_code: [u64; ERROR_CODES.len()],
            /// By command, indexed by `Row::id`.
            pub by_command: Vec<CommandTotals>,
        }

        impl Totals {
            fn add(&mut self, thread: &ThreadCounters) {
                $(self.$name += thread.$name.get();)*
                for (sum, counter) in self.errors_by_code.iter_mut().zip(&thread.errors_by_code) {
                    *sum += counter.get();
                }
                for (sum, counters) in self.by_command.iter_mut().zip(&thread.by_command) {
                    sum.calls += counters.calls.get();
                    sum.rejected += counters.rejected.get();
                    sum.failed += counters.failed.get();
                    if let Some(latency) = counters.latency() {
                        latency.merge_into(sum.latency.get_or_insert_default());
                    }
                }
            }

            fn subtract(&mut self, earlier: &Totals) {
                $(self.$name -= earlier.$name;)*
                for (sum, before) in self.errors_by_code.iter_mut().zip(&earlier.errors_by_code) {
                    *sum -= before;
                }
                for (sum, before) in self.by_command.iter_mut().zip(&earlier.by_command) {
                    sum.calls -= before.calls;
                    sum.rejected -= before.rejected;
                    sum.failed -= before.failed;
                    if let (Some(latency), Some(before)) = (&sum.latency, &before.latency) {
                        let since = latency.since(before);
                        sum.latency = (since.count() > 0).then_some(since);
                    }
                }
            }
        }
    };
}

totals! {
    /// Commands run.
    commands,
    /// Errors answered.
    errors,
    /// Bytes read from clients.
    bytes_in,
    /// Bytes written to clients.
    bytes_out,
    /// Times that answers were written to a client.
    writes,
    /// Connections accepted.
    connections,
    /// Connections refused because there were too many.
    connections_refused,
    /// Clients dropped because they did not read their answers.
    dropped_output,
    /// Subscribers dropped because they did not read their messages.
    dropped_subscribers,
    /// Messages that were published and that somebody listened to.
    published,
    /// Messages and invalidations that were put into clients' buffers.
    pushed,
    /// Clients dropped because all clients' buffers together took too much memory.
    dropped_memory,
    /// Clients closed by a time-out.
    timed_out,
    /// Connections closed after malformed input.
    protocol_errors,
    /// Connections closed because they spoke HTTP to another door.
    wrong_door,
    /// Commands that failed from within: bugs.
    panics,
    /// Turns that connections had: one serves everything that one read brought.
    turns,
}

/// The sums at the last reset.
#[derive(Debug, Default)]
pub struct Baseline(Mutex<Totals>);

impl Baseline {
    /// Everything counted since the last reset.
    pub fn totals(&self, threads: &[ThreadCounters]) -> Totals {
        let before = self.0.lock();
        let mut totals = sum(threads);
        totals.subtract(&before);
        totals
    }

    /// Counts from zero again.
    pub fn reset(&self, threads: &[ThreadCounters]) {
        *self.0.lock() = sum(threads);
    }
}

fn sum(threads: &[ThreadCounters]) -> Totals {
    let mut totals = Totals { by_command: vec![CommandTotals::default(); index::row_count()], ..Totals::default() };
    threads.iter().for_each(|thread| totals.add(thread));
    totals
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_reset_counting_starts_at_zero_and_the_counters_go_on() {
        let threads = [ThreadCounters::new(), ThreadCounters::new()];
        let baseline = Baseline::default();
        threads[0].commands.add(5);
        threads[1].commands.add(7);
        threads[1].by_command[0].calls.add(1);
        threads[1].by_command[0].record(1000, 1);
        let totals = baseline.totals(&threads);
        assert_eq!((totals.commands, totals.by_command[0].calls), (12, 1));
        assert_eq!(totals.by_command[0].latency.as_ref().map(Snapshot::count), Some(1));
        baseline.reset(&threads);
        threads[0].commands.add(3);
        let totals = baseline.totals(&threads);
        assert_eq!((totals.commands, totals.by_command[0].calls), (3, 0));
        assert!(totals.by_command[0].latency.is_none());
        assert_eq!(threads[0].commands.get(), 8);
    }
}
