//! Random members: what HRANDFIELD and SRANDMEMBER have in common.

use crate::args::{Args, parse_int};
use crate::reject::{Kind, Reject};
use crate::table::Context;
use scrubjay_base::rand::Rng;
use scrubjay_store::value::members::{Member, Members, Picker, Shape};
use std::marker::PhantomData;

/// Most members with repetition: an answer is made as a whole while its slot is locked, and few bytes ask for it. Chosen.
const REPEATED_MAX: u64 = 1 << 22;

/// Picks members at random; each choice is as likely as the others.
#[derive(Clone, Copy, Debug)]
pub struct Pick<'a, S> {
    /// The key.
    pub key: &'a [u8],
    /// How many different ones, or, negative, how many of which some may be the same.
    pub count: i64,
    /// Of a hash or a set.
    pub shape: PhantomData<S>,
}

impl<S: Shape> Pick<'_, S> {
    /// Shows their number to `begin`, then each to `see`. Errors: another kind, too many; nothing was shown.
    pub fn run(
        &self,
        cx: &mut Context<'_>,
        begin: impl FnOnce(usize),
        mut see: impl FnMut(Member<'_>),
    ) -> Result<(), Reject> {
        let wanted = self.count.unsigned_abs();
        if self.count < 0 && wanted > REPEATED_MAX {
            let line = format!("ERR value is out of range: at most {REPEATED_MAX} are picked with repetition");
            return Err(Reject::with(Kind::TooLarge, line));
        }
        let (key, now_ms) = (cx.key(self.key)?, cx.now_ms);
        let mut guard = cx.lock(&key);
        let mut rng = Rng::new(guard.rng(&key).next_u64());
        let view = guard.view::<Members<S>>(&key, cx.read())?;
        let Some(picker) = view.filter(|_| wanted > 0).map(|view| Picker::new(view, now_ms)) else {
            begin(0);
            return Ok(());
        };
        if self.count > 0 {
            let numbers = picker.distinct(wanted.min(picker.len() as u64) as usize, &mut rng);
            begin(numbers.len());
            numbers.iter().filter_map(|&number| picker.at(number as usize)).for_each(see);
        } else {
            let count = if picker.len() == 0 { 0 } else { wanted };
            begin(count as usize);
            for _ in 0..count {
                picker.at(rng.below(picker.len() as u64) as usize).into_iter().for_each(&mut see);
            }
        }
        Ok(())
    }

    /// Shows one to `see`; `None` if there is none. Errors: another kind.
    pub fn one<R>(cx: &mut Context<'_>, key: &[u8], see: impl FnOnce(Option<Member<'_>>) -> R) -> Result<R, Reject> {
        let (key, now_ms) = (cx.key(key)?, cx.now_ms);
        let mut guard = cx.lock(&key);
        let mut rng = Rng::new(guard.rng(&key).next_u64());
        let view = guard.view::<Members<S>>(&key, cx.read())?;
        Ok(see(view.and_then(|view| view.random(now_ms, &mut rng))))
    }
}

/// Reads the number of members: anything but the lowest number, as in Redis.
pub(in crate::family) fn count(args: &Args<'_>, at: usize) -> Result<i64, Reject> {
    const OUT_OF_RANGE: Reject = Reject::new(
        Kind::BadRequest,
        "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
    );
    match parse_int(args.at(at)).ok_or(Reject::NOT_AN_INTEGER)? {
        i64::MIN => Err(OUT_OF_RANGE),
        count => Ok(count),
    }
}
