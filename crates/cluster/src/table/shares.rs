//! What each node should hold: first as fractions, then as whole slots.
//!
//! Primaries follow the weights. So do all copies, as far as they can: a node holds a slot once, and a zone holds as many
//! copies of a slot as [`Zones`] says. What a heavy node or zone must leave is shared by the others in proportion to their
//! weights; the level to which all are filled is found exactly, on the breakpoints of a piecewise linear function.
//!
//! Fractions are then rounded down or up. Which ones up is free, and is used: a node that holds more than the lower number
//! keeps the higher one, so rounding never moves a slot.

use super::zones::Zones;
use super::{Node, Refused, usable};
use scrubjay_base::SLOTS;

/// What each node that may hold something should hold, in slots.
#[derive(Clone, Debug)]
pub struct Shares {
    nodes: Vec<Node>,
    copies: usize,
    zones: Zones,
    zone_copies: Vec<f64>,
    node_copies: Vec<f64>,
    node_primaries: Vec<f64>,
}

/// What these nodes should hold of `copies` copies, at most as many as there are nodes.
pub fn shares(nodes: &[Node], copies: usize) -> Result<Shares, Refused> {
    let nodes = usable(nodes)?;
    let copies = copies.min(nodes.len());
    let zones = Zones::new(nodes.iter().map(|node| node.zone.as_str()), copies);
    let slots = SLOTS as f64;

    let mut zone_weights = vec![0.0; zones.count()];
    for (at, node) in nodes.iter().enumerate() {
        zone_weights[zones.of(at as u16) as usize] += node.weight;
    }
    let vessels: Vec<Vessel> = zone_weights
        .iter()
        .enumerate()
        .map(|(zone, &weight)| {
            let (least, most) = zones.bounds(zone);
            Vessel { weight, least: slots * least as f64, most: slots * most as f64 }
        })
        .collect();
    let zone_copies = fill(slots * copies as f64, &vessels);

    let mut node_copies = vec![0.0; nodes.len()];
    for (members, &held) in zones.members().into_iter().zip(&zone_copies) {
        let vessel = |&at: &u16| Vessel { weight: nodes[at as usize].weight, least: 0.0, most: slots };
        let vessels: Vec<Vessel> = members.iter().map(vessel).collect();
        for (at, share) in members.into_iter().zip(fill(held, &vessels)) {
            node_copies[at as usize] = share;
        }
    }
    let total: f64 = nodes.iter().map(|node| node.weight).sum();
    let node_primaries = nodes.iter().map(|node| snap(slots * node.weight / total)).collect();
    Ok(Shares { nodes, copies, zones, zone_copies, node_copies, node_primaries })
}

impl Shares {
    /// The nodes that may hold something, sorted by id.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// How many copies each slot has.
    pub fn copies(&self) -> usize {
        self.copies
    }

    /// By node: how many copies it should hold, primaries included. A table is balanced if each is within one of it.
    pub fn node_copies(&self) -> &[f64] {
        &self.node_copies
    }

    /// By node: of how many slots it should be the primary.
    pub fn node_primaries(&self) -> &[f64] {
        &self.node_primaries
    }

    pub(crate) fn zones(&self) -> &Zones {
        &self.zones
    }

    /// Whole copies and primaries by node, for nodes that hold `have` and `have_primaries` now.
    pub(super) fn whole(&self, have: &[u32], have_primaries: &[u32]) -> (Vec<u32>, Vec<u32>) {
        let mut copies = vec![0; self.nodes.len()];
        let keeps = |at: &u16| i64::from(f64::from(have[*at as usize]) > self.node_copies[*at as usize].floor());
        let members = self.zones.members();
        // A zone asks to be rounded up by as many slots as its nodes would keep.
        let asks: Vec<i64> = members
            .iter()
            .zip(&self.zone_copies)
            .map(|(members, held)| {
                let down: f64 = members.iter().map(|&at| self.node_copies[at as usize].floor()).sum();
                members.iter().map(keeps).sum::<i64>() - (held.floor() - down) as i64
            })
            .collect();
        let total = (SLOTS * self.copies) as u32;
        for (members, held) in members.iter().zip(round(total, &self.zone_copies, &asks, |_| u32::MAX)) {
            let ideal: Vec<f64> = members.iter().map(|&at| self.node_copies[at as usize]).collect();
            let asks: Vec<i64> = members.iter().map(keeps).collect();
            for (&at, whole) in members.iter().zip(round(held, &ideal, &asks, |_| SLOTS as u32)) {
                copies[at as usize] = whole;
            }
        }
        // Who has a copy to give is rounded down rather than others, who is to get one rather up: then role and copy go
        // together.
        let asks: Vec<i64> = (0..self.nodes.len())
            .map(|at| {
                let keeps = f64::from(have_primaries[at]) > self.node_primaries[at].floor();
                2 * i64::from(keeps) + (i64::from(copies[at]) - i64::from(have[at])).signum()
            })
            .collect();
        let primaries = round(SLOTS as u32, &self.node_primaries, &asks, |at| copies[at]);
        (copies, primaries)
    }
}

/// Rounds `ideal` down or up to numbers whose sum is `total`.
pub(super) fn round_evenly(total: u32, ideal: &[f64]) -> Vec<u32> {
    let ideal: Vec<f64> = ideal.iter().map(|&share| snap(share)).collect();
    round(total, &ideal, &vec![0; ideal.len()], |_| u32::MAX)
}

struct Vessel {
    weight: f64,
    least: f64,
    most: f64,
}

/// Pours `total` into the vessels up to one level: each holds `level x weight`, but not less than `least` and not more
/// than `most`. The total lies between the sums of both.
fn fill(total: f64, vessels: &[Vessel]) -> Vec<f64> {
    let at = |vessel: &Vessel, level: f64| (level * vessel.weight).clamp(vessel.least, vessel.most);
    let mut bends: Vec<f64> =
        vessels.iter().flat_map(|vessel| [vessel.least / vessel.weight, vessel.most / vessel.weight]).collect();
    bends.sort_unstable_by(f64::total_cmp);
    let reached = bends.partition_point(|&level| vessels.iter().map(|vessel| at(vessel, level)).sum::<f64>() < total);
    let above = bends.get(reached).copied().unwrap_or(f64::INFINITY);
    let below = if reached == 0 { 0.0 } else { bends[reached - 1] };
    // Between two bends the sum is linear: some vessels stand still, the others rise with the level.
    let mut still = 0.0;
    let mut rising = 0.0;
    for vessel in vessels {
        if vessel.least / vessel.weight <= below && vessel.most / vessel.weight >= above {
            rising += vessel.weight;
        } else {
            still += at(vessel, below);
        }
    }
    let level = if rising > 0.0 { ((total - still) / rising).clamp(below, above) } else { below };
    vessels.iter().map(|vessel| snap(at(vessel, level))).collect()
}

/// A number that is whole but for the error of a few additions becomes whole.
fn snap(x: f64) -> f64 {
    if (x - x.round()).abs() < 1e-6 { x.round() } else { x }
}

/// Rounds `ideal` down or up to numbers whose sum is `total`. Up goes who asks for most, then who would lose most, then
/// who comes first; nobody above `most`.
fn round(total: u32, ideal: &[f64], asks: &[i64], most: impl Fn(usize) -> u32) -> Vec<u32> {
    let mut whole: Vec<u32> = ideal.iter().map(|share| share.floor() as u32).collect();
    let mut rest = total.saturating_sub(whole.iter().sum());
    let mut order: Vec<usize> = (0..ideal.len()).collect();
    order.sort_by(|&a, &b| {
        let fraction = |at: usize| ideal[at] - ideal[at].floor();
        // Whole numbers come last: rounding up adds a whole slot to them.
        (fraction(a) == 0.0)
            .cmp(&(fraction(b) == 0.0))
            .then(asks[b].cmp(&asks[a]))
            .then(fraction(b).total_cmp(&fraction(a)))
            .then(a.cmp(&b))
    });
    for &at in &order {
        if rest > 0 && whole[at] < most(at) {
            whole[at] += 1;
            rest -= 1;
        }
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vessels(of: &[(f64, f64, f64)]) -> Vec<Vessel> {
        of.iter().map(|&(weight, least, most)| Vessel { weight, least, most }).collect()
    }

    #[test]
    fn fill_stops_at_both_ends_of_a_vessel() {
        assert_eq!(fill(10.0, &vessels(&[(1.0, 0.0, 9.0), (1.0, 0.0, 9.0)])), [5.0, 5.0]);
        assert_eq!(fill(10.0, &vessels(&[(9.0, 0.0, 6.0), (1.0, 0.0, 9.0)])), [6.0, 4.0]);
        assert_eq!(fill(10.0, &vessels(&[(9.0, 0.0, 9.0), (1.0, 3.0, 9.0)])), [7.0, 3.0]);
        assert_eq!(fill(4.0, &vessels(&[(1.0, 2.0, 2.0), (1.0, 2.0, 2.0)])), [2.0, 2.0]);
        assert_eq!(
            fill(6.0, &vessels(&[(8.0, 0.0, 2.0), (2.0, 0.0, 9.0), (1.0, 0.0, 9.0)])),
            [2.0, 8.0 / 3.0, 4.0 / 3.0]
        );
    }

    #[test]
    fn round_keeps_the_sum_and_gives_up_slots_to_those_who_hold_them() {
        assert_eq!(round(10, &[3.4, 3.3, 3.3], &[0, 0, 1], |_| 99), [3, 3, 4]);
        assert_eq!(round(10, &[3.4, 3.3, 3.3], &[0, 0, 0], |_| 99), [4, 3, 3]);
        assert_eq!(round(10, &[3.4, 3.3, 3.3], &[0, 0, 0], |at| if at == 0 { 3 } else { 4 }), [3, 4, 3]);
    }
}
