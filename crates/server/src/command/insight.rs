//! `JAY.HOTKEYS`, `JAY.BIGKEYS`, `JAY.MEMORY`: what is hot, what is big, what takes the memory.
//!
//! Estimates are of `n` random entries of `N`: an entry that takes `x` bytes and belongs to a group stands for `N/n` of its
//! like, so the group takes `N * mean`, and 1.96 standard deviations of that mean are the error that is said. Few very large
//! entries make it large; `JAY.BIGKEYS` finds those exactly.

use super::Done;
use crate::heat;
use crate::namespaces::Namespaces;
use crate::session::Session;
use crate::shared::Shared;
use scrubjay_base::rand::{Rng, entropy_seed};
use scrubjay_command::{Args, Kind as RejectKind, Reject, Reply};
use scrubjay_store::{DATABASES, Kind, Ns};
use std::collections::HashMap;

/// Answers unless told.
const COUNT_DEFAULT: usize = 10;
/// The most that is answered.
const COUNT_MAX: usize = 10_000;
/// Prefixes unless told.
const PREFIXES_DEFAULT: usize = 100;
/// Random entries unless told: an error of 1.4 % of the whole for a group that has half of it; some 3 ms.
const SAMPLES_DEFAULT: usize = 5000;
/// The most random entries; some 60 ms, in which the thread serves nobody else.
const SAMPLES_MAX: usize = 100_000;
/// Standard deviations within which 95 of 100 estimates lie.
const DEVIATIONS: f64 = 1.96;

/// A number after the word at `at`, at least 1.
fn number(args: &Args<'_>, at: usize, most: usize) -> Result<usize, Reject> {
    const NOT_POSITIVE: Reject = Reject::new(RejectKind::BadRequest, "ERR value must be positive");
    if at + 1 >= args.len() {
        return Err(Reject::SYNTAX);
    }
    let given = usize::try_from(args.int(at + 1)?).ok().filter(|&given| given > 0).ok_or(NOT_POSITIVE)?;
    Ok(given.min(most))
}

pub(super) fn hot_keys(shared: &Shared, args: &Args<'_>, reply: &mut dyn Reply) -> Done {
    let (mut count, mut reset, mut at) = (COUNT_DEFAULT, false, 1);
    while at < args.len() {
        if args.is(at, "COUNT") {
            count = number(args, at, COUNT_MAX)?;
            at += 2;
        } else if args.is(at, "RESET") {
            reset = true;
            at += 1;
        } else {
            return Err(Reject::SYNTAX);
        }
    }
    let mut keys = heat::hottest(shared);
    keys.truncate(count);
    reply.array(keys.len());
    for key in &keys {
        reply.map(6);
        reply.text("key");
        reply.bulk(&key.key);
        say_database(shared, key.database, reply);
        for (name, value) in [("count", key.count()), ("reads", key.reads), ("writes", key.writes)] {
            reply.text(name);
            reply.int(value as i64);
        }
        reply.text("hot");
        reply.boolean(key.is_hot);
    }
    if reset {
        heat::reset(shared);
    }
    Ok(())
}

/// Says which database a key is in: by its number, or its name if it has one.
fn say_database(shared: &Shared, database: u8, reply: &mut dyn Reply) {
    reply.text("database");
    match database < DATABASES {
        true => reply.int(i64::from(database)),
        false => reply.text(&shared.namespaces.directory().name(database)),
    }
}

pub(super) fn big_keys(shared: &Shared, args: &Args<'_>, reply: &mut dyn Reply) -> Done {
    const NO_TYPE: Reject = Reject::new(RejectKind::BadRequest, "ERR unknown type name");
    let (mut count, mut kind, mut at) = (COUNT_DEFAULT, None, 1);
    while at < args.len() {
        if args.is(at, "COUNT") {
            count = number(args, at, COUNT_MAX)?;
        } else if args.is(at, "TYPE") && at + 1 < args.len() {
            kind = Some(Kind::ALL.into_iter().find(|kind| args.is(at + 1, kind.name())).ok_or(NO_TYPE)?);
        } else {
            return Err(Reject::SYNTAX);
        }
        at += 2;
    }
    let found = shared.store.biggest(count, kind, shared.clock.now_ms());
    reply.array(found.len());
    for big in &found {
        reply.map(4);
        reply.text("key");
        reply.bulk(&big.key);
        say_database(shared, Namespaces::database_of(&shared.store, big.ns), reply);
        reply.text("type");
        reply.text(big.kind.name());
        reply.text("bytes");
        reply.int(big.memory_bytes as i64);
    }
    Ok(())
}

fn namespace(shared: &Shared, session: &Session) -> Ns {
    shared.store.namespace(session.database()).unwrap_or_default()
}

/// The entries of a group among the samples.
#[derive(Clone, Copy, Default)]
struct Group {
    entries: f64,
    bytes: f64,
    squares: f64,
}

impl Group {
    fn add(&mut self, bytes: usize) {
        self.entries += 1.0;
        self.bytes += bytes as f64;
        self.squares += (bytes as f64).powi(2);
    }

    /// What all of the group take, and the error of that, where `samples` of `entries` were looked at.
    fn estimate(&self, entries: f64, samples: f64) -> (f64, f64) {
        let mean = self.bytes / samples;
        let variance = (self.squares / samples - mean * mean).max(0.0);
        (entries * mean, DEVIATIONS * entries * (variance / samples).sqrt())
    }
}

/// `key` up to its `depth`-th separator, that included; up to its last if it has fewer.
fn prefix<'k>(key: &'k [u8], separator: &[u8], depth: usize) -> &'k [u8] {
    let mut end = 0;
    for _ in 0..depth {
        match key[end..].windows(separator.len()).position(|window| window == separator) {
            Some(at) => end += at + separator.len(),
            None => break,
        }
    }
    &key[..end]
}

pub(super) fn prefixes(shared: &Shared, session: &Session, args: &Args<'_>, reply: &mut dyn Reply) -> Done {
    let (mut depth, mut separator, mut samples) = (1, &b":"[..], SAMPLES_DEFAULT);
    let (mut count, mut at) = (PREFIXES_DEFAULT, 2);
    while at < args.len() {
        if args.is(at, "DEPTH") {
            depth = number(args, at, usize::MAX)?;
        } else if args.is(at, "SAMPLES") {
            samples = number(args, at, SAMPLES_MAX)?;
        } else if args.is(at, "COUNT") {
            count = number(args, at, COUNT_MAX)?;
        } else if args.is(at, "SEPARATOR") && args.get(at + 1).is_some_and(|given| !given.is_empty()) {
            separator = args.at(at + 1);
        } else {
            return Err(Reject::SYNTAX);
        }
        at += 2;
    }
    let (mut groups, mut all) = (HashMap::<Vec<u8>, Group>::new(), Group::default());
    let mut rng = Rng::new(entropy_seed());
    let now_ms = shared.clock.now_ms();
    let entries = shared.store.sample(namespace(shared, session), samples, &mut rng, now_ms, |key, entry| {
        let bytes = entry.memory_bytes();
        all.add(bytes);
        let prefix = prefix(key, separator, depth);
        match groups.get_mut(prefix) {
            Some(group) => group.add(bytes),
            None => groups.entry(prefix.to_vec()).or_default().add(bytes),
        }
    });
    let (entries, seen) = (entries as f64, all.entries.max(1.0));
    let mut groups: Vec<(Vec<u8>, Group)> = groups.into_iter().collect();
    groups.sort_by(|(a_name, a), (b_name, b)| b.bytes.total_cmp(&a.bytes).then_with(|| a_name.cmp(b_name)));
    groups.truncate(count);
    reply.map(5);
    say(reply, "entries", entries);
    say(reply, "samples", all.entries);
    let (bytes, error) = all.estimate(entries, seen);
    say(reply, "bytes", bytes);
    say(reply, "bytes-error", error);
    reply.text("prefixes");
    reply.array(groups.len());
    for (name, group) in &groups {
        let (bytes, error) = group.estimate(entries, seen);
        reply.map(5);
        reply.text("prefix");
        reply.bulk(name);
        say(reply, "entries", entries * group.entries / seen);
        say(reply, "bytes", bytes);
        say(reply, "bytes-error", error);
        reply.text("share");
        reply.double((group.bytes / all.bytes * 10_000.0).round() / 10_000.0);
    }
    Ok(())
}

fn say(reply: &mut dyn Reply, name: &str, value: f64) {
    reply.text(name);
    reply.int(value.round() as i64);
}

/// Sizes of which each is twice the one before: 0, 1, 2, 3-4, 5-8, ...
struct Sizes([u64; 64]);

impl Sizes {
    fn new() -> Sizes {
        Sizes([0; 64])
    }

    fn add(&mut self, bytes: usize) {
        self.0[if bytes == 0 { 0 } else { 1 + bytes.next_power_of_two().trailing_zeros() as usize }] += 1;
    }

    /// Says pairs of the largest size and the number of entries.
    fn say(&self, name: &str, scale: f64, reply: &mut dyn Reply) {
        reply.text(name);
        let first = self.0.iter().position(|&count| count > 0).unwrap_or(0);
        let end = self.0.iter().rposition(|&count| count > 0).map_or(first, |last| last + 1);
        reply.array(end - first);
        for (at, count) in self.0.iter().enumerate().take(end).skip(first) {
            reply.array(2);
            reply.int(if at == 0 { 0 } else { 1 << (at - 1) });
            reply.int((*count as f64 * scale).round() as i64);
        }
    }
}

pub(super) fn histogram(shared: &Shared, session: &Session, args: &Args<'_>, reply: &mut dyn Reply) -> Done {
    let (mut wanted, mut samples, mut at) = (&b""[..], SAMPLES_DEFAULT, 2);
    while at < args.len() {
        if args.is(at, "PREFIX") && at + 1 < args.len() {
            wanted = args.at(at + 1);
        } else if args.is(at, "SAMPLES") {
            samples = number(args, at, SAMPLES_MAX)?;
        } else {
            return Err(Reject::SYNTAX);
        }
        at += 2;
    }
    let (mut keys, mut values, mut seen, mut matching) = (Sizes::new(), Sizes::new(), 0u64, 0u64);
    let mut rng = Rng::new(entropy_seed());
    let now_ms = shared.clock.now_ms();
    let entries = shared.store.sample(namespace(shared, session), samples, &mut rng, now_ms, |key, entry| {
        seen += 1;
        if key.starts_with(wanted) {
            matching += 1;
            keys.add(key.len());
            values.add(entry.payload_bytes());
        }
    });
    let scale = entries as f64 / seen.max(1) as f64;
    reply.map(4);
    say(reply, "samples", seen as f64);
    say(reply, "entries", matching as f64 * scale);
    keys.say("key-bytes", scale, reply);
    values.say("value-bytes", scale, reply);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{run, session, shared};
    use scrubjay_store::{Deadline, Flags};

    fn put(shared: &Shared, name: &str, value_bytes: usize) {
        let key = shared.store.key(Ns(0), name.as_bytes());
        let mut guard = shared.store.lock(key.slot, shared.clock.now_ms());
        guard.put(&key, &vec![b'v'; value_bytes], Deadline::Never, Flags::Keep).expect("room");
    }

    #[test]
    fn a_prefix_ends_with_its_last_separator() {
        for (key, separator, depth, expected) in [
            ("user:1:name", ":", 1, "user:"),
            ("user:1:name", ":", 2, "user:1:"),
            ("user:1", ":", 5, "user:"),
            ("plain", ":", 1, ""),
            ("a::b", "::", 1, "a::"),
            (":x", ":", 1, ":"),
        ] {
            assert_eq!(prefix(key.as_bytes(), separator.as_bytes(), depth), expected.as_bytes(), "{key}");
        }
    }

    #[test]
    fn prefixes_are_estimated_within_the_error_that_is_said() {
        let shared = shared();
        let mut client = session(&shared, 1000);
        (0..6000).for_each(|n| put(&shared, &format!("user:{n}:name"), 40));
        (0..2000).for_each(|n| put(&shared, &format!("page:{n}"), 400));
        let text = run(&shared, &mut client, "jay.memory prefixes samples 20000");
        assert!(text.starts_with("{entries: 8000, samples: 20000, bytes: "), "{text}");
        let field = |prefix: &str, name: &str| -> f64 {
            let part = text.split("{prefix: ").find(|part| part.starts_with(prefix)).expect("listed");
            let value = part.split(&format!("{name}: ")).nth(1).expect("a field");
            value.split([',', '}']).next().and_then(|number| number.parse().ok()).expect("a number")
        };
        // 420 bytes and more for a page, 70 and more for a name.
        assert!((field("page:", "entries") - 2000.0).abs() < 150.0, "{text}");
        assert!((0.60..0.70).contains(&field("page:", "share")), "{text}");
        let (bytes, error) = (field("page:", "bytes"), field("page:", "bytes-error"));
        assert!(error < bytes / 20.0 && bytes > 2000.0 * 410.0 - 2.0 * error, "{text}");
        for (line, answer) in [
            ("jay.memory prefixes depth 0", "(error) ERR value must be positive"),
            ("jay.memory prefixes depth", "(error) ERR syntax error"),
            ("jay.memory prefixes nope 1", "(error) ERR syntax error"),
        ] {
            assert_eq!(run(&shared, &mut client, line), answer, "{line}");
        }
        run(&shared, &mut client, "select 1");
        let none = run(&shared, &mut client, "jay.memory prefixes");
        assert_eq!(none, "{entries: 0, samples: 0, bytes: 0, bytes-error: 0, prefixes: []}");
    }

    #[test]
    fn sizes_are_sorted_into_powers_of_two() {
        let shared = shared();
        let mut client = session(&shared, 1000);
        put(&shared, "k", 0);
        put(&shared, "wanted", 5);
        let text = run(&shared, &mut client, "jay.memory histogram samples 1 prefix w");
        assert!(
            text == "{samples: 1, entries: 0, key-bytes: [], value-bytes: []}" || text.contains("[8, 2]"),
            "{text}"
        );
        let mut sizes = Sizes::new();
        [0, 1, 2, 3, 4, 5, 8, 9].into_iter().for_each(|bytes| sizes.add(bytes));
        assert_eq!(sizes.0[..6], [1, 1, 1, 2, 2, 1]);
    }

    #[test]
    fn big_keys_are_listed_with_their_database_and_type() {
        let shared = shared();
        let mut client = session(&shared, 1000);
        put(&shared, "small", 100);
        put(&shared, "large", 10_000);
        put(&shared, "larger", 100_000);
        let text = run(&shared, &mut client, "jay.bigkeys");
        assert!(text.starts_with("[{key: larger, database: 0, type: string, bytes: 1"), "{text}");
        assert!(text.contains("{key: large, ") && !text.contains("small"), "{text}");
        assert!(!run(&shared, &mut client, "jay.bigkeys count 1 type string").contains("{key: large,"));
        assert_eq!(run(&shared, &mut client, "jay.bigkeys type list"), "[]");
        assert_eq!(run(&shared, &mut client, "jay.bigkeys type tree"), "(error) ERR unknown type name");
    }
}
