//! Clients that wait for a key: BLPOP and its kin, and those that wait for another to load it (JAY.GET, `GET ?lease`).
//!
//! ```text
//! client --command finds nothing--> Waiter in the queue of each of its keys; its connection sleeps
//! another's command writes to a key --effect--> the key is noted, on that thread
//!                      is done      --serve---> the waiters of the key, oldest first, have their commands run, and are sent
//!                                               their answers, until one finds nothing again
//! ```
//! The one whose command wrote serves before its next command, so a waiter gets what came first, as in Redis. A command
//! that could take at once stands behind those who wait already. What a waiter takes may make another key ready
//! (`BLMOVE`), which is served in the same way.
//!
//! Who waits for another to load a key waits for any change of it, or the end of the lease. That may come with nothing but
//! time, so such waiters are also looked at when they said. A client of HTTP is not answered here: it is nudged, and its
//! request runs again on its own thread.
//!
//! A waiter is answered once: by whoever first takes it out of its state of waiting, be it who serves it, its time-out,
//! `CLIENT UNBLOCK`, or its connection's end. `queues` is a leaf among locks: nothing is locked while it is held, so that
//! effects, which come with a slot locked, may look into it. `serving` is held while slots are locked, and nobody asks for
//! it with a slot locked.

use crate::clients::ClientInfo;
use crate::effects::Interest;
use crate::notices::current::Scope;
use crate::runtime::inbox::Message;
use crate::shared::Shared;
use parking_lot::Mutex;
use scrubjay_command::family::lease::Blocked;
use scrubjay_command::table::DataFn;
use scrubjay_command::wait::Wish;
use scrubjay_command::{Args, Context, OwnedArgs, Reject, Reply, SizeLimits};
use scrubjay_protocol::OutputBuffer;
use scrubjay_protocol::resp::Encoder;
use scrubjay_store::{Effect, Kind, Ns, NsSet};
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};

const WAITING: u8 = 0;
const SERVED: u8 = 1;
const GONE: u8 = 2;

/// A client that waits, and the command it waits with.
pub struct Waiter {
    info: Arc<ClientInfo>,
    ns: Ns,
    /// `None`: its own thread runs its request again.
    command: Option<Command>,
    wish: Wish,
    sizes: SizeLimits,
    state: AtomicU8,
    /// When its time is over, or when it is looked at again; [`NEVER`]: never.
    due_ms: AtomicU64,
}

/// What is run again for a client, and how it is answered.
struct Command {
    run: DataFn,
    args: OwnedArgs,
    resp: u8,
    /// Whether it wants to hear the answer (`CLIENT REPLY`).
    is_answered: bool,
}

const NEVER: u64 = u64::MAX;

/// What becomes of a waiter that is due.
pub enum Due {
    /// It is answered so, and goes on.
    Answer(Arc<[u8]>),
    /// It waits on; [`Waiter::due_ms`] has changed.
    Later,
    /// Nothing: somebody else has ended its waiting.
    Over,
}

impl Waiter {
    /// A client whose command, `run` with `args`, found nothing.
    #[allow(clippy::too_many_arguments)] // one caller, which has all of them at hand
    pub fn new(
        info: Arc<ClientInfo>,
        ns: Ns,
        resp: u8,
        is_answered: bool,
        run: DataFn,
        args: &Args<'_>,
        wish: Wish,
        sizes: SizeLimits,
    ) -> Arc<Waiter> {
        let command = Command { run, args: OwnedArgs::of(args), resp, is_answered };
        Waiter::with(info, ns, Some(command), wish, sizes)
    }

    /// A client whose request has to be run again by its own thread.
    pub fn to_nudge(info: Arc<ClientInfo>, ns: Ns, wish: Wish, sizes: SizeLimits) -> Arc<Waiter> {
        Waiter::with(info, ns, None, wish, sizes)
    }

    fn with(info: Arc<ClientInfo>, ns: Ns, command: Option<Command>, wish: Wish, sizes: SizeLimits) -> Arc<Waiter> {
        let (state, due_ms) = (AtomicU8::new(WAITING), AtomicU64::new(due_ms(&wish, wish.look_again_ms)));
        Arc::new(Waiter { info, ns, command, wish, sizes, state, due_ms })
    }

    /// When its thread is to look at it, in Unix milliseconds; `None`: never. Changes only when its thread does so.
    pub fn due_ms(&self) -> Option<u64> {
        Some(self.due_ms.load(Ordering::Relaxed)).filter(|&due_ms| due_ms != NEVER)
    }

    /// Bytes of memory held.
    pub fn memory_bytes(&self) -> usize {
        let args = self.command.as_ref().map_or(0, |command| command.args.memory_bytes());
        size_of::<Waiter>() + args + self.wish.keys.iter().map(|key| key.len() + 16).sum::<usize>()
    }

    /// Runs its command again: the answer, or when it wants to be looked at next.
    fn try_again(&self, shared: &Shared) -> Result<Arc<[u8]>, Option<u64>> {
        let now_ms = shared.clock.now_ms();
        let mut cx =
            Context { may_wait: true, waited: true, ..Context::new(&shared.store, self.ns, now_ms, self.sizes) };
        let Some(command) = &self.command else {
            // It is worth a nudge if it would not have to wait.
            let blocked_until_ms = self.wish.keys.iter().find_map(|key| Blocked { key }.run(&cx));
            return blocked_until_ms.map_or_else(|| Ok(Arc::default()), |until_ms| Err(Some(until_ms)));
        };
        let mut done = Ok(());
        let answer = self.encoded(|encoder| {
            let _scope = Scope::enter(&shared.effects, self.info.id, &command.args.args());
            done = (command.run)(&mut cx, &command.args.args(), encoder);
            if let Err(reject) = &done {
                encoder.error(reject);
            }
        });
        match cx.wish.take().filter(|_| done.is_ok()) {
            Some(wish) => Err(wish.look_again_ms),
            None => Ok(answer),
        }
    }

    /// Ends its waiting; `false`: somebody else has.
    fn end(&self, how: u8) -> bool {
        self.state.compare_exchange(WAITING, how, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    fn encoded(&self, say: impl FnOnce(&mut Encoder<'_>)) -> Arc<[u8]> {
        let mut out = OutputBuffer::new();
        if let Some(command) = self.command.as_ref().filter(|command| command.is_answered) {
            say(&mut Encoder::new(&mut out, command.resp));
        }
        out.to_vec().into()
    }

    fn nothing(&self) -> Arc<[u8]> {
        self.encoded(|encoder| self.wish.nothing.say(encoder))
    }
}

fn due_ms(wish: &Wish, look_again_ms: Option<u64>) -> u64 {
    wish.until_ms.unwrap_or(NEVER).min(look_again_ms.unwrap_or(NEVER))
}

/// A key holds a collection of one kind, and those who wait for another kind under it wait on.
type Key = (Ns, Kind, Box<[u8]>);

thread_local! {
    /// Keys that were written to on this thread while somebody waited for them.
    static READY: RefCell<Vec<Key>> = const { RefCell::new(Vec::new()) };
    /// Namespaces that were flushed on this thread while somebody waited for a key to be loaded.
    static FLUSHED: Cell<NsSet> = const { Cell::new(NsSet::NONE) };
}

/// Everybody who waits.
#[derive(Default)]
pub struct Waiting {
    queues: Mutex<HashMap<Key, VecDeque<Arc<Waiter>>>>,
    count: AtomicUsize,
    /// How many of them wait for another to load the key.
    loads: AtomicUsize,
    serving: Mutex<()>,
}

impl Waiting {
    /// How many clients wait.
    pub fn clients(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// For how many keys they wait.
    pub fn keys(&self) -> usize {
        self.queues.lock().len()
    }

    /// Something was written: notes the key if somebody waits for it.
    pub fn effect(&self, effect: &Effect<'_>) {
        if let Effect::Put { ns, key, kind, .. } | Effect::Change { ns, key, kind, .. } = *effect
            && kind != Kind::String
        {
            self.note(ns, kind, key);
        }
        // Acquire: who sees that somebody waits for a load also sees, in `serve`, that somebody waits.
        if self.loads.load(Ordering::Acquire) == 0 {
            return;
        }
        match *effect {
            Effect::Put { ns, key, .. }
            | Effect::Write { ns, key, .. }
            | Effect::Change { ns, key, .. }
            | Effect::Deadline { ns, key, .. }
            | Effect::Tags { ns, key, .. }
            | Effect::Remove { ns, key, .. } => self.note(ns, Kind::String, key),
            // Told for every slot: who waits is looked for once, when the command is done.
            Effect::Flush { ns } => FLUSHED.set(FLUSHED.get().and(NsSet::of(ns))),
            Effect::Hide { ns, .. } => FLUSHED.set(FLUSHED.get().and(NsSet::of(Some(ns)))),
        }
    }

    /// A lease ended: notes the key if somebody waits for it to be loaded.
    pub fn lease_ended(&self, ns: Ns, key: &[u8]) {
        if self.loads.load(Ordering::Relaxed) > 0 {
            self.note(ns, Kind::String, key);
        }
    }

    fn note(&self, ns: Ns, kind: Kind, key: &[u8]) {
        let name = (ns, kind, Box::from(key));
        if self.queues.lock().contains_key(&name) {
            READY.with_borrow_mut(|ready| ready.push(name));
        }
    }

    /// Whether somebody waits already for a collection of this kind under one of these keys.
    pub fn is_awaited<'k>(&self, ns: Ns, kind: Kind, mut keys: impl Iterator<Item = &'k [u8]>) -> bool {
        let queues = self.queues.lock();
        !queues.is_empty() && keys.any(|key| queues.contains_key(&(ns, kind, Box::from(key))))
    }

    /// Lets a client wait, and serves it at once if one of its keys was written to meanwhile.
    pub fn add(&self, shared: &Shared, waiter: &Arc<Waiter>) {
        let keys = || waiter.wish.keys.iter().map(|key| (waiter.ns, waiter.wish.kind, key.clone()));
        {
            let mut queues = self.queues.lock();
            for key in keys() {
                let queue = queues.entry(key).or_default();
                // A key that is named twice is waited for once.
                if !queue.back().is_some_and(|last| Arc::ptr_eq(last, waiter)) {
                    queue.push_back(waiter.clone());
                }
            }
            self.count.fetch_add(1, Ordering::Relaxed);
            self.loads.fetch_add(usize::from(waiter.wish.kind == Kind::String), Ordering::Release);
            shared.effects.set(&shared.store, Interest::WAITING, true);
        }
        READY.with_borrow_mut(|ready| ready.extend(keys()));
        self.serve(shared);
    }

    /// Ends the waiting of a client whose time is over or that is gone. What it is to be answered; `None`: somebody else
    /// has ended it, and its answer is on its way.
    pub fn give_up(&self, shared: &Shared, waiter: &Arc<Waiter>) -> Option<Arc<[u8]>> {
        if !waiter.end(GONE) {
            return None;
        }
        self.forget(shared, waiter);
        Some(waiter.nothing())
    }

    /// Looks at a waiter whose time has come: it is over, or it tries again.
    pub fn due(&self, shared: &Shared, waiter: &Arc<Waiter>) -> Due {
        let is_over = waiter.wish.until_ms.is_some_and(|until_ms| until_ms <= shared.clock.now_ms());
        if is_over || waiter.command.is_none() {
            return self.give_up(shared, waiter).map_or(Due::Over, Due::Answer);
        }
        if !waiter.end(SERVED) {
            return Due::Over;
        }
        match waiter.try_again(shared) {
            Ok(answer) => {
                self.forget(shared, waiter);
                Due::Answer(answer)
            }
            Err(look_again_ms) => {
                waiter.due_ms.store(due_ms(&waiter.wish, look_again_ms), Ordering::Relaxed);
                waiter.state.store(WAITING, Ordering::Release);
                Due::Later
            }
        }
    }

    /// `CLIENT UNBLOCK`: ends the waiting of client `id`, with an error or as if its time were over. Whether it waited.
    pub fn unblock(&self, shared: &Shared, id: u64, with_error: bool) -> bool {
        let found = self.queues.lock().values().flatten().find(|waiter| waiter.info.id == id).cloned();
        // What waits without a command would wait again.
        let found = found.filter(|waiter| waiter.command.is_some());
        let Some(waiter) = found.filter(|waiter| waiter.end(GONE)) else { return false };
        self.forget(shared, &waiter);
        let answer = match with_error {
            true => waiter.encoded(|encoder| encoder.error(&UNBLOCKED)),
            false => waiter.nothing(),
        };
        shared.clients.send(id, Message::Answer(answer))
    }

    /// Ends the waiting of all who wait for keys of a namespace, with an error; what waits without a command is run again.
    pub fn refuse(&self, shared: &Shared, ns: Ns, reject: &Reject) {
        let waiters = |queues: &HashMap<Key, VecDeque<Arc<Waiter>>>| -> Vec<Arc<Waiter>> {
            let of_ns = queues.iter().filter(|((key_ns, ..), _)| *key_ns == ns);
            of_ns.flat_map(|(_, queue)| queue).cloned().collect()
        };
        loop {
            let found = waiters(&self.queues.lock());
            if found.is_empty() {
                return;
            }
            found.iter().for_each(|waiter| self.refuse_one(shared, waiter, reject));
            // Who else has ended one, or tries it again, is about to take it out or to let it wait on.
            std::thread::yield_now();
        }
    }

    /// Ends the waiting of one, with an error; if somebody else has ended it, its answer is on its way.
    pub fn refuse_one(&self, shared: &Shared, waiter: &Arc<Waiter>, reject: &Reject) {
        if waiter.end(GONE) {
            self.forget(shared, waiter);
            let answer = waiter.encoded(|encoder| encoder.error(reject));
            shared.clients.send(waiter.info.id, Message::Answer(answer));
        }
    }

    fn forget(&self, shared: &Shared, waiter: &Arc<Waiter>) {
        let mut queues = self.queues.lock();
        for key in &waiter.wish.keys {
            let key = (waiter.ns, waiter.wish.kind, key.clone());
            if let Some(queue) = queues.get_mut(&key) {
                queue.retain(|other| !Arc::ptr_eq(other, waiter));
                if queue.is_empty() {
                    queues.remove(&key);
                }
            }
        }
        self.count.fetch_sub(1, Ordering::Relaxed);
        self.loads.fetch_sub(usize::from(waiter.wish.kind == Kind::String), Ordering::Relaxed);
        if queues.is_empty() {
            shared.effects.set(&shared.store, Interest::WAITING, false);
        }
    }

    /// Serves those who wait for keys that this thread has written to. To be called with no slot locked.
    #[inline]
    pub fn serve(&self, shared: &Shared) {
        // While nobody waits, what this thread has noted is nobody's concern; looking at it takes longer than a number.
        if self.clients() > 0 {
            self.serve_noted(shared);
        }
    }

    #[cold]
    fn serve_noted(&self, shared: &Shared) {
        let flushed = FLUSHED.take();
        if flushed != NsSet::NONE {
            let queues = self.queues.lock();
            let awaited = queues.keys().filter(|(ns, kind, _)| *kind == Kind::String && flushed.contains(*ns));
            READY.with_borrow_mut(|ready| ready.extend(awaited.cloned()));
        }
        let _one_at_a_time = self.serving.lock();
        // Oldest first; what serving makes ready comes behind.
        while let Some(key) = READY.with_borrow_mut(|ready| (!ready.is_empty()).then(|| ready.remove(0))) {
            while self.serve_first(shared, &key) {}
        }
    }

    /// Runs the command of the first who waits for `key`. Whether the next may have a try.
    fn serve_first(&self, shared: &Shared, key: &Key) -> bool {
        let first = self.queues.lock().get(key).and_then(|queue| queue.front().cloned());
        let Some(waiter) = first else { return false };
        if !waiter.end(SERVED) {
            // Who ended it is about to take it out.
            std::thread::yield_now();
            return true;
        }
        let Ok(answer) = waiter.try_again(shared) else {
            waiter.state.store(WAITING, Ordering::Release);
            return false;
        };
        self.forget(shared, &waiter);
        shared.clients.send(waiter.info.id, Message::Answer(answer));
        true
    }
}

const UNBLOCKED: Reject = Reject::new(scrubjay_command::Kind::Busy, "UNBLOCKED client unblocked via CLIENT UNBLOCK");
