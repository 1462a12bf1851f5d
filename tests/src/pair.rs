//! The engine and the model side by side: every call is made on both, every number compared,
//! every admission held against the rule.

use tidegate::{Limiter, ManualClock, Nanos};
use tidegate_reference::rule::Watch;
use tidegate_reference::{Decision, Model, Policy};

use crate::same::{Mismatch, Outcome, compare, compare_briefly, compare_errors, mismatch};
use crate::script::{Call, How, LATEST, Script, Shift, Step};
use crate::translate::engine_policy;

const KEYS: [&[u8]; 3] = [b"alice", b"bob", b"carol"];

/// Runs a whole script.
///
/// # Errors
/// The first difference, with the step that showed it.
pub fn run(script: &Script) -> Outcome {
    let mut pair = Pair::new(&script.policy, script.start)?;
    pair.steps(&script.steps)
}

/// One limiter and its model.
pub struct Pair {
    limiter: Limiter,
    clock: ManualClock,
    model: Model,
    /// For each key, for each limit: what the rule says of the admissions so far.
    watches: Vec<Vec<Watch>>,
    /// The last denial, while nothing has been taken or given back since.
    denial: Option<Denial>,
    tally: Tally,
}

/// Who was denied what, and until when.
#[derive(Clone)]
struct Denial {
    key: u8,
    costs: Vec<u64>,
    retry_at: u64,
}

/// What happened so far.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Decisions that were compared.
    pub checks: u64,
    /// Calls that were admitted.
    pub admitted: u64,
    /// Calls that were denied, by the limit that was reported.
    pub denied: Vec<u64>,
    /// Calls that were denied without a word on the limit.
    pub denied_briefly: u64,
    /// Admissions that the rule forbids: must be 0.
    pub over: u64,
    /// Denials of what the rule had room for two ticks before: must be 0.
    pub late: u64,
}

impl Pair {
    /// A limiter and a model that have seen no key, at the time `start`.
    ///
    /// # Errors
    /// A policy that the engine refuses.
    pub fn new(policy: &Policy, start: u64) -> Outcome<Self> {
        let clock = ManualClock::at(Nanos::new(start));
        let limiter = engine_policy(policy)
            .and_then(|policy| Limiter::builder(policy).clock(clock.clone()).max_keys(64).build())
            .map_err(|error| Mismatch(error.to_string()))?;
        let tally = Tally { denied: vec![0; policy.limits.len()], ..Tally::default() };
        let (model, watches) = (Model::new(policy.clone()), vec![watches(policy); KEYS.len()]);
        Ok(Self { limiter, clock, model, watches, denial: None, tally })
    }

    /// What happened so far.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Makes steps on both sides, and compares what the limiter has counted in the end.
    ///
    /// # Errors
    /// The first difference, with the step that showed it.
    pub fn steps(&mut self, steps: &[Step]) -> Outcome {
        for (i, step) in steps.iter().enumerate() {
            self.step(step).map_err(|Mismatch(what)| Mismatch(format!("step {i}, {step:?}: {what}")))?;
        }
        self.compare_counters()
    }

    fn step(&mut self, step: &Step) -> Outcome {
        match (&step.call, self.denial.clone()) {
            (Call::Again, None) => Ok(()),
            (Call::Again, Some(denial)) => self.again(step.shift, &denial),
            (call, _) => {
                self.shift(step.shift);
                self.call(step.key, call)
            }
        }
    }

    fn shift(&mut self, shift: Shift) {
        let now = self.now();
        self.set(match shift {
            Shift::Forward(by) => now.saturating_add(by).min(LATEST),
            Shift::Back(by) => now.saturating_sub(by),
            Shift::ToRetry | Shift::BeforeRetry => now,
        });
    }

    /// The same call as the one that was denied: it passes at the time that it was told, and
    /// not a nanosecond before.
    fn again(&mut self, shift: Shift, denial: &Denial) -> Outcome {
        match shift {
            Shift::ToRetry => self.set(denial.retry_at),
            Shift::BeforeRetry => self.set(denial.retry_at - 1),
            other => self.shift(other),
        }
        let before = self.tally.admitted;
        self.take(denial.key, How::Costs, &denial.costs)?;
        match (shift, self.tally.admitted > before) {
            (Shift::ToRetry, false) => mismatch("denied at the time that it was told to try again"),
            (Shift::BeforeRetry, true) => mismatch("admitted before the time that it was told to try again"),
            _ => Ok(()),
        }
    }

    fn call(&mut self, key: u8, call: &Call) -> Outcome {
        match call {
            Call::Take(how, costs) => self.take(key, *how, costs),
            Call::Again => Ok(()),
            Call::Peek => self.peek(key),
            Call::Refund(costs) => self.refund(key, costs),
            Call::Reset => self.reset(key),
        }
    }

    fn take(&mut self, key: u8, how: How, costs: &[u64]) -> Outcome {
        let (name, now) = (name(key), self.now());
        let expected = self.model.check_costs(name, now, costs);
        let brief = same(&self.limiter, costs).filter(|_| how == How::Allow);
        match brief {
            Some(cost) => compare_briefly(self.limiter.allow_n(name, cost), &expected)?,
            None => compare(decide(&self.limiter, name, how, costs, now).as_ref(), &expected)?,
        }
        let Ok(decision) = expected else { return Ok(()) };
        self.count(&decision, brief.is_some_and(|cost| cost > 1));
        self.judge(key, costs, &decision);
        let retry_at = decision.retry_after.map(|wait| decision.at.saturating_add(wait));
        let denial = retry_at.map(|retry_at| Denial { key, costs: costs.to_vec(), retry_at });
        self.denial = denial.filter(|denial| denial.retry_at <= LATEST);
        Ok(())
    }

    fn peek(&mut self, key: u8) -> Outcome {
        let expected = self.model.peek(name(key), self.now());
        self.tally.checks += 1;
        compare(self.limiter.peek(name(key)).as_ref(), &expected)
    }

    fn refund(&mut self, key: u8, costs: &[u64]) -> Outcome {
        let expected = self.model.refund_costs(name(key), costs);
        let found = match same(&self.limiter, costs) {
            Some(cost) => self.limiter.refund(name(key), cost),
            None => self.limiter.refund_costs(name(key), costs),
        };
        compare_errors(found.as_ref().err(), expected.err())?;
        if expected.is_ok() {
            self.denial = None;
            let watches = self.watches.get_mut(usize::from(key)).into_iter().flatten();
            watches.zip(costs).for_each(|(watch, &cost)| watch.give_back(cost));
        }
        Ok(())
    }

    fn reset(&mut self, key: u8) -> Outcome {
        self.denial = None;
        if let Some(watches) = self.watches.get_mut(usize::from(key)) {
            *watches = self::watches(self.model.policy());
        }
        let expected = self.model.reset(name(key));
        compare_errors(self.limiter.reset(name(key)).err().as_ref(), expected.err())
    }

    /// Records what both sides have decided. A brief denial of many units is counted for the
    /// limit that denies one unit for longest, which need not be the one that is reported.
    fn count(&mut self, decision: &Decision, brief: bool) {
        self.tally.checks += 1;
        match self.tally.denied.get_mut(decision.reported) {
            _ if decision.allowed => self.tally.admitted += 1,
            Some(denied) if !brief => *denied += 1,
            _ => self.tally.denied_briefly += 1,
        }
    }

    /// Holds a decision against the rule.
    fn judge(&mut self, key: u8, costs: &[u64], decision: &Decision) {
        let watches = self.watches.get_mut(usize::from(key)).into_iter().flatten();
        let each = watches.zip(&decision.limits).zip(costs).filter(|(_, cost)| **cost > 0);
        for ((watch, status), &cost) in each {
            if decision.allowed {
                self.tally.over += u64::from(!watch.would_keep(decision.at, cost));
                watch.admit(decision.at, cost);
            } else if status.violated {
                self.tally.late += u64::from(watch.is_too_late_to_deny(decision.at, cost));
            }
        }
    }

    /// Compares what the limiter has counted, and that the rule was kept.
    fn compare_counters(&self) -> Outcome {
        let (found, tally) = (self.limiter.counters(), &self.tally);
        let sum = |denied: &[u64]| denied.iter().sum::<u64>();
        let sums = sum(&found.denied) == sum(&tally.denied) + tally.denied_briefly;
        let each = found.denied.iter().zip(&tally.denied).all(|(found, told)| found >= told);
        let kept = tally.over == 0 && tally.late == 0;
        if found.admitted == tally.admitted && sums && each && kept {
            return Ok(());
        }
        mismatch(format!("the counters are {found:?}, expected {tally:?}"))
    }

    fn now(&self) -> u64 {
        self.clock.now().get()
    }

    fn set(&self, now: u64) {
        self.clock.set(Nanos::new(now));
    }
}

fn watches(policy: &Policy) -> Vec<Watch> {
    policy.limits.iter().map(|limit| Watch::new(limit, 2 * limit.tick())).collect()
}

fn name(key: u8) -> &'static [u8] {
    KEYS.get(usize::from(key)).copied().unwrap_or(b"dave")
}

/// The cost, if there is one for every limit and all are the same.
fn same(limiter: &Limiter, costs: &[u64]) -> Option<u64> {
    let (first, rest) = costs.split_first()?;
    let one_each = costs.len() == limiter.policy().limits().len();
    (one_each && rest.iter().all(|cost| cost == first)).then_some(*first)
}

fn decide<'a>(
    limiter: &'a Limiter,
    key: &[u8],
    how: How,
    costs: &[u64],
    now: u64,
) -> tidegate::Result<tidegate::Decision<'a>> {
    let Some(cost) = same(limiter, costs) else {
        return limiter.check_costs(key, costs);
    };
    match how {
        How::Costs => limiter.check_costs(key, costs),
        How::At => limiter.check_at(key, cost, Nanos::new(now)),
        How::Handle => limiter.key(key)?.check_n(cost),
        How::Many => limiter.check_many(&[key], cost).map(|mut all| all.remove(0)),
        How::Check | How::Allow => limiter.check_n(key, cost),
    }
}
