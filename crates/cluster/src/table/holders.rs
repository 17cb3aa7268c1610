//! From the present holders to balanced ones, by as few new copies as there must be.
//!
//! Every node that holds less than it is to hold takes copies: those that lie vacant, and those of nodes that hold more
//! than they are to. Nobody else gives anything up, so no copy moves that need not. What is left to choose is which slots,
//! and the choice is made so that the other holders of those slots are few and are ones the taker shares slots with
//! already: a greedy hitting set over the givers. Whole runs are taken before parts, and parts from their ends.
//!
//! Where zones leave a taker nothing to take, [`exchange`](super::exchange) reaches somebody who can through others.

use super::{Holders, NONE, SLOTS, Work, exchange};
use crate::hash::mix;
use smallvec::SmallVec;
use std::cmp::Reverse;

/// What still holds. Each is tried for all takers before the next: strict first.
#[derive(Clone, Copy)]
struct Rules {
    /// Only what makes a range longer instead of beginning one.
    joins: bool,
    /// A primary's copy is taken only from who has too many primaries, by who has too few; a replica's likewise.
    roles: bool,
    /// No two nodes share much more than their part of the slots.
    even: bool,
    /// With how many others a node may share slots, in percent of what it is to keep to.
    scatter_percent: u32,
}

const LADDER: [Rules; 8] = [
    Rules { joins: true, roles: true, even: true, scatter_percent: 100 },
    Rules { joins: false, roles: true, even: true, scatter_percent: 100 },
    Rules { joins: false, roles: false, even: true, scatter_percent: 100 },
    Rules { joins: false, roles: false, even: false, scatter_percent: 100 },
    Rules { joins: false, roles: false, even: false, scatter_percent: 115 },
    Rules { joins: false, roles: false, even: false, scatter_percent: 130 },
    Rules { joins: false, roles: false, even: false, scatter_percent: 150 },
    Rules { joins: false, roles: false, even: false, scatter_percent: u32::MAX },
];

/// How much more than its even part a pair may share. Chosen: below 1 nothing fits, and with 2 a node that joins shares
/// slots with half as many others as it may, which leaves them room for the next one.
const PAIR_SLACK: f64 = 2.0;

/// From how many slots all takers together choose, and from how many times as many as it needs each does at least. Chosen:
/// one node that joins, or fifty that share what one leaves, look at everything; each of five hundred need not, and
/// planning would take seconds.
const CHOICE_ALL: usize = 1 << 18;
const CHOICE: usize = 8;

/// Slots that are chosen or left out together where copies lie vacant. Chosen: some runs long.
const STRETCH: usize = 64;

/// Makes every node hold what it is to hold.
pub fn settle(work: &mut Work) {
    let before = work.sets.clone();
    if trim(work) {
        // Those who lost a copy that was too many may have it back for another one, before anything new is made.
        exchange::settle(work, &before, 0);
    }
    for rules in LADDER {
        let mut takers: Vec<u16> = (0..work.nodes() as u16).filter(|&node| need(work, node) > 0).collect();
        takers.sort_by_key(|&node| (Reverse(need(work, node)), node));
        let choice = CHOICE_ALL / takers.len().max(1);
        for taker in takers {
            take_many(work, taker, rules, choice);
        }
    }
    exchange::settle(work, &before, i32::MAX);
    fill_anyhow(work);
}

/// Copies that `node` is to get.
pub(super) fn need(work: &Work, node: u16) -> u32 {
    work.want[node as usize].saturating_sub(work.have[node as usize])
}

/// Copies that `node` is to lose.
pub(super) fn spare(work: &Work, node: u16) -> u32 {
    work.have[node as usize].saturating_sub(work.want[node as usize])
}

fn need_primaries(work: &Work, node: u16) -> u32 {
    work.want_primaries[node as usize].saturating_sub(work.have_primaries[node as usize])
}

fn spare_primaries(work: &Work, node: u16) -> u32 {
    work.have_primaries[node as usize].saturating_sub(work.want_primaries[node as usize])
}

/// The slot's holders but for one.
pub(super) fn without(work: &Work, slot: usize, giver: u16) -> impl Iterator<Item = u16> + Clone + '_ {
    work.sets[slot].iter().copied().filter(move |&node| node != giver)
}

/// Drops copies that are too many, or that lie where the zones do not allow them. Whether there were any.
fn trim(work: &mut Work) -> bool {
    let mut last = NONE;
    let mut is_dropped = false;
    for slot in 0..SLOTS {
        loop {
            let misplaced: Holders = work.sets[slot]
                .iter()
                .copied()
                .filter(|&node| !work.zones.admits(without(work, slot, node), node))
                .collect();
            let victims = match misplaced.is_empty() {
                false => misplaced,
                true if work.sets[slot].len() > work.copies => work.sets[slot].clone(),
                true => break,
            };
            // Going on with the same node as in the slot before keeps runs long.
            let best = victims.iter().copied().max_by_key(|&node| {
                (spare(work, node) > 0, node == last, work.primary[slot] != node, spare(work, node), node)
            });
            last = best.unwrap_or(NONE);
            work.take(slot, last);
            is_dropped = true;
        }
    }
    is_dropped
}

/// Consecutive slots with the same holders, none of them the taker, which may take them in place of one.
struct Piece {
    first: usize,
    len: usize,
    /// Whom it takes them from; `NONE` if a copy lies vacant.
    giver: u16,
}

/// What the taker chooses from: the copies of so many givers, and vacant ones of so many stretches of slots, that together
/// they offer `choice` slots, or [`CHOICE`] times what it needs. Which ones differs from taker to taker.
fn pieces(work: &Work, taker: u16, choice: usize) -> Vec<Piece> {
    let enough = choice.max(CHOICE * need(work, taker) as usize);
    let mut sources: Vec<(u64, usize, usize)> = (0..work.nodes())
        .map(|node| (node, spare(work, node as u16) as usize))
        .chain((0..SLOTS / STRETCH).map(|stretch| {
            let slots = stretch * STRETCH..(stretch + 1) * STRETCH;
            (work.nodes() + stretch, work.sets[slots].iter().filter(|set| set.len() < work.copies).count())
        }))
        .filter(|source| source.1 > 0)
        .map(|(source, offered)| (mix(u64::from(taker) << 32 | source as u64), source, offered))
        .collect();
    sources.sort_unstable();
    let mut chosen = vec![false; work.nodes() + SLOTS / STRETCH];
    let mut offered = 0;
    for source in sources {
        if offered >= enough {
            break;
        }
        offered += source.2;
        chosen[source.1] = true;
    }

    let mut found = Vec::new();
    let mut first = 0;
    while first < SLOTS {
        let set = &work.sets[first];
        let vacant = set.len() < work.copies && chosen[work.nodes() + first / STRETCH];
        if set.contains(&taker) || !(vacant || set.iter().any(|&node| chosen[node as usize])) {
            first += 1;
            continue;
        }
        let end = work.run_end(first);
        let givers = set.iter().copied().filter(|&node| set.len() == work.copies && chosen[node as usize]);
        for giver in givers.chain(vacant.then_some(NONE)) {
            if work.zones.admits(without(work, first, giver), taker) {
                found.push(Piece { first, len: end - first, giver });
            }
        }
        first = end;
    }
    found
}

/// How many slots of the piece the taker may take, scatter aside.
fn amount(work: &Work, taker: u16, piece: &Piece, rules: Rules) -> u32 {
    let mut most = need(work, taker).min(piece.len as u32);
    let giver = piece.giver;
    let wanted = need_primaries(work, taker).min(most);
    if giver != NONE {
        most = most.min(spare(work, giver));
    }
    if rules.roles {
        let given = if giver == NONE { u32::MAX } else { spare_primaries(work, giver) };
        let primary = work.primary[piece.first];
        most = most.min(match primary == giver {
            true => given.min(wanted),
            false if giver == NONE => need(work, taker) - wanted,
            false => spare(work, giver).saturating_sub(given).min(need(work, taker) - wanted),
        });
    }
    if rules.even {
        for other in without(work, piece.first, giver) {
            most = most.min(pair_max(work, taker, other).saturating_sub(work.pairs.count(taker, other)));
        }
    }
    most
}

/// How many slots two nodes may share while `Rules::even` holds.
fn pair_max(work: &Work, taker: u16, other: u16) -> u32 {
    let others = (work.scatter_max[taker as usize] as usize).min(work.nodes() - 1).max(1);
    let average = (SLOTS * work.copies) as f64 / work.nodes() as f64;
    let part = f64::from(work.want[taker as usize]) * (work.copies - 1) as f64 / others as f64;
    (PAIR_SLACK * part * (f64::from(work.want[other as usize]) / average).max(1.0)).ceil() as u32
}

/// At how many ends the piece would go on as what lies beside it, had the taker taken it.
fn joints(work: &Work, taker: u16, piece: &Piece) -> usize {
    let continues = |beside: usize| {
        work.sets.get(beside).is_some_and(|set| {
            set.contains(&taker)
                && set.len() == without(work, piece.first, piece.giver).count() + 1
                && without(work, piece.first, piece.giver).all(|other| set.contains(&other))
        })
    };
    usize::from(continues(piece.first.wrapping_sub(1))) + usize::from(continues(piece.first + piece.len))
}

type Group = SmallVec<[u16; 4]>;

/// The piece's other holders that the taker shares no slot with yet.
fn strangers(work: &Work, taker: u16, piece: &Piece) -> Group {
    without(work, piece.first, piece.giver).filter(|&other| work.pairs.count(taker, other) == 0).collect()
}

/// Whether the taker and these may become neighbours.
fn may_meet(work: &Work, taker: u16, strangers: &[u16], rules: Rules) -> bool {
    let most = |node: u16| u64::from(work.scatter_max[node as usize]) * u64::from(rules.scatter_percent) / 100;
    u64::from(work.pairs.degree(taker)) + strangers.len() as u64 <= most(taker)
        && strangers.iter().all(|&other| u64::from(work.pairs.degree(other)) < most(other))
}

/// Takes what the taker needs, as far as these rules allow.
fn take_many(work: &mut Work, taker: u16, rules: Rules, choice: usize) {
    let mut pieces = pieces(work, taker, choice);
    if rules.joins {
        pieces.retain(|piece| joints(work, taker, piece) > 0);
    }
    pieces.sort_by_cached_key(|piece| {
        let most = amount(work, taker, piece, Rules { even: false, ..rules });
        // Ranges that grow together first, then whole ranges, then the longest parts.
        (Reverse(joints(work, taker, piece)), most < piece.len as u32, Reverse(most), piece.first, piece.giver)
    });
    loop {
        for piece in &mut pieces {
            if need(work, taker) == 0 {
                return;
            }
            cut(work, taker, piece);
            if piece.len > 0 && strangers(work, taker, piece).is_empty() {
                take(work, taker, piece, amount(work, taker, piece, rules));
            }
        }
        // Those with whom nothing new is shared are exhausted: who would help most as a neighbour?
        let mut offers: Vec<(Group, u16, u32, usize)> = Vec::new();
        for (at, piece) in pieces.iter_mut().enumerate() {
            cut(work, taker, piece);
            if piece.len == 0 {
                continue;
            }
            let strangers = strangers(work, taker, piece);
            let most = amount(work, taker, piece, rules);
            if most > 0 && !strangers.is_empty() && may_meet(work, taker, &strangers, rules) {
                offers.push((strangers, piece.giver, most, at));
            }
        }
        let accepted = best_offers(work, taker, offers, rules);
        if accepted.is_empty() {
            return;
        }
        for at in accepted {
            let piece = &mut pieces[at];
            cut(work, taker, piece);
            if piece.len > 0 && may_meet(work, taker, &strangers(work, taker, piece), rules) {
                let most = amount(work, taker, piece, rules);
                take(work, taker, piece, most);
            }
        }
    }
}

/// The first pieces of those groups of strangers that cover most, best first: the best one, and others that cover as much.
/// Each giver counts for no more than it has to spare.
fn best_offers(work: &Work, taker: u16, mut offers: Vec<(Group, u16, u32, usize)>, rules: Rules) -> Vec<usize> {
    offers.sort_unstable_by(|a, b| (&a.0, a.1, a.3).cmp(&(&b.0, b.1, b.3)));
    let mut groups: Vec<(u64, Reverse<u32>, Reverse<usize>)> = Vec::new();
    for group in offers.chunk_by(|a, b| a.0 == b.0) {
        let mut covered = 0u32;
        for from_one in group.chunk_by(|a, b| a.1 == b.1) {
            let offered = from_one.iter().map(|offer| offer.2).sum::<u32>();
            covered += match from_one[0].1 {
                NONE => offered,
                giver => offered.min(spare(work, giver)),
            };
        }
        covered = covered.min(need(work, taker));
        if rules.even {
            covered = group[0].0.iter().fold(covered, |most, &other| most.min(pair_max(work, taker, other)));
        }
        // Of equal ones the one with the fewest neighbours; of these the first by name.
        let degrees: u32 = group[0].0.iter().map(|&other| work.pairs.degree(other)).sum();
        let first = group.iter().map(|offer| offer.3).min().unwrap_or(0);
        groups.push(((u64::from(covered) << 16) / group[0].0.len() as u64, Reverse(degrees), Reverse(first)));
    }
    groups.sort_unstable_by(|a, b| b.cmp(a));
    let best = groups.first().map_or(0, |best| best.0);
    // One that covers nearly all of the need is enough; where each covers a slot or two, many are.
    let enough = (u64::from(need(work, taker)) << 16) / best.max(1) / 2;
    groups.iter().take_while(|group| group.0 == best).take(1 + enough as usize).map(|group| group.2.0).collect()
}

/// Cuts from the piece's ends what the taker holds by now: another piece of the same slots gave it.
fn cut(work: &Work, taker: u16, piece: &mut Piece) {
    while piece.len > 0 && work.sets[piece.first].contains(&taker) {
        piece.first += 1;
        piece.len -= 1;
    }
    while piece.len > 0 && work.sets[piece.first + piece.len - 1].contains(&taker) {
        piece.len -= 1;
    }
}

/// Gives `amount` slots of the piece to the taker, from the end that lies beside what it holds.
fn take(work: &mut Work, taker: u16, piece: &mut Piece, amount: u32) {
    let amount = amount as usize;
    let after = piece.first + piece.len;
    let from_back = work.sets.get(after).is_some_and(|set| set.contains(&taker));
    let first = if from_back { after - amount } else { piece.first };
    for slot in first..first + amount {
        give(work, slot, piece.giver, taker);
    }
    piece.len -= amount;
    if !from_back {
        piece.first += amount;
    }
}

/// Moves one copy. The taker inherits the role while it lacks primaries.
pub(super) fn give(work: &mut Work, slot: usize, giver: u16, taker: u16) {
    if giver != NONE {
        work.take(slot, giver);
    }
    work.put(slot, taker);
    if work.primary[slot] == NONE && need_primaries(work, taker) > 0 {
        work.set_primary(slot, taker);
    }
}

/// Copies that are vacant still, because zones and shares cannot be had together: they go where the zones allow, else
/// anywhere, to whom they burden least.
fn fill_anyhow(work: &mut Work) {
    for slot in 0..SLOTS {
        while work.sets[slot].len() < work.copies {
            let free = (0..work.nodes() as u16).filter(|node| !work.sets[slot].contains(node));
            let best = free.min_by_key(|&node| {
                let admitted = work.zones.admits(work.sets[slot].iter().copied(), node);
                (!admitted, i64::from(work.have[node as usize]) - i64::from(work.want[node as usize]), node)
            });
            let Some(node) = best else { break };
            give(work, slot, NONE, node);
        }
    }
}
