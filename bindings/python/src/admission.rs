//! A request that the gate has passed on.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};

use crate::asgi::Decorated;
use crate::decision::Decision;
use crate::gate::{EXPOSE, Gate};
use crate::limiter::Limiter;

/// A request to pass on, with what its response shall say.
#[pyclass(module = "tidegate.http")]
pub(crate) struct Admission {
    pub(crate) gate: Py<Gate>,
    /// The largest body in bytes, where there is a limit.
    #[pyo3(get)]
    pub(crate) max_body: Option<u64>,
    /// Until it is given back; nothing for what is not counted.
    pub(crate) taken: Option<Taken>,
}

/// What was taken, and from whom.
pub(crate) struct Taken {
    pub(crate) limiter: Py<Limiter>,
    pub(crate) key: Py<PyAny>,
    pub(crate) cost: Py<PyAny>,
    pub(crate) decision: Py<Decision>,
}

#[pymethods]
impl Admission {
    /// What the limiter said; None for what is not counted.
    #[getter]
    fn decision(&self, py: Python<'_>) -> Option<Py<Decision>> {
        self.taken.as_ref().map(|taken| taken.decision.clone_ref(py))
    }

    /// By their names, in their order; none for what is not counted.
    fn headers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        match &self.taken {
            Some(taken) => self.gate.get().headers(py, taken.decision.bind(py), None),
            None => Ok(PyDict::new(py)),
        }
    }

    /// As ASGI wants them; none for what is not counted.
    fn raw_headers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let (gate, headers) = (self.gate.get(), PyList::empty(py));
        let Some(taken) = &self.taken else { return Ok(headers) };
        taken.decision.get().append_to(&headers, gate.styles, None)?;
        if let Some(exposed) = &gate.exposed {
            let name = PyBytes::new(py, EXPOSE.to_ascii_lowercase().as_bytes());
            headers.append((name, PyBytes::new(py, exposed.as_bytes())))?;
        }
        Ok(headers)
    }

    /// ``send`` of ASGI that adds them to the response.
    fn decorated<'py>(slf: &Bound<'py, Self>, send: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let (py, admission) = (slf.py(), slf.borrow());
        if admission.taken.is_none() {
            return Ok(send);
        }
        let decorated = Decorated::new(send.unbind(), admission.raw_headers(py)?.unbind());
        Ok(Bound::new(py, decorated)?.into_any())
    }

    /// Adds what a response's headers have not got; what it exposes itself stays exposed.
    fn add_to(&self, headers: &Bound<'_, PyAny>) -> PyResult<()> {
        for (name, value) in self.headers(headers.py())? {
            if !headers.contains(&name)? {
                headers.set_item(name, value)?;
            } else if name.eq(EXPOSE)? {
                let there = headers.get_item(&name)?;
                if !there.contains(&value)? {
                    headers.set_item(name, format!("{there}, {value}"))?;
                }
            }
        }
        Ok(())
    }

    /// Gives back what was taken, once: the request has come to nothing.
    fn refund(slf: &Bound<'_, Self>) -> PyResult<()> {
        let Some(taken) = slf.borrow_mut().taken.take() else { return Ok(()) };
        let (py, Taken { limiter, key, cost, .. }) = (slf.py(), taken);
        limiter.bind(py).call_method1("refund", (key, cost)).map(drop)
    }

    /// The answer to a body that has outgrown its limit; the cost is given back.
    fn too_large<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        Self::refund(slf)?;
        let (gate, most) = (slf.borrow().gate.clone_ref(slf.py()), slf.borrow().max_body);
        gate.bind(slf.py()).call_method1("_too_large", (most.unwrap_or(0),))
    }
}
