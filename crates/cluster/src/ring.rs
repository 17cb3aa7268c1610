//! A ring of weighted virtual nodes: every position has an order in which it prefers the nodes.
//!
//! ```text
//!   0 --a----b--a-----c----b---a--c------> 2^64, and on from 0
//!            |  `- the position just after b's point prefers a, then c, then b
//!            `- a node of weight w has round(w x virtual nodes) points
//! ```
//!
//! Slots lie on the ring in their order, evenly: slot s at s x 2^50. Neighbours then mostly prefer the same node, and a
//! cluster of 10 nodes has 135 ranges a node, where hash(slot) would leave every slot alone. It is still too many for
//! `CLUSTER SLOTS`, and the shares spread by 8 %: the ring prefers, and the [`table`](crate::table) decides.
//!
//! Finding the first node costs a binary search; a change sorts the points again (Karger et al., STOC 1997).

use crate::hash;
use crate::weight::{Member, Refused, check_weight};
use scrubjay_base::SlotId;

/// Virtual nodes of a node with weight 1: 150 spread the shares by 8 to 10 %, which is 1/sqrt(150); 1,500 would spread
/// them by 2.6 % for ten times the memory.
pub const VIRTUAL_NODES: u32 = 150;

/// The most points that one node may have, 16 MB of them.
pub const POINTS_PER_NODE_MAX: u32 = 1 << 20;

/// A ring. Equal members make equal rings, in whatever order they came.
#[derive(Clone, Debug)]
pub struct Ring {
    virtual_nodes: u32,
    /// Sorted by id.
    members: Vec<Member>,
    /// Position and member, sorted by position and then by id.
    points: Vec<(u64, u32)>,
}

impl Ring {
    /// A ring without nodes, with `virtual_nodes` (1 to [`POINTS_PER_NODE_MAX`]) for a node of weight 1.
    pub fn new(virtual_nodes: u32) -> Result<Ring, Refused> {
        if virtual_nodes == 0 || virtual_nodes > POINTS_PER_NODE_MAX {
            return Err(Refused::VirtualNodes(virtual_nodes));
        }
        Ok(Ring { virtual_nodes, members: Vec::new(), points: Vec::new() })
    }

    /// A ring of these nodes and weights. An id that comes twice is refused.
    pub fn of<'a>(virtual_nodes: u32, nodes: impl IntoIterator<Item = (&'a str, f64)>) -> Result<Ring, Refused> {
        let mut ring = Ring::new(virtual_nodes)?;
        for (id, weight) in nodes {
            ring.insert_member(id, weight)?;
        }
        ring.place();
        Ok(ring)
    }

    /// Adds a node, or refuses it and leaves the ring as it was. Moves to the new node what prefers it, and nothing else.
    pub fn add(&mut self, id: &str, weight: f64) -> Result<(), Refused> {
        self.insert_member(id, weight)?;
        self.place();
        Ok(())
    }

    /// Removes a node; what preferred it goes to its next preference. False if it was not there.
    pub fn remove(&mut self, id: &str) -> bool {
        let Ok(at) = self.find(id) else { return false };
        self.members.remove(at);
        self.place();
        true
    }

    /// Whether the node is in the ring.
    pub fn contains(&self, id: &str) -> bool {
        self.find(id).is_ok()
    }

    /// The nodes, sorted by id.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// Virtual nodes of a node with weight 1.
    pub fn virtual_nodes(&self) -> u32 {
        self.virtual_nodes
    }

    /// The node that `position` prefers, as an index into [`Ring::members`]; `None` if there is none.
    #[inline]
    pub fn first(&self, position: u64) -> Option<usize> {
        let at = self.points.partition_point(|point| point.0 < position);
        self.points.get(at).or(self.points.first()).map(|point| point.1 as usize)
    }

    /// All nodes in the order in which `position` prefers them, as indexes into [`Ring::members`]. The first few cost a
    /// few steps; all n of them some n ln n.
    pub fn preference(&self, position: u64) -> impl Iterator<Item = usize> + '_ {
        let at = self.points.partition_point(|point| point.0 < position);
        let mut seen = vec![false; self.members.len()];
        self.points[at..]
            .iter()
            .chain(&self.points[..at])
            .map(|point| point.1 as usize)
            .filter(move |&node| !std::mem::replace(&mut seen[node], true))
            .take(self.members.len())
    }

    /// Where a slot lies.
    pub fn position_of(slot: SlotId) -> u64 {
        (slot.index() as u64) << 50
    }

    fn insert_member(&mut self, id: &str, weight: f64) -> Result<(), Refused> {
        check_weight(id, weight)?;
        let points = f64::from(self.virtual_nodes) * weight;
        if points > f64::from(POINTS_PER_NODE_MAX) {
            return Err(Refused::TooHeavy { id: id.into(), points_max: POINTS_PER_NODE_MAX });
        }
        match self.find(id) {
            Ok(_) => Err(Refused::Twice(id.into())),
            Err(at) => {
                self.members.insert(at, Member { id: id.into(), weight });
                Ok(())
            }
        }
    }

    fn find(&self, id: &str) -> Result<usize, usize> {
        self.members.binary_search_by(|member| member.id.as_str().cmp(id))
    }

    fn place(&mut self) {
        self.points.clear();
        for (at, member) in self.members.iter().enumerate() {
            // A weight above nothing has at least one point, or a light node would be there and never be asked.
            let count = (f64::from(self.virtual_nodes) * member.weight).round().max(1.0) as u32;
            self.points.extend((0..count).map(|index| (hash::of_virtual_node(&member.id, index), at as u32)));
        }
        self.points.sort_unstable();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scrubjay_base::SLOTS;

    fn named(count: usize) -> Vec<String> {
        (0..count).map(|node| format!("node-{node}")).collect()
    }

    fn ring(count: usize) -> Ring {
        Ring::of(VIRTUAL_NODES, named(count).iter().map(|id| (id.as_str(), 1.0))).unwrap()
    }

    fn firsts(ring: &Ring) -> Vec<&str> {
        (0..SLOTS as u16)
            .map(|slot| {
                let first = ring.first(Ring::position_of(SlotId::new(slot).unwrap())).unwrap();
                ring.members()[first].id.as_str()
            })
            .collect()
    }

    #[test]
    fn preference_names_every_node_once_and_begins_with_the_first() {
        let ring = ring(20);
        for position in [0, 1, u64::MAX, 1 << 63] {
            let mut order: Vec<usize> = ring.preference(position).collect();
            assert_eq!(order.first().copied(), ring.first(position));
            order.sort_unstable();
            assert_eq!(order, (0..20).collect::<Vec<_>>());
        }
    }

    #[test]
    fn joining_takes_only_for_the_new_node_and_leaving_undoes_it() {
        let (before, mut changed) = (ring(10), ring(10));
        changed.add("node-new", 1.0).unwrap();
        for (old, new) in firsts(&before).iter().zip(firsts(&changed)) {
            assert!(*old == new || new == "node-new");
        }
        assert!(changed.remove("node-new") && !changed.remove("node-new"));
        assert_eq!(firsts(&before), firsts(&changed));
    }

    #[test]
    fn shares_follow_weights_within_the_spread_of_a_ring() {
        let names = named(10);
        let ring =
            Ring::of(VIRTUAL_NODES, names.iter().enumerate().map(|(at, id)| (id.as_str(), 1.0 + at as f64))).unwrap();
        let held = firsts(&ring);
        for (at, id) in names.iter().enumerate() {
            let share = held.iter().filter(|holder| *holder == id).count() as f64 / SLOTS as f64;
            let fair = (1.0 + at as f64) / 55.0;
            assert!((share / fair - 1.0).abs() < 0.35, "{id}: {share} for {fair}");
        }
    }

    #[test]
    fn the_order_of_arrival_does_not_matter() {
        let names = named(30);
        let backwards = Ring::of(VIRTUAL_NODES, names.iter().rev().map(|id| (id.as_str(), 1.0))).unwrap();
        assert_eq!(firsts(&ring(30)), firsts(&backwards));
    }

    #[test]
    fn placement_is_the_same_in_every_version() {
        // Changing any of these moves keys of every program that shards by itself.
        let ring = ring(5);
        let found: Vec<&str> = ["a", "user:1", "user:2", "", "long key with spaces"]
            .iter()
            .map(|key| ring.members()[ring.first(hash::of_key(key.as_bytes())).unwrap()].id.as_str())
            .collect();
        assert_eq!(found, ["node-0", "node-2", "node-1", "node-3", "node-1"]);
    }

    #[test]
    fn what_cannot_be_placed_is_refused_and_changes_nothing() {
        let mut ring = ring(2);
        for weight in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e300] {
            assert!(ring.add("x", weight).is_err(), "{weight}");
        }
        assert_eq!(ring.add("node-0", 1.0), Err(Refused::Twice("node-0".into())));
        assert_eq!(ring.members().len(), 2);
        assert!(Ring::new(0).is_err() && Ring::new(u32::MAX).is_err());
        assert_eq!(Ring::new(1).unwrap().first(0), None);
    }
}
