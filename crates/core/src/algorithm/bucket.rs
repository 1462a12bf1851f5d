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
    /// The clock's lag in ticks.
    pub(crate) lag: u64,
}

/// No level is above this, so that adding a whole burst (at most 2⁶¹) to one never overflows.
const MAX_LEVEL: u64 = (1 << PENDING_SHIFT) - 1;
const PENDING_SHIFT: u32 = 62;

/// The state of a bucket: the units owed as of the tick of the entry's last admission.
///
/// The refill of a bucket that was full starts when the admission is *recorded*, up to some ticks
/// after the present one. The units of those ticks are part of the level as if owed, so that from
/// then on it falls in a straight line. Within the tick of that admission itself they are not owed
/// yet: `pending` says so, else a whole burst at once would be refused its last token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bucket {
    level: u64,
    /// Ticks of refill in the level that are still to come: 0 for none, 1 for the clock's lag, 2
    /// for one more.
    pending: u8,
}

impl Bucket {
    /// A full bucket.
    pub(crate) const FULL: Self = Self { level: 0, pending: 0 };

    /// A bucket in its stored form, from a word that may hold anything.
    #[inline(always)]
    pub(crate) fn from_word(word: u64) -> Self {
        Self { level: word & MAX_LEVEL, pending: (word >> PENDING_SHIFT) as u8 }
    }

    #[inline(always)]
    pub(crate) fn to_word(self) -> u64 {
        u64::from(self.pending) << PENDING_SHIFT | self.level
    }

    /// The same bucket as of now.
    #[inline(always)]
    pub(crate) fn settle(self, rule: &BucketRule, present: Present) -> Self {
        if present.idle == 0 {
            return self;
        }
        let paid = present.idle.saturating_mul(rule.refill.get());
        Self { level: self.level.saturating_sub(paid), pending: 0 }
    }

    /// Units that are owed at this moment.
    #[inline(always)]
    fn owed(self, rule: &BucketRule) -> u64 {
        if self.pending == 0 { self.level } else { self.owed_before_refill(rule) }
    }

    fn owed_before_refill(self, rule: &BucketRule) -> u64 {
        let ticks = rule.lag + u64::from(self.pending > 1);
        self.level.saturating_sub(ticks.saturating_mul(rule.refill.get()))
    }

    /// Units that are free at this moment.
    #[inline(always)]
    fn free(self, rule: &BucketRule) -> u64 {
        rule.capacity.saturating_sub(self.owed(rule))
    }

    /// Whether a settled bucket holds `cost` tokens; at most a burst.
    #[inline(always)]
    pub(crate) fn admits(self, rule: &BucketRule, cost: u64) -> bool {
        cost * rule.token.get() <= self.free(rule)
    }

    /// Whether a settled bucket holds no whole token.
    #[inline(always)]
    pub(crate) fn is_spent(self, rule: &BucketRule) -> bool {
        self.free(rule) < rule.token.get()
    }

    /// Ticks until a settled bucket that does not hold so many `tokens` does.
    #[inline(always)]
    pub(crate) fn until_holds(self, rule: &BucketRule, tokens: u64) -> u32 {
        let needed = self.level + tokens * rule.token.get();
        ticks(rule.refill.div_ceil(needed.saturating_sub(rule.capacity)))
    }

    /// What a settled bucket says of itself when it does not deny.
    #[inline(always)]
    pub(crate) fn outcome(self, rule: &BucketRule) -> Outcome {
        let (remaining, _) = rule.token.div_rem(self.free(rule));
        let full = self.level == 0;
        Outcome {
            remaining,
            reset: ticks(rule.refill.div_ceil(self.level)),
            next: if full { 0 } else { self.until_holds(rule, remaining + 1) },
        }
    }

    /// What a settled bucket says of itself when it denies `cost`.
    #[inline(always)]
    pub(crate) fn denial(self, rule: &BucketRule, cost: u64) -> Outcome {
        let (remaining, _) = rule.token.div_rem(self.free(rule));
        let reset = ticks(rule.refill.div_ceil(self.level));
        Outcome { remaining, reset, next: self.until_holds(rule, cost) }
    }

    /// The settled bucket with `cost` tokens taken, which it holds.
    #[inline(always)]
    pub(crate) fn take(self, rule: &BucketRule, present: Present, cost: u64) -> Self {
        if cost == 0 {
            return self;
        }
        let started = self.started(rule, present);
        Self { level: (started.level + cost * rule.token.get()).min(MAX_LEVEL), ..started }
    }

    /// The bucket just before an admission. What is owed less than the refill up to the recorded
    /// time would be paid by then, and the rest of that refill lost.
    #[inline(always)]
    fn started(self, rule: &BucketRule, present: Present) -> Self {
        let unfinished = present.lead.saturating_mul(rule.refill.get()).min(MAX_LEVEL);
        if self.level != 0 || present.lead == 0 {
            return Self { level: self.level.max(unfinished), ..self };
        }
        Self { level: unfinished, pending: 1 + u8::from(present.lead > rule.lag) }
    }

    /// The bucket with `cost` tokens put back, up to full.
    pub(crate) fn give_back(self, rule: &BucketRule, cost: u64) -> Self {
        let units = cost * rule.token.get();
        if units >= self.owed(rule) { Self::FULL } else { Self { level: self.level - units, ..self } }
    }

    /// The tick at which the bucket is full, given the tick of the last admission; `None` if it
    /// is full already.
    pub(crate) fn recovers_at(self, rule: &BucketRule, last: u64) -> Option<u64> {
        (self.level != 0).then(|| last.saturating_add(rule.refill.div_ceil(self.level)))
    }
}
