//! The document: what is written is read again, what is wrong is said, and steps lead from one table to the next.

use proptest::prelude::*;
use scrubjay_base::{SLOTS, SlotId};
use scrubjay_cluster::Topology;
use scrubjay_cluster::table::{State, Table};
use scrubjay_cluster::topology::{Action, Consistency, Member, diff};
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn member(id: &str) -> Member {
    Member {
        id: id.into(),
        addresses: BTreeMap::from([("peer".into(), "10.0.0.1:16379".into()), ("resp".into(), "[::1]:6379".into())]),
        zone: String::new(),
        weight: 1.0,
        state: State::Active,
        incarnation: 3,
        unknown: serde_json::Map::new(),
    }
}

fn topology(nodes: usize) -> Topology {
    let topology = Topology {
        version: 1,
        copies: 2,
        write_copies: 1,
        read_copies: 1,
        consistency: Consistency::One,
        nodes: (0..nodes).map(|at| member(&format!("n{at:03}"))).collect(),
        table: Table::empty(),
        unknown: serde_json::Map::new(),
    };
    topology.replanned(None).unwrap()
}

#[test]
fn what_is_written_is_read_again_and_has_one_text() {
    for nodes in [1, 2, 5, 40] {
        let written = topology(nodes);
        let text = written.to_json();
        let read = Topology::parse(&text).unwrap();
        assert_eq!(read, written);
        assert_eq!(read.to_json(), text);
    }
}

#[test]
fn nodes_may_come_in_any_order_and_optional_fields_may_be_missing() {
    let text =
        json!({"format": 1, "version": 1, "copies": 1, "write_copies": 1, "read_copies": 1, "consistency": "quorum",
        "nodes": [{"id": "b", "state": "draining"}, {"id": "a", "state": "joining"}], "slots": [[0, 16383]]})
        .to_string();
    let read = Topology::parse(&text).unwrap();
    assert_eq!(read.nodes[0].id, "a");
    assert_eq!((read.nodes[0].weight, read.nodes[0].incarnation), (1.0, 0));
    assert_eq!(read.table.primary(SlotId::new(0).unwrap()), None);
}

#[test]
fn unknown_fields_of_document_and_nodes_are_kept() {
    let mut document: Value = serde_json::from_str(&topology(2).to_json()).unwrap();
    document["colour"] = json!({"deep": [1, 2]});
    document["nodes"][1]["rack_unit"] = json!(7);
    let read = Topology::parse(&document.to_string()).unwrap();
    let again: Value = serde_json::from_str(&read.replanned(None).unwrap().to_json()).unwrap();
    assert_eq!(again["colour"], document["colour"]);
    assert_eq!(again["nodes"][1]["rack_unit"], 7);
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let good: Value = serde_json::from_str(&topology(3).to_json()).unwrap();
    let cases: &[(&str, Value, &str)] = &[
        ("/format", json!(2), "format: 2: this version reads up to 1"),
        ("/version", json!(0), "version: 0"),
        ("/version", json!(-1), "invalid value: integer `-1`"),
        ("/copies", json!(0), "copies: 0"),
        ("/copies", json!(99), "copies: 99"),
        ("/write_copies", json!(3), "write_copies: 3: use a number from 1 to 2"),
        ("/read_copies", json!(0), "read_copies: 0"),
        ("/consistency", json!("some"), "unknown variant `some`"),
        ("/nodes/1/id", json!("n000"), "slots["),
        ("/nodes/1/id", json!(""), "slots["),
        ("/nodes/1/weight", json!(-1), "nodes[1] ('n001').weight"),
        ("/nodes/1/weight", json!(1e9), "nodes[1] ('n001').weight"),
        ("/nodes/1/zone", json!("a b"), "nodes[1] ('n001').zone: 'a b'"),
        ("/nodes/1/state", json!("lost"), "unknown variant `lost`"),
        ("/nodes/1/addresses/resp", json!("nowhere"), "nodes[1] ('n001').addresses.resp: 'nowhere': use host:port"),
        ("/nodes/1/addresses/resp", json!("host:0"), "addresses.resp"),
        ("/slots", json!([]), "slots: end at -1"),
        ("/slots", json!([[0, 5]]), "slots: end at 5"),
        ("/slots/1/0", json!(7), "slots[1]: begins at 7"),
        ("/slots/0/1", json!(16384), "slots[0]: ends at 16384"),
        ("/slots/0/2", json!("stranger"), "slots[0]: 'stranger' is not in nodes"),
        ("/slots/0/2", json!(5), "slots[0]: 5 is not the id of a node"),
        ("/slots/0", json!(["a"]), "slots[0]: a range is"),
        ("/slots/0", json!([0, 16383, "n000", "n000"]), "holds these slots twice"),
        ("/slots/0", json!([0, 16383, "n001", "n002", "n000"]), "replicas stand in the order"),
    ];
    for (pointer, value, said) in cases {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).unwrap() = value.clone();
        let error = Topology::parse(&bad.to_string()).unwrap_err().to_string();
        assert!(error.contains(said), "{pointer} = {value}: {error}");
    }
    let mut twice = good.clone();
    let first = twice["nodes"][0].clone();
    twice["nodes"].as_array_mut().unwrap().push(first);
    assert!(Topology::parse(&twice.to_string()).unwrap_err().to_string().contains("'n000' is there twice"));
    for text in ["", "{", "[]", "null", "{\"format\":1}", "{\"format\":\"1\"}"] {
        assert!(Topology::parse(text).is_err(), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn damaged_documents_are_refused_or_whole(at in 0usize..400, byte in 0x20u8..0x7F) {
        let mut text = topology(3).to_json().into_bytes();
        let at = at % text.len();
        text[at] = byte;
        if let Ok(read) = Topology::parse(std::str::from_utf8(&text).unwrap()) {
            prop_assert!(read.check().is_ok());
            prop_assert_eq!(Topology::parse(&read.to_json()).unwrap(), read);
        }
    }
}

#[test]
fn steps_lead_from_one_table_to_the_other_and_every_slot_stays_served() {
    let mut old = topology(7);
    for change in 0..12 {
        let mut next = old.clone();
        match change % 4 {
            0 => next.nodes.push(member(&format!("x{change:03}"))),
            1 => next.nodes[change / 2].state = State::Draining,
            2 => next.nodes[0].weight = 3.0,
            _ => next.copies = 1 + change % 3,
        }
        let new = next.replanned(None).unwrap();
        let steps = diff(&old.table, &new.table);
        let mut by_slot: Vec<Vec<Action>> = vec![Vec::new(); SLOTS];
        steps.into_iter().for_each(|step| by_slot[step.slot.index()].push(step.action));
        for slot in (0..SLOTS as u16).filter_map(SlotId::new) {
            let mut held: Vec<&str> = old.table.holders(slot).collect();
            let least = held.len().min(new.table.holders(slot).count());
            for action in &by_slot[slot.index()] {
                match action {
                    Action::AddLearner(id) => {
                        assert!(!held.contains(&id.as_str()));
                        held.push(id);
                    }
                    Action::ChangePrimary(id) => {
                        let at = held.iter().position(|held| held == id).expect("a holder");
                        held.swap(0, at);
                    }
                    Action::RemoveCopy(id) => {
                        assert_ne!(held[0], id);
                        held.retain(|held| held != id);
                    }
                }
                assert!(held.len() >= least);
            }
            assert_eq!(held.first().copied(), new.table.primary(slot));
            held[1..].sort_unstable();
            assert!(new.table.holders(slot).eq(held));
        }
        assert_eq!(diff(&new.table, &new.table), []);
        old = new;
    }
}
