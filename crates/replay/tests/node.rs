//! The RESP target against a server of a few lines that keeps the newest objects, so that the right answer is known.

use std::collections::{HashMap, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

use scrubjay_replay::node::{Address, Node};
use scrubjay_replay::pure::{Capacity, PolicyKind};
use scrubjay_replay::run::{Go, Made, Report, replay};
use scrubjay_replay::synth::{Shape, Sizes, Synth};

/// Serves one connection with `answer` (words of a command -> bytes of the reply; none: close) and returns its address.
fn serve(mut answer: impl FnMut(Vec<Vec<u8>>) -> Option<Vec<u8>> + Send + 'static) -> Address {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
    let url = format!("redis://:pw@{}/3", listener.local_addr().expect("bound"));
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("the test connects");
        stream.set_nodelay(true).expect("a socket takes options");
        let mut reader = BufReader::new(stream.try_clone().expect("a socket can be cloned"));
        while let Some(reply) = words(&mut reader).and_then(&mut answer) {
            if stream.write_all(&reply).is_err() {
                break;
            }
        }
    });
    Address::parse(&url).expect("well formed")
}

fn words(reader: &mut BufReader<TcpStream>) -> Option<Vec<Vec<u8>>> {
    let number = |reader: &mut BufReader<TcpStream>| {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        line.get(1..)?.trim_end().parse::<usize>().ok()
    };
    (0..number(reader)?)
        .map(|_| {
            let mut word = vec![0; number(reader)? + 2];
            reader.read_exact(&mut word).ok()?;
            word.truncate(word.len() - 2);
            Some(word)
        })
        .collect()
}

/// A cache of the `limit` newest objects, which checks the login on the way.
fn fifo_node(limit: usize) -> Address {
    let mut values: HashMap<Vec<u8>, Vec<u8>> = HashMap::new();
    let mut order = VecDeque::new();
    let mut logins = 0;
    serve(move |mut words| match words[0].as_slice() {
        b"AUTH" | b"SELECT" => {
            logins += 1;
            let right = words[1] == if words[0] == b"AUTH" { b"pw".to_vec() } else { b"3".to_vec() };
            Some(if right { b"+OK\r\n".to_vec() } else { b"-ERR wrong\r\n".to_vec() })
        }
        b"GET" => Some(match values.get(&words[1]) {
            Some(value) => [format!("${}\r\n", value.len()).as_bytes(), value, b"\r\n"].concat(),
            None => b"$-1\r\n".to_vec(),
        }),
        b"SET" => {
            assert_eq!(logins, 2);
            let (value, key) = (words.pop().expect("three words"), words.pop().expect("three words"));
            if values.insert(key.clone(), value).is_none() {
                order.push_back(key);
                if order.len() > limit {
                    values.remove(&order.pop_front().expect("over the limit"));
                }
            }
            Some(b"+OK\r\n".to_vec())
        }
        other => panic!("{}", String::from_utf8_lossy(other)),
    })
}

fn trace() -> Made<Synth> {
    Made::new(Synth::new(Shape::Zipf { keys: 2000, skew: 0.9 }, Sizes::LogUniform(1, 3000), 11), 20_000)
}

fn replay_node(limit: usize, window: usize) -> Report {
    let mut node = Node::connect(&fifo_node(limit), window).expect("the server is up");
    replay(&mut trace(), &mut node, &mut |_| Go::On).expect("the server answers")
}

fn replay_pure(limit: u64) -> Report {
    replay(&mut trace(), &mut PolicyKind::Fifo.build(Capacity::Objects(limit), 1), &mut |_| Go::On)
        .expect("cannot fail")
}

#[test]
fn window_of_one_sees_exactly_the_traces_order() {
    let (node, pure) = (replay_node(100, 1), replay_pure(100));
    assert_eq!((node.hits, node.bytes_missed), (pure.hits, pure.bytes_missed));
}

#[test]
fn without_evictions_no_window_changes_a_single_hit() {
    let (node, pure) = (replay_node(5000, 64), replay_pure(5000));
    assert_eq!((node.hits, node.bytes_missed), (pure.hits, pure.bytes_missed));
}

#[test]
fn with_evictions_a_window_changes_little() {
    let (node, pure) = (replay_node(1000, 64), replay_pure(1000));
    let difference = node.object_miss_ratio() - pure.object_miss_ratio();
    assert!(difference.abs() < 0.01, "{difference}");
}

fn error_against(answer: &'static [u8]) -> String {
    let mut logins = 0;
    let address = serve(move |_| {
        logins += 1;
        if logins <= 2 { Some(b"+OK\r\n".to_vec()) } else { Some(answer.to_vec()).filter(|bytes| !bytes.is_empty()) }
    });
    let mut node = Node::connect(&address, 8).expect("the server is up");
    replay(&mut trace(), &mut node, &mut |_| Go::On).expect_err("the server is odd").to_string()
}

#[test]
fn a_node_that_fails_is_named_with_what_it_said() {
    for (answer, sentence) in [
        (&b"-NOPERM not yours\r\n"[..], "refuses GET: NOPERM not yours"),
        (b"HTTP/1.1 400 Bad Request\r\n", "does not speak RESP: it answered 'HTTP/1.1 400 Bad Request'"),
        (b"$12x\r\n", "does not speak RESP"),
        (b"", "closed the connection"),
    ] {
        let error = error_against(answer);
        assert!(error.contains(sentence) && error.contains("127.0.0.1:"), "{error}");
    }
}

#[test]
fn a_full_node_without_eviction_is_counted_not_fatal() {
    let address = serve(|words| {
        Some(match words[0].as_slice() {
            b"GET" => b"_\r\n".to_vec(),
            b"SET" => b"-OOM command not allowed when used memory > 'maxmemory'.\r\n".to_vec(),
            _ => b"+OK\r\n".to_vec(),
        })
    });
    let mut node = Node::connect(&address, 64).expect("the server is up");
    let report = replay(&mut trace(), &mut node, &mut |_| Go::On).expect("OOM is an answer");
    assert_eq!((report.hits, node.refused()), (0, 20_000));
}

#[test]
fn nobody_there_and_bad_urls_are_one_sentence() {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("loopback has free ports").port();
    let address = Address::parse(&format!("127.0.0.1:{port}")).expect("well formed");
    let error = Node::connect(&address, 1).err().expect("the listener is gone").to_string();
    assert!(error.contains(&format!("cannot connect to the node at 127.0.0.1:{port}")), "{error}");
    for (url, part) in
        [("http://h", "'http'"), ("redis://", "host"), ("h:99999", "port"), ("h/16", "database"), ("h/x", "database")]
    {
        let error = Address::parse(url).expect_err(url).to_string();
        assert!(error.contains(part) && error.contains(url), "{error}");
    }
    let address = Address::parse("scrubjay://bird:a@b:c@[::1]:7000/1").expect("well formed");
    assert_eq!((address.host.as_str(), address.port, address.database), ("::1", 7000, 1));
    assert_eq!((address.user.as_deref(), address.password.as_deref()), (Some("bird"), Some("a@b:c")));
}
