//! `COMMAND`: the table, for programs (`INFO`), for people (`DOCS`), and the keys in a command.

use super::{Done, refusal};
use scrubjay_base::glob;
use scrubjay_command::usage::{self, Argument, ArgumentKind};
use scrubjay_command::{Args, Kind, Reject, Reply, Row, docs, index, resolve};

pub(super) fn all(reply: &mut dyn Reply) -> Done {
    reply.array(index::rows().count());
    index::rows().for_each(|row| describe(row, reply));
    Ok(())
}

pub(super) fn count(reply: &mut dyn Reply) -> Done {
    reply.int(index::rows().count() as i64);
    Ok(())
}

pub(super) fn info(args: &Args<'_>, reply: &mut dyn Reply) -> Done {
    if args.len() == 2 {
        return all(reply);
    }
    reply.array(args.len() - 2);
    for name in args.from(2) {
        match named(name) {
            Some(row) => describe(row, reply),
            None => reply.null(),
        }
    }
    Ok(())
}

/// The row called `get`, `client` or `client|list`.
fn named(name: &[u8]) -> Option<&'static Row> {
    let mut parts = name.splitn(2, |&byte| byte == b'|');
    let row = index::find(parts.next()?)?;
    match parts.next() {
        None => Some(row),
        Some(sub) => row.subcommands.iter().find(|row| sub.eq_ignore_ascii_case(row.name.as_bytes())),
    }
}

/// Ten fields, as in Redis 7: name, arity, flags, first key, last key, step, categories, tips, keys, subcommands.
fn describe(row: &'static Row, reply: &mut dyn Reply) {
    reply.array(10);
    reply.text(&row.full_name());
    reply.int(i64::from(row.arity));
    let flags = docs::flag_names(row);
    reply.set(flags.len());
    flags.into_iter().for_each(|flag| reply.simple(flag));
    let (first, last, step) = docs::key_range(row);
    reply.int(first);
    reply.int(last);
    reply.int(step);
    let categories: Vec<&str> = docs::categories(row).collect();
    reply.set(categories.len());
    categories.into_iter().for_each(|category| reply.simple(category));
    reply.array(0);
    describe_keys(row, reply);
    reply.array(row.subcommands.len());
    row.subcommands.iter().for_each(|sub| describe(sub, reply));
}

/// The key specifications: where to begin, and how to go on from there.
fn describe_keys(row: &Row, reply: &mut dyn Reply) {
    use scrubjay_command::table::Keys;
    let counted = |count| (count, [("keynumidx", 0), ("firstkey", 1), ("keystep", 1)]);
    let specs: &[(usize, [(&str, i64); 3])] = match row.keys {
        Keys::None => &[],
        Keys::Range { first, last, step } => {
            // `lastkey` counts from the first key.
            let last = if last < 0 { last } else { last - first as isize };
            &[(first, [("lastkey", last as i64), ("keystep", step as i64), ("limit", 0)])]
        }
        Keys::Counted { count } => &[counted(count)],
        Keys::StoredCounted { count } => &[(1, [("lastkey", 0), ("keystep", 1), ("limit", 0)]), counted(count)],
    };
    reply.array(specs.len());
    for (number, (begin, find)) in specs.iter().enumerate() {
        describe_key(if number == 0 { docs::key_flags(row) } else { &["RO", "access"] }, *begin, *find, reply);
    }
}

fn describe_key(flags: &[&'static str], begin: usize, find: [(&str, i64); 3], reply: &mut dyn Reply) {
    reply.map(3);
    reply.text("flags");
    reply.set(flags.len());
    flags.iter().for_each(|flag| reply.simple(flag));
    reply.text("begin_search");
    reply.map(2);
    reply.text("type");
    reply.text("index");
    reply.text("spec");
    reply.map(1);
    reply.text("index");
    reply.int(begin as i64);
    reply.text("find_keys");
    reply.map(2);
    reply.text("type");
    reply.text(if find[0].0 == "lastkey" { "range" } else { "keynum" });
    reply.text("spec");
    reply.map(3);
    for (name, value) in find {
        reply.text(name);
        reply.int(value);
    }
}

pub(super) fn docs(args: &Args<'_>, reply: &mut dyn Reply) -> Done {
    let rows: Vec<&'static Row> = match args.len() {
        2 => index::rows().collect(),
        _ => args.from(2).filter_map(named).collect(),
    };
    reply.map(rows.len());
    rows.into_iter().for_each(|row| document(row, reply));
    Ok(())
}

/// A name, and a map of what is to be said about it.
fn document(row: &'static Row, reply: &mut dyn Reply) {
    let arguments = usage::parse(row.usage).unwrap_or_default();
    reply.text(&row.full_name());
    reply.map(4 + usize::from(!arguments.is_empty()) + usize::from(!row.subcommands.is_empty()));
    for (name, value) in
        [("summary", row.summary), ("since", row.since), ("group", row.group.name()), ("complexity", row.complexity)]
    {
        reply.text(name);
        reply.text(value);
    }
    if !arguments.is_empty() {
        reply.text("arguments");
        document_arguments(&arguments, reply);
    }
    if !row.subcommands.is_empty() {
        reply.text("subcommands");
        reply.map(row.subcommands.len());
        row.subcommands.iter().for_each(|sub| document(sub, reply));
    }
}

fn document_arguments(arguments: &[Argument], reply: &mut dyn Reply) {
    reply.array(arguments.len());
    for argument in arguments {
        let flags: Vec<&'static str> = [(argument.optional, "optional"), (argument.multiple, "multiple")]
            .into_iter()
            .filter_map(|(yes, name)| yes.then_some(name))
            .collect();
        let is_key = argument.kind == ArgumentKind::Key;
        let fields = [is_key, argument.token.is_some(), !flags.is_empty(), !argument.children.is_empty()];
        reply.map(2 + fields.into_iter().filter(|there| *there).count());
        reply.text("name");
        reply.text(&argument.name);
        reply.text("type");
        reply.text(argument.kind.name());
        if is_key {
            reply.text("key_spec_index");
            reply.int(0);
        }
        if let Some(token) = &argument.token {
            reply.text("token");
            reply.text(token);
        }
        if !flags.is_empty() {
            reply.text("flags");
            reply.set(flags.len());
            flags.into_iter().for_each(|flag| reply.simple(flag));
        }
        if !argument.children.is_empty() {
            reply.text("arguments");
            document_arguments(&argument.children, reply);
        }
    }
}

pub(super) fn get_keys(args: &Args<'_>, reply: &mut dyn Reply) -> Done {
    let call = args.skip(2);
    let (_, keys) = keys_of(&call)?;
    reply.array(keys.len());
    keys.into_iter().for_each(|at| reply.bulk(call.at(at)));
    Ok(())
}

pub(super) fn get_keys_and_flags(args: &Args<'_>, reply: &mut dyn Reply) -> Done {
    let call = args.skip(2);
    let (row, keys) = keys_of(&call)?;
    let flags = docs::key_flags(row);
    reply.array(keys.len());
    for at in keys {
        reply.array(2);
        reply.bulk(call.at(at));
        reply.set(flags.len());
        flags.iter().for_each(|flag| reply.simple(flag));
    }
    Ok(())
}

/// The command that `call` is, and the indices of its keys.
fn keys_of(call: &Args<'_>) -> Result<(&'static Row, Vec<usize>), Reject> {
    let row = resolve(call).map_err(|reject| match reject.kind() {
        Kind::Unknown => refusal("Invalid command specified"),
        _ => refusal("Invalid number of arguments specified for command"),
    })?;
    let keys = row.keys.indices(call);
    if keys.is_empty() { Err(refusal("The command has no key arguments")) } else { Ok((row, keys)) }
}

pub(super) fn list(args: &Args<'_>, reply: &mut dyn Reply) -> Done {
    let filter = match args.len() {
        2 => ListFilter::All,
        5 if args.is(2, "filterby") => ListFilter::read(args)?,
        _ => return Err(Reject::SYNTAX),
    };
    let names = index::all_rows().filter_map(|(row, container)| {
        let name = row.full_name();
        let wanted = match &filter {
            // Without a filter Redis lists the commands, with one their subcommands too.
            ListFilter::All => container.is_none(),
            ListFilter::Nothing => false,
            ListFilter::Category(wanted) => docs::categories(row).any(|category| category.as_bytes()[1..] == **wanted),
            ListFilter::Pattern(pattern) => glob::matches_ignoring_case(pattern, name.as_bytes()),
        };
        wanted.then_some(name)
    });
    let names: Vec<String> = names.collect();
    reply.array(names.len());
    names.iter().for_each(|name| reply.text(name));
    Ok(())
}

/// Which commands `COMMAND LIST` names.
enum ListFilter {
    All,
    Nothing,
    Category(Vec<u8>),
    Pattern(Vec<u8>),
}

impl ListFilter {
    fn read(args: &Args<'_>) -> Result<ListFilter, Reject> {
        let value = args.at(4).to_ascii_lowercase();
        match args {
            _ if args.is(3, "aclcat") => Ok(ListFilter::Category(value)),
            _ if args.is(3, "pattern") => Ok(ListFilter::Pattern(value)),
            // There are no modules, and so no commands of theirs.
            _ if args.is(3, "module") => Ok(ListFilter::Nothing),
            _ => Err(Reject::SYNTAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{run, session, shared};
    use scrubjay_command::index;

    #[test]
    fn info_describes_commands_and_subcommands_for_programs() {
        let shared = shared();
        let mut client = session(&shared, 1000);
        let get = "[get, 2, [readonly, fast], 1, 1, 1, [@read, @string, @fast], [], [{flags: [RO, access], begin_search: {type: index, \
                   spec: {index: 1}}, find_keys: {type: range, spec: {lastkey: 0, keystep: 1, limit: 0}}}], []]";
        assert_eq!(run(&shared, &mut client, "command info get nope"), format!("[{get}, (nil)]"));
        assert!(run(&shared, &mut client, "command info client|id").starts_with("[[client|id, 2, "));
        assert!(
            run(&shared, &mut client, "command info config").contains("[config|get, -3, [admin], 0, 0, 0, [@admin, ")
        );
        let all = run(&shared, &mut client, "command");
        assert!(all.contains(get) && all == run(&shared, &mut client, "command info"));
        assert_eq!(run(&shared, &mut client, "command count"), index::rows().count().to_string());
    }

    #[test]
    fn docs_describe_every_command_for_people() {
        let shared = shared();
        let mut client = session(&shared, 1000);
        let select = "{select: {summary: Selects a database, 0 to 15, or a namespace by its name., since: 1.0.0, group: \
                      connection, complexity: O(1), arguments: [{name: index-name, type: oneof, arguments: [{name: index, \
                      type: integer}, {name: name, type: string}]}]}}";
        assert_eq!(run(&shared, &mut client, "command docs select nope"), select);
        let kill = run(&shared, &mut client, "command docs client|reply");
        assert!(kill.contains("type: oneof, arguments: [{name: on, type: pure-token, token: ON}"), "{kill}");
        assert!(run(&shared, &mut client, "command docs").contains("subcommands: {client|caching: {summary: "));
    }

    #[test]
    fn keys_are_found_in_whole_commands() {
        let shared = shared();
        let mut client = session(&shared, 1000);
        for (line, answer) in [
            ("command getkeys get k", "[k]"),
            ("command getkeys memory usage k", "[k]"),
            ("command getkeysandflags get k", "[[k, [RO, access]]]"),
            ("command getkeys ping", "(error) ERR The command has no key arguments"),
            ("command getkeys nope k", "(error) ERR Invalid command specified"),
            ("command getkeys get k v", "(error) ERR Invalid number of arguments specified for command"),
        ] {
            assert_eq!(run(&shared, &mut client, line), answer, "{line}");
        }
    }

    #[test]
    fn the_list_is_filtered() {
        let shared = shared();
        let mut client = session(&shared, 1000);
        for (line, answer) in [
            ("command list filterby pattern Q*", "[quit]"),
            ("command list filterby aclcat scripting", "[]"),
            ("command list filterby module x", "[]"),
            ("command list filterby colour red", "(error) ERR syntax error"),
            ("command list x", "(error) ERR syntax error"),
        ] {
            assert_eq!(run(&shared, &mut client, line), answer, "{line}");
        }
        assert!(run(&shared, &mut client, "command list filterby pattern *|whoami").contains("acl|whoami"));
        assert!(!run(&shared, &mut client, "command list").contains('|'));
    }
}
