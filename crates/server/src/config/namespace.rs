//! The table of what a namespace can be told for itself: a table `[namespaces.NAME]` of the TOML file, words of
//! `JAY.NAMESPACE SET`, members of the JSON of `/v1/namespaces`. The kinds are those of the node's settings.

use super::value::{Kind, Value};
use scrubjay_command::namespace::is_name;
use scrubjay_store::{DATABASES, NAMESPACES, NsSettings, Policy};
use std::collections::BTreeMap;
use std::time::Duration;

/// How many namespaces can have names: 48.
pub const NAMED_MAX: usize = (NAMESPACES - DATABASES) as usize;
/// The most commands a second that a quota can say. Ten million take 100 ns each, which a quota still tells apart; no node
/// of today runs so many of one namespace.
pub const MAX_OPS_MAX: i64 = 10_000_000;

/// What a namespace was told. [`NamespaceConfig::default`]: nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct NamespaceConfig {
    /// Most bytes that it may take; 0: no limit but the node's.
    pub max_memory_bytes: u64,
    /// What is evicted of it; `None`: what the node's policy says.
    pub policy: Option<Policy>,
    /// Lifetime of what is written without one, 0: for ever; `None`: the node's.
    pub default_ttl_ms: Option<u64>,
    /// Most commands a second; 0: no limit.
    pub max_ops: u64,
}

/// Namespaces and their settings, by name.
pub type NamespaceConfigs = BTreeMap<String, NamespaceConfig>;

/// A row of the table.
pub struct NamespaceSetting {
    /// The TOML key.
    pub name: &'static str,
    /// The word of `JAY.NAMESPACE SET`.
    pub word: &'static str,
    /// The member in JSON.
    pub json: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// What is so where nothing is said, for people.
    pub default: &'static str,
    /// Whether `INHERIT` takes it back.
    pub inherits: bool,
    /// One sentence.
    pub help: &'static str,
    get: fn(&NamespaceConfig) -> Option<Value>,
    set: fn(&mut NamespaceConfig, Option<Value>),
}

/// The word that takes a setting back.
const INHERIT: &str = "INHERIT";

/// Every setting of a namespace.
pub static NAMESPACE_SETTINGS: [NamespaceSetting; 4] = [
    NamespaceSetting {
        name: "max-memory",
        word: "MAXMEMORY",
        json: "maxMemory",
        kind: Kind::Bytes { min: 0, max: 1 << 50 },
        default: "0",
        inherits: false,
        help: "How much memory its entries may take; 0 means no limit but the node's.",
        get: |config| Some(config.max_memory_bytes).filter(|&bytes| bytes > 0).map(Value::Bytes),
        set: |config, value| config.max_memory_bytes = if let Some(Value::Bytes(bytes)) = value { bytes } else { 0 },
    },
    NamespaceSetting {
        name: "eviction-policy",
        word: "POLICY",
        json: "evictionPolicy",
        kind: Kind::Policy,
        default: "the node's policy",
        inherits: true,
        help: "Which of its entries are evicted at a limit, its own or the node's.",
        get: |config| config.policy.map(Value::Policy),
        set: |config, value| config.policy = if let Some(Value::Policy(policy)) = value { Some(policy) } else { None },
    },
    NamespaceSetting {
        name: "default-ttl",
        word: "TTL",
        json: "defaultTtl",
        kind: Kind::Duration { max_s: 36_500 * 86_400 },
        default: "the node's default-ttl",
        inherits: true,
        help: "How long an entry of it lives that is written without a lifetime; 0 means for ever.",
        get: |config| config.default_ttl_ms.map(|ms| Value::Duration(Duration::from_millis(ms))),
        set: |config, value| {
            config.default_ttl_ms =
                if let Some(Value::Duration(ttl)) = value { Some(ttl.as_millis() as u64) } else { None };
        },
    },
    NamespaceSetting {
        name: "max-ops",
        word: "MAXOPS",
        json: "maxOps",
        kind: Kind::Int { min: 0, max: MAX_OPS_MAX, unit: "commands" },
        default: "0",
        inherits: false,
        help: "How many commands a second it may run, in bursts of at most a second's worth; 0 means no limit.",
        get: |config| Some(config.max_ops).filter(|&ops| ops > 0).map(|ops| Value::Int(ops as i64)),
        set: |config, value| config.max_ops = if let Some(Value::Int(ops)) = value { ops as u64 } else { 0 },
    },
];

impl NamespaceSetting {
    /// The value in `config`; `None`: it says nothing.
    pub fn value(&self, config: &NamespaceConfig) -> Option<Value> {
        (self.get)(config)
    }

    /// Whether a value says only what is so where nothing is said: a limit of 0.
    pub(super) fn says_nothing(&self, value: Value) -> bool {
        let mut config = NamespaceConfig::default();
        (self.set)(&mut config, Some(value));
        self.value(&config).is_none()
    }

    /// Gives `config` what `text` says; `None` and, where something can be inherited, `INHERIT` take it back.
    ///
    /// Errors: what would be accepted, as [`Kind::read`] says it; nothing was changed.
    pub fn put(&self, config: &mut NamespaceConfig, text: Option<&str>) -> Result<(), String> {
        let text = text.filter(|text| !(self.inherits && text.trim().eq_ignore_ascii_case(INHERIT)));
        (self.set)(config, text.map(|text| self.kind.read(text)).transpose()?);
        Ok(())
    }
}

impl std::fmt::Debug for NamespaceSetting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NamespaceSetting({})", self.name)
    }
}

impl NamespaceConfig {
    /// What concerns the store.
    pub fn for_store(&self) -> NsSettings {
        NsSettings { max_memory_bytes: self.max_memory_bytes, policy: self.policy, default_ttl_ms: self.default_ttl_ms }
    }
}

/// Which of the sixteen numbers `name` is; `None`: none of them.
pub fn number(name: &str) -> Option<u8> {
    let number: u8 = name.parse().ok()?;
    (number < DATABASES && number.to_string() == name).then_some(number)
}

/// Whether a namespace can be called `name`, or is one of the numbers. Errors: a sentence that says what can be.
pub fn check_name(name: &str) -> Result<(), String> {
    if number(name).is_some() || is_name(name.as_bytes()) {
        return Ok(());
    }
    let shown: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
    Err(format!(
        "'{shown}' cannot be a namespace: write 1 to 64 letters, digits, '.', '_' and '-' that are no number, or a number \
         from 0 to 15"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_reads_back_what_it_shows_and_is_taken_back() {
        let texts = ["100mb", "allkeys-lru", "1500ms", "7"];
        let mut config = NamespaceConfig::default();
        for (setting, text) in NAMESPACE_SETTINGS.iter().zip(texts) {
            assert!(setting.help.ends_with('.') && setting.value(&config).is_none(), "{}", setting.name);
            setting.put(&mut config, Some(text)).unwrap();
            assert_eq!(setting.value(&config).unwrap().to_string(), text);
        }
        assert_eq!((config.max_memory_bytes, config.default_ttl_ms, config.max_ops), (100 << 20, Some(1500), 7));
        for setting in &NAMESPACE_SETTINGS {
            assert_eq!(setting.put(&mut config, Some("inherit")).is_ok(), setting.inherits, "{}", setting.name);
            setting.put(&mut config, None).unwrap();
        }
        assert_eq!(config, NamespaceConfig::default());
    }

    #[test]
    fn a_lifetime_of_0_is_one_and_a_limit_of_0_is_none() {
        let mut config = NamespaceConfig::default();
        NAMESPACE_SETTINGS.iter().filter(|row| row.name != "eviction-policy").for_each(|row| {
            row.put(&mut config, Some("0")).unwrap();
        });
        assert_eq!(config, NamespaceConfig { default_ttl_ms: Some(0), ..NamespaceConfig::default() });
    }

    #[test]
    fn names_and_the_sixteen_numbers_are_namespaces() {
        for name in ["0", "15", "sessions"] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
        for name in ["16", "007", "", "a b", "-1"] {
            assert!(check_name(name).unwrap_err().contains("0 to 15"), "{name}");
        }
        assert_eq!((number("7"), number("07"), number("16"), number("x")), (Some(7), None, None, None));
    }
}
