//! The TOML file: read into layers, and written back by `CONFIG REWRITE` with its comments where they were.
//!
//! The file is flat: each setting is a key at the top level. But for the namespaces: each is a table, `[namespaces.NAME]`.

use super::namespace::{NAMESPACE_SETTINGS, NamespaceConfigs};
use super::resolve::{BadConfig, Layer, NAMESPACE_PREFIX, Origin, Resolved};
use super::table::SETTINGS;
use super::value::Kind;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use toml_edit::{DocumentMut, Item, Table, TableLike, Value};

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
        if name == NAMESPACES {
            read_namespaces(path, &origin, item, &mut layers)?;
            continue;
        }
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

/// The table of all namespaces.
const NAMESPACES: &str = "namespaces";

fn read_namespaces(path: &Path, origin: &Origin, item: &Item, layers: &mut Vec<Layer>) -> Result<(), BadConfig> {
    let malformed = |name: &str, what: &str| BadConfig::new(name, format!("{what} (in {})", path.display()));
    let all = item.as_table_like();
    let all = all.ok_or_else(|| malformed(NAMESPACES, "write a table for each: [namespaces.NAME]"))?;
    for (name, item) in all.iter() {
        let prefix = format!("{NAMESPACE_PREFIX}{name}");
        let table = item.as_table_like();
        let table = table.ok_or_else(|| malformed(&prefix, "write a table for each namespace: [namespaces.NAME]"))?;
        layers.push(Layer::new(origin.clone(), format!("{prefix}."), ""));
        for (setting, item) in table.iter() {
            let full = format!("{prefix}.{setting}");
            let text = item.as_value().and_then(plain).ok_or_else(|| {
                malformed(&full, "a setting is a text or a number; a name with a dot is written [namespaces.\"a.b\"]")
            })?;
            layers.push(Layer::new(origin.clone(), full, text));
        }
    }
    Ok(())
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

/// Writes what `CONFIG SET` changed, and what the namespaces are told now, back into the file at `path`: values that stand
/// there are replaced, others appended, and everything else, comments included, stays. Values from flags and the environment
/// are not written, so a password that was kept out of the file stays out. The file is replaced as a whole or not at all.
pub fn rewrite(path: &Path, resolved: &Resolved, namespaces: &NamespaceConfigs) -> Result<(), BadConfig> {
    let text = fs::read_to_string(path).map_err(|error| cannot("read", path, &error))?;
    let mut document = parse(path, &text)?;
    for setting in SETTINGS.iter().filter(|setting| resolved.origin(setting.name) == &Origin::Runtime) {
        let value = in_toml(setting.name, setting.kind, &setting.value(&resolved.config))?;
        put(document.as_table_mut(), setting.name, value);
    }
    write_namespaces(&mut document, namespaces)?;
    replace(path, document.to_string().as_bytes()).map_err(|error| cannot("write", path, &error))
}

fn in_toml(name: &str, kind: Kind, value: &super::Value) -> Result<Value, BadConfig> {
    let shown = value.to_string();
    match kind.quoted_in_toml() {
        true => Ok(Value::from(shown)),
        false => shown.parse().map_err(|_| BadConfig::new(name, "cannot be written as TOML")),
    }
}

/// Gives the value of a key to a table, with the comments of the value that it had.
fn put(table: &mut dyn TableLike, name: &str, mut value: Value) {
    match table.get_mut(name).and_then(Item::as_value_mut) {
        Some(old) => {
            *value.decor_mut() = old.decor().clone();
            *old = value;
        }
        None => drop(table.insert(name, Item::Value(value))),
    }
}

/// Brings the tables of the namespaces into line. A value that says the same already stays as it is written.
fn write_namespaces(document: &mut DocumentMut, namespaces: &NamespaceConfigs) -> Result<(), BadConfig> {
    if namespaces.is_empty() && document.get(NAMESPACES).is_none() {
        return Ok(());
    }
    let unwritable = |name: &str| BadConfig::new(name, "stands in the file as something other than a table");
    let all = document.as_table_mut().entry(NAMESPACES).or_insert_with(|| {
        let mut table = Table::new();
        table.set_implicit(true); // without a line [namespaces] of its own
        Item::Table(table)
    });
    let all = all.as_table_like_mut().ok_or_else(|| unwritable(NAMESPACES))?;
    let dropped: Vec<String> =
        all.iter().map(|(name, _)| name.to_owned()).filter(|name| !namespaces.contains_key(name)).collect();
    dropped.iter().for_each(|name| drop(all.remove(name)));
    for (name, config) in namespaces {
        if all.get(name).is_none() {
            all.insert(name, Item::Table(Table::new()));
        }
        let table = all.get_mut(name).and_then(Item::as_table_like_mut).ok_or_else(|| unwritable(name))?;
        for setting in &NAMESPACE_SETTINGS {
            let known = table.get(setting.name).and_then(Item::as_value).and_then(plain);
            let known = known.and_then(|text| setting.kind.read(&text).ok());
            match setting.value(config) {
                Some(value) if known.as_ref() == Some(&value) => {}
                Some(value) => put(table, setting.name, in_toml(setting.name, setting.kind, &value)?),
                // A limit of 0 that stands there says what is so.
                None if known.is_some_and(|known| setting.says_nothing(known)) => {}
                None => drop(table.remove(setting.name)),
            }
        }
    }
    Ok(())
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
    use crate::config::{Live, NamespaceConfig, resolve};

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
        rewrite(&toml.0, &live.resolved(), &NamespaceConfigs::new()).unwrap();
        let expected = "# ours\nmax-clients = 20 # few\n\n# the door\nport = 7000\npolicy = \"allkeys-lru\"\n";
        assert_eq!(fs::read_to_string(&toml.0).unwrap(), expected);
        assert!(resolve(read(&toml.0).unwrap()).is_ok());
    }

    #[test]
    fn namespaces_are_tables_of_their_own() {
        let text = "port = 7000\n[namespaces.jobs]\nmax-memory = '1gb'\neviction-policy = 'noeviction'\nmax-ops = 500\n\
                    [namespaces.\"a.b\"]\ndefault-ttl = 1.5\n[namespaces.empty]\n[namespaces.3]\ndefault-ttl = 0\n";
        let toml = Toml::with("namespaces", text);
        let resolved = resolve(read(&toml.0).unwrap()).unwrap();
        let shown: Vec<_> = resolved.namespaces.iter().map(|(name, config)| (name.as_str(), *config)).collect();
        let ttl = |ms| NamespaceConfig { default_ttl_ms: Some(ms), ..NamespaceConfig::default() };
        let jobs = NamespaceConfig {
            max_memory_bytes: 1 << 30,
            policy: Some(scrubjay_store::Policy::NoEviction),
            max_ops: 500,
            ..NamespaceConfig::default()
        };
        assert_eq!(shown, [("3", ttl(0)), ("a.b", ttl(1500)), ("empty", NamespaceConfig::default()), ("jobs", jobs)]);
        assert_eq!(resolved.config.port, 7000);
    }

    #[test]
    fn what_is_no_namespace_is_refused_with_its_place() {
        let many: String = (0..49).map(|n| format!("[namespaces.n{n}]\n")).collect();
        for (name, text, part) in [
            ("ns-value", "namespaces = 5\n", "namespaces: write a table for each"),
            ("ns-flat", "[namespaces]\njobs = 5\n", "namespaces.jobs: write a table"),
            ("ns-name", "[namespaces.16]\n", "namespaces.16: '16' cannot be a namespace"),
            ("ns-nested", "[namespaces.a.b]\nmax-ops = 1\n", "[namespaces.\"a.b\"]"),
            (
                "ns-key",
                "[namespaces.a]\nmaxops = 1\n",
                "namespaces.a.maxops: a namespace has no such setting; it has max-memory",
            ),
            ("ns-size", "[namespaces.a]\nmax-memory = '12q'\n", "namespaces.a.max-memory: '12q' is not a size"),
            ("ns-policy", "[namespaces.a]\neviction-policy = 'lur'\n", "namespaces.a.eviction-policy: "),
            ("ns-ops", "[namespaces.a]\nmax-ops = -1\n", "namespaces.a.max-ops: -1 is out of range"),
            ("ns-many", &many, "49 namespaces have names, and 48 can"),
        ] {
            let toml = Toml::with(name, text);
            let bad = read(&toml.0).and_then(resolve).unwrap_err().to_string();
            assert!(bad.contains(part) && !bad.contains('\n'), "{bad}");
            assert!(name == "ns-many" || bad.contains(toml.0.to_str().unwrap()), "{bad}");
        }
    }

    #[test]
    fn rewriting_brings_the_namespaces_into_line_and_keeps_comments() {
        let toml = Toml::with(
            "ns-rewrite",
            "port = 7000 # the door\n\n# for the workers\n[namespaces.jobs]\n# much\nmax-memory = '1gb' # really\n\
             max-ops = 0\ndefault-ttl = '60s'\n\n[namespaces.old]\nmax-ops = 1\n",
        );
        let resolved = resolve(read(&toml.0).unwrap()).unwrap();
        let mut namespaces = resolved.namespaces.clone();
        rewrite(&toml.0, &resolved, &namespaces).unwrap();
        let untouched = fs::read_to_string(&toml.0).unwrap();
        assert!(untouched.contains("max-memory = '1gb' # really\nmax-ops = 0\ndefault-ttl = '60s'\n"), "{untouched}");
        namespaces.remove("old");
        let jobs = namespaces.get_mut("jobs").unwrap();
        (jobs.max_memory_bytes, jobs.default_ttl_ms, jobs.max_ops) = (2 << 30, None, 9);
        let fresh = NamespaceConfig { policy: Some(scrubjay_store::Policy::NoEviction), ..NamespaceConfig::default() };
        namespaces.insert("new.one".to_owned(), fresh);
        let live = Live::new(resolved, 1 << 30);
        live.set(&[("maxclients", "20")]).unwrap();
        rewrite(&toml.0, &live.resolved(), &namespaces).unwrap();
        let expected = "port = 7000 # the door\nmax-clients = 20\n\n# for the workers\n[namespaces.jobs]\n# much\n\
                        max-memory = \"2gb\" # really\nmax-ops = 9\n\n[namespaces.\"new.one\"]\n\
                        eviction-policy = \"noeviction\"\n";
        assert_eq!(fs::read_to_string(&toml.0).unwrap(), expected);
        assert_eq!(resolve(read(&toml.0).unwrap()).unwrap().namespaces, namespaces);
    }
}
