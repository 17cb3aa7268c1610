//! A round: everything that one wait brought, in three passes.
//!
//! ```text
//! read   socket 1, socket 2, ... socket n      each into a buffer of its own
//! fetch  the first key of each                  their trips to memory overlap
//! turn   door 1, door 2, ... door n             answers are collected
//! write  socket 1, socket 2, ... socket n
//! ```
//!
//! With pipelining a batch overlaps its own trips to memory, and a round changes nothing. Without, the commands of different
//! clients overlap theirs, the kernel's code and ours take turns less often, and a client with many connections is woken
//! once: a tenth of an operation altogether (`docs/decisions/0003-io-loop.md`).

use super::poll::Ready;
use super::worker::{READ_BYTES, Worker};
use crate::connection::{Connection, Received};
use crate::door::Progress;
use scrubjay_protocol::InputBuffer;
use scrubjay_store::{Key, Ns};
use smallvec::SmallVec;

/// Most sockets in a round: beyond 16 the measurements saw no further gain, and 64 commands' cache lines fit the
/// first-level cache.
const ROUND_MAX: usize = 64;
/// Room for what one socket brings to a round. A client that sends more at once is read again in the next.
const ROUND_READ_BYTES: usize = 64 << 10;
/// How old an answer may get while others of its round are still at work, before it is sent without them: half of the p99
/// that reads may have.
const ANSWER_NS_MAX: u64 = 500_000;

/// A connection of this round, which has been read from.
pub(super) struct Guest {
    connection: Box<Connection>,
    /// What it sent, unless that went to its own buffer, behind the beginning of a request.
    input: InputBuffer,
    received: Received,
}

impl Worker {
    /// Serves everything in `ready`, and leaves it empty.
    pub(super) fn round(&mut self, ready: &mut Vec<Ready>) {
        if let [event] = ready[..] {
            ready.clear();
            return self.event(event);
        }
        self.collecting = true;
        let mut guests = std::mem::take(&mut self.guests);
        for events in ready.chunks(ROUND_MAX) {
            for &event in events {
                self.invite(event, &mut guests);
            }
            self.fetch_first_keys(&guests);
            let begun_ns = self.shared.clock.monotonic_ns();
            self.turn_ns = begun_ns;
            for guest in guests.drain(..) {
                if self.turn_ns > begun_ns + ANSWER_NS_MAX {
                    self.send_collected();
                }
                self.host(guest);
            }
            self.turn_ns = 0;
            self.send_collected();
        }
        ready.clear();
        self.guests = guests;
        self.collecting = false;
        if std::mem::take(&mut self.bell_rang) {
            self.open_letters();
        }
    }

    /// Reads from a connection that has something to say; whatever else an event means is done at once.
    fn invite(&mut self, event: Ready, guests: &mut Vec<Guest>) {
        if !event.read || event.write || !self.is_connection(event.token) {
            return self.event(event);
        }
        let Some(mut connection) = self.connections.lend(event.token) else { return };
        if connection.progress != Progress::Input {
            return self.serve(connection, event);
        }
        let (input, received) = if connection.input.is_empty() {
            let mut input = self.spare_inputs.pop().unwrap_or_else(|| InputBuffer::with_capacity(ROUND_READ_BYTES));
            let received = connection.receive(input.make_room(ROUND_READ_BYTES));
            (input, received)
        } else {
            let received = self.read(&mut connection);
            (InputBuffer::new(), received)
        };
        guests.push(Guest { connection, input, received });
    }

    /// Calls for the keys that the guests are about to ask for.
    fn fetch_first_keys(&self, guests: &[Guest]) {
        let mut keys: SmallVec<[Key<'_>; ROUND_MAX]> = SmallVec::new();
        for guest in guests {
            let Some(key) = guest.connection.door.first_key(guest.input.data()) else { continue };
            let ns = self.shared.store.namespace(guest.connection.session.database()).unwrap_or(Ns(0));
            keys.push(self.shared.store.key(ns, key));
        }
        if keys.len() > 1 {
            self.shared.store.prefetch(&keys);
        }
    }

    /// Gives a guest its turn.
    fn host(&mut self, mut guest: Guest) {
        std::mem::swap(&mut self.input, &mut guest.input);
        self.received(guest.connection, guest.received);
        std::mem::swap(&mut self.input, &mut guest.input);
        if guest.input.capacity() == ROUND_READ_BYTES && self.spare_inputs.len() < ROUND_MAX {
            guest.input.clear();
            self.spare_inputs.push(guest.input);
        }
    }
}

const _: () = assert!(ROUND_READ_BYTES <= READ_BYTES, "a lone client may send as much as one of many");
