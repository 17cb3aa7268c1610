//! Which namespaces there are: what a look-up sees, replaced as a whole when one is made, changed or dropped.

use crate::config::namespace::{NamespaceConfig, number};
use scrubjay_command::args::Digits;
use scrubjay_store::{DATABASES, NAMESPACES};
use std::borrow::Cow;
use std::collections::HashMap;

/// A namespace that was found.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Selected {
    /// Its database: 0 to 15, or from 16 on if it has a name.
    pub database: u8,
    /// Which of those that had this number one after the other it is; 0 for the sixteen, which are for ever.
    pub generation: u32,
}

/// All namespaces at one moment.
#[derive(Clone, Debug)]
pub struct Directory {
    by_name: HashMap<Box<str>, u8>,
    /// By database. A name stays until what it named is emptied, while nobody finds it any more.
    names: [Option<Box<str>>; NAMESPACES as usize],
    configs: [NamespaceConfig; NAMESPACES as usize],
    generations: [u32; NAMESPACES as usize],
    /// Free numbers, those that have been free for longest first.
    free: Vec<u8>,
}

impl Default for Directory {
    /// The sixteen numbers, told nothing.
    fn default() -> Directory {
        Directory {
            by_name: HashMap::new(),
            names: std::array::from_fn(|_| None),
            configs: [NamespaceConfig::default(); NAMESPACES as usize],
            generations: [0; NAMESPACES as usize],
            free: (DATABASES..NAMESPACES).collect(),
        }
    }
}

impl Directory {
    /// The namespace called `name`, or the number that it is.
    pub fn find(&self, name: &str) -> Option<Selected> {
        let database = number(name).or_else(|| self.by_name.get(name).copied())?;
        Some(Selected { database, generation: self.generations[usize::from(database)] })
    }

    /// How the namespace of a database is called: by its name, or its number.
    pub fn name(&self, database: u8) -> Cow<'_, str> {
        match self.names.get(usize::from(database)).and_then(Option::as_deref) {
            Some(name) => Cow::Borrowed(name),
            None => String::from_utf8_lossy(Digits::of(i64::from(database)).as_bytes()).into_owned().into(),
        }
    }

    /// Whether the database is a namespace that somebody made.
    pub fn is_named(&self, database: u8) -> bool {
        self.names[usize::from(database)].is_some()
    }

    /// What it was told.
    pub fn config(&self, database: u8) -> &NamespaceConfig {
        &self.configs[usize::from(database)]
    }

    /// The databases of the namespaces that have a name or settings.
    pub fn told(&self) -> impl Iterator<Item = u8> {
        let is_told = |database: &u8| self.is_named(*database) || *self.config(*database) != NamespaceConfig::default();
        (0..NAMESPACES).filter(is_told)
    }

    /// Tells a database something else.
    pub(super) fn set_config(&mut self, database: u8, config: NamespaceConfig) {
        self.configs[usize::from(database)] = config;
    }

    /// The number that the next name gets; `None`: all are in use.
    pub(super) fn next_free(&self) -> Option<u8> {
        self.free.first().copied()
    }

    /// Gives the number that is next to a name.
    pub(super) fn add(&mut self, name: &str, config: NamespaceConfig) -> Option<Selected> {
        if self.free.is_empty() {
            return None;
        }
        let database = self.free.remove(0);
        self.by_name.insert(name.into(), database);
        self.names[usize::from(database)] = Some(name.into());
        self.configs[usize::from(database)] = config;
        Some(Selected { database, generation: self.renew(database) })
    }

    /// Lets nobody find the namespace of this database any more. The generation that nobody has from now on.
    pub(super) fn hide(&mut self, database: u8) -> u32 {
        self.by_name.retain(|_, known| *known != database);
        self.renew(database)
    }

    /// Its number is free.
    pub(super) fn free(&mut self, database: u8) {
        self.names[usize::from(database)] = None;
        self.configs[usize::from(database)] = NamespaceConfig::default();
        self.free.push(database);
    }

    fn renew(&mut self, database: u8) -> u32 {
        let generation = &mut self.generations[usize::from(database)];
        *generation += 1;
        *generation
    }
}
