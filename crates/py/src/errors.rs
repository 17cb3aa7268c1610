//! Refusals become exceptions of `scrubjay.errors`. The classes are written in Python, where people read them; this file
//! looks them up by [`Kind`]'s name the first time something goes wrong.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;
use scrubjay_command::{Kind, Reject};

static BY_KIND: PyOnceLock<Py<PyDict>> = PyOnceLock::new();

/// The names of all kinds of refusal, for the test that compares them with `errors.BY_KIND`.
#[pyfunction]
pub fn kinds() -> Vec<&'static str> {
    Kind::ALL.iter().map(|kind| kind.name()).collect()
}

/// The exception for a refusal of this kind.
#[cold]
pub fn of_kind(py: Python<'_>, kind: Kind, message: impl Into<String>) -> PyErr {
    let table = BY_KIND.get_or_try_init(py, || {
        py.import("scrubjay.errors")?.getattr("BY_KIND")?.cast_into::<PyDict>().map(Bound::unbind).map_err(PyErr::from)
    });
    let class = match table.and_then(|table| table.bind(py).as_any().get_item(kind.name())) {
        Ok(class) => class,
        Err(broken) => return broken,
    };
    from_class(&class, message.into())
}

/// The exception called `name` in `scrubjay.errors`, for what no [`Kind`] covers.
#[cold]
pub fn named(py: Python<'_>, name: &str, message: impl Into<String>) -> PyErr {
    match py.import("scrubjay.errors").and_then(|module| module.getattr(name)) {
        Ok(class) => from_class(&class, message.into()),
        Err(broken) => broken,
    }
}

fn from_class(class: &Bound<'_, PyAny>, message: String) -> PyErr {
    match class.call1((message,)) {
        Ok(instance) => PyErr::from_value(instance),
        Err(broken) => broken,
    }
}

/// The exception for a command's refusal.
#[cold]
pub fn of_reject(py: Python<'_>, reject: &Reject) -> PyErr {
    of_kind(py, reject.kind(), reject.message())
}

/// The exception for a write that does not fit.
#[cold]
pub fn out_of_memory(py: Python<'_>) -> PyErr {
    of_kind(py, Kind::OutOfMemory, scrubjay_store::OutOfMemory::Node.to_string())
}

/// A setting that cannot be used.
#[cold]
pub fn configuration(py: Python<'_>, message: impl Into<String>) -> PyErr {
    named(py, "ConfigurationError", message)
}
