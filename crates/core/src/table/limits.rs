//! The limits of a policy as a type: every step of a check, over all of them at once.
//!
//! One limit and two limits are spelled out as types of their own, so that the compiler sees
//! which algorithms there are and keeps their states in registers; more go through a list whose
//! algorithms are looked up as it runs. All do the same.

use super::Region;
use super::entry::{Costs, Entry};
use super::layout::{FREE_AT, HEADER, Layout};
use super::sync::{AtomicU64, Ordering, written_before};
use crate::algorithm::any::{AnyRule, AnyState};
use crate::algorithm::bucket::BucketRule;
use crate::algorithm::log::LogRule;
use crate::algorithm::{Present, Reading, Ring, Rule, Scale};
use crate::decision::{Readings, Verdict};
use crate::policy::MAX_LIMITS;

/// One limit: its rule, and its place in an entry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Placed<R, W = Anywhere> {
    pub(super) rule: R,
    pub(super) scale: Scale,
    /// First of its words in the entry.
    pub(super) word: W,
    /// First of its slots among the entry's ring slots.
    pub(super) ring: usize,
}

/// Which word of an entry is a limit's first.
pub(crate) trait FirstWord: Copy {
    fn index(self) -> usize;
}

/// One that the layout chose.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Anywhere(pub(super) usize);

/// One that the compiler knows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At<const N: usize>;

impl FirstWord for Anywhere {
    #[inline(always)]
    fn index(self) -> usize {
        self.0
    }
}

impl<const N: usize> FirstWord for At<N> {
    #[inline(always)]
    fn index(self) -> usize {
        N
    }
}

/// The earliest time at which every limit admits a cost of 1, and which is the last to do so.
#[derive(Clone, Copy, Default)]
pub(crate) struct Passes {
    pub(super) at: u64,
    pub(super) blocker: u8,
}

/// When a check is made.
#[derive(Clone, Copy)]
pub(crate) struct Time {
    /// The present, or the last admission where that is later.
    pub(super) now: u64,
    /// The entry's last admission.
    pub(super) last: u64,
}

/// All limits of a policy.
pub(crate) trait Limits {
    /// The settled states.
    type States: Copy;
    /// What each limit says.
    type Readings: Copy;

    /// How many words of an entry they use.
    fn entry_words(&self, layout: &Layout) -> usize;

    /// Whether a quick look leaves out what takes a search. Not that of a list: its states are so long
    /// that to hand them on once more, as an option, takes a third of a denial's time.
    const SEARCH_APART: bool = true;

    /// Whether their entries keep the time before which nothing passes.
    fn has_free_at(&self, layout: &Layout) -> bool;

    /// Brings the ring slots near that the next admission is likely to write to.
    fn prefetch_rings(&self, entry: Entry<'_>);

    /// The readings in the form that all decisions keep them.
    fn spread(readings: Self::Readings) -> Readings;

    /// The states in an entry as of now.
    fn settle(&self, entry: Entry<'_>, time: Time) -> Self::States;

    /// The same where it takes no search.
    fn settle_at_once(&self, entry: Entry<'_>, time: Time) -> Option<Self::States>;

    /// Bit i: limit i denies.
    fn violated(&self, states: &Self::States, costs: impl Costs) -> u8;

    /// What each limit says with nothing taken.
    fn report(
        &self,
        entry: Entry<'_>,
        states: &Self::States,
        denied: impl Fn(usize) -> Option<u64> + Copy,
    ) -> Self::Readings;

    /// Takes the costs, and stores the states and `now` as the time of this admission; what each
    /// limit says then.
    fn take(
        &self,
        entry: Entry<'_>,
        states: &Self::States,
        time: Time,
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

    #[inline(always)]
    fn set_three(self, index: u32, events: [u32; 3]) {
        let slots = self.region.events(self.start + index as usize, events.len());
        // By a pattern: of an iterator over three the compiler makes a call.
        let ([one, two, three], [first, second, third]) = (slots, events) else { return };
        one.store(first, Ordering::Relaxed);
        two.store(second, Ordering::Relaxed);
        three.store(third, Ordering::Relaxed);
    }
}

/// One limit's state as of the present, and the present tick: worked out once.
#[derive(Clone, Copy)]
pub(crate) struct Settled<S> {
    state: S,
    tick: u64,
}

impl<R: Rule, W: FirstWord> Placed<R, W> {
    #[inline(always)]
    fn events<'a>(&self, entry: Entry<'a>) -> Events<'a> {
        Events { region: entry.region(), start: entry.ring() + self.ring }
    }

    #[inline(always)]
    fn read(&self, entry: Entry<'_>) -> R::State {
        self.rule.read(|index| entry.word(self.word.index() + index).load(Ordering::Relaxed))
    }

    #[inline(always)]
    fn write(&self, entry: Entry<'_>, state: R::State) {
        // After the ring, and in the order in which the rule gives the words.
        written_before();
        let store = |word: &AtomicU64, value| {
            word.store(value, Ordering::Relaxed);
            written_before();
        };
        self.rule.write(state, |index, value| store(entry.word(self.word.index() + index), value));
    }

    /// Stores a state on that side of the time of the admission where it belongs.
    #[inline(always)]
    fn store(&self, entry: Entry<'_>, state: R::State, side: Side) {
        if self.rule.counts_from_last() == (side == Side::AfterTime) {
            self.write(entry, state);
        }
    }

    #[inline(always)]
    pub(super) fn present(&self, time: Time) -> Present<'_> {
        Present::new(&self.scale, time.now, time.last)
    }

    pub(super) fn give_back(&self, entry: Entry<'_>, cost: u64) {
        let state = self.rule.give_back(self.read(entry), self.events(entry), cost);
        self.write(entry, state);
    }

    /// Brings the ring slot near that the next admission is likely to write to.
    #[inline(always)]
    pub(super) fn prefetch_ring(&self, entry: Entry<'_>) {
        if let Some(slot) = self.rule.next_slot(self.read(entry)) {
            entry.region().prefetch_event(entry.ring() + self.ring + slot as usize);
        }
    }

    /// When the limit has its full quota again; 0 if it has.
    pub(super) fn recovers_at(&self, entry: Entry<'_>, last: u64) -> u64 {
        let tick = self.rule.recovers_at(self.read(entry), self.scale.tick.of(last));
        tick.map_or(0, |tick| self.scale.tick.start(tick))
    }
}

/// The steps of one limit, the `index`-th of its policy.
impl<R: Rule, W: FirstWord> Placed<R, W> {
    #[inline(always)]
    fn settle(&self, entry: Entry<'_>, time: Time) -> Settled<R::State> {
        let present = self.present(time);
        Settled { state: self.rule.settle(self.read(entry), self.events(entry), present), tick: present.now }
    }

    #[inline(always)]
    fn settle_at_once(&self, entry: Entry<'_>, time: Time) -> Option<Settled<R::State>> {
        let present = self.present(time);
        let state = self.rule.settle_at_once(self.read(entry), self.events(entry), present)?;
        Some(Settled { state, tick: present.now })
    }

    #[inline(always)]
    fn denies(&self, settled: Settled<R::State>, index: usize, costs: impl Costs) -> u8 {
        u8::from(!self.rule.admits(settled.state, costs.of(index))) << index
    }

    #[inline(always)]
    fn reading(&self, entry: Entry<'_>, settled: Settled<R::State>, denied: Option<u64>) -> Reading {
        self.rule.reading(settled.state, self.events(entry), denied)
    }

    /// The state with a cost taken.
    #[inline(always)]
    fn taken(
        &self,
        entry: Entry<'_>,
        settled: Settled<R::State>,
        time: Time,
        cost: u64,
    ) -> Settled<R::State> {
        let present = Present::in_tick(&self.scale, settled.tick, time.now, time.last);
        let state = self.rule.take(settled.state, self.events(entry), present, cost);
        Settled { state, ..settled }
    }

    /// What a state says of which a cost has just been taken.
    #[inline(always)]
    fn after(
        &self,
        entry: Entry<'_>,
        settled: Settled<R::State>,
        time: Time,
        index: usize,
    ) -> (Passes, Reading) {
        let Settled { state, tick } = settled;
        let present = Present::in_tick(&self.scale, tick, time.now, time.last);
        let passes = self
            .rule
            .spent_for(state, present)
            .map_or(Passes::NOW, |ticks| Passes { at: present.start_of(ticks), blocker: index as u8 });
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

impl<R: Rule, W: FirstWord> Limits for Placed<R, W> {
    type States = Settled<R::State>;
    type Readings = Reading;

    #[inline(always)]
    fn entry_words(&self, _layout: &Layout) -> usize {
        self.word.index() + self.rule.words()
    }

    #[inline(always)]
    fn has_free_at(&self, _layout: &Layout) -> bool {
        self.word.index() > FREE_AT
    }

    #[inline(always)]
    fn prefetch_rings(&self, entry: Entry<'_>) {
        self.prefetch_ring(entry);
    }

    #[inline(always)]
    fn spread(reading: Reading) -> Readings {
        spread(reading, Reading::NONE)
    }

    #[inline(always)]
    fn settle(&self, entry: Entry<'_>, time: Time) -> Self::States {
        self.settle(entry, time)
    }

    #[inline(always)]
    fn settle_at_once(&self, entry: Entry<'_>, time: Time) -> Option<Self::States> {
        self.settle_at_once(entry, time)
    }

    #[inline(always)]
    fn violated(&self, state: &Self::States, costs: impl Costs) -> u8 {
        self.denies(*state, 0, costs)
    }

    #[inline(always)]
    fn report(
        &self,
        entry: Entry<'_>,
        state: &Self::States,
        denied: impl Fn(usize) -> Option<u64> + Copy,
    ) -> Self::Readings {
        self.reading(entry, *state, denied(0))
    }

    #[inline(always)]
    fn take(
        &self,
        entry: Entry<'_>,
        state: &Self::States,
        time: Time,
        costs: impl Costs,
    ) -> (Passes, Self::Readings) {
        let state = self.taken(entry, *state, time, costs.of(0));
        self.store(entry, state.state, Side::BeforeTime);
        entry.store_last(time.now);
        self.store(entry, state.state, Side::AfterTime);
        self.after(entry, state, time, 0)
    }
}

impl<A: Rule, B: Rule, V: FirstWord, W: FirstWord> Limits for (Placed<A, V>, Placed<B, W>) {
    type States = (Settled<A::State>, Settled<B::State>);
    type Readings = (Reading, Reading);

    #[inline(always)]
    fn entry_words(&self, _layout: &Layout) -> usize {
        self.1.word.index() + self.1.rule.words()
    }

    #[inline(always)]
    fn has_free_at(&self, _layout: &Layout) -> bool {
        true
    }

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
    fn settle(&self, entry: Entry<'_>, time: Time) -> Self::States {
        (self.0.settle(entry, time), self.1.settle(entry, time))
    }

    #[inline(always)]
    fn settle_at_once(&self, entry: Entry<'_>, time: Time) -> Option<Self::States> {
        Some((self.0.settle_at_once(entry, time)?, self.1.settle_at_once(entry, time)?))
    }

    #[inline(always)]
    fn violated(&self, states: &Self::States, costs: impl Costs) -> u8 {
        self.0.denies(states.0, 0, costs) | self.1.denies(states.1, 1, costs)
    }

    #[inline(always)]
    fn report(
        &self,
        entry: Entry<'_>,
        states: &Self::States,
        denied: impl Fn(usize) -> Option<u64> + Copy,
    ) -> Self::Readings {
        (self.0.reading(entry, states.0, denied(0)), self.1.reading(entry, states.1, denied(1)))
    }

    #[inline(always)]
    fn take(
        &self,
        entry: Entry<'_>,
        states: &Self::States,
        time: Time,
        costs: impl Costs,
    ) -> (Passes, Self::Readings) {
        let one = self.0.taken(entry, states.0, time, costs.of(0));
        let two = self.1.taken(entry, states.1, time, costs.of(1));
        self.0.store(entry, one.state, Side::BeforeTime);
        self.1.store(entry, two.state, Side::BeforeTime);
        entry.store_last(time.now);
        self.0.store(entry, one.state, Side::AfterTime);
        self.1.store(entry, two.state, Side::AfterTime);
        let (passes, one) = self.0.after(entry, one, time, 0);
        let (also, two) = self.1.after(entry, two, time, 1);
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
    type States = [Option<Settled<AnyState>>; MAX_LIMITS];
    type Readings = Readings;

    const SEARCH_APART: bool = false;

    fn entry_words(&self, layout: &Layout) -> usize {
        layout.entry_words()
    }

    fn has_free_at(&self, layout: &Layout) -> bool {
        layout.has_free_at
    }

    fn prefetch_rings(&self, entry: Entry<'_>) {
        self.iter().for_each(|limit| limit.prefetch_ring(entry));
    }

    fn spread(readings: Readings) -> Readings {
        readings
    }

    fn settle(&self, entry: Entry<'_>, time: Time) -> Self::States {
        let mut limits = self.iter();
        std::array::from_fn(|_| limits.next().map(|limit| limit.settle(entry, time)))
    }

    fn settle_at_once(&self, entry: Entry<'_>, time: Time) -> Option<Self::States> {
        Some(self.settle(entry, time))
    }

    fn violated(&self, states: &Self::States, costs: impl Costs) -> u8 {
        let each = self.iter().zip(states.iter().flatten()).enumerate();
        each.fold(0, |violated, (i, (limit, &state))| violated | limit.denies(state, i, costs))
    }

    fn report(
        &self,
        entry: Entry<'_>,
        states: &Self::States,
        denied: impl Fn(usize) -> Option<u64> + Copy,
    ) -> Self::Readings {
        let mut readings = Readings::default();
        let each = self.iter().zip(states.iter().flatten()).zip(&mut readings).enumerate();
        for (i, ((limit, &state), reading)) in each {
            *reading = limit.reading(entry, state, denied(i));
        }
        readings
    }

    fn take(
        &self,
        entry: Entry<'_>,
        states: &Self::States,
        time: Time,
        costs: impl Costs,
    ) -> (Passes, Self::Readings) {
        let mut each = self.iter().zip(states.iter().flatten()).enumerate();
        let states: Self::States = std::array::from_fn(|_| {
            each.next().map(|(i, (limit, &state))| limit.taken(entry, state, time, costs.of(i)))
        });
        let store = |side| {
            self.iter()
                .zip(states.iter().flatten())
                .for_each(|(limit, settled)| limit.store(entry, settled.state, side));
        };
        store(Side::BeforeTime);
        entry.store_last(time.now);
        store(Side::AfterTime);
        let mut readings = Readings::default();
        let mut passes = Passes::NOW;
        for (i, ((limit, &state), reading)) in
            self.iter().zip(states.iter().flatten()).zip(&mut readings).enumerate()
        {
            let (also, taken) = limit.after(entry, state, time, i);
            (passes, *reading) = (passes.and(also), taken);
        }
        (passes, readings)
    }
}

/// Where the layout puts the words of a first limit, of a lone bucket, and of a second limit.
type First = At<HEADER>;
type Lone = At<FREE_AT>;
type AfterLog = At<{ HEADER + LogRule::WORDS }>;
type AfterBucket = At<{ HEADER + BucketRule::WORDS }>;

/// The limits of a policy by the type that they are checked as.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    Log(Placed<LogRule, First>),
    Bucket(Placed<BucketRule, Lone>),
    LogLog((Placed<LogRule, First>, Placed<LogRule, AfterLog>)),
    LogBucket((Placed<LogRule, First>, Placed<BucketRule, AfterLog>)),
    BucketLog((Placed<BucketRule, First>, Placed<LogRule, AfterBucket>)),
    BucketBucket((Placed<BucketRule, First>, Placed<BucketRule, AfterBucket>)),
    Many,
}

impl Shape {
    pub(super) fn of(limits: &[Placed<AnyRule>]) -> Self {
        use AnyRule::{Bucket, Log};
        match limits {
            [one] => match one.rule {
                Log(rule) => Self::Log(one.with(rule, At)),
                Bucket(rule) => Self::Bucket(one.with(rule, At)),
            },
            [one, two] => match (one.rule, two.rule) {
                (Log(a), Log(b)) => Self::LogLog((one.with(a, At), two.with(b, At))),
                (Log(a), Bucket(b)) => Self::LogBucket((one.with(a, At), two.with(b, At))),
                (Bucket(a), Log(b)) => Self::BucketLog((one.with(a, At), two.with(b, At))),
                (Bucket(a), Bucket(b)) => Self::BucketBucket((one.with(a, At), two.with(b, At))),
            },
            _ => Self::Many,
        }
    }
}

impl Placed<AnyRule> {
    fn with<R, W: FirstWord>(&self, rule: R, word: W) -> Placed<R, W> {
        debug_assert_eq!(word.index(), self.word.index(), "the layout puts a first and a second limit here");
        let Self { scale, ring, .. } = *self;
        Placed { rule, scale, word, ring }
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
