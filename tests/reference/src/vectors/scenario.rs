//! Writes down calls on the model together with what it answers.

use std::collections::BTreeMap;

use super::format::{Body, Case, Decision, Num, Op, Step};
use crate::{Decision as Found, Limit, Model, Policy, Refusal, headers};

pub(super) const MICRO: u64 = 1_000;
pub(super) const MILLI: u64 = 1_000_000;
pub(super) const SECOND: u64 = 1_000_000_000;
pub(super) const MINUTE: u64 = 60 * SECOND;
pub(super) const HOUR: u64 = 60 * MINUTE;
pub(super) const DAY: u64 = 24 * HOUR;

/// What a step shows of a decision.
#[derive(Clone, Copy)]
pub(super) enum Show {
    /// Its numbers.
    Decision,
    /// The headers of every style.
    Headers,
    /// The bodies of a denial.
    Bodies,
}

/// A case in the making.
pub(super) struct Scenario {
    case: Case,
    model: Model,
    show: Show,
    now: u64,
    key: String,
}

impl Scenario {
    /// A new limiter of the policy that `notation` means.
    pub(super) fn new(show: Show, name: &str, notation: &str, limits: Vec<Limit>) -> Self {
        let (name, policy) = (name.to_owned(), notation.to_owned());
        let case = Case { name, policy, report: "first".into(), steps: Vec::new() };
        Self { case, model: Model::new(Policy::new(limits)), show, now: 0, key: "alice".into() }
    }

    /// The same, reporting the tightest limit.
    pub(super) fn tightest(mut self) -> Self {
        self.model = Model::new(self.model.policy().clone().reporting_tightest());
        self.case.report = "tightest".into();
        self
    }

    /// The time of what follows.
    pub(super) fn at(mut self, now: u64) -> Self {
        self.now = now;
        self
    }

    /// The key of what follows.
    pub(super) fn key(mut self, key: &str) -> Self {
        self.key = key.to_owned();
        self
    }

    pub(super) fn check(mut self) -> Self {
        let found = self.model.check(self.key.as_bytes(), self.now, 1);
        self.decided(Op::Check, None, None, found)
    }

    /// The same check `times` over, one after another.
    pub(super) fn checks(self, times: usize) -> Self {
        (0..times).fold(self, |scenario, _| scenario.check())
    }

    pub(super) fn check_n(mut self, cost: u64) -> Self {
        let found = self.model.check(self.key.as_bytes(), self.now, cost);
        self.decided(Op::CheckN, Some(cost), None, found)
    }

    pub(super) fn check_costs(mut self, costs: &[u64]) -> Self {
        let found = self.model.check_costs(self.key.as_bytes(), self.now, costs);
        self.decided(Op::CheckCosts, None, Some(costs), found)
    }

    pub(super) fn peek(self) -> Self {
        let found = self.model.peek(self.key.as_bytes(), self.now);
        self.decided(Op::Peek, None, None, found)
    }

    pub(super) fn refund(mut self, cost: u64) -> Self {
        let done = self.model.refund(self.key.as_bytes(), cost);
        self.done(Op::Refund, Some(cost), None, done)
    }

    pub(super) fn refund_costs(mut self, costs: &[u64]) -> Self {
        let done = self.model.refund_costs(self.key.as_bytes(), costs);
        self.done(Op::RefundCosts, None, Some(costs), done)
    }

    pub(super) fn reset(mut self) -> Self {
        let done = self.model.reset(self.key.as_bytes());
        self.done(Op::Reset, None, None, done)
    }

    pub(super) fn case(self) -> Case {
        self.case
    }

    fn decided(
        self,
        op: Op,
        cost: Option<u64>,
        costs: Option<&[u64]>,
        found: Result<Found, Refusal>,
    ) -> Self {
        let mut step = self.step(op, cost, costs);
        let policy = self.model.policy();
        match (found, self.show) {
            (Err(refusal), _) => step.error = Some(refusal.code().into()),
            (Ok(found), Show::Decision) => step.decision = Some(Decision::new(policy, &found)),
            (Ok(found), Show::Headers) => step.headers = Some(all_styles(policy, &found)),
            (Ok(found), Show::Bodies) => step.bodies = Some(all_bodies(policy, &found)),
        }
        self.and(step)
    }

    fn done(self, op: Op, cost: Option<u64>, costs: Option<&[u64]>, done: Result<(), Refusal>) -> Self {
        let mut step = self.step(op, cost, costs);
        step.error = done.err().map(|refusal| refusal.code().into());
        self.and(step)
    }

    fn step(&self, op: Op, cost: Option<u64>, costs: Option<&[u64]>) -> Step {
        let costs = costs.map(|costs| costs.iter().copied().map(Num).collect());
        let (now_ns, key, cost) = (Num(self.now), self.key.clone(), cost.map(Num));
        Step { now_ns, op, key, cost, costs, decision: None, error: None, headers: None, bodies: None }
    }

    fn and(mut self, step: Step) -> Self {
        self.case.steps.push(step);
        self
    }
}

impl Refusal {
    /// The word for it in the files.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::EmptyKey => "empty-key",
            Self::KeyTooLong => "key-too-long",
            Self::ZeroCost => "zero-cost",
            Self::CostAboveQuota(_) => "cost-above-quota",
            Self::CostCount => "cost-count",
        }
    }
}

fn all_styles(policy: &Policy, found: &Found) -> BTreeMap<String, Vec<(String, String)>> {
    let styles = [
        ("x-ratelimit", headers::x_ratelimit(policy, found)),
        ("ietf", headers::ietf(policy, found)),
        ("ietf-06", headers::ietf_06(policy, found)),
    ];
    let owned = |headers: headers::Headers| headers.into_iter().map(|(name, value)| (name.to_owned(), value));
    styles.map(|(style, headers)| (style.to_owned(), owned(headers).collect())).into()
}

fn all_bodies(policy: &Policy, found: &Found) -> BTreeMap<String, Body> {
    let kinds = [
        ("message", "application/json", headers::denied_body(found)),
        ("problem", "application/problem+json", headers::problem_body(policy, found)),
    ];
    let body = |(kind, content_type, body): (&str, &str, Option<String>)| {
        let content_type = content_type.to_owned();
        body.map(|body| (kind.to_owned(), Body { status: 429, content_type, body }))
    };
    kinds.into_iter().filter_map(body).collect()
}
