//! Namespaces: their names, what they were told, and who may still use them.
//!
//! ```text
//!   SELECT sessions, X-Namespace --> Directory (one atomic load) --> Selected { database 16, generation 5 }
//!   every command --version the same as at the last look?--> runs            [nearly always]
//!                 '-- no --> admit: is generation 5 still that of 16? a quota?
//! ```
//! 0 to 15 are the numbered databases, 16 to 63 have names. The store knows the numbers alone, with what concerns memory
//! and lifetimes ([`scrubjay_store::NsSettings`]); names, generations and quotas of commands are here.
//!
//! A number that was dropped may get another name. Whoever had selected the former one has its generation, which is nobody's
//! any more, and is refused. A command that was under way when its namespace was dropped may still write into it: a number
//! is therefore given out again as late as can be, and emptied once more before anybody can select it.
//!
//! - [`directory`]: what a look-up sees. [`quota`]: commands a second. [`admit`]: the look before a command.
//! - [`shown`]: a namespace as people and programs see it.
//! - [`change`]: making, changing and dropping, which also concern the store and those who wait.
//!
//! Cost: a session that has no quota pays one load of a line that nobody writes, and one branch, per command.

pub mod admit;
pub mod change;
pub mod directory;
pub mod quota;
pub mod shown;

use crate::config::{NamespaceConfig, NamespaceConfigs};
use arc_swap::{ArcSwap, Guard};
use directory::{Directory, Selected};
use parking_lot::Mutex;
use quota::Quota;
use scrubjay_command::namespace::{Named, Namespaces as Names, named, no_such_namespace};
use scrubjay_command::{Args, Kind, Reject};
use scrubjay_store::{DATABASES, NAMESPACES, Ns, Store};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// The namespaces of a node.
pub struct Namespaces {
    version: Version,
    databases: Box<[Database]>,
    directory: Arc<ArcSwap<Directory>>,
    /// Held while one is made, changed or dropped.
    changing: Mutex<()>,
    /// Held while numbered databases are exchanged; whether the store is being told something, which may wait for slots
    /// that the transaction of an exchange holds.
    telling: Mutex<bool>,
}

/// Counts changes; on a cache line of its own, because every command looks at it.
#[derive(Debug)]
#[repr(align(128))]
struct Version(AtomicU64);

#[derive(Default)]
struct Database {
    quota: Quota,
    /// Whose it is now.
    generation: AtomicU32,
}

impl Namespaces {
    /// Those of the settings, given numbers in the order of their names; the store is yet to be told.
    pub fn new(configs: &NamespaceConfigs) -> Namespaces {
        let databases: Box<[Database]> = (0..NAMESPACES).map(|_| Database::default()).collect();
        let mut directory = Directory::default();
        for (name, config) in configs {
            let selected = match directory.find(name) {
                Some(number) => {
                    directory.set_config(number.database, *config);
                    Some(number)
                }
                None => directory.add(name, *config),
            };
            // More than there are numbers for, the settings refuse.
            if let Some(Selected { database, generation }) = selected {
                let database = &databases[usize::from(database)];
                database.generation.store(generation, Ordering::Relaxed);
                database.quota.set_per_second(config.max_ops);
            }
        }
        Namespaces {
            version: Version(AtomicU64::new(1)),
            databases,
            directory: Arc::new(ArcSwap::from_pointee(directory)),
            changing: Mutex::new(()),
            telling: Mutex::new(false),
        }
    }

    /// Differs from an earlier reading if any namespace may be another; never 0.
    #[inline]
    pub fn version(&self) -> u64 {
        self.version.0.load(Ordering::Acquire)
    }

    /// All of them now. Keep the guard short.
    pub fn directory(&self) -> Guard<Arc<Directory>> {
        self.directory.load()
    }

    /// What a look-up sees, for who looks up itself.
    pub(crate) fn directories(&self) -> Arc<ArcSwap<Directory>> {
        self.directory.clone()
    }

    /// The namespace called so, or the number that it is. Errors: there is none.
    pub fn find(&self, name: &[u8]) -> Result<Selected, Reject> {
        let found = std::str::from_utf8(name).ok().and_then(|name| self.directory().find(name));
        found.ok_or_else(|| no_such_namespace(name))
    }

    /// The one that the argument at `index` names. Errors: there is none.
    pub fn named(&self, args: &Args<'_>, index: usize) -> Result<Selected, Reject> {
        match named(args, index)? {
            Named::Number(database) => Ok(Selected { database, generation: 0 }),
            Named::Name(name) => self.find(name),
        }
    }

    /// The quota of a database.
    #[inline]
    pub fn quota(&self, database: u8) -> &Quota {
        &self.databases[usize::from(database) % NAMESPACES as usize].quota
    }

    /// Whether what was selected is there no longer.
    pub fn is_gone(&self, selected: Selected) -> bool {
        let database = &self.databases[usize::from(selected.database) % NAMESPACES as usize];
        database.generation.load(Ordering::Acquire) != selected.generation
    }

    /// The database that a namespace of the store is at present.
    pub fn database_of(store: &Store, ns: Ns) -> u8 {
        (0..DATABASES).find(|&database| store.namespace(database) == Some(ns)).unwrap_or(ns.0)
    }

    /// What each was told that has a name or settings, by name: as the settings file has them.
    pub fn configs(&self) -> NamespaceConfigs {
        let directory = self.directory();
        directory.told().map(|database| (directory.name(database).into_owned(), *directory.config(database))).collect()
    }

    /// Counts refusals from zero.
    pub fn reset_refused(&self) {
        self.databases.iter().for_each(|database| database.quota.reset_refused());
    }

    fn replace(&self, directory: Directory) {
        self.directory.store(Arc::new(directory));
    }

    /// Lets every session look anew. To be called when what it will see is in its place.
    fn renew(&self) {
        self.version.0.fetch_add(1, Ordering::Release);
    }
}

const TELLING: Reject = Reject::new(
    Kind::Busy,
    "BUSY the settings of a namespace are being changed, and no databases can be swapped meanwhile: try again; nothing was \
     swapped",
);

impl Names for Namespaces {
    fn database(&self, name: &[u8]) -> Result<u8, Reject> {
        self.find(name).map(|selected| selected.database)
    }

    fn swap(&self, store: &Store, a: u8, b: u8) -> Result<(), Reject> {
        let telling = self.telling.lock();
        if *telling {
            return Err(TELLING);
        }
        let directory = self.directory();
        if let Some(own) =
            [a, b].into_iter().find(|&database| *directory.config(database) != NamespaceConfig::default())
        {
            return Err(Reject::with(
                Kind::Conflict,
                format!(
                    "ERR database {own} has settings of its own, which stay with its number: JAY.NAMESPACE DROP {own} \
                     takes them back; nothing was swapped"
                ),
            ));
        }
        store.swap_databases(a, b);
        Ok(())
    }
}
