//! Rows of the commands about the client's own connection and about other clients.

use super::{ServerCommand as S, help, row};
use crate::table::{Flags, Group, Row};

const G: Group = Group::Connection;
const OWN: Flags = Flags::CONNECTION;
const FAST: Flags = Flags::CONNECTION.union(Flags::FAST);
const ENTRY: Flags = FAST.union(Flags::NO_AUTH);
const OTHERS: Flags = Flags::CONNECTION.union(Flags::ADMIN);
const CLIENTS: &str = "O(N), N being the number of clients";

/// The rows.
pub static ROWS: &[Row] = &[
    row("PING", G, -1, S::Ping).flags(FAST).docs(
        "1.0.0",
        "O(1)",
        "[message]",
        "Answers PONG, or the message it was given.",
    ),
    row("ECHO", G, 2, S::Echo).flags(FAST).docs("1.0.0", "O(1)", "message", "Answers its argument."),
    row("HELLO", G, -1, S::Hello).flags(ENTRY.union(Flags::SECRET)).docs(
        "6.0.0",
        "O(1)",
        "[protover [AUTH username password] [SETNAME clientname]]",
        "Greets the server: chooses the version of RESP, and may authenticate and name the client.",
    ),
    row("AUTH", G, -2, S::Auth).flags(ENTRY.union(Flags::SECRET)).docs(
        "1.0.0",
        "O(1)",
        "[username] password",
        "Authenticates the client.",
    ),
    row("QUIT", G, -1, S::Quit).flags(ENTRY).docs("1.0.0", "O(1)", "", "Closes the connection after its answer."),
    row("RESET", G, 1, S::Reset).flags(ENTRY).docs(
        "6.2.0",
        "O(1)",
        "",
        "Puts the connection back into the state in which it began.",
    ),
    row("SELECT", G, 2, S::Select).flags(FAST).docs(
        "1.0.0",
        "O(1)",
        "<index | name>",
        "Selects a database, 0 to 15, or a namespace by its name.",
    ),
    Row::container("CLIENT", G, CLIENT).docs(
        "2.4.0",
        "Depends on the subcommand",
        "",
        "Commands about this and other clients.",
    ),
];

static CLIENT: &[Row] = &[
    row("CACHING", G, 3, S::ClientCaching).flags(OWN).docs(
        "6.0.0",
        "O(1)",
        "<YES | NO>",
        "Says whether the keys that the next command reads are tracked, in the modes OPTIN and OPTOUT.",
    ),
    row("GETNAME", G, 2, S::ClientGetName).flags(OWN).docs("2.6.9", "O(1)", "", "Answers the connection's name, or nothing."),
    row("GETREDIR", G, 2, S::ClientGetRedir).flags(OWN).docs(
        "6.0.0",
        "O(1)",
        "",
        "Answers to which client this one's invalidation messages go: 0 to itself, -1 none, because tracking is off.",
    ),
    help(G, OWN, "5.0.0"),
    row("ID", G, 2, S::ClientId).flags(OWN).docs("5.0.0", "O(1)", "", "Answers the connection's number, which is never used again."),
    row("INFO", G, 2, S::ClientInfo).flags(OWN).docs("6.2.0", "O(1)", "", "Answers the line of CLIENT LIST about this connection."),
    row("KILL", G, -3, S::ClientKill).flags(OTHERS).docs(
        "2.4.0",
        CLIENTS,
        "<ip:port | <[ID client-id] [TYPE <NORMAL | MASTER | SLAVE | REPLICA | PUBSUB>] [USER username] [ADDR ip:port] [LADDR ip:port] [SKIPME <YES | NO>] [MAXAGE seconds]>>",
        "Closes the connections that all of the filters match.",
    ),
    row("LIST", G, -2, S::ClientList).flags(OTHERS).docs(
        "2.4.0",
        CLIENTS,
        "[TYPE <NORMAL | MASTER | REPLICA | PUBSUB>] [ID client-id [client-id ...]]",
        "Answers a line about each client.",
    ),
    row("NO-EVICT", G, 3, S::ClientNoEvict).flags(OTHERS).docs(
        "7.0.0",
        "O(1)",
        "<ON | OFF>",
        "Says whether this client may be disconnected when the clients' buffers take too much memory.",
    ),
    row("NO-TOUCH", G, 3, S::ClientNoTouch).flags(OWN).docs(
        "7.2.0",
        "O(1)",
        "<ON | OFF>",
        "Says whether this client's reads leave the rank of the entries alone.",
    ),
    row("PAUSE", G, -3, S::ClientPause).flags(OTHERS).docs(
        "2.9.50",
        "O(1)",
        "timeout [WRITE | ALL]",
        "Lets the commands of all clients, or those that write, wait for so many milliseconds.",
    ),
    row("REPLY", G, 3, S::ClientReply).flags(OWN).docs(
        "3.2.0",
        "O(1)",
        "<ON | OFF | SKIP>",
        "Says whether this client wants answers.",
    ),
    row("SETINFO", G, 4, S::ClientSetInfo).flags(OWN).docs(
        "7.2.0",
        "O(1)",
        "<LIB-NAME libname | LIB-VER libver>",
        "Says which library this client is.",
    ),
    row("SETNAME", G, 3, S::ClientSetName).flags(OWN).docs("2.6.9", "O(1)", "connection-name", "Names the connection; an empty name takes it away."),
    row("TRACKING", G, -3, S::ClientTracking).flags(OWN).docs(
        "6.0.0",
        "O(1); some options may need O(N), N being the number of prefixes",
        "<ON | OFF> [REDIRECT client-id] [PREFIX prefix [PREFIX prefix ...]] [BCAST] [OPTIN] [OPTOUT] [NOLOOP]",
        "Lets this client be told when a key changes that it has read, or whose prefix it has named.",
    ),
    row("TRACKINGINFO", G, 2, S::ClientTrackingInfo).flags(OWN).docs(
        "6.2.0",
        "O(1)",
        "",
        "Answers how this connection tracks keys, where the messages go, and which prefixes it has.",
    ),
    row("UNBLOCK", G, -3, S::ClientUnblock).flags(OTHERS).docs(
        "5.0.0",
        "O(1)",
        "client-id [TIMEOUT | ERROR]",
        "Ends another client's waiting in a blocking command; answers whether it waited.",
    ),
    row("UNPAUSE", G, 2, S::ClientUnpause).flags(OTHERS).docs("6.2.0", CLIENTS, "", "Ends a CLIENT PAUSE."),
];
