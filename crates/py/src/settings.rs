//! The table of settings and the configuration made from it, as Python data: the command line's flags, `config show` and
//! the reference pages come from here.

use crate::errors;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use scrubjay_server::config::{self, BadConfig, Kind, NAMESPACE_SETTINGS, Origin, Reload, Resolved, SETTINGS};

/// Every setting as a dict: `name`, `section`, `kind`, `takes`, `default`, `environment`, `live`, `redis`, `help`.
#[pyfunction]
pub fn settings(py: Python<'_>) -> PyResult<Bound<'_, PyList>> {
    let list = PyList::empty(py);
    for setting in SETTINGS {
        let dict = PyDict::new(py);
        dict.set_item("name", setting.name)?;
        dict.set_item("section", setting.section)?;
        dict.set_item("kind", setting.kind.name())?;
        dict.set_item("takes", setting.kind.describe())?;
        dict.set_item("default", setting.default)?;
        dict.set_item("environment", setting.environment_name())?;
        dict.set_item("live", setting.reload == Reload::Live)?;
        dict.set_item("redis", setting.redis.map(|redis| redis.name()))?;
        dict.set_item("help", setting.help)?;
        list.append(dict)?;
    }
    Ok(list)
}

/// The configuration that `flags` (pairs of name and text) and `environment` make, file included, as rows of name, value
/// and origin, and behind them what namespaces are told. Secrets are masked.
#[pyfunction]
pub fn configuration(
    py: Python<'_>,
    flags: Vec<(String, String)>,
    environment: Vec<(String, String)>,
) -> PyResult<Vec<(String, String, String)>> {
    let resolved = load(py, flags, environment)?;
    let settings = SETTINGS.iter().map(|setting| {
        let shown = match setting.value(&resolved.config).to_string() {
            secret if matches!(setting.kind, Kind::Secret) && !secret.is_empty() => "(set)".to_owned(),
            shown => shown,
        };
        let origin = match resolved.origin(setting.name) {
            Origin::Default => "default".to_owned(),
            Origin::File(path) => path.display().to_string(),
            Origin::Environment => setting.environment_name(),
            Origin::Flag => format!("--{}", setting.name),
            Origin::Runtime => "CONFIG SET".to_owned(),
        };
        (setting.name.to_owned(), shown, origin)
    });
    // Only a file can name namespaces.
    let file = resolved.config.config.as_deref().map_or_else(String::new, |path| path.display().to_string());
    let namespaces = resolved.namespaces.iter().flat_map(|(name, config)| {
        let file = &file;
        NAMESPACE_SETTINGS.iter().filter_map(move |setting| {
            let value = setting.value(config)?.to_string();
            Some((format!("namespaces.{name}.{}", setting.name), value, file.clone()))
        })
    });
    Ok(settings.chain(namespaces).collect())
}

/// As [`configuration`], typed.
pub fn load(py: Python<'_>, flags: Vec<(String, String)>, environment: Vec<(String, String)>) -> PyResult<Resolved> {
    config::load(flags, environment).map_err(|bad: BadConfig| errors::configuration(py, bad.to_string()))
}

/// Every generated file: its path from the repository's root, and its text.
#[pyfunction]
pub fn generated_files() -> Vec<(&'static str, String)> {
    scrubjay_server::reference::files()
}
