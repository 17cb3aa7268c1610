//! `keys()`, `items()`, `values()`: a scan of the store, some hundred entries at a time.
//!
//! What is there from the start of a walk to its end is seen; what comes or goes meanwhile may be, and a key may be seen
//! twice if the table grows. No lock is held between two steps.

use crate::engine::{Engine, NS};
use crate::{key, value};
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use scrubjay_base::glob;
use scrubjay_store::SharedBytes;
use std::collections::VecDeque;
use std::sync::Arc;

/// Entries looked at in one step: about 20 us.
const STEP_ENTRIES: usize = 256;

/// What a walk yields.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Yield {
    /// Keys.
    Keys,
    /// Values.
    Values,
    /// Pairs.
    Items,
}

struct Seen {
    key: Vec<u8>,
    value: Bytes,
    flags: u32,
}

enum Bytes {
    Copied(Vec<u8>),
    Shared(SharedBytes),
}

/// An iterator over a cache.
#[pyclass(module = "scrubjay")]
pub struct Walk {
    engine: Arc<Engine>,
    yields: Yield,
    pattern: Option<Vec<u8>>,
    /// Where the next step starts; `None` after the last.
    cursor: Option<u64>,
    seen: VecDeque<Seen>,
}

impl Walk {
    /// A walk over the entries whose key matches `pattern` (all without one).
    pub fn new(engine: Arc<Engine>, yields: Yield, pattern: Option<Vec<u8>>) -> Walk {
        Walk { engine, yields, pattern, cursor: Some(0), seen: VecDeque::new() }
    }

    fn step(&mut self, cursor: u64) {
        let Walk { engine, yields, pattern, seen, .. } = self;
        let next = engine.store.scan(NS, cursor, STEP_ENTRIES, engine.time.exact(), |found| {
            if pattern.as_ref().is_some_and(|pattern| !glob::matches(pattern, found.key)) {
                return;
            }
            let value = match *yields {
                Yield::Keys => Bytes::Copied(Vec::new()),
                _ => match found.entry.shared() {
                    Some(shared) => Bytes::Shared(shared),
                    None => Bytes::Copied(found.entry.value().into_owned()),
                },
            };
            seen.push_back(Seen { key: found.key.to_vec(), value, flags: found.entry.flags() });
        });
        self.cursor = (next != 0).then_some(next);
    }
}

#[pymethods]
impl Walk {
    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        while self.seen.is_empty() {
            let Some(cursor) = self.cursor else { return Ok(None) };
            self.step(cursor);
            py.check_signals()?; // a pattern that matches nothing must not outlast Ctrl-C
        }
        let Some(seen) = self.seen.pop_front() else { return Ok(None) };
        let value = || match &seen.value {
            Bytes::Copied(bytes) => Ok(value::to_python(py, bytes, seen.flags)),
            Bytes::Shared(bytes) => value::to_python_apart(py, bytes, seen.flags),
        };
        let found = match self.yields {
            Yield::Keys => key::to_python(py, &seen.key),
            Yield::Values => value()?,
            Yield::Items => PyTuple::new(py, [key::to_python(py, &seen.key), value()?])?.into_any(),
        };
        Ok(Some(found))
    }
}
