//! `JAY.NAMESPACE`: names, quotas and settings of namespaces.

use super::{Done, refusal, shown};
use crate::config::NAMESPACE_SETTINGS;
use crate::namespaces::shown::Shown;
use crate::shared::Shared;
use scrubjay_command::namespace::no_such_namespace;
use scrubjay_command::{Args, Reject, Reply};

pub(super) fn set(shared: &Shared, args: &Args<'_>, reply: &mut dyn Reply) -> Done {
    let name = text(args, 2)?;
    if args.len().is_multiple_of(2) {
        return Err(Reject::SYNTAX);
    }
    shared.set_namespace(name, |config| {
        let mut seen = Vec::new();
        for at in (3..args.len()).step_by(2) {
            let row = NAMESPACE_SETTINGS.iter().find(|row| args.is(at, row.word));
            let row = row.filter(|row| !seen.contains(&row.name)).ok_or(Reject::SYNTAX)?;
            seen.push(row.name);
            row.put(config, Some(text(args, at + 1)?))
                .map_err(|bad| refusal(format_args!("{}: {}", row.word, shown(bad.as_bytes()))))?;
        }
        Ok(())
    })?;
    reply.ok();
    Ok(())
}

pub(super) fn drop(shared: &Shared, args: &Args<'_>, reply: &mut dyn Reply) -> Done {
    shared.drop_namespace(&String::from_utf8_lossy(args.at(2)))?;
    reply.ok();
    Ok(())
}

pub(super) fn get(shared: &Shared, args: &Args<'_>, reply: &mut dyn Reply) -> Done {
    let found = shared.namespaces.show(&String::from_utf8_lossy(args.at(2)), &shared.store);
    say(&found.ok_or_else(|| no_such_namespace(shown(args.at(2)).as_bytes()))?, reply);
    Ok(())
}

pub(super) fn list(shared: &Shared, reply: &mut dyn Reply) -> Done {
    let all = shared.namespaces.show_all(&shared.store, &shared.store.stats());
    reply.array(all.len());
    all.iter().for_each(|one| say(one, reply));
    Ok(())
}

fn text<'a>(args: &Args<'a>, index: usize) -> Result<&'a str, Reject> {
    std::str::from_utf8(args.at(index)).map_err(|_| refusal("JAY.NAMESPACE SET takes text: an argument is not UTF-8"))
}

fn say(one: &Shown, reply: &mut dyn Reply) {
    reply.map(10);
    reply.text("name");
    reply.text(&one.name);
    number(reply, "database", u64::from(one.database));
    number(reply, "max-memory", one.config.max_memory_bytes);
    reply.text("eviction-policy");
    match one.config.policy {
        Some(policy) => reply.text(policy.name()),
        None => reply.null(),
    }
    reply.text("default-ttl");
    match one.config.default_ttl_ms {
        Some(ms) if ms.is_multiple_of(1000) => reply.int((ms / 1000) as i64),
        Some(ms) => reply.double(ms as f64 / 1000.0),
        None => reply.null(),
    }
    number(reply, "max-ops", one.config.max_ops);
    number(reply, "entries", one.count.entries);
    number(reply, "expires", one.count.volatile);
    number(reply, "bytes", one.count.bytes);
    number(reply, "ops-refused", one.refused);
}

fn number(reply: &mut dyn Reply, name: &str, value: u64) {
    reply.text(name);
    reply.int(value as i64);
}

#[cfg(test)]
mod tests {
    use crate::testing::{run, session, shared};
    use scrubjay_store::{Ns, NsSettings, Policy};

    #[test]
    fn a_namespace_is_made_changed_shown_and_dropped() {
        let shared = shared();
        let mut client = session(&shared, 1000);
        let mut check = |line: &str, answer: &str| assert_eq!(run(&shared, &mut client, line), answer, "{line}");
        check("jay.namespace set jobs maxmemory 100mb policy noeviction ttl 90 maxops 50", "OK");
        check(
            "jay.namespace get jobs",
            "{name: jobs, database: 16, max-memory: 104857600, eviction-policy: noeviction, default-ttl: 90, \
             max-ops: 50, entries: 0, expires: 0, bytes: 0, ops-refused: 0}",
        );
        let told =
            NsSettings { max_memory_bytes: 100 << 20, policy: Some(Policy::NoEviction), default_ttl_ms: Some(90_000) };
        assert_eq!(shared.store.ns_settings(Ns(16)), told);
        check("jay.namespace set jobs policy inherit ttl 1.5", "OK");
        check("jay.namespace set 3 ttl 0", "OK");
        check(
            "jay.namespace list",
            "[{name: 3, database: 3, max-memory: 0, eviction-policy: (nil), default-ttl: 0, max-ops: 0, entries: 0, \
             expires: 0, bytes: 0, ops-refused: 0}, {name: jobs, database: 16, max-memory: 104857600, \
             eviction-policy: (nil), default-ttl: 1.5, max-ops: 50, entries: 0, expires: 0, bytes: 0, ops-refused: 0}]",
        );
        check("jay.namespace drop jobs", "OK");
        check("jay.namespace drop 3", "OK");
        check("jay.namespace list", "[]");
        assert_eq!(shared.store.ns_settings(Ns(16)), NsSettings::default());
        assert_eq!(shared.store.ns_settings(Ns(3)), NsSettings::default());
    }

    #[test]
    fn what_cannot_be_is_refused_and_changes_nothing() {
        let shared = shared();
        let mut client = session(&shared, 1000);
        for (line, answer) in [
            ("jay.namespace set 16", "(error) ERR '16' cannot be a namespace: write 1 to 64 letters"),
            ("jay.namespace set a:b", "(error) ERR 'a:b' cannot be a namespace"),
            ("jay.namespace set a maxmemory", "(error) ERR syntax error"),
            ("jay.namespace set a nope 1", "(error) ERR syntax error"),
            ("jay.namespace set a ttl 1 TTL 2", "(error) ERR syntax error"),
            ("jay.namespace set a maxmemory inherit", "(error) ERR MAXMEMORY: 'inherit' is not a size"),
            ("jay.namespace set a ttl 5 policy lur", "(error) ERR POLICY: "),
            ("jay.namespace set a ttl 5 maxops -1", "(error) ERR MAXOPS: -1 is out of range"),
            ("jay.namespace get a", "(error) ERR no namespace 'a': JAY.NAMESPACE SET a makes one"),
            ("jay.namespace drop a", "(error) ERR no namespace 'a': JAY.NAMESPACE SET a makes one"),
            ("jay.namespace get 16", "(error) ERR no namespace '16'"),
        ] {
            let found = run(&shared, &mut client, line);
            assert!(found.starts_with(answer), "{line}: {found}");
        }
        assert_eq!(run(&shared, &mut client, "jay.namespace list"), "[]");
    }

    #[test]
    fn forty_eight_have_names_and_a_dropped_number_is_used_last() {
        let shared = shared();
        let mut client = session(&shared, 1000);
        for n in 0..48 {
            assert_eq!(run(&shared, &mut client, &format!("jay.namespace set n{n}")), "OK");
        }
        let full = run(&shared, &mut client, "jay.namespace set more");
        assert!(full.starts_with("(error) ERR there are 48 named namespaces, and there can be no more"), "{full}");
        assert_eq!(run(&shared, &mut client, "jay.namespace set n3 maxops 5"), "OK");
        for name in ["n3", "n1"] {
            assert_eq!(run(&shared, &mut client, &format!("jay.namespace drop {name}")), "OK");
        }
        for (name, database) in [("more", 19), ("still", 17)] {
            assert_eq!(run(&shared, &mut client, &format!("jay.namespace set {name}")), "OK");
            let found = run(&shared, &mut client, &format!("jay.namespace get {name}"));
            assert!(found.contains(&format!("database: {database}, ")) && found.contains("max-ops: 0, "), "{found}");
        }
    }
}
