//! The network threads: one per core, each with its own event loop and its own connections.
//!
//! ```text
//! thread 0   epoll: bell, listeners, its connections      + the store's housekeeping
//! thread 1   epoll: bell, listeners, its connections
//!   ...              ^ inbox: messages and connections from other threads
//! ```
//!
//! A thread runs a command itself, under the store's short lock: no hop to an owner thread. A connection stays with the
//! thread it was given to, which is the one with the fewest, so one read, one write and no lock but the store's are all
//! that a batch costs.
//!
//! - [`poll`]: epoll. [`inbox`]: from other threads. `worker`: the loop. `round`: what one wait brought. `turns`: one
//!   connection's turn.
//! - `sweep`: what is overdue. `arrivals`: new connections. `slab`: where a thread keeps them.

mod arrivals;
mod deliver;
pub mod inbox;
pub mod poll;
mod round;
mod slab;
mod sweep;
mod turns;
pub(crate) mod worker;
