//! The core's errors as Python's exceptions. Which class stands for which code is said in
//! `tidegate/_errors.py`, where users read it.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyType};
use tidegate::Error;

/// The exception for an error of the core, with what it knows as attributes.
#[cold]
pub(crate) fn raised(py: Python<'_>, error: &Error) -> PyErr {
    let details = PyDict::new(py);
    let filled = match error {
        Error::Notation { text, at, len, .. } => details
            .set_item("text", text)
            .and(details.set_item("at", at))
            .and(details.set_item("length", len)),
        Error::CostAboveQuota { limit, cost, most } => details
            .set_item("limit", limit)
            .and(details.set_item("cost", cost))
            .and(details.set_item("most", most)),
        Error::Segment { path, .. } | Error::PolicyFile { path, .. } => {
            details.set_item("path", path.as_ref().map(|path| path.to_string_lossy().into_owned()))
        }
        _ => Ok(()),
    };
    filled.map_or_else(|error| error, |()| made(py, error.code(), &error.to_string(), &details))
}

/// An error in what the binding was given, which the core never sees.
#[cold]
pub(crate) fn invalid(py: Python<'_>, code: &str, message: &str) -> PyErr {
    made(py, code, message, &PyDict::new(py))
}

fn made(py: Python<'_>, code: &str, message: &str, details: &Bound<'_, PyDict>) -> PyErr {
    static MAKE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let make = || MAKE.import(py, "tidegate._errors", "error")?.call((code, message), Some(details));
    make().map_or_else(|error| error, PyErr::from_value)
}

/// A class of `tidegate._errors`.
pub(crate) fn class<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyType>> {
    Ok(py.import("tidegate._errors")?.getattr(name)?.cast_into()?)
}

/// Raises the core's errors in Python.
pub(crate) trait OrRaise<T> {
    fn or_raise(self, py: Python<'_>) -> PyResult<T>;
}

impl<T> OrRaise<T> for tidegate::Result<T> {
    #[inline(always)]
    fn or_raise(self, py: Python<'_>) -> PyResult<T> {
        self.map_err(|error| raised(py, &error))
    }
}
