//! Making, changing and dropping a namespace.

use super::Namespaces;
use super::directory::Selected;
use crate::config::namespace::{NAMED_MAX, NamespaceConfig, check_name};
use crate::shared::Shared;
use scrubjay_command::namespace::no_such_namespace;
use scrubjay_command::{Kind, Reject};
use scrubjay_store::{DATABASES, Ns};
use std::sync::atomic::Ordering;

/// A namespace was selected that is no longer there.
pub const GONE: Reject = Reject::new(
    Kind::NotFound,
    "ERR the selected namespace was dropped: SELECT another, or make it anew and SELECT it; nothing was changed",
);

impl Shared {
    /// Makes the namespace called `name`, or changes it: `change` says what it is told, given what it was told before.
    /// Whether it was made.
    ///
    /// Errors: it cannot be called so, what `change` refuses, or there are [`NAMED_MAX`] names; nothing was changed. Locks
    /// the store: to be called with no slot locked.
    pub fn set_namespace(
        &self,
        name: &str,
        change: impl FnOnce(&mut NamespaceConfig) -> Result<(), Reject>,
    ) -> Result<bool, Reject> {
        check_name(name).map_err(|bad| Reject::with(Kind::BadRequest, format!("ERR {bad}")))?;
        let namespaces = &self.namespaces;
        let _one_at_a_time = namespaces.changing.lock();
        let mut directory = (**namespaces.directory()).clone();
        let found = directory.find(name);
        let mut config = found.map_or_else(NamespaceConfig::default, |known| *directory.config(known.database));
        change(&mut config)?;
        let selected = match found {
            Some(known) => known,
            None => {
                let database = directory.next_free().ok_or_else(too_many)?;
                // What was under way when its last namespace was dropped may have written since.
                if self.store.len(Ns(database)) > 0 {
                    self.clear(database);
                }
                directory.add(name, config).ok_or_else(too_many)?
            }
        };
        directory.set_config(selected.database, config);
        let database = &namespaces.databases[usize::from(selected.database)];
        database.quota.set_per_second(config.max_ops);
        database.generation.store(selected.generation, Ordering::Release);
        // In this order: once it has settings it is not swapped, so that its number stays the namespace that is told.
        let telling = namespaces.begin_telling();
        namespaces.replace(directory);
        self.tell_store(selected.database, &config);
        drop(telling);
        namespaces.renew();
        Ok(found.is_none())
    }

    /// Drops the namespace called `name`: it is emptied, its name and settings are forgotten, those who wait for its keys and
    /// those who have selected it are refused. One of the sixteen numbers keeps its entries, and loses its settings.
    ///
    /// Errors: there is none; nothing was changed. Locks the store: to be called with no slot locked.
    pub fn drop_namespace(&self, name: &str) -> Result<(), Reject> {
        let namespaces = &self.namespaces;
        let _one_at_a_time = namespaces.changing.lock();
        let mut directory = (**namespaces.directory()).clone();
        let Selected { database, .. } = directory.find(name).ok_or_else(|| no_such_namespace(name.as_bytes()))?;
        let cell = &namespaces.databases[usize::from(database)];
        let _telling = namespaces.begin_telling();
        if database < DATABASES {
            self.tell_store(database, &NamespaceConfig::default());
            directory.set_config(database, NamespaceConfig::default());
            namespaces.replace(directory);
            cell.quota.clear();
            namespaces.renew();
            return Ok(());
        }
        let generation = directory.hide(database);
        namespaces.replace(directory.clone());
        cell.generation.store(generation, Ordering::Release);
        namespaces.renew();
        self.clear(database);
        self.tell_store(database, &NamespaceConfig::default());
        cell.quota.clear();
        // Only now: what was said about its keys until here was said with its name.
        directory.free(database);
        namespaces.replace(directory);
        Ok(())
    }

    /// Tells the store what the settings say of each namespace. For a start.
    pub(crate) fn tell_store_of_namespaces(&self) {
        let directory = self.namespaces.directory();
        directory.told().for_each(|database| self.tell_store(database, directory.config(database)));
    }

    fn tell_store(&self, database: u8, config: &NamespaceConfig) {
        if let Some(ns) = self.store.namespace(database) {
            self.store.set_ns_settings(ns, config.for_store(), self.clock.now_ms());
        }
    }

    /// Empties a named namespace, and lets nobody wait there.
    fn clear(&self, database: u8) {
        let ns = Ns(database);
        self.effects.waiting.refuse(self, ns, &GONE);
        self.store.flush(Some(ns));
        self.effects.settle();
    }
}

/// The store is being told something for as long as this lives.
struct Telling<'a>(&'a Namespaces);

impl Namespaces {
    fn begin_telling(&self) -> Telling<'_> {
        *self.telling.lock() = true;
        Telling(self)
    }
}

impl Drop for Telling<'_> {
    fn drop(&mut self) {
        *self.0.telling.lock() = false;
    }
}

#[cold]
fn too_many() -> Reject {
    Reject::with(
        Kind::Conflict,
        format!(
            "ERR there are {NAMED_MAX} named namespaces, and there can be no more: JAY.NAMESPACE DROP one; nothing was made"
        ),
    )
}
