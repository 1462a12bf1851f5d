//! Faults that other limiters have or had, one by one: that we have none of them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tidegate::{Decision, Error, Joint, Limiter, ManualClock, Nanos, OnFull, Style, check_all};

const SECOND: Duration = Duration::from_secs(1);

fn by_hand(policy: &str) -> (Limiter, ManualClock) {
    let clock = ManualClock::at(Nanos::from_secs(1_716_983_970));
    (Limiter::builder(policy).clock(clock.clone()).build().unwrap(), clock)
}

fn remaining(decision: &Decision<'_>) -> Vec<u64> {
    decision.limits().map(|status| status.remaining).collect()
}

#[test]
fn a_burst_of_one_limits() {
    let (limiter, clock) = by_hand("10/second token-bucket burst=1");
    assert!(limiter.allow("alice").unwrap());
    assert!(!limiter.allow("alice").unwrap());
    clock.advance(Duration::from_millis(100));
    assert!(limiter.allow("alice").unwrap());
    assert!(!limiter.allow("alice").unwrap());
}

#[test]
fn polling_often_loses_no_refill() {
    for (rate, step) in [(7_u64, 1_000_003), (1000, 999), (999_983, 101)] {
        let (limiter, clock) = by_hand(&format!("{rate}/second token-bucket burst=1"));
        assert!(limiter.allow("alice").unwrap());
        let (mut passed, mut admitted) = (0, 0);
        while passed < 50_000_000 {
            clock.advance(Duration::from_nanos(step));
            passed += step;
            admitted += u64::from(limiter.allow("alice").unwrap());
        }
        // Each admission may come one step late, and the bucket holds no more than the one.
        let interval = 1_000_000_000_u64.div_ceil(rate);
        let wanted = passed / interval.next_multiple_of(step);
        assert!(admitted >= wanted, "{admitted} of {wanted} at {rate}/s");
    }
}

#[test]
fn rates_beyond_one_a_nanosecond_are_exact() {
    for rate in [600_000_000_u64, 999_999_937, 1_000_000_007, 123_456_789_012] {
        let (limiter, clock) = by_hand(&format!("{rate}/second token-bucket burst=10000"));
        let mut admitted = 0;
        let take_all = || {
            let mut taken = 0;
            while let left @ 1.. = limiter.peek("alice").unwrap().remaining() {
                assert!(limiter.check_n("alice", left).unwrap().allowed());
                taken += left;
            }
            taken
        };
        for step in [0, 1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 10, 10, 10, 27] {
            clock.advance(Duration::from_nanos(step));
            admitted += take_all();
        }
        let passed = 200;
        assert_eq!(u128::from(admitted), 10_000 + u128::from(rate) * passed / 1_000_000_000, "{rate}/s");
    }
}

#[test]
fn large_costs_do_not_overflow() {
    let (limiter, clock) = by_hand("9007199254740992/second token-bucket burst=1000000000000");
    let burst = 1_000_000_000_000;
    for cost in [burst + 1, 1 << 53, u64::MAX / 2, u64::MAX] {
        assert!(
            matches!(limiter.check_n("alice", cost), Err(Error::CostAboveQuota { most, .. }) if most == burst)
        );
        assert!(matches!(limiter.refund("alice", cost), Err(Error::CostAboveQuota { .. })));
    }
    assert!(limiter.check_n("alice", burst).unwrap().allowed());
    let denied = limiter.check_n("alice", burst).unwrap();
    assert_eq!(denied.retry_after(), Some(Duration::from_nanos(111_023)));
    clock.advance(denied.retry_after().unwrap());
    assert!(limiter.check_n("alice", burst).unwrap().allowed());
}

/// Too long for the vectors: the rest of what can be wrong with a call is there.
#[test]
fn keys_may_be_long_but_not_endless() {
    let (limiter, _) = by_hand("1/minute");
    let key = vec![b'a'; 65_537];
    assert!(limiter.allow(&key[1..]).unwrap());
    assert!(!limiter.allow(&key[1..]).unwrap());
    assert!(matches!(limiter.allow(&key), Err(Error::KeyTooLong { len: 65_537 })));
    assert!(matches!(limiter.peek(&key), Err(Error::KeyTooLong { .. })));
}

#[test]
fn the_end_of_time_is_no_surprise() {
    for policy in ["2/36500 days", "2/second", "5/minute token-bucket", "1/second token-bucket burst=1000000"]
    {
        let (limiter, clock) = by_hand(policy);
        for before in [u64::MAX, 1 << 40, 1, 0] {
            clock.set(Nanos::new(u64::MAX - before));
            let decision = limiter.check("alice").unwrap();
            assert!(decision.reset_after() >= decision.retry_after().unwrap_or_default(), "{policy}");
        }
        assert!(!(0..6).all(|_| limiter.allow("bob").unwrap()) || policy.contains("burst"), "{policy}");
    }
}

#[test]
fn fixed_windows_do_not_double_at_the_edge() {
    let (limiter, clock) = by_hand("5/second");
    clock.set(Nanos::new(1_716_983_970_900_000_000));
    let mut admitted = 0;
    for _ in 0..201 {
        admitted += u32::from(limiter.allow("alice").unwrap());
        clock.advance(Duration::from_millis(1));
    }
    assert_eq!(admitted, 5, "in 201 ms, across the turn of a second");
}

#[test]
fn a_unit_leaves_after_one_window_and_not_a_tick_later() {
    for (policy, window) in [("1/second", 1), ("1/minute", 60), ("1/day", 86_400), ("1/month", 30 * 86_400)] {
        let (limiter, clock) = by_hand(policy);
        assert!(limiter.allow("alice").unwrap());
        clock.advance(Duration::from_secs(window) - Duration::from_nanos(1));
        assert!(!limiter.allow("alice").unwrap(), "{policy}");
        clock.advance(Duration::from_nanos(1));
        assert!(limiter.allow("alice").unwrap(), "{policy}");
    }
}

/// In whole ticks of all three limits, the longest of which is 100 ns.
#[test]
fn what_keeps_to_its_rate_is_never_denied() {
    let (limiter, clock) = by_hand("7/second; 420/minute; 7/second token-bucket burst=1");
    for i in 0..5000 {
        let decision = limiter.check("alice").unwrap();
        assert!(decision.allowed(), "request {i}: {decision:?}");
        clock.advance(Duration::from_nanos(1_000_000_000_u64.div_ceil(7).next_multiple_of(100)));
    }
}

#[test]
fn a_denial_by_one_limit_takes_nothing_from_the_others() {
    let (limiter, _) = by_hand("10/second; 5/second token-bucket; 3/minute");
    for _ in 0..10 {
        limiter.check("alice").unwrap();
    }
    assert_eq!(remaining(&limiter.peek("alice").unwrap()), [7, 2, 0]);
    assert!(!limiter.check_costs("alice", &[7, 3, 0]).unwrap().allowed());
    assert!(limiter.check_costs("alice", &[7, 2, 0]).unwrap().allowed(), "nothing was lost to the denials");
}

#[test]
fn a_denial_of_the_third_key_leaves_the_first_two_whole() {
    let (users, clock) = by_hand("10/minute");
    let teams = Limiter::builder("10/minute token-bucket").clock(clock.clone()).build().unwrap();
    let everyone = Limiter::builder("1/minute").clock(clock.clone()).build().unwrap();
    let parts = [Joint::new(&users, "u", 1), Joint::new(&teams, "t", 1), Joint::new(&everyone, "all", 1)];
    assert!(check_all(&parts).unwrap().allowed());
    for _ in 0..5 {
        let denied = check_all(&parts).unwrap();
        assert_eq!(denied.reported().unwrap().retry_after(), Some(Duration::from_secs(60)));
    }
    assert_eq!((users.peek("u").unwrap().remaining(), teams.peek("t").unwrap().remaining()), (9, 9));
}

#[test]
fn a_refund_is_had_back_at_once() {
    let (limiter, _) = by_hand("3/minute; 3/second token-bucket");
    assert!(limiter.check_n("alice", 3).unwrap().allowed());
    assert!(!limiter.allow("alice").unwrap());
    limiter.refund("alice", 2).unwrap();
    assert!(limiter.check_n("alice", 2).unwrap().allowed());
    assert!(!limiter.allow("alice").unwrap());
    limiter.reset("alice").unwrap();
    assert!(limiter.check_n("alice", 3).unwrap().allowed());
}

#[test]
fn the_retry_time_can_be_relied_on() {
    let (limiter, clock) = by_hand("100/minute; 10/second token-bucket");
    for cost in [1, 3, 10, 7, 10, 10, 9, 10, 10, 10, 10, 10, 10, 10, 10, 10] {
        let Some(wait) = limiter.check_n("alice", cost).unwrap().retry_after() else { continue };
        clock.advance(wait - Duration::from_nanos(1));
        assert!(!limiter.check_n("alice", cost).unwrap().allowed());
        clock.advance(Duration::from_nanos(1));
        assert!(limiter.peek("alice").unwrap().allowed());
        assert!(limiter.check_n("alice", cost).unwrap().allowed(), "{cost} after {wait:?}");
    }
}

/// Timers of 32-bit milliseconds end after 24.8 days.
#[test]
fn waits_may_be_longer_than_twenty_five_days() {
    let (limiter, clock) = by_hand("1/month");
    let month = 30 * 86_400 * SECOND;
    assert!(limiter.allow("alice").unwrap());
    assert_eq!(limiter.check("alice").unwrap().retry_after(), Some(month));
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            let decision = limiter.acquire("alice", 1, 2 * month).unwrap();
            done.store(true, Ordering::Release);
            decision.allowed()
        });
        while !done.load(Ordering::Acquire) {
            clock.advance(86_400 * SECOND / 24);
            std::thread::yield_now();
        }
        assert!(waiter.join().unwrap());
    });
}

/// Blocked keys are remembered however many others come.
#[test]
fn no_crowd_makes_a_blocked_key_forgotten() {
    for on_full in [OnFull::Overflow, OnFull::Deny, OnFull::Allow] {
        let clock = ManualClock::new();
        let builder = Limiter::builder("2/hour").clock(clock.clone()).max_keys(100).on_full(on_full);
        let limiter = builder.build().unwrap();
        assert!(limiter.check_n("mallory", 2).unwrap().allowed());
        for key in 0..10_000_u64 {
            limiter.allow(key.to_le_bytes()).unwrap();
            clock.advance(Duration::from_millis(1));
        }
        let denied = limiter.check("mallory").unwrap();
        assert!(!denied.allowed() && denied.tracked(), "{on_full:?}");
        assert_eq!(denied.retry_after(), Some(3590 * SECOND), "{on_full:?}");
    }
}

/// Neither a date where seconds belong nor fractions, and `Retry-After` on denials alone.
#[test]
fn headers_say_whole_seconds_of_the_right_kind() {
    let (limiter, clock) = by_hand("1/minute");
    clock.advance(Duration::from_millis(250));
    let headers = |style| {
        let decision = limiter.check("alice").unwrap();
        decision.headers(style).map(|(name, value)| format!("{name}: {}", value.as_str())).collect::<Vec<_>>()
    };
    assert_eq!(headers(Style::XRateLimit)[2..], ["X-RateLimit-Reset: 1716984031"]);
    assert_eq!(
        headers(Style::Ietf06)[2..],
        ["RateLimit-Reset: 60", "RateLimit-Policy: 1;w=60", "Retry-After: 60"]
    );
    clock.advance(Duration::from_millis(59_900));
    assert_eq!(headers(Style::XRateLimit).last().unwrap(), "Retry-After: 1");
}
