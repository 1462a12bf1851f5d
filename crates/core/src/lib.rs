//! Exact rate limits, decided in nanoseconds.
//!
//! A [`Limiter`] is a [`Policy`] (one or more limits, decided together) with a bounded table of
//! keys. A check says whether a request is within every limit, and if so takes its cost from
//! all of them; the [`Decision`] says what remains, when it resets and when to try again, and
//! writes the HTTP headers for it.
//!
//! ```
//! # fn main() -> tidegate::Result<()> {
//! use tidegate::{Limiter, Style};
//!
//! let limiter = Limiter::new("100/minute; 10/second token-bucket")?;
//! let decision = limiter.check("api-key-1")?;
//! assert!(decision.allowed());
//! for (name, value) in decision.headers(Style::XRateLimit) {
//!     println!("{name}: {value}"); // X-RateLimit-Limit: 100 …
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Costs are whole units, times are [`Duration`](std::time::Duration)s, keys are bytes (1 to
//! 64 KiB). A denial is a result, not an error; [`Error`] is for bad input. Nothing here panics.

#![warn(missing_docs)]
// Segments, and what serves them alone, are not modelled.
#![cfg_attr(loom, allow(dead_code))]

mod address;
mod algorithm;
mod clock;
mod decision;
mod error;
mod headers;
mod limit;
mod limiter;
mod policy;
mod store;
mod table;
mod time;

pub use address::{ForwardedHeader, Network, Proxies, api_key};
pub use clock::{Clock, ManualClock};
#[doc(hidden)]
pub use decision::DecisionWords;
pub use decision::{Decision, LimitStatus};
pub use error::{Error, Result, SegmentFault};
pub use headers::{
    Body, HeaderValue, Headers, Style, Styles, UnknownStyle, accepts_problem, exposed_headers, jittered,
};
pub use limit::{Algorithm, Limit, MAX_BUCKET_QUOTA, MAX_LOG_QUOTA, MAX_WINDOW, Unit};
pub use limiter::{
    Counters, Joint, JointDecision, Key, Limiter, LimiterBuilder, MAX_KEY_BYTES, OnFull, OnUnavailable,
    check_all,
};
pub use policy::{IntoPolicy, MAX_LIMITS, Policy, Report};
#[cfg(all(target_os = "linux", not(loom)))]
pub use store::segment::{SegmentKey, SegmentProcess, SegmentSnapshot, SegmentView};
pub use time::Nanos;

#[cfg(feature = "policy-file")]
pub use policy::PolicyFile;

/// The README's examples run too.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
