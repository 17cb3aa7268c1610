//! What one client listens to. Belongs to its session; the registry holds the other direction.

use std::collections::HashSet;

/// Of which kind a subscription is. Names of different kinds have nothing to do with each other.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Family {
    /// A channel.
    Channel,
    /// All channels that match a glob.
    Pattern,
    /// A channel of a shard.
    Shard,
}

impl Family {
    /// All of them; a family's number is its place here.
    pub const ALL: [Family; 3] = [Family::Channel, Family::Pattern, Family::Shard];
}

/// A client's subscriptions.
#[derive(Default, Debug)]
pub struct Subscriptions {
    names: [HashSet<Box<[u8]>>; 3],
    name_bytes: usize,
}

/// What a name takes besides its bytes: its pointer, the set's own share, the allocator's.
const NAME_BYTES: usize = 48;

impl Subscriptions {
    /// How many of a family.
    pub fn count(&self, family: Family) -> usize {
        self.names[family as usize].len()
    }

    /// What confirmations count: shard channels apart, channels and patterns together.
    pub fn count_with_kin(&self, family: Family) -> usize {
        match family {
            Family::Shard => self.count(Family::Shard),
            _ => self.count(Family::Channel) + self.count(Family::Pattern),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.names.iter().all(HashSet::is_empty)
    }

    /// Whether it listens to `name`.
    pub fn has(&self, family: Family, name: &[u8]) -> bool {
        self.names[family as usize].contains(name)
    }

    /// Adds a name; whether it is new.
    pub fn add(&mut self, family: Family, name: &[u8]) -> bool {
        let is_new = !self.has(family, name) && self.names[family as usize].insert(name.into());
        self.name_bytes += if is_new { name.len() } else { 0 };
        is_new
    }

    /// Takes a name away; whether it was there.
    pub fn remove(&mut self, family: Family, name: &[u8]) -> bool {
        let was_there = self.names[family as usize].remove(name);
        self.name_bytes -= if was_there { name.len() } else { 0 };
        was_there
    }

    /// The names of a family.
    pub fn names(&self, family: Family) -> impl Iterator<Item = &[u8]> {
        self.names[family as usize].iter().map(|name| &**name)
    }

    /// Bytes of memory held.
    pub fn memory_bytes(&self) -> usize {
        let names: usize = self.names.iter().map(HashSet::capacity).sum();
        size_of::<Subscriptions>() + names * NAME_BYTES + self.name_bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_apart_and_shards_count_apart() {
        let mut own = Subscriptions::default();
        assert!(own.is_empty());
        assert!(own.add(Family::Channel, b"a") && !own.add(Family::Channel, b"a"));
        assert!(own.add(Family::Pattern, b"a") && own.add(Family::Shard, b"a"));
        assert_eq!((own.count_with_kin(Family::Channel), own.count_with_kin(Family::Shard)), (2, 1));
        assert!(own.remove(Family::Channel, b"a") && !own.has(Family::Channel, b"a") && own.has(Family::Shard, b"a"));
        assert!(!own.remove(Family::Channel, b"a") && !own.is_empty());
    }
}
