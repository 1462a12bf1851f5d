#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::*;
use crate::{Joint, ManualClock, check_all};

const SECOND: Duration = Duration::from_secs(1);

fn limiter(policy: &str, max_keys: usize, on_full: OnFull) -> (Limiter, ManualClock) {
    let clock = ManualClock::at(Nanos::from_secs(1_000));
    let builder = Limiter::builder(policy).max_keys(max_keys).on_full(on_full).clock(clock.clone());
    (builder.build().unwrap(), clock)
}

/// The numbers of every limit, to compare decisions by.
fn numbers(decision: &Decision<'_>) -> Vec<(bool, u64, Duration, Duration)> {
    let limits = decision.limits();
    limits.map(|s| (s.violated, s.remaining, s.reset_after, s.retry_after)).collect()
}

#[test]
fn a_decision_is_made_again_from_its_words() {
    let (limiter, _) = limiter("2/minute; 3/second token-bucket", 1, OnFull::Deny);
    for key in ["alice", "alice", "alice", "bob"] {
        let decision = limiter.check(key).unwrap();
        let again = limiter.decision_from(&decision.words());
        assert_eq!(again.words(), decision.words());
        assert_eq!(numbers(&again), numbers(&decision));
        assert_eq!(
            (again.at(), again.tracked(), again.reported()),
            (decision.at(), decision.tracked(), decision.reported())
        );
    }
    let nonsense = crate::DecisionWords { at: u64::MAX, marks: u32::MAX, readings: [[u64::MAX; 2]; 8] };
    let _ = (limiter.decision_from(&nonsense).reported(), limiter.decision_from(&nonsense).retry_after());
}

#[test]
fn a_decision_takes_anothers_place() {
    let (limiter, _) = limiter("2/minute; 3/second token-bucket; 9/hour", 1, OnFull::Deny);
    let mut place = limiter.check("bob").unwrap();
    for _ in 0..4 {
        let decision = limiter.check("alice").unwrap();
        decision.write_over(&mut place);
        assert_eq!(place.words(), decision.words());
        assert_eq!(place.tracked(), decision.tracked());
        assert_eq!(numbers(&place), numbers(&decision));
    }
}

#[test]
fn a_burst_at_one_instant_is_whole_on_every_clock() {
    for clock in [Clock::Coarse, Clock::Precise, ManualClock::at(Nanos::new(12_345_678_901)).into()] {
        let limiter = Limiter::builder("10/minute token-bucket").clock(clock).build().unwrap();
        let admitted = (0..12).filter(|_| limiter.allow("alice").unwrap()).count();
        assert_eq!(admitted, 10, "{:?}", limiter.clock());
    }
}

/// The coarse clock's readings are its lag apart, give or take what steers the clock.
#[test]
fn a_burst_across_a_tick_of_the_coarse_clock_is_whole_and_never_early() {
    let lag = Clock::Coarse.lag().as_nanos() as u64;
    for (gap, before) in [(lag - 1_000, 6), (lag, 6), (lag + 1_000, 6), (lag - 1_000, 1), (lag / 3, 9)] {
        let limiter = Limiter::builder("10/second token-bucket").clock(Clock::Coarse).build().unwrap();
        let start = 5_000_000_123;
        let ask = |now| limiter.check_at("a", 1, Nanos::new(now)).unwrap();
        let early = (0..before).filter(|_| ask(start).allowed()).count();
        let late = (0..12).filter(|_| ask(start + gap).allowed()).count();
        assert_eq!(early + late, 10, "{gap} ns, {before} before");
        // The first admission may have been as late as start + lag; its token is back 100 ms after.
        let due = start + lag + 100_000_000;
        assert!(!ask(due - 1).allowed(), "{gap} ns, {before} before");
        assert!(ask(due + lag / 2 + 1).allowed(), "{gap} ns, {before} before");
    }
}

#[test]
fn a_bucket_that_fills_for_decades_refills_at_its_own_rate() {
    // The tick follows the 47 years to fill, and the window is no whole number of ticks.
    let (limiter, clock) = limiter("1/1500ms token-bucket burst=1000000000", 10, OnFull::Overflow);
    assert!(
        !limiter.policy().limits()[0]
            .window()
            .as_nanos()
            .is_multiple_of(limiter.policy().limits()[0].resolution().as_nanos())
    );
    assert!(limiter.check_n("a", 1_000_000_000).unwrap().allowed());
    clock.advance(1_500 * SECOND);
    assert_eq!(limiter.peek("a").unwrap().remaining(), 1_000);
}

#[test]
fn the_clock_suits_the_policy() {
    let chosen = |policy: &str| Limiter::new(policy).unwrap().clock().lag();
    assert_eq!(chosen("100/minute; 10/second token-bucket"), Clock::Coarse.lag());
    assert_eq!(chosen("100/minute; 1000/second token-bucket"), Duration::ZERO);
    assert_eq!(chosen("100/minute; 10/second token-bucket burst=1"), Duration::ZERO);
    assert_eq!(chosen("1/minute token-bucket burst=1"), Clock::Coarse.lag());
}

#[test]
fn a_full_table_overflows_denies_or_allows() {
    let (shared, _) = limiter("1/minute", 2, OnFull::Overflow);
    let (closed, _) = limiter("1/minute", 2, OnFull::Deny);
    let (open, _) = limiter("1/minute", 2, OnFull::Allow);
    for limiter in [&shared, &closed, &open] {
        assert_eq!(limiter.max_keys(), 2);
        assert!(limiter.allow("a").unwrap() && limiter.allow("b").unwrap());
    }
    let answers = |limiter: &Limiter| ["c", "d", "c"].map(|key| limiter.allow(key).unwrap());
    assert_eq!(answers(&shared), [true, false, false]);
    assert_eq!(answers(&closed), [false; 3]);
    assert_eq!(answers(&open), [true; 3]);
    for limiter in [&shared, &closed, &open] {
        assert_eq!(limiter.counters().overflowed, 3);
        assert!(!limiter.check("e").unwrap().tracked());
        assert!(limiter.check("a").unwrap().tracked());
    }
    let denied = closed.check("f").unwrap();
    assert_eq!((denied.remaining(), denied.retry_after()), (0, Some(60 * SECOND)));
}

#[test]
fn a_newcomer_without_room_is_told_when_there_may_be_some() {
    for (policy, wait, denying) in [
        ("2/day; 5/second token-bucket", 86_400 * SECOND, "day"),
        ("5/second token-bucket", SECOND / 5, "second"),
        ("7/minute token-bucket; 100/hour", 3_600 * SECOND, "hour"),
    ] {
        let (limiter, clock) = limiter(policy, 1, OnFull::Deny);
        assert!(limiter.allow("a").unwrap());
        let denied = limiter.check("b").unwrap();
        assert_eq!(denied.violated().collect::<Vec<_>>(), [denying], "{policy}");
        assert_eq!((denied.remaining(), denied.retry_after()), (0, Some(wait)), "{policy}");
        clock.advance(wait - Duration::from_nanos(1));
        assert!(!limiter.allow("b").unwrap(), "{policy}");
        clock.advance(Duration::from_nanos(1));
        assert!(limiter.acquire("b", 1, Duration::ZERO).unwrap().allowed(), "{policy}");
    }
}

#[test]
fn a_look_says_what_a_check_would() {
    for on_full in [OnFull::Overflow, OnFull::Deny, OnFull::Allow] {
        let (limiter, clock) = limiter("2/minute; 5/hour token-bucket", 2, on_full);
        for key in ["a", "b", "c", "d", "c", "c", "a"] {
            let looked = limiter.peek(key).unwrap();
            let checked = limiter.check(key).unwrap();
            assert_eq!((looked.allowed(), looked.tracked()), (checked.allowed(), checked.tracked()), "{key}");
            let taken = u64::from(checked.allowed());
            assert_eq!(looked.remaining(), checked.remaining() + taken, "{key}, {on_full:?}");
            assert_eq!(looked.retry_after(), checked.retry_after(), "{key}, {on_full:?}");
        }
        // By then there is room again, and a look takes none.
        clock.advance(3_600 * SECOND);
        for key in ["e", "f", "g"] {
            assert!(limiter.peek(key).unwrap().tracked());
        }
        assert!(["g", "h"].iter().all(|key| limiter.check(key).unwrap().tracked()));
    }
}

#[test]
fn a_recovered_entry_makes_room_and_a_live_one_does_not() {
    let (limiter, clock) = limiter("2/minute; 1/second token-bucket", 1, OnFull::Deny);
    assert!(limiter.allow("a").unwrap());
    clock.advance(59 * SECOND);
    assert!(!limiter.allow("b").unwrap());
    clock.advance(SECOND);
    assert!(limiter.allow("b").unwrap());
    assert_eq!(limiter.counters().reclaimed, 1);
    assert!(!limiter.allow("a").unwrap());
    limiter.reset("b").unwrap();
    assert!(limiter.allow("a").unwrap());
}

#[test]
fn ten_times_as_many_keys_as_there_is_room_for() {
    let (limiter, clock) = limiter("1/second", 1_000, OnFull::Overflow);
    for round in 0..10 {
        let admitted = (0..1_000).filter(|key| limiter.allow(format!("{round}/{key}")).unwrap()).count();
        assert!(admitted >= 999, "{admitted} in round {round}");
        clock.advance(SECOND);
    }
    assert!(limiter.counters().reclaimed > 8_000);
}

#[test]
fn counters_count_every_call_once() {
    let (limiter, _) = limiter("3/minute; 2/second token-bucket", 10, OnFull::Overflow);
    let decisions = (0..5).map(|_| limiter.check("a").unwrap().allowed()).filter(|&allowed| allowed).count();
    let handle = limiter.key("a").unwrap();
    assert!(!limiter.allow("a").unwrap() && !handle.allow() && !handle.check().allowed());
    let counters = limiter.counters();
    assert_eq!((counters.admitted, counters.denied), (decisions as u64, vec![0, 6]));
}

#[test]
fn counters_are_exact_under_threads() {
    let (limiter, _) = limiter("1000/minute", 10, OnFull::Overflow);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..1_000).for_each(|_| drop(limiter.allow("a"))));
        }
    });
    let counters = limiter.counters();
    assert_eq!((counters.admitted, counters.denied), (1_000, vec![3_000]));
}

#[test]
fn a_batch_decides_as_single_checks_do() {
    let (batch, _) = limiter("3/minute; 5/second token-bucket", 100, OnFull::Overflow);
    let (single, _) = limiter("3/minute; 5/second token-bucket", 100, OnFull::Overflow);
    let keys: Vec<String> = (0..200).map(|i| format!("key-{}", i * i % 17)).collect();
    let decisions = batch.check_many(&keys, 1).unwrap();
    assert_eq!(decisions.len(), keys.len());
    for (key, decision) in keys.iter().zip(&decisions) {
        assert_eq!(numbers(decision), numbers(&single.check(key).unwrap()), "{key}");
    }
}

#[test]
fn a_batch_with_a_bad_part_takes_nothing() {
    let (limiter, _) = limiter("3/minute", 10, OnFull::Overflow);
    assert!(matches!(limiter.check_many(&["a", ""], 1), Err(Error::EmptyKey)));
    assert!(matches!(limiter.check_many(&["a"], 4), Err(Error::CostAboveQuota { .. })));
    let costs = |i: usize| [1, 0][i];
    assert!(matches!(limiter.check_many_with(&["a", "b"], costs, |_, _| ()), Err(Error::ZeroCost)));
    assert_eq!(limiter.peek("a").unwrap().remaining(), 3);
}

#[test]
fn a_handle_outlives_the_entry_it_found() {
    let (limiter, clock) = limiter("2/minute", 1, OnFull::Overflow);
    let alice = limiter.key("alice").unwrap();
    assert_eq!(alice.check().remaining(), 1);
    clock.advance(60 * SECOND);
    assert_eq!(limiter.check("bob").unwrap().remaining(), 1);
    clock.advance(60 * SECOND);
    assert_eq!(alice.check().remaining(), 1);
    assert_eq!(alice.check_n(1).unwrap().remaining(), 0);
    assert_eq!(limiter.peek("bob").unwrap().remaining(), 2);
}

#[test]
fn bad_input_says_what_is_wrong() {
    let (limiter, _) = limiter("a: 3/minute; b: 5/second token-bucket", 10, OnFull::Overflow);
    let long = vec![b'k'; MAX_KEY_BYTES + 1];
    let errors = [
        limiter.check("").unwrap_err(),
        limiter.check(&long).unwrap_err(),
        limiter.check_n("k", 0).unwrap_err(),
        limiter.check_n("k", 4).unwrap_err(),
        limiter.check_costs("k", &[1]).unwrap_err(),
        limiter.check_costs("k", &[0, 0]).unwrap_err(),
        limiter.check_costs("k", &[1, 6]).unwrap_err(),
        Limiter::builder("1/minute").max_keys(0).build().unwrap_err(),
        Limiter::builder("1/minute").max_keys(usize::MAX).build().unwrap_err(),
    ];
    let words =
        ["empty", "65537", "is 0", "limit `a`", "2 limits", "is 0", "limit `b`", "max_keys is 0", "beyond"];
    for (error, word) in errors.iter().zip(words) {
        assert!(error.to_string().contains(word), "{error}");
    }
    assert!(limiter.check(&long[1..]).unwrap().allowed());
}

#[test]
fn a_joint_check_takes_all_or_nothing() {
    let (users, _) = limiter("3/minute", 10, OnFull::Overflow);
    let (organisations, _) = limiter("5/minute", 10, OnFull::Overflow);
    let ask = |user: &'static str, cost| {
        let parts = [Joint::new(&users, user, cost), Joint::new(&organisations, "acme", cost)];
        check_all(&parts).unwrap()
    };
    assert!(ask("alice", 3).allowed());
    let denied = ask("bob", 3);
    assert!(!denied.allowed() && denied.decisions()[0].allowed());
    assert_eq!(denied.reported().unwrap().limit(), 5);
    assert_eq!(denied.reported().unwrap().retry_after(), Some(60 * SECOND));
    assert!(ask("bob", 2).allowed());
    assert!(!ask("alice", 1).allowed());
    let counters = (users.counters(), organisations.counters());
    assert_eq!((counters.0.admitted, counters.0.denied), (2, vec![1]));
    assert_eq!((counters.1.admitted, counters.1.denied), (2, vec![2]));
    let twice = [Joint::new(&users, "a", 1), Joint::new(&users, "b", 1)];
    assert!(matches!(check_all(&twice), Err(Error::Joint(_))));
    assert!(matches!(check_all(&[]), Err(Error::Joint(_))));
}

#[test]
fn a_joint_check_takes_a_cost_for_each_limit() {
    let (users, _) = limiter("requests: 3/minute; tokens: 900/minute", 10, OnFull::Overflow);
    let (organisations, _) = limiter("1000/minute", 10, OnFull::Overflow);
    let ask = |user: &'static str, costs: &[u64]| {
        check_all(&[Joint::costs(&users, user, costs), Joint::new(&organisations, "acme", costs[1])])
            .map(|decision| decision.allowed())
    };
    let left = |user| users.peek(user).unwrap().limits().map(|limit| limit.remaining).collect::<Vec<_>>();
    assert!(ask("alice", &[1, 600]).unwrap());
    assert!(!ask("bob", &[1, 500]).unwrap());
    assert_eq!((left("alice"), left("bob")), (vec![2, 300], vec![3, 900]));
    assert!(ask("alice", &[0, 300]).unwrap());
    assert_eq!(left("alice"), [2, 0]);
    assert!(matches!(ask("alice", &[1, 2, 3]), Err(Error::CostCount { .. })));
    assert!(matches!(ask("alice", &[1, 901]), Err(Error::CostAboveQuota { .. })));
}

#[test]
fn a_joint_denial_takes_nothing_from_a_part_without_room_either() {
    let (open, _) = limiter("5/minute", 1, OnFull::Allow);
    let (spent, _) = limiter("1/minute", 10, OnFull::Overflow);
    assert!(open.allow("first").unwrap() && spent.allow("acme").unwrap());
    let ask = |key: &'static str| check_all(&[Joint::new(&open, "second", 2), Joint::new(&spent, key, 1)]);
    let denied = ask("acme").unwrap();
    assert!(!denied.allowed() && !denied.decisions()[0].tracked());
    assert_eq!(denied.decisions()[0].remaining(), 5);
    let allowed = ask("other").unwrap();
    assert!(allowed.allowed());
    assert_eq!(allowed.decisions()[0].remaining(), 3);
}

#[test]
fn yes_or_no_agrees_with_the_whole_decision() {
    for policy in
        ["2/minute token-bucket", "2/minute", "2/minute; 3/second token-bucket", "3/hour; 2/minute; 9/day"]
    {
        let (brief, _) = limiter(policy, 10, OnFull::Overflow);
        let (whole, _) = limiter(policy, 10, OnFull::Overflow);
        for cost in [1, 2, 1, 1, 2] {
            let decision = whole.check_n("a", cost).unwrap();
            assert_eq!(brief.allow_n("a", cost).unwrap(), decision.allowed(), "{policy}");
        }
        assert_eq!(brief.counters(), whole.counters(), "{policy}");
    }
}

#[test]
fn a_joint_check_under_threads_never_takes_half() {
    let (users, _) = limiter("500/minute", 10, OnFull::Overflow);
    let (organisations, _) = limiter("700/minute", 10, OnFull::Overflow);
    let one = |user: &'static str| {
        check_all(&[Joint::new(&organisations, "acme", 1), Joint::new(&users, user, 1)]).unwrap().allowed()
    };
    let other = |user: &'static str| {
        check_all(&[Joint::new(&users, user, 1), Joint::new(&organisations, "acme", 1)]).unwrap().allowed()
    };
    let taken = thread::scope(|scope| {
        let threads = [
            scope.spawn(|| (0..600).filter(|_| one("a")).count()),
            scope.spawn(|| (0..600).filter(|_| other("b")).count()),
        ];
        threads.map(|thread| thread.join().unwrap()).iter().sum::<usize>()
    });
    let used = |user| 500 - users.peek(user).unwrap().remaining();
    assert_eq!(taken, 700);
    assert_eq!(used("a") + used("b"), 700);
}

#[test]
fn acquire_waits_for_its_turn() {
    let (limiter, clock) = limiter("1/second", 10, OnFull::Overflow);
    assert!(limiter.acquire("a", 1, Duration::ZERO).unwrap().allowed());
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        for n in 0..3 {
            let (sender, limiter) = (sender.clone(), &limiter);
            scope.spawn(move || {
                let allowed = limiter.acquire("a", 1, 10 * SECOND).unwrap().allowed();
                sender.send((n, allowed)).unwrap();
            });
            // The next one comes once this one stands in the queue.
            while limiter.waiters.waiting() <= n {
                thread::yield_now();
            }
        }
        for n in 0..3 {
            assert!(receiver.try_recv().is_err());
            clock.advance(SECOND);
            assert_eq!(receiver.recv().unwrap(), (n, true));
        }
    });
    assert_eq!(limiter.waiters.waiting(), 0);
}

#[test]
fn whoever_gives_up_takes_nothing_from_those_ahead() {
    let (limiter, clock) = limiter("10/second token-bucket", 10, OnFull::Overflow);
    limiter.check_n("a", 9).unwrap();
    thread::scope(|scope| {
        let first = scope.spawn(|| limiter.acquire("a", 10, 60 * SECOND).unwrap().allowed());
        while limiter.waiters.waiting() == 0 {
            thread::yield_now();
        }
        // One unit is free, and the first in the queue needs it.
        let denied = limiter.acquire("a", 1, Duration::ZERO).unwrap();
        assert_eq!(denied.retry_after(), Some(Duration::from_millis(900)));
        assert_eq!(limiter.peek("a").unwrap().remaining(), 1);
        clock.advance(Duration::from_millis(900));
        assert!(first.join().unwrap());
    });
    assert_eq!(limiter.counters().denied, [1]);
}

#[test]
fn behind_others_too_a_wait_that_cannot_end_in_time_is_not_begun() {
    let (limiter, clock) = limiter("1/minute", 10, OnFull::Overflow);
    limiter.check("a").unwrap();
    thread::scope(|scope| {
        let first = scope.spawn(|| limiter.acquire("a", 1, 60 * SECOND).unwrap().allowed());
        while limiter.waiters.waiting() == 0 {
            thread::yield_now();
        }
        // The clock stands still: to wait would be for ever.
        let denied = limiter.acquire("a", 1, 2 * SECOND).unwrap();
        assert_eq!(denied.retry_after(), Some(60 * SECOND));
        clock.advance(60 * SECOND);
        assert!(first.join().unwrap());
    });
}

#[test]
fn a_wait_is_counted_once() {
    let (limiter, clock) = limiter("1/minute", 10, OnFull::Overflow);
    limiter.check("a").unwrap();
    thread::scope(|scope| {
        let waiter = scope.spawn(|| limiter.acquire("a", 1, 600 * SECOND).unwrap().allowed());
        while limiter.waiters.waiting() == 0 {
            thread::yield_now();
        }
        for _ in 0..59 {
            clock.advance(SECOND);
        }
        clock.advance(SECOND);
        assert!(waiter.join().unwrap());
    });
    assert!(!limiter.acquire("a", 1, SECOND).unwrap().allowed());
    let counters = limiter.counters();
    assert_eq!((counters.admitted, counters.denied), (2, vec![1]));
}

#[test]
fn acquire_gives_up_when_it_cannot_be_in_time() {
    let (limiter, _) = limiter("1/minute", 10, OnFull::Overflow);
    assert!(limiter.acquire("a", 1, SECOND).unwrap().allowed());
    let denied = limiter.acquire("a", 1, 59 * SECOND).unwrap();
    assert_eq!(denied.retry_after(), Some(60 * SECOND));
    assert!(matches!(limiter.acquire("a", 2, SECOND), Err(Error::CostAboveQuota { .. })));
}

#[test]
fn a_wait_can_be_cancelled_and_takes_nothing() {
    let (limiter, clock) = limiter("1/minute", 10, OnFull::Overflow);
    let (every, mut looks) = (Duration::from_millis(1), 0);
    assert!(limiter.allow("a").unwrap());
    let cancelled = limiter.acquire_unless("a", 1, Duration::MAX, every, || {
        // Nothing is locked meanwhile: this would wait for ever.
        limiter.waiters.wake(limiter.tag(b"a").unwrap());
        looks += 1;
        looks == 3
    });
    assert!(!cancelled.unwrap().allowed());
    assert_eq!((looks, limiter.waiters.waiting()), (3, 0));
    clock.advance(60 * SECOND);
    assert!(limiter.acquire_unless("a", 1, SECOND, every, || true).unwrap().allowed());
}

#[test]
fn a_refund_wakes_who_waits_for_it() {
    let (limiter, _) = limiter("1/minute", 10, OnFull::Overflow);
    assert!(limiter.allow("a").unwrap());
    thread::scope(|scope| {
        let waiter = scope.spawn(|| limiter.acquire("a", 1, 60 * SECOND).unwrap().allowed());
        while limiter.waiters.waiting() == 0 {
            thread::yield_now();
        }
        limiter.refund("a", 1).unwrap();
        assert!(waiter.join().unwrap());
    });
}

#[test]
fn acquire_waits_in_real_time() {
    let limiter = Limiter::new("1/20ms").unwrap();
    let before = std::time::Instant::now();
    for _ in 0..3 {
        assert!(limiter.acquire("a", 1, SECOND).unwrap().allowed());
    }
    assert!(before.elapsed() >= Duration::from_millis(40));
}
