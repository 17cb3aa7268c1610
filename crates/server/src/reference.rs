//! The files that are made from tables: settings, commands, metrics. Nobody edits them by hand; a test fails while one is
//! stale, and `cargo run --release -p scrubjay-server --example reference` writes them anew.

use crate::config::reference as settings;
use crate::exposition;
use scrubjay_command::{Row, index};
use std::fmt::Write;

/// Every generated file: its path from the repository's root, and its text.
pub fn files() -> Vec<(&'static str, String)> {
    vec![
        ("config/scrubjay.toml", settings::sample_file()),
        ("docs/reference/settings.md", settings::settings_page()),
        ("docs/reference/commands.md", commands_page()),
        ("docs/reference/metrics.md", exposition::metrics_page()),
    ]
}

/// `docs/reference/commands.md`.
fn commands_page() -> String {
    let mut page = String::from(
        "# Commands\n\n\
         <!-- Generated from the table in crates/command/src: change it there, then run `make docs`. -->\n\n\
         The commands of the Redis protocol that this version knows, by group; replies and errors are those of Redis. \
         *Since* is the version of Redis that has the command in this form.\n\n\
         ## How time is attributed\n\n\
         `SLOWLOG`, `LATENCY` and the statistics of `INFO` measure what the server itself took, without the network. \
         Commands of constant time that arrive together in one pipeline share the time of their group evenly; a command \
         that arrives alone, or that may take long by itself, is measured exactly. With \
         `slowlog-log-slower-than` below 1000 every command is. A group of quick commands that together took as long as that \
         setting stands in the slow log as one entry, under the first of them.\n",
    );
    let mut groups = Vec::new();
    for row in index::rows() {
        if !groups.contains(&row.group) {
            groups.push(row.group);
        }
    }
    for group in groups {
        let _ = writeln!(page, "\n## {}{}\n", group.name()[..1].to_ascii_uppercase(), &group.name()[1..]);
        page.push_str("| Command | What it does | Cost | Since |\n|---|---|---|---|\n");
        let mut rows: Vec<&'static Row> = index::rows().filter(|row| row.group == group).collect();
        rows.sort_by_key(|row| row.name);
        for row in rows {
            if row.usage.is_empty() && !row.subcommands.is_empty() && row.arity < -1 {
                row.subcommands
                    .iter()
                    .for_each(|sub| command_line(&mut page, &format!("{} {}", row.name, sub.name), sub));
            } else {
                command_line(&mut page, row.name, row);
                row.subcommands
                    .iter()
                    .for_each(|sub| command_line(&mut page, &format!("{} {}", row.name, sub.name), sub));
            }
        }
    }
    page
}

fn command_line(page: &mut String, name: &str, row: &Row) {
    let usage = format!("{name} {}", row.usage).trim_end().replace('|', "\\|");
    let _ = writeln!(page, "| `{usage}` | {} | {} | {} |", row.summary, row.complexity, row.since);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn every_command_and_subcommand_is_in_the_page() {
        let page = commands_page();
        for (row, container) in index::all_rows().filter(|(row, _)| row.subcommands.is_empty()) {
            let name = container.map_or(row.name.to_owned(), |container| format!("{} {}", container.name, row.name));
            assert!(page.contains(&format!("| `{name}")), "{name}");
        }
    }

    #[test]
    fn generated_files_are_fresh() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        for (path, text) in files() {
            let found = std::fs::read_to_string(root.join(path)).unwrap_or_default();
            assert!(found == text, "{path} is stale: cargo run --release -p scrubjay-server --example reference");
        }
    }
}
