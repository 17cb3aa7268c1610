//! A door: a protocol on a connection.
//!
//! The network thread reads into `input`, calls [`Door::turn`], and writes `out`; the door decodes what is complete, runs
//! it and encodes the answers. It sees no socket, so a door is tested with two buffers. One turn serves everything that
//! one read brought: a pipelined batch costs one read and one write.

use crate::counters::ThreadCounters;
use crate::heat::Chooser;
use crate::limits::Limits;
use crate::measure::Meter;
use crate::session::Session;
use crate::shared::Shared;
use scrubjay_base::clock::UnixMs;
use scrubjay_protocol::http::date::HttpDate;
use scrubjay_protocol::resp::Batch;
use scrubjay_protocol::{InputBuffer, OutputBuffer};
use scrubjay_store::Ns;

/// How long one client's turn may be before the others of its thread have theirs: half of the p99 of reads.
const TURN_NS_MAX: u64 = 500_000;
/// How many bytes of answers a turn may collect before they are sent: what a socket's buffer usually takes.
pub(crate) const TURN_OUTPUT_BYTES_MAX: usize = 256 << 10;

/// What a door has at hand during one turn.
pub struct Turn<'a> {
    /// The node.
    pub shared: &'a Shared,
    /// The client.
    pub session: &'a mut Session,
    /// This thread's counters.
    pub counters: &'a ThreadCounters,
    /// This thread's copy of the bounds.
    pub limits: &'a Limits,
    /// The time of this turn: read once, the same for the whole batch.
    pub now_ms: UnixMs,
    /// The same moment on the monotonic clock.
    pub now_ns: u64,
    /// Bytes that the connection has received altogether.
    pub received_bytes: u64,
    /// Memory that the doors of a thread share, so that a turn allocates nothing.
    pub scratch: &'a mut Scratch,
}

impl Turn<'_> {
    /// The namespace of the selected database.
    #[inline]
    pub fn ns(&self) -> Ns {
        // A session's database is always one that exists.
        self.shared.store.namespace(self.session.database()).unwrap_or_default()
    }

    /// Whether this turn, which put its answers into `out`, has had its share of the thread. Reads the clock.
    pub fn is_spent(&self, out: &OutputBuffer) -> bool {
        out.len() > TURN_OUTPUT_BYTES_MAX || self.shared.clock.monotonic_ns() > self.now_ns + TURN_NS_MAX
    }
}

/// Memory that the doors of one thread share between turns. Empty at the start of each, but for what only time changes.
#[derive(Default)]
pub struct Scratch {
    /// For whatever a door wants to build.
    pub bytes: Vec<u8>,
    /// Decoded RESP commands.
    pub batch: Batch,
    /// The text of HTTP's `Date`.
    pub date: HttpDate,
    /// Whose time it is.
    pub meter: Meter,
    /// Which commands' keys are noted as used.
    pub chooser: Chooser,
}

/// What the connection waits for after a turn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Progress {
    /// More bytes: everything complete was answered.
    Input,
    /// Its next turn: there are complete requests left, but others come first now.
    Turn,
    /// A key: its command found nothing, and its answer will come from elsewhere.
    Wait,
    /// The end of a `CLIENT PAUSE`: the next request is complete and must not run yet.
    Pause,
    /// Nothing: send what is in `out`, then close.
    Close,
}

/// A protocol on a connection.
pub trait Door: Send {
    /// Consumes the complete requests in `input` and appends their answers to `out`. Called when bytes arrived, and again
    /// after [`Progress::Turn`], [`Progress::Pause`] and [`Progress::Wait`] without any.
    ///
    /// A request that is incomplete stays in `input`, where it continues next time; the connection bounds its size and
    /// its time. What `input` holds stays at the same distance from its start until the door consumes it.
    fn turn(&mut self, turn: &mut Turn<'_>, input: &mut InputBuffer, out: &mut OutputBuffer) -> Progress;

    /// The key that the first request in `input` will probably ask for, so that it can be called for together with those of
    /// other connections. A guess: it costs little and changes nothing.
    fn first_key<'a>(&self, input: &'a [u8]) -> Option<&'a [u8]> {
        let _ = input;
        None
    }

    /// How many more bytes the incomplete request is known to need, of which `have` are there; 0: unknown. A hint for the
    /// size of the next read, not trusted with memory.
    fn expects(&self, have: usize) -> usize {
        let _ = have;
        0
    }

    /// Whether a request has begun that is not complete, even if everything that arrived has been consumed: its time runs.
    fn is_midway(&self) -> bool {
        false
    }

    /// Bytes of memory that the door holds between turns.
    fn memory_bytes(&self) -> usize {
        0
    }
}
