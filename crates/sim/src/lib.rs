//! The cluster in a seeded world: messages are lost, doubled and delayed, nodes die and come back empty, clocks disagree.
//!
//! Everything that happens follows from a seed, so a failure is repeated by its number.
//!
//! - [`model`]: the rules of replication and promotion by themselves, a slot at a time, small enough to be read beside the
//!   decision that states them. Each rule can be broken on purpose, to see that the checker would notice.

pub mod model;
