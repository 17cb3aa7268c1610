//! `CLIENT`: this connection and the others.

use super::client_filter::Filter;
use super::{Done, connection, on_off, refusal, shown};
use crate::clients::{ClientFlags, ClientInfo};
use crate::session::{ReplyMode, Session};
use crate::shared::Shared;
use scrubjay_base::clock::UnixMs;
use scrubjay_command::{Args, Reject, Reply};

pub(super) fn id(session: &Session, reply: &mut dyn Reply) -> Done {
    reply.int(session.info.id as i64);
    Ok(())
}

pub(super) fn get_name(session: &Session, reply: &mut dyn Reply) -> Done {
    let name = session.info.name();
    if name.is_empty() {
        reply.null()
    } else {
        reply.bulk(&name)
    }
    Ok(())
}

pub(super) fn set_name(session: &Session, args: &Args<'_>, reply: &mut dyn Reply) -> Done {
    session.info.set_name(connection::name(args, 2, "Client names")?);
    reply.ok();
    Ok(())
}

pub(super) fn set_info(session: &Session, args: &Args<'_>, reply: &mut dyn Reply) -> Done {
    if args.is(2, "lib-name") {
        session.info.set_library(connection::name(args, 3, "lib-name")?);
    } else if args.is(2, "lib-ver") {
        session.info.set_library_version(connection::name(args, 3, "lib-ver")?);
    } else {
        return Err(refusal(format_args!("Unrecognized option '{}'", shown(args.at(2)))));
    }
    reply.ok();
    Ok(())
}

pub(super) fn info(shared: &Shared, session: &Session, reply: &mut dyn Reply) -> Done {
    reply.verbatim("txt", &line(&session.info, shared.clock.now_ms(), Some("client|info")));
    Ok(())
}

pub(super) fn list(shared: &Shared, session: &Session, args: &Args<'_>, reply: &mut dyn Reply) -> Done {
    let filter = Filter::of_list(args)?;
    let now_ms = shared.clock.now_ms();
    let running = |info: &ClientInfo| (info.id == session.info.id).then_some("client|list");
    let lines: String = shared
        .clients
        .list()
        .iter()
        .filter(|info| filter.matches(info, now_ms))
        .map(|info| line(info, now_ms, running(info)))
        .collect();
    reply.verbatim("txt", &lines);
    Ok(())
}

/// A client's line in `CLIENT LIST`, with Redis' fields. `running` is the command that it runs at this moment, which is
/// not yet its last one.
fn line(info: &ClientInfo, now_ms: UnixMs, running: Option<&str>) -> String {
    let (input, output) = info.buffered_bytes();
    let (bytes_in, bytes_out) = info.traffic_bytes();
    let (library, library_version) = info.library();
    let [sub, psub, ssub] = info.subscriptions();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    format!(
        "id={} addr={} laddr={} fd={} name={} age={} idle={} flags={} db={} sub={sub} psub={psub} ssub={ssub} multi={} watch={} qbuf={input} \
         qbuf-free=0 argv-mem=0 multi-mem=0 rbs=0 rbp=0 obl={output} oll=0 omem={output} tot-mem={} events=r cmd={} \
         user=default redir={} resp={} lib-name={} lib-ver={} io-thread={} tot-net-in={bytes_in} tot-net-out={bytes_out} \
         tot-cmds={}\n",
        info.id,
        info.peer,
        info.local,
        info.descriptor,
        text(info.name()),
        now_ms.saturating_sub(info.created_ms) / 1000,
        now_ms.saturating_sub(info.last_active_ms()) / 1000,
        letters(info),
        info.database(),
        info.queued().map_or(-1, i64::from),
        info.watched(),
        size_of::<ClientInfo>() + info.memory_bytes(),
        running.map(str::to_owned).or_else(|| info.last_command()).unwrap_or_else(|| "NULL".to_owned()),
        info.redirect(),
        info.resp(),
        text(library),
        text(library_version),
        info.thread,
        info.commands(),
    )
}

/// Flags as Redis' letters; `N` if there are none.
fn letters(info: &ClientInfo) -> String {
    let flags = info.flags();
    let letters = [
        (ClientFlags::MONITOR, 'O'),
        (ClientFlags::WAITING, 'b'),
        (ClientFlags::TRACKING, 't'),
        (ClientFlags::BROKEN_REDIRECT, 'R'),
        (ClientFlags::BROADCAST, 'B'),
        (ClientFlags::KILLED, 'A'),
        (ClientFlags::NO_EVICT, 'e'),
        (ClientFlags::NO_TOUCH, 'T'),
    ];
    let shown = letters.iter().filter(|(flag, _)| flags.contains(*flag)).map(|(_, letter)| *letter);
    let text: String = info.is_subscriber().then_some('P').into_iter().chain(shown).collect();
    if text.is_empty() { "N".to_owned() } else { text }
}

pub(super) fn kill(shared: &Shared, session: &mut Session, args: &Args<'_>, reply: &mut dyn Reply) -> Done {
    let (filter, answers_count) = Filter::of_kill(args, session.info.id)?;
    let now_ms = shared.clock.now_ms();
    let mut killed = 0;
    for info in shared.clients.list().iter().filter(|info| filter.matches(info, now_ms)) {
        if info.id == session.info.id {
            session.close = true; // after the answer
            killed += 1;
        } else if shared.clients.kill(info.id) {
            killed += 1;
        }
    }
    match (answers_count, killed) {
        (true, killed) => reply.int(killed),
        (false, 0) => return Err(refusal("No such client")),
        (false, _) => reply.ok(),
    }
    Ok(())
}

pub(super) fn pause(shared: &Shared, args: &Args<'_>, reply: &mut dyn Reply) -> Done {
    let timeout_ms = scrubjay_command::args::parse_int(args.at(2))
        .ok_or_else(|| refusal("timeout is not an integer or out of range"))?;
    let timeout_ms = u64::try_from(timeout_ms).map_err(|_| refusal("timeout is negative"))?;
    let all = match args.len() {
        3 => true,
        4 if args.is(3, "all") => true,
        4 if args.is(3, "write") => false,
        _ => return Err(refusal("CLIENT PAUSE mode must be WRITE or ALL")),
    };
    let now_ms = shared.clock.now_ms();
    // A second pause only makes the first longer and stricter, as in Redis.
    let (until_ms, was_all) = shared.pause.state(now_ms).unwrap_or((0, false));
    shared.pause.set(until_ms.max(now_ms.saturating_add(timeout_ms)), all || was_all);
    reply.ok();
    Ok(())
}

pub(super) fn unpause(shared: &Shared, reply: &mut dyn Reply) -> Done {
    shared.unpause();
    reply.ok();
    Ok(())
}

pub(super) fn reply_mode(session: &mut Session, args: &Args<'_>, reply: &mut dyn Reply) -> Done {
    if args.is(2, "on") {
        session.reply = ReplyMode::On;
        reply.ok();
    } else if args.is(2, "off") {
        session.reply = ReplyMode::Off;
    } else if args.is(2, "skip") {
        if session.reply != ReplyMode::Off {
            session.reply = ReplyMode::SkipNext;
        }
    } else {
        return Err(Reject::SYNTAX);
    }
    Ok(())
}

pub(super) fn no_evict(session: &Session, args: &Args<'_>, reply: &mut dyn Reply) -> Done {
    session.info.set_flag(ClientFlags::NO_EVICT, on_off(args, 2)?);
    reply.ok();
    Ok(())
}

pub(super) fn no_touch(session: &mut Session, args: &Args<'_>, reply: &mut dyn Reply) -> Done {
    session.set_touch(!on_off(args, 2)?);
    reply.ok();
    Ok(())
}

pub(super) fn unblock(shared: &Shared, args: &Args<'_>, reply: &mut dyn Reply) -> Done {
    let id = args.int(2)?;
    if args.len() > 4 || (args.len() == 4 && !args.is(3, "timeout") && !args.is(3, "error")) {
        return Err(refusal("CLIENT UNBLOCK reason should be TIMEOUT or ERROR"));
    }
    let with_error = args.is(3, "error");
    let found = u64::try_from(id).is_ok_and(|id| shared.effects.waiting.unblock(shared, id, with_error));
    reply.int(i64::from(found));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::session::ReplyMode;
    use crate::testing::{NOW_MS, run, session, shared};

    #[test]
    fn a_client_says_who_it_is_and_the_list_shows_it() {
        let shared = shared();
        let mut client = session(&shared, 1000);
        for (line, answer) in [
            ("client getname", "(nil)"),
            ("client setname jay", "OK"),
            ("client getname", "jay"),
            ("client setinfo lib-name pyjay", "OK"),
            ("client setinfo LIB-VER 1.0", "OK"),
            ("client setinfo lib-age 1", "(error) ERR Unrecognized option 'lib-age'"),
            ("client no-evict on", "OK"),
            ("client no-touch on", "OK"),
            ("client no-touch maybe", "(error) ERR syntax error"),
        ] {
            assert_eq!(run(&shared, &mut client, line), answer, "{line}");
        }
        let info = run(&shared, &mut client, "client info");
        for field in [
            "addr=127.0.0.1:1000 ",
            " name=jay ",
            " flags=eT ",
            " lib-name=pyjay lib-ver=1.0 ",
            " db=0 ",
            " cmd=client|info ",
            " resp=2 ",
            " user=default ",
        ] {
            assert!(info.contains(field), "{field} is not in {info}");
        }
        assert_eq!(run(&shared, &mut client, "client list"), info.replace("client|info", "client|list"));
        assert!(!client.touch());
    }

    #[test]
    fn the_list_is_filtered_by_number_and_type() {
        let shared = shared();
        let mut client = session(&shared, 1000);
        let others: Vec<u64> = (1001..1004).map(|port| session(&shared, port).info.id).collect();
        let count = |client: &mut _, line: &str| run(&shared, client, line).lines().count();
        assert_eq!(count(&mut client, "client list"), 4);
        assert_eq!(count(&mut client, &format!("client list id {} {} 999", others[0], others[2])), 2);
        assert_eq!(count(&mut client, "client list type normal"), 4);
        assert_eq!(count(&mut client, "client list type replica"), 0);
        assert!(run(&shared, &mut client, "client list type x").contains("Unknown client type 'x'"));
        assert!(run(&shared, &mut client, "client list id x").contains("Invalid client ID"));
        assert!(run(&shared, &mut client, "client list foo").contains("syntax error"));
    }

    #[test]
    fn kill_closes_what_all_filters_match() {
        let shared = shared();
        let mut client = session(&shared, 1000);
        let other = session(&shared, 1001);
        for (line, answer) in [
            ("client kill 127.0.0.1:9", "(error) ERR No such client"),
            ("client kill addr 127.0.0.1:1001 id 999", "0"),
            ("client kill type pubsub", "0"),
            ("client kill maxage 5", "0"),
            ("client kill id 0", "(error) ERR client-id should be greater than 0"),
            ("client kill user nobody", "(error) ERR No such user 'nobody'"),
            ("client kill id 1 addr", "(error) ERR syntax error"),
            ("client kill skipme maybe id 1", "(error) ERR syntax error"),
            ("client kill addr 127.0.0.1:1001", "1"),
        ] {
            assert_eq!(run(&shared, &mut client, line), answer, "{line}");
        }
        assert!(other.info.flags().contains(crate::clients::ClientFlags::KILLED));
        let own = format!("client kill id {}", client.info.id);
        assert_eq!(run(&shared, &mut client, &own), "0");
        assert!(!client.close, "one spares oneself unless told");
        assert_eq!(run(&shared, &mut client, "client kill 127.0.0.1:1000"), "OK");
        assert!(client.close);
    }

    #[test]
    fn a_second_pause_makes_the_first_longer_and_stricter_only() {
        let shared = shared();
        let mut client = session(&shared, 1000);
        for (line, answer) in [
            ("client pause -1", "(error) ERR timeout is negative"),
            ("client pause x", "(error) ERR timeout is not an integer or out of range"),
            ("client pause 1 some", "(error) ERR CLIENT PAUSE mode must be WRITE or ALL"),
            ("client pause 1000 write", "OK"),
        ] {
            assert_eq!(run(&shared, &mut client, line), answer);
        }
        assert_eq!(shared.pause.state(NOW_MS), Some((NOW_MS + 1000, false)));
        run(&shared, &mut client, "client pause 10 all");
        assert_eq!(shared.pause.state(NOW_MS), Some((NOW_MS + 1000, true)));
        assert_eq!(run(&shared, &mut client, "client unpause"), "OK");
        assert_eq!(shared.pause.state(NOW_MS), None);
    }

    #[test]
    fn reply_off_and_skip_are_silent_themselves() {
        let shared = shared();
        let mut client = session(&shared, 1000);
        assert_eq!(run(&shared, &mut client, "client reply skip"), "(silence)");
        assert_eq!(client.reply, ReplyMode::SkipNext);
        assert_eq!(run(&shared, &mut client, "client reply off"), "(silence)");
        run(&shared, &mut client, "client reply skip");
        assert_eq!(client.reply, ReplyMode::Off, "skipping one more changes nothing");
        assert_eq!(run(&shared, &mut client, "client reply on"), "OK");
        assert_eq!(client.reply, ReplyMode::On);
    }

    #[test]
    fn help_comes_from_the_table() {
        let shared = shared();
        let mut client = session(&shared, 1000);
        let help = run(&shared, &mut client, "client help");
        assert!(help.contains("UNPAUSE") && help.contains("NO-TOUCH <ON | OFF>"), "{help}");
    }
}
