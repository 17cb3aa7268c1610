//! A run from its settings to its report: connect, let every worker run its loop, add up.

use crate::histogram::Histogram;
use crate::reply::Tally;
use crate::worker::{Found, Worker};
use crate::{Config, Error, Report, closed, open};
use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Instant;

/// Puts the load on the server and reports what it answered.
///
/// Blocks until the run is over: about `warmup_s + duration_s`, or, for a load, until every key is written. The calling
/// thread is the first worker; further ones inherit its cores, so pin the caller, not this library.
///
/// # Errors
/// [`Error`]: bad settings, or a server that is absent, silent, overloaded, or does not speak the protocol. Error *replies*
/// are counted instead. A load that fails has stored a part of its keys.
///
/// # Example
/// ```no_run
/// use scrubjay_loadgen::{Config, Operation, run};
/// let config = Config { operation: Operation::Get, pipeline: 16, port: 6379, ..Config::default() };
/// println!("{:.0} operations per second", run(&config)?.ops_per_s);
/// # Ok::<(), scrubjay_loadgen::Error>(())
/// ```
pub fn run(config: &Config) -> Result<Report, Error> {
    config.check()?;
    let address = resolve(config)?;
    let mut workers = (0..config.threads)
        .map(|index| Worker::connect(config, address, index, config.threads))
        .collect::<Result<Vec<_>, _>>()?;
    let origin = Instant::now();
    workers.iter_mut().for_each(|worker| worker.start_at(origin));
    let first = workers.remove(0);
    let found = std::thread::scope(|scope| {
        let mut threads = Vec::with_capacity(workers.len());
        for worker in workers {
            let thread = std::thread::Builder::new().name("loadgen".to_owned());
            threads.push(thread.spawn_scoped(scope, || drive(worker, config)).map_err(Error::System)?);
        }
        let mut found = vec![drive(first, config)?];
        for thread in threads {
            found.push(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
        }
        Ok(found)
    })?;
    Ok(add_up(found, config))
}

fn resolve(config: &Config) -> Result<SocketAddr, Error> {
    let address = format!("{}:{}", config.host, config.port);
    let unknown = |source| Error::Connect { address: address.clone(), source };
    let mut addresses = (config.host.as_str(), config.port).to_socket_addrs().map_err(unknown)?;
    addresses.next().ok_or_else(|| unknown(std::io::ErrorKind::NotFound.into()))
}

fn drive(mut worker: Worker, config: &Config) -> Result<Found, Error> {
    if config.rate_per_s > 0.0 {
        open::run(&mut worker, config)?;
    } else {
        closed::run(&mut worker, config)?;
    }
    Ok(worker.found)
}

fn add_up(found: Vec<Found>, config: &Config) -> Report {
    let (mut tally, mut latencies, mut send_lags) = (Tally::default(), Histogram::new(), Histogram::new());
    let (mut seconds, mut ops_per_s, mut generator_cpu, mut generator_ns) = (0f64, 0.0, 0.0, 0);
    // The first worker alone reads the server's clock, over its own window.
    let server = found.first().and_then(|first| Some((first.server_cpu_ns? as f64, first.window_ns as f64 / 1e9)));
    for worker in found {
        // Windows end at slightly different moments; each worker's rate is over its own.
        let window_s = (worker.window_ns as f64 / 1e9).max(1e-9);
        seconds = seconds.max(window_s);
        ops_per_s += worker.tally.replies() as f64 / window_s;
        generator_cpu += worker.own_cpu_ns as f64 / 1e9 / window_s;
        generator_ns += worker.own_cpu_ns;
        tally.merge(worker.tally);
        latencies.merge(&worker.latencies);
        send_lags.merge(&worker.send_lags);
    }
    let ops = tally.replies();
    Report {
        ops,
        seconds,
        ops_per_s,
        hits: tally.hits,
        misses: tally.misses,
        stored: tally.stored,
        errors: tally.errors,
        first_error: tally.first_error,
        p50_us: latencies.quantile_us(0.5),
        p99_us: latencies.quantile_us(0.99),
        p999_us: latencies.quantile_us(0.999),
        max_us: latencies.max_us(),
        generator_cpu,
        generator_cpu_us_per_op: generator_ns as f64 / 1e3 / ops.max(1) as f64,
        server_cpu: server.map(|(cpu_ns, window_s)| cpu_ns / 1e9 / window_s),
        server_cpu_us_per_op: server.map(|(cpu_ns, window_s)| cpu_ns / 1e3 / window_s / ops_per_s.max(1e-9)),
        send_lag_p99_us: (config.rate_per_s > 0.0).then(|| send_lags.quantile_us(0.99)),
    }
}
