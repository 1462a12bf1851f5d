//! The token bucket, without drift at any rate.
//!
//! The state is the *level* of what is owed, in units chosen so that both the refill of one tick
//! and one token are whole: with quota · tick / window = Q/T in lowest terms, a tick pays back Q
//! units and a token is T. From full, a greedy caller gets exactly ⌊burst + Q·t/T⌋ tokens in t ticks: no
//! division ever discards a remainder of the refill. What is lost is what finds the bucket full, and of
//! the tick in which it ceases to be so; [`Limit`](crate::Limit) chooses ticks that are short beside the
//! time in which it fills.

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
    /// Ticks of one step of [`Bucket::pending`].
    pub(crate) step: u64,
    /// Units of the most ticks that an admission is recorded after the present: never 0.
    pub(crate) most_unfinished: u64,
}

impl BucketRule {
    pub(crate) const WORDS: usize = 1;

    /// The rule of a bucket by a clock that lags up to `lag` ticks.
    pub(crate) fn new(refill: u64, token: u64, burst: u64, lag: u64) -> Self {
        let most = lag.saturating_add(1);
        Self {
            refill: Divisor::new(refill),
            token: Divisor::new(token),
            capacity: burst.saturating_mul(token),
            step: most.div_ceil(STEPS),
            most_unfinished: refill.saturating_mul(most).min(MAX_LEVEL),
        }
    }

    /// The reading of an empty bucket that is asked for as many tokens as it gets in so many ticks,
    /// rounded up.
    pub(crate) fn denial_for(&self, ticks: u64) -> Reading {
        let units = ticks.saturating_mul(self.refill.get()).min(MAX_LEVEL / 2);
        Reading([self.capacity, self.token.div_ceil(units).max(1)])
    }

    /// So many ticks as steps, rounded up: a refill that starts later is never early. There are at
    /// most [`STEPS`] in them, so nothing is divided.
    #[inline(always)]
    fn steps(&self, ticks: u64) -> u64 {
        u64::from(ticks > 0) + u64::from(ticks > self.step)
    }
}

/// Steps that the longest way from a reading to its record is divided into. More would leave fewer
/// bits for the level; so a refill starts up to half a lag late if the clock moves on in the meantime.
const STEPS: u64 = 2;

/// No level is above this, so that adding a whole burst (at most 2⁶¹) to one never overflows.
const MAX_LEVEL: u64 = (1 << PENDING_SHIFT) - 1;
const PENDING_SHIFT: u32 = 62;

/// The state of a bucket as of the tick of the entry's last admission: its *level*, the units that
/// are owed, and in the two highest bits what is *pending*.
///
/// The refill of a bucket that was full starts when the admission is *recorded*, up to some ticks
/// after the present one: `pending` says in how many steps. Until then nothing is paid back, and
/// nothing more is owed: a burst at once has its last token, whenever the clock moves on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bucket(u64);

impl Bucket {
    const FULL: Self = Self(0);

    #[inline(always)]
    fn new(level: u64, pending: u64) -> Self {
        Self(pending << PENDING_SHIFT | level)
    }

    /// Units owed.
    #[inline(always)]
    fn level(self) -> u64 {
        self.0 & MAX_LEVEL
    }

    /// Steps until the refill starts.
    #[inline(always)]
    fn pending(self) -> u64 {
        self.0 >> PENDING_SHIFT
    }

    /// Ticks until the refill starts.
    #[inline(always)]
    fn pending_ticks(self, rule: &BucketRule) -> u64 {
        self.pending() * rule.step
    }

    /// Ticks until so many `units` are paid back; 0 for none.
    fn until_paid(self, rule: &BucketRule, units: u64) -> u64 {
        if units == 0 { 0 } else { self.pending_ticks(rule) + rule.refill.div_ceil(units) }
    }

    /// Ticks until a settled bucket holds `tokens`; 0 if it does.
    fn until_holds(self, rule: &BucketRule, tokens: u64) -> u64 {
        let needed = self.level() + tokens * rule.token.get();
        self.until_paid(rule, needed.saturating_sub(rule.capacity))
    }

    /// The bucket just before an admission that is recorded `lead` ticks later. What is owed less
    /// than the refill up to then would be paid by then, and the rest of that refill lost.
    #[inline(always)]
    fn started(self, rule: &BucketRule, lead: impl FnOnce() -> u64) -> Self {
        // A bucket of which something is pending is above this too.
        if self.0 >= rule.most_unfinished {
            self
        } else if self.level() == 0 {
            Self::new(0, rule.steps(lead()))
        } else {
            let unfinished =
                lead().saturating_mul(rule.refill.get()).min(MAX_LEVEL.saturating_sub(rule.capacity));
            Self(self.0.max(unfinished))
        }
    }

    /// The bucket `idle` ticks after its last admission.
    #[inline(always)]
    fn settled(self, rule: &BucketRule, idle: u64) -> Self {
        let pending = self.pending_ticks(rule);
        if idle < pending {
            Self::new(self.level(), rule.steps(pending - idle))
        } else {
            let paid = (idle - pending).saturating_mul(rule.refill.get());
            Self(self.level().saturating_sub(paid))
        }
    }
}

impl Rule for BucketRule {
    type State = Bucket;

    #[inline(always)]
    fn words(&self) -> usize {
        Self::WORDS
    }

    #[inline(always)]
    fn empty(&self) -> Bucket {
        Bucket::FULL
    }

    #[inline(always)]
    fn read(&self, word: impl Fn(usize) -> u64) -> Bucket {
        Bucket(word(0))
    }

    #[inline(always)]
    fn write(&self, bucket: Bucket, mut word: impl FnMut(usize, u64)) {
        word(0, bucket.0);
    }

    #[inline(always)]
    fn counts_from_last(&self) -> bool {
        true
    }

    #[inline(always)]
    fn settle_at_once(&self, bucket: Bucket, ring: impl Ring, present: Present<'_>) -> Option<Bucket> {
        Some(self.settle(bucket, ring, present))
    }

    #[inline(always)]
    fn settle(&self, bucket: Bucket, _ring: impl Ring, present: Present<'_>) -> Bucket {
        bucket.settled(self, present.idle())
    }

    #[inline(always)]
    fn admits(&self, bucket: Bucket, cost: u64) -> bool {
        // More than a burst can be owed when the refill is fast: a cost of nothing passes all the same.
        cost == 0 || bucket.level() + cost * self.token.get() <= self.capacity
    }

    #[inline(always)]
    fn take(&self, bucket: Bucket, _ring: impl Ring, present: Present<'_>, cost: u64) -> Bucket {
        if cost == 0 {
            return bucket;
        }
        let started = bucket.started(self, || present.lead());
        Bucket(started.0 + cost * self.token.get())
    }

    fn give_back(&self, bucket: Bucket, _ring: impl Ring, cost: u64) -> Bucket {
        match bucket.level().saturating_sub(cost * self.token.get()) {
            0 => Bucket::FULL,
            level => Bucket::new(level, bucket.pending()),
        }
    }

    /// The bucket, and the cost that it denies.
    #[inline(always)]
    fn reading(&self, bucket: Bucket, _ring: impl Ring, denied: Option<u64>) -> Reading {
        Reading([bucket.0, denied.unwrap_or(0)])
    }

    fn outcome(&self, Reading([bucket, denied]): Reading, _now: u64) -> Outcome {
        let bucket = Bucket(bucket);
        let (remaining, _) = self.token.div_rem(self.capacity.saturating_sub(bucket.level()));
        let awaited = if denied == 0 { remaining + 1 } else { denied };
        Outcome {
            remaining,
            reset: bucket.until_paid(self, bucket.level()),
            next: if bucket.level() == 0 { 0 } else { bucket.until_holds(self, awaited) },
        }
    }

    #[inline(always)]
    fn spent_for(&self, bucket: Bucket, _present: Present<'_>) -> Option<u64> {
        (bucket.level() + self.token.get() > self.capacity).then(|| bucket.until_holds(self, 1))
    }

    #[inline(always)]
    fn next_slot(&self, _bucket: Bucket) -> Option<u32> {
        None
    }

    fn recovers_at(&self, bucket: Bucket, last: u64) -> Option<u64> {
        (bucket.level() != 0).then(|| last.saturating_add(bucket.until_paid(self, bucket.level())))
    }
}
