//! From a command's name to its handler: authentication, arity, subcommands, limits; then the handler, and the counting.

use crate::command;
use crate::door::Turn;
use scrubjay_command::table::{Flags, Row};
use scrubjay_command::{Args, Context, Handler, Kind, Reject, Reply, named, resolve};
use scrubjay_store::Key;

/// Finds the command that `args` name and runs it. Every refusal is said to `reply`, so exactly one answer comes out.
pub fn run(turn: &mut Turn<'_>, args: &Args<'_>, reply: &mut dyn Reply) {
    match resolve(args) {
        Ok(row) => run_row(turn, row, args, None, reply),
        Err(reject) => refuse(turn, named(args), &reject, reply),
    }
}

/// Runs the command of `row`, whose arity `args` have; its first key may have been `placed` already.
#[inline]
pub fn run_row(
    turn: &mut Turn<'_>,
    row: &'static Row,
    args: &Args<'_>,
    placed: Option<Key<'_>>,
    reply: &mut dyn Reply,
) {
    if !turn.session.authenticated() && !row.flags.contains(Flags::NO_AUTH) {
        return refuse(turn, Some(row), &NO_AUTH, reply);
    }
    let id = row.id();
    if turn.shared.monitors.any() && !row.flags.intersects(Flags::ADMIN.union(Flags::SECRET)) {
        turn.shared.monitors.show(&turn.shared.clients, turn.session, turn.now_ms, args);
    }
    let timing = turn.scratch.meter.before(turn.shared, turn.counters, turn.session, id, args);
    let done = match row.handler {
        Handler::Data(run) => {
            let mut cx = Context {
                touch: turn.session.touch(),
                placed,
                ..Context::new(&turn.shared.store, turn.ns(), turn.now_ms, turn.limits.sizes())
            };
            run(&mut cx, args, reply)
        }
        Handler::Server(command) => command::run(command, turn.shared, turn.session, args, reply),
        Handler::Container => Err(Reject::arity(row.name)),
    };
    turn.scratch.meter.after(timing, turn.shared, turn.counters, turn.session, row, args);
    let counters = &turn.counters.by_command[id];
    counters.calls.add(1);
    turn.counters.commands.add(1);
    if let Err(reject) = done {
        counters.failed.add(1);
        turn.counters.note_error(&reject);
        reply.error(&reject);
    }
}

const NO_AUTH: Reject = Reject::new(Kind::NoAuth, "NOAUTH Authentication required.");

pub(crate) fn refuse(turn: &Turn<'_>, row: Option<&'static Row>, reject: &Reject, reply: &mut dyn Reply) {
    if let Some(row) = row {
        turn.counters.by_command[row.id()].rejected.add(1);
    }
    turn.counters.note_error(reject);
    reply.error(reject);
}
