//! Decoding commands.

use proptest::prelude::*;
use scrubjay_protocol::InputBuffer;
use scrubjay_protocol::resp::{Batch, Decoder, Limits, ProtocolError};

type Command = Vec<Vec<u8>>;

/// Everything that a stream holds: its commands, and the error that ends it, if one does.
type Decoded = (Vec<Command>, Option<ProtocolError>);

/// Decodes `parts`, one arrival each, as a connection does it, `most` commands at a time.
fn decode(parts: &[&[u8]], limits: &Limits, most: usize) -> Decoded {
    let (mut decoder, mut batch, mut input) = (Decoder::new(), Batch::new(), InputBuffer::new());
    let mut commands = Vec::new();
    for part in parts {
        input.extend(part);
        loop {
            batch.clear();
            let filled = decoder.fill(input.data_mut(), limits, &mut batch, most);
            for index in 0..batch.len() {
                commands.push(batch.args(index, input.data()).from(0).map(<[u8]>::to_vec).collect());
            }
            if let Err(error) = filled {
                return (commands, Some(error));
            }
            let more = batch.len() == most;
            input.consume(batch.consumed());
            if !more {
                break;
            }
        }
    }
    (commands, None)
}

fn encode(command: &Command) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", command.len()).into_bytes();
    for arg in command {
        bytes.extend(format!("${}\r\n", arg.len()).bytes());
        bytes.extend(arg);
        bytes.extend(b"\r\n");
    }
    bytes
}

/// Cuts `bytes` at `cuts` (any order, any number, clipped to the length).
fn cut<'a>(bytes: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    cuts.sort_unstable();
    let mut parts = Vec::new();
    let mut start = 0;
    for cut in cuts {
        parts.push(&bytes[start..cut]);
        start = cut;
    }
    parts.push(&bytes[start..]);
    parts
}

fn commands() -> impl Strategy<Value = Vec<Command>> {
    let arg = prop_oneof![
        4 => prop::collection::vec(any::<u8>(), 0..20),
        1 => prop::collection::vec(any::<u8>(), 90..300),
        1 => Just(b"\r\n$3\r\n*1\r\n".to_vec()),
    ];
    prop::collection::vec(prop::collection::vec(arg, 1..12), 0..12)
}

/// Bytes that look like the protocol just enough to get far into the decoder.
fn garbage() -> impl Strategy<Value = Vec<u8>> {
    let token = prop::sample::select(vec![
        "*",
        "$",
        "\r\n",
        "\r",
        "\n",
        "0",
        "1",
        "2",
        "3",
        "10",
        "-1",
        "65536",
        "999999999999999999999",
        "GET",
        "\"",
        "'",
        "\\x41",
        "\\",
        " ",
        "a",
        "\0",
        "*1\r\n",
        "$1\r\na\r\n",
        "*2\r\n$3\r\nGET\r\n",
    ]);
    prop_oneof![
        prop::collection::vec(token, 0..40).prop_map(|tokens| tokens.concat().into_bytes()),
        prop::collection::vec(any::<u8>(), 0..60),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn commands_come_out_as_they_went_in_however_they_arrive(
        commands in commands(),
        cuts in prop::collection::vec(any::<usize>(), 0..30),
        most in 1usize..70,
    ) {
        let bytes: Vec<u8> = commands.iter().flat_map(encode).collect();
        let decoded = decode(&cut(&bytes, &cuts), &Limits::DEFAULT, most);
        prop_assert_eq!(decoded, (commands, None));
    }

    #[test]
    fn garbage_means_the_same_however_it_arrives(
        bytes in garbage(),
        cuts in prop::collection::vec(any::<usize>(), 0..30),
        most in 1usize..5,
    ) {
        let limits = Limits { args_max: 1000, bulk_bytes_max: 1000, inline_bytes_max: 40, ..Limits::DEFAULT };
        let whole = decode(&[&bytes], &limits, usize::MAX);
        let pieces = decode(&cut(&bytes, &cuts), &limits, most);
        // An error may be noticed before the commands' end has arrived, never after other commands.
        prop_assert_eq!(whole, pieces);
    }

    #[test]
    fn garbage_under_any_limits_never_panics(
        bytes in garbage(),
        authenticated in any::<bool>(),
        (args_max, bulk_bytes_max, inline_bytes_max, request_bytes_max) in (0usize..5, 0usize..5, 0usize..5, 0usize..9),
    ) {
        let limits = Limits { authenticated, args_max, bulk_bytes_max, inline_bytes_max, request_bytes_max, ..Limits::DEFAULT };
        decode(&[&bytes], &limits, 3);
    }
}

#[test]
fn input_that_cannot_be_read_is_refused_with_redis_own_sentence() {
    let open = Limits::DEFAULT;
    let shut = Limits { authenticated: false, args_max: 16, bulk_bytes_max: 64 << 10, ..open };
    let long_line = "x".repeat((64 << 10) + 1);
    for (input, limits, sentence) in [
        ("*x\r\n", open, "invalid multibulk length"),
        ("*1048577\r\n", open, "invalid multibulk length"),
        ("*99999999999999999999999\r\n", open, "invalid multibulk length"),
        ("*3\rx", open, "invalid multibulk length"),
        ("*17\r\n", shut, "unauthenticated multibulk length"),
        ("*1\r\n:1\r\n", open, "expected '$', got ':'"),
        ("*1\r\n*1\r\n", open, "expected '$', got '*'"),
        ("*1\r\n\n", open, "expected '$', got '\\x0a'"),
        ("*1\r\n$-1\r\n", open, "invalid bulk length"),
        ("*1\r\n$x\r\n", open, "invalid bulk length"),
        ("*1\r\n$536870913\r\n", open, "invalid bulk length"),
        ("*1\r\n$65537\r\n", shut, "unauthenticated bulk length"),
        ("*1\r\n$3\r\nGETx\r\n", open, "expected a line end after an argument"),
        ("GET \"k\r\n", open, "unbalanced quotes in request"),
        (&long_line, open, "too big inline request"),
        ("a b c d e f g h i j k l m n o p q\r\n", shut, "unauthenticated multibulk length"),
        ("*3\r\n$5\r\nhello\r\n$9\r\n", Limits { request_bytes_max: 20, ..open }, "too big request"),
    ] {
        let (commands, error) = decode(&[b"PING\r\n", input.as_bytes()], &limits, 64);
        assert_eq!(commands, [[b"PING".to_vec()]], "what came before counts: {input:?}");
        assert_eq!(error.map(|e| e.to_string()), Some(format!("Protocol error: {sentence}")), "{input:?}");
    }
}

/// Decodes what arrives in these parts, going on behind what is skipped; the commands, and how many were skipped.
fn decode_skipping(parts: &[&[u8]], limits: &Limits) -> (Vec<Vec<u8>>, usize, usize) {
    let (mut decoder, mut batch) = (Decoder::new(), Batch::new());
    let (mut data, mut names, mut skipped, mut most_held) = (Vec::new(), Vec::new(), 0, 0);
    for part in parts {
        data.extend_from_slice(part);
        loop {
            let error = decoder.fill(&mut data, limits, &mut batch, 64).err();
            names.extend((0..batch.len()).map(|index| batch.args(index, &data).at(1).to_vec()));
            data.drain(..batch.consumed());
            batch.clear();
            match error {
                Some(error) => assert!(error.is_skipped(), "{error}"),
                None => break,
            }
            skipped += 1;
        }
        most_held = most_held.max(data.len() + decoder.memory_bytes());
    }
    (names, skipped, most_held)
}

#[test]
fn a_command_that_there_is_no_room_for_is_skipped_and_the_next_is_read() {
    let limits = Limits { room_bytes_max: 1000, ..Limits::DEFAULT };
    let large = encode(&vec![b"SET".to_vec(), b"large".to_vec(), vec![b'$'; 5000], b"EX".to_vec(), b"10".to_vec()]);
    let sum = encode(&(0..40).map(|_| vec![b'*'; 100]).collect::<Vec<_>>());
    let small = |name: &str| encode(&vec![b"SET".to_vec(), name.into(), vec![b'v'; 500]]);
    let bytes = [small("a"), large, small("b"), sum, small("c")].concat();
    for step in [1, 2, 7, 100, 999] {
        let parts: Vec<&[u8]> = bytes.chunks(step).collect();
        let (names, skipped, most_held) = decode_skipping(&parts, &limits);
        assert_eq!((names, skipped), (vec![b"a".to_vec(), b"b".to_vec(), b"c".to_vec()], 2), "parts of {step}");
        assert!(most_held <= 1000 + 999, "{most_held} bytes held");
    }
    // What has arrived as a whole needs no room.
    assert_eq!(decode_skipping(&[&bytes], &limits).1, 0);
}

#[test]
fn what_asks_nothing_is_skipped() {
    let (commands, error) = decode(&[b"*0\r\n*-1\r\n\r\n  \r\n\nPING\r\n*-5\r\n"], &Limits::DEFAULT, 64);
    assert_eq!((commands, error), (vec![vec![b"PING".to_vec()]], None));
}

/// Were any part of this quadratic, it would look at 10^11 bytes and the test would not end.
#[test]
fn commands_that_trickle_in_byte_by_byte_cost_each_byte_once() {
    let large_value = vec![b"SET".to_vec(), b"k".to_vec(), vec![b'v'; 1 << 20]];
    let many_args = vec![b"x".to_vec(); 100_000];
    let long_line = format!("ECHO {}\r\n", "y".repeat(60_000));
    let bytes = [encode(&large_value), encode(&many_args), long_line.into_bytes()].concat();
    let parts: Vec<&[u8]> = bytes.chunks(1).collect();
    let (commands, error) = decode(&parts, &Limits::DEFAULT, 64);
    assert_eq!(error, None);
    assert_eq!(commands.iter().map(Vec::len).collect::<Vec<_>>(), [3, 100_000, 2]);
    assert_eq!((commands[0][2].len(), commands[2][1].len()), (1 << 20, 60_000));
}

#[test]
fn memory_follows_what_arrived_and_not_what_was_announced() {
    let (mut decoder, mut batch) = (Decoder::new(), Batch::new());
    let mut data = b"*1048576\r\n$536870912\r\nx".to_vec();
    assert_eq!(decoder.fill(&mut data, &Limits::DEFAULT, &mut batch, 64), Ok(()));
    assert!(batch.is_empty() && batch.consumed() == 0);
    assert_eq!(decoder.expects(data.len()), (512 << 20) + 1);
    assert!(decoder.memory_bytes() + batch.memory_bytes() < 1024);
}

#[test]
fn a_batch_can_stop_and_go_on() {
    let mut data = b"PING\r\nECHO a\r\nECHO b\r\nECHO".to_vec();
    let (mut decoder, mut batch) = (Decoder::new(), Batch::new());
    decoder.fill(&mut data, &Limits::DEFAULT, &mut batch, 64).expect("readable");
    assert_eq!((batch.len(), batch.consumed(), batch.next()), (3, 22, 0));
    batch.stop_at(1);
    assert_eq!(batch.args(batch.next(), &data).at(1), b"a");
    assert_eq!((batch.bytes_of(0), batch.bytes_of(1)), (6, 8));
}
