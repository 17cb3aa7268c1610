//! A node as the ring and rendezvous hashing see it: a name and a weight, and why one may be refused.

use std::fmt;

/// The heaviest and, inverted, the lightest weight. Beyond, a share is less than a slot or more than all of them.
pub const WEIGHT_MAX: f64 = 1_000_000.0;

/// A node and what share of the whole it asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// Its name: any text; two nodes have two names.
    pub id: String,
    /// Its share is this divided by the sum of all.
    pub weight: f64,
}

/// Why a node or a ring was refused. Nothing was changed.
#[derive(Clone, Debug, PartialEq)]
pub enum Refused {
    /// The weight is not a number from 1 / [`WEIGHT_MAX`] to [`WEIGHT_MAX`].
    Weight {
        /// Of which node.
        id: String,
        /// What was given.
        weight: f64,
    },
    /// The node would have more points on the ring than may be.
    TooHeavy {
        /// Which node.
        id: String,
        /// How many may be.
        points_max: u32,
    },
    /// The name is there already.
    Twice(String),
    /// Not a number of virtual nodes.
    VirtualNodes(u32),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Weight { id, weight } => {
                write!(f, "node '{id}': weight {weight}: use a number from 0.000001 to {WEIGHT_MAX}")
            }
            Refused::TooHeavy { id, points_max } => write!(
                f,
                "node '{id}' would have more than {points_max} points on the ring: use a smaller weight, or fewer virtual nodes"
            ),
            Refused::Twice(id) => write!(f, "node '{id}' is there twice: give each node a name of its own"),
            Refused::VirtualNodes(count) => {
                write!(f, "virtual nodes: {count}: use a number from 1 to {}", crate::ring::POINTS_PER_NODE_MAX)
            }
        }
    }
}

impl std::error::Error for Refused {}

/// Accepts a weight from 1 / [`WEIGHT_MAX`] to [`WEIGHT_MAX`].
pub(crate) fn check_weight(id: &str, weight: f64) -> Result<(), Refused> {
    if (1.0 / WEIGHT_MAX..=WEIGHT_MAX).contains(&weight) {
        Ok(())
    } else {
        Err(Refused::Weight { id: id.into(), weight })
    }
}
