//! From a command's name to its handler: authentication, arity, subcommands, limits; then the handler, and the counting.

use crate::clients::ClientFlags;
use crate::command;
use crate::door::Turn;
use crate::effects::Interest;
use crate::heat;
use crate::measure::Timing;
use crate::namespaces::admit::admit;
use crate::namespaces::change::GONE;
use crate::notices::current::{self, Scope};
use crate::pubsub::post;
use crate::session::ReplyMode;
use crate::transaction;
use crate::waiting::Waiter;
use scrubjay_command::server::ServerCommand;
use scrubjay_command::table::{DataFn, Flags, Group, Row};
use scrubjay_command::{Args, Context, Handler, Kind, Reject, Reply, named, resolve};
use scrubjay_store::{Key, Kind as ValueKind};

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
    let is_seen = turn.shared.monitors.any() || turn.shared.effects.interests().intersects(Interest::TOLD);
    let is_free = turn.session.is_ordinary() && turn.session.is_free_at(turn.shared.namespaces.version());
    match row.handler {
        // SWAPDB, which concerns those who wait, is among the dangerous ones.
        Handler::Data(run) if is_free && !is_seen && !row.flags.intersects(Flags::BLOCKING.union(Flags::DANGEROUS)) => {
            run_unseen(turn, row, run, args, placed, reply);
        }
        _ => run_any(turn, row, args, placed, reply),
    }
}

/// What [`run_any`] comes down to for a command on data that cannot wait, of an ordinary session in a namespace without a
/// quota, while nobody is told what others do: nearly every command of nearly every node. In a function of its own, so that
/// it pays for nothing else.
#[inline]
fn run_unseen(
    turn: &mut Turn<'_>,
    row: &'static Row,
    run: DataFn,
    args: &Args<'_>,
    placed: Option<Key<'_>>,
    reply: &mut dyn Reply,
) {
    if turn.scratch.chooser.is_next() {
        heat::note(turn, row, args, placed);
    }
    let timing = turn.scratch.meter.before(turn.shared, turn.counters, turn.session, row, args);
    let mut cx = Context {
        names: &turn.shared.namespaces,
        touch: turn.session.touch(),
        placed,
        ..Context::new(&turn.shared.store, turn.ns(), turn.now_ms, turn.limits.sizes())
    };
    let done = run(&mut cx, args, reply);
    finish(turn, row, args, timing, done, reply);
}

#[inline(never)]
fn run_any(turn: &mut Turn<'_>, row: &'static Row, args: &Args<'_>, placed: Option<Key<'_>>, reply: &mut dyn Reply) {
    if !turn.session.authenticated() && !row.flags.contains(Flags::NO_AUTH) {
        return refuse(turn, Some(row), &NO_AUTH, reply);
    }
    if turn.session.is_restricted() && !is_for_subscribers(row) {
        return refuse(turn, Some(row), &only_for_subscribers(row), reply);
    }
    if turn.session.transaction.is_some() {
        match transaction::keep(turn.session, row, args, reply) {
            Ok(true) => return,
            Ok(false) => {}
            Err(reject) => return refuse(turn, Some(row), &reject, reply),
        }
    }
    if let Err(reject) = admit(turn, row) {
        return refuse(turn, Some(row), &reject, reply);
    }
    if turn.shared.monitors.any() && !row.flags.intersects(Flags::ADMIN.union(Flags::SECRET)) {
        turn.shared.monitors.show(&turn.shared.clients, turn.session, turn.now_ms, args);
    }
    if turn.scratch.chooser.is_next() {
        heat::note(turn, row, args, placed);
    }
    let timing = turn.scratch.meter.before(turn.shared, turn.counters, turn.session, row, args);
    let effects = &turn.shared.effects;
    let scope = Scope::enter(effects, turn.session.info.id, args);
    if let Some(tracks) = &turn.session.tracks {
        tracks.before(&effects.tracking, row, args);
    }
    let done = match row.handler {
        Handler::Data(run) if row.flags.contains(Flags::BLOCKING) => run_or_wait(turn, row, run, args, reply),
        Handler::Data(run) => {
            let mut cx = Context {
                names: &turn.shared.namespaces,
                touch: turn.session.touch(),
                placed,
                ..Context::new(&turn.shared.store, turn.ns(), turn.now_ms, turn.limits.sizes())
            };
            if scope.is_some() {
                current::note_misses(effects, &cx, row, args);
            }
            run(&mut cx, args, reply)
        }
        Handler::Server(ServerCommand::Exec) => transaction::execute(turn, reply),
        Handler::Server(command) => command::run(command, turn.shared, turn.session, args, reply),
        Handler::Container => Err(Reject::arity(row.name)),
    };
    if !effects.interests().is_empty() && row.name == "SWAPDB" {
        effects.databases_swapped(&turn.shared.store);
    }
    if scope.is_some() || row.flags.contains(Flags::PUBSUB) {
        post::wait_for_room(effects.pubsub.inboxes(), turn.session.info.thread);
    }
    drop(scope);
    if let Some(tracks) = turn.session.tracks.as_mut().filter(|_| turn.session.transaction.is_none()) {
        tracks.after(args);
    }
    finish(turn, row, args, timing, done, reply);
}

/// What comes after every command: its time, those who wait for what it wrote, the counts, and its refusal if it was.
#[inline]
fn finish(
    turn: &mut Turn<'_>,
    row: &'static Row,
    args: &Args<'_>,
    timing: Timing,
    done: Result<(), Reject>,
    reply: &mut dyn Reply,
) {
    turn.scratch.meter.after(timing, turn.shared, turn.counters, turn.session, row, args);
    turn.shared.effects.waiting.serve(turn.shared);
    let counters = &turn.counters.by_command[timing.id];
    counters.calls.add(1);
    turn.counters.commands.add(1);
    if let Err(reject) = done {
        counters.failed.add(1);
        turn.counters.note_error(&reject);
        reply.error(&reject);
    }
}

/// What a client of RESP2 may run that listens to channels: it takes everything else it hears for messages.
fn is_for_subscribers(row: &Row) -> bool {
    use ServerCommand as S;
    matches!(
        row.handler,
        Handler::Server(
            S::Subscribe
                | S::Unsubscribe
                | S::PSubscribe
                | S::PUnsubscribe
                | S::SSubscribe
                | S::SUnsubscribe
                | S::Ping
                | S::Quit
                | S::Reset
        )
    )
}

#[cold]
fn only_for_subscribers(row: &'static Row) -> Reject {
    let line = format!(
        "ERR Can't execute '{}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context",
        row.full_name()
    );
    Reject::with(Kind::BadRequest, line)
}

const NO_AUTH: Reject = Reject::new(Kind::NoAuth, "NOAUTH Authentication required.");

/// Runs a command that may wait. If it finds nothing to take, or others wait already for what it would take, its client
/// waits with it: then nothing is said here.
fn run_or_wait(
    turn: &mut Turn<'_>,
    row: &'static Row,
    run: DataFn,
    args: &Args<'_>,
    reply: &mut dyn Reply,
) -> Result<(), Reject> {
    let shared = turn.shared;
    let (ns, sizes) = (turn.ns(), turn.limits.sizes());
    let waiting = &shared.effects.waiting;
    let kind = if row.group == Group::List { ValueKind::List } else { ValueKind::SortedSet };
    let keys = row.keys.indices(args);
    // Who waits for another to load a key is in nobody's way.
    let is_behind =
        row.group != Group::String && waiting.is_awaited(ns, kind, keys.iter().map(|&index| args.at(index)));
    let mut cx = Context {
        touch: turn.session.touch(),
        may_wait: true,
        may_take: !is_behind,
        ..Context::new(&shared.store, ns, turn.now_ms, sizes)
    };
    run(&mut cx, args, reply)?;
    if let Some(wish) = cx.wish.take() {
        let is_answered = turn.session.reply == ReplyMode::On;
        let (info, resp) = (turn.session.info.clone(), turn.session.resp());
        let waiter = Waiter::new(info, turn.session.database(), resp, is_answered, run, args, *wish, sizes);
        turn.session.waiter = Some(waiter.clone());
        turn.session.info.set_flag(ClientFlags::WAITING, true);
        waiting.add(shared, &waiter);
        if shared.namespaces.is_gone(turn.session.selected()) {
            // It was dropped, and its waiters refused, after this command was let through.
            waiting.refuse_one(shared, &waiter, &GONE);
        }
    }
    Ok(())
}

pub(crate) fn refuse(turn: &mut Turn<'_>, row: Option<&'static Row>, reject: &Reject, reply: &mut dyn Reply) {
    if let Some(queue) = &mut turn.session.transaction {
        queue.break_off();
    }
    if let Some(row) = row {
        turn.counters.by_command[row.id()].rejected.add(1);
    }
    turn.counters.note_error(reject);
    reply.error(reject);
}
