//! What makes input unreadable. Always the client's fault; the commands before it have run, nothing after it is looked at,
//! and the connection closes, because nobody can know where the next command starts. But for one: a command that is well
//! formed and too large to be kept is skipped ([`ProtocolError::is_skipped`]).

use std::fmt;

/// Why the input cannot be read. Displays as Redis' own sentence (`Protocol error: ...`), on which clients match.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ProtocolError {
    /// A `*` line that holds no number, or more arguments than allowed.
    MultibulkLength,
    /// More arguments than a client may send before it authenticates.
    UnauthenticatedMultibulkLength,
    /// A `$` line that holds no number, a negative one, or a longer value than allowed.
    BulkLength,
    /// A longer value than a client may send before it authenticates.
    UnauthenticatedBulkLength,
    /// An argument that starts with this byte instead of `$`.
    ExpectedDollar(u8),
    /// An argument that is not followed by a line end: its length was wrong.
    MissingCrlf,
    /// A line without `*` that is longer than allowed.
    InlineTooBig,
    /// A line with an open quote, or text right after a closing one.
    UnbalancedQuotes,
    /// A command whose arguments together exceed what a connection may hold.
    RequestTooBig,
    /// A command whose arguments together exceed what there is room for now: at least so many bytes, of so many.
    NoRoom(usize, usize),
}

impl ProtocolError {
    /// Whether the decoder knows where the next command starts, and goes on there: the connection may live.
    pub fn is_skipped(self) -> bool {
        matches!(self, ProtocolError::NoRoom(..))
    }
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let ProtocolError::NoRoom(bytes, room) = self {
            return write!(
                f,
                "request of {bytes} bytes or more is longer than the {room} that clients' buffers may hold; nothing was \
                 stored; raise clients-memory-percent (maxmemory-clients) or max-memory"
            );
        }
        f.write_str("Protocol error: ")?;
        f.write_str(match *self {
            ProtocolError::MultibulkLength => "invalid multibulk length",
            ProtocolError::UnauthenticatedMultibulkLength => "unauthenticated multibulk length",
            ProtocolError::BulkLength => "invalid bulk length",
            ProtocolError::UnauthenticatedBulkLength => "unauthenticated bulk length",
            ProtocolError::ExpectedDollar(got @ b' '..=b'~') => {
                return write!(f, "expected '$', got '{}'", char::from(got));
            }
            ProtocolError::ExpectedDollar(got) => return write!(f, "expected '$', got '\\x{got:02x}'"),
            ProtocolError::MissingCrlf => "expected a line end after an argument",
            ProtocolError::InlineTooBig => "too big inline request",
            ProtocolError::UnbalancedQuotes => "unbalanced quotes in request",
            ProtocolError::RequestTooBig => "too big request",
            ProtocolError::NoRoom(..) => unreachable!("said above"),
        })
    }
}

impl std::error::Error for ProtocolError {}
