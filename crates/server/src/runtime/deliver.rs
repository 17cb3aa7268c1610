//! What came from other threads for this one's clients, on its way into their sockets.
//!
//! Letters are opened all at once, and each client that was given something is sent everything together: a burst of
//! messages costs a client one write, however many they are.

use super::poll::Token;
use super::worker::Worker;
use crate::connection::Connection;
use crate::door::{Progress, TURN_OUTPUT_BYTES_MAX};
use crate::pubsub::push::Push;

impl Worker {
    /// Puts `push` into the buffer of a client, if that is still there and wants it.
    pub(super) fn deliver(&mut self, token: Token, push: &Push) {
        let Some(mut connection) = self.connections.lend(token) else { return };
        if connection.progress == Progress::Close || !push.put(&connection.session, &mut connection.output) {
            return self.connections.give_back(connection);
        }
        self.counters().pushed.add(1);
        self.delivered(connection);
    }

    /// Something was put into a client's buffer that it did not ask for.
    pub(super) fn delivered(&mut self, mut connection: Box<Connection>) {
        // Much is sent at once. If a write waits for room in the socket already, these bytes wait behind it.
        if connection.output.len() > TURN_OUTPUT_BYTES_MAX && !connection.interest.write {
            let is_there = self.flush(&mut connection);
            let wants = connection.wants(&self.limits);
            if !is_there || (wants != connection.interest && !self.watch(&mut connection, wants)) {
                return self.close(connection);
            }
        }
        // Nobody can be made to wait for these, so a client that does not read them is dropped.
        if connection.is_flooded(&self.limits) {
            match connection.session.subscriptions() {
                Some(_) => self.counters().dropped_subscribers.add(1),
                None => self.counters().dropped_output.add(1),
            }
            return self.close(connection);
        }
        if connection.output.len() > self.limits.pubsub_soft_bytes_max && connection.times.soft_since_ms.is_none() {
            connection.times.soft_since_ms = Some(self.now_ms);
        }
        if !connection.is_given {
            connection.is_given = true;
            self.given.push(connection.token);
        }
        self.connections.give_back(connection);
    }

    /// Sends what clients were given.
    pub(super) fn send_delivered(&mut self) {
        let mut given = std::mem::take(&mut self.given);
        for token in given.drain(..) {
            let Some(mut connection) = self.connections.lend(token) else { continue };
            connection.is_given = false;
            if !connection.interest.write && !self.flush(&mut connection) {
                self.close(connection);
                continue;
            }
            self.settle(connection);
        }
        self.given = given;
    }
}
