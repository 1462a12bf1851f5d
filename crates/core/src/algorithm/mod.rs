//! The algorithms: pure transitions of one limit's state. They know ticks and costs; not keys,
//! tables, atomics or clocks. The state is small plain data that the table loads and stores.

pub(crate) mod any;
pub(crate) mod bucket;
pub(crate) mod log;

use crate::time::Tick;

/// How one limit counts time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    pub(crate) tick: Tick,
    /// How many ticks the clock lags at most.
    pub(crate) lag: u64,
}

/// The present as one limit sees it, for an entry that had its last admission at some time before.
///
/// What follows from it is worked out where it is needed: little of it is for any one decision.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Present<'a> {
    scale: &'a Scale,
    /// The current tick: rounded down, so that nothing is free early.
    pub(crate) now: u64,
    nanos: u64,
    last: u64,
}

impl<'a> Present<'a> {
    /// The present at `now` nanoseconds, for an entry with an admission at `last`.
    #[inline(always)]
    pub(crate) fn new(scale: &'a Scale, now: u64, last: u64) -> Self {
        Self::in_tick(scale, scale.tick.of(now), now, last)
    }

    /// The same when the tick is known that the present is in.
    #[inline(always)]
    pub(crate) fn in_tick(scale: &'a Scale, tick: u64, now: u64, last: u64) -> Self {
        Self { scale, now: tick, nanos: now, last }
    }

    /// How many ticks after `now` an admission is recorded: rounding up, and the clock's lag.
    #[inline(always)]
    pub(crate) fn lead(self) -> u64 {
        self.scale.lag + u64::from(!self.scale.tick.starts_at(self.now, self.nanos))
    }

    /// Ticks since the tick of the last admission.
    #[inline(always)]
    pub(crate) fn idle(self) -> u64 {
        self.now - self.scale.tick.of(self.last)
    }

    /// Nanoseconds since the last admission.
    #[inline(always)]
    pub(crate) fn idle_nanos(self) -> u64 {
        self.nanos - self.last
    }

    /// When the tick begins that is `ticks` after the current one.
    #[inline(always)]
    pub(crate) fn start_of(self, ticks: u64) -> u64 {
        self.scale.tick.start(self.now + ticks)
    }
}

/// Where events are that do not fit into a limit's own words.
pub(crate) trait Ring: Copy {
    /// The event in slot `index`.
    fn get(self, index: u32) -> u32;
    /// Puts `event` into slot `index`.
    fn set(self, index: u32, event: u32);
    /// Puts three events into slot `index` and the two behind it.
    fn set_three(self, index: u32, events: [u32; 3]);
}

/// What a decision keeps of one limit: enough for its algorithm to work out an [`Outcome`], so
/// that a check need not compute numbers that its caller may never read.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Reading(pub(crate) [u64; 2]);

impl Reading {
    pub(crate) const NONE: Self = Self([0; 2]);
}

/// The numbers of one limit, in its own ticks from the tick of the decision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Whole units left after this decision.
    pub(crate) remaining: u64,
    /// Until the full quota is there again; 0 if it is.
    pub(crate) reset: u64,
    /// If this limit denies, until the cost can pass; else until `remaining` next grows by
    /// itself, 0 if it is full.
    pub(crate) next: u64,
}

/// An algorithm with the constants of one limit. A state is *settled* when it is as of the present.
pub(crate) trait Rule: Copy {
    type State: Copy;

    /// Words of a stored state.
    fn words(&self) -> usize;

    /// The state of a key that counts nothing.
    fn empty(&self) -> Self::State;

    /// The state in its stored form, from words that may hold anything.
    fn read(&self, word: impl Fn(usize) -> u64) -> Self::State;

    /// The words of a state, in an order of which every prefix counts no less than either the old
    /// state or the new one.
    fn write(&self, state: Self::State, word: impl FnMut(usize, u64));

    /// Whether a stored state is as of the entry's last admission, so that it means something else
    /// as soon as the time of another one is stored.
    fn counts_from_last(&self) -> bool;

    /// Brings a state to the present.
    fn settle(&self, state: Self::State, ring: impl Ring, present: Present<'_>) -> Self::State;

    /// The same where it takes no search.
    fn settle_at_once(
        &self,
        state: Self::State,
        ring: impl Ring,
        present: Present<'_>,
    ) -> Option<Self::State>;

    /// Whether a settled state admits `cost`, which is at most the limit's capacity.
    fn admits(&self, state: Self::State, cost: u64) -> bool;

    /// The settled state with `cost` taken, which it admits. Writes to the ring only slots that
    /// the state does not use.
    fn take(&self, state: Self::State, ring: impl Ring, present: Present<'_>, cost: u64) -> Self::State;

    /// The state, settled or not, with up to `cost` given back.
    fn give_back(&self, state: Self::State, ring: impl Ring, cost: u64) -> Self::State;

    /// What a settled state says when it does not deny, or when it denies a cost.
    fn reading(&self, state: Self::State, ring: impl Ring, denied: Option<u64>) -> Reading;

    /// The numbers of a reading that was made at the tick `now`.
    fn outcome(&self, reading: Reading, now: u64) -> Outcome;

    /// If a settled state denies a cost of 1, for how many ticks.
    fn spent_for(&self, state: Self::State, present: Present<'_>) -> Option<u64>;

    /// The ring slot that the next unit is likely to go to, if there is one.
    fn next_slot(&self, state: Self::State) -> Option<u32>;

    /// The tick at which the full quota is there again, given the tick of the last admission;
    /// `None` if it is.
    fn recovers_at(&self, state: Self::State, last: u64) -> Option<u64>;
}
