//! The sliding-window log: at every instant the units admitted in (t−w, t] are at most q.
//!
//! Every admitted unit is an *event*: the tick it was recorded at, as a wrapping `u32`. A log is
//! a list of events in order of time. The oldest and the newest [`RECENT`] are part of the log's own
//! words; those between stand in a ring outside. A key with up to four events never touches its
//! ring, and one with more reads it only when an event leaves.
//!
//! The ring of one key among many is a line that no cache holds, so events go there [`RECENT`] at a
//! time: the log's own words say how many of the newest are not written yet, and only the admission
//! after three of them touches the ring.
//!
//! Deciding a cost of n reads one event: the n-th oldest of those that would have to leave.

use super::{Outcome, Present, Reading, Ring, Rule};

/// How many of the newest events are kept with the log itself.
const RECENT: u32 = 3;

/// Events that need no ring.
const APART: u32 = RECENT + 1;

/// The bits of [`Log::place`] that hold the count of events: quotas are at most 1,000,000.
const LEN: u32 = u32::MAX >> 2;

/// One unwritten event in [`Log::place`]; the bits above are the head's.
const UNWRITTEN: u64 = 1 << LEN.count_ones();

/// The upper half of a word.
const UPPER: u64 = u64::MAX << 32;

/// Events up to this far in the future of `now` count as live rather than as ages past wrapping.
///
/// Ages of stored events stay below 3·2³⁰: those live at the last admission are younger than a
/// window (≤ 2³⁰), and a log idle for longer than a window and the clock's lag is empty.
const FUTURE: u32 = 1 << 30;

/// The constants of a log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogRule {
    pub(crate) quota: u32,
    /// The window in ticks, at most 2³⁰.
    pub(crate) window: u32,
    /// After so many nanoseconds without an admission every event has left.
    pub(crate) stale_nanos: u64,
}

/// The state of a log: its words as they are stored, so that a check takes none apart that it does
/// not look at.
///
/// Event 0 is the oldest. The newest three are in `newest` and `ends`; with fewer than four events
/// the oldest is among them too. Event i of the others is in ring slot `head + i - 1`. Of the newest
/// three all but the last *unwritten* are there as well.
///
/// A state that was read may hold anything: what is not in order is bounded where it is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Log {
    /// From the lowest bit: 30 bits count the events, 2 those of the newest that are not in the ring
    /// (the oldest never among them), 32 are the ring's head.
    place: u64,
    /// The newest event in the lower half, and the one before.
    newest: u64,
    /// The oldest event in the lower half, and the third newest.
    ends: u64,
}

impl LogRule {
    pub(crate) const WORDS: usize = 3;

    /// The reading of a log whose quota was used up so that all of it leaves in so many ticks.
    pub(crate) fn denial_for(&self, ticks: u64, now: u64) -> Reading {
        let left = u32::try_from(ticks).unwrap_or(u32::MAX);
        let event = u64::from((now as u32).wrapping_add(left).wrapping_sub(self.window));
        Reading([event << 32 | u64::from(self.quota), event])
    }

    /// Slots of the ring outside.
    #[inline(always)]
    pub(crate) fn ring_slots(&self) -> u32 {
        self.quota.saturating_sub(APART)
    }

    #[inline(always)]
    fn is_live(&self, event: u32, now: u32) -> bool {
        now.wrapping_sub(event).wrapping_add(FUTURE) < self.window + FUTURE
    }

    /// Ticks until a live event leaves the window.
    #[inline(always)]
    fn until_leaves(&self, event: u32, now: u64) -> u64 {
        u64::from(event.wrapping_add(self.window).wrapping_sub(now as u32))
    }

    /// The ring slot `offset` after `head`.
    #[inline(always)]
    fn slot(&self, head: u32, offset: u32) -> u32 {
        let slots = self.ring_slots();
        let index = offset.min(slots) + if head < slots { head } else { 0 };
        if index >= slots { index - slots } else { index }
    }

    /// The log with a count that the quota admits.
    fn bounded(&self, log: Log) -> Log {
        Log::new(log.head(), log.len().min(self.quota), log.unwritten(), log)
    }

    /// The last of the `count` oldest events.
    #[inline(never)]
    fn leaving(&self, log: Log, ring: impl Ring, count: u64) -> u32 {
        let log = self.bounded(log);
        match self.events(count).min(log.len()) {
            0 => log.oldest(),
            count => log.event(self, ring, count - 1),
        }
    }

    /// A cost of at most the quota, as a number of events.
    #[inline(always)]
    fn events(&self, cost: u64) -> u32 {
        u32::try_from(cost).unwrap_or(self.quota)
    }
}

impl Log {
    /// A log of these events.
    #[inline(always)]
    fn new(head: u32, len: u32, unwritten: u32, events: Self) -> Self {
        let place = u64::from(head) << 32 | (u64::from(unwritten) * UNWRITTEN) | u64::from(len);
        Self { place, ..events }
    }

    #[inline(always)]
    fn len(self) -> u32 {
        self.place as u32 & LEN
    }

    /// How many of the newest events are not in the ring: up to three.
    #[inline(always)]
    fn unwritten(self) -> u32 {
        self.place as u32 >> LEN.count_ones()
    }

    #[inline(always)]
    fn head(self) -> u32 {
        (self.place >> 32) as u32
    }

    #[inline(always)]
    fn oldest(self) -> u32 {
        self.ends as u32
    }

    /// The newest three events, the newest first.
    #[inline(always)]
    fn recent(self) -> [u32; RECENT as usize] {
        [self.newest as u32, (self.newest >> 32) as u32, (self.ends >> 32) as u32]
    }

    /// The log without any events.
    #[inline(always)]
    fn emptied(self) -> Self {
        Self { place: self.place & UPPER, ..self }
    }

    /// Event `index` of `len`, counted from the oldest.
    #[inline(always)]
    fn event(self, rule: &LogRule, ring: impl Ring, index: u32) -> u32 {
        let [newest, second, third] = self.recent();
        match self.len() - 1 - index {
            _ if index == 0 => self.oldest(),
            0 => newest,
            1 => second,
            2 => third,
            _ => ring.get(rule.slot(self.head(), index - 1)),
        }
    }

    /// Events that stand in the ring: all but the oldest and those not written yet.
    #[inline(always)]
    fn in_ring(self) -> u32 {
        self.len().saturating_sub(1 + self.unwritten())
    }

    /// The log without the `gone` oldest events, given the oldest of the rest, which is then no
    /// longer counted among the unwritten ones.
    #[inline(always)]
    fn without(self, rule: &LogRule, gone: u32, oldest: u32) -> Self {
        let head = rule.slot(self.head(), gone.min(self.in_ring()));
        let len = self.len() - gone;
        let unwritten = self.unwritten().min(len.saturating_sub(1));
        Self::new(head, len, unwritten, Self { ends: self.ends & UPPER | u64::from(oldest), ..self })
    }

    /// The log without the events that have left, given that two have.
    #[inline(never)]
    fn without_expired(self, rule: &LogRule, ring: impl Ring, now: u32) -> Self {
        let gone = self.expired(rule, ring, now);
        self.without(rule, gone, if gone < self.len() { self.event(rule, ring, gone) } else { 0 })
    }

    /// How many of the oldest events have left, given that two have. Events are in order, and mostly
    /// few leave at a time: doubling steps, then bisection.
    fn expired(self, rule: &LogRule, ring: impl Ring, now: u32) -> u32 {
        let has_left = |count: u32| !rule.is_live(self.event(rule, ring, count - 1), now);
        let (mut gone, mut step) = (2, 1);
        while gone + step <= self.len() && has_left(gone + step) {
            gone += step;
            step *= 2;
        }
        let mut beyond = (gone + step).min(self.len() + 1);
        while gone + 1 < beyond {
            let middle = gone + (beyond - gone) / 2;
            if has_left(middle) {
                gone = middle;
            } else {
                beyond = middle;
            }
        }
        gone
    }

    /// The log with one more event, the newest.
    #[inline(always)]
    fn push(self, rule: &LogRule, ring: impl Ring, event: u32) -> Self {
        let log = if self.unwritten() == RECENT { self.flushed(rule, ring) } else { self };
        let event = u64::from(event);
        let first = log.len() == 0;
        Self {
            place: log.place + if first { 1 } else { 1 + UNWRITTEN },
            newest: log.newest << 32 | event,
            ends: log.newest & UPPER | if first { event } else { log.ends & !UPPER },
        }
    }

    /// The log with its three unwritten events in the ring, or the oldest of them where there are not
    /// three free slots in a row.
    ///
    /// Before a push there is always a slot: the oldest, those in the ring and the three unwritten
    /// ones are fewer than the quota, so those in the ring are fewer than its slots, the quota less
    /// four. In a full log there is just one, so that a log that stays full writes at each push. A
    /// state that holds anything may have none; then the event is lost, not the bound of three.
    #[inline(always)]
    fn flushed(self, rule: &LogRule, ring: impl Ring) -> Self {
        let (used, slots) = (self.in_ring(), rule.ring_slots());
        let [newest, second, third] = self.recent();
        let start = rule.slot(self.head(), used);
        let written = if used + RECENT <= slots && start + RECENT <= slots {
            ring.set_three(start, [third, second, newest]);
            RECENT
        } else {
            if used < slots {
                ring.set(start, third);
            }
            1
        };
        Self { place: self.place - u64::from(written) * UNWRITTEN, ..self }
    }

    #[inline(never)]
    fn push_many(self, rule: &LogRule, ring: impl Ring, event: u32, count: u32) -> Self {
        (0..count).fold(self, |log, _| log.push(rule, ring, event))
    }
}

impl Rule for LogRule {
    type State = Log;

    #[inline(always)]
    fn words(&self) -> usize {
        Self::WORDS
    }

    #[inline(always)]
    fn empty(&self) -> Log {
        Log::default()
    }

    #[inline(always)]
    fn read(&self, word: impl Fn(usize) -> u64) -> Log {
        Log { place: word(0), newest: word(1), ends: word(2) }
    }

    #[inline(always)]
    fn write(&self, Log { place, newest, ends }: Log, mut word: impl FnMut(usize, u64)) {
        word(2, ends);
        word(1, newest);
        word(0, place);
    }

    #[inline(always)]
    fn counts_from_last(&self) -> bool {
        false
    }

    #[inline(always)]
    fn settle(&self, log: Log, ring: impl Ring, present: Present<'_>) -> Log {
        let log = self.bounded(log);
        let settled = self.settle_at_once(log, ring, present);
        settled.unwrap_or_else(|| log.without_expired(self, ring, present.now as u32))
    }

    /// Unless several events have left.
    #[inline(always)]
    fn settle_at_once(&self, log: Log, ring: impl Ring, present: Present<'_>) -> Option<Log> {
        let (len, now) = (log.len(), present.now as u32);
        if len == 0 || present.idle_nanos() > self.stale_nanos {
            return Some(log.emptied());
        }
        if len > self.quota {
            return None;
        }
        if self.is_live(log.oldest(), now) {
            return Some(log);
        }
        if len == 1 {
            return Some(log.emptied());
        }
        let next = log.event(self, ring, 1);
        self.is_live(next, now).then(|| log.without(self, 1, next))
    }

    #[inline(always)]
    fn admits(&self, log: Log, cost: u64) -> bool {
        u64::from(log.len()) + cost <= u64::from(self.quota)
    }

    #[inline(always)]
    fn take(&self, log: Log, ring: impl Ring, present: Present<'_>, cost: u64) -> Log {
        let recorded = (present.now + present.lead()) as u32;
        match self.events(cost) {
            1 => log.push(self, ring, recorded),
            count => log.push_many(self, ring, recorded, count),
        }
    }

    fn give_back(&self, log: Log, ring: impl Ring, cost: u64) -> Log {
        let log = self.bounded(log);
        let len = log.len() - self.events(cost).min(log.len());
        if len == 0 {
            return log.emptied();
        }
        // Of fewer than three the rest is never read.
        let newest = |n: u32| u64::from(if n < len { log.event(self, ring, len - 1 - n) } else { 0 });
        let events = Log {
            newest: newest(1) << 32 | newest(0),
            ends: newest(2) << 32 | u64::from(log.oldest()),
            ..log
        };
        // Those not written yet are the first to go.
        Log::new(log.head(), len, (len - 1).saturating_sub(log.in_ring()), events)
    }

    /// The count, the newest event, and the one whose leaving is waited for: the oldest, or when a
    /// cost is denied the last of as many of the oldest as units are lacking.
    #[inline(always)]
    fn reading(&self, log: Log, ring: impl Ring, denied: Option<u64>) -> Reading {
        let lacking =
            denied.map_or(1, |cost| (u64::from(log.len()) + cost).saturating_sub(self.quota.into()));
        let awaited = if lacking <= 1 { log.oldest() } else { self.leaving(log, ring, lacking) };
        Reading([log.newest << 32 | u64::from(log.len()), u64::from(awaited)])
    }

    fn outcome(&self, Reading([state, awaited]): Reading, now: u64) -> Outcome {
        let (len, newest) = (state as u32, (state >> 32) as u32);
        if len == 0 {
            return Outcome { remaining: u64::from(self.quota), reset: 0, next: 0 };
        }
        Outcome {
            remaining: u64::from(self.quota.saturating_sub(len)),
            reset: self.until_leaves(newest, now),
            next: self.until_leaves(awaited as u32, now),
        }
    }

    #[inline(always)]
    fn spent_for(&self, log: Log, present: Present<'_>) -> Option<u64> {
        (log.len() >= self.quota).then(|| self.until_leaves(log.oldest(), present.now))
    }

    #[inline(always)]
    fn next_slot(&self, log: Log) -> Option<u32> {
        (log.unwritten() == RECENT).then(|| self.slot(log.head(), log.in_ring()))
    }

    fn recovers_at(&self, log: Log, last: u64) -> Option<u64> {
        let ahead = (log.newest as u32).wrapping_sub(last as u32) as i32;
        let leaves = last.saturating_add_signed(i64::from(ahead)).saturating_add(u64::from(self.window));
        (log.len() != 0).then_some(leaves)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]

    use std::cell::{Cell, RefCell};

    use super::{Log, LogRule, RECENT};
    use crate::algorithm::{Present, Ring, Rule, Scale};
    use crate::time::Tick;

    /// Events of a ring that has as many slots as are promised.
    struct Slots {
        events: RefCell<Vec<u32>>,
        writes: Cell<u32>,
    }

    impl Slots {
        fn of(rule: &LogRule) -> Self {
            Self { events: RefCell::new(vec![0; rule.ring_slots() as usize]), writes: Cell::new(0) }
        }
    }

    impl Ring for &Slots {
        fn get(self, index: u32) -> u32 {
            self.events.borrow()[index as usize]
        }

        fn set(self, index: u32, event: u32) {
            self.events.borrow_mut()[index as usize] = event;
            self.writes.set(self.writes.get() + 1);
        }

        fn set_three(self, index: u32, events: [u32; 3]) {
            (index..).zip(events).for_each(|(index, event)| self.set(index, event));
        }
    }

    /// Numbers that are the same in every run.
    struct Random(u64);

    impl Random {
        fn word(&mut self) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0
        }

        fn below(&mut self, bound: u32) -> u32 {
            (self.word() >> 32) as u32 % bound
        }
    }

    const WINDOW: u32 = 1_000;

    fn rule(quota: u32) -> LogRule {
        LogRule { quota, window: WINDOW, stale_nanos: u64::MAX }
    }

    /// Ticks of a nanosecond, and a clock that does not lag.
    const SCALE: &Scale = &Scale { tick: Tick::new(1), lag: 0 };

    fn at(now: u32) -> Present<'static> {
        Present::new(SCALE, now.into(), 0)
    }

    /// The log as a table stores it and finds it again.
    fn stored(rule: &LogRule, log: Log) -> Log {
        let mut words = [0; LogRule::WORDS];
        rule.write(log, |index, word| words[index] = word);
        rule.read(|index| words[index])
    }

    fn events(rule: &LogRule, ring: &Slots, log: Log) -> Vec<u32> {
        (0..log.len()).map(|index| log.event(rule, ring, index)).collect()
    }

    #[test]
    fn a_log_is_a_list_of_events_whatever_is_written_of_it() {
        let mut random = Random(0x1234_5678_9abc_def1);
        for quota in (1..=13).chain([40]) {
            let rule = rule(quota);
            let ring = Slots::of(&rule);
            let (mut log, mut list, mut now) = (rule.empty(), Vec::new(), 0);
            for _ in 0..20_000 {
                now += random.below(3) * random.below(3 * WINDOW / quota);
                log = rule.settle(stored(&rule, log), &ring, at(now));
                list.retain(|&event| event + WINDOW > now);
                assert_eq!(events(&rule, &ring, log), list);

                let cost = 1 + random.below(2) * random.below(quota);
                if random.below(4) == 0 {
                    log = rule.give_back(stored(&rule, log), &ring, cost.into());
                    list.truncate(list.len().saturating_sub(cost as usize));
                } else if rule.admits(log, cost.into()) {
                    let before = ring.events.borrow().clone();
                    let taken = rule.take(log, &ring, at(now), cost.into());
                    for offset in 0..log.in_ring() {
                        let slot = rule.slot(log.head(), offset) as usize;
                        assert_eq!(ring.events.borrow()[slot], before[slot], "a slot in use was written");
                    }
                    log = taken;
                    list.extend((0..cost).map(|_| now));
                }
                assert_eq!(events(&rule, &ring, log), list);
                assert!(log.unwritten() <= RECENT && log.in_ring() <= rule.ring_slots());
            }
        }
    }

    #[test]
    fn only_every_third_admission_touches_the_ring() {
        let rule = rule(100);
        let ring = Slots::of(&rule);
        let mut log = rule.empty();
        let touching = (0..100).filter(|&now| {
            let (before, named) = (ring.writes.get(), rule.next_slot(log).is_some());
            log = rule.take(log, &ring, at(now), 1);
            assert_eq!(ring.writes.get() != before, named, "which slot is next, after {now}");
            named
        });
        // Events 1 to 3 wait for the admission of event 4.
        assert_eq!(touching.collect::<Vec<_>>(), (4..100).step_by(3).collect::<Vec<_>>());
        assert_eq!(ring.writes.get(), 96);
    }

    #[test]
    fn a_state_of_any_bytes_stays_within_its_ring() {
        let mut random = Random(0xfeed_5678_9abc_def1);
        for quota in (1..=13).chain([1_000_000]) {
            let rule = rule(quota);
            let ring = Slots::of(&rule);
            for _ in 0..3_000 {
                // Counts and places near what is in order, and anywhere.
                let near = |word: u64| word & 0x0000_000f_c000_001f;
                let place = random.word();
                let words = [if place & 64 == 0 { near(place) } else { place }, random.word(), random.word()];
                let log = rule.read(|index| words[index]);
                let present = at(words[2] as u32);
                let cost = 1 + u64::from(random.below(quota.min(9)));

                rule.reading(log, &ring, Some(cost));
                rule.next_slot(log).inspect(|&slot| assert!(slot < rule.ring_slots().max(1)));
                rule.give_back(log, &ring, cost);
                let settled = rule.settle(log, &ring, present);
                rule.reading(settled, &ring, Some(cost));
                if rule.admits(settled, cost) {
                    let taken = stored(&rule, rule.take(settled, &ring, present, cost));
                    assert_eq!(taken.len(), settled.len() + cost as u32);
                    rule.settle(taken, &ring, at(present.now as u32 ^ WINDOW));
                }
            }
        }
    }
}
