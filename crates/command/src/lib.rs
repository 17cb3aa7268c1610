//! Commands: one table, typed operations, and the handlers that run them against the store.
//!
//! ```text
//! RESP args --parse--> typed operation --run--> Store        reply <- Reply
//! HTTP -- builds it directly ----^
//! ```
//!
//! A door that has typed values (HTTP) builds an operation such as [`family::string::Set`] and runs it; RESP first parses
//! its arguments into the same operation. So no door ever makes text for another door's parser. The embedded cache needs
//! neither: it works on the store itself.
//!
//! ```
//! use scrubjay_command::{Context, SizeLimits};
//! use scrubjay_command::family::counter::Increment;
//! use scrubjay_command::family::string::{Condition, Expiry, Get, Set};
//! use scrubjay_store::{Config, Ns, Store};
//!
//! let store = Store::new(Config::default(), None);
//! let limits = SizeLimits { key_bytes_max: 64 << 10, value_bytes_max: 512 << 20 };
//! let mut cx = Context::new(&store, Ns(0), 1_700_000_000_000, limits);
//!
//! let lock = Set { condition: Condition::Absent, expiry: Expiry::InMs(30_000), ..Set::new(b"lock", b"mine") };
//! assert!(lock.run(&cx)?.stored);
//! assert!(!lock.run(&cx)?.stored);
//!
//! assert_eq!(Increment::new(b"visits", 5).run(&mut cx)?, 5);
//! assert_eq!(Get { key: b"visits" }.run(&mut cx, |entry| entry.map(|entry| entry.value().to_vec()))?, Some(b"5".to_vec()));
//! # Ok::<(), scrubjay_command::Reject>(())
//! ```

pub mod args;
pub mod docs;
pub mod event;
pub mod family;
pub mod index;
pub mod long_double;
pub mod namespace;
pub mod reject;
pub mod reply;
pub mod server;
pub mod table;
pub mod usage;
pub mod wait;

pub use args::{Args, OwnedArgs, Span};
pub use index::{find, named, resolve};
pub use reject::{Kind, Reject};
pub use reply::{Reply, Value, ValueReply};
pub use table::{Context, Handler, Held, Row, SizeLimits};
