//! What the network threads count, each for itself.
//!
//! A counter has one writer, its thread, so adding is a load and a store without a lock prefix; whoever asks (`INFO`,
//! `/metrics`) sums over the threads. Nothing here is shared between writers, so counting never bounces a cache line.

use crate::heat::Sketch;
use parking_lot::Mutex;
use scrubjay_command::{Reject, index};
use scrubjay_metrics::{Counter, Histogram};
use std::sync::OnceLock;

/// What one command did on one thread.
#[derive(Default, Debug)]
pub struct CommandCounters {
    /// Times it ran, failures included.
    pub calls: Counter,
    /// Times it was refused before it ran (arity, authentication, memory).
    pub rejected: Counter,
    /// Times it ran and answered an error.
    pub failed: Counter,
    /// How long it took, in nanoseconds. Made when it first runs: most threads never see most commands.
    latency: OnceLock<Box<Histogram>>,
}

impl CommandCounters {
    /// Counts `times` runs of `spent_ns` each. To be called by the owning thread only.
    #[inline]
    pub fn record(&self, spent_ns: u64, times: u64) {
        self.latency.get_or_init(Box::default).record(spent_ns, times);
    }

    /// How long it took; `None`: it never ran.
    pub fn latency(&self) -> Option<&Histogram> {
        self.latency.get().map(|histogram| &**histogram)
    }
}

/// The first words of RESP's error texts that are counted apart, and `HTTP` for that door's; the first stands for all
/// others.
pub const ERROR_CODES: [&str; 11] =
    ["OTHER", "ERR", "WRONGTYPE", "OOM", "NOAUTH", "WRONGPASS", "NOPROTO", "BUSYKEY", "NOPERM", "LIMIT", "HTTP"];

/// What one network thread counts.
#[derive(Debug)]
#[repr(align(128))] // two cache lines: the neighbour prefetcher fetches pairs
pub struct ThreadCounters {
    /// Commands run, over every door.
    pub commands: Counter,
    /// Errors answered.
    pub errors: Counter,
    /// Errors answered, by [`ERROR_CODES`].
    pub errors_by_code: [Counter; ERROR_CODES.len()],
    /// Bytes read from clients.
    pub bytes_in: Counter,
    /// Bytes written to clients.
    pub bytes_out: Counter,
    /// Times that answers were written to a client.
    pub writes: Counter,
    /// Connections accepted.
    pub connections: Counter,
    /// Connections refused because there were too many.
    pub connections_refused: Counter,
    /// Clients dropped because they did not read their answers.
    pub dropped_output: Counter,
    /// Subscribers dropped because they did not read their messages.
    pub dropped_subscribers: Counter,
    /// Messages that were published and that somebody listened to.
    pub published: Counter,
    /// Messages and invalidations that were put into clients' buffers.
    pub pushed: Counter,
    /// Clients dropped because all clients' buffers together took too much memory.
    pub dropped_memory: Counter,
    /// Clients closed by a time-out.
    pub timed_out: Counter,
    /// Connections closed after malformed input.
    pub protocol_errors: Counter,
    /// Connections closed because they spoke HTTP to another door.
    pub wrong_door: Counter,
    /// Commands that failed from within: bugs.
    pub panics: Counter,
    /// Turns that connections had: one serves everything that one read brought.
    pub turns: Counter,
    /// Which keys its commands use most.
    pub heat: Mutex<Sketch>,
    /// By command, indexed by `Row::id`.
    pub by_command: Box<[CommandCounters]>,
}

impl ThreadCounters {
    /// All zero.
    pub fn new() -> ThreadCounters {
        ThreadCounters {
            commands: Counter::new(),
            errors: Counter::new(),
            errors_by_code: Default::default(),
            bytes_in: Counter::new(),
            bytes_out: Counter::new(),
            writes: Counter::new(),
            connections: Counter::new(),
            connections_refused: Counter::new(),
            dropped_output: Counter::new(),
            dropped_subscribers: Counter::new(),
            published: Counter::new(),
            pushed: Counter::new(),
            dropped_memory: Counter::new(),
            timed_out: Counter::new(),
            protocol_errors: Counter::new(),
            wrong_door: Counter::new(),
            panics: Counter::new(),
            turns: Counter::new(),
            heat: Mutex::new(Sketch::new(0)),
            by_command: (0..index::row_count()).map(|_| CommandCounters::default()).collect(),
        }
    }

    /// Counts a refusal that was answered.
    #[cold]
    pub fn note_error(&self, reject: &Reject) {
        self.note_error_code(reject.code());
    }

    /// Counts an error that was answered, by one of [`ERROR_CODES`].
    #[cold]
    pub fn note_error_code(&self, code: &str) {
        self.errors.add(1);
        let row = ERROR_CODES.iter().position(|known| *known == code).unwrap_or(0);
        self.errors_by_code[row].add(1);
    }
}

impl Default for ThreadCounters {
    fn default() -> ThreadCounters {
        ThreadCounters::new()
    }
}
