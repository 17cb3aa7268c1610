//! `scrubjay.Cache`: the same store that a node serves, inside the Python process.

use crate::engine::{Engine, Life, NS, Only, When};
use crate::stats::Stats;
use crate::time::{ManualClock, Time};
use crate::ttl::Ttl;
use crate::upkeep::Upkeep;
use crate::value::{Encoded, LARGE_BYTES, Seen};
use crate::walk::{Walk, Yield};
use crate::{batch, errors, fork, key, limits};
use pyo3::exceptions::{PyKeyError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyMapping, PyTuple};
use scrubjay_base::size::human;
use scrubjay_command::{Kind, Reject};
use scrubjay_store::{Access, Store};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

/// In place of the generation, once the cache is closed. More forks than anybody can count to.
const CLOSED: u32 = u32::MAX;

/// An in-process cache with a memory limit, lifetimes and eviction.
///
/// Keys are `str` or `bytes` (`"a"` and `b"a"` are the same key); values are `bytes`, `str` or `int` and come back as
/// they went in. Lifetimes are in seconds. Safe to use from many threads. After a `fork()` parent and child go on with
/// a copy each.
///
/// Args:
///     max_memory: most memory that everything in the cache may take, as bytes or text (`"256mb"`); 0: no limit.
///     policy: what is evicted at the limit, such as `"allkeys-s3fifo"`, `"allkeys-lru"`, `"volatile-ttl"`,
///         `"noeviction"`.
///     default_ttl: lifetime in seconds of what is written without one; `None`: for ever.
///     max_entries: most entries; `None`: no limit.
///     clock: a `scrubjay.testing.ManualClock` to use instead of the machine's.
///
/// Raises:
///     ConfigurationError: a limit or policy cannot be used; the message says which and what to write.
///
/// Example:
///     >>> cache = Cache(max_memory="64mb", default_ttl=300)
///     >>> cache.set("user:1", "Ada", ttl=60)
///     True
///     >>> cache.get("user:1")
///     'Ada'
#[pyclass(frozen, mapping, weakref, module = "scrubjay")]
pub struct Cache {
    /// The fork generation in which the upkeep thread was started, or `CLOSED`.
    epoch: AtomicU32,
    /// Stopped before the engine goes. Touched with the GIL held only, so a fork finds it unlocked.
    upkeep: Mutex<Option<Upkeep>>,
    engine: Arc<Engine>,
}

/// What `set` may be told.
pub struct Options<'a, 'py> {
    /// The lifetime; `None`: the cache's default.
    pub ttl: Option<&'a Bound<'py, PyAny>>,
    /// Only if the key is absent.
    pub nx: bool,
    /// Only if it is there.
    pub xx: bool,
    /// The key keeps the lifetime it has.
    pub keep_ttl: bool,
}

impl Cache {
    /// The engine, if the cache is open and has its thread.
    #[inline]
    fn engine(&self, py: Python<'_>) -> PyResult<&Arc<Engine>> {
        if self.epoch.load(Relaxed) != fork::generation() {
            self.revive(py)?;
        }
        Ok(&self.engine)
    }

    #[cold]
    fn revive(&self, py: Python<'_>) -> PyResult<()> {
        if self.epoch.load(Relaxed) == CLOSED {
            return Err(errors::named(py, "CacheClosed", "this cache is closed: make a new one"));
        }
        self.start_upkeep();
        Ok(())
    }

    fn start_upkeep(&self) {
        self.epoch.store(fork::generation(), Relaxed);
        // A clock that stands still has nothing to do in the background; reads check deadlines themselves.
        let upkeep = self.engine.time.is_machine().then(|| Upkeep::start(&self.engine)).flatten();
        *self.upkeep.lock().unwrap_or_else(PoisonError::into_inner) = upkeep;
    }

    /// The value of `key` as an object.
    #[inline]
    fn read<'py>(&self, py: Python<'py>, key: &[u8], access: Access) -> PyResult<Option<Bound<'py, PyAny>>> {
        match self.engine(py)?.look(key, access, |entry| Seen::of(py, entry)) {
            Some(seen) => seen.finish(py).map(Some),
            None => Ok(None),
        }
    }

    #[inline]
    fn write(
        &self,
        py: Python<'_>,
        key: &Bound<'_, PyAny>,
        value: &Bound<'_, PyAny>,
        life: Life,
        when: When,
    ) -> PyResult<bool> {
        let engine = self.engine(py)?;
        let key = key::bytes_of(key)?;
        let encoded = Encoded::of(value)?;
        let (value, flags) = encoded.parts()?;
        let written = if value.len() < LARGE_BYTES {
            engine.put(key, value, flags, life, when)
        } else {
            py.detach(|| {
                let _inside = fork::gate();
                engine.put(key, value, flags, life, when)
            })
        };
        written.map_err(|_| errors::out_of_memory(py))
    }

    fn add(&self, py: Python<'_>, key: &[u8], delta: i64, ttl: Option<&Bound<'_, PyAny>>) -> PyResult<i64> {
        let ttl = Ttl::of(ttl)?;
        self.engine(py)?.add(key, delta, ttl).map_err(|reject| errors::of_reject(py, &reject))
    }

    /// `get`, whose arguments [`fastcall`](crate::fastcall) reads.
    #[inline]
    pub fn look_up<'py>(&self, py: Python<'py>, key: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.read(py, key::bytes_of(key)?, Access::Read)
    }

    /// `set`, whose arguments [`fastcall`](crate::fastcall) reads.
    #[inline]
    pub fn store(
        &self,
        py: Python<'_>,
        key: &Bound<'_, PyAny>,
        value: &Bound<'_, PyAny>,
        options: &Options<'_, '_>,
    ) -> PyResult<bool> {
        let when = match (options.nx, options.xx) {
            (false, false) => When::Always,
            (true, false) => When::Absent,
            (false, true) => When::Present,
            (true, true) => return Err(bad(py, "nx and xx exclude each other: a key is absent or it is there")),
        };
        let life = match (options.keep_ttl, options.ttl) {
            (false, ttl) => Life::Fresh(Ttl::of(ttl)?),
            (true, None) => Life::Keep,
            (true, Some(_)) => return Err(bad(py, "ttl and keep_ttl exclude each other: give one of them")),
        };
        self.write(py, key, value, life, when)
    }

    fn walk(&self, py: Python<'_>, yields: Yield, pattern: Option<&Bound<'_, PyAny>>) -> PyResult<Walk> {
        let pattern = pattern.map(key::bytes_of).transpose()?.map(<[u8]>::to_vec);
        Ok(Walk::new(self.engine(py)?.clone(), yields, pattern))
    }
}

#[pymethods]
impl Cache {
    #[new]
    #[pyo3(signature = (max_memory=None, policy=None, default_ttl=None, max_entries=None, *, clock=None))]
    fn new(
        py: Python<'_>,
        max_memory: Option<&Bound<'_, PyAny>>,
        policy: Option<&str>,
        default_ttl: Option<&Bound<'_, PyAny>>,
        max_entries: Option<u64>,
        clock: Option<&Bound<'_, ManualClock>>,
    ) -> PyResult<Cache> {
        let mut config = limits::config(py, max_memory, policy, default_ttl, max_entries)?;
        let time = clock.map_or(Time::Machine, |clock| Time::Manual(clock.get().inner.clone()));
        config.start_ms = time.exact();
        let cache = Cache {
            epoch: AtomicU32::new(0),
            upkeep: Mutex::new(None),
            engine: Arc::new(Engine { store: Store::new(config, None), time }),
        };
        cache.start_upkeep();
        Ok(cache)
    }

    /// Removes `key`. Whether it was there.
    fn delete(&self, py: Python<'_>, key: &Bound<'_, PyAny>) -> PyResult<bool> {
        Ok(self.engine(py)?.remove(key::bytes_of(key)?))
    }

    /// Whether `key` is there. Does not count as a use of the entry.
    fn exists(&self, py: Python<'_>, key: &Bound<'_, PyAny>) -> PyResult<bool> {
        Ok(self.engine(py)?.look(key::bytes_of(key)?, Access::ReadNoTouch, |_| ()).is_some())
    }

    /// Removes `key` and returns the value it had, or `default`.
    #[pyo3(signature = (key, default=None))]
    fn pop<'py>(
        &self,
        py: Python<'py>,
        key: &Bound<'py, PyAny>,
        default: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let engine = self.engine(py)?;
        let key = engine.store.key(NS, key::bytes_of(key)?);
        let taken = engine.change(&key, |guard| {
            let taken = guard.get(&key, Access::Read).map(|entry| Seen::of(py, &entry));
            guard.remove(&key);
            taken
        });
        taken.map_or(Ok(default), |seen| seen.finish(py).map(Some))
    }

    /// The values of those `keys` that are there, in a dict with the key objects that were given.
    fn get_many<'py>(&self, py: Python<'py>, keys: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
        batch::get_many(self.engine(py)?, &pinned(keys)?)
    }

    /// Stores a mapping, or pairs of key and value. Each is written on its own: if one does not fit, those before it
    /// stay written.
    #[pyo3(signature = (items, ttl=None))]
    fn set_many(&self, py: Python<'_>, items: &Bound<'_, PyAny>, ttl: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        let engine = self.engine(py)?;
        let items = match items.cast::<PyMapping>() {
            Ok(mapping) => mapping.items()?.to_tuple(),
            Err(_) => pinned(items)?,
        };
        let objects =
            items.iter().map(|pair| pair.extract()).collect::<PyResult<Vec<(Bound<'_, _>, Bound<'_, _>)>>>()?;
        let pairs = objects
            .iter()
            .map(|(key, value)| Ok((key::bytes_of(key)?, Encoded::of(value)?)))
            .collect::<PyResult<Vec<_>>>()?;
        batch::set_many(py, engine, &pairs, Life::Fresh(Ttl::of(ttl)?))
    }

    /// Removes `keys`. How many were there.
    fn delete_many(&self, py: Python<'_>, keys: &Bound<'_, PyAny>) -> PyResult<usize> {
        batch::delete_many(self.engine(py)?, &pinned(keys)?)
    }

    /// Adds `delta` to the number at `key` (0 if there is none) and returns the sum. A new one lives for `ttl` seconds
    /// (`None`: the cache's default); the lifetime of one that is there stays, so the count of a window ends with it.
    ///
    /// Raises:
    ///     InvalidRequest: the value is no 64-bit integer, or the sum would not be one. Nothing was changed.
    #[pyo3(signature = (key, delta=1, ttl=None))]
    fn incr(
        &self,
        py: Python<'_>,
        key: &Bound<'_, PyAny>,
        delta: i64,
        ttl: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<i64> {
        self.add(py, key::bytes_of(key)?, delta, ttl)
    }

    /// Subtracts `delta` from the number at `key`; see `incr`.
    #[pyo3(signature = (key, delta=1, ttl=None))]
    fn decr(
        &self,
        py: Python<'_>,
        key: &Bound<'_, PyAny>,
        delta: i64,
        ttl: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<i64> {
        let delta = delta.checked_neg().ok_or_else(|| errors::of_reject(py, &Reject::OVERFLOW))?;
        self.add(py, key::bytes_of(key)?, delta, ttl)
    }

    /// The seconds that `key` has left, `math.inf` if it does not expire, `None` if it is not there.
    fn ttl(&self, py: Python<'_>, key: &Bound<'_, PyAny>) -> PyResult<Option<f64>> {
        let engine = self.engine(py)?;
        let deadline = engine.look(key::bytes_of(key)?, Access::ReadNoTouch, |entry| entry.deadline_ms());
        Ok(deadline.map(|deadline_ms| {
            deadline_ms.map_or(f64::INFINITY, |at| at.saturating_sub(engine.time.exact()) as f64 / 1000.0)
        }))
    }

    /// Gives `key` a new lifetime in seconds (`math.inf`: for ever). Whether it did.
    ///
    /// Args:
    ///     nx: only if it has none; xx: only if it has one.
    ///     gt: only if the new one ends later; lt: only if it ends earlier. Without a lifetime counts as for ever.
    #[pyo3(signature = (key, ttl, *, nx=false, xx=false, gt=false, lt=false))]
    #[allow(clippy::too_many_arguments)] // as many as the operation has options
    fn expire(
        &self,
        py: Python<'_>,
        key: &Bound<'_, PyAny>,
        ttl: &Bound<'_, PyAny>,
        nx: bool,
        xx: bool,
        gt: bool,
        lt: bool,
    ) -> PyResult<bool> {
        if (nx && (xx || gt || lt)) || (gt && lt) {
            return Err(bad(py, "nx goes with no other condition, and gt and lt exclude each other"));
        }
        Ok(self.engine(py)?.expire(key::bytes_of(key)?, Ttl::of(Some(ttl))?, Only { nx, xx, gt, lt }))
    }

    /// Takes the lifetime from `key`, so that it stays. Whether it had one.
    fn persist(&self, py: Python<'_>, key: &Bound<'_, PyAny>) -> PyResult<bool> {
        Ok(self.engine(py)?.persist(key::bytes_of(key)?))
    }

    /// Counts as a use of `key` and, with `ttl`, gives it a new lifetime. Whether it is there.
    #[pyo3(signature = (key, ttl=None))]
    fn touch(&self, py: Python<'_>, key: &Bound<'_, PyAny>, ttl: Option<&Bound<'_, PyAny>>) -> PyResult<bool> {
        Ok(self.engine(py)?.touch(key::bytes_of(key)?, Ttl::of(ttl)?))
    }

    /// Removes everything.
    fn clear(&self, py: Python<'_>) -> PyResult<()> {
        let engine = self.engine(py)?;
        py.detach(|| {
            let _inside = fork::gate();
            engine.store.flush(None);
        });
        Ok(())
    }

    /// What was counted: entries, bytes, hits, misses, evictions, expirations.
    fn stats(&self, py: Python<'_>) -> PyResult<Stats> {
        Ok(self.engine(py)?.store.stats().into())
    }

    /// Iterates over the keys, or over those that match a pattern of `*`, `?` and `[a-z]`. Keys come as `str`, and as
    /// `bytes` where they are not UTF-8. The cache may be changed meanwhile: what is there throughout is seen.
    #[pyo3(signature = (pattern=None))]
    fn keys(&self, py: Python<'_>, pattern: Option<&Bound<'_, PyAny>>) -> PyResult<Walk> {
        self.walk(py, Yield::Keys, pattern)
    }

    /// Iterates over the values, of all keys or of those that match a pattern.
    #[pyo3(signature = (pattern=None))]
    fn values(&self, py: Python<'_>, pattern: Option<&Bound<'_, PyAny>>) -> PyResult<Walk> {
        self.walk(py, Yield::Values, pattern)
    }

    /// Iterates over pairs of key and value, of all keys or of those that match a pattern.
    #[pyo3(signature = (pattern=None))]
    fn items(&self, py: Python<'_>, pattern: Option<&Bound<'_, PyAny>>) -> PyResult<Walk> {
        self.walk(py, Yield::Items, pattern)
    }

    /// Forgets everything and stops the background thread. Every use after that raises `CacheClosed`; closing again
    /// does nothing.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        if self.epoch.load(Relaxed) == CLOSED {
            return Ok(());
        }
        self.clear(py)?;
        self.epoch.store(CLOSED, Relaxed);
        drop(self.upkeep.lock().unwrap_or_else(PoisonError::into_inner).take());
        Ok(())
    }

    /// The memory limit in bytes; 0: none. May be set, to bytes or text; what is too much is evicted in the background.
    #[getter]
    fn max_memory(&self) -> u64 {
        self.engine.store.max_memory_bytes()
    }

    #[setter]
    fn set_max_memory(&self, limit: &Bound<'_, PyAny>) -> PyResult<()> {
        self.engine.store.set_max_memory_bytes(limits::memory(limit)?);
        Ok(())
    }

    /// The most entries; 0: no limit. May be set.
    #[getter]
    fn max_entries(&self) -> u64 {
        self.engine.store.max_entries()
    }

    #[setter]
    fn set_max_entries(&self, entries: u64) {
        self.engine.store.set_max_entries(entries);
    }

    /// The eviction policy's name. May be set.
    #[getter]
    fn policy(&self) -> &'static str {
        self.engine.store.policy().name()
    }

    #[setter]
    fn set_policy(&self, py: Python<'_>, name: &str) -> PyResult<()> {
        self.engine.store.set_policy(limits::policy(py, name)?, self.engine.time.exact());
        Ok(())
    }

    /// The lifetime in seconds of what is written without one; `None`: for ever. May be set, for what is written next.
    #[getter]
    fn default_ttl(&self) -> Option<f64> {
        match self.engine.store.default_ttl_ms() {
            0 => None,
            ms => Some(ms as f64 / 1000.0),
        }
    }

    #[setter]
    fn set_default_ttl(&self, ttl: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        self.engine.store.set_default_ttl_ms(limits::default_ttl_ms(ttl)?);
        Ok(())
    }

    fn __getitem__<'py>(&self, py: Python<'py>, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        self.read(py, key::bytes_of(key)?, Access::Read)?.ok_or_else(|| PyKeyError::new_err(key.clone().unbind()))
    }

    fn __setitem__(&self, py: Python<'_>, key: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        self.write(py, key, value, Life::Fresh(Ttl::Default), When::Always).map(drop)
    }

    fn __delitem__(&self, py: Python<'_>, key: &Bound<'_, PyAny>) -> PyResult<()> {
        if self.delete(py, key)? { Ok(()) } else { Err(PyKeyError::new_err(key.clone().unbind())) }
    }

    fn __contains__(&self, py: Python<'_>, key: &Bound<'_, PyAny>) -> PyResult<bool> {
        self.exists(py, key)
    }

    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        Ok(self.engine(py)?.len())
    }

    fn __iter__(&self, py: Python<'_>) -> PyResult<Walk> {
        self.walk(py, Yield::Keys, None)
    }

    fn __enter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, PyTuple>) -> PyResult<()> {
        self.close(py)
    }

    #[pyo3(signature = (*_protocol))]
    fn __reduce_ex__(&self, _protocol: &Bound<'_, PyTuple>) -> PyResult<()> {
        Err(PyTypeError::new_err(
            "a Cache lives in its process and cannot be pickled or copied: make one in each process, \
             or run `scrubjay serve` to share one",
        ))
    }

    fn __repr__(&self) -> String {
        if self.epoch.load(Relaxed) == CLOSED {
            return "<scrubjay.Cache, closed>".into();
        }
        let stats = self.engine.store.stats();
        let limit = if stats.max_memory_bytes == 0 { "no limit".into() } else { human(stats.max_memory_bytes) };
        let policy = self.engine.store.policy();
        format!("<scrubjay.Cache: {} entries, {} of {limit}, {policy}>", stats.entries, human(stats.used_bytes))
    }
}

/// The iterable's objects, held by a tuple that nobody else can change.
fn pinned<'py>(objects: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyTuple>> {
    if key::is_one(objects) {
        let message = "a collection of keys is expected and this is a single one: write [key]";
        return Err(PyTypeError::new_err(message));
    }
    match objects.cast_exact::<PyTuple>() {
        Ok(tuple) => Ok(tuple.clone()),
        Err(_) => PyTuple::new(objects.py(), objects.try_iter()?.collect::<PyResult<Vec<_>>>()?),
    }
}

#[cold]
fn bad(py: Python<'_>, message: &str) -> PyErr {
    errors::of_kind(py, Kind::BadRequest, message)
}
