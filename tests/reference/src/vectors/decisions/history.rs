//! Clocks that step back, calls that undo, calls that are wrong.

use super::new;
use crate::limit::Limit;
use crate::vectors::scenario::{MINUTE, SECOND, Scenario};

pub(super) fn clocks() -> Vec<Scenario> {
    vec![
        new(
            "clock: backwards, a log judges as of its last admission",
            "2/minute",
            vec![Limit::log("minute", 2, MINUTE)],
        )
        .at(100 * SECOND)
        .check()
        .at(40 * SECOND)
        .peek()
        .check()
        .check()
        .at(160 * SECOND - 1)
        .check()
        .at(160 * SECOND)
        .check_n(2),
        new(
            "clock: backwards, a bucket gains nothing",
            "1/second token-bucket burst=2",
            vec![Limit::bucket("second", 1, SECOND, 2)],
        )
        .at(10 * SECOND)
        .check()
        .at(5 * SECOND)
        .checks(2)
        .at(11 * SECOND)
        .checks(2),
        new(
            "clock: a denial does not move an entry's time",
            "1/minute",
            vec![Limit::log("minute", 1, MINUTE)],
        )
        .at(100 * SECOND)
        .check()
        .at(150 * SECOND)
        .check()
        .at(110 * SECOND)
        .check()
        .at(160 * SECOND)
        .check(),
        new(
            "clock: a Unix time in nanoseconds",
            "3/second token-bucket; 5/minute",
            vec![Limit::bucket("second", 3, SECOND, 3), Limit::log("minute", 5, MINUTE)],
        )
        .at(1_716_983_970_500_000_000)
        .checks(4)
        .at(1_716_983_970_833_333_334)
        .checks(2),
    ]
}

pub(super) fn undo() -> Vec<Scenario> {
    let both = || vec![Limit::log("minute", 5, MINUTE), Limit::bucket("second", 5, SECOND, 5)];
    let notation = "5/minute; 5/second token-bucket";
    vec![
        new("refund: both algorithms give back", notation, both())
            .check_n(5)
            .check()
            .refund(2)
            .peek()
            .check_n(3)
            .check_n(2)
            .refund(5)
            .refund(1)
            .peek(),
        new("refund: a log forgets its newest", "3/minute", vec![Limit::log("minute", 3, MINUTE)])
            .check_n(2)
            .at(30 * SECOND)
            .check()
            .refund(2)
            .peek()
            .at(MINUTE)
            .peek(),
        new("refund: a cost for each limit", notation, both())
            .check_n(4)
            .refund_costs(&[0, 3])
            .peek()
            .refund_costs(&[4, 0])
            .peek()
            .refund_costs(&[0, 0])
            .refund_costs(&[1]),
        new("refund: an unknown key, a cost of none, too much", notation, both())
            .refund(5)
            .peek()
            .refund(0)
            .refund(6),
        new("reset: the key is as new", notation, both())
            .at(100 * SECOND)
            .check_n(5)
            .check()
            .reset()
            .peek()
            .at(50 * SECOND)
            .check_n(5)
            .key("bob")
            .reset()
            .check(),
        new("peek: shows without taking", notation, both()).peek().peek().check_n(5).peek().peek(),
    ]
}

pub(super) fn wrong() -> Vec<Scenario> {
    let limits = || vec![Limit::log("minute", 100, MINUTE), Limit::bucket("second", 10, SECOND, 20)];
    vec![
        new("wrong: calls that change nothing", "100/minute; 10/second token-bucket burst=20", limits())
            .check_n(0)
            .check_n(21)
            .check_n(u64::MAX)
            .check_costs(&[0, 0])
            .check_costs(&[101, 1])
            .check_costs(&[1])
            .check_costs(&[1, 1, 1])
            .key("")
            .check()
            .peek()
            .refund(1)
            .reset()
            .key("alice")
            .peek()
            .check_n(20),
    ]
}
