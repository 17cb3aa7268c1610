//! One client's connection: its socket, its door, its session, and what it is waiting for.
//!
//! ```text
//!   read -> input -> door.turn -> out -> write
//!            |                     |
//!            own memory only for   own memory only for answers
//!            half a request        the socket did not take
//! ```
//!
//! A connection that waits for its next request owns neither buffer: 10,000 idle ones take what their sessions take.

use crate::counters::ThreadCounters;
use crate::door::{Door, Progress};
use crate::limits::{Limits, REQUEST_BYTES_PER_SECOND_MIN};
use crate::runtime::poll::{Interest, Token};
use crate::session::Session;
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::ioctl::{Getter, Opcode, ioctl};
use rustix::net::{RecvFlags, SendAncillaryBuffer, SendFlags, Shutdown};
use scrubjay_protocol::{InputBuffer, OutputBuffer};
use std::io::IoSlice;

/// A connection of this thread.
pub(crate) struct Connection {
    pub socket: OwnedFd,
    pub token: Token,
    pub door: Box<dyn Door>,
    pub session: Session,
    /// The beginning of a request whose end has not arrived; empty nearly always.
    pub input: InputBuffer,
    /// Answers that the socket did not take; empty nearly always.
    pub output: OutputBuffer,
    /// What its last turn ended with.
    pub progress: Progress,
    /// What epoll watches for.
    pub interest: Interest,
    /// Whether it stands in the queue of those that want a turn without new bytes.
    pub queued: bool,
    /// Whether it was given messages that are about to be sent.
    pub is_given: bool,
    /// After [`Progress::Close`], when the answers are out and the client is still sending.
    pub lingering: Option<Lingering>,
    pub times: Times,
    /// Bytes of memory that were last reported to the store.
    pub charged_bytes: usize,
    /// Bytes of input and output that others were last shown.
    pub shown_bytes: (usize, usize),
    /// Bytes received altogether.
    pub received_bytes: u64,
}

/// Moments on the monotonic clock, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub opened_ms: u64,
    pub last_input_ms: u64,
    /// When the incomplete request began, and how many bytes had been received then.
    pub request_since: Option<(u64, u64)>,
    /// Since when the client has taken nothing of what waits for it.
    pub stalled_since_ms: Option<u64>,
    /// Since when more messages wait for it than a subscriber may have waiting for long.
    pub soft_since_ms: Option<u64>,
}

/// A connection that is over, and kept for its client to read its last answers. What still arrives is thrown away.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lingering {
    /// When to look again whether it still has to be kept.
    pub look_at_ms: u64,
    /// How much of the answers the client's side had not confirmed at the last look, and when that last became less.
    undelivered_bytes: usize,
    taken_at_ms: u64,
}

/// What a read brought.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Received {
    Bytes(usize),
    Nothing,
    End,
}

/// Why a connection is closed from this side without being asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Overdue {
    /// It kept a request or a greeting waiting, or was idle for too long.
    TimedOut,
    /// It did not read its answers.
    Output,
    /// It did not read its messages.
    Messages,
    /// It was closed already and has been told so; it may linger on.
    Lingered,
}

/// How long a closed connection's last answer is given to arrive, at least: while the client sends on, closing would make
/// the kernel send a reset, which may overtake the answer that says what was wrong, and which throws away what the client
/// has not yet taken. So it is longer for as long as the client goes on taking.
const LINGER_MS: u64 = 1000;

/// What a client that waits for a key may send meanwhile before nothing more is read.
const WAITING_BYTES_MAX: usize = 64 << 10;

/// Pieces for one `sendmsg`; more wait for the next.
const PIECES_MAX: usize = 64;

impl Connection {
    pub fn new(socket: OwnedFd, token: Token, door: Box<dyn Door>, session: Session, now_ms: u64) -> Connection {
        Connection {
            socket,
            token,
            door,
            session,
            input: InputBuffer::new(),
            output: OutputBuffer::new(),
            progress: Progress::Input,
            interest: Interest::READ,
            queued: false,
            is_given: false,
            lingering: None,
            times: Times {
                opened_ms: now_ms,
                last_input_ms: now_ms,
                request_since: None,
                stalled_since_ms: None,
                soft_since_ms: None,
            },
            charged_bytes: 0,
            shown_bytes: (0, 0),
            received_bytes: 0,
        }
    }

    /// Reads once into `into`, as much as it has room for.
    pub fn receive(&self, into: &mut Vec<u8>) -> Received {
        match rustix::net::recv(&self.socket, rustix::buffer::spare_capacity(into), RecvFlags::empty()) {
            Ok((0, _)) => Received::End,
            Ok((count, _)) => Received::Bytes(count),
            Err(Errno::AGAIN | Errno::INTR) => Received::Nothing,
            // Reset, timed out, unreachable: whatever the reason, the client is gone.
            Err(_) => Received::End,
        }
    }

    /// Sends what the socket takes of `out`. Errors: the client is gone.
    pub fn send(socket: &OwnedFd, out: &mut OutputBuffer, counters: &ThreadCounters) -> Result<usize, ()> {
        let mut total = 0;
        while !out.is_empty() {
            let wanted;
            let sent = match out.single() {
                Some(bytes) => {
                    wanted = bytes.len();
                    rustix::net::send(socket, bytes, SendFlags::NOSIGNAL)
                }
                None => {
                    let mut pieces = [IoSlice::new(&[]); PIECES_MAX];
                    let count = out.pieces(&mut pieces);
                    wanted = pieces[..count].iter().map(|piece| piece.len()).sum();
                    let mut no_control = SendAncillaryBuffer::default();
                    rustix::net::sendmsg(socket, &pieces[..count], &mut no_control, SendFlags::NOSIGNAL)
                }
            };
            match sent {
                Ok(count) => {
                    out.advance(count);
                    total += count;
                    if count < wanted {
                        break; // the socket is full
                    }
                }
                Err(Errno::AGAIN) => break,
                Err(Errno::INTR) => {}
                Err(_) => return Err(()),
            }
        }
        counters.bytes_out.add(total as u64);
        counters.writes.add(1);
        Ok(total)
    }

    /// Tells the client that nothing more will come, and keeps the connection for a while.
    pub fn linger(&mut self, now_ms: u64) {
        // If it is gone already there is nobody to tell.
        let _ = rustix::net::shutdown(&self.socket, Shutdown::Write);
        let undelivered_bytes = self.undelivered_bytes();
        self.lingering = Some(Lingering { look_at_ms: now_ms + LINGER_MS, undelivered_bytes, taken_at_ms: now_ms });
    }

    /// Whether a lingering connection is kept for longer: its client has not taken everything, but goes on taking.
    pub fn lingers_on(&mut self, now_ms: u64, limits: &Limits) -> bool {
        let left = self.undelivered_bytes();
        let Some(lingering) = &mut self.lingering else { return false };
        if left < lingering.undelivered_bytes {
            (lingering.undelivered_bytes, lingering.taken_at_ms) = (left, now_ms);
        }
        lingering.look_at_ms = now_ms + LINGER_MS;
        left > 0 && now_ms - lingering.taken_at_ms < limits.output_stall_ms_max
    }

    /// Bytes that the kernel has taken for the client and that the client's side has not confirmed.
    pub fn undelivered_bytes(&self) -> usize {
        // Of a socket, this request of terminals is Linux' SIOCOUTQ (tcp(7)).
        // SAFETY: it is a getter that stores one C int.
        let request = unsafe { Getter::<{ libc::TIOCOUTQ as Opcode }, libc::c_int>::new() };
        // SAFETY: the request has no demands on the descriptor; of what is no socket it is an error.
        unsafe { ioctl(&self.socket, request) }.map_or(0, |bytes| bytes.max(0) as usize)
    }

    /// Whether so much waits for the client that its requests have to wait too.
    pub fn is_choked(&self, limits: &Limits) -> bool {
        limits.output_bytes_max > 0 && self.output.len() > limits.output_bytes_max
    }

    /// Whether so much waits for the client that nobody asked for that it is dropped.
    pub fn is_flooded(&self, limits: &Limits) -> bool {
        match self.session.subscriptions() {
            Some(_) => limits.pubsub_bytes_max > 0 && self.output.len() > limits.pubsub_bytes_max,
            None => self.is_choked(limits),
        }
    }

    /// What epoll should watch for.
    pub fn wants(&self, limits: &Limits) -> Interest {
        let read = match self.progress {
            Progress::Input | Progress::Turn => !self.is_choked(limits),
            Progress::Pause => false,
            // Only to notice that the client goes; what it sends meanwhile is kept, up to a bound.
            Progress::Wait => self.input.len() < WAITING_BYTES_MAX,
            Progress::Close => self.lingering.is_some(),
        };
        Interest { read, write: !self.output.is_empty() }
    }

    /// Bytes of memory that it holds beyond what every connection holds.
    pub fn memory_bytes(&self) -> usize {
        self.input.capacity() + self.output.memory_bytes() + self.door.memory_bytes() + self.session.memory_bytes()
    }

    /// Whether it is to be closed at `now_ms` because it took too long with something.
    pub fn overdue(&self, now_ms: u64, limits: &Limits) -> Option<Overdue> {
        let past = |since_ms: u64, most_ms: u64| most_ms > 0 && now_ms.saturating_sub(since_ms) > most_ms;
        if let Some(lingering) = self.lingering {
            return (now_ms >= lingering.look_at_ms).then_some(Overdue::Lingered);
        }
        if let Some(since_ms) = self.times.stalled_since_ms {
            let stalled_ms = now_ms.saturating_sub(since_ms);
            if self.is_choked(limits) && stalled_ms >= limits.output_stall_ms_max {
                return Some(Overdue::Output);
            }
        }
        if let Some(since_ms) = self.times.soft_since_ms
            && self.session.subscriptions().is_some()
            && now_ms.saturating_sub(since_ms) >= limits.pubsub_soft_ms_max
        {
            return Some(Overdue::Messages);
        }
        if !self.session.authenticated() && past(self.times.opened_ms, limits.auth_ms_max) {
            return Some(Overdue::TimedOut);
        }
        if matches!(self.progress, Progress::Turn | Progress::Pause | Progress::Wait) {
            return None; // it waits for us, or for a key
        }
        if let Some((since_ms, received_before)) = self.times.request_since
            && past(since_ms, limits.request_ms_max)
        {
            let brought = self.received_bytes - received_before;
            let expected = (now_ms - since_ms) * REQUEST_BYTES_PER_SECOND_MIN / 1000;
            if brought < expected {
                return Some(Overdue::TimedOut);
            }
        }
        past(self.times.last_input_ms, limits.idle_ms_max).then_some(Overdue::TimedOut)
    }
}
