//! Rows of the commands that say what is hot and what is big. They are this server's own; in front of their names stands
//! `JAY.`, so that none of them is ever one of Redis'.

use super::{ServerCommand as S, help, row};
use crate::table::{Flags, Group, Row};

const G: Group = Group::Server;
const ADMIN: Flags = Flags::ADMIN;
const SINCE: &str = "scrubjay 0.1";
const SAMPLED: &str = "O(N), N being the number of samples";

/// The rows.
pub static ROWS: &[Row] = &[
    row("JAY.HOTKEYS", G, -1, S::JayHotKeys).flags(ADMIN).docs(
        SINCE,
        "O(N), N being hot-key-capacity times the number of threads",
        "[COUNT count] [RESET]",
        "Answers the keys that are used most, 10 unless told, with their database and their estimated uses within hot-key-window; RESET forgets the counts afterwards.",
    ),
    row("JAY.BIGKEYS", G, -1, S::JayBigKeys).flags(ADMIN).docs(
        SINCE,
        "O(N), N being the number of entries of more than some 2 KiB",
        "[COUNT count] [TYPE type]",
        "Answers the entries of all databases that take most memory, 10 unless told; none of less than some 2 KiB.",
    ),
    Row::container("JAY.MEMORY", G, MEMORY).docs(
        SINCE,
        "Depends on the subcommand",
        "",
        "Commands about what takes the memory of the selected database, estimated from random entries.",
    ),
];

static MEMORY: &[Row] = &[
    help(G, Flags::empty(), SINCE),
    row("HISTOGRAM", G, -2, S::JayMemoryHistogram).flags(ADMIN).docs(
        SINCE,
        SAMPLED,
        "[PREFIX prefix] [SAMPLES samples]",
        "Answers how many entries have keys and values of which sizes, in powers of two, estimated from 5000 random entries unless told.",
    ),
    row("PREFIXES", G, -2, S::JayMemoryPrefixes).flags(ADMIN).docs(
        SINCE,
        SAMPLED,
        "[DEPTH depth] [SEPARATOR separator] [SAMPLES samples] [COUNT count]",
        "Answers which prefixes of keys take how much memory, estimated from 5000 random entries unless told, each with the error that 95 of 100 estimates stay below.",
    ),
];
