//! What a call found: the numbers that every language shows.

use crate::limit::{Algorithm, Limit, Policy};

/// The state of one limit. All spans in nanoseconds from [`Decision::at`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// Whether it denies.
    pub violated: bool,
    /// Whole units left.
    pub remaining: u64,
    /// Until it has its full quota again if nothing more is sent.
    pub reset_after: u64,
    /// Until this cost can pass; 0 if it does.
    pub retry_after: u64,
    /// `t` of the IETF headers: the time for which `remaining` is promised.
    pub effective_window: u64,
}

impl Status {
    /// The state of a limit that has `remaining` units, gets the next one after `next`, and
    /// makes the caller wait for `wait` (0: it does not deny).
    pub(crate) fn new(limit: &Limit, remaining: u64, next: u64, reset_after: u64, wait: u64) -> Self {
        let effective_window = if wait > 0 { wait } else { effective_window(limit, remaining, next) };
        Self { violated: wait > 0, remaining, reset_after, retry_after: wait, effective_window }
    }
}

/// With nothing left, the time until one unit is free. Else the time in which what remains is
/// spent at the quota's own pace; for a log no less than the time until more is free.
fn effective_window(limit: &Limit, remaining: u64, next: u64) -> u64 {
    let pace = (u128::from(remaining) * u128::from(limit.window)).div_ceil(u128::from(limit.quota));
    let pace = u64::try_from(pace).unwrap_or(u64::MAX);
    match limit.algorithm {
        _ if remaining == 0 => next,
        Algorithm::SlidingWindowLog => pace.max(next),
        Algorithm::TokenBucket { .. } => pace,
    }
}

/// What a call found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether every limit admits.
    pub allowed: bool,
    /// The time that the limits were judged at: the caller's, or that of the key's latest
    /// admission where that is later.
    pub at: u64,
    /// The position of the limit that single-value headers speak of.
    pub reported: usize,
    /// On a denial, the longest wait of the limits that deny.
    pub retry_after: Option<u64>,
    /// One for each limit of the policy, in its order.
    pub limits: Vec<Status>,
}

impl Decision {
    pub(crate) fn new(policy: &Policy, at: u64, limits: Vec<Status>) -> Self {
        let retry_after = limits.iter().filter(|s| s.violated).map(|s| s.retry_after).max();
        let allowed = retry_after.is_none();
        let reported = match retry_after {
            Some(longest) => limits.iter().position(|s| s.violated && s.retry_after == longest),
            None if policy.tightest => tightest(policy, &limits),
            None => Some(0),
        };
        Self { allowed, at, reported: reported.unwrap_or(0), retry_after, limits }
    }

    /// The names of the limits that deny, in the policy's order.
    pub fn violated<'a>(&'a self, policy: &'a Policy) -> impl Iterator<Item = &'a str> {
        policy.limits.iter().zip(&self.limits).filter(|(_, s)| s.violated).map(|(l, _)| l.name.as_str())
    }
}

/// The limit with the smallest remaining fraction of its quota; of equal ones that of the
/// longest window; of equal ones the first.
fn tightest(policy: &Policy, limits: &[Status]) -> Option<usize> {
    let tighter = |(a, x): (&Limit, &Status), (b, y): (&Limit, &Status)| {
        let left = u128::from(x.remaining) * u128::from(b.quota);
        let right = u128::from(y.remaining) * u128::from(a.quota);
        left < right || (left == right && a.window > b.window)
    };
    let all = || policy.limits.iter().zip(limits);
    all().position(|one| !all().any(|other| tighter(other, one)))
}
