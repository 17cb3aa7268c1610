//! Many keys in one call. The arguments are pinned (a tuple holds references, whatever other threads do to the list they
//! came from), then the GIL is released and the store is worked through, then objects are built.

use crate::engine::{Engine, Life, NS, When};
use crate::value::{self, Encoded};
use crate::{fork, key};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use scrubjay_store::{Access, OutOfMemory, SharedBytes};

/// Below this many keys, giving up the GIL and taking it again costs more than it frees for others.
const RELEASE_FROM_KEYS: usize = 16;
/// Keys whose cache lines are fetched together.
const PREFETCH_KEYS: usize = 16;

/// A value that was copied out of the store.
enum Found {
    Inline { end: usize, flags: u32 },
    Shared { bytes: SharedBytes, flags: u32 },
    Missing,
}

/// The values of `keys` that are there, in a dict with the very key objects that were given.
pub fn get_many<'py>(engine: &Engine, keys: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyDict>> {
    let py = keys.py();
    let objects: Vec<Bound<'py, PyAny>> = keys.iter().collect();
    let keys = objects.iter().map(key::bytes_of).collect::<PyResult<Vec<_>>>()?;
    let (found, arena) = released(py, keys.len(), || read_all(engine, &keys));
    let dict = PyDict::new(py);
    let mut start = 0;
    for (object, found) in objects.iter().zip(found) {
        match found {
            Found::Inline { end, flags } => {
                dict.set_item(object, value::to_python(py, &arena[start..end], flags))?;
                start = end;
            }
            Found::Shared { bytes, flags } => dict.set_item(object, value::to_python_apart(py, &bytes, flags)?)?,
            Found::Missing => {}
        }
    }
    Ok(dict)
}

fn read_all(engine: &Engine, keys: &[&[u8]]) -> (Vec<Found>, Vec<u8>) {
    let (mut found, mut arena) = (Vec::with_capacity(keys.len()), Vec::new());
    for chunk in keys.chunks(PREFETCH_KEYS) {
        let placed: Vec<_> = chunk.iter().map(|key| engine.store.key(NS, key)).collect();
        engine.store.prefetch(&placed);
        for key in chunk {
            let seen = engine.look(key, Access::Read, |entry| match entry.shared() {
                Some(bytes) => Found::Shared { bytes, flags: entry.flags() },
                None => {
                    arena.extend_from_slice(&entry.value());
                    Found::Inline { end: arena.len(), flags: entry.flags() }
                }
            });
            found.push(seen.unwrap_or(Found::Missing));
        }
    }
    (found, arena)
}

/// Writes pairs; those before the one that did not fit stay written.
pub fn set_many(py: Python<'_>, engine: &Engine, pairs: &[(&[u8], Encoded<'_>)], life: Life) -> PyResult<()> {
    let pairs = pairs
        .iter()
        .map(|(key, encoded)| encoded.parts().map(|(value, flags)| (*key, value, flags)))
        .collect::<PyResult<Vec<_>>>()?;
    let written: Result<(), OutOfMemory> = released(py, pairs.len(), || {
        pairs.iter().try_for_each(|(key, value, flags)| engine.put(key, value, *flags, life, When::Always).map(drop))
    });
    written.map_err(|_| crate::errors::out_of_memory(py))
}

/// Removes keys. How many were there.
pub fn delete_many(engine: &Engine, keys: &Bound<'_, PyTuple>) -> PyResult<usize> {
    let objects: Vec<_> = keys.iter().collect();
    let placed = objects.iter().map(key::bytes_of).collect::<PyResult<Vec<_>>>()?;
    Ok(released(keys.py(), placed.len(), || placed.iter().filter(|key| engine.remove(key)).count()))
}

/// Runs `work` on `keys` keys, with the GIL released if that is worth it.
fn released<T: Send>(py: Python<'_>, keys: usize, work: impl FnOnce() -> T + Send) -> T {
    if keys < RELEASE_FROM_KEYS {
        return work();
    }
    py.detach(|| {
        let _inside = fork::gate();
        work()
    })
}
