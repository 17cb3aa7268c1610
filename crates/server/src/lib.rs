//! The server: the sole owner of sockets, clocks and threads.
//!
//! ```text
//! listener -> connection -> door (resp, http): decode -> dispatch -> command table -> store -> reply -> socket
//! ```
//!
//! A [`Node`] is one of them, in this process: `scrubjay serve` starts one, and so does a test.
//!
//! - [`shared`]: what the whole node knows; [`session`]: what one client said about itself; [`clients`]: what others may
//!   see of it.
//! - [`door`]: a protocol on a connection; [`dispatch`]: from a command's name to its handler.
//! - [`config`]: the settings; [`command`]: the commands that need more than the store.
//! - [`pubsub`], [`tracking`], [`notices`]: who is told what, without having asked at that moment.
//! - [`namespaces`]: their names, quotas and settings.
//! - [`counters`], [`totals`], [`measure`]: what is counted and whose time it was; [`info`], [`exposition`], [`slowlog`],
//!   [`latency`](mod@latency), [`monitor`]: how it is shown.

mod batch;
pub mod clients;
pub mod command;
pub mod config;
mod connection;
pub mod connection_resp;
pub mod counters;
pub mod dispatch;
pub mod door;
mod effects;
pub mod exposition;
pub mod heat;
pub mod http;
pub mod info;
pub mod latency;
pub mod limits;
mod listener;
pub mod log;
pub mod measure;
pub mod monitor;
pub mod namespaces;
mod node;
pub mod notices;
pub mod process;
pub mod pubsub;
pub mod rates;
pub mod reference;
pub mod runtime;
pub mod session;
pub mod shared;
pub mod shutdown;
pub mod slowlog;
#[cfg(test)]
mod testing;
pub mod totals;
pub mod tracking;
mod transaction;
mod waiting;
mod watched;

pub use config::Config;
pub use node::{Given, Node, StartError};
pub use session::Session;
pub use shared::Shared;
