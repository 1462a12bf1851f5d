//! Whether millions of admissions keep the rule of their limit, in n·log n.
//!
//! What is certain: an admission happened between `before` and `after`, so it lies within a span if
//! both do. A log is judged over the window (e − w, e] for the end e of every admission; a bucket
//! over every span from the beginning of an admission to the end of one.

use tidegate_reference::{Algorithm, Limit};

use crate::stress::Seen;

/// The first admission that ends a span into which certainly more was admitted than `limit`
/// allows. All of one key, in any order.
#[must_use]
pub fn first_excess(limit: &Limit, admitted: &[Seen]) -> Option<Seen> {
    let by_end = sorted(admitted, |seen| seen.after);
    let by_start = sorted(admitted, |seen| seen.before);
    match limit.algorithm {
        Algorithm::SlidingWindowLog => of_log(limit, &by_end, &by_start),
        Algorithm::TokenBucket { burst } => of_bucket(limit, burst, &by_end, &by_start),
    }
}

fn sorted(seen: &[Seen], key: impl Fn(&Seen) -> u64) -> Vec<Seen> {
    let mut sorted = seen.to_vec();
    sorted.sort_by_key(|seen| (key(seen), seen.before));
    sorted
}

/// Two hands along the time: what has ended comes in, what began a window ago goes out.
fn of_log(limit: &Limit, by_end: &[Seen], by_start: &[Seen]) -> Option<Seen> {
    let (mut sum, mut starts) = (0_u64, by_start.iter().peekable());
    by_end.iter().copied().find(|end| {
        let has_left = |seen: &Seen| seen.before + limit.window <= end.after;
        // One that took longer than a window is never in one for certain.
        let counts = |seen: &Seen| seen.after < seen.before + limit.window;
        sum += if counts(end) { end.cost } else { 0 };
        while let Some(gone) = starts.next_if(|seen| has_left(seen)) {
            sum -= if counts(gone) { gone.cost } else { 0 };
        }
        sum > limit.quota
    })
}

/// For the end e of every admission, the start s of which the sum within less the refill is
/// largest. Starts are the leaves of a tree; an admission adds its cost to all starts up to its own.
fn of_bucket(limit: &Limit, burst: u64, by_end: &[Seen], by_start: &[Seen]) -> Option<Seen> {
    let (rate, unit) = (i128::from(limit.quota), i128::from(limit.window));
    let mut starts = Starts::new(by_start.len());
    by_end.iter().copied().find(|end| {
        let at = by_start.partition_point(|seen| seen.before < end.before);
        let begun = rate * i128::from(end.before);
        let largest = starts.add(at, i128::from(end.cost) * unit, begun);
        largest > i128::from(burst) * unit + rate * i128::from(end.after)
    })
}

/// Of every stretch of starts, the costs added in it, and the most that a start within has with
/// all behind it.
struct Starts {
    leaves: usize,
    nodes: Vec<(i128, i128)>,
}

impl Starts {
    const NONE: (i128, i128) = (0, i128::MIN / 4);

    fn new(count: usize) -> Self {
        let leaves = count.next_power_of_two();
        Self { leaves, nodes: vec![Self::NONE; 2 * leaves] }
    }

    /// Adds a cost to the start at `at`, whose own term is `begun`; the most of all starts then.
    fn add(&mut self, at: usize, cost: i128, begun: i128) -> i128 {
        let mut node = self.leaves + at;
        let sum = self.get(node).0 + cost;
        self.set(node, (sum, begun + sum));
        while node > 1 {
            node /= 2;
            let (left, right) = (self.get(2 * node), self.get(2 * node + 1));
            self.set(node, (left.0 + right.0, right.1.max(left.1 + right.0)));
        }
        self.get(1).1
    }

    fn get(&self, node: usize) -> (i128, i128) {
        self.nodes.get(node).copied().unwrap_or(Self::NONE)
    }

    fn set(&mut self, node: usize, value: (i128, i128)) {
        if let Some(place) = self.nodes.get_mut(node) {
            *place = value;
        }
    }
}

/// The part of what a limit allows that was given within `span` nanoseconds from the first of these
/// admissions on: of a quota for every window begun, or of the burst and the refill of a bucket. From 0
/// to 1; a span that ends soon after a window began asks for more than anybody had the time to take.
#[must_use]
pub fn used(limit: &Limit, admitted: &[Seen], span: u64) -> f64 {
    let first = admitted.iter().map(|seen| seen.before).min().unwrap_or(0);
    let within = admitted.iter().filter(|seen| seen.before - first < span);
    let given: u64 = within.map(|seen| seen.cost).sum();
    let available = match limit.algorithm {
        Algorithm::SlidingWindowLog => (span.div_ceil(limit.window) * limit.quota) as f64,
        Algorithm::TokenBucket { burst } => {
            burst as f64 + limit.quota as f64 * span as f64 / limit.window as f64
        }
    };
    given as f64 / available
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(random: &mut oorandom::Rand64, count: u64, busy: u64, longest: u64) -> Vec<Seen> {
        let mut draw = || {
            let before = random.rand_range(0..busy);
            let after = before + random.rand_range(0..longest);
            Seen { key: 0, before, after, cost: random.rand_range(1..4), allowed: true }
        };
        (0..count).map(|_| draw()).collect()
    }

    /// The rule as it is written, over every start and every end.
    fn is_broken(limit: &Limit, seen: &[Seen]) -> bool {
        let within = |start: u64, end: u64| {
            let within = seen.iter().filter(|seen| seen.before >= start && seen.after <= end);
            within.map(|seen| seen.cost).sum::<u64>()
        };
        let is_over = |start: u64, end: u64| match limit.algorithm {
            Algorithm::SlidingWindowLog => end - start < limit.window && within(start, end) > limit.quota,
            Algorithm::TokenBucket { burst } => {
                within(start, end) > burst + (end - start) * limit.quota / limit.window
            }
        };
        let starts = seen.iter().map(|seen| seen.before);
        starts.into_iter().any(|start| seen.iter().any(|end| end.after >= start && is_over(start, end.after)))
    }

    #[test]
    fn the_quick_judge_says_what_the_rule_says() {
        let mut random = oorandom::Rand64::new(5);
        let (mut broken, mut kept) = (0, 0);
        let limits = [Limit::log("a", 9, 50), Limit::bucket("a", 9, 50, 7), Limit::bucket("a", 50, 9, 9)];
        for round in 0..3000 {
            let seen = draw(&mut random, 1 + round % 40, 40 + round % 700, 1 + round % 30);
            for limit in &limits {
                let is_broken = is_broken(limit, &seen);
                assert_eq!(is_broken, first_excess(limit, &seen).is_some(), "{limit:?} {seen:?}");
                *(if is_broken { &mut broken } else { &mut kept }) += 1;
            }
        }
        assert!(broken > 1000 && kept > 1000, "{broken} {kept}");
    }

    /// A rate that is a little too high shows only over spans much longer than a filling.
    #[test]
    fn a_bucket_that_drifts_is_found() {
        let limit = Limit::bucket("a", 1, 100, 5);
        let every = |apart: u64| {
            let seen = |n| Seen { key: 0, before: n * apart, after: n * apart, cost: 1, allowed: true };
            first_excess(&limit, &(0..1000).map(seen).collect::<Vec<_>>())
        };
        assert_eq!(every(100), None);
        assert!(every(99).is_some());
    }

    #[test]
    fn what_could_have_been_used() {
        let seen = |before, cost| Seen { key: 0, before, after: before + 1, cost, allowed: true };
        let seen = [seen(5, 10), seen(15, 8), seen(25, 4)];
        assert_eq!(used(&Limit::log("a", 10, 10), &seen, 20), 0.9);
        assert_eq!(used(&Limit::bucket("a", 10, 10, 4), &seen, 20), 0.75);
        assert_eq!(used(&Limit::log("a", 10, 10), &[], 20), 0.0);
    }
}
