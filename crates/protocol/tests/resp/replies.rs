//! Encoding answers.

use proptest::prelude::*;
use scrubjay_command::{Kind, Reject, Reply, Value};
use scrubjay_protocol::OutputBuffer;
use scrubjay_protocol::resp::Encoder;
use std::io::IoSlice;

fn bytes_of(out: &OutputBuffer) -> Vec<u8> {
    let mut slices = vec![IoSlice::new(&[]); 64];
    let filled = out.pieces(&mut slices);
    slices[..filled].iter().flat_map(|piece| piece.iter().copied()).collect()
}

fn encoded(version: u8, say: impl FnOnce(&mut Encoder<'_>)) -> String {
    let mut out = OutputBuffer::new();
    say(&mut Encoder::new(&mut out, version));
    String::from_utf8(bytes_of(&out)).expect("these answers are text")
}

/// Says one answer.
type Say = fn(&mut Encoder<'_>);

#[test]
fn every_form_is_written_as_each_version_has_it() {
    let cases: &[(&str, &str, Say)] = &[
        ("+OK\r\n", "+OK\r\n", |r| r.ok()),
        ("+PONG\r\n", "+PONG\r\n", |r| r.simple("PONG")),
        ("$2\r\nab\r\n", "$2\r\nab\r\n", |r| r.bulk(b"ab")),
        ("$0\r\n\r\n", "$0\r\n\r\n", |r| r.bulk(b"")),
        ("$-1\r\n", "_\r\n", |r| r.null()),
        ("*-1\r\n", "_\r\n", |r| r.null_array()),
        (":-42\r\n", ":-42\r\n", |r| r.int(-42)),
        (":9223372036854775807\r\n", ":9223372036854775807\r\n", |r| r.int(i64::MAX)),
        ("$3\r\n1.5\r\n", ",1.5\r\n", |r| r.double(1.5)),
        ("$4\r\n-inf\r\n", ",-inf\r\n", |r| r.double(f64::NEG_INFINITY)),
        (":1\r\n", "#t\r\n", |r| r.boolean(true)),
        (":0\r\n", "#f\r\n", |r| r.boolean(false)),
        ("$2\r\nhi\r\n", "=6\r\ntxt:hi\r\n", |r| r.verbatim("txt", "hi")),
        ("*12\r\n", "*12\r\n", |r| r.array(12)),
        ("*4\r\n", "%2\r\n", |r| r.map(2)),
        ("*3\r\n", "~3\r\n", |r| r.set(3)),
        ("-ERR syntax error\r\n", "-ERR syntax error\r\n", |r| r.error(&Reject::SYNTAX)),
        ("-ERR a  b\r\n", "-ERR a  b\r\n", |r| r.error(&Reject::with(Kind::Unknown, "ERR a\r\nb".to_owned()))),
        ("-ERR Protocol error: x\r\n", "-ERR Protocol error: x\r\n", |r| r.failure("Protocol error: x")),
    ];
    for (resp2, resp3, say) in cases {
        assert_eq!(encoded(2, say), *resp2);
        assert_eq!(encoded(3, say), *resp3);
    }
}

#[test]
fn a_version_changed_inside_an_answer_counts_from_there_on() {
    let text = encoded(2, |reply| {
        reply.set_resp_version(3);
        reply.map(0);
        assert_eq!(reply.resp_version(), 3);
    });
    assert_eq!(text, "%0\r\n");
}

#[test]
fn a_large_shared_value_is_sent_from_where_it_is() {
    let value: scrubjay_store::SharedBytes = vec![b'v'; 1 << 20].as_slice().into();
    let mut out = OutputBuffer::new();
    let mut reply = Encoder::new(&mut out, 2);
    reply.array(2);
    reply.bulk_shared(value.clone());
    reply.bulk_shared(vec![b's'; 3].as_slice().into());
    let mut slices = vec![IoSlice::new(&[]); 8];
    let filled = out.pieces(&mut slices);
    assert_eq!(filled, 3);
    assert_eq!(slices[1].as_ptr(), value.as_ptr(), "copied");
    let expected = [b"*2\r\n$1048576\r\n".as_slice(), &value, b"\r\n$3\r\nsss\r\n"].concat();
    assert_eq!(bytes_of(&out), expected);
}

/// Reads one answer back; panics on anything else.
fn read(bytes: &mut &[u8]) -> Value {
    let line_end = bytes.windows(2).position(|w| w == b"\r\n").expect("a line");
    let line = std::str::from_utf8(&bytes[1..line_end]).expect("text").to_owned();
    let kind = bytes[0];
    *bytes = &bytes[line_end + 2..];
    let mut take = |count: usize| {
        let (taken, rest) = bytes.split_at(count);
        *bytes = rest;
        taken.to_vec()
    };
    let count = || line.parse::<usize>().expect("a count");
    match kind {
        b'$' if line == "-1" => Value::Null,
        b'$' => {
            let value = take(count());
            assert_eq!(take(2), b"\r\n");
            Value::Bulk(value)
        }
        b'_' => Value::Null,
        b':' => Value::Int(line.parse().expect("an integer")),
        b',' => Value::Double(line.parse().expect("a number")),
        b'#' => Value::Boolean(line == "t"),
        b'-' => Value::Error(Reject::with(Kind::BadRequest, line)),
        b'*' => Value::Array((0..count()).map(|_| read(bytes)).collect()),
        b'%' => Value::Map((0..count()).map(|_| (read(bytes), read(bytes))).collect()),
        other => panic!("no answer starts with {:?}", char::from(other)),
    }
}

fn say(value: &Value, reply: &mut dyn Reply) {
    match value {
        Value::Simple(text) => reply.simple(text),
        Value::Bulk(bytes) => reply.bulk(bytes),
        Value::Null => reply.null(),
        Value::Int(value) => reply.int(*value),
        Value::Double(value) => reply.double(*value),
        Value::Boolean(value) => reply.boolean(*value),
        Value::Error(reject) => reply.error(reject),
        Value::Array(items) => {
            reply.array(items.len());
            items.iter().for_each(|item| say(item, reply));
        }
        Value::Map(pairs) => {
            reply.map(pairs.len());
            for (key, value) in pairs {
                say(key, reply);
                say(value, reply);
            }
        }
    }
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40).prop_map(Value::Bulk),
        Just(Value::Null),
        any::<i64>().prop_map(Value::Int),
        any::<f64>().prop_filter("NaN differs from itself", |v| !v.is_nan()).prop_map(Value::Double),
        any::<bool>().prop_map(Value::Boolean),
        "ERR [a-z ]{0,20}".prop_map(|line| Value::Error(Reject::with(Kind::BadRequest, line))),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            prop::collection::vec((inner.clone(), inner), 0..4).prop_map(Value::Map),
        ]
    })
}

proptest! {
    #[test]
    fn every_answer_reads_back_in_version_3(value in values()) {
        let mut out = OutputBuffer::new();
        say(&value, &mut Encoder::new(&mut out, 3));
        let bytes = bytes_of(&out);
        let mut rest = bytes.as_slice();
        prop_assert_eq!(read(&mut rest), value);
        prop_assert!(rest.is_empty());
    }
}
