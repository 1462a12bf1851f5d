//! The token bucket: what is owed to it, in exact fractions of a token.
//!
//! A bucket of `burst` tokens gets back `quota` tokens in `window` nanoseconds. Counted in
//! `window`-ths of a token, that is `quota` of them at every nanosecond: whole numbers, at any
//! rate. The time of a call is rounded down to a whole tick; what it takes counts from the next
//! one, so that a tick's refill is never had twice. The refill of a bucket that was full starts
//! at the first whole tick after the call that takes from it.

use crate::limit::Limit;

/// What is owed to one bucket, and since when.
#[derive(Clone, Debug)]
pub struct Bucket {
    /// Nanoseconds.
    tick: u64,
    /// Fractions refilled at each tick.
    refill: u128,
    /// Fractions of one token.
    token: u128,
    /// Tokens of a full bucket.
    burst: u64,
    /// In fractions of a token.
    owed: u128,
    /// The tick at which that much was owed, and from which it is refilled.
    since: u64,
}

impl Bucket {
    /// A full bucket.
    #[must_use]
    pub fn new(limit: &Limit) -> Self {
        Self {
            tick: limit.tick(),
            refill: u128::from(limit.quota) * u128::from(limit.tick()),
            token: u128::from(limit.window),
            burst: limit.capacity(),
            owed: 0,
            since: 0,
        }
    }

    /// What is owed at `now`, after the refills since.
    fn owed(&self, now: u64) -> u128 {
        let ticks = (now / self.tick).saturating_sub(self.since);
        self.owed.saturating_sub(u128::from(ticks).saturating_mul(self.refill))
    }

    /// The whole tokens in it at `now`.
    #[must_use]
    pub fn remaining(&self, now: u64) -> u64 {
        let full = u128::from(self.burst) * self.token;
        let tokens = full.saturating_sub(self.owed(now)) / self.token;
        u64::try_from(tokens).unwrap_or(u64::MAX)
    }

    /// From `now` until it holds one whole token more; 0 if it holds all.
    #[must_use]
    pub fn next(&self, now: u64) -> u64 {
        let remaining = self.remaining(now);
        if remaining == self.burst { 0 } else { self.until_it_holds(now, remaining + 1) }
    }

    /// From `now` until it is full.
    #[must_use]
    pub fn reset(&self, now: u64) -> u64 {
        self.until_it_holds(now, self.burst)
    }

    /// From `now` until it holds `cost` tokens; 0 if it does, or if nothing is asked for.
    #[must_use]
    pub fn wait(&self, now: u64, cost: u64) -> u64 {
        if cost == 0 { 0 } else { self.until_it_holds(now, cost) }
    }

    /// From `now` to the start of the tick at which it holds `tokens`; 0 if it does.
    fn until_it_holds(&self, now: u64, tokens: u64) -> u64 {
        let may_be_owed = u128::from(self.burst - tokens) * self.token;
        let excess = self.owed(now).saturating_sub(may_be_owed);
        if excess == 0 {
            return 0;
        }
        let from = u128::from(self.since.max(now / self.tick));
        let then = (from + excess.div_ceil(self.refill)) * u128::from(self.tick);
        u64::try_from(then - u128::from(now)).unwrap_or(u64::MAX)
    }

    /// Takes `cost` tokens at `now`.
    pub fn take(&mut self, now: u64, cost: u64) {
        let owed = self.owed(now);
        let (tick, next) = (now / self.tick, now.div_ceil(self.tick));
        self.since = if owed == 0 { next } else { self.since.max(tick) };
        // What is taken between two ticks finds the refill of the tick before it, and must not
        // have that of the next before it ends: at least this much is owed.
        let unfinished = if self.since < next { self.refill } else { 0 };
        self.owed = owed.max(unfinished) + u128::from(cost) * self.token;
    }

    /// Puts `cost` tokens back; what does not fit is lost.
    pub fn give_back(&mut self, cost: u64) {
        self.owed = self.owed.saturating_sub(u128::from(cost) * self.token);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn refills_evenly_and_to_the_nanosecond() {
        let mut bucket = Bucket::new(&Limit::bucket("a", 3, SECOND, 3));
        bucket.take(0, 3);
        assert_eq!(bucket.wait(0, 1), 333_333_334);
        assert_eq!(bucket.remaining(333_333_333), 0);
        assert_eq!(bucket.remaining(333_333_334), 1);
        assert_eq!(bucket.reset(0), SECOND);
        assert_eq!(bucket.next(333_333_334), 333_333_333);
        assert_eq!(bucket.next(SECOND), 0);
    }

    #[test]
    fn what_is_put_back_never_overfills() {
        let mut bucket = Bucket::new(&Limit::bucket("a", 1, SECOND, 5));
        bucket.take(0, 2);
        bucket.give_back(4);
        assert_eq!((bucket.remaining(0), bucket.reset(0)), (5, 0));
    }

    #[test]
    fn a_burst_between_ticks_is_whole() {
        let mut bucket = Bucket::new(&Limit::bucket("a", 1, 60 * SECOND, 2));
        bucket.take(30, 1);
        assert_eq!(bucket.wait(60, 1), 0);
        bucket.take(60, 1);
        assert_eq!((bucket.remaining(99), bucket.wait(99, 1)), (0, 60 * SECOND + 1000 - 99));
    }

    /// Ten tokens a tick of 100 ns: a caller at 190 ns must not have the refill of 100..200 both
    /// as room for its cost and again at 200.
    #[test]
    fn a_ticks_refill_is_had_once() {
        let burst = 6_000_000_000;
        let mut bucket = Bucket::new(&Limit::bucket("a", burst, 60 * SECOND, burst));
        bucket.take(0, 11);
        assert_eq!(bucket.wait(190, burst - 1), 0);
        bucket.take(190, burst - 1);
        assert_eq!(bucket.remaining(200), 1, "all but one; the refill of 190..200 is lost to rounding");
    }

    /// The same rate with a burst that fills in 200 ns, so that time is counted in nanoseconds.
    #[test]
    fn a_small_burst_loses_nothing_on_a_long_window() {
        let mut bucket = Bucket::new(&Limit::bucket("a", 6_000_000_000, 60 * SECOND, 20));
        bucket.take(0, 11);
        bucket.take(190, 19);
        assert_eq!((bucket.remaining(190), bucket.remaining(200)), (1, 2));
    }
}
