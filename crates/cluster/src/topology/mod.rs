//! The topology document: who is in the cluster, and who holds which slot. One document, one version, one text.
//!
//! ```json
//! {"format": 1, "version": 7, "copies": 2, "write_copies": 1, "read_copies": 1, "consistency": "one",
//!  "nodes": [{"id": "a", "addresses": {"peer": "10.0.0.1:16379", "resp": "10.0.0.1:6379"}, "zone": "z1",
//!             "weight": 1.0, "state": "active", "incarnation": 3}],
//!  "slots": [[0, 8191, "a", "b"], [8192, 16383, "b", "a"]]}
//! ```
//!
//! `slots` are ranges in ascending order without gaps: first, last, primary, replicas in the order of their ids. A cluster
//! that nobody has laid out yet has ranges without holders.
//!
//! - Reading validates everything and says what is wrong where; a document that was read is whole. [`parse`](Topology::parse)
//!   and [`to_json`](Topology::to_json) are inverse, and equal topologies have equal texts.
//! - **Unknown fields of the document and of a node are kept and written back**, so a node of an older version hands on
//!   what a newer one wrote. A change that older nodes must not overlook raises `format`, and an unknown format is refused.
//!   Ranges are rewritten by every plan and have no unknown parts.
//! - Who is the primary may be changed by a failover without the planner. A slot's term, which counts those changes, is not
//!   in here: versions and terms are two clocks.

mod check;
mod diff;

pub use check::Invalid;
pub use diff::{Action, Step, diff};

use crate::table::{self, State, Table};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The format that is written, and the newest one that is read.
pub const FORMAT: u32 = 1;

/// The longest document, in bytes. A thousand nodes with long names come to 1 MB; etcd takes 1.5 MB by default.
pub const DOCUMENT_BYTES_MAX: usize = 16 << 20;

/// What a cluster is and who holds what in it.
#[derive(Clone, PartialEq, Debug)]
pub struct Topology {
    /// Counts the changes of this document, from 1 on.
    pub version: u64,
    /// How many copies of each slot there are to be: 1 to [`table::COPIES_MAX`].
    pub copies: usize,
    /// How many copies a write waits for unless it says otherwise: 1 to `copies`.
    pub write_copies: usize,
    /// How many copies a read asks unless it says otherwise: 1 to `copies`.
    pub read_copies: usize,
    /// The level by name that requests have unless they say otherwise.
    pub consistency: Consistency,
    /// Sorted by id.
    pub nodes: Vec<Member>,
    /// Who holds what. Names only nodes that are in `nodes`.
    pub table: Table,
    /// Fields of the document that this version does not know.
    pub unknown: Map<String, Value>,
}

/// A level of consistency by name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Consistency {
    /// One copy answers reads and acknowledges writes.
    #[default]
    One,
    /// A majority for both.
    Quorum,
    /// Writes wait for all copies, reads ask one.
    All,
    /// Linearizable.
    Strong,
    /// Reads ask the nearest copy, which may be stale.
    Any,
    /// Reads see what the session has written.
    Session,
}

/// A node of the cluster.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Member {
    /// 1 to 64 letters, digits, `.`, `_`, `:` and `-`.
    pub id: String,
    /// Door -> `host:port`: `peer`, `resp`, `http`, ...
    #[serde(default)]
    pub addresses: BTreeMap<String, String>,
    /// What fails together; empty: this node alone.
    #[serde(default)]
    pub zone: String,
    /// Its share, compared with the others': 0, or 10^-6 to 10^6.
    #[serde(default = "one")]
    pub weight: f64,
    /// Whether it is to hold slots.
    pub state: State,
    /// Which start of its process this is; 0: none was seen yet.
    #[serde(default)]
    pub incarnation: u64,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

fn one() -> f64 {
    1.0
}

impl From<&Member> for table::Node {
    fn from(member: &Member) -> table::Node {
        table::Node { id: member.id.clone(), weight: member.weight, zone: member.zone.clone(), state: member.state }
    }
}

/// The document as it is written.
#[derive(Serialize, Deserialize)]
struct Document {
    format: u32,
    version: u64,
    copies: usize,
    write_copies: usize,
    read_copies: usize,
    consistency: Consistency,
    nodes: Vec<Member>,
    slots: Vec<Vec<Value>>,
    #[serde(flatten)]
    unknown: Map<String, Value>,
}

impl Topology {
    /// Reads a document, or says what is wrong with it and where.
    pub fn parse(text: &str) -> Result<Topology, Invalid> {
        if text.len() > DOCUMENT_BYTES_MAX {
            return Err(Invalid::new("", format!("{} bytes: at most {DOCUMENT_BYTES_MAX} are read", text.len())));
        }
        // The format comes before all else: what follows may have another shape in another one.
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let Format { format } = serde_json::from_str(text).map_err(Invalid::not_json)?;
        if format == 0 || format > FORMAT {
            return Err(Invalid::new(
                "format",
                format!("{format}: this version reads up to {FORMAT}; upgrade this node"),
            ));
        }
        let document: Document = serde_json::from_str(text).map_err(Invalid::not_json)?;
        let mut nodes = document.nodes;
        let table = check::table(&nodes, &document.slots)?;
        nodes.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        let topology = Topology {
            version: document.version,
            copies: document.copies,
            write_copies: document.write_copies,
            read_copies: document.read_copies,
            consistency: document.consistency,
            nodes,
            table,
            unknown: document.unknown,
        };
        topology.check()?;
        Ok(topology)
    }

    /// The document as one line of JSON.
    pub fn to_json(&self) -> String {
        let slots = self.table.ranges().into_iter().map(|range| {
            let holders = range.holders.into_iter().map(Value::from);
            [Value::from(range.first), Value::from(range.last)].into_iter().chain(holders).collect()
        });
        let document = Document {
            format: FORMAT,
            version: self.version,
            copies: self.copies,
            write_copies: self.write_copies,
            read_copies: self.read_copies,
            consistency: self.consistency,
            nodes: self.nodes.clone(),
            slots: slots.collect(),
            unknown: self.unknown.clone(),
        };
        // Maps with text keys and finite numbers: nothing that JSON cannot say.
        serde_json::to_string(&document).expect("a topology is representable")
    }

    /// The next version, in which the table is the one planned for these nodes; `scatter_max` as in [`table::plan`].
    pub fn replanned(&self, scatter_max: Option<usize>) -> Result<Topology, table::Refused> {
        let nodes: Vec<table::Node> = self.nodes.iter().map(table::Node::from).collect();
        let table = table::plan(&nodes, self.copies, scatter_max, &self.table)?;
        Ok(Topology { version: self.version + 1, table, ..self.clone() })
    }
}
