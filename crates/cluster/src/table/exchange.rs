//! Copies for those who can take none directly: through others.
//!
//! A taker takes a copy from somebody who holds just enough, who takes one from the next, until one takes a vacant copy,
//! or one that somebody has to spare. A hop costs 1 if the copy is new where it arrives, and gains 1 if it was new where it
//! came from, compared with what was held `before`. Cheapest paths first: since what was taken directly cost one move each,
//! the least there is, the sum of all moves stays the least that the zones allow (successive shortest paths: Ford and
//! Fulkerson 1962).
//!
//! A round finds the cheapest path for every pair of a taker and a source, and follows those that cost least for as many
//! copies as they carry. Cost of a round: nodes x ranges x copies for the hops, nodes^2 for each node of the longest path.

use super::holders::{give, need, spare, without};
use super::{Holders, NONE, SLOTS, Work};

/// How often distances are improved. A path longer than this is found in the next round.
const SWEEPS_MAX: usize = 24;

/// A way for a copy: how much it costs, where it was seen, and whose it is (`NONE`: vacant).
#[derive(Clone, Copy)]
struct Hop {
    cost: i32,
    slot: u16,
    giver: u16,
}

const NO_HOP: Hop = Hop { cost: i32::MAX / 4, slot: 0, giver: NONE };

/// Gives those who need copies what can be had through others, on paths that cost at most `cost_max` each.
pub fn settle(work: &mut Work, before: &[Holders], cost_max: i32) {
    while (0..work.nodes() as u16).any(|node| need(work, node) > 0) && round(work, before, cost_max) {}
}

/// Cheapest hops: to node x from node a at `x * nodes + a`, and to node x from a source.
struct Hops {
    between: Vec<Hop>,
    from_source: Vec<Hop>,
}

fn hops(work: &Work, before: &[Holders]) -> Hops {
    let nodes = work.nodes();
    let mut hops = Hops { between: vec![NO_HOP; nodes * nodes], from_source: vec![NO_HOP; nodes] };
    let spares: Vec<bool> = (0..nodes as u16).map(|node| spare(work, node) > 0).collect();
    // Whether a zone may enter in place of a giver is asked once for each zone and not for each of its nodes.
    let delegates: Vec<u16> = work.zones.members().iter().map(|members| members[0]).collect();
    let is_zoned = work.zones.count() < nodes;
    let mut first = 0;
    while first < SLOTS {
        let set = &work.sets[first];
        let mut end = first + 1;
        while end < SLOTS && work.sets[end] == *set && before[end] == before[first] {
            end += 1;
        }
        let vacant = set.len() < work.copies;
        for giver in set.iter().copied().chain(vacant.then_some(NONE)) {
            let admitted: Vec<bool> = match is_zoned {
                true => delegates.iter().map(|&node| work.zones.admits(without(work, first, giver), node)).collect(),
                false => Vec::new(),
            };
            let gain = i32::from(giver != NONE && !before[first].contains(&giver));
            for node in 0..nodes as u16 {
                if set.contains(&node) || (is_zoned && !admitted[work.zones.of(node) as usize]) {
                    continue;
                }
                let cost = i32::from(!before[first].contains(&node)) - gain;
                let hop = Hop { cost, slot: first as u16, giver };
                if giver == NONE || spares[giver as usize] {
                    cheapen(&mut hops.from_source[node as usize], hop);
                }
                if giver != NONE {
                    cheapen(&mut hops.between[node as usize * nodes + giver as usize], hop);
                }
            }
        }
        first = end;
    }
    hops
}

fn cheapen(best: &mut Hop, hop: Hop) {
    if hop.cost < best.cost {
        *best = hop;
    }
}

/// Follows the cheapest paths. False if there are none, or none carries.
fn round(work: &mut Work, before: &[Holders], cost_max: i32) -> bool {
    let nodes = work.nodes();
    let hops = hops(work, before);
    // By node: what it costs until it is the one that needs a copy, and who takes its copy then.
    let mut cost = vec![NO_HOP.cost; nodes];
    let mut for_whom = vec![NONE; nodes];
    for taker in (0..nodes).filter(|&node| need(work, node as u16) > 0) {
        cost[taker] = 0;
    }
    for _ in 0..SWEEPS_MAX.min(nodes) {
        let mut is_better = false;
        for node in 0..nodes {
            if cost[node] >= NO_HOP.cost {
                continue;
            }
            for giver in 0..nodes {
                let hop = hops.between[node * nodes + giver];
                let is_cheaper = hop.cost < NO_HOP.cost && cost[node] + hop.cost < cost[giver];
                if is_cheaper {
                    cost[giver] = cost[node] + hop.cost;
                    for_whom[giver] = node as u16;
                    is_better = true;
                }
            }
        }
        if !is_better {
            break;
        }
    }
    let total = |node: usize| cost[node].saturating_add(hops.from_source[node].cost);
    let least = (0..nodes).map(total).min().unwrap_or(NO_HOP.cost);
    if least >= NO_HOP.cost || least > cost_max {
        return false;
    }
    let mut is_moved = false;
    for last in (0..nodes).filter(|&node| total(node) == least) {
        let mut path = vec![(last as u16, hops.from_source[last])];
        let mut at = last;
        while for_whom[at] != NONE && path.len() <= nodes {
            let taker = for_whom[at] as usize;
            path.push((taker as u16, hops.between[taker * nodes + at]));
            at = taker;
        }
        while need(work, at as u16) > 0 && follow(work, before, &mut path) {
            is_moved = true;
        }
    }
    is_moved
}

/// Moves one copy along the path: each node takes from the giver of its hop, at the hop's cost. All or nothing: false, and
/// nothing is changed, if the path carries no more.
fn follow(work: &mut Work, before: &[Holders], path: &mut [(u16, Hop)]) -> bool {
    let mut done: Vec<(usize, u16, u16, u16)> = Vec::new();
    for (taker, hop) in path.iter_mut() {
        if let Some(slot) = seek(work, before, *taker, *hop) {
            hop.slot = slot as u16;
            done.push((slot, hop.giver, *taker, work.primary[slot]));
            give(work, slot, hop.giver, *taker);
            continue;
        }
        for (slot, giver, taker, primary) in done.into_iter().rev() {
            work.take(slot, taker);
            if giver != NONE {
                work.put(slot, giver);
            }
            work.set_primary(slot, primary);
        }
        return false;
    }
    true
}

/// A slot where the hop is possible at its cost, from where it was seen last on.
fn seek(work: &Work, before: &[Holders], taker: u16, hop: Hop) -> Option<usize> {
    let giver = hop.giver;
    let from = hop.slot as usize;
    (from..SLOTS).chain(0..from).find(|&slot| {
        let set = &work.sets[slot];
        let is_there = if giver == NONE { set.len() < work.copies } else { set.contains(&giver) };
        if !is_there || set.contains(&taker) {
            return false;
        }
        let gain = i32::from(giver != NONE && !before[slot].contains(&giver));
        i32::from(!before[slot].contains(&taker)) - gain == hop.cost
            && work.zones.admits(without(work, slot, giver), taker)
    })
}
