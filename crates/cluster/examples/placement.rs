//! Prints the figures of docs/decisions/0011-placement.md:
//! `cargo run --release --locked -p scrubjay-cluster --example placement`.

use scrubjay_base::{SLOTS, SlotId};
use scrubjay_cluster::distribution::{Distribution, distribution};
use scrubjay_cluster::ring::{Ring, VIRTUAL_NODES};
use scrubjay_cluster::table::{Node, State, Table, plan, scatter_default};
use scrubjay_cluster::{Topology, hash, topology};
use std::time::Instant;

fn main() {
    println!("how a slot gets its primary (loads relative to fair; slots moved by a join, over the fewest)");
    for count in [3, 10, 50, 1000] {
        let (ring, joined) = (ring(count), ring(count + 1));
        let linear = |ring: &Ring| assign(ring, Ring::position_of, usize::MAX);
        let hashed = |ring: &Ring| assign(ring, |slot| hash::mix(slot.index() as u64), usize::MAX);
        let bounded = |ring: &Ring| assign(ring, Ring::position_of, SLOTS.div_ceil(ring.members().len()));
        report("hash(slot) on the ring", count, &hashed(&ring), &hashed(&joined));
        report("slots in order on the ring", count, &linear(&ring), &linear(&joined));
        report("ring with bounded loads", count, &bounded(&ring), &bounded(&joined));
        let first = timed(&nodes(count), 1, &Table::empty()).0;
        report("table", count, &primaries(&first), &primaries(&timed(&nodes(count + 1), 1, &first).0));
    }
    println!("\nthe table: ms, ranges a node, others a node shares with (mean, most; bound), copies moved of fewest");
    for copies in [2, 3] {
        for zones in [0, 3] {
            for count in [3, 10, 50, 300, 1000] {
                let all = zoned(count + 1, zones);
                let (first, ms) = timed(&all[..count], copies, &Table::empty());
                line("laid out", &all[..count], copies, &Table::empty(), &first, ms);
                let (table, ms) = timed(&all, copies, &first);
                line("one joins", &all, copies, &first, &table, ms);
                let (table, ms) = timed(&all[1..count], copies, &first);
                line("one leaves", &all[1..count], copies, &first, &table, ms);
            }
        }
    }
    println!("\nhistory, two copies");
    let mut table = Table::empty();
    for count in (1..=60).chain((10..60).rev()) {
        let (next, ms) = timed(&nodes(count), 2, &table);
        if count % 10 == 0 {
            line("grown or shrunk", &nodes(count), 2, &table, &next, ms);
        }
        table = next;
    }
    let (half, _) = timed(&nodes(500), 2, &Table::empty());
    let (full, ms) = timed(&nodes(1000), 2, &half);
    line("500 join at once", &nodes(1000), 2, &half, &full, ms);
    let (back, ms) = timed(&nodes(500), 2, &full);
    line("500 leave at once", &nodes(500), 2, &full, &back, ms);

    let text = document(&full);
    let start = Instant::now();
    let read = Topology::parse(&text).expect("what was written");
    println!("\ndocument of 1000 nodes: {} bytes, read in {:.1} ms", text.len(), start.elapsed().as_secs_f64() * 1e3);
    println!("steps for 500 that leave: {}", topology::diff(&read.table, &back).len());
}

fn nodes(count: usize) -> Vec<Node> {
    zoned(count, 0)
}

fn zoned(count: usize, zones: usize) -> Vec<Node> {
    let zone = |at: usize| if zones == 0 { String::new() } else { format!("zone-{}", at % zones) };
    let node = |at: usize| Node { id: format!("node-{at}"), weight: 1.0, zone: zone(at), state: State::Active };
    (0..count).map(node).collect()
}

fn slots() -> impl Iterator<Item = SlotId> {
    (0..SLOTS as u16).filter_map(SlotId::new)
}

fn ring(count: usize) -> Ring {
    let names: Vec<String> = (0..count).map(|at| format!("node-{at}")).collect();
    Ring::of(VIRTUAL_NODES, names.iter().map(|id| (id.as_str(), 1.0))).expect("a ring")
}

/// Each slot goes to the first node of its preference that has room (Mirrokni et al., SODA 2018).
fn assign(ring: &Ring, position: impl Fn(SlotId) -> u64, room: usize) -> Vec<String> {
    let mut loads = vec![0; ring.members().len()];
    slots()
        .map(|slot| {
            let node = ring.preference(position(slot)).find(|&node| loads[node] < room).expect("room");
            loads[node] += 1;
            ring.members()[node].id.clone()
        })
        .collect()
}

fn primaries(table: &Table) -> Vec<String> {
    slots().map(|slot| table.primary(slot).expect("held").to_owned()).collect()
}

fn report(what: &str, count: usize, old: &[String], new: &[String]) {
    let mut loads = std::collections::BTreeMap::new();
    old.iter().for_each(|id| *loads.entry(id).or_insert(0.0) += count as f64 / SLOTS as f64);
    let spread = (loads.values().map(|load: &f64| (load - 1.0).powi(2)).sum::<f64>() / count as f64).sqrt();
    let most = loads.values().copied().fold(0.0, f64::max);
    let ranges = 1 + old.windows(2).filter(|two| two[0] != two[1]).count();
    let moved = old.iter().zip(new).filter(|(old, new)| old != new).count();
    println!(
        "{count:5} {what:28} spread {:5.2} %  most {most:.2}  ranges a node {:7.1}  moved {:.2}",
        spread * 100.0,
        ranges as f64 / count as f64,
        moved as f64 / (SLOTS / (count + 1)) as f64
    );
}

/// The median of three.
fn timed(nodes: &[Node], copies: usize, present: &Table) -> (Table, f64) {
    let mut times = [0.0; 3];
    for time in &mut times {
        let start = Instant::now();
        plan(nodes, copies, None, present).expect("nodes that may hold slots");
        *time = start.elapsed().as_secs_f64() * 1e3;
    }
    times.sort_by(f64::total_cmp);
    (plan(nodes, copies, None, present).expect("nodes that may hold slots"), times[1])
}

fn line(what: &str, nodes: &[Node], copies: usize, old: &Table, new: &Table, ms: f64) {
    let Distribution { nodes: held, .. } = distribution(nodes, copies, new).expect("nodes that may hold slots");
    let count = held.len() as f64;
    let has = |table: &Table, slot, id: &str| table.holders(slot).any(|held| held == id);
    let moved: usize = slots().map(|slot| new.holders(slot).filter(|id| !has(old, slot, id)).count()).sum();
    let kept = |id: &str| slots().filter(|&slot| has(old, slot, id)).count() as f64;
    // Who gains must gain so many, and what nobody holds must go somewhere.
    let gains: f64 = held.iter().map(|node| (node.copies_fair.floor() - kept(&node.id)).max(0.0)).sum();
    let copies_in_all: f64 = held.iter().map(|node| node.copies_fair).sum();
    let fewest = gains.max(copies_in_all - held.iter().map(|node| kept(&node.id)).sum::<f64>());
    println!(
        "{:5} x{copies} {:7} {what:18} {ms:7.1} ms  ranges {:6.1}  shares with {:5.1}, {:3}; {:3}  moved {moved} of {fewest:.0}",
        nodes.len(),
        if nodes[0].zone.is_empty() { "" } else { "3 zones" },
        held.iter().map(|node| node.ranges).sum::<usize>() as f64 / count,
        held.iter().map(|node| node.scatter).sum::<usize>() as f64 / count,
        held.iter().map(|node| node.scatter).max().unwrap_or(0),
        scatter_default(nodes.len(), copies),
    );
}

fn document(table: &Table) -> String {
    let member = |id: &String| topology::Member {
        id: id.clone(),
        addresses: [("peer".to_owned(), "10.0.0.1:16379".to_owned())].into(),
        zone: String::new(),
        weight: 1.0,
        state: State::Active,
        incarnation: 1,
        unknown: Default::default(),
    };
    let document = Topology {
        version: 1,
        copies: 2,
        write_copies: 1,
        read_copies: 1,
        consistency: topology::Consistency::One,
        nodes: table.nodes().iter().map(member).collect(),
        table: table.clone(),
        unknown: Default::default(),
    };
    document.to_json()
}
