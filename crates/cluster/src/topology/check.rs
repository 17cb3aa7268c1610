//! What a topology must be. Everything is checked when it is read, so that nobody has to ask again.

use super::{Member, Topology};
use crate::table::{COPIES_MAX, NODES_MAX, Table};
use crate::weight::check_weight;
use scrubjay_base::SLOTS;
use serde_json::Value;
use std::fmt;

/// The longest id of a node, name of a zone or of a door, in bytes.
const NAME_BYTES_MAX: usize = 64;

/// The longest address, in bytes: a DNS name and a port.
const ADDRESS_BYTES_MAX: usize = 262;

/// Why a document is not a topology. Nothing was changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Invalid {
    place: String,
    what: String,
}

impl Invalid {
    pub(super) fn new(place: impl Into<String>, what: impl Into<String>) -> Invalid {
        Invalid { place: place.into(), what: what.into() }
    }

    pub(super) fn not_json(error: serde_json::Error) -> Invalid {
        Invalid::new("", error.to_string())
    }

    /// Where: a path such as `nodes[2].weight`; empty if the whole text cannot be read.
    pub fn place(&self) -> &str {
        &self.place
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place.as_str() {
            "" => write!(f, "not a topology: {}", self.what),
            place => write!(f, "not a topology: {place}: {}", self.what),
        }
    }
}

impl std::error::Error for Invalid {}

impl Topology {
    /// Checks all that a topology must be. What was read has been checked; what a program put together may be.
    pub fn check(&self) -> Result<(), Invalid> {
        let number = |place: &str, number: usize, most: usize| match (1..=most).contains(&number) {
            true => Ok(()),
            false => Err(Invalid::new(place, format!("{number}: use a number from 1 to {most}"))),
        };
        if self.version == 0 {
            return Err(Invalid::new("version", "0: versions count from 1"));
        }
        number("copies", self.copies, COPIES_MAX)?;
        number("write_copies", self.write_copies, self.copies)?;
        number("read_copies", self.read_copies, self.copies)?;
        not_too_many(&self.nodes)?;
        for (at, node) in self.nodes.iter().enumerate() {
            node_is_sound(node, |field| format!("nodes[{at}] ('{}'){field}", node.id))?;
        }
        if let Some(twice) = self.nodes.windows(2).find(|two| two[0].id >= two[1].id) {
            let what = format!("'{}' is there twice, or not in its place: ids ascend", twice[1].id);
            return Err(Invalid::new("nodes", what));
        }
        let is_there = |id: &str| self.nodes.binary_search_by(|node| node.id.as_str().cmp(id)).is_ok();
        for range in self.table.ranges() {
            if let Some(id) = range.holders.iter().find(|id| !is_there(id)) {
                let what = format!("slots {} to {} are held by '{id}', which is not in nodes", range.first, range.last);
                return Err(Invalid::new("slots", what));
            }
        }
        Ok(())
    }
}

fn not_too_many(nodes: &[Member]) -> Result<(), Invalid> {
    match nodes.len() <= NODES_MAX {
        true => Ok(()),
        false => Err(Invalid::new("nodes", format!("{}: at most {NODES_MAX}", nodes.len()))),
    }
}

fn node_is_sound(node: &Member, place: impl Fn(&str) -> String) -> Result<(), Invalid> {
    let name = |field: &str, name: &str| {
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
        match !name.is_empty() && name.len() <= NAME_BYTES_MAX && name.bytes().all(is_name) {
            true => Ok(()),
            false => Err(Invalid::new(
                place(field),
                format!("'{name}': use 1 to {NAME_BYTES_MAX} letters, digits, '.', '_', ':' and '-'"),
            )),
        }
    };
    name(".id", &node.id)?;
    if !node.zone.is_empty() {
        name(".zone", &node.zone)?;
    }
    for (door, address) in &node.addresses {
        name(".addresses", door)?;
        let port = address.rsplit_once(':').and_then(|(host, port)| (!host.is_empty()).then_some(port));
        let is_address = address.len() <= ADDRESS_BYTES_MAX
            && address.bytes().all(|byte| byte.is_ascii_graphic())
            && port.is_some_and(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
        if !is_address {
            return Err(Invalid::new(place(&format!(".addresses.{door}")), format!("'{address}': use host:port")));
        }
    }
    if node.weight != 0.0 {
        check_weight(&node.id, node.weight).map_err(|refused| Invalid::new(place(".weight"), refused.to_string()))?;
    }
    Ok(())
}

/// The table of these ranges, which must cover the slots in order without gaps.
pub(super) fn table(nodes: &[Member], ranges: &[Vec<Value>]) -> Result<Table, Invalid> {
    not_too_many(nodes)?;
    let mut ids: Vec<&str> = nodes.iter().map(|node| node.id.as_str()).collect();
    ids.sort_unstable();
    let mut held: Vec<Vec<&str>> = Vec::with_capacity(SLOTS);
    for (at, range) in ranges.iter().enumerate() {
        let wrong = |what: String| Err(Invalid::new(format!("slots[{at}]"), what));
        let bounds = (range.first().and_then(Value::as_u64), range.get(1).and_then(Value::as_u64));
        let (Some(first), Some(last)) = bounds else {
            return wrong("a range is [first slot, last slot, primary, replicas...]".into());
        };
        if first != held.len() as u64 {
            return wrong(format!("begins at {first}, and the slots before it end at {}", held.len() as i64 - 1));
        }
        if last < first || last >= SLOTS as u64 {
            return wrong(format!("ends at {last}: use a slot from {first} to {}", SLOTS - 1));
        }
        let mut holders: Vec<&str> = Vec::new();
        for (nth, id) in range[2..].iter().enumerate() {
            let Some(id) = id.as_str() else { return wrong(format!("{id} is not the id of a node")) };
            if ids.binary_search(&id).is_err() {
                return wrong(format!("'{id}' is not in nodes"));
            }
            if holders.contains(&id) {
                return wrong(format!("'{id}' holds these slots twice"));
            }
            if nth > 1 && holders[nth - 1] > id {
                return wrong(format!(
                    "'{id}' comes after '{}': replicas stand in the order of their ids",
                    holders[nth - 1]
                ));
            }
            holders.push(id);
        }
        if holders.len() > 2 * COPIES_MAX {
            return wrong(format!("{} holders: at most {}", holders.len(), 2 * COPIES_MAX));
        }
        held.resize(last as usize + 1, holders);
    }
    if held.len() != SLOTS {
        return Err(Invalid::new("slots", format!("end at {}: the last slot is {}", held.len() as i64 - 1, SLOTS - 1)));
    }
    Ok(Table::of(|slot| held[slot.index()].clone()))
}
