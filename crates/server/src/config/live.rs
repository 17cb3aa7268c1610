//! The configuration of a running server: read by every thread, changed by `CONFIG SET` as a whole or not at all.
//!
//! Readers take a snapshot (a few nanoseconds, no lock) and see either all of a change or nothing of it. What must act on
//! a change (the store's limits, a thread's copy of a limit) compares [`Live::generation`] with the one it last saw.

use super::compat::{self, FIXED, INERT};
use super::namespace::NamespaceConfigs;
use super::resolve::{Origin, Resolved, check};
use super::table::{Config, Reload, SETTINGS, Setting};
use arc_swap::{ArcSwap, Guard};
use parking_lot::Mutex;
use scrubjay_base::clock::UnixMs;
use scrubjay_base::glob;
use scrubjay_store::value::Packing;
use scrubjay_store::{Compression, Store};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The settings of a running server.
#[derive(Debug)]
pub struct Live {
    current: ArcSwap<Config>,
    generation: AtomicU64,
    machine_bytes: u64,
    /// Held while a change is made: what only those who change or ask need.
    changing: Mutex<Changing>,
}

#[derive(Debug)]
struct Changing {
    /// The settings with their origins; `current` is a copy of the values.
    resolved: Resolved,
    /// The values of [`INERT`] parameters that were set.
    inert: BTreeMap<&'static str, String>,
}

/// Why a change was refused. Nothing was changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum BadChange {
    /// There is no such setting.
    Unknown(String),
    /// The setting called `name` cannot have this value now.
    Refused {
        /// The name, as it was given.
        name: String,
        /// Why, and what to do.
        reason: String,
    },
}

impl fmt::Display for BadChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BadChange::Unknown(name) => write!(f, "there is no setting '{name}'"),
            BadChange::Refused { name, reason } => write!(f, "{name}: {reason}"),
        }
    }
}

impl std::error::Error for BadChange {}

/// Redis' name for the limits of several classes of clients.
const OUTPUT_LIMITS: &str = "client-output-buffer-limit";

/// What a name in `CONFIG GET` or `CONFIG SET` stands for.
enum Parameter {
    Own(usize, &'static Setting),
    Redis(usize, &'static Setting),
    Inert(&'static str),
    Fixed(&'static compat::Fixed),
}

impl Parameter {
    fn find(name: &str) -> Option<Parameter> {
        let name = compat::ALIASES.iter().find(|(old, _)| *old == name).map_or(name, |(_, now)| *now);
        for (row, setting) in SETTINGS.iter().enumerate() {
            // Redis' form of the value goes first where the two names are one.
            if setting.redis.is_some_and(|redis| redis.name() == name) {
                return Some(Parameter::Redis(row, setting));
            }
            if setting.name == name {
                return Some(Parameter::Own(row, setting));
            }
        }
        let inert = INERT.iter().find(|(inert, _)| *inert == name).map(|(name, _)| Parameter::Inert(name));
        inert.or_else(|| FIXED.iter().find(|fixed| fixed.name == name).map(Parameter::Fixed))
    }
}

impl Live {
    /// The settings as the server starts with them, on a machine with `machine_bytes` of memory.
    pub fn new(resolved: Resolved, machine_bytes: u64) -> Live {
        Live {
            current: ArcSwap::from_pointee(resolved.config.clone()),
            generation: AtomicU64::new(0),
            machine_bytes,
            changing: Mutex::new(Changing { resolved, inert: BTreeMap::new() }),
        }
    }

    /// The settings now. Keep the guard short.
    #[inline]
    pub fn load(&self) -> Guard<Arc<Config>> {
        self.current.load()
    }

    /// The settings now, with where each came from.
    pub fn resolved(&self) -> Resolved {
        self.changing.lock().resolved.clone()
    }

    /// Counts changes: differs from an earlier reading if the settings may differ.
    #[inline]
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// How much memory the machine has, in bytes: what percentages refer to.
    pub fn machine_bytes(&self) -> u64 {
        self.machine_bytes
    }

    /// The memory limit in bytes; 0: none.
    pub fn max_memory_bytes(&self) -> u64 {
        self.load().max_memory.bytes_of(self.machine_bytes)
    }

    /// How a store starts under these settings.
    pub fn store_config(&self) -> scrubjay_store::Config {
        let config = self.load();
        scrubjay_store::Config {
            max_memory_bytes: self.max_memory_bytes(),
            max_entries: config.max_entries as u64,
            policy: config.policy,
            default_ttl_ms: config.default_ttl.as_millis() as u64,
            compression: Compression {
                codec: config.compression.parse().ok(), // `none` is no codec
                threshold_bytes: config.compression_threshold as usize,
            },
            shards: config.shards,
            ..scrubjay_store::Config::default()
        }
    }

    /// Up to where collections are one run under these settings; what is no setting as `before`.
    pub fn packing(&self, before: Packing) -> Packing {
        let config = self.load();
        // The bounds of the settings are those of these numbers.
        Packing {
            list_size_max: config.list_max_listpack_size as i32,
            hash_entries_max: config.hash_max_listpack_entries as u32,
            hash_value_bytes_max: config.hash_max_listpack_value as u32,
            set_ints_max: config.set_max_intset_entries as u32,
            set_entries_max: config.set_max_listpack_entries as u32,
            set_value_bytes_max: config.set_max_listpack_value as u32,
            sorted_set_entries_max: config.zset_max_listpack_entries as u32,
            sorted_set_value_bytes_max: config.zset_max_listpack_value as u32,
            ..before
        }
    }

    /// Gives a running store the limits, the policy, the default lifetime and the bounds of packing that stand here.
    pub fn apply_to(&self, store: &Store, now_ms: UnixMs) {
        // In order: two changes at once must not leave the older one's values in the store.
        let _in_order = self.changing.lock();
        let wanted = self.store_config();
        store.set_max_memory_bytes(wanted.max_memory_bytes);
        store.set_max_entries(wanted.max_entries);
        store.set_default_ttl_ms(wanted.default_ttl_ms);
        store.set_compression(wanted.compression);
        store.set_packing(&self.packing(store.packing()));
        if store.policy() != wanted.policy {
            store.set_policy(wanted.policy, now_ms);
        }
    }

    /// Changes several settings, all or none. Names are ours or Redis', in any case.
    pub fn set(&self, changes: &[(&str, &str)]) -> Result<(), BadChange> {
        let mut changing = self.changing.lock();
        let mut next = changing.resolved.clone();
        let mut inert_changes = Vec::new();
        let mut seen = Vec::new();
        let mut whole = Vec::with_capacity(changes.len());
        for &(given, text) in changes {
            let refuse = |reason: String| BadChange::Refused { name: given.to_owned(), reason };
            if given.eq_ignore_ascii_case(OUTPUT_LIMITS) {
                // One name of Redis for several settings.
                let several = compat::output_limits(text).map_err(refuse)?;
                whole.extend(several.into_iter().map(|(name, text)| (given, name.to_owned(), text)));
            } else {
                whole.push((given, given.to_ascii_lowercase(), text.to_owned()));
            }
        }
        for (given, name, text) in &whole {
            let refuse = |reason: String| BadChange::Refused { name: (*given).to_owned(), reason };
            let parameter = Parameter::find(name).ok_or_else(|| BadChange::Unknown((*given).to_owned()))?;
            let (row, setting, value) = match parameter {
                Parameter::Own(row, setting) => (row, setting, setting.kind.read(text)),
                Parameter::Redis(row, setting) => (row, setting, compat::read(setting, text)),
                Parameter::Fixed(fixed) if fixed.value.eq_ignore_ascii_case(text) => continue,
                Parameter::Fixed(fixed) => return Err(refuse(format!("it stays '{}': {}", fixed.value, fixed.reason))),
                Parameter::Inert(name) => {
                    if inert_changes.iter().any(|(other, _)| *other == name) {
                        return Err(refuse("duplicate parameter".to_owned()));
                    }
                    inert_changes.push((name, text.to_owned()));
                    continue;
                }
            };
            let value = value.map_err(refuse)?;
            if seen.contains(&row) {
                return Err(refuse("duplicate parameter".to_owned()));
            }
            seen.push(row);
            if setting.reload == Reload::Restart {
                if setting.value(&next.config) == value {
                    continue;
                }
                return Err(refuse(format!(
                    "can't set immutable config: it is read at start, so restart with --{}",
                    setting.name
                )));
            }
            next.put(row, Origin::Runtime, value).ok_or_else(|| refuse("holds another kind of value".to_owned()))?;
        }
        check(&next.config)
            .map_err(|bad| BadChange::Refused { name: bad.setting().to_owned(), reason: bad.sentence().to_owned() })?;
        self.current.store(Arc::new(next.config.clone()));
        changing.resolved = next;
        changing.inert.extend(inert_changes);
        self.generation.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// The names that match any of `patterns` (globs, any case), each once, with their values: ours as we write them,
    /// Redis' as Redis writes them.
    pub fn get(&self, patterns: &[&[u8]]) -> Vec<(&'static str, String)> {
        let wanted = |name: &str| patterns.iter().any(|pattern| glob::matches_ignoring_case(pattern, name.as_bytes()));
        let config = self.load();
        let mut found = Vec::new();
        for setting in SETTINGS {
            let value = setting.value(&config);
            let redis = setting.redis.map(|redis| redis.name());
            if let Some(name) = redis.filter(|name| wanted(name)) {
                found.push((name, compat::show(setting, &config, self.machine_bytes)));
            }
            let aliases = compat::ALIASES.iter().filter(|(old, now)| Some(*now) == redis && wanted(old));
            found.extend(aliases.map(|(old, _)| (*old, compat::show(setting, &config, self.machine_bytes))));
            if redis != Some(setting.name) && wanted(setting.name) {
                found.push((setting.name, value.to_string()));
            }
        }
        let inert = &self.changing.lock().inert;
        for (name, default) in INERT.iter().filter(|(name, _)| wanted(name)) {
            found.push((name, inert.get(name).map_or_else(|| (*default).to_owned(), String::clone)));
        }
        found.extend(FIXED.iter().filter(|fixed| wanted(fixed.name)).map(|fixed| (fixed.name, fixed.value.to_owned())));
        found
    }

    /// Writes what was changed at run time, and what the namespaces are told, back into the file that the settings were read
    /// from. The sentence of an error says why not.
    pub fn rewrite(&self, namespaces: &NamespaceConfigs) -> Result<(), String> {
        let changing = self.changing.lock(); // two rewrites at once would write the same file
        let path = changing.resolved.config.config.as_deref();
        let path = path.ok_or("The server is running without a config file")?;
        super::file::rewrite(path, &changing.resolved, namespaces).map_err(|bad| bad.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Layer, resolve};

    fn live(layers: &[(&str, &str)]) -> Live {
        let layers = layers.iter().map(|(name, text)| Layer::new(Origin::Flag, *name, *text));
        Live::new(resolve(layers).unwrap(), 1000)
    }

    fn get(live: &Live, name: &str) -> String {
        let found = live.get(&[name.as_bytes()]);
        assert_eq!(found.len(), 1, "{found:?}");
        found[0].1.clone()
    }

    #[test]
    fn several_settings_change_together_or_not_at_all() {
        let live = live(&[]);
        live.set(&[("MaxMemory", "2kb"), ("maxmemory-policy", "allkeys-lru"), ("hz", "50")]).unwrap();
        assert_eq!([get(&live, "maxmemory"), get(&live, "policy"), get(&live, "hz")], ["2048", "allkeys-lru", "50"]);
        let before = live.generation();
        let bad = live.set(&[("maxmemory", "4kb"), ("hz", "10"), ("maxclients", "none")]).unwrap_err();
        assert!(matches!(&bad, BadChange::Refused { name, .. } if name == "maxclients"), "{bad}");
        assert_eq!([get(&live, "maxmemory"), get(&live, "hz")], ["2048", "50"]);
        assert_eq!(live.generation(), before);
    }

    #[test]
    fn changes_that_cannot_be_made_say_why() {
        let live = live(&[("bind", "0.0.0.0"), ("requirepass", "s")]);
        for (name, text, part) in [
            ("port", "7000", "restart with --port"),
            ("appendonly", "yes", "no append-only file"),
            ("databases", "4", "always 16"),
            ("requirepass", "", "--insecure"),
            ("timeout", "soon", "not a duration"),
        ] {
            let bad = live.set(&[(name, text)]).unwrap_err().to_string();
            assert!(bad.contains(part), "{bad}");
        }
        assert_eq!(live.set(&[("nope", "1")]), Err(BadChange::Unknown("nope".to_owned())));
    }

    #[test]
    fn what_is_already_so_may_be_set_even_if_it_cannot_change() {
        assert!(live(&[]).set(&[("port", "6379"), ("appendonly", "NO"), ("save", "")]).is_ok());
    }

    #[test]
    fn the_same_setting_twice_in_one_change_is_refused() {
        let packing = [("hash-max-listpack-value", "1"), ("hash-max-ziplist-value", "2")];
        for pair in [[("timeout", "1"), ("idle-timeout", "2")], [("hz", "1"), ("HZ", "1")], packing] {
            assert!(live(&[]).set(&pair).unwrap_err().to_string().contains("duplicate"));
        }
    }

    #[test]
    fn the_names_of_before_redis_7_mean_the_same_settings() {
        let live = live(&[]);
        live.set(&[("ZSet-Max-ZipList-Entries", "7")]).unwrap();
        assert_eq!(live.load().zset_max_listpack_entries, 7);
        assert_eq!([get(&live, "zset-max-listpack-entries"), get(&live, "zset-max-ziplist-entries")], ["7", "7"]);
        let bad = live.set(&[("zset-max-ziplist-entries", "-1")]).unwrap_err().to_string();
        assert!(bad.starts_with("zset-max-ziplist-entries"), "named as it was given: {bad}");
    }

    #[test]
    fn get_answers_several_globs_each_name_once() {
        let live = live(&[]);
        let names: Vec<_> =
            live.get(&[b"maxmemory*", b"MAXMEMORY", b"save"]).into_iter().map(|(name, _)| name).collect();
        let expected = [
            "maxmemory",
            "maxmemory-policy",
            "maxmemory-clients",
            "maxmemory-eviction-tenacity",
            "maxmemory-samples",
            "save",
        ];
        assert_eq!(names, expected);
        let all = live.get(&[b"*"]);
        assert!(all.len() > 100 && live.get(&[b"nothing"]).is_empty());
    }

    #[test]
    fn rewriting_without_a_file_is_refused() {
        assert!(live(&[]).rewrite(&NamespaceConfigs::new()).unwrap_err().contains("without a config file"));
    }
}
