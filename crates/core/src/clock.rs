//! Where the present comes from. Knows nothing of limits or tables.
//!
//! Measured per reading on the machines that this was built on: `CLOCK_MONOTONIC_COARSE` 5 ns,
//! the raw time-stamp counter 11 ns, `CLOCK_MONOTONIC` 28 ns. The counter is not used: it is not
//! monotonic across the cores of every machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use parking_lot::{Condvar, Mutex};

use crate::time::{Nanos, duration_nanos};

/// The clock of a limiter.
///
/// All clocks that follow the system are monotonic and the same in every process of a machine.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Clock {
    /// The system's monotonic clock, exact to the nanosecond.
    Precise,
    /// The system's monotonic clock as of its last timer tick, up to [`Clock::lag`] in the past
    /// (4 ms on most systems) and several times cheaper to read. The lag is added to every window,
    /// so nothing is admitted early. Linux only; elsewhere the same as `Precise`.
    Coarse,
    /// Time that stands still until a test moves it.
    Manual(ManualClock),
}

impl Clock {
    /// The present, never later than the true time and at most [`lag`](Self::lag) before it.
    #[inline]
    #[must_use]
    pub fn now(&self) -> Nanos {
        match self {
            Self::Coarse => system::coarse(),
            Self::Precise => system::precise(),
            Self::Manual(clock) => clock.now(),
        }
    }

    /// How far in the past a reading can be.
    #[must_use]
    pub fn lag(&self) -> Duration {
        match self {
            Self::Coarse => system::coarse_resolution(),
            Self::Precise | Self::Manual(_) => Duration::ZERO,
        }
    }

    /// The Unix time at which `now` was read: the wall clock for the system's clocks, the
    /// reading itself for a manual one, whose epoch is taken as 1970.
    pub(crate) fn is_manual(&self) -> bool {
        matches!(self, Self::Manual(_))
    }
}

/// The present Unix time by the wall clock; zero for clocks set before 1970.
pub(crate) fn unix_now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO)
}

/// A clock for tests: it moves only when told to, and wakes those who wait on it.
///
/// Clones share one time. Its epoch counts as the Unix epoch where headers ask for a date.
///
/// ```
/// use std::time::Duration;
/// use tidegate::{Limiter, ManualClock};
///
/// # fn main() -> tidegate::Result<()> {
/// let clock = ManualClock::new();
/// let limiter = Limiter::builder("1/minute").clock(clock.clone()).build()?;
/// assert!(limiter.allow("alice")?);
/// assert!(!limiter.allow("alice")?);
/// clock.advance(Duration::from_secs(60));
/// assert!(limiter.allow("alice")?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct ManualClock {
    shared: Arc<Manual>,
}

#[derive(Debug, Default)]
struct Manual {
    now: AtomicU64,
    /// Guards nothing but the sleep itself: a waiter must not miss an advance between its look
    /// at the time and its wait.
    sleepers: Mutex<()>,
    moved: Condvar,
}

impl ManualClock {
    /// A clock at its epoch.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A clock at `now`.
    #[must_use]
    pub fn at(now: Nanos) -> Self {
        let clock = Self::new();
        clock.set(now);
        clock
    }

    /// The present of this clock.
    #[must_use]
    pub fn now(&self) -> Nanos {
        Nanos::new(self.shared.now.load(Ordering::Acquire))
    }

    /// Moves the time forward, saturating at the end of the range.
    pub fn advance(&self, by: Duration) {
        let _ = self.shared.now.fetch_update(Ordering::AcqRel, Ordering::Acquire, |now| {
            Some(now.saturating_add(duration_nanos(by)))
        });
        self.wake();
    }

    /// Sets the time, backwards too: what a limiter does with that is for tests to see.
    pub fn set(&self, now: Nanos) {
        self.shared.now.store(now.get(), Ordering::Release);
        self.wake();
    }

    fn wake(&self) {
        drop(self.shared.sleepers.lock());
        self.shared.moved.notify_all();
    }
}

#[cfg(target_os = "linux")]
mod system {
    use super::{Duration, Nanos};
    use rustix::time::{ClockId, Timespec, clock_getres, clock_gettime};

    #[inline]
    pub(super) fn precise() -> Nanos {
        nanos(clock_gettime(ClockId::Monotonic))
    }

    #[inline]
    pub(super) fn coarse() -> Nanos {
        nanos(clock_gettime(ClockId::MonotonicCoarse))
    }

    pub(super) fn coarse_resolution() -> Duration {
        Duration::from_nanos(nanos(clock_getres(ClockId::MonotonicCoarse)).get())
    }

    /// Neither field of a monotonic reading is ever negative.
    #[inline]
    fn nanos(time: Timespec) -> Nanos {
        Nanos::new((time.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(time.tv_nsec as u64))
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use super::{Duration, Nanos};
    use std::sync::OnceLock;
    use std::time::Instant;

    pub(super) fn precise() -> Nanos {
        static EPOCH: OnceLock<Instant> = OnceLock::new();
        Nanos::from(EPOCH.get_or_init(Instant::now).elapsed())
    }

    pub(super) fn coarse() -> Nanos {
        precise()
    }

    pub(super) fn coarse_resolution() -> Duration {
        Duration::ZERO
    }
}
