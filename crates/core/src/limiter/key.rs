//! A key that was looked up once.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::Limiter;
use crate::decision::Decision;
use crate::error::Result;
use crate::table::{One, Target, with_limits};

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
    /// Where the entry was last seen, if it was.
    slot: AtomicUsize,
}

impl<'a> Key<'a> {
    pub(super) fn new(limiter: &'a Limiter, tag: u64) -> Self {
        Self { limiter, tag, slot: AtomicUsize::new(0) }
    }

    /// As [`Limiter::check`].
    #[inline]
    #[must_use = "a denial is in the decision"]
    pub fn check(&self) -> Decision<'a> {
        self.limiter.decide_near(self.target(), self.tag, self.limiter.now_nanos(), One)
    }

    /// As [`Limiter::check_n`].
    ///
    /// # Errors
    /// A cost of 0, or one above what a limit ever admits.
    #[inline]
    pub fn check_n(&self, cost: u64) -> Result<Decision<'a>> {
        self.limiter.validate(cost)?;
        let now = self.limiter.now_nanos();
        self.limiter.decide_near_cost(self.target(), self.tag, now, cost)
    }

    /// As [`Limiter::allow`].
    #[inline]
    #[must_use = "false is a denial"]
    pub fn allow(&self) -> bool {
        let now = self.limiter.now_nanos();
        let Some(target) = self.target() else {
            return self.limiter.search_and_decide(self.tag, now, One).allowed();
        };
        with_limits!(self.limiter.table.layout, limits => self.limiter.allow_near(limits, target, now))
    }

    #[inline(always)]
    fn target(&self) -> Option<Target> {
        let target = Target { slot: self.slot.load(Ordering::Relaxed), tag: self.tag };
        if self.limiter.table.holds(target) { Some(target) } else { self.look_up() }
    }

    #[cold]
    fn look_up(&self) -> Option<Target> {
        let target = self.limiter.table.lookup(self.tag);
        self.slot.store(target.map_or(0, |target| target.slot), Ordering::Relaxed);
        target
    }
}

impl fmt::Debug for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("limiter", self.limiter).finish_non_exhaustive()
    }
}
