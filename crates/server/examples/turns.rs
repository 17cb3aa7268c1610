//! What a RESP turn costs without the kernel: decode, prefetch, run, encode, over a million keys.
//!
//! `cargo run --release -p scrubjay-server --example turns -- [keys] [value bytes] [command] [depth]`. Prints nanoseconds
//! per command, the fastest and the middle of many short samples: on a busy machine the fastest is the one to compare.

use scrubjay_base::clock::{DerivedClock, SystemClock};
use scrubjay_base::rand::Rng;
use scrubjay_protocol::{InputBuffer, OutputBuffer};
use scrubjay_server::clients::{ClientInfo, Protocol};
use scrubjay_server::config::{Config, Live};
use scrubjay_server::connection_resp::RespDoor;
use scrubjay_server::door::{Door, Scratch, Turn};
use scrubjay_server::limits::Limits;
use scrubjay_server::{Session, Shared};
use scrubjay_store::Store;
use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let keys: u64 = arguments.next().map_or(Ok(1_000_000), |text| text.parse())?;
    let value_bytes: usize = arguments.next().map_or(Ok(64), |text| text.parse())?;
    let only_command = arguments.next();
    let only_depth: Option<usize> = arguments.next().map(|text| text.parse()).transpose()?;
    let config = Config::default();
    let settings = Live::new(config.into(), 4 << 30);
    let store = Arc::new(Store::new(settings.store_config(), None));
    let shared = Shared::new(settings, store, Arc::new(SystemClock::new()), 1)?;
    let mut bench = Bench::new(&shared);
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
        let names: [(&str, Make<'_>); 3] = [("GET", &get), ("SET", &set), ("PING", &ping)];
        for (name, command) in names {
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
                "{name:5} x{depth:<3} fastest {:6.1} ns   middle {:6.1} ns",
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
    door: RespDoor,
    input: InputBuffer,
    output: OutputBuffer,
    wall: DerivedClock,
}

impl<'a> Bench<'a> {
    fn new(shared: &'a Shared) -> Bench<'a> {
        let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let info = ClientInfo::new(1, nowhere, nowhere, Protocol::Resp, shared.started_ms, 0, 0);
        Bench {
            shared,
            session: Session::new(Arc::new(info), true),
            limits: Limits::of(&shared.config()),
            scratch: Scratch::default(),
            door: RespDoor::new(),
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
