//! How many of a slot's copies a zone may hold.
//!
//! With as many zones as copies: one. With fewer: the copies are spread as evenly as the zones have nodes for. Let `most`
//! be the smallest number for which all zones together can take the copies. Then every zone takes `most` or one less (a
//! zone with fewer nodes takes one on each), and only so many take `most` that the sum is right.

/// The rule, and the zone of each node.
#[derive(Clone, Debug)]
pub struct Zones {
    /// By node.
    of: Vec<u16>,
    /// By zone: how many nodes it has.
    sizes: Vec<usize>,
    /// The most copies of a slot in a zone.
    most: usize,
    /// In how many of the zones that have so many nodes.
    with_most: usize,
}

impl Zones {
    /// The rule for these nodes' zones; an empty one is one of its own. `copies` is at most the number of nodes.
    pub fn new<'a>(zones: impl Iterator<Item = &'a str> + Clone, copies: usize) -> Zones {
        let mut names: Vec<&str> = zones.clone().filter(|zone| !zone.is_empty()).collect();
        names.sort_unstable();
        names.dedup();
        let mut sizes = vec![0; names.len()];
        let of = zones
            .map(|zone| {
                let at = names.binary_search(&zone).unwrap_or_else(|_| {
                    sizes.push(0);
                    sizes.len() - 1
                });
                sizes[at] += 1;
                at as u16
            })
            .collect();
        let capacity = |most: usize| sizes.iter().map(|&size| size.min(most)).sum::<usize>();
        let most = (1..).find(|&most| capacity(most) >= copies).unwrap_or(copies);
        let with_most = copies - capacity(most - 1);
        Zones { of, sizes, most, with_most }
    }

    /// How many zones there are.
    pub fn count(&self) -> usize {
        self.sizes.len()
    }

    /// By zone: its nodes.
    pub fn members(&self) -> Vec<Vec<u16>> {
        let mut members = vec![Vec::new(); self.count()];
        for (node, &zone) in self.of.iter().enumerate() {
            members[zone as usize].push(node as u16);
        }
        members
    }

    /// The zone of a node.
    pub fn of(&self, node: u16) -> u16 {
        self.of[node as usize]
    }

    /// The fewest and the most copies of a slot that the zone holds when the slot has all its copies.
    pub fn bounds(&self, zone: usize) -> (usize, usize) {
        (self.sizes[zone].min(self.most - 1), self.sizes[zone].min(self.most))
    }

    /// Whether a slot that `others` hold may be held by `node` too.
    pub fn admits(&self, others: impl Iterator<Item = u16> + Clone, node: u16) -> bool {
        let zone = self.of(node);
        let in_zone = 1 + others.clone().filter(|&other| self.of(other) == zone).count();
        if in_zone < self.most || self.sizes[zone as usize] < self.most {
            return true;
        }
        if in_zone > self.most {
            return false;
        }
        if self.most == 1 {
            return true;
        }
        // Zones that hold `most` already: counted at their first holder.
        let filled = others.clone().enumerate().filter(|&(at, other)| {
            let zone = self.of(other);
            self.sizes[zone as usize] >= self.most
                && others.clone().take(at).all(|earlier| self.of(earlier) != zone)
                && others.clone().filter(|&same| self.of(same) == zone).count() == self.most
        });
        filled.count() < self.with_most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(zones: &[&str], copies: usize, others: &[u16], node: u16) -> bool {
        Zones::new(zones.iter().copied(), copies).admits(others.iter().copied(), node)
    }

    #[test]
    fn zones_hold_one_copy_each_while_there_are_enough_of_them() {
        let zones = ["a", "a", "b", "c"];
        assert!(!admits(&zones, 3, &[0], 1));
        assert!(admits(&zones, 3, &[0, 2], 3));
        assert!(admits(&["", "", ""], 3, &[0, 1], 2), "nodes without a zone stand apart");
    }

    #[test]
    fn with_fewer_zones_than_copies_they_share_evenly() {
        let zones = ["a", "a", "a", "b", "b", "c"];
        // Four copies: two in one of a and b, and one in each other.
        assert!(admits(&zones, 4, &[0], 1));
        assert!(!admits(&zones, 4, &[0, 1], 2));
        assert!(!admits(&zones, 4, &[0, 1, 3], 4));
        assert!(admits(&zones, 4, &[0, 1, 3], 5));
        // Five: c has no second node, so a and b have two.
        assert!(admits(&zones, 5, &[0, 1, 3], 4));
    }
}
