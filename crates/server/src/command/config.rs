//! `CONFIG`: the settings of the running node.

use super::{Done, refusal, shown};
use crate::config::BadChange;
use crate::shared::Shared;
use scrubjay_command::{Args, Reject, Reply};

pub(super) fn get(shared: &Shared, args: &Args<'_>, reply: &mut dyn Reply) -> Done {
    let patterns: Vec<&[u8]> = args.from(2).collect();
    let found = shared.settings.get(&patterns);
    reply.map(found.len());
    for (name, value) in found {
        reply.text(name);
        reply.text(&value);
    }
    Ok(())
}

pub(super) fn set(shared: &Shared, args: &Args<'_>, reply: &mut dyn Reply) -> Done {
    if !args.len().is_multiple_of(2) {
        return Err(Reject::SYNTAX);
    }
    let words = args.from(2).map(std::str::from_utf8).collect::<Result<Vec<_>, _>>();
    let words = words.map_err(|_| refusal("CONFIG SET takes text: a name or a value is not UTF-8"))?;
    let changes: Vec<(&str, &str)> = words.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
    shared.change_settings(&changes).map_err(|bad| match bad {
        BadChange::Unknown(name) => {
            let name = shown(name.as_bytes());
            refusal(format_args!("Unknown option or number of arguments for CONFIG SET - '{name}'"))
        }
        BadChange::Refused { name, reason } => refusal(format_args!(
            "CONFIG SET failed (possibly related to argument '{name}') - {}",
            reason.replace(['\r', '\n'], " ")
        )),
    })?;
    reply.ok();
    Ok(())
}

pub(super) fn rewrite(shared: &Shared, reply: &mut dyn Reply) -> Done {
    shared.settings.rewrite(&shared.namespaces.configs()).map_err(|bad| refusal(bad.replace(['\r', '\n'], " ")))?;
    reply.ok();
    Ok(())
}

pub(super) fn reset_stat(shared: &Shared, reply: &mut dyn Reply) -> Done {
    shared.reset_totals();
    reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::{run, session, shared};
    use scrubjay_store::{Policy, Rank, Scope};

    #[test]
    fn a_change_reaches_the_store_and_comes_back() {
        let shared = shared();
        let mut client = session(&shared, 1000);
        let line = "config set maxmemory 100mb maxmemory-policy volatile-ttl default-ttl 1.5 max-entries 7";
        assert_eq!(run(&shared, &mut client, line), "OK");
        assert_eq!(shared.store.max_memory_bytes(), 100 << 20);
        assert_eq!(shared.store.policy(), Policy::Evict(Scope::Volatile, Rank::Ttl));
        assert_eq!((shared.store.default_ttl_ms(), shared.store.max_entries()), (1500, 7));
        let answer = run(&shared, &mut client, "config get maxmemory* DEFAULT-TTL");
        for pair in ["maxmemory: 104857600", "maxmemory-policy: volatile-ttl", "default-ttl: 1500ms"] {
            assert!(answer.contains(pair), "{pair} is not in {answer}");
        }
    }

    #[test]
    fn refusals_begin_like_those_of_redis() {
        let shared = shared();
        let mut client = session(&shared, 1000);
        for (line, answer) in [
            ("config set nope 1", "(error) ERR Unknown option or number of arguments for CONFIG SET - 'nope'"),
            ("config set a 1 b", "(error) ERR syntax error"),
            (
                "config set port 1",
                "(error) ERR CONFIG SET failed (possibly related to argument 'port') - can't set immutable config",
            ),
            (
                "config set maxclients 0",
                "(error) ERR CONFIG SET failed (possibly related to argument 'maxclients') - 0 is out of range",
            ),
            ("config rewrite", "(error) ERR The server is running without a config file"),
            ("config get", "(error) ERR wrong number of arguments for 'config|get' command"),
            ("config nope", "(error) ERR unknown subcommand 'nope'. Try CONFIG HELP."),
        ] {
            let found = run(&shared, &mut client, line);
            assert!(found.starts_with(answer), "{line}: {found}");
        }
        assert_eq!(run(&shared, &mut client, "config get nope"), "{}");
    }

    #[test]
    fn resetting_the_statistics_sets_them_to_zero() {
        let shared = shared();
        let mut client = session(&shared, 1000);
        shared.counters[0].commands.add(5);
        assert_eq!(run(&shared, &mut client, "config resetstat"), "OK");
        assert!(run(&shared, &mut client, "info stats").contains("total_commands_processed:0\r\n"));
    }
}
