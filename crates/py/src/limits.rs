//! A cache's limits as Python gives them.

use crate::errors;
use crate::ttl::Ttl;
use pyo3::prelude::*;
use scrubjay_base::size::Size;
use scrubjay_store::{Config, Policy};

/// What a cache takes at most unless told: enough for some hundred thousand small entries, little beside an application.
const MEMORY_BYTES_DEFAULT: u64 = 256 << 20;

/// A store's configuration from the arguments of `Cache(...)`.
pub fn config(
    py: Python<'_>,
    max_memory: Option<&Bound<'_, PyAny>>,
    policy_name: Option<&str>,
    default_ttl: Option<&Bound<'_, PyAny>>,
    max_entries: Option<u64>,
) -> PyResult<Config> {
    Ok(Config {
        max_memory_bytes: max_memory.map_or(Ok(MEMORY_BYTES_DEFAULT), memory)?,
        max_entries: max_entries.unwrap_or(0),
        policy: policy_name.map_or(Ok(Policy::default()), |name| policy(py, name))?,
        default_ttl_ms: default_ttl_ms(default_ttl)?,
        ..Config::default()
    })
}

/// A memory limit: bytes, or a size as text.
pub fn memory(limit: &Bound<'_, PyAny>) -> PyResult<u64> {
    let py = limit.py();
    if let Ok(bytes) = limit.extract::<u64>() {
        return Ok(bytes);
    }
    let Ok(text) = limit.extract::<String>() else {
        return Err(errors::configuration(
            py,
            "max_memory is a number of bytes (0: no limit) or a size such as '256mb'",
        ));
    };
    match Size::parse(&text) {
        Ok(Size::Bytes(bytes)) => Ok(bytes),
        Ok(Size::Percent(_)) => Err(errors::configuration(
            py,
            format!(
                "max_memory is '{text}', but a cache shares its process with your program: give it a size, such as '256mb'"
            ),
        )),
        Err(bad) => Err(errors::configuration(py, format!("max_memory: {bad}"))),
    }
}

/// A policy by name.
pub fn policy(py: Python<'_>, name: &str) -> PyResult<Policy> {
    name.parse().map_err(|unknown| errors::configuration(py, format!("policy: {unknown}")))
}

/// The default lifetime; 0: for ever.
pub fn default_ttl_ms(ttl: Option<&Bound<'_, PyAny>>) -> PyResult<u64> {
    Ok(match Ttl::of(ttl)? {
        Ttl::Ms(ms) => ms,
        Ttl::Default | Ttl::Never => 0,
    })
}
