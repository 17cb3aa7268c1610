//! Which of a slot's holders is its primary. No data moves: a replica has it all.
//!
//! Slots without a primary take the holder that lacks most. What is unbalanced then is moved along shortest paths of
//! nodes: a slot whose primary has too many goes to a replica of it that has too few, or that can pass one on. Such a path
//! exists as long as any choice of primaries is balanced (augmenting paths of a flow: Ford and Fulkerson, 1956).

use super::{NONE, SLOTS, Work};
use std::cmp::Reverse;
use std::collections::VecDeque;

/// Gives every slot a primary, and every node its number of primaries.
pub fn settle(work: &mut Work) {
    choose(work);
    let mut lent = Lent::new(work);
    let exact = |work: &Work, node: usize| (work.want_primaries[node], work.want_primaries[node]);
    let bounds = |work: &Work, node: usize| {
        let ideal = work.shares.node_primaries()[node];
        (ideal.floor() as u32, ideal.ceil() as u32)
    };
    while lent.improve(work, exact) {}
    // Who is rounded up may have been decided unluckily: anything within the bounds will do.
    while lent.improve(work, bounds) {}
}

/// Runs of slots without a primary get one: the holder that lacks most, for as many slots as it lacks, then the next. What
/// nobody lacks stays together too, and is balanced afterwards.
fn choose(work: &mut Work) {
    let mut slot = 0;
    while slot < SLOTS {
        if work.primary[slot] != NONE {
            slot += 1;
            continue;
        }
        let lack =
            |node: u16| i64::from(work.want_primaries[node as usize]) - i64::from(work.have_primaries[node as usize]);
        let Some(node) = work.sets[slot].iter().copied().max_by_key(|&node| (lack(node), Reverse(node))) else {
            slot += 1;
            continue;
        };
        let end = work.run_end(slot);
        let end = if lack(node) > 0 { end.min(slot + lack(node) as usize) } else { end };
        while slot < end {
            work.set_primary(slot, node);
            slot += 1;
        }
    }
}

/// By pair (a, b): how many slots a is the primary of and b a replica.
struct Lent {
    nodes: usize,
    counts: Vec<u16>,
}

impl Lent {
    fn new(work: &Work) -> Lent {
        let mut lent = Lent { nodes: work.nodes(), counts: vec![0; work.nodes() * work.nodes()] };
        for slot in 0..SLOTS {
            lent.count(work, slot, 1);
        }
        lent
    }

    /// Adds or takes back what a slot counts.
    fn count(&mut self, work: &Work, slot: usize, change: i16) {
        let primary = work.primary[slot];
        for &node in work.sets[slot].iter().filter(|node| **node != primary) {
            let at = primary as usize * self.nodes + node as usize;
            self.counts[at] = self.counts[at].wrapping_add_signed(change);
        }
    }

    /// Moves primaries along one path, from a node above its range to one below its upper end, or from one above its
    /// lower end to one below its range. False if no path is left, or none is needed.
    fn improve(&mut self, work: &mut Work, range: impl Fn(&Work, usize) -> (u32, u32)) -> bool {
        let have = |work: &Work, node: usize| work.have_primaries[node];
        let above = |work: &Work, node: usize| have(work, node).saturating_sub(range(work, node).1);
        let below = |work: &Work, node: usize| range(work, node).0.saturating_sub(have(work, node));
        let can_lose = |work: &Work, node: usize| have(work, node).saturating_sub(range(work, node).0);
        let can_gain = |work: &Work, node: usize| range(work, node).1.saturating_sub(have(work, node));
        self.push(work, above, can_gain) || self.push(work, can_lose, below)
    }

    fn push(
        &mut self,
        work: &mut Work,
        loses: impl Fn(&Work, usize) -> u32,
        gains: impl Fn(&Work, usize) -> u32,
    ) -> bool {
        let mut came_from = vec![NONE; self.nodes];
        let mut queue: VecDeque<usize> = (0..self.nodes).filter(|&node| loses(work, node) > 0).collect();
        if queue.is_empty() || (0..self.nodes).all(|node| gains(work, node) == 0) {
            return false;
        }
        queue.iter().for_each(|&node| came_from[node] = node as u16);
        while let Some(node) = queue.pop_front() {
            for next in 0..self.nodes {
                if came_from[next] != NONE || self.counts[node * self.nodes + next] == 0 {
                    continue;
                }
                came_from[next] = node as u16;
                if gains(work, next) == 0 {
                    queue.push_back(next);
                    continue;
                }
                let mut path = vec![next];
                let mut at = next;
                while came_from[at] as usize != at {
                    at = came_from[at] as usize;
                    path.push(at);
                }
                let mut amount = gains(work, next).min(loses(work, at));
                for two in path.windows(2) {
                    amount = amount.min(u32::from(self.counts[two[1] * self.nodes + two[0]]));
                }
                for two in path.windows(2) {
                    self.hand_over(work, two[1] as u16, two[0] as u16, amount as usize);
                }
                return true;
            }
        }
        false
    }

    /// Makes `to` the primary of `amount` slots that `from` is the primary of: whole runs first, then the longest, from the
    /// end where `to` is the neighbour.
    fn hand_over(&mut self, work: &mut Work, from: u16, to: u16, mut amount: usize) {
        let mut runs: Vec<(usize, usize)> = Vec::new();
        let mut first = 0;
        while first < SLOTS {
            let end = work.run_end(first);
            if work.primary[first] == from && work.sets[first].contains(&to) {
                runs.push((first, end));
            }
            first = end;
        }
        runs.sort_by_key(|&(first, end)| (end - first > amount, Reverse(end - first), first));
        for (first, end) in runs {
            let count = amount.min(end - first);
            let from_back = work.primary.get(end) == Some(&to);
            let first = if from_back { end - count } else { first };
            for slot in first..first + count {
                self.count(work, slot, -1);
                work.set_primary(slot, to);
                self.count(work, slot, 1);
            }
            amount -= count;
        }
    }
}
