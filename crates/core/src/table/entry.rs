//! One entry: how it is read, decided upon and written, whatever other threads do to it.
//!
//! The protocol. A reader takes the version, then the tag, then every word of the state, and
//! decides on that snapshot. If the decision writes nothing (a denial, a look), the version read
//! once more proves that the snapshot was whole. If it writes, the version is locked by a
//! compare-and-swap from the value that was read: it succeeds only if nothing has changed since,
//! so what was decided is still true. `docs/architecture.md` has the argument in full.

use super::Region;
use super::layout::{FREE_AT, LAST, Layout, TAG, VERSION};
use super::limits::{Limits, Time};
use super::owners::{Wait, Waited};
use super::sync::{AtomicU64, Ordering, fence, written_before};
use super::version;
use super::{Found, Miss, Table};
use crate::algorithm::{Ring, Rule};
use crate::decision::{Readings, Verdict};
use crate::time::MAX_NANOS;

/// The cost that each limit is to take.
pub(crate) trait Costs: Copy {
    /// The cost for the limit at `index` of the policy.
    fn of(self, index: usize) -> u64;
}

/// One unit for all limits: the cost that the compiler knows.
#[derive(Clone, Copy)]
pub(crate) struct One;

impl Costs for One {
    #[inline(always)]
    fn of(self, _index: usize) -> u64 {
        1
    }
}

/// One cost for all limits.
#[derive(Clone, Copy)]
pub(crate) struct Same(pub(crate) u64);

impl Costs for Same {
    #[inline(always)]
    fn of(self, _index: usize) -> u64 {
        self.0
    }
}

impl Costs for &[u64] {
    #[inline(always)]
    fn of(self, index: usize) -> u64 {
        self.get(index).copied().unwrap_or(0)
    }
}

/// Either, chosen while running.
#[derive(Clone, Copy, Debug)]
pub(crate) enum AnyCosts<'a> {
    Same(u64),
    Each(&'a [u64]),
}

impl Costs for AnyCosts<'_> {
    #[inline(always)]
    fn of(self, index: usize) -> u64 {
        match self {
            Self::Same(cost) => cost,
            Self::Each(costs) => costs.of(index),
        }
    }
}

/// An entry of the table.
#[derive(Clone, Copy)]
pub(crate) struct Entry<'a> {
    table: &'a Table,
    slot: usize,
    words: &'a [AtomicU64],
}

/// The beginning of a snapshot of an entry.
#[derive(Clone, Copy)]
pub(super) struct Opened {
    version: u64,
    time: Time,
}

/// What a snapshot of an entry says to a cost.
pub(super) struct Evaluation<S> {
    version: u64,
    time: Time,
    /// Bit i: limit i denies.
    pub(super) violated: u8,
    states: S,
}

impl<'a> Entry<'a> {
    #[inline(always)]
    pub(super) fn at(table: &'a Table, slot: usize) -> Self {
        let words = table.region.words(table.layout.entry_word(slot), table.layout.entry_words());
        Self { table, slot, words }
    }

    /// The same for these limits. Where the compiler knows how many words they use, their places
    /// then need no check.
    #[inline(always)]
    pub(super) fn of<L: Limits + ?Sized>(table: &'a Table, slot: usize, limits: &L) -> Self {
        let Table { layout, region, .. } = table;
        Self { table, slot, words: region.words(layout.entry_word(slot), limits.entry_words(layout)) }
    }

    /// The table's memory.
    #[inline(always)]
    pub(super) fn region(&self) -> &'a Region {
        &self.table.region
    }

    /// The entry's first ring slot among the region's events.
    #[inline(always)]
    pub(super) fn ring(&self) -> usize {
        self.table.layout.ring_start(self.slot)
    }

    #[inline(always)]
    #[allow(clippy::indexing_slicing, reason = "places come from the layout that sized the entry")]
    pub(super) fn word(&self, index: usize) -> &'a AtomicU64 {
        &self.words[index]
    }

    #[inline(always)]
    fn load(&self, index: usize) -> u64 {
        self.word(index).load(Ordering::Relaxed)
    }

    #[inline(always)]
    fn store(&self, index: usize, value: u64) {
        self.word(index).store(value, Ordering::Relaxed);
    }

    #[inline(always)]
    pub(super) fn tag(&self) -> u64 {
        self.load(TAG)
    }

    /// The version when nobody is writing; `None` if whoever does does not go on.
    #[inline(always)]
    pub(super) fn unlocked_version(&self) -> Option<u64> {
        let version = self.word(VERSION).load(Ordering::Acquire);
        if version::is_locked(version) { self.wait_until_unlocked() } else { Some(version) }
    }

    #[cold]
    fn wait_until_unlocked(&self) -> Option<u64> {
        let mut wait = Wait::new(&self.table.owners);
        loop {
            let version = self.word(VERSION).load(Ordering::Acquire);
            if !version::is_locked(version) {
                return Some(version);
            }
            self.wait_once(&mut wait, version)?;
        }
    }

    /// Waits a little for whoever has locked the entry; `None` if that is in vain.
    fn wait_once(&self, wait: &mut Wait<'_>, locked: u64) -> Option<()> {
        match wait.for_word(locked, version::owner(locked)) {
            Waited::Some => {}
            Waited::HolderEnded => self.take_over(locked),
            Waited::Stalled => return None,
        }
        Some(())
    }

    /// Gives back what a process had locked that has ended. It may have written any prefix of its
    /// writes, each of which is a state that counts no less than was granted.
    fn take_over(&self, locked: u64) {
        let Some(me) = self.table.owners.me() else { return };
        let version = version::unlocked(locked);
        let mine = version::locked(version, me);
        let word = self.word(VERSION);
        if word.compare_exchange(locked, mine, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
            self.unlock(version, version::blocker(version));
        }
    }

    /// Gives the entry back if whoever has locked it has ended.
    pub(super) fn release_if(&self, has_ended: impl Fn(u32) -> bool) {
        let version = self.word(VERSION).load(Ordering::Acquire);
        if version::is_locked(version) && has_ended(version::owner(version)) {
            self.take_over(version);
        }
    }

    /// The time of the last admission.
    #[inline(always)]
    pub(super) fn last(&self) -> u64 {
        self.load(LAST) & MAX_NANOS
    }

    /// The version if nobody is writing at this moment, else the locked word.
    #[inline(always)]
    pub(super) fn try_version(&self) -> Result<u64, u64> {
        let version = self.word(VERSION).load(Ordering::Acquire);
        if version::is_locked(version) { Err(version) } else { Ok(version) }
    }

    /// Waits a little for whoever is writing; `false` if that is in vain.
    pub(super) fn wait_for_writer(&self, wait: &mut Wait<'_>) -> bool {
        self.try_version().map_or_else(|locked| self.wait_once(wait, locked).is_some(), |_| true)
    }

    /// Whether everything read since `version` was read is one state of the entry.
    #[inline(always)]
    pub(super) fn is_unchanged(&self, version: u64) -> bool {
        fence(Ordering::Acquire);
        self.load(VERSION) == version
    }

    /// Takes the right to write, if nothing has been written since `version` was read.
    #[inline(always)]
    pub(super) fn try_lock(&self, version: u64) -> bool {
        let Some(me) = self.table.owners.me() else { return false };
        let locked = version::locked(version, me);
        let word = self.word(VERSION);
        let taken = word.compare_exchange(version, locked, Ordering::AcqRel, Ordering::Relaxed).is_ok();
        // A reader that sees any word written from here on also sees the lock.
        fence(Ordering::Release);
        taken
    }

    /// Gives the right to write back with everything written.
    #[inline(always)]
    pub(super) fn unlock(&self, version: u64, blocker: u8) {
        self.word(VERSION).store(version::released(version, blocker), Ordering::Release);
    }

    /// Gives the right to write back with nothing written.
    fn unlock_untouched(&self, version: u64) {
        self.word(VERSION).store(version, Ordering::Release);
    }

    /// If the entry is `tag`'s and denies any cost at `now` for certain, the limit that denies for
    /// longest. One comparison, whatever the number of limits.
    #[inline(always)]
    pub(super) fn denies<L: Limits + ?Sized>(&self, limits: &L, tag: u64, now: u64) -> Option<u8> {
        if !limits.has_free_at(&self.table.layout) {
            return None;
        }
        let version = self.word(VERSION).load(Ordering::Acquire);
        let now = now.max(self.load(LAST));
        let certain = !version::is_locked(version) && self.tag() == tag && now < self.load(FREE_AT);
        (certain && self.is_unchanged(version)).then(|| version::blocker(version))
    }

    /// A look at the entry, if it is that of `tag`.
    pub(super) fn open(&self, tag: u64, now: u64) -> Found<Opened> {
        let Some(version) = self.unlocked_version() else { return Err(Miss::Unavailable) };
        self.open_at(version, tag, now).ok_or(Miss::Gone)
    }

    /// A look at the entry as of `version`, if it is that of `tag`.
    #[inline(always)]
    pub(super) fn open_at(&self, version: u64, tag: u64, now: u64) -> Option<Opened> {
        // After the version and before the state: the slot may be another key's by now.
        if self.tag() != tag {
            return None;
        }
        let last = self.last();
        Some(Opened { version, time: Time { now: now.max(last), last } })
    }

    /// Whether the entry, whosever it is, seems to deny any cost at `now`.
    #[inline(always)]
    pub(super) fn seems_spent<L: Limits + ?Sized>(&self, limits: &L, now: u64) -> bool {
        limits.has_free_at(&self.table.layout) && now < self.load(FREE_AT)
    }

    /// What the entry says to these costs.
    #[inline(always)]
    pub(super) fn evaluate<L: Limits + ?Sized>(
        &self,
        limits: &L,
        opened: Opened,
        costs: impl Costs,
    ) -> Evaluation<L::States> {
        let Opened { version, time } = opened;
        let states = limits.settle(*self, time);
        Evaluation { version, time, violated: limits.violated(&states, costs), states }
    }

    /// The same where it takes no search.
    #[inline(always)]
    pub(super) fn evaluate_at_once<L: Limits + ?Sized>(
        &self,
        limits: &L,
        opened: Opened,
        costs: impl Costs,
    ) -> Option<Evaluation<L::States>> {
        let Opened { version, time } = opened;
        let states = limits.settle_at_once(*self, time)?;
        Some(Evaluation { version, time, violated: limits.violated(&states, costs), states })
    }

    /// The state that an evaluation found, with nothing taken; `None` if it changed meanwhile.
    #[inline(always)]
    pub(super) fn report<L: Limits + ?Sized>(
        &self,
        limits: &L,
        evaluation: &Evaluation<L::States>,
        costs: impl Costs,
    ) -> Option<Verdict<L::Readings>> {
        let violated = evaluation.violated;
        let denied = |i: usize| (violated >> i & 1 == 1).then(|| costs.of(i));
        let readings = limits.report(*self, &evaluation.states, denied);
        self.is_unchanged(evaluation.version).then_some(Verdict {
            now: evaluation.time.now,
            violated,
            readings,
        })
    }

    /// Takes costs that the evaluation admits; `None`, and nothing taken, if the entry changed
    /// meanwhile.
    #[inline(always)]
    pub(super) fn commit<L: Limits + ?Sized>(
        &self,
        limits: &L,
        evaluation: &Evaluation<L::States>,
        costs: impl Costs,
    ) -> Option<Verdict<L::Readings>> {
        self.try_lock(evaluation.version).then(|| self.write(limits, evaluation, costs))
    }

    /// The first half of [`commit`](Self::commit), for several entries at once.
    pub(super) fn hold<S>(&self, evaluation: &Evaluation<S>) -> bool {
        self.try_lock(evaluation.version)
    }

    /// Whether the entry is still as it was evaluated.
    pub(super) fn still<S>(&self, evaluation: &Evaluation<S>) -> bool {
        self.is_unchanged(evaluation.version)
    }

    /// Undoes [`hold`](Self::hold).
    pub(super) fn release<S>(&self, evaluation: &Evaluation<S>) {
        self.unlock_untouched(evaluation.version);
    }

    /// The second half of [`commit`](Self::commit): writes under the lock and gives it back. Every
    /// prefix of the writes can only count more than was granted, never less: a process may be
    /// killed after any of them.
    #[inline(always)]
    pub(super) fn write<L: Limits + ?Sized>(
        &self,
        limits: &L,
        evaluation: &Evaluation<L::States>,
        costs: impl Costs,
    ) -> Verdict<L::Readings> {
        let (passes, readings) = limits.take(*self, &evaluation.states, evaluation.time, costs);
        if limits.has_free_at(&self.table.layout) {
            self.store(FREE_AT, passes.at);
        }
        self.unlock(evaluation.version, passes.blocker);
        Verdict { now: evaluation.time.now, violated: 0, readings }
    }

    /// Stores the time of an admission: after what is complete in itself, and before what counts
    /// from that time.
    #[inline(always)]
    pub(super) fn store_last(&self, now: u64) {
        written_before();
        self.store(LAST, now);
        written_before();
    }

    /// Locks the entry once nobody else writes to it, if it is `tag`'s then.
    fn lock_for(&self, tag: u64) -> Found<u64> {
        loop {
            if self.table.owners.me().is_none() {
                return Err(Miss::Unavailable);
            }
            let Some(version) = self.unlocked_version() else { return Err(Miss::Unavailable) };
            if self.tag() != tag {
                return Err(Miss::Gone);
            }
            if self.try_lock(version) {
                return Ok(version);
            }
        }
    }

    /// Gives costs back, if the entry is `tag`'s.
    pub(super) fn give_back(&self, tag: u64, costs: impl Costs) -> Found<()> {
        self.lock_for(tag).map(|version| {
            // First of all, so that no state in between denies what is already given back.
            if self.table.layout.has_free_at {
                self.store(FREE_AT, 0);
            }
            for (i, limit) in self.table.layout.limits.iter().enumerate() {
                written_before();
                limit.give_back(*self, costs.of(i));
            }
            self.unlock(version, 0);
        })
    }

    /// Forgets everything the entry counted, if it is `tag`'s.
    pub(super) fn forget(&self, tag: u64) -> Found<()> {
        self.lock_for(tag).map(|version| {
            self.clear();
            self.unlock(version, 0);
        })
    }

    /// Makes the entry that of `tag` if it is not, with nothing counted.
    pub(super) fn restore(&self, tag: u64) {
        if let Some(version) = self.unlocked_version()
            && self.try_lock(version)
        {
            self.assign(tag);
            self.unlock(version, 0);
        }
    }

    /// Makes a locked entry that of `tag`, with nothing counted.
    pub(super) fn assign(&self, tag: u64) {
        self.clear();
        self.store(TAG, tag);
        written_before();
    }

    /// The time first: without it everything that the other words may hold has long recovered.
    fn clear(&self) {
        self.words.iter().skip(LAST).for_each(|word| {
            word.store(0, Ordering::Relaxed);
            written_before();
        });
    }

    /// When every limit has its full quota again: the entry then equals an absent one. Zero if it
    /// counts nothing.
    pub(super) fn recovers_at(&self) -> u64 {
        let last = self.load(LAST) & MAX_NANOS;
        let limits = self.table.layout.limits.iter();
        limits.map(|limit| limit.recovers_at(*self, last)).max().unwrap_or(0)
    }
}

/// What a key without an entry is told before it takes costs, or after.
pub(super) fn fresh(layout: &Layout, now: u64, costs: impl Costs, take: bool) -> Verdict<Readings> {
    let mut verdict = Verdict { now, violated: 0, readings: Readings::default() };
    for ((i, limit), reading) in layout.limits.iter().enumerate().zip(&mut verdict.readings) {
        let present = limit.present(Time { now, last: 0 });
        let cost = if take { costs.of(i) } else { 0 };
        let state = limit.rule.take(limit.rule.empty(), Nowhere, present, cost);
        *reading = limit.rule.reading(state, Nowhere, None);
    }
    verdict
}

/// The ring of a key without an entry. Nothing reads from it: all that a reading without a denial
/// names are the oldest and the newest event, which a log has at hand.
#[derive(Clone, Copy)]
struct Nowhere;

impl Ring for Nowhere {
    fn get(self, _index: u32) -> u32 {
        0
    }

    fn set(self, _index: u32, _event: u32) {}

    fn set_three(self, _index: u32, _events: [u32; 3]) {}
}
