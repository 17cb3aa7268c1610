//! Whole databases: FLUSHDB, FLUSHALL, SWAPDB.

use crate::args::{Args, parse_int};
use crate::namespace::NO_SUCH_DATABASE;
use crate::reject::{Kind, Reject};
use crate::reply::Reply;
use crate::table::Context;
use scrubjay_store::{DATABASES, Ns};

/// Removes every entry of one namespace, or of all.
#[derive(Clone, Copy, Debug)]
pub struct Flush {
    /// Which; `None`: all of them.
    pub ns: Option<Ns>,
}

impl Flush {
    /// Removes. Returns how many entries there were.
    pub fn run(&self, cx: &mut Context<'_>) -> u64 {
        cx.everywhere(|all| all.flush(self.ns))
    }
}

pub(super) fn flushdb(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    run_flush(cx, args, Some(cx.ns), reply)
}

pub(super) fn flushall(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    run_flush(cx, args, None, reply)
}

/// SYNC and ASYNC are one: the entries are gone when the reply is sent, and giving their memory back takes no turn that
/// others wait for.
fn run_flush(cx: &mut Context<'_>, args: &Args<'_>, ns: Option<Ns>, reply: &mut dyn Reply) -> Result<(), Reject> {
    if args.len() > 2 || (args.len() == 2 && !args.is(1, "SYNC") && !args.is(1, "ASYNC")) {
        return Err(Reject::SYNTAX);
    }
    Flush { ns }.run(cx);
    reply.ok();
    Ok(())
}

pub(super) fn swapdb(cx: &mut Context<'_>, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    const NOT_FIRST: Reject = Reject::new(Kind::BadRequest, "ERR invalid first DB index");
    const NOT_SECOND: Reject = Reject::new(Kind::BadRequest, "ERR invalid second DB index");
    let number = |at: usize| parse_int(args.at(at)).filter(|&number| i32::try_from(number).is_ok());
    let (a, b) = (number(1).ok_or(NOT_FIRST)?, number(2).ok_or(NOT_SECOND)?);
    let known = |number: i64| u8::try_from(number).ok().filter(|&number| number < DATABASES);
    match (known(a), known(b)) {
        (Some(a), Some(b)) => cx.names.swap(cx.store, a, b)?,
        _ => return Err(NO_SUCH_DATABASE),
    }
    reply.ok();
    Ok(())
}
