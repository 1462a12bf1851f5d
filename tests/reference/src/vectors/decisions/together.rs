//! Several limits in one decision.

use super::new;
use crate::limit::Limit;
use crate::vectors::scenario::{MILLI, MINUTE, SECOND, Scenario};

pub(super) fn together() -> Vec<Scenario> {
    let eight = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let windows =
        [SECOND, 2 * SECOND, 3 * SECOND, 4 * SECOND, 5 * SECOND, 6 * SECOND, 7 * SECOND, 8 * SECOND];
    let notation = "a: 1/1s; b: 2/2s; c: 3/3s; d: 4/4s; e: 5/5s; f: 6/6s; g: 7/7s; h: 8/8s";
    let limits = eight.iter().zip(windows).map(|(name, w)| Limit::log(name, w / SECOND, w)).collect();
    vec![
        new(
            "together: a denial by the second takes nothing from the first",
            "5/second; 2/minute",
            vec![Limit::log("second", 5, SECOND), Limit::log("minute", 2, MINUTE)],
        )
        .checks(4)
        .peek()
        .at(SECOND)
        .peek(),
        new(
            "together: a denial by the first takes nothing from the second",
            "1/second token-bucket; 5/minute",
            vec![Limit::bucket("second", 1, SECOND, 1), Limit::log("minute", 5, MINUTE)],
        )
        .checks(4)
        .at(SECOND)
        .checks(2),
        new(
            "together: both deny, the longer wait counts",
            "2/second; 2/minute",
            vec![Limit::log("second", 2, SECOND), Limit::log("minute", 2, MINUTE)],
        )
        .checks(3)
        .at(SECOND)
        .check(),
        new(
            "together: of equal waits the first is reported",
            "a: 1/second; b: 1/second",
            vec![Limit::log("a", 1, SECOND), Limit::log("b", 1, SECOND)],
        )
        .checks(2),
        new("together: eight limits", notation, limits)
            .checks(2)
            .at(SECOND)
            .checks(2)
            .at(2 * SECOND)
            .check()
            .at(10 * SECOND)
            .peek(),
        new("together: keys do not know each other", "1/minute", vec![Limit::log("minute", 1, MINUTE)])
            .checks(2)
            .key("bob")
            .check()
            .key("ключ 🔑")
            .checks(2)
            .key("alice")
            .at(MINUTE)
            .check(),
    ]
}

pub(super) fn costs() -> Vec<Scenario> {
    let notation = "requests: 3/minute; tokens: 1000/minute token-bucket burst=1500";
    let limits = || vec![Limit::log("requests", 3, MINUTE), Limit::bucket("tokens", 1000, MINUTE, 1500)];
    vec![
        new("costs: one request of many tokens", notation, limits())
            .check_costs(&[1, 900])
            .check_costs(&[1, 601])
            .check_costs(&[1, 600])
            .check_costs(&[1, 1])
            .at(60 * MILLI)
            .check_costs(&[1, 1])
            .check_costs(&[1, 1]),
        new("costs: a limit that is not asked admits", notation, limits())
            .check_costs(&[3, 0])
            .check_costs(&[0, 1500])
            .check_costs(&[0, 1])
            .check_costs(&[1, 0])
            .check_costs(&[1, 1])
            .at(MINUTE)
            .check_costs(&[0, 1000]),
        new(
            "costs: two logs of one window",
            "a: 5/minute; b: 50/minute",
            vec![Limit::log("a", 5, MINUTE), Limit::log("b", 50, MINUTE)],
        )
        .check_costs(&[1, 20])
        .at(SECOND)
        .check_costs(&[2, 30])
        .check_costs(&[1, 1])
        .check_costs(&[3, 0])
        .at(MINUTE)
        .check_costs(&[1, 20])
        .check_costs(&[1, 1]),
    ]
}

pub(super) fn reports() -> Vec<Scenario> {
    let limits = || vec![Limit::log("minute", 100, MINUTE), Limit::bucket("second", 10, SECOND, 10)];
    let notation = "100/minute; 10/second token-bucket";
    vec![
        new("report: the tightest limit", notation, limits())
            .tightest()
            .peek()
            .check_n(5)
            .at(SECOND)
            .peek()
            .check_n(10)
            .check()
            .at(2 * SECOND)
            .check_n(10)
            .at(3 * SECOND)
            .peek(),
        new(
            "report: of equal fractions the longer window",
            "a: 2/second; b: 4/minute; c: 4/minute",
            vec![Limit::log("a", 2, SECOND), Limit::log("b", 4, MINUTE), Limit::log("c", 4, MINUTE)],
        )
        .tightest()
        .check_costs(&[1, 2, 2])
        .check_costs(&[1, 1, 1])
        .check_costs(&[1, 1, 1]),
    ]
}
