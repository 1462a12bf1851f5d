//! The bodies of refusals: too many requests, and content too large.

use std::fmt::Write;

use super::accept::accepts_problem;
use crate::decision::Decision;
use crate::policy::size::Size;

/// A body, and the head that goes with it.
///
/// ```
/// let body = tidegate::Body::content_too_large(5_000_000);
/// assert_eq!(body.status, 413);
/// assert_eq!(
///     body.text,
///     r#"{"message":"Request body too large. The limit is 5 MB.","status":"error"}"#
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Body {
    /// The HTTP status: 429 or 413.
    pub status: u16,
    /// The value of `Content-Type`.
    pub content_type: &'static str,
    /// The value of `Cache-Control`: a refusal holds for this client and this moment only.
    pub cache_control: &'static str,
    /// The content: JSON in ASCII.
    pub text: String,
}

impl Body {
    /// 429: too many requests, try again in so many seconds. Give it the value of `Retry-After`.
    #[must_use]
    pub fn rate_limited(retry_after_seconds: u64) -> Self {
        let unit = if retry_after_seconds == 1 { "second" } else { "seconds" };
        Self::message(429, format_args!("Rate limit exceeded. Try again in {retry_after_seconds} {unit}."))
    }

    /// 413: the request's body is larger than `limit` bytes.
    ///
    /// The limit is written exactly, in the unit that makes the smallest whole number of it:
    /// 5,000,000 is `5 MB`, 1,048,576 is `1 MiB`, 1,500,000 is `1500 kB`, 999 is `999 bytes`.
    #[must_use]
    pub fn content_too_large(limit: u64) -> Self {
        let limit = Size(limit);
        Self::message(413, format_args!("Request body too large. The limit is {limit}."))
    }

    /// Neither our words nor the names of limits hold anything that JSON escapes.
    fn message(status: u16, message: std::fmt::Arguments<'_>) -> Self {
        let text = format!(r#"{{"message":"{message}","status":"error"}}"#);
        Self { status, content_type: "application/json", cache_control: "no-store", text }
    }

    /// 429 as a problem (RFC 9457) of the type that the IETF draft registers.
    fn quota_exceeded<'n>(violated: impl Iterator<Item = &'n str>) -> Self {
        let mut text = String::from(
            r#"{"type":"https://iana.org/assignments/http-problem-types#quota-exceeded","title":"Request cannot be satisfied as assigned quota has been exceeded","status":429,"violated-policies":["#,
        );
        for (i, name) in violated.enumerate() {
            // Writing to a string does not fail.
            let _ = write!(text, "{}\"{name}\"", if i == 0 { "" } else { "," });
        }
        text.push_str("]}");
        Self { status: 429, content_type: "application/problem+json", cache_control: "no-store", text }
    }
}

impl Decision<'_> {
    /// The body of a denial: a message as JSON. `None` when allowed.
    ///
    /// ```
    /// # fn main() -> tidegate::Result<()> {
    /// # use tidegate::{Limiter, ManualClock};
    /// let limiter = Limiter::builder("1/minute").clock(ManualClock::new()).build()?;
    /// assert!(limiter.check("alice")?.body().is_none());
    /// let body = limiter.check("alice")?.body().unwrap();
    /// assert_eq!(body.text, r#"{"message":"Rate limit exceeded. Try again in 60 seconds.","status":"error"}"#);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn body(&self) -> Option<Body> {
        self.retry_after_seconds().map(Body::rate_limited)
    }

    /// The body of a denial as a problem (RFC 9457, `application/problem+json`) that names the
    /// violated limits. `None` when allowed.
    #[must_use]
    pub fn problem_body(&self) -> Option<Body> {
        (!self.allowed()).then(|| Body::quota_exceeded(self.violated()))
    }

    /// The body of a denial in the form that a request with this `Accept` header asks for: a
    /// problem where that [is preferred](accepts_problem), else the message. `None` when allowed.
    #[must_use]
    pub fn body_for(&self, accept: &str) -> Option<Body> {
        if accepts_problem(accept) { self.problem_body() } else { self.body() }
    }
}
