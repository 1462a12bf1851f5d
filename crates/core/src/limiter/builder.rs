//! Making a limiter.

use std::time::Duration;

use super::{Limiter, OnFull};
use crate::clock::Clock;
use crate::error::Result;
use crate::policy::{IntoPolicy, Policy};
use crate::time::duration_nanos;

/// Keys that a limiter has room for unless told otherwise.
const DEFAULT_MAX_KEYS: usize = 100_000;

/// The coarse clock is chosen when even the fastest limit admits this many of its ticks apart:
/// its lag is then lost in the window that it is added to.
const TICKS_PER_EMISSION: u64 = 16;

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
    max_keys: usize,
    on_full: OnFull,
    clock: Option<Clock>,
}

impl LimiterBuilder {
    pub(super) fn new(policy: impl IntoPolicy) -> Self {
        Self {
            policy: policy.into_policy(),
            max_keys: DEFAULT_MAX_KEYS,
            on_full: OnFull::default(),
            clock: None,
        }
    }

    /// How many keys can be counted at once; 100,000 by default. This bounds the memory, which is
    /// reserved at once but used only as keys come.
    pub fn max_keys(self, max_keys: usize) -> Self {
        Self { max_keys, ..self }
    }

    /// What happens to a new key when the table is full of keys that still count.
    pub fn on_full(self, on_full: OnFull) -> Self {
        Self { on_full, ..self }
    }

    /// The clock. By default [`Clock::Coarse`] for policies whose limits all admit seldom enough
    /// that its lag does not matter, else [`Clock::Precise`].
    pub fn clock(self, clock: impl Into<Clock>) -> Self {
        Self { clock: Some(clock.into()), ..self }
    }

    /// The limiter.
    ///
    /// # Errors
    /// A policy that cannot be read, a capacity of 0, no memory for the table.
    pub fn build(self) -> Result<Limiter> {
        let policy = self.policy?;
        let clock = self.clock.unwrap_or_else(|| automatic_clock(&policy));
        Limiter::assemble(policy, self.max_keys, self.on_full, clock)
    }
}

fn automatic_clock(policy: &Policy) -> Clock {
    let emission = policy.limits().iter().map(|limit| duration_nanos(limit.window()) / limit.quota()).min();
    let needed = duration_nanos(Clock::Coarse.lag()).saturating_mul(TICKS_PER_EMISSION);
    let coarse = Clock::Coarse.lag() > Duration::ZERO && emission.is_some_and(|emission| emission >= needed);
    if coarse { Clock::Coarse } else { Clock::Precise }
}
