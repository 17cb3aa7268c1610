//! `CLIENT TRACKING` and what goes with it.

use super::{Done, refusal, shown};
use crate::clients::{ClientFlags, ClientInfo};
use crate::session::Session;
use crate::shared::Shared;
use crate::tracking::tracker::Tracker;
use crate::tracking::tracks::{Mode, Tracks};
use scrubjay_command::{Args, Reject, Reply};
use std::sync::Arc;

/// What `CLIENT TRACKING` asks for.
#[derive(Default)]
struct Wanted<'a> {
    redirect: Option<Arc<ClientInfo>>,
    prefixes: Vec<&'a [u8]>,
    broadcast: bool,
    opt_in: bool,
    opt_out: bool,
    spare_own: bool,
}

impl<'a> Wanted<'a> {
    fn parse(shared: &Shared, args: &Args<'a>) -> Result<Wanted<'a>, Reject> {
        let mut wanted = Wanted::default();
        let mut at = 3;
        while at < args.len() {
            let has_more = at + 1 < args.len();
            if args.is(at, "redirect") && has_more {
                if wanted.redirect.is_some() {
                    return Err(refusal("A client can only redirect to a single other client"));
                }
                at += 1;
                let id = u64::try_from(args.int(at)?).ok();
                let target = id.and_then(|id| shared.clients.get(id));
                wanted.redirect =
                    Some(target.ok_or_else(|| refusal("The client ID you want redirect to does not exist"))?);
            } else if args.is(at, "bcast") {
                wanted.broadcast = true;
            } else if args.is(at, "optin") {
                wanted.opt_in = true;
            } else if args.is(at, "optout") {
                wanted.opt_out = true;
            } else if args.is(at, "noloop") {
                wanted.spare_own = true;
            } else if args.is(at, "prefix") && has_more {
                at += 1;
                wanted.prefixes.push(args.at(at));
            } else {
                return Err(Reject::SYNTAX);
            }
            at += 1;
        }
        Ok(wanted)
    }

    fn mode(&self) -> Mode {
        match () {
            () if self.broadcast => Mode::Broadcast,
            () if self.opt_in => Mode::OptIn,
            () if self.opt_out => Mode::OptOut,
            () => Mode::Reads,
        }
    }

    /// Whether the options go together, and with what the client has already.
    fn check(&self, before: Option<&Tracks>) -> Done {
        if !self.broadcast && !self.prefixes.is_empty() {
            return Err(refusal("PREFIX option requires BCAST mode to be enabled"));
        }
        let mode = before.map(|tracks| tracks.mode);
        if mode.is_some_and(|mode| (mode == Mode::Broadcast) != self.broadcast) {
            return Err(refusal(
                "You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it \
                 with a different mode.",
            ));
        }
        if self.broadcast && (self.opt_in || self.opt_out) {
            return Err(refusal("OPTIN and OPTOUT are not compatible with BCAST"));
        }
        if self.opt_in && self.opt_out {
            return Err(refusal("You can't specify both OPTIN mode and OPTOUT mode"));
        }
        if (self.opt_in && mode == Some(Mode::OptOut)) || (self.opt_out && mode == Some(Mode::OptIn)) {
            return Err(refusal(
                "You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it \
                 with a different mode.",
            ));
        }
        if self.broadcast {
            self.check_prefixes(before)?;
        }
        Ok(())
    }

    /// A key that begins with two prefixes would be told twice.
    fn check_prefixes(&self, before: Option<&Tracks>) -> Done {
        let overlap = |a: &[u8], b: &[u8]| a.starts_with(b) || b.starts_with(a);
        for (index, prefix) in self.prefixes.iter().enumerate() {
            let existing = before.into_iter().flat_map(|tracks| &tracks.prefixes).find(|other| overlap(prefix, other));
            if let Some(other) = existing {
                return Err(refusal(format_args!(
                    "Prefix '{}' overlaps with an existing prefix '{}'. Prefixes for a single client must not overlap.",
                    shown(prefix),
                    shown(other)
                )));
            }
            if let Some(other) = self.prefixes[index + 1..].iter().find(|other| overlap(prefix, other)) {
                return Err(refusal(format_args!(
                    "Prefix '{}' overlaps with another provided prefix '{}'. Prefixes for a single client must not \
                     overlap.",
                    shown(prefix),
                    shown(other)
                )));
            }
        }
        Ok(())
    }
}

pub(super) fn tracking(shared: &Shared, session: &mut Session, args: &Args<'_>, reply: &mut dyn Reply) -> Done {
    let wanted = Wanted::parse(shared, args)?;
    if args.is(2, "on") {
        wanted.check(session.tracks.as_deref())?;
        begin(shared, session, &wanted);
    } else if args.is(2, "off") {
        session.end_tracking(shared);
    } else {
        return Err(Reject::SYNTAX);
    }
    reply.ok();
    Ok(())
}

fn begin(shared: &Shared, session: &mut Session, wanted: &Wanted<'_>) {
    let registry = &shared.effects.tracking;
    let mode = wanted.mode();
    let info = session.info.clone();
    let tracks = session.tracks.get_or_insert_with(|| {
        let tracker = Arc::new(Tracker::new(info.clone()));
        registry.begin(&tracker);
        Box::new(Tracks { tracker, mode, prefixes: Vec::new(), caching: false })
    });
    tracks.mode = mode;
    tracks.tracker.spare_own(wanted.spare_own);
    tracks.tracker.redirect(wanted.redirect.clone());
    if mode == Mode::Broadcast {
        // Without any, all keys are meant.
        let all: &[&[u8]] = &[b""];
        let added = if wanted.prefixes.is_empty() && tracks.prefixes.is_empty() { all } else { &wanted.prefixes };
        for prefix in added {
            registry.add_prefix(prefix, &tracks.tracker);
            tracks.prefixes.push(Box::from(*prefix));
        }
    }
    info.set_flag(ClientFlags::BROKEN_REDIRECT, false);
    info.set_flag(ClientFlags::TRACKING, true);
    info.set_flag(ClientFlags::BROADCAST, mode == Mode::Broadcast);
    info.set_redirect(Some(wanted.redirect.as_ref().map_or(0, |target| target.id)));
    shared.effects.refresh(&shared.store);
}

pub(super) fn caching(session: &mut Session, args: &Args<'_>, reply: &mut dyn Reply) -> Done {
    let Some(tracks) = &mut session.tracks else {
        return Err(refusal(
            "CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled",
        ));
    };
    if args.is(2, "yes") {
        if tracks.mode != Mode::OptIn {
            return Err(refusal("CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode."));
        }
    } else if args.is(2, "no") {
        if tracks.mode != Mode::OptOut {
            return Err(refusal("CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode."));
        }
    } else {
        return Err(Reject::SYNTAX);
    }
    tracks.caching = true;
    reply.ok();
    Ok(())
}

pub(super) fn get_redir(session: &Session, reply: &mut dyn Reply) -> Done {
    reply.int(session.info.redirect());
    Ok(())
}

pub(super) fn tracking_info(session: &Session, reply: &mut dyn Reply) -> Done {
    let mut words = Vec::new();
    match &session.tracks {
        None => words.push("off"),
        Some(tracks) => {
            words.push("on");
            match (tracks.mode, tracks.caching) {
                (Mode::Reads, _) => {}
                (Mode::Broadcast, _) => words.push("bcast"),
                (Mode::OptIn, caching) => words.extend(["optin"].into_iter().chain(caching.then_some("caching-yes"))),
                (Mode::OptOut, caching) => words.extend(["optout"].into_iter().chain(caching.then_some("caching-no"))),
            }
            if tracks.tracker.spares_own() {
                words.push("noloop");
            }
            if session.info.flags().contains(ClientFlags::BROKEN_REDIRECT) {
                words.push("broken_redirect");
            }
        }
    }
    reply.map(3);
    reply.text("flags");
    reply.set(words.len());
    words.into_iter().for_each(|word| reply.text(word));
    reply.text("redirect");
    reply.int(session.info.redirect());
    reply.text("prefixes");
    let prefixes: &[Box<[u8]>] = session.tracks.as_ref().map_or(&[], |tracks| &tracks.prefixes);
    reply.array(prefixes.len());
    prefixes.iter().for_each(|prefix| reply.bulk(prefix));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::{run, session, shared};

    #[test]
    fn options_that_do_not_go_together_are_refused_and_change_nothing() {
        let shared = shared();
        let mut client = session(&shared, 1000);
        for (line, part) in [
            ("client tracking maybe", "syntax error"),
            ("client tracking on redirect 999", "does not exist"),
            ("client tracking on redirect", "syntax error"),
            ("client tracking on prefix a", "requires BCAST"),
            ("client tracking on bcast optin", "not compatible with BCAST"),
            ("client tracking on optin optout", "both OPTIN"),
            ("client tracking on bcast prefix a prefix ab", "overlaps with another provided prefix 'ab'"),
            ("client caching yes", "only when the client is in tracking mode"),
        ] {
            let answer = run(&shared, &mut client, line);
            assert!(answer.starts_with("(error) ERR ") && answer.contains(part), "{line}: {answer}");
            assert!(client.tracks.is_none());
        }
        assert_eq!(run(&shared, &mut client, "client tracking on bcast prefix user:"), "OK");
        for (line, part) in [
            ("client tracking on", "can't switch BCAST"),
            ("client tracking on bcast prefix user:1", "overlaps with an existing prefix 'user:'"),
            ("client caching yes", "only valid when tracking is enabled in OPTIN"),
        ] {
            assert!(run(&shared, &mut client, line).contains(part), "{line}");
        }
    }

    #[test]
    fn a_client_is_shown_as_it_tracks() {
        let shared = shared();
        let (mut client, other) = (session(&shared, 1000), session(&shared, 1001));
        assert_eq!(run(&shared, &mut client, "client getredir"), "-1");
        let on = format!("client tracking on optin noloop redirect {}", other.info.id);
        assert_eq!(run(&shared, &mut client, &on), "OK");
        assert_eq!(run(&shared, &mut client, "client getredir"), other.info.id.to_string());
        assert_eq!(run(&shared, &mut client, "client caching yes"), "OK");
        let info = run(&shared, &mut client, "client trackinginfo");
        assert!(info.contains("[on, optin, caching-yes, noloop]"), "{info}");
        let line = run(&shared, &mut client, "client info");
        assert!(line.contains(" flags=t ") && line.contains(&format!(" redir={} ", other.info.id)), "{line}");
        assert!(run(&shared, &mut client, "info clients").contains("tracking_clients:1\r\n"));
        assert_eq!(run(&shared, &mut client, "client tracking off"), "OK");
        assert!(run(&shared, &mut client, "client trackinginfo").contains("[off]"));
        assert_eq!((client.info.redirect(), shared.effects.tracking.clients()), (-1, 0));
    }
}
