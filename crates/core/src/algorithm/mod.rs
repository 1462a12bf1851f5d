//! The algorithms: pure transitions of one limit's state. They know ticks and costs; not keys,
//! tables, atomics or clocks. The state is small plain data that the table loads and stores.

pub(crate) mod bucket;
pub(crate) mod log;

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

/// A count of ticks as an [`Outcome`](crate::decision::Outcome) holds it.
#[inline(always)]
pub(crate) fn ticks(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
