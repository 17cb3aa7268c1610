//! What the network threads count, each for itself.
//!
//! A counter has one writer, its thread, so adding is a load and a store without a lock prefix; whoever asks (`INFO`,
//! `/metrics`) sums over the threads. Nothing here is shared between writers, so counting never bounces a cache line.

use scrubjay_command::index;
use scrubjay_metrics::Counter;

/// What one command did on one thread.
#[derive(Default, Debug)]
pub struct CommandCounters {
    /// Times it ran, failures included.
    pub calls: Counter,
    /// Times it was refused before it ran (arity, authentication, memory).
    pub rejected: Counter,
    /// Times it ran and answered an error.
    pub failed: Counter,
    /// Nanoseconds spent in it: a batch's time, shared among its commands, or its own where it is not a fast one.
    pub spent_ns: Counter,
}

/// What one network thread counts.
#[derive(Debug)]
#[repr(align(128))] // two cache lines: the neighbour prefetcher fetches pairs
pub struct ThreadCounters {
    /// Commands run, over every door.
    pub commands: Counter,
    /// Errors answered.
    pub errors: Counter,
    /// Bytes read from clients.
    pub bytes_in: Counter,
    /// Bytes written to clients.
    pub bytes_out: Counter,
    /// Connections accepted.
    pub connections: Counter,
    /// Connections refused because there were too many.
    pub connections_refused: Counter,
    /// Clients dropped because they did not read their answers.
    pub dropped_output: Counter,
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
    /// Times the event loop woke up.
    pub turns: Counter,
    /// By command, indexed by `Row::id`.
    pub by_command: Box<[CommandCounters]>,
}

impl ThreadCounters {
    /// All zero.
    pub fn new() -> ThreadCounters {
        ThreadCounters {
            commands: Counter::new(),
            errors: Counter::new(),
            bytes_in: Counter::new(),
            bytes_out: Counter::new(),
            connections: Counter::new(),
            connections_refused: Counter::new(),
            dropped_output: Counter::new(),
            dropped_memory: Counter::new(),
            timed_out: Counter::new(),
            protocol_errors: Counter::new(),
            wrong_door: Counter::new(),
            panics: Counter::new(),
            turns: Counter::new(),
            by_command: (0..index::row_count()).map(|_| CommandCounters::default()).collect(),
        }
    }
}

impl Default for ThreadCounters {
    fn default() -> ThreadCounters {
        ThreadCounters::new()
    }
}
