//! The table: which nodes hold which slot, decided and not drawn.
//!
//! ```text
//!   nodes, copies, present table
//!        |
//!   shares     what each node should hold: its weight's share to within one slot, no more than zones allow
//!        |
//!   layout     nothing is held yet: contiguous runs, exact by construction
//!   holders    something is held: move as few copies as there must be, into room that zones and scatter leave
//!   exchange   where zones leave no room: through others, on cheapest paths
//!        |
//!   primaries  which of a slot's holders comes first: roles move without data
//! ```
//!
//! Of what is asked for, in the order in which it gives way when not all can be had:
//!
//! 1. as many copies as asked for, or as there are nodes, on different nodes;
//! 2. copies in different zones, or as evenly over the zones as can be;
//! 3. every node's copies, and its primaries, within one slot of its weight's share (of what zones leave it);
//! 4. the fewest copies moved, then the fewest primaries changed;
//! 5. bounded scatter: a node shares slots with at most [`scatter_default`] others, so that a loss is felt by few, and
//!    two losses seldom meet (copysets: Cidon et al., USENIX ATC 2013);
//! 6. few and long runs of slots.
//!
//! Equal input gives equal output on every machine: whole numbers, IEEE additions and divisions, and ids in their order.
//! A node holds what it is to hold when it has caught up; `diff` in [`topology`](crate::topology) makes the steps.

mod exchange;
mod holders;
mod layout;
mod pairs;
mod primaries;
mod shares;
mod zones;

pub use shares::{Shares, shares};

use crate::weight::{Refused as RefusedNode, check_weight};
use scrubjay_base::{SLOTS, SlotId};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::fmt;

/// The most nodes that a table is made for. Planning takes 2 bytes for each pair of them.
pub const NODES_MAX: usize = 4096;

/// The most copies of a slot.
pub const COPIES_MAX: usize = 16;

/// A slot's holders as indexes of nodes: the primary, then the replicas in the order of their ids.
pub(crate) type Holders = SmallVec<[u16; 4]>;

/// No node.
pub(crate) const NONE: u16 = u16::MAX;

/// What a node is doing, as far as placement cares.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It holds its share.
    #[default]
    Active,
    /// It is to hold its share.
    Joining,
    /// It is to hold nothing.
    Draining,
}

/// A node as placement sees it.
#[derive(Clone, PartialEq, Debug)]
pub struct Node {
    /// Its name, different from all others.
    pub id: String,
    /// Its share is this divided by the sum of all: 0, or 10^-6 to 10^6. At 0 it holds nothing.
    pub weight: f64,
    /// What fails together: a rack, a zone. A node with an empty zone stands in one of its own.
    pub zone: String,
    /// Whether it is to hold anything.
    pub state: State,
}

/// Why no table was made.
#[derive(Clone, PartialEq, Debug)]
pub enum Refused {
    /// A node cannot be used.
    Node(RefusedNode),
    /// No node may hold anything: none is there, or all drain or have weight 0.
    NoNode,
    /// More than [`NODES_MAX`].
    TooManyNodes(usize),
    /// Not 1 to [`COPIES_MAX`].
    Copies(usize),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Node(refused) => refused.fmt(f),
            Refused::NoNode => f.write_str(
                "no node may hold slots: all drain or have weight 0; add a node, or let one stay, before the last one goes",
            ),
            Refused::TooManyNodes(count) => write!(f, "{count} nodes: a cluster has at most {NODES_MAX}"),
            Refused::Copies(copies) => write!(f, "copies: {copies}: use a number from 1 to {COPIES_MAX}"),
        }
    }
}

impl std::error::Error for Refused {}

/// The table slot -> primary and replicas.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Table {
    /// Sorted ids.
    nodes: Vec<String>,
    /// Indexes into `nodes`.
    slots: Vec<Holders>,
}

/// Consecutive slots with the same holders.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Range<'a> {
    /// The first slot.
    pub first: u16,
    /// The last slot, this one included.
    pub last: u16,
    /// The primary, then the replicas in the order of their ids; empty if nobody holds these slots.
    pub holders: Vec<&'a str>,
}

impl Table {
    /// The table of a cluster that holds nothing yet.
    pub fn empty() -> Table {
        Table { nodes: Vec::new(), slots: vec![Holders::new(); SLOTS] }
    }

    /// The table in which slot s is held by `holders(s)`, primary first. Replicas are put in the order of their ids, and
    /// a node that is named twice for a slot holds it once.
    pub fn of<'a>(holders: impl Fn(SlotId) -> Vec<&'a str>) -> Table {
        let named: Vec<Vec<&str>> = (0..SLOTS as u16).filter_map(SlotId::new).map(holders).collect();
        let mut nodes: Vec<String> = named.iter().flatten().map(|id| String::from(*id)).collect();
        nodes.sort_unstable();
        nodes.dedup();
        let slots = named
            .iter()
            .map(|ids| {
                let mut held = Holders::new();
                for id in ids {
                    let at = nodes.binary_search_by(|node| node.as_str().cmp(id)).map_or(NONE, |at| at as u16);
                    if !held.contains(&at) {
                        held.push(at);
                    }
                }
                if held.len() > 2 {
                    held[1..].sort_unstable();
                }
                held
            })
            .collect();
        Table { nodes, slots }
    }

    /// The nodes that the table knows, sorted by id, whether or not they hold anything.
    pub fn nodes(&self) -> &[String] {
        &self.nodes
    }

    /// Who holds the slot: the primary, then the replicas in the order of their ids.
    pub fn holders(&self, slot: SlotId) -> impl Iterator<Item = &str> + Clone {
        self.slots[slot.index()].iter().map(|&at| self.nodes[at as usize].as_str())
    }

    /// The slot's primary; `None` if nobody holds it.
    pub fn primary(&self, slot: SlotId) -> Option<&str> {
        self.holders(slot).next()
    }

    /// The slots in order, as few ranges as there are. What `CLUSTER SLOTS` lists.
    pub fn ranges(&self) -> Vec<Range<'_>> {
        let mut ranges = Vec::new();
        let mut first = 0;
        for slot in 1..=SLOTS {
            if slot == SLOTS || self.slots[slot] != self.slots[first] {
                ranges.push(Range {
                    first: first as u16,
                    last: (slot - 1) as u16,
                    holders: self.slots[first].iter().map(|&at| self.nodes[at as usize].as_str()).collect(),
                });
                first = slot;
            }
        }
        ranges
    }
}

/// With how many others a node shares slots, unless somebody says otherwise.
///
/// Ten for each further copy: then the load of a lost node falls on ten others, 10 % more for each, and two nodes lost
/// together share a slot with a chance of 10 / (n - 1) instead of nearly 1. From some 25 nodes on it is twice the root of
/// n: a node that joins takes a little from everybody, and whom it shares those slots with must be a neighbour of every
/// other node; with b neighbours each, n / b nodes are enough for that, which is no more than b from the root of n on.
pub fn scatter_default(nodes: usize, copies: usize) -> usize {
    let root = (nodes as f64).sqrt().ceil() as usize;
    copies.saturating_sub(1).max(1) * (2 * root).max(10)
}

/// What planning works on: indexes instead of names, sets instead of lists.
pub(crate) struct Work {
    /// How many copies each slot is to have: at most as many as there are nodes.
    pub copies: usize,
    pub zones: zones::Zones,
    pub shares: Shares,
    /// By node: copies and primaries it is to hold.
    pub want: Vec<u32>,
    pub want_primaries: Vec<u32>,
    /// By node: copies and primaries it holds.
    pub have: Vec<u32>,
    pub have_primaries: Vec<u32>,
    /// By slot: its holders in ascending order, and its primary, which may be yet to be found.
    pub sets: Vec<Holders>,
    pub primary: Vec<u16>,
    /// Who shares how many slots with whom.
    pub pairs: pairs::Pairs,
    /// By node: with how many others it may share slots.
    pub scatter_max: Vec<u32>,
}

impl Work {
    /// Gives `node` a copy of `slot`.
    pub fn put(&mut self, slot: usize, node: u16) {
        for &other in &self.sets[slot] {
            self.pairs.join(node, other);
        }
        let at = self.sets[slot].partition_point(|&other| other < node);
        self.sets[slot].insert(at, node);
        self.have[node as usize] += 1;
    }

    /// Takes the copy of `slot` from `node`, which holds it.
    pub fn take(&mut self, slot: usize, node: u16) {
        self.sets[slot].retain(|other| *other != node);
        for &other in &self.sets[slot] {
            self.pairs.part(node, other);
        }
        self.have[node as usize] -= 1;
        if self.primary[slot] == node {
            self.set_primary(slot, NONE);
        }
    }

    /// Makes `node` the slot's primary, or nobody.
    pub fn set_primary(&mut self, slot: usize, node: u16) {
        if self.primary[slot] != NONE {
            self.have_primaries[self.primary[slot] as usize] -= 1;
        }
        if node != NONE {
            self.have_primaries[node as usize] += 1;
        }
        self.primary[slot] = node;
    }

    /// The end of the run of slots that have the same holders and primary as `first`.
    pub fn run_end(&self, first: usize) -> usize {
        let same = |slot: &usize| self.primary[*slot] == self.primary[first] && self.sets[*slot] == self.sets[first];
        (first + 1..SLOTS).find(|slot| !same(slot)).unwrap_or(SLOTS)
    }

    pub fn nodes(&self) -> usize {
        self.want.len()
    }
}

/// Decides who should hold what.
///
/// `nodes` in any order; `copies` from 1 to [`COPIES_MAX`], of which as many are made as there are nodes that may hold
/// something; `scatter_max` as in [`scatter_default`], which `None` takes, and more in proportion for nodes above the
/// average weight; `present` is what is held now, possibly by nodes that are gone.
///
/// Cost: milliseconds; a thousand nodes take some tens of them.
pub fn plan(nodes: &[Node], copies: usize, scatter_max: Option<usize>, present: &Table) -> Result<Table, Refused> {
    if copies == 0 || copies > COPIES_MAX {
        return Err(Refused::Copies(copies));
    }
    let shares = shares(nodes, copies)?;
    let ids: Vec<String> = shares.nodes().iter().map(|node| node.id.clone()).collect();
    let count = ids.len();
    let kept: Vec<u16> = present.nodes.iter().map(|id| ids.binary_search(id).map_or(NONE, |at| at as u16)).collect();

    let mut work = Work {
        copies: shares.copies(),
        zones: shares.zones().clone(),
        want: Vec::new(),
        want_primaries: Vec::new(),
        have: vec![0; count],
        have_primaries: vec![0; count],
        sets: vec![Holders::new(); SLOTS],
        primary: vec![NONE; SLOTS],
        pairs: pairs::Pairs::new(count),
        scatter_max: Vec::new(),
        shares,
    };
    for (slot, held) in present.slots.iter().enumerate() {
        for &node in held.iter().map(|&at| &kept[at as usize]).filter(|node| **node != NONE) {
            work.put(slot, node);
        }
        if let Some(&first) = held.first() {
            work.set_primary(slot, kept[first as usize]);
        }
    }
    (work.want, work.want_primaries) = work.shares.whole(&work.have, &work.have_primaries);
    let scatter_max = scatter_max.unwrap_or_else(|| scatter_default(count, work.copies)).max(1);
    let average = (SLOTS * work.copies) as f64 / count as f64;
    work.scatter_max = work
        .want
        .iter()
        .map(|&want| (scatter_max as f64 * (f64::from(want) / average).max(1.0)).ceil() as u32)
        .collect();

    if work.have.iter().all(|&have| have == 0) {
        layout::lay(&mut work, &ids, scatter_max);
    } else {
        holders::settle(&mut work);
    }
    primaries::settle(&mut work);

    let slots = (0..SLOTS)
        .map(|slot| {
            let primary = work.primary[slot];
            std::iter::once(primary).chain(work.sets[slot].iter().copied().filter(|&node| node != primary)).collect()
        })
        .collect();
    Ok(Table { nodes: ids, slots })
}

/// Checks the nodes and returns those that may hold something, sorted by id.
fn usable(nodes: &[Node]) -> Result<Vec<Node>, Refused> {
    if nodes.len() > NODES_MAX {
        return Err(Refused::TooManyNodes(nodes.len()));
    }
    let mut sorted = nodes.to_vec();
    sorted.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    if let Some(twice) = sorted.windows(2).find(|two| two[0].id == two[1].id) {
        return Err(Refused::Node(RefusedNode::Twice(twice[0].id.clone())));
    }
    for node in &sorted {
        if node.weight != 0.0 {
            check_weight(&node.id, node.weight).map_err(Refused::Node)?;
        }
    }
    sorted.retain(|node| node.weight > 0.0 && node.state != State::Draining);
    if sorted.is_empty() { Err(Refused::NoNode) } else { Ok(sorted) }
}
