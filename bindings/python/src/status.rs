//! The state of one limit after a decision, as numbers of its own.

use pyo3::prelude::*;

use crate::{nanos, seconds};

/// What is told of one limit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Numbers {
    pub(crate) violated: bool,
    pub(crate) remaining: u64,
    pub(crate) reset_after: u64,
    pub(crate) effective_window: u64,
    pub(crate) retry_after: u64,
}

impl From<tidegate::LimitStatus<'_>> for Numbers {
    fn from(status: tidegate::LimitStatus<'_>) -> Self {
        Self {
            violated: status.violated,
            remaining: status.remaining,
            reset_after: nanos(status.reset_after),
            effective_window: nanos(status.effective_window),
            retry_after: nanos(status.retry_after),
        }
    }
}

/// A duration from nanoseconds, as Python has it.
pub(crate) fn as_seconds(nanos: u64) -> f64 {
    seconds(std::time::Duration::from_nanos(nanos))
}

/// The state of one limit after a decision. Times are seconds; those in `_ns` whole nanoseconds.
#[pyclass(frozen, eq, hash, module = "tidegate")]
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct LimitStatus {
    pub(crate) limit: tidegate::Limit,
    pub(crate) numbers: Numbers,
}

#[pymethods]
impl LimitStatus {
    /// The limit's name.
    #[getter]
    fn name(&self) -> &str {
        self.limit.name()
    }

    /// The limit itself: quota, window, algorithm.
    #[getter]
    fn limit(&self) -> crate::policy::Limit {
        crate::policy::Limit(self.limit.clone())
    }

    /// Cost units per window.
    #[getter]
    fn quota(&self) -> u64 {
        self.limit.quota()
    }

    /// Whether this limit denies.
    #[getter]
    fn violated(&self) -> bool {
        self.numbers.violated
    }

    /// Whole cost units left. A refused cost takes nothing.
    #[getter]
    fn remaining(&self) -> u64 {
        self.numbers.remaining
    }

    /// Seconds until the full quota is there again if nothing more is sent.
    #[getter]
    fn reset_after(&self) -> f64 {
        as_seconds(self.numbers.reset_after)
    }

    /// `reset_after` in nanoseconds.
    #[getter]
    fn reset_after_ns(&self) -> u64 {
        self.numbers.reset_after
    }

    /// Seconds until this cost can pass this limit; 0.0 if it can now.
    #[getter]
    fn retry_after(&self) -> f64 {
        as_seconds(self.numbers.retry_after)
    }

    /// `retry_after` in nanoseconds.
    #[getter]
    fn retry_after_ns(&self) -> u64 {
        self.numbers.retry_after
    }

    /// Seconds for which `remaining` holds: `t` of the IETF headers.
    #[getter]
    fn effective_window(&self) -> f64 {
        as_seconds(self.numbers.effective_window)
    }

    /// `effective_window` in nanoseconds.
    #[getter]
    fn effective_window_ns(&self) -> u64 {
        self.numbers.effective_window
    }

    fn __repr__(&self) -> String {
        let Numbers { violated, remaining, reset_after, retry_after, .. } = self.numbers;
        format!(
            "LimitStatus(name='{}', quota={}, violated={}, remaining={remaining}, reset_after={:?}, retry_after={:?})",
            self.limit.name(),
            self.limit.quota(),
            if violated { "True" } else { "False" },
            as_seconds(reset_after),
            as_seconds(retry_after)
        )
    }
}
