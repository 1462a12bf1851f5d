//! Random policies and calls: every number that the engine shows is the model's, and what was
//! admitted keeps the rule. `compare` does the same for as long as one likes.

use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use tidegate_tests::{Mismatch, Script, pair};

fn words(range: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = Vec<u64>> {
    prop::collection::vec(any::<u64>(), range)
}

fn run(script: &Script) -> TestCaseResult {
    pair::run(script).map_err(|Mismatch(what)| TestCaseError::fail(format!("{what}\n{script:#?}")))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn one_limit_decides_as_the_model_does(start: u64, policy in words(1..=1), steps in words(1..=80)) {
        run(&Script::new(start, &policy, &steps))?;
    }

    #[test]
    fn several_limits_decide_as_the_model_does(start: u64, policy in words(2..=8), steps in words(1..=80)) {
        run(&Script::new(start, &policy, &steps))?;
    }
}
