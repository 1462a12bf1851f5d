//! What ASGI sends. A response is two messages or more, and a frame of Python around each takes as long as
//! a check.

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString};

use crate::request::name_of;

/// ``send`` that adds headers where the response has none of these names. What a response exposes itself
/// stays exposed, beside ours.
#[pyclass(frozen, module = "tidegate._tidegate")]
pub(crate) struct Decorated {
    send: Py<PyAny>,
    headers: Py<PyList>,
}

#[pymethods]
impl Decorated {
    #[new]
    #[pyo3(signature = (send, headers, /))]
    pub(crate) fn new(send: Py<PyAny>, headers: Py<PyList>) -> Self {
        Self { send, headers }
    }

    #[pyo3(signature = (message, /))]
    fn __call__<'py>(&self, message: Bound<'py, PyDict>) -> PyResult<Bound<'py, PyAny>> {
        let py = message.py();
        let kind = message.as_any().get_item(intern!(py, "type"))?;
        let starts = kind.cast::<PyString>()?.to_str()? == "http.response.start";
        self.send.bind(py).call1((if starts { self.decorated(&message)? } else { message },))
    }

    // Servers keep a request and its `send` in circles. Others on them can be cleared.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.send)?;
        visit.call(&self.headers)
    }
}

impl Decorated {
    /// The message with our headers; a copy, since it is the application's.
    fn decorated<'py>(&self, message: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyDict>> {
        let (py, name) = (message.py(), intern!(message.py(), "headers"));
        let there = match message.get_item(name)?.map(Bound::cast_into::<PyList>) {
            Some(Ok(list)) => list,
            Some(Err(other)) => py.get_type::<PyList>().call1((other.into_inner(),))?.cast_into()?,
            None => PyList::empty(py),
        };
        let ours = self.headers.bind(py);
        let more = if may_be_there(&there)? { &missing(ours, &there)? } else { ours };
        let decorated = message.copy()?;
        decorated.set_item(name, there.as_sequence().concat(more.as_sequence())?)?;
        Ok(decorated)
    }
}

/// Whether one of ours could be there. Most responses have none, which is soon seen.
fn may_be_there(headers: &Bound<'_, PyList>) -> PyResult<bool> {
    const BEGINNINGS: [&[u8]; 4] = [b"x-ratelimit", b"ratelimit", b"retry-after", b"access-control-expose"];
    for pair in headers {
        let name = name_of(&pair)?;
        if BEGINNINGS.iter().any(|beginning| name.as_bytes().starts_with(beginning)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Those of our headers that are not there.
#[cold]
fn missing<'py>(ours: &Bound<'py, PyList>, there: &Bound<'py, PyList>) -> PyResult<Bound<'py, PyList>> {
    let missing = PyList::empty(ours.py());
    for our in ours {
        if !is_there(&our, there)? {
            missing.append(our)?;
        }
    }
    Ok(missing)
}

fn is_there(our: &Bound<'_, PyAny>, there: &Bound<'_, PyList>) -> PyResult<bool> {
    let name = name_of(our)?;
    if name.as_bytes() == b"access-control-expose-headers" {
        return there.contains(our);
    }
    for pair in there {
        if name_of(&pair)?.as_bytes() == name.as_bytes() {
            return Ok(true);
        }
    }
    Ok(false)
}
