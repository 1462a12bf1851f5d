//! The vectors: that the files are what the model says, and that the engine does what the files
//! say. Other languages run the second part; the first is ours alone.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::path::Path;

use serde::de::DeserializeOwned;
use tidegate::{Body, Error, Limiter, ManualClock, Nanos, Policy, Proxies, Report, Style};
use tidegate_reference::vectors::format::{self, Addresses, Bodies, Cases, Num, Op, Policies, Step};

fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn load<T: DeserializeOwned>(name: &str) -> T {
    serde_json::from_str(&read(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn the_files_are_what_the_model_says() {
    for (name, text) in tidegate_reference::vectors::files() {
        assert!(read(name) == text, "{name} is stale: cargo run -p tidegate-reference --bin vectors");
    }
}

#[test]
fn notations_mean_what_they_should() {
    for vector in load::<Policies>("policies.json").valid {
        let policy = Policy::parse(&vector.notation).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(limits(&policy), vector.limits, "{:?}", vector.notation);
        assert_eq!(policy.to_string(), vector.canonical);
        assert_eq!(Policy::parse(&vector.canonical).unwrap(), policy, "{}", vector.canonical);
    }
}

#[test]
fn wrong_notations_are_refused_at_the_place() {
    for vector in load::<Policies>("policies.json").invalid {
        match Policy::parse(&vector.notation) {
            Err(Error::Notation { at, len, .. }) => {
                assert_eq!((at, len), (vector.at, vector.len), "{:?}", vector.notation);
            }
            other => panic!("{:?} gives {other:?}", vector.notation),
        }
    }
}

fn limits(policy: &Policy) -> Vec<format::Limit> {
    let limit = |limit: &tidegate::Limit| format::Limit {
        name: limit.name().into(),
        quota: Num(limit.quota()),
        window_ns: nanos(limit.window()),
        algorithm: limit.algorithm().as_str().into(),
        capacity: Num(limit.capacity()),
        unit: limit.unit().as_str().into(),
        resolution_ns: nanos(limit.resolution()),
    };
    policy.limits().iter().map(limit).collect()
}

fn nanos(span: std::time::Duration) -> Num {
    Num(u64::try_from(span.as_nanos()).unwrap())
}

/// The decision of a step; none for calls that give none.
type Outcome<'a> = tidegate::Result<Option<tidegate::Decision<'a>>>;

/// Makes every call of every case, and hands what came of it to `look`.
fn run(cases: &Cases, look: impl Fn(&str, &Step, Outcome<'_>)) {
    for case in &cases.cases {
        let report = if case.report == "tightest" { Report::Tightest } else { Report::First };
        let policy = Policy::parse(&case.policy).unwrap().with_report(report);
        let clock = ManualClock::new();
        let limiter = Limiter::builder(policy).clock(clock.clone()).build().unwrap();
        for (i, step) in case.steps.iter().enumerate() {
            clock.set(Nanos::new(step.now_ns.0));
            let outcome = call(&limiter, step);
            let error = outcome.as_ref().err().map(Error::code);
            let place = format!("{}, step {i}", case.name);
            assert_eq!(error, step.error.as_deref(), "{place}");
            look(&place, step, outcome);
        }
    }
}

fn call<'a>(limiter: &'a Limiter, step: &Step) -> Outcome<'a> {
    let costs = || step.costs.iter().flatten().map(|cost| cost.0).collect::<Vec<_>>();
    let cost = || step.cost.expect("a cost").0;
    let key = &step.key;
    match step.op {
        Op::Check => limiter.check(key).map(Some),
        Op::CheckN => limiter.check_n(key, cost()).map(Some),
        Op::CheckCosts => limiter.check_costs(key, &costs()).map(Some),
        Op::Peek => limiter.peek(key).map(Some),
        Op::Refund => limiter.refund(key, cost()).map(|()| None),
        Op::RefundCosts => limiter.refund_costs(key, &costs()).map(|()| None),
        Op::Reset => limiter.reset(key).map(|()| None),
    }
}

fn decision(found: &tidegate::Decision<'_>) -> format::Decision {
    let status = |status: tidegate::LimitStatus<'_>| format::Status {
        name: status.limit.name().into(),
        violated: status.violated,
        remaining: Num(status.remaining),
        reset_after_ns: nanos(status.reset_after),
        retry_after_ns: nanos(status.retry_after),
        effective_window_ns: nanos(status.effective_window),
    };
    format::Decision {
        allowed: found.allowed(),
        at_ns: Num(found.at().get()),
        reported: found.reported().limit.name().into(),
        limit: Num(found.limit()),
        remaining: Num(found.remaining()),
        reset_after_ns: nanos(found.reset_after()),
        retry_after_ns: found.retry_after().map(nanos),
        violated: found.violated().map(str::to_owned).collect(),
        limits: found.limits().map(status).collect(),
    }
}

#[test]
fn decisions_are_as_written() {
    run(&load("decisions.json"), |place, step, outcome| {
        assert_eq!(outcome.ok().flatten().as_ref().map(decision), step.decision, "{place}");
    });
}

#[test]
fn headers_are_as_written() {
    run(&load("headers.json"), |place, step, outcome| {
        let found = outcome.unwrap().expect("a decision");
        let wanted = step.headers.as_ref().expect("headers");
        assert_eq!(wanted.len(), 3, "{place}");
        for (style, headers) in wanted {
            let style: Style = style.parse().unwrap();
            let found =
                found.headers(style).map(|(name, value)| (name.to_owned(), value.as_str().to_owned()));
            assert_eq!(found.collect::<Vec<_>>(), *headers, "{place}, {style}");
        }
    });
}

fn body(body: Body) -> format::Body {
    assert_eq!(body.cache_control, "no-store");
    format::Body { status: body.status, content_type: body.content_type.into(), body: body.text }
}

#[test]
fn bodies_are_as_written() {
    let Bodies { cases, content_too_large } = load("bodies.json");
    run(&Cases { cases }, |place, step, outcome| {
        let found = outcome.unwrap().expect("a decision");
        let wanted = step.bodies.as_ref().expect("bodies");
        assert_eq!(found.body().map(body).as_ref(), wanted.get("message"), "{place}");
        assert_eq!(found.problem_body().map(body).as_ref(), wanted.get("problem"), "{place}");
    });
    for vector in content_too_large {
        assert_eq!(body(Body::content_too_large(vector.max_body.0)), vector.response);
    }
}

#[test]
fn clients_are_told_apart_as_written() {
    for vector in load::<Addresses>("addresses.json").clients {
        let proxies = vector.trusted.parse::<Proxies>().unwrap();
        let proxies = proxies.with_header(vector.header.parse().unwrap());
        let proxies = proxies.with_ipv6_prefix(vector.ipv6_prefix).unwrap();
        let peer = vector.peer.parse().unwrap();
        let (client, key) = (proxies.client(peer, &vector.lines), proxies.key(peer, &vector.lines));
        assert_eq!((client.to_string(), key.to_string()), (vector.client, vector.key), "{}", vector.name);
    }
}

#[test]
fn wrong_lists_of_proxies_are_refused() {
    for text in load::<Addresses>("addresses.json").invalid_trusted {
        assert_eq!(text.parse::<Proxies>().unwrap_err().code(), "options", "{text}");
    }
}

#[test]
fn api_keys_are_found_as_written() {
    for vector in load::<Addresses>("addresses.json").api_keys {
        let bytes = |value: &'_ Option<String>| value.as_ref().map(|value| value.as_bytes().to_vec());
        let (authorization, x_api_key) = (bytes(&vector.authorization), bytes(&vector.x_api_key));
        let found = tidegate::api_key(authorization.as_deref(), x_api_key.as_deref());
        assert_eq!(found, bytes(&vector.api_key).as_deref(), "{vector:?}");
    }
}
