//! Rows of the commands about the server: what it is, what it does, how it is set.

use super::{ServerCommand as S, help, row};
use crate::table::{Flags, Group, Keys, Row};

const G: Group = Group::Server;
const ADMIN: Flags = Flags::ADMIN;
const ABOUT: Flags = Flags::CONNECTION;
const COMMANDS: &str = "O(N), N being the number of commands";
const ASKED: &str = "O(N), N being the number of names given";
const DEPENDS: &str = "Depends on the subcommand";

/// The rows.
pub static ROWS: &[Row] = &[
    Row { handler: crate::table::Handler::Server(S::Command), arity: -1, ..Row::container("COMMAND", G, COMMAND) }
        .flags(ABOUT)
        .docs("2.8.13", COMMANDS, "", "Describes every command."),
    Row::container("CONFIG", G, CONFIG).docs("2.0.0", DEPENDS, "", "Commands about the settings."),
    row("INFO", G, -1, S::Info).flags(Flags::DANGEROUS).docs(
        "1.0.0",
        "O(1)",
        "[section [section ...]]",
        "Describes the server in sections of name:value lines.",
    ),
    Row::container("MEMORY", G, MEMORY).docs("4.0.0", DEPENDS, "", "Commands about memory."),
    Row::container("SLOWLOG", G, SLOWLOG).docs("2.2.12", DEPENDS, "", "Commands about the log of slow commands."),
    Row::container("LATENCY", G, LATENCY).docs("2.8.13", DEPENDS, "", "Commands about where time went."),
    Row::container("ACL", G, ACL).docs("6.0.0", DEPENDS, "", "Commands about users and what they may do."),
    row("CLUSTER", Group::Cluster, -2, S::Cluster).docs(
        "3.0.0",
        "O(1)",
        "subcommand [argument [argument ...]]",
        "Answers the slot of a key (KEYSLOT); the other subcommands are refused because this node stands alone.",
    ),
    row("MONITOR", G, 1, S::Monitor).flags(ADMIN).docs(
        "1.0.0",
        "O(1); every command then costs as much as its text is long",
        "",
        "Shows every command that the server runs from now on.",
    ),
    row("ROLE", G, 1, S::Role).flags(ADMIN.union(Flags::FAST)).docs(
        "2.8.12",
        "O(1)",
        "",
        "Answers this node's part in replication.",
    ),
    row("TIME", G, 1, S::Time).flags(Flags::FAST).docs(
        "2.6.0",
        "O(1)",
        "",
        "Answers the server's time: Unix seconds, and microseconds within the second.",
    ),
    row("LASTSAVE", G, 1, S::LastSave).flags(ADMIN.union(Flags::FAST)).docs(
        "1.0.0",
        "O(1)",
        "",
        "Answers when the data was last saved as a whole: Unix seconds; the start where it never was.",
    ),
    row("WAIT", Group::Generic, 3, S::Wait).flags(Flags::CONNECTION).docs(
        "3.0.0",
        "O(1)",
        "numreplicas timeout",
        "Waits until so many replicas have this connection's writes; answers how many have.",
    ),
    row("SHUTDOWN", G, -1, S::Shutdown).flags(ADMIN.union(Flags::NO_MULTI)).docs(
        "1.0.0",
        "O(1)",
        "[NOSAVE | SAVE] [NOW] [FORCE] [ABORT]",
        "Stops the server after it has answered what it has read.",
    ),
];

static COMMAND: &[Row] = &[
    row("COUNT", G, 2, S::CommandCount).flags(ABOUT).docs("2.8.13", "O(1)", "", "Answers how many commands there are."),
    row("DOCS", G, -2, S::CommandDocs).flags(ABOUT).docs(
        "7.0.0",
        ASKED,
        "[command-name [command-name ...]]",
        "Describes the commands for people: what they do, since when, with which arguments.",
    ),
    row("GETKEYS", G, -3, S::CommandGetKeys).flags(ABOUT).docs(
        "2.8.13",
        "O(N), N being the number of arguments",
        "command [arg [arg ...]]",
        "Answers the keys in a whole command.",
    ),
    row("GETKEYSANDFLAGS", G, -3, S::CommandGetKeysAndFlags).flags(ABOUT).docs(
        "7.0.0",
        "O(N), N being the number of arguments",
        "command [arg [arg ...]]",
        "Answers the keys in a whole command, and what it does with them.",
    ),
    help(G, ABOUT, "5.0.0"),
    row("INFO", G, -2, S::CommandInfo).flags(ABOUT).docs(
        "2.8.13",
        ASKED,
        "[command-name [command-name ...]]",
        "Describes the commands for programs: arguments, flags, keys.",
    ),
    row("LIST", G, -2, S::CommandList).flags(ABOUT).docs(
        "7.0.0",
        COMMANDS,
        "[FILTERBY <MODULE module-name | ACLCAT category | PATTERN pattern>]",
        "Answers the names of the commands.",
    ),
];

static CONFIG: &[Row] = &[
    row("GET", G, -3, S::ConfigGet).flags(ADMIN).docs(
        "2.0.0",
        "O(N), N being the number of settings",
        "parameter [parameter ...]",
        "Answers the settings whose names match any of the globs.",
    ),
    help(G, Flags::empty(), "5.0.0"),
    row("RESETSTAT", G, 2, S::ConfigResetStat).flags(ADMIN).docs(
        "2.0.0",
        COMMANDS,
        "",
        "Sets the statistics of INFO back to zero.",
    ),
    row("REWRITE", G, 2, S::ConfigRewrite).flags(ADMIN).docs(
        "2.8.0",
        "O(N), N being the number of settings",
        "",
        "Writes what CONFIG SET changed back into the file that the server was started with.",
    ),
    row("SET", G, -4, S::ConfigSet).flags(ADMIN).docs(
        "2.0.0",
        "O(N), N being the number of settings given",
        "parameter value [parameter value ...]",
        "Changes settings, all of those given or none.",
    ),
];

static MEMORY: &[Row] = &[
    row("DOCTOR", G, 2, S::MemoryDoctor).docs(
        "4.0.0",
        "O(1)",
        "",
        "Says in words what is wrong with the memory, if anything.",
    ),
    help(G, Flags::empty(), "4.0.0"),
    row("MALLOC-STATS", G, 2, S::MemoryMallocStats).docs("4.0.0", "O(1)", "", "Describes what the allocator holds."),
    row("PURGE", G, 2, S::MemoryPurge).docs(
        "4.0.0",
        "O(N), N being the number of free pages",
        "",
        "Gives free memory back to the system.",
    ),
    row("STATS", G, 2, S::MemoryStats).docs("4.0.0", "O(1)", "", "Answers what takes how much memory."),
    row("USAGE", G, -3, S::MemoryUsage).flags(Flags::READONLY).keys(Keys::Range { first: 2, last: 2, step: 1 }).docs(
        "4.0.0",
        "O(1)",
        "key [SAMPLES count]",
        "Answers how many bytes an entry takes, or nothing if there is none.",
    ),
];

static SLOWLOG: &[Row] = &[
    row("GET", G, -2, S::SlowlogGet).flags(ADMIN).docs(
        "2.2.12",
        "O(N), N being the number of entries answered",
        "[count]",
        "Answers the latest entries of the slow log, 10 unless told; -1 means all.",
    ),
    help(G, Flags::empty(), "6.2.0"),
    row("LEN", G, 2, S::SlowlogLen).flags(ADMIN).docs(
        "2.2.12",
        "O(1)",
        "",
        "Answers how many entries the slow log has.",
    ),
    row("RESET", G, 2, S::SlowlogReset).flags(ADMIN).docs(
        "2.2.12",
        "O(N), N being the number of entries",
        "",
        "Empties the slow log.",
    ),
];

static LATENCY: &[Row] = &[
    row("DOCTOR", G, 2, S::LatencyDoctor).flags(ADMIN).docs(
        "2.8.13",
        "O(1)",
        "",
        "Says in words what took long, and what to do.",
    ),
    row("GRAPH", G, 3, S::LatencyGraph).flags(ADMIN).docs(
        "2.8.13",
        "O(1)",
        "event",
        "Draws how long an event took over time.",
    ),
    help(G, Flags::empty(), "2.8.13"),
    row("HISTOGRAM", G, -2, S::LatencyHistogram).flags(ADMIN).docs(
        "7.0.0",
        ASKED,
        "[command [command ...]]",
        "Answers how many calls of each command took how long, in microseconds.",
    ),
    row("HISTORY", G, 3, S::LatencyHistory).flags(ADMIN).docs(
        "2.8.13",
        "O(1)",
        "event",
        "Answers when an event took long, and how long.",
    ),
    row("LATEST", G, 2, S::LatencyLatest).flags(ADMIN).docs(
        "2.8.13",
        "O(1)",
        "",
        "Answers for each event when it last took long, how long, and the longest so far.",
    ),
    row("RESET", G, -2, S::LatencyReset).flags(ADMIN).docs(
        "2.8.13",
        "O(1)",
        "[event [event ...]]",
        "Forgets these events, or all; answers how many.",
    ),
];

static ACL: &[Row] = &[
    row("CAT", G, -2, S::AclCat).docs(
        "6.0.0",
        COMMANDS,
        "[category]",
        "Answers the categories of commands, or the commands of one.",
    ),
    help(G, Flags::empty(), "6.0.0"),
    row("USERS", G, 2, S::AclUsers).flags(ADMIN).docs(
        "6.0.0",
        "O(1)",
        "",
        "Answers the names of the users: there is one, default.",
    ),
    row("WHOAMI", G, 2, S::AclWhoAmI).docs("6.0.0", "O(1)", "", "Answers the name of the connection's user."),
];
