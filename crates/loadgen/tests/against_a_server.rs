//! Whole runs against small servers of known behaviour, on threads of the test.

use scrubjay_loadgen::{Config, Error, Operation, Protocol, run};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

type Stored = Arc<Mutex<HashMap<String, usize>>>;

/// Serves every connection with `serve` until the client leaves; returns the port.
fn serve(serve: impl Fn(TcpStream) -> std::io::Result<()> + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free loopback port");
    let port = listener.local_addr().expect("bound").port();
    let serve = Arc::new(serve);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = Arc::clone(&serve);
            let _ = stream.set_nodelay(true);
            std::thread::spawn(move || serve(stream));
        }
    });
    port
}

/// A RESP server that keeps the length of each value.
fn resp_server(stored: Stored) -> u16 {
    serve(move |stream| {
        let mut output = stream.try_clone()?;
        let mut input = BufReader::new(stream);
        loop {
            let count = number(&mut input, b'*')?;
            let arguments = (0..count).map(|_| bulk(&mut input)).collect::<Result<Vec<_>, _>>()?;
            let reply = match (arguments[0].as_str(), arguments.len()) {
                ("PING", 1) => "+PONG\r\n".to_owned(),
                ("GET", 2) => match stored.lock().expect("no panic holds it").get(&arguments[1]) {
                    Some(&length) => format!("${length}\r\n{}\r\n", "v".repeat(length)),
                    None => "$-1\r\n".to_owned(),
                },
                ("SET", 3 | 5) => {
                    stored.lock().expect("no panic holds it").insert(arguments[1].clone(), arguments[2].len());
                    "+OK\r\n".to_owned()
                }
                _ => "-ERR unknown command\r\n".to_owned(),
            };
            output.write_all(reply.as_bytes())?;
        }
    })
}

fn number(input: &mut impl BufRead, mark: u8) -> std::io::Result<usize> {
    let mut line = String::new();
    input.read_line(&mut line)?;
    let digits = line.trim_end().strip_prefix(mark as char).ok_or(std::io::ErrorKind::UnexpectedEof)?;
    digits.parse().map_err(|_| std::io::ErrorKind::InvalidData.into())
}

fn bulk(input: &mut impl BufRead) -> std::io::Result<String> {
    let mut bytes = vec![0; number(input, b'$')? + 2];
    input.read_exact(&mut bytes)?;
    bytes.truncate(bytes.len() - 2);
    String::from_utf8(bytes).map_err(|_| std::io::ErrorKind::InvalidData.into())
}

fn config(port: u16) -> Config {
    Config { port, keys: 1000, connections: 4, duration_s: 0.2, warmup_s: 0.0, stall_s: 20.0, ..Config::default() }
}

#[test]
fn load_stores_every_key_and_reads_then_hit() {
    let stored = Stored::default();
    let port = resp_server(Arc::clone(&stored));
    for (threads, pipeline, value_bytes) in [(1, 1, 64), (2, 16, 0), (3, 7, 5000)] {
        stored.lock().unwrap().clear();
        let config = Config { threads, pipeline, value_bytes, ..config(port) };
        let report = run(&Config { operation: Operation::Load, ttl_s: 60, ..config.clone() }).expect("a load");
        assert_eq!((report.ops, report.stored, report.errors), (1000, 1000, 0), "{config:?}");
        assert_eq!(stored.lock().unwrap().len(), 1000);
        assert!(stored.lock().unwrap().values().all(|&length| length == value_bytes));
        let report = run(&config).expect("reads");
        assert!(report.ops > 0 && report.hits == report.ops, "{report:?}");
        assert!(report.p50_us <= report.p99_us && report.p99_us <= report.p999_us && report.p999_us <= report.max_us);
    }
}

#[test]
fn a_mix_of_reads_and_writes_counts_each() {
    let config =
        Config { operation: Operation::Mix, set_percent: 50, pipeline: 8, ..config(resp_server(Stored::default())) };
    let report = run(&config).expect("a mix");
    assert_eq!(report.ops, report.hits + report.misses + report.stored);
    assert!(report.stored > 0 && report.misses > 0, "{report:?}");
}

#[test]
fn open_loop_sends_at_about_the_rate_and_awaits_every_reply() {
    let port = resp_server(Stored::default());
    let config = Config { operation: Operation::Ping, rate_per_s: 2000.0, duration_s: 1.0, ..config(port) };
    let report = run(&config).expect("pings");
    // 2000 arrivals of a Poisson process: nine standard deviations.
    assert!((1600..2400).contains(&report.stored), "{report:?}");
    assert!(report.send_lag_p99_us.is_some());
}

#[test]
fn error_replies_are_counted_and_the_first_is_quoted() {
    let port = serve(|mut stream| {
        let mut request = [0; 4096];
        while stream.read(&mut request)? > 0 {
            stream.write_all(b"-OOM command not allowed\r\n")?;
        }
        Ok(())
    });
    let report = run(&config(port)).expect("refusals are no failure of the run");
    assert_eq!(report.errors, report.ops);
    assert_eq!(report.first_error.as_deref(), Some("-OOM command not allowed"));
}

#[test]
fn own_process_has_cpu_time_per_operation_and_an_unknown_one_has_none() {
    let port = resp_server(Stored::default());
    let report = run(&Config { server_pid: std::process::id(), ..config(port) }).expect("reads");
    assert!(report.server_cpu_us_per_op.is_some());
    assert!(run(&config(port)).expect("reads").server_cpu_us_per_op.is_none());
}

#[test]
fn http_puts_and_gets_over_kept_connections() {
    let port = serve(|stream| {
        let mut output = stream.try_clone()?;
        let mut input = BufReader::new(stream);
        loop {
            let (mut request, mut body) = (String::new(), 0);
            if input.read_line(&mut request)? == 0 {
                return Ok(());
            }
            loop {
                let mut header = String::new();
                input.read_line(&mut header)?;
                if let Some(length) = header.strip_prefix("Content-Length: ") {
                    body = length.trim_end().parse().unwrap_or(0);
                }
                if header == "\r\n" {
                    break;
                }
            }
            input.read_exact(&mut vec![0; body])?;
            output.write_all(match request.split(' ').next() {
                Some("GET") => b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
                Some("PUT") if body == 64 => b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n",
                _ => b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
            })?;
        }
    });
    let config = Config { protocol: Protocol::Http, operation: Operation::Load, ttl_s: 5, ..config(port) };
    assert_eq!(run(&config).expect("a load").stored, 1000);
    let report = run(&Config { operation: Operation::Get, ..config }).expect("reads");
    assert!(report.hits > 0 && report.hits == report.ops, "{report:?}");
}

#[test]
fn a_server_that_fails_ends_the_run_with_a_sentence() {
    let closing = serve(|mut stream| {
        let _ = stream.read(&mut [0; 100])?;
        stream.write_all(b"-ERR max number of clients reached\r\n")
    });
    let silent = serve(|mut stream| std::io::copy(&mut stream, &mut std::io::sink()).map(|_| ()));
    let chatty = serve(|mut stream| {
        stream.write_all(b"+OK\r\n+OK\r\n+OK\r\n")?;
        std::io::copy(&mut stream, &mut std::io::sink()).map(|_| ())
    });
    let lost = run(&config(closing)).expect_err("closed");
    assert!(matches!(lost, Error::Lost { .. }), "{lost}");
    let stalled = run(&Config { stall_s: 0.05, ..config(silent) }).expect_err("silent");
    assert!(matches!(stalled, Error::Stalled { owed: 4, .. }), "{stalled}");
    let open = Config { rate_per_s: 500.0, stall_s: 0.05, duration_s: 60.0, ..config(silent) };
    let stalled = run(&open).expect_err("silent");
    assert!(matches!(stalled, Error::Stalled { .. }), "{stalled}");
    let overloaded = run(&Config { rate_per_s: 1e9, duration_s: 60.0, ..config(silent) }).expect_err("too fast");
    assert!(matches!(overloaded, Error::Overloaded { .. }), "{overloaded}");
    let garbled = run(&Config { operation: Operation::Load, keys: 1, ..config(chatty) }).expect_err("too many replies");
    assert!(matches!(garbled, Error::Garbled(_)), "{garbled}");
    let port = TcpListener::bind("127.0.0.1:0").and_then(|gone| gone.local_addr()).expect("a port").port();
    let refused = run(&config(port)).expect_err("nobody listens");
    assert!(refused.to_string().contains("is the server running there?"), "{refused}");
}

#[test]
fn settings_that_contradict_are_refused_before_anything_is_sent() {
    for bad in [
        Config { keys: 0, ..Config::default() },
        Config { threads: 51, ..Config::default() },
        Config { rate_per_s: f64::NAN, ..Config::default() },
        Config { rate_per_s: 1.0, operation: Operation::Load, ..Config::default() },
        Config { protocol: Protocol::Http, operation: Operation::Ping, ..Config::default() },
        Config { http_path: "/a b/".to_owned(), ..Config::default() },
        Config { first_key: 999_999_999_999, ..Config::default() },
    ] {
        assert!(matches!(run(&bad), Err(Error::BadConfig(_))), "{bad:?}");
    }
    let unknown = serde_json::from_str::<Config>(r#"{"prot": 1}"#).expect_err("no such setting");
    assert!(unknown.to_string().contains("unknown field"), "{unknown}");
}
