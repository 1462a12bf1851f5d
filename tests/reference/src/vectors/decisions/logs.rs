//! Sliding-window logs alone.

use super::new;
use crate::limit::Limit;
use crate::vectors::scenario::{DAY, MICRO, MINUTE, SECOND, Scenario};

pub(super) fn logs() -> Vec<Scenario> {
    let two_a_minute = |name| new(name, "2/minute", vec![Limit::log("minute", 2, MINUTE)]);
    vec![
        two_a_minute("log: a unit leaves exactly one window after it came")
            .check()
            .at(30 * SECOND)
            .checks(2)
            .at(MINUTE - 1)
            .check()
            .at(MINUTE)
            .check()
            .check()
            .at(90 * SECOND)
            .peek()
            .at(1000 * SECOND)
            .peek(),
        two_a_minute("log: no double quota across the edge of a fixed window")
            .at(59 * SECOND)
            .checks(2)
            .at(MINUTE)
            .check()
            .at(MINUTE + 1)
            .check(),
        new(
            "log: a cost waits for as many units as it lacks",
            "10/minute",
            vec![Limit::log("minute", 10, MINUTE)],
        )
        .check_n(3)
        .at(SECOND)
        .check_n(4)
        .at(2 * SECOND)
        .check_n(3)
        .at(3 * SECOND)
        .check()
        .check_n(3)
        .check_n(4)
        .check_n(7)
        .check_n(8)
        .check_n(10)
        .at(MINUTE)
        .check_n(3),
        new(
            "log: a day is counted in ticks of 100 µs, rounded so that nothing is early",
            "2/day",
            vec![Limit::log("day", 2, DAY)],
        )
        .at(1)
        .check()
        .at(100 * MICRO)
        .check()
        .at(DAY + 100 * MICRO - 1)
        .check()
        .at(DAY + 100 * MICRO)
        .check_n(2),
        new("log: a minute between its ticks of 100 ns", "1/minute", vec![Limit::log("minute", 1, MINUTE)])
            .at(1_716_983_970_123_456_789)
            .checks(2)
            .at(1_716_983_970_123_456_799 + MINUTE)
            .check()
            .at(1_716_983_970_123_456_800 + MINUTE)
            .check(),
        new("log: idle for 2³² ticks and more", "2/second", vec![Limit::log("second", 2, SECOND)])
            .check_n(2)
            .at((1 << 31) + 5)
            .check()
            .at((1 << 32) + 5)
            .check()
            .at((3 << 32) + 10)
            .checks(3),
        new(
            "log: a window of a nanosecond and one of a century",
            "1/ns; 2/36500 days",
            vec![Limit::log("nanosecond", 1, 1), Limit::log("days-36500", 2, 36_500 * DAY)],
        )
        .at(7)
        .checks(2)
        .at(8)
        .check()
        .at(9)
        .check()
        .at(36_500 * DAY)
        .check()
        .at(36_500 * DAY + 10 * SECOND)
        .check(),
        new(
            "log: a month is longer than timers of 32-bit milliseconds",
            "1/month",
            vec![Limit::log("month", 1, 30 * DAY)],
        )
        .checks(2)
        .at(30 * DAY - 1)
        .check()
        .at(30 * DAY)
        .check(),
    ]
}
