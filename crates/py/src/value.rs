//! A value between Python and the store: `bytes`, `str` and `int` come back as they went in.
//!
//! The stored bytes are bare (the text's UTF-8, the number's decimal digits), so another door reads them as they are; the
//! entry's flags say which of the three it was. Only the exact types are taken: a `bool`, an enum member or another
//! subclass would come back as something else than went in, and is refused with advice instead.

use crate::errors;
use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyInt, PyString};
use scrubjay_command::Kind;
use scrubjay_command::args::{Digits, parse_int};
use scrubjay_store::{Entry, SharedBytes, flags};

/// From this size on, copying a value takes longer than giving up the GIL and taking it again (about 10 us at 6 GB/s).
pub const LARGE_BYTES: usize = 64 << 10;

/// The longest value, as for every other door (`proto-max-bulk-len`).
pub const VALUE_BYTES_MAX: usize = 512 << 20;

/// A value on its way into the store.
pub enum Encoded<'a> {
    /// Bytes that lie in the Python object.
    Borrowed(&'a [u8], u32),
    /// A number that fits 64 bits.
    Small(Digits),
    /// A longer number's digits.
    Long(Bound<'a, PyString>),
}

impl<'a> Encoded<'a> {
    /// Reads `value`. Errors: `TypeError` for other types, `TooLarge` beyond [`VALUE_BYTES_MAX`].
    #[inline]
    pub fn of(value: &'a Bound<'_, PyAny>) -> PyResult<Encoded<'a>> {
        let encoded = if let Ok(bytes) = value.cast_exact::<PyBytes>() {
            Encoded::Borrowed(bytes.as_bytes(), flags::NONE)
        } else if let Ok(text) = value.cast_exact::<PyString>() {
            Encoded::Borrowed(text.to_str()?.as_bytes(), flags::STR)
        } else if let Ok(number) = value.cast_exact::<PyInt>() {
            return Encoded::number(number);
        } else {
            return Err(unusable(value));
        };
        match encoded {
            Encoded::Borrowed(bytes, _) if bytes.len() > VALUE_BYTES_MAX => Err(too_large(value.py(), bytes.len())),
            _ => Ok(encoded),
        }
    }

    fn number(number: &'a Bound<'_, PyInt>) -> PyResult<Encoded<'a>> {
        match number.extract::<i64>() {
            Ok(small) => Ok(Encoded::Small(Digits::of(small))),
            Err(_) => Ok(Encoded::Long(number.str()?)), // Python's own limit of 4300 digits applies, and its error
        }
    }

    /// The bytes to store and the flags that go with them.
    #[inline]
    pub fn parts(&self) -> PyResult<(&[u8], u32)> {
        Ok(match self {
            Encoded::Borrowed(bytes, flags) => (bytes, *flags),
            Encoded::Small(digits) => (digits.as_bytes(), flags::INT),
            Encoded::Long(digits) => (digits.to_str()?.as_bytes(), flags::INT),
        })
    }
}

#[cold]
fn unusable(value: &Bound<'_, PyAny>) -> PyErr {
    let found = value.get_type().name().map_or_else(|_| "?".into(), |name| name.to_string());
    let advice = if value.is_instance_of::<PyBool>() || value.is_instance_of::<PyInt>() {
        "store int(value)"
    } else if value.is_instance_of::<PyString>() {
        "store str(value)"
    } else if value.is_instance_of::<PyBytes>() || found == "bytearray" || found == "memoryview" {
        "store bytes(value)"
    } else if found == "float" {
        "store repr(value) and read it back with float()"
    } else {
        "encode it first, for example with json.dumps(value) or pickle.dumps(value)"
    };
    PyTypeError::new_err(format!("a value is bytes, str or int, exactly, not {found}: {advice}"))
}

#[cold]
fn too_large(py: Python<'_>, length: usize) -> PyErr {
    let message = format!("a value has at most {VALUE_BYTES_MAX} bytes and this one has {length}: store it in parts");
    errors::of_kind(py, Kind::TooLarge, message)
}

/// A value as it was seen under its entry's guard: a small one as an object already, a large one still to be copied.
pub enum Seen<'py> {
    /// The object.
    Built(Bound<'py, PyAny>),
    /// The bytes, shared with the store, and their flags.
    Shared(SharedBytes, u32),
}

impl<'py> Seen<'py> {
    /// What `entry` holds.
    #[inline]
    pub fn of(py: Python<'py>, entry: &Entry<'_>) -> Seen<'py> {
        match entry.shared() {
            None => Seen::Built(to_python(py, &entry.value(), entry.flags())),
            Some(bytes) => Seen::Shared(bytes, entry.flags()),
        }
    }

    /// The object, once the guard is gone.
    #[inline]
    pub fn finish(self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self {
            Seen::Built(object) => Ok(object),
            Seen::Shared(bytes, flags) => to_python_apart(py, &bytes, flags),
        }
    }
}

/// The object that `bytes` with `flags` came from. Allocates; runs no Python code, so it may be called under a guard.
#[inline]
pub fn to_python<'py>(py: Python<'py>, bytes: &[u8], flags: u32) -> Bound<'py, PyAny> {
    match flags {
        flags::STR => text(py, bytes),
        flags::INT => number(py, bytes),
        _ => PyBytes::new(py, bytes).into_any(),
    }
}

fn text<'py>(py: Python<'py>, bytes: &[u8]) -> Bound<'py, PyAny> {
    match std::str::from_utf8(bytes) {
        Ok(text) => PyString::new(py, text).into_any(),
        Err(_) => PyBytes::new(py, bytes).into_any(), // another door wrote into it
    }
}

fn number<'py>(py: Python<'py>, digits: &[u8]) -> Bound<'py, PyAny> {
    if let Some(small) = parse_int(digits) {
        return small.into_pyobject(py).unwrap_or_else(|never| match never {}).into_any();
    }
    long_number(py, digits).unwrap_or_else(|| PyBytes::new(py, digits).into_any())
}

fn long_number<'py>(py: Python<'py>, digits: &[u8]) -> Option<Bound<'py, PyAny>> {
    let text = std::ffi::CString::new(digits).ok()?;
    // SAFETY: `text` ends in NUL and outlives the call, and the GIL is held; the result is a new reference or null, and
    // null comes with an exception that is taken away here.
    unsafe {
        let number = ffi::PyLong_FromString(text.as_ptr(), std::ptr::null_mut(), 10);
        if number.is_null() {
            ffi::PyErr_Clear();
            return None;
        }
        Some(Bound::from_owned_ptr(py, number))
    }
}

/// As [`to_python`], for a value that is not under a guard: a large `bytes` is copied, or decompressed, with the GIL
/// released.
pub fn to_python_apart<'py>(py: Python<'py>, bytes: &SharedBytes, flags: u32) -> PyResult<Bound<'py, PyAny>> {
    if bytes.len() < LARGE_BYTES || matches!(flags, flags::STR | flags::INT) {
        return Ok(to_python(py, bytes, flags));
    }
    // SAFETY: a null source asks for an uninitialised object of this size, which nobody else can see before it is
    // returned; all of its bytes are written below. A null result is a MemoryError, which `from_owned_ptr_or_err` takes.
    let (object, room) = unsafe {
        let object = ffi::PyBytes_FromStringAndSize(std::ptr::null(), bytes.len() as ffi::Py_ssize_t);
        let object = Bound::from_owned_ptr_or_err(py, object)?;
        let room = std::slice::from_raw_parts_mut(ffi::PyBytes_AsString(object.as_ptr()).cast::<u8>(), bytes.len());
        (object, room)
    };
    py.detach(|| bytes.write_over(room));
    Ok(object)
}
