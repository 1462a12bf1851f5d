//! The native half of the Python package `tidegate`: arguments in, results out. Whatever is decided
//! is decided by the core; whatever can be said in Python is said in `python/tidegate`.

mod admission;
mod asgi;
mod batch;
mod calls;
mod clock;
mod convert;
mod decision;
mod engine;
mod error;
mod fork;
mod gate;
mod held;
mod http;
mod joint;
mod limiter;
mod policy;
mod request;
mod status;

use pyo3::prelude::*;

// Nothing here needs the interpreter's lock, as far as we can tell; but no interpreter without one has
// run the tests, so one that could do without takes its lock for us, and says so.
#[pymodule(name = "_tidegate", gil_used = true)]
mod module {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::{
        admission::Admission,
        asgi::Decorated,
        batch::Decisions,
        clock::ManualClock,
        decision::{Decision, restore_decision},
        fork::note_fork,
        gate::Gate,
        http::{
            Body, Proxies, accepts_problem, api_key, content_too_large, exposed_headers, jittered,
            rate_limited,
        },
        joint::{JointDecision, check_all},
        limiter::Limiter,
        policy::{Limit, Policy, PolicyFile},
        request::{ASGIRequest, declares_length},
        status::LimitStatus,
    };

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        module.add("EXPOSE", crate::gate::EXPOSE)?;
        module.add("MAX_KEY_BYTES", tidegate::MAX_KEY_BYTES)?;
        crate::calls::install(module.py())
    }
}

/// A time as Python has it: seconds.
fn seconds(time: std::time::Duration) -> f64 {
    time.as_secs_f64()
}

/// A time as a whole number of nanoseconds; no time of ours is beyond 64 bits.
fn nanos(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
