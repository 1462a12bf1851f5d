//! One limit: a quota in a window, by an algorithm, under a name. Validated on creation, so
//! that the engine never meets a limit that it cannot enforce exactly.

use std::iter::successors;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::time::{MAX_SPAN_TICKS, duration_nanos, tick_for};

/// The largest quota of an exact log: it remembers every admitted unit for a whole window,
/// four bytes each, for every key.
pub const MAX_LOG_QUOTA: u64 = 1_000_000;

/// The largest quota of a token bucket.
pub const MAX_BUCKET_QUOTA: u64 = 1 << 53;

/// The most units of a bucket's level that a burst or the refill of a tick may be: half of what the
/// level has room for, so that no sum of two overflows.
const MAX_UNITS: u128 = 1 << 61;

/// The fewest ticks, longer than a nanosecond, in which a bucket fills: each time that it is full
/// it loses less than two of them to rounding.
const LEAST_FILL_TICKS: u64 = 1000;

/// The longest window: 100 years of 365 days.
pub const MAX_WINDOW: Duration = Duration::from_secs(100 * 365 * 86_400);

/// What is said of another.
pub(crate) const WRONG_WINDOW: &str = "a window is longer than 0 and at most 100 years";

/// How a limit counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// At every instant the costs admitted within the last window sum to at most the quota.
    /// Exact; remembers each admitted unit (4 bytes). Notation: `sliding-window-log`.
    #[default]
    SlidingWindowLog,
    /// A bucket of `burst` tokens, refilled evenly at quota per window. Exact at any rate;
    /// 8 bytes. Notation: `token-bucket`.
    TokenBucket,
}

impl Algorithm {
    /// The word for it in the policy notation.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SlidingWindowLog => "sliding-window-log",
            Self::TokenBucket => "token-bucket",
        }
    }
}

/// What a quota counts: the `qu` parameter of the IETF headers, and nothing else. It changes no
/// decision; a limit of [`ConcurrentRequests`](Self::ConcurrentRequests) does not limit concurrency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unit {
    /// Requests, the default; left out of the headers.
    #[default]
    Requests,
    /// Bytes of content.
    ContentBytes,
    /// Requests under way at once.
    ConcurrentRequests,
}

impl Unit {
    /// The registered name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::ContentBytes => "content-bytes",
            Self::ConcurrentRequests => "concurrent-requests",
        }
    }
}

/// A quota of cost units per window.
///
/// ```
/// use std::time::Duration;
/// use tidegate::{Algorithm, Limit};
///
/// # fn main() -> tidegate::Result<()> {
/// let minute = Limit::new("minute", 100, Duration::from_secs(60))?;
/// assert_eq!(minute.algorithm(), Algorithm::SlidingWindowLog);
///
/// let burst = Limit::token_bucket("burst", 10, Duration::from_secs(1), 20)?;
/// assert_eq!((burst.quota(), burst.capacity()), (10, 20));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Limit {
    name: String,
    quota: u64,
    window: u64,
    algorithm: Algorithm,
    burst: u64,
    unit: Unit,
    tick: u64,
}

impl Limit {
    /// A sliding-window log of `quota` units in any `window`.
    ///
    /// # Errors
    /// A name that is not `[a-z][a-z0-9_-]*`, a quota of 0 or above [`MAX_LOG_QUOTA`], a window
    /// of 0 or above [`MAX_WINDOW`].
    pub fn new(name: &str, quota: u64, window: Duration) -> Result<Self> {
        if quota > MAX_LOG_QUOTA {
            return Err(Error::Policy(format!(
                "limit `{name}`: an exact log of {quota} units would take {} MB a key; the most is {MAX_LOG_QUOTA}: use token-bucket",
                quota.saturating_mul(4) / 1_000_000
            )));
        }
        Self::build(name, quota, window, Algorithm::SlidingWindowLog, quota)
    }

    /// A token bucket that holds up to `burst` tokens and refills `quota` of them evenly over
    /// every `window`.
    ///
    /// # Errors
    /// As for [`new`](Self::new), with [`MAX_BUCKET_QUOTA`]; also a burst of 0, and one that
    /// takes longer than [`MAX_WINDOW`] to fill or has more units than can be counted exactly: never
    /// at up to 10¹⁴ per second or another single unit of time.
    pub fn token_bucket(name: &str, quota: u64, window: Duration, burst: u64) -> Result<Self> {
        Self::build(name, quota, window, Algorithm::TokenBucket, burst)
    }

    /// The same limit counting another unit.
    #[must_use]
    pub fn with_unit(self, unit: Unit) -> Self {
        Self { unit, ..self }
    }

    fn build(name: &str, quota: u64, window: Duration, algorithm: Algorithm, burst: u64) -> Result<Self> {
        let wrong = |what: String| Err(Error::Policy(format!("limit `{name}`: {what}")));
        if !is_name(name) {
            return wrong(
                "a name starts with a lowercase letter and goes on in letters, digits, `_` and `-`".into(),
            );
        }
        if quota == 0 || burst == 0 {
            return wrong("a quota and a burst are at least 1".into());
        }
        if quota > MAX_BUCKET_QUOTA || burst > MAX_BUCKET_QUOTA {
            return wrong(format!("a quota and a burst are at most {MAX_BUCKET_QUOTA}"));
        }
        if window.is_zero() || window > MAX_WINDOW {
            return wrong(WRONG_WINDOW.into());
        }
        let window = duration_nanos(window);
        let limit =
            Self { name: name.to_owned(), quota, window, algorithm, burst, unit: Unit::default(), tick: 1 };
        let fill = limit.fill_nanos();
        if fill > duration_nanos(MAX_WINDOW) {
            return wrong(format!("a burst of {burst} takes more than 100 years to refill"));
        }
        match limit.tick_to_fill(fill) {
            Some(tick) => Ok(Self { tick, ..limit }),
            None => wrong(format!(
                "a burst of {burst} at {quota} per {window} ns cannot be counted exactly in 64 bits: use a quota with more zeros at its end, a rounder window or a smaller burst"
            )),
        }
    }

    /// Nanoseconds in which the limit gets back all that it holds, rounded up: a log's window.
    fn fill_nanos(&self) -> u64 {
        let fill = (u128::from(self.window) * u128::from(self.burst)).div_ceil(u128::from(self.quota));
        u64::try_from(fill).unwrap_or(u64::MAX)
    }

    /// The tick of a limit that gets back all it holds in `fill` nanoseconds.
    ///
    /// Not of its window: a bucket that is full again in a small part of it would be filled many times
    /// over by one tick, and all but one burst of that lost. Where a bucket's level cannot be counted
    /// in such ticks, it is in the first longer ones in which it can.
    fn tick_to_fill(&self, fill: u64) -> Option<u64> {
        let finest = tick_for(fill);
        let coarsest = finest.max(fill / LEAST_FILL_TICKS);
        let ticks = successors(Some(finest), |tick| tick.checked_mul(10));
        let countable =
            |tick: &u64| self.algorithm != Algorithm::TokenBucket || self.rate_by(*tick).is_some();
        ticks.take_while(|&tick| tick <= coarsest).find(countable)
    }

    /// The exact rate of a bucket as (units refilled per tick, units of one token).
    pub(crate) fn rate(&self) -> Option<(u64, u64)> {
        self.rate_by(self.tick)
    }

    /// The same in ticks of so many nanoseconds: quota · tick and window in nanoseconds without their
    /// common divisor. `None` if the first or a whole burst is beyond what a level can count.
    fn rate_by(&self, tick: u64) -> Option<(u64, u64)> {
        let (refill, token) = (u128::from(self.quota) * u128::from(tick), u128::from(self.window));
        let divisor = gcd(refill, token);
        let (refill, token) = (refill / divisor, token / divisor);
        let countable = refill <= MAX_UNITS && u128::from(self.burst) * token <= MAX_UNITS;
        countable.then_some(()).and_then(|()| Some((u64::try_from(refill).ok()?, u64::try_from(token).ok()?)))
    }

    /// The window of a log in ticks, rounded up; at most 2³⁰.
    pub(crate) fn window_ticks(&self) -> u64 {
        debug_assert!(self.window.div_ceil(self.tick) <= MAX_SPAN_TICKS);
        self.window.div_ceil(self.tick)
    }

    /// Nanoseconds per tick.
    pub(crate) fn tick_nanos(&self) -> u64 {
        self.tick
    }

    pub(crate) fn window_nanos(&self) -> u64 {
        self.window
    }

    /// The limit's name: `[a-z][a-z0-9_-]*`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Cost units per window; at least 1.
    #[must_use]
    pub fn quota(&self) -> u64 {
        self.quota
    }

    /// The window.
    #[must_use]
    pub fn window(&self) -> Duration {
        Duration::from_nanos(self.window)
    }

    /// How the limit counts.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The most that one call may cost: the burst of a token bucket, the quota of a log.
    #[must_use]
    pub fn capacity(&self) -> u64 {
        self.burst
    }

    /// What the quota counts.
    #[must_use]
    pub fn unit(&self) -> Unit {
        self.unit
    }

    /// The resolution at which this limit keeps time: the smallest power of ten of nanoseconds
    /// that is at least window/2³⁰ (100 ns for a minute, 100 µs for a day). For a bucket the time in
    /// which it fills counts in the window's place, and where its level could not be counted exactly
    /// in 64 bits it is a longer one, at most a thousandth of that time. Admissions are recorded
    /// rounded up and the present is rounded down: a unit is never free early, and late by less than
    /// two of these.
    #[must_use]
    pub fn resolution(&self) -> Duration {
        Duration::from_nanos(self.tick)
    }
}

/// Whether `name` may name a limit or a policy: a Structured Fields key without `*` and `.`.
pub(crate) fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-')
}

fn gcd(a: u128, b: u128) -> u128 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;
    const DAY: u64 = 86_400 * SECOND;

    fn bucket(quota: u64, window: u64, burst: u64) -> Result<Limit> {
        Limit::token_bucket("a", quota, Duration::from_nanos(window), burst)
    }

    /// The promise of `docs/policies.md`. Primes have the most units.
    #[test]
    fn a_hundred_million_million_per_unit_of_time_can_be_counted() {
        let small = [1, 1000, 1_000_000, SECOND, 60 * SECOND, 3600 * SECOND];
        let units = [&small[..], &[DAY, 7 * DAY, 30 * DAY, 360 * DAY]].concat();
        let quotas = [7, 1_000_003, 3_000_000_019, 999_999_999_989, 99_999_999_999_973, 100_000_000_000_000];
        for (window, quota) in units.into_iter().flat_map(|unit| quotas.map(|quota| (unit, quota))) {
            for burst in
                [1, 2, 10, 997, 1_000_003, quota - 1, quota].into_iter().filter(|&burst| burst <= quota)
            {
                let limit = bucket(quota, window, burst);
                assert!(limit.is_ok(), "{limit:?}");
            }
        }
    }

    #[test]
    fn the_tick_grows_until_the_units_fit() {
        for (quota, window, nanos) in [
            (2_400_000_001, SECOND, 10),
            (3_000_000_007, DAY, 1_000_000),
            (1_000_000_000_001, 30 * DAY, 10 * SECOND),
            (MAX_BUCKET_QUOTA, SECOND, 1_000_000),
            // Round numbers have few units: the tick is that of their window.
            (3_000_000_000, DAY, 100_000),
        ] {
            let limit = bucket(quota, window, quota).unwrap();
            assert_eq!(limit.resolution(), Duration::from_nanos(nanos), "{quota}");
        }
    }

    #[test]
    fn what_cannot_be_counted_says_what_to_change() {
        let error = bucket(9_007_199_254_740_881, SECOND, 9_007_199_254_740_881).unwrap_err().to_string();
        assert_eq!(
            error,
            "limit `a`: a burst of 9007199254740881 at 9007199254740881 per 1000000000 ns cannot be counted exactly in 64 bits: use a quota with more zeros at its end, a rounder window or a smaller burst"
        );
        assert!(bucket(9_007_199_254_740_000, SECOND, 9_007_199_254_740_000).is_ok());
        assert!(bucket(9_007_199_254_740_881, SECOND, 1_000_000_000).is_ok());
    }
}
