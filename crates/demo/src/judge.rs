//! What the samples say: the counts, the model's counts, and the windows.

use std::time::Duration;

use tidegate_reference::{Algorithm, Limit, Model, Policy};
use tidegate_tests::judge::first_excess;
use tidegate_tests::stress::Seen;

use crate::traffic::{Outcome, Sample, Server};

/// How many requests became what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// All of them.
    pub sent: u64,
    /// Admitted.
    pub admitted: u64,
    /// Denied.
    pub denied: u64,
    /// Without an answer: admitted or not.
    pub unanswered: u64,
    /// Answered with a status that nobody should see.
    pub other: u64,
}

impl Tally {
    /// Counts these samples.
    pub fn of<'a>(samples: impl IntoIterator<Item = &'a Sample>) -> Self {
        let mut tally = Self::default();
        for sample in samples {
            tally.add(sample);
        }
        tally
    }

    fn add(&mut self, sample: &Sample) {
        self.sent += 1;
        match sample.outcome {
            Outcome::Admitted => self.admitted += 1,
            Outcome::Denied => self.denied += 1,
            Outcome::Unanswered => self.unanswered += 1,
            Outcome::Other(_) => self.other += 1,
        }
    }
}

/// The counts of each server.
#[must_use]
pub fn by_server(samples: &[Sample], servers: usize) -> Vec<Tally> {
    by(samples, servers, |sample| sample.server)
}

fn by(samples: &[Sample], count: usize, number: impl Fn(&Sample) -> usize) -> Vec<Tally> {
    let mut tallies = vec![Tally::default(); count];
    for sample in samples {
        if let Some(tally) = tallies.get_mut(number(sample)) {
            tally.add(sample);
        }
    }
    tallies
}

/// What the model makes of the same requests.
#[derive(Clone, Debug, Default)]
pub struct Exact {
    /// What all keys together are admitted by the model.
    pub admitted: u64,
    /// What they are denied.
    pub denied: u64,
    /// Every key whose count differs, and whatever else makes the comparison worthless.
    pub differences: Vec<String>,
}

/// Compares the counts of every key with the model's, which has no servers and no processes.
///
/// Right only where nothing that was taken comes back within the run; it is a difference if the run
/// took longer than that.
#[must_use]
pub fn exact(limits: &[Limit], keys: &[String], samples: &[Sample]) -> Exact {
    let expected = of_model(limits, keys, samples);
    let mut exact = Exact { admitted: expected.iter().sum(), ..Exact::default() };
    exact.denied = samples.len() as u64 - exact.admitted;
    exact.differences.extend(lasted_too_long(limits, samples));
    let tallies = by(samples, keys.len(), |sample| sample.key);
    for ((key, tally), expected) in keys.iter().zip(tallies).zip(expected) {
        if tally.admitted > expected || tally.admitted + tally.unanswered < expected {
            exact.differences.push(format!(
                "key {key}: {} of {} admitted, {expected} by the model",
                tally.admitted, tally.sent
            ));
        }
    }
    exact
}

/// For each key, what the model admits of the samples' requests in the order of their sending.
fn of_model(limits: &[Limit], keys: &[String], samples: &[Sample]) -> Vec<u64> {
    let mut model = Model::new(Policy::new(limits.to_vec()));
    let mut admitted = vec![0; keys.len()];
    let mut samples: Vec<_> = samples.iter().collect();
    samples.sort_by_key(|sample| sample.sent);
    for sample in samples {
        let (Some(key), Some(admitted)) = (keys.get(sample.key), admitted.get_mut(sample.key)) else {
            continue;
        };
        let is_allowed = model.check(key.as_bytes(), sample.sent, 1).is_ok_and(|decision| decision.allowed);
        *admitted += u64::from(is_allowed);
    }
    admitted
}

/// After this time something that was taken comes back.
fn soonest(limits: &[Limit]) -> u64 {
    let one = |limit: &Limit| match limit.algorithm {
        Algorithm::SlidingWindowLog => limit.window,
        Algorithm::TokenBucket { .. } => limit.window / limit.quota.max(1),
    };
    limits.iter().map(one).min().unwrap_or(0)
}

fn lasted_too_long(limits: &[Limit], samples: &[Sample]) -> Option<String> {
    let start = samples.iter().map(|sample| sample.sent).min()?;
    let length = samples.iter().map(|sample| sample.answered).max()? - start;
    let most = soonest(limits);
    (length >= most).then(|| {
        let [length, most] = [length, most].map(|nanos| Duration::from_nanos(nanos).as_secs());
        format!("the run took {length} s; the limits allow a comparison of runs shorter than {most} s")
    })
}

/// Statuses that nobody should see, and, unless a server was killed, requests without an answer.
#[must_use]
pub fn faults(servers: &[Server], samples: &[Sample], was_killed: impl Fn(usize) -> bool) -> Vec<String> {
    let mut faults = Vec::new();
    for (number, server) in servers.iter().enumerate() {
        let of_server = || samples.iter().filter(move |sample| sample.server == number);
        let tally = Tally::of(of_server());
        if tally.unanswered > 0 && !was_killed(number) {
            faults.push(format!("{} left {} requests unanswered", server.name, tally.unanswered));
        }
        let strange = of_server().find(|sample| matches!(sample.outcome, Outcome::Other(_)));
        if let Some(Sample { outcome: Outcome::Other(status), .. }) = strange {
            faults.push(format!("{} answered {} requests with {status}", server.name, tally.other));
        }
        if tally.admitted + tally.denied == 0 {
            faults.push(format!("{} decided nothing", server.name));
        }
    }
    faults
}

/// Every limit that was certainly exceeded by the admissions of one key, whoever admitted them.
#[must_use]
pub fn windows(limits: &[Limit], samples: &[Sample]) -> Vec<String> {
    let seen: Vec<_> = admissions(samples).map(seen).collect();
    let excess = |limit: &Limit| {
        let end = first_excess(limit, &seen)?;
        let at = Duration::from_nanos(end.after).as_secs_f64();
        Some(format!("more was admitted than `{}` allows, in the time up to {at:.3} s", limit.name))
    };
    limits.iter().filter_map(excess).collect()
}

fn admissions(samples: &[Sample]) -> impl Iterator<Item = &Sample> {
    samples.iter().filter(|sample| sample.outcome == Outcome::Admitted)
}

fn seen(sample: &Sample) -> Seen {
    Seen { key: sample.key, before: sample.sent, after: sample.answered, cost: 1, allowed: true }
}

/// How many admissions of each server lie for certain within the last `window` before each of `times`,
/// which are in order.
#[must_use]
pub fn within(samples: &[Sample], servers: usize, window: u64, times: &[u64]) -> Vec<Vec<u64>> {
    // One that took longer than the window is never in one for certain.
    let certain = || admissions(samples).filter(move |sample| sample.answered < sample.sent + window);
    let mut comes: Vec<_> = certain().map(|sample| (sample.answered, sample.server)).collect();
    let mut goes: Vec<_> = certain().map(|sample| (sample.sent + window, sample.server)).collect();
    comes.sort_unstable();
    goes.sort_unstable();
    let (mut comes, mut goes) = (comes.into_iter().peekable(), goes.into_iter().peekable());
    let mut counts = vec![0_u64; servers];
    let mut at = |time: u64| {
        while let Some((_, server)) = comes.next_if(|(when, _)| *when <= time) {
            counts.get_mut(server).into_iter().for_each(|count| *count += 1);
        }
        while let Some((_, server)) = goes.next_if(|(when, _)| *when <= time) {
            counts.get_mut(server).into_iter().for_each(|count| *count -= 1);
        }
        counts.clone()
    };
    times.iter().map(|&time| at(time)).collect()
}

/// The most that was for certain admitted in one window.
#[must_use]
pub fn most_within(samples: &[Sample], servers: usize, window: u64) -> u64 {
    let mut ends: Vec<_> = admissions(samples).map(|sample| sample.answered).collect();
    ends.sort_unstable();
    within(samples, servers, window, &ends).iter().map(|counts| counts.iter().sum()).max().unwrap_or(0)
}

#[cfg(test)]
#[allow(clippy::indexing_slicing)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;
    const HOUR: u64 = 3_600 * SECOND;

    fn sample(server: usize, key: usize, sent: u64, outcome: Outcome) -> Sample {
        Sample { server, key, sent, answered: sent + 1_000_000, outcome }
    }

    /// `admitted` of five requests of key 1 in one second, and one of key 0.
    fn run(admitted: u64) -> Vec<Sample> {
        let outcome = |i| if i < admitted { Outcome::Admitted } else { Outcome::Denied };
        let of_one = (0..5).map(|i| sample(i as usize % 2, 1, i * 1_000, outcome(i)));
        of_one.chain([sample(0, 0, 9_000, Outcome::Admitted)]).collect()
    }

    fn judged(samples: &[Sample]) -> Exact {
        let limits = [Limit::log("hour", 3, HOUR), Limit::bucket("day", 24, 24 * HOUR, 4)];
        exact(&limits, &["a".to_owned(), "b".to_owned()], samples)
    }

    #[test]
    fn what_the_model_admits_is_no_difference() {
        let exact = judged(&run(3));
        assert_eq!((exact.admitted, exact.denied), (4, 2));
        assert_eq!(exact.differences, Vec::<String>::new());
    }

    #[test]
    fn one_too_many_or_too_few_is_a_difference() {
        assert_eq!(judged(&run(4)).differences, ["key b: 4 of 5 admitted, 3 by the model"]);
        assert_eq!(judged(&run(2)).differences, ["key b: 2 of 5 admitted, 3 by the model"]);
    }

    #[test]
    fn equal_sums_of_different_keys_are_a_difference() {
        let mut samples = run(4);
        samples[5].outcome = Outcome::Denied;
        assert_eq!(judged(&samples).differences.len(), 2);
    }

    #[test]
    fn what_was_not_answered_may_have_been_admitted() {
        let mut samples = run(3);
        samples[1].outcome = Outcome::Unanswered;
        assert!(judged(&samples).differences.is_empty());
        samples[2].outcome = Outcome::Denied;
        assert_eq!(judged(&samples).differences.len(), 1);
    }

    #[test]
    fn a_run_that_outlasts_the_limits_proves_nothing() {
        let mut samples = run(3);
        samples[5].answered = 2 * HOUR;
        assert_eq!(
            judged(&samples).differences,
            ["the run took 7200 s; the limits allow a comparison of runs shorter than 3600 s"]
        );
    }

    #[test]
    fn faults_are_named_with_their_server() {
        let servers = ["C", "Go"].map(|name| Server { name: name.to_owned(), url: String::new() });
        let samples = [
            sample(0, 0, 0, Outcome::Unanswered),
            sample(0, 0, 0, Outcome::Other(503)),
            sample(1, 0, 0, Outcome::Admitted),
            sample(1, 0, 0, Outcome::Unanswered),
        ];
        let expected =
            ["C left 1 requests unanswered", "C answered 1 requests with 503", "C decided nothing"];
        assert_eq!(faults(&servers, &samples, |server| server == 1), expected);
    }

    /// Three servers that each admit every 25 ms: 120 a second.
    fn steady(apart: u64) -> Vec<Sample> {
        let of = |server| (0..80).map(move |i| sample(server, 0, i * apart, Outcome::Admitted));
        (0..3).flat_map(of).collect()
    }

    #[test]
    fn a_window_that_holds_too_much_is_found() {
        let limits = [Limit::log("second", 100, SECOND), Limit::bucket("pace", 100, SECOND, 10)];
        assert_eq!(windows(&limits, &steady(SECOND / 25)), Vec::<String>::new());
        assert_eq!(most_within(&steady(SECOND / 25), 3, SECOND), 75);
        let found = windows(&limits, &steady(SECOND / 40));
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(most_within(&steady(SECOND / 40), 3, SECOND), 120);
    }

    #[test]
    fn what_may_lie_outside_is_not_counted() {
        let mut samples = steady(SECOND / 40);
        for sample in &mut samples {
            sample.answered = sample.sent + 2 * SECOND;
        }
        assert!(windows(&[Limit::log("second", 100, SECOND)], &samples).is_empty());
        assert_eq!(most_within(&samples, 3, SECOND), 0);
    }
}
