//! What one generator thread has: its connections and buffers, and the window it measures.

use crate::batch::Batch;
use crate::connection::{Connection, lost};
use crate::histogram::Histogram;
use crate::procfs;
use crate::reply::{Scanner, Tally};
use crate::{Config, Error};
use mio::event::Event;
use mio::{Events, Interest, Poll, Token};
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// The receive buffer of a thread. A batch of 64 replies with 1 KiB values takes one read, and it stays in the L2 cache.
const INBOX_BYTES: usize = 256 << 10;
/// Events taken from one poll: more than connections in any usual run, so a poll serves all that are ready.
const EVENTS_MAX: usize = 512;

pub(crate) struct Worker {
    pub(crate) connections: Vec<Connection>,
    pub(crate) batch: Batch,
    poll: Poll,
    scanner: Scanner,
    inbox: Box<[u8]>,
    origin: Instant,
    server_pid: u32,
    stall_s: f64,
    /// Replies since the window began, or since the start.
    tally: Tally,
    phase: Phase,
    pub(crate) found: Found,
}

enum Phase {
    Warming,
    Measuring(Snapshot),
    Ended,
}

/// What a worker's window held.
pub(crate) struct Found {
    pub(crate) tally: Tally,
    pub(crate) latencies: Histogram,
    /// Open loop: how late batches were written.
    pub(crate) send_lags: Histogram,
    pub(crate) window_ns: u64,
    pub(crate) own_cpu_ns: u64,
    pub(crate) server_cpu_ns: Option<u64>,
}

struct Snapshot {
    at_ns: u64,
    own_cpu_ns: u64,
    server_cpu_ns: Option<u64>,
}

impl Worker {
    /// Opens the connections of worker `index` of `workers`.
    pub(crate) fn connect(config: &Config, address: SocketAddr, index: usize, workers: usize) -> Result<Worker, Error> {
        let poll = Poll::new().map_err(Error::System)?;
        let first = config.connections * index / workers;
        let count = config.connections * (index + 1) / workers - first;
        let mut connections = Vec::with_capacity(count);
        for token in 0..count {
            let mut connection = Connection::open(address)?;
            // Edge-triggered: the write edge comes only after a write that was cut short, so asking for it costs nothing.
            let interest = Interest::READABLE | Interest::WRITABLE;
            poll.registry().register(&mut connection.stream, Token(token), interest).map_err(Error::System)?;
            connections.push(connection);
        }
        Ok(Worker {
            connections,
            batch: Batch::new(config, index, workers),
            poll,
            scanner: Scanner::new(config),
            inbox: vec![0; INBOX_BYTES].into_boxed_slice(),
            origin: Instant::now(),
            // One reading of the server's clock is enough.
            server_pid: if index == 0 { config.server_pid } else { 0 },
            stall_s: config.stall_s,
            tally: Tally::default(),
            phase: Phase::Warming,
            found: Found {
                tally: Tally::default(),
                latencies: Histogram::new(),
                send_lags: Histogram::new(),
                window_ns: 0,
                own_cpu_ns: 0,
                server_cpu_ns: None,
            },
        })
    }

    /// Sets the moment that times count from, for all workers the same.
    pub(crate) fn start_at(&mut self, origin: Instant) {
        self.origin = origin;
    }

    /// Nanoseconds since the start.
    #[inline]
    pub(crate) fn now_ns(&self) -> u64 {
        self.origin.elapsed().as_nanos() as u64
    }

    /// Writes the next batch on connection `index`; false when there is none left (the load is through).
    #[inline]
    pub(crate) fn send(&mut self, index: usize, since_ns: u64) -> Result<bool, Error> {
        let (count, bytes) = self.batch.next();
        if count == 0 {
            return Ok(false);
        }
        let sent = self.connections[index].send(bytes, count, since_ns);
        sent.map(|()| true).map_err(|source| lost(source, &self.tally))
    }

    /// Deals with an event; calls `done` with the latencies so far and the begin of each batch that it completed.
    #[inline]
    pub(crate) fn handle(&mut self, event: &Event, mut done: impl FnMut(&mut Histogram, u64)) -> Result<(), Error> {
        let connection = &mut self.connections[event.token().0];
        if event.is_writable() {
            connection.flush().map_err(|source| lost(source, &self.tally))?;
        }
        if event.is_readable() || event.is_read_closed() || event.is_error() {
            let latencies = &mut self.found.latencies;
            let done = |since_ns| done(latencies, since_ns);
            connection.receive(&mut self.inbox, &self.scanner, &mut self.tally, done)?;
        }
        Ok(())
    }

    /// Waits for events; none within `timeout` is not an error here.
    #[inline]
    pub(crate) fn wait(&mut self, events: &mut Events, timeout: Duration) -> Result<(), Error> {
        loop {
            match self.poll.poll(events, Some(timeout)) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                outcome => return outcome.map_err(Error::System),
            }
        }
    }

    /// Begins to measure, unless that was done: forgets what was counted while warming up.
    pub(crate) fn begin_window(&mut self) {
        if !matches!(self.phase, Phase::Warming) {
            return;
        }
        // What went wrong while warming up is worth knowing.
        self.tally = Tally { first_error: self.tally.first_error.take(), ..Tally::default() };
        self.found.latencies.clear();
        self.phase = Phase::Measuring(self.snapshot());
    }

    /// Ends the window: replies received from here on are not in the counts.
    pub(crate) fn end_window(&mut self) {
        let Phase::Measuring(begun) = std::mem::replace(&mut self.phase, Phase::Ended) else { return };
        let now = self.snapshot();
        self.found.tally = self.tally.clone();
        self.found.window_ns = now.at_ns - begun.at_ns;
        self.found.own_cpu_ns = now.own_cpu_ns.saturating_sub(begun.own_cpu_ns);
        self.found.server_cpu_ns =
            now.server_cpu_ns.zip(begun.server_cpu_ns).map(|(now, then)| now.saturating_sub(then));
    }

    /// The error of a server that has fallen silent.
    pub(crate) fn stalled(&self) -> Error {
        Error::Stalled { seconds: self.stall_s, owed: self.connections.iter().map(Connection::owed).sum() }
    }

    /// How long silence is tolerated.
    pub(crate) fn stall(&self) -> Duration {
        Duration::from_secs_f64(self.stall_s)
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot {
            at_ns: self.now_ns(),
            own_cpu_ns: procfs::thread_cpu_ns(),
            server_cpu_ns: procfs::process_cpu_ns(self.server_pid),
        }
    }
}

/// An event buffer of the right size.
pub(crate) fn events() -> Events {
    Events::with_capacity(EVENTS_MAX)
}
