//! Where the present comes from. Knows nothing of limits or tables.
//!
//! Measured per reading on the machines that this was built on: `CLOCK_MONOTONIC_COARSE` 5 ns,
//! the raw time-stamp counter 11 ns, `CLOCK_MONOTONIC` 28 ns. The counter is not used: it is not
//! monotonic across the cores of every machine.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;

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

    /// Whether readings are Unix time by convention, rather than time since some boot.
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
#[derive(Clone, Default)]
pub struct ManualClock {
    shared: Arc<Manual>,
}

#[derive(Default)]
struct Manual {
    now: AtomicU64,
    listeners: Mutex<Vec<Weak<dyn Listener>>>,
}

/// Whoever waits for a manual clock to move.
pub(crate) trait Listener: Send + Sync {
    /// Called after every change of the time.
    fn clock_moved(&self);
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

    /// Tells `listener` of every change from now on, for as long as it lives.
    pub(crate) fn subscribe(&self, listener: Weak<dyn Listener>) {
        let mut listeners = self.shared.listeners.lock();
        listeners.retain(|listener| listener.strong_count() != 0);
        listeners.push(listener);
    }

    fn wake(&self) {
        let listeners = self.shared.listeners.lock().clone();
        listeners.iter().filter_map(Weak::upgrade).for_each(|listener| listener.clock_moved());
    }
}

impl fmt::Debug for ManualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ManualClock").field(&self.now()).finish()
    }
}

impl From<ManualClock> for Clock {
    fn from(clock: ManualClock) -> Self {
        Self::Manual(clock)
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
