//! Hit ratios: what a trace of requests would have met under a policy, in a store in this process, or on a running node.
//!
//! - [`trace`]: reads traces; [`synth`]: makes them up.
//! - [`pure`]: every policy in its exact form, over keys and sizes only: the yardstick.
//! - [`run`]: the replay, its report, its progress. Its targets: a pure policy, [`embedded`], [`node`].
//!
//! Not here: drawing a progress bar and printing tables (`scrubjay replay`, in Python), and values: a replay is about which
//! keys stay, so payloads are as long as the trace says and mean nothing.

pub mod embedded;
pub mod node;
pub mod pure;
pub mod run;
pub mod synth;
pub mod trace;

#[cfg(test)]
mod naive;
