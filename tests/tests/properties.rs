//! Random policies and calls: every number that the engine shows is the model's, and what was
//! admitted keeps the rule. `compare` does the same for as long as one likes.

use proptest::prelude::*;
use tidegate_tests::{Script, pair};

fn words(range: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = Vec<u64>> {
    prop::collection::vec(any::<u64>(), range)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn one_limit_decides_as_the_model_does(start: u64, policy in words(1..=1), steps in words(1..=80)) {
        let script = Script::new(start, &policy, &steps);
        prop_assert!(pair::run(&script).is_ok(), "{}\n{script:#?}", pair::run(&script).unwrap_err());
    }

    #[test]
    fn several_limits_decide_as_the_model_does(start: u64, policy in words(2..=8), steps in words(1..=80)) {
        let script = Script::new(start, &policy, &steps);
        prop_assert!(pair::run(&script).is_ok(), "{}\n{script:#?}", pair::run(&script).unwrap_err());
    }
}
