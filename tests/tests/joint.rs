//! Several keys that pay for one call: all or nothing, as in the model.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::time::Duration;

use proptest::prelude::*;
use tidegate::{Joint, Limiter, ManualClock, Nanos, check_all};
use tidegate_reference::{Limit, Model, Part, Policy, check_all as model_check_all};
use tidegate_tests::stress::on_threads;
use tidegate_tests::{engine_policy, is_same};

const SECOND: u64 = 1_000_000_000;

fn policies() -> Vec<Policy> {
    let policy = |limits| Policy::new(limits);
    vec![
        policy(vec![Limit::log("second", 3, SECOND), Limit::bucket("burst", 5, SECOND, 4)]),
        policy(vec![Limit::bucket("minute", 20, 60 * SECOND, 10)]),
        policy(vec![Limit::log("day", 40, 86_400 * SECOND)]),
    ]
}

fn limiter(policy: &Policy, clock: &ManualClock) -> Limiter {
    Limiter::builder(engine_policy(policy).unwrap()).clock(clock.clone()).max_keys(64).build().unwrap()
}

/// Ask for the parts whose bit is set in `who`, each of its key and at its cost, after a while.
#[derive(Clone, Debug)]
struct Ask {
    after: u64,
    who: usize,
    keys: [u8; 3],
    costs: [u64; 3],
}

fn any_ask() -> impl Strategy<Value = Ask> {
    let after = prop_oneof![Just(0), 0..400_000_000_u64, Just(SECOND), Just(60 * SECOND)];
    (after, 1..8_usize, [0..2_u8, 0..2, 0..2], [1..3_u64, 1..4, 1..6])
        .prop_map(|(after, who, keys, costs)| Ask { after, who, keys, costs })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn joint_checks_decide_as_the_model_does(asks in prop::collection::vec(any_ask(), 1..40)) {
        let clock = ManualClock::at(Nanos::new(123_456_789));
        let limiters: Vec<_> = policies().iter().map(|policy| limiter(policy, &clock)).collect();
        let mut models: Vec<_> = policies().into_iter().map(Model::new).collect();
        for ask in asks {
            clock.advance(Duration::from_nanos(ask.after));
            let chosen = |i: &usize| ask.who >> i & 1 == 1;
            let parts: Vec<_> = (0..3).filter(chosen)
                .map(|i| Joint::new(&limiters[i], &ask.keys[i..=i], ask.costs[i])).collect();
            let mut model_parts: Vec<_> = models.iter_mut().enumerate().filter(|(i, _)| chosen(i))
                .map(|(i, model)| Part { model, key: &ask.keys[i..=i], cost: ask.costs[i] }).collect();
            let found = check_all(&parts).unwrap();
            let expected = model_check_all(&mut model_parts, clock.now().get()).unwrap();
            prop_assert_eq!(found.allowed(), expected.iter().all(|decision| decision.allowed));
            prop_assert_eq!(found.decisions().len(), expected.len());
            for (found, expected) in found.decisions().iter().zip(&expected) {
                prop_assert!(is_same(found, expected), "{ask:?}: {found:#?}\n{expected:#?}");
            }
            let longest = expected.iter().filter_map(|decision| decision.retry_after).max();
            prop_assert_eq!(found.reported().unwrap().retry_after(), longest.map(Duration::from_nanos));
        }
    }
}

/// Two orders of the same two limiters, on four threads: nobody waits for ever, and each limiter
/// gives exactly what was admitted jointly.
#[test]
fn threads_share_out_exactly_the_smaller_quota() {
    let clock = ManualClock::new();
    let big = limiter(&Policy::new(vec![Limit::log("a", 500, SECOND)]), &clock);
    let small = limiter(&Policy::new(vec![Limit::bucket("b", 300, SECOND, 300)]), &clock);
    let given: u64 = on_threads(4, |thread| {
        let parts = [Joint::new(&big, "acme", 1), Joint::new(&small, "alice", 1)];
        let parts = if thread % 2 == 0 { parts } else { [parts[1], parts[0]] };
        (0..500).map(|_| u64::from(check_all(&parts).unwrap().allowed())).collect()
    })
    .into_iter()
    .sum();
    assert_eq!(given, 300);
    assert_eq!((big.peek("acme").unwrap().remaining(), small.peek("alice").unwrap().remaining()), (200, 0));
}
