//! The pages that are made from the table of settings. `cargo run --release -p scrubjay-server --example reference` writes
//! them; a test fails while they are stale.

use super::compat::{ALIASES, FIXED, INERT};
use super::namespace::{NAMESPACE_SETTINGS, NamespaceSetting};
use super::table::{Redis, Reload, SETTINGS};
use std::fmt::Write;

/// `docs/reference/settings.md`.
pub fn settings_page() -> String {
    let mut page = String::from(
        "# Settings\n\n\
         <!-- Generated from the table in crates/server/src/config/table.rs: change it there, then run `make docs`. -->\n\n\
         Each setting is a flag of `scrubjay serve`, an environment variable, and a key of the TOML file that `--config` \
         names. A flag wins over the environment, the environment over the file, the file over the default. \
         `scrubjay config show --origin` says which value is in force and where it came from.\n\n\
         Sizes are bytes or have a unit: `kb`, `mb`, `gb` are powers of 1024, `k`, `m`, `g` powers of 1000. \
         Durations are seconds, with fractions, or have a unit: `ms`, `s`, `m`, `h`, `d`.\n\n\
         A setting that is *live* can be changed with `CONFIG SET` under its own name or under Redis', several at once, all \
         or none; `CONFIG REWRITE` writes such changes back into the file. The others are read at start.\n",
    );
    let mut section = "";
    for setting in SETTINGS {
        if setting.section != section {
            section = setting.section;
            let _ = writeln!(page, "\n## {section}\n");
        }
        let default = if setting.default.is_empty() { "none".to_owned() } else { format!("`{}`", setting.default) };
        let reload = if setting.reload == Reload::Live { "live" } else { "at start" };
        let _ = writeln!(page, "### `--{}`\n\n{}\n", setting.name, setting.help);
        let _ = writeln!(page, "- Takes: {}. Default: {default}. Changes: {reload}.", setting.kind.describe());
        let _ = write!(page, "- Environment: `{}`.", setting.environment_name());
        match setting.redis.map(Redis::name) {
            Some(name) => {
                let before = ALIASES.iter().find(|(_, now)| *now == name);
                let before = before.map_or(String::new(), |(old, _)| format!(", before 7.0 `{old}`"));
                let _ = writeln!(page, " Redis: `{name}`{before}.\n");
            }
            None => page.push_str("\n\n"),
        }
    }
    page.push_str(
        "\n## Namespaces\n\n\
         Each [namespace](../guides/namespaces.md) is a table of the TOML file, `[namespaces.NAME]`: the name is 1 to 64 \
         letters, digits, `.`, `_` and `-` that are no number, or a number from 0 to 15. `JAY.NAMESPACE SET` and \
         `PUT /v1/namespaces/NAME` change them while the node runs, and `CONFIG REWRITE` writes them back.\n\n\
         | Key | `JAY.NAMESPACE SET` | JSON | Takes | Default | Meaning |\n|---|---|---|---|---|---|\n",
    );
    for setting in &NAMESPACE_SETTINGS {
        let NamespaceSetting { name, word, json, kind, default, help, .. } = setting;
        let _ = writeln!(page, "| `{name}` | `{word}` | `{json}` | {} | {default} | {help} |", kind.describe());
    }
    page.push_str(
        "\n## Redis parameters with one value\n\n\
         `CONFIG GET` shows them; `CONFIG SET` to anything else is refused.\n\n| Parameter | Value | Because |\n|---|---|---|\n",
    );
    for fixed in FIXED {
        let value = if fixed.value.is_empty() { "(empty)".to_owned() } else { format!("`{}`", fixed.value) };
        let _ = writeln!(page, "| `{}` | {value} | {} |", fixed.name, fixed.reason);
    }
    page.push_str(
        "\n## Redis parameters without effect\n\n\
         They tune machinery that Scrubjay does not have. `CONFIG SET` accepts any value and `CONFIG GET` shows it again, \
         so that programs which set them go on working; nothing changes.\n\n",
    );
    let names: Vec<String> = INERT.iter().map(|(name, _)| format!("`{name}`")).collect();
    let _ = writeln!(page, "{}", names.join(", "));
    page
}

/// What the sample file says of a namespace for queues, by the rows of their table.
const NAMESPACE_EXAMPLE: [&str; 4] = ["100mb", "noeviction", "0", "5000"];

/// `config/scrubjay.toml`: every setting with its default, commented out.
pub fn sample_file() -> String {
    let mut text = String::from(
        "# Scrubjay's settings, each with its default. Remove the '#' in front of a line to change it, then start with\n\
         # `scrubjay serve --config FILE`. docs/reference/settings.md explains sizes, durations and what wins over what.\n",
    );
    let mut section = "";
    for setting in SETTINGS.iter().filter(|setting| setting.name != "config") {
        if setting.section != section {
            section = setting.section;
            let _ = write!(text, "\n# ---- {section} ----\n");
        }
        let quote = if setting.kind.quoted_in_toml() { "\"" } else { "" };
        let _ = write!(text, "\n# {} ({})\n", setting.help, setting.kind.describe());
        let _ = writeln!(text, "# {} = {quote}{}{quote}", setting.name, setting.default);
    }
    text.push_str(
        "\n# ---- Namespaces ----\n\n\
         # Each has a table of its own behind everything above; what is left out is as for the node, or no limit.\n\
         # [namespaces.jobs]\n",
    );
    for (setting, example) in NAMESPACE_SETTINGS.iter().zip(NAMESPACE_EXAMPLE) {
        let quote = if setting.kind.quoted_in_toml() { "\"" } else { "" };
        let _ = write!(text, "\n# {} ({})\n", setting.help, setting.kind.describe());
        let _ = writeln!(text, "# {} = {quote}{example}{quote}", setting.name);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{file, resolve};

    #[test]
    fn every_setting_stands_in_the_page_and_in_the_sample_file() {
        let (page, sample) = (settings_page(), sample_file());
        for setting in SETTINGS {
            assert!(page.contains(&format!("### `--{}`", setting.name)), "{}", setting.name);
            assert!(
                setting.name == "config" || sample.contains(&format!("\n# {} = ", setting.name)),
                "{}",
                setting.name
            );
        }
    }

    #[test]
    fn the_sample_file_with_everything_switched_on_is_the_default() {
        let sample = sample_file();
        let (settings, namespace) = sample.split_once("# [namespaces.").expect("a namespace");
        let text: String = settings
            .lines()
            .filter_map(|line| line.strip_prefix("# "))
            .filter(|line| SETTINGS.iter().any(|setting| line.starts_with(&format!("{} = ", setting.name))))
            .map(|line| format!("{line}\n"))
            .collect();
        let table: String = std::iter::once("[namespaces.jobs]")
            .chain(namespace.lines().filter_map(|line| line.strip_prefix("# ")).filter(|line| line.contains(" = ")))
            .map(|line| format!("{line}\n"))
            .collect();
        let path = std::env::temp_dir().join(format!("scrubjay-sample-{}.toml", std::process::id()));
        std::fs::write(&path, text + &table).unwrap();
        let layers = file::read(&path);
        std::fs::remove_file(&path).unwrap();
        let resolved = resolve(layers.unwrap()).unwrap();
        let jobs = resolved.namespaces["jobs"];
        assert!(NAMESPACE_SETTINGS.iter().all(|setting| setting.value(&jobs).is_some()), "{jobs:?}");
        assert_eq!(resolved.config, Default::default());
    }
}
