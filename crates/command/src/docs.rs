//! What the table says about a command, in the words of `COMMAND INFO` and `ACL CAT`: flags, categories, keys.

use crate::table::{Flags, Group, Handler, Keys, Row};

/// Every category, as Redis names them; the `@` is left out in lists of categories alone.
pub const CATEGORIES: &[&str] = &[
    "@keyspace",
    "@read",
    "@write",
    "@set",
    "@sortedset",
    "@list",
    "@hash",
    "@string",
    "@bitmap",
    "@hyperloglog",
    "@geo",
    "@stream",
    "@pubsub",
    "@admin",
    "@fast",
    "@slow",
    "@blocking",
    "@dangerous",
    "@connection",
    "@transaction",
    "@scripting",
];

/// The categories of a command.
pub fn categories(row: &Row) -> impl Iterator<Item = &'static str> {
    let has = |flag| row.flags.contains(flag);
    let container = matches!(row.handler, Handler::Container);
    // What works on a database as a whole is among the server's commands, and yet about keys.
    let whole =
        row.group == Group::Server && matches!(row.keys, Keys::None) && (has(Flags::READONLY) || has(Flags::WRITE));
    [
        (whole || row.group == Group::Generic && !has(Flags::CONNECTION) && !container, "@keyspace"),
        (has(Flags::READONLY), "@read"),
        (has(Flags::WRITE), "@write"),
        (row.group == Group::String, "@string"),
        (row.group == Group::Bitmap, "@bitmap"),
        (row.group == Group::List, "@list"),
        (row.group == Group::Set, "@set"),
        (row.group == Group::Hash, "@hash"),
        (row.group == Group::Transactions, "@transaction"),
        (row.group == Group::SortedSet, "@sortedset"),
        (has(Flags::PUBSUB), "@pubsub"),
        (has(Flags::ADMIN), "@admin"),
        (has(Flags::FAST), "@fast"),
        (!has(Flags::FAST), "@slow"),
        (has(Flags::BLOCKING), "@blocking"),
        (has(Flags::ADMIN) || has(Flags::DANGEROUS), "@dangerous"),
        (has(Flags::CONNECTION), "@connection"),
    ]
    .into_iter()
    .filter_map(|(belongs, name)| belongs.then_some(name))
}

/// The flags of a command, in Redis' words.
pub fn flag_names(row: &Row) -> Vec<&'static str> {
    let names = [
        (Flags::WRITE, "write"),
        (Flags::READONLY, "readonly"),
        (Flags::DENYOOM, "denyoom"),
        (Flags::ADMIN, "admin"),
        (Flags::PUBSUB, "pubsub"),
        (Flags::BLOCKING, "blocking"),
        (Flags::FAST, "fast"),
        (Flags::NO_AUTH, "no_auth"),
        (Flags::NO_MULTI, "no_multi"),
    ];
    let mut found: Vec<_> =
        names.into_iter().filter(|(flag, _)| row.flags.contains(*flag)).map(|(_, name)| name).collect();
    if matches!(row.keys, Keys::Counted { .. } | Keys::StoredCounted { .. }) {
        found.push("movablekeys");
    }
    found
}

/// First key, last key and step, as the first lines of `COMMAND INFO` say it; zeros where there are none, or where only
/// the arguments say where they are.
pub fn key_range(row: &Row) -> (i64, i64, i64) {
    match row.keys {
        Keys::Range { first, last, step } => (first as i64, last as i64, step as i64),
        Keys::StoredCounted { .. } => (1, 1, 1),
        Keys::None | Keys::Counted { .. } => (0, 0, 0),
    }
}

/// What a command does with its keys, in the words of key specifications.
pub fn key_flags(row: &Row) -> &'static [&'static str] {
    match row.flags {
        flags if flags.contains(Flags::PUBSUB) => &["not_key"],
        flags if flags.contains(Flags::WRITE) => &["RW", "access", "update"],
        _ => &["RO", "access"],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index;

    #[test]
    fn every_category_of_a_row_is_a_known_one() {
        for (row, _) in index::all_rows() {
            for category in categories(row) {
                assert!(CATEGORIES.contains(&category), "{category}");
            }
        }
        let kill = index::all_rows().find(|(row, _)| row.full_name() == "client|kill").unwrap().0;
        assert_eq!(categories(kill).collect::<Vec<_>>(), ["@admin", "@slow", "@dangerous", "@connection"]);
        let get = index::find(b"get").unwrap();
        assert_eq!(categories(get).collect::<Vec<_>>(), ["@read", "@string", "@fast"]);
        assert_eq!((flag_names(get), key_range(get)), (vec!["readonly", "fast"], (1, 1, 1)));
    }
}
