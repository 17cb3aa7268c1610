//! New connections: accepted by whichever thread wakes first, served by the one with the fewest.

use super::inbox::{Arrival, Letter};
use super::poll::{Interest, Token};
use super::worker::{LISTENERS, Listening, Worker};
use crate::clients::{ClientFlags, ClientInfo};
use crate::connection::Connection;
use crate::listener::{Listener, no_place, open_door};
use crate::log::{self, Level};
use crate::session::Session;
use rustix::fd::{AsRawFd, OwnedFd};
use rustix::io::Errno;
use rustix::net::{SendFlags, SocketAddrAny, SocketFlags, acceptfrom_with, sockopt};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// Connections accepted per wake-up: the rest wakes this or another thread again.
const ACCEPTS_MAX: usize = 32;
/// How long a process without descriptors waits before it tries again: without, it would spin.
const RETRY_MS: u64 = 100;

impl Worker {
    /// Accepts what waits at a listener.
    pub(super) fn accept(&mut self, number: usize) {
        if self.listening != Listening::Yes {
            return;
        }
        let listener = self.listeners[number].clone();
        for _ in 0..ACCEPTS_MAX {
            match acceptfrom_with(&listener.socket, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC) {
                Ok((socket, peer)) => self.admit(socket, peer, &listener),
                Err(Errno::AGAIN) => return,
                Err(error @ (Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM)) => {
                    if self.shared.log_no_descriptors.may(self.shared.clock.now_ms()) {
                        log::write(
                            Level::Error,
                            format_args!(
                                "cannot accept connections: {error}; raise the limit on open files (ulimit -n)"
                            ),
                        );
                    }
                    self.stop_listening(Listening::From(self.now_ms + RETRY_MS));
                    return;
                }
                Err(_) => {} // this one went away before it was accepted
            }
        }
    }

    /// Finds a place for a connection that was accepted here.
    fn admit(&mut self, socket: OwnedFd, peer: Option<SocketAddrAny>, listener: &Listener) {
        let Some(peer) = peer.and_then(|peer| SocketAddr::try_from(peer).ok()) else { return };
        let Some(thread) = self.shared.clients.claim(self.limits.clients_max, self.index) else {
            self.counters().connections_refused.add(1);
            // Best effort: an empty socket takes so few bytes at once.
            let _ = rustix::net::send(&socket, no_place(listener.protocol), SendFlags::NOSIGNAL);
            return;
        };
        self.counters().connections.add(1);
        let info = Arc::new(ClientInfo::new(
            self.shared.clients.next_id(),
            peer,
            listener.address,
            listener.protocol,
            self.shared.clock.now_ms(),
            thread,
            socket.as_raw_fd(),
        ));
        self.shared.clients.insert(info.clone());
        let arrival = Arrival { socket, info };
        if thread == self.index {
            self.adopt(arrival);
        } else {
            self.shared.clients.inbox(thread).put(Letter::Adopt(Box::new(arrival)));
        }
    }

    /// Begins to serve a connection.
    pub(super) fn adopt(&mut self, arrival: Arrival) {
        let Arrival { socket, info } = arrival;
        let token = self.connections.next_token();
        let refused = self.stopping_until_ms.is_some()
            || self.prepare(&socket).is_err()
            || self.poll.add(&socket, token, Interest::READ).is_err();
        info.set_token(token);
        if refused || info.flags().contains(ClientFlags::KILLED) {
            self.shared.clients.remove(info.id);
            self.shared.clients.release(self.index);
            return;
        }
        let door = open_door(info.protocol);
        let session = Session::new(info, !self.limits.auth_required);
        let connection = Connection::new(socket, token, door, session, self.now_ms);
        self.connections.insert(Box::new(connection));
    }

    fn prepare(&self, socket: &OwnedFd) -> rustix::io::Result<()> {
        // Answers are written once per batch: there is nothing to wait for.
        sockopt::set_tcp_nodelay(socket, true)?;
        if self.limits.keepalive_ms > 0 {
            sockopt::set_socket_keepalive(socket, true)?;
            sockopt::set_tcp_keepidle(socket, Duration::from_millis(self.limits.keepalive_ms.max(1000)))?;
            // As Redis: a third of the time between probes, three of them.
            sockopt::set_tcp_keepintvl(socket, Duration::from_millis((self.limits.keepalive_ms / 3).max(1000)))?;
            sockopt::set_tcp_keepcnt(socket, 3)?;
        }
        Ok(())
    }

    /// Takes the listeners out of the event loop: for a while, or for good.
    pub(super) fn stop_listening(&mut self, until: Listening) {
        if self.listening == Listening::Yes {
            for listener in &self.listeners {
                // Nothing else can be wrong with a descriptor that was added than that it is not there any more.
                let _ = self.poll.remove(&listener.socket);
            }
        }
        if until == Listening::No {
            self.listeners.clear();
        }
        self.listening = until;
    }

    /// Listens again after a pause for want of descriptors.
    pub(super) fn resume_listening(&mut self) {
        let Listening::From(from_ms) = self.listening else { return };
        if self.now_ms < from_ms {
            return;
        }
        self.listening = Listening::Yes;
        for (number, listener) in self.listeners.iter().enumerate() {
            if self.poll.add_listener(&listener.socket, Token(LISTENERS.0 - number as u64)).is_err() {
                self.listening = Listening::From(self.now_ms + RETRY_MS);
            }
        }
    }
}
