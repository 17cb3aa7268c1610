//! The data folder: there and writable before the node opens its doors, so that what cannot be kept is known at start and
//! not at the first write.

use super::resolve::BadConfig;
use super::table::Config;
use std::fs;
use std::io;
use std::path::Path;

/// Makes sure that the data folder exists and can be written to, if there is to be one.
///
/// Errors: it cannot be; `data-dir` is the setting that the sentence names.
pub fn prepare(config: &Config) -> Result<(), BadConfig> {
    let Some(folder) = config.data_dir.as_deref() else { return Ok(()) };
    try_out(folder).map_err(|error| {
        let sentence = format!(
            "cannot write to the folder {}: {error}; give a folder that this user may write to, or none",
            folder.display()
        );
        BadConfig::new("data-dir", sentence)
    })
}

fn try_out(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    // Permissions say little (root, read-only mounts, full disks); writing says it.
    let probe = folder.join(format!(".scrubjay-{}", std::process::id()));
    let written = fs::write(&probe, b"probe");
    let removed = fs::remove_file(&probe);
    written.and(removed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn config(folder: &str) -> Config {
        Config { data_dir: Some(PathBuf::from(folder)), ..Config::default() }
    }

    #[test]
    fn a_folder_is_made_and_left_empty() {
        let folder = std::env::temp_dir().join(format!("scrubjay-folder-{}/below", std::process::id()));
        prepare(&config(folder.to_str().unwrap())).unwrap();
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
        fs::remove_dir_all(folder.parent().unwrap()).unwrap();
    }

    #[test]
    fn a_folder_that_cannot_be_is_refused_by_name() {
        for impossible in ["/dev/null/below", "/proc/scrubjay"] {
            let bad = prepare(&config(impossible)).unwrap_err();
            assert_eq!(bad.setting(), "data-dir");
            assert!(bad.to_string().contains(impossible), "{bad}");
        }
        assert!(prepare(&Config::default()).is_ok());
    }
}
