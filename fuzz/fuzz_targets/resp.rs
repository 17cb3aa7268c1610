//! RESP, from bytes to commands and answers: whatever arrives, however it is cut, nothing panics; the same commands and
//! the same refusal come out of every cut; and whatever is a data command runs and is answered whole.
//!
//! The first byte of an input chooses the size of the pieces and the version of the answers.

#![no_main]

use libfuzzer_sys::fuzz_target;
use scrubjay_command::table::Handler;
use scrubjay_command::{Args, Context, Reply, SizeLimits, resolve};
use scrubjay_protocol::resp::{Batch, Decoder, Encoder, Limits, ProtocolError};
use scrubjay_protocol::{InputBuffer, OutputBuffer};
use scrubjay_store::{Config, Ns, Store};
use std::sync::LazyLock;

const LIMITS: Limits = Limits {
    authenticated: true,
    args_max: 1000,
    bulk_bytes_max: 16 << 10,
    inline_bytes_max: 1024,
    request_bytes_max: 64 << 10,
    room_bytes_max: 64 << 10,
};
const NOW_MS: u64 = 1_700_000_000_000;

static STORE: LazyLock<Store> = LazyLock::new(|| {
    Store::new(Config { max_memory_bytes: 64 << 20, start_ms: NOW_MS, seed: 1, ..Config::default() }, None)
});

fuzz_target!(|input: &[u8]| {
    let Some((&choice, stream)) = input.split_first() else { return };
    let version = 2 + choice % 2;
    let whole = decode(stream, stream.len().max(1), 64, |args| serve(args, version));
    let cut = decode(stream, usize::from(choice) / 2 + 1, 3, |_| ());
    assert_eq!(whole, cut, "the commands depend on how the stream is cut");
});

type Commands = Vec<Vec<Vec<u8>>>;

/// Every command in `stream`, fed in pieces of `piece` bytes and taken `most` at a time, and the error that ends it.
fn decode(stream: &[u8], piece: usize, most: usize, serve: impl Fn(&Args<'_>)) -> (Commands, Option<ProtocolError>) {
    let (mut decoder, mut batch, mut input) = (Decoder::new(), Batch::new(), InputBuffer::new());
    let mut commands = Vec::new();
    for part in stream.chunks(piece) {
        input.extend(part);
        loop {
            batch.clear();
            let filled = decoder.fill(input.data_mut(), &LIMITS, &mut batch, most);
            for index in 0..batch.len() {
                let args = batch.args(index, input.data());
                serve(&args);
                commands.push(args.from(0).map(<[u8]>::to_vec).collect());
            }
            if let Err(error) = filled {
                return (commands, Some(error));
            }
            let more = batch.len() == most;
            input.consume(batch.consumed());
            assert!(decoder.memory_bytes() <= 64 * (input.len() + 64), "memory for what has not arrived");
            if !more {
                break;
            }
        }
    }
    (commands, None)
}

/// Runs a data command and checks that exactly one whole answer comes out.
fn serve(args: &Args<'_>, version: u8) {
    let mut out = OutputBuffer::new();
    let mut reply = Encoder::new(&mut out, version);
    let limits = SizeLimits { key_bytes_max: 1 << 10, value_bytes_max: 8 << 10 };
    let mut cx = Context::new(&STORE, Ns(0), NOW_MS, limits);
    let done = resolve(args).and_then(|row| match row.handler {
        Handler::Data(run) => run(&mut cx, args, &mut reply),
        Handler::Server(_) | Handler::Container => Ok(reply.ok()),
    });
    if let Err(reject) = done {
        assert!(reply.out().is_empty(), "a refusal after half an answer");
        reply.error(&reject);
    }
    let mut pieces = [std::io::IoSlice::new(&[]); 64];
    let count = out.pieces(&mut pieces);
    let bytes: Vec<u8> = pieces[..count].iter().flat_map(|piece| piece.iter().copied()).collect();
    if count < pieces.len() {
        assert!(skip(&bytes).is_empty(), "more or less than one answer");
    }
}

/// What follows the first answer in `bytes`.
fn skip(bytes: &[u8]) -> &[u8] {
    let end = bytes.windows(2).position(|window| window == b"\r\n").expect("a line");
    let (line, rest) = (&bytes[1..end], &bytes[end + 2..]);
    let number = || std::str::from_utf8(line).ok().and_then(|text| text.parse::<i64>().ok()).expect("a number");
    match bytes[0] {
        b'+' | b'-' | b':' | b'_' | b',' | b'#' => rest,
        b'$' | b'=' => match number() {
            -1 => rest,
            length => {
                assert_eq!(&rest[length as usize..length as usize + 2], b"\r\n");
                &rest[length as usize + 2..]
            }
        },
        b'*' | b'~' => (0..number().max(0)).fold(rest, |rest, _| skip(rest)),
        b'%' => (0..2 * number()).fold(rest, |rest, _| skip(rest)),
        other => panic!("no answer starts with {:?}", char::from(other)),
    }
}
