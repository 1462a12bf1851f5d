//! What a check found: for every limit what remains, when it resets, when to try again. The
//! numbers are worked out when they are asked for, from what each algorithm read.

use std::fmt;
use std::time::Duration;

use crate::algorithm::any::AnyRule;
use crate::algorithm::{Outcome, Reading, Rule};
use crate::clock::unix_now;
use crate::limit::{Algorithm, Limit};
use crate::policy::{MAX_LIMITS, Policy, Report};
use crate::time::{Nanos, duration_nanos};

/// The readings of a policy's limits, in order; those beyond its limits mean nothing.
pub(crate) type Readings = [Reading; MAX_LIMITS];

/// What the engine found.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Verdict<R> {
    /// The present, or the entry's last admission where that is later.
    pub(crate) now: u64,
    /// Bit i: limit i denies.
    pub(crate) violated: u8,
    /// Of every limit.
    pub(crate) readings: R,
}

/// A decision as plain numbers, for languages whose memory can't hold what is borrowed from a limiter:
/// [`Decision::words`] gives them, and [`Limiter::decision_from`](crate::Limiter::decision_from) makes
/// the same decision of them again. What each means is the engine's own affair.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[doc(hidden)]
pub struct DecisionWords {
    /// Nanoseconds of the limiter's time.
    pub at: u64,
    /// Bits 0 to 7: the limits that deny; 8 to 15: which is reported; 16: whether the key is tracked.
    pub marks: u32,
    /// Of every limit, in the policy's order; those beyond its limits mean nothing.
    pub readings: [[u64; 2]; MAX_LIMITS],
}

/// What all decisions of one limiter have in common.
#[derive(Debug)]
pub(crate) struct Plan {
    policy: Policy,
    /// For every limit, in order.
    rules: Vec<AnyRule>,
    /// Whether the clock's readings are Unix time.
    wall_is_now: bool,
}

impl Plan {
    /// For a table that counts with this lag of its clock, whose readings are Unix time or not.
    pub(crate) fn new(policy: Policy, lag: Duration, wall_is_now: bool) -> Self {
        let lag = duration_nanos(lag);
        let rule = |limit: &Limit| AnyRule::of(limit, lag.div_ceil(limit.tick_nanos()));
        let rules = policy.limits().iter().map(rule).collect();
        Self { rules, wall_is_now, policy }
    }

    pub(crate) fn policy(&self) -> &Policy {
        &self.policy
    }
}

/// Allowed or not, and the state of every limit.
///
/// Borrowed from the limiter; `Copy`, and 160 bytes. The single-value accessors
/// speak of one limit: on an admission the policy's [`Report`] choice, on a denial the denying
/// limit with the longest wait.
///
/// ```
/// use std::time::Duration;
/// use tidegate::{Limiter, ManualClock};
///
/// # fn main() -> tidegate::Result<()> {
/// let limiter = Limiter::builder("2/minute").clock(ManualClock::new()).build()?;
/// let decision = limiter.check("alice")?;
/// assert!(decision.allowed());
/// assert_eq!((decision.limit(), decision.remaining()), (2, 1));
/// limiter.check("alice")?;
/// let denied = limiter.check("alice")?;
/// assert!(!denied.allowed());
/// assert_eq!(denied.retry_after(), Some(Duration::from_secs(60)));
/// assert_eq!(denied.violated().collect::<Vec<_>>(), ["minute"]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy)]
pub struct Decision<'a> {
    plan: &'a Plan,
    reported: u8,
    tracked: bool,
    verdict: Verdict<Readings>,
}

impl<'a> Decision<'a> {
    /// A decision for a key that the table counts or not. By value throughout, so that it is
    /// written once, where it is returned.
    #[inline(always)]
    pub(crate) fn new(plan: &'a Plan, tracked: bool, verdict: Verdict<Readings>) -> Self {
        let violated = verdict.violated;
        let several = violated & violated.wrapping_sub(1) != 0;
        let reported = if several || (violated == 0 && plan.policy.report() != Report::First) {
            Self { plan, reported: 0, tracked, verdict }.choose_reported()
        } else {
            // One limit denies, or none and the first is reported.
            (violated.trailing_zeros() & 7) as u8
        };
        Self { plan, reported, tracked, verdict }
    }

    /// A decision made again from its words. Words of no decision make one whose numbers mean nothing.
    pub(crate) fn from_words(plan: &'a Plan, words: &DecisionWords) -> Self {
        let readings = words.readings.map(Reading);
        Self {
            plan,
            reported: (words.marks >> 8) as u8 & 7,
            tracked: words.marks >> 16 & 1 == 1,
            verdict: Verdict { now: words.at, violated: words.marks as u8, readings },
        }
    }

    /// The decision as plain numbers.
    #[doc(hidden)]
    #[inline]
    #[must_use]
    pub fn words(&self) -> DecisionWords {
        let marks =
            u32::from(self.verdict.violated) | u32::from(self.reported) << 8 | u32::from(self.tracked) << 16;
        DecisionWords {
            at: self.verdict.now,
            marks,
            readings: self.verdict.readings.map(|reading| reading.0),
        }
    }

    /// Puts this decision in another's place, without the readings that mean nothing.
    #[doc(hidden)]
    #[inline]
    pub fn write_over(&self, other: &mut Self) {
        let limits = self.plan.rules.len();
        let Verdict { now, violated, readings } = &self.verdict;
        (other.plan, other.reported, other.tracked) = (self.plan, self.reported, self.tracked);
        (other.verdict.now, other.verdict.violated) = (*now, *violated);
        other.verdict.readings.iter_mut().zip(readings).take(limits).for_each(|(to, from)| *to = *from);
    }

    #[cold]
    fn choose_reported(self) -> u8 {
        let chosen = if self.verdict.violated != 0 {
            self.limits().enumerate().filter(|(_, s)| s.violated).max_by(|(i, a), (j, b)| {
                // On equal waits the earlier limit of the policy.
                a.retry_after.cmp(&b.retry_after).then(j.cmp(i))
            })
        } else {
            self.limits().enumerate().min_by(|(_, a), (_, b)| {
                // r/q as cross products, so that nothing is rounded.
                let left = u128::from(a.remaining) * u128::from(b.limit.quota());
                let right = u128::from(b.remaining) * u128::from(a.limit.quota());
                left.cmp(&right).then(b.limit.window().cmp(&a.limit.window()))
            })
        };
        chosen.map_or(0, |(i, _)| i as u8)
    }

    /// Of the reported limit: units left, and nanoseconds until it resets and until a denied cost can
    /// pass. The same as the accessors of these names, for languages that have no `Duration`.
    #[doc(hidden)]
    #[inline]
    #[must_use]
    pub fn reported_nanos(&self) -> (u64, u64, u64) {
        let (limit, Outcome { remaining, reset, next }) = self.reported_outcome();
        let after = |ticks| nanos_after(limit, self.verdict.now, ticks);
        (remaining, after(reset), if self.allowed() { 0 } else { after(next) })
    }

    /// Whether the request is within every limit.
    #[inline]
    #[must_use]
    pub fn allowed(&self) -> bool {
        self.verdict.violated == 0
    }

    /// The quota of the reported limit, in cost units per window.
    #[must_use]
    pub fn limit(&self) -> u64 {
        self.reported_outcome().0.quota()
    }

    /// Whole cost units that the reported limit has left.
    #[must_use]
    pub fn remaining(&self) -> u64 {
        self.reported_outcome().1.remaining
    }

    /// The time until the reported limit has its full quota again if nothing more is sent.
    #[must_use]
    pub fn reset_after(&self) -> Duration {
        let (limit, outcome) = self.reported_outcome();
        after(limit, self.verdict.now, outcome.reset)
    }

    /// On a denial, the time after which this very cost can pass: the longest wait over all
    /// denying limits. `None` when allowed.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        if self.allowed() {
            return None;
        }
        let (limit, outcome) = self.reported_outcome();
        Some(after(limit, self.verdict.now, outcome.next))
    }

    /// The names of the limits that deny, in the policy's order; empty when allowed.
    pub fn violated(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let violated = self.verdict.violated;
        let limits = self.policy().limits().iter().enumerate();
        limits.filter(move |(i, _)| violated >> i & 1 == 1).map(|(_, limit)| limit.name())
    }

    /// The limits that deny, as bits: bit i is limit i of the policy.
    #[must_use]
    pub fn violated_bits(&self) -> u64 {
        self.verdict.violated.into()
    }

    /// The state of every limit, in the policy's order.
    pub fn limits(&self) -> impl ExactSizeIterator<Item = LimitStatus<'a>> + use<'a> {
        let this = *self;
        self.policy().limits().iter().enumerate().map(move |(i, limit)| this.status(i, limit))
    }

    /// The limit that the single-value accessors speak of.
    #[must_use]
    pub fn reported(&self) -> LimitStatus<'a> {
        let (limit, outcome) = self.reported_outcome();
        self.status_of(usize::from(self.reported), limit, outcome)
    }

    /// The position of the reported limit in the policy.
    #[must_use]
    pub fn reported_index(&self) -> usize {
        usize::from(self.reported)
    }

    /// The policy that was applied.
    #[must_use]
    pub fn policy(&self) -> &'a Policy {
        self.plan.policy()
    }

    /// The limiter's time at which this was decided: its clock, or the entry's last admission
    /// where that was later.
    #[must_use]
    pub fn at(&self) -> Nanos {
        Nanos::new(self.verdict.now)
    }

    /// Whether the key has an entry of its own. `false` when the table was full and the limiter's
    /// [`OnFull`](crate::OnFull) choice decided instead.
    #[must_use]
    pub fn tracked(&self) -> bool {
        self.tracked
    }

    /// The Unix time that absolute headers count from: the wall clock, or the limiter's own
    /// time when its clock is a manual one.
    #[must_use]
    pub fn unix_time(&self) -> Duration {
        if self.plan.wall_is_now { Duration::from_nanos(self.verdict.now) } else { unix_now() }
    }

    /// The reported limit and its numbers, in its ticks.
    fn reported_outcome(&self) -> (&'a Limit, Outcome) {
        let index = usize::from(self.reported);
        let limits = self.policy().limits();
        match limits.get(index).or(limits.first()) {
            Some(limit) => (limit, self.outcome(index, limit)),
            None => unreachable!("a policy has at least one limit"),
        }
    }

    /// The numbers of one limit, in its ticks.
    fn outcome(&self, index: usize, limit: &Limit) -> Outcome {
        let now = self.verdict.now / limit.tick_nanos();
        match (self.plan.rules.get(index), self.verdict.readings.get(index)) {
            (Some(rule), Some(&reading)) => rule.outcome(reading, now),
            _ => Outcome::default(),
        }
    }

    fn status(&self, index: usize, limit: &'a Limit) -> LimitStatus<'a> {
        self.status_of(index, limit, self.outcome(index, limit))
    }

    fn status_of(&self, index: usize, limit: &'a Limit, outcome: Outcome) -> LimitStatus<'a> {
        let Outcome { remaining, reset, next } = outcome;
        let after = |ticks| after(limit, self.verdict.now, ticks);
        let violated = self.verdict.violated >> index & 1 == 1;
        let effective_window =
            if violated { after(next) } else { effective_window(limit, remaining, after(next)) };
        LimitStatus {
            limit,
            violated,
            remaining,
            reset_after: after(reset),
            effective_window,
            retry_after: if violated { after(next) } else { Duration::ZERO },
        }
    }
}

/// From `now` to the start of the tick that is `ticks` after the one `now` is in.
fn after(limit: &Limit, now: u64, ticks: u64) -> Duration {
    Duration::from_nanos(nanos_after(limit, now, ticks))
}

fn nanos_after(limit: &Limit, now: u64, ticks: u64) -> u64 {
    let into_tick = now % limit.tick_nanos();
    ticks.saturating_mul(limit.tick_nanos()).saturating_sub(into_tick)
}

/// ⌈remaining · window / quota⌉. Nearly always the product fits 64 bits, which divide much faster.
fn pace(remaining: u64, window: u64, quota: u64) -> u64 {
    match remaining.checked_mul(window) {
        Some(product) => product.div_ceil(quota),
        None => {
            let pace = (u128::from(remaining) * u128::from(window)).div_ceil(u128::from(quota));
            u64::try_from(pace).unwrap_or(u64::MAX)
        }
    }
}

/// The `t` of the IETF headers: the time for which `remaining` is promised.
///
/// A log: until the oldest event leaves, but no shorter than the quota's own pace for what
/// remains, so that r/t never invites a burst above q/w. A bucket: the time in which the
/// remaining tokens would refill. With nothing left, until the next unit is free.
fn effective_window(limit: &Limit, remaining: u64, next: Duration) -> Duration {
    if remaining == 0 {
        return next;
    }
    let pace = Duration::from_nanos(pace(remaining, limit.window_nanos(), limit.quota()));
    match limit.algorithm() {
        Algorithm::SlidingWindowLog => next.max(pace),
        Algorithm::TokenBucket => pace,
    }
}

impl fmt::Debug for Decision<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decision")
            .field("allowed", &self.allowed())
            .field("limits", &self.limits().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// The state of one limit after a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LimitStatus<'a> {
    /// The limit.
    pub limit: &'a Limit,
    /// Whether it denies.
    pub violated: bool,
    /// Whole cost units left. A refused cost takes nothing.
    pub remaining: u64,
    /// The time until it has its full quota again if nothing more is sent.
    pub reset_after: Duration,
    /// The time for which `remaining` holds: `t` of the IETF headers. On a denial by this limit,
    /// its `retry_after`.
    pub effective_window: Duration,
    /// The time after which this cost can pass this limit; zero if it can now.
    pub retry_after: Duration,
}
