//! One entry: how it is read, decided upon and written, whatever other threads do to it.
//!
//! The protocol. A reader takes the version, then the tag, then every word of the state, and
//! decides on that snapshot. If the decision writes nothing (a denial, a look), the version read
//! once more proves that the snapshot was whole. If it writes, the version is locked by a
//! compare-and-swap from the value that was read: it succeeds only if nothing has changed since,
//! so what was decided is still true. `docs/architecture.md` has the argument in full.

use super::Region;
use super::layout::{FREE_AT, HEADER, LAST, Layout, LimitLayout, Rule, TAG, VERSION};
use super::sync::{AtomicU64, Backoff, Ordering, fence};
use super::version::{self, LOCKED};
use crate::algorithm::Present;
use crate::algorithm::bucket::Bucket;
use crate::algorithm::log::{Log, LogRule, Ring};
use crate::decision::{Outcome, Verdict};

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

/// An entry of the table.
#[derive(Clone, Copy)]
pub(super) struct Entry<'a> {
    layout: &'a Layout,
    region: &'a Region,
    header: &'a [AtomicU64; HEADER],
    words: &'a [AtomicU64],
    /// Its first ring slot among the region's events.
    ring: usize,
}

/// The state of one limit as of the present: the log or the bucket, as its rule says.
#[derive(Clone, Copy)]
struct Step {
    present: Present,
    log: Log,
    bucket: Bucket,
}

impl Step {
    const NONE: Self =
        Self { present: Present { now: 0, lead: 0, idle: 0 }, log: Log::EMPTY, bucket: Bucket::FULL };
}

/// What a snapshot of an entry says to a cost. `N` is at least the number of limits.
pub(super) struct Evaluation<const N: usize> {
    version: u64,
    /// The present, or the last admission where that is later.
    pub(super) now: u64,
    /// Bit i: limit i denies.
    pub(super) violated: u8,
    steps: [Step; N],
}

/// The slots of one limit of one entry.
#[derive(Clone, Copy)]
struct Events<'a> {
    region: &'a Region,
    start: usize,
}

impl Ring for Events<'_> {
    #[inline(always)]
    fn get(&self, index: u32) -> u32 {
        self.region.event(self.start + index as usize).load(Ordering::Relaxed)
    }

    #[inline(always)]
    fn set(&self, index: u32, event: u32) {
        self.region.event(self.start + index as usize).store(event, Ordering::Relaxed);
    }
}

impl<'a> Entry<'a> {
    #[inline(always)]
    pub(super) fn at(region: &'a Region, layout: &'a Layout, slot: usize) -> Self {
        let words = region.words(layout.entry_word(slot), layout.entry_words());
        Self { layout, region, header: chunk(words, 0), words, ring: layout.ring_start(slot) }
    }

    #[inline(always)]
    fn events(&self, limit: &LimitLayout) -> Events<'a> {
        Events { region: self.region, start: self.ring + limit.ring }
    }

    #[inline(always)]
    fn load_log(&self, limit: &LimitLayout, rule: &LogRule) -> Log {
        let [place, newer, older] = chunk(self.words, limit.word);
        let load = |word: &AtomicU64| word.load(Ordering::Relaxed);
        Log::from_words([load(place), load(newer), load(older)], rule)
    }

    /// From the oldest events to the count of them, so that no prefix counts what is not there.
    #[inline(always)]
    fn store_log(&self, limit: &LimitLayout, log: Log) {
        let words: &[AtomicU64; 3] = chunk(self.words, limit.word);
        for (word, value) in words.iter().zip(log.to_words()).rev() {
            word.store(value, Ordering::Relaxed);
        }
    }

    #[inline(always)]
    fn load_bucket(&self, limit: &LimitLayout) -> Bucket {
        let [level] = chunk(self.words, limit.word);
        Bucket::from_word(level.load(Ordering::Relaxed))
    }

    #[inline(always)]
    fn store_bucket(&self, limit: &LimitLayout, bucket: Bucket) {
        let [level] = chunk(self.words, limit.word);
        level.store(bucket.to_word(), Ordering::Relaxed);
    }

    #[inline(always)]
    fn word(&self, index: usize) -> &'a AtomicU64 {
        let [tag, version, last, free_at] = self.header;
        match index {
            TAG => tag,
            VERSION => version,
            LAST => last,
            _ => free_at,
        }
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

    /// The version when nobody is writing.
    #[inline(always)]
    pub(super) fn unlocked_version(&self) -> u64 {
        let version = self.word(VERSION).load(Ordering::Acquire);
        if version & LOCKED == 0 { version } else { self.wait_for_version() }
    }

    #[cold]
    fn wait_for_version(&self) -> u64 {
        let mut backoff = Backoff::new();
        loop {
            backoff.wait();
            let version = self.word(VERSION).load(Ordering::Acquire);
            if version & LOCKED == 0 {
                return version;
            }
        }
    }

    /// The version if nobody is writing at this moment.
    pub(super) fn try_version(&self) -> Option<u64> {
        let version = self.word(VERSION).load(Ordering::Acquire);
        (version & LOCKED == 0).then_some(version)
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
        let locked = version | LOCKED;
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
    pub(super) fn denies(&self, tag: u64, now: u64) -> Option<u8> {
        if !self.layout.has_free_at {
            return None;
        }
        let version = self.word(VERSION).load(Ordering::Acquire);
        let now = now.max(self.load(LAST));
        let certain = version & LOCKED == 0 && self.tag() == tag && now < self.load(FREE_AT);
        (certain && self.is_unchanged(version)).then(|| version::blocker(version))
    }

    /// What the entry says to these costs; `None` if it is not, or no longer, that of `tag`.
    #[inline(always)]
    pub(super) fn evaluate<const N: usize>(
        &self,
        limits: &[LimitLayout],
        tag: u64,
        now: u64,
        costs: impl Costs,
    ) -> Option<Evaluation<N>> {
        let version = self.unlocked_version();
        // After the version and before the state: the slot may be another key's by now.
        if self.tag() != tag {
            return None;
        }
        let last = self.load(LAST);
        let now = now.max(last);
        let mut evaluation = Evaluation { version, now, violated: 0, steps: [Step::NONE; N] };
        for (i, (step, limit)) in evaluation.steps.iter_mut().zip(limits).enumerate() {
            *step = self.settle(limit, now, last);
            let admits = match &limit.rule {
                Rule::Log(rule) => step.log.admits(rule, costs.of(i)),
                Rule::Bucket(rule) => step.bucket.admits(rule, costs.of(i)),
            };
            evaluation.violated |= u8::from(!admits) << i;
        }
        Some(evaluation)
    }

    /// One limit's state as of the present.
    #[inline(always)]
    fn settle(&self, limit: &LimitLayout, now: u64, last: u64) -> Step {
        let present = present(limit, now, last);
        match &limit.rule {
            Rule::Log(rule) => {
                let log = self.load_log(limit, rule).settle(rule, &self.events(limit), present);
                Step { present, log, ..Step::NONE }
            }
            Rule::Bucket(rule) => {
                Step { present, bucket: self.load_bucket(limit).settle(rule, present), ..Step::NONE }
            }
        }
    }

    /// The state that an evaluation found, with nothing taken; `false` if it changed meanwhile.
    #[inline(always)]
    pub(super) fn report<const N: usize>(
        &self,
        limits: &[LimitLayout],
        evaluation: &Evaluation<N>,
        costs: impl Costs,
        verdict: &mut Verdict,
    ) -> bool {
        verdict.now = evaluation.now;
        verdict.violated = evaluation.violated;
        let steps = evaluation.steps.iter().zip(limits);
        for (i, ((step, limit), outcome)) in steps.zip(&mut verdict.outcomes).enumerate() {
            let denies = evaluation.violated >> i & 1 == 1;
            *outcome = self.outcome(limit, step, denies.then(|| costs.of(i)));
        }
        self.is_unchanged(evaluation.version)
    }

    /// What one limit says, if it denies a cost or if it does not.
    #[inline(always)]
    fn outcome(&self, limit: &LimitLayout, step: &Step, denied: Option<u64>) -> Outcome {
        match (&limit.rule, denied) {
            (Rule::Log(rule), None) => step.log.outcome(rule, &self.events(limit), step.present),
            (Rule::Log(rule), Some(cost)) => step.log.denial(rule, &self.events(limit), step.present, cost),
            (Rule::Bucket(rule), None) => step.bucket.outcome(rule),
            (Rule::Bucket(rule), Some(cost)) => step.bucket.denial(rule, cost),
        }
    }

    /// Takes costs that the evaluation admits; `false`, and nothing taken, if the entry changed
    /// meanwhile. Fills in the outcomes only if `FULL`.
    #[inline(always)]
    pub(super) fn commit<const N: usize, const FULL: bool>(
        &self,
        limits: &[LimitLayout],
        evaluation: &Evaluation<N>,
        costs: impl Costs,
        verdict: &mut Verdict,
    ) -> bool {
        let locked = self.try_lock(evaluation.version);
        if locked {
            self.write::<N, FULL>(limits, evaluation, costs, verdict);
        }
        locked
    }

    /// The first half of [`commit`](Self::commit), for several entries at once.
    pub(super) fn hold<const N: usize>(&self, evaluation: &Evaluation<N>) -> bool {
        self.try_lock(evaluation.version)
    }

    /// Whether the entry is still as it was evaluated.
    pub(super) fn still<const N: usize>(&self, evaluation: &Evaluation<N>) -> bool {
        self.is_unchanged(evaluation.version)
    }

    /// Undoes [`hold`](Self::hold).
    pub(super) fn release<const N: usize>(&self, evaluation: &Evaluation<N>) {
        self.unlock_untouched(evaluation.version);
    }

    /// The second half of [`commit`](Self::commit): writes under the lock and gives it back.
    #[inline(always)]
    pub(super) fn write<const N: usize, const FULL: bool>(
        &self,
        limits: &[LimitLayout],
        evaluation: &Evaluation<N>,
        costs: impl Costs,
        verdict: &mut Verdict,
    ) {
        verdict.now = evaluation.now;
        verdict.violated = 0;
        let (mut free_at, mut blocker) = (0, 0);
        let steps = evaluation.steps.iter().zip(limits);
        for (i, ((step, limit), outcome)) in steps.zip(&mut verdict.outcomes).enumerate() {
            let taken = self.take(limit, step, costs.of(i));
            if FULL {
                *outcome = self.outcome(limit, &taken, None);
            }
            if let Some(wait) = self.spent_for(limit, &taken) {
                let passes = (step.present.now + u64::from(wait)).saturating_mul(limit.tick.get());
                if passes > free_at {
                    (free_at, blocker) = (passes, i as u8);
                }
            }
        }
        self.store(LAST, evaluation.now);
        self.store_free_at(free_at);
        self.unlock(evaluation.version, blocker);
    }

    /// Writes one limit's state with the cost taken, and returns it. Every prefix of these writes
    /// can only count more than was granted, never less.
    #[inline(always)]
    fn take(&self, limit: &LimitLayout, step: &Step, cost: u64) -> Step {
        match &limit.rule {
            Rule::Log(rule) => {
                // What has left goes first: the ring may reuse its slots.
                self.store_log(limit, step.log);
                let log = step.log.take(rule, &self.events(limit), step.present, cost);
                self.store_log(limit, log);
                Step { log, ..*step }
            }
            Rule::Bucket(rule) => {
                let bucket = step.bucket.take(rule, step.present, cost);
                self.store_bucket(limit, bucket);
                Step { bucket, ..*step }
            }
        }
    }

    /// If a limit now denies a cost of 1, for how many ticks.
    #[inline(always)]
    fn spent_for(&self, limit: &LimitLayout, step: &Step) -> Option<u32> {
        match &limit.rule {
            Rule::Log(rule) => {
                let spent = step.log.is_spent(rule);
                spent.then(|| step.log.until_next(rule, &self.events(limit), step.present))
            }
            Rule::Bucket(rule) => step.bucket.is_spent(rule).then(|| step.bucket.until_holds(rule, 1)),
        }
    }

    #[inline(always)]
    fn store_free_at(&self, free_at: u64) {
        if self.layout.has_free_at {
            self.store(FREE_AT, free_at);
        }
    }

    /// Locks the entry once nobody else writes to it, if it is `tag`'s then.
    fn lock_for(&self, tag: u64) -> Option<u64> {
        loop {
            let version = self.unlocked_version();
            if self.tag() != tag {
                return None;
            }
            if self.try_lock(version) {
                return Some(version);
            }
        }
    }

    /// Gives costs back; `false` if the entry is not `tag`'s.
    pub(super) fn give_back(&self, tag: u64, costs: impl Costs) -> bool {
        let Some(version) = self.lock_for(tag) else { return false };
        // First of all, so that no state in between denies what is already given back.
        self.store_free_at(0);
        for (i, limit) in self.layout.limits.iter().enumerate() {
            match &limit.rule {
                Rule::Log(rule) => {
                    let log = self.load_log(limit, rule);
                    self.store_log(limit, log.give_back(rule, &self.events(limit), costs.of(i)));
                }
                Rule::Bucket(rule) => {
                    self.store_bucket(limit, self.load_bucket(limit).give_back(rule, costs.of(i)));
                }
            }
        }
        self.unlock(version, 0);
        true
    }

    /// Forgets everything the entry counted; `false` if it is not `tag`'s.
    pub(super) fn forget(&self, tag: u64) -> bool {
        let Some(version) = self.lock_for(tag) else { return false };
        self.clear();
        self.unlock(version, 0);
        true
    }

    /// Makes a locked entry that of `tag`, with nothing counted.
    pub(super) fn assign(&self, tag: u64) {
        self.clear();
        self.store(TAG, tag);
    }

    fn clear(&self) {
        self.words.iter().skip(LAST).for_each(|word| word.store(0, Ordering::Relaxed));
    }

    /// When every limit has its full quota again: the entry then equals an absent one. Zero if it
    /// counts nothing.
    pub(super) fn recovers_at(&self) -> u64 {
        let last = self.load(LAST);
        let limits = self.layout.limits.iter();
        limits.map(|limit| self.limit_recovers_at(limit, last)).max().unwrap_or(0)
    }

    fn limit_recovers_at(&self, limit: &LimitLayout, last: u64) -> u64 {
        let (last, _) = limit.tick.div_rem(last);
        let tick = match &limit.rule {
            Rule::Log(rule) => self.load_log(limit, rule).recovers_at(rule, last),
            Rule::Bucket(rule) => self.load_bucket(limit).recovers_at(rule, last),
        };
        tick.map_or(0, |tick| tick.saturating_mul(limit.tick.get()))
    }
}

/// The present in a limit's ticks, for an entry with an admission at `last`.
#[inline(always)]
fn present(limit: &LimitLayout, now: u64, last: u64) -> Present {
    let (now, into_tick) = limit.tick.div_rem(now);
    let (last, _) = limit.tick.div_rem(last);
    Present { now, lead: limit.lag + u64::from(into_tick != 0), idle: now.wrapping_sub(last) }
}

/// What a key without an entry is told before it takes costs, or after.
pub(super) fn fresh(layout: &Layout, now: u64, costs: impl Costs, take: bool, verdict: &mut Verdict) {
    *verdict = Verdict { now, ..Verdict::default() };
    for ((i, limit), outcome) in layout.limits.iter().enumerate().zip(&mut verdict.outcomes) {
        let present = present(limit, now, 0);
        let cost = if take { costs.of(i) } else { 0 };
        *outcome = match &limit.rule {
            Rule::Log(rule) => {
                let Outcome { remaining, reset, .. } =
                    Log::EMPTY.take(rule, &Nowhere, present, cost).outcome(rule, &Nowhere, present);
                // All events are of this moment, so the oldest leaves with the newest.
                Outcome { remaining, reset, next: reset }
            }
            Rule::Bucket(rule) => Bucket::FULL.take(rule, present, cost).outcome(rule),
        };
    }
}

/// The ring of a key without an entry.
struct Nowhere;

impl Ring for Nowhere {
    fn get(&self, _index: u32) -> u32 {
        0
    }

    fn set(&self, _index: u32, _event: u32) {}
}

/// `N` words from `start` on.
#[inline(always)]
#[allow(clippy::expect_used, reason = "every place comes from the layout that sized the entry")]
fn chunk<const N: usize>(words: &[AtomicU64], start: usize) -> &[AtomicU64; N] {
    words.get(start..).and_then(<[AtomicU64]>::first_chunk).expect("an entry holds its limits")
}
