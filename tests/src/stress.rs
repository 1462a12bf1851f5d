//! What threads saw, and what can be said of it for certain.
//!
//! Nobody outside knows when exactly a call was decided, only that it was between the moments
//! `before` and `after` it. So a window holds for certain only what began and ended within it;
//! and a denial was wrong for certain only if all that might have been in its way left room.

use std::sync::Barrier;

use tidegate_reference::Limit;

use crate::judge::first_excess;

/// A decision as its caller saw it. Times in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Whom it was for.
    pub key: usize,
    /// No later than the decision.
    pub before: u64,
    /// No earlier than the decision.
    pub after: u64,
    /// The units that were asked for.
    pub cost: u64,
    /// What was decided.
    pub allowed: bool,
}

/// Runs `work(thread)` on so many threads that start together, and gathers what they return.
pub fn on_threads<T: Send>(threads: usize, work: impl Fn(usize) -> Vec<T> + Sync) -> Vec<T> {
    let (start, work) = (&Barrier::new(threads), &work);
    std::thread::scope(|scope| {
        let run = |thread| {
            start.wait();
            work(thread)
        };
        let handles: Vec<_> = (0..threads).map(|thread| scope.spawn(move || run(thread))).collect();
        let outcomes = handles.into_iter().map(std::thread::ScopedJoinHandle::join);
        outcomes
            .flat_map(|outcome| outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}

/// How many decisions a test makes in all: `usual` times the environment's `TIDEGATE_STRESS`,
/// 1 unless set.
#[must_use]
pub fn scaled(usual: usize) -> usize {
    let factor = std::env::var("TIDEGATE_STRESS").ok().and_then(|factor| factor.parse().ok());
    usual.saturating_mul(factor.unwrap_or(1))
}

/// The first admission that ends a span into which certainly more was admitted than `limit`
/// allows. All of one key.
#[must_use]
pub fn certain_excess(limit: &Limit, seen: &[Seen]) -> Option<Seen> {
    let admitted: Vec<_> = seen.iter().copied().filter(|seen| seen.allowed).collect();
    first_excess(limit, &admitted)
}

/// The first denial that was certainly wrong: with everything in its window that may have been,
/// there was room. For policies of one log, all of one key.
#[must_use]
pub fn certainly_wrong_denial(limit: &Limit, seen: &[Seen]) -> Option<Seen> {
    let mut admitted: Vec<_> = seen.iter().filter(|seen| seen.allowed).collect();
    admitted.sort_by_key(|seen| seen.after);
    let lateness = 2 * limit.tick();
    seen.iter().copied().filter(|seen| !seen.allowed).find(|denial| {
        let since = denial.before.saturating_sub(limit.window + lateness);
        let first = admitted.partition_point(|seen| seen.after < since);
        let may_count = admitted.iter().skip(first).filter(|seen| seen.before <= denial.after);
        may_count.map(|seen| seen.cost).sum::<u64>() + denial.cost <= limit.quota
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(before: u64, after: u64, allowed: bool) -> Seen {
        Seen { key: 0, before, after, cost: 1, allowed }
    }

    #[test]
    fn only_what_is_certain_counts() {
        let limit = Limit::log("a", 1, 10);
        let two = |a, b| certain_excess(&limit, &[a, b]).is_some();
        assert!(two(seen(1, 2, true), seen(9, 10, true)));
        assert!(!two(seen(0, 2, true), seen(9, 10, true)), "one may have been at 0, the other at 10");
        assert!(!two(seen(1, 2, true), seen(9, 11, true)));
        assert!(!two(seen(1, 2, true), seen(9, 10, false)));
    }

    #[test]
    fn buckets_are_held_to_their_rate() {
        let limit = Limit::bucket("a", 1, 10, 2);
        let at = |times: &[u64]| {
            let seen: Vec<_> = times.iter().map(|&at| seen(at, at, true)).collect();
            certain_excess(&limit, &seen).map(|seen| seen.after)
        };
        assert_eq!(at(&[0, 0, 10, 20]), None);
        assert_eq!(at(&[0, 0, 10, 19]), Some(19));
        assert_eq!(at(&[0, 0, 9]), Some(9));
    }

    #[test]
    fn wrong_denials_are_found() {
        let limit = Limit::log("a", 1, 10);
        let denial = |b| certainly_wrong_denial(&limit, &[seen(0, 1, true), b]).is_some();
        assert!(!denial(seen(10, 12, false)) && !denial(seen(13, 14, false)));
        assert!(denial(seen(14, 15, false)), "a window and two ticks after the latest that it may have been");
    }
}
