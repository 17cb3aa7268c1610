//! `get` and `set`, without pyo3's wrapper around a method.
//!
//! The wrapper counts the thread as attached, matches arguments through a description and guards against panics in a
//! general way: 20 of the 100 ns that a get takes (measured with both over the same body, one hot key). These two methods
//! read the interpreter's argument array themselves. What the wrapper is for is kept: keyword arguments, the messages
//! for wrong ones, and that a panic becomes an exception.

use crate::cache::{Cache, Options};
use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::panic::PanicException;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyString, PyTuple};
use std::ffi::CStr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null_mut;

const GET_DOC: &CStr = c"get($self, key, default=None)
--

The value of `key`, or `default` if there is none.";

const SET_DOC: &CStr = c"set($self, key, value, ttl=None, *, nx=False, xx=False, keep_ttl=False)
--

Stores `value`. Whether it did: `False` only if `nx` or `xx` stood in the way.

Args:
    ttl: lifetime in seconds (`math.inf`: for ever); `None`: the cache's `default_ttl`.
    nx: only if the key is absent.
    xx: only if the key is there.
    keep_ttl: the key keeps the lifetime it has.

Raises:
    OutOfMemory: it does not fit, and nothing may be evicted. Nothing was changed.
    TooLarge: the key or the value is beyond its limit. Nothing was changed.";

/// Gives the class its two methods.
pub fn install(py: Python<'_>) -> PyResult<()> {
    let class = py.get_type::<Cache>();
    for (name, method, doc) in [(c"get", get as Method, GET_DOC), (c"set", set as Method, SET_DOC)] {
        // The interpreter keeps the pointer for as long as the class lives, which is as long as the process.
        let definition = Box::leak(Box::new(ffi::PyMethodDef {
            ml_name: name.as_ptr(),
            ml_meth: ffi::PyMethodDefPointer { PyCFunctionFastWithKeywords: method },
            ml_flags: ffi::METH_FASTCALL | ffi::METH_KEYWORDS,
            ml_doc: doc.as_ptr(),
        }));
        // SAFETY: the class is a live type object, the definition lives for ever and its function has the form that its
        // flags say. The result is a new reference or null with an exception.
        let descriptor = unsafe {
            let descriptor = ffi::PyDescr_NewMethod(class.as_ptr().cast(), definition);
            Bound::from_owned_ptr_or_err(py, descriptor)?
        };
        class.setattr(name, descriptor)?;
    }
    Ok(())
}

type Method = unsafe extern "C" fn(
    *mut ffi::PyObject,
    *const *mut ffi::PyObject,
    ffi::Py_ssize_t,
    *mut ffi::PyObject,
) -> *mut ffi::PyObject;

unsafe extern "C" fn get(
    slf: *mut ffi::PyObject,
    arguments: *const *mut ffi::PyObject,
    count: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: the interpreter calls with the GIL held, `slf` an instance of the class that the descriptor belongs to, and
    // `count` positional arguments followed by one for each of `names`, all alive during the call.
    let (py, cache, given) = unsafe { called(slf, arguments, count, names) };
    answer(py, || {
        let [key, default] = GET.spread(&given)?;
        let key = key.ok_or_else(|| GET.missing("key"))?;
        let found = cache.get().look_up(py, &key)?;
        Ok(found.or_else(|| default.map(|default| default.to_owned())).unwrap_or_else(|| py.None().into_bound(py)))
    })
}

unsafe extern "C" fn set(
    slf: *mut ffi::PyObject,
    arguments: *const *mut ffi::PyObject,
    count: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: as in `get`.
    let (py, cache, given) = unsafe { called(slf, arguments, count, names) };
    answer(py, || {
        let [key, value, ttl, nx, xx, keep_ttl] = SET.spread(&given)?;
        let key = key.ok_or_else(|| SET.missing("key"))?;
        let value = value.ok_or_else(|| SET.missing("value"))?;
        let is_set = |flag: Option<Argument<'_, '_>>| flag.map_or(Ok(false), |flag| flag.is_truthy());
        let options = Options {
            ttl: ttl.as_deref().filter(|ttl| !ttl.is_none()),
            nx: is_set(nx)?,
            xx: is_set(xx)?,
            keep_ttl: is_set(keep_ttl)?,
        };
        Ok(PyBool::new(py, cache.get().store(py, &key, &value, &options)?).to_owned().into_any())
    })
}

type Argument<'a, 'py> = Borrowed<'a, 'py, PyAny>;

/// What a method was called with.
struct Given<'a, 'py> {
    positional: &'a [*mut ffi::PyObject],
    named: &'a [*mut ffi::PyObject],
    names: Option<Borrowed<'a, 'py, PyTuple>>,
    py: Python<'py>,
}

/// # Safety
/// As the interpreter calls a method with `METH_FASTCALL | METH_KEYWORDS` of [`Cache`], and no longer than the call.
#[inline(always)]
unsafe fn called<'a, 'py>(
    slf: *mut ffi::PyObject,
    arguments: *const *mut ffi::PyObject,
    count: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> (Python<'py>, Borrowed<'a, 'py, Cache>, Given<'a, 'py>) {
    // SAFETY: the caller's promise; an empty argument list may come with a null pointer, which no slice may have.
    unsafe {
        let py = Python::assume_attached();
        let cache = Borrowed::from_ptr(py, slf).cast_unchecked::<Cache>();
        let names = Borrowed::from_ptr_or_opt(py, names).map(|names| names.cast_unchecked::<PyTuple>());
        let slice = |from: usize, count: usize| match count {
            0 => &[][..],
            _ => std::slice::from_raw_parts(arguments.add(from), count),
        };
        let positional = slice(0, count as usize);
        let named = slice(positional.len(), names.map_or(0, |names| names.len()));
        (py, cache, Given { positional, named, names, py })
    }
}

/// A method's parameters.
struct Parameters<const N: usize> {
    method: &'static str,
    names: [&'static str; N],
    positional_max: usize,
}

static GET: Parameters<2> = Parameters { method: "get", names: ["key", "default"], positional_max: 2 };
static SET: Parameters<6> =
    Parameters { method: "set", names: ["key", "value", "ttl", "nx", "xx", "keep_ttl"], positional_max: 3 };

impl<const N: usize> Parameters<N> {
    /// The argument of each parameter.
    #[inline(always)]
    fn spread<'a, 'py>(&self, given: &Given<'a, 'py>) -> PyResult<[Option<Argument<'a, 'py>>; N]> {
        let mut found = [None; N];
        if given.positional.len() > self.positional_max {
            return Err(self.too_many(given.positional.len()));
        }
        for (place, &argument) in found.iter_mut().zip(given.positional) {
            // SAFETY: the interpreter's arguments are live objects for as long as the call, which 'a is.
            *place = Some(unsafe { Borrowed::from_ptr(given.py, argument) });
        }
        if let Some(names) = given.names {
            self.spread_named(given, names, &mut found)?;
        }
        Ok(found)
    }

    fn spread_named<'a, 'py>(
        &self,
        given: &Given<'a, 'py>,
        names: Borrowed<'a, 'py, PyTuple>,
        found: &mut [Option<Argument<'a, 'py>>; N],
    ) -> PyResult<()> {
        for (name, &argument) in names.iter_borrowed().zip(given.named) {
            let name = name.cast::<PyString>()?;
            let name = name.to_str()?;
            let Some(at) = self.names.iter().position(|known| *known == name) else {
                let message = format!("{}() got an unexpected keyword argument '{name}'", self.method);
                return Err(PyTypeError::new_err(message));
            };
            if found[at].is_some() {
                let message = format!("{}() got multiple values for argument '{name}'", self.method);
                return Err(PyTypeError::new_err(message));
            }
            // SAFETY: as in `spread`.
            found[at] = Some(unsafe { Borrowed::from_ptr(given.py, argument) });
        }
        Ok(())
    }

    #[cold]
    fn missing(&self, name: &str) -> PyErr {
        PyTypeError::new_err(format!("{}() missing required argument '{name}'", self.method))
    }

    #[cold]
    fn too_many(&self, count: usize) -> PyErr {
        let (method, most) = (self.method, self.positional_max);
        PyTypeError::new_err(format!("{method}() takes at most {most} positional arguments but {count} were given"))
    }
}

/// Runs `act` and hands its result, its error or its panic to the interpreter.
#[inline(always)]
fn answer<'py>(py: Python<'py>, act: impl FnOnce() -> PyResult<Bound<'py, PyAny>>) -> *mut ffi::PyObject {
    let error = match catch_unwind(AssertUnwindSafe(act)) {
        Ok(Ok(result)) => return result.into_ptr(),
        Ok(Err(error)) => error,
        Err(_) => PanicException::new_err("the cache hit a bug; its message is on standard error"),
    };
    error.restore(py);
    null_mut()
}
