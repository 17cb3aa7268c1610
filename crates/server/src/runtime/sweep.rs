//! What is overdue: every connection is looked at once a second, a tenth of them every tenth of a second.
//!
//! No timer per connection: with 10,000 of them a look costs a thread 0.05 ms ten times a second, and arming a timer per
//! request would cost every request. So a time-out fires up to a second late.

use super::worker::Worker;
use crate::connection::Overdue;

/// How often a part is looked at.
const STEP_MS: u64 = 100;
/// How many parts there are.
const STEPS: usize = 10;

/// Where the sweep stands.
#[derive(Default, Debug)]
pub(super) struct Sweep {
    /// When the next part is due, on the monotonic clock.
    pub next_ms: u64,
    place: usize,
}

impl Worker {
    /// Looks at the part that is due.
    pub(super) fn sweep(&mut self) {
        self.resume_listening();
        if self.now_ms < self.sweep.next_ms {
            return;
        }
        self.sweep.next_ms = self.now_ms + STEP_MS;
        let places = self.connections.places();
        if self.sweep.place >= places || places <= SMALL {
            self.sweep.place = 0;
        }
        let end = places.min(self.sweep.place + places.div_ceil(STEPS).max(SMALL));
        for number in self.sweep.place..end {
            let Some(connection) = self.connections.at(number) else { continue };
            let Some(reason) = connection.overdue(self.now_ms, &self.limits) else { continue };
            match reason {
                Overdue::TimedOut => self.counters().timed_out.add(1),
                Overdue::Output => self.counters().dropped_output.add(1),
                Overdue::Messages => self.counters().dropped_subscribers.add(1),
                Overdue::Lingered => {}
            }
            if let Some(mut connection) = self.connections.lend(connection.token) {
                if reason == Overdue::Lingered && connection.lingers_on(self.now_ms, &self.limits) {
                    self.connections.give_back(connection);
                } else {
                    self.close(connection);
                }
            }
        }
        self.sweep.place = end;
    }
}

/// So few are looked at each time, however few there are: then time-outs fire within a step.
const SMALL: usize = 256;
