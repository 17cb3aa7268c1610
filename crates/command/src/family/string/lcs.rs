//! The longest common subsequence of two values: LCS.
//!
//! ```text
//!          b:  y  a  b        length(i, j) of the first i bytes of a and j of b:
//!       0  0   0  0  0          equal bytes:  length(i-1, j-1) + 1
//!  a: a 0  0   1  1             otherwise:    the larger of length(i-1, j) and length(i, j-1)
//!     b 0  0   1  2
//! ```
//!
//! Lengths need two rows. Walking back from the end needs at each cell where the bytes differ only whether to go up
//! (`length(i-1, j) > length(i, j-1)`) or left: one bit a cell, a thirty-second of the table of lengths. The tie goes
//! left, which decides which of several subsequences is found; it is the one that Redis finds.
//!
//! Values are taken out of the store first, so no slot is locked while this computes, which takes time proportional to
//! the product of the lengths. The product is bounded where Redis bounds it: four bytes a cell within the value limit.

use crate::args::{Args, parse_int};
use crate::family::Taken;
use crate::reject::{Kind, Reject};
use crate::reply::Reply;
use crate::table::Context;
use std::ops::Range;

/// Compares the values of two keys; an absent key holds the empty value.
#[derive(Clone, Copy, Debug)]
pub struct Lcs<'a> {
    /// The first key.
    pub a: &'a [u8],
    /// The second key.
    pub b: &'a [u8],
    /// What to find out.
    pub want: Want,
}

/// What [`Lcs`] finds out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Want {
    /// The subsequence itself.
    Subsequence,
    /// Its length.
    Length,
    /// Where it lies in both values: the matches of at least so many bytes.
    Matches {
        /// Shorter ones are left out.
        length_min: usize,
    },
}

/// What [`Lcs`] found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Found {
    /// The subsequence.
    Subsequence(Vec<u8>),
    /// Its length.
    Length(usize),
    /// The matches, last first, and the length of the whole subsequence.
    Matches(Vec<Match>, usize),
}

/// A run of bytes that both values have in common.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Match {
    /// Where it lies in the first value.
    pub a: Range<usize>,
    /// Where it lies in the second.
    pub b: Range<usize>,
}

impl<'a> Lcs<'a> {
    /// Reads `LCS key1 key2 [LEN] [IDX] [MINMATCHLEN n] [WITHMATCHLEN]`; with whether the lengths of matches are wanted.
    fn parse(args: &Args<'a>) -> Result<(Lcs<'a>, bool), Reject> {
        const BOTH: Reject =
            Reject::new(Kind::BadRequest, "ERR If you want both the length and indexes, please just use IDX.");
        let (mut length, mut matches, mut with_length, mut length_min) = (false, false, false, 0);
        let mut at = 3;
        while at < args.len() {
            if args.is(at, "IDX") {
                matches = true;
            } else if args.is(at, "LEN") {
                length = true;
            } else if args.is(at, "WITHMATCHLEN") {
                with_length = true;
            } else if args.is(at, "MINMATCHLEN") && at + 1 < args.len() {
                at += 1;
                length_min = parse_int(args.at(at)).ok_or(Reject::NOT_AN_INTEGER)?.max(0) as usize;
            } else {
                return Err(Reject::SYNTAX);
            }
            at += 1;
        }
        let want = match (length, matches) {
            (true, true) => return Err(BOTH),
            (true, false) => Want::Length,
            (false, true) => Want::Matches { length_min },
            (false, false) => Want::Subsequence,
        };
        Ok((Lcs { a: args.at(1), b: args.at(2), want }, with_length))
    }

    /// Compares. Errors: key too long, no strings, values too long for each other.
    pub fn run(&self, cx: &mut Context<'_>) -> Result<Found, Reject> {
        const TOO_LARGE: Reject =
            Reject::new(Kind::TooLarge, "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len");
        const NOT_STRINGS: Reject = Reject::new(Kind::WrongType, "ERR The specified keys must contain string values");
        let keys = [cx.key(self.a)?, cx.key(self.b)?];
        let mut guard = cx.lock_all(&keys);
        let mut values = [None, None];
        for (value, key) in values.iter_mut().zip(&keys) {
            let entry = guard.string(key, cx.read()).map_err(|_| NOT_STRINGS)?;
            *value = entry.as_ref().map(Taken::of);
        }
        let [a, b] = values;
        drop(guard);
        let (a, b) = (a.as_deref().unwrap_or_default(), b.as_deref().unwrap_or_default());
        let cells = (a.len() as u128 + 1) * (b.len() as u128 + 1);
        if cells * 4 > cx.value_bytes_max as u128 {
            return Err(TOO_LARGE);
        }
        Ok(compare(a, b, self.want))
    }
}

/// The comparison itself.
pub fn compare(a: &[u8], b: &[u8], want: Want) -> Found {
    if want == Want::Length {
        return Found::Length(fill(a, b, |_, _| ()));
    }
    let mut up = Bits::new(a.len() * b.len());
    let length = fill(a, b, |i, j| up.set(i * b.len() + j));
    let mut subsequence = Vec::new();
    let mut matches: Vec<Match> = Vec::new();
    let mut open: Option<Match> = None;
    let (mut i, mut j) = (a.len(), b.len());
    while i > 0 && j > 0 {
        if a[i - 1] == b[j - 1] {
            (i, j) = (i - 1, j - 1);
            match &mut open {
                Some(run) => (run.a.start, run.b.start) = (i, j),
                None => open = Some(Match { a: i..i + 1, b: j..j + 1 }),
            }
            if want == Want::Subsequence {
                subsequence.push(a[i]);
            }
        } else {
            matches.extend(open.take());
            if up.get((i - 1) * b.len() + j - 1) { i -= 1 } else { j -= 1 }
        }
    }
    matches.extend(open);
    match want {
        Want::Matches { length_min } => {
            matches.retain(|found| found.a.len() >= length_min);
            Found::Matches(matches, length)
        }
        _ => {
            subsequence.reverse();
            Found::Subsequence(subsequence)
        }
    }
}

/// Fills the table row by row, calls `up` for every cell (of different bytes) from which the way back goes up, and
/// returns the length of the subsequence.
fn fill(a: &[u8], b: &[u8], mut up: impl FnMut(usize, usize)) -> usize {
    let mut above = vec![0u32; b.len() + 1];
    let mut row = above.clone();
    for (i, &x) in a.iter().enumerate() {
        for (j, &y) in b.iter().enumerate() {
            row[j + 1] = if x == y {
                above[j] + 1
            } else if above[j + 1] > row[j] {
                up(i, j);
                above[j + 1]
            } else {
                row[j]
            };
        }
        std::mem::swap(&mut above, &mut row);
    }
    above[b.len()] as usize
}

struct Bits(Vec<u64>);

impl Bits {
    fn new(count: usize) -> Bits {
        Bits(vec![0; count.div_ceil(64)])
    }
    fn set(&mut self, at: usize) {
        self.0[at / 64] |= 1 << (at % 64);
    }
    fn get(&self, at: usize) -> bool {
        self.0[at / 64] >> (at % 64) & 1 == 1
    }
}

pub(super) fn lcs(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let (lcs, with_length) = Lcs::parse(args)?;
    match lcs.run(cx)? {
        Found::Subsequence(bytes) => reply.bulk(&bytes),
        Found::Length(length) => reply.int(length as i64),
        Found::Matches(matches, length) => {
            reply.map(2);
            reply.text("matches");
            reply.array(matches.len());
            for found in matches {
                reply.array(if with_length { 3 } else { 2 });
                for range in [&found.a, &found.b] {
                    reply.array(2);
                    reply.int(range.start as i64);
                    reply.int(range.end as i64 - 1);
                }
                if with_length {
                    reply.int(found.a.len() as i64);
                }
            }
            reply.text("len");
            reply.int(length as i64);
        }
    }
    Ok(())
}
