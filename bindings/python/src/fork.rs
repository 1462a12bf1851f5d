//! Telling that a limiter has come into another process by `fork`, at the price of one comparison a
//! check.

use std::ffi::CString;
use std::sync::atomic::{AtomicU32, Ordering};

use pyo3::prelude::*;

use crate::error::class;

/// How many forks this process is away from the first.
static FORKS: AtomicU32 = AtomicU32::new(0);

/// Told by `os.register_at_fork` in every child.
#[pyfunction(name = "_note_fork")]
pub(crate) fn note_fork() {
    FORKS.fetch_add(1, Ordering::Relaxed);
}

/// What happens when a table of one process is used in a child of it, which counts in a copy.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnFork {
    Warn,
    Raise,
    Ignore,
}

/// The process that a limiter was made in, as the number of its forks.
pub(crate) struct Home {
    forks: AtomicU32,
    on_fork: OnFork,
}

impl Home {
    pub(crate) fn here(on_fork: OnFork) -> Self {
        Self { forks: AtomicU32::new(FORKS.load(Ordering::Relaxed)), on_fork }
    }

    /// Whether the limiter may be used in this process.
    #[inline(always)]
    pub(crate) fn check(&self, py: Python<'_>) -> PyResult<()> {
        let forks = FORKS.load(Ordering::Relaxed);
        if self.forks.load(Ordering::Relaxed) == forks { Ok(()) } else { self.moved(py, forks) }
    }

    #[cold]
    fn moved(&self, py: Python<'_>, forks: u32) -> PyResult<()> {
        if self.on_fork == OnFork::Raise {
            return Err(PyErr::from_type(class(py, "ForkError")?, (SAID,)));
        }
        // Once for every process.
        self.forks.store(forks, Ordering::Relaxed);
        if self.on_fork == OnFork::Ignore {
            return Ok(());
        }
        let said = CString::new(SAID)?;
        PyErr::warn(py, class(py, "ForkWarning")?.as_any(), &said, 1)
    }
}

const SAID: &str = "this limiter was made before a fork and counts in this process alone from now on, \
    so that every process admits the whole quota: share it with segment=\"/dev/shm/…\" or \
    anonymous_segment=True, make it after the fork, or say on_fork=\"ignore\"";
