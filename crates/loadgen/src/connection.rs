//! One connection: what it still has to send, what it still has to receive, and since when.

use crate::Error;
use crate::reply::{Scanner, Tally};
use mio::net::TcpStream;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

/// A batch that was written and is not answered: when it began (closed loop) or fell due (open loop), and how many
/// replies it still lacks.
struct Awaited {
    since_ns: u64,
    owed: u32,
}

pub(crate) struct Connection {
    pub(crate) stream: TcpStream,
    awaited: VecDeque<Awaited>,
    /// Payload of the reply being received that is still to come.
    skip: usize,
    /// The beginning of a reply whose line is not complete.
    carry: Vec<u8>,
    /// What the socket did not take.
    unsent: Vec<u8>,
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// An unfinished reply line longer than this is not a reply. HTTP heads stay well below.
const CARRY_BYTES_MAX: usize = 64 << 10;

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> Result<Connection, Error> {
        let stream = std::net::TcpStream::connect_timeout(&address, CONNECT_TIMEOUT)
            .and_then(|stream| stream.set_nodelay(true).and_then(|()| stream.set_nonblocking(true)).map(|()| stream))
            .map_err(|source| Error::Connect { address: address.to_string(), source })?;
        Ok(Connection {
            stream: TcpStream::from_std(stream),
            awaited: VecDeque::with_capacity(1),
            skip: 0,
            carry: Vec::new(),
            unsent: Vec::new(),
        })
    }

    /// Sends a batch of `owed` requests, or queues what the socket does not take.
    #[inline]
    pub(crate) fn send(&mut self, bytes: &[u8], owed: u32, since_ns: u64) -> io::Result<()> {
        self.awaited.push_back(Awaited { since_ns, owed });
        if !self.unsent.is_empty() {
            self.unsent.extend_from_slice(bytes);
            return Ok(());
        }
        let taken = write(&mut self.stream, bytes)?;
        self.unsent.extend_from_slice(&bytes[taken..]);
        Ok(())
    }

    /// Sends what is queued; called when the socket takes bytes again.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        if !self.unsent.is_empty() {
            let taken = write(&mut self.stream, &self.unsent)?;
            self.unsent.drain(..taken);
        }
        Ok(())
    }

    /// Reads until the socket is empty; calls `done` with the begin of each batch whose last reply came.
    ///
    /// The poll is edge-triggered; a read that does not fill the buffer has emptied the socket (epoll(7)), which saves
    /// the read that would only say so.
    #[inline]
    pub(crate) fn receive(
        &mut self,
        inbox: &mut [u8],
        scanner: &Scanner,
        tally: &mut Tally,
        mut done: impl FnMut(u64),
    ) -> Result<(), Error> {
        loop {
            let kept = self.carry.len();
            inbox[..kept].copy_from_slice(&self.carry);
            let received = match self.stream.read(&mut inbox[kept..]) {
                Ok(0) => return Err(lost(ErrorKind::UnexpectedEof.into(), tally)),
                Ok(received) => received,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(lost(error, tally)),
            };
            let bytes = &inbox[..kept + received];
            let mut at = 0;
            while at < bytes.len() {
                let Some(front) = self.awaited.front_mut() else {
                    return Err(Error::Garbled("more replies than requests".to_owned()));
                };
                let used = scanner.scan(&bytes[at..], &mut front.owed, &mut self.skip, tally)?;
                at += used;
                if front.owed == 0 && self.skip == 0 {
                    done(front.since_ns);
                    self.awaited.pop_front();
                } else if used == 0 {
                    break;
                }
            }
            self.carry.clear();
            self.carry.extend_from_slice(&bytes[at..]);
            if self.carry.len() > CARRY_BYTES_MAX {
                return Err(Error::Garbled(format!("{CARRY_BYTES_MAX} bytes without the end of a line")));
            }
            if kept + received < inbox.len() {
                return Ok(());
            }
        }
    }

    /// Replies that are still to come.
    pub(crate) fn owed(&self) -> u64 {
        self.awaited.iter().map(|batch| u64::from(batch.owed)).sum()
    }
}

/// Writes until all is taken or the socket is full; returns how much was taken.
#[inline]
fn write(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<usize> {
    let mut taken = 0;
    while taken < bytes.len() {
        match stream.write(&bytes[taken..]) {
            Ok(count) => taken += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(taken)
}

/// The error of a connection that ended, with what the server said before.
pub(crate) fn lost(source: io::Error, tally: &Tally) -> Error {
    Error::Lost { source, last_words: tally.first_error.clone() }
}
