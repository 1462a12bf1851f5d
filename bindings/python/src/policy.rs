//! Policies, their limits, and the files that name them.

use std::path::PathBuf;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyTuple};
use tidegate::{Algorithm, Report, Unit};

use crate::convert::{span, whole};
use crate::error::{OrRaise, invalid};
use crate::{nanos, seconds};

/// One limit of a policy: a quota within a window.
///
/// Args:
///     name: Lower case: ``[a-z][a-z0-9_-]*``. Headers and costs name it.
///     quota: Cost units per window, 1 or more.
///     window: Seconds.
///     algorithm: ``"sliding-window-log"`` (exact in every window) or ``"token-bucket"``.
///     burst: The most that a bucket holds, in cost units; its quota by default.
///     unit: What is counted: ``"requests"``, ``"content-bytes"`` or ``"concurrent-requests"``.
///
/// Raises:
///     InvalidError: One of these cannot be; the message says which.
#[pyclass(frozen, eq, hash, module = "tidegate")]
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct Limit(pub(crate) tidegate::Limit);

#[pymethods]
impl Limit {
    #[new]
    #[pyo3(signature = (name, quota, window, *, algorithm="sliding-window-log", burst=None, unit="requests"))]
    fn new(
        py: Python<'_>,
        name: &str,
        quota: &Bound<'_, PyAny>,
        window: f64,
        algorithm: &str,
        burst: Option<&Bound<'_, PyAny>>,
        unit: &str,
    ) -> PyResult<Self> {
        let quota = whole("quota", quota)?;
        let burst = burst.map(|burst| whole("burst", burst)).transpose()?;
        let window = span(py, "window", window)?;
        let limit = match (algorithm, burst) {
            ("sliding-window-log", None) => tidegate::Limit::new(name, quota, window),
            ("token-bucket", burst) => {
                tidegate::Limit::token_bucket(name, quota, window, burst.unwrap_or(quota))
            }
            ("sliding-window-log", Some(_)) => {
                return Err(invalid(py, "policy", "burst is for algorithm=\"token-bucket\""));
            }
            _ => {
                return Err(invalid(
                    py,
                    "policy",
                    &format!(
                        "algorithm=\"{algorithm}\" is unknown; expected \"sliding-window-log\" or \"token-bucket\""
                    ),
                ));
            }
        };
        let units = [Unit::Requests, Unit::ContentBytes, Unit::ConcurrentRequests];
        let Some(unit) = units.into_iter().find(|known| known.as_str() == unit) else {
            return Err(invalid(
                py,
                "policy",
                &format!(
                    "unit=\"{unit}\" is unknown; expected \"requests\", \"content-bytes\" or \"concurrent-requests\""
                ),
            ));
        };
        limit.map(|limit| Self(limit.with_unit(unit))).or_raise(py)
    }

    /// The name.
    #[getter]
    fn name(&self) -> &str {
        self.0.name()
    }

    /// Cost units per window.
    #[getter]
    fn quota(&self) -> u64 {
        self.0.quota()
    }

    /// The window in seconds.
    #[getter]
    fn window(&self) -> f64 {
        seconds(self.0.window())
    }

    /// The window in nanoseconds.
    #[getter]
    fn window_ns(&self) -> u64 {
        nanos(self.0.window())
    }

    /// ``sliding-window-log`` or ``token-bucket``.
    #[getter]
    fn algorithm(&self) -> &'static str {
        self.0.algorithm().as_str()
    }

    /// The most that one call may cost: the burst of a bucket, the quota of a log.
    #[getter]
    fn capacity(&self) -> u64 {
        self.0.capacity()
    }

    /// What is counted: ``requests``, ``content-bytes`` or ``concurrent-requests``.
    #[getter]
    fn unit(&self) -> &'static str {
        self.0.unit().as_str()
    }

    /// The tick in which time is counted, in nanoseconds.
    #[getter]
    fn resolution_ns(&self) -> u64 {
        nanos(self.0.resolution())
    }

    fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyTuple>, Bound<'py, PyDict>)> {
        let options = PyDict::new(py);
        options.set_item("algorithm", self.algorithm())?;
        options.set_item("unit", self.unit())?;
        if self.0.algorithm() == Algorithm::TokenBucket {
            options.set_item("burst", self.capacity())?;
        }
        let arguments = (self.name(), self.quota(), self.window()).into_pyobject(py)?;
        Ok((arguments, options))
    }

    fn __repr__(&self) -> String {
        let Self(limit) = self;
        format!(
            "Limit('{}', {}, {:?}, algorithm='{}', burst={}, unit='{}')",
            limit.name(),
            limit.quota(),
            self.window(),
            self.algorithm(),
            if limit.algorithm() == Algorithm::TokenBucket {
                limit.capacity().to_string()
            } else {
                "None".into()
            },
            self.unit()
        )
    }
}

/// Limits that hold together: all admit a request, or nothing is taken.
///
/// Args:
///     limits: The notation (``"100/minute; 10/second token-bucket"``), or `Limit` objects.
///     name: A name for it.
///     report: What an admission tells of: the ``"first"`` limit or the ``"tightest"``.
///     max_body: The largest request body in bytes, for the middlewares.
///
/// Raises:
///     NotationError: The notation cannot be read; it says where.
///     InvalidError: Limits that cannot be together, such as two of one name.
#[pyclass(frozen, eq, hash, module = "tidegate")]
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct Policy(pub(crate) tidegate::Policy);

#[pymethods]
impl Policy {
    #[new]
    #[pyo3(signature = (limits, *, name=None, report="first", max_body=None))]
    fn new(
        py: Python<'_>,
        limits: &Bound<'_, PyAny>,
        name: Option<&str>,
        report: &str,
        max_body: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let report = match report {
            "first" => Report::First,
            "tightest" => Report::Tightest,
            _ => {
                return Err(invalid(
                    py,
                    "policy",
                    &format!("report=\"{report}\" is unknown; expected \"first\" or \"tightest\""),
                ));
            }
        };
        let mut policy = read_limits(limits)?.with_report(report);
        if let Some(name) = name {
            policy = policy.named(name).or_raise(py)?;
        }
        if let Some(bytes) = max_body {
            policy = policy.with_max_body(whole("max_body", bytes)?);
        }
        Ok(Self(policy))
    }

    /// The limits, in order.
    #[getter]
    fn limits<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let limits = self.0.limits().iter().map(|limit| Py::new(py, Limit(limit.clone())));
        PyTuple::new(py, limits.collect::<PyResult<Vec<_>>>()?)
    }

    /// The name, if it has one.
    #[getter]
    fn name(&self) -> Option<&str> {
        self.0.name()
    }

    /// The limit that single-value headers report on an admission: ``first`` or ``tightest``.
    #[getter]
    fn report(&self) -> &'static str {
        if self.0.report() == Report::Tightest { "tightest" } else { "first" }
    }

    /// The largest request body in bytes, where there is one.
    #[getter]
    fn max_body(&self) -> Option<u64> {
        self.0.max_body()
    }

    fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyTuple>, Bound<'py, PyDict>)> {
        let options = PyDict::new(py);
        options.set_item("name", self.name())?;
        options.set_item("report", self.report())?;
        options.set_item("max_body", self.max_body())?;
        Ok(((self.limits(py)?,).into_pyobject(py)?, options))
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        format!("Policy('{}')", self.0)
    }
}

/// Limits from the notation, or from values.
fn read_limits(limits: &Bound<'_, PyAny>) -> PyResult<tidegate::Policy> {
    if limits.is_instance_of::<PyString>() {
        return crate::convert::policy(limits);
    }
    let each = limits.try_iter()?.map(|limit| Ok(limit?.cast::<Limit>()?.get().0.clone()));
    tidegate::Policy::new(each.collect::<PyResult<Vec<_>>>()?).or_raise(limits.py())
}

/// The policies of a TOML file, by their names.
///
///     >>> policies = PolicyFile.from_toml("[free]\nlimits = '100/minute'")
///     >>> policies["free"]
///     Policy('100/minute')
///
/// Raises:
///     InvalidError: The file cannot be read, or what is in it; the message says where.
#[pyclass(frozen, mapping, module = "tidegate")]
pub(crate) struct PolicyFile(tidegate::PolicyFile);

#[pymethods]
impl PolicyFile {
    #[new]
    fn new(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        tidegate::PolicyFile::load(path).map(Self).or_raise(py)
    }

    /// The policies in TOML text. Raises `InvalidError` as for a file.
    #[staticmethod]
    fn from_toml(py: Python<'_>, text: &str) -> PyResult<Self> {
        tidegate::PolicyFile::from_toml(text).map(Self).or_raise(py)
    }

    /// The names of the policies, in the file's order.
    fn names(&self) -> Vec<&str> {
        self.0.names().collect()
    }

    /// The policy of that name, or None. By ``[name]`` it is an `InvalidError` if there is none.
    fn get(&self, name: &str) -> Option<Policy> {
        self.0.get(name).cloned().map(Policy)
    }

    fn __getitem__(&self, py: Python<'_>, name: &str) -> PyResult<Policy> {
        self.0.require(name).cloned().map(Policy).or_raise(py)
    }

    fn __contains__(&self, name: &str) -> bool {
        self.0.get(name).is_some()
    }

    fn __len__(&self) -> usize {
        self.0.policies().len()
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(PyList::new(py, self.names())?.try_iter()?.into_any())
    }

    fn __repr__(&self) -> String {
        format!("PolicyFile({})", self.names().join(", "))
    }
}
