//! Transactions: what a session keeps between `MULTI` and `EXEC`, and how it is run.
//!
//! All slots of all the commands are locked together, in ascending order like everywhere, and each command is lent that
//! lock instead of taking its own. So nobody sees half of a transaction, and its effects are told as one batch. Commands
//! that cannot name their keys (`KEYS`, `FLUSHALL`) lock everything.
//!
//! A few commands ask the store as a whole for its state (`INFO`, `MEMORY`, `CONFIG`): they cannot be lent a lock, so it
//! is given up for them and taken again, and others may come in between. Redis' own transactions seldom hold them.

use crate::command;
use crate::door::Turn;
use crate::effects::Interest;
use crate::heat;
use crate::namespaces::admit::{admit_all, reach};
use crate::notices::current::{self, Scope};
use crate::session::Session;
use crate::shared::Shared;
use crate::watched::Flag;
use scrubjay_command::server::ServerCommand as S;
use scrubjay_command::table::{Flags, Keys, Row};
use scrubjay_command::{Args, Context, Handler, Held, Kind, OwnedArgs, Reject, Reply};
use scrubjay_store::{Access, Guard, Ns};
use std::sync::Arc;

/// The commands of a transaction that has begun.
#[derive(Default)]
pub struct Queue {
    commands: Vec<(&'static Row, OwnedArgs)>,
    /// Whether a command was refused: then the whole is.
    is_broken: bool,
    bytes: usize,
}

impl Queue {
    /// Bytes of memory held.
    pub fn memory_bytes(&self) -> usize {
        size_of::<Queue>() + self.bytes + self.commands.capacity() * size_of::<(&Row, OwnedArgs)>()
    }

    /// A command was refused.
    pub fn break_off(&mut self) {
        self.is_broken = true;
    }
}

/// The keys that a session's next transaction depends on.
#[derive(Default)]
pub struct Watch {
    flag: Arc<Flag>,
    keys: Vec<Watched>,
}

struct Watched {
    /// The database by which it was named, whose meaning `SWAPDB` may change.
    database: u8,
    ns: Ns,
    key: Box<[u8]>,
    was_there: bool,
}

/// `MULTI`.
pub fn begin(session: &mut Session, reply: &mut dyn Reply) -> Result<(), Reject> {
    const NESTED: Reject = Reject::new(Kind::BadRequest, "ERR MULTI calls can not be nested");
    if session.transaction.is_some() {
        return Err(NESTED);
    }
    session.transaction = Some(Box::default());
    session.info.set_queued(Some(0));
    reply.ok();
    Ok(())
}

/// `DISCARD`.
pub fn discard(shared: &Shared, session: &mut Session, reply: &mut dyn Reply) -> Result<(), Reject> {
    const WITHOUT: Reject = Reject::new(Kind::BadRequest, "ERR DISCARD without MULTI");
    session.transaction.as_ref().ok_or(WITHOUT)?;
    leave(shared, session);
    reply.ok();
    Ok(())
}

/// `WATCH`.
pub fn watch(shared: &Shared, session: &mut Session, args: &Args<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    const INSIDE: Reject = Reject::new(Kind::BadRequest, "ERR WATCH inside MULTI is not allowed");
    if session.transaction.is_some() {
        return Err(INSIDE);
    }
    let watched = &shared.effects.watched;
    if session.watch.is_none() {
        session.watch = Some(Box::default());
        watched.count(1);
        shared.effects.set(&shared.store, Interest::WATCHED, true);
    }
    let (database, now_ms) = (session.database(), shared.clock.now_ms());
    let ns = shared.store.namespace(database).unwrap_or_default();
    let Some(watch) = &mut session.watch else { return Ok(()) };
    for bytes in args.from(1) {
        if watch.keys.iter().any(|known| known.ns == ns && *known.key == *bytes) {
            continue;
        }
        // What has expired by now goes first: that it does is no change to what is watched.
        let key = shared.store.key(ns, bytes);
        let was_there = shared.store.lock(key.slot, now_ms).get(&key, Access::Peek).is_some();
        watched.add(ns, bytes, &watch.flag);
        watch.keys.push(Watched { database, ns, key: bytes.into(), was_there });
    }
    session.info.set_watched(watch.keys.len());
    reply.ok();
    Ok(())
}

/// `UNWATCH`, and whatever ends a watch.
pub fn unwatch(shared: &Shared, session: &mut Session) {
    let Some(watch) = session.watch.take() else { return };
    session.info.set_watched(0);
    let watched = &shared.effects.watched;
    for known in &watch.keys {
        watched.remove(known.ns, &known.key, &watch.flag);
    }
    if !watched.count(-1) {
        shared.effects.set(&shared.store, Interest::WATCHED, false);
    }
}

/// The session is reset or gone.
pub fn leave(shared: &Shared, session: &mut Session) {
    session.transaction = None;
    session.info.set_queued(None);
    unwatch(shared, session);
}

/// Whether `row` is done at once although a transaction has begun.
fn is_for_now(row: &Row) -> bool {
    matches!(row.handler, Handler::Server(S::Multi | S::Exec | S::Discard | S::Watch | S::Quit | S::Reset))
}

/// Keeps a command for later if a transaction has begun. Whether it did, and said so.
pub fn keep(session: &mut Session, row: &'static Row, args: &Args<'_>, reply: &mut dyn Reply) -> Result<bool, Reject> {
    let Some(queue) = &mut session.transaction else { return Ok(false) };
    if is_for_now(row) {
        return Ok(false);
    }
    if row.flags.contains(Flags::NO_MULTI) {
        queue.is_broken = true;
        return Err(Reject::with(
            Kind::BadRequest,
            format!("ERR Command not allowed inside a transaction: {}", row.name),
        ));
    }
    let args = OwnedArgs::of(args);
    queue.bytes += args.memory_bytes();
    queue.commands.push((row, args));
    session.info.set_queued(Some(queue.commands.len()));
    reply.simple("QUEUED");
    Ok(true)
}

/// `EXEC`: runs what was kept.
pub fn execute(turn: &mut Turn<'_>, reply: &mut dyn Reply) -> Result<(), Reject> {
    const WITHOUT: Reject = Reject::new(Kind::BadRequest, "ERR EXEC without MULTI");
    const BROKEN: Reject = Reject::new(Kind::Conflict, "EXECABORT Transaction discarded because of previous errors.");
    let queue = turn.session.transaction.take().ok_or(WITHOUT)?;
    turn.session.info.set_queued(None);
    if queue.is_broken {
        unwatch(turn.shared, turn.session);
        return Err(BROKEN);
    }
    if let Err(reject) = admit_all(turn, queue.commands.iter().map(|(row, args)| (*row, args.args()))) {
        unwatch(turn.shared, turn.session);
        return Err(reject);
    }
    let slots = Slots::of(&queue, turn.session.watch.as_deref());
    let shared = turn.shared;
    let mut guard = slots.lock(shared, turn.now_ms);
    let is_stale = turn.session.watch.as_ref().is_some_and(|watch| is_stale(shared, &mut guard, watch));
    if is_stale {
        drop(guard);
        unwatch(shared, turn.session);
        reply.null_array();
        return Ok(());
    }
    reply.array(queue.commands.len());
    guard.batch(true);
    let mut cx = Context {
        names: &shared.namespaces,
        touch: turn.session.touch(),
        held: Held::by(guard),
        ..Context::new(&shared.store, turn.ns(), turn.now_ms, turn.limits.sizes())
    };
    for (row, args) in &queue.commands {
        let args = args.args();
        if turn.scratch.chooser.is_next() {
            heat::note(turn, row, &args, None);
        }
        let scope = Scope::enter(&shared.effects, turn.session.info.id, &args);
        if let Some(tracks) = &turn.session.tracks {
            tracks.before(&shared.effects.tracking, row, &args);
        }
        let done = match row.handler {
            // Selected in it, or dropped after it began.
            _ if let Err(gone) = reach(shared, turn.session, row) => Err(gone),
            Handler::Data(run) => {
                if scope.is_some() {
                    current::note_misses(&shared.effects, &cx, row, &args);
                }
                run(&mut cx, &args, reply)
            }
            Handler::Server(command) => {
                let asks_the_store = asks_the_store(command);
                if asks_the_store {
                    cx.held.take();
                }
                let done = command::run(command, shared, turn.session, &args, reply);
                if asks_the_store {
                    cx.held = Held::by(slots.lock(shared, turn.now_ms));
                }
                cx.ns = turn.ns(); // SELECT
                cx.touch = turn.session.touch();
                done
            }
            Handler::Container => Err(Reject::arity(row.name)),
        };
        if !shared.effects.interests().is_empty() && row.name == "SWAPDB" {
            shared.effects.databases_swapped(&shared.store);
        }
        drop(scope);
        let counters = &turn.counters.by_command[row.id()];
        counters.calls.add(1);
        turn.counters.commands.add(1);
        if let Err(reject) = done {
            counters.failed.add(1);
            turn.counters.note_error(&reject);
            reply.error(&reject);
        }
    }
    if let Some(guard) = cx.held.take() {
        guard.batch(false);
    }
    unwatch(shared, turn.session);
    Ok(())
}

/// Whether a watched key changed.
fn is_stale(shared: &Shared, guard: &mut Guard<'_>, watch: &Watch) -> bool {
    let mut has_expired = false;
    for known in &watch.keys {
        // One that has expired is removed by being looked at, which raises the flag; or it is kept as stale.
        let is_there = guard.get(&shared.store.key(known.ns, &known.key), Access::Peek).is_some();
        has_expired |= known.was_there && !is_there;
    }
    has_expired
        || watch.flag.is_raised()
        || watch.keys.iter().any(|known| shared.store.namespace(known.database) != Some(known.ns))
}

/// Whether a command of the server takes locks of the store itself.
fn asks_the_store(command: S) -> bool {
    matches!(
        command,
        S::Info
            | S::ConfigSet
            | S::ConfigResetStat
            | S::MemoryDoctor
            | S::MemoryMallocStats
            | S::MemoryPurge
            | S::MemoryStats
            | S::MemoryUsage
            | S::JayBigKeys
            | S::JayMemoryHistogram
            | S::JayMemoryPrefixes
            | S::JayNamespaceGet
            | S::JayNamespaceList
    )
}

/// What a transaction locks.
enum Slots {
    Everything,
    Of(Vec<scrubjay_base::SlotId>),
}

impl Slots {
    fn of(queue: &Queue, watch: Option<&Watch>) -> Slots {
        let mut slots: Vec<scrubjay_base::SlotId> =
            watch.iter().flat_map(|watch| &watch.keys).map(|known| scrubjay_base::SlotId::of(&known.key)).collect();
        for (row, args) in &queue.commands {
            let args = args.args();
            match (row.handler, row.keys) {
                (Handler::Data(_), Keys::None) => return Slots::Everything,
                (_, keys) => {
                    slots.extend(keys.indices(&args).iter().map(|&index| scrubjay_base::SlotId::of(args.at(index))));
                }
            }
        }
        Slots::Of(slots)
    }

    fn lock<'a>(&self, shared: &'a Shared, now_ms: u64) -> Guard<'a> {
        match self {
            Slots::Everything => shared.store.lock_all(now_ms),
            Slots::Of(slots) => shared.store.lock_many(slots.iter().copied(), now_ms),
        }
    }
}
