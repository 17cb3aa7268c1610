//! Lifetimes: seconds in Python (`int`, `float`, or a `timedelta`), milliseconds below.

use crate::errors;
use pyo3::prelude::*;
use pyo3::types::PyFloat;
use scrubjay_base::clock::UnixMs;
use scrubjay_command::Kind;

/// A thousand years: far beyond any use, and far from the end of what a deadline can hold. Longer is taken as a mistake
/// (nanoseconds, most likely).
const SECONDS_MAX: f64 = 1000.0 * 365.25 * 86400.0;

/// How long an entry is to live.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Ttl {
    /// As `default_ttl` says.
    Default,
    /// For ever: `math.inf`.
    Never,
    /// This many milliseconds.
    Ms(u64),
}

impl Ttl {
    /// Reads an argument; `None` is [`Ttl::Default`].
    #[inline]
    pub fn of(argument: Option<&Bound<'_, PyAny>>) -> PyResult<Ttl> {
        match argument {
            None => Ok(Ttl::Default),
            Some(given) => Ttl::given(given),
        }
    }

    fn given(argument: &Bound<'_, PyAny>) -> PyResult<Ttl> {
        let py = argument.py();
        let seconds = if let Ok(seconds) = argument.cast_exact::<PyFloat>() {
            seconds.value()
        } else if let Ok(whole) = argument.extract::<i64>() {
            whole as f64
        } else if let Ok(method) = argument.getattr("total_seconds") {
            method.call0()?.extract()?
        } else {
            argument.extract::<f64>()?
        };
        if seconds == f64::INFINITY {
            return Ok(Ttl::Never);
        }
        if seconds > 0.0 && seconds <= SECONDS_MAX {
            return Ok(Ttl::Ms((seconds * 1000.0).ceil() as u64));
        }
        let message =
            format!("a ttl is in seconds, above 0 and at most {SECONDS_MAX:.0} (math.inf: for ever), not {seconds}");
        Err(errors::of_kind(py, Kind::BadRequest, message))
    }

    /// The deadline for an entry written at `now_ms`.
    #[inline]
    pub fn deadline(self, now_ms: UnixMs) -> scrubjay_store::Deadline {
        match self {
            Ttl::Default => scrubjay_store::Deadline::Default,
            Ttl::Never => scrubjay_store::Deadline::Never,
            Ttl::Ms(ms) => scrubjay_store::Deadline::At(now_ms + ms),
        }
    }
}
