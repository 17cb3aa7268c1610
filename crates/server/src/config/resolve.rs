//! Layers of text -> one validated [`Config`], with where each value came from.
//!
//! ```text
//! defaults < TOML file < environment < flags            (a later layer wins; CONFIG SET comes after all of them)
//! ```
//!
//! Every error is one sentence that names the setting, where its value came from, and the way out.

use super::namespace::{NAMED_MAX, NAMESPACE_SETTINGS, NamespaceConfigs, check_name, number};
use super::nearest;
use super::table::{Config, SETTINGS, Setting};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// Where a value came from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// The TOML file of this name.
    File(Arc<PathBuf>),
    /// An environment variable.
    Environment,
    /// A flag of the command line, or an argument of a program that embeds the server.
    Flag,
    /// `CONFIG SET`.
    Runtime,
}

/// One value for one setting.
#[derive(Clone, Debug)]
pub struct Layer {
    /// Where it comes from.
    pub origin: Origin,
    /// The setting's name, as in the table.
    pub name: String,
    /// The value, as text.
    pub text: String,
}

impl Layer {
    /// A value for a setting.
    pub fn new(origin: Origin, name: impl Into<String>, text: impl Into<String>) -> Layer {
        Layer { origin, name: name.into(), text: text.into() }
    }
}

/// A configuration that does not work. Nothing was started or changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BadConfig {
    setting: String,
    sentence: String,
}

impl BadConfig {
    /// What is wrong with `setting`.
    pub fn new(setting: impl Into<String>, sentence: impl Into<String>) -> BadConfig {
        BadConfig { setting: setting.into(), sentence: sentence.into() }
    }

    /// The name of the setting that must change.
    pub fn setting(&self) -> &str {
        &self.setting
    }

    /// What is wrong and what to do, without the setting's name in front.
    pub fn sentence(&self) -> &str {
        &self.sentence
    }
}

impl fmt::Display for BadConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.setting, self.sentence)
    }
}

impl std::error::Error for BadConfig {}

/// A configuration and where each of its values came from.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// The values.
    pub config: Config,
    /// The namespaces, which only a file can name.
    pub namespaces: NamespaceConfigs,
    /// One for each row of [`SETTINGS`].
    origins: Vec<Origin>,
}

impl Default for Resolved {
    fn default() -> Resolved {
        Resolved {
            config: Config::default(),
            namespaces: NamespaceConfigs::new(),
            origins: vec![Origin::Default; SETTINGS.len()],
        }
    }
}

impl From<Config> for Resolved {
    /// Values that a program chose: what differs from the default counts as set by a flag. Not validated.
    fn from(config: Config) -> Resolved {
        let default = Config::default();
        let origin = |setting: &Setting| match setting.value(&config) == setting.value(&default) {
            true => Origin::Default,
            false => Origin::Flag,
        };
        Resolved { origins: SETTINGS.iter().map(origin).collect(), config, namespaces: NamespaceConfigs::new() }
    }
}

impl Resolved {
    /// Where the value of the setting called `name` came from; `Default` for a name that is no setting.
    pub fn origin(&self, name: &str) -> &Origin {
        SETTINGS.iter().position(|setting| setting.name == name).map_or(&Origin::Default, |row| &self.origins[row])
    }

    /// Gives a setting a value, without looking at the other settings.
    pub(super) fn put(&mut self, row: usize, origin: Origin, value: super::Value) -> Option<()> {
        (SETTINGS[row].set)(&mut self.config, value)?;
        self.origins[row] = origin;
        Some(())
    }
}

/// The row of the setting called `name` in the table.
pub fn find(name: &str) -> Option<(usize, &'static Setting)> {
    SETTINGS.iter().enumerate().find(|(_, setting)| setting.name == name)
}

/// Puts `layers`, the weakest first, over the defaults and validates the whole.
///
/// Errors: the first value that cannot be read, an unknown name (with the nearest known one), or values that do not go
/// together.
pub fn resolve(layers: impl IntoIterator<Item = Layer>) -> Result<Resolved, BadConfig> {
    let mut resolved = Resolved::default();
    for Layer { origin, name, text } in layers {
        if let Some(of) = name.strip_prefix(NAMESPACE_PREFIX) {
            tell_namespace(&mut resolved.namespaces, &origin, &name, of, &text)?;
            continue;
        }
        let (row, setting) = find(&name).ok_or_else(|| unknown(&name, &origin))?;
        let value =
            setting.kind.read(&text).map_err(|bad| BadConfig::new(setting.name, from(setting, &origin, &bad)))?;
        resolved.put(row, origin, value).ok_or_else(|| BadConfig::new(setting.name, "holds another kind of value"))?;
    }
    check(&resolved.config)?;
    let named = resolved.namespaces.keys().filter(|name| number(name).is_none()).count();
    if named > NAMED_MAX {
        let sentence = format!("{named} namespaces have names, and {NAMED_MAX} can: remove some");
        return Err(BadConfig::new("namespaces", sentence));
    }
    Ok(resolved)
}

/// What the names of layers begin with that tell a namespace something: `namespaces.NAME.SETTING`; without a setting, that
/// it is there.
pub(super) const NAMESPACE_PREFIX: &str = "namespaces.";

/// Takes up a layer about a namespace; `of` is its name and the setting's.
fn tell_namespace(
    namespaces: &mut NamespaceConfigs,
    origin: &Origin,
    layer: &str,
    of: &str,
    text: &str,
) -> Result<(), BadConfig> {
    let (name, setting) = of.rsplit_once('.').unwrap_or((of, ""));
    check_name(name).map_err(|bad| BadConfig::new(layer.trim_end_matches('.'), placed(origin, &bad)))?;
    let config = namespaces.entry(name.to_owned()).or_default();
    if setting.is_empty() {
        return Ok(());
    }
    let row = NAMESPACE_SETTINGS.iter().find(|row| row.name == setting);
    let row = row.ok_or_else(|| {
        let known = NAMESPACE_SETTINGS.each_ref().map(|row| row.name).join(", ");
        BadConfig::new(layer, placed(origin, &format!("a namespace has no such setting; it has {known}")))
    })?;
    row.put(config, Some(text)).map_err(|bad| BadConfig::new(layer, placed(origin, &bad)))
}

fn placed(origin: &Origin, sentence: &str) -> String {
    match origin {
        Origin::File(path) => format!("{sentence} (set in {})", path.display()),
        _ => sentence.to_owned(),
    }
}

/// The refusal of a name that no setting has.
pub(super) fn unknown(name: &str, origin: &Origin) -> BadConfig {
    let place = match origin {
        Origin::File(path) => format!(" (in {})", path.display()),
        Origin::Environment => " (from the environment)".to_owned(),
        _ => String::new(),
    };
    let sentence = match nearest::setting(name) {
        Some(near) => format!("there is no such setting{place}; did you mean '{near}'?"),
        None => format!("there is no such setting{place}; docs/reference/settings.md lists all of them"),
    };
    BadConfig::new(name, sentence)
}

fn from(setting: &Setting, origin: &Origin, sentence: &str) -> String {
    match origin {
        Origin::Environment => format!("{sentence} (set by {})", setting.environment_name()),
        other => placed(other, sentence),
    }
}

/// Whether the values go together.
pub fn check(config: &Config) -> Result<(), BadConfig> {
    let public = config.bind.iter().find(|address| !address.is_loopback());
    if let Some(public) = public.filter(|_| config.requirepass.is_empty() && !config.insecure) {
        let sentence = format!(
            "{public} can be reached from other machines and no password is set: set requirepass, bind 127.0.0.1, or \
             accept that everyone who reaches it can read and change everything, with --insecure"
        );
        return Err(BadConfig::new("bind", sentence));
    }
    let doors = [
        ("port", config.port),
        ("http-port", config.http_port),
        ("memcached-port", config.memcached_port),
        ("grpc-port", config.grpc_port),
        ("peer-port", config.peer_port),
    ];
    let open: Vec<_> = doors.into_iter().filter(|(_, port)| *port != 0).collect();
    for (n, (name, port)) in open.iter().enumerate() {
        if let Some((other, _)) = open[..n].iter().find(|(_, taken)| taken == port) {
            return Err(BadConfig::new(
                *name,
                format!("{port} is also the {other}: choose another, or 0 to close this door"),
            ));
        }
    }
    if !open.iter().any(|(name, _)| *name != "peer-port") {
        let sentence = "every door is closed: give port, http-port, memcached-port or grpc-port a number other than 0";
        return Err(BadConfig::new("port", sentence));
    }
    if config.shards != 0 && !config.shards.is_power_of_two() {
        let near = config.shards.next_power_of_two();
        return Err(BadConfig::new("shards", format!("{} is not a power of two: write {near}, or 0", config.shards)));
    }
    Ok(())
}

/// The layers that the environment holds: `SCRUBJAY_MAX_MEMORY` and its like.
///
/// Errors: a variable that is nearly, but not quite, a setting's. Others that begin with `SCRUBJAY_` belong to other
/// parts of the product and are passed over.
pub fn environment_layers(variables: impl IntoIterator<Item = (String, String)>) -> Result<Vec<Layer>, BadConfig> {
    let mut layers = Vec::new();
    for (variable, text) in variables {
        let Some(rest) = variable.strip_prefix("SCRUBJAY_") else { continue };
        let name = rest.replace('_', "-").to_ascii_lowercase();
        if find(&name).is_some() {
            layers.push(Layer::new(Origin::Environment, name, text));
        } else if let Some(near) = nearest::setting_within(&name, 2) {
            let near = find(near).map(|(_, setting)| setting.environment_name()).unwrap_or_default();
            return Err(BadConfig::new(variable, format!("there is no such setting; did you mean {near}?")));
        }
    }
    Ok(layers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use scrubjay_base::size::Size;

    fn flag(name: &str, text: &str) -> Layer {
        Layer::new(Origin::Flag, name, text)
    }

    fn file(name: &str, text: &str) -> Layer {
        Layer::new(Origin::File(Arc::new("jay.toml".into())), name, text)
    }

    #[test]
    fn later_layers_win_and_each_value_knows_its_origin() {
        let environment = Layer::new(Origin::Environment, "port", "7001");
        let resolved =
            resolve([file("port", "7000"), file("threads", "2"), environment, flag("max-memory", "1gb")]).unwrap();
        assert_eq!((resolved.config.port, resolved.config.threads), (7001, 2));
        assert_eq!(resolved.config.max_memory, Size::Bytes(1 << 30));
        assert_eq!(resolved.origin("port"), &Origin::Environment);
        assert!(matches!(resolved.origin("threads"), Origin::File(_)));
        assert_eq!(resolved.origin("policy"), &Origin::Default);
    }

    #[test]
    fn refusals_name_the_setting_and_the_way_out() {
        for (layers, setting, parts) in [
            (vec![flag("max-memory", "12q")], "max-memory", ["'12q'", "80%"]),
            (vec![file("max-memory", "12q")], "max-memory", ["jay.toml", "80%"]),
            (vec![Layer::new(Origin::Environment, "port", "x")], "port", ["SCRUBJAY_PORT", "65535"]),
            (vec![flag("max-memroy", "1gb")], "max-memroy", ["no such setting", "'max-memory'"]),
            (vec![flag("maxmemory", "1gb")], "maxmemory", ["no such setting", "'max-memory'"]),
            (vec![flag("teapot", "1")], "teapot", ["no such setting", "settings.md"]),
            (vec![flag("bind", "0.0.0.0")], "bind", ["requirepass", "--insecure"]),
            (vec![flag("http-port", "6379")], "http-port", ["also the port", "close"]),
            (vec![flag("shards", "12")], "shards", ["power of two", "16"]),
        ] {
            let bad = resolve(layers).unwrap_err();
            assert_eq!(bad.setting(), setting);
            assert!(parts.iter().all(|part| bad.to_string().contains(part)), "{bad}");
        }
    }

    #[test]
    fn a_public_bind_needs_a_password_or_the_word_insecure() {
        for layers in [
            vec![flag("bind", "0.0.0.0"), flag("requirepass", "s")],
            vec![flag("bind", "0.0.0.0"), flag("insecure", "true")],
            vec![flag("bind", "127.0.0.1,::1")],
        ] {
            assert!(resolve(layers).is_ok());
        }
        assert!(resolve([flag("bind", "127.0.0.1,::")]).is_err());
    }

    #[test]
    fn at_least_one_door_is_open() {
        let close = |names: &[&str]| resolve(names.iter().map(|name| flag(name, "0")).collect::<Vec<_>>());
        assert!(close(&["http-port", "memcached-port", "grpc-port", "peer-port"]).is_ok());
        assert!(close(&["port", "http-port", "memcached-port", "grpc-port"]).is_err());
    }

    #[test]
    fn environment_variables_of_other_parts_are_passed_over_and_typing_errors_are_not() {
        let variables =
            |names: &[&str]| environment_layers(names.iter().map(|name| ((*name).to_owned(), "1".to_owned())));
        let layers = variables(&["HOME", "SCRUBJAY_THREADS", "SCRUBJAY_TRACES"]).unwrap();
        assert_eq!(layers.iter().map(|layer| layer.name.as_str()).collect::<Vec<_>>(), ["threads"]);
        let bad = variables(&["SCRUBJAY_THRAEDS"]).unwrap_err();
        assert!(bad.to_string().contains("SCRUBJAY_THREADS"), "{bad}");
    }
}
