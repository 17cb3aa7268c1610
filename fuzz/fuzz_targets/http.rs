//! HTTP, from bytes to answers: whatever arrives, however it is cut, nothing panics; the same requests come out of every
//! cut; and every answer is one that a client can read.
//!
//! The first byte of an input chooses the size of the pieces.

#![no_main]

use libfuzzer_sys::fuzz_target;
use scrubjay_command::namespace::Named;
use scrubjay_command::{Context, SizeLimits};
use scrubjay_protocol::OutputBuffer;
use scrubjay_protocol::http::respond::{self, Manner};
use scrubjay_protocol::http::{Bounds, Decoder, Done, Exchange, Limits, Request, Step, data, route};
use scrubjay_store::{Config, Ns, Store};
use std::cell::Cell;
use std::sync::LazyLock;

const LIMITS: Limits = Limits { head_bytes_max: 4096, body_bytes_max: 16 << 10 };
const DATE: &[u8; 29] = b"Sun, 06 Nov 1994 08:49:37 GMT";
const NOW_MS: u64 = 1_700_000_000_000;

static STORE: LazyLock<Store> = LazyLock::new(|| {
    Store::new(Config { max_memory_bytes: 64 << 20, start_ms: NOW_MS, seed: 1, ..Config::default() }, None)
});

fuzz_target!(|input: &[u8]| {
    let Some((&cut, stream)) = input.split_first() else { return };
    let whole = decode(stream, stream.len().max(1), serve);
    let cut = decode(stream, usize::from(cut) + 1, |_| ());
    assert_eq!(whole, cut, "the requests depend on how the stream is cut");
});

/// The method, target and body of every request in `stream`, fed in pieces of `piece` bytes. `serve` sees each request.
fn decode(stream: &[u8], piece: usize, serve: impl Fn(&Request<'_>)) -> Vec<(Vec<u8>, Vec<u8>, Vec<u8>)> {
    let (mut decoder, mut window, mut seen) = (Decoder::new(), Vec::new(), Vec::new());
    for part in stream.chunks(piece) {
        window.extend_from_slice(part);
        loop {
            match decoder.decode(&window, &LIMITS) {
                Ok(Step::Partial { consumed }) => {
                    window.drain(..consumed);
                    break;
                }
                Ok(Step::Head) => {}
                Ok(Step::Ready) => {
                    let request = decoder.request(&window);
                    serve(&request);
                    seen.push((request.path().to_vec(), request.query().to_vec(), request.body.to_vec()));
                    let taken = decoder.finish();
                    window.drain(..taken);
                }
                Err(_) => return seen,
            }
        }
    }
    seen
}

/// Runs a request on entries and looks at the answer.
fn serve(request: &Request<'_>) {
    let Some((route, parameter)) = route::find(request.path()) else { return };
    let Some(operation) = route.operation(request.head.method).filter(|operation| operation.is_data()) else { return };
    let mut out = OutputBuffer::new();
    let (start, manner) = (out.mark(), Manner::of(request, DATE));
    let done = data::check(request, operation).and_then(|named| {
        let ns = Ns(match named {
            Some(Named::Number(database)) => database,
            Some(Named::Name(_)) => 16,
            None => 0,
        });
        let limits = SizeLimits { key_bytes_max: 1 << 10, value_bytes_max: 8 << 10 };
        let (cx, wait, bounds) = (Context::new(&STORE, ns, NOW_MS, limits), Cell::default(), &Bounds::default());
        let exchange =
            Exchange { request: *request, parameter, cx: &cx, bounds, manner, wait: &wait, quota: None };
        data::run(operation, &exchange, &mut out)
    });
    match done {
        Ok(Done::Wait) => return, // for another to load the key: nothing is said yet
        Ok(Done::Yes) => {}
        Err(fault) => respond::fault(&mut out, start, manner, &fault),
    }
    check(&out, manner.head_only);
}

/// An answer has a head and a body of the length that the head says, and is JSON where it says so.
fn check(out: &OutputBuffer, head_only: bool) {
    let mut pieces = [std::io::IoSlice::new(&[]); 8];
    let count = out.pieces(&mut pieces);
    let bytes: Vec<u8> = pieces[..count].iter().flat_map(|piece| piece.iter().copied()).collect();
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("an empty line");
    let (head, body) = (std::str::from_utf8(&bytes[..end]).expect("a head of text"), &bytes[end + 4..]);
    assert!(head.starts_with("HTTP/1.1 "), "{head}");
    let field = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let length = field("Content-Length:").map_or(0, |length| length.parse().expect("a length"));
    assert_eq!(body.len(), if head_only { 0 } else { length }, "{head}");
    if field("Content-Type:") == Some("application/json") && !head_only {
        serde_json::from_slice::<serde::de::IgnoredAny>(body).unwrap_or_else(|error| panic!("{error}: {head}"));
    }
}
