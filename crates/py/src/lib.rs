//! `scrubjay._core`: what Python sees of the data plane. Bindings only; whatever is worth a thought of its own lives in
//! the crates below.
//!
//! ```text
//! scrubjay.Cache -> cache (class) -> key, value, ttl: arguments in, objects out
//!                     |-> batch: many keys with the GIL released      |-> walk: keys(), items(), values()
//!                     '-> engine: store + clock <- upkeep: the thread that expires on time
//! ```
//!
//! Two rules keep threads out of each other's way. Under a store guard nothing is called that could run Python code or
//! give up or take the GIL, so a guard is never waited for by somebody who holds the GIL for its holder. And everything
//! that takes guards without holding the GIL first enters [`fork::gate`], so a fork never copies a locked store.

mod batch;
mod cache;
mod engine;
mod errors;
mod fastcall;
mod fork;
mod key;
mod limits;
mod loadgen;
mod node;
mod replay;
mod settings;
mod sharding;
mod stats;
mod table;
mod time;
mod ttl;
mod upkeep;
mod value;
mod walk;

use pyo3::prelude::*;

// The default allocator's arenas multiply with threads and keep what churn left behind; mimalloc gives pages back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The native half of the package `scrubjay`.
#[pymodule]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    fork::install();
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<cache::Cache>()?;
    fastcall::install(module.py())?;
    module.add_class::<walk::Walk>()?;
    module.add_class::<stats::Stats>()?;
    module.add_class::<time::ManualClock>()?;
    module.add_class::<sharding::HashRing>()?;
    module.add_class::<sharding::Rendezvous>()?;
    module.add_function(wrap_pyfunction!(errors::kinds, module)?)?;
    module.add_function(wrap_pyfunction!(table::commands, module)?)?;
    module.add_function(wrap_pyfunction!(settings::settings, module)?)?;
    module.add_function(wrap_pyfunction!(settings::configuration, module)?)?;
    module.add_function(wrap_pyfunction!(settings::generated_files, module)?)?;
    module.add_function(wrap_pyfunction!(node::serve, module)?)?;
    module.add_function(wrap_pyfunction!(loadgen::loadgen, module)?)?;
    module.add_function(wrap_pyfunction!(loadgen::loadgen_defaults, module)?)?;
    module.add_function(wrap_pyfunction!(replay::replay, module)?)?;
    module.add_function(wrap_pyfunction!(replay::pure_policies, module)?)?;
    Ok(())
}
