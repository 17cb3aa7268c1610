//! The HTTP door of a running node, over real sockets.

mod auth;
mod bad_input;
mod client;
mod connection;
mod leases;
mod limits;
mod namespaces;
mod routes;
