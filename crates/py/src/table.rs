//! The command table as Python data, for the client's help and completion and for the reference page.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use scrubjay_command::Row;
use scrubjay_command::index::rows;
use scrubjay_command::table::Keys;

/// Every command as a dict: `name`, `group`, `arity`, `flags`, `keys`, `since`, `complexity`, `summary`, `usage`,
/// `subcommands`.
#[pyfunction]
pub fn commands(py: Python<'_>) -> PyResult<Bound<'_, PyList>> {
    list(py, rows())
}

fn list<'py>(py: Python<'py>, rows: impl Iterator<Item = &'static Row>) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    for row in rows {
        list.append(describe(py, row)?)?;
    }
    Ok(list)
}

fn describe<'py>(py: Python<'py>, row: &'static Row) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("name", row.name)?;
    dict.set_item("group", row.group.name())?;
    dict.set_item("arity", row.arity)?;
    dict.set_item("flags", row.flags.iter_names().map(|(name, _)| name.to_ascii_lowercase()).collect::<Vec<_>>())?;
    dict.set_item("keys", !matches!(row.keys, Keys::None))?;
    dict.set_item("since", row.since)?;
    dict.set_item("complexity", row.complexity)?;
    dict.set_item("summary", row.summary)?;
    dict.set_item("usage", row.usage)?;
    dict.set_item("subcommands", list(py, row.subcommands.iter())?)?;
    Ok(dict)
}
