//! Token buckets against an ideal one that knows no ticks: what a greedy caller gets is what the rate
//! gives, at any quota, window and burst. The ideal shares nothing with the engine nor with the
//! reference model, which count in the same ticks, so that a tick that is too long cannot hide.

#![allow(clippy::expect_used)]

use std::time::Duration;

use proptest::prelude::*;
use tidegate::{Limit, Limiter, ManualClock, Nanos, Policy};

/// A bucket by the time at which it is full, in `quota`-ths of a nanosecond, of which `window` bring one
/// token: exact at every nanosecond.
struct Ideal {
    quota: i128,
    window: i128,
    burst: i128,
    /// Nanoseconds by which whatever is taken counts later than it was.
    later: i128,
    full_at: i128,
}

impl Ideal {
    /// The bucket of this limit that delays everything by `later` nanoseconds.
    fn new(limit: &Limit, later: u64) -> Self {
        let [quota, burst, later] = [limit.quota(), limit.capacity(), later].map(i128::from);
        Self { quota, window: nanos(limit.window()).into(), burst, later, full_at: 0 }
    }

    /// Takes `cost` tokens if it holds them: a bucket that is full at f holds `burst` less
    /// (f − t) · quota / window of them at t.
    fn takes(&mut self, now: u64, cost: u64) -> bool {
        let (now, cost) = (i128::from(now) * self.quota, i128::from(cost) * self.window);
        let holds = self.burst * self.window - (self.full_at - now).max(0);
        if holds < cost {
            return false;
        }
        self.full_at = self.full_at.max(now + self.later * self.quota) + cost;
        true
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).expect("a window of at most a century")
}

/// A limiter of one bucket.
fn limiter(limit: Limit, start: u64) -> (Limiter, ManualClock) {
    let clock = ManualClock::at(Nanos::new(start));
    let policy = Policy::new([limit]).expect("one limit");
    let limiter = Limiter::builder(policy).max_keys(1).clock(clock.clone()).build().expect("a limiter");
    (limiter, clock)
}

/// What a caller gets who asks for one token after another until it is denied, every `poll`
/// nanoseconds for `span` of them; and what the ideal bucket gives.
fn greedy(notation: &str, poll: u64, span: u64) -> (u64, u64) {
    let limit = notation.parse::<Policy>().expect("a policy").limits().first().expect("a limit").clone();
    let mut ideal = Ideal::new(&limit, 0);
    let start = 1_000_000_000_000;
    let (limiter, clock) = limiter(limit, start);
    let (mut found, mut wanted) = (0, 0);
    for at in (start..=start + span).step_by(poll as usize) {
        clock.set(Nanos::new(at));
        found += std::iter::from_fn(|| limiter.allow("a").expect("a decision").then_some(1)).sum::<u64>();
        wanted += std::iter::from_fn(|| ideal.takes(at, 1).then_some(1)).sum::<u64>();
    }
    (found, wanted)
}

#[test]
fn a_small_burst_on_a_long_window_gets_its_whole_rate() {
    const MILLI: u64 = 1_000_000;
    for (notation, poll, span) in [
        ("100_000_000_000/day token-bucket burst=10", 1_000, 20 * MILLI),
        ("1_157_407/second token-bucket burst=10", 1_000, 20 * MILLI),
        ("10_000_000_000/30 days token-bucket burst=1", 1_000, 100 * MILLI),
        ("1_000_000_000/week token-bucket burst=1", 100_000, 10_000 * MILLI),
        ("1_000_000_000/month token-bucket burst=1", 100_000, 10_000 * MILLI),
        ("600_000_000/minute token-bucket burst=1", 50, MILLI),
    ] {
        let (found, wanted) = greedy(notation, poll, span);
        assert_eq!(found, wanted, "{notation}");
    }
    // Polled more often than tokens come, a burst of ten is never full: ⌊10 + 10¹¹ · 0.02 / 86,400⌋.
    assert_eq!(greedy("100_000_000_000/day token-bucket burst=10", 1_000, 20 * MILLI).0, 23_158);
}

/// A number of up to so many decimal digits, of any size alike.
fn up_to(digits: u32) -> impl Strategy<Value = u64> {
    (0..digits).prop_flat_map(|digits| 1..10_u64.pow(digits + 1))
}

fn any_bucket() -> impl Strategy<Value = Limit> {
    let second = 1_000_000_000;
    let units = vec![1, 1000, second, 60 * second, 3600 * second, 86_400 * second, 30 * 86_400 * second];
    let window = prop_oneof![prop::sample::select(units), up_to(18)];
    (window, up_to(15), prop_oneof![Just(0), 1..20_u64, up_to(15)]).prop_filter_map(
        "a bucket that cannot be counted",
        |(window, quota, burst)| {
            let burst = if burst == 0 { quota } else { burst };
            Limit::token_bucket("a", quota, Duration::from_nanos(window), burst).ok()
        },
    )
}

/// The engine tells no times beyond this apart, 292 years.
const LATEST: u64 = 1 << 63;

/// Nanoseconds in which a bucket fills.
fn fill(limit: &Limit) -> u64 {
    let units = u128::from(limit.capacity()) * limit.window().as_nanos();
    u64::try_from(units / u128::from(limit.quota())).expect("at most a century")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Costs of one size, taken whenever they can be, by a caller who asks some `pace` times while the
    /// bucket fills. No caller could have more of the ideal bucket; and a caller whose every admission
    /// is late by less than two resolutions has at least what a bucket gives that is as late as that.
    #[test]
    fn a_greedy_caller_gets_what_the_ideal_bucket_gives(
        limit in any_bucket(),
        start in up_to(18),
        part in 1..=100_u64,
        pace in 1..3000_u64,
        jitter: u64,
    ) {
        let resolution = nanos(limit.resolution());
        // What is promised of it, in the documentation of `Limit::resolution`.
        prop_assert!(resolution == 1 || resolution <= fill(&limit) / 1000, "{:?}", limit);
        // In whole nanoseconds nothing is rounded.
        let late = if resolution == 1 { 0 } else { 2 * resolution };
        let (mut ideal, mut latest) = (Ideal::new(&limit, 0), Ideal::new(&limit, late));
        let cost = (limit.capacity() / part).max(1);
        let step = (fill(&limit) / pace).max(1);
        let (limiter, clock) = limiter(limit.clone(), start);
        let (mut at, mut found, mut most, mut least) = (start, 0_u64, 0_u64, 0_u64);
        for poll in 0..300_u64 {
            found += u64::from(limiter.allow_n("a", cost).expect("a decision"));
            most += u64::from(ideal.takes(at, cost));
            least += u64::from(latest.takes(at, cost));
            prop_assert!(least <= found && found <= most, "{limit:?}: {least} <= {found} <= {most} of {cost}, poll {poll}");
            at = at.saturating_add(step + jitter.rotate_left(poll as u32) % (step / 8 + 1));
            if at >= LATEST {
                break;
            }
            clock.set(Nanos::new(at));
        }
    }
}
