//! What ends a run without a report. An error *reply* does not: it is counted, and its text is in the report.

use std::{fmt, io};

/// Why there is no report.
#[derive(Debug)]
pub enum Error {
    /// The settings contradict each other or a limit; nothing was sent.
    BadConfig(String),
    /// The server could not be reached; nothing was sent.
    Connect {
        /// Where it was expected.
        address: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// The server closed a connection, or the network failed, after the run had begun.
    Lost {
        /// What the operating system said; `UnexpectedEof` when the server closed.
        source: io::Error,
        /// What the server had said on its connections by way of error replies, if anything.
        last_words: Option<String>,
    },
    /// The server sent something that is no reply in the protocol spoken.
    Garbled(String),
    /// No reply on any connection for so many seconds.
    Stalled {
        /// The limit that was reached.
        seconds: f64,
        /// Replies that were still owed.
        owed: u64,
    },
    /// Open loop: the server does not keep up with the rate.
    Overloaded {
        /// The rate asked for.
        rate_per_s: f64,
        /// Requests without an answer when the run was given up.
        owed: u64,
    },
    /// The operating system refused something other than a connection (a poll, a thread).
    System(io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::BadConfig(complaint) => write!(f, "bad setting: {complaint}"),
            Error::Connect { address, source } => {
                write!(f, "cannot connect to {address}: {source}; is the server running there?")
            }
            Error::Lost { source, last_words } => {
                write!(f, "the server's connection was lost during the run: {source}")?;
                match last_words {
                    Some(words) => write!(f, "; before that it said: {words}"),
                    None => Ok(()),
                }
            }
            Error::Garbled(what) => write!(f, "the server's bytes are no reply in this protocol: {what}"),
            Error::Stalled { seconds, owed } => {
                write!(f, "the server answered nothing for {seconds} s while {owed} replies were owed")
            }
            Error::Overloaded { rate_per_s, owed } => write!(
                f,
                "the server does not keep up with {rate_per_s} requests/s: {owed} are unanswered; ask for a lower rate"
            ),
            Error::System(source) => write!(f, "the operating system refused the load generator: {source}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Connect { source, .. } | Error::Lost { source, .. } | Error::System(source) => Some(source),
            _ => None,
        }
    }
}
