//! The rows of commands that the server runs itself, because they concern the session, other clients, the settings or the
//! process. The handlers are in the `server` crate, which matches on [`ServerCommand`] exhaustively.

pub mod admin;
pub mod connection;
pub mod insight;
pub mod namespace;
pub mod pubsub;
pub mod transaction;

use crate::table::{Flags, Group, Handler, Row};

/// A command that the server runs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs)] // a name is that of its row, whose summary says what it does
pub enum ServerCommand {
    Ping,
    Echo,
    Hello,
    Auth,
    Quit,
    Multi,
    Exec,
    Discard,
    Watch,
    Unwatch,
    Reset,
    Select,
    ClientCaching,
    ClientGetName,
    ClientGetRedir,
    ClientId,
    ClientInfo,
    ClientKill,
    ClientList,
    ClientNoEvict,
    ClientNoTouch,
    ClientPause,
    ClientReply,
    ClientSetInfo,
    ClientSetName,
    ClientTracking,
    ClientTrackingInfo,
    ClientUnblock,
    ClientUnpause,
    Command,
    CommandCount,
    CommandDocs,
    CommandGetKeys,
    CommandGetKeysAndFlags,
    CommandInfo,
    CommandList,
    ConfigGet,
    ConfigResetStat,
    ConfigRewrite,
    ConfigSet,
    Info,
    MemoryDoctor,
    MemoryMallocStats,
    MemoryPurge,
    MemoryStats,
    MemoryUsage,
    SlowlogGet,
    SlowlogLen,
    SlowlogReset,
    LatencyDoctor,
    LatencyGraph,
    LatencyHistogram,
    LatencyHistory,
    LatencyLatest,
    LatencyReset,
    AclCat,
    AclUsers,
    AclWhoAmI,
    Cluster,
    Monitor,
    Role,
    Time,
    LastSave,
    Wait,
    Shutdown,
    Subscribe,
    Unsubscribe,
    PSubscribe,
    PUnsubscribe,
    SSubscribe,
    SUnsubscribe,
    Publish,
    SPublish,
    PubSubChannels,
    PubSubNumPat,
    PubSubNumSub,
    PubSubShardChannels,
    PubSubShardNumSub,
    JayHotKeys,
    JayBigKeys,
    JayMemoryHistogram,
    JayMemoryPrefixes,
    JayNamespaceDrop,
    JayNamespaceGet,
    JayNamespaceList,
    JayNamespaceSet,
    /// `HELP` of any container.
    Help,
}

/// A row that the server runs.
const fn row(name: &'static str, group: Group, arity: i16, command: ServerCommand) -> Row {
    Row::new(name, group, arity, Handler::Server(command))
}

/// The `HELP` of a container that exists since version `since` of Redis.
pub(crate) const fn help(group: Group, flags: Flags, since: &'static str) -> Row {
    row("HELP", group, 2, ServerCommand::Help).flags(flags).docs(
        since,
        "O(N), N being the number of subcommands",
        "",
        "Says what the subcommands do.",
    )
}

/// The lines of `container`'s `HELP`: each subcommand with its arguments, and below it its sentence.
pub fn help_lines(container: &Row) -> Vec<String> {
    let mut lines = vec![format!("{} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", container.name)];
    for row in container.subcommands {
        lines.push(format!("{} {}", row.name, row.usage).trim_end().to_owned());
        lines.push(format!("    {}", row.summary));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_names_every_subcommand_with_its_sentence() {
        let container = connection::ROWS.iter().find(|row| row.name == "CLIENT").unwrap();
        let lines = help_lines(container);
        assert_eq!(lines.len(), 1 + 2 * container.subcommands.len());
        assert!(lines.contains(&"SETNAME connection-name".to_owned()));
        assert!(lines.last().is_some_and(|line| line.starts_with("    ")));
    }
}
