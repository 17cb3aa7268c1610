//! A namespace as it is shown: in `JAY.NAMESPACE`, over HTTP, in `INFO` and the metrics.

use super::Namespaces;
use crate::config::NamespaceConfig;
use scrubjay_store::{NsCount, Stats, Store};

/// One namespace at one moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shown {
    /// Its name, or its number.
    pub name: String,
    /// Its database.
    pub database: u8,
    /// What it was told.
    pub config: NamespaceConfig,
    /// What it holds.
    pub count: NsCount,
    /// Commands that its quota refused.
    pub refused: u64,
}

impl Namespaces {
    /// The namespace called so; `None`: there is none.
    pub fn show(&self, name: &str, store: &Store) -> Option<Shown> {
        let database = self.directory().find(name)?.database;
        Some(self.shown(database, store, &store.stats()))
    }

    /// Every namespace that has a name or settings, by database, with what `stats` counted.
    pub fn show_all(&self, store: &Store, stats: &Stats) -> Vec<Shown> {
        self.directory().told().map(|database| self.shown(database, store, stats)).collect()
    }

    fn shown(&self, database: u8, store: &Store, stats: &Stats) -> Shown {
        let directory = self.directory();
        let count = store.namespace(database).and_then(|ns| stats.per_ns.get(usize::from(ns.0)));
        Shown {
            name: directory.name(database).into_owned(),
            database,
            config: *directory.config(database),
            count: count.copied().unwrap_or_default(),
            refused: self.quota(database).refused(),
        }
    }
}
