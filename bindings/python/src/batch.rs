//! Many keys in one crossing.

use pyo3::exceptions::{PyIndexError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyInt, PyList};

use crate::convert::{Key, units};
use crate::decision::Decision;
use crate::engine::Engine;
use crate::held::Held;

/// The decisions about many keys, in the keys' order: a sequence that makes each when it is looked at.
#[pyclass(frozen, sequence, module = "tidegate")]
pub(crate) struct Decisions(Held<Vec<tidegate::Decision<'static>>>);

pub(crate) fn check_many(
    engine: &Engine,
    keys: &Bound<'_, PyAny>,
    costs: Option<&Bound<'_, PyAny>>,
) -> PyResult<Decisions> {
    let py = keys.py();
    let keys = listed(keys)?;
    let keys = keys.iter().map(|key| Key::extract(key.as_borrowed())).collect::<PyResult<Vec<_>>>()?;
    let costs = costs.map_or(Ok(Costs::Same(1)), |costs| Costs::read(costs, keys.len()))?;
    engine.decide_many(py, |engine| decide(engine, &keys, &costs)).map(Decisions)
}

/// Room that is made before keys have come; how many will is only said.
const MOST_AHEAD: usize = 4_096;

/// The keys as objects. To hold each is little work, so that the memory of many comes at once; text
/// is asked for when all are there.
fn listed<'py>(keys: &Bound<'py, PyAny>) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let mut listed = Vec::with_capacity(keys.len().map_or(0, |len| len.min(MOST_AHEAD)));
    for key in keys.try_iter()? {
        listed.push(key?);
    }
    Ok(listed)
}

fn decide<'a>(
    engine: &'a tidegate::Limiter,
    keys: &[Key<'_>],
    costs: &Costs,
) -> tidegate::Result<Vec<tidegate::Decision<'a>>> {
    let mut decisions = Vec::with_capacity(keys.len());
    engine.check_many_with(keys, |i| costs.of(i), |_, decision| decisions.push(decision))?;
    Ok(decisions)
}

enum Costs {
    Same(u64),
    Each(Vec<u64>),
}

impl Costs {
    fn read(costs: &Bound<'_, PyAny>, keys: usize) -> PyResult<Self> {
        if costs.is_instance_of::<PyInt>() {
            return units(costs.as_borrowed()).map(Self::Same);
        }
        let each = costs.try_iter()?.map(|cost| units(cost?.as_borrowed())).collect::<PyResult<Vec<_>>>()?;
        if each.len() != keys {
            let said =
                format!("{} costs were given for {keys} keys: give one for each, or an int", each.len());
            return Err(PyValueError::new_err(said));
        }
        Ok(Self::Each(each))
    }

    fn of(&self, index: usize) -> u64 {
        match self {
            Self::Same(cost) => *cost,
            Self::Each(each) => each.get(index).copied().unwrap_or(0),
        }
    }
}

#[pymethods]
impl Decisions {
    /// Of every key whether it is allowed.
    #[getter]
    fn allowed<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, self.0.get().iter().map(tidegate::Decision::allowed))
    }

    fn __len__(&self) -> usize {
        self.0.get().len()
    }

    fn __getitem__(&self, index: isize) -> PyResult<Decision> {
        let len = self.0.get().len();
        let at = if index < 0 { len.checked_add_signed(index) } else { usize::try_from(index).ok() };
        let held = at.and_then(|at| self.0.one(at));
        held.map(Decision::live).ok_or_else(|| PyIndexError::new_err("index out of range"))
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let each = (0..self.0.get().len()).filter_map(|at| self.0.one(at));
        let each = each.map(|held| Py::new(py, Decision::live(held))).collect::<PyResult<Vec<_>>>()?;
        Ok(PyList::new(py, each)?.try_iter()?.into_any())
    }

    fn __repr__(&self) -> String {
        let decisions = self.0.get();
        let allowed = decisions.iter().filter(|decision| decision.allowed()).count();
        format!("Decisions({} of {} allowed)", allowed, decisions.len())
    }
}
