//! Runs seeds until a promise is broken, and prints what happened: `scrubjay-sim [first seed] [how many; 0: for ever]`.

use scrubjay_sim::model::World;
use std::process::ExitCode;

/// Seeds between two signs of life.
const REPORT_EVERY: u64 = 10_000;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<u64>());
    let (Ok(first), Ok(count)) = (arguments.next().unwrap_or(Ok(0)), arguments.next().unwrap_or(Ok(0))) else {
        eprintln!("usage: scrubjay-sim [first seed] [how many; 0: for ever]");
        return ExitCode::from(2);
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
