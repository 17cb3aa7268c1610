//! Subscribing, publishing, and asking who listens.

use super::{Done, refusal, shown};
use crate::pubsub::subscriptions::Family;
use crate::session::Session;
use crate::shared::Shared;
use scrubjay_command::{Args, Reply};

/// The words that confirm a subscription and its end.
const WORDS: [(&str, &str); 3] =
    [("subscribe", "unsubscribe"), ("psubscribe", "punsubscribe"), ("ssubscribe", "sunsubscribe")];

pub(super) fn subscribe(
    shared: &Shared,
    session: &mut Session,
    family: Family,
    args: &Args<'_>,
    reply: &mut dyn Reply,
) -> Done {
    for name in args.from(1) {
        let count = session.subscribe(shared, family, name);
        confirm(WORDS[family as usize].0, Some(name), count, reply);
    }
    shared.effects.refresh(&shared.store);
    Ok(())
}

pub(super) fn unsubscribe(
    shared: &Shared,
    session: &mut Session,
    family: Family,
    args: &Args<'_>,
    reply: &mut dyn Reply,
) -> Done {
    let word = WORDS[family as usize].1;
    let count = |session: &Session| session.subscriptions().map_or(0, |own| own.count_with_kin(family));
    if args.len() > 1 {
        for name in args.from(1) {
            let left = session.unsubscribe(shared, family, name);
            confirm(word, Some(name), left, reply);
        }
    } else {
        let all: Vec<Box<[u8]>> =
            session.subscriptions().into_iter().flat_map(|own| own.names(family)).map(Box::from).collect();
        for name in &all {
            let left = session.unsubscribe(shared, family, name);
            confirm(word, Some(name), left, reply);
        }
        if all.is_empty() {
            confirm(word, None, count(session), reply);
        }
    }
    shared.effects.refresh(&shared.store);
    Ok(())
}

fn confirm(word: &str, name: Option<&[u8]>, count: usize, reply: &mut dyn Reply) {
    reply.push(3);
    reply.text(word);
    match name {
        Some(name) => reply.bulk(name),
        None => reply.null(),
    }
    reply.int(count as i64);
}

pub(super) fn publish(shared: &Shared, session: &Session, args: &Args<'_>, reply: &mut dyn Reply) -> Done {
    let pubsub = &shared.effects.pubsub;
    said(shared, session, pubsub.publish(args.at(1), args.at(2)), reply)
}

pub(super) fn publish_to_shard(shared: &Shared, session: &Session, args: &Args<'_>, reply: &mut dyn Reply) -> Done {
    let pubsub = &shared.effects.pubsub;
    said(shared, session, pubsub.publish_to_shard(args.at(1), args.at(2)), reply)
}

fn said(shared: &Shared, session: &Session, receivers: usize, reply: &mut dyn Reply) -> Done {
    if receivers > 0 {
        shared.counters[session.info.thread].published.add(1);
    }
    reply.int(receivers as i64);
    Ok(())
}

pub(super) fn channels(shared: &Shared, family: Family, args: &Args<'_>, reply: &mut dyn Reply) -> Done {
    if args.len() > 3 {
        let word = shown(args.at(1));
        let line = format_args!("unknown subcommand or wrong number of arguments for '{word}'. Try PUBSUB HELP.");
        return Err(refusal(line));
    }
    let names = shared.effects.pubsub.names(family, args.get(2));
    reply.array(names.len());
    names.iter().for_each(|name| reply.bulk(name));
    Ok(())
}

pub(super) fn subscribers(shared: &Shared, family: Family, args: &Args<'_>, reply: &mut dyn Reply) -> Done {
    reply.array(2 * (args.len() - 2));
    for name in args.from(2) {
        reply.bulk(name);
        reply.int(shared.effects.pubsub.count(family, name) as i64);
    }
    Ok(())
}

pub(super) fn patterns(shared: &Shared, reply: &mut dyn Reply) -> Done {
    reply.int(shared.effects.pubsub.len(Family::Pattern) as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::{run, session, shared};

    #[test]
    fn who_listens_can_be_asked_and_ends_with_a_reset() {
        let shared = shared();
        let (mut client, mut other) = (session(&shared, 1000), session(&shared, 1001));
        assert_eq!(run(&shared, &mut client, "subscribe a"), "[subscribe, a, 1]");
        assert_eq!(run(&shared, &mut client, "psubscribe a*"), "[psubscribe, a*, 2]");
        assert_eq!(run(&shared, &mut client, "ssubscribe s"), "[ssubscribe, s, 1]");
        assert_eq!(run(&shared, &mut client, "subscribe a"), "[subscribe, a, 2]", "once is enough");
        for (line, answer) in [
            ("pubsub channels", "[a]"),
            ("pubsub channels b*", "[]"),
            ("pubsub shardchannels", "[s]"),
            ("pubsub numsub a b", "[a, 1, b, 0]"),
            ("pubsub shardnumsub s", "[s, 1]"),
            ("pubsub numpat", "1"),
            ("publish a hi", "2"),
            ("spublish s hi", "1"),
            ("publish s hi", "0"),
            ("unsubscribe", "[unsubscribe, (nil), 0]"),
        ] {
            assert_eq!(run(&shared, &mut other, line), answer, "{line}");
        }
        let line = run(&shared, &mut other, "client list type pubsub");
        assert!(line.contains(" flags=P ") && line.contains(" sub=1 psub=1 ssub=1 "), "{line}");
        assert_eq!(run(&shared, &mut client, "reset"), "RESET");
        for line in ["pubsub channels", "pubsub shardchannels"] {
            assert_eq!(run(&shared, &mut other, line), "[]");
        }
        assert_eq!(run(&shared, &mut other, "pubsub numpat"), "0");
        assert!(client.subscriptions().is_none());
    }
}
