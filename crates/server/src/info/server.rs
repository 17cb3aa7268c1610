//! The program and the machine.

use super::{Facts, Lines, REDIS_VERSION};
use crate::process;

pub(super) fn server(facts: &Facts<'_>, lines: &mut Lines) {
    let config = facts.shared.config();
    lines.put("redis_version", REDIS_VERSION);
    lines.put("server_name", "scrubjay");
    lines.put("redis_git_sha1", "00000000");
    lines.put("redis_git_dirty", 0);
    lines.put("redis_build_id", env!("CARGO_PKG_VERSION"));
    lines.put("redis_mode", "standalone");
    lines.put("os", process::system());
    lines.put("arch_bits", usize::BITS);
    lines.put("monotonic_clock", "POSIX clock_gettime");
    lines.put("multiplexing_api", "epoll");
    lines.put("atomicvar_api", "rust-core");
    lines.put("gcc_version", "0.0.0");
    lines.put("process_id", std::process::id());
    lines.put("process_supervised", "no");
    lines.put("run_id", &facts.shared.run_id);
    lines.put("tcp_port", config.port);
    lines.put("server_time_usec", facts.now_ms * 1000);
    lines.put("uptime_in_seconds", facts.uptime_s);
    lines.put("uptime_in_days", facts.uptime_s / 86_400);
    lines.put("hz", 10);
    lines.put("configured_hz", 10);
    // Seconds, cut to the 24 bits in which Redis keeps them.
    lines.put("lru_clock", (facts.now_ms / 1000) & 0xFF_FFFF);
    lines.put("executable", process::executable());
    lines.put("config_file", config.config.as_deref().map(|path| path.display().to_string()).unwrap_or_default());
    lines.put("io_threads_active", u8::from(facts.shared.counters.len() > 1));
    lines.put(
        "listener0",
        format_args!(
            "name=tcp,bind={},port={}",
            config.bind.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
            config.port
        ),
    );
}
