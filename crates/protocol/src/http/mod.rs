//! HTTP/1.1: bytes -> requests -> typed operations -> answers.
//!
//! ```text
//! input -> decode (head, chunked) -> route -> data (entry, batch) --typed operations--> store
//!                                      |        |
//!                                      |        '--> respond (json, value, date) -> output
//!                                      '--> the node's own routes (stats, metrics, cluster): the server answers them
//! ```
//!
//! - [`decode`]: an incremental decoder without I/O; [`head`] and [`chunked`] are its parts.
//! - [`route`]: the table of routes; [`openapi`]: the document that describes them.
//! - [`data`]: the routes that read and write entries, in [`entry`] one and in [`batch`] many, in [`lease`] for one who
//!   may fill it; [`envelope`] their JSON, [`value`] how a stored value and a JSON value correspond, [`conditional`] ETags, [`options`] the other header fields.
//! - [`namespace`]: what `PUT /v1/namespaces/{name}` takes.
//! - [`respond`]: answers, built in the connection's output; [`fault`]: the errors.
//!
//! Not here: sockets, time-outs, passwords, and what only the whole node knows.
//!
//! Sources: RFC 9110 (semantics), RFC 9112 (HTTP/1.1), RFC 8259 (JSON).

pub mod auth;
pub mod batch;
pub mod chunked;
mod collection;
pub mod conditional;
pub mod data;
pub mod date;
pub mod decode;
#[cfg(test)]
mod decode_tests;
pub mod entry;
pub mod envelope;
pub mod fault;
mod group;
pub mod head;
pub mod json;
pub mod lease;
mod meta;
pub mod namespace;
pub mod openapi;
pub mod options;
pub mod percent;
pub mod respond;
pub mod route;
pub mod value;

pub use data::{Bounds, Done, Exchange, Quota, Wait};
pub use decode::{Decoder, Limits, Request, Step};
pub use fault::{Fault, Status};
pub use respond::{Answer, Manner};
pub use route::Operation;
