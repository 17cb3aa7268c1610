//! Rows of the commands that make several commands one.

use super::{ServerCommand as S, row};
use crate::table::{Flags, Group, Keys, Row};

const G: Group = Group::Transactions;

/// The rows.
pub static ROWS: &[Row] = &[
    row("MULTI", G, 1, S::Multi).flags(Flags::FAST).docs(
        "1.2.0",
        "O(1)",
        "",
        "Begins a transaction: the commands that follow are kept until EXEC.",
    ),
    row("EXEC", G, 1, S::Exec).docs(
        "1.2.0",
        "That of the transaction's commands",
        "",
        "Runs the commands since MULTI while nobody else reaches their slots. INFO, MEMORY and CONFIG among them are \
         moments at which others may.",
    ),
    row("DISCARD", G, 1, S::Discard).flags(Flags::FAST).docs(
        "2.0.0",
        "O(N), where N is the number of commands kept",
        "",
        "Forgets the commands since MULTI.",
    ),
    row("WATCH", G, -2, S::Watch).flags(Flags::FAST).keys(Keys::ALL).docs(
        "2.2.0",
        "O(N), where N is the number of keys",
        "key [key ...]",
        "Makes the next EXEC run only if these keys do not change before.",
    ),
    row("UNWATCH", G, 1, S::Unwatch).flags(Flags::FAST).docs(
        "2.2.0",
        "O(N), where N is the number of watched keys",
        "",
        "Forgets the keys that are watched.",
    ),
];
