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
//! `CLIENT UNBLOCK`, or its connection's end. While its command is tried again, those others leave word, and who tries
//! acts on it. A waiter belongs to a database, so it goes along when `SWAPDB` gives that another namespace. `queues` is a leaf among locks: nothing is locked while it is held, so that
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
use scrubjay_store::{Access, Effect, Kind, Ns, NsSet, Store};
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};

const WAITING: u8 = 0;
/// Its command is being tried again.
const TRIED: u8 = 1;
/// As [`TRIED`]; if the command finds nothing, its waiting ends.
const TRIED_LAST: u8 = 2;
/// As [`TRIED_LAST`], and ends with an error.
const TRIED_LAST_UNBLOCKED: u8 = 3;
const OVER: u8 = 4;

/// A client that waits, and the command it waits with.
pub struct Waiter {
    info: Arc<ClientInfo>,
    database: u8,
    /// The namespace that the database is now; changes under the lock of the queues.
    ns: AtomicU8,
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
        database: u8,
        resp: u8,
        is_answered: bool,
        run: DataFn,
        args: &Args<'_>,
        wish: Wish,
        sizes: SizeLimits,
    ) -> Arc<Waiter> {
        let command = Command { run, args: OwnedArgs::of(args), resp, is_answered };
        Waiter::with(info, database, Some(command), wish, sizes)
    }

    /// A client whose request has to be run again by its own thread.
    pub fn to_nudge(info: Arc<ClientInfo>, database: u8, wish: Wish, sizes: SizeLimits) -> Arc<Waiter> {
        Waiter::with(info, database, None, wish, sizes)
    }

    fn with(
        info: Arc<ClientInfo>,
        database: u8,
        command: Option<Command>,
        wish: Wish,
        sizes: SizeLimits,
    ) -> Arc<Waiter> {
        let ns = AtomicU8::new(database); // until it is added
        let (state, due_ms) = (AtomicU8::new(WAITING), AtomicU64::new(due_ms(&wish, wish.look_again_ms)));
        Arc::new(Waiter { info, database, ns, command, wish, sizes, state, due_ms })
    }

    fn ns(&self) -> Ns {
        Ns(self.ns.load(Ordering::Relaxed))
    }

    /// What its keys are queued under.
    fn names(&self) -> impl Iterator<Item = Key> {
        let ns = self.ns();
        self.wish.keys.iter().map(move |key| (ns, self.wish.kind, key.clone()))
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
            Context { may_wait: true, waited: true, ..Context::new(&shared.store, self.ns(), now_ms, self.sizes) };
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

    /// Takes it out of its waiting, to `state`; `false`: somebody else has.
    fn take(&self, state: u8) -> bool {
        self.state.compare_exchange(WAITING, state, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Ends its waiting, or leaves word to whoever tries it at present that it ends so.
    fn end(&self, word: u8) -> Ended {
        let next = |state| match state {
            WAITING => Some(OVER),
            TRIED => Some(word),
            _ => None,
        };
        match self.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, next) {
            Ok(WAITING) => Ended::Now,
            Ok(_) => Ended::Soon,
            Err(_) => Ended::Before,
        }
    }

    /// It waits on after a try. `None`, or what it is to be answered because its waiting was ended meanwhile.
    fn wait_on(&self) -> Option<Arc<[u8]>> {
        let back = self.state.compare_exchange(TRIED, WAITING, Ordering::AcqRel, Ordering::Acquire);
        let word = back.err()?;
        self.state.store(OVER, Ordering::Release);
        Some(if word == TRIED_LAST_UNBLOCKED { self.unblocked() } else { self.nothing() })
    }

    fn unblocked(&self) -> Arc<[u8]> {
        self.encoded(|encoder| encoder.error(&UNBLOCKED))
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

/// How an end met a waiter.
#[derive(PartialEq, Eq)]
enum Ended {
    /// It waited: who ended it takes it out and answers it.
    Now,
    /// Who tries it at present does so, if there is still nothing for it.
    Soon,
    /// Its waiting had ended.
    Before,
}

fn due_ms(wish: &Wish, look_again_ms: Option<u64>) -> u64 {
    wish.until_ms.unwrap_or(NEVER).min(look_again_ms.unwrap_or(NEVER))
}

/// A key holds a collection of one kind, and those who wait for another kind under it wait on.
type Key = (Ns, Kind, Box<[u8]>);

thread_local! {
    /// Keys that were written to on this thread while somebody waited for them.
    static READY: RefCell<VecDeque<Key>> = const { RefCell::new(VecDeque::new()) };
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
            Effect::Flush { ns } => FLUSHED.set(FLUSHED.get().union(NsSet::of(ns))),
            Effect::Hide { ns, .. } => FLUSHED.set(FLUSHED.get().union(NsSet::of(Some(ns)))),
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
            READY.with_borrow_mut(|ready| ready.push_back(name));
        }
    }

    /// Whether somebody waits already for a collection of this kind under one of these keys.
    pub fn is_awaited<'k>(&self, ns: Ns, kind: Kind, mut keys: impl Iterator<Item = &'k [u8]>) -> bool {
        let queues = self.queues.lock();
        !queues.is_empty() && keys.any(|key| queues.contains_key(&(ns, kind, Box::from(key))))
    }

    /// Lets a client wait, and serves it at once if one of its keys was written to meanwhile.
    pub fn add(&self, shared: &Shared, waiter: &Arc<Waiter>) {
        {
            let mut queues = self.queues.lock();
            // The namespace is asked for after that: a swap before is seen here, and one from now on moves the waiter.
            shared.effects.set(&shared.store, Interest::WAITING, true);
            waiter.ns.store(shared.store.namespace(waiter.database).unwrap_or_default().0, Ordering::Relaxed);
            for key in waiter.names() {
                let queue = queues.entry(key).or_default();
                // A key that is named twice is waited for once.
                if !queue.back().is_some_and(|last| Arc::ptr_eq(last, waiter)) {
                    queue.push_back(waiter.clone());
                }
            }
            self.count.fetch_add(1, Ordering::Relaxed);
            self.loads.fetch_add(usize::from(waiter.wish.kind == Kind::String), Ordering::Release);
        }
        READY.with_borrow_mut(|ready| ready.extend(waiter.names()));
        self.serve(shared);
    }

    /// Databases have changed places: those who wait in one wait for its new keys. Cost: O(N), N being the keys waited for.
    pub fn databases_swapped(&self, store: &Store) {
        let mut queues = self.queues.lock();
        for ((ns, kind, key), queue) in std::mem::take(&mut *queues) {
            // All in a queue are of one database.
            let now = queue.front().and_then(|waiter| store.namespace(waiter.database)).unwrap_or(ns);
            queue.iter().for_each(|waiter| waiter.ns.store(now.0, Ordering::Relaxed));
            let name = (now, kind, key);
            if now != ns {
                READY.with_borrow_mut(|ready| ready.push_back(name.clone()));
            }
            queues.entry(name).or_default().extend(queue);
        }
    }

    /// Ends the waiting of a client whose time is over or that is gone. What it is to be answered; `None`: somebody else
    /// has ended it, and its answer is on its way.
    pub fn give_up(&self, shared: &Shared, waiter: &Arc<Waiter>) -> Option<Arc<[u8]>> {
        if waiter.end(TRIED_LAST) != Ended::Now {
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
        if !waiter.take(TRIED) {
            if waiter.state.load(Ordering::Acquire) == OVER {
                return Due::Over;
            }
            // Somebody else tries it; if that finds nothing, its time has still come.
            waiter.due_ms.store(due_ms(&waiter.wish, Some(shared.clock.now_ms() + 1)), Ordering::Relaxed);
            return Due::Later;
        }
        match waiter.try_again(shared) {
            Ok(answer) => {
                waiter.state.store(OVER, Ordering::Release);
                self.forget(shared, waiter);
                Due::Answer(answer)
            }
            Err(look_again_ms) => {
                waiter.due_ms.store(due_ms(&waiter.wish, look_again_ms), Ordering::Relaxed);
                let Some(answer) = waiter.wait_on() else { return Due::Later };
                self.forget(shared, waiter);
                Due::Answer(answer)
            }
        }
    }

    /// `CLIENT UNBLOCK`: ends the waiting of client `id`, with an error or as if its time were over. Whether it waited.
    pub fn unblock(&self, shared: &Shared, id: u64, with_error: bool) -> bool {
        let found = self.queues.lock().values().flatten().find(|waiter| waiter.info.id == id).cloned();
        // What waits without a command would wait again.
        let found = found.filter(|waiter| waiter.command.is_some());
        let Some(waiter) = found else { return false };
        match waiter.end(if with_error { TRIED_LAST_UNBLOCKED } else { TRIED_LAST }) {
            Ended::Now => {
                self.forget(shared, &waiter);
                let answer = if with_error { waiter.unblocked() } else { waiter.nothing() };
                shared.clients.send(id, Message::Answer(answer))
            }
            Ended::Soon => true,
            Ended::Before => false,
        }
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

    /// Ends the waiting of one, with an error; if somebody else has ended it, its answer is on its way. To be called with no
    /// slot locked: it lets a try that is under way come to its end.
    pub fn refuse_one(&self, shared: &Shared, waiter: &Arc<Waiter>, reject: &Reject) {
        while !waiter.take(OVER) {
            if waiter.state.load(Ordering::Acquire) == OVER {
                return;
            }
            std::thread::yield_now(); // somebody tries it
        }
        self.forget(shared, waiter);
        let answer = waiter.encoded(|encoder| encoder.error(reject));
        shared.clients.send(waiter.info.id, Message::Answer(answer));
    }

    fn forget(&self, shared: &Shared, waiter: &Arc<Waiter>) {
        let mut queues = self.queues.lock();
        for key in waiter.names() {
            if let Some(queue) = queues.get_mut(&key) {
                // Nearly always the first.
                if let Some(at) = queue.iter().position(|other| Arc::ptr_eq(other, waiter)) {
                    queue.remove(at);
                }
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
        if READY.with_borrow(VecDeque::is_empty) {
            return;
        }
        let _one_at_a_time = self.serving.lock();
        // Oldest first; what serving makes ready comes behind.
        while let Some(key) = READY.with_borrow_mut(VecDeque::pop_front) {
            while self.serve_first(shared, &key) {}
        }
    }

    /// Runs the command of the first who waits for `key`. Whether the next may have a try.
    fn serve_first(&self, shared: &Shared, key: &Key) -> bool {
        let first = self.queues.lock().get(key).and_then(|queue| queue.front().cloned());
        // To look for the one key first keeps a wait for N keys from costing N tries of N keys.
        let Some(waiter) = first.filter(|_| is_there(shared, key)) else { return false };
        if !waiter.take(TRIED) {
            // Who ended it is about to take it out, or who tries it is about to be done.
            std::thread::yield_now();
            return true;
        }
        let (answer, is_served) = match waiter.try_again(shared) {
            Ok(answer) => {
                waiter.state.store(OVER, Ordering::Release);
                (answer, true)
            }
            Err(_) => match waiter.wait_on() {
                Some(answer) => (answer, false),
                None => return false,
            },
        };
        self.forget(shared, &waiter);
        shared.clients.send(waiter.info.id, Message::Answer(answer));
        is_served
    }
}

/// Whether there is what is waited for under `key`. Whoever waits for another to load it has to be asked.
fn is_there(shared: &Shared, (ns, kind, bytes): &Key) -> bool {
    let key = shared.store.key(*ns, bytes);
    *kind == Kind::String
        || (shared.store.lock(key.slot, shared.clock.now_ms()).get(&key, Access::Peek))
            .is_some_and(|entry| entry.kind() == *kind)
}

const UNBLOCKED: Reject = Reject::new(scrubjay_command::Kind::Busy, "UNBLOCKED client unblocked via CLIENT UNBLOCK");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use scrubjay_command::Span;
    use scrubjay_command::wait::Nothing;

    thread_local! {
        /// What happens while a command is tried.
        static MEANWHILE: RefCell<Option<Box<dyn Fn()>>> = const { RefCell::new(None) };
    }

    fn finds_nothing(cx: &mut Context<'_>, _: &Args<'_>, _: &mut dyn Reply) -> Result<(), Reject> {
        MEANWHILE.with_borrow(|meanwhile| meanwhile.iter().for_each(|happens| happens()));
        cx.wish = Some(Box::new(wish()));
        Ok(())
    }

    fn wish() -> Wish {
        let (kind, nothing) = (Kind::String, Nothing::Null); // is tried whether or not the key is there
        Wish { kind, keys: vec![Box::from(*b"k")], until_ms: Some(testing::NOW_MS), nothing, look_again_ms: None }
    }

    /// A client waits, and `happens` to it while another's command has its own tried in vain. The node, and the waiter.
    fn tried_while(happens: fn(&Shared, &Arc<Waiter>)) -> (Arc<Shared>, Arc<Waiter>) {
        let shared = Arc::new(testing::shared());
        let info = testing::session(&shared, 1).info;
        let spans = [Span { start: 0, length: 5 }];
        let (args, sizes) =
            (Args::new(b"BLPOP", &spans), SizeLimits { key_bytes_max: 1 << 10, value_bytes_max: 1 << 20 });
        let waiter = Waiter::new(info, 0, 2, true, finds_nothing, &args, wish(), sizes);
        shared.effects.waiting.add(&shared, &waiter);
        assert_eq!(shared.effects.waiting.clients(), 1);
        let (node, client) = (shared.clone(), waiter.clone());
        MEANWHILE.set(Some(Box::new(move || happens(&node, &client))));
        shared.effects.waiting.lease_ended(Ns(0), b"k");
        shared.effects.waiting.serve(&shared);
        MEANWHILE.set(None);
        (shared, waiter)
    }

    #[test]
    fn whose_client_goes_while_its_command_is_tried_waits_no_more() {
        let (shared, waiter) = tried_while(|shared, waiter| {
            assert!(shared.effects.waiting.give_up(shared, waiter).is_none());
        });
        assert_eq!((shared.effects.waiting.clients(), shared.effects.waiting.keys()), (0, 0));
        assert!(matches!(shared.effects.waiting.due(&shared, &waiter), Due::Over));
    }

    #[test]
    fn whose_time_is_over_while_its_command_is_tried_is_answered() {
        let (shared, _) = tried_while(|shared, waiter| {
            assert!(matches!(shared.effects.waiting.due(shared, waiter), Due::Over));
        });
        assert_eq!(shared.effects.waiting.clients(), 0);
        let mut letters = Vec::new();
        shared.effects.pubsub.inboxes()[0].take(&mut letters);
        assert_eq!(letters.len(), 1);
    }

    #[test]
    fn who_is_unblocked_while_its_command_is_tried_has_been() {
        let (shared, _) = tried_while(|shared, waiter| {
            assert!(shared.effects.waiting.unblock(shared, waiter.info.id, true));
        });
        assert_eq!(shared.effects.waiting.clients(), 0);
    }
}
