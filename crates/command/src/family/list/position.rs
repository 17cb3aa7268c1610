//! Where a list has an element: LPOS.

use crate::args::{Args, parse_int};
use crate::reject::{Kind, Reject};
use crate::reply::Reply;
use crate::table::Context;
use scrubjay_store::value::list::List;
use scrubjay_store::value::packed::Item;

/// Finds elements that equal a given one.
#[derive(Clone, Copy, Debug)]
pub struct Position<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The element.
    pub element: &'a [u8],
    /// From which match on: 1 the first, -1 the last, going towards the front. Never 0.
    pub rank: i64,
    /// How many matches at most.
    pub count: usize,
    /// How many elements are compared at most.
    pub compared_max: usize,
}

impl<'a> Position<'a> {
    /// Reads `LPOS key element [RANK rank] [COUNT count] [MAXLEN length]`; with whether a count was said.
    fn parse(args: &Args<'a>) -> Result<(Position<'a>, bool), Reject> {
        const RANK: Reject = Reject::new(
            Kind::BadRequest,
            "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to \
             start from the end of the list",
        );
        const RANK_RANGE: Reject = Reject::new(
            Kind::BadRequest,
            "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
        );
        const COUNT: Reject = Reject::new(Kind::BadRequest, "ERR COUNT can't be negative");
        const MAXLEN: Reject = Reject::new(Kind::BadRequest, "ERR MAXLEN can't be negative");
        let mut position =
            Position { key: args.at(1), element: args.at(2), rank: 1, count: 1, compared_max: usize::MAX };
        let mut is_counted = false;
        // 0 is without bound.
        let bound = |text, wrong: Reject| -> Result<usize, Reject> {
            let number = parse_int(text).and_then(|number| usize::try_from(number).ok()).ok_or(wrong)?;
            Ok(if number == 0 { usize::MAX } else { number })
        };
        let mut at = 3;
        while at < args.len() {
            let Some(value) = args.get(at + 1) else { return Err(Reject::SYNTAX) };
            if args.is(at, "RANK") {
                position.rank = parse_int(value).ok_or(Reject::NOT_AN_INTEGER)?;
                match position.rank {
                    i64::MIN => return Err(RANK_RANGE),
                    0 => return Err(RANK),
                    _ => {}
                }
            } else if args.is(at, "COUNT") {
                position.count = bound(value, COUNT)?;
                is_counted = true;
            } else if args.is(at, "MAXLEN") {
                position.compared_max = bound(value, MAXLEN)?;
            } else {
                return Err(Reject::SYNTAX);
            }
            at += 2;
        }
        Ok((position, is_counted))
    }

    /// Finds. Errors: another kind.
    pub fn run(&self, cx: &mut Context<'_>) -> Result<Vec<usize>, Reject> {
        let key = cx.key(self.key)?;
        let mut guard = cx.lock(&key);
        let Some(list) = guard.view::<List>(&key, cx.read())? else { return Ok(Vec::new()) };
        let element = Item::of(self.element);
        let skipped = self.rank.unsigned_abs() as usize - 1;
        let (length, most) = (list.len(), self.compared_max);
        Ok(if self.rank > 0 {
            let found = list.from(0).take(most).enumerate().filter(|(_, item)| *item == element);
            found.map(|(place, _)| place).skip(skipped).take(self.count).collect()
        } else {
            let found = list.backwards().take(most).enumerate().filter(|(_, item)| *item == element);
            found.map(|(place, _)| length - 1 - place).skip(skipped).take(self.count).collect()
        })
    }
}

pub(super) fn lpos(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    let (position, is_counted) = Position::parse(args)?;
    let found = position.run(cx)?;
    match (is_counted, found.first()) {
        (true, _) => {
            reply.array(found.len());
            found.iter().for_each(|&place| reply.int(place as i64));
        }
        (false, Some(&place)) => reply.int(place as i64),
        (false, None) => reply.null(),
    }
    Ok(())
}
