#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::time::Duration;

use super::*;
use crate::decision::Outcome;
use crate::policy::Policy;

/// When these tests take place.
const UNIX: Duration = Duration::from_secs(1_716_983_970);

/// A limit's state: what remains, and the seconds until it grows, is full, admits the cost.
struct At(u64, f64, f64, f64);

fn decide<'p>(policy: &'p Policy, states: &[At]) -> Decision<'p> {
    let mut decision = Decision::pending(policy, false);
    let verdict = decision.verdict_mut();
    for (i, (limit, At(remaining, next, reset, wait))) in policy.limits().iter().zip(states).enumerate() {
        let ticks = |seconds: f64| (seconds / limit.resolution().as_secs_f64()).round() as u32;
        let next = if *wait > 0.0 { wait } else { next };
        verdict.outcomes[i] = Outcome { remaining: *remaining, next: ticks(*next), reset: ticks(*reset) };
        verdict.violated |= u8::from(*wait > 0.0) << i;
    }
    decision.complete();
    decision
}

fn policy(text: &str) -> Policy {
    text.parse().unwrap()
}

fn text(decision: &Decision<'_>, styles: impl Into<Styles>) -> String {
    decision.headers_at(styles, UNIX).to_string().replace("\r\n", "\n")
}

#[test]
fn an_admission_in_every_style() {
    let policy = policy("100/minute; burst: 10/second token-bucket");
    let decision = decide(&policy, &[At(42, 26.0, 30.0, 0.0), At(9, 0.1, 0.1, 0.0)]);
    assert_eq!(
        text(&decision, Style::XRateLimit),
        "X-RateLimit-Limit: 100\nX-RateLimit-Remaining: 42\nX-RateLimit-Reset: 1716984000\n"
    );
    assert_eq!(
        text(&decision, Style::Ietf),
        "RateLimit-Policy: \"minute\";q=100;w=60, \"burst\";q=10;w=1\n\
         RateLimit: \"minute\";r=42;t=26, \"burst\";r=9;t=1\n"
    );
    assert_eq!(
        text(&decision, Style::Ietf06),
        "RateLimit-Limit: 100\nRateLimit-Remaining: 42\nRateLimit-Reset: 26\n\
         RateLimit-Policy: 100;w=60, 10;w=1\n"
    );
}

#[test]
fn a_denial_reports_the_limit_with_the_longest_wait() {
    let policy = policy("100/minute; 10/second token-bucket");
    let decision = decide(&policy, &[At(50, 1.0, 59.5, 0.0), At(0, 0.05, 0.95, 0.05)]);
    assert_eq!(
        text(&decision, Style::XRateLimit),
        "X-RateLimit-Limit: 10\nX-RateLimit-Remaining: 0\nX-RateLimit-Reset: 1716983971\nRetry-After: 1\n"
    );
    let decision = decide(&policy, &[At(3, 1.0, 60.0, 29.5), At(0, 0.05, 1.0, 0.05)]);
    assert_eq!(
        text(&decision, Style::XRateLimit | Style::Ietf | Style::Ietf06),
        "X-RateLimit-Limit: 100\nX-RateLimit-Remaining: 3\nX-RateLimit-Reset: 1716984030\n\
         RateLimit-Policy: \"minute\";q=100;w=60, \"second\";q=10;w=1\n\
         RateLimit: \"minute\";r=3;t=30, \"second\";r=0;t=1\n\
         RateLimit-Limit: 100\nRateLimit-Remaining: 3\nRateLimit-Reset: 30\n\
         Retry-After: 30\n"
    );
}

#[test]
fn the_iterator_and_the_text_say_the_same() {
    let policy = policy(&["1/s; 2/2s; 3/3s; 4/4s; 5/5s; 6/6s; 7/7s; 8/8s unit=content-bytes"].concat());
    let decision = decide(&policy, &[At(0, 1.0, 1.0, 1.0)]);
    for styles in
        [Styles::default(), Style::Ietf.into(), Style::Ietf | Style::Ietf06, [].into_iter().collect()]
    {
        let headers = decision.headers_at(styles, UNIX);
        let lines: String = headers.clone().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        assert_eq!(lines, headers.to_string());
        let mut names: Vec<_> = headers.map(|(name, _)| name).collect();
        assert_eq!(exposed_headers(styles), names.join(", "));
        assert_eq!(names.last(), Some(&"Retry-After"));
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all, "a header came twice");
    }
}

#[test]
fn times_are_rounded_up_and_integers_end_where_structured_fields_do() {
    let policy = policy("9_000_000_000_000_000/1500ms token-bucket unit=content-bytes; 1/30 ms");
    let decision = decide(&policy, &[At(9_000_000_000_000_000, 0.0, 0.0, 0.0), At(1, 0.0, 0.0, 0.0)]);
    let most = "999999999999999";
    assert_eq!(
        text(&decision, Style::Ietf),
        format!(
            "RateLimit-Policy: \"milliseconds-1500\";q={most};qu=\"content-bytes\";w=2, \"milliseconds-30\";q=1;w=1\n\
             RateLimit: \"milliseconds-1500\";r={most};t=2, \"milliseconds-30\";r=1;t=1\n"
        )
    );
    let at = |unix| decision.headers_at(Style::XRateLimit, unix).nth(2).unwrap().1;
    assert_eq!(at(Duration::new(7, 0)), "7");
    assert_eq!(at(Duration::new(7, 1)), "8");
    assert_eq!(at(Duration::MAX), u64::MAX.to_string().as_str());
    assert_eq!(decision.headers(Style::XRateLimit).next().unwrap().1, "9000000000000000");
}

#[test]
fn retry_after_is_at_least_a_second_and_only_made_longer() {
    let policy = policy("10/second");
    let denied = decide(&policy, &[At(0, 0.001, 1.0, 0.001)]);
    assert_eq!(denied.retry_after_seconds(), Some(1));
    let retry_after = |seconds| denied.headers(Style::Ietf).with_retry_after(seconds).last().unwrap();
    assert_eq!(retry_after(4).0, "Retry-After");
    assert_eq!((retry_after(4).1.as_str(), retry_after(0).1.as_str()), ("4", "1"));

    let allowed = decide(&policy, &[At(9, 1.0, 1.0, 0.0)]);
    assert_eq!(allowed.retry_after_seconds(), None);
    let headers = allowed.headers(Style::XRateLimit).with_retry_after(9);
    assert!(headers.into_iter().all(|(name, _)| name != "Retry-After"));
}

#[test]
fn jitter_is_even_and_upward() {
    let quarter = u64::MAX / 4 + 1;
    let values: Vec<_> = (0..4).map(|i| jittered(10, 3, i * quarter)).collect();
    assert_eq!(values, [10, 11, 12, 13]);
    assert_eq!(jittered(10, 0, u64::MAX), 10);
    assert_eq!(jittered(10, u64::MAX, u64::MAX), u64::MAX);
    assert_eq!(jittered(u64::MAX, 9, u64::MAX), u64::MAX);
}

#[test]
fn bodies_of_denials() {
    let policy = policy("100/minute; 10/second token-bucket");
    let body = |wait, second| decide(&policy, &[At(0, wait, 60.0, wait), At(0, 0.1, 1.0, second)]);
    let denied = body(29.2, 0.1);
    let message = denied.body().unwrap();
    assert_eq!(
        (message.status, message.content_type, message.cache_control),
        (429, "application/json", "no-store")
    );
    assert_eq!(
        message.text,
        r#"{"message":"Rate limit exceeded. Try again in 30 seconds.","status":"error"}"#
    );
    assert_eq!(
        body(0.2, 0.0).body().unwrap().text,
        r#"{"message":"Rate limit exceeded. Try again in 1 second.","status":"error"}"#
    );

    let problem = denied.problem_body().unwrap();
    assert_eq!((problem.status, problem.content_type), (429, "application/problem+json"));
    assert!(problem.text.ends_with(r#""status":429,"violated-policies":["minute","second"]}"#));
    assert_eq!(
        body(29.2, 0.0).problem_body().unwrap().text,
        r#"{"type":"https://iana.org/assignments/http-problem-types#quota-exceeded","title":"Request cannot be satisfied as assigned quota has been exceeded","status":429,"violated-policies":["minute"]}"#
    );
    assert_eq!(denied.body_for("application/problem+json"), Some(problem));
    assert_eq!(denied.body_for("text/html, */*"), Some(message));

    let allowed = body(0.0, 0.0);
    assert_eq!((allowed.body(), allowed.problem_body(), allowed.body_for("")), (None, None, None));
}

#[test]
fn a_body_that_is_too_large() {
    let body = Body::content_too_large(5_000_000);
    assert_eq!((body.status, body.content_type, body.cache_control), (413, "application/json", "no-store"));
    assert_eq!(body.text, r#"{"message":"Request body too large. The limit is 5 MB.","status":"error"}"#);
}

/// What is written is read by a parser of structured fields that is not ours, and is canonical.
#[test]
fn ietf_headers_are_structured_fields() {
    let policy = policy("100/minute; burst-2_x: 10/second token-bucket unit=content-bytes");
    let decision = decide(&policy, &[At(0, 26.0, 30.0, 26.0), At(9, 0.1, 0.1, 0.0)]);
    for styles in [Styles::from(Style::Ietf), Style::Ietf06.into()] {
        for (name, value) in decision.headers_at(styles, UNIX) {
            let list: sfv::List = sfv::Parser::new(&value).parse().expect(name);
            assert_eq!(value, sfv::FieldType::serialize(&list).unwrap().as_str(), "{name}");
        }
    }
}
