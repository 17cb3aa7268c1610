//! The TOML file: read into layers, and written back by `CONFIG REWRITE` with its comments where they were.
//!
//! The file is flat: each setting is a key at the top level.

use super::resolve::{BadConfig, Layer, Origin, Resolved};
use super::table::SETTINGS;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use toml_edit::{DocumentMut, Item, Value};

/// The layers that the file at `path` holds.
///
/// Errors: a file that cannot be read, is no TOML, or holds something other than settings; `config` is the setting that
/// the sentence names then.
pub fn read(path: &Path) -> Result<Vec<Layer>, BadConfig> {
    let text = fs::read_to_string(path).map_err(|error| cannot("read", path, &error))?;
    let document = parse(path, &text)?;
    let origin = Origin::File(Arc::new(path.to_owned()));
    let mut layers = Vec::new();
    for (name, item) in document.iter() {
        let text = match item {
            Item::Value(value) => plain(value).ok_or_else(|| {
                BadConfig::new(
                    name,
                    format!("a setting is a text, a number, true, false or a list of them (in {})", path.display()),
                )
            })?,
            _ => {
                let sentence = format!("settings stand at the top level, without [{name}] (in {})", path.display());
                return Err(BadConfig::new(name, sentence));
            }
        };
        if name == "config" {
            return Err(BadConfig::new(name, format!("a file cannot name another: remove it from {}", path.display())));
        }
        layers.push(Layer::new(origin.clone(), name, text));
    }
    Ok(layers)
}

fn parse(path: &Path, text: &str) -> Result<DocumentMut, BadConfig> {
    text.parse::<DocumentMut>().map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        let line = 1 + text.as_bytes()[..start.min(text.len())].iter().filter(|&&byte| byte == b'\n').count();
        let message = error.message().replace('\n', ", ");
        BadConfig::new("config", format!("line {line} of {} is no TOML: {message}", path.display()))
    })
}

/// A TOML value as the text that a flag would have.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.value().clone()),
        Value::Integer(number) => Some(number.value().to_string()),
        Value::Float(number) => Some(number.value().to_string()),
        Value::Boolean(truth) => Some(truth.value().to_string()),
        Value::Array(list) => list.iter().map(plain).collect::<Option<Vec<_>>>().map(|texts| texts.join(",")),
        Value::Datetime(_) | Value::InlineTable(_) => None,
    }
}

/// Writes what `CONFIG SET` changed back into the file at `path`: values that stand there are replaced, others appended,
/// and everything else, comments included, stays. Values from flags and the environment are not written, so a password
/// that was kept out of the file stays out. The file is replaced as a whole or not at all.
pub fn rewrite(path: &Path, resolved: &Resolved) -> Result<(), BadConfig> {
    let text = fs::read_to_string(path).map_err(|error| cannot("read", path, &error))?;
    let mut document = parse(path, &text)?;
    for setting in SETTINGS.iter().filter(|setting| resolved.origin(setting.name) == &Origin::Runtime) {
        let shown = setting.value(&resolved.config).to_string();
        let mut value = match setting.kind.quoted_in_toml() {
            true => Value::from(shown),
            false => shown.parse().map_err(|_| BadConfig::new(setting.name, "cannot be written as TOML"))?,
        };
        match document.get_mut(setting.name).and_then(Item::as_value_mut) {
            Some(old) => {
                *value.decor_mut() = old.decor().clone();
                *old = value;
            }
            None => document[setting.name] = Item::Value(value),
        }
    }
    replace(path, document.to_string().as_bytes()).map_err(|error| cannot("write", path, &error))
}

/// Writes beside the file and renames, so that a crash leaves the old file or the new one.
fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    // A link keeps pointing at the file that it pointed at.
    let path = path.canonicalize()?;
    let mut beside = path.clone().into_os_string();
    beside.push(format!(".{}.new", std::process::id()));
    let beside = PathBuf::from(beside);
    let written = (|| {
        let mut file = fs::File::create(&beside)?;
        file.set_permissions(fs::metadata(&path)?.permissions())?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, &path)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

fn cannot(verb: &str, path: &Path, error: &std::io::Error) -> BadConfig {
    let sentence = format!("cannot {verb} {}: {error}; give a TOML file that this user may {verb}", path.display());
    BadConfig::new("config", sentence)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Live, resolve};

    struct Toml(PathBuf);

    impl Toml {
        fn with(name: &str, text: &str) -> Toml {
            let path = std::env::temp_dir().join(format!("scrubjay-{name}-{}.toml", std::process::id()));
            fs::write(&path, text).unwrap();
            Toml(path)
        }
    }

    impl Drop for Toml {
        fn drop(&mut self) {
            let _ = fs::remove_file(&self.0);
        }
    }

    #[test]
    fn a_file_is_read_whatever_way_its_values_are_written() {
        let toml = Toml::with(
            "ways",
            "port = 7000\nbind = [\"127.0.0.1\", '::1']\ninsecure = true\ndefault-ttl = 1.5\nmax-memory = '1gb'\n",
        );
        let config = resolve(read(&toml.0).unwrap()).unwrap().config;
        assert_eq!((config.port, config.bind.len(), config.insecure), (7000, 2, true));
        assert_eq!(config.default_ttl.as_millis(), 1500);
    }

    #[test]
    fn what_is_no_setting_is_refused_with_its_place() {
        for (name, text, part) in [
            ("syntax", "port = 1\nport 2\n", "line 2"),
            ("table", "[server]\nport = 1\n", "without [server]"),
            ("date", "port = 1979-05-27\n", "a number"),
            ("itself", "config = 'x.toml'\n", "remove it"),
        ] {
            let toml = Toml::with(name, text);
            let bad = read(&toml.0).unwrap_err().to_string();
            assert!(bad.contains(part) && bad.contains(toml.0.to_str().unwrap()) && !bad.contains('\n'), "{bad}");
        }
        assert!(read(Path::new("/nonexistent/jay.toml")).unwrap_err().to_string().contains("cannot read"));
    }

    #[test]
    fn rewriting_changes_what_was_changed_and_keeps_comments() {
        let toml = Toml::with("rewrite", "# ours\nmax-clients = 10 # few\n\n# the door\nport = 7000\n");
        let live = Live::new(resolve(read(&toml.0).unwrap()).unwrap(), 1 << 30);
        live.set(&[("maxclients", "20"), ("policy", "lru")]).unwrap();
        rewrite(&toml.0, &live.resolved()).unwrap();
        let expected = "# ours\nmax-clients = 20 # few\n\n# the door\nport = 7000\npolicy = \"allkeys-lru\"\n";
        assert_eq!(fs::read_to_string(&toml.0).unwrap(), expected);
        assert!(resolve(read(&toml.0).unwrap()).is_ok());
    }
}
