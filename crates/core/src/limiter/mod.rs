//! The façade: a policy with its table of keys, a clock and a hash. What a user calls is here;
//! how it is decided is the table's affair.

mod acquire;
mod batch;
mod builder;
mod counters;
mod hash;
mod joint;
mod key;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::clock::{Clock, Listener};
use crate::decision::{Decision, DecisionWords, Plan, Readings, Verdict};
use crate::error::{Error, Result};
use crate::policy::{IntoPolicy, Policy};
use crate::table::{self, Admission, Attempt, Costs, Limits, Miss, One, Same, Table, Target, with_limits};
use crate::time::{MAX_NANOS, Nanos};

use acquire::Waiters;
use builder::{Options, Parts};
use counters::Shards;
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

/// What stands for a key in a check.
enum Stand {
    Entry(Target),
    /// Nothing: it is not counted, and denied or not.
    Uncounted {
        denied: bool,
    },
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

    /// What a check of one unit would be told, with the numbers as they are now; takes nothing.
    ///
    /// # Errors
    /// As for [`check`](Self::check); [`Error::Unavailable`] if the key's entry in a shared segment
    /// cannot be had.
    pub fn peek(&self, key: impl AsRef<[u8]>) -> Result<Decision<'_>> {
        let tag = self.tag(key.as_ref())?;
        let now = self.now_nanos();
        while let Some(target) = self.table.lookup(tag) {
            match self.table.look(target, now, Same(1)) {
                Ok(verdict) => return Ok(self.decision(verdict, true)),
                Err(Miss::Gone) => {}
                Err(Miss::Unavailable) => return Err(unavailable()),
            }
        }
        Ok(self.decision(self.table.fresh(now, Same(1), false), true))
    }

    /// Gives `cost` units back to every limit of `key`: a log forgets its newest events, a bucket
    /// gets its tokens back, up to full. A key that counts nothing stays as it is.
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

    /// Forgets what `key` has used.
    ///
    /// # Errors
    /// As for [`check`](Self::check) and [`refund`](Self::refund).
    pub fn reset(&self, key: impl AsRef<[u8]>) -> Result<()> {
        let tag = self.tag(key.as_ref())?;
        self.changed(tag, self.table.forget(tag))
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

    /// Waits until `cost` units for `key` are admitted, at most for `timeout`. The decision is the
    /// admission, or the denial that stood when waiting ended. A wait that cannot end in time is
    /// not begun.
    ///
    /// Threads that wait for the same key are admitted in the order of their calls. Nothing polls.
    ///
    /// # Errors
    /// As for [`check_n`](Self::check_n).
    pub fn acquire(&self, key: impl AsRef<[u8]>, cost: u64, timeout: Duration) -> Result<Decision<'_>> {
        self.acquire_unless(key, cost, timeout, Duration::MAX, || false)
    }

    /// Waits as [`acquire`](Self::acquire) does, and looks every so often whether the wait was
    /// `cancelled`; then nothing is taken, and the decision is what [`peek`](Self::peek) says. No
    /// lock is held while it looks.
    ///
    /// # Errors
    /// As for [`acquire`](Self::acquire); if cancelled, as for [`peek`](Self::peek).
    pub fn acquire_unless(
        &self,
        key: impl AsRef<[u8]>,
        cost: u64,
        timeout: Duration,
        every: Duration,
        mut cancelled: impl FnMut() -> bool,
    ) -> Result<Decision<'_>> {
        let tag = self.tag(key.as_ref())?;
        self.validate(cost)?;
        let deadline = self.clock.now() + timeout;
        let mut turn = self.waiters.enqueue(tag);
        loop {
            let now = self.clock.now();
            let left = deadline.saturating_since(now);
            let mut wait = left;
            if turn.is_first() || left.is_zero() {
                let decision: Decision<'_> = self.decide(tag, self.limiter_time(now), Same(cost));
                match decision.retry_after() {
                    Some(due) if due <= left => wait = due,
                    _ => return Ok(decision),
                }
            }
            turn.sleep(&self.clock, wait, every);
            if turn.unlocked(&mut cancelled) {
                drop(turn);
                return self.peek(key);
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
        with_limits!(self.table.layout, limits => self.check_as(limits, key))
    }

    fn allow_one(&self, key: &[u8]) -> Result<bool> {
        with_limits!(self.table.layout, limits => self.allow_as(limits, key))
    }

    /// A function of its own for every type of limits, without a loop, and another for denials: in
    /// one function the compiler would prepare for all of them in advance.
    #[inline(never)]
    fn check_as<L: Limits + ?Sized>(&self, limits: &L, key: &[u8]) -> Result<Decision<'_>> {
        let tag = self.tag(key)?;
        self.table.prefetch_preferred(tag);
        let now = self.now_nanos();
        match self.table.guess(tag) {
            Some(target) => self.take_as(limits, target, now, One),
            None => Ok(self.search_and_decide(tag, now, One)),
        }
    }

    /// The same for a yes or no. That the key is looked up before the clock is read is faster here and
    /// slower there.
    #[inline(never)]
    fn allow_as<L: Limits + ?Sized>(&self, limits: &L, key: &[u8]) -> Result<bool> {
        let tag = self.tag(key)?;
        self.table.prefetch_preferred(tag);
        let near = self.table.guess(tag);
        let now = self.now_nanos();
        match near {
            Some(target) => Ok(self.allow_near(limits, target, now)),
            None => Ok(self.search_and_decide(tag, now, One).allowed()),
        }
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
        let Some(target) = near else { return A::of(self.search_and_decide(tag, now, costs)) };
        with_limits!(self.table.layout, limits => self.decide_as(limits, target, now, costs))
    }

    /// The same about one cost for all limits. It is nearly always 1, about which the compiler knows
    /// more.
    #[inline(always)]
    fn decide_near_cost<'a, A: Answer<'a>>(
        &'a self,
        near: Option<Target>,
        tag: u64,
        now: u64,
        cost: u64,
    ) -> A {
        if cost == 1 {
            self.decide_near(near, tag, now, One)
        } else {
            self.decide_near(near, tag, now, Same(cost))
        }
    }

    /// Out of line, since all types of limits meet where it is called.
    #[inline(never)]
    fn decide_as<'a, A: Answer<'a>, L: Limits + ?Sized>(
        &'a self,
        limits: &L,
        target: Target,
        now: u64,
        costs: impl Costs,
    ) -> A {
        self.take_as(limits, target, now, costs)
    }

    /// The decision of an entry that is likely to admit.
    #[inline(always)]
    fn take_as<'a, A: Answer<'a>, L: Limits + ?Sized>(
        &'a self,
        limits: &L,
        target: Target,
        now: u64,
        costs: impl Costs,
    ) -> A {
        if self.table.seems_spent(limits, target, now) {
            return self.deny_as(limits, target, now, costs);
        }
        match self.table.try_take(limits, target, now, costs) {
            Attempt::Decided(verdict) => {
                self.counters.admitted();
                A::of(self.decision(verdict.spread::<L>(), true))
            }
            Attempt::Other => self.deny_as(limits, target, now, costs),
            Attempt::Search => A::of(self.settle_and_decide(target, now, costs)),
            Attempt::Gone => A::of(self.search_and_decide(target.tag, now, costs)),
            Attempt::Raced => A::of(self.pause_and_decide(target.tag, now, costs)),
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
            Attempt::Search => A::of(self.settle_and_decide(target, now, costs)),
            _ => A::of(self.search_and_decide(target.tag, now, costs)),
        }
    }

    /// Yes or no to one unit of a key whose entry is likely to be the target, counted.
    #[inline(always)]
    fn allow_near<L: Limits + ?Sized>(&self, limits: &L, target: Target, now: u64) -> bool {
        if let Some(limit) = self.table.denies(limits, target, now) {
            self.counters.denied(usize::from(limit));
            return false;
        }
        match self.table.try_take(limits, target, now, One) {
            Attempt::Decided(_) => {
                self.counters.admitted();
                true
            }
            // Which limit to count a denial for, the whole decision tells.
            Attempt::Other => self.deny_as::<Decision<'_>, L>(limits, target, now, One).allowed(),
            Attempt::Search => self.settle_and_decide(target, now, One).allowed(),
            Attempt::Gone => self.search_and_decide(target.tag, now, One).allowed(),
            Attempt::Raced => self.pause_and_decide(target.tag, now, One).allowed(),
        }
    }

    /// The decision of a key's own entry that takes more than a quick look, counted.
    #[inline(never)]
    fn settle_and_decide(&self, target: Target, now: u64, costs: impl Costs) -> Decision<'_> {
        match self.table.check(target, now, costs) {
            Ok(verdict) => self.counted(self.decision(verdict, true)),
            Err(_) => self.search_and_decide(target.tag, now, costs),
        }
    }

    /// The decision for a tag whose entry another thread is writing to, counted.
    #[cold]
    fn pause_and_decide(&self, tag: u64, now: u64, costs: impl Costs) -> Decision<'_> {
        table::pause();
        self.search_and_decide(tag, now, costs)
    }

    /// The decision for a tag that has no entry, or whose entry is not where it is likely to be;
    /// counted.
    #[inline(never)]
    fn search_and_decide(&self, tag: u64, now: u64, costs: impl Costs) -> Decision<'_> {
        loop {
            let decided = match self.stand(tag, now) {
                Stand::Entry(target) => {
                    self.table.check(target, now, costs).map(|verdict| (verdict, target.tag == tag))
                }
                Stand::Uncounted { denied } => Ok((self.uncounted(denied, now, costs, true), false)),
            };
            let (verdict, tracked) = match decided {
                Ok(decided) => decided,
                Err(Miss::Gone) => continue,
                Err(Miss::Unavailable) => {
                    let denied = self.denies_unavailable();
                    (self.uncounted(denied, now, costs, true), false)
                }
            };
            return self.counted(self.decision(verdict, tracked));
        }
    }

    /// What stands for a key: its entry, given one if it has none; or the one that all without
    /// room share; or nothing.
    fn stand(&self, tag: u64, now: u64) -> Stand {
        if let Some(target) = self.table.lookup(tag) {
            return Stand::Entry(target);
        }
        match self.table.admit(tag, now) {
            Admission::Placed { target, reclaimed } => {
                if reclaimed {
                    self.counters.reclaimed();
                }
                Stand::Entry(target)
            }
            Admission::Full => {
                self.counters.overflowed();
                match self.on_full {
                    OnFull::Overflow => Stand::Entry(self.table.overflow()),
                    OnFull::Deny => Stand::Uncounted { denied: true },
                    OnFull::Allow => Stand::Uncounted { denied: false },
                }
            }
            Admission::Unavailable => Stand::Uncounted { denied: self.denies_unavailable() },
        }
    }

    /// Whether a key is denied whose entry cannot be had; counted.
    fn denies_unavailable(&self) -> bool {
        self.counters.unavailable();
        self.on_unavailable == OnUnavailable::Deny
    }

    /// The verdict on a key that is not counted.
    fn uncounted(&self, denied: bool, now: u64, costs: impl Costs, take: bool) -> Verdict<Readings> {
        if denied { self.table.no_room(now) } else { self.table.fresh(now, costs, take) }
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
