//! Random commands, one after the other, against the families and against Redis: the same answers, and at the end the
//! same keys with the same values and deadlines.
//!
//! Redis is Debian's, unpacked by `tools/fetch_reference.sh`; without it the test says so and passes. What Redis 7.0
//! does otherwise than later versions (bad arguments for bits of an absent key), or keeps to itself (dumps, encodings,
//! how many expired keys it has not removed yet), is not asked.
//!
//! `SCRUBJAY_SEED` repeats a failure, `SCRUBJAY_REFERENCE_COMMANDS` asks for more commands than the default.

mod draw;

use super::testing::{Node, show};
use crate::reject::{Kind, Reject};
use crate::reply::Value;
use crate::table::{Flags, Handler};
use draw::{Draw, KEYS};
use scrubjay_base::clock::{Clock, SystemClock};
use scrubjay_base::rand::Rng;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Commands unless the environment says otherwise: about a second.
const COMMANDS_DEFAULT: u64 = 30_000;
/// Commands that take more arguments than in 7.0.
const YOUNGER_ARITY: [&str; 2] = ["ZRANK", "ZREVRANK"];
/// How far apart the two may read the clock.
const CLOCK_TOLERANCE_MS: u64 = 2_000;

struct Reference {
    server: Child,
    socket: PathBuf,
    connection: BufReader<UnixStream>,
}

impl Drop for Reference {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
        let _ = std::fs::remove_file(&self.socket);
    }
}

impl Reference {
    /// Over a socket in the file system, whose name is ours alone: a free port that is asked for and let go again may be
    /// held open a moment longer by a child that another test's thread is starting, which then answers with a reset.
    fn start() -> Result<Reference, String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.cache/reference");
        let server = root.join("usr/bin/redis-server");
        if !server.exists() {
            return Err("no redis-server: run tools/fetch_reference.sh to compare with it".into());
        }
        let environment = std::fs::read_to_string(root.join("env")).unwrap_or_default();
        let libraries = environment.trim().strip_prefix("LD_LIBRARY_PATH=").map(PathBuf::from).unwrap_or_default();
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let socket = std::env::temp_dir().join(format!("scrubjay-reference-{}-{number}", std::process::id()));
        let server = Command::new(server)
            .args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket"])
            .arg(&socket)
            .env("LD_LIBRARY_PATH", libraries)
            .stdout(Stdio::null())
            .spawn()
            .map_err(|e| e.to_string())?;
        let started = Instant::now();
        loop {
            match UnixStream::connect(&socket) {
                Ok(stream) => {
                    let mut reference = Reference { server, socket, connection: BufReader::new(stream) };
                    reference.call(&[b"HELLO".to_vec(), b"3".to_vec()]);
                    return Ok(reference);
                }
                Err(error) if started.elapsed() > Duration::from_secs(10) => return Err(error.to_string()),
                Err(_) => std::thread::yield_now(),
            }
        }
    }

    fn call(&mut self, words: &[Vec<u8>]) -> Value {
        let mut request = format!("*{}\r\n", words.len()).into_bytes();
        for word in words {
            request.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
            request.extend_from_slice(word);
            request.extend_from_slice(b"\r\n");
        }
        self.connection.get_mut().write_all(&request).expect("redis-server reads");
        self.read()
    }

    fn read(&mut self) -> Value {
        let mut line = String::new();
        self.connection.read_line(&mut line).expect("redis-server answers");
        let (kind, rest) = line.trim_end_matches("\r\n").split_at(1);
        let number = || rest.parse::<usize>().expect("a length");
        match kind {
            "+" => Value::Simple(match rest {
                "OK" => "OK",
                "string" => "string",
                "none" => "none",
                other => return Value::Bulk(other.as_bytes().to_vec()),
            }),
            "-" => Value::Error(Reject::with(Kind::BadRequest, rest.to_owned())),
            ":" => Value::Int(rest.parse().expect("an integer")),
            "_" => Value::Null,
            "$" => {
                let mut bytes = vec![0; number() + 2];
                self.connection.read_exact(&mut bytes).expect("redis-server answers whole");
                bytes.truncate(bytes.len() - 2);
                Value::Bulk(bytes)
            }
            "*" | "~" => Value::Array((0..number()).map(|_| self.read()).collect()),
            "%" => Value::Map((0..number()).map(|_| (self.read(), self.read())).collect()),
            other => panic!("unexpected reply {other}{rest}"),
        }
    }
}

/// The answer without what may differ: the order of keys, and milliseconds that passed between the two.
fn canonical(words: &[Vec<u8>], value: Value) -> (String, i64) {
    fn sorted(value: Value) -> Value {
        match value {
            Value::Array(mut items) => {
                items.sort_by_key(show);
                Value::Array(items.into_iter().map(sorted).collect())
            }
            other => other,
        }
    }
    match (words[0].to_ascii_uppercase().as_slice(), value) {
        (b"KEYS" | b"SCAN", value) => (show(&sorted(value)), 0),
        (b"TTL" | b"EXPIRETIME", Value::Int(seconds)) if seconds > 0 => ("some".into(), seconds.saturating_mul(1000)),
        (b"PTTL" | b"PEXPIRETIME", Value::Int(ms)) if ms > 0 => ("some".into(), ms),
        (_, value) => (show(&value), 0),
    }
}

#[test]
fn random_commands_get_the_answers_of_redis_and_leave_the_same_keys() {
    let redis = match Reference::start() {
        Ok(redis) => redis,
        Err(reason) => return eprintln!("skipped: {reason}"),
    };
    let from_environment = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seed = from_environment("SCRUBJAY_SEED").unwrap_or(1);
    let commands = from_environment("SCRUBJAY_REFERENCE_COMMANDS").unwrap_or(COMMANDS_DEFAULT);
    let clock = SystemClock::new();
    let mut draw = Draw { rng: Rng::new(seed), now_ms: clock.now_ms() };
    let mut pair = Pair { node: Node::new(), redis, clock, past: Vec::new() };
    for number in 0..commands {
        pair.compare(draw.command(), &format!("command {number}, SCRUBJAY_SEED={seed}"));
        if number % 1000 == 999 || number + 1 == commands {
            let place = format!("state after command {number}, SCRUBJAY_SEED={seed}");
            let database = pair.node.database;
            for database in [b"0", b"1"] {
                pair.compare(vec![b"SELECT".to_vec(), database.to_vec()], &place);
                for key in (0..KEYS).map(|key| format!("key:{key}").into_bytes()) {
                    pair.compare(vec![b"GET".to_vec(), key.clone()], &place);
                    pair.compare(vec![b"PTTL".to_vec(), key], &place);
                }
            }
            pair.compare(vec![b"SELECT".to_vec(), database.to_string().into_bytes()], &place);
        }
    }
}

#[test]
fn rows_have_the_arity_flags_and_keys_that_redis_gives_them() {
    let mut redis = match Reference::start() {
        Ok(redis) => redis,
        Err(reason) => return eprintln!("skipped: {reason}"),
    };
    let mut compared = 0;
    for (row, container) in crate::index::all_rows().filter(|(row, _)| matches!(row.handler, Handler::Data(_))) {
        let name = container.map_or(row.name.to_owned(), |container| format!("{}|{}", container.name, row.name));
        let Value::Array(mut answer) = redis.call(&["COMMAND".into(), "INFO".into(), name.clone().into_bytes()]) else {
            panic!("COMMAND INFO answers an array")
        };
        let Some(Value::Array(info)) = answer.pop() else { continue }; // younger than 7.0
        let Value::Array(their_flags) = &info[2] else { panic!("{:?}", info[2]) };
        compared += 1;
        let has = |flag: &str| their_flags.iter().any(|their| show(their).contains(flag));
        for (flag, name) in
            [(Flags::WRITE, "write"), (Flags::READONLY, "readonly"), (Flags::DENYOOM, "denyoom"), (Flags::FAST, "fast")]
        {
            assert_eq!(row.flags.contains(flag), has(name), "{}: {name}", row.name);
        }
        if !YOUNGER_ARITY.contains(&row.name) {
            assert_eq!(Value::Int(row.arity.into()), info[1], "{}: arity", row.name);
        }
        let (first, last, step) = crate::docs::key_range(row);
        let keys = [first, last, step].map(Value::Int);
        assert_eq!(keys, info[3..6], "{}: first key, last key, step", row.name);
    }
    assert!(compared > 60, "{compared}");
}

/// The two, and what they were asked.
struct Pair {
    node: Node,
    redis: Reference,
    clock: SystemClock,
    past: Vec<(u8, Vec<Vec<u8>>, String)>,
}

impl Pair {
    fn compare(&mut self, words: Vec<Vec<u8>>, place: &str) {
        self.node.now_ms = self.clock.now_ms();
        let theirs = self.redis.call(&words);
        if words[0] == b"SELECT" {
            if theirs == Value::Simple("OK") {
                self.node.database = words[1][0] - b'0';
            }
            return;
        }
        let ours = self.node.value(&words.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let ((ours, our_ms), (theirs, their_ms)) = (canonical(&words, ours), canonical(&words, theirs));
        if ours != theirs || our_ms.abs_diff(their_ms) > CLOCK_TOLERANCE_MS {
            let related = |past: &[Vec<u8>]| {
                matches!(past[0].as_slice(), b"SWAPDB" | b"FLUSHDB")
                    || past.iter().any(|w| w.starts_with(b"key:") && words.contains(w))
            };
            let past: Vec<_> = self.past.iter().filter(|(_, past, _)| related(past)).collect();
            for (database, words, answer) in past.iter().rev().take(20).rev() {
                eprintln!("{database}> {} => {answer}", quoted(words));
            }
            let database = self.node.database;
            panic!("{place}\n{database}> {}\n ours: {ours} {our_ms}\nRedis: {theirs} {their_ms}", quoted(&words));
        }
        self.past.push((self.node.database, words, ours));
    }
}

fn quoted(words: &[Vec<u8>]) -> String {
    words.iter().map(|word| format!("\"{}\"", word.escape_ascii())).collect::<Vec<_>>().join(" ")
}
