//! All keys of one policy, and the calls on them.

use std::collections::BTreeMap;

use crate::bucket::Bucket;
use crate::decision::{Decision, Status};
use crate::limit::{Algorithm, Limit, Policy};
use crate::log::Log;

/// Keys longer than this are refused.
const MOST_KEY_BYTES: usize = 65_536;

/// A call that was wrong in itself; it changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The key has no bytes.
    EmptyKey,
    /// The key has more than 65,536 bytes.
    KeyTooLong,
    /// Nothing is asked for.
    ZeroCost,
    /// The limit at this position can never admit so much at once.
    CostAboveQuota(usize),
    /// Not one cost for each limit.
    CostCount,
}

/// A policy and what each key has used of it.
///
/// ```
/// use tidegate_reference::{Limit, Model, Policy};
///
/// let mut model = Model::new(Policy::new(vec![Limit::log("minute", 2, 60_000_000_000)]));
/// assert!(model.check(b"alice", 0, 1)?.allowed);
/// assert!(model.check(b"alice", 7, 1)?.allowed);
/// let denied = model.check(b"alice", 10_000_000_000, 1)?;
/// assert_eq!(denied.retry_after, Some(50_000_000_000));
/// # Ok::<(), tidegate_reference::Refusal>(())
/// ```
#[derive(Clone, Debug)]
pub struct Model {
    policy: Policy,
    /// What a key that was never seen has used.
    fresh: Entry,
    entries: BTreeMap<Vec<u8>, Entry>,
}

/// What one key has used.
#[derive(Clone, Debug)]
struct Entry {
    /// When the latest admission was.
    last: u64,
    /// One for each limit.
    used: Vec<Used>,
}

#[derive(Clone, Debug)]
enum Used {
    Log(Log),
    Bucket(Bucket),
}

impl Model {
    /// A policy that no key has used yet.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self { fresh: Entry::fresh(&policy), policy, entries: BTreeMap::new() }
    }

    /// The policy.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Takes `cost` from every limit if all of them admit it, else nothing.
    ///
    /// # Errors
    /// A bad key; a cost of 0 or above what a limit ever holds.
    pub fn check(&mut self, key: &[u8], now: u64, cost: u64) -> Result<Decision, Refusal> {
        self.check_costs(key, now, &vec![cost; self.policy.limits.len()])
    }

    /// Takes from every limit its own cost if all of them admit, else nothing. A limit whose
    /// cost is 0 admits.
    ///
    /// # Errors
    /// As for [`check`](Self::check), where 0 is refused only if all are; not a cost per limit.
    pub fn check_costs(&mut self, key: &[u8], now: u64, costs: &[u64]) -> Result<Decision, Refusal> {
        self.validate(key, costs)?;
        let decision = self.entry(key).decide(&self.policy, now, costs);
        if !decision.allowed {
            return Ok(decision);
        }
        let entry = self.entries.entry(key.to_vec()).or_insert_with(|| self.fresh.clone());
        entry.take(decision.at, costs);
        Ok(entry.state(&self.policy, decision.at))
    }

    /// What a check of cost 1 would find, with the numbers as they are; takes nothing.
    ///
    /// # Errors
    /// A bad key.
    pub fn peek(&self, key: &[u8], now: u64) -> Result<Decision, Refusal> {
        self.look(key, now, 1)
    }

    /// The same for any cost.
    ///
    /// # Errors
    /// As for [`check`](Self::check).
    pub fn look(&self, key: &[u8], now: u64, cost: u64) -> Result<Decision, Refusal> {
        let costs = vec![cost; self.policy.limits.len()];
        self.validate(key, &costs)?;
        Ok(self.entry(key).decide(&self.policy, now, &costs))
    }

    /// Gives `cost` back to every limit: a log forgets its newest units, a bucket gets tokens.
    ///
    /// # Errors
    /// As for [`check`](Self::check).
    pub fn refund(&mut self, key: &[u8], cost: u64) -> Result<(), Refusal> {
        self.refund_costs(key, &vec![cost; self.policy.limits.len()])
    }

    /// Gives back to every limit its own cost.
    ///
    /// # Errors
    /// As for [`check_costs`](Self::check_costs).
    pub fn refund_costs(&mut self, key: &[u8], costs: &[u64]) -> Result<(), Refusal> {
        self.validate(key, costs)?;
        if let Some(entry) = self.entries.get_mut(key) {
            entry.give_back(costs);
        }
        Ok(())
    }

    /// Forgets the key.
    ///
    /// # Errors
    /// A bad key.
    pub fn reset(&mut self, key: &[u8]) -> Result<(), Refusal> {
        validate_key(key)?;
        self.entries.remove(key);
        Ok(())
    }

    fn entry(&self, key: &[u8]) -> &Entry {
        self.entries.get(key).unwrap_or(&self.fresh)
    }

    fn validate(&self, key: &[u8], costs: &[u64]) -> Result<(), Refusal> {
        validate_key(key)?;
        if costs.len() != self.policy.limits.len() {
            return Err(Refusal::CostCount);
        }
        if costs.iter().all(|&cost| cost == 0) {
            return Err(Refusal::ZeroCost);
        }
        let above = self.policy.limits.iter().zip(costs).position(|(limit, &cost)| cost > limit.capacity());
        above.map_or(Ok(()), |limit| Err(Refusal::CostAboveQuota(limit)))
    }
}

/// One of several keys, each of a model of its own, that pay for the same call.
pub struct Part<'a> {
    /// The policy and its keys.
    pub model: &'a mut Model,
    /// Who pays.
    pub key: &'a [u8],
    /// How many units.
    pub cost: u64,
}

/// Takes every part's cost if all of them admit, else nothing; the decision of each part. On a
/// joint denial a part that would have admitted says so, and how it stands.
///
/// # Errors
/// Those of any part; nothing is taken then.
pub fn check_all(parts: &mut [Part<'_>], now: u64) -> Result<Vec<Decision>, Refusal> {
    let looks = parts.iter().map(|part| part.model.look(part.key, now, part.cost));
    let looks = looks.collect::<Result<Vec<_>, _>>()?;
    if looks.iter().all(|decision| decision.allowed) {
        parts.iter_mut().map(|part| part.model.check(part.key, now, part.cost)).collect()
    } else {
        Ok(looks)
    }
}

fn validate_key(key: &[u8]) -> Result<(), Refusal> {
    match key.len() {
        0 => Err(Refusal::EmptyKey),
        1..=MOST_KEY_BYTES => Ok(()),
        _ => Err(Refusal::KeyTooLong),
    }
}

impl Entry {
    fn fresh(policy: &Policy) -> Self {
        let used = policy.limits.iter().map(|limit| match limit.algorithm {
            Algorithm::SlidingWindowLog => Used::Log(Log::new(limit)),
            Algorithm::TokenBucket { .. } => Used::Bucket(Bucket::new(limit)),
        });
        Self { last: 0, used: used.collect() }
    }

    /// What these costs would find. For one entry time never runs backwards.
    fn decide(&self, policy: &Policy, now: u64, costs: &[u64]) -> Decision {
        let now = now.max(self.last);
        let each = policy.limits.iter().zip(&self.used).zip(costs);
        let limits = each.map(|((limit, used), &cost)| used.status(limit, now, cost));
        Decision::new(policy, now, limits.collect())
    }

    /// What there is at `now`, asking for nothing.
    fn state(&self, policy: &Policy, now: u64) -> Decision {
        self.decide(policy, now, &vec![0; self.used.len()])
    }

    fn take(&mut self, now: u64, costs: &[u64]) {
        self.last = now;
        for (used, &cost) in self.used.iter_mut().zip(costs).filter(|(_, cost)| **cost > 0) {
            match used {
                Used::Log(log) => log.take(now, cost),
                Used::Bucket(bucket) => bucket.take(now, cost),
            }
        }
    }

    fn give_back(&mut self, costs: &[u64]) {
        for (used, &cost) in self.used.iter_mut().zip(costs) {
            match used {
                Used::Log(log) => log.give_back(cost),
                Used::Bucket(bucket) => bucket.give_back(cost),
            }
        }
    }
}

impl Used {
    fn status(&self, limit: &Limit, now: u64, cost: u64) -> Status {
        let (remaining, next, reset, wait) = match self {
            Self::Log(log) => (log.remaining(now), log.next(now), log.reset(now), log.wait(now, cost)),
            Self::Bucket(b) => (b.remaining(now), b.next(now), b.reset(now), b.wait(now, cost)),
        };
        Status::new(limit, remaining, next, reset, wait)
    }
}
