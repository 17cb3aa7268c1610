//! Trace replay, for `scrubjay replay` and the tests of hit ratios.

use crate::{errors, limits};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use scrubjay_replay::embedded::Embedded;
use scrubjay_replay::node::{Address, Node, WINDOW};
use scrubjay_replay::pure::{Capacity, PolicyKind};
use scrubjay_replay::run::{Go, Report, Target, replay as run};
use scrubjay_replay::trace::TraceReader;
use scrubjay_store::Config;

/// The policies that have an exact form, by name.
#[pyfunction]
pub fn pure_policies() -> Vec<&'static str> {
    PolicyKind::ALL.iter().map(|(name, _)| *name).collect()
}

/// Replays the trace at `path` and returns what was counted, as a dict. `capacity` is `("payload", bytes)` or
/// `("objects", n)` for the exact policy called `policy`, `("memory", size)` for a store in this process under that policy,
/// or `("url", url)` for a running node. `watch` is called with
/// such a dict every 16,384 requests, and stops the replay by returning `False`.
///
/// Raises: ConfigurationError for a trace, policy or URL that cannot be used, ConnectionLost if the node goes away.
#[pyfunction]
#[pyo3(signature = (path, *, policy, capacity, seed=1, watch=None))]
pub fn replay<'py>(
    py: Python<'py>,
    path: &str,
    policy: &str,
    capacity: (String, Bound<'py, PyAny>),
    seed: u64,
    watch: Option<Py<PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let mut trace = TraceReader::open(path).map_err(|bad| errors::configuration(py, bad.to_string()))?;
    let mut target = target(py, policy, &capacity, seed)?;
    let mut raised = None;
    let outcome = py.detach(|| {
        run(&mut trace, target.as_mut(), &mut |report| {
            Python::attach(|py| match ask(py, watch.as_ref(), report) {
                Ok(true) => Go::On,
                Ok(false) => Go::Stop,
                Err(error) => {
                    raised = Some(error);
                    Go::Stop
                }
            })
        })
    });
    match (raised, outcome) {
        (Some(error), _) => Err(error),
        (None, Ok(report)) => describe(py, &report),
        (None, Err(error)) => Err(errors::named(py, "ScrubjayError", error.to_string())),
    }
}

fn target(
    py: Python<'_>,
    policy: &str,
    (kind, value): &(String, Bound<'_, PyAny>),
    seed: u64,
) -> PyResult<Box<dyn Target + Send>> {
    if kind == "url" {
        let address =
            Address::parse(value.extract::<&str>()?).map_err(|bad| errors::configuration(py, bad.to_string()))?;
        let node = py.detach(|| Node::connect(&address, WINDOW));
        return Ok(Box::new(node.map_err(|lost| errors::named(py, "ConnectionLost", lost.to_string()))?));
    }
    if kind == "memory" {
        let config = Config {
            max_memory_bytes: limits::memory(value)?,
            policy: limits::policy(py, policy)?,
            seed,
            ..Config::default()
        };
        return Ok(Box::new(Embedded::new(config)));
    }
    let kind_of_policy = PolicyKind::named(policy).ok_or_else(|| {
        let known = pure_policies().join(", ");
        errors::configuration(py, format!("policy: '{policy}' has no exact form: use one of {known}"))
    })?;
    let capacity = match kind.as_str() {
        "payload" => Capacity::PayloadBytes(value.extract()?),
        _ => Capacity::Objects(value.extract()?),
    };
    Ok(Box::new(kind_of_policy.build(capacity, seed)))
}

fn ask(py: Python<'_>, watch: Option<&Py<PyAny>>, report: &Report) -> PyResult<bool> {
    py.check_signals()?;
    match watch {
        None => Ok(true),
        Some(watch) => Ok(!watch.call1(py, (describe(py, report)?,))?.is(false.into_pyobject(py)?)),
    }
}

fn describe<'py>(py: Python<'py>, report: &Report) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("requests", report.requests)?;
    dict.set_item("hits", report.hits)?;
    dict.set_item("misses", report.misses())?;
    dict.set_item("bytes", report.bytes)?;
    dict.set_item("bytes_missed", report.bytes_missed)?;
    dict.set_item("object_miss_ratio", report.object_miss_ratio())?;
    dict.set_item("byte_miss_ratio", report.byte_miss_ratio())?;
    dict.set_item("requests_per_second", report.requests_per_second())?;
    dict.set_item("seconds", report.elapsed.as_secs_f64())?;
    dict.set_item("fraction", report.fraction)?;
    dict.set_item("stopped", report.is_stopped)?;
    Ok(dict)
}
