//! What the operating system says about this process: memory, processor time, its own file.

use std::fs;

/// Clock ticks per second in `/proc`: 100 on every Linux, whatever the kernel's own rate (`USER_HZ`).
const TICKS_PER_SECOND: f64 = 100.0;

/// What the process used so far.
#[derive(Clone, Copy, Default, Debug)]
pub struct Usage {
    /// Bytes of physical memory now.
    pub resident_bytes: u64,
    /// Seconds of processor time in the program.
    pub user_s: f64,
    /// Seconds of processor time in the kernel.
    pub system_s: f64,
}

/// Asks the system. Zero where it does not say.
pub fn usage() -> Usage {
    let statm = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let (user_s, system_s) = times(&stat).unwrap_or_default();
    Usage { resident_bytes: resident_pages(&statm).unwrap_or(0) * rustix::param::page_size() as u64, user_s, system_s }
}

fn resident_pages(statm: &str) -> Option<u64> {
    statm.split(' ').nth(1)?.parse().ok()
}

/// Seconds in the program and in the kernel. The second field is the program's name in parentheses and may hold spaces.
fn times(stat: &str) -> Option<(f64, f64)> {
    let mut fields = stat[stat.rfind(')')?..].split(' ').skip(12);
    let mut next = || fields.next()?.parse::<f64>().ok().map(|ticks| ticks / TICKS_PER_SECOND);
    Some((next()?, next()?))
}

/// The system's name, release and machine: `Linux 6.1.0 x86_64`.
pub fn system() -> String {
    let name = rustix::system::uname();
    [name.sysname(), name.release(), name.machine()].map(|part| part.to_string_lossy().into_owned()).join(" ")
}

/// The path of the running program; empty if the system does not say.
pub fn executable() -> String {
    std::env::current_exe().map(|path| path.display().to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_past_a_name_with_spaces_and_parentheses() {
        let stat = "42 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 250 50 13 14";
        assert_eq!(times(stat), Some((2.5, 0.5)));
        assert_eq!((times(""), resident_pages("100")), (None, None));
    }

    #[test]
    fn this_process_uses_memory() {
        assert!(usage().resident_bytes > 1 << 20);
    }
}
