//! The shape of the files: what is written, and what our own tests read back.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::limit;

/// A 64-bit number: a decimal string in JSON, whose numbers lose digits in some languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Num(pub u64);

impl Serialize for Num {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Num {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map(Self).map_err(serde::de::Error::custom)
    }
}

/// `policies.json`.
#[derive(Debug, Serialize, Deserialize)]
pub struct Policies {
    /// Notations that must be read.
    pub valid: Vec<Notation>,
    /// Notations that must be refused.
    pub invalid: Vec<BadNotation>,
}

/// A notation and what it means.
#[derive(Debug, Serialize, Deserialize)]
pub struct Notation {
    /// As somebody might write it.
    pub notation: String,
    /// As we write it.
    pub canonical: String,
    /// What it means.
    pub limits: Vec<Limit>,
}

/// A notation that is wrong.
#[derive(Debug, Serialize, Deserialize)]
pub struct BadNotation {
    /// The text.
    pub notation: String,
    /// Where the wrong part starts, in bytes of UTF-8.
    pub at: usize,
    /// Its length in bytes.
    pub len: usize,
}

/// One limit.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// Its name.
    pub name: String,
    /// Units per window.
    pub quota: Num,
    /// The window in nanoseconds.
    pub window_ns: Num,
    /// `sliding-window-log` or `token-bucket`.
    pub algorithm: String,
    /// The most that one call may cost.
    pub capacity: Num,
    /// What is counted.
    pub unit: String,
    /// The tick in nanoseconds.
    pub resolution_ns: Num,
}

/// `decisions.json` and `headers.json`.
#[derive(Debug, Serialize, Deserialize)]
pub struct Cases {
    /// Each starts from a limiter that has seen no key.
    pub cases: Vec<Case>,
}

/// Calls on one limiter.
#[derive(Debug, Serialize, Deserialize)]
pub struct Case {
    /// What it shows.
    pub name: String,
    /// In notation.
    pub policy: String,
    /// `first` or `tightest`.
    pub report: String,
    /// In order.
    pub steps: Vec<Step>,
}

/// One call and what it must give.
#[derive(Debug, Serialize, Deserialize)]
pub struct Step {
    /// When: nanoseconds of a manual clock, whose epoch counts as 1970.
    pub now_ns: Num,
    /// The call.
    pub op: Op,
    /// The key.
    pub key: String,
    /// Of `check_n` and `refund`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Num>,
    /// Of `check_costs` and `refund_costs`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub costs: Option<Vec<Num>>,
    /// The decision, if the call gives one that is looked at here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// The error, if the call is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The headers by style, where they are looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headers: Option<BTreeMap<String, Vec<(String, String)>>>,
    /// The bodies by kind, where they are looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bodies: Option<BTreeMap<String, Body>>,
}

/// The calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// A cost of 1 for every limit.
    Check,
    /// The same cost for every limit.
    CheckN,
    /// A cost for each limit.
    CheckCosts,
    /// Looks, takes nothing.
    Peek,
    /// Gives the same cost back to every limit.
    Refund,
    /// Gives a cost back to each limit.
    RefundCosts,
    /// Forgets the key.
    Reset,
}

/// Every number of a decision.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Whether every limit admits.
    pub allowed: bool,
    /// The time that it was judged at.
    pub at_ns: Num,
    /// The name of the limit that `limit`, `remaining` and `reset_after_ns` are of.
    pub reported: String,
    /// Its quota.
    pub limit: Num,
    /// What it has left.
    pub remaining: Num,
    /// Until it has its full quota again.
    pub reset_after_ns: Num,
    /// The longest wait over all limits that deny; none when allowed.
    pub retry_after_ns: Option<Num>,
    /// The names of the limits that deny.
    pub violated: Vec<String>,
    /// Every limit.
    pub limits: Vec<Status>,
}

/// The state of one limit.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Its name.
    pub name: String,
    /// Whether it denies.
    pub violated: bool,
    /// Whole units left.
    pub remaining: Num,
    /// Until it has its full quota again.
    pub reset_after_ns: Num,
    /// Until this cost can pass; 0 if it does.
    pub retry_after_ns: Num,
    /// `t` of the IETF headers.
    pub effective_window_ns: Num,
}

/// `bodies.json`.
#[derive(Debug, Serialize, Deserialize)]
pub struct Bodies {
    /// Denials and their bodies.
    pub cases: Vec<Case>,
    /// Bodies of requests that were too long themselves.
    pub content_too_large: Vec<ContentTooLarge>,
}

/// A 413.
#[derive(Debug, Serialize, Deserialize)]
pub struct ContentTooLarge {
    /// The most bytes that a request may have.
    pub max_body: Num,
    /// What it is told.
    pub response: Body,
}

/// A response without its limit headers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Body {
    /// The HTTP status.
    pub status: u16,
    /// `Content-Type`.
    pub content_type: String,
    /// The bytes.
    pub body: String,
}

impl From<&limit::Limit> for Limit {
    fn from(limit: &limit::Limit) -> Self {
        let algorithm = match limit.algorithm {
            limit::Algorithm::SlidingWindowLog => "sliding-window-log",
            limit::Algorithm::TokenBucket { .. } => "token-bucket",
        };
        Self {
            name: limit.name.clone(),
            quota: Num(limit.quota),
            window_ns: Num(limit.window),
            algorithm: algorithm.into(),
            capacity: Num(limit.capacity()),
            unit: limit.unit.name().into(),
            resolution_ns: Num(limit.tick()),
        }
    }
}

impl Decision {
    /// The model's decision under the names of its policy.
    #[must_use]
    pub fn new(policy: &limit::Policy, decision: &crate::Decision) -> Self {
        let named = || policy.limits.iter().zip(&decision.limits);
        let status = |(limit, status)| Status::new(limit, status);
        let (limit, reported) =
            named().nth(decision.reported).map_or((0, None), |(l, s)| (l.quota, Some((l, s))));
        let reported = reported.map(status);
        Self {
            allowed: decision.allowed,
            at_ns: Num(decision.at),
            limit: Num(limit),
            remaining: reported.as_ref().map_or(Num(0), |s| s.remaining),
            reset_after_ns: reported.as_ref().map_or(Num(0), |s| s.reset_after_ns),
            reported: reported.map_or_else(String::new, |s| s.name),
            retry_after_ns: decision.retry_after.map(Num),
            violated: decision.violated(policy).map(str::to_owned).collect(),
            limits: named().map(status).collect(),
        }
    }
}

impl Status {
    fn new(limit: &limit::Limit, status: &crate::Status) -> Self {
        Self {
            name: limit.name.clone(),
            violated: status.violated,
            remaining: Num(status.remaining),
            reset_after_ns: Num(status.reset_after),
            retry_after_ns: Num(status.retry_after),
            effective_window_ns: Num(status.effective_window),
        }
    }
}

/// `addresses.json`.
#[derive(Debug, Serialize, Deserialize)]
pub struct Addresses {
    /// Requests, and who sent them.
    pub clients: Vec<Client>,
    /// Lists of proxies that must be refused.
    pub invalid_trusted: Vec<String>,
    /// Requests, and the API key that they show.
    pub api_keys: Vec<ApiKey>,
}

/// A request through proxies, and who sent it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Client {
    /// What it shows.
    pub name: String,
    /// The trusted proxies: addresses and networks.
    pub trusted: String,
    /// The header that they write.
    pub header: String,
    /// The bits of an IPv6 address that stand for one client.
    pub ipv6_prefix: u8,
    /// The other end of the connection.
    pub peer: String,
    /// The values of the header's lines, in order.
    pub lines: Vec<String>,
    /// The client's address.
    pub client: String,
    /// What it is counted by.
    pub key: String,
}

/// Headers with credentials, and the API key among them.
#[derive(Debug, Serialize, Deserialize)]
pub struct ApiKey {
    /// The value of `Authorization`; `null` if it is absent.
    pub authorization: Option<String>,
    /// The value of `X-API-Key`; `null` if it is absent.
    pub x_api_key: Option<String>,
    /// The API key; `null` if there is none.
    pub api_key: Option<String>,
}
