//! A node over real sockets, from outside: pipelines, bad input, limits, and the end.

mod bad_input;
mod leases;
mod lifecycle;
mod limits;
mod namespaces;
mod pipelines;
mod pubsub;
mod support;
mod transactions;
mod waiting;
