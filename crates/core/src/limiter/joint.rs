//! One request that several keys pay for: a user and the organisation that it belongs to, each
//! with its own policy. All admit, or nothing is taken.

use super::Limiter;
use super::decide::Stand;
use crate::decision::{Decision, Readings, Verdict};
use crate::error::{Error, Result};
use crate::policy::MAX_LIMITS;
use crate::table::joint::{self, Part};
use crate::table::{AnyCosts, Found, Miss};

/// A key of one limiter, and what it is to pay.
#[derive(Clone, Copy, Debug)]
pub struct Joint<'a> {
    limiter: &'a Limiter,
    key: &'a [u8],
    costs: AnyCosts<'a>,
}

impl<'a> Joint<'a> {
    /// `cost` units for `key` of `limiter`.
    pub fn new<K: AsRef<[u8]> + ?Sized>(limiter: &'a Limiter, key: &'a K, cost: u64) -> Self {
        Self { limiter, key: key.as_ref(), costs: AnyCosts::Same(cost) }
    }

    /// A cost for each limit of `limiter`, in its policy's order; a limit whose cost is 0 has no say.
    ///
    /// ```
    /// use tidegate::{Joint, Limiter, check_all};
    ///
    /// # fn main() -> tidegate::Result<()> {
    /// let users = Limiter::new("requests: 60/minute; tokens: 40000/minute token-bucket")?;
    /// let organisations = Limiter::new("1000/minute")?;
    /// let parts = [Joint::costs(&users, "alice", &[1, 39_000]), Joint::new(&organisations, "acme", 1)];
    /// assert!(check_all(&parts)?.allowed());
    /// assert!(!check_all(&parts)?.allowed());
    /// # Ok(())
    /// # }
    /// ```
    pub fn costs<K: AsRef<[u8]> + ?Sized>(limiter: &'a Limiter, key: &'a K, costs: &'a [u64]) -> Self {
        Self { limiter, key: key.as_ref(), costs: AnyCosts::Each(costs) }
    }
}

/// What all parts of a joint check say.
#[derive(Clone, Debug)]
pub struct JointDecision<'a> {
    decisions: Vec<Decision<'a>>,
}

impl<'a> JointDecision<'a> {
    /// Whether every part admits; only then has anything been taken.
    #[must_use]
    pub fn allowed(&self) -> bool {
        self.decisions.iter().all(Decision::allowed)
    }

    /// The decision of each part, in the order they were given. On a joint denial a part that
    /// would have admitted is `allowed()`, with its state as it is: nothing has been taken.
    #[must_use]
    pub fn decisions(&self) -> &[Decision<'a>] {
        &self.decisions
    }

    /// The decision to answer with: the denial with the longest wait, or the first part's.
    #[must_use]
    pub fn reported(&self) -> Option<&Decision<'a>> {
        let denials = self.decisions.iter().rev().filter(|decision| !decision.allowed());
        denials.max_by_key(|decision| decision.retry_after()).or(self.decisions.first())
    }
}

/// Decides about several keys of different limiters at once: all admit, or nothing is taken.
///
/// ```
/// use tidegate::{Joint, Limiter, check_all};
///
/// # fn main() -> tidegate::Result<()> {
/// let users = Limiter::new("100/minute")?;
/// let organisations = Limiter::new("1/minute")?;
/// let ask = |user| check_all(&[Joint::new(&users, user, 1), Joint::new(&organisations, "acme", 1)]);
///
/// assert!(ask("alice")?.allowed());
/// assert!(!ask("bob")?.allowed());
/// assert_eq!(users.peek("bob")?.remaining(), 100);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// No part, more than eight, one limiter twice, two of one segment; and for each part as for [`Limiter::check_n`] or
/// [`Limiter::check_costs`].
pub fn check_all<'a>(parts: &[Joint<'a>]) -> Result<JointDecision<'a>> {
    let tags = validate(parts)?;
    loop {
        if let Some((decisions, stands)) = attempt(parts, &tags) {
            let decision = JointDecision { decisions };
            count(parts, &stands, &decision);
            return Ok(decision);
        }
    }
}

/// Counts what has happened: a part that would have admitted, had the others, is neither.
fn count(parts: &[Joint<'_>], stands: &[Stand], decision: &JointDecision<'_>) {
    let allowed = decision.allowed();
    for ((part, stand), decision) in parts.iter().zip(stands).zip(&decision.decisions) {
        if decision.allowed() == allowed {
            part.limiter.counted_as(*decision, *stand);
        }
    }
}

fn validate(parts: &[Joint<'_>]) -> Result<Vec<u64>> {
    if parts.is_empty() || parts.len() > MAX_LIMITS {
        return Err(Error::Joint(format!(
            "a joint check has 1 to {MAX_LIMITS} parts; {} were given",
            parts.len()
        )));
    }
    for (i, part) in parts.iter().enumerate() {
        if parts.iter().skip(i + 1).any(|other| part.limiter.table.is_same(&other.limiter.table)) {
            return Err(Error::Joint(
                "a joint check names each limiter once, and each segment: check several keys of one apart"
                    .into(),
            ));
        }
        match part.costs {
            AnyCosts::Same(cost) => part.limiter.validate(cost),
            AnyCosts::Each(costs) => part.limiter.validate_costs(costs),
        }?;
    }
    parts.iter().map(|part| part.limiter.tag(part.key)).collect()
}

/// `None` if a key lost its entry on the way.
fn attempt<'a>(parts: &[Joint<'a>], tags: &[u64]) -> Option<(Vec<Decision<'a>>, Vec<Stand>)> {
    let times: Vec<u64> = parts.iter().map(|part| part.limiter.now_nanos()).collect();
    let mut stands: Vec<Stand> =
        parts.iter().zip(tags).zip(&times).map(|((part, &tag), &now)| part.limiter.stand(tag, now)).collect();
    let refused = stands.iter().any(|stand| stand.denied());
    let entries: Vec<Part<'_>> = parts
        .iter()
        .zip(&stands)
        .zip(&times)
        .filter_map(|((part, stand), &now)| {
            let target = stand.target()?;
            Some(Part { table: &part.limiter.table, target, now, costs: part.costs })
        })
        .collect();
    let found = if refused { look_at_all(&entries) } else { joint::check(&entries) };
    let verdicts = match found {
        Ok(verdicts) => verdicts,
        Err(Miss::Gone) => return None,
        Err(Miss::Unavailable) => {
            // Whichever it is, the request has to do without all of them.
            stands = parts.iter().map(|part| part.limiter.unavailable()).collect();
            Vec::new()
        }
    };
    let refused = stands.iter().any(|stand| stand.denied());
    let taken = !refused && verdicts.iter().all(|verdict| verdict.violated == 0);
    let mut verdicts = verdicts.into_iter();
    let decide = |((part, stand), &now): ((&Joint<'a>, &Stand), &u64)| {
        let limiter = part.limiter;
        let verdict = match stand.target() {
            Some(_) => verdicts.next()?,
            None => limiter.uncounted(*stand, now, part.costs, taken),
        };
        Some(limiter.decision(verdict, stand.is_tracked()))
    };
    let decisions = parts.iter().zip(&stands).zip(&times).map(decide).collect::<Option<_>>()?;
    Some((decisions, stands))
}

fn look_at_all(entries: &[Part<'_>]) -> Found<Vec<Verdict<Readings>>> {
    let look = |part: &Part<'_>| part.table.look(part.target, part.now, part.costs);
    entries.iter().map(look).collect()
}
