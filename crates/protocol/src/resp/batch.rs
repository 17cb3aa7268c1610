//! The commands that one reading brought, as spans of the input.
//!
//! ```text
//! spans     GET k1 | SET k2 v | GET k3
//! commands       2 |        5 |      7     (end among the spans, end in the bytes)
//! ```
//!
//! One batch serves all connections of a thread in turn, so decoding allocates nothing once it has grown.

use scrubjay_command::{Args, Span};

/// Decoded commands, oldest first. Valid for the bytes they were decoded from, which must not move or change.
#[derive(Default, Debug)]
pub struct Batch {
    pub(super) spans: Vec<Span>,
    commands: Vec<Command>,
    /// Bytes that the commands, and whatever lies between them, take.
    pub(super) consumed: usize,
    /// Commands that have run.
    done: usize,
}

#[derive(Clone, Copy, Debug)]
struct Command {
    spans_end: u32,
    bytes_end: u32,
}

/// Spans that an idle batch may keep: 16 Ki (128 KiB). A command of a million arguments is rare enough to pay for its own
/// memory; chosen, untested.
const SPANS_KEPT: usize = 16 << 10;

impl Batch {
    /// An empty batch.
    pub fn new() -> Batch {
        Batch::default()
    }

    /// How many commands there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.commands.len()
    }

    /// Whether there are none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }

    /// How many bytes of input all commands take together.
    #[inline]
    pub fn consumed(&self) -> usize {
        self.consumed
    }

    /// The command at `index`, out of the `data` that this batch was decoded from.
    #[inline]
    pub fn args<'a>(&'a self, index: usize, data: &'a [u8]) -> Args<'a> {
        let start = if index == 0 { 0 } else { self.commands[index - 1].spans_end as usize };
        Args::new(data, &self.spans[start..self.commands[index].spans_end as usize])
    }

    /// How many bytes of input the command at `index` takes, with everything since the one before it.
    pub fn bytes_of(&self, index: usize) -> usize {
        let start = if index == 0 { 0 } else { self.commands[index - 1].bytes_end };
        (self.commands[index].bytes_end - start) as usize
    }

    /// The first command that has not run: see [`Batch::stop_at`].
    #[inline]
    pub fn next(&self) -> usize {
        self.done
    }

    /// Remembers that commands before `index` have run and the others have not.
    #[inline]
    pub fn stop_at(&mut self, index: usize) {
        self.done = index;
    }

    /// Empties it; keeps its memory, unless that is unusually much.
    #[inline]
    pub fn clear(&mut self) {
        self.spans.clear();
        self.commands.clear();
        self.consumed = 0;
        self.done = 0;
        if self.spans.capacity() > SPANS_KEPT {
            self.spans = Vec::new();
        }
    }

    /// Bytes of memory held.
    pub fn memory_bytes(&self) -> usize {
        self.spans.capacity() * size_of::<Span>() + self.commands.capacity() * size_of::<Command>()
    }

    /// The spans pushed since the last command are a command that ends at byte `bytes_end`.
    #[inline]
    pub(super) fn close(&mut self, bytes_end: usize) {
        self.commands.push(Command { spans_end: self.spans.len() as u32, bytes_end: bytes_end as u32 });
        self.consumed = bytes_end;
    }
}
