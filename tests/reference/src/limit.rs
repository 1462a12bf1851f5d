//! The plain data of a policy. Nothing is validated here: scenarios are right by construction.

/// How a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// At every instant the costs admitted in the last window sum to at most the quota.
    SlidingWindowLog,
    /// A bucket of `burst` tokens that refills evenly, quota per window.
    TokenBucket {
        /// The tokens of a full bucket.
        burst: u64,
    },
}

/// What a quota counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unit {
    /// The default.
    #[default]
    Requests,
    /// Bytes of content.
    ContentBytes,
    /// Requests under way at once.
    ConcurrentRequests,
}

impl Unit {
    /// As the notation and the headers have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::ContentBytes => "content-bytes",
            Self::ConcurrentRequests => "concurrent-requests",
        }
    }
}

/// `quota` cost units per `window` nanoseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Its name in headers.
    pub name: String,
    /// Cost units per window, at least 1.
    pub quota: u64,
    /// The window in nanoseconds, at least 1.
    pub window: u64,
    /// How it counts.
    pub algorithm: Algorithm,
    /// What it counts.
    pub unit: Unit,
}

/// Limits that are decided together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// In the order in which headers list them.
    pub limits: Vec<Limit>,
    /// Whether single-value headers report the tightest limit instead of the first.
    pub tightest: bool,
}

/// The most ticks that a limit counts over: they fit a signed 32-bit number twice.
const MOST_TICKS: u64 = 1 << 30;

/// The fewest ticks that fill a bucket, if they are longer than a nanosecond.
const LEAST_TICKS: u128 = 1000;

/// The most units that a bucket holds: what is owed is counted in 62 bits, twice over.
const MOST_UNITS: u128 = 1 << 61;

impl Limit {
    /// A sliding-window log.
    #[must_use]
    pub fn log(name: &str, quota: u64, window: u64) -> Self {
        Self {
            name: name.to_owned(),
            quota,
            window,
            algorithm: Algorithm::SlidingWindowLog,
            unit: Unit::Requests,
        }
    }

    /// A token bucket.
    #[must_use]
    pub fn bucket(name: &str, quota: u64, window: u64, burst: u64) -> Self {
        Self { algorithm: Algorithm::TokenBucket { burst }, ..Self::log(name, quota, window) }
    }

    /// The same limit counting another unit.
    #[must_use]
    pub fn counting(self, unit: Unit) -> Self {
        Self { unit, ..self }
    }

    /// The most that one call may cost: a log's quota, a bucket's burst.
    #[must_use]
    pub fn capacity(&self) -> u64 {
        match self.algorithm {
            Algorithm::SlidingWindowLog => self.quota,
            Algorithm::TokenBucket { burst } => burst,
        }
    }

    /// The nanoseconds in which this limit counts time: the smallest power of ten of which
    /// 2³⁰ cover the time in which all that it holds comes back, a log's window or the time in which a
    /// bucket fills. Of a bucket that has too many units to count then, the first power of ten with
    /// which it has not; but at least a thousand ticks fill it.
    #[must_use]
    pub fn tick(&self) -> u64 {
        let fill = (u128::from(self.window) * u128::from(self.capacity())).div_ceil(u128::from(self.quota));
        let mut tick = 1;
        while fill > u128::from(tick) * u128::from(MOST_TICKS) {
            tick *= 10;
        }
        while self.units(tick) > MOST_UNITS && fill >= u128::from(tick) * 10 * LEAST_TICKS {
            tick *= 10;
        }
        tick
    }

    /// What a bucket holds, in the largest units of which a token and the refill of a tick are whole
    /// numbers; nothing of a log, which counts no such units.
    fn units(&self, tick: u64) -> u128 {
        match self.algorithm {
            Algorithm::SlidingWindowLog => 0,
            Algorithm::TokenBucket { burst } => {
                let (window, refill) = (u128::from(self.window), u128::from(self.quota) * u128::from(tick));
                u128::from(burst) * window / common_divisor(window, refill)
            }
        }
    }

    /// The window in ticks, rounded up.
    #[must_use]
    pub fn window_ticks(&self) -> u64 {
        self.window.div_ceil(self.tick())
    }
}

fn common_divisor(a: u128, b: u128) -> u128 {
    if b == 0 { a } else { common_divisor(b, a % b) }
}

impl Policy {
    /// Limits of which single-value headers report the first.
    #[must_use]
    pub fn new(limits: Vec<Limit>) -> Self {
        Self { limits, tightest: false }
    }

    /// The same policy, reporting the tightest limit.
    #[must_use]
    pub fn reporting_tightest(self) -> Self {
        Self { tightest: true, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn ticks_are_those_of_the_design() {
        assert_eq!(Limit::log("a", 1, SECOND).tick(), 1);
        assert_eq!(Limit::log("a", 1, 60 * SECOND).tick(), 100);
        assert_eq!(Limit::log("a", 1, 86_400 * SECOND).tick(), 100_000);
        assert_eq!(Limit::log("a", 1, 1 << 30).tick(), 1);
        assert_eq!(Limit::log("a", 1, (1 << 30) + 1).tick(), 10);
        // A bucket that takes 100 s to fill counts as one of 100 s.
        assert_eq!(Limit::bucket("a", 10, SECOND, 1000).tick(), 100);
        // One that takes 8.64 µs counts as one of that, whatever its window.
        assert_eq!(Limit::bucket("a", 100_000_000_000, 86_400 * SECOND, 10).tick(), 1);
        // 2⁵³ · 5⁹ units at 1 ns, 2⁵³ · 5³ at 1 ms.
        assert_eq!(Limit::bucket("a", 1 << 53, SECOND, 1 << 53).tick(), 1_000_000);
    }
}
