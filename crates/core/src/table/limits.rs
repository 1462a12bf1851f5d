//! The limits of a policy as a type: every step of a check, over all of them at once.
//!
//! One limit and two limits are spelled out as types of their own, so that the compiler sees
//! which algorithms there are and keeps their states in registers; more go through a list whose
//! algorithms are looked up as it runs. All do the same.

use super::Region;
use super::entry::{Costs, Entry};
use super::sync::{AtomicU64, Ordering};
use crate::algorithm::bucket::{Bucket, BucketRule};
use crate::algorithm::log::{Log, LogRule};
use crate::algorithm::{Present, Ring, Rule};
use crate::decision::{Outcome, Outcomes};
use crate::policy::MAX_LIMITS;
use crate::time::Divisor;

/// One limit: its rule, and its place in an entry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Placed<R> {
    pub(super) rule: R,
    /// Nanoseconds per tick.
    pub(super) tick: Divisor,
    /// The window in ticks.
    pub(super) window: u32,
    /// The clock's lag in whole ticks.
    pub(super) lag: u64,
    /// First of its words in the entry.
    pub(super) word: usize,
    /// First of its slots among the entry's ring slots.
    pub(super) ring: usize,
}

/// The earliest time at which every limit admits a cost of 1, and which is the last to do so.
#[derive(Clone, Copy, Default)]
pub(crate) struct Passes {
    pub(super) at: u64,
    pub(super) blocker: u8,
}

/// All limits of a policy.
pub(crate) trait Limits {
    /// The settled states, and the present of each limit.
    type Steps: Copy;

    /// The states in an entry as of now, after an admission at `last`.
    fn settle(&self, entry: Entry<'_>, now: u64, last: u64) -> Self::Steps;

    /// Bit i: limit i denies.
    fn violated(&self, steps: &Self::Steps, costs: impl Costs) -> u8;

    /// What each limit says with nothing taken.
    fn report(
        &self,
        entry: Entry<'_>,
        steps: &Self::Steps,
        denied: impl Fn(usize) -> Option<u64> + Copy,
    ) -> Outcomes;

    /// Takes the costs and stores the states; says what each limit says then only if `FULL`.
    fn take<const FULL: bool>(
        &self,
        entry: Entry<'_>,
        steps: &Self::Steps,
        costs: impl Costs,
    ) -> (Passes, Outcomes);
}

/// The slots of one limit of one entry.
#[derive(Clone, Copy)]
pub(super) struct Events<'a> {
    region: &'a Region,
    start: usize,
}

impl Ring for Events<'_> {
    #[inline(always)]
    fn get(&self, index: u32) -> u32 {
        self.region.event(self.start + index as usize).load(Ordering::Relaxed)
    }

    #[inline(always)]
    fn set(&self, index: u32, event: u32) {
        self.region.event(self.start + index as usize).store(event, Ordering::Relaxed);
    }
}

/// One limit's settled state.
#[derive(Clone, Copy)]
pub(crate) struct Step<S> {
    state: S,
    present: Present,
}

impl<R: Rule> Placed<R> {
    #[inline(always)]
    fn events<'a>(&self, entry: Entry<'a>) -> Events<'a> {
        Events { region: entry.region, start: entry.ring + self.ring }
    }

    #[inline(always)]
    fn read(&self, entry: Entry<'_>) -> R::State {
        self.rule.read(|index| entry.word(self.word + index).load(Ordering::Relaxed))
    }

    #[inline(always)]
    fn write(&self, entry: Entry<'_>, state: R::State) {
        let store = |word: &AtomicU64, value| word.store(value, Ordering::Relaxed);
        self.rule.write(state, |index, value| store(entry.word(self.word + index), value));
    }

    /// The present in this limit's ticks, for an entry with an admission at `last`.
    #[inline(always)]
    pub(super) fn present(&self, now: u64, last: u64) -> Present {
        let (now, into_tick) = self.tick.div_rem(now);
        let (last, _) = self.tick.div_rem(last);
        Present { now, lead: self.lag + u64::from(into_tick != 0), idle: now.wrapping_sub(last) }
    }

    pub(super) fn give_back(&self, entry: Entry<'_>, cost: u64) {
        let state = self.rule.give_back(self.read(entry), self.events(entry), cost);
        self.write(entry, state);
    }

    /// When the limit has its full quota again; 0 if it has.
    pub(super) fn recovers_at(&self, entry: Entry<'_>, last: u64) -> u64 {
        let (last, _) = self.tick.div_rem(last);
        let tick = self.rule.recovers_at(self.read(entry), last);
        tick.map_or(0, |tick| tick.saturating_mul(self.tick.get()))
    }
}

/// The steps of one limit, the `index`-th of its policy.
impl<R: Rule> Placed<R> {
    #[inline(always)]
    fn settle(&self, entry: Entry<'_>, now: u64, last: u64) -> Step<R::State> {
        let present = self.present(now, last);
        Step { state: self.rule.settle(self.read(entry), self.events(entry), present), present }
    }

    #[inline(always)]
    fn denies(&self, step: &Step<R::State>, index: usize, costs: impl Costs) -> u8 {
        u8::from(!self.rule.admits(step.state, costs.of(index))) << index
    }

    #[inline(always)]
    fn outcome(&self, entry: Entry<'_>, step: &Step<R::State>, denied: Option<u64>) -> Outcome {
        let Step { state, present } = *step;
        match denied {
            None => self.rule.outcome(state, self.events(entry), present),
            Some(cost) => self.rule.denial(state, self.events(entry), present, cost),
        }
    }

    #[inline(always)]
    fn take<const FULL: bool>(
        &self,
        entry: Entry<'_>,
        step: &Step<R::State>,
        index: usize,
        costs: impl Costs,
    ) -> (Passes, Outcome) {
        let (events, present) = (self.events(entry), step.present);
        // What has left goes first: the ring may reuse its slots.
        self.write(entry, step.state);
        let state = self.rule.take(step.state, events, present, costs.of(index));
        self.write(entry, state);
        let outcome = if FULL { self.rule.outcome(state, events, present) } else { Outcome::NONE };
        let spent_for = self.rule.spent_for(state, events, present);
        let passes = spent_for.map_or(Passes::NOW, |ticks| Passes {
            at: (present.now + u64::from(ticks)).saturating_mul(self.tick.get()),
            blocker: index as u8,
        });
        (passes, outcome)
    }
}

impl Passes {
    const NOW: Self = Self { at: 0, blocker: 0 };

    #[inline(always)]
    fn and(self, other: Self) -> Self {
        if other.at > self.at { other } else { self }
    }
}

impl<R: Rule> Limits for Placed<R> {
    type Steps = Step<R::State>;

    #[inline(always)]
    fn settle(&self, entry: Entry<'_>, now: u64, last: u64) -> Self::Steps {
        self.settle(entry, now, last)
    }

    #[inline(always)]
    fn violated(&self, step: &Self::Steps, costs: impl Costs) -> u8 {
        self.denies(step, 0, costs)
    }

    #[inline(always)]
    fn report(
        &self,
        entry: Entry<'_>,
        step: &Self::Steps,
        denied: impl Fn(usize) -> Option<u64> + Copy,
    ) -> Outcomes {
        outcomes(self.outcome(entry, step, denied(0)), Outcome::NONE)
    }

    #[inline(always)]
    fn take<const FULL: bool>(
        &self,
        entry: Entry<'_>,
        step: &Self::Steps,
        costs: impl Costs,
    ) -> (Passes, Outcomes) {
        let (passes, outcome) = self.take::<FULL>(entry, step, 0, costs);
        (passes, outcomes(outcome, Outcome::NONE))
    }
}

impl<A: Rule, B: Rule> Limits for (Placed<A>, Placed<B>) {
    type Steps = (Step<A::State>, Step<B::State>);

    #[inline(always)]
    fn settle(&self, entry: Entry<'_>, now: u64, last: u64) -> Self::Steps {
        (self.0.settle(entry, now, last), self.1.settle(entry, now, last))
    }

    #[inline(always)]
    fn violated(&self, steps: &Self::Steps, costs: impl Costs) -> u8 {
        self.0.denies(&steps.0, 0, costs) | self.1.denies(&steps.1, 1, costs)
    }

    #[inline(always)]
    fn report(
        &self,
        entry: Entry<'_>,
        steps: &Self::Steps,
        denied: impl Fn(usize) -> Option<u64> + Copy,
    ) -> Outcomes {
        outcomes(self.0.outcome(entry, &steps.0, denied(0)), self.1.outcome(entry, &steps.1, denied(1)))
    }

    #[inline(always)]
    fn take<const FULL: bool>(
        &self,
        entry: Entry<'_>,
        steps: &Self::Steps,
        costs: impl Costs,
    ) -> (Passes, Outcomes) {
        let (passes, one) = self.0.take::<FULL>(entry, &steps.0, 0, costs);
        let (also, two) = self.1.take::<FULL>(entry, &steps.1, 1, costs);
        (passes.and(also), outcomes(one, two))
    }
}

/// By value, so that they are written once, where they are returned.
#[inline(always)]
fn outcomes(one: Outcome, two: Outcome) -> Outcomes {
    const NONE: Outcome = Outcome::NONE;
    [one, two, NONE, NONE, NONE, NONE, NONE, NONE]
}

/// Any of the algorithms.
#[derive(Clone, Copy, Debug)]
pub(crate) enum AnyRule {
    Log(LogRule),
    Bucket(BucketRule),
}

/// The state that belongs to an [`AnyRule`].
#[derive(Clone, Copy)]
pub(crate) enum AnyState {
    Log(Log),
    Bucket(Bucket),
}

/// Runs `$body` with the rule and, of the same algorithm, the state. A pair that does not match
/// is never made; it is taken for a state that counts nothing.
macro_rules! any {
    ($any:expr, $given:expr, $rule:ident, $state:ident, $wrap:ident => $body:expr) => {
        match $any {
            AnyRule::Log($rule) => {
                let $state = if let AnyState::Log(state) = $given { state } else { $rule.empty() };
                any!(@ $wrap, Log, $body)
            }
            AnyRule::Bucket($rule) => {
                let $state = if let AnyState::Bucket(state) = $given { state } else { $rule.empty() };
                any!(@ $wrap, Bucket, $body)
            }
        }
    };
    (@ wrapped, $variant:ident, $body:expr) => { AnyState::$variant($body) };
    (@ plain, $variant:ident, $body:expr) => { $body };
}

impl Rule for AnyRule {
    type State = AnyState;

    fn empty(&self) -> AnyState {
        match self {
            Self::Log(rule) => AnyState::Log(rule.empty()),
            Self::Bucket(rule) => AnyState::Bucket(rule.empty()),
        }
    }

    fn read(&self, word: impl Fn(usize) -> u64) -> AnyState {
        match self {
            Self::Log(rule) => AnyState::Log(rule.read(word)),
            Self::Bucket(rule) => AnyState::Bucket(rule.read(word)),
        }
    }

    fn write(&self, state: AnyState, word: impl FnMut(usize, u64)) {
        any!(self, state, rule, state, plain => rule.write(state, word));
    }

    fn settle(&self, state: AnyState, ring: impl Ring, present: Present) -> AnyState {
        any!(self, state, rule, state, wrapped => rule.settle(state, ring, present))
    }

    fn admits(&self, state: AnyState, cost: u64) -> bool {
        any!(self, state, rule, state, plain => rule.admits(state, cost))
    }

    fn take(&self, state: AnyState, ring: impl Ring, present: Present, cost: u64) -> AnyState {
        any!(self, state, rule, state, wrapped => rule.take(state, ring, present, cost))
    }

    fn give_back(&self, state: AnyState, ring: impl Ring, cost: u64) -> AnyState {
        any!(self, state, rule, state, wrapped => rule.give_back(state, ring, cost))
    }

    fn outcome(&self, state: AnyState, ring: impl Ring, present: Present) -> Outcome {
        any!(self, state, rule, state, plain => rule.outcome(state, ring, present))
    }

    fn denial(&self, state: AnyState, ring: impl Ring, present: Present, cost: u64) -> Outcome {
        any!(self, state, rule, state, plain => rule.denial(state, ring, present, cost))
    }

    fn spent_for(&self, state: AnyState, ring: impl Ring, present: Present) -> Option<u32> {
        any!(self, state, rule, state, plain => rule.spent_for(state, ring, present))
    }

    fn recovers_at(&self, state: AnyState, last: u64) -> Option<u64> {
        any!(self, state, rule, state, plain => rule.recovers_at(state, last))
    }
}

/// Any number of limits.
impl Limits for [Placed<AnyRule>] {
    type Steps = [Option<Step<AnyState>>; MAX_LIMITS];

    fn settle(&self, entry: Entry<'_>, now: u64, last: u64) -> Self::Steps {
        let mut limits = self.iter();
        std::array::from_fn(|_| limits.next().map(|limit| limit.settle(entry, now, last)))
    }

    fn violated(&self, steps: &Self::Steps, costs: impl Costs) -> u8 {
        let each = self.iter().zip(steps.iter().flatten()).enumerate();
        each.fold(0, |violated, (i, (limit, step))| violated | limit.denies(step, i, costs))
    }

    fn report(
        &self,
        entry: Entry<'_>,
        steps: &Self::Steps,
        denied: impl Fn(usize) -> Option<u64> + Copy,
    ) -> Outcomes {
        let mut outcomes = Outcomes::default();
        let each = self.iter().zip(steps.iter().flatten()).zip(&mut outcomes).enumerate();
        for (i, ((limit, step), outcome)) in each {
            *outcome = limit.outcome(entry, step, denied(i));
        }
        outcomes
    }

    fn take<const FULL: bool>(
        &self,
        entry: Entry<'_>,
        steps: &Self::Steps,
        costs: impl Costs,
    ) -> (Passes, Outcomes) {
        let mut outcomes = Outcomes::default();
        let mut passes = Passes::NOW;
        let each = self.iter().zip(steps.iter().flatten()).zip(&mut outcomes).enumerate();
        for (i, ((limit, step), outcome)) in each {
            let (also, taken) = limit.take::<FULL>(entry, step, i, costs);
            (passes, *outcome) = (passes.and(also), taken);
        }
        (passes, outcomes)
    }
}

/// The limits of a policy by the type that they are checked as.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    Log(Placed<LogRule>),
    Bucket(Placed<BucketRule>),
    LogLog((Placed<LogRule>, Placed<LogRule>)),
    LogBucket((Placed<LogRule>, Placed<BucketRule>)),
    BucketLog((Placed<BucketRule>, Placed<LogRule>)),
    BucketBucket((Placed<BucketRule>, Placed<BucketRule>)),
    Many,
}

impl Shape {
    pub(super) fn of(limits: &[Placed<AnyRule>]) -> Self {
        use AnyRule::{Bucket, Log};
        let place = |limit: &Placed<AnyRule>| *limit;
        match limits {
            [one] => match one.rule {
                Log(rule) => Self::Log(one.with(rule)),
                Bucket(rule) => Self::Bucket(one.with(rule)),
            },
            [one, two] => match (place(one).rule, place(two).rule) {
                (Log(a), Log(b)) => Self::LogLog((one.with(a), two.with(b))),
                (Log(a), Bucket(b)) => Self::LogBucket((one.with(a), two.with(b))),
                (Bucket(a), Log(b)) => Self::BucketLog((one.with(a), two.with(b))),
                (Bucket(a), Bucket(b)) => Self::BucketBucket((one.with(a), two.with(b))),
            },
            _ => Self::Many,
        }
    }
}

impl Placed<AnyRule> {
    fn with<R>(&self, rule: R) -> Placed<R> {
        let Self { tick, window, lag, word, ring, .. } = *self;
        Placed { rule, tick, window, lag, word, ring }
    }
}

/// Runs `$body` with the limits of `$layout` as their own type.
macro_rules! with_limits {
    ($layout:expr, $limits:ident => $body:expr) => {{
        use $crate::table::limits::Shape;
        match &$layout.shape {
            Shape::Log($limits) => $body,
            Shape::Bucket($limits) => $body,
            Shape::LogLog($limits) => $body,
            Shape::LogBucket($limits) => $body,
            Shape::BucketLog($limits) => $body,
            Shape::BucketBucket($limits) => $body,
            Shape::Many => {
                let $limits = &$layout.limits[..];
                $body
            }
        }
    }};
}
pub(crate) use with_limits;
