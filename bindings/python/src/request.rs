//! A request as the gate sees it, by its ASGI scope. Those of other frameworks are made in Python.

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple};

/// A request by its ASGI scope.
#[pyclass(frozen, module = "tidegate.http")]
pub(crate) struct ASGIRequest {
    /// The scope.
    #[pyo3(get)]
    raw: Py<PyDict>,
}

#[pymethods]
impl ASGIRequest {
    #[new]
    #[pyo3(signature = (scope, /))]
    fn new(scope: Py<PyDict>) -> Self {
        Self { raw: scope }
    }

    /// ``GET``, ``POST`` and so on.
    #[getter]
    fn method<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        method(self.raw.bind(py))
    }

    /// The whole path, decoded.
    #[getter]
    fn path<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.raw.bind(py).as_any().get_item(intern!(py, "path"))
    }

    /// Whether a ``/`` of the path came as ``%2F``: routers that read what was sent see none there.
    #[getter]
    fn has_encoded_slash(&self, py: Python<'_>) -> PyResult<bool> {
        // Not every server tells it.
        let Some(sent) = self.raw.bind(py).get_item(intern!(py, "raw_path"))? else { return Ok(false) };
        let Ok(sent) = sent.cast::<PyBytes>() else { return Ok(false) };
        Ok(sent.as_bytes().windows(3).any(|part| part.eq_ignore_ascii_case(b"%2f")))
    }

    /// The address of the other end of the connection; None for a Unix socket.
    #[getter]
    fn peer<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        peer(self.raw.bind(py))
    }

    /// The values of all lines of a header; its name in lower case.
    fn lines<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let mut values = Vec::new();
        for pair in self.raw.bind(py).as_any().get_item(intern!(py, "headers"))?.try_iter()? {
            let pair = pair?;
            if name_of(&pair)?.as_bytes() == name.as_bytes() {
                values.push(pair.get_item(1)?);
            }
        }
        Ok(values)
    }

    /// The value of a header, several lines joined; its name in lower case.
    fn header(&self, py: Python<'_>, name: &str) -> PyResult<Option<String>> {
        let lines = self.lines(py, name)?;
        let texts = lines.iter().map(|line| Ok(latin_1(line.cast::<PyBytes>()?.as_bytes())));
        let texts = texts.collect::<PyResult<Vec<_>>>()?;
        Ok((!texts.is_empty()).then(|| texts.join(", ")))
    }

    // An application may keep it in its scope.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.raw)
    }
}

/// The name in a header as ASGI has it: a pair of bytes, most often a tuple.
pub(crate) fn name_of<'py>(pair: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
    let name = pair.cast::<PyTuple>().map_or_else(|_| pair.get_item(0), |pair| pair.get_item(0))?;
    Ok(name.cast_into()?)
}

fn latin_1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

/// The view of a request: of a scope it is made now, since most requests are judged without.
pub(crate) fn view<'py>(request: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    match request.cast::<PyDict>() {
        Ok(scope) => Ok(Bound::new(request.py(), ASGIRequest::new(scope.clone().unbind()))?.into_any()),
        Err(_) => Ok(request.clone()),
    }
}

/// Whether a request says how long its body is, so that its server gives no more. What stands beside
/// Transfer-Encoding is not its length (RFC 9112, section 6.3), and what is no number is none.
#[pyfunction]
#[pyo3(signature = (request, /))]
pub(crate) fn declares_length(request: &Bound<'_, PyAny>) -> PyResult<bool> {
    let length = header(request, "content-length")?.unwrap_or_default();
    let is_number = !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit());
    Ok(is_number && header(request, "transfer-encoding")?.is_none())
}

/// The value of a header of a request, or of a scope.
fn header(request: &Bound<'_, PyAny>, name: &str) -> PyResult<Option<String>> {
    match request.cast::<PyDict>() {
        Ok(scope) => ASGIRequest::new(scope.clone().unbind()).header(request.py(), name),
        Err(_) => request.call_method1(intern!(request.py(), "header"), (name,))?.extract(),
    }
}

/// The method of a request, or of a scope.
pub(crate) fn method<'py>(request: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let name = intern!(request.py(), "method");
    if request.is_instance_of::<PyDict>() { request.get_item(name) } else { request.getattr(name) }
}

/// The address of the other end of a request's connection, or of a scope's.
pub(crate) fn peer<'py>(request: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let Ok(scope) = request.cast::<PyDict>() else {
        return request.getattr(intern!(request.py(), "peer")).map(Some);
    };
    match scope.get_item(intern!(request.py(), "client"))? {
        Some(client) if client.is_truthy()? => client.get_item(0).map(Some),
        _ => Ok(None),
    }
}
