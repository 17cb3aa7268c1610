//! Requests, built once. What changes between two requests is the twelve digits of the key, and they are patched.
//!
//! ```text
//!  *2 $3 GET $16 key:000000000000 | *2 $3 GET $16 key:000000000000 | ... P times
//!                    ^ key_at             ^ stride + key_at
//! ```
//!
//! All connections of a worker send from this one buffer (what a socket does not take at once is copied), so even 64
//! writes of 1 KiB come out of the L2 cache. Where lengths vary from draw to draw (a `mix`, values of several lengths)
//! nothing can be patched: those requests are copied one after the other from templates.

use crate::{Config, Operation, Protocol};
use scrubjay_base::rand::Rng;

const KEY: &[u8; 16] = b"key:000000000000";
const KEY_PREFIX_BYTES: usize = 4;

/// How many lengths stand for a range of value lengths.
const LENGTHS: usize = 16;

/// The next keys to ask for, and the bytes that ask for them.
pub(crate) struct Batch {
    kind: Kind,
    pipeline: usize,
    keys: Keys,
    digits: Box<[[u8; 3]; 1000]>,
}

enum Kind {
    /// All requests alike: patched in place.
    Uniform { bytes: Vec<u8>, stride: usize, key_at: Option<usize> },
    /// Requests of several lengths: composed anew.
    Mixed { read: Template, writes: Vec<Template>, set_percent: u64, bytes: Vec<u8> },
}

struct Template {
    bytes: Vec<u8>,
    key_at: usize,
}

/// Which keys: drawn, or for a load one after the other up to the worker's last.
struct Keys {
    rng: Rng,
    first: u64,
    count: u64,
    loading: Option<std::ops::Range<u64>>,
}

impl Keys {
    #[inline]
    fn next(&mut self) -> u64 {
        match &mut self.loading {
            None => self.first + self.rng.below(self.count),
            Some(left) => {
                left.start += 1;
                left.start - 1
            }
        }
    }
}

impl Batch {
    /// The requests of worker `index` of `workers`.
    pub(crate) fn new(config: &Config, index: usize, workers: usize) -> Batch {
        let mut rng = Rng::new(config.seed.wrapping_add(index as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let lengths = lengths(config);
        let value = value(lengths[lengths.len() - 1], &mut rng);
        let read = Template::new(read_request(config));
        let writes: Vec<_> =
            lengths.iter().map(|&length| Template::new(write_request(config, &value[..length]))).collect();
        let uniform = |template: &Template| Kind::Uniform {
            stride: template.bytes.len(),
            bytes: template.bytes.repeat(config.pipeline),
            key_at: Some(template.key_at),
        };
        let mixed = |read, writes, set_percent: u8| Kind::Mixed {
            read,
            writes,
            set_percent: u64::from(set_percent),
            bytes: Vec::new(),
        };
        let kind = match config.operation {
            Operation::Get => uniform(&read),
            Operation::Set | Operation::Load if writes.len() == 1 => uniform(&writes[0]),
            Operation::Set | Operation::Load => mixed(read, writes, 100),
            Operation::Mix => mixed(read, writes, config.set_percent),
            Operation::Ping => {
                let ping = b"*1\r\n$4\r\nPING\r\n";
                Kind::Uniform { stride: ping.len(), bytes: ping.repeat(config.pipeline), key_at: None }
            }
        };
        let share = |part: usize| config.first_key + config.keys * part as u64 / workers as u64;
        let loading = (config.operation == Operation::Load).then(|| share(index)..share(index + 1));
        let digits = std::array::from_fn(|n| [n / 100, n / 10 % 10, n % 10].map(|digit| b'0' + digit as u8));
        Batch {
            kind,
            pipeline: config.pipeline,
            keys: Keys { rng, first: config.first_key, count: config.keys, loading },
            digits: Box::new(digits),
        }
    }

    /// Draws the next batch: how many requests it has (0 when a load is through) and their bytes.
    #[inline]
    pub(crate) fn next(&mut self) -> (u32, &[u8]) {
        let Batch { kind, pipeline, keys, digits } = self;
        let count = match &keys.loading {
            None => *pipeline,
            Some(left) => (*pipeline).min((left.end - left.start) as usize),
        };
        let bytes = match kind {
            Kind::Uniform { bytes, stride, key_at } => {
                if let Some(key_at) = *key_at {
                    for request in bytes.chunks_exact_mut(*stride).take(count) {
                        patch(&mut request[key_at..], keys.next(), digits);
                    }
                }
                &bytes[..count * *stride]
            }
            Kind::Mixed { read, writes, set_percent, bytes } => {
                bytes.clear();
                for _ in 0..count {
                    let template = match keys.rng.below(100) < *set_percent {
                        true => &writes[keys.rng.below(writes.len() as u64) as usize],
                        false => &*read,
                    };
                    let start = bytes.len();
                    bytes.extend_from_slice(&template.bytes);
                    patch(&mut bytes[start + template.key_at..], keys.next(), digits);
                }
                &bytes[..]
            }
        };
        (count as u32, bytes)
    }

    /// The generator that arrival times are drawn from as well.
    pub(crate) fn rng(&mut self) -> &mut Rng {
        &mut self.keys.rng
    }
}

impl Template {
    fn new(bytes: Vec<u8>) -> Template {
        let key = memchr::memmem::find(&bytes, KEY).expect("every template holds the key once");
        Template { key_at: key + KEY_PREFIX_BYTES, bytes }
    }
}

/// Three digits at a time: four divisions and four copies a key, about 3 ns.
#[inline]
fn patch(at: &mut [u8], key: u64, digits: &[[u8; 3]; 1000]) {
    let groups = [key / 1_000_000_000 % 1000, key / 1_000_000 % 1000, key / 1000 % 1000, key % 1000];
    for (place, group) in at[..12].chunks_exact_mut(3).zip(groups) {
        place.copy_from_slice(&digits[group as usize]);
    }
}

/// The lengths that values have: one, or [`LENGTHS`] evenly spread over the range.
fn lengths(config: &Config) -> Vec<usize> {
    let low = config.value_bytes;
    match config.value_bytes_max.checked_sub(low) {
        None | Some(0) => vec![low],
        Some(span) => (0..LENGTHS).map(|n| low + span * n / (LENGTHS - 1)).collect(),
    }
}

/// Random printable bytes: a server that compresses gains nothing by it.
fn value(length: usize, rng: &mut Rng) -> Vec<u8> {
    const ALPHABET: &[u8; 64] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    (0..length).map(|_| ALPHABET[rng.below(64) as usize]).collect()
}

fn read_request(config: &Config) -> Vec<u8> {
    match config.protocol {
        Protocol::Resp => resp(&[b"GET", KEY]),
        Protocol::Memcached => [b"get ", &KEY[..], b"\r\n"].concat(),
        Protocol::Meta => [b"mg ", &KEY[..], b" v\r\n"].concat(),
        Protocol::Http => http(config, "GET", "Accept: application/octet-stream\r\n", b""),
    }
}

fn write_request(config: &Config, value: &[u8]) -> Vec<u8> {
    let ttl = config.ttl_s.to_string();
    match config.protocol {
        Protocol::Resp if config.ttl_s == 0 => resp(&[b"SET", KEY, value]),
        Protocol::Resp => resp(&[b"SET", KEY, value, b"EX", ttl.as_bytes()]),
        Protocol::Memcached => {
            let head = format!(" 0 {ttl} {}\r\n", value.len());
            [b"set ", &KEY[..], head.as_bytes(), value, b"\r\n"].concat()
        }
        Protocol::Meta => {
            let head = format!(" {} T{ttl}\r\n", value.len());
            [b"ms ", &KEY[..], head.as_bytes(), value, b"\r\n"].concat()
        }
        Protocol::Http => {
            let lifetime = if config.ttl_s == 0 { String::new() } else { format!("X-TTL: {ttl}\r\n") };
            let headers =
                format!("Content-Type: application/octet-stream\r\n{lifetime}Content-Length: {}\r\n", value.len());
            http(config, "PUT", &headers, value)
        }
    }
}

fn resp(arguments: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", arguments.len()).into_bytes();
    for argument in arguments {
        bytes.extend_from_slice(format!("${}\r\n", argument.len()).as_bytes());
        bytes.extend_from_slice(argument);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

fn http(config: &Config, method: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let Config { host, port, http_path, .. } = config;
    let key = String::from_utf8_lossy(KEY);
    let head = format!("{method} {http_path}{key} HTTP/1.1\r\nHost: {host}:{port}\r\n{headers}\r\n");
    [head.as_bytes(), body].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(operation: Operation, protocol: Protocol) -> Config {
        Config { operation, protocol, pipeline: 3, keys: 7, first_key: 5, value_bytes: 4, ..Config::default() }
    }

    #[test]
    fn load_writes_every_key_once_over_all_workers() {
        let config = config(Operation::Load, Protocol::Resp);
        let mut seen = Vec::new();
        for worker in 0..2 {
            let mut batch = Batch::new(&config, worker, 2);
            loop {
                let (count, bytes) = batch.next();
                if count == 0 {
                    break;
                }
                let text = String::from_utf8_lossy(bytes).into_owned();
                assert_eq!(text.matches("SET").count(), count as usize);
                seen.extend(text.split("key:").skip(1).map(|rest| rest[..12].parse::<u64>().unwrap()));
            }
        }
        assert_eq!(seen, (5..12).collect::<Vec<_>>());
    }

    #[test]
    fn requests_are_well_formed_in_each_protocol() {
        for (protocol, ttl_s, expected) in [
            (Protocol::Resp, 0, "*3\r\n$3\r\nSET\r\n$16\r\nkey:000000000005\r\n$4\r\nVVVV\r\n"),
            (
                Protocol::Resp,
                60,
                "*5\r\n$3\r\nSET\r\n$16\r\nkey:000000000005\r\n$4\r\nVVVV\r\n$2\r\nEX\r\n$2\r\n60\r\n",
            ),
            (Protocol::Memcached, 60, "set key:000000000005 0 60 4\r\nVVVV\r\n"),
            (Protocol::Meta, 60, "ms key:000000000005 4 T60\r\nVVVV\r\n"),
            (
                Protocol::Http,
                60,
                "PUT /v1/keys/key:000000000005 HTTP/1.1\r\nHost: 127.0.0.1:6379\r\n\
                 Content-Type: application/octet-stream\r\nX-TTL: 60\r\nContent-Length: 4\r\n\r\nVVVV",
            ),
        ] {
            let config = Config { ttl_s, keys: 1, pipeline: 1, ..config(Operation::Load, protocol) };
            let mut batch = Batch::new(&config, 0, 1);
            let value = value(4, &mut Rng::new(config.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15)));
            let expected = expected.replace("VVVV", std::str::from_utf8(&value).unwrap());
            assert_eq!(String::from_utf8_lossy(batch.next().1), expected);
            assert_eq!(batch.next().0, 0);
        }
    }

    #[test]
    fn value_lengths_spread_over_the_range_and_a_load_still_writes_every_key() {
        let config =
            Config { value_bytes_max: 34, keys: 64, pipeline: 10, ..config(Operation::Load, Protocol::Memcached) };
        let (mut batch, mut keys, mut lengths) = (Batch::new(&config, 0, 1), Vec::new(), Vec::new());
        loop {
            let (count, bytes) = batch.next();
            if count == 0 {
                break;
            }
            for header in String::from_utf8_lossy(bytes).split("\r\n").filter(|line| line.starts_with("set ")) {
                let words: Vec<_> = header.split(' ').collect();
                keys.push(words[1][4..].parse::<u64>().unwrap());
                lengths.push(words[4].parse::<usize>().unwrap());
            }
        }
        assert_eq!(keys, (5..69).collect::<Vec<_>>());
        assert!(lengths.iter().all(|length| (4..=34).contains(length) && length % 2 == 0), "{lengths:?}");
        assert!(lengths.iter().any(|&length| length < 14) && lengths.iter().any(|&length| length > 24));
    }

    #[test]
    fn mix_holds_about_the_share_of_writes_asked_for() {
        let mut batch = Batch::new(&Config { pipeline: 10_000, ..config(Operation::Mix, Protocol::Resp) }, 0, 1);
        let writes = memchr::memmem::find_iter(batch.next().1, b"SET").count();
        assert!((900..1100).contains(&writes), "{writes} of 10000 with 10 %");
    }
}
