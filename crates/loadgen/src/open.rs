//! The open loop: batches fall due at a given rate, whether or not the server has answered the ones before.
//!
//! The gaps are exponential (a Poisson process): many clients that know nothing of each other. Even spacing would never
//! queue at half load and flatter every server. Latency counts from the moment a batch fell due, so a stall of 10 ms at
//! 100 batches/ms is a thousand slow batches here, where a closed loop would have seen one per connection (Gil Tene,
//! "How NOT to measure latency").
//!
//! The kernel's timer under the poll has a resolution of a millisecond, so the loop spins while the next batch is nearer
//! than that. It needs a core of its own; [`Report::send_lag_p99_us`](crate::Report) tells whether it had one.

use crate::worker::{Worker, events};
use crate::{Config, Error};
use std::time::Duration;

/// Batches without an answer, per worker, at which the run is given up: the server does not keep up.
const UNANSWERED_MAX: u64 = 50_000;
/// Batches written between two polls at most: after a pause, replies are taken before more is sent.
const BURST_MAX: usize = 32;
/// Timers are this coarse; what is due sooner is waited for by spinning.
const TIMER_NS: u64 = 1_000_000;

/// Sends at the rate until the measured time is over, then waits for the replies still owed.
pub(crate) fn run(worker: &mut Worker, config: &Config) -> Result<(), Error> {
    let warm_ns = (config.warmup_s * 1e9) as u64;
    let end_ns = warm_ns + (config.duration_s * 1e9) as u64;
    let stall_ns = (config.stall_s * 1e9) as u64;
    // Requests come in batches; the rate counts requests.
    let mean_gap_ns = 1e9 * config.threads as f64 * config.pipeline as f64 / config.rate_per_s;
    let mut due_ns = gap_ns(worker, mean_gap_ns);
    let (mut turn, mut unanswered, mut heard_ns) = (0, 0, 0);
    let mut events = events();
    loop {
        let mut now_ns = worker.now_ns();
        if now_ns >= warm_ns {
            worker.begin_window();
        }
        for _ in 0..BURST_MAX {
            if due_ns > now_ns || due_ns >= end_ns {
                break;
            }
            if due_ns >= warm_ns {
                worker.found.send_lags.record(now_ns - due_ns);
            }
            worker.send(turn, due_ns)?;
            turn = (turn + 1) % worker.connections.len();
            unanswered += 1;
            due_ns += gap_ns(worker, mean_gap_ns);
            now_ns = worker.now_ns();
        }
        if due_ns >= end_ns && now_ns >= end_ns {
            worker.end_window();
            if unanswered == 0 {
                return Ok(());
            }
        }
        worker.wait(&mut events, pause(now_ns, due_ns.min(end_ns.max(now_ns))))?;
        let mut answered = 0;
        for event in &events {
            // Taken before the replies are parsed, so that a batch is not charged for those behind it.
            now_ns = worker.now_ns();
            worker.handle(event, |latencies, since_ns| {
                answered += 1;
                if since_ns >= warm_ns {
                    latencies.record(now_ns - since_ns);
                }
            })?;
        }
        unanswered -= answered;
        if answered > 0 || unanswered == 0 {
            heard_ns = now_ns;
        } else if now_ns.saturating_sub(heard_ns) > stall_ns {
            return Err(worker.stalled());
        }
        if unanswered > UNANSWERED_MAX {
            return Err(Error::Overloaded { rate_per_s: config.rate_per_s, owed: unanswered * config.pipeline as u64 });
        }
    }
}

fn gap_ns(worker: &mut Worker, mean_gap_ns: f64) -> u64 {
    (-(1.0 - worker.batch.rng().unit()).ln() * mean_gap_ns) as u64
}

/// How long the poll may sleep: whole milliseconds that end before the batch is due, else not at all.
fn pause(now_ns: u64, due_ns: u64) -> Duration {
    Duration::from_millis(due_ns.saturating_sub(now_ns) / TIMER_NS).saturating_sub(Duration::from_millis(1))
}
