//! A small set of integers: sorted, each in as many bytes as the longest needs, found by halving.
//!
//! ```text
//!   | head | -7 | 3 | 12 | 40 |      2, 4 or 8 bytes each, little-endian
//! ```
//!
//! Redis' intset in its shape, with four bytes before the integers instead of eight. Like there, integers that became
//! wide for one that has left stay wide.

use super::head::{self, Form, HEAD_BYTES};

/// The narrowest form that holds `number`.
fn form_for(number: i64) -> Form {
    if i16::try_from(number).is_ok() {
        Form::Ints2
    } else if i32::try_from(number).is_ok() {
        Form::Ints4
    } else {
        Form::Ints8
    }
}

#[inline]
fn read(bytes: &[u8]) -> i64 {
    match *bytes {
        [a, b] => i64::from(i16::from_le_bytes([a, b])),
        [a, b, c, d] => i64::from(i32::from_le_bytes([a, b, c, d])),
        _ => bytes.first_chunk().map_or(0, |bytes| i64::from_le_bytes(*bytes)),
    }
}

/// Bytes of each integer.
#[inline]
fn width(bytes: &[u8]) -> usize {
    head::form(bytes).int_bytes().unwrap_or(8)
}

/// The integers, sorted. The bytes are those of a set in one of the forms for integers.
pub(super) fn iter(bytes: &[u8]) -> impl ExactSizeIterator<Item = i64> + Clone + use<'_> {
    bytes[HEAD_BYTES..].chunks_exact(width(bytes)).map(read)
}

/// Integer number `index`, which is below the count.
#[inline]
pub(super) fn at(bytes: &[u8], index: usize) -> i64 {
    let width = width(bytes);
    read(&bytes[HEAD_BYTES + index * width..][..width])
}

/// Where `number` is, or would be.
#[inline]
pub(super) fn find(bytes: &[u8], number: i64) -> Result<usize, usize> {
    let (mut low, mut high) = (0, head::count(bytes));
    while low < high {
        let middle = (low + high) / 2;
        match at(bytes, middle).cmp(&number) {
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Greater => high = middle,
            std::cmp::Ordering::Equal => return Ok(middle),
        }
    }
    Err(low)
}

/// A set of these, which are sorted and distinct.
pub(super) fn of(sorted: &[i64]) -> Vec<u8> {
    // The widest is at an end.
    let form = [sorted.first(), sorted.last()].into_iter().flatten().map(|&n| form_for(n)).max_by_key(|f| *f as u8);
    let form = form.unwrap_or(Form::Ints2);
    let width = form.int_bytes().unwrap_or(8);
    let mut bytes = Vec::with_capacity(HEAD_BYTES + sorted.len() * width);
    bytes.extend_from_slice(&head::head(form, sorted.len()));
    sorted.iter().for_each(|number| bytes.extend_from_slice(&number.to_le_bytes()[..width]));
    bytes
}

/// Adds an integer that is not there, at the place that [`find`] gave.
pub(super) fn insert(bytes: &mut Vec<u8>, index: usize, number: i64) {
    let (form, needed) = (head::form(bytes), form_for(number));
    if needed as u8 > form as u8 {
        let mut all: Vec<i64> = iter(bytes).collect();
        all.insert(index, number);
        *bytes = of(&all);
        return;
    }
    let (width, count) = (width(bytes), head::count(bytes));
    let at = HEAD_BYTES + index * width;
    let end = bytes.len();
    bytes.extend_from_slice(&number.to_le_bytes()[..width]);
    bytes.copy_within(at..end, at + width);
    bytes[at..at + width].copy_from_slice(&number.to_le_bytes()[..width]);
    head::set_head(bytes, form, count + 1);
}

/// Removes integer number `index`.
pub(super) fn remove(bytes: &mut Vec<u8>, index: usize) {
    let (form, width, count) = (head::form(bytes), width(bytes), head::count(bytes));
    let at = HEAD_BYTES + index * width;
    bytes.copy_within(at + width.., at);
    bytes.truncate(bytes.len() - width);
    head::set_head(bytes, form, count - 1);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn random_edits_give_what_they_give_a_sorted_set(edits in prop::collection::vec((any::<bool>(), any::<i64>(), 0u32..64), 0..200)) {
            let (mut model, mut ints) = (BTreeSet::new(), of(&[]));
            for (add, number, shift) in edits {
                let number = number >> shift;
                match find(&ints, number) {
                    Ok(index) if !add => { remove(&mut ints, index); model.remove(&number); }
                    Err(index) if add => { insert(&mut ints, index, number); model.insert(number); }
                    found => prop_assert_eq!(found.is_ok(), model.contains(&number)),
                }
                prop_assert!(iter(&ints).eq(model.iter().copied()));
                prop_assert_eq!(head::count(&ints), model.len());
            }
            prop_assert!(model.iter().enumerate().all(|(index, &number)| at(&ints, index) == number));
        }
    }

    #[test]
    fn integers_take_the_bytes_that_the_longest_needs() {
        for (numbers, bytes) in [(&[1, 2, 3][..], 10), (&[1, 2, 32_767], 10), (&[-40_000, 1], 12), (&[1, 1 << 40], 20)]
        {
            assert_eq!(of(numbers).len(), bytes, "{numbers:?}");
        }
    }
}
