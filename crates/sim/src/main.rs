//! Runs seeds until a promise is broken, and prints what happened: `scrubjay-sim [first seed] [how many; 0: for ever]`.
//! `scrubjay-sim traps [how many]` puts each mistake into so many runs, and prints how many of them break a promise.

use scrubjay_sim::model::{Trap, World};
use std::process::ExitCode;

/// Seeds between two signs of life.
const REPORT_EVERY: u64 = 10_000;

/// Runs of each mistake unless told: those of `make test`.
const TRAP_RUNS: u64 = 3000;

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1).peekable();
    let is_traps = words.next_if(|word| word == "traps").is_some();
    let mut arguments = words.map(|text| text.parse::<u64>());
    if is_traps {
        let Ok(runs) = arguments.next().unwrap_or(Ok(TRAP_RUNS)) else { return usage() };
        for trap in Trap::ALL {
            let broken = (0..runs).filter(|&seed| World::new(seed, Some(trap)).run().is_err()).count();
            println!("{trap:?}: {broken} of {runs}");
        }
        return ExitCode::SUCCESS;
    }
    let (Ok(first), Ok(count)) = (arguments.next().unwrap_or(Ok(0)), arguments.next().unwrap_or(Ok(0))) else {
        return usage();
    };
    for seed in (first..).take(if count == 0 { usize::MAX } else { count as usize }) {
        let mut world = World::new(seed, None);
        if let Err(violation) = world.run() {
            println!("{}seed {seed}: {violation}\nagain with: make sim FIRST={seed} COUNT=1", world.story());
            return ExitCode::FAILURE;
        }
        if (seed + 1 - first).is_multiple_of(REPORT_EVERY) {
            println!("{} seeds, up to {seed}: every promise kept", seed + 1 - first);
        }
    }
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    eprintln!("usage: scrubjay-sim [first seed] [how many; 0: for ever] | traps [how many]");
    ExitCode::from(2)
}
