//! The token bucket, without drift at any rate.
//!
//! The state is the *level* of what is owed, in units chosen so that both the refill of one tick
//! and one token are whole: with quota · tick / window = Q/T in lowest terms, a tick pays back Q
//! units and a token is T. From full, a greedy caller gets exactly ⌊burst + Q·t/T⌋ tokens in t ticks: no
//! division ever discards a remainder of the refill.

use super::{Outcome, Present, Reading, Ring, Rule};
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
    /// Units of the most ticks that an admission is recorded after the present: never 0.
    pub(crate) most_unfinished: u64,
}

impl BucketRule {
    pub(crate) const WORDS: usize = 1;

    /// The reading of an empty bucket that is asked for all it can hold.
    pub(crate) fn denial_of_a_burst(&self) -> Reading {
        Reading([self.capacity, self.capacity / self.token.get()])
    }
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
    const FULL: Self = Self { level: 0, pending: 0 };

    #[inline(always)]
    fn from_word(word: u64) -> Self {
        Self { level: word & MAX_LEVEL, pending: (word >> PENDING_SHIFT) as u8 }
    }

    #[inline(always)]
    fn to_word(self) -> u64 {
        u64::from(self.pending) << PENDING_SHIFT | self.level
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

    /// Ticks until a settled bucket holds so many `tokens` that it does not hold now.
    fn until_holds(self, rule: &BucketRule, tokens: u64) -> u64 {
        let needed = self.level + tokens * rule.token.get();
        rule.refill.div_ceil(needed.saturating_sub(rule.capacity))
    }

    /// The bucket just before an admission. What is owed less than the refill up to the recorded
    /// time would be paid by then, and the rest of that refill lost.
    #[inline(always)]
    fn started(self, rule: &BucketRule, present: Present) -> Self {
        if self.level >= rule.most_unfinished {
            return self;
        }
        let unfinished = present.lead.saturating_mul(rule.refill.get()).min(MAX_LEVEL);
        if self.level != 0 || present.lead == 0 {
            return Self { level: self.level.max(unfinished), ..self };
        }
        Self { level: unfinished, pending: 1 + u8::from(present.lead > rule.lag) }
    }
}

impl Rule for BucketRule {
    type State = Bucket;

    #[inline(always)]
    fn empty(&self) -> Bucket {
        Bucket::FULL
    }

    #[inline(always)]
    fn read(&self, word: impl Fn(usize) -> u64) -> Bucket {
        Bucket::from_word(word(0))
    }

    #[inline(always)]
    fn write(&self, bucket: Bucket, mut word: impl FnMut(usize, u64)) {
        word(0, bucket.to_word());
    }

    #[inline(always)]
    fn settle(&self, bucket: Bucket, _ring: impl Ring, present: Present) -> Bucket {
        if present.idle == 0 {
            return bucket;
        }
        let paid = present.idle.saturating_mul(self.refill.get());
        Bucket { level: bucket.level.saturating_sub(paid), pending: 0 }
    }

    #[inline(always)]
    fn admits(&self, bucket: Bucket, cost: u64) -> bool {
        cost * self.token.get() <= bucket.free(self)
    }

    #[inline(always)]
    fn take(&self, bucket: Bucket, _ring: impl Ring, present: Present, cost: u64) -> Bucket {
        if cost == 0 {
            return bucket;
        }
        let started = bucket.started(self, present);
        Bucket { level: (started.level + cost * self.token.get()).min(MAX_LEVEL), ..started }
    }

    fn give_back(&self, bucket: Bucket, _ring: impl Ring, cost: u64) -> Bucket {
        let units = cost * self.token.get();
        if units >= bucket.owed(self) {
            Bucket::FULL
        } else {
            Bucket { level: bucket.level - units, ..bucket }
        }
    }

    /// The bucket, and the cost that it denies.
    #[inline(always)]
    fn reading(&self, bucket: Bucket, _ring: impl Ring, denied: Option<u64>) -> Reading {
        Reading([bucket.to_word(), denied.unwrap_or(0)])
    }

    fn outcome(&self, Reading([bucket, denied]): Reading, _now: u64) -> Outcome {
        let bucket = Bucket::from_word(bucket);
        let (remaining, _) = self.token.div_rem(bucket.free(self));
        let awaited = if denied == 0 { remaining + 1 } else { denied };
        Outcome {
            remaining,
            reset: self.refill.div_ceil(bucket.level),
            next: if bucket.level == 0 { 0 } else { bucket.until_holds(self, awaited) },
        }
    }

    #[inline(always)]
    fn spent_for(&self, bucket: Bucket, _present: Present) -> Option<u64> {
        (bucket.free(self) < self.token.get()).then(|| bucket.until_holds(self, 1))
    }

    fn recovers_at(&self, bucket: Bucket, last: u64) -> Option<u64> {
        (bucket.level != 0).then(|| last.saturating_add(self.refill.div_ceil(bucket.level)))
    }
}
