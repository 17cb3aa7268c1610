//! The thread that removes what is due, shrinks to a lowered limit and gives memory back, while nobody asks anything.

use crate::engine::Engine;
use crate::fork;
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long one turn works before it lets others have the locks.
const TURN_US: u64 = 500;
/// The longest pause: an entry written meanwhile is removed at most this much after its deadline (and not returned in
/// between, because every read checks).
const PAUSE_MS_MAX: u64 = 100;

/// The running thread. Dropping stops it and waits for it, at most for one turn.
pub struct Upkeep {
    stop: Arc<Stop>,
    thread: Option<JoinHandle<()>>,
    generation: u32,
}

#[derive(Default)]
struct Stop {
    stopped: Mutex<bool>,
    changed: Condvar,
}

impl Upkeep {
    /// Starts the thread. It does not keep `engine` alive. `None` if the machine has no thread to give: expiry then
    /// happens on access and under memory pressure only.
    pub fn start(engine: &Arc<Engine>) -> Option<Upkeep> {
        let stop = Arc::new(Stop::default());
        let (engine, theirs) = (Arc::downgrade(engine), stop.clone());
        let thread = std::thread::Builder::new()
            .name("scrubjay-upkeep".into())
            .stack_size(256 << 10)
            .spawn(move || run(&engine, &theirs))
            .ok()?;
        Some(Upkeep { stop, thread: Some(thread), generation: fork::generation() })
    }
}

impl Drop for Upkeep {
    fn drop(&mut self) {
        let thread = self.thread.take();
        if self.generation != fork::generation() {
            // The thread stayed in the parent; so may have whoever held the lock.
            std::mem::forget(thread);
            return;
        }
        *self.stop.stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.stop.changed.notify_one();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}

fn run(engine: &Weak<Engine>, stop: &Stop) {
    loop {
        let pause_ms = {
            let _inside = fork::gate(); // before the upgrade: a fork must not copy a count that nobody gives back
            let Some(engine) = engine.upgrade() else { return };
            let now_ms = engine.time.exact();
            engine.store.maintain(now_ms, TURN_US).saturating_sub(now_ms)
        };
        let stopped = stop.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        let pause = Duration::from_millis(pause_ms.clamp(1, PAUSE_MS_MAX));
        let waited = stop.changed.wait_timeout_while(stopped, pause, |stopped| !*stopped);
        if *waited.unwrap_or_else(PoisonError::into_inner).0 {
            return;
        }
    }
}
