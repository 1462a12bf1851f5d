//! The table: a bounded number of entries over a flat region of atomics, found without a lock,
//! decided upon without one, and written under one compare-and-swap each.
//!
//! Keys are 64-bit tags here; clocks and hashes belong to the limiter. This module and the stores
//! are the only places with `unsafe`.

mod entry;
pub(crate) mod joint;
mod layout;
pub(crate) mod limits;
mod lookup;
pub(crate) mod owners;
mod recovery;
mod region;
mod sync;
mod version;

#[cfg(all(test, not(loom)))]
mod kill;
#[cfg(all(test, not(loom)))]
mod kill_tests;
#[cfg(all(loom, test))]
mod loom_models;

pub(crate) use entry::{AnyCosts, Costs, One, Same};
pub(crate) use layout::Layout;
pub(crate) use limits::{Limits, with_limits};
pub(crate) use owners::Owners;
pub(crate) use region::Region;

use std::time::Duration;

use crate::algorithm::any::AnyRule;
use crate::decision::{Readings, Verdict};
use crate::error::Result;
use crate::policy::Policy;
use entry::{Entry, Opened};
use limits::Placed;
use lookup::Place;
use sync::Backoff;

/// A table of entries, each the state of a policy's limits for one key.
pub(crate) struct Table {
    pub(crate) layout: Layout,
    /// Before the region: whoever looks for faults in it forgets it before it goes.
    owners: Owners,
    region: Region,
}

/// The entry that a check is about.
#[derive(Clone, Copy)]
pub(crate) struct Target {
    pub(crate) slot: usize,
    pub(crate) tag: u64,
}

/// What became of a key without an entry.
pub(crate) enum Admission {
    /// It has one now.
    Placed {
        target: Target,
        /// Another key's recovered entry was given up for it.
        reclaimed: bool,
    },
    /// There is no room for it, and may be none before `until`.
    Full { until: u64 },
    /// The table cannot be had at this moment.
    Unavailable,
}

/// What came of asking an entry for something.
pub(crate) type Found<T> = std::result::Result<T, Miss>;

/// Why an entry was not found out about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Miss {
    /// The entry is another key's.
    Gone,
    /// The entry cannot be had at this moment: a process that does not go on holds it, or this
    /// one may not write to the table any more.
    Unavailable,
}

/// What came of one quick look at an entry, which waits for nobody and searches for nothing.
pub(crate) enum Attempt<R> {
    Decided(Verdict<R>),
    /// It says otherwise.
    Other,
    /// The entry is another key's.
    Gone,
    /// Several of its events have left, which takes a search.
    Search,
    /// Another thread is writing to it, or wrote to it in the meantime.
    Raced,
}

/// Waits a little for another thread that writes to the same entry: left alone with the entry's line,
/// it makes several checks in the time that the line takes to go from one processor to another.
pub(crate) fn pause() {
    Backoff::new().wait();
}

impl Table {
    pub(crate) fn new(layout: Layout, region: Region, owners: Owners) -> Self {
        Self { layout, owners, region }
    }

    #[inline(always)]
    fn entry(&self, slot: usize) -> Entry<'_> {
        Entry::at(self, slot)
    }

    /// The entry of a key that has one.
    pub(crate) fn lookup(&self, tag: u64) -> Option<Target> {
        self.find(tag).map(|slot| Target { slot, tag })
    }

    /// The one entry that is nearly always the key's if it has one; a check of it finds out.
    #[inline(always)]
    pub(crate) fn guess(&self, tag: u64) -> Option<Target> {
        self.guessed_slot(tag).map(|slot| Target { slot, tag })
    }

    /// The same for one of many keys whose entries are looked for at once.
    #[inline(always)]
    pub(crate) fn guess_one_of_many(&self, tag: u64) -> Option<Target> {
        self.likely_slot(tag).map(|slot| Target { slot, tag })
    }

    /// Whether the entry is the target's at this moment.
    #[inline(always)]
    pub(crate) fn holds(&self, target: Target) -> bool {
        self.entry(target.slot).tag() == target.tag
    }

    /// The entry of a key, given one if it has none.
    pub(crate) fn admit(&self, tag: u64, now: u64) -> Admission {
        match self.insert(tag, now) {
            Place::At { slot, reclaimed } => Admission::Placed { target: Target { slot, tag }, reclaimed },
            Place::Full { until } => Admission::Full { until },
            Place::Unavailable => Admission::Unavailable,
        }
    }

    /// The entry that newcomers without a place share. Its tag is that of memory never written.
    pub(crate) fn overflow(&self) -> Target {
        let target = Target { slot: self.layout.capacity, tag: 0 };
        if !self.holds(target) {
            // Only somebody who overwrites the memory of a shared table does this.
            self.restore(target);
        }
        target
    }

    #[cold]
    fn restore(&self, target: Target) {
        self.entry(target.slot).restore(target.tag);
    }

    /// Whether this process may write. It may not once it has lost its part in a shared table.
    pub(crate) fn is_writable(&self) -> bool {
        self.owners.me().is_some()
    }

    /// Whether both have the same entries: one table, or one segment that was opened twice.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.owners.share(&other.owners)
    }

    /// The most keys that have entries of their own.
    pub(crate) fn capacity(&self) -> usize {
        self.layout.capacity
    }

    /// Whether the entry seems to deny any cost; a denial of it finds out. One comparison, whatever
    /// the number of limits.
    #[inline(always)]
    pub(crate) fn seems_spent<L: Limits + ?Sized>(&self, limits: &L, target: Target, now: u64) -> bool {
        Entry::of(self, target.slot, limits).seems_spent(limits, now)
    }

    /// Takes the costs if every limit admits, unless another thread gets in between.
    #[inline(always)]
    pub(crate) fn try_take<L: Limits + ?Sized>(
        &self,
        limits: &L,
        target: Target,
        now: u64,
        costs: impl Costs,
    ) -> Attempt<L::Readings> {
        let entry = Entry::of(self, target.slot, limits);
        let Ok(version) = entry.try_version() else { return Attempt::Raced };
        let Some(opened) = entry.open_at(version, target.tag, now) else { return Attempt::Gone };
        let evaluation = if L::SEARCH_APART {
            let Some(evaluation) = entry.evaluate_at_once(limits, opened, costs) else {
                return Attempt::Search;
            };
            evaluation
        } else {
            entry.evaluate(limits, opened, costs)
        };
        if evaluation.violated != 0 {
            return Attempt::Other;
        }
        entry.commit(limits, &evaluation, costs).map_or(Attempt::Raced, Attempt::Decided)
    }

    /// Denies the costs if some limit does, unless another thread gets in between. Writes nothing.
    #[inline(always)]
    pub(crate) fn try_deny<L: Limits + ?Sized>(
        &self,
        limits: &L,
        target: Target,
        now: u64,
        costs: impl Costs,
    ) -> Attempt<L::Readings> {
        let entry = Entry::of(self, target.slot, limits);
        let Ok(version) = entry.try_version() else { return Attempt::Raced };
        let Some(opened) = entry.open_at(version, target.tag, now) else { return Attempt::Gone };
        let evaluation = if L::SEARCH_APART {
            let Some(evaluation) = entry.evaluate_at_once(limits, opened, costs) else {
                return Attempt::Search;
            };
            evaluation
        } else {
            entry.evaluate(limits, opened, costs)
        };
        if evaluation.violated == 0 {
            return Attempt::Other;
        }
        entry.report(limits, &evaluation, costs).map_or(Attempt::Raced, Attempt::Decided)
    }

    /// Decides, and takes the costs if every limit admits.
    pub(crate) fn check(&self, target: Target, now: u64, costs: impl Costs) -> Found<Verdict<Readings>> {
        with_limits!(self.layout, limits => self.check_as(limits, target, now, costs))
    }

    fn check_as<L: Limits + ?Sized>(
        &self,
        limits: &L,
        target: Target,
        now: u64,
        costs: impl Costs,
    ) -> Found<Verdict<Readings>> {
        let entry = Entry::of(self, target.slot, limits);
        self.until_whole(target, now, |opened| {
            let evaluation = entry.evaluate(limits, opened, costs);
            if evaluation.violated == 0 {
                entry.commit(limits, &evaluation, costs)
            } else {
                entry.report(limits, &evaluation, costs)
            }
            .map(Verdict::spread::<L>)
        })
    }

    /// Decides and takes nothing.
    pub(crate) fn look(&self, target: Target, now: u64, costs: impl Costs) -> Found<Verdict<Readings>> {
        let entry = self.entry(target.slot);
        let limits = &self.layout.limits[..];
        self.until_whole(target, now, |opened| {
            entry.report(limits, &entry.evaluate(limits, opened, costs), costs)
        })
    }

    /// The same by somebody who takes no part: `None` if the entry is being written to.
    pub(crate) fn glance(&self, target: Target, now: u64, costs: impl Costs) -> Option<Verdict<Readings>> {
        const TRIES: usize = 16;
        let entry = self.entry(target.slot);
        let limits = &self.layout.limits[..];
        (0..TRIES).find_map(|_| {
            let opened = entry.open_at(entry.try_version().ok()?, target.tag, now)?;
            entry.report(limits, &entry.evaluate(limits, opened, costs), costs)
        })
    }

    /// Looks at an entry again and again, until nobody has written to it in the meantime.
    fn until_whole<T>(&self, target: Target, now: u64, look: impl Fn(Opened) -> Option<T>) -> Found<T> {
        let entry = self.entry(target.slot);
        loop {
            if let Some(seen) = look(entry.open(target.tag, now)?) {
                return Ok(seen);
            }
            if !self.is_writable() {
                return Err(Miss::Unavailable);
            }
            pause();
        }
    }

    /// If the target denies any cost for certain, the limit that does so for longest.
    #[inline(always)]
    pub(crate) fn denies<L: Limits + ?Sized>(&self, limits: &L, target: Target, now: u64) -> Option<u8> {
        Entry::of(self, target.slot, limits).denies(limits, target.tag, now)
    }

    /// What a key without an entry is told before it takes costs, or after.
    pub(crate) fn fresh(&self, now: u64, costs: impl Costs, take: bool) -> Verdict<Readings> {
        entry::fresh(&self.layout, now, costs, take)
    }

    /// What a key is told that is denied for want of an entry until `until`, or nobody knows for how
    /// long: the limit denies whose window is the shortest that lasts so long.
    pub(crate) fn no_entry(&self, now: u64, until: Option<u64>) -> Verdict<Readings> {
        let mut verdict = self.fresh(now, Same(1), false);
        let nanos = |&(_, limit): &(usize, &Placed<AnyRule>)| limit.scale.tick.start(limit.rule.window());
        let limits = || self.layout.limits.iter().enumerate();
        let lasting =
            limits().filter(|limit| until.is_none_or(|until| now.saturating_add(nanos(limit)) >= until));
        // An entry recovers later than the longest window by what its clock lags.
        let Some((i, limit)) = lasting.min_by_key(nanos).or(limits().max_by_key(nanos)) else {
            return verdict;
        };
        // Never 0: what seems to have recovered by now was another's a moment ago.
        let ticks =
            until.map_or(limit.rule.window(), |until| limit.scale.tick.ticks_until(now, until).max(1));
        if let Some(reading) = verdict.readings.get_mut(i) {
            *reading = limit.rule.denial_for(ticks, limit.scale.tick.of(now));
        }
        verdict.violated = 1 << i;
        verdict
    }

    /// Gives costs back to a key; `false` if its entry cannot be had at this moment.
    pub(crate) fn give_back(&self, tag: u64, costs: impl Costs) -> bool {
        self.change(tag, |entry| entry.give_back(tag, costs))
    }

    /// Makes a key's entry as if it had never been checked; `false` if it cannot be had at this
    /// moment.
    pub(crate) fn forget(&self, tag: u64) -> bool {
        self.change(tag, |entry| entry.forget(tag))
    }

    fn change(&self, tag: u64, change: impl Fn(Entry<'_>) -> Found<()>) -> bool {
        while let Some(slot) = self.find(tag) {
            match change(self.entry(slot)) {
                Ok(()) => {
                    self.forget_hint(slot);
                    return true;
                }
                Err(Miss::Gone) => {}
                Err(Miss::Unavailable) => return false,
            }
        }
        true
    }

    /// Brings a key's set near.
    #[inline(always)]
    pub(crate) fn prefetch_set(&self, tag: u64) {
        self.region.prefetch(self.layout.tag_word(self.layout.home(tag)));
    }

    /// Brings the entry near that a key has more often than not, whatever its set says.
    #[inline(always)]
    pub(crate) fn prefetch_preferred(&self, tag: u64) {
        self.region.prefetch(self.layout.entry_word(self.preferred_slot(tag)));
    }

    /// Brings an entry near.
    #[inline(always)]
    pub(crate) fn prefetch_entry(&self, target: Target) {
        self.region.prefetch(self.layout.entry_word(target.slot));
    }

    /// Brings near what an admission is going to write outside of an entry.
    #[inline(always)]
    pub(crate) fn prefetch_rings<L: Limits + ?Sized>(&self, limits: &L, target: Target) {
        limits.prefetch_rings(self.entry(target.slot));
    }
}

#[cfg(loom)]
impl Table {
    /// A table in memory that loom watches.
    pub(crate) fn in_process(policy: &Policy, max_keys: usize, lag: Duration) -> Result<Self> {
        let layout = Layout::new(policy, max_keys, lag)?;
        Ok(Self::over_modelled(layout, Owners::alone(crate::store::process::me())))
    }

    /// The same, shared with others.
    pub(crate) fn modelled(policy: &Policy, max_keys: usize, owners: Owners) -> Result<Self> {
        Ok(Self::over_modelled(Layout::new(policy, max_keys, Duration::ZERO)?, owners))
    }

    fn over_modelled(layout: Layout, owners: Owners) -> Self {
        let (words, events) = layout.size();
        Self::new(layout, Region::modelled(words, events), owners)
    }
}

#[cfg(not(loom))]
impl Table {
    /// A table in memory of this process.
    pub(crate) fn in_process(policy: &Policy, max_keys: usize, lag: Duration) -> Result<Self> {
        let layout = Layout::new(policy, max_keys, lag)?;
        let (words, events) = layout.size();
        let bytes = Region::bytes(words, events).unwrap_or(u64::MAX);
        let map = crate::store::process::reserve(bytes)?;
        // The rings are left to small pages: most keys never touch theirs.
        crate::store::process::ask_for_huge_pages(&map, words * 8);
        let region = Region::new(map, words, events).ok_or_else(|| too_small(bytes))?;
        Ok(Self::new(layout, region, Owners::alone(crate::store::process::me())))
    }
}

#[cfg(not(loom))]
fn too_small(bytes: u64) -> crate::Error {
    crate::Error::Memory { bytes, source: std::io::ErrorKind::UnexpectedEof.into() }
}
