//! Calls and the headers that their responses must carry, in every style.

use super::format::{Case, Cases};
use super::scenario::{DAY, HOUR, MILLI, MINUTE, SECOND, Scenario, Show};
use crate::limit::{Limit, Unit};

/// Half a minute before the reset on the provider's page.
const START: u64 = 1_716_983_970 * SECOND;

pub(super) fn file() -> Cases {
    let groups = [provider(), numbers(), several()];
    Cases { cases: groups.into_iter().flatten().map(Scenario::case).collect::<Vec<Case>>() }
}

fn new(name: &str, notation: &str, limits: Vec<Limit>) -> Scenario {
    Scenario::new(Show::Headers, name, notation, limits).at(START)
}

fn provider() -> Vec<Scenario> {
    let limits = || vec![Limit::log("minute", 100, MINUTE), Limit::bucket("second", 10, SECOND, 10)];
    let notation = "100/minute; 10/second token-bucket";
    let full = (0..10)
        .fold(new("denied by the minute", notation, limits()), |s, i| s.at(START + i * SECOND).check_n(10));
    vec![
        new("the provider's page: 87 of 100 left, reset at 1716984000", notation, limits())
            .at(START - 30 * SECOND)
            .check_n(10)
            .at(START - 29 * SECOND)
            .check_n(3),
        new("denied by the second, whose numbers are then reported", notation, limits()).check_n(10).check(),
        full.at(START + 10 * SECOND).check().at(START + MINUTE).check(),
    ]
}

fn numbers() -> Vec<Scenario> {
    let huge = 2_000_000_000_000_000;
    vec![
        new(
            "rounding: times up, Retry-After at least a second",
            "2/90 seconds",
            vec![Limit::log("seconds-90", 2, 90 * SECOND)],
        )
        .peek()
        .at(START + 1)
        .check()
        .at(START + 500 * MILLI)
        .checks(2)
        .at(START + 89_500 * MILLI)
        .check()
        .at(START + 90 * SECOND)
        .check()
        .at(START + 91 * SECOND)
        .check(),
        new("a window below a second", "5/100ms", vec![Limit::log("milliseconds-100", 5, 100 * MILLI)])
            .check()
            .check_n(4)
            .check(),
        new(
            "a window of a second and a half",
            "3/1500ms token-bucket",
            vec![Limit::bucket("milliseconds-1500", 3, 1500 * MILLI, 3)],
        )
        .check()
        .check_n(2)
        .check(),
        new("nothing left, nothing denied", "1/minute", vec![Limit::log("minute", 1, MINUTE)])
            .check()
            .at(START + 20 * SECOND)
            .peek(),
        new(
            "integers end at 999,999,999,999,999",
            "2000000000000000/second token-bucket",
            vec![Limit::bucket("second", huge, SECOND, huge)],
        )
        .check()
        .check_n(huge - 1)
        .check(),
        new(
            "a burst above the quota",
            "10/second token-bucket burst=25",
            vec![Limit::bucket("second", 10, SECOND, 25)],
        )
        .check()
        .check_n(24)
        .check_n(25),
        new("a century", "1/36500 days", vec![Limit::log("days-36500", 1, 36_500 * DAY)]).checks(2),
        new("the clock went back", "2/minute", vec![Limit::log("minute", 2, MINUTE)])
            .check()
            .at(START - 10 * SECOND)
            .checks(2),
    ]
}

fn several() -> Vec<Scenario> {
    let notation = "requests: 3/hour; bytes: 1000000/minute token-bucket burst=5000000 unit=content-bytes";
    let limits = || {
        let bytes = Limit::bucket("bytes", 1_000_000, MINUTE, 5_000_000).counting(Unit::ContentBytes);
        vec![Limit::log("requests", 3, HOUR), bytes]
    };
    let jobs = Limit::log("minute", 3, MINUTE).counting(Unit::ConcurrentRequests);
    vec![
        new("what is counted is said where it is not requests", notation, limits())
            .check_costs(&[1, 4_000_000])
            .check_costs(&[1, 2_000_000])
            .check_costs(&[1, 1_000_000]),
        new("concurrent requests", "3/minute unit=concurrent-requests", vec![jobs]).check(),
        new(
            "the tightest limit is reported",
            "100/minute; 10/second token-bucket",
            vec![Limit::log("minute", 100, MINUTE), Limit::bucket("second", 10, SECOND, 10)],
        )
        .tightest()
        .check_n(5)
        .at(START + SECOND)
        .check_n(6),
        new(
            "both deny: the longest wait is told",
            "minute: 5/minute; hour: 5/hour",
            vec![Limit::log("minute", 5, MINUTE), Limit::log("hour", 5, HOUR)],
        )
        .check_n(5)
        .at(START + SECOND)
        .check(),
    ]
}
