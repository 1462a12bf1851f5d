//! The only place that meets the limiter: one request in, one verdict out.

use tidegate::{Error, Limiter, ManualClock, Nanos, Policy};

use crate::failure::Result;

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Allowed,
    /// Denied; the limit with the longest wait, by its position in the policy.
    Denied(usize),
}

/// A limiter that is told the time by the log.
pub(crate) struct Engine {
    limiter: Limiter,
}

impl Engine {
    pub(crate) fn new(policy: &Policy, max_keys: usize) -> Result<Self> {
        let limiter = Limiter::builder(policy).max_keys(max_keys).clock(ManualClock::new()).build()?;
        Ok(Self { limiter })
    }

    /// The capacity for so many keys. Twice as many, since a table of sets can have a full set
    /// before it is full itself.
    pub(crate) fn room_for(keys: usize) -> usize {
        keys.max(512).saturating_mul(2)
    }

    /// Decides a request of `cost` at `now`. A cost that a limit can never admit is denied by it.
    pub(crate) fn decide(&self, key: &[u8], cost: u64, now: Nanos) -> Result<Verdict> {
        match self.limiter.check_at(key, cost, now) {
            Ok(decision) if decision.allowed() => Ok(Verdict::Allowed),
            Ok(decision) => Ok(Verdict::Denied(decision.reported_index())),
            Err(Error::CostAboveQuota { limit, .. }) => Ok(Verdict::Denied(self.position(&limit))),
            Err(error) => Err(error.into()),
        }
    }

    fn position(&self, name: &str) -> usize {
        self.limiter.policy().limits().iter().position(|limit| limit.name() == name).unwrap_or(0)
    }

    /// Requests of keys that found no room in the table.
    pub(crate) fn overflowed(&self) -> u64 {
        self.limiter.counters().overflowed
    }
}
