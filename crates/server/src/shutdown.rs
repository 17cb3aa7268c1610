//! The end of a node: asked for once, by a signal's handler, by `SHUTDOWN` or by whoever started the node; then awaited.
//!
//! ```text
//! ask -> listeners close -> requests that have arrived are answered -> answers are sent (at most `drain`) -> threads end
//! ```

use parking_lot::{Condvar, Mutex};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Whether the node is to stop, and whether it has.
#[derive(Default, Debug)]
pub struct Shutdown {
    drain: OnceLock<Duration>,
    running_threads: Mutex<usize>,
    thread_ended: Condvar,
}

impl Shutdown {
    /// How long answers may still be delivered, if somebody asked for the end.
    #[inline]
    pub fn asked(&self) -> Option<Duration> {
        self.drain.get().copied()
    }

    pub(crate) fn ask(&self, drain: Duration) {
        // Whoever asked first set the time.
        let _ = self.drain.set(drain);
    }

    pub(crate) fn thread_starts(&self) {
        *self.running_threads.lock() += 1;
    }

    pub(crate) fn thread_ends(&self) {
        *self.running_threads.lock() -= 1;
        self.thread_ended.notify_all();
    }

    /// Waits until every network thread has ended, at most `timeout`; whether they have.
    pub fn wait(&self, timeout: Option<Duration>) -> bool {
        let deadline = timeout.map(|timeout| Instant::now() + timeout);
        let mut running = self.running_threads.lock();
        while *running > 0 {
            match deadline {
                None => self.thread_ended.wait(&mut running),
                Some(deadline) => {
                    if self.thread_ended.wait_until(&mut running, deadline).timed_out() {
                        return *running == 0;
                    }
                }
            }
        }
        true
    }
}
