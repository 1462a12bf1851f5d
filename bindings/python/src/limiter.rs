//! `Limiter`: one call of the core for each of Python.

use std::path::PathBuf;
use std::time::Duration;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString};
use tidegate::{Clock, OnFull, OnUnavailable};

use crate::batch::{self, Decisions};
use crate::clock::ManualClock;
use crate::convert::{self, Cost, Key, span, whole};
use crate::decision::Decision;
use crate::engine::Engine;
use crate::error::{OrRaise, invalid};
use crate::fork::{Home, OnFork};
use crate::policy::Policy;

/// How often a wait looks for signals: Ctrl-C is felt within this.
const LOOK: Duration = Duration::from_millis(50);

/// The native half of `tidegate.Limiter`.
#[pyclass(frozen, subclass, weakref, module = "tidegate._tidegate")]
pub(crate) struct Limiter {
    engine: Engine,
    home: Option<Home>,
}

impl Limiter {
    /// The engine, if this process may count with it.
    #[inline(always)]
    pub(crate) fn engine(&self, py: Python<'_>) -> PyResult<&Engine> {
        match &self.home {
            Some(home) => home.check(py).map(|()| &self.engine),
            None => Ok(&self.engine),
        }
    }

    /// The engine, for those who have asked before.
    pub(crate) fn unchecked_engine(&self) -> &Engine {
        &self.engine
    }
}

#[pymethods]
impl Limiter {
    #[new]
    #[pyo3(signature = (policy, *, max_keys=None, segment=None, anonymous_segment=false, clock=None, on_full="overflow", on_unavailable="deny", on_fork="warn"))]
    #[expect(clippy::too_many_arguments, reason = "they are keywords in Python")]
    fn new(
        py: Python<'_>,
        policy: &Bound<'_, PyAny>,
        max_keys: Option<&Bound<'_, PyAny>>,
        segment: Option<PathBuf>,
        anonymous_segment: bool,
        clock: Option<&Bound<'_, PyAny>>,
        on_full: &str,
        on_unavailable: &str,
        on_fork: &str,
    ) -> PyResult<Self> {
        let mut builder = tidegate::Limiter::builder(convert::policy(policy)?)
            .on_full(choice(
                py,
                "on_full",
                on_full,
                &[("overflow", OnFull::Overflow), ("deny", OnFull::Deny), ("allow", OnFull::Allow)],
            )?)
            .on_unavailable(choice(
                py,
                "on_unavailable",
                on_unavailable,
                &[("deny", OnUnavailable::Deny), ("allow", OnUnavailable::Allow)],
            )?);
        let on_fork = choice(
            py,
            "on_fork",
            on_fork,
            &[("warn", OnFork::Warn), ("raise", OnFork::Raise), ("ignore", OnFork::Ignore)],
        )?;
        let shared = anonymous_segment || segment.is_some();
        if anonymous_segment && segment.is_some() {
            return Err(invalid(py, "options", "segment and anonymous_segment: a table is in one of them"));
        }
        if let Some(max_keys) = max_keys {
            let max_keys = whole("max_keys", max_keys)?;
            builder = builder.max_keys(usize::try_from(max_keys).unwrap_or(usize::MAX));
        }
        if let Some(clock) = clock {
            builder = builder.clock(read_clock(clock)?);
        }
        if let Some(path) = segment {
            builder = builder.segment(path);
        } else if anonymous_segment {
            builder = builder.anonymous_segment();
        }
        let engine = py.detach(|| builder.build()).or_raise(py)?;
        Ok(Self { engine: Engine::new(py, engine)?, home: (!shared).then(|| Home::here(on_fork)) })
    }

    /// Whether ``cost`` is within every limit; taken if so. The fastest call: a yes or no and no more.
    ///
    /// Arguments and errors are those of `check`.
    #[pyo3(signature = (key, cost=Cost::Same(1)), text_signature = "($self, key, cost=1)")]
    #[inline(always)]
    pub(crate) fn allow(&self, py: Python<'_>, key: Key<'_>, cost: Cost<'_, '_>) -> PyResult<bool> {
        let engine = self.engine(py)?;
        let allowed = match cost {
            Cost::Same(1) => engine.allow(key.0),
            Cost::Same(cost) => engine.allow_n(key.0, cost),
            Cost::Each(each) => {
                let costs = convert::costs(engine.policy(), each)?;
                engine.check_costs(key.0, &costs).map(|decision| decision.allowed())
            }
        };
        allowed.or_raise(py)
    }

    /// Decides about ``cost`` for ``key``, and takes it from every limit if all admit.
    ///
    /// A denial is a `Decision` that is false, never an error, and takes nothing.
    ///
    /// Args:
    ///     key: ``str`` (counted by its UTF-8) or ``bytes``, of 1 to `MAX_KEY_BYTES` bytes.
    ///     cost: Whole units to take from every limit, 1 or more; or a mapping of the limits' names to units,
    ///         in which those that it leaves out take nothing.
    ///
    /// Returns:
    ///     The `Decision`; its times are seconds.
    ///
    /// Raises:
    ///     CostAboveQuotaError: The cost is more than a limit ever admits at once.
    ///     InvalidError: An empty or too long key, a cost below 1, a name that the policy hasn't got.
    ///     ForkError: The table was split by a fork, and ``on_fork="raise"``.
    ///     TypeError: A key or cost of another type.
    #[pyo3(signature = (key, cost=Cost::Same(1)), text_signature = "($self, key, cost=1)")]
    #[inline(always)]
    pub(crate) fn check<'py>(
        &self,
        py: Python<'py>,
        key: Key<'_>,
        cost: Cost<'_, '_>,
    ) -> PyResult<Bound<'py, Decision>> {
        let engine = self.engine(py)?;
        match cost {
            Cost::Same(1) => engine.decide(py, |engine| engine.check(key.0)),
            Cost::Same(cost) => engine.decide(py, |engine| engine.check_n(key.0, cost)),
            Cost::Each(each) => {
                let costs = convert::costs(engine.policy(), each)?;
                engine.decide(py, |engine| engine.check_costs(key.0, &costs))
            }
        }
    }

    /// Decides about every key, in order, at one moment: faster than a loop, as memory is fetched for
    /// all at once.
    ///
    /// Args:
    ///     keys: Any iterable of ``str`` or ``bytes``. A key that comes twice is counted twice.
    ///     costs: Whole units for each key, as many as there are keys; or one int for all, 1 by default.
    ///
    /// Returns:
    ///     The `Decisions`, a sequence in the keys' order.
    ///
    /// Raises:
    ///     ValueError: More or fewer costs than keys.
    ///     Error: As `check`, for any of the keys. Nothing is taken then.
    #[pyo3(signature = (keys, costs=None))]
    fn check_many(&self, keys: &Bound<'_, PyAny>, costs: Option<&Bound<'_, PyAny>>) -> PyResult<Decisions> {
        batch::check_many(self.engine(keys.py())?, keys, costs)
    }

    /// What a check of one unit would be told; takes nothing. Errors are those of `check`, and
    /// `UnavailableError` if the key's place in a shared table cannot be had.
    fn peek<'py>(&self, py: Python<'py>, key: Key<'_>) -> PyResult<Bound<'py, Decision>> {
        self.engine(py)?.decide(py, |engine| engine.peek(key.0))
    }

    /// Gives ``cost`` back to every limit of ``key``, as for an answer that was shorter than feared.
    ///
    /// No limit gets more than its full quota. Arguments are those of `check`, errors those of `peek`.
    #[pyo3(signature = (key, cost=Cost::Same(1)), text_signature = "($self, key, cost=1)")]
    fn refund(&self, py: Python<'_>, key: Key<'_>, cost: Cost<'_, '_>) -> PyResult<()> {
        let engine = self.engine(py)?;
        let given_back = match cost {
            Cost::Same(cost) => engine.refund(key.0, cost),
            Cost::Each(each) => engine.refund_costs(key.0, &convert::costs(engine.policy(), each)?),
        };
        given_back.or_raise(py)
    }

    /// Forgets what ``key`` has used: its limits are full again. Errors are those of `peek`.
    fn reset(&self, py: Python<'_>, key: Key<'_>) -> PyResult<()> {
        self.engine(py)?.reset(key.0).or_raise(py)
    }

    /// Waits until ``cost`` is admitted, at most ``timeout`` seconds. Other threads run meanwhile.
    ///
    /// Args:
    ///     key: As of `check`.
    ///     cost: Whole units to take from every limit, 1 or more.
    ///     timeout: Seconds, from 0 on; None for ever.
    ///
    /// Returns:
    ///     The admission; or the denial that stood when waiting ended. A wait that cannot end within the
    ///     timeout is not begun.
    ///
    /// Raises:
    ///     InvalidError: A timeout below 0; and as `check`.
    ///     KeyboardInterrupt: By Ctrl-C. Nothing has been taken then.
    #[pyo3(signature = (key, cost=Cost::Same(1), timeout=None), text_signature = "($self, key, cost=1, timeout=None)")]
    fn acquire<'py>(
        &self,
        py: Python<'py>,
        key: Key<'_>,
        cost: Cost<'_, '_>,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, Decision>> {
        let engine = self.engine(py)?;
        let (cost, timeout) = (one_cost(cost)?, longest_wait(py, timeout)?);
        let mut interrupted = Ok(());
        let acquired = engine.decide(py, |engine| {
            // While waiting, the interpreter is free, and no lock is held when it is asked for again.
            py.detach(|| {
                engine.acquire_unless(key.0, cost, timeout, LOOK, || {
                    interrupted = Python::attach(|py| py.check_signals());
                    interrupted.is_err()
                })
            })
        });
        interrupted.and(acquired)
    }

    /// What is asked of `acquire_async`, read as `acquire` reads it: the bytes of the key, and by the
    /// limiter's time in nanoseconds when waiting ends.
    fn _wait<'py>(
        &self,
        py: Python<'py>,
        key: Key<'_>,
        cost: Cost<'_, '_>,
        timeout: Option<f64>,
    ) -> PyResult<(Bound<'py, PyBytes>, u64)> {
        let engine = self.engine(py)?;
        engine.validate_check(key.0, one_cost(cost)?).or_raise(py)?;
        let deadline = engine.now() + longest_wait(py, timeout)?;
        Ok((PyBytes::new(py, key.0), deadline.get()))
    }

    /// The policy that it decides by.
    #[getter]
    fn policy(&self) -> Policy {
        Policy(self.engine.policy().clone())
    }

    /// How many keys can be counted at once: at least as many as were asked for.
    #[getter]
    fn max_keys(&self) -> usize {
        self.engine.max_keys()
    }

    /// The present by this limiter's time, in nanoseconds.
    #[getter]
    fn now_ns(&self) -> u64 {
        self.engine.now().get()
    }

    /// What this process has admitted, denied (by limit), overflowed, reclaimed and found unavailable.
    fn counters<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let (counters, all, denied) = (self.engine.counters(), PyDict::new(py), PyDict::new(py));
        for (limit, count) in self.engine.policy().limits().iter().zip(&counters.denied) {
            denied.set_item(limit.name(), count)?;
        }
        all.set_item("admitted", counters.admitted)?;
        all.set_item("denied", denied)?;
        all.set_item("overflowed", counters.overflowed)?;
        all.set_item("reclaimed", counters.reclaimed)?;
        all.set_item("unavailable", counters.unavailable)?;
        Ok(all)
    }

    fn __repr__(&self) -> String {
        format!("Limiter('{}', max_keys={})", self.engine.policy(), self.engine.max_keys())
    }
}

/// A cost that can be waited for.
fn one_cost(cost: Cost<'_, '_>) -> PyResult<u64> {
    match cost {
        Cost::Same(cost) => Ok(cost),
        Cost::Each(_) => Err(PyTypeError::new_err("acquire waits for one cost of all limits: give an int")),
    }
}

fn longest_wait(py: Python<'_>, timeout: Option<f64>) -> PyResult<Duration> {
    timeout.map_or(Ok(Duration::MAX), |timeout| span(py, "timeout", timeout))
}

/// What an option's word stands for.
fn choice<T: Copy>(py: Python<'_>, option: &str, word: &str, known: &[(&str, T)]) -> PyResult<T> {
    known.iter().find(|(name, _)| *name == word).map(|(_, value)| *value).ok_or_else(|| {
        let names: Vec<_> = known.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        invalid(py, "options", &format!("{option}=\"{word}\" is unknown; expected {}", names.join(" or ")))
    })
}

fn read_clock(clock: &Bound<'_, PyAny>) -> PyResult<Clock> {
    if let Ok(manual) = clock.cast::<ManualClock>() {
        return Ok(manual.get().0.clone().into());
    }
    match clock.cast::<PyString>() {
        Ok(word) => choice(clock.py(), "clock", word.to_str()?, &[("precise", true), ("coarse", false)])
            .map(|precise| if precise { Clock::Precise } else { Clock::Coarse }),
        Err(_) => Err(PyTypeError::new_err("a clock is \"precise\", \"coarse\" or a ManualClock")),
    }
}
