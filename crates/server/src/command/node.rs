//! The node as a whole: what it is, what time it is, whether it goes on.

use super::{Done, refusal};
use crate::info as info_text;
use crate::session::Session;
use crate::shared::Shared;
use scrubjay_base::SlotId;
use scrubjay_command::{Args, Kind, Reject, Reply};

pub(super) fn info(shared: &Shared, args: &Args<'_>, reply: &mut dyn Reply) -> Done {
    let sections: Vec<&[u8]> = args.from(1).collect();
    reply.verbatim("txt", &info_text::text(shared, &sections));
    Ok(())
}

pub(super) fn time(shared: &Shared, reply: &mut dyn Reply) -> Done {
    let now_ms = shared.clock.now_ms();
    reply.array(2);
    reply.text(&(now_ms / 1000).to_string());
    reply.text(&(now_ms % 1000 * 1000).to_string());
    Ok(())
}

/// Nothing was ever saved, so this is the start, as in a Redis that has not saved yet.
pub(super) fn last_save(shared: &Shared, reply: &mut dyn Reply) -> Done {
    reply.int((shared.started_ms / 1000) as i64);
    Ok(())
}

pub(super) fn role(reply: &mut dyn Reply) -> Done {
    reply.array(3);
    reply.text("master");
    reply.int(0);
    reply.array(0);
    Ok(())
}

/// There are no replicas, so no number of them will ever have the writes: the answer is 0 at once, where waiting for the
/// time-out would only make it late.
pub(super) fn wait(args: &Args<'_>, reply: &mut dyn Reply) -> Done {
    args.int(1)?;
    let timeout = scrubjay_command::args::parse_int(args.at(2));
    match timeout {
        None => return Err(refusal("timeout is not an integer or out of range")),
        Some(..0) => return Err(refusal("timeout is negative")),
        Some(_) => reply.int(0),
    }
    Ok(())
}

pub(super) fn cluster(args: &Args<'_>, reply: &mut dyn Reply) -> Done {
    if !args.is(1, "keyslot") {
        return Err(Reject::new(Kind::Unsupported, "ERR This instance has cluster support disabled"));
    }
    if args.len() != 3 {
        return Err(Reject::arity("cluster|keyslot"));
    }
    reply.int(SlotId::of(args.at(2)).index() as i64);
    Ok(())
}

pub(super) fn monitor(shared: &Shared, session: &Session, reply: &mut dyn Reply) -> Done {
    shared.monitors.add(session);
    reply.ok();
    Ok(())
}

pub(super) fn shutdown(shared: &Shared, session: &mut Session, args: &Args<'_>, _reply: &mut dyn Reply) -> Done {
    let (mut save, mut nosave, mut abort, mut others) = (false, false, false, false);
    for word in args.from(1) {
        match word.to_ascii_lowercase().as_slice() {
            b"save" => save = true,
            b"nosave" => nosave = true,
            b"abort" => abort = true,
            // There are neither replicas to wait for nor saves that could fail.
            b"now" | b"force" => others = true,
            _ => return Err(Reject::SYNTAX),
        }
    }
    if (save && nosave) || (abort && (save || nosave || others)) {
        return Err(Reject::SYNTAX);
    }
    if abort {
        return Err(refusal("No shutdown in progress."));
    }
    if save {
        return Err(refusal("Errors trying to SHUTDOWN: this node writes no snapshots; SHUTDOWN NOSAVE stops it"));
    }
    // The answer is that the connection ends.
    session.close = true;
    shared.ask_shutdown(shared.config().shutdown_timeout);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::{run, session, shared};

    #[test]
    fn a_lone_node_says_what_it_is() {
        let shared = shared();
        let mut client = session(&shared, 1000);
        for (line, answer) in [
            ("time", "[1700000000, 0]"),
            ("lastsave", "1700000000"),
            ("role", "[master, 0, []]"),
            ("wait 1 1000", "0"),
            ("wait 1 -1", "(error) ERR timeout is negative"),
            ("wait x 1", "(error) ERR value is not an integer or out of range"),
            ("cluster keyslot foo", "12182"),
            ("cluster slots", "(error) ERR This instance has cluster support disabled"),
            ("acl whoami", "default"),
            ("acl users", "[default]"),
            ("monitor", "OK"),
        ] {
            assert_eq!(run(&shared, &mut client, line), answer, "{line}");
        }
        assert!(shared.monitors.any());
        run(&shared, &mut client, "reset");
        assert!(!shared.monitors.any());
    }

    #[test]
    fn shutdown_is_silent_when_it_works_and_says_why_when_not() {
        let shared = shared();
        let mut client = session(&shared, 1000);
        for (line, answer) in [
            ("shutdown abort", "(error) ERR No shutdown in progress."),
            ("shutdown save nosave", "(error) ERR syntax error"),
            ("shutdown abort now", "(error) ERR syntax error"),
            ("shutdown soon", "(error) ERR syntax error"),
        ] {
            assert_eq!(run(&shared, &mut client, line), answer, "{line}");
        }
        assert!(run(&shared, &mut client, "shutdown save").contains("NOSAVE"));
        assert!(shared.shutdown.asked().is_none());
        assert_eq!(run(&shared, &mut client, "shutdown nosave now"), "(silence)");
        assert!(shared.shutdown.asked().is_some() && client.close);
    }
}
