//! Time as the engine counts it: nanoseconds on a clock, and ticks on a limit's own scale.
//!
//! Knows nothing of clocks, limits or tables. Every operation here is total: it saturates or
//! is checked, so that no input can make it wrap.

use std::time::Duration;

/// A point in time: nanoseconds since the epoch of the clock that produced it.
///
/// The epoch is the clock's own affair (boot time for the monotonic clocks, 1970 for a
/// [`ManualClock`](crate::ManualClock) by convention); only differences mean something across
/// calls. A `u64` holds 584 years.
///
/// ```
/// use std::time::Duration;
/// use tidegate::Nanos;
///
/// let start = Nanos::from_secs(100);
/// assert_eq!(start + Duration::from_millis(1), Nanos::new(100_001_000_000));
/// assert_eq!(Nanos::new(5).saturating_since(Nanos::new(9)), Duration::ZERO);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nanos(u64);

impl Nanos {
    /// The clock's epoch.
    pub const ZERO: Self = Self(0);

    /// `nanos` nanoseconds after the epoch.
    #[must_use]
    pub const fn new(nanos: u64) -> Self {
        Self(nanos)
    }

    /// `secs` whole seconds after the epoch; saturates at the end of the range.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1_000_000_000))
    }

    /// The number of nanoseconds since the epoch.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The time from `earlier` to `self`, zero if `earlier` is the later one.
    #[must_use]
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl From<Duration> for Nanos {
    /// The point `since_epoch` after the epoch; saturates at the end of the range.
    fn from(since_epoch: Duration) -> Self {
        Self(duration_nanos(since_epoch))
    }
}

impl std::ops::Add<Duration> for Nanos {
    type Output = Self;

    /// Saturates at the end of the range.
    fn add(self, rhs: Duration) -> Self {
        Self(self.0.saturating_add(duration_nanos(rhs)))
    }
}

/// A duration in nanoseconds, saturating at `u64::MAX`.
pub(crate) fn duration_nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Division by a number that is known long before: a multiplication and one correction.
///
/// With m = ⌊(2⁶⁴−1)/d⌋ we have m ≥ (2⁶⁴−d)/d, so n·m/2⁶⁴ ≥ n/d − n/2⁶⁴ > n/d − 1: the high
/// half of n·m is the quotient or one less, for every n and d.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Divisor {
    value: u64,
    reciprocal: u64,
}

impl Divisor {
    /// A divisor of at least 1; zero is taken as 1.
    pub(crate) const fn new(value: u64) -> Self {
        let value = if value == 0 { 1 } else { value };
        Self { value, reciprocal: u64::MAX / value }
    }

    pub(crate) const fn get(self) -> u64 {
        self.value
    }

    /// Quotient and remainder of `n`.
    #[inline(always)]
    pub(crate) const fn div_rem(self, n: u64) -> (u64, u64) {
        let estimate = ((n as u128 * self.reciprocal as u128) >> 64) as u64;
        let rest = n.wrapping_sub(estimate.wrapping_mul(self.value));
        if rest >= self.value {
            (estimate.wrapping_add(1), rest.wrapping_sub(self.value))
        } else {
            (estimate, rest)
        }
    }

    /// The smallest number of whole divisors that is at least `n`.
    #[inline(always)]
    pub(crate) const fn div_ceil(self, n: u64) -> u64 {
        let (quotient, rest) = self.div_rem(n);
        quotient + (rest != 0) as u64
    }
}

/// The latest time that the engine tells apart: 292 years. Later ones count as this.
pub(crate) const MAX_NANOS: u64 = (1 << 63) - 1;

/// A limit's tick: a power of ten of nanoseconds, and how to divide a time by it.
///
/// For 10ᵏ = d > 1 with 2ˢ < d, m = ⌈2⁶⁴⁺ˢ/d⌉ is less than 2⁶⁴, and m·d = 2⁶⁴⁺ˢ + e with e < d.
/// So n·m/2⁶⁴⁺ˢ = n/d + n·e/(d·2⁶⁴⁺ˢ), which is above n/d by less than 1/d if n·e < 2⁶⁴⁺ˢ. That holds
/// for n < 2⁶³, since e < d ≤ 2ˢ⁺¹: one multiplication, nothing to correct.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tick {
    nanos: u64,
    reciprocal: u64,
    shift: u32,
}

impl Tick {
    pub(crate) const fn new(nanos: u64) -> Self {
        if nanos <= 1 {
            return Self { nanos: 1, reciprocal: 0, shift: 0 };
        }
        let shift = nanos.ilog2();
        let reciprocal = (1u128 << (64 + shift)).div_ceil(nanos as u128) as u64;
        Self { nanos, reciprocal, shift }
    }

    /// The tick that a time of at most [`MAX_NANOS`] is in.
    #[inline(always)]
    pub(crate) const fn of(self, nanos: u64) -> u64 {
        if self.nanos == 1 {
            return nanos;
        }
        (((nanos as u128 * self.reciprocal as u128) >> 64) as u64) >> self.shift
    }

    /// Whether the tick that `nanos` is in begins then.
    #[inline(always)]
    pub(crate) const fn starts_at(self, tick: u64, nanos: u64) -> bool {
        tick.wrapping_mul(self.nanos) == nanos
    }

    /// How many ticks after the one that `now` is in the first begins that `until` is not after.
    pub(crate) const fn ticks_until(self, now: u64, until: u64) -> u64 {
        let tick = self.of(until);
        (tick + !self.starts_at(tick, until) as u64).saturating_sub(self.of(now))
    }

    /// When a tick begins, saturating at the end of the range.
    #[inline(always)]
    pub(crate) const fn start(self, tick: u64) -> u64 {
        tick.saturating_mul(self.nanos)
    }
}

/// The longest span, in ticks, that a limit measures: twice it still fits an `i32`, which is
/// what lets an event be four bytes and its age one wrapping subtraction.
pub(crate) const MAX_SPAN_TICKS: u64 = 1 << 30;

/// The tick for a limit that measures spans up to `span_nanos`: the smallest power of ten of
/// nanoseconds of which [`MAX_SPAN_TICKS`] reach that far.
pub(crate) const fn tick_for(span_nanos: u64) -> u64 {
    let mut tick = 1u64;
    while span_nanos.div_ceil(tick) > MAX_SPAN_TICKS {
        tick *= 10;
    }
    tick
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn division_by_reciprocal_is_exact() {
        let interesting = [0, 1, 2, 3, 7, 10, 99, 100, 600_000_000, u64::MAX / 2, u64::MAX - 1, u64::MAX];
        for d in interesting.into_iter().filter(|&d| d != 0) {
            for n in interesting {
                for n in [n, n.wrapping_add(d), n.wrapping_sub(1), (n / d) * d] {
                    assert_eq!(Divisor::new(d).div_rem(n), (n / d, n % d), "{n} / {d}");
                    assert_eq!(Divisor::new(d).div_ceil(n), n.div_ceil(d), "{n} / {d}");
                }
            }
        }
    }

    #[test]
    fn every_time_falls_into_its_tick() {
        let ticks = (0..19).map(|k| 10u64.pow(k));
        for nanos in ticks {
            let tick = Tick::new(nanos);
            let edges = [0, nanos, nanos * 2, nanos * 7, MAX_NANOS / nanos * nanos, MAX_NANOS, 1 << 62];
            for n in edges.into_iter().flat_map(|n| [n.saturating_sub(1), n, (n + 1).min(MAX_NANOS)]) {
                assert_eq!(tick.of(n.min(MAX_NANOS)), n.min(MAX_NANOS) / nanos, "{n} / {nanos}");
            }
        }
    }

    #[test]
    fn ticks_follow_the_window() {
        assert_eq!(tick_for(1_000_000_000), 1);
        assert_eq!(tick_for(60_000_000_000), 100);
        assert_eq!(tick_for(86_400_000_000_000), 100_000);
        assert_eq!(tick_for(MAX_SPAN_TICKS), 1);
        assert_eq!(tick_for(MAX_SPAN_TICKS + 1), 10);
        assert!(u64::MAX.div_ceil(tick_for(u64::MAX)) <= MAX_SPAN_TICKS);
    }
}
