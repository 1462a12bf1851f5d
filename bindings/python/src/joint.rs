//! Several keys that pay for one request.

#![allow(unsafe_code)]

use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};
use tidegate::Joint;

use crate::convert::{Cost, OwnedKey, costs};
use crate::error::OrRaise;
use crate::limiter::Limiter;

/// What all parts of a joint check say; true if all admit.
#[pyclass(frozen, module = "tidegate")]
pub(crate) struct JointDecision {
    allowed: bool,
    reported: usize,
    decisions: Py<PyTuple>,
}

#[pymethods]
impl JointDecision {
    /// Whether every part admits; only then has anything been taken.
    #[getter]
    fn allowed(&self) -> bool {
        self.allowed
    }

    /// The decision of each part, in the order they were given.
    #[getter]
    fn decisions(&self, py: Python<'_>) -> Py<PyTuple> {
        self.decisions.clone_ref(py)
    }

    /// The decision to answer with: the denial with the longest wait, or the first part's.
    #[getter]
    fn reported<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.decisions.bind(py).get_item(self.reported)
    }

    fn __bool__(&self) -> bool {
        self.allowed
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("JointDecision{}", self.decisions.bind(py).repr()?))
    }
}

struct Part<'py> {
    limiter: Bound<'py, Limiter>,
    key: OwnedKey,
    cost: PartCost,
}

enum PartCost {
    Same(u64),
    Each(Vec<u64>),
}

/// Decides about several limiters together: all admit, or nothing is taken.
///
/// Args:
///     parts: Any iterable of ``(limiter, key)`` or ``(limiter, key, cost)``; keys and costs as of
///         `Limiter.check`.
///
/// Returns:
///     The `JointDecision`, true if all admit.
///
/// Raises:
///     InvalidError: No parts, more than eight, one limiter twice, two of one segment; and as
///         `Limiter.check`.
#[pyfunction]
pub(crate) fn check_all(py: Python<'_>, parts: &Bound<'_, PyAny>) -> PyResult<JointDecision> {
    let parts = parts.try_iter()?.map(|part| read(&part?)).collect::<PyResult<Vec<_>>>()?;
    for part in &parts {
        part.limiter.get().engine(py)?;
    }
    let joint: Vec<_> = parts
        .iter()
        .map(|Part { limiter, key, cost }| match cost {
            PartCost::Same(cost) => Joint::new(limiter.get().unchecked_engine(), key, *cost),
            PartCost::Each(costs) => Joint::costs(limiter.get().unchecked_engine(), key, costs),
        })
        .collect();
    let decision = tidegate::check_all(&joint).or_raise(py)?;
    let reported = decision
        .decisions()
        .iter()
        .position(|one| decision.reported().is_some_and(|reported| std::ptr::eq(one, reported)));
    let decisions = parts.iter().zip(decision.decisions()).map(|(part, one)| {
        // SAFETY: the core answers in the order of the parts, each from the part's own limiter.
        unsafe { part.limiter.get().unchecked_engine().object(py, one) }
    });
    let decisions = PyList::new(py, decisions.collect::<PyResult<Vec<_>>>()?)?.to_tuple();
    Ok(JointDecision {
        allowed: decision.allowed(),
        reported: reported.unwrap_or(0),
        decisions: decisions.unbind(),
    })
}

fn read<'py>(part: &Bound<'py, PyAny>) -> PyResult<Part<'py>> {
    let part = part.cast::<PyTuple>()?;
    let limiter = part.get_item(0)?.cast_into::<Limiter>()?;
    let cost =
        match part.get_item(2).ok().as_ref().map(|cost| Cost::extract(cost.as_borrowed())).transpose()? {
            None => PartCost::Same(1),
            Some(Cost::Same(units)) => PartCost::Same(units),
            Some(Cost::Each(each)) => PartCost::Each(costs(limiter.get().unchecked_engine().policy(), each)?),
        };
    Ok(Part { limiter, key: part.get_item(1)?.extract()?, cost })
}
