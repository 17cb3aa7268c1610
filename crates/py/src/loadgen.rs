//! The load generator, for `scrubjay bench` and the benchmark scripts.

use crate::errors;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use scrubjay_loadgen::{Config, Error, run};

/// Runs one measurement with the GIL released. `config` is a JSON object, the result is one: see the crate's `Config` and
/// `Report`.
///
/// Raises: ConfigurationError for a setting that cannot be used, ConnectionLost if the server cannot be reached or
/// stops answering.
#[pyfunction]
pub fn loadgen(py: Python<'_>, config: &str) -> PyResult<String> {
    let config: Config = serde_json::from_str(config).map_err(|bad| errors::configuration(py, bad.to_string()))?;
    let report = py.detach(|| run(&config)).map_err(|error| match error {
        Error::BadConfig(sentence) => errors::configuration(py, sentence),
        other => errors::named(py, "ConnectionLost", other.to_string()),
    })?;
    serde_json::to_string(&report).map_err(|error| PyRuntimeError::new_err(error.to_string()))
}

/// The defaults of a measurement, as a JSON object.
#[pyfunction]
pub fn loadgen_defaults() -> PyResult<String> {
    serde_json::to_string(&Config::default()).map_err(|error| PyRuntimeError::new_err(error.to_string()))
}
