//! Arguments: keys, costs, times.

use std::time::Duration;

use pyo3::exceptions::{PyOverflowError, PyTypeError};
use pyo3::prelude::*;
use pyo3::pybacked::{PyBackedBytes, PyBackedStr};
use pyo3::types::{PyBytes, PyDict, PyInt, PyMapping, PyString};

use crate::error::{OrRaise, invalid};

/// A key, borrowed from its `str` (as UTF-8, which Python keeps) or `bytes`.
#[derive(Clone, Copy)]
pub(crate) struct Key<'a>(pub(crate) &'a [u8]);

impl<'a, 'py> FromPyObject<'a, 'py> for Key<'a> {
    type Error = PyErr;

    #[inline(always)]
    fn extract(key: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        if key.is_instance_of::<PyString>() {
            return <&'a str>::extract(key).map(|text| Self(text.as_bytes()));
        }
        if key.is_instance_of::<PyBytes>() {
            return <&'a [u8]>::extract(key).map(Self).map_err(Into::into);
        }
        Err(wrong_key(key))
    }
}

impl AsRef<[u8]> for Key<'_> {
    fn as_ref(&self) -> &[u8] {
        self.0
    }
}

#[cold]
fn wrong_key(key: Borrowed<'_, '_, PyAny>) -> PyErr {
    PyTypeError::new_err(format!("a key is str or bytes, not {}", kind(&key)))
}

/// The name of a value's type.
fn kind(value: &Bound<'_, PyAny>) -> String {
    value.get_type().name().map_or("this".into(), |name| name.to_string())
}

/// A key that outlives the call that it came by.
pub(crate) enum OwnedKey {
    Text(PyBackedStr),
    Bytes(PyBackedBytes),
}

impl<'a, 'py> FromPyObject<'a, 'py> for OwnedKey {
    type Error = PyErr;

    #[inline]
    fn extract(key: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        if key.is_instance_of::<PyString>() {
            key.extract().map(Self::Text)
        } else if key.is_instance_of::<PyBytes>() {
            key.extract().map(Self::Bytes).map_err(Into::into)
        } else {
            Err(wrong_key(key))
        }
    }
}

impl AsRef<[u8]> for OwnedKey {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }
}

/// What a call costs: the same for every limit, or a number for each that is named.
pub(crate) enum Cost<'a, 'py> {
    Same(u64),
    Each(Named<'a, 'py>),
}

/// Costs by the names of limits: a dict, or what was read out of another mapping.
pub(crate) enum Named<'a, 'py> {
    Dict(Borrowed<'a, 'py, PyDict>),
    Read(Bound<'py, PyDict>),
}

impl<'py> Named<'_, 'py> {
    pub(crate) fn dict(&self) -> Borrowed<'_, 'py, PyDict> {
        match self {
            Self::Dict(dict) => *dict,
            Self::Read(dict) => dict.as_borrowed(),
        }
    }
}

impl<'a, 'py> FromPyObject<'a, 'py> for Cost<'a, 'py> {
    type Error = PyErr;

    #[inline(always)]
    fn extract(cost: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        match cost.cast::<PyDict>() {
            Ok(each) => Ok(Self::Each(Named::Dict(each))),
            Err(_) => cost.extract().map(Self::Same).or_else(|_: PyErr| unusual_cost(cost)),
        }
    }
}

#[cold]
fn unusual_cost<'a, 'py>(cost: Borrowed<'a, 'py, PyAny>) -> PyResult<Cost<'a, 'py>> {
    let Ok(mapping) = cost.cast::<PyMapping>() else { return unusual_units(cost).map(Cost::Same) };
    let each = PyDict::new(cost.py());
    each.update(&mapping)?;
    Ok(Cost::Each(Named::Read(each)))
}

/// A whole number of cost units.
#[inline(always)]
pub(crate) fn units(cost: Borrowed<'_, '_, PyAny>) -> PyResult<u64> {
    cost.extract().or_else(|_: PyErr| unusual_units(cost))
}

/// Too many units are for the core to refuse, too few for us.
#[cold]
fn unusual_units(cost: Borrowed<'_, '_, PyAny>) -> PyResult<u64> {
    if !cost.is_instance_of::<PyInt>() {
        let said =
            format!("a cost is an int, or a mapping of the limits' names to ints, not {}", kind(&cost));
        return Err(PyTypeError::new_err(said));
    }
    if cost.lt(0)? {
        let said =
            format!("the cost is {}; a check takes at least 1 unit: give units back with refund", &*cost);
        return Err(invalid(cost.py(), "zero-cost", &said));
    }
    Ok(u64::MAX)
}

/// The whole number that an argument is.
pub(crate) fn whole(what: &str, number: &Bound<'_, PyAny>) -> PyResult<u64> {
    number.extract().map_err(|error| no_whole(what, number, error))
}

#[cold]
fn no_whole(what: &str, number: &Bound<'_, PyAny>, error: PyErr) -> PyErr {
    let py = number.py();
    if error.is_instance_of::<PyOverflowError>(py) {
        let said = format!("{what} is {number}; expected a whole number from 0 to {}", u64::MAX);
        invalid(py, "options", &said)
    } else if error.is_instance_of::<PyTypeError>(py) {
        PyTypeError::new_err(format!("{what} is an int, not {}", kind(number)))
    } else {
        error
    }
}

/// The costs of all limits in the policy's order; those that aren't named cost nothing.
pub(crate) fn costs(policy: &tidegate::Policy, each: Named<'_, '_>) -> PyResult<Vec<u64>> {
    let mut costs = vec![0; policy.limits().len()];
    for (name, cost) in each.dict().iter() {
        let wanted = name.cast::<PyString>()?.to_str()?;
        let named = policy.limits().iter().position(|limit| limit.name() == wanted);
        match named.and_then(|i| costs.get_mut(i)) {
            Some(slot) => *slot = units(cost.as_borrowed())?,
            None => return Err(unknown_limit(name.py(), policy, wanted)),
        }
    }
    Ok(costs)
}

#[cold]
fn unknown_limit(py: Python<'_>, policy: &tidegate::Policy, wanted: &str) -> PyErr {
    let names: Vec<_> = policy.limits().iter().map(tidegate::Limit::name).collect();
    let said = format!("a cost is given for the limit `{wanted}`; the policy has `{}`", names.join("`, `"));
    invalid(py, "cost-count", &said)
}

/// A span of time from seconds.
pub(crate) fn span(py: Python<'_>, what: &str, seconds: f64) -> PyResult<Duration> {
    if seconds.is_sign_positive() && seconds >= MAX_SECONDS {
        return Ok(Duration::from_nanos(u64::MAX));
    }
    Duration::try_from_secs_f64(seconds)
        .map_err(|_| invalid(py, "options", &format!("{what} is {seconds} s; expected a number from 0 on")))
}

/// Beyond what 64 bits of nanoseconds hold, a time is for ever.
const MAX_SECONDS: f64 = 18_446_744_073.0;

/// Styles of headers by their names.
pub(crate) fn styles(py: Python<'_>, names: &str) -> PyResult<tidegate::Styles> {
    names.parse().map_err(|unknown: tidegate::UnknownStyle| invalid(py, "options", &unknown.to_string()))
}

/// A policy: its notation, or the value.
pub(crate) fn policy(policy: &Bound<'_, PyAny>) -> PyResult<tidegate::Policy> {
    if let Ok(policy) = policy.cast::<crate::policy::Policy>() {
        return Ok(policy.get().0.clone());
    }
    match policy.cast::<PyString>() {
        Ok(text) => tidegate::Policy::parse(text.to_str()?).or_raise(policy.py()),
        Err(_) => Err(PyTypeError::new_err("a policy is text such as \"100/minute\", or a Policy")),
    }
}
