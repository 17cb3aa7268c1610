//! How much memory this process may use: the machine's, or less where a control group (a container) sets a limit.
//!
//! Version 2 of control groups has one tree under `/sys/fs/cgroup`, and every group on the way up from ours may set
//! `memory.max`; version 1 keeps memory in a tree of its own (`memory.limit_in_bytes`). Inside a container either tree
//! usually shows the container's own group at the top, so the top is always looked at too.
//! Source: <https://docs.kernel.org/admin-guide/cgroup-v2.html> and cgroup-v1/memory.

use std::fs;
use std::path::{Path, PathBuf};

/// Bytes of memory that this process may use; `None` if the machine does not say.
pub fn memory_bytes() -> Option<u64> {
    memory_bytes_under(Path::new("/"))
}

/// As [`memory_bytes`], on a file system whose root is `root`.
fn memory_bytes_under(root: &Path) -> Option<u64> {
    let physical = fs::read_to_string(root.join("proc/meminfo")).ok().and_then(|text| total_of_meminfo(&text));
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    let limits = limit_files(&groups).into_iter().filter_map(|file| {
        // "max" is no number and no limit; version 1 writes a huge number instead, which loses against the machine's.
        fs::read_to_string(root.join(file)).ok()?.trim().parse::<u64>().ok().filter(|&limit| limit > 0)
    });
    limits.chain(physical).min()
}

fn total_of_meminfo(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? << 10)
}

/// The files that may limit us, from `/proc/self/cgroup`, whose lines are `number:controllers:path`.
fn limit_files(groups: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for line in groups.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else { continue };
        let (tree, names): (&str, &[&str]) = if controllers.is_empty() {
            ("sys/fs/cgroup", &["memory.max", "memory.high"])
        } else if controllers.split(',').any(|controller| controller == "memory") {
            ("sys/fs/cgroup/memory", &["memory.limit_in_bytes"])
        } else {
            continue;
        };
        for group in Path::new(path.trim_start_matches('/')).ancestors() {
            files.extend(names.iter().map(|name| Path::new(tree).join(group).join(name)));
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file system of some files, removed when it goes out of scope.
    struct Root(PathBuf);

    impl Root {
        fn with(name: &str, files: &[(&str, &str)]) -> Root {
            let root = std::env::temp_dir().join(format!("scrubjay-machine-{name}-{}", std::process::id()));
            for (path, text) in files {
                let path = root.join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            Root(root)
        }
    }

    impl Drop for Root {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    const MEMINFO: (&str, &str) = ("proc/meminfo", "MemTotal:        8388608 kB\nMemFree:  1 kB\n");

    #[test]
    fn without_a_limit_it_is_the_machines_memory() {
        let root =
            Root::with("bare", &[MEMINFO, ("proc/self/cgroup", "0::/\n"), ("sys/fs/cgroup/memory.max", "max\n")]);
        assert_eq!(memory_bytes_under(&root.0), Some(8 << 30));
    }

    #[test]
    fn the_tightest_group_on_the_way_up_counts() {
        let root = Root::with(
            "v2",
            &[
                MEMINFO,
                ("proc/self/cgroup", "0::/a/b\n"),
                ("sys/fs/cgroup/a/memory.max", "1073741824\n"),
                ("sys/fs/cgroup/a/b/memory.max", "max\n"),
            ],
        );
        assert_eq!(memory_bytes_under(&root.0), Some(1 << 30));
    }

    #[test]
    fn version_1_is_read_too_and_its_unlimited_is_no_limit() {
        let limit = "sys/fs/cgroup/memory/memory.limit_in_bytes";
        let groups = ("proc/self/cgroup", "5:cpu,cpuacct:/docker/x\n4:memory:/docker/x\n");
        let root = Root::with("v1", &[MEMINFO, groups, (limit, "536870912\n")]);
        assert_eq!(memory_bytes_under(&root.0), Some(512 << 20));
        let root = Root::with("v1-unlimited", &[MEMINFO, groups, (limit, "9223372036854771712\n")]);
        assert_eq!(memory_bytes_under(&root.0), Some(8 << 30));
    }

    #[test]
    fn a_machine_that_says_nothing_is_unknown() {
        assert_eq!(memory_bytes_under(Path::new("/nonexistent")), None);
    }
}
