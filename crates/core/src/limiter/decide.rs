//! How a check gets its decision: from the entry that is likely to be the key's by one quick look, and
//! by the longer ways only where that is not enough.
//!
//! Which function is called, and which is written into another, is measured: see "Alternatives
//! measured" in `docs/architecture.md`.

use super::{Limiter, OnFull, OnUnavailable};
use crate::decision::{Decision, Readings, Verdict};
use crate::error::Result;
use crate::table::{self, Admission, Attempt, Costs, Limits, Miss, One, Same, Target, with_limits};

/// What stands for a key in a check.
#[derive(Clone, Copy)]
pub(super) enum Stand {
    /// Its own entry.
    Own(Target),
    /// Nothing yet, and there is room for it.
    Vacant,
    /// The entry that all without room share.
    Shared(Target),
    /// Nothing, since there may be no room before a time: it is not counted, and denied or not.
    NoRoom { denied: bool, until: u64 },
    /// Nothing, since the table cannot be had at this moment.
    Unavailable { denied: bool },
}

impl Stand {
    /// The entry that it is counted in.
    pub(super) fn target(self) -> Option<Target> {
        match self {
            Self::Own(target) | Self::Shared(target) => Some(target),
            Self::Vacant | Self::NoRoom { .. } | Self::Unavailable { .. } => None,
        }
    }

    /// Whether it is denied whatever an entry says.
    pub(super) fn denied(self) -> bool {
        matches!(self, Self::NoRoom { denied: true, .. } | Self::Unavailable { denied: true })
    }

    /// Whether it is counted by itself.
    pub(super) fn is_tracked(self) -> bool {
        matches!(self, Self::Own(_) | Self::Vacant)
    }
}

/// A decision in the form that a call returns it: made in place, since it is too large to be moved
/// for nothing.
pub(super) trait Answer<'a> {
    fn of(decision: Decision<'a>) -> Self;
}

impl<'a> Answer<'a> for Decision<'a> {
    #[inline(always)]
    fn of(decision: Decision<'a>) -> Self {
        decision
    }
}

impl<'a> Answer<'a> for Result<Decision<'a>> {
    #[inline(always)]
    fn of(decision: Decision<'a>) -> Self {
        Ok(decision)
    }
}

impl Limiter {
    pub(super) fn check_one(&self, key: &[u8]) -> Result<Decision<'_>> {
        with_limits!(self.table.layout, limits => self.check_as(limits, key))
    }

    pub(super) fn allow_one(&self, key: &[u8]) -> Result<bool> {
        with_limits!(self.table.layout, limits => self.allow_as(limits, key))
    }

    /// A function of its own for every type of limits, without a loop, and another for denials: in
    /// one function the compiler would prepare for all of them in advance.
    #[inline(never)]
    fn check_as<L: Limits + ?Sized>(&self, limits: &L, key: &[u8]) -> Result<Decision<'_>> {
        let tag = self.tag(key)?;
        self.table.prefetch_preferred(tag);
        let now = self.now_nanos();
        match self.table.guess(tag) {
            Some(target) => self.take_as(limits, target, now, One),
            None => Ok(self.search_and_decide(tag, now, One)),
        }
    }

    /// The same for a yes or no. That the key is looked up before the clock is read is faster here and
    /// slower there.
    #[inline(never)]
    fn allow_as<L: Limits + ?Sized>(&self, limits: &L, key: &[u8]) -> Result<bool> {
        let tag = self.tag(key)?;
        self.table.prefetch_preferred(tag);
        let near = self.table.guess(tag);
        let now = self.now_nanos();
        match near {
            Some(target) => Ok(self.allow_near(limits, target, now)),
            None => Ok(self.search_and_decide(tag, now, One).allowed()),
        }
    }

    /// The decision for a tag, counted, in the form that the caller returns.
    #[inline(always)]
    pub(super) fn decide<'a, A: Answer<'a>>(&'a self, tag: u64, now: u64, costs: impl Costs) -> A {
        self.table.prefetch_preferred(tag);
        self.decide_near(self.table.guess(tag), tag, now, costs)
    }

    /// The decision for a tag whose entry is likely to be at `near`, counted.
    #[inline(always)]
    pub(super) fn decide_near<'a, A: Answer<'a>>(
        &'a self,
        near: Option<Target>,
        tag: u64,
        now: u64,
        costs: impl Costs,
    ) -> A {
        let Some(target) = near else { return A::of(self.search_and_decide(tag, now, costs)) };
        with_limits!(self.table.layout, limits => self.decide_as(limits, target, now, costs))
    }

    /// The same about one cost for all limits. It is nearly always 1, about which the compiler knows
    /// more.
    #[inline(always)]
    pub(super) fn decide_near_cost<'a, A: Answer<'a>>(
        &'a self,
        near: Option<Target>,
        tag: u64,
        now: u64,
        cost: u64,
    ) -> A {
        if cost == 1 {
            self.decide_near(near, tag, now, One)
        } else {
            self.decide_near(near, tag, now, Same(cost))
        }
    }

    /// Out of line, since all types of limits meet where it is called.
    #[inline(never)]
    fn decide_as<'a, A: Answer<'a>, L: Limits + ?Sized>(
        &'a self,
        limits: &L,
        target: Target,
        now: u64,
        costs: impl Costs,
    ) -> A {
        self.take_as(limits, target, now, costs)
    }

    /// The decision of an entry that is likely to admit.
    #[inline(always)]
    fn take_as<'a, A: Answer<'a>, L: Limits + ?Sized>(
        &'a self,
        limits: &L,
        target: Target,
        now: u64,
        costs: impl Costs,
    ) -> A {
        if self.table.seems_spent(limits, target, now) {
            return self.deny_as(limits, target, now, costs);
        }
        match self.table.try_take(limits, target, now, costs) {
            Attempt::Decided(verdict) => {
                self.counters.admitted();
                A::of(self.decision(verdict.spread::<L>(), true))
            }
            Attempt::Other => self.deny_as(limits, target, now, costs),
            Attempt::Search => A::of(self.settle_and_decide(target, now, costs)),
            Attempt::Gone => A::of(self.search_and_decide(target.tag, now, costs)),
            Attempt::Raced => A::of(self.pause_and_decide(target.tag, now, costs)),
        }
    }

    /// The decision of an entry that seems to deny.
    #[inline(never)]
    fn deny_as<'a, A: Answer<'a>, L: Limits + ?Sized>(
        &'a self,
        limits: &L,
        target: Target,
        now: u64,
        costs: impl Costs,
    ) -> A {
        match self.table.try_deny(limits, target, now, costs) {
            Attempt::Decided(verdict) => {
                let decision = self.decision(verdict.spread::<L>(), true);
                self.counters.denied(decision.reported_index());
                A::of(decision)
            }
            Attempt::Search => A::of(self.settle_and_decide(target, now, costs)),
            _ => A::of(self.search_and_decide(target.tag, now, costs)),
        }
    }

    /// Yes or no to one unit of a key whose entry is likely to be the target, counted.
    #[inline(always)]
    pub(super) fn allow_near<L: Limits + ?Sized>(&self, limits: &L, target: Target, now: u64) -> bool {
        if let Some(limit) = self.table.denies(limits, target, now) {
            self.counters.denied(usize::from(limit));
            return false;
        }
        match self.table.try_take(limits, target, now, One) {
            Attempt::Decided(_) => {
                self.counters.admitted();
                true
            }
            // Which limit to count a denial for, the whole decision tells.
            Attempt::Other => self.deny_as::<Decision<'_>, L>(limits, target, now, One).allowed(),
            Attempt::Search => self.settle_and_decide(target, now, One).allowed(),
            Attempt::Gone => self.search_and_decide(target.tag, now, One).allowed(),
            Attempt::Raced => self.pause_and_decide(target.tag, now, One).allowed(),
        }
    }

    /// The decision of a key's own entry that takes more than a quick look, counted.
    #[inline(never)]
    fn settle_and_decide(&self, target: Target, now: u64, costs: impl Costs) -> Decision<'_> {
        match self.table.check(target, now, costs) {
            Ok(verdict) => self.counted(self.decision(verdict, true)),
            Err(_) => self.search_and_decide(target.tag, now, costs),
        }
    }

    /// The decision for a tag whose entry another thread is writing to, counted.
    #[cold]
    fn pause_and_decide(&self, tag: u64, now: u64, costs: impl Costs) -> Decision<'_> {
        table::pause();
        self.search_and_decide(tag, now, costs)
    }

    /// The decision for a tag that has no entry, or whose entry is not where it is likely to be;
    /// counted.
    #[inline(never)]
    pub(super) fn search_and_decide(&self, tag: u64, now: u64, costs: impl Costs) -> Decision<'_> {
        let (decision, stand) = self.search(tag, now, costs);
        self.counted_as(decision, stand)
    }

    /// The same, not yet counted.
    pub(super) fn search(&self, tag: u64, now: u64, costs: impl Costs) -> (Decision<'_>, Stand) {
        self.ask(tag, now, costs, true)
    }

    /// What a check would be told; takes nothing, not even an entry.
    pub(super) fn look(&self, tag: u64, now: u64, costs: impl Costs) -> (Decision<'_>, Stand) {
        self.ask(tag, now, costs, false)
    }

    fn ask(&self, tag: u64, now: u64, costs: impl Costs, take: bool) -> (Decision<'_>, Stand) {
        loop {
            let mut stand = if take { self.stand(tag, now) } else { self.stand_as_is(tag, now) };
            let asked = stand.target().map(|target| {
                if take { self.table.check(target, now, costs) } else { self.table.look(target, now, costs) }
            });
            let verdict = match asked {
                Some(Ok(verdict)) => verdict,
                Some(Err(Miss::Gone)) => continue,
                Some(Err(Miss::Unavailable)) => {
                    stand = self.unavailable();
                    self.uncounted(stand, now, costs, take)
                }
                None => self.uncounted(stand, now, costs, take),
            };
            return (self.decision(verdict, stand.is_tracked()), stand);
        }
    }

    /// What stands for a key: its entry, given one if it has none; or the one that all without
    /// room share; or nothing.
    pub(super) fn stand(&self, tag: u64, now: u64) -> Stand {
        if let Some(target) = self.table.lookup(tag) {
            return Stand::Own(target);
        }
        match self.table.admit(tag, now) {
            Admission::Placed { target, reclaimed } => {
                if reclaimed {
                    self.counters.reclaimed();
                }
                Stand::Own(target)
            }
            Admission::Full { until } => self.without_room(until),
            Admission::Unavailable => self.unavailable(),
        }
    }

    /// What would stand for a key.
    fn stand_as_is(&self, tag: u64, now: u64) -> Stand {
        match self.table.lookup(tag) {
            Some(target) => Stand::Own(target),
            None => self.table.full_until(tag, now).map_or(Stand::Vacant, |until| self.without_room(until)),
        }
    }

    /// What stands for a newcomer for which there may be no room before `until`.
    fn without_room(&self, until: u64) -> Stand {
        match self.on_full {
            OnFull::Overflow => Stand::Shared(self.table.overflow()),
            OnFull::Deny => Stand::NoRoom { denied: true, until },
            OnFull::Allow => Stand::NoRoom { denied: false, until },
        }
    }

    /// What stands for a key whose entry cannot be had.
    pub(super) fn unavailable(&self) -> Stand {
        Stand::Unavailable { denied: self.on_unavailable == OnUnavailable::Deny }
    }

    /// The verdict on a key that is not counted.
    pub(super) fn uncounted(
        &self,
        stand: Stand,
        now: u64,
        costs: impl Costs,
        take: bool,
    ) -> Verdict<Readings> {
        match stand {
            Stand::NoRoom { denied: true, until } => self.table.no_entry(now, Some(until)),
            Stand::Unavailable { denied: true } => self.table.no_entry(now, None),
            _ => self.table.fresh(now, costs, take),
        }
    }

    #[inline(always)]
    pub(super) fn decision(&self, verdict: Verdict<Readings>, tracked: bool) -> Decision<'_> {
        Decision::new(&self.plan, tracked, verdict)
    }

    #[inline(always)]
    pub(super) fn counted<'a>(&self, decision: Decision<'a>) -> Decision<'a> {
        if decision.allowed() {
            self.counters.admitted();
        } else {
            self.counters.denied(decision.reported_index());
        }
        decision
    }

    /// The same of a decision that is not of the key's own entry.
    pub(super) fn counted_as<'a>(&self, decision: Decision<'a>, stand: Stand) -> Decision<'a> {
        match stand {
            Stand::Own(_) | Stand::Vacant => {}
            Stand::Shared(_) | Stand::NoRoom { .. } => self.counters.overflowed(),
            Stand::Unavailable { .. } => self.counters.unavailable(),
        }
        self.counted(decision)
    }
}
