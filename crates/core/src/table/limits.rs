//! The limits of a policy as a type: every step of a check, over all of them at once.
//!
//! One limit and two limits are spelled out as types of their own, so that the compiler sees
//! which algorithms there are and keeps their states in registers; more go through a list whose
//! algorithms are looked up as it runs. All do the same.

use super::Region;
use super::entry::{Costs, Entry};
use super::sync::{AtomicU64, Ordering, written_before};
use crate::algorithm::any::{AnyRule, AnyState};
use crate::algorithm::bucket::BucketRule;
use crate::algorithm::log::LogRule;
use crate::algorithm::{Present, Reading, Ring, Rule};
use crate::decision::{Readings, Verdict};
use crate::policy::MAX_LIMITS;
use crate::time::Tick;

/// One limit: its rule, and its place in an entry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Placed<R> {
    pub(super) rule: R,
    pub(super) tick: Tick,
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
    /// What each limit says.
    type Readings: Copy;

    /// Brings the ring slots near that the next admission is likely to write to.
    fn prefetch_rings(&self, entry: Entry<'_>);

    /// The readings in the form that all decisions keep them.
    fn spread(readings: Self::Readings) -> Readings;

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
    ) -> Self::Readings;

    /// Takes the costs, and stores the states and `now` as the time of this admission; what each
    /// limit says then.
    fn take(
        &self,
        entry: Entry<'_>,
        steps: &Self::Steps,
        now: u64,
        costs: impl Costs,
    ) -> (Passes, Self::Readings);
}

impl<R> Verdict<R> {
    /// The verdict in the form that all decisions keep it.
    #[inline(always)]
    pub(crate) fn spread<L: Limits<Readings = R> + ?Sized>(self) -> Verdict<Readings> {
        let Self { now, violated, readings } = self;
        Verdict { now, violated, readings: L::spread(readings) }
    }
}

/// The slots of one limit of one entry.
#[derive(Clone, Copy)]
pub(super) struct Events<'a> {
    region: &'a Region,
    start: usize,
}

impl Ring for Events<'_> {
    #[inline(always)]
    fn get(self, index: u32) -> u32 {
        self.region.event(self.start + index as usize).load(Ordering::Relaxed)
    }

    #[inline(always)]
    fn set(self, index: u32, event: u32) {
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
        // After the ring, and in the order in which the rule gives the words.
        written_before();
        let store = |word: &AtomicU64, value| {
            word.store(value, Ordering::Relaxed);
            written_before();
        };
        self.rule.write(state, |index, value| store(entry.word(self.word + index), value));
    }

    /// Stores a state on that side of the time of the admission where it belongs.
    #[inline(always)]
    fn store(&self, entry: Entry<'_>, state: R::State, side: Side) {
        if self.rule.counts_from_last() == (side == Side::AfterTime) {
            self.write(entry, state);
        }
    }

    #[inline(always)]
    pub(super) fn present(&self, now: u64, last: u64) -> Present {
        Present::new(self.tick, self.lag, now, last)
    }

    pub(super) fn give_back(&self, entry: Entry<'_>, cost: u64) {
        let state = self.rule.give_back(self.read(entry), self.events(entry), cost);
        self.write(entry, state);
    }

    /// Brings the ring slot near that the next admission is likely to write to.
    #[inline(always)]
    pub(super) fn prefetch_ring(&self, entry: Entry<'_>) {
        if let Some(slot) = self.rule.next_slot(self.read(entry)) {
            entry.region.prefetch_event(entry.ring + self.ring + slot as usize);
        }
    }

    /// When the limit has its full quota again; 0 if it has.
    pub(super) fn recovers_at(&self, entry: Entry<'_>, last: u64) -> u64 {
        let tick = self.rule.recovers_at(self.read(entry), self.tick.of(last));
        tick.map_or(0, |tick| self.tick.start(tick))
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
    fn reading(&self, entry: Entry<'_>, step: &Step<R::State>, denied: Option<u64>) -> Reading {
        self.rule.reading(step.state, self.events(entry), denied)
    }

    /// The state with the cost taken.
    #[inline(always)]
    fn taken(&self, entry: Entry<'_>, step: &Step<R::State>, index: usize, costs: impl Costs) -> R::State {
        self.rule.take(step.state, self.events(entry), step.present, costs.of(index))
    }

    /// What a state says of which a cost has just been taken.
    #[inline(always)]
    fn after(&self, entry: Entry<'_>, state: R::State, present: Present, index: usize) -> (Passes, Reading) {
        let passes = self.rule.spent_for(state, present).map_or(Passes::NOW, |ticks| Passes {
            at: self.tick.start(present.now + ticks),
            blocker: index as u8,
        });
        (passes, self.rule.reading(state, self.events(entry), None))
    }
}

/// The two sides of the store of an admission's time.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    BeforeTime,
    AfterTime,
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
    type Readings = Reading;

    #[inline(always)]
    fn prefetch_rings(&self, entry: Entry<'_>) {
        self.prefetch_ring(entry);
    }

    #[inline(always)]
    fn spread(reading: Reading) -> Readings {
        spread(reading, Reading::NONE)
    }

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
    ) -> Self::Readings {
        self.reading(entry, step, denied(0))
    }

    #[inline(always)]
    fn take(
        &self,
        entry: Entry<'_>,
        step: &Self::Steps,
        now: u64,
        costs: impl Costs,
    ) -> (Passes, Self::Readings) {
        let state = self.taken(entry, step, 0, costs);
        self.store(entry, state, Side::BeforeTime);
        entry.store_last(now);
        self.store(entry, state, Side::AfterTime);
        self.after(entry, state, step.present, 0)
    }
}

impl<A: Rule, B: Rule> Limits for (Placed<A>, Placed<B>) {
    type Steps = (Step<A::State>, Step<B::State>);
    type Readings = (Reading, Reading);

    #[inline(always)]
    fn prefetch_rings(&self, entry: Entry<'_>) {
        self.0.prefetch_ring(entry);
        self.1.prefetch_ring(entry);
    }

    #[inline(always)]
    fn spread((one, two): (Reading, Reading)) -> Readings {
        spread(one, two)
    }

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
    ) -> Self::Readings {
        (self.0.reading(entry, &steps.0, denied(0)), self.1.reading(entry, &steps.1, denied(1)))
    }

    #[inline(always)]
    fn take(
        &self,
        entry: Entry<'_>,
        steps: &Self::Steps,
        now: u64,
        costs: impl Costs,
    ) -> (Passes, Self::Readings) {
        let one = self.0.taken(entry, &steps.0, 0, costs);
        let two = self.1.taken(entry, &steps.1, 1, costs);
        self.0.store(entry, one, Side::BeforeTime);
        self.1.store(entry, two, Side::BeforeTime);
        entry.store_last(now);
        self.0.store(entry, one, Side::AfterTime);
        self.1.store(entry, two, Side::AfterTime);
        let (passes, one) = self.0.after(entry, one, steps.0.present, 0);
        let (also, two) = self.1.after(entry, two, steps.1.present, 1);
        (passes.and(also), (one, two))
    }
}

/// By value, so that they are written once, where they are returned.
#[inline(always)]
fn spread(one: Reading, two: Reading) -> Readings {
    const NONE: Reading = Reading::NONE;
    [one, two, NONE, NONE, NONE, NONE, NONE, NONE]
}

/// Any number of limits.
impl Limits for [Placed<AnyRule>] {
    type Steps = [Option<Step<AnyState>>; MAX_LIMITS];
    type Readings = Readings;

    fn prefetch_rings(&self, entry: Entry<'_>) {
        self.iter().for_each(|limit| limit.prefetch_ring(entry));
    }

    fn spread(readings: Readings) -> Readings {
        readings
    }

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
    ) -> Self::Readings {
        let mut readings = Readings::default();
        let each = self.iter().zip(steps.iter().flatten()).zip(&mut readings).enumerate();
        for (i, ((limit, step), reading)) in each {
            *reading = limit.reading(entry, step, denied(i));
        }
        readings
    }

    fn take(
        &self,
        entry: Entry<'_>,
        steps: &Self::Steps,
        now: u64,
        costs: impl Costs,
    ) -> (Passes, Self::Readings) {
        let mut each = self.iter().zip(steps.iter().flatten()).enumerate();
        let states: [Option<AnyState>; MAX_LIMITS] =
            std::array::from_fn(|_| each.next().map(|(i, (limit, step))| limit.taken(entry, step, i, costs)));
        let store = |side| {
            self.iter()
                .zip(states.iter().flatten())
                .for_each(|(limit, &state)| limit.store(entry, state, side));
        };
        store(Side::BeforeTime);
        entry.store_last(now);
        store(Side::AfterTime);
        let mut readings = Readings::default();
        let mut passes = Passes::NOW;
        let steps = steps.iter().flatten().zip(states.iter().flatten());
        for (i, ((limit, (step, &state)), reading)) in self.iter().zip(steps).zip(&mut readings).enumerate() {
            let (also, taken) = limit.after(entry, state, step.present, i);
            (passes, *reading) = (passes.and(also), taken);
        }
        (passes, readings)
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
        let Self { tick, lag, word, ring, .. } = *self;
        Placed { rule, tick, lag, word, ring }
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
