//! Threads on one limiter: whatever they race for, what they were given keeps the rule.
//!
//! The sizes are small; `TIDEGATE_STRESS=100` makes them a hundred times larger.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tidegate::{Clock, Limiter, ManualClock, Nanos, OnFull};
use tidegate_reference::{Limit, Policy};
use tidegate_tests::engine_policy;
use tidegate_tests::stress::{Seen, certain_excess, certainly_wrong_denial, on_threads, scaled};

const MICRO: u64 = 1_000;
const MILLI: u64 = 1_000_000;

/// One call for a key, and what its caller could see.
fn observe(limiter: &Limiter, clock: &Clock, key: usize, cost: u64) -> (Seen, bool) {
    let before = clock.now().get();
    let decision = limiter.check_n(key.to_le_bytes(), cost).unwrap();
    let (allowed, after) = (decision.allowed(), clock.now().get());
    (Seen { key, before, after, cost, allowed }, decision.tracked())
}

#[track_caller]
fn assert_kept(limits: &[Limit], seen: &[Seen]) {
    let keys = seen.iter().map(|seen| seen.key).max().unwrap_or(0);
    for key in 0..=keys {
        let of_key: Vec<_> = seen.iter().copied().filter(|seen| seen.key == key).collect();
        for limit in limits {
            assert_eq!(certain_excess(limit, &of_key), None, "over-admission by {limit:?} of key {key}");
        }
    }
}

fn limiter(limits: &[Limit], clock: &Clock, max_keys: usize, on_full: OnFull) -> Limiter {
    let policy = engine_policy(&Policy::new(limits.to_vec())).unwrap();
    Limiter::builder(policy).clock(clock.clone()).max_keys(max_keys).on_full(on_full).build().unwrap()
}

/// Threads that ask for a few keys, by real time.
fn race(limits: &[Limit], clock: &Clock, threads: usize, keys: usize) -> Vec<Seen> {
    let limiter = limiter(limits, clock, 1000, OnFull::Deny);
    let most = limits.iter().map(Limit::capacity).min().unwrap();
    on_threads(threads, |thread| {
        let calls = scaled(40_000) / threads;
        let call = |i: usize| {
            let cost = if i.is_multiple_of(7) { 1 + (i / 7) as u64 % most.min(3) } else { 1 };
            observe(&limiter, &Clock::Precise, (i + thread) % keys, cost).0
        };
        (0..calls).map(call).collect()
    })
}

#[test]
fn a_log_by_the_precise_clock() {
    let limits = [Limit::log("a", 20, 100 * MICRO)];
    for (threads, keys) in [(2, 1), (4, 1), (8, 3)] {
        let seen = race(&limits, &Clock::Precise, threads, keys);
        assert!(seen.iter().any(|seen| seen.allowed));
        assert_kept(&limits, &seen);
        for key in 0..keys {
            let of_key: Vec<_> = seen.iter().copied().filter(|seen| seen.key == key).collect();
            assert_eq!(certainly_wrong_denial(&limits[0], &of_key), None);
        }
    }
}

#[test]
fn a_bucket_by_the_precise_clock() {
    let limits = [Limit::bucket("a", 30, 100 * MICRO, 12)];
    for (threads, keys) in [(2, 1), (4, 1), (8, 3)] {
        assert_kept(&limits, &race(&limits, &Clock::Precise, threads, keys));
    }
}

#[test]
fn several_limits_by_the_precise_clock() {
    let limits = [
        Limit::log("a", 20, 100 * MICRO),
        Limit::bucket("b", 40, 200 * MICRO, 5),
        Limit::log("c", 90, MILLI),
    ];
    assert_kept(&limits, &race(&limits, &Clock::Precise, 4, 2));
}

/// The coarse clock is up to a tick behind the precise one that the windows are measured by.
#[test]
fn no_window_is_short_by_the_lag_of_the_coarse_clock() {
    let limits = [Limit::log("a", 20, 8 * MILLI), Limit::bucket("b", 20, 8 * MILLI, 5)];
    for limit in limits {
        let limits = [limit];
        assert_kept(&limits, &race(&limits, &Clock::Coarse, 4, 1));
    }
}

/// Many keys in a small table: entries recover, are given to other keys and wanted back.
fn churn(limits: &[Limit], on_full: OnFull) -> Vec<(Seen, bool)> {
    let limiter = limiter(limits, &Clock::Precise, 16, on_full);
    let seen = on_threads(4, |thread| {
        let mut random = oorandom::Rand32::new(thread as u64);
        let mut call = |_| observe(&limiter, &Clock::Precise, random.rand_range(0..64) as usize, 1);
        (0..scaled(20_000)).map(&mut call).collect()
    });
    assert!(limiter.counters().reclaimed > 0);
    seen
}

#[test]
fn keys_that_race_for_entries_keep_the_rule() {
    for limits in [[Limit::log("a", 2, 30 * MICRO)], [Limit::bucket("a", 1, 15 * MICRO, 2)]] {
        let all = churn(&limits, OnFull::Deny);
        let seen: Vec<_> = all.into_iter().map(|(seen, _)| seen).collect();
        assert_kept(&limits, &seen);
    }
}

/// Keys without an entry of their own share one quota; those with one have their own.
#[test]
fn newcomers_share_one_quota() {
    let limits = [Limit::log("a", 2, 30 * MICRO)];
    let all = churn(&limits, OnFull::Overflow);
    let own = all.iter().filter(|(_, tracked)| *tracked).map(|(seen, _)| *seen);
    assert_kept(&limits, &own.collect::<Vec<_>>());
    let shared = all.iter().filter(|(_, tracked)| !*tracked).map(|(seen, _)| Seen { key: 0, ..*seen });
    assert_kept(&limits, &shared.collect::<Vec<_>>());
}

/// With time standing still the quota is given out to the last unit, and no further, however the
/// calls are made.
#[test]
fn threads_share_out_exactly_the_quota() {
    let limits = [Limit::log("a", 1000, MILLI), Limit::bucket("b", 1500, MILLI, 1200)];
    for threads in [2, 4, 8] {
        let clock = Clock::Manual(ManualClock::at(Nanos::new(1_234_567)));
        let limiter = limiter(&limits, &clock, 10, OnFull::Deny);
        let handle = limiter.key("alice").unwrap();
        let given: u64 = on_threads(threads, |thread| {
            let call = |i: usize| match (i + thread) % 5 {
                0 => limiter.check("alice").unwrap().allowed(),
                1 => limiter.allow("alice").unwrap(),
                2 => handle.check().allowed(),
                3 => limiter.check_many(&["alice"], 1).unwrap()[0].allowed(),
                _ => limiter.check_costs("alice", &[1, 1]).unwrap().allowed(),
            };
            (0..2000).map(call).map(u64::from).collect()
        })
        .into_iter()
        .sum();
        assert_eq!(given, 1000);
        assert_eq!(
            limiter.peek("alice").unwrap().limits().map(|s| s.remaining).collect::<Vec<_>>(),
            [0, 200]
        );
    }
}

/// Threads that meet at keys which nobody has seen yet: each gets one entry, and so one quota.
#[test]
fn a_new_key_gets_one_entry() {
    let keys = scaled(5000);
    let clock = Clock::Manual(ManualClock::new());
    let limiter = limiter(&[Limit::log("a", 1, MILLI)], &clock, 2 * keys, OnFull::Deny);
    let given = on_threads(4, |_| {
        let call = |key: usize| limiter.allow(key.to_le_bytes()).unwrap().then_some(key);
        (0..keys).filter_map(call).collect()
    });
    assert_eq!(given.len(), keys);
}

/// What is given back can be had again, once.
#[test]
fn refunds_under_threads_lose_and_make_nothing() {
    let limits = [Limit::log("a", 50, MILLI), Limit::bucket("b", 80, MILLI, 60)];
    let clock = Clock::Manual(ManualClock::new());
    let limiter = limiter(&limits, &clock, 10, OnFull::Deny);
    let balance: i64 = on_threads(4, |_| {
        let call = |i: usize| {
            let taken = limiter.allow("alice").unwrap();
            if taken && !i.is_multiple_of(3) {
                limiter.refund("alice", 1).unwrap();
                return 0;
            }
            i64::from(taken)
        };
        (0..scaled(5000)).map(call).collect()
    })
    .into_iter()
    .sum();
    assert_eq!(balance, 50);
    assert_eq!(limiter.peek("alice").unwrap().limits().map(|s| s.remaining).collect::<Vec<_>>(), [0, 10]);
}

/// Time that a thread moves on by hand: every window is exact, since the clock says so.
#[test]
fn a_clock_moved_by_hand() {
    let limits = [Limit::log("a", 10, 1000), Limit::bucket("b", 7, 1000, 9)];
    let (manual, done) = (ManualClock::new(), AtomicBool::new(false));
    let clock = Clock::Manual(manual.clone());
    let limiter = limiter(&limits, &clock, 100, OnFull::Deny);
    let seen = on_threads(4, |thread| {
        if thread == 0 {
            while !done.load(Ordering::Relaxed) {
                manual.advance(Duration::from_nanos(37));
                std::thread::yield_now();
            }
            return Vec::new();
        }
        let seen = (0..scaled(10_000)).map(|i| observe(&limiter, &clock, i % 2, 1).0).collect();
        done.store(thread == 1 || done.load(Ordering::Relaxed), Ordering::Relaxed);
        seen
    });
    assert_kept(&limits, &seen);
}
