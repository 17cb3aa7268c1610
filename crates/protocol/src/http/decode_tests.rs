//! What the decoder accepts, what it refuses, and that neither depends on how the input is cut.

use super::decode::{Decoder, Limits, Step};
use super::fault::Fault;
use super::head::{BodyLength, Field, Method};
use proptest::prelude::*;

const SMALL: Limits = Limits { head_bytes_max: 2048, body_bytes_max: 4096 };

/// A request as a test compares it.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Seen {
    method: Method,
    path: Vec<u8>,
    query: Vec<u8>,
    ttl: Option<Vec<u8>>,
    keep_alive: bool,
    body: Vec<u8>,
}

/// Feeds `input` in pieces that end at `cuts`, dropping what the decoder consumed. Returns the requests, and the status
/// if it ended in a fault.
fn decode(input: &[u8], cuts: &[usize]) -> (Vec<Seen>, Option<u16>) {
    let (mut decoder, mut seen, mut window, mut fed) = (Decoder::new(), Vec::new(), Vec::new(), 0);
    for end in cuts.iter().copied().chain([input.len()]) {
        let end = end.clamp(fed, input.len());
        window.extend_from_slice(&input[fed..end]);
        fed = end;
        loop {
            match decoder.decode(&window, &SMALL) {
                Ok(Step::Partial { consumed }) => {
                    window.drain(..consumed);
                    break;
                }
                Ok(Step::Head) => assert!(decoder.request(&window).body.is_empty()),
                Ok(Step::Ready) => {
                    let request = decoder.request(&window);
                    seen.push(Seen {
                        method: request.head.method,
                        path: request.path().to_vec(),
                        query: request.query().to_vec(),
                        ttl: request.field(Field::XTtl).map(<[u8]>::to_vec),
                        keep_alive: request.head.keep_alive,
                        body: request.body.to_vec(),
                    });
                    let taken = decoder.finish();
                    window.drain(..taken);
                }
                Err(Fault { status, .. }) => return (seen, Some(status.0)),
            }
        }
    }
    (seen, None)
}

fn one(text: &str) -> Result<Seen, Option<u16>> {
    let (mut seen, fault) = decode(text.as_bytes(), &[]);
    if seen.len() == 1 && fault.is_none() { Ok(seen.remove(0)) } else { Err(fault) }
}

#[test]
fn targets_are_split_into_path_and_query() {
    for (target, path, query) in [
        ("/cache/a", "/cache/a", ""),
        ("/cache/a%2Fb?x=1?y", "/cache/a%2Fb", "x=1?y"),
        ("/?", "/", ""),
        ("*", "*", ""),
        ("http://host:80/cache/a?q", "/cache/a", "q"),
        ("HTTPS://host/", "/", ""),
    ] {
        let seen = one(&format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n")).expect(target);
        assert_eq!((seen.path.as_slice(), seen.query.as_slice()), (path.as_bytes(), query.as_bytes()), "{target}");
    }
}

#[test]
fn connections_stay_open_as_version_and_field_say() {
    for (version, field, keep_alive) in [
        ("1.1", "", true),
        ("1.1", "Connection: close\r\n", false),
        ("1.1", "connection: Keep-Alive\r\n", true),
        ("1.1", "Connection: foo, CLOSE\r\n", false),
        ("1.0", "", false),
        ("1.0", "Connection: keep-alive\r\n", true),
    ] {
        let seen = one(&format!("GET / HTTP/{version}\r\nHost: a\r\n{field}\r\n")).expect(field);
        assert_eq!(seen.keep_alive, keep_alive, "{version} {field}");
    }
}

#[test]
fn bodies_end_where_length_or_coding_says() {
    for (fields, body, expected) in [
        ("", "", ""),
        ("Content-Length: 0", "", ""),
        ("Content-Length: 5", "hello", "hello"),
        ("Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\n", "hello"),
        ("transfer-encoding: Chunked", "1\r\nh\r\n4;a=b;c\r\nello\r\n00\r\nX: y\r\nZ: \r\n\r\n", "hello"),
        ("Transfer-Encoding: chunked", "A \t\r\n0123456789\r\n0;\r\n\r\n", "0123456789"),
    ] {
        let seen = one(&format!("PUT / HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n{body}")).expect(fields);
        assert_eq!(seen.body, expected.as_bytes(), "{fields}");
    }
}

#[test]
fn what_can_be_read_in_two_ways_is_refused() {
    for (text, status) in [
        ("Content-Length: 5\r\nTransfer-Encoding: chunked", 400),
        ("Transfer-Encoding: chunked\r\nContent-Length: 5", 400),
        ("Content-Length: 5\r\nContent-Length: 5", 400),
        ("Content-Length: 5\r\ncontent-length: 6", 400),
        ("Content-Length: 5, 5", 400),
        ("Content-Length: +5", 400),
        ("Content-Length: -5", 400),
        ("Content-Length: 0x5", 400),
        ("Content-Length: 5 5", 400),
        ("Content-Length:", 400),
        ("Content-Length: 18446744073709551616", 400),
        ("Content-Length: 4097", 413),
        ("Content-Length: 999999999999999999", 413),
        ("Transfer-Encoding: gzip, chunked", 501),
        ("Transfer-Encoding: identity", 501),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", 400),
        ("Transfer-Encoding: chunked, chunked", 501),
        ("Transfer-Encoding : chunked", 400),
        ("Host: b", 400),
        ("X-TTL: 1\r\nX-TTL: 2", 400),
        ("If-Match: \"1\"\r\nIf-Match: \"2\"", 400),
        ("Expect: 200-maybe", 417),
        (" folded: yes", 400),
        ("no colon", 400),
        ("nul: \0", 400),
    ] {
        let text = format!("PUT / HTTP/1.1\r\nHost: a\r\n{text}\r\n\r\nhello0\r\n\r\n");
        assert_eq!(one(&text), Err(Some(status)), "{text:?}");
    }
}

#[test]
fn what_is_not_http_1_is_refused() {
    for (text, status) in [
        ("GET / HTTP/1.1\r\n\r\n", 400), // no Host
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        ("GET cache HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("CONNECT host:80 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET ftp://host/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /\r\n\r\n", 400),
        ("*1\r\n$4\r\nPING\r\n\r\n", 400),
        ("\x16\x03\x01\x02\r\n\r\n", 400),
        ("\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("PUT / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ] {
        assert_eq!(one(text), Err(Some(status)), "{text:?}");
    }
    assert!(one("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n").is_ok(), "a few empty lines are skipped");
    assert!(one("GET / HTTP/1.0\r\n\r\n").is_ok(), "HTTP/1.0 needs no Host");
}

#[test]
fn bad_chunks_are_refused() {
    for body in [
        "x\r\n\r\n",
        "\r\n\r\n",
        "5\nhello\n0\n\n",
        "5\r\nhello0\r\n\r\n",
        "5\r\nhello\n0\r\n\r\n",
        "-1\r\n\r\n",
        "0x5\r\nhello\r\n0\r\n\r\n",
        "5 5\r\nhello\r\n0\r\n\r\n",
        "fffffffffffffffff\r\nhello\r\n0\r\n\r\n",
        "0\r\nbad\ntrailer\r\n\r\n",
        "5;\x01\r\nhello\r\n0\r\n\r\n",
    ] {
        let text = format!("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{body}");
        assert_eq!(one(&text), Err(Some(400)), "{body:?}");
    }
    let chunked = |body: String| format!("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{body}");
    assert_eq!(one(&chunked(format!("1;{}\r\n", "x".repeat(1100)))), Err(Some(400)), "an endless extension");
    assert_eq!(one(&chunked(format!("0\r\n{}\r\n", "a: b\r\n".repeat(3000)))), Err(Some(431)), "endless trailers");
    assert_eq!(one(&chunked("1001\r\n".into())), Err(Some(413)), "refused before its data arrives");
    assert_eq!(one(&chunked(format!("800\r\n{}\r\n801\r\n", "x".repeat(2048)))), Err(Some(413)), "the sum counts");
}

#[test]
fn a_head_beyond_its_limit_is_refused_however_it_arrives() {
    let field = format!("X: {}\r\n", "y".repeat(100));
    let text = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", field.repeat(30));
    assert_eq!(decode(text.as_bytes(), &[]).1, Some(431));
    assert_eq!(decode(text.as_bytes(), &(1..text.len()).collect::<Vec<_>>()).1, Some(431));
    let many = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "a: b\r\n".repeat(101));
    assert_eq!(decode(many.as_bytes(), &[]).1, Some(431));
}

#[test]
fn nonsense_is_refused_before_its_head_would_be_complete() {
    let (mut decoder, nonsense) = (Decoder::new(), [b'\x01'; 100]);
    assert_eq!(decoder.decode(b"G", &SMALL), Ok(Step::Partial { consumed: 0 }));
    assert!(decoder.decode(&nonsense, &SMALL).is_err());
}

#[test]
fn the_head_is_said_once_while_the_body_is_missing() {
    let text = b"PUT /a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n";
    let mut decoder = Decoder::new();
    assert_eq!(decoder.decode(text, &SMALL), Ok(Step::Head));
    assert!(decoder.request(text).head.expects_continue);
    assert_eq!(decoder.expected_bytes(), text.len() + 3);
    assert_eq!(decoder.decode(text, &SMALL), Ok(Step::Partial { consumed: 0 }));
    let whole = [text.as_slice(), b"abcGET"].concat();
    assert_eq!(decoder.decode(&whole, &SMALL), Ok(Step::Ready));
    assert_eq!(decoder.request(&whole).body, b"abc");
    assert_eq!(decoder.finish(), text.len() + 3);
    assert!(decoder.is_idle());
}

#[test]
fn a_chunked_body_is_consumed_while_it_arrives() {
    let head = b"PUT /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let mut decoder = Decoder::new();
    assert_eq!(decoder.decode(head, &SMALL), Ok(Step::Head));
    assert_eq!(decoder.request(head).head.body, BodyLength::Chunked);
    assert_eq!(decoder.decode(head, &SMALL), Ok(Step::Partial { consumed: head.len() }));
    assert_eq!(decoder.decode(b"3\r\nab", &SMALL), Ok(Step::Partial { consumed: 5 }));
    assert!(decoder.memory_bytes() >= head.len() + 2);
    assert_eq!(decoder.decode(b"c\r\n0\r\n\r\nrest", &SMALL), Ok(Step::Ready));
    let request = decoder.request(b"c\r\n0\r\n\r\nrest");
    assert_eq!((request.path(), request.body), (&b"/a"[..], &b"abc"[..]));
    assert_eq!((decoder.finish(), decoder.memory_bytes()), (8, 0));
}

/// Requests with every kind of body, one after the other, and perhaps nonsense behind them.
fn streams() -> impl Strategy<Value = Vec<u8>> {
    let body = prop::collection::vec(any::<u8>(), 0..60);
    let request =
        ("[a-z0-9%/]{0,12}", prop::option::of("[0-9]{1,3}"), body, 0u8..5).prop_map(|(path, ttl, body, kind)| {
            let mut text = if kind == 4 { b"\r\n".to_vec() } else { Vec::new() };
            text.extend_from_slice(format!("PUT /{path} HTTP/1.1\r\nHost: a\r\n").as_bytes());
            if let Some(ttl) = ttl {
                text.extend_from_slice(format!("X-Ttl:{ttl} \r\n").as_bytes());
            }
            match kind {
                0 => text.extend_from_slice(b"\r\n"),
                1 | 4 => {
                    text.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
                    text.extend_from_slice(&body);
                }
                _ => {
                    text.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
                    for chunk in body.chunks(if kind == 2 { 7 } else { 100 }) {
                        text.extend_from_slice(format!("{:X}\r\n", chunk.len()).as_bytes());
                        text.extend_from_slice(chunk);
                        text.extend_from_slice(b"\r\n");
                    }
                    text.extend_from_slice(b"0\r\n\r\n");
                }
            }
            text
        });
    let nonsense = prop::option::of(prop::collection::vec(any::<u8>(), 1..60));
    (prop::collection::vec(request, 0..6), nonsense).prop_map(|(requests, nonsense)| {
        let mut stream = requests.concat();
        if let Some(nonsense) = nonsense {
            stream.extend(nonsense);
            // So that every cut comes to a verdict: an incomplete head is none.
            stream.extend_from_slice(&[b'\n'; 3]);
        }
        stream
    })
}

proptest! {
    #[test]
    fn any_cut_decodes_to_the_same_requests(
        stream in streams(),
        cuts in prop::collection::vec(0usize..600, 0..12),
    ) {
        let mut cuts = cuts;
        cuts.sort_unstable();
        let whole = decode(&stream, &[]);
        let cut = decode(&stream, &cuts);
        let bytewise = decode(&stream, &(1..stream.len()).collect::<Vec<_>>());
        prop_assert_eq!(&whole.0, &cut.0);
        prop_assert_eq!(&whole.0, &bytewise.0);
        prop_assert_eq!(whole.1.is_some(), bytewise.1.is_some());
        prop_assert_eq!(whole.1.is_some(), cut.1.is_some());
    }

    #[test]
    fn garbage_never_panics(garbage in prop::collection::vec(any::<u8>(), 0..400), cut in 0usize..400) {
        decode(&garbage, &[cut]);
        let request = [b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".as_slice(), &garbage].concat();
        decode(&request, &[cut, cut + 50]);
    }
}
