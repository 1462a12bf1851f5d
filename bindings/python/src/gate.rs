//! The way of most requests through the gate of `tidegate.http`: whether one is free, who decides about it,
//! what it costs, and whose it is. What few requests meet is said in Python.

use pyo3::exceptions::{PyOSError, PyTypeError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyString, PyType};

use crate::admission::{Admission, Taken};
use crate::convert::{Cost, Key, costs, styles, units, whole};
use crate::decision::Decision;
use crate::error::{class, raised};
use crate::http::Proxies;
use crate::limiter::Limiter;
use crate::request::{method, view};

/// The native half of `tidegate.http.Gate`. Its other half has what is called by names with `_`.
#[pyclass(frozen, subclass, module = "tidegate._tidegate")]
pub(crate) struct Gate {
    limiter: Chosen,
    key: Py<PyAny>,
    cost: Chosen,
    /// Whether the cost may be 0, which is not counted.
    may_cost_nothing: bool,
    /// Whether more than preflights may be free.
    has_exempt: bool,
    /// Whether a function is asked about every request.
    has_functions: bool,
    pub(crate) styles: tidegate::Styles,
    /// The value of `Access-Control-Expose-Headers`, if it is sent.
    pub(crate) exposed: Option<String>,
    max_body: Option<u64>,
}

/// An option: the same for all requests, or a function of the request.
struct Chosen {
    value: Py<PyAny>,
    by_request: bool,
}

impl Chosen {
    fn new(value: Bound<'_, PyAny>) -> Self {
        Self { by_request: value.is_callable(), value: value.unbind() }
    }

    fn of<'py>(&self, request: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let value = self.value.bind(request.py());
        if self.by_request { value.call1((request,)) } else { Ok(value.clone()) }
    }
}

pub(crate) const EXPOSE: &str = "Access-Control-Expose-Headers";

#[pymethods]
impl Gate {
    #[new]
    #[pyo3(signature = (limiter, *, key, cost, has_exempt, style, expose_headers, max_body))]
    #[expect(clippy::too_many_arguments, reason = "they are keywords in Python")]
    fn new(
        py: Python<'_>,
        limiter: Bound<'_, PyAny>,
        key: Py<PyAny>,
        cost: Bound<'_, PyAny>,
        has_exempt: bool,
        style: &str,
        expose_headers: bool,
        max_body: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let styles = styles(py, style)?;
        let exposed = expose_headers.then(|| tidegate::exposed_headers(styles));
        let (limiter, cost) = (Chosen::new(limiter), Chosen::new(cost));
        if !cost.by_request {
            check_fixed(cost.value.bind(py), limiter.value.bind(py))?;
        }
        let may_cost_nothing = cost.by_request || is_nothing(cost.value.bind(py))?;
        let by_address = key.bind(py).is_instance_of::<Proxies>();
        let has_functions = has_exempt || limiter.by_request || cost.by_request || !by_address;
        Ok(Self {
            has_functions,
            limiter,
            key,
            cost,
            may_cost_nothing,
            has_exempt,
            styles,
            exposed,
            max_body: max_body.map(|bytes| whole("max_body", bytes)).transpose()?,
        })
    }

    /// Passes a request on, by an `Admission`, or answers it, by a `Refusal`. An ASGI scope may be given as
    /// it is.
    #[pyo3(signature = (request, /))]
    fn judge<'py>(slf: &Bound<'py, Self>, request: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let gate = slf.get();
        let request = &if gate.has_functions { view(request)? } else { request.clone() };
        if gate.may_be_free(request)? && slf.call_method1("_is_free", (view(request)?,))?.is_truthy()? {
            return passed(slf, None, None);
        }
        let limiter = match gate.limiter.of(request) {
            Err(error) => return undecided(slf, gate.max_body, error),
            Ok(limiter) if limiter.is_none() => return passed(slf, gate.max_body, None),
            Ok(limiter) => {
                limiter.cast_into::<Limiter>().map_err(|other| wrong_limiter(&other.into_inner()))?
            }
        };
        let max_body = gate.max_body.or_else(|| limiter.get().unchecked_engine().policy().max_body());
        if let Some(most) = max_body
            && declared_length(request)? > most
        {
            return slf.call_method1("_too_large", (most,));
        }
        let cost = gate.cost.of(request)?;
        if gate.may_cost_nothing && is_nothing(&cost)? {
            return passed(slf, max_body, None);
        }
        let key = gate.key_of(request)?;
        match check(&limiter, &key, &cost) {
            Ok(decision) if decision.get().allowed() => {
                let (limiter, key, cost) = (limiter.unbind(), key.unbind(), cost.unbind());
                passed(slf, max_body, Some(Taken { limiter, key, cost, decision: decision.unbind() }))
            }
            Ok(decision) => slf.call_method1("_refuse", (view(request)?, decision)),
            Err(error) if error.is_instance(slf.py(), class(slf.py(), "CostAboveQuotaError")?.as_any()) => {
                slf.call_method0("_never")
            }
            Err(error) => undecided(slf, max_body, error),
        }
    }

    /// What a response says of a decision; ``retry_after`` seconds if that is longer than it must be.
    #[pyo3(signature = (decision, retry_after=None))]
    pub(crate) fn headers<'py>(
        &self,
        py: Python<'py>,
        decision: &Bound<'py, Decision>,
        retry_after: Option<u64>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let headers = decision.get().dict(py, self.styles, retry_after)?;
        if let Some(exposed) = &self.exposed {
            headers.set_item(EXPOSE, exposed)?;
        }
        Ok(headers)
    }

    // An application and the functions that it has given its gate may be in circles.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        [&self.limiter.value, &self.key, &self.cost.value].into_iter().try_for_each(|one| visit.call(one))
    }
}

impl Gate {
    fn may_be_free(&self, request: &Bound<'_, PyAny>) -> PyResult<bool> {
        let method = method(request)?;
        Ok(self.has_exempt || method.cast::<PyString>()?.to_str()? == "OPTIONS")
    }

    /// The key of a request; one that shows none, or too long a one, is counted by its address.
    fn key_of<'py>(&self, request: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let key = self.key.bind(request.py());
        if let Ok(by_address) = key.cast::<Proxies>() {
            // The default, asked without a detour.
            if let Some(key) = by_address.get().__call__(request)? {
                return Ok(key.into_any());
            }
        } else {
            let key = key.call1((request,))?;
            if key.is_truthy()? && bytes_of(&key)? <= tidegate::MAX_KEY_BYTES {
                return Ok(key);
            }
        }
        let peer = Proxies::none().__call__(request)?;
        Ok(peer.unwrap_or_else(|| PyString::new(request.py(), "unix")).into_any())
    }
}

/// The length of a key in bytes.
fn bytes_of(key: &Bound<'_, PyAny>) -> PyResult<usize> {
    if let Ok(text) = key.cast::<PyString>() {
        return Ok(text.to_str()?.len());
    }
    Ok(key.cast::<PyBytes>().map_err(|_| wrong_key(key))?.as_bytes().len())
}

/// Raises if a cost that is the same for all requests is one that no check would take.
fn check_fixed(cost: &Bound<'_, PyAny>, limiter: &Bound<'_, PyAny>) -> PyResult<()> {
    let cost = Cost::extract(cost.as_borrowed())?;
    let Ok(limiter) = limiter.cast::<Limiter>() else { return check_units(&cost) };
    let limits = limiter.get().unchecked_engine().policy().limits();
    let costs = match cost {
        Cost::Same(units) => vec![units; limits.len()],
        Cost::Each(each) => costs(limiter.get().unchecked_engine().policy(), each)?,
    };
    let above = limits.iter().zip(costs).find(|(limit, cost)| *cost > limit.capacity());
    above.map_or(Ok(()), |(limit, cost)| {
        let (limit, most) = (limit.name().to_owned(), limit.capacity());
        Err(raised(limiter.py(), &tidegate::Error::CostAboveQuota { limit, cost, most }))
    })
}

/// What can be said before a limiter is chosen.
fn check_units(cost: &Cost<'_, '_>) -> PyResult<()> {
    let Cost::Each(each) = cost else { return Ok(()) };
    each.dict().iter().try_for_each(|(_, cost)| units(cost.as_borrowed()).map(drop))
}

/// Whether a cost is 0, or 0 for every limit.
fn is_nothing(cost: &Bound<'_, PyAny>) -> PyResult<bool> {
    let Ok(each) = cost.cast::<PyDict>() else { return cost.eq(0) };
    for (_, units) in each.iter() {
        if !units.eq(0)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// An `Admission`.
fn passed<'py>(
    gate: &Bound<'py, Gate>,
    max_body: Option<u64>,
    taken: Option<Taken>,
) -> PyResult<Bound<'py, PyAny>> {
    let admission = Admission { gate: gate.clone().unbind(), max_body, taken };
    Ok(Bound::new(gate.py(), admission)?.into_any())
}

fn check<'py>(
    limiter: &Bound<'py, Limiter>,
    key: &Bound<'py, PyAny>,
    cost: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, Decision>> {
    static OURS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let py = limiter.py();
    if limiter.get_type().is(OURS.import(py, "tidegate._limiter", "Limiter")?) {
        let (key, cost) = (Key::extract(key.as_borrowed())?, Cost::extract(cost.as_borrowed())?);
        return limiter.get().check(py, key, cost);
    }
    // A class of a user's may check in a way of its own.
    Ok(limiter.call_method1("check", (key, cost))?.cast_into()?)
}

#[cold]
fn wrong_limiter(limiter: &Bound<'_, PyAny>) -> PyErr {
    PyTypeError::new_err(format!("a limiter function gives a Limiter or None, not {}", kind_of(limiter)))
}

#[cold]
fn wrong_key(key: &Bound<'_, PyAny>) -> PyErr {
    PyTypeError::new_err(format!("a key function gives str, bytes or None, not {}", kind_of(key)))
}

fn kind_of(value: &Bound<'_, PyAny>) -> String {
    value.get_type().name().map_or("this".into(), |name| name.to_string())
}

/// What is done when a limiter cannot be had; all else is a fault of the application.
#[cold]
fn undecided<'py>(
    gate: &Bound<'py, Gate>,
    max_body: Option<u64>,
    error: PyErr,
) -> PyResult<Bound<'py, PyAny>> {
    if !error.is_instance_of::<PyOSError>(gate.py()) {
        return Err(error);
    }
    gate.call_method1("_undecided", (passed(gate, max_body, None)?, error.into_value(gate.py())))
}

/// The declared length of the body; 0 if there is none.
fn declared_length(request: &Bound<'_, PyAny>) -> PyResult<u64> {
    let declared = view(request)?.call_method1("header", ("content-length",))?;
    let Ok(declared) = declared.cast::<PyString>() else { return Ok(0) };
    let digits = declared.to_str()?;
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    // What is beyond 64 bits is beyond every limit.
    Ok(if is_number { digits.parse().unwrap_or(u64::MAX) } else { 0 })
}
