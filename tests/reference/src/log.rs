//! The sliding-window log: a list of when each admitted unit leaves.
//!
//! A unit admitted at `a` leaves the window at `a` + the window, both rounded up to whole ticks.
//! So it is never gone early, is late by less than two ticks, and neither where both are whole
//! ticks already.

use crate::limit::Limit;

/// What one log has admitted.
#[derive(Clone, Debug)]
pub struct Log {
    quota: u64,
    /// Nanoseconds.
    tick: u64,
    window_ticks: u64,
    /// Oldest first: (when it leaves, in nanoseconds; cost).
    admitted: Vec<(u128, u64)>,
}

impl Log {
    /// A log that has admitted nothing.
    #[must_use]
    pub fn new(limit: &Limit) -> Self {
        let (quota, tick, window_ticks) = (limit.quota, limit.tick(), limit.window_ticks());
        Self { quota, tick, window_ticks, admitted: Vec::new() }
    }

    /// The units still in the window at `now`, oldest first.
    fn live(&self, now: u64) -> impl DoubleEndedIterator<Item = (u128, u64)> {
        self.admitted.iter().copied().filter(move |&(leaves, _)| leaves > u128::from(now))
    }

    /// The sum of the costs in the window.
    fn used(&self, now: u64) -> u64 {
        self.live(now).map(|(_, cost)| cost).sum()
    }

    /// The units that are left at `now`.
    #[must_use]
    pub fn remaining(&self, now: u64) -> u64 {
        self.quota - self.used(now)
    }

    /// From `now` until the oldest unit leaves; 0 if there is none.
    #[must_use]
    pub fn next(&self, now: u64) -> u64 {
        self.live(now).next().map_or(0, |(leaves, _)| span(now, leaves))
    }

    /// From `now` until the newest unit leaves; 0 if there is none.
    #[must_use]
    pub fn reset(&self, now: u64) -> u64 {
        self.live(now).next_back().map_or(0, |(leaves, _)| span(now, leaves))
    }

    /// From `now` until enough units have left for `cost`; 0 if it fits now.
    #[must_use]
    pub fn wait(&self, now: u64, cost: u64) -> u64 {
        let mut excess = (self.used(now) + cost).saturating_sub(self.quota);
        let mut wait = 0;
        for (leaves, units) in self.live(now) {
            if excess == 0 {
                break;
            }
            wait = span(now, leaves);
            excess = excess.saturating_sub(units);
        }
        wait
    }

    /// Admits `cost` at `now`. What has left by then is forgotten: time never runs backwards
    /// past an admission, so it cannot come back.
    pub fn take(&mut self, now: u64, cost: u64) {
        let ticks = now.div_ceil(self.tick) + self.window_ticks;
        let leaves = u128::from(ticks) * u128::from(self.tick);
        self.admitted.retain(|&(leaves, _)| leaves > u128::from(now));
        self.admitted.push((leaves, cost));
    }

    /// Forgets the newest `cost` units, or all if there are fewer.
    pub fn give_back(&mut self, cost: u64) {
        let mut rest = cost;
        while let Some((_, units)) = self.admitted.last_mut() {
            if *units > rest {
                *units -= rest;
                return;
            }
            rest -= *units;
            self.admitted.pop();
        }
    }
}

/// From `now` to `then`, which is later by a window and two ticks at most.
fn span(now: u64, then: u128) -> u64 {
    u64::try_from(then - u128::from(now)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Windows of 2³⁰ ns are counted in ticks of 1 ns.
    fn three_per_ten_ns() -> Log {
        Log::new(&Limit::log("a", 3, 10))
    }

    #[test]
    fn a_unit_leaves_exactly_a_window_after_it_came() {
        let mut log = three_per_ten_ns();
        log.take(100, 2);
        log.take(104, 1);
        assert_eq!((log.remaining(109), log.remaining(110)), (0, 2));
        assert_eq!((log.next(105), log.reset(105)), (5, 9));
        assert_eq!((log.wait(105, 2), log.wait(105, 3)), (5, 9));
    }

    #[test]
    fn giving_back_takes_the_newest_first() {
        let mut log = three_per_ten_ns();
        log.take(100, 2);
        log.take(104, 1);
        log.give_back(2);
        assert_eq!((log.used(105), log.reset(105)), (1, 5));
        log.give_back(9);
        assert_eq!(log.used(105), 0);
    }

    #[test]
    fn between_ticks_a_unit_stays_longer_never_shorter() {
        let mut log = Log::new(&Limit::log("a", 1, 60_000_000_000));
        log.take(101, 1);
        assert_eq!(log.reset(101), 60_000_000_200 - 101);
    }
}
