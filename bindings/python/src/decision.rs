//! `Decision`: what the engine found, with the numbers worked out when they are asked for.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyList, PyTuple};
use tidegate::Style;

use crate::convert::{styles, whole};
use crate::held::Held;
use crate::http::Body;
use crate::policy::Policy;
use crate::status::{LimitStatus, Numbers, as_seconds};

/// What a limiter said about a request: true when it is allowed.
///
/// ``limit``, ``remaining``, ``reset_after`` and ``retry_after`` tell of one limit, the reported one: on
/// an admission the policy's first (or its tightest, as the policy has it), on a denial the one with the
/// longest wait. ``limits`` tells of all. Times are seconds as ``float``; those in ``_ns`` whole
/// nanoseconds. Decisions that say the same are equal; they can be printed, hashed and pickled.
#[pyclass(frozen, module = "tidegate")]
pub(crate) struct Decision(Content);

enum Content {
    /// As the engine gave it.
    Live(Held<tidegate::Decision<'static>>),
    /// Read back from a pickle: everything that it can be asked for.
    Kept(Box<Kept>),
}

/// A decision without its limiter.
struct Kept {
    told: Told,
    /// In each style by itself, as of the time when it was pickled.
    headers: [Lines; 3],
    problem: Option<Body>,
}

type Lines = Vec<(String, String)>;

/// The styles in the order in which they are written.
const STYLES: [Style; 3] = [Style::XRateLimit, Style::Ietf, Style::Ietf06];

/// What a decision says: two that say the same are equal.
#[derive(PartialEq, Eq, Hash)]
struct Told {
    policy: tidegate::Policy,
    at: u64,
    tracked: bool,
    reported: usize,
    limits: Vec<Numbers>,
}

impl Told {
    fn allowed(&self) -> bool {
        self.limits.iter().all(|limit| !limit.violated)
    }
}

impl Decision {
    #[inline(always)]
    pub(crate) fn live(held: Held<tidegate::Decision<'static>>) -> Self {
        Self(Content::Live(held))
    }

    /// Makes it another decision of the same limiter, if it is one of a limiter's.
    ///
    /// # Safety
    /// As for [`Held::renew`].
    #[allow(unsafe_code, reason = "it passes the promise on")]
    #[inline(always)]
    pub(crate) unsafe fn renew(&self, decided: &tidegate::Decision<'_>) -> bool {
        let Content::Live(held) = &self.0 else { return false };
        // SAFETY: by the caller's promise.
        unsafe { held.renew(decided) };
        true
    }

    fn policy(&self) -> &tidegate::Policy {
        match &self.0 {
            Content::Live(held) => held.get().policy(),
            Content::Kept(kept) => &kept.told.policy,
        }
    }

    /// The state of the limit that the single values are of.
    fn reported_numbers(&self) -> Option<Numbers> {
        match &self.0 {
            Content::Live(held) => Some(held.get().reported().into()),
            Content::Kept(kept) => kept.told.limits.get(kept.told.reported).cloned(),
        }
    }

    fn reported_index(&self) -> usize {
        match &self.0 {
            Content::Live(held) => held.get().reported_index(),
            Content::Kept(kept) => kept.told.reported,
        }
    }

    fn numbers(&self) -> Vec<Numbers> {
        match &self.0 {
            Content::Live(held) => held.get().limits().map(Numbers::from).collect(),
            Content::Kept(kept) => kept.told.limits.clone(),
        }
    }

    fn told(&self) -> Told {
        Told {
            policy: self.policy().clone(),
            at: self.at_ns(),
            tracked: self.tracked(),
            reported: self.reported_index(),
            limits: self.numbers(),
        }
    }

    /// The headers in their order, with a longer `Retry-After` if one is given.
    fn lines(
        &self,
        styles: tidegate::Styles,
        retry_after: Option<u64>,
        mut each: impl FnMut(&str, &str) -> PyResult<()>,
    ) -> PyResult<()> {
        match &self.0 {
            Content::Live(held) => {
                let mut headers = held.get().headers(styles).with_retry_after(retry_after.unwrap_or(0));
                headers.try_for_each(|(name, value)| each(name, value.as_str()))
            }
            Content::Kept(kept) => {
                kept.lines(styles, retry_after).iter().try_for_each(|(name, value)| each(name, value))
            }
        }
    }

    /// The headers by their names.
    pub(crate) fn dict<'py>(
        &self,
        py: Python<'py>,
        styles: tidegate::Styles,
        retry_after: Option<u64>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let headers = PyDict::new(py);
        self.lines(styles, retry_after, |name, value| headers.set_item(name, value))?;
        Ok(headers)
    }

    /// The headers as ASGI wants them.
    pub(crate) fn append_to(
        &self,
        headers: &Bound<'_, PyList>,
        styles: tidegate::Styles,
        retry_after: Option<u64>,
    ) -> PyResult<()> {
        let py = headers.py();
        self.lines(styles, retry_after, |name, value| {
            headers.append((lower_name(py, name), PyBytes::new(py, value.as_bytes())))
        })
    }

    fn status(&self, index: usize, numbers: Numbers) -> Option<LimitStatus> {
        self.policy().limits().get(index).map(|limit| LimitStatus { limit: limit.clone(), numbers })
    }
}

impl Kept {
    /// As the core joins styles: every name once, and `Retry-After` at the end.
    fn lines(&self, styles: tidegate::Styles, longer: Option<u64>) -> Lines {
        let mut lines = Lines::new();
        let mut retry_after = None;
        let chosen = STYLES.iter().zip(&self.headers).filter(|(style, _)| styles.contains(**style));
        for (name, value) in chosen.flat_map(|(_, headers)| headers) {
            if name == "Retry-After" {
                retry_after = Some(value.parse::<u64>().unwrap_or(1).max(longer.unwrap_or(0)));
            } else if lines.iter().all(|(known, _)| known != name) {
                lines.push((name.clone(), value.clone()));
            }
        }
        lines.extend(retry_after.map(|seconds| ("Retry-After".to_owned(), seconds.to_string())));
        lines
    }
}

#[pymethods]
impl Decision {
    /// Whether the request is within every limit.
    #[getter]
    pub(crate) fn allowed(&self) -> bool {
        match &self.0 {
            Content::Live(held) => held.get().allowed(),
            Content::Kept(kept) => kept.told.allowed(),
        }
    }

    /// The quota of the reported limit, in cost units per window.
    #[getter]
    fn limit(&self) -> u64 {
        self.policy().limits().get(self.reported_index()).map_or(0, tidegate::Limit::quota)
    }

    /// Whole cost units that the reported limit has left.
    #[getter]
    fn remaining(&self) -> u64 {
        self.reported_numbers().map_or(0, |numbers| numbers.remaining)
    }

    /// Seconds until the reported limit has its full quota again if nothing more is sent.
    #[getter]
    fn reset_after(&self) -> f64 {
        as_seconds(self.reset_after_ns())
    }

    /// ``reset_after`` in nanoseconds.
    #[getter]
    fn reset_after_ns(&self) -> u64 {
        self.reported_numbers().map_or(0, |numbers| numbers.reset_after)
    }

    /// On a denial, seconds after which this very cost can pass; None when allowed.
    #[getter]
    fn retry_after(&self) -> Option<f64> {
        self.retry_after_ns().map(as_seconds)
    }

    /// ``retry_after`` in nanoseconds.
    #[getter]
    fn retry_after_ns(&self) -> Option<u64> {
        if self.allowed() { None } else { self.reported_numbers().map(|numbers| numbers.retry_after) }
    }

    /// The value of ``Retry-After``: whole seconds, rounded up, at least 1; None when allowed.
    #[getter]
    fn retry_after_seconds(&self) -> Option<u64> {
        self.retry_after_ns().map(|nanos| nanos.div_ceil(1_000_000_000).max(1))
    }

    /// The names of the limits that deny, in the policy's order.
    #[getter]
    fn violated<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let (policy, numbers) = (self.policy(), self.numbers());
        let denying = policy.limits().iter().zip(numbers).filter(|(_, numbers)| numbers.violated);
        PyTuple::new(py, denying.map(|(limit, _)| limit.name()).collect::<Vec<_>>())
    }

    /// The state of every limit, in the policy's order.
    #[getter]
    fn limits<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let numbers = self.numbers().into_iter().enumerate();
        let each = numbers.filter_map(|(i, numbers)| Some(Py::new(py, self.status(i, numbers)?)));
        PyTuple::new(py, each.collect::<PyResult<Vec<_>>>()?)
    }

    /// The state of the limit that the single values are of.
    #[getter]
    fn reported(&self) -> Option<LimitStatus> {
        self.status(self.reported_index(), self.reported_numbers()?)
    }

    /// The policy that was applied.
    #[getter(policy)]
    fn policy_value(&self) -> Policy {
        Policy(self.policy().clone())
    }

    /// The limiter's time of the decision, in nanoseconds.
    #[getter]
    fn at_ns(&self) -> u64 {
        match &self.0 {
            Content::Live(held) => held.get().at().get(),
            Content::Kept(kept) => kept.told.at,
        }
    }

    /// Whether the key has an entry of its own; False when the table was full.
    #[getter]
    fn tracked(&self) -> bool {
        match &self.0 {
            Content::Live(held) => held.get().tracked(),
            Content::Kept(kept) => kept.told.tracked,
        }
    }

    /// The headers for a response, by their names, in the order in which they are written.
    ///
    /// Args:
    ///     style: ``"x-ratelimit"``, ``"ietf"``, ``"ietf-06"``, or several with ``,`` between them.
    ///     retry_after: Whole seconds for a ``Retry-After`` that is longer than it must be, such as a
    ///         jittered one. On an admission there is none.
    ///
    /// Raises:
    ///     InvalidError: A style that there isn't.
    #[pyo3(signature = (style="x-ratelimit", *, retry_after=None))]
    fn headers<'py>(
        &self,
        py: Python<'py>,
        style: &str,
        retry_after: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        self.dict(py, styles(py, style)?, longer(retry_after)?)
    }

    /// `headers` as ASGI wants them: pairs of bytes, the names in lower case.
    #[pyo3(signature = (style="x-ratelimit", *, retry_after=None))]
    fn raw_headers<'py>(
        &self,
        py: Python<'py>,
        style: &str,
        retry_after: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyList>> {
        let headers = PyList::empty(py);
        self.append_to(&headers, styles(py, style)?, longer(retry_after)?)?;
        Ok(headers)
    }

    /// The body of a denial, in the form that this ``Accept`` header asks for; None when allowed.
    #[pyo3(signature = (accept=""))]
    fn body(&self, accept: &str) -> Option<Body> {
        if tidegate::accepts_problem(accept) {
            self.problem_body()
        } else {
            self.retry_after_seconds().map(|seconds| tidegate::Body::rate_limited(seconds).into())
        }
    }

    /// The body of a denial as a problem (RFC 9457); None when allowed.
    fn problem_body(&self) -> Option<Body> {
        match &self.0 {
            Content::Live(held) => held.get().problem_body().map(Body::from),
            Content::Kept(kept) => kept.problem.clone(),
        }
    }

    fn __bool__(&self) -> bool {
        self.allowed()
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Self>().is_ok_and(|other| self.told() == other.get().told())
    }

    fn __hash__(&self) -> u64 {
        use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
        BuildHasherDefault::<DefaultHasher>::default().hash_one(self.told())
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!(
            "Decision(allowed={}, limit={}, remaining={}, reset_after={:?}, retry_after={}, violated={})",
            if self.allowed() { "True" } else { "False" },
            self.limit(),
            self.remaining(),
            self.reset_after(),
            self.retry_after().map_or("None".to_owned(), |wait| format!("{wait:?}")),
            self.violated(py)?.repr()?
        ))
    }

    /// Everything that it can be asked for, since a limiter does not travel.
    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, State)> {
        let Told { policy, at, tracked, reported, limits } = self.told();
        let limits = limits
            .into_iter()
            .map(|n| (n.violated, n.remaining, n.reset_after, n.effective_window, n.retry_after))
            .collect();
        let mut headers = [Lines::new(), Lines::new(), Lines::new()];
        for (style, lines) in STYLES.into_iter().zip(&mut headers) {
            self.lines(style.into(), None, |name, value| {
                lines.push((name.to_owned(), value.to_owned()));
                Ok(())
            })?;
        }
        let problem = self.problem_body().map(|body| body.text);
        let restore = py.import("tidegate._tidegate")?.getattr("_restore_decision")?;
        Ok((restore, (Py::new(py, Policy(policy))?, at, tracked, reported, limits, headers.into(), problem)))
    }
}

fn longer(retry_after: Option<&Bound<'_, PyAny>>) -> PyResult<Option<u64>> {
    retry_after.map(|seconds| whole("retry_after", seconds)).transpose()
}

/// A header's name as ASGI wants it. There are few, and each is made once.
fn lower_name<'py>(py: Python<'py>, name: &str) -> Bound<'py, PyBytes> {
    static NAMES: PyOnceLock<Vec<(String, Py<PyBytes>)>> = PyOnceLock::new();
    let lower = |name: &str| PyBytes::new(py, name.to_ascii_lowercase().as_bytes());
    let names = NAMES.get_or_init(py, || {
        let all = tidegate::exposed_headers(STYLES.into_iter().collect::<tidegate::Styles>());
        all.split(", ").map(|name| (name.to_owned(), lower(name).unbind())).collect()
    });
    let known = names.iter().find(|(known, _)| known == name);
    known.map_or_else(|| lower(name), |(_, lower)| lower.bind(py).clone())
}

type Row = (bool, u64, u64, u64, u64);
type State = (Py<Policy>, u64, bool, usize, Vec<Row>, Vec<Lines>, Option<String>);

/// A decision from what its pickle holds.
#[pyfunction(name = "_restore_decision")]
pub(crate) fn restore_decision(
    policy: &Bound<'_, Policy>,
    at: u64,
    tracked: bool,
    reported: usize,
    limits: Vec<Row>,
    headers: [Lines; 3],
    problem: Option<String>,
) -> Decision {
    let limits =
        limits.into_iter().map(|(violated, remaining, reset_after, effective_window, retry_after)| Numbers {
            violated,
            remaining,
            reset_after,
            effective_window,
            retry_after,
        });
    let problem = problem.map(|text| Body {
        status: 429,
        content_type: "application/problem+json".into(),
        cache_control: "no-store".into(),
        text,
    });
    let told = Told { policy: policy.get().0.clone(), at, tracked, reported, limits: limits.collect() };
    Decision(Content::Kept(Box::new(Kept { told, headers, problem })))
}
