//! Clients that wait for a key: BLPOP and its kin.
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
use scrubjay_command::table::DataFn;
use scrubjay_command::wait::Wish;
use scrubjay_command::{Args, Context, OwnedArgs, Reject, Reply, SizeLimits};
use scrubjay_protocol::OutputBuffer;
use scrubjay_protocol::resp::Encoder;
use scrubjay_store::{Effect, Kind, Ns};
use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

const WAITING: u8 = 0;
const SERVED: u8 = 1;
const GONE: u8 = 2;

/// A client that waits, and the command it waits with.
pub struct Waiter {
    info: Arc<ClientInfo>,
    ns: Ns,
    resp: u8,
    /// Whether it wants to hear the answer (`CLIENT REPLY`).
    is_answered: bool,
    run: DataFn,
    args: OwnedArgs,
    wish: Wish,
    sizes: SizeLimits,
    state: AtomicU8,
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
        let (args, state) = (OwnedArgs::of(args), AtomicU8::new(WAITING));
        Arc::new(Waiter { info, ns, resp, is_answered, run, args, wish, sizes, state })
    }

    /// Until when it waits, in Unix milliseconds; `None`: for ever.
    pub fn until_ms(&self) -> Option<u64> {
        self.wish.until_ms
    }

    /// Bytes of memory held.
    pub fn memory_bytes(&self) -> usize {
        size_of::<Waiter>() + self.args.memory_bytes() + self.wish.keys.iter().map(|key| key.len() + 16).sum::<usize>()
    }

    /// Ends its waiting; `false`: somebody else has.
    fn end(&self, how: u8) -> bool {
        self.state.compare_exchange(WAITING, how, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    fn encoded(&self, say: impl FnOnce(&mut Encoder<'_>)) -> Arc<[u8]> {
        let mut out = OutputBuffer::new();
        if self.is_answered {
            say(&mut Encoder::new(&mut out, self.resp));
        }
        out.to_vec().into()
    }

    fn nothing(&self) -> Arc<[u8]> {
        self.encoded(|encoder| self.wish.nothing.say(encoder))
    }
}

/// A key holds a collection of one kind, and those who wait for another kind under it wait on.
type Key = (Ns, Kind, Box<[u8]>);

thread_local! {
    /// Keys that were written to on this thread while somebody waited for them.
    static READY: RefCell<Vec<Key>> = const { RefCell::new(Vec::new()) };
}

/// Everybody who waits.
#[derive(Default)]
pub struct Waiting {
    queues: Mutex<HashMap<Key, VecDeque<Arc<Waiter>>>>,
    count: AtomicUsize,
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
        let (Effect::Put { ns, key, kind, .. } | Effect::Change { ns, key, kind, .. }) = *effect else { return };
        if kind == Kind::String {
            return;
        }
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

    /// `CLIENT UNBLOCK`: ends the waiting of client `id`, with an error or as if its time were over. Whether it waited.
    pub fn unblock(&self, shared: &Shared, id: u64, with_error: bool) -> bool {
        let found = self.queues.lock().values().flatten().find(|waiter| waiter.info.id == id).cloned();
        let Some(waiter) = found.filter(|waiter| waiter.end(GONE)) else { return false };
        self.forget(shared, &waiter);
        let answer = match with_error {
            true => waiter.encoded(|encoder| encoder.error(&UNBLOCKED)),
            false => waiter.nothing(),
        };
        shared.clients.send(id, Message::Answer(answer))
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
        if queues.is_empty() {
            shared.effects.set(&shared.store, Interest::WAITING, false);
        }
    }

    /// Serves those who wait for keys that this thread has written to. To be called with no slot locked.
    #[inline]
    pub fn serve(&self, shared: &Shared) {
        if READY.with_borrow(Vec::is_empty) {
            return;
        }
        self.serve_all(shared);
    }

    #[cold]
    fn serve_all(&self, shared: &Shared) {
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
        let mut cx =
            Context { may_wait: true, ..Context::new(&shared.store, waiter.ns, shared.clock.now_ms(), waiter.sizes) };
        let mut done = Ok(());
        let answer = waiter.encoded(|encoder| {
            let _scope = Scope::enter(&shared.effects, waiter.info.id, &waiter.args.args());
            done = (waiter.run)(&mut cx, &waiter.args.args(), encoder);
            if let Err(reject) = &done {
                encoder.error(reject);
            }
        });
        if cx.wish.is_some() && done.is_ok() {
            waiter.state.store(WAITING, Ordering::Release);
            return false;
        }
        self.forget(shared, &waiter);
        shared.clients.send(waiter.info.id, Message::Answer(answer));
        true
    }
}

const UNBLOCKED: Reject = Reject::new(scrubjay_command::Kind::Busy, "UNBLOCKED client unblocked via CLIENT UNBLOCK");
