//! The members in order, found by place: a B+tree whose nodes know how many members are under each child.
//!
//! ```text
//!                        | 0:a 4100 | 7.5:k 3900 |                  first key and members of each child
//!                        /                       \
//!          | 0:a 61 | 0:q 40 | ... |      | 7.5:k 63 | ... |
//!            /                                                      leaves: up to 63 keys, scores inline
//!    | 0:a 0:b 0:c ... |
//! ```
//!
//! To the tree a member is a score and a handle at some rank: it inserts, removes and finds by rank alone and compares
//! nothing. Who knows the order asks [`Tree::count_while`] how many members stand before a place: that is the rank of a
//! member, the first of a range of scores and the first of a range of names, each by one descent. So whatever Redis offers
//! by score, by name or by rank is a range of ranks here.
//!
//! Against a skip list (W. Pugh, 1990), which Redis uses: 18 bytes a member instead of 45, and four or five cache misses
//! on the way to one of a million instead of twenty.
//!
//! Every node but the root holds at least one key, and more than a quarter of what fits once something was removed near
//! it. Inserting at either end leaves full nodes behind; in the middle, a full node first shares with a neighbour.
//!
//! Cost: everything O(log n); a walk O(log n + its length).

use super::keys::Key;
use super::node::{Inner, Leaf, Node, inner_bytes, leaf_bytes};

/// A full node shares with a neighbour that has at least this part of its places free, instead of splitting.
const SHARING_FREE_PART: usize = 8;

/// The members in order.
#[derive(Clone)]
pub struct Tree {
    root: Node,
    len: usize,
    shape: Shape,
}

/// How many nodes there are.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Shape {
    leaves: usize,
    inners: usize,
}

/// Where something is inserted.
#[derive(Clone, Copy, PartialEq)]
enum Where {
    Front,
    Middle,
    Back,
}

impl Tree {
    /// None.
    pub fn new() -> Tree {
        Tree { root: Node::empty(), len: 0, shape: Shape { leaves: 1, inners: 0 } }
    }

    /// How many members.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Bytes of all nodes.
    pub fn bytes(&self) -> usize {
        self.shape.leaves * leaf_bytes() + self.shape.inners * inner_bytes()
    }

    /// How many members at the start `before` holds for; it holds for none behind one that it does not hold for.
    #[inline]
    pub fn count_while(&self, mut before: impl FnMut(Key) -> bool) -> usize {
        let (mut node, mut rank) = (&self.root, 0);
        loop {
            match node {
                Node::Leaf(leaf) => return rank + leaf.count_while(before),
                Node::Inner(inner) => {
                    let begun = inner.keys.count_while(&mut before);
                    let Some(child) = begun.checked_sub(1) else { return rank };
                    rank += inner.counts[..child].iter().map(|&count| count as usize).sum::<usize>();
                    node = &inner.children[child];
                }
            }
        }
    }

    /// The leaf of the member of rank `rank`, which exists, and its place there.
    #[inline]
    pub fn leaf_at(&self, mut rank: usize) -> (&Leaf, usize) {
        let mut node = &self.root;
        loop {
            match node {
                Node::Leaf(leaf) => return (leaf, rank),
                Node::Inner(inner) => {
                    let (child, within) = inner.child_of(rank);
                    (node, rank) = (&inner.children[child], within);
                }
            }
        }
    }

    /// The key of rank `rank`, which exists.
    #[inline]
    pub fn get(&self, rank: usize) -> Key {
        let (leaf, within) = self.leaf_at(rank);
        leaf.get(within)
    }

    /// Writes over the key of rank `rank`, which exists. The order must stay.
    pub fn set(&mut self, mut rank: usize, key: Key) {
        let mut node = &mut self.root;
        loop {
            match node {
                Node::Leaf(leaf) => return leaf.set(rank, key),
                Node::Inner(inner) => {
                    let (child, within) = inner.child_of(rank);
                    if within == 0 {
                        inner.keys.set(child, key);
                    }
                    (node, rank) = (&mut inner.children[child], within);
                }
            }
        }
    }

    /// Puts a key in so that its rank is `rank`, at most the number of members.
    pub fn insert(&mut self, rank: usize, key: Key) {
        if self.root.is_full() {
            let mut root = Inner::new();
            root.insert(0, std::mem::replace(&mut self.root, Node::empty()));
            self.root = Node::Inner(Box::new(root));
            self.shape.inners += 1;
        }
        let at = match rank {
            _ if rank == self.len => Where::Back,
            0 => Where::Front,
            _ => Where::Middle,
        };
        insert(&mut self.root, rank, key, at, &mut self.shape);
        self.len += 1;
    }

    /// Takes out the key of rank `rank`, which exists.
    pub fn remove(&mut self, rank: usize) -> Key {
        let key = remove(&mut self.root, rank, &mut self.shape);
        self.len -= 1;
        while let Node::Inner(inner) = &mut self.root
            && inner.children.len() == 1
            && let Some(child) = inner.children.pop()
        {
            self.root = child;
            self.shape.inners -= 1;
        }
        key
    }
}

fn insert(node: &mut Node, rank: usize, key: Key, at: Where, shape: &mut Shape) {
    match node {
        Node::Leaf(leaf) => leaf.insert(rank, key),
        Node::Inner(inner) => {
            let (mut child, mut within) = inner.child_for(rank);
            if inner.children[child].is_full() {
                make_room(inner, child, at, shape);
                (child, within) = inner.child_for(rank);
            }
            inner.counts[child] += 1;
            if within == 0 {
                inner.keys.set(child, key);
            }
            insert(&mut inner.children[child], within, key, at, shape);
        }
    }
}

/// Makes room in child `child`, which is full, while `inner` is not.
fn make_room(inner: &mut Inner, child: usize, at: Where, shape: &mut Shape) {
    let len = inner.children[child].len();
    let split_at = match at {
        // What grows at one end will not come back to what lies behind.
        Where::Front => 1,
        Where::Back => len - 1,
        Where::Middle => {
            let shares = |other: &Node| other.len() <= len - len / SHARING_FREE_PART;
            if inner.children.get(child + 1).is_some_and(shares) {
                return inner.even_out(child);
            }
            if child > 0 && shares(&inner.children[child - 1]) {
                return inner.even_out(child - 1);
            }
            len / 2
        }
    };
    let right = inner.children[child].split_off(split_at);
    match right {
        Node::Leaf(_) => shape.leaves += 1,
        Node::Inner(_) => shape.inners += 1,
    }
    inner.note(child);
    inner.insert(child + 1, right);
}

fn remove(node: &mut Node, rank: usize, shape: &mut Shape) -> Key {
    match node {
        Node::Leaf(leaf) => leaf.remove(rank),
        Node::Inner(inner) => {
            let (mut child, mut within) = inner.child_of(rank);
            if inner.children[child].len() <= inner.children[child].capacity() / 2 && inner.children.len() > 1 {
                join(inner, child, shape);
                (child, within) = inner.child_of(rank);
            }
            let key = remove(&mut inner.children[child], within, shape);
            inner.counts[child] -= 1;
            if within == 0 {
                inner.keys.set(child, inner.children[child].first());
            }
            key
        }
    }
}

/// Joins child `child`, which is half empty, with a neighbour if there is room to spare for both; fills it up from there
/// if it is nearly empty.
fn join(inner: &mut Inner, child: usize, shape: &mut Shape) {
    let capacity = inner.children[child].capacity();
    // A node that has just been filled to the brim would be split by the next insertion.
    let fits = |left: usize| inner.children[left].len() + inner.children[left + 1].len() <= capacity - capacity / 8;
    let has_right = child + 1 < inner.children.len();
    let left = match (has_right && fits(child), child > 0 && fits(child - 1)) {
        (true, _) => child,
        (_, true) => child - 1,
        _ if inner.children[child].len() > capacity / 4 => return,
        _ => return inner.even_out(if has_right { child } else { child - 1 }),
    };
    let mut right = inner.remove(left + 1);
    let count = right.len();
    inner.children[left].take_front(&mut right, count);
    match right {
        Node::Leaf(_) => shape.leaves -= 1,
        Node::Inner(_) => shape.inners -= 1,
    }
    inner.note(left);
}

#[cfg(test)]
#[path = "tree_tests.rs"]
mod tests;
