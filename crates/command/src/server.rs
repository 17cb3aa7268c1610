//! The rows of commands that the server runs itself, because they concern the session, other clients, the configuration
//! or the process. The handlers are in the `server` crate, which matches on [`ServerCommand`] exhaustively.

use crate::table::{Flags, Group, Handler, Keys, Row};

/// A command that the server runs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ServerCommand {
    /// `PING`.
    Ping,
}

/// The rows.
pub static ROWS: &[Row] = &[Row {
    name: "PING",
    group: Group::Connection,
    arity: -1,
    flags: Flags::FAST.union(Flags::CONNECTION),
    keys: Keys::None,
    since: "1.0.0",
    complexity: "O(1)",
    summary: "Answers PONG, or the message it was given.",
    usage: "[message]",
    handler: Handler::Server(ServerCommand::Ping),
    subcommands: &[],
}];
