//! Placement: pure functions from nodes and weights to who holds what. No I/O, no clock, no randomness that is not a
//! published hash.
//!
//! - [`ring`]: weighted virtual nodes; every position has an order in which it prefers the nodes.
//! - [`rendezvous`]: the same question answered by bids, without virtual nodes.
//! - [`table`]: which nodes hold which of the 16384 slots: balanced, zoned, and stable when nodes come and go.
//! - [`topology`]: the document that says so, and the steps from one to the next.
//! - [`distribution`]: how evenly it all lies.
//! - [`hash`]: the numbers behind them, the same in every version and language.

pub mod distribution;
pub mod hash;
pub mod rendezvous;
pub mod ring;
pub mod table;
pub mod topology;
pub mod weight;

pub use rendezvous::Rendezvous;
pub use ring::Ring;
pub use table::{Node, State, Table, plan};
pub use topology::Topology;
