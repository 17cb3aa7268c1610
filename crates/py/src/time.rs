//! What time it is, cheaply.
//!
//! A get answers in about a hundred nanoseconds, and asking the kernel for the exact time takes 20 of them. The coarse
//! clock takes 4 and lags by at most one timer tick. So everything runs on the coarse clock, and only an entry whose
//! deadline lies within the lag is judged by the exact one: nothing is returned after its deadline.

use pyo3::prelude::*;
use scrubjay_base::clock::{self, Clock, UnixMs};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// How far the coarse clock may be behind: two ticks of the slowest usual timer (100 Hz).
pub const COARSE_LAG_MS: u64 = 20;

/// Where a cache's time comes from.
pub enum Time {
    /// The machine's clock.
    Machine,
    /// A clock that a test moves by hand.
    Manual(Arc<clock::ManualClock>),
}

impl Time {
    /// Now, at most [`COARSE_LAG_MS`] behind.
    #[inline]
    pub fn coarse(&self) -> UnixMs {
        match self {
            Time::Machine => coarse_ms(),
            Time::Manual(clock) => clock.now_ms(),
        }
    }

    /// Now.
    #[inline]
    pub fn exact(&self) -> UnixMs {
        match self {
            Time::Machine => SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as u64),
            Time::Manual(clock) => clock.now_ms(),
        }
    }

    /// Whether it moves on its own.
    pub fn is_machine(&self) -> bool {
        matches!(self, Time::Machine)
    }
}

#[cfg(target_os = "linux")]
#[inline]
fn coarse_ms() -> UnixMs {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is a valid timespec to write to; the clock exists since Linux 2.6.32.
    unsafe { libc::clock_gettime(libc::CLOCK_REALTIME_COARSE, &mut now) };
    now.tv_sec as u64 * 1000 + now.tv_nsec as u64 / 1_000_000
}

#[cfg(not(target_os = "linux"))]
#[inline]
fn coarse_ms() -> UnixMs {
    Time::Machine.exact()
}

/// A clock that stands still until `advance` moves it, for tests of code that relies on expiry.
#[pyclass(frozen, module = "scrubjay.testing")]
pub struct ManualClock {
    pub inner: Arc<clock::ManualClock>,
}

#[pymethods]
impl ManualClock {
    /// A clock that shows `now` (seconds since 1970; a day in 2001 unless told).
    #[new]
    #[pyo3(signature = (now = 1_000_000_000.0))]
    fn new(now: f64) -> ManualClock {
        ManualClock { inner: Arc::new(clock::ManualClock::new((now * 1000.0) as u64)) }
    }

    /// Moves forward by `seconds`.
    fn advance(&self, seconds: f64) {
        self.inner.advance_ms((seconds * 1000.0).round() as u64);
    }

    /// The time it shows, in seconds since 1970.
    #[getter]
    fn now(&self) -> f64 {
        self.inner.now_ms() as f64 / 1000.0
    }

    fn __repr__(&self) -> String {
        format!("ManualClock(now={})", self.now())
    }
}
