//! The first table, when nobody holds anything: contiguous, exact and within the zones by construction.
//!
//! The slots are cut into a few blocks. For each block the nodes' shares are laid end to end on a line as long as the
//! block times the copies, in an order that the ring gives (virtual node b of every node, in block b), zones together.
//! Slot s of the block belongs to whoever lies at s, at s + block, at s + 2 blocks:
//!
//! ```text
//!            0               block            2 x block
//!   line     |--- a ---|--- b ---|--- c ---|--- d ---|     two copies, four nodes
//!   slots    0 .. 4    a and c                5 .. 9   b and d  (here the joints meet; in general they do not)
//! ```
//!
//! (systematic sampling: Madow, Annals of Mathematical Statistics 1949.) No node's share is longer than the block, so no
//! slot meets a node twice; no zone's is longer than what it may have of the copies. A block has at most one range for
//! each node, and a node meets some two others in it for each further copy: so the number of blocks is what sets both how
//! many ranges there are and with how many others a node shares slots.

use super::{SLOTS, Work};
use crate::hash;

/// Others that a node meets in a block, for each copy beyond the first: where lines of equal pieces overlap, two.
const MET_PER_BLOCK: usize = 2;

/// Gives every slot its holders. Nobody holds anything yet; `ids` by node.
pub fn lay(work: &mut Work, ids: &[String], scatter_max: usize) {
    let blocks = match work.copies {
        1 => 1,
        copies => (scatter_max / (MET_PER_BLOCK * (copies - 1))).clamp(1, SLOTS / 64),
    };
    let mut left: Vec<u32> = work.want.clone();
    for block in 0..blocks {
        let (from, to) = (SLOTS * block / blocks, SLOTS * (block + 1) / blocks);
        let pieces = pieces(work, &left, (to - from) as u32, (SLOTS - from) as u32);
        let mut order: Vec<u16> = (0..ids.len() as u16).collect();
        let place = |text: &str| hash::of_virtual_node(text, block as u32);
        let zones: Vec<u64> = zone_names(work, ids).iter().map(|name| place(name)).collect();
        order.sort_by_cached_key(|&node| {
            let zone = work.zones.of(node);
            (zones[zone as usize], zone, place(&ids[node as usize]), node)
        });
        let mut at = 0;
        for node in order {
            for _ in 0..pieces[node as usize] {
                work.put(from + at % (to - from), node);
                at += 1;
            }
            left[node as usize] -= pieces[node as usize];
        }
    }
}

/// By node: how many copies it gets in a block of `slots`, of the `left` that it is to get in the `slots_left` from the
/// block's beginning on.
fn pieces(work: &Work, left: &[u32], slots: u32, slots_left: u32) -> Vec<u32> {
    let part = |whole: u32| f64::from(whole) * f64::from(slots) / f64::from(slots_left);
    let mut zones = vec![0; work.zones.count()];
    for (node, &left) in left.iter().enumerate() {
        zones[work.zones.of(node as u16) as usize] += left;
    }
    let zone_parts: Vec<f64> = zones.iter().map(|&left| part(left)).collect();
    let zone_pieces = super::shares::round_evenly(slots * work.copies as u32, &zone_parts);
    let mut pieces = vec![0; left.len()];
    for (zone, members) in work.zones.members().into_iter().enumerate() {
        let parts: Vec<f64> = members.iter().map(|&node| part(left[node as usize])).collect();
        for (node, piece) in members.into_iter().zip(super::shares::round_evenly(zone_pieces[zone], &parts)) {
            pieces[node as usize] = piece;
        }
    }
    pieces
}

/// By zone: a name to order it by, that of its first node.
fn zone_names<'a>(work: &Work, ids: &'a [String]) -> Vec<&'a str> {
    work.zones.members().iter().map(|members| ids[members[0] as usize].as_str()).collect()
}
