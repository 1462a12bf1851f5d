#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::time::Duration;

use proptest::prelude::*;

use crate::error::Error;
use crate::limit::{Algorithm, Limit, Unit};
use crate::policy::Policy;

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn limits(text: &str) -> Vec<Limit> {
    Policy::parse(text).unwrap_or_else(|error| panic!("{text:?}: {error}")).limits().to_vec()
}

/// The part of the text that the error points at, and what it says.
fn wrong(text: &str) -> (String, String) {
    match Policy::parse(text) {
        Err(Error::Notation { text: said, at, len, reason }) => {
            assert_eq!(said, text);
            (text.get(at..at + len).expect("a place within the text").to_owned(), reason)
        }
        other => panic!("{text:?} gives {other:?}"),
    }
}

#[track_caller]
fn assert_wrong(text: &str, part: &str, reason: &str) {
    let (at, said) = wrong(text);
    assert_eq!((at.as_str(), said.as_str()), (part, reason), "for {text:?}");
}

#[test]
fn the_seed_policy() {
    let minute = Limit::new("minute", 100, secs(60)).unwrap();
    let second = Limit::token_bucket("second", 10, secs(1), 10).unwrap();
    assert_eq!(limits("100/minute; 10/second token-bucket"), [minute.clone(), second]);
    assert_eq!(limits("minute: 100/minute"), [minute]);
}

#[test]
fn what_users_of_limits_write() {
    for (text, quota, window) in [
        ("10/hour", 10, secs(3600)),
        ("10 per hour", 10, secs(3600)),
        ("1 per minute", 1, secs(60)),
        ("100/day", 100, secs(86_400)),
        ("10 per 2 hours", 10, secs(7200)),
        ("10/2 hours", 10, secs(7200)),
        ("10/2hours", 10, secs(7200)),
        ("500/7 days", 500, secs(7 * 86_400)),
        ("5/month", 5, secs(30 * 86_400)),
        ("5/year", 5, secs(360 * 86_400)),
        ("5 PER MINUTE", 5, secs(60)),
    ] {
        let [limit] = limits(text).try_into().unwrap();
        assert_eq!((limit.quota(), limit.window()), (quota, window), "{text}");
    }
    assert_eq!(limits("1/second, 5/minute").len(), 2);
    assert_eq!(limits("1/second|5/minute;10 per hour").len(), 3);
}

#[test]
fn what_else_is_read() {
    for (text, quota, window) in [
        ("100/15s", 100, secs(15)),
        ("100 per 90 seconds", 100, secs(90)),
        ("1_000/m", 1000, secs(60)),
        ("7/250ms", 7, Duration::from_millis(250)),
        ("7 / 250 µs", 7, Duration::from_micros(250)),
        ("\t3\u{a0}per 2 weeks ;; \n", 3, secs(14 * 86_400)),
        ("9/hr", 9, secs(3600)),
    ] {
        let [limit] = limits(text).try_into().unwrap();
        assert_eq!((limit.quota(), limit.window()), (quota, window), "{text:?}");
    }
    assert_eq!(limits("\n100/minute\r\n10/second\n"), limits("100/minute;10/second"));
}

#[test]
fn options_come_in_any_order() {
    let expected = Limit::token_bucket("second", 10, secs(1), 20).unwrap().with_unit(Unit::ContentBytes);
    for text in [
        "10/second token-bucket burst=20 unit=content-bytes",
        "10/s unit=content-bytes burst = 20 token-bucket",
        "10/s Burst=2_0 Token-Bucket Unit=Content-Bytes",
    ] {
        assert_eq!(limits(text), std::slice::from_ref(&expected), "{text}");
    }
    assert_eq!(limits("10/second sliding-window-log")[0].algorithm(), Algorithm::SlidingWindowLog);
}

#[test]
fn names_are_given_or_follow_from_the_window() {
    let names = |text| limits(text).iter().map(|limit| limit.name().to_owned()).collect::<Vec<_>>();
    assert_eq!(names("1/s; 1/m; 1/h; 1/d; 1/week; 1/month; 1/year; 1/ms").join(" "), {
        "second minute hour day week month year millisecond"
    });
    assert_eq!(names("10 per 2 hours; 5/90s; 1/60s"), ["hours-2", "seconds-90", "minute"]);
    assert_eq!(
        names("1/m; 2/m; 3/m; 4/2h; 5/2h"),
        ["minute", "minute-2", "minute-3", "hours-2", "hours-2-2"]
    );
    assert_eq!(names("minute-2: 1/m; 2/m; 3/m"), ["minute-2", "minute", "minute-3"]);
    assert_eq!(names("tier_1-a : 1/m"), ["tier_1-a"]);
}

#[test]
fn errors_point_at_the_place() {
    let window = "expected a window such as `minute` or `2 hours`";
    assert_wrong("", "", "expected a limit such as `100/minute`, found the end");
    assert_wrong(" ;; ", "", "expected a limit such as `100/minute`, found the end");
    assert_wrong("minute", "minute", "expected a limit such as `100/minute`, found `minute`");
    assert_wrong("minute:", "", "expected a limit such as `100/minute`, found the end");
    assert_wrong("100", "", "expected `/` or `per` after the quota, found the end");
    assert_wrong("100\n/minute", "\n", "expected `/` or `per` after the quota, found the end of the line");
    assert_wrong("100/", "", &format!("{window}, found the end"));
    assert_wrong("100/2", "", &format!("{window}, found the end"));
    assert_wrong("100/;", ";", &format!("{window}, found `;`"));
    assert_wrong("1/s; 100/minuet", "minuet", "unknown unit of time `minuet`: did you mean `minute`?");
    assert_wrong("1/fortnight", "fortnight", &format!("unknown unit of time `fortnight`: {window}"));
    assert_wrong("1.5/s", ".", "expected `/` or `per` after the quota, found `.`");
    assert_wrong(
        "1,000/s",
        ",",
        "expected `/` or `per` after the quota (thousands are written `1_000`), found `,`",
    );
    assert_wrong("1__0/s", "1__0", "`_` stands between two digits, as in `1_000`");
    assert_wrong("99999999999999999999/s", "99999999999999999999", {
        "the number is too large: the most is 9007199254740992"
    });
    assert_wrong("10/s 5/m", "5", {
        "expected an option such as `token-bucket`, or `;` before the next limit, found `5`"
    });
}

#[test]
fn errors_in_names_and_options() {
    let name = "a name starts with a lowercase letter and goes on in lowercase letters, digits, `_` and `-`";
    assert_wrong("Minute: 1/m", "Minute", name);
    assert_wrong("minüte: 1/m", "minüte", name);
    assert_wrong("1/m; minute: 2/s", "minute", "another limit is named `minute` already");
    assert_wrong("1/s burst=5", "burst", {
        "`burst` is for `token-bucket` alone: a log holds its quota, no more"
    });
    assert_wrong("1/s token-bucket burst 5", "5", {
        "expected `burst=` and a number, such as `burst=20`, found `5`"
    });
    assert_wrong("1/s unit=kg", "kg", {
        "unknown unit `kg`: expected `requests`, `content-bytes` or `concurrent-requests`"
    });
    assert_wrong("1/s moving-window", "moving-window", {
        "unknown option `moving-window`: did you mean `sliding-window-log`?"
    });
    assert_wrong("1/s quickly", "quickly", {
        "unknown option `quickly`: expected `sliding-window-log`, `token-bucket`, `burst=N` or `unit=…`"
    });
    assert_wrong("1/s token-bucket token-bucket", "token-bucket", "this is said twice: keep one");
}

#[test]
fn a_limit_that_cannot_be_enforced_is_shown_whole() {
    for (text, part, word) in [
        ("1/s; 2_000_000/day ; 1/m", "2_000_000/day", "use token-bucket"),
        ("0/minute", "0/minute", "at least 1"),
        ("5/0 s", "5/0 s", "longer than 0"),
        ("5/102 years;", "5/102 years", "at most 100 years"),
        ("5/99999999999 years", "5/99999999999 years", "at most 100 years"),
        ("x: 1/year token-bucket burst=1000", "x: 1/year token-bucket burst=1000", "to refill"),
    ] {
        let (at, reason) = wrong(text);
        assert_eq!(at, part);
        assert!(reason.contains(word), "{text:?}: {reason}");
    }
    assert_wrong("10/0 seconds", "10/0 seconds", "a window is longer than 0 and at most 100 years");
    assert_wrong("a: 10/0 s", "a: 10/0 s", "limit `a`: a window is longer than 0 and at most 100 years");
    let nine = ["1/s"; 9].join(";");
    assert_wrong(&nine, "1/s", "a policy has at most 8 limits");
}

#[test]
fn an_error_in_a_very_long_line_is_shown_like_any_other() {
    for (notation, column, width) in
        [("x".repeat(70_000), 0, 70_000), (" ".repeat(70_000) + "1/x", 70_002, 1)]
    {
        let text = Policy::parse(&notation).unwrap_err().to_string();
        let marker = format!("\n  {}{}", " ".repeat(column), "^".repeat(width));
        assert!(text.ends_with(&marker), "{}", text.len());
    }
}

#[test]
fn the_message_shows_text_and_place() {
    let error = Policy::parse("100/minute\n10/secnd").unwrap_err();
    assert_eq!(
        error.to_string(),
        "policy notation: unknown unit of time `secnd`: did you mean `second`?\n  10/secnd\n     ^^^^^"
    );
}

#[test]
fn the_canonical_form() {
    let canonical = |text| Policy::parse(text).unwrap().to_string();
    assert_eq!(
        canonical("100 PER 60s;10/1000ms  token-bucket burst=10;"),
        "100/minute; 10/second token-bucket"
    );
    assert_eq!(canonical("minute: 1_0 per 2h unit=requests"), "minute: 10/2 hours");
    assert_eq!(canonical("second: 1/s | 2/s"), "1/second; 2/second");
    assert_eq!(canonical("second-2: 1/s, 2/s"), "second-2: 1/second; 2/second");
    assert_eq!(
        canonical("5/90s unit=content-bytes token-bucket burst=9"),
        "5/90 seconds token-bucket burst=9 unit=content-bytes"
    );
}

fn any_limit() -> impl Strategy<Value = Limit> {
    let window = prop_oneof![
        1u64..10_000_000_000,
        (1u64..1000, prop::sample::select(vec![1u64, 1_000, 1_000_000, 60_000_000_000, 86_400_000_000_000]))
            .prop_map(|(count, unit)| count * unit),
    ];
    let name = prop_oneof!["[a-c]", "minute(-[23])?", "seconds-[0-9]{1,2}", "[a-z][a-z0-9_-]{0,12}"];
    let unit = prop::sample::select(vec![Unit::Requests, Unit::ContentBytes, Unit::ConcurrentRequests]);
    (name, 1u64..1_000_000, window, any::<bool>(), 1u64..100, unit).prop_filter_map(
        "a limit that cannot be enforced",
        |(name, quota, window, bucket, burst, unit)| {
            let window = Duration::from_nanos(window);
            let limit = if bucket {
                Limit::token_bucket(&name, quota, window, burst)
            } else {
                Limit::new(&name, quota, window)
            };
            limit.ok().map(|limit| limit.with_unit(unit))
        },
    )
}

/// Text that is near the grammar, so that much of it is read far.
fn near_notation() -> impl Strategy<Value = String> {
    let words = "100|1_000|0|18446744073709551616|/|per|minute|2 hours|ms|days|x:|minute:|;|,|\n| |token-bucket|\
                 sliding-window-log|burst|=|burst=20|unit=|content-bytes|µs|é|_|-|100/minute";
    let words: Vec<&str> = words.split('|').chain(["|"]).collect();
    prop::collection::vec(prop::sample::select(words), 0..24).prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn limits_survive_being_written(limits in prop::collection::vec(any_limit(), 1..=8)) {
        let Ok(policy) = Policy::new(limits) else { return Ok(()) };
        let written = policy.to_string();
        let read = Policy::parse(&written);
        prop_assert_eq!(read.as_ref().map(Policy::limits).ok(), Some(policy.limits()), "{}", written);
    }

    #[test]
    fn any_text_gives_limits_or_a_place_within_it(text in prop_oneof![any::<String>(), near_notation()]) {
        match Policy::parse(&text) {
            Ok(policy) => {
                let again = Policy::parse(&policy.to_string());
                prop_assert_eq!(again.ok(), Some(policy));
            }
            Err(Error::Notation { at, len, reason, .. }) => {
                prop_assert!(text.get(at..at + len).is_some());
                prop_assert!(!reason.is_empty());
            }
            Err(other) => prop_assert!(false, "{:?}", other),
        }
    }
}
