//! The closed loop: on each connection a batch, all its replies, the next batch.

use crate::worker::{Worker, events};
use crate::{Config, Error, Operation};

/// Runs until the measured time is over, or a load is through.
pub(crate) fn run(worker: &mut Worker, config: &Config) -> Result<(), Error> {
    let loading = config.operation == Operation::Load;
    let warm_ns = (config.warmup_s * 1e9) as u64;
    let end_ns = warm_ns + (config.duration_s * 1e9) as u64;
    let mut warming = !loading;
    if loading {
        worker.begin_window();
    }
    let mut active = 0;
    for index in 0..worker.connections.len() {
        active += usize::from(worker.send(index, worker.now_ns())?);
    }
    let mut events = events();
    'run: while active > 0 {
        worker.wait(&mut events, worker.stall())?;
        if events.is_empty() {
            return Err(worker.stalled());
        }
        if warming && worker.now_ns() >= warm_ns {
            warming = false;
            worker.begin_window();
        }
        for event in &events {
            let mut begun_ns = None;
            worker.handle(event, |_, since_ns| begun_ns = Some(since_ns))?;
            let Some(begun_ns) = begun_ns else { continue };
            let now_ns = worker.now_ns();
            worker.found.latencies.record(now_ns - begun_ns);
            if now_ns >= end_ns && !loading {
                break 'run;
            }
            if !worker.send(event.token().0, now_ns)? {
                active -= 1;
            }
        }
    }
    worker.end_window();
    Ok(())
}
