//! The network threads: one per core, each with its own event loop and its own connections.

pub mod inbox;
