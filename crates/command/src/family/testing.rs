//! A node without a door, for the tests of the families: commands as words in, answers as one line of text out.
//!
//! `+OK` a fixed word, `nil`, `7` an integer, `"text"` bytes (what is no printable ASCII as `\xNN`), `[a b]` an array,
//! `{k: v}` a map, `-ERR ...` a refusal.

use crate::args::{Args, Span};
use crate::index::resolve;
use crate::reply::{Value, ValueReply};
use crate::table::{Context, Handler, SizeLimits};
use scrubjay_store::{Config, Ns, Store};

/// When the tests begin, in Unix milliseconds.
pub const START_MS: u64 = 1_700_000_000_000;

pub struct Node {
    pub store: Store,
    pub now_ms: u64,
    pub database: u8,
    pub value_bytes_max: usize,
}

impl Node {
    pub fn new() -> Node {
        Node::with(Config::default())
    }

    /// With a memory limit, and nothing that may be evicted.
    pub fn with_limit(max_memory_bytes: u64) -> Node {
        Node::with(Config { max_memory_bytes, policy: scrubjay_store::Policy::NoEviction, ..Config::default() })
    }

    fn with(config: Config) -> Node {
        let store = Store::new(config, None);
        Node { store, now_ms: START_MS, database: 0, value_bytes_max: 512 << 20 }
    }

    pub fn context(&self) -> Context<'_> {
        let limits = SizeLimits { key_bytes_max: scrubjay_store::KEY_BYTES_MAX, value_bytes_max: self.value_bytes_max };
        Context::new(&self.store, self.store.namespace(self.database).unwrap_or(Ns(0)), self.now_ms, limits)
    }

    /// Runs one command given as words separated by spaces; `""` is the empty word, `\xNN` a byte.
    pub fn run(&self, line: &str) -> String {
        let words: Vec<Vec<u8>> = line.split(' ').map(unquote).collect();
        self.call(&words.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }

    /// Runs one command.
    pub fn call(&self, words: &[&[u8]]) -> String {
        show(&self.value(words))
    }

    /// Runs one command; its answer as a tree.
    pub fn value(&self, words: &[&[u8]]) -> Value {
        let mut spans = Vec::new();
        let buffer = words.concat();
        let mut start = 0;
        for word in words {
            spans.push(Span { start, length: word.len() as u32 });
            start += word.len() as u32;
        }
        let args = Args::new(&buffer, &spans);
        let mut reply = ValueReply::new();
        let result = match resolve(&args) {
            Err(reject) => Err(reject),
            Ok(row) => match row.handler {
                Handler::Data(run) => run(&mut self.context(), &args, &mut reply),
                _ => panic!("{} is no data command", row.name),
            },
        };
        match (result, reply.finish()) {
            (Ok(()), Some(value)) => value,
            (Err(reject), None) => Value::Error(reject),
            (result, reply) => panic!("{words:?} left {result:?} and said {reply:?}"),
        }
    }

    /// Runs the commands in turn and compares each answer.
    #[track_caller]
    pub fn check(&self, dialogue: &[(&str, &str)]) {
        for (at, (line, expected)) in dialogue.iter().enumerate() {
            assert_eq!(self.run(line), *expected, "line {at}: {line}");
        }
    }
}

fn unquote(word: &str) -> Vec<u8> {
    if word == "\"\"" {
        return Vec::new();
    }
    let mut bytes = Vec::new();
    let mut rest = word.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        if let [b'\\', b'x', high, low, tail @ ..] = rest {
            let digit = |b: u8| char::from(b).to_digit(16).expect("two hexadecimal digits") as u8;
            bytes.push(digit(*high) << 4 | digit(*low));
            rest = tail;
        } else {
            bytes.push(first);
            rest = after;
        }
    }
    bytes
}

pub fn show(value: &Value) -> String {
    let list = |items: &[Value]| items.iter().map(show).collect::<Vec<_>>().join(" ");
    match value {
        Value::Simple(text) => format!("+{text}"),
        Value::Bulk(bytes) => format!("\"{}\"", bytes.escape_ascii()),
        Value::Null => "nil".into(),
        Value::Int(value) => value.to_string(),
        Value::Double(value) => format!("({value})"),
        Value::Boolean(value) => format!("({value})"),
        Value::Array(items) => format!("[{}]", list(items)),
        Value::Map(pairs) => {
            let pairs: Vec<_> = pairs.iter().map(|(key, value)| format!("{}: {}", show(key), show(value))).collect();
            format!("{{{}}}", pairs.join(", "))
        }
        Value::Error(reject) => format!("-{}", reject.line()),
    }
}
