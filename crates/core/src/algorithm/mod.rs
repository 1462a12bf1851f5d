//! The algorithms: pure transitions of one limit's state. They know ticks and costs; not keys,
//! tables, atomics or clocks. The state is small plain data that the table loads and stores.

pub(crate) mod bucket;
pub(crate) mod log;

use crate::decision::Outcome;

/// The present as one limit sees it, in its own ticks.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Present {
    /// The current tick: rounded down, so that nothing is free early.
    pub(crate) now: u64,
    /// How many ticks after `now` an admission is recorded: rounding up, and the clock's lag.
    pub(crate) lead: u64,
    /// Ticks since the tick of the entry's last admission.
    pub(crate) idle: u64,
}

/// Where events are that do not fit into a limit's own words.
pub(crate) trait Ring: Copy {
    /// The event in slot `index`.
    fn get(&self, index: u32) -> u32;
    /// Puts `event` into slot `index`.
    fn set(&self, index: u32, event: u32);
}

/// An algorithm with the constants of one limit. A state is *settled* when it is as of the present.
pub(crate) trait Rule: Copy {
    type State: Copy;

    /// The state of a key that counts nothing.
    fn empty(&self) -> Self::State;

    /// The state in its stored form, from words that may hold anything.
    fn read(&self, word: impl Fn(usize) -> u64) -> Self::State;

    /// The words of a state, in an order of which every prefix counts no less than either the old
    /// state or the new one.
    fn write(&self, state: Self::State, word: impl FnMut(usize, u64));

    /// Brings a state to the present.
    fn settle(&self, state: Self::State, ring: impl Ring, present: Present) -> Self::State;

    /// Whether a settled state admits `cost`, which is at most the limit's capacity.
    fn admits(&self, state: Self::State, cost: u64) -> bool;

    /// The settled state with `cost` taken, which it admits. Writes to the ring only slots that
    /// were not in use.
    fn take(&self, state: Self::State, ring: impl Ring, present: Present, cost: u64) -> Self::State;

    /// The state, settled or not, with up to `cost` given back.
    fn give_back(&self, state: Self::State, ring: impl Ring, cost: u64) -> Self::State;

    /// What a settled state says when it does not deny.
    fn outcome(&self, state: Self::State, ring: impl Ring, present: Present) -> Outcome;

    /// What a settled state says when it denies `cost`.
    fn denial(&self, state: Self::State, ring: impl Ring, present: Present, cost: u64) -> Outcome;

    /// If a settled state denies a cost of 1, for how many ticks.
    fn spent_for(&self, state: Self::State, ring: impl Ring, present: Present) -> Option<u32>;

    /// The tick at which the full quota is there again, given the tick of the last admission;
    /// `None` if it is.
    fn recovers_at(&self, state: Self::State, last: u64) -> Option<u64>;
}

/// A count of ticks as an [`Outcome`] holds it.
#[inline(always)]
pub(crate) fn ticks(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
