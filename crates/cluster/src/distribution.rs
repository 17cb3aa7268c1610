//! How evenly slots lie: what `/cluster/distribution` tells.

use crate::ring::{Ring, VIRTUAL_NODES};
use crate::table::{Node, Refused, Table, shares};
use crate::weight::Refused as RefusedNode;
use scrubjay_base::{SLOTS, SlotId};
use std::collections::{BTreeMap, BTreeSet};

/// What one node holds, beside what it should.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Held {
    /// The node.
    pub id: String,
    /// Its zone, empty if it has none.
    pub zone: String,
    /// Slots that it is the primary of.
    pub primaries: usize,
    /// Slots that it is a replica of.
    pub replicas: usize,
    /// Of how many slots it should be the primary: its weight's share.
    pub primaries_fair: f64,
    /// How many copies it should hold, primaries included: its weight's share of what nodes and zones can hold.
    pub copies_fair: f64,
    /// How many ranges `CLUSTER SLOTS` lists for it.
    pub ranges: usize,
    /// With how many other nodes it shares slots.
    pub scatter: usize,
    /// How many slots the ring alone would have given it.
    pub ring_slots: usize,
}

/// Figures of a whole cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Distribution {
    /// By node, sorted by id; nodes that hold or should hold something.
    pub nodes: Vec<Held>,
    /// Slots that have two copies or more in one zone.
    pub slots_sharing_zone: usize,
    /// Slots that nobody holds.
    pub slots_unheld: usize,
    /// The most primaries that a node has, over its fair share.
    pub primaries_max_over_fair: f64,
    /// The same for the ring alone.
    pub ring_max_over_fair: f64,
}

/// What the table comes to for these nodes and so many copies. Refuses nodes of which no table could be made.
pub fn distribution(nodes: &[Node], copies: usize, table: &Table) -> Result<Distribution, Refused> {
    let shares = shares(nodes, copies)?;
    let zones: BTreeMap<&str, &str> = nodes.iter().map(|node| (node.id.as_str(), node.zone.as_str())).collect();
    let mut held: BTreeMap<&str, Held> = BTreeMap::new();
    for (at, node) in shares.nodes().iter().enumerate() {
        let entry = held.entry(&node.id).or_default();
        entry.primaries_fair = shares.node_primaries()[at];
        entry.copies_fair = shares.node_copies()[at];
    }
    let mut met: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let ranges = table.ranges();
    let (mut slots_sharing_zone, mut slots_unheld) = (0, 0);
    for range in &ranges {
        let slots = usize::from(range.last - range.first) + 1;
        let mut seen = BTreeSet::new();
        let mut is_sharing = false;
        for (at, &id) in range.holders.iter().enumerate() {
            let entry = held.entry(id).or_default();
            if at == 0 {
                entry.primaries += slots;
                entry.ranges += 1;
            } else {
                entry.replicas += slots;
            }
            met.entry(id).or_default().extend(range.holders.iter().filter(|other| **other != id));
            let zone = zones.get(id).copied().unwrap_or("");
            is_sharing |= !zone.is_empty() && !seen.insert(zone);
        }
        slots_sharing_zone += if is_sharing { slots } else { 0 };
        slots_unheld += if range.holders.is_empty() { slots } else { 0 };
    }
    let ring = Ring::of(VIRTUAL_NODES, shares.nodes().iter().map(|node| (node.id.as_str(), ring_weight(nodes, node))))
        .map_err(|refused: RefusedNode| Refused::Node(refused))?;
    for slot in (0..SLOTS as u16).filter_map(SlotId::new) {
        if let Some(at) = ring.first(Ring::position_of(slot)) {
            held.entry(&shares.nodes()[at].id).or_default().ring_slots += 1;
        }
    }
    let over_fair =
        |held: &Held, slots: usize| if held.primaries_fair > 0.0 { slots as f64 / held.primaries_fair } else { 0.0 };
    let nodes: Vec<Held> = held
        .into_iter()
        .map(|(id, held)| Held {
            id: id.into(),
            zone: zones.get(id).copied().unwrap_or("").into(),
            scatter: met.get(id).map_or(0, BTreeSet::len),
            ..held
        })
        .collect();
    Ok(Distribution {
        slots_sharing_zone,
        slots_unheld,
        primaries_max_over_fair: nodes.iter().map(|held| over_fair(held, held.primaries)).fold(0.0, f64::max),
        ring_max_over_fair: nodes.iter().map(|held| over_fair(held, held.ring_slots)).fold(0.0, f64::max),
        nodes,
    })
}

/// The node's weight, such that the average is 1: a ring's spread depends on how many points a node has, and weights of
/// a thousand for everybody should not make a thousand times as many.
fn ring_weight(all: &[Node], node: &Node) -> f64 {
    let usable: Vec<f64> = all.iter().map(|node| node.weight).filter(|weight| *weight > 0.0).collect();
    (node.weight * usable.len() as f64 / usable.iter().sum::<f64>()).max(1e-6)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{State, plan};

    #[test]
    fn figures_add_up_and_the_table_is_closer_to_fair_than_the_ring() {
        let nodes: Vec<Node> = (0..12)
            .map(|at| Node {
                id: format!("n{at}"),
                weight: if at < 6 { 1000.0 } else { 3000.0 },
                zone: format!("z{}", at % 3),
                state: State::Active,
            })
            .collect();
        let table = plan(&nodes, 2, None, &Table::empty()).unwrap();
        let found = distribution(&nodes, 2, &table).unwrap();
        assert_eq!(found.nodes.iter().map(|held| held.primaries).sum::<usize>(), SLOTS);
        assert_eq!(found.nodes.iter().map(|held| held.replicas).sum::<usize>(), SLOTS);
        assert_eq!(found.nodes.iter().map(|held| held.ring_slots).sum::<usize>(), SLOTS);
        assert_eq!(found.nodes.iter().map(|held| held.ranges).sum::<usize>(), table.ranges().len());
        assert_eq!((found.slots_sharing_zone, found.slots_unheld), (0, 0));
        assert!(found.primaries_max_over_fair < 1.002 && found.ring_max_over_fair > 1.03, "{found:?}");
    }

    #[test]
    fn what_is_wrong_shows() {
        let nodes: Vec<Node> =
            ["a", "b"].map(|id| Node { id: id.into(), weight: 1.0, zone: "z".into(), state: State::Active }).into();
        let table = Table::of(|slot| if slot.index() < 100 { vec![] } else { vec!["a", "b"] });
        let found = distribution(&nodes, 2, &table).unwrap();
        assert_eq!((found.slots_unheld, found.slots_sharing_zone), (100, SLOTS - 100));
        assert_eq!(distribution(&nodes, 2, &Table::empty()).unwrap().slots_unheld, SLOTS);
    }
}
