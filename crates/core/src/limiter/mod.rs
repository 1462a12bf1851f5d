//! The façade: a policy with its table of keys, a clock and a hash. What a user calls is here; the way
//! to a decision is in `decide`, and what an entry says is the table's affair.

mod acquire;
mod batch;
mod builder;
mod counters;
mod decide;
mod hash;
mod joint;
mod key;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, Weak};

use crate::clock::{Clock, Listener};
use crate::decision::{Decision, DecisionWords, Plan};
use crate::error::{Error, Result};
use crate::policy::{IntoPolicy, Policy};
use crate::table::{Same, Table};
use crate::time::{MAX_NANOS, Nanos};

use acquire::Waiters;
use builder::{Options, Parts};
use counters::Shards;
use decide::Stand;
use hash::KeyHash;

pub use builder::LimiterBuilder;
pub use counters::Counters;
pub use joint::{Joint, JointDecision, check_all};
pub use key::Key;

/// The longest key in bytes.
pub const MAX_KEY_BYTES: usize = 64 * 1024;

/// What happens to a new key when the table is full of keys that still count.
///
/// Whatever is chosen, no key that still counts is ever forgotten for another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OnFull {
    /// Newcomers share one entry, and so one quota, until there is room.
    #[default]
    Overflow,
    /// Newcomers are denied.
    Deny,
    /// Newcomers are admitted without being counted.
    Allow,
}

/// What a check says when the table cannot be had at that moment. It happens with a shared segment
/// only: the process that is writing to the key's entry has been stopped for longer than a check
/// waits, or the segment's file was cut short.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OnUnavailable {
    /// The request is denied: the quota is never exceeded.
    #[default]
    Deny,
    /// The request is admitted without being counted.
    Allow,
}

/// A policy with its table of keys.
///
/// Usable from any number of threads at once. Checks take no lock: a denial writes nothing, an
/// admission is one compare-and-swap.
///
/// ```
/// # fn main() -> tidegate::Result<()> {
/// let limiter = tidegate::Limiter::new("100/minute; 10/second token-bucket")?;
/// for n in 0..12 {
///     let decision = limiter.check("alice")?;
///     assert_eq!(decision.allowed(), n < 10);
/// }
/// assert!(limiter.allow("bob")?);
/// # Ok(())
/// # }
/// ```
pub struct Limiter {
    plan: Plan,
    table: Table,
    hash: KeyHash,
    clock: Clock,
    /// What is added to the clock's readings, in nanoseconds.
    epoch: u64,
    on_full: OnFull,
    on_unavailable: OnUnavailable,
    /// The largest cost that every limit could ever admit.
    most: u64,
    counters: Shards,
    waiters: Arc<Waiters>,
}

impl Limiter {
    /// A limiter with default options: room for 100,000 keys, the clock that suits the policy.
    ///
    /// # Errors
    /// A policy that cannot be read, or no memory for the table.
    pub fn new(policy: impl IntoPolicy) -> Result<Self> {
        Self::builder(policy).build()
    }

    /// The options of a limiter.
    pub fn builder(policy: impl IntoPolicy) -> LimiterBuilder {
        LimiterBuilder::new(policy)
    }

    fn assemble(policy: Policy, parts: Parts, options: Options) -> Self {
        let Parts { table, hash, clock, lag, epoch } = parts;
        let Options { on_full, on_unavailable } = options;
        let waiters = Arc::new(Waiters::default());
        if let Clock::Manual(clock) = &clock {
            let listener: Weak<Waiters> = Arc::downgrade(&waiters);
            clock.subscribe(listener as Weak<dyn Listener>);
        }
        let most = policy.limits().iter().map(crate::Limit::capacity).min().unwrap_or(0);
        let plan = Plan::new(policy, lag, clock.is_manual());
        let counters = Shards::new();
        Self { plan, table, hash, clock, epoch, on_full, on_unavailable, most, counters, waiters }
    }

    /// The policy.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        self.plan.policy()
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The present by this limiter's time: the clock's, and in a shared segment one that goes on
    /// from boot to boot of the machine (nanoseconds of Unix time, but for steps of the wall clock).
    #[must_use]
    pub fn now(&self) -> Nanos {
        Nanos::new(self.now_nanos())
    }

    /// How many keys can be counted at once: at least as many as were asked for.
    #[must_use]
    pub fn max_keys(&self) -> usize {
        self.table.capacity()
    }

    /// What has been admitted, denied, overflowed and reclaimed so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters.sum(self.policy().limits().len())
    }

    /// Decides about one unit for `key`, and takes it from every limit if all admit.
    ///
    /// # Errors
    /// An empty key or one longer than [`MAX_KEY_BYTES`].
    #[inline]
    pub fn check(&self, key: impl AsRef<[u8]>) -> Result<Decision<'_>> {
        self.check_one(key.as_ref())
    }

    /// Decides about `cost` units for `key`: all are taken from every limit, or nothing is.
    ///
    /// # Errors
    /// As for [`check`](Self::check); also a cost of 0, and one above what a limit ever admits.
    #[inline]
    pub fn check_n(&self, key: impl AsRef<[u8]>, cost: u64) -> Result<Decision<'_>> {
        if cost == 1 {
            return self.check_one(key.as_ref());
        }
        let tag = self.tag(key.as_ref())?;
        self.validate(cost)?;
        self.decide(tag, self.now_nanos(), Same(cost))
    }

    /// Decides as [`check_n`](Self::check_n) does, at a time that the caller gives in place of the
    /// clock's: for replaying what happened, and for tests. Times before the key's last admission
    /// count as that one. A coarse clock's lag is added all the same: choose the clock.
    ///
    /// # Errors
    /// As for [`check_n`](Self::check_n).
    pub fn check_at(&self, key: impl AsRef<[u8]>, cost: u64, now: Nanos) -> Result<Decision<'_>> {
        let tag = self.tag(key.as_ref())?;
        self.validate(cost)?;
        self.table.prefetch_preferred(tag);
        self.decide_near_cost(self.table.guess(tag), tag, bounded(now), cost)
    }

    /// Decides about a cost for each limit, in the policy's order: one request and 900 tokens,
    /// say. A limit whose cost is 0 has no say.
    ///
    /// ```
    /// # fn main() -> tidegate::Result<()> {
    /// let limiter = tidegate::Limiter::new("requests: 60/minute; tokens: 40000/minute token-bucket")?;
    /// assert!(limiter.check_costs("alice", &[1, 39_000])?.allowed());
    /// assert!(!limiter.check_costs("alice", &[1, 39_000])?.allowed());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As for [`check`](Self::check); also another number of costs than limits, costs that are
    /// all 0, and one above what its limit ever admits.
    pub fn check_costs(&self, key: impl AsRef<[u8]>, costs: &[u64]) -> Result<Decision<'_>> {
        let tag = self.tag(key.as_ref())?;
        self.validate_costs(costs)?;
        self.decide(tag, self.now_nanos(), costs)
    }

    /// Whether one unit for `key` is within every limit; taken if so. The same as
    /// [`check`](Self::check) for those who need no more than that, in less time.
    ///
    /// # Errors
    /// As for [`check`](Self::check).
    #[inline]
    pub fn allow(&self, key: impl AsRef<[u8]>) -> Result<bool> {
        self.allow_one(key.as_ref())
    }

    /// Whether `cost` units for `key` are within every limit; taken if so.
    ///
    /// # Errors
    /// As for [`check_n`](Self::check_n).
    #[inline]
    pub fn allow_n(&self, key: impl AsRef<[u8]>, cost: u64) -> Result<bool> {
        if cost == 1 { self.allow(key) } else { Ok(self.check_n(key, cost)?.allowed()) }
    }

    /// What a check of one unit would be told, with the numbers as they are now; takes nothing, not even
    /// room in the table.
    ///
    /// # Errors
    /// As for [`check`](Self::check); [`Error::Unavailable`] if the key's entry in a shared segment
    /// cannot be had.
    pub fn peek(&self, key: impl AsRef<[u8]>) -> Result<Decision<'_>> {
        let tag = self.tag(key.as_ref())?;
        match self.look(tag, self.now_nanos(), Same(1)) {
            (_, Stand::Unavailable { .. }) => Err(unavailable()),
            (decision, _) => Ok(decision),
        }
    }

    /// Gives `cost` units back to every limit of `key`: a log forgets its newest events, a bucket
    /// gets its tokens back, up to full. A key that counts nothing stays as it is; so does what was
    /// taken from the entry that keys without room share, since nobody can tell who took it.
    ///
    /// # Errors
    /// As for [`check_n`](Self::check_n); [`Error::Unavailable`] if the key's entry in a shared
    /// segment cannot be had.
    pub fn refund(&self, key: impl AsRef<[u8]>, cost: u64) -> Result<()> {
        let tag = self.tag(key.as_ref())?;
        self.validate(cost)?;
        self.changed(tag, self.table.give_back(tag, Same(cost)))
    }

    /// Gives a cost for each limit back, in the policy's order.
    ///
    /// # Errors
    /// As for [`check_costs`](Self::check_costs) and [`refund`](Self::refund).
    pub fn refund_costs(&self, key: impl AsRef<[u8]>, costs: &[u64]) -> Result<()> {
        let tag = self.tag(key.as_ref())?;
        self.validate_costs(costs)?;
        self.changed(tag, self.table.give_back(tag, costs))
    }

    /// Forgets what `key` has used, but not what it has taken from the entry that keys without room
    /// share.
    ///
    /// # Errors
    /// As for [`check`](Self::check) and [`refund`](Self::refund).
    pub fn reset(&self, key: impl AsRef<[u8]>) -> Result<()> {
        let tag = self.tag(key.as_ref())?;
        self.changed(tag, self.table.forget(tag))
    }

    /// What [`check_n`](Self::check_n) says of its arguments alone, for the queues of event loops: who
    /// asks for what can't be is told so, not let wait.
    #[doc(hidden)]
    pub fn validate_check(&self, key: impl AsRef<[u8]>, cost: u64) -> Result<()> {
        validate_key(key.as_ref())?;
        self.validate(cost)
    }

    /// As [`validate_check`](Self::validate_check), of [`check_costs`](Self::check_costs).
    #[doc(hidden)]
    pub fn validate_check_costs(&self, key: impl AsRef<[u8]>, costs: &[u64]) -> Result<()> {
        validate_key(key.as_ref())?;
        self.validate_costs(costs)
    }

    fn changed(&self, tag: u64, done: bool) -> Result<()> {
        self.waiters.wake(tag);
        if done { Ok(()) } else { Err(unavailable()) }
    }

    /// A decision of this limiter's, from its [`words`](Decision::words).
    #[doc(hidden)]
    #[must_use]
    pub fn decision_from(&self, words: &DecisionWords) -> Decision<'_> {
        Decision::from_words(&self.plan, words)
    }

    /// A handle to `key`, for those who decide about one key again and again: it is hashed and
    /// looked up once.
    ///
    /// # Errors
    /// As for [`check`](Self::check).
    pub fn key(&self, key: impl AsRef<[u8]>) -> Result<Key<'_>> {
        Ok(Key::new(self, self.tag(key.as_ref())?))
    }

    /// The present, within what the engine tells apart.
    #[inline(always)]
    fn now_nanos(&self) -> u64 {
        self.limiter_time(self.clock.now())
    }

    /// A reading of the clock as the limiter's time.
    #[inline(always)]
    fn limiter_time(&self, reading: Nanos) -> u64 {
        reading.get().saturating_add(self.epoch).min(MAX_NANOS)
    }

    /// The fingerprint that stands for a key. Two of a million live keys share one with a
    /// probability of 3·10⁻⁸.
    #[inline(always)]
    fn tag(&self, key: &[u8]) -> Result<u64> {
        validate_key(key)?;
        Ok(self.tag_of(key))
    }

    #[inline(always)]
    fn tag_of(&self, valid_key: &[u8]) -> u64 {
        // Zero is the tag of memory never written.
        self.hash.of(valid_key).max(1)
    }

    #[inline(always)]
    fn validate(&self, cost: u64) -> Result<()> {
        if cost.wrapping_sub(1) < self.most { Ok(()) } else { Err(self.bad_cost(cost)) }
    }

    fn validate_costs(&self, costs: &[u64]) -> Result<()> {
        let limits = self.policy().limits();
        if costs.len() != limits.len() {
            return Err(Error::CostCount { expected: limits.len(), given: costs.len() });
        }
        if costs.iter().all(|&cost| cost == 0) {
            return Err(Error::ZeroCost);
        }
        match limits.iter().zip(costs).find(|(limit, cost)| **cost > limit.capacity()) {
            Some((limit, &cost)) => Err(cost_above(limit, cost)),
            None => Ok(()),
        }
    }

    #[cold]
    fn bad_cost(&self, cost: u64) -> Error {
        let limit = self.policy().limits().iter().find(|limit| cost > limit.capacity());
        limit.map_or(Error::ZeroCost, |limit| cost_above(limit, cost))
    }
}

#[cfg(test)]
impl Limiter {
    pub(crate) fn tag_for_tests(&self, key: &str) -> u64 {
        self.tag_of(key.as_bytes())
    }

    pub(crate) fn table_for_tests(&self) -> &Table {
        &self.table
    }
}

impl fmt::Debug for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limiter")
            .field("policy", &self.policy().to_string())
            .field("max_keys", &self.max_keys())
            .field("clock", &self.clock)
            .field("on_full", &self.on_full)
            .finish_non_exhaustive()
    }
}

#[inline(always)]
fn bounded(now: Nanos) -> u64 {
    now.get().min(MAX_NANOS)
}

#[inline(always)]
fn validate_key(key: &[u8]) -> Result<()> {
    if key.is_empty() || key.len() > MAX_KEY_BYTES { Err(bad_key(key)) } else { Ok(()) }
}

#[cold]
fn bad_key(key: &[u8]) -> Error {
    if key.is_empty() { Error::EmptyKey } else { Error::KeyTooLong { len: key.len() } }
}

#[cold]
fn unavailable() -> Error {
    Error::Unavailable(
        "the key's entry cannot be had: the process that writes to it has been stopped, or the segment's file was cut short",
    )
}

#[cold]
fn cost_above(limit: &crate::Limit, cost: u64) -> Error {
    Error::CostAboveQuota { limit: limit.name().to_owned(), cost, most: limit.capacity() }
}
