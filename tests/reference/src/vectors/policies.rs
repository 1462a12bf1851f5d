//! Notations and what they mean: plain data, nothing is parsed here.

use super::format::{BadNotation, Notation, Policies};
use super::scenario::{DAY, HOUR, MICRO, MILLI, MINUTE, SECOND};
use crate::limit::{Limit, Unit};

pub(super) fn file() -> Policies {
    Policies { valid: valid(), invalid: invalid() }
}

fn valid() -> Vec<Notation> {
    let mut all = spellings();
    all.extend(windows());
    all.extend(names());
    all.extend(options());
    all.extend(extremes());
    all
}

fn means(notation: &str, canonical: &str, limits: &[Limit]) -> Notation {
    let limits = limits.iter().map(Into::into).collect();
    Notation { notation: notation.into(), canonical: canonical.into(), limits }
}

/// How the same thing may be written.
fn spellings() -> Vec<Notation> {
    let minute = || Limit::log("minute", 100, MINUTE);
    let second = || Limit::bucket("second", 10, SECOND, 10);
    let seed = "100/minute; 10/second token-bucket";
    vec![
        means("100/minute", "100/minute", &[minute()]),
        means(seed, seed, &[minute(), second()]),
        means("100 PER 60s;10/1000ms  token-bucket burst=10;", seed, &[minute(), second()]),
        means("\n100/minute\r\n10/second token-bucket\n", seed, &[minute(), second()]),
        means("100/min, 10/sec Token-Bucket", seed, &[minute(), second()]),
        means("100/m | 10/s token-bucket", seed, &[minute(), second()]),
        means("1_00 per minute sliding-window-log unit=requests", "100/minute", &[minute()]),
    ]
}

fn windows() -> Vec<Notation> {
    vec![
        means("10 per 2 hours", "10/2 hours", &[Limit::log("hours-2", 10, 2 * HOUR)]),
        means("10/2hours", "10/2 hours", &[Limit::log("hours-2", 10, 2 * HOUR)]),
        means("5/90s", "5/90 seconds", &[Limit::log("seconds-90", 5, 90 * SECOND)]),
        means("7/1_500 ms", "7/1500 milliseconds", &[Limit::log("milliseconds-1500", 7, 1500 * MILLI)]),
        means("7/250 µs", "7/250 microseconds", &[Limit::log("microseconds-250", 7, 250 * MICRO)]),
        means("1/ns", "1/nanosecond", &[Limit::log("nanosecond", 1, 1)]),
        means("100/day", "100/day", &[Limit::log("day", 100, DAY)]),
        means("500 per 7 days", "500/week", &[Limit::log("week", 500, 7 * DAY)]),
        means("5/month", "5/month", &[Limit::log("month", 5, 30 * DAY)]),
        means("5 per year", "5/year", &[Limit::log("year", 5, 360 * DAY)]),
        means("5/365 days", "5/365 days", &[Limit::log("days-365", 5, 365 * DAY)]),
        means("1/36500 days", "1/36500 days", &[Limit::log("days-36500", 1, 36_500 * DAY)]),
    ]
}

fn names() -> Vec<Notation> {
    vec![
        means("minute: 100/minute", "100/minute", &[Limit::log("minute", 100, MINUTE)]),
        means("tier_1-a : 1/m", "tier_1-a: 1/minute", &[Limit::log("tier_1-a", 1, MINUTE)]),
        means(
            "1/m; 2/m; 3/m",
            "1/minute; 2/minute; 3/minute",
            &[
                Limit::log("minute", 1, MINUTE),
                Limit::log("minute-2", 2, MINUTE),
                Limit::log("minute-3", 3, MINUTE),
            ],
        ),
        means(
            "burst: 10/second token-bucket burst=20; 100/minute",
            "burst: 10/second token-bucket burst=20; 100/minute",
            &[Limit::bucket("burst", 10, SECOND, 20), Limit::log("minute", 100, MINUTE)],
        ),
        means(
            "a:1/s;b:1/s;c:1/s;d:1/s;e:1/s;f:1/s;g:1/s;h:1/s",
            "a: 1/second; b: 1/second; c: 1/second; d: 1/second; e: 1/second; f: 1/second; g: 1/second; h: 1/second",
            &["a", "b", "c", "d", "e", "f", "g", "h"].map(|name| Limit::log(name, 1, SECOND)),
        ),
    ]
}

fn options() -> Vec<Notation> {
    let bytes = || Limit::bucket("second", 10, SECOND, 20).counting(Unit::ContentBytes);
    let canonical = "10/second token-bucket burst=20 unit=content-bytes";
    vec![
        means(canonical, canonical, &[bytes()]),
        means("10/s unit=content-bytes burst = 2_0 token-bucket", canonical, &[bytes()]),
        means(
            "3/minute unit=concurrent-requests",
            "3/minute unit=concurrent-requests",
            &[Limit::log("minute", 3, MINUTE).counting(Unit::ConcurrentRequests)],
        ),
        means(
            "1000/s token-bucket burst=1",
            "1000/second token-bucket burst=1",
            &[Limit::bucket("second", 1000, SECOND, 1)],
        ),
    ]
}

/// Large numbers; the resolutions show that a bucket which fills slowly is counted in longer ticks,
/// one which fills fast in shorter ones, and one of many units in ticks of which it has fewer.
fn extremes() -> Vec<Notation> {
    let bucket = |notation: &str, limit| means(notation, notation, &[limit]);
    vec![
        means("1_000_000/day", "1000000/day", &[Limit::log("day", 1_000_000, DAY)]),
        bucket("600000000/second token-bucket", Limit::bucket("second", 600_000_000, SECOND, 600_000_000)),
        bucket(
            "999999937/second token-bucket burst=1000",
            Limit::bucket("second", 999_999_937, SECOND, 1000),
        ),
        bucket(
            "9007199254740992/second token-bucket burst=1000000000000",
            Limit::bucket("second", 1 << 53, SECOND, 1_000_000_000_000),
        ),
        bucket("1/second token-bucket burst=1000", Limit::bucket("second", 1, SECOND, 1000)),
        bucket("100000000000/day token-bucket burst=10", Limit::bucket("day", 100_000_000_000, DAY, 10)),
        bucket("1000/day token-bucket burst=1", Limit::bucket("day", 1000, DAY, 1)),
        bucket("9007199254740992/second token-bucket", Limit::bucket("second", 1 << 53, SECOND, 1 << 53)),
        bucket("3000000007/day token-bucket", Limit::bucket("day", 3_000_000_007, DAY, 3_000_000_007)),
        bucket(
            "1000000000001/month token-bucket",
            Limit::bucket("month", 1_000_000_000_001, 30 * DAY, 1_000_000_000_001),
        ),
    ]
}

/// What is wrong, and the part of it that is pointed at: its first place in the text, its end
/// where the part is empty.
fn invalid() -> Vec<BadNotation> {
    let texts = [
        ("", ""),
        (" ;; ", ""),
        ("minute", "minute"),
        ("minute:", ""),
        ("100", ""),
        ("100/", ""),
        ("100/2", ""),
        ("100/;", ";"),
        ("-5/minute", "-"),
        ("1.5/s", "."),
        ("1,000/s", ","),
        ("1__0/s", "1__0"),
        ("99999999999999999999/s", "99999999999999999999"),
        ("1/s; 100/minuet", "minuet"),
        ("1/fortnight", "fortnight"),
        ("10/s 5/m", "5"),
        ("Minute: 1/m", "Minute"),
        ("minüte: 1/m", "minüte"),
        ("1/m; minute: 2/s", "minute"),
        ("1/s burst=5", "burst"),
        ("1/s token-bucket burst 5", "5"),
        ("1/s token-bucket burst=", ""),
        ("1/s unit=kg", "kg"),
        ("1/s é", "é"),
        ("1/s moving-window", "moving-window"),
        ("0/minute", "0/minute"),
        ("1/s token-bucket burst=0", "1/s token-bucket burst=0"),
        ("5/0 s", "5/0 s"),
        ("5/102 years;", "5/102 years"),
        ("2_000_000/day", "2_000_000/day"),
        ("9007199254740993/s token-bucket", "9007199254740993/s token-bucket"),
        ("9007199254740881/s token-bucket", "9007199254740881/s token-bucket"),
        ("1/year token-bucket burst=1000", "1/year token-bucket burst=1000"),
    ];
    let mut all: Vec<_> = texts.into_iter().map(|(text, part)| wrong(text, part)).collect();
    // Not at the first place of the part: the second of two, the ninth of nine.
    all.push(BadNotation { notation: "1/s token-bucket token-bucket".into(), at: 17, len: 12 });
    all.push(BadNotation { notation: ["1/s"; 9].join(";"), at: 32, len: 3 });
    all
}

fn wrong(text: &str, part: &str) -> BadNotation {
    let at = if part.is_empty() { None } else { text.find(part) };
    BadNotation { notation: text.into(), at: at.unwrap_or(text.len()), len: part.len() }
}
