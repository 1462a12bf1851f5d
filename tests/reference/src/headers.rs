//! What a response says: headers in three styles and the bodies of refusals.
//!
//! Rounding: what remains is rounded down, every time up. Integers of the IETF styles end at
//! 999,999,999,999,999.

use crate::decision::{Decision, Status};
use crate::limit::{Limit, Policy, Unit};

const SECOND: u128 = 1_000_000_000;

/// The largest integer of a structured field.
const MOST: u128 = 999_999_999_999_999;

/// Header names and values, in the order in which they are written.
pub type Headers = Vec<(&'static str, String)>;

/// `X-RateLimit-*`: one limit, its reset as Unix time.
#[must_use]
pub fn x_ratelimit(policy: &Policy, decision: &Decision) -> Headers {
    let Some((limit, status)) = reported(policy, decision) else { return Vec::new() };
    let reset = (u128::from(decision.at) + u128::from(status.reset_after)).div_ceil(SECOND);
    with_retry_after(
        decision,
        vec![
            ("X-RateLimit-Limit", limit.quota.to_string()),
            ("X-RateLimit-Remaining", status.remaining.to_string()),
            ("X-RateLimit-Reset", reset.to_string()),
        ],
    )
}

/// `RateLimit-Policy` and `RateLimit` of draft-ietf-httpapi-ratelimit-headers-11: all limits.
#[must_use]
pub fn ietf(policy: &Policy, decision: &Decision) -> Headers {
    let limits = policy.limits.iter();
    let policies = limits.clone().map(|limit| {
        let (name, unit) = (&limit.name, unit_parameter(limit.unit));
        format!("\"{name}\";q={}{unit};w={}", integer(limit.quota), seconds(limit.window))
    });
    let states = limits.zip(&decision.limits).map(|(limit, status)| {
        let t = seconds(status.effective_window);
        format!("\"{}\";r={};t={t}", limit.name, integer(status.remaining))
    });
    with_retry_after(decision, vec![("RateLimit-Policy", list(policies)), ("RateLimit", list(states))])
}

/// The split headers of the draft's version 06: one limit, with the seconds for which what it
/// says holds; on a denial the same as `Retry-After`.
#[must_use]
pub fn ietf_06(policy: &Policy, decision: &Decision) -> Headers {
    let Some((limit, status)) = reported(policy, decision) else { return Vec::new() };
    let policies = policy.limits.iter().map(|l| format!("{};w={}", integer(l.quota), seconds(l.window)));
    with_retry_after(
        decision,
        vec![
            ("RateLimit-Limit", integer(limit.quota)),
            ("RateLimit-Remaining", integer(status.remaining)),
            ("RateLimit-Reset", seconds(status.effective_window)),
            ("RateLimit-Policy", list(policies)),
        ],
    )
}

/// `Retry-After` in seconds, at least 1; none when allowed.
#[must_use]
pub fn retry_after(decision: &Decision) -> Option<u128> {
    decision.retry_after.map(|wait| u128::from(wait).div_ceil(SECOND).max(1))
}

/// The provider's own body of a 429; none when allowed.
#[must_use]
pub fn denied_body(decision: &Decision) -> Option<String> {
    let wait = match retry_after(decision)? {
        1 => "1 second".to_owned(),
        seconds => format!("{seconds} seconds"),
    };
    Some(error_body(&format!("Rate limit exceeded. Try again in {wait}.")))
}

/// The RFC 9457 body of a 429; none when allowed.
#[must_use]
pub fn problem_body(policy: &Policy, decision: &Decision) -> Option<String> {
    let names = decision.violated(policy).map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(",");
    (!decision.allowed).then(|| {
        format!(
            "{{\"type\":\"https://iana.org/assignments/http-problem-types#quota-exceeded\",\
             \"title\":\"Request cannot be satisfied as assigned quota has been exceeded\",\
             \"status\":429,\"violated-policies\":[{names}]}}"
        )
    })
}

/// The body of a 413.
#[must_use]
pub fn content_too_large_body(size: &str) -> String {
    error_body(&format!("Request body too large. The limit is {size}."))
}

/// The shape of all bodies of our own. The messages hold nothing that JSON would escape.
fn error_body(message: &str) -> String {
    format!("{{\"message\":\"{message}\",\"status\":\"error\"}}")
}

fn reported<'a>(policy: &'a Policy, decision: &'a Decision) -> Option<(&'a Limit, &'a Status)> {
    policy.limits.iter().zip(&decision.limits).nth(decision.reported)
}

fn with_retry_after(decision: &Decision, headers: Headers) -> Headers {
    let retry_after = retry_after(decision).map(|seconds| ("Retry-After", seconds.to_string()));
    headers.into_iter().chain(retry_after).collect()
}

/// Requests are the default and not said.
fn unit_parameter(unit: Unit) -> String {
    match unit {
        Unit::Requests => String::new(),
        other => format!(";qu=\"{}\"", other.name()),
    }
}

fn integer(number: u64) -> String {
    u128::from(number).min(MOST).to_string()
}

fn seconds(nanos: u64) -> String {
    u128::from(nanos).div_ceil(SECOND).to_string()
}

fn list(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(", ")
}
