//! The tree beside a `Vec`, under random insertions and removals by rank, and what its nodes promise.

use super::super::node::{CHILDREN, LEAF_KEYS};
use super::*;
use crate::heap::Handle;
use scrubjay_base::rand::Rng;

/// Checks `node`, of height `height`, and adds what is under it to `shape`.
fn check(node: &Node, is_root: bool, shape: &mut Shape) -> usize {
    assert!(is_root || node.len() > 0, "only the root may be empty");
    match node {
        Node::Leaf(_) => {
            shape.leaves += 1;
            1
        }
        Node::Inner(inner) => {
            shape.inners += 1;
            assert!(inner.children.capacity() == CHILDREN && inner.keys.len() == inner.children.len());
            assert!(!is_root || inner.children.len() > 1, "a root has a choice");
            let mut heights = Vec::new();
            for (at, child) in inner.children.iter().enumerate() {
                heights.push(check(child, false, shape));
                assert_eq!(inner.counts[at] as usize, child.members());
                assert_eq!(inner.keys.get(at), child.first());
            }
            assert!(heights.iter().all(|height| *height == heights[0]), "all leaves are equally deep");
            heights[0] + 1
        }
    }
}

fn sound(tree: &Tree, model: &[Key]) {
    let mut shape = Shape { leaves: 0, inners: 0 };
    check(&tree.root, true, &mut shape);
    assert_eq!((shape, tree.len()), (tree.shape, model.len()));
    for (rank, key) in model.iter().enumerate() {
        assert_eq!(tree.get(rank), *key);
    }
}

#[test]
fn random_edits_give_what_they_give_a_vec() {
    for (seed, bias) in [(1, 70), (2, 50), (3, 90), (4, 65)] {
        let (mut rng, mut tree, mut model) = (Rng::new(seed), Tree::new(), Vec::<Key>::new());
        for step in 0..30_000u32 {
            // Grows for a while, then shrinks to nothing, so that every level comes and goes.
            let grows = rng.below(100) < if step % 15_000 < 10_000 { bias } else { 5 };
            if grows || model.is_empty() {
                let rank = match rng.below(4) {
                    0 => 0,
                    1 => model.len(),
                    _ => rng.below(model.len() as u64 + 1) as usize,
                };
                let key = Key { score: f64::from(step), handle: Handle(step) };
                tree.insert(rank, key);
                model.insert(rank, key);
            } else {
                let rank = rng.below(model.len() as u64) as usize;
                assert_eq!(tree.remove(rank), model.remove(rank));
            }
            if let Some(rank) = model.len().checked_sub(1).map(|last| rng.below(last as u64 + 1) as usize) {
                let key = Key { score: model[rank].score, handle: Handle(!step) };
                tree.set(rank, key);
                model[rank] = key;
            }
            if step % 997 == 0 {
                sound(&tree, &model);
            }
        }
        while !model.is_empty() {
            let rank = rng.below(model.len() as u64) as usize;
            assert_eq!(tree.remove(rank), model.remove(rank));
        }
        sound(&tree, &model);
        assert_eq!(tree.shape, Shape { leaves: 1, inners: 0 });
    }
}

#[test]
fn count_while_finds_the_place_of_every_score() {
    for members in [0, 1, LEAF_KEYS, LEAF_KEYS + 1, 10_000] {
        let mut tree = Tree::new();
        for number in 0..members {
            tree.insert(number, Key { score: number as f64, handle: Handle(number as u32) });
        }
        for number in 0..members {
            assert_eq!(tree.count_while(|key| key.score < number as f64), number);
            assert_eq!(tree.count_while(|key| key.score <= number as f64), number + 1);
        }
        assert_eq!(tree.count_while(|_| false), 0);
        assert_eq!(tree.count_while(|_| true), members);
    }
}

#[test]
fn growing_at_an_end_leaves_full_leaves_and_growing_anywhere_nearly_full_ones() {
    let ends: [fn(usize, &mut Rng) -> usize; 3] =
        [|_, _| 0, |len, _| len, |len, rng| rng.below(len as u64 + 1) as usize];
    for (place, full_at_least) in ends.into_iter().zip([0.97, 0.97, 0.78]) {
        let (mut tree, mut rng) = (Tree::new(), Rng::new(1));
        for number in 0..200_000 {
            let rank = place(tree.len(), &mut rng);
            tree.insert(rank, Key { score: 0.0, handle: Handle(number) });
        }
        let full = tree.len() as f64 / (tree.shape.leaves * LEAF_KEYS) as f64;
        assert!(full > full_at_least, "{full}");
    }
}

#[test]
fn a_copy_takes_what_its_original_takes() {
    let mut tree = Tree::new();
    (0..5000).for_each(|number| tree.insert(0, Key { score: 0.0, handle: Handle(number) }));
    let copy = tree.clone();
    tree.remove(17);
    let mut shape = Shape { leaves: 0, inners: 0 };
    check(&copy.root, true, &mut shape);
    assert_eq!((copy.shape, copy.len()), (shape, 5000));
}
