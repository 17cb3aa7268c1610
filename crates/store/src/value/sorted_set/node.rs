//! The tree's nodes, and how two neighbours share what they hold.
//!
//! ```text
//!   inner   | first key | first key | first key ...     the least key under each child: exact, never stale
//!           | members   | members   | members   ...     how many are under it
//!           | child     | child     | child     ...
//!
//!   leaf    | key | key | key ...
//! ```

use super::keys::{Key, Keys};
use crate::large::allocated_bytes;

/// Keys of a leaf: with its length, just within a size class of the general allocator (768 bytes).
pub const LEAF_KEYS: usize = 63;
/// Children of an inner node: as above (704 bytes, and as much for the pointers).
pub const CHILDREN: usize = 42;

/// A leaf.
pub type Leaf = Keys<LEAF_KEYS>;

/// A node above others.
pub struct Inner {
    pub keys: Keys<CHILDREN>,
    pub counts: [u32; CHILDREN],
    /// Never reallocated.
    pub children: Vec<Node>,
}

/// A node.
#[derive(Clone)]
pub enum Node {
    Leaf(Box<Leaf>),
    Inner(Box<Inner>),
}

/// What a leaf takes.
pub fn leaf_bytes() -> usize {
    allocated_bytes(size_of::<Leaf>())
}

/// What an inner node takes.
pub fn inner_bytes() -> usize {
    allocated_bytes(size_of::<Inner>()) + allocated_bytes(CHILDREN * size_of::<Node>())
}

impl Clone for Inner {
    fn clone(&self) -> Inner {
        let mut children = Vec::with_capacity(CHILDREN);
        children.extend(self.children.iter().cloned());
        Inner { keys: self.keys.clone(), counts: self.counts, children }
    }
}

impl Inner {
    /// None below it.
    pub fn new() -> Inner {
        Inner { keys: Keys::new(), counts: [0; CHILDREN], children: Vec::with_capacity(CHILDREN) }
    }

    /// Puts a child that is not empty before number `at`.
    pub fn insert(&mut self, at: usize, child: Node) {
        let len = self.children.len();
        self.counts.copy_within(at..len, at + 1);
        self.counts[at] = child.members() as u32;
        self.keys.insert(at, child.first());
        self.children.insert(at, child);
    }

    /// Takes child number `at` out.
    pub fn remove(&mut self, at: usize) -> Node {
        let len = self.children.len();
        self.counts.copy_within(at + 1..len, at);
        self.keys.remove(at);
        self.children.remove(at)
    }

    /// The child that holds the member of rank `rank` among those here, and its rank there.
    #[inline]
    pub fn child_of(&self, rank: usize) -> (usize, usize) {
        self.find(rank, |rank, count| rank < count)
    }

    /// The child where a member of rank `rank` goes in. Between two children it is the end of the first.
    #[inline]
    pub fn child_for(&self, rank: usize) -> (usize, usize) {
        self.find(rank, |rank, count| rank <= count)
    }

    #[inline]
    fn find(&self, mut rank: usize, is_there: impl Fn(usize, usize) -> bool) -> (usize, usize) {
        for (child, &count) in self.counts[..self.children.len()].iter().enumerate() {
            if is_there(rank, count as usize) {
                return (child, rank);
            }
            rank -= count as usize;
        }
        unreachable!("the rank is under this node")
    }

    /// Notes anew what is under child `at`.
    pub fn note(&mut self, at: usize) {
        self.counts[at] = self.children[at].members() as u32;
        self.keys.set(at, self.children[at].first());
    }

    /// Gives child `left` and the one behind it equally much.
    pub fn even_out(&mut self, left: usize) {
        let (a, b) = self.children.split_at_mut(left + 1);
        let (a, b) = (&mut a[left], &mut b[0]);
        let (here, there) = (a.len(), b.len());
        let half = usize::midpoint(here, there);
        if here > half {
            a.give_back(b, here - half)
        } else {
            a.take_front(b, half - here)
        }
        self.note(left);
        self.note(left + 1);
    }
}

impl Node {
    /// An empty leaf.
    pub fn empty() -> Node {
        Node::Leaf(Box::new(Keys::new()))
    }

    /// How many keys or children.
    pub fn len(&self) -> usize {
        match self {
            Node::Leaf(leaf) => leaf.len(),
            Node::Inner(inner) => inner.children.len(),
        }
    }

    /// How many keys or children fit.
    pub fn capacity(&self) -> usize {
        match self {
            Node::Leaf(_) => LEAF_KEYS,
            Node::Inner(_) => CHILDREN,
        }
    }

    /// Whether nothing more fits.
    pub fn is_full(&self) -> bool {
        self.len() == self.capacity()
    }

    /// How many members are under it.
    pub fn members(&self) -> usize {
        match self {
            Node::Leaf(leaf) => leaf.len(),
            Node::Inner(inner) => inner.counts[..inner.children.len()].iter().map(|&count| count as usize).sum(),
        }
    }

    /// The least key; there is one.
    pub fn first(&self) -> Key {
        match self {
            Node::Leaf(leaf) => leaf.get(0),
            Node::Inner(inner) => inner.keys.get(0),
        }
    }

    /// Moves the last `count` things to the front of `right`, a node of the same level with room for them.
    pub fn give_back(&mut self, right: &mut Node, count: usize) {
        match (self, right) {
            (Node::Leaf(left), Node::Leaf(right)) => left.give_back(right, count),
            (Node::Inner(left), Node::Inner(right)) => {
                let (from, there) = (left.children.len() - count, right.children.len());
                right.counts.copy_within(..there, count);
                right.counts[..count].copy_from_slice(&left.counts[from..from + count]);
                left.keys.give_back(&mut right.keys, count);
                right.children.splice(..0, left.children.drain(from..));
            }
            _ => unreachable!("neighbours are of one level"),
        }
    }

    /// Moves the first `count` things of `right`, a node of the same level, to the end, where there is room for them.
    pub fn take_front(&mut self, right: &mut Node, count: usize) {
        match (self, right) {
            (Node::Leaf(left), Node::Leaf(right)) => left.take_front(right, count),
            (Node::Inner(left), Node::Inner(right)) => {
                let (here, there) = (left.children.len(), right.children.len());
                left.counts[here..here + count].copy_from_slice(&right.counts[..count]);
                right.counts.copy_within(count..there, 0);
                left.keys.take_front(&mut right.keys, count);
                left.children.extend(right.children.drain(..count));
            }
            _ => unreachable!("neighbours are of one level"),
        }
    }

    /// The things from `at` on, as a node of their own.
    pub fn split_off(&mut self, at: usize) -> Node {
        let mut right = match self {
            Node::Leaf(_) => Node::empty(),
            Node::Inner(_) => Node::Inner(Box::new(Inner::new())),
        };
        self.give_back(&mut right, self.len() - at);
        right
    }
}
