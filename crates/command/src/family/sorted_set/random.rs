//! Members by chance: ZRANDMEMBER.

use super::Shape;
use crate::args::{Args, parse_int};
use crate::reject::{Kind, Reject};
use crate::reply::Reply;
use crate::table::Context;
use scrubjay_base::rand::Rng;
use scrubjay_store::value::WrongKind;
use scrubjay_store::value::packed::Item;
use scrubjay_store::value::sorted_set::SortedSet;
use std::collections::HashSet;

/// From this part of all members on, distinct ones are drawn by going through all instead of remembering what was drawn.
const MANY_PART: usize = 3;
const OUT_OF_RANGE: Reject = Reject::new(Kind::BadRequest, "ERR value is out of range");

/// How many members to draw.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Draw {
    /// So many different ones, as far as there are.
    Distinct(usize),
    /// So many, each of all.
    Repeated(usize),
}

/// Draws members, each as likely as any other.
#[derive(Clone, Copy, Debug)]
pub struct Random<'a> {
    /// The key.
    pub key: &'a [u8],
    /// How many.
    pub draw: Draw,
}

impl Random<'_> {
    /// Shows their number to `begin` and then each to `see`, with its score. Errors: another kind, more than an answer can
    /// hold; nothing was shown.
    pub fn run(
        &self,
        cx: &mut Context<'_>,
        begin: impl FnOnce(usize),
        mut see: impl FnMut(Item<'_>, f64),
    ) -> Result<(), Reject> {
        let key = cx.key(self.key)?;
        let mut guard = cx.lock(&key);
        let mut rng = Rng::new(guard.rng(&key).next_u64());
        let Some(entry) = guard.get(&key, cx.read()) else {
            begin(0);
            return Ok(());
        };
        let set = entry.view::<SortedSet>().ok_or(WrongKind)?;
        let length = set.len();
        let mut show = |rank: usize| set.get(rank).map_or((), |(name, score)| see(name, score));
        match self.draw {
            // An answer longer than any value may be is refused before it eats the memory.
            Draw::Repeated(count) if count.saturating_mul(entry.memory_bytes() / length) > cx.value_bytes_max => {
                return Err(OUT_OF_RANGE);
            }
            Draw::Repeated(count) => {
                begin(count);
                (0..count).for_each(|_| show(rng.below(length as u64) as usize));
            }
            Draw::Distinct(count) => {
                let count = count.min(length);
                begin(count);
                if count >= length / MANY_PART {
                    // Each member in turn is taken as often as the rest of the draw asks (Knuth, volume 2, algorithm S).
                    let mut left = count;
                    for (rank, (name, score)) in set.iter().enumerate() {
                        if rng.below((length - rank) as u64) < left as u64 {
                            left -= 1;
                            see(name, score);
                        }
                    }
                } else {
                    // Among the first n, one that was drawn already stands for the n-th (R. Floyd).
                    let mut drawn = HashSet::with_capacity(count);
                    for last in length - count..length {
                        let rank = rng.below(last as u64 + 1) as usize;
                        let rank = if drawn.insert(rank) { rank } else { last };
                        drawn.insert(rank);
                        show(rank);
                    }
                }
            }
        }
        Ok(())
    }
}

pub(super) fn zrandmember(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    const NOT_IN_RANGE: Reject = Reject::new(
        Kind::BadRequest,
        "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
    );
    let Some(count) = args.get(2) else {
        let mut said = false;
        let random = Random { key: args.at(1), draw: Draw::Distinct(1) };
        random.run(
            cx,
            |_| {},
            |name, _| {
                said = true;
                name.with(|name| reply.bulk(name));
            },
        )?;
        if !said {
            reply.null();
        }
        return Ok(());
    };
    let count = parse_int(count).ok_or(Reject::NOT_AN_INTEGER)?;
    let count = if count == i64::MIN { return Err(NOT_IN_RANGE) } else { count };
    let with_scores = match args.len() {
        3 => false,
        4 if args.is(3, "WITHSCORES") => true,
        _ => return Err(Reject::SYNTAX),
    };
    let size = count.unsigned_abs() as usize;
    if with_scores && size > i64::MAX as usize / 2 {
        return Err(OUT_OF_RANGE);
    }
    let draw = if count < 0 { Draw::Repeated(size) } else { Draw::Distinct(size) };
    let shape = Shape::of(reply, with_scores);
    let reply = std::cell::RefCell::new(reply);
    Random { key: args.at(1), draw }.run(
        cx,
        |count| shape.begin(count, &mut **reply.borrow_mut()),
        |name, score| shape.say(name, score, &mut **reply.borrow_mut()),
    )
}
