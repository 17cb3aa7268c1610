//! The commands that need the session, the configuration, other clients or the process.

use crate::session::Session;
use crate::shared::Shared;
use scrubjay_command::server::ServerCommand;
use scrubjay_command::{Args, Reject, Reply};

/// Runs `command`: says its whole answer to `reply`, or returns a refusal, having changed and said nothing.
///
/// For a subcommand, `args` is the whole command: `args[0]` is the container's name, `args[1]` the subcommand's.
pub fn run(
    command: ServerCommand,
    _shared: &Shared,
    _session: &mut Session,
    args: &Args<'_>,
    reply: &mut dyn Reply,
) -> Result<(), Reject> {
    match command {
        ServerCommand::Ping => match args.get(1) {
            Some(message) => reply.bulk(message),
            None => reply.simple("PONG"),
        },
    }
    Ok(())
}
