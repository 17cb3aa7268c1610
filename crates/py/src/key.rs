//! A key as Python hands it over: `str` (its UTF-8) or `bytes`. `"a"` and `b"a"` are the same key.

use crate::errors;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};
use scrubjay_command::Kind;
use scrubjay_store::KEY_BYTES_MAX;

/// The bytes of a key, borrowed from the object.
#[inline]
pub fn bytes_of<'a>(key: &'a Bound<'_, PyAny>) -> PyResult<&'a [u8]> {
    // The exact types are a comparison of pointers, their subclasses a call.
    let bytes = if let Ok(bytes) = key.cast_exact::<PyBytes>() {
        bytes.as_bytes()
    } else if let Ok(text) = key.cast_exact::<PyString>() {
        text.to_str()?.as_bytes()
    } else if let Ok(text) = key.cast::<PyString>() {
        text.to_str()?.as_bytes()
    } else if let Ok(bytes) = key.cast::<PyBytes>() {
        bytes.as_bytes()
    } else {
        return Err(unusable(key));
    };
    if bytes.len() > KEY_BYTES_MAX {
        return Err(too_long(key.py(), bytes.len()));
    }
    Ok(bytes)
}

#[cold]
fn unusable(key: &Bound<'_, PyAny>) -> PyErr {
    let found = key.get_type().name().map_or_else(|_| "?".into(), |name| name.to_string());
    PyTypeError::new_err(format!(
        "a key is str or bytes, not {found}: use str(key), or build one such as f\"user:{{id}}\""
    ))
}

#[cold]
fn too_long(py: Python<'_>, length: usize) -> PyErr {
    errors::of_kind(
        py,
        Kind::TooLarge,
        format!("a key has at most {KEY_BYTES_MAX} bytes and this one has {length}: use a hash of it as the key"),
    )
}

/// A stored key as Python gets it back: `str`, or `bytes` if it is not UTF-8.
pub fn to_python<'py>(py: Python<'py>, key: &[u8]) -> Bound<'py, PyAny> {
    match std::str::from_utf8(key) {
        Ok(text) => PyString::new(py, text).into_any(),
        Err(_) => PyBytes::new(py, key).into_any(),
    }
}

/// Whether `object` is a single key where a collection of keys is expected: iterating over its characters would find
/// nothing and say nothing.
pub fn is_one(object: &Bound<'_, PyAny>) -> bool {
    object.is_instance_of::<PyString>() || object.is_instance_of::<PyBytes>()
}
