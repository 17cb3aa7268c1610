//! The event loop of one network thread.
//!
//! ```text
//! wait -> a round: read, turn, write -> those that want another turn -> letters -> sweep -> housekeeping
//! ```
//!
//! The wait is as long as nothing is due. With nobody connected a thread sleeps; thread 0 wakes for the store's
//! housekeeping, as often as the store asks and at least every [`MAINTAIN_MS_MAX`].

use super::inbox::{Letter, Message};
use super::poll::{Poll, Ready, Token};
use super::round::Guest;
use super::slab::Slab;
use super::sweep::Sweep;
use crate::clients::ClientFlags;
use crate::connection::Connection;
use crate::counters::ThreadCounters;
use crate::door::{Progress, Scratch};
use crate::limits::Limits;
use crate::listener::Listener;
use crate::log::{self, Level};
use crate::shared::Shared;
use crate::waiting::Due;
use scrubjay_base::clock::DerivedClock;
use scrubjay_protocol::{InputBuffer, OutputBuffer};
use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

/// Token of the inbox's bell.
pub(super) const BELL: Token = Token(u64::MAX);
/// Token of the first listener; the others follow downwards.
pub(super) const LISTENERS: Token = Token(u64::MAX - 1);

/// Bytes read at once when nothing is left over from before: with 64 requests of 1 KiB in a batch, one read takes the
/// whole batch. Smaller would split such batches, larger would only keep other clients waiting.
pub(super) const READ_BYTES: usize = 128 << 10;

/// Longest sleep of the thread that keeps house: a lifetime that was set while it slept is noticed this late at most.
const MAINTAIN_MS_MAX: u64 = 100;
/// The same while somebody is told when keys expire: with a tick of the store (32 ms) and a busy machine's delays it keeps
/// the promise that this is known within 100 ms.
const MAINTAIN_TOLD_MS_MAX: u64 = 32;
/// How long housekeeping may take at a time: half of the p99 that reads may have.
const MAINTAIN_US: u64 = 500;

/// One network thread's state.
pub(crate) struct Worker {
    pub(super) index: usize,
    pub(super) shared: Arc<Shared>,
    pub(super) poll: Poll,
    pub(super) connections: Slab,
    pub(super) listeners: Vec<Arc<Listener>>,
    /// Whether the listeners are watched now, and if not, when to try again.
    pub(super) listening: Listening,
    /// Connections that want a turn without new bytes.
    pub(super) queue: Vec<Token>,
    /// Connections that a pause holds.
    pub(super) paused: Vec<Token>,
    /// Connections that wait for a key, and until when, in Unix milliseconds.
    pub(super) timeouts: BTreeSet<(u64, u64)>,
    /// Connections that were given messages, which are sent when all letters have been opened.
    pub(super) given: Vec<Token>,
    pub(super) sweep: Sweep,
    /// Lent to the connection whose turn it is.
    pub(super) input: InputBuffer,
    pub(super) output: OutputBuffer,
    /// Answers of this round, to be sent at its end, and buffers for the next.
    pub(super) collected: Vec<(Token, OutputBuffer)>,
    pub(super) spare_outputs: Vec<OutputBuffer>,
    /// Whether answers are collected: within a round of several events.
    pub(super) collecting: bool,
    /// The round's connections while it lasts, and buffers to read them into.
    pub(super) guests: Vec<Guest>,
    pub(super) spare_inputs: Vec<InputBuffer>,
    /// Whether letters came during a round: they are opened after it.
    pub(super) bell_rang: bool,
    /// When the next turn begins, on the monotonic clock, if that is known without reading it; otherwise 0.
    pub(super) turn_ns: u64,
    pub(super) scratch: Scratch,
    pub(super) limits: Limits,
    limits_version: u64,
    maintain_at_ms: u64,
    ready: Vec<Ready>,
    letters: Vec<Letter>,
    /// Until when answers may still be delivered, once the node stops.
    pub(super) stopping_until_ms: Option<u64>,
    /// Now, on the monotonic clock: of the latest turn, or of the end of a wait that brought none.
    pub(super) now_ms: u64,
    pub(super) wall: DerivedClock,
}

/// Whether a thread accepts connections.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Listening {
    Yes,
    /// The process ran out of descriptors: not before this moment.
    From(u64),
    No,
}

impl Worker {
    /// A thread's state, with everything registered that it watches. Errors: no descriptors left.
    pub fn new(index: usize, shared: Arc<Shared>, listeners: Vec<Arc<Listener>>) -> io::Result<Worker> {
        let poll = Poll::new()?;
        poll.add(shared.clients.inbox(index).bell(), BELL, super::poll::Interest::READ)?;
        for (number, listener) in listeners.iter().enumerate() {
            poll.add_listener(&listener.socket, Token(LISTENERS.0 - number as u64))?;
        }
        let limits_version = shared.config_version();
        let limits = Limits::of(&shared.config(), shared.settings.max_memory_bytes());
        Ok(Worker {
            index,
            poll,
            connections: Slab::default(),
            listeners,
            listening: Listening::Yes,
            queue: Vec::new(),
            paused: Vec::new(),
            timeouts: BTreeSet::new(),
            given: Vec::new(),
            sweep: Sweep::default(),
            input: InputBuffer::with_capacity(READ_BYTES),
            output: OutputBuffer::new(),
            collected: Vec::new(),
            spare_outputs: Vec::new(),
            collecting: false,
            guests: Vec::new(),
            spare_inputs: Vec::new(),
            bell_rang: false,
            turn_ns: 0,
            scratch: Scratch::default(),
            limits,
            limits_version,
            maintain_at_ms: 0,
            ready: Vec::new(),
            letters: Vec::new(),
            stopping_until_ms: None,
            now_ms: shared.clock.monotonic_ns() / 1_000_000,
            wall: DerivedClock::default(),
            shared,
        })
    }

    /// Serves until the node stops and every connection is closed.
    pub fn run(mut self) {
        while !self.is_done() {
            let timeout_ms = self.timeout_ms();
            let mut ready = std::mem::take(&mut self.ready);
            if let Err(error) = self.poll.wait(timeout_ms, &mut ready) {
                log::write(
                    Level::Error,
                    format_args!("a network thread cannot wait for its sockets, and stops: {error}"),
                );
                return;
            }
            let turns_before = self.counters().turns.get();
            self.refresh_limits();
            self.round(&mut ready);
            self.ready = ready;
            self.run_queue();
            if self.counters().turns.get() == turns_before {
                self.now_ms = self.shared.clock.monotonic_ns() / 1_000_000;
            }
            self.wake_paused();
            self.time_out_waiters();
            self.sweep();
            self.keep_house();
            self.watch_shutdown();
        }
    }

    pub(super) fn counters(&self) -> &ThreadCounters {
        &self.shared.counters[self.index]
    }

    /// Whether `token` is a connection's and not the bell's or a listener's.
    #[inline]
    pub(super) fn is_connection(&self, token: Token) -> bool {
        token.0 <= LISTENERS.0 - self.listeners.len() as u64
    }

    pub(super) fn event(&mut self, event: Ready) {
        if event.token == BELL {
            // What letters bring comes after the answers of the round.
            if self.collecting { self.bell_rang = true } else { self.open_letters() }
        } else if !self.is_connection(event.token) {
            self.accept((LISTENERS.0 - event.token.0) as usize);
        } else if let Some(connection) = self.connections.lend(event.token) {
            self.serve(connection, event);
        }
    }

    pub(super) fn open_letters(&mut self) {
        let mut letters = std::mem::take(&mut self.letters);
        self.shared.clients.inbox(self.index).take(&mut letters);
        for letter in letters.drain(..) {
            match letter {
                Letter::Adopt(arrival) => self.adopt(*arrival),
                Letter::Push { to, push } => to.iter().for_each(|token| self.deliver(*token, &push)),
                Letter::To(info, message) => {
                    let Some(connection) = self.connections.lend(info.token()) else { continue };
                    match message {
                        Message::Close => self.close(connection),
                        Message::Bytes(bytes) => self.push(connection, &bytes),
                        Message::Answer(bytes) => self.answer(connection, &bytes),
                    }
                }
            }
        }
        self.letters = letters;
        self.send_delivered();
    }

    /// Bytes from elsewhere, between two answers.
    fn push(&mut self, mut connection: Box<Connection>, bytes: &[u8]) {
        connection.output.put(bytes);
        self.delivered(connection);
    }

    /// The answer that a connection waited for, which then goes on.
    fn answer(&mut self, mut connection: Box<Connection>, bytes: &[u8]) {
        if let Some(waiter) = connection.session.waiter.take() {
            self.forget_timeout(&waiter, connection.token);
            connection.session.info.set_flag(ClientFlags::WAITING, false);
        }
        connection.output.put(bytes);
        if connection.progress == Progress::Wait {
            connection.progress = Progress::Turn;
        }
        self.settle(connection);
    }

    /// Answers those whose time is over, and looks again at those who asked for it.
    fn time_out_waiters(&mut self) {
        if self.timeouts.is_empty() {
            return;
        }
        let now_ms = self.shared.clock.now_ms();
        let mut later = Vec::new();
        while let Some(&(due_ms, token)) = self.timeouts.first()
            && due_ms <= now_ms
        {
            self.timeouts.pop_first();
            let Some(connection) = self.connections.lend(Token(token)) else { continue };
            let waiter = connection.session.waiter.clone().filter(|waiter| waiter.due_ms() == Some(due_ms));
            let waiting = &self.shared.effects.waiting;
            match waiter.as_ref().map_or(Due::Over, |waiter| waiting.due(&self.shared, waiter)) {
                Due::Answer(bytes) => self.answer(connection, &bytes),
                Due::Later => {
                    later.extend(waiter.and_then(|waiter| waiter.due_ms()).map(|due_ms| (due_ms, token)));
                    self.connections.give_back(connection);
                }
                // It goes on already, or its answer is on its way.
                Due::Over => self.connections.give_back(connection),
            }
        }
        self.timeouts.extend(later);
        self.shared.effects.waiting.serve(&self.shared);
    }

    /// Another turn for those that want one. Those that want yet another stand in line behind all others.
    fn run_queue(&mut self) {
        for token in std::mem::take(&mut self.queue) {
            self.call_up(token);
        }
    }

    fn call_up(&mut self, token: Token) {
        let Some(mut connection) = self.connections.lend(token) else { return };
        connection.queued = false;
        match connection.progress {
            Progress::Turn | Progress::Pause => self.turn(connection, None),
            Progress::Wait => self.connections.give_back(connection),
            Progress::Input | Progress::Close => self.settle(connection),
        }
    }

    fn wake_paused(&mut self) {
        if self.paused.is_empty() || self.shared.pause.state(self.shared.clock.now_ms()).is_some() {
            return;
        }
        for token in std::mem::take(&mut self.paused) {
            self.call_up(token);
        }
    }

    fn refresh_limits(&mut self) {
        let version = self.shared.config_version();
        if version != self.limits_version {
            self.limits_version = version;
            self.limits = Limits::of(&self.shared.config(), self.shared.settings.max_memory_bytes());
        }
    }

    fn keep_house(&mut self) {
        if self.index != 0 || self.now_ms < self.maintain_at_ms {
            return;
        }
        let now_ms = self.shared.clock.now_ms();
        let begun_ns = self.shared.clock.monotonic_ns();
        let next_ms = self.shared.store.maintain(now_ms, MAINTAIN_US);
        self.shared.store.charge(self.shared.effects.tracking.owed_bytes());
        self.shared.note_event("housekeeping", self.shared.clock.monotonic_ns() - begun_ns);
        self.shared.tick();
        // Unfinished work goes on after the sockets have had a turn.
        let longest_ms = if self.shared.effects.is_told() { MAINTAIN_TOLD_MS_MAX } else { MAINTAIN_MS_MAX };
        self.maintain_at_ms = self.now_ms + next_ms.saturating_sub(now_ms).clamp(1, longest_ms);
    }

    /// How long to wait for events: until the next thing that is due without one.
    fn timeout_ms(&self) -> Option<u64> {
        if !self.queue.is_empty() {
            return Some(0);
        }
        let mut due_ms = u64::MAX;
        if self.index == 0 {
            due_ms = due_ms.min(self.maintain_at_ms);
        }
        if self.connections.len() > 0 {
            due_ms = due_ms.min(self.sweep.next_ms);
        }
        if let Listening::From(from_ms) = self.listening {
            due_ms = due_ms.min(from_ms);
        }
        if let Some(until_ms) = self.stopping_until_ms {
            due_ms = due_ms.min(until_ms);
        }
        if let Some(&(until_ms, _)) = self.timeouts.first() {
            due_ms = due_ms.min(self.now_ms + until_ms.saturating_sub(self.shared.clock.now_ms()));
        }
        if !self.paused.is_empty() {
            let now_ms = self.shared.clock.now_ms();
            let left_ms = self.shared.pause.state(now_ms).map_or(0, |(until_ms, _)| until_ms - now_ms);
            due_ms = due_ms.min(self.now_ms + left_ms);
        }
        (due_ms < u64::MAX).then(|| due_ms.saturating_sub(self.now_ms))
    }

    fn is_done(&self) -> bool {
        match self.stopping_until_ms {
            None => false,
            Some(until_ms) => self.connections.len() == 0 || self.now_ms >= until_ms,
        }
    }

    /// Begins to stop, once that was asked for: what has arrived is finished, what was answered is sent.
    fn watch_shutdown(&mut self) {
        if self.stopping_until_ms.is_some() {
            return;
        }
        let Some(drain) = self.shared.shutdown.asked() else { return };
        self.stopping_until_ms = Some(self.now_ms + drain.as_millis() as u64);
        self.stop_listening(Listening::No);
        for number in 0..self.connections.places() {
            let Some(token) = self.connections.token_at(number) else { continue };
            if let Some(connection) = self.connections.lend(token) {
                self.finish(connection);
            }
        }
    }
}
