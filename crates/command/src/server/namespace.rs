//! Rows of the commands about namespaces: their names, quotas and settings.

use super::{ServerCommand as S, help, row};
use crate::table::{Flags, Group, Row};

const G: Group = Group::Server;
const ADMIN: Flags = Flags::ADMIN;
/// They lock all of the store for themselves, which a transaction holds.
const CHANGE: Flags = Flags::ADMIN.union(Flags::NO_MULTI);
const SINCE: &str = "scrubjay 0.1";
const ALL: &str = "O(N), N being the number of namespaces";

/// The rows.
pub static ROWS: &[Row] = &[Row::container("JAY.NAMESPACE", G, NAMESPACE).docs(
    SINCE,
    "Depends on the subcommand",
    "",
    "Commands about namespaces: their names, quotas and settings.",
)];

static NAMESPACE: &[Row] = &[
    row("DROP", G, 3, S::JayNamespaceDrop).flags(CHANGE.union(Flags::DANGEROUS)).docs(
        SINCE,
        "O(N), N being the number of its entries",
        "name",
        "Empties a namespace and forgets it; one of the sixteen numbers keeps its entries and loses its settings.",
    ),
    row("GET", G, 3, S::JayNamespaceGet).flags(ADMIN).docs(
        SINCE,
        "O(1)",
        "name",
        "Answers a namespace's database, settings and counts.",
    ),
    help(G, Flags::empty(), SINCE),
    row("LIST", G, 2, S::JayNamespaceList).flags(ADMIN).docs(
        SINCE,
        ALL,
        "",
        "Answers every namespace that has a name or settings, each as GET does.",
    ),
    row("SET", G, -3, S::JayNamespaceSet).flags(CHANGE).docs(
        SINCE,
        "O(1); O(N) for a limit or a policy, N being the number of its entries",
        "name [MAXMEMORY bytes] [POLICY <policy | INHERIT>] [TTL <seconds | INHERIT>] [MAXOPS ops]",
        "Makes a namespace, or changes those of its settings that are named.",
    ),
];
