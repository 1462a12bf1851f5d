//! What a response says about a decision: the decision is the record in the shared memory.

use std::fmt::Write;

use napi::bindgen_prelude::FromNapiValue;
use napi::{Env, Result, sys};
use napi_derive::napi;
use tidegate::{Body, Decision, Error, Style, Styles, accepts_problem, exposed_headers as exposed};

use crate::call::{arguments, returned};
use crate::fault::OrThrow;
use crate::limiter::{Handle, LimiterRef};
use crate::memory::units;

/// Every style with its bit.
const STYLES: [(u32, Style); 3] = [(1, Style::XRateLimit), (2, Style::Ietf), (4, Style::Ietf06)];

fn styles(bits: u32) -> Styles {
    STYLES.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, style)| *style).collect()
}

impl Handle {
    /// The decision that JavaScript wrote back.
    fn decision(&self) -> Decision<'_> {
        self.limiter.decision_from(&self.memory.words())
    }
}

/// The bits of the styles that are named, with `,` between them.
#[napi(catch_unwind)]
pub fn style_bits(env: Env, names: String) -> Result<u32> {
    let styles = names.parse::<Styles>().map_err(|error| Error::Options(error.to_string())).or_throw(&env)?;
    Ok(STYLES.iter().filter(|(_, style)| styles.contains(*style)).map(|(bit, _)| bit).sum())
}

/// `(limiter, style bits, retryAfter)`: the headers as lines of `Name: value` that end in CR LF.
/// `retryAfter` makes Retry-After longer. Called for every response, and so as Node itself calls it.
pub(crate) unsafe extern "C" fn headers(
    env: sys::napi_env,
    info: sys::napi_callback_info,
) -> sys::napi_value {
    let head = |(_, [limiter, bits, retry_after]): (usize, [_; 3])| {
        // SAFETY: it is Node that calls this: all is live until it returns.
        let (limiter, bits, retry_after) = unsafe {
            let limiter = LimiterRef::from_napi_value(env, limiter)?;
            (limiter, u32::from_napi_value(env, bits)?, f64::from_napi_value(env, retry_after)?)
        };
        Ok(head(&limiter, bits, retry_after))
    };
    // SAFETY: as above.
    unsafe { returned(env, || arguments(env, info).and_then(head)) }
}

fn head(limiter: &Handle, style_bits: u32, retry_after: f64) -> String {
    let headers = limiter.decision().headers(styles(style_bits)).with_retry_after(units(retry_after));
    // With room for what is usual, so that it need not grow.
    let mut text = String::with_capacity(256);
    // A string takes all that is written to it.
    let _ = write!(text, "{headers}");
    text
}

/// The value of Access-Control-Expose-Headers.
#[napi(catch_unwind)]
pub fn exposed_headers(style_bits: u32) -> String {
    exposed(styles(style_bits))
}

/// The value of Retry-After; 0 when allowed.
#[napi(catch_unwind)]
pub fn retry_after_seconds(#[napi(ts_arg_type = "Handle")] limiter: LimiterRef) -> f64 {
    limiter.decision().retry_after_seconds().unwrap_or(0) as f64
}

/// Writes the state of every limit to the shared memory.
#[napi(catch_unwind)]
pub fn limit_states(#[napi(ts_arg_type = "Handle")] limiter: LimiterRef) {
    let decision = limiter.decision();
    decision.limits().enumerate().for_each(|(i, status)| limiter.memory.put_state(i, &status));
}

/// A body, and the head that goes with it.
#[napi(object)]
pub struct NativeBody {
    pub status: u32,
    pub content_type: String,
    pub cache_control: String,
    pub text: String,
}

impl From<Body> for NativeBody {
    fn from(body: Body) -> Self {
        Self {
            status: body.status.into(),
            content_type: body.content_type.to_owned(),
            cache_control: body.cache_control.to_owned(),
            text: body.text,
        }
    }
}

/// The body of a denial in the form that the Accept header asks for; nothing when allowed.
#[napi(catch_unwind)]
pub fn body(
    #[napi(ts_arg_type = "Handle")] limiter: LimiterRef,
    accept: String,
    retry_after: f64,
) -> Option<NativeBody> {
    let decision = limiter.decision();
    let seconds = decision.retry_after_seconds()?.max(units(retry_after));
    let body =
        if accepts_problem(&accept) { decision.problem_body() } else { Some(Body::rate_limited(seconds)) };
    body.map(NativeBody::from)
}

/// The body for a request whose own is larger than `limit` bytes.
#[napi(catch_unwind)]
pub fn content_too_large(limit: f64) -> NativeBody {
    Body::content_too_large(units(limit)).into()
}
