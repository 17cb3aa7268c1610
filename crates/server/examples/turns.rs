//! What a turn costs without the kernel: decode, prefetch, run, encode, over a million keys; RESP, then HTTP.
//!
//! `cargo run --release -p scrubjay-server --example turns -- [keys] [value bytes] [command] [depth] [seconds of
//! hot-key-window]`. Prints nanoseconds
//! per command, the fastest and the middle of many short samples: on a busy machine the fastest is the one to compare.

use scrubjay_base::clock::{DerivedClock, SystemClock};
use scrubjay_base::rand::Rng;
use scrubjay_protocol::{InputBuffer, OutputBuffer};
use scrubjay_server::clients::{ClientInfo, Protocol};
use scrubjay_server::config::{Config, Live};
use scrubjay_server::connection_resp::RespDoor;
use scrubjay_server::door::{Door, Scratch, Turn};
use scrubjay_server::http::HttpDoor;
use scrubjay_server::limits::Limits;
use scrubjay_server::{Session, Shared};
use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let keys: u64 = arguments.next().map_or(Ok(1_000_000), |text| text.parse())?;
    let value_bytes: usize = arguments.next().map_or(Ok(64), |text| text.parse())?;
    let only_command = arguments.next();
    let only_depth: Option<usize> = arguments.next().map(|text| text.parse()).transpose()?;
    let mut config = Config::default();
    if let Some(seconds) = arguments.next() {
        config.hot_key_window = Duration::from_secs(seconds.parse()?);
    }
    let settings = Live::new(config.into(), 4 << 30);
    let store = settings.store_config();
    let shared = Shared::new(settings, store, Arc::new(SystemClock::new()), 1)?;
    let mut bench = Bench::new(&shared, Box::new(RespDoor::new()));
    let mut http_bench = Bench::new(&shared, Box::new(HttpDoor::new()));
    let value = vec![b'x'; value_bytes];
    let set = |key: u64| format!("*3\r\n$3\r\nSET\r\n$16\r\nkey:{key:012}\r\n${value_bytes}\r\n").into_bytes();
    let set = |key: u64| [set(key).as_slice(), &value, b"\r\n"].concat();
    let get = |key: u64| format!("*2\r\n$3\r\nGET\r\n$16\r\nkey:{key:012}\r\n").into_bytes();
    for first in (0..keys).step_by(64) {
        bench.turn(&(first..keys.min(first + 64)).flat_map(set).collect::<Vec<u8>>());
    }
    let mut rng = Rng::new(1);
    for depth in [1, 16, 64] {
        let ping = |_| b"*1\r\n$4\r\nPING\r\n".to_vec();
        let http = |line: &str, key: u64, fields: &str, body: &[u8]| {
            let head = format!("{line}/v1/keys/key:{key:012} HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n{fields}\r\n");
            [head.as_bytes(), body].concat()
        };
        let bytes = |key| http("GET ", key, "Accept: application/octet-stream\r\n", b"");
        let json = |key| http("GET ", key, "User-Agent: curl/8.5.0\r\nAccept: */*\r\n", b"");
        let length = format!("Content-Type: application/octet-stream\r\nContent-Length: {value_bytes}\r\n");
        let put = |key| http("PUT ", key, &length, &value);
        let names: [(&str, Make<'_>, bool); 6] = [
            ("GET", &get, false),
            ("SET", &set, false),
            ("PING", &ping, false),
            ("http-get", &bytes, true),
            ("http-json", &json, true),
            ("http-put", &put, true),
        ];
        for (name, command, is_http) in names {
            let bench = if is_http { &mut http_bench } else { &mut bench };
            if only_command.as_deref().is_some_and(|only| only != name) || only_depth.is_some_and(|only| only != depth)
            {
                continue;
            }
            let turns = 64 * 1024 / depth;
            let inputs: Vec<Vec<u8>> =
                (0..turns).map(|_| (0..depth).flat_map(|_| command(rng.below(keys))).collect()).collect();
            let mut samples: Vec<f64> = Vec::new();
            for sample in inputs.chunks(1024 / depth).cycle().take(if only_depth.is_some() { 20_000 } else { 512 }) {
                let begun = Instant::now();
                for input in sample {
                    bench.turn(input);
                }
                samples.push(begun.elapsed().as_nanos() as f64 / (sample.len() * depth) as f64);
            }
            samples.sort_by(f64::total_cmp);
            println!(
                "{name:9} x{depth:<3} fastest {:6.1} ns   middle {:6.1} ns",
                samples[samples.len() / 64],
                samples[samples.len() / 2]
            );
        }
    }
    Ok(())
}

/// Makes the command for a key.
type Make<'a> = &'a dyn Fn(u64) -> Vec<u8>;

struct Bench<'a> {
    shared: &'a Shared,
    session: Session,
    limits: Limits,
    scratch: Scratch,
    door: Box<dyn Door>,
    input: InputBuffer,
    output: OutputBuffer,
    wall: DerivedClock,
}

impl<'a> Bench<'a> {
    fn new(shared: &'a Shared, door: Box<dyn Door>) -> Bench<'a> {
        let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let info = ClientInfo::new(1, nowhere, nowhere, Protocol::Resp, shared.started_ms, 0, 0);
        Bench {
            shared,
            session: Session::new(Arc::new(info), true),
            limits: Limits::of(&shared.config(), shared.settings.max_memory_bytes()),
            scratch: Scratch::default(),
            door,
            input: InputBuffer::new(),
            output: OutputBuffer::new(),
            wall: DerivedClock::default(),
        }
    }

    fn turn(&mut self, bytes: &[u8]) {
        self.input.extend(bytes);
        let now_ns = self.shared.clock.monotonic_ns();
        let now_ms = self.wall.now_ms(&*self.shared.clock, now_ns);
        let mut turn = Turn {
            shared: self.shared,
            session: &mut self.session,
            counters: &self.shared.counters[0],
            limits: &self.limits,
            now_ms,
            now_ns,
            received_bytes: 0,
            scratch: &mut self.scratch,
        };
        self.door.turn(&mut turn, &mut self.input, &mut self.output);
        self.output.clear();
    }
}
