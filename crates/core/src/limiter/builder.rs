//! Making a limiter.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ahash::RandomState;

use super::hash::KeyHash;
use super::{Limiter, OnFull, OnUnavailable};
use crate::clock::Clock;
use crate::error::Result;
use crate::limit::Limit;
use crate::policy::{IntoPolicy, Policy};
use crate::table::Table;
use crate::time::duration_nanos;

/// Keys that a limiter has room for unless told otherwise.
const DEFAULT_MAX_KEYS: usize = 100_000;

/// The coarse clock is chosen when every limit admits this many of the clock's lags apart: what a lag
/// takes is then small beside the burst or the window that it is taken from.
const LAGS_PER_EMISSION: u64 = 16;

/// The same of a limit that holds a single unit: it is used up by every admission, and each waits for
/// the lag once more. Of 16 lags that took 8 % of the rate.
const LAGS_PER_SINGLE: u64 = 200;

/// The options of a [`Limiter`].
///
/// ```
/// use tidegate::{Clock, Limiter, OnFull};
///
/// # fn main() -> tidegate::Result<()> {
/// let limiter = Limiter::builder("500/day")
///     .max_keys(1_000_000)
///     .on_full(OnFull::Deny)
///     .clock(Clock::Precise)
///     .build()?;
/// assert!(limiter.max_keys() >= 1_000_000);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use]
pub struct LimiterBuilder {
    policy: Result<Policy>,
    max_keys: Option<usize>,
    on_full: OnFull,
    on_unavailable: OnUnavailable,
    clock: Option<Clock>,
    place: Place,
}

/// Where the table is to be.
#[derive(Debug)]
enum Place {
    Process,
    File(PathBuf),
    Anonymous,
}

impl LimiterBuilder {
    pub(super) fn new(policy: impl IntoPolicy) -> Self {
        Self {
            policy: policy.into_policy(),
            max_keys: None,
            on_full: OnFull::default(),
            on_unavailable: OnUnavailable::default(),
            clock: None,
            place: Place::Process,
        }
    }

    /// How many keys can be counted at once; 100,000 by default. This bounds the memory, which is
    /// reserved at once but used only as keys come.
    pub fn max_keys(self, max_keys: usize) -> Self {
        Self { max_keys: Some(max_keys), ..self }
    }

    /// What happens to a new key when the table is full of keys that still count.
    pub fn on_full(self, on_full: OnFull) -> Self {
        Self { on_full, ..self }
    }

    /// Shares the table with every process that opens the same file, in whatever language. The first
    /// one makes it. In `/dev/shm` it lasts until the machine restarts, on a disk beyond that.
    pub fn segment(self, path: impl Into<PathBuf>) -> Self {
        Self { place: Place::File(path.into()), ..self }
    }

    /// Shares the table with the processes that are forked from this one after it was made.
    pub fn anonymous_segment(self) -> Self {
        Self { place: Place::Anonymous, ..self }
    }

    /// What a check says when the table cannot be had; see [`OnUnavailable`].
    pub fn on_unavailable(self, on_unavailable: OnUnavailable) -> Self {
        Self { on_unavailable, ..self }
    }

    /// The clock. By default [`Clock::Coarse`] for policies whose limits all admit seldom enough
    /// that its lag does not matter, else [`Clock::Precise`]: window / quota is at least 16 lags, or
    /// 200 of a limit that holds a single unit (`burst=1`), which is late by the lag every time.
    pub fn clock(self, clock: impl Into<Clock>) -> Self {
        Self { clock: Some(clock.into()), ..self }
    }

    /// The limiter.
    ///
    /// # Errors
    /// A policy that cannot be read, a capacity of 0, no memory for the table; of a segment
    /// [`Error::Segment`](crate::Error::Segment) with what is wrong with it, and nothing about it is changed then.
    pub fn build(self) -> Result<Limiter> {
        let policy = self.policy?;
        let options = Options { on_full: self.on_full, on_unavailable: self.on_unavailable };
        let parts = match self.place {
            Place::Process => in_process(&policy, self.max_keys, self.clock),
            Place::File(path) => in_segment(&policy, self.max_keys, self.clock, Some(&path)),
            Place::Anonymous => in_segment(&policy, self.max_keys, self.clock, None),
        }?;
        Ok(Limiter::assemble(policy, parts, options))
    }
}

/// What a check does when the table cannot decide.
pub(super) struct Options {
    pub(super) on_full: OnFull,
    pub(super) on_unavailable: OnUnavailable,
}

/// A table, and what belongs to it.
pub(super) struct Parts {
    pub(super) table: Table,
    pub(super) hash: KeyHash,
    pub(super) clock: Clock,
    /// The lag of the clock that the table counts with.
    pub(super) lag: Duration,
    pub(super) epoch: u64,
}

fn in_process(policy: &Policy, max_keys: Option<usize>, clock: Option<Clock>) -> Result<Parts> {
    let clock = clock.unwrap_or_else(|| automatic_clock(policy));
    let lag = clock.lag();
    let table = Table::in_process(policy, max_keys.unwrap_or(DEFAULT_MAX_KEYS), lag)?;
    Ok(Parts { table, hash: KeyHash::Process(RandomState::new()), clock, lag, epoch: 0 })
}

#[cfg(all(target_os = "linux", not(loom)))]
fn in_segment(
    policy: &Policy,
    max_keys: Option<usize>,
    clock: Option<Clock>,
    path: Option<&Path>,
) -> Result<Parts> {
    use crate::store::segment::{self, Segment, Wanted};
    let default_clock = automatic_clock(policy);
    let wanted = Wanted { policy, max_keys, default_max_keys: DEFAULT_MAX_KEYS, clock, default_clock };
    let opened = match path {
        Some(path) => segment::open(path, &wanted),
        None => segment::anonymous(&wanted),
    };
    let Segment { table, hash, clock, lag, epoch } = opened?;
    Ok(Parts { table, hash: KeyHash::Segment(hash), clock, lag, epoch })
}

#[cfg(not(all(target_os = "linux", not(loom))))]
fn in_segment(
    _policy: &Policy,
    _max_keys: Option<usize>,
    _clock: Option<Clock>,
    path: Option<&Path>,
) -> Result<Parts> {
    let fault = crate::SegmentFault::Unsupported;
    Err(crate::Error::Segment { path: path.map(Path::to_owned), fault })
}

fn automatic_clock(policy: &Policy) -> Clock {
    let lag = duration_nanos(Clock::Coarse.lag());
    let coarse = lag > 0 && policy.limits().iter().all(|limit| is_slow(limit, lag));
    if coarse { Clock::Coarse } else { Clock::Precise }
}

/// Whether a limit admits so seldom that a lag does not matter to it.
fn is_slow(limit: &Limit, lag: u64) -> bool {
    let lags = if limit.capacity() == 1 { LAGS_PER_SINGLE } else { LAGS_PER_EMISSION };
    duration_nanos(limit.window()) / limit.quota() >= lag.saturating_mul(lags)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_lag_is_small_beside_what_it_is_taken_from() {
        const LAG: u64 = 4_000_000;
        for (policy, slow) in [
            ("15/second token-bucket", true),
            ("15/second token-bucket burst=2", true),
            ("16/second token-bucket", false),
            ("15/second token-bucket burst=1", false),
            ("10/second token-bucket burst=1", false),
            ("5/4 seconds token-bucket burst=1", true),
            ("1/100ms", false),
            ("1/second", true),
            ("10/second", true),
        ] {
            let policy: Policy = policy.parse().unwrap();
            assert!(policy.limits().iter().all(|limit| is_slow(limit, LAG) == slow), "{policy}");
        }
    }
}
