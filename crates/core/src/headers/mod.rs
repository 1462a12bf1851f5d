//! What a response says about a decision: its headers and its body. On decisions alone; nothing
//! here knows how they came about.

mod accept;
mod body;
mod fields;
mod style;
mod value;

use std::fmt;
use std::time::Duration;

pub use accept::accepts_problem;
pub use body::Body;
pub use style::{Style, Styles, UnknownStyle};
pub use value::HeaderValue;

use crate::decision::{Decision, LimitStatus};
use fields::{Field, seconds};

impl<'a> Decision<'a> {
    /// The headers for a response, in one style or several.
    ///
    /// Absolute times count from [`unix_time`](Self::unix_time).
    ///
    /// ```
    /// # fn main() -> tidegate::Result<()> {
    /// use tidegate::{Limiter, ManualClock, Nanos, Style};
    ///
    /// let clock = ManualClock::at(Nanos::from_secs(1_716_983_940));
    /// let limiter = Limiter::builder("100/minute").clock(clock).build()?;
    /// let decision = limiter.check("api-key-1")?;
    /// let headers = decision.headers(Style::XRateLimit | Style::Ietf);
    /// assert_eq!(
    ///     headers.to_string(),
    ///     "X-RateLimit-Limit: 100\r\n\
    ///      X-RateLimit-Remaining: 99\r\n\
    ///      X-RateLimit-Reset: 1716984000\r\n\
    ///      RateLimit-Policy: \"minute\";q=100;w=60\r\n\
    ///      RateLimit: \"minute\";r=99;t=60\r\n"
    /// );
    /// for (name, value) in headers {
    ///     println!("{name} is {}", value.as_str());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn headers(&self, styles: impl Into<Styles>) -> Headers<'a> {
        let styles = styles.into();
        // The wall clock is only read for the one style that has a date.
        let dated = styles.contains(Style::XRateLimit);
        self.headers_at(styles, if dated { self.unix_time() } else { Duration::ZERO })
    }

    /// The headers for a response at the Unix time `unix`.
    #[must_use]
    pub fn headers_at(&self, styles: impl Into<Styles>, unix: Duration) -> Headers<'a> {
        Headers {
            decision: *self,
            reported: self.reported(),
            styles: styles.into(),
            unix,
            retry_after: self.retry_after_seconds().unwrap_or_default(),
            at: 0,
        }
    }

    /// The value of `Retry-After`: the wait in whole seconds, rounded up, at least 1. `None` when
    /// allowed.
    #[must_use]
    pub fn retry_after_seconds(&self) -> Option<u64> {
        self.retry_after().map(|wait| seconds(wait).max(1))
    }
}

/// The headers of a response: an iterator of names and values. As text (`to_string`, `write!`)
/// they are lines of `Name: value` that end in CR LF, for servers that write their own head.
///
/// Every name comes at most once. `Retry-After` is the last, on denials only.
#[derive(Clone)]
pub struct Headers<'a> {
    decision: Decision<'a>,
    reported: LimitStatus<'a>,
    styles: Styles,
    unix: Duration,
    retry_after: u64,
    /// How many of [`Field::ALL`] have been looked at.
    at: usize,
}

impl Headers<'_> {
    /// The same headers with a longer `Retry-After`, such as a [`jittered`] one. A shorter one
    /// changes nothing, since it would invite a retry that fails; neither does any on an
    /// admission.
    #[must_use]
    pub fn with_retry_after(self, seconds: u64) -> Self {
        Self { retry_after: self.retry_after.max(seconds), ..self }
    }

    fn next_field(&mut self) -> Option<Field> {
        loop {
            let field = *Field::ALL.get(self.at)?;
            self.at += 1;
            let is_sent = field != Field::RetryAfter || !self.decision.allowed();
            if is_sent && field.is_in(self.styles) {
                return Some(field);
            }
        }
    }
}

impl Iterator for Headers<'_> {
    type Item = (&'static str, HeaderValue);

    fn next(&mut self) -> Option<Self::Item> {
        let field = self.next_field()?;
        Some((field.name(), HeaderValue::written(|out| field.write(self, out))))
    }
}

impl std::iter::FusedIterator for Headers<'_> {}

impl fmt::Display for Headers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.clone();
        while let Some(field) = rest.next_field() {
            f.write_str(field.name())?;
            f.write_str(": ")?;
            field.write(self, f)?;
            f.write_str("\r\n")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Headers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.clone()).finish()
    }
}

/// The value of `Access-Control-Expose-Headers` that lets a script of another origin read every
/// header which responses in these styles carry. (A `*` there does not work with credentials.)
///
/// CORS preflights themselves are best neither counted nor decorated.
///
/// ```
/// use tidegate::{Style, exposed_headers};
///
/// assert_eq!(exposed_headers(Style::Ietf), "RateLimit-Policy, RateLimit, Retry-After");
/// ```
#[must_use]
pub fn exposed_headers(styles: impl Into<Styles>) -> String {
    let styles = styles.into();
    let names: Vec<_> =
        Field::ALL.iter().filter(|field| field.is_in(styles)).map(|field| field.name()).collect();
    names.join(", ")
}

/// A `Retry-After` of `seconds` made longer by 0 to `spread` whole seconds, evenly, as `random`
/// has it: clients that were denied together do not come back together.
///
/// Nothing is jittered unless this is called, and never downward. The same `random` gives the
/// same result; take it from any generator of 64 random bits.
///
/// ```
/// # fn main() -> tidegate::Result<()> {
/// use tidegate::{Body, Limiter, Style, jittered};
///
/// let limiter = Limiter::new("100/minute")?;
/// let decision = limiter.check("api-key-1")?;
/// # let random = 0x9E37_79B9_7F4A_7C15;
/// if let Some(seconds) = decision.retry_after_seconds() {
///     let seconds = jittered(seconds, 5, random);
///     let headers = decision.headers(Style::XRateLimit).with_retry_after(seconds);
///     let body = Body::rate_limited(seconds);
/// #   let _ = (headers, body);
/// }
/// assert_eq!(jittered(30, 5, 0), 30);
/// assert_eq!(jittered(30, 5, u64::MAX), 35);
/// # Ok(())
/// # }
/// ```
#[must_use]
pub const fn jittered(seconds: u64, spread: u64, random: u64) -> u64 {
    // The high half of the product: below spread + 1, and even up to one part in 2⁶⁴.
    let more = (random as u128 * (spread as u128 + 1)) >> 64;
    seconds.saturating_add(more as u64)
}

#[cfg(test)]
mod tests;
