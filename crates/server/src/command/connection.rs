//! The client's own connection: greeting, password, database.

use super::{Done, refusal, shown};
use crate::info::REDIS_VERSION;
use crate::session::Session;
use crate::shared::Shared;
use scrubjay_command::{Args, Kind, Reject, Reply};

const WRONG_PASSWORD: Reject =
    Reject::new(Kind::NoAuth, "WRONGPASS invalid username-password pair or user is disabled.");
const NO_PASSWORD: Reject = Reject::new(
    Kind::BadRequest,
    "ERR AUTH <password> called without any password configured for the default user. \
     Are you sure your configuration is correct?",
);
const HELLO_FIRST: Reject = Reject::new(
    Kind::NoAuth,
    "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> \
     option can be used to authenticate the client and select the RESP protocol version at the same time",
);
const NO_PROTOCOL: Reject = Reject::new(Kind::BadRequest, "NOPROTO unsupported protocol version");
const BAD_NAME: Reject =
    Reject::new(Kind::BadRequest, "ERR Client names cannot contain spaces, newlines or special characters.");

pub(super) fn ping(session: &Session, args: &Args<'_>, reply: &mut dyn Reply) -> Done {
    if args.len() > 2 {
        return Err(Reject::arity("ping"));
    }
    if session.is_restricted() {
        // In the form of a message, which is all that such a client expects.
        reply.array(2);
        reply.text("pong");
        reply.bulk(args.get(1).unwrap_or_default());
        return Ok(());
    }
    match args.get(1) {
        Some(message) => reply.bulk(message),
        None => reply.simple("PONG"),
    }
    Ok(())
}

pub(super) fn echo(args: &Args<'_>, reply: &mut dyn Reply) -> Done {
    reply.bulk(args.at(1));
    Ok(())
}

pub(super) fn auth(shared: &Shared, session: &mut Session, args: &Args<'_>, reply: &mut dyn Reply) -> Done {
    match args.len() {
        2 if shared.config().requirepass.is_empty() => return Err(NO_PASSWORD),
        2 => log_in(shared, session, b"default", args.at(1))?,
        3 => log_in(shared, session, args.at(1), args.at(2))?,
        _ => return Err(Reject::SYNTAX),
    }
    reply.ok();
    Ok(())
}

/// Lets the client in. There is one user; where no password is set, any is right, as for Redis' `nopass`.
fn log_in(shared: &Shared, session: &mut Session, user: &[u8], password: &[u8]) -> Done {
    let config = shared.config();
    let right = config.requirepass.is_empty() || config.requirepass.equals(password);
    if user != b"default" || !right {
        return Err(WRONG_PASSWORD);
    }
    session.set_authenticated(true);
    Ok(())
}

pub(super) fn hello(shared: &Shared, session: &mut Session, args: &Args<'_>, reply: &mut dyn Reply) -> Done {
    let version = match args.get(1) {
        None => session.resp(),
        Some(text) => match scrubjay_command::args::parse_int(text) {
            Some(2) => 2,
            Some(3) => 3,
            Some(_) => return Err(NO_PROTOCOL),
            None => return Err(refusal("Protocol version is not an integer or out of range")),
        },
    };
    let (mut login, mut name) = (None, None);
    let mut at = 2;
    while at < args.len() {
        let left = args.len() - at - 1;
        if args.is(at, "auth") && left >= 2 {
            login = Some((args.at(at + 1), args.at(at + 2)));
            at += 3;
        } else if args.is(at, "setname") && left >= 1 {
            name = Some(args.at(at + 1));
            at += 2;
        } else {
            return Err(refusal(format_args!("Syntax error in HELLO option '{}'", shown(args.at(at)))));
        }
    }
    if name.is_some_and(|name| !is_name(name)) {
        return Err(BAD_NAME);
    }
    if let Some((user, password)) = login {
        log_in(shared, session, user, password)?;
    }
    if !session.authenticated() {
        return Err(HELLO_FIRST);
    }
    if let Some(name) = name {
        session.info.set_name(name);
    }
    session.set_resp(version);
    reply.set_resp_version(version);
    reply.map(7);
    reply.text("server");
    reply.text("redis");
    reply.text("version");
    reply.text(REDIS_VERSION);
    reply.text("proto");
    reply.int(i64::from(version));
    reply.text("id");
    reply.int(session.info.id as i64);
    reply.text("mode");
    reply.text("standalone");
    reply.text("role");
    reply.text("master");
    reply.text("modules");
    reply.array(0);
    Ok(())
}

/// Whether a text can name a client: printable ASCII without spaces, so that a line of `CLIENT LIST` stays readable.
fn is_name(name: &[u8]) -> bool {
    name.iter().all(|byte| (b'!'..=b'~').contains(byte))
}

/// The name at `index` for `what`, if it can be one.
pub(super) fn name<'a>(args: &Args<'a>, index: usize, what: &str) -> Result<&'a [u8], Reject> {
    let name = args.at(index);
    if is_name(name) {
        Ok(name)
    } else {
        Err(refusal(format_args!("{what} cannot contain spaces, newlines or special characters.")))
    }
}

pub(super) fn quit(session: &mut Session, reply: &mut dyn Reply) -> Done {
    session.close = true;
    reply.ok();
    Ok(())
}

pub(super) fn reset(shared: &Shared, session: &mut Session, reply: &mut dyn Reply) -> Done {
    shared.monitors.remove(session);
    shared.leave(session);
    session.reset(shared.config().requirepass.is_empty());
    reply.set_resp_version(2);
    reply.simple("RESET");
    Ok(())
}

pub(super) fn select(shared: &Shared, session: &mut Session, args: &Args<'_>, reply: &mut dyn Reply) -> Done {
    session.select(shared.namespaces.named(args, 1)?);
    reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, Secret};
    use crate::testing::{run, run_words, session, shared, shared_with};

    fn locked() -> crate::shared::Shared {
        shared_with(Config { requirepass: Secret::new("swordfish"), ..Config::default() })
    }

    #[test]
    fn the_right_password_lets_in_and_no_other() {
        let shared = locked();
        let mut client = session(&shared, 1000);
        for (line, answer) in [
            ("auth salmon", "(error) WRONGPASS invalid username-password pair or user is disabled."),
            ("auth admin swordfish", "(error) WRONGPASS invalid username-password pair or user is disabled."),
            ("auth a b c", "(error) ERR syntax error"),
        ] {
            assert_eq!(run(&shared, &mut client, line), answer);
            assert!(!client.authenticated());
        }
        assert_eq!(run(&shared, &mut client, "auth default swordfish"), "OK");
        assert!(client.authenticated());
        assert_eq!(run(&shared, &mut client, "reset"), "RESET");
        assert!(!client.authenticated());
    }

    #[test]
    fn without_a_password_auth_says_so() {
        let shared = shared();
        let mut client = session(&shared, 1000);
        assert!(run(&shared, &mut client, "auth x").starts_with("(error) ERR AUTH <password> called without any"));
        assert_eq!(run(&shared, &mut client, "auth default x"), "OK");
    }

    #[test]
    fn hello_does_everything_or_nothing() {
        let shared = locked();
        let mut client = session(&shared, 1000);
        assert!(run(&shared, &mut client, "hello 3").starts_with("(error) NOAUTH HELLO"));
        assert!(run(&shared, &mut client, "hello 4").starts_with("(error) NOPROTO"));
        assert!(run(&shared, &mut client, "hello three").contains("not an integer"));
        assert!(run(&shared, &mut client, "hello 3 auth default").contains("Syntax error in HELLO option 'auth'"));
        let bad_name: &[&[u8]] = &[b"hello", b"3", b"auth", b"default", b"swordfish", b"setname", b"a b"];
        assert!(run_words(&shared, &mut client, bad_name).contains("cannot contain spaces"));
        assert_eq!((client.authenticated(), client.resp()), (false, 2));
        let greeting = run(&shared, &mut client, "hello 3 auth default swordfish setname jay");
        assert!(greeting.contains("server: redis") && greeting.contains("proto: 3"), "{greeting}");
        assert_eq!((client.authenticated(), client.resp(), client.info.name()), (true, 3, b"jay".to_vec()));
        assert!(run(&shared, &mut client, "hello").contains("proto: 3"), "without a version it stays");
    }

    #[test]
    fn select_takes_the_sixteen_databases() {
        let shared = shared();
        let mut client = session(&shared, 1000);
        assert_eq!(run(&shared, &mut client, "select 15"), "OK");
        for (line, answer) in [
            ("select 16", "(error) ERR DB index is out of range"),
            ("select -1", "(error) ERR DB index is out of range"),
            ("select x", "(error) ERR no namespace 'x': JAY.NAMESPACE SET x makes one"),
            ("select a:b", "(error) ERR value is not an integer or out of range"),
        ] {
            assert_eq!(run(&shared, &mut client, line), answer);
        }
        assert_eq!(client.database(), 15);
    }

    #[test]
    fn ping_and_echo_answer_what_they_got() {
        let shared = shared();
        let mut client = session(&shared, 1000);
        for (line, answer) in [
            ("ping", "PONG"),
            ("ping hi", "hi"),
            ("ping a b", "(error) ERR wrong number of arguments for 'ping' command"),
            ("echo hi", "hi"),
            ("quit", "OK"),
        ] {
            assert_eq!(run(&shared, &mut client, line), answer);
        }
        assert!(client.close);
    }
}
