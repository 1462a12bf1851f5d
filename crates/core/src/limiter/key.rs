//! A key that was looked up once.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::Limiter;
use crate::decision::Decision;
use crate::error::Result;
use crate::table::{Costs, One, Same, Target};

/// A key of a limiter, hashed and looked up in advance.
///
/// It holds no place in the table: if its entry recovers and is given to another key, the next
/// check looks it up again.
///
/// ```
/// # fn main() -> tidegate::Result<()> {
/// let limiter = tidegate::Limiter::new("2/minute")?;
/// let alice = limiter.key("alice")?;
/// assert!(alice.check().allowed());
/// assert_eq!(limiter.check("alice")?.remaining(), 0);
/// assert!(!alice.allow());
/// # Ok(())
/// # }
/// ```
pub struct Key<'a> {
    limiter: &'a Limiter,
    tag: u64,
    /// Where the entry was last seen; `NOWHERE` before.
    slot: AtomicUsize,
}

const NOWHERE: usize = usize::MAX;

impl<'a> Key<'a> {
    pub(super) fn new(limiter: &'a Limiter, tag: u64) -> Self {
        Self { limiter, tag, slot: AtomicUsize::new(NOWHERE) }
    }

    /// As [`Limiter::check`].
    #[inline]
    #[must_use = "a denial is in the decision"]
    pub fn check(&self) -> Decision<'a> {
        self.decide(One)
    }

    /// As [`Limiter::check_n`].
    ///
    /// # Errors
    /// A cost of 0, or one above what a limit ever admits.
    #[inline]
    pub fn check_n(&self, cost: u64) -> Result<Decision<'a>> {
        self.limiter.validate(cost)?;
        Ok(self.decide(Same(cost)))
    }

    /// As [`Limiter::allow`].
    #[inline]
    #[must_use = "false is a denial"]
    pub fn allow(&self) -> bool {
        let now = self.limiter.clock.now().get();
        match self.target() {
            Some(target) => self.limiter.decide_target_briefly(target, now, One),
            None => self.look_up_and_decide(One, now).allowed(),
        }
    }

    #[inline(always)]
    fn decide(&self, costs: impl Costs) -> Decision<'a> {
        let limiter = self.limiter;
        let now = limiter.clock.now().get();
        let mut decision = limiter.pending();
        let target = self.target();
        if target.is_some_and(|target| limiter.table.check(target, now, costs, decision.verdict_mut())) {
            limiter.complete(&mut decision);
            return decision;
        }
        self.look_up_and_decide(costs, now)
    }

    #[cold]
    fn look_up_and_decide(&self, costs: impl Costs, now: u64) -> Decision<'a> {
        let decision = self.limiter.decide(self.tag, now, costs);
        let slot = self.limiter.table.lookup(self.tag).map_or(NOWHERE, |target| target.slot);
        self.slot.store(slot, Ordering::Relaxed);
        decision
    }

    #[inline(always)]
    fn target(&self) -> Option<Target> {
        let slot = self.slot.load(Ordering::Relaxed);
        (slot != NOWHERE).then_some(Target { slot, tag: self.tag })
    }
}

impl fmt::Debug for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("limiter", self.limiter).finish_non_exhaustive()
    }
}
