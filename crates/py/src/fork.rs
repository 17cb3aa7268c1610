//! A cache lives through `fork()`: parent and child go on with a copy each.
//!
//! A fork copies memory as it is at that moment but only the thread that called it. A lock held by another thread would
//! stay locked in the child for ever. Threads that hold the GIL cannot be inside the store then, because the forking
//! thread holds it; the others (upkeep, batches that released the GIL) enter through [`gate`], which a fork closes and
//! waits to be empty. The child counts a new [`generation`], by which each cache notices that its upkeep thread stayed
//! behind, and starts another.
//!
//! The gate is one atomic number and not a lock from a library: those keep lists of waiters, which a fork copies too.

use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;

/// How many are inside; `CLOSED` is added while a fork is under way.
static GATE: AtomicU32 = AtomicU32::new(0);
static GENERATION: AtomicU32 = AtomicU32::new(0);

const CLOSED: u32 = 1 << 31;

/// How many forks lie between this process and the one that loaded the module.
#[inline]
pub fn generation() -> u32 {
    GENERATION.load(std::sync::atomic::Ordering::Relaxed)
}

/// Being inside the gate: dropped to leave.
pub struct Inside(());

/// Enters; waits while a fork is under way. Whoever holds the GIL need not and, to let forks pass, must not.
pub fn gate() -> Inside {
    while GATE.fetch_add(1, SeqCst) & CLOSED != 0 {
        GATE.fetch_sub(1, SeqCst);
        std::thread::sleep(Duration::from_micros(50)); // a fork takes some 100 us to 10 ms
    }
    Inside(())
}

impl Drop for Inside {
    fn drop(&mut self) {
        GATE.fetch_sub(1, SeqCst);
    }
}

extern "C" fn before_fork() {
    GATE.fetch_or(CLOSED, SeqCst);
    while GATE.load(SeqCst) != CLOSED {
        std::thread::yield_now();
    }
}

extern "C" fn after_fork_in_parent() {
    GATE.fetch_and(!CLOSED, SeqCst);
}

extern "C" fn after_fork_in_child() {
    GATE.store(0, SeqCst);
    GENERATION.fetch_add(1, SeqCst);
}

/// Has the three functions called around every fork of this process. Called once, when the module is loaded.
pub fn install() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    // SAFETY: the functions touch two atomics and nothing else, and the module is never unloaded.
    ONCE.call_once(|| unsafe {
        libc::pthread_atfork(Some(before_fork), Some(after_fork_in_parent), Some(after_fork_in_child));
    });
}
