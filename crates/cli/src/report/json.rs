//! The result as one JSON object. Its fields are described in `docs/cli.md`; their names and
//! their order do not change.

use std::time::Duration;

use serde::{Serialize, Serializer};
use tidegate::{Algorithm, Limit, Policy};

use super::Report;
use crate::replay::{Minute, Outcome};
use crate::text::rfc3339;
use crate::trace::Trace;

pub(super) fn render(report: &Report<'_>) -> serde_json::Result<String> {
    let whole = Whole {
        main: Judged::new(report, report.main),
        requests: report.requests(),
        keys: report.trace.keys.len(),
        sources: &report.sources,
        key: &report.key,
        cost: &report.cost,
        span: report.trace.span().map(|(first, last)| Span {
            first: rfc3339(first),
            last: rfc3339(last),
            seconds: Seconds(last.saturating_since(first)),
        }),
        busiest_minute: report.main.busiest.map(BusiestMinute::from),
        malformed: report.trace.malformed,
        malformed_lines: malformed_lines(report.trace),
        what_if: report.what_if.iter().map(|outcome| Judged::new(report, outcome)).collect(),
    };
    Ok(serde_json::to_string_pretty(&whole)? + "\n")
}

/// A policy as an object: its name, its notation, its limits.
pub(crate) fn policy(policy: &Policy) -> impl Serialize + use<'_> {
    PolicyView::from(policy)
}

#[derive(Serialize)]
struct Whole<'a> {
    requests: u64,
    keys: usize,
    #[serde(flatten)]
    main: Judged<'a>,
    sources: &'a [String],
    key: &'a str,
    cost: &'a str,
    span: Option<Span>,
    busiest_minute: Option<BusiestMinute>,
    malformed: u64,
    malformed_lines: Vec<MalformedLine<'a>>,
    what_if: Vec<Judged<'a>>,
}

/// What one policy made of the requests.
#[derive(Serialize)]
struct Judged<'a> {
    allowed: u64,
    denied: u64,
    denied_by: Counts<'a>,
    denied_keys: u64,
    overflowed: u64,
    policy: PolicyView<'a>,
    top_denied: Vec<DeniedKey<'a>>,
}

impl<'a> Judged<'a> {
    fn new(report: &Report<'a>, outcome: &'a Outcome) -> Self {
        Self {
            allowed: outcome.allowed,
            denied: outcome.denied(),
            denied_by: Counts(outcome),
            denied_keys: outcome.denied_keys(),
            overflowed: outcome.overflowed,
            policy: PolicyView::from(&outcome.policy),
            top_denied: top_denied(report, outcome),
        }
    }
}

fn top_denied<'a>(report: &Report<'a>, outcome: &Outcome) -> Vec<DeniedKey<'a>> {
    let view = |(number, key): (u32, &crate::replay::KeyTally)| DeniedKey {
        key: String::from_utf8_lossy(report.trace.key(number)),
        requests: key.requests,
        denied: key.denied,
        first_denied: rfc3339(key.denied_first),
        last_denied: rfc3339(key.denied_last),
    };
    outcome.top_denied(report.top).into_iter().map(view).collect()
}

fn malformed_lines(trace: &Trace) -> Vec<MalformedLine<'_>> {
    let named = trace.named.iter();
    named.map(|m| MalformedLine { file: &m.source, line: m.line, reason: m.reason.to_string() }).collect()
}

/// Denials by the names of the limits, in the policy's order.
struct Counts<'a>(&'a Outcome);

impl Serialize for Counts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let names = self.0.policy.limits().iter().map(Limit::name);
        serializer.collect_map(names.zip(&self.0.denied_by))
    }
}

#[derive(Serialize)]
struct PolicyView<'a> {
    name: Option<&'a str>,
    notation: String,
    limits: Vec<LimitView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_body: Option<u64>,
}

impl<'a> From<&'a Policy> for PolicyView<'a> {
    fn from(policy: &'a Policy) -> Self {
        let limits = policy.limits().iter().map(LimitView::from).collect();
        Self { name: policy.name(), notation: policy.to_string(), limits, max_body: policy.max_body() }
    }
}

#[derive(Serialize)]
struct LimitView<'a> {
    name: &'a str,
    quota: u64,
    window: Seconds,
    algorithm: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    burst: Option<u64>,
    unit: &'static str,
    resolution: Seconds,
}

impl<'a> From<&'a Limit> for LimitView<'a> {
    fn from(limit: &'a Limit) -> Self {
        Self {
            name: limit.name(),
            quota: limit.quota(),
            window: Seconds(limit.window()),
            algorithm: limit.algorithm().as_str(),
            burst: (limit.algorithm() == Algorithm::TokenBucket).then(|| limit.capacity()),
            unit: limit.unit().as_str(),
            resolution: Seconds(limit.resolution()),
        }
    }
}

#[derive(Serialize)]
struct Span {
    first: String,
    last: String,
    seconds: Seconds,
}

#[derive(Serialize)]
struct BusiestMinute {
    start: String,
    requests: u64,
    denied: u64,
}

impl From<Minute> for BusiestMinute {
    fn from(minute: Minute) -> Self {
        Self { start: rfc3339(minute.start), requests: minute.requests, denied: minute.denied }
    }
}

#[derive(Serialize)]
struct DeniedKey<'a> {
    key: std::borrow::Cow<'a, str>,
    requests: u64,
    denied: u64,
    first_denied: String,
    last_denied: String,
}

#[derive(Serialize)]
struct MalformedLine<'a> {
    file: &'a str,
    line: u64,
    reason: String,
}

/// Seconds as a number, without a fraction where there is none.
struct Seconds(Duration);

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.subsec_nanos() {
            0 => serializer.serialize_u64(self.0.as_secs()),
            _ => serializer.serialize_f64(self.0.as_secs_f64()),
        }
    }
}
