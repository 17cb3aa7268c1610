//! CPU time from `/proc`, in nanoseconds.
//!
//! `schedstat`'s first number is the scheduler's own account of a thread's time on a core. The ticks of `stat` are
//! sampled at 100 Hz and charge a server that works in bursts shorter than a tick to whoever is running then.

use std::fs;

/// CPU time that all threads of `pid` have used; `None` when the process is gone, not ours to read, or `pid` is 0.
pub(crate) fn process_cpu_ns(pid: u32) -> Option<u64> {
    if pid == 0 {
        return None;
    }
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    // A thread that ends between the listing and the reading takes its time with it; that is within the noise.
    Some(tasks.flatten().filter_map(|task| on_cpu_ns(&task.path().join("schedstat"))).sum())
}

/// CPU time that the calling thread has used; 0 where `/proc` is not mounted.
pub(crate) fn thread_cpu_ns() -> u64 {
    on_cpu_ns("/proc/thread-self/schedstat".as_ref()).unwrap_or(0)
}

fn on_cpu_ns(path: &std::path::Path) -> Option<u64> {
    fs::read_to_string(path).ok()?.split_ascii_whitespace().next()?.parse().ok()
}
