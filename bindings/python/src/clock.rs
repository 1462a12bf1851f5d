//! Time for tests.

use pyo3::prelude::*;
use tidegate::Nanos;

use crate::convert::{span, whole};

/// The native half of `tidegate.ManualClock`.
#[pyclass(frozen, subclass, weakref, module = "tidegate._tidegate")]
pub(crate) struct ManualClock(pub(crate) tidegate::ManualClock);

#[pymethods]
impl ManualClock {
    #[new]
    #[pyo3(signature = (start=0.0))]
    fn new(py: Python<'_>, start: f64) -> PyResult<Self> {
        Ok(Self(tidegate::ManualClock::at(Nanos::default() + span(py, "start", start)?)))
    }

    /// Moves the time forward by so many seconds.
    fn advance(&self, py: Python<'_>, seconds: f64) -> PyResult<()> {
        let by = span(py, "the time to advance by", seconds)?;
        py.detach(|| self.0.advance(by));
        Ok(())
    }

    /// Sets the time in seconds, backwards too.
    fn set(&self, py: Python<'_>, seconds: f64) -> PyResult<()> {
        let now = Nanos::default() + span(py, "the time", seconds)?;
        py.detach(|| self.0.set(now));
        Ok(())
    }

    /// Sets the time in nanoseconds, backwards too.
    fn set_ns(&self, py: Python<'_>, nanoseconds: &Bound<'_, PyAny>) -> PyResult<()> {
        let now = Nanos::new(whole("the time", nanoseconds)?);
        py.detach(|| self.0.set(now));
        Ok(())
    }

    /// The present in seconds.
    fn now(&self) -> f64 {
        crate::status::as_seconds(self.0.now().get())
    }

    /// The present in nanoseconds.
    fn now_ns(&self) -> u64 {
        self.0.now().get()
    }

    fn __repr__(&self) -> String {
        format!("ManualClock({:?})", self.now())
    }
}
