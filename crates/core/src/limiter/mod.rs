//! The façade: a policy with its table of keys. (Signatures; the engine follows.)

use std::time::Duration;

use crate::clock::{Clock, ManualClock};
use crate::decision::Decision;
use crate::error::Result;
use crate::policy::{IntoPolicy, Policy};
use crate::time::Nanos;

/// The longest key in bytes.
pub const MAX_KEY_BYTES: usize = 64 * 1024;

/// What happens to a new key when its part of the table is full of keys that still count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnFull {
    /// Newcomers share one entry and its quota.
    #[default]
    Overflow,
    /// Newcomers are denied.
    Deny,
    /// Newcomers are admitted uncounted.
    Allow,
}

/// What a limiter has done since it was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Calls admitted.
    pub admitted: u64,
    /// Calls denied, each counted for the reported limit, in the policy's order.
    pub denied: Vec<u64>,
    /// Calls of keys that found no room and were left to `OnFull`.
    pub overflowed: u64,
    /// Entries whose limits had recovered and whose place a new key took.
    pub reclaimed: u64,
}

/// A policy with its table of keys.
pub struct Limiter {
    policy: Policy,
}

/// Options of a limiter.
pub struct LimiterBuilder {
    policy: Result<Policy>,
}

/// A key that was looked up once.
pub struct Key<'a> {
    limiter: &'a Limiter,
}

/// One part of a joint check.
pub struct Joint<'a> {
    /// x
    pub limiter: &'a Limiter,
    /// x
    pub key: &'a [u8],
    /// x
    pub cost: u64,
}

/// All parts admit, or nothing is taken.
pub fn check_all<'a>(_parts: &[Joint<'a>]) -> Result<Vec<Decision<'a>>> {
    unimplemented!()
}

impl LimiterBuilder {
    /// x
    pub fn max_keys(self, _keys: usize) -> Self {
        self
    }
    /// x
    pub fn on_full(self, _on_full: OnFull) -> Self {
        self
    }
    /// `ManualClock` or `Clock`; chosen automatically otherwise
    pub fn clock(self, _clock: impl Into<Clock>) -> Self {
        self
    }
    /// x
    pub fn build(self) -> Result<Limiter> {
        Ok(Limiter { policy: self.policy? })
    }
}

impl From<ManualClock> for Clock {
    fn from(clock: ManualClock) -> Self {
        Self::Manual(clock)
    }
}

impl Limiter {
    /// x
    pub fn new(policy: impl IntoPolicy) -> Result<Self> {
        Self::builder(policy).build()
    }
    /// x
    pub fn builder(policy: impl IntoPolicy) -> LimiterBuilder {
        LimiterBuilder { policy: policy.into_policy() }
    }
    /// x
    pub fn policy(&self) -> &Policy {
        &self.policy
    }
    /// x
    pub fn check(&self, key: impl AsRef<[u8]>) -> Result<Decision<'_>> {
        self.check_n(key, 1)
    }
    /// x
    pub fn check_n(&self, _key: impl AsRef<[u8]>, _cost: u64) -> Result<Decision<'_>> {
        unimplemented!()
    }
    /// The same at a time that the caller gives.
    pub fn check_at(&self, _key: impl AsRef<[u8]>, _cost: u64, _now: Nanos) -> Result<Decision<'_>> {
        unimplemented!()
    }
    /// x
    pub fn check_costs(&self, _key: impl AsRef<[u8]>, _costs: &[u64]) -> Result<Decision<'_>> {
        unimplemented!()
    }
    /// x
    pub fn allow(&self, key: impl AsRef<[u8]>) -> Result<bool> {
        self.allow_n(key, 1)
    }
    /// x
    pub fn allow_n(&self, _key: impl AsRef<[u8]>, _cost: u64) -> Result<bool> {
        unimplemented!()
    }
    /// Calls `each(index, decision)` for every key, in order.
    pub fn check_many<K: AsRef<[u8]>>(&self, _keys: &[K], _cost: u64) -> Result<Vec<Decision<'_>>> {
        unimplemented!()
    }
    /// What a check of cost 1 would find; takes nothing.
    pub fn peek(&self, _key: impl AsRef<[u8]>) -> Result<Decision<'_>> {
        unimplemented!()
    }
    /// Gives back.
    pub fn refund(&self, _key: impl AsRef<[u8]>, _cost: u64) -> Result<()> {
        unimplemented!()
    }
    /// Gives back a cost per limit.
    pub fn refund_costs(&self, _key: impl AsRef<[u8]>, _costs: &[u64]) -> Result<()> {
        unimplemented!()
    }
    /// Forgets.
    pub fn reset(&self, _key: impl AsRef<[u8]>) -> Result<()> {
        unimplemented!()
    }
    /// Blocks until admitted or time-out; the decision is then the denial.
    pub fn acquire(&self, _key: impl AsRef<[u8]>, _cost: u64, _timeout: Duration) -> Result<Decision<'_>> {
        unimplemented!()
    }
    /// A handle.
    pub fn key(&self, _key: impl AsRef<[u8]>) -> Result<Key<'_>> {
        Ok(Key { limiter: self })
    }
    /// x
    pub fn counters(&self) -> Counters {
        Counters::default()
    }
}

impl Key<'_> {
    /// x
    pub fn check(&self) -> Decision<'_> {
        let _ = self.limiter;
        unimplemented!()
    }
}
