//! Commands: one table, typed operations, and the handlers that run them against the store.
//!
//! ```text
//! RESP args --parse--> typed operation --run--> Store        reply <- Reply
//! HTTP, Python, gRPC -- build it directly --^
//! ```
//!
//! A door that has typed values (HTTP, the embedded cache) builds an operation such as
//! [`family::string::Set`] and runs it; RESP first parses its arguments into the same operation. So no door
//! ever makes text for another door's parser.

pub mod args;
pub mod docs;
pub mod family;
pub mod index;
pub mod long_double;
pub mod reject;
pub mod reply;
pub mod server;
pub mod table;
pub mod usage;
pub mod versioned;

pub use args::{Args, Span};
pub use index::{find, resolve};
pub use reject::{Kind, Reject};
pub use reply::{Reply, Value, ValueReply};
pub use table::{Context, Handler, Row};
