//! The choice between the algorithms, where it is made while running.

use super::bucket::{Bucket, BucketRule};
use super::log::{Log, LogRule};
use super::{Outcome, Present, Reading, Ring, Rule};
use crate::limit::{Algorithm, Limit};
use crate::time::Tick;

/// Any of the algorithms.
#[derive(Clone, Copy, Debug)]
pub(crate) enum AnyRule {
    Log(LogRule),
    Bucket(BucketRule),
}

/// The state that belongs to an [`AnyRule`].
#[derive(Clone, Copy)]
pub(crate) enum AnyState {
    Log(Log),
    Bucket(Bucket),
}

/// Runs `$body` with the rule and, of the same algorithm, the state. A pair that does not match
/// is never made; it is taken for a state that counts nothing.
macro_rules! any {
    ($any:expr, $given:expr, $rule:ident, $state:ident, $wrap:ident => $body:expr) => {
        match $any {
            AnyRule::Log($rule) => {
                let $state = if let AnyState::Log(state) = $given { state } else { $rule.empty() };
                any!(@ $wrap, Log, $body)
            }
            AnyRule::Bucket($rule) => {
                let $state = if let AnyState::Bucket(state) = $given { state } else { $rule.empty() };
                any!(@ $wrap, Bucket, $body)
            }
        }
    };
    (@ wrapped, $variant:ident, $body:expr) => { AnyState::$variant($body) };
    (@ plain, $variant:ident, $body:expr) => { $body };
}

impl Rule for AnyRule {
    type State = AnyState;

    fn words(&self) -> usize {
        match self {
            Self::Log(rule) => rule.words(),
            Self::Bucket(rule) => rule.words(),
        }
    }

    fn empty(&self) -> AnyState {
        match self {
            Self::Log(rule) => AnyState::Log(rule.empty()),
            Self::Bucket(rule) => AnyState::Bucket(rule.empty()),
        }
    }

    fn read(&self, word: impl Fn(usize) -> u64) -> AnyState {
        match self {
            Self::Log(rule) => AnyState::Log(rule.read(word)),
            Self::Bucket(rule) => AnyState::Bucket(rule.read(word)),
        }
    }

    fn write(&self, state: AnyState, word: impl FnMut(usize, u64)) {
        any!(self, state, rule, state, plain => rule.write(state, word));
    }

    fn counts_from_last(&self) -> bool {
        match self {
            Self::Log(rule) => rule.counts_from_last(),
            Self::Bucket(rule) => rule.counts_from_last(),
        }
    }

    fn settle(&self, state: AnyState, ring: impl Ring, present: Present<'_>) -> AnyState {
        any!(self, state, rule, state, wrapped => rule.settle(state, ring, present))
    }

    fn settle_at_once(&self, state: AnyState, ring: impl Ring, present: Present<'_>) -> Option<AnyState> {
        Some(self.settle(state, ring, present))
    }

    fn admits(&self, state: AnyState, cost: u64) -> bool {
        any!(self, state, rule, state, plain => rule.admits(state, cost))
    }

    fn take(&self, state: AnyState, ring: impl Ring, present: Present<'_>, cost: u64) -> AnyState {
        any!(self, state, rule, state, wrapped => rule.take(state, ring, present, cost))
    }

    fn give_back(&self, state: AnyState, ring: impl Ring, cost: u64) -> AnyState {
        any!(self, state, rule, state, wrapped => rule.give_back(state, ring, cost))
    }

    fn reading(&self, state: AnyState, ring: impl Ring, denied: Option<u64>) -> Reading {
        any!(self, state, rule, state, plain => rule.reading(state, ring, denied))
    }

    fn outcome(&self, reading: Reading, now: u64) -> Outcome {
        match self {
            Self::Log(rule) => rule.outcome(reading, now),
            Self::Bucket(rule) => rule.outcome(reading, now),
        }
    }

    fn spent_for(&self, state: AnyState, present: Present<'_>) -> Option<u64> {
        any!(self, state, rule, state, plain => rule.spent_for(state, present))
    }

    fn next_slot(&self, state: AnyState) -> Option<u32> {
        any!(self, state, rule, state, plain => rule.next_slot(state))
    }

    fn recovers_at(&self, state: AnyState, last: u64) -> Option<u64> {
        any!(self, state, rule, state, plain => rule.recovers_at(state, last))
    }
}

impl AnyRule {
    /// Slots of the ring.
    pub(crate) fn ring_slots(&self) -> usize {
        match self {
            Self::Log(rule) => rule.ring_slots() as usize,
            Self::Bucket(_) => 0,
        }
    }

    /// How long the limit denies at most, in ticks: the window, or until a bucket is full.
    pub(crate) fn window(&self) -> u64 {
        match self {
            Self::Log(rule) => u64::from(rule.window),
            Self::Bucket(rule) => rule.refill.div_ceil(rule.capacity),
        }
    }

    /// What is said of a limit that denies for so many ticks, whatever its state.
    pub(crate) fn denial_for(&self, ticks: u64, now: u64) -> Reading {
        match self {
            Self::Log(rule) => rule.denial_for(ticks, now),
            Self::Bucket(rule) => rule.denial_for(ticks),
        }
    }

    /// The rule of a limit, by a clock that lags up to `lag` of its ticks.
    ///
    /// Quotas and windows fit: [`Limit`] has checked them.
    pub(crate) fn of(limit: &Limit, lag: u64) -> Self {
        match limit.algorithm() {
            Algorithm::SlidingWindowLog => Self::Log(LogRule {
                quota: u32::try_from(limit.quota()).unwrap_or(u32::MAX),
                window: u32::try_from(limit.window_ticks()).unwrap_or(u32::MAX),
                stale_nanos: Tick::new(limit.tick_nanos()).start(limit.window_ticks() + lag + 1),
            }),
            Algorithm::TokenBucket => {
                let (refill, token) = limit.rate().unwrap_or((1, 1));
                Self::Bucket(BucketRule::new(refill, token, limit.capacity(), lag))
            }
        }
    }
}
