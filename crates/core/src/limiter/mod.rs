//! The façade: a policy with its table of keys, a clock and a hash. What a user calls is here;
//! how it is decided is the table's affair.

mod acquire;
mod batch;
mod builder;
mod counters;
mod joint;
mod key;

#[cfg(test)]
mod tests;

use std::fmt;
use std::hash::{BuildHasher, Hasher};
use std::sync::{Arc, Weak};
use std::time::Duration;

use ahash::RandomState;

use crate::clock::{Clock, Listener};
use crate::decision::{Decision, Plan, Readings, Verdict};
use crate::error::{Error, Result};
use crate::policy::{IntoPolicy, Policy};
use crate::table::{Admission, Attempt, Costs, Limits, One, Same, Table, Target, with_limits};
use crate::time::{MAX_NANOS, Nanos};

use acquire::Waiters;
use counters::Shards;

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
    hash: RandomState,
    clock: Clock,
    on_full: OnFull,
    /// The largest cost that every limit could ever admit.
    most: u64,
    counters: Shards,
    waiters: Arc<Waiters>,
}

/// A decision in the form that a call returns it: made in place, since it is too large to be moved
/// for nothing.
trait Answer<'a> {
    fn of(decision: Decision<'a>) -> Self;
}

impl<'a> Answer<'a> for Decision<'a> {
    #[inline(always)]
    fn of(decision: Decision<'a>) -> Self {
        decision
    }
}

impl<'a> Answer<'a> for Result<Decision<'a>> {
    #[inline(always)]
    fn of(decision: Decision<'a>) -> Self {
        Ok(decision)
    }
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

    fn assemble(policy: Policy, max_keys: usize, on_full: OnFull, clock: Clock) -> Result<Self> {
        let table = Table::in_process(&policy, max_keys, clock.lag())?;
        let waiters = Arc::new(Waiters::default());
        if let Clock::Manual(clock) = &clock {
            let listener: Weak<Waiters> = Arc::downgrade(&waiters);
            clock.subscribe(listener as Weak<dyn Listener>);
        }
        let most = policy.limits().iter().map(crate::Limit::capacity).min().unwrap_or(0);
        let (hash, counters) = (RandomState::new(), Shards::new());
        let plan = Plan::new(policy, &clock);
        Ok(Self { plan, table, hash, clock, on_full, most, counters, waiters })
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
        let tag = self.tag(key.as_ref())?;
        self.validate(cost)?;
        self.decide(tag, self.now(), Same(cost))
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
        self.decide(tag, bounded(now), Same(cost))
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
        self.decide(tag, self.now(), costs)
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
        Ok(self.check_n(key, cost)?.allowed())
    }

    /// What a check of one unit would be told, with the numbers as they are now; takes nothing.
    ///
    /// # Errors
    /// As for [`check`](Self::check).
    pub fn peek(&self, key: impl AsRef<[u8]>) -> Result<Decision<'_>> {
        let tag = self.tag(key.as_ref())?;
        let now = self.now();
        while let Some(target) = self.table.lookup(tag) {
            if let Some(verdict) = self.table.look(target, now, Same(1)) {
                return Ok(self.decision(verdict, true));
            }
        }
        Ok(self.decision(self.table.fresh(now, Same(1), false), true))
    }

    /// Gives `cost` units back to every limit of `key`: a log forgets its newest events, a bucket
    /// gets its tokens back, up to full. A key that counts nothing stays as it is.
    ///
    /// # Errors
    /// As for [`check_n`](Self::check_n).
    pub fn refund(&self, key: impl AsRef<[u8]>, cost: u64) -> Result<()> {
        let tag = self.tag(key.as_ref())?;
        self.validate(cost)?;
        self.table.give_back(tag, Same(cost));
        self.waiters.wake(tag);
        Ok(())
    }

    /// Gives a cost for each limit back, in the policy's order.
    ///
    /// # Errors
    /// As for [`check_costs`](Self::check_costs).
    pub fn refund_costs(&self, key: impl AsRef<[u8]>, costs: &[u64]) -> Result<()> {
        let tag = self.tag(key.as_ref())?;
        self.validate_costs(costs)?;
        self.table.give_back(tag, costs);
        self.waiters.wake(tag);
        Ok(())
    }

    /// Forgets what `key` has used.
    ///
    /// # Errors
    /// As for [`check`](Self::check).
    pub fn reset(&self, key: impl AsRef<[u8]>) -> Result<()> {
        let tag = self.tag(key.as_ref())?;
        self.table.forget(tag);
        self.waiters.wake(tag);
        Ok(())
    }

    /// Waits until `cost` units for `key` are admitted, at most for `timeout`. The decision is the
    /// admission, or the denial that stood when waiting ended. A wait that cannot end in time is
    /// not begun.
    ///
    /// Threads that wait for the same key are admitted in the order of their calls. Nothing polls.
    ///
    /// # Errors
    /// As for [`check_n`](Self::check_n).
    pub fn acquire(&self, key: impl AsRef<[u8]>, cost: u64, timeout: Duration) -> Result<Decision<'_>> {
        let tag = self.tag(key.as_ref())?;
        self.validate(cost)?;
        let deadline = self.clock.now() + timeout;
        let mut turn = self.waiters.enqueue(tag);
        loop {
            let now = self.clock.now();
            let left = deadline.saturating_since(now);
            if turn.is_first() || left.is_zero() {
                let decision: Decision<'_> = self.decide(tag, bounded(now), Same(cost));
                match decision.retry_after() {
                    Some(wait) if wait <= left => turn.sleep(&self.clock, wait),
                    _ => return Ok(decision),
                }
            } else {
                turn.sleep(&self.clock, left);
            }
        }
    }

    /// A handle to `key`, for those who decide about one key again and again: it is hashed and
    /// looked up once.
    ///
    /// # Errors
    /// As for [`check`](Self::check).
    pub fn key(&self, key: impl AsRef<[u8]>) -> Result<Key<'_>> {
        Ok(Key::new(self, self.tag(key.as_ref())?))
    }

    fn check_one(&self, key: &[u8]) -> Result<Decision<'_>> {
        let tag = self.tag(key)?;
        self.decide(tag, self.now(), One)
    }

    fn allow_one(&self, key: &[u8]) -> Result<bool> {
        let tag = self.tag(key)?;
        self.table.prefetch_preferred(tag);
        Ok(self.allow_near(self.table.guess(tag), tag, self.now()))
    }

    /// The present, within what the engine tells apart.
    #[inline(always)]
    fn now(&self) -> u64 {
        bounded(self.clock.now())
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
        let mut hasher = self.hash.build_hasher();
        hasher.write(valid_key);
        // Zero is the tag of memory never written.
        hasher.finish().max(1)
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

    /// The decision for a tag, counted, in the form that the caller returns.
    #[inline(always)]
    fn decide<'a, A: Answer<'a>>(&'a self, tag: u64, now: u64, costs: impl Costs) -> A {
        self.table.prefetch_preferred(tag);
        self.decide_near(self.table.guess(tag), tag, now, costs)
    }

    /// The decision for a tag whose entry is likely to be at `near`, counted.
    #[inline(always)]
    fn decide_near<'a, A: Answer<'a>>(
        &'a self,
        near: Option<Target>,
        tag: u64,
        now: u64,
        costs: impl Costs,
    ) -> A {
        with_limits!(self.table.layout, limits => self.decide_as(limits, near, tag, now, costs))
    }

    /// A function of its own for every type of limits, without a loop, and another for denials: in
    /// one function the compiler would prepare for all of them in advance.
    #[inline(never)]
    fn decide_as<'a, A: Answer<'a>, L: Limits + ?Sized>(
        &'a self,
        limits: &L,
        near: Option<Target>,
        tag: u64,
        now: u64,
        costs: impl Costs,
    ) -> A {
        let Some(target) = near else { return A::of(self.search_and_decide(tag, now, costs)) };
        match self.table.try_take(limits, target, now, costs) {
            Attempt::Decided(verdict) => {
                self.counters.admitted();
                A::of(self.decision(verdict.spread::<L>(), true))
            }
            Attempt::Other => self.deny_as(limits, target, now, costs),
            Attempt::Gone => A::of(self.search_and_decide(tag, now, costs)),
        }
    }

    /// The decision of an entry that seems to deny.
    #[inline(never)]
    fn deny_as<'a, A: Answer<'a>, L: Limits + ?Sized>(
        &'a self,
        limits: &L,
        target: Target,
        now: u64,
        costs: impl Costs,
    ) -> A {
        match self.table.try_deny(limits, target, now, costs) {
            Attempt::Decided(verdict) => {
                let decision = self.decision(verdict.spread::<L>(), true);
                self.counters.denied(decision.reported_index());
                A::of(decision)
            }
            _ => A::of(self.search_and_decide(target.tag, now, costs)),
        }
    }

    /// Yes or no to one unit for a tag whose entry is likely to be at `near`, counted.
    #[inline(always)]
    fn allow_near(&self, near: Option<Target>, tag: u64, now: u64) -> bool {
        if let Some(limit) = near.and_then(|target| self.table.denies(target, now)) {
            self.counters.denied(usize::from(limit));
            return false;
        }
        with_limits!(self.table.layout, limits => self.allow_as(limits, near, tag, now))
    }

    #[inline(never)]
    fn allow_as<L: Limits + ?Sized>(&self, limits: &L, near: Option<Target>, tag: u64, now: u64) -> bool {
        let Some(target) = near else { return self.search_and_decide(tag, now, One).allowed() };
        match self.table.try_take(limits, target, now, One) {
            Attempt::Decided(_) => {
                self.counters.admitted();
                true
            }
            // Which limit to count a denial for, the whole decision tells.
            Attempt::Other => self.deny_as::<Decision<'_>, L>(limits, target, now, One).allowed(),
            Attempt::Gone => self.search_and_decide(tag, now, One).allowed(),
        }
    }

    /// The decision for a tag whose entry is not where it is likely to be, or was written to by
    /// another thread at the same time, or that has none; counted.
    #[inline(never)]
    fn search_and_decide(&self, tag: u64, now: u64, costs: impl Costs) -> Decision<'_> {
        loop {
            let target = self.table.lookup(tag).or_else(|| self.place(tag, now));
            let tracked = target.is_some_and(|target| target.tag == tag);
            let verdict = match target {
                Some(target) => self.table.check(target, now, costs),
                None if self.on_full == OnFull::Allow => Some(self.table.fresh(now, costs, true)),
                None => Some(self.table.no_room(now)),
            };
            if let Some(verdict) = verdict {
                return self.counted(self.decision(verdict, tracked));
            }
        }
    }

    /// The entry that counts for a newcomer: its own, or the one that all without room share.
    /// `None` if it is not to be counted.
    fn place(&self, tag: u64, now: u64) -> Option<Target> {
        match self.table.admit(tag, now) {
            Admission::Placed { target, reclaimed } => {
                if reclaimed {
                    self.counters.reclaimed();
                }
                Some(target)
            }
            Admission::Full => {
                self.counters.overflowed();
                (self.on_full == OnFull::Overflow).then(|| self.table.overflow())
            }
        }
    }

    #[inline(always)]
    fn decision(&self, verdict: Verdict<Readings>, tracked: bool) -> Decision<'_> {
        Decision::new(&self.plan, tracked, verdict)
    }

    #[inline(always)]
    fn counted<'a>(&self, decision: Decision<'a>) -> Decision<'a> {
        if decision.allowed() {
            self.counters.admitted();
        } else {
            self.counters.denied(decision.reported_index());
        }
        decision
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
fn cost_above(limit: &crate::Limit, cost: u64) -> Error {
    Error::CostAboveQuota { limit: limit.name().to_owned(), cost, most: limit.capacity() }
}
