//! The files that are made from tables: settings, commands, metrics. Nobody edits them by hand; a test fails while one is
//! stale, and `cargo run --release -p scrubjay-server --example reference` writes them anew.

use crate::config::reference as settings;

/// Every generated file: its path from the repository's root, and its text.
pub fn files() -> Vec<(&'static str, String)> {
    vec![("config/scrubjay.toml", settings::sample_file()), ("docs/reference/settings.md", settings::settings_page())]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn generated_files_are_fresh() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        for (path, text) in files() {
            let found = std::fs::read_to_string(root.join(path)).unwrap_or_default();
            assert!(found == text, "{path} is stale: cargo run --release -p scrubjay-server --example reference");
        }
    }
}
