//! Token buckets alone, and at rates of many tokens a nanosecond.

use super::new;
use crate::limit::Limit;
use crate::vectors::scenario::{DAY, HOUR, MICRO, MILLI, MINUTE, SECOND, Scenario};

pub(super) fn buckets() -> Vec<Scenario> {
    let third = || vec![Limit::bucket("second", 3, SECOND, 3)];
    let polled = (1..=40).fold(
        new(
            "bucket: polling loses none of the refill",
            "7/second token-bucket burst=1",
            vec![Limit::bucket("second", 7, SECOND, 1)],
        ),
        |s, i| s.at(i * 25 * MILLI).check(),
    );
    vec![
        new("bucket: thirds of a second", "3/second token-bucket", third())
            .check_n(3)
            .check()
            .at(333_333_333)
            .check()
            .at(333_333_334)
            .checks(2)
            .at(666_666_667)
            .check()
            .at(SECOND)
            .check()
            .at(2 * SECOND)
            .peek(),
        polled,
        new(
            "bucket: a burst of one",
            "10/second token-bucket burst=1",
            vec![Limit::bucket("second", 10, SECOND, 1)],
        )
        .checks(2)
        .at(100 * MILLI)
        .checks(2),
        new(
            "bucket: a burst above the quota",
            "10/second token-bucket burst=25",
            vec![Limit::bucket("second", 10, SECOND, 25)],
        )
        .peek()
        .check_n(25)
        .check_n(25)
        .at(SECOND)
        .peek()
        .check_n(11)
        .check_n(10)
        .at(HOUR)
        .peek(),
        new(
            "bucket: slow to fill, so in ticks of 1 µs",
            "1/second token-bucket burst=1000",
            vec![Limit::bucket("second", 1, SECOND, 1000)],
        )
        .at(1_500)
        .check()
        .at(SECOND + 1_999)
        .peek()
        .at(SECOND + 2_000)
        .peek()
        .check_n(1000)
        .check(),
        new(
            "bucket: a thousand a day, between ticks",
            "1000/day token-bucket",
            vec![Limit::bucket("day", 1000, DAY, 1000)],
        )
        .at(1_716_983_970_123_456_789)
        .check_n(1000)
        .check()
        .at(1_716_984_056_523_499_999)
        .check()
        .at(1_716_984_056_523_500_000)
        .check(),
    ]
}

pub(super) fn rates() -> Vec<Scenario> {
    let fast = 600_000_000;
    let prime = 999_999_937;
    let six_billion = 6_000_000_000;
    vec![
        new(
            "rate: 600 million a second, to the unit",
            "600000000/second token-bucket",
            vec![Limit::bucket("second", fast, SECOND, fast)],
        )
        .check_n(fast)
        .check()
        .at(1)
        .check()
        .at(2)
        .check()
        .at(5)
        .check_n(2)
        .check()
        .at(SECOND)
        .check_n(fast - 3)
        .at(2 * SECOND)
        .check_n(fast),
        new(
            "rate: a prime number a second",
            "999999937/second token-bucket burst=1000",
            vec![Limit::bucket("second", prime, SECOND, 1000)],
        )
        .check_n(1000)
        .at(1)
        .check()
        .at(1000)
        .check_n(999)
        .check()
        .at(2 * SECOND)
        .check_n(1000)
        .check_n(1000),
        new(
            "rate: 2⁵³ a second",
            "9007199254740992/second token-bucket burst=1000000000000",
            vec![Limit::bucket("second", 1 << 53, SECOND, 1_000_000_000_000)],
        )
        .check_n(1_000_000_000_000)
        .check_n(1_000_000_000_000)
        .at(1)
        .peek()
        .at(111_022)
        .check_n(999_992_000_000)
        .check_n(1_000_000_000_000),
        // Ten tokens a tick of 100 ns.
        new(
            "rate: a tick's refill is had once",
            "6000000000/minute token-bucket",
            vec![Limit::bucket("minute", six_billion, MINUTE, six_billion)],
        )
        .check_n(11)
        .at(190)
        .check_n(six_billion - 1)
        .at(200)
        .check_n(10)
        .check(),
        // One token in 10 ns, of which 20 are held: full after 200 ns, so in ticks of 1 ns.
        new(
            "rate: a small burst on a long window is counted by the nanosecond",
            "6000000000/minute token-bucket burst=20",
            vec![Limit::bucket("minute", six_billion, MINUTE, 20)],
        )
        .check_n(11)
        .at(190)
        .check_n(19)
        .at(200)
        .check_n(3)
        .check_n(2)
        .at(209)
        .check()
        .at(210)
        .check(),
        // 1,157,407 tokens a second; at 1 µs each there is little more than one.
        (1..=7).fold(
            new(
                "rate: a burst of ten on a day of a hundred thousand million",
                "100000000000/day token-bucket burst=10",
                vec![Limit::bucket("day", 100_000_000_000, DAY, 10)],
            )
            .check_n(10),
            |s, i| s.at(i * MICRO).checks(2),
        ),
        new(
            "rate: 2⁵³ a second, all at once, in ticks of 1 ms",
            "9007199254740992/second token-bucket",
            vec![Limit::bucket("second", 1 << 53, SECOND, 1 << 53)],
        )
        .check_n(1 << 53)
        .at(MILLI - 1)
        .check()
        .at(MILLI)
        .check_n(9_007_199_254_740)
        .check()
        .at(SECOND)
        .peek(),
    ]
}
