//! The token bucket, without drift at any rate.
//!
//! The state is the *level* of what is owed, in units chosen so that both the refill of one tick
//! and one token are whole: with quota/window = Q/T in lowest terms, a tick pays back Q units and
//! a token is T. From full, a greedy caller gets exactly ⌊burst + Q·t/T⌋ tokens in t ticks: no
//! division ever discards a remainder of the refill.

use super::{Present, ticks};
use crate::decision::Outcome;
use crate::time::Divisor;

/// The constants of a bucket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BucketRule {
    /// Units paid back per tick.
    pub(crate) refill: Divisor,
    /// Units of one token.
    pub(crate) token: Divisor,
    /// Units of a whole burst; at most 2⁶¹.
    pub(crate) capacity: u64,
}

/// No level is above this, so that adding a whole burst (at most 2⁶¹) to one never overflows.
const MAX_LEVEL: u64 = 1 << 62;

/// The state of a bucket: the units owed as of the entry's last admission.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bucket {
    level: u64,
}

impl Bucket {
    /// A full bucket.
    pub(crate) const FULL: Self = Self { level: 0 };

    /// A bucket in its stored form, from a word that may hold anything.
    #[inline(always)]
    pub(crate) fn from_word(word: u64) -> Self {
        Self { level: word.min(MAX_LEVEL) }
    }

    #[inline(always)]
    pub(crate) fn to_word(self) -> u64 {
        self.level
    }

    /// The same bucket as of now.
    #[inline(always)]
    pub(crate) fn settle(self, rule: &BucketRule, present: Present) -> Self {
        let paid = present.idle.saturating_mul(rule.refill.get());
        Self { level: self.level.saturating_sub(paid) }
    }

    /// Whether a settled bucket holds `cost` tokens; at most a burst.
    #[inline(always)]
    pub(crate) fn admits(self, rule: &BucketRule, cost: u64) -> bool {
        self.level + cost * rule.token.get() <= rule.capacity || cost == 0
    }

    /// Whether a settled bucket holds no whole token.
    #[inline(always)]
    pub(crate) fn is_spent(self, rule: &BucketRule) -> bool {
        self.level + rule.token.get() > rule.capacity
    }

    /// Ticks until a settled bucket holds `tokens`.
    #[inline(always)]
    pub(crate) fn until_holds(self, rule: &BucketRule, tokens: u64) -> u32 {
        let needed = self.level + tokens * rule.token.get();
        ticks(rule.refill.div_ceil(needed.saturating_sub(rule.capacity)))
    }

    /// What a settled bucket says of itself when it does not deny.
    #[inline(always)]
    pub(crate) fn outcome(self, rule: &BucketRule) -> Outcome {
        let (remaining, part) = rule.token.div_rem(rule.capacity.saturating_sub(self.level));
        // With more than a burst owed, the next token is further away than one token's worth.
        let excess = self.level.saturating_sub(rule.capacity);
        let to_next = (rule.token.get() - part + excess).min(self.level);
        Outcome {
            remaining,
            reset: ticks(rule.refill.div_ceil(self.level)),
            next: ticks(rule.refill.div_ceil(to_next)),
        }
    }

    /// What a settled bucket says of itself when it denies `cost`.
    #[inline(always)]
    pub(crate) fn denial(self, rule: &BucketRule, cost: u64) -> Outcome {
        let (remaining, _) = rule.token.div_rem(rule.capacity.saturating_sub(self.level));
        let reset = ticks(rule.refill.div_ceil(self.level));
        Outcome { remaining, reset, next: self.until_holds(rule, cost) }
    }

    /// The settled bucket with `cost` tokens taken, which it holds.
    ///
    /// A full bucket starts to refill when the admission is recorded, not when the tick began.
    #[inline(always)]
    pub(crate) fn take(self, rule: &BucketRule, present: Present, cost: u64) -> Self {
        if cost == 0 {
            return self;
        }
        let owed = if self.level == 0 { present.lead.saturating_mul(rule.refill.get()) } else { self.level };
        Self { level: (owed.min(MAX_LEVEL) + cost * rule.token.get()).min(MAX_LEVEL) }
    }

    /// The bucket with `cost` tokens put back, up to full.
    pub(crate) fn give_back(self, rule: &BucketRule, cost: u64) -> Self {
        Self { level: self.level.saturating_sub(cost.saturating_mul(rule.token.get())) }
    }

    /// The tick at which the bucket is full, given the tick of the last admission; `None` if it
    /// is full already.
    pub(crate) fn recovers_at(self, rule: &BucketRule, last: u64) -> Option<u64> {
        (self.level != 0).then(|| last.saturating_add(rule.refill.div_ceil(self.level)))
    }
}
