//! Processor time.

use super::{Facts, Lines};

pub(super) fn cpu(facts: &Facts<'_>, lines: &mut Lines) {
    lines.put("used_cpu_sys", format_args!("{:.6}", facts.usage.system_s));
    lines.put("used_cpu_user", format_args!("{:.6}", facts.usage.user_s));
    lines.put("used_cpu_sys_children", "0.000000");
    lines.put("used_cpu_user_children", "0.000000");
    lines.put("used_cpu_sys_main_thread", format_args!("{:.6}", facts.usage.system_s));
    lines.put("used_cpu_user_main_thread", format_args!("{:.6}", facts.usage.user_s));
}
