//! One connection's turn: read, let the door work, write, and decide what to wait for.

use super::poll::{Interest, Ready, Token};
use super::worker::{READ_BYTES, Worker};
use crate::clients::ClientFlags;
use crate::connection::{Connection, Received};
use crate::door::{Progress, Turn};
use crate::log::{self, Level};
use crate::waiting::Waiter;
use scrubjay_protocol::{InputBuffer, OutputBuffer};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Least and most room that is made for the rest of an incomplete request at once: what is known to be missing, but no
/// more than has arrived already, so that memory follows what a client sends and not what it announces. Chosen, untested.
const GROWTH_BYTES_MIN: usize = 16 << 10;
const GROWTH_BYTES_MAX: usize = 64 << 20;
/// The thread's own output buffer keeps at most this much between turns.
const OUTPUT_BYTES_KEPT: usize = 1 << 20;
/// Answers beyond this are sent at once and not collected for the end of the round: their buffers would add up.
const COLLECTED_BYTES_MAX: usize = 16 << 10;
/// Empty buffers kept for the next round: as many as connections are often ready at once, a megabyte at most.
const SPARE_OUTPUTS_MAX: usize = 64;
/// Bytes of each connection that a stopping node still reads.
const LAST_BYTES_MAX: u64 = 4 << 20;

impl Worker {
    /// Something happened to `connection`'s socket.
    #[inline]
    pub(super) fn serve(&mut self, mut connection: Box<Connection>, event: Ready) {
        if event.write && !self.flush(&mut connection) {
            return self.close(connection);
        }
        if event.hung_up && matches!(connection.progress, Progress::Pause | Progress::Close | Progress::Wait) {
            return self.close(connection);
        }
        if !event.read {
            return if event.hung_up { self.close(connection) } else { self.resume(connection) };
        }
        match connection.progress {
            Progress::Input => self.receive(connection),
            Progress::Close => self.discard(connection),
            Progress::Wait => self.overhear(connection),
            // It has complete requests left: they come first, and what else arrived stays in the socket.
            Progress::Turn | Progress::Pause => self.settle(connection),
        }
    }

    /// Reads, and gives the door its turn.
    fn receive(&mut self, mut connection: Box<Connection>) {
        let received = self.read(&mut connection);
        self.received(connection, received);
    }

    /// Gives the door its turn after a read that brought `received`.
    #[inline]
    pub(super) fn received(&mut self, mut connection: Box<Connection>, received: Received) {
        match received {
            Received::Bytes(count) => self.turn(connection, Some(count)),
            Received::Nothing => self.settle(connection),
            Received::End => {
                // It will send nothing more, but may still want its answers.
                connection.progress = Progress::Close;
                if connection.output.is_empty() { self.close(connection) } else { self.settle(connection) }
            }
        }
    }

    /// Reads into the thread's buffer, or into the connection's own if that holds the beginning of a request.
    #[inline]
    pub(super) fn read(&mut self, connection: &mut Connection) -> Received {
        if connection.input.is_empty() {
            return connection.receive(self.input.make_room(READ_BYTES));
        }
        let have = connection.input.len();
        // Beyond what a request may take there will be nothing to keep.
        let most = have.min(self.limits.room_bytes_max.saturating_sub(have)).clamp(GROWTH_BYTES_MIN, GROWTH_BYTES_MAX);
        let room = match connection.door.expects(have) {
            0 => most,
            missing => missing.clamp(GROWTH_BYTES_MIN, most),
        };
        let mut input = std::mem::take(&mut connection.input);
        let received = connection.receive(input.make_room(room));
        connection.input = input;
        received
    }

    /// Lets the door work on what has arrived: `received` new bytes, or none (`None`) if it only wants to go on.
    pub(super) fn turn(&mut self, mut connection: Box<Connection>, received: Option<usize>) {
        if received.is_none() && connection.is_choked(&self.limits) {
            return self.settle(connection);
        }
        if connection.session.info.flags().contains(ClientFlags::KILLED) {
            // The letter that closes it is on its way; nothing is done that was asked for after the kill was answered.
            self.input.clear();
            return self.close(connection);
        }
        let bytes_in = received.unwrap_or(0) as u64;
        let shared = &*self.shared;
        let counters = &shared.counters[self.index];
        counters.turns.add(1);
        counters.bytes_in.add(bytes_in);
        connection.received_bytes += bytes_in;
        let now_ns = match std::mem::take(&mut self.turn_ns) {
            0 => shared.clock.monotonic_ns(),
            known_ns => known_ns,
        };
        let now_ms = self.wall.now_ms(&*shared.clock, now_ns);
        self.now_ms = now_ns / 1_000_000;
        connection.times.last_input_ms = self.now_ms;
        let commands_before = counters.commands.get();

        let own_input = !connection.input.is_empty();
        let input = if own_input { &mut connection.input } else { &mut self.input };
        let own_output = !connection.output.is_empty();
        let output = if own_output { &mut connection.output } else { &mut self.output };
        let mut turn = Turn {
            shared,
            session: &mut connection.session,
            counters,
            limits: &self.limits,
            now_ms,
            now_ns,
            received_bytes: connection.received_bytes,
            scratch: &mut self.scratch,
        };
        let door = &mut connection.door;
        // A bug in one command must not take everybody's connections and the whole cache with it.
        let progress = catch_unwind(AssertUnwindSafe(|| door.turn(&mut turn, input, output)));
        let Ok(progress) = progress else {
            log::write(
                Level::Error,
                format_args!("a command failed from within; its connection is closed, please report it"),
            );
            counters.panics.add(1);
            self.scratch = Default::default();
            self.input.clear();
            self.output.clear();
            return self.close(connection);
        };
        connection.progress = progress;
        shared.effects.settle();
        self.scratch.meter.end(shared, counters, &connection.session);
        let commands = counters.commands.get() - commands_before;
        if self.collecting && !own_output && progress == Progress::Input && output.len() <= COLLECTED_BYTES_MAX {
            // No system call comes between: when this turn ended, the next one of the round begins.
            self.turn_ns = self.scratch.meter.last_ns();
            connection.session.info.note_turn(now_ms, commands, bytes_in, output.len() as u64);
            if !output.is_empty() {
                let fresh = self.spare_outputs.pop().unwrap_or_default();
                self.collected.push((connection.token, std::mem::replace(&mut self.output, fresh)));
            }
            self.keep_rests(&mut connection, own_input, own_output);
            return self.settle(connection);
        }
        let bytes_out = match Connection::send(&connection.socket, output, counters) {
            Ok(sent) => sent,
            Err(()) => {
                self.input.clear();
                self.output.clear();
                return self.close(connection);
            }
        };
        connection.session.info.note_turn(now_ms, commands, bytes_in, bytes_out as u64);
        if bytes_out > 0 {
            connection.times.stalled_since_ms = None;
        }
        self.keep_rests(&mut connection, own_input, own_output);
        self.settle(connection);
    }

    /// Sends the answers that were collected in this round of events.
    pub(super) fn send_collected(&mut self) {
        let mut collected = std::mem::take(&mut self.collected);
        for (token, mut output) in collected.drain(..) {
            let Some(mut connection) = self.connections.lend(token) else { continue };
            if Connection::send(&connection.socket, &mut output, self.counters()).is_err() {
                self.close(connection);
            } else if output.is_empty() {
                if self.spare_outputs.len() < SPARE_OUTPUTS_MAX {
                    self.spare_outputs.push(output);
                }
                self.connections.give_back(connection);
            } else {
                connection.output = output;
                self.settle(connection);
            }
        }
        self.collected = collected;
    }

    /// Gives what the turn left over memory of its own, and takes back memory that is no longer needed.
    #[inline]
    fn keep_rests(&mut self, connection: &mut Connection, own_input: bool, own_output: bool) {
        if !own_input {
            if !self.input.is_empty() {
                connection.input = self.input.split_rest();
            }
        } else if connection.input.is_empty() {
            connection.input = InputBuffer::new();
        }
        if !own_output {
            if !self.output.is_empty() {
                std::mem::swap(&mut connection.output, &mut self.output);
            }
            if self.output.memory_bytes() > OUTPUT_BYTES_KEPT {
                self.output = OutputBuffer::new();
            }
        } else if connection.output.is_empty() {
            connection.output = OutputBuffer::new();
        }
        if (connection.input.is_empty() && !connection.door.is_midway()) || connection.progress != Progress::Input {
            connection.times.request_since = None;
        } else if connection.times.request_since.is_none() {
            let before = connection.received_bytes - connection.input.len() as u64;
            connection.times.request_since = Some((self.now_ms, before));
        }
    }

    /// Sends what waits; `false`: the client is gone.
    pub(super) fn flush(&mut self, connection: &mut Connection) -> bool {
        let Ok(sent) = Connection::send(&connection.socket, &mut connection.output, self.counters()) else {
            return false;
        };
        if sent > 0 {
            connection.times.stalled_since_ms = None;
            connection.session.info.note_turn(connection.session.info.last_active_ms(), 0, 0, sent as u64);
        }
        if connection.output.len() <= self.limits.pubsub_soft_bytes_max {
            connection.times.soft_since_ms = None;
        }
        if connection.output.is_empty() {
            connection.output = OutputBuffer::new();
        }
        true
    }

    /// Goes on after answers were sent: a door that had to wait for that gets its turn.
    fn resume(&mut self, connection: Box<Connection>) {
        if connection.progress == Progress::Turn && !connection.queued && !connection.is_choked(&self.limits) {
            return self.turn(connection, None);
        }
        self.settle(connection);
    }

    /// Keeps what a client sends that waits for a key, and notices when it goes.
    fn overhear(&mut self, mut connection: Box<Connection>) {
        let room = GROWTH_BYTES_MIN;
        let mut input = std::mem::take(&mut connection.input);
        let received = connection.receive(input.make_room(room));
        connection.input = input;
        match received {
            Received::Bytes(count) => {
                connection.received_bytes += count as u64;
                self.settle(connection);
            }
            Received::Nothing => self.settle(connection),
            // Whoever hangs up while waiting does not want the answer any more: it stays for the next.
            Received::End => self.close(connection),
        }
    }

    /// Throws away what a client sends that has been told to go.
    fn discard(&mut self, mut connection: Box<Connection>) {
        self.input.clear();
        match connection.receive(self.input.make_room(READ_BYTES)) {
            Received::End => {
                self.input.clear();
                self.close(connection);
            }
            _ => {
                self.input.clear();
                connection.input = InputBuffer::new();
                self.settle(connection);
            }
        }
    }

    /// Puts the connection back to wait for what it needs next.
    #[inline]
    pub(super) fn settle(&mut self, mut connection: Box<Connection>) {
        match connection.progress {
            Progress::Input => {}
            Progress::Turn | Progress::Pause if connection.queued => {}
            Progress::Turn => {
                if !connection.is_choked(&self.limits) {
                    connection.queued = true;
                    self.queue.push(connection.token);
                }
            }
            Progress::Pause => {
                connection.queued = true;
                self.paused.push(connection.token);
            }
            Progress::Wait => self.note_timeout(&connection),
            Progress::Close => {
                if connection.output.is_empty() && !self.linger(&mut connection) {
                    return self.close(connection);
                }
            }
        }
        if !connection.output.is_empty() && connection.times.stalled_since_ms.is_none() {
            connection.times.stalled_since_ms = Some(self.now_ms);
        }
        let wants = connection.wants(&self.limits);
        if wants != connection.interest && !self.watch(&mut connection, wants) {
            return self.close(connection);
        }
        self.account(&mut connection);
        self.connections.give_back(connection);
    }

    /// Whether a connection whose answers are out still has to be kept for a moment: its client is sending on, and closing
    /// now would reset it before it has read them.
    fn linger(&mut self, connection: &mut Connection) -> bool {
        if connection.lingering.is_some() {
            return true;
        }
        self.input.clear();
        let received = connection.receive(self.input.make_room(READ_BYTES));
        self.input.clear();
        let sends_on = matches!(received, Received::Bytes(_)) || !connection.input.is_empty();
        // A client that has asked for its end sends nothing more; one that does not know of a stopping node's end may.
        let may_send = self.stopping_until_ms.is_some() && connection.undelivered_bytes() > 0;
        if !sends_on && !may_send {
            return false;
        }
        connection.linger(self.now_ms);
        connection.input = InputBuffer::new();
        true
    }

    /// Begins to count the time of a connection that waits for a key.
    fn note_timeout(&mut self, connection: &Connection) {
        if let Some(due_ms) = connection.session.waiter.as_ref().and_then(|waiter| waiter.due_ms()) {
            self.timeouts.insert((due_ms, connection.token.0));
        }
    }

    pub(super) fn forget_timeout(&mut self, waiter: &Waiter, token: Token) {
        if let Some(due_ms) = waiter.due_ms() {
            self.timeouts.remove(&(due_ms, token.0));
        }
    }

    pub(super) fn watch(&self, connection: &mut Connection, wants: Interest) -> bool {
        connection.interest = wants;
        self.poll.change(&connection.socket, connection.token, wants).is_ok()
    }

    /// Counts a connection's memory against the limit, and shows others what it holds.
    #[inline]
    fn account(&self, connection: &mut Connection) {
        let bytes = connection.memory_bytes();
        let buffered = (connection.input.len(), connection.output.len());
        if bytes == connection.charged_bytes && buffered == connection.shown_bytes {
            return;
        }
        let change = bytes as i64 - connection.charged_bytes as i64;
        connection.charged_bytes = bytes;
        connection.shown_bytes = buffered;
        connection.session.info.set_buffered_bytes(buffered.0, buffered.1, bytes);
        self.shared.store.charge(change);
        let total_bytes = self.shared.clients.charge(change);
        let limit_bytes = self.shared.store.max_memory_bytes() / 100 * self.limits.clients_memory_percent;
        if change > 0 && limit_bytes > 0 && total_bytes > limit_bytes {
            let dropped = self.shared.clients.drop_largest(limit_bytes);
            self.counters().dropped_memory.add(dropped);
        }
    }

    /// Closes a connection and forgets it.
    pub(super) fn close(&mut self, mut connection: Box<Connection>) {
        connection.input = InputBuffer::new();
        connection.output = OutputBuffer::new();
        connection.session.info.set_flag(ClientFlags::CLOSED, true);
        self.shared.leave(&mut connection.session);
        if let Some(waiter) = connection.session.waiter.take() {
            self.forget_timeout(&waiter, connection.token);
            // Whoever serves it just now finds that it is gone.
            let _ = self.shared.effects.waiting.give_up(&self.shared, &waiter);
        }
        let held = std::mem::replace(&mut connection.charged_bytes, 0) as i64;
        self.shared.store.charge(-held);
        self.shared.clients.charge(-held);
        self.shared.clients.remove(connection.session.info.id);
        self.shared.clients.release(self.index);
        self.connections.retire(connection.token);
    }

    /// The node stops: answers what this client has already sent, and closes.
    pub(super) fn finish(&mut self, mut connection: Box<Connection>) {
        let token = connection.token;
        let received_before = connection.received_bytes;
        loop {
            let received = match connection.progress {
                Progress::Turn | Progress::Pause if !connection.is_choked(&self.limits) => None,
                Progress::Input if connection.received_bytes - received_before < LAST_BYTES_MAX => {
                    match self.read(&mut connection) {
                        Received::Bytes(count) => Some(count),
                        _ => break,
                    }
                }
                _ => break,
            };
            self.turn(connection, received);
            let Some(lent) = self.connections.lend(token) else { return };
            connection = lent;
        }
        connection.progress = Progress::Close;
        self.settle(connection);
    }
}
