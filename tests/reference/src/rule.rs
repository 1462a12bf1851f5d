//! The promise of a limit, judged from outside: given only what was admitted and when, was it
//! kept? Knows nothing of ticks, entries or how an implementation counts.
//!
//! * A log: in no window (t − w, t] do the costs sum to more than the quota.
//! * A bucket: in no span from one admission to another, T apart, do they sum to more than
//!   burst + quota·T/w.
//!
//! A limiter that denies everything keeps its promise, so there is a second one: what the rule
//! would have admitted some time ago already is not denied now.

use crate::limit::{Algorithm, Limit};

/// One admission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admission {
    /// When, in nanoseconds.
    pub at: u64,
    /// How many units.
    pub cost: u64,
}

/// More than was promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Excess {
    /// The first admission of the span that holds too much.
    pub from: u64,
    /// Its last.
    pub to: u64,
    /// What was admitted in it.
    pub admitted: u128,
}

/// The first span in which `history`, ordered by time, breaks the promise of `limit`.
///
/// Tries every pair of admissions: for short histories.
#[must_use]
pub fn excess(limit: &Limit, history: &[Admission]) -> Option<Excess> {
    history.iter().enumerate().find_map(|(last, end)| {
        let until = history.get(..=last).unwrap_or_default();
        let mut admitted = 0;
        until.iter().rev().find_map(|start| {
            admitted += u128::from(start.cost);
            let over = !is_within(limit, end.at - start.at, admitted);
            over.then_some(Excess { from: start.at, to: end.at, admitted })
        })
    })
}

/// Whether `admitted` units may lie in a span whose first and last are `span` apart.
fn is_within(limit: &Limit, span: u64, admitted: u128) -> bool {
    let (quota, window, span) = (u128::from(limit.quota), u128::from(limit.window), u128::from(span));
    match limit.algorithm {
        Algorithm::SlidingWindowLog => span >= window || admitted <= quota,
        Algorithm::TokenBucket { burst } => {
            (admitted - u128::from(burst).min(admitted)) * window <= quota * span
        }
    }
}

/// The same judgement, admission by admission, for histories of any length.
#[derive(Clone, Debug)]
pub struct Watch {
    quota: u128,
    window: u128,
    capacity: u128,
    lateness: u128,
    kept: Kept,
}

#[derive(Clone, Debug)]
enum Kept {
    /// What was admitted and may still matter.
    Window(Vec<Admission>),
    /// What is owed in `window`-ths of a token, nanosecond by nanosecond, and since when.
    Owed(u128, u64),
}

impl Watch {
    /// Watches one key's admissions by `limit`, which may be late by `lateness` nanoseconds.
    #[must_use]
    pub fn new(limit: &Limit, lateness: u64) -> Self {
        let kept = match limit.algorithm {
            Algorithm::SlidingWindowLog => Kept::Window(Vec::new()),
            Algorithm::TokenBucket { .. } => Kept::Owed(0, 0),
        };
        let [quota, window, capacity] = [limit.quota, limit.window, limit.capacity()].map(u128::from);
        Self { quota, window, capacity, lateness: u128::from(lateness), kept }
    }

    /// Whether `cost` more at `now`, no earlier than any admission before, keeps the promise.
    #[must_use]
    pub fn would_keep(&self, now: u64, cost: u64) -> bool {
        self.has_room(now, cost, 0)
    }

    /// Whether a denial of `cost` at `now` comes too late: all that stood in its way has been
    /// gone for longer than allowed.
    #[must_use]
    pub fn is_too_late_to_deny(&self, now: u64, cost: u64) -> bool {
        self.has_room(now, cost, self.lateness)
    }

    /// Whether `cost` fits at `now` when everything is counted for `longer` than it must be.
    fn has_room(&self, now: u64, cost: u64, longer: u128) -> bool {
        let (now, cost) = (u128::from(now), u128::from(cost));
        match &self.kept {
            Kept::Window(kept) => {
                let live = kept.iter().filter(|a| u128::from(a.at) + self.window + longer > now);
                live.map(|a| u128::from(a.cost)).sum::<u128>() + cost <= self.quota
            }
            &Kept::Owed(owed, since) => {
                let owed = owed.saturating_sub((now - u128::from(since)) * self.quota);
                owed + longer * self.quota + cost * self.window <= self.capacity * self.window
            }
        }
    }

    /// Records an admission.
    pub fn admit(&mut self, now: u64, cost: u64) {
        match &mut self.kept {
            Kept::Window(kept) => {
                kept.retain(|a| u128::from(a.at) + self.window + self.lateness > u128::from(now));
                kept.push(Admission { at: now, cost });
            }
            Kept::Owed(owed, since) => {
                let paid = u128::from(now - *since) * self.quota;
                *owed = owed.saturating_sub(paid) + u128::from(cost) * self.window;
                *since = now;
            }
        }
    }

    /// Records that the newest `cost` units were given back.
    pub fn give_back(&mut self, cost: u64) {
        match &mut self.kept {
            Kept::Window(kept) => forget_newest(kept, cost),
            Kept::Owed(owed, _) => *owed = owed.saturating_sub(u128::from(cost) * self.window),
        }
    }
}

fn forget_newest(kept: &mut Vec<Admission>, cost: u64) {
    let mut rest = cost;
    while let Some(newest) = kept.last_mut().filter(|_| rest > 0) {
        let taken = rest.min(newest.cost);
        (newest.cost, rest) = (newest.cost - taken, rest - taken);
        if newest.cost == 0 {
            kept.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(times: &[u64]) -> Vec<Admission> {
        times.iter().map(|&at| Admission { at, cost: 1 }).collect()
    }

    #[test]
    fn a_window_is_open_at_its_start() {
        let limit = Limit::log("a", 2, 10);
        assert_eq!(excess(&limit, &history(&[0, 9, 10, 19, 20])), None);
        let broken = Some(Excess { from: 1, to: 10, admitted: 3 });
        assert_eq!(excess(&limit, &history(&[1, 9, 10])), broken);
    }

    #[test]
    fn a_bucket_admits_its_burst_and_the_rate() {
        let limit = Limit::bucket("a", 1, 10, 2);
        assert_eq!(excess(&limit, &history(&[0, 0, 10, 20])), None);
        let broken = Some(Excess { from: 0, to: 19, admitted: 4 });
        assert_eq!(excess(&limit, &history(&[0, 0, 10, 19])), broken);
    }

    #[test]
    fn both_ways_of_judging_agree() {
        let mut seed = 1_u64;
        for limit in [Limit::log("a", 3, 20), Limit::bucket("a", 3, 20, 2), Limit::bucket("a", 7, 20, 3)] {
            for _ in 0..500 {
                let (mut now, mut watch, mut kept, mut times) = (0, Watch::new(&limit, 0), true, Vec::new());
                for _ in 0..12 {
                    seed =
                        seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    now += seed >> 61;
                    kept &= watch.would_keep(now, 1);
                    watch.admit(now, 1);
                    times.push(now);
                }
                assert_eq!(excess(&limit, &history(&times)).is_none(), kept, "{limit:?} {times:?}");
            }
        }
    }
}
