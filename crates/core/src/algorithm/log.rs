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

/// The part of a word's half that holds the count of events; the two bits above it have the count of
/// the unwritten ones. Quotas are at most 1,000,000.
const LEN: u32 = u32::MAX >> 2;

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

/// The state of a log.
///
/// Event 0 is `oldest`. The newest three are in `newest` (the very newest in its low half) and
/// `third`; with fewer than four events the oldest is among them too. Event i of the others is in
/// ring slot `head + i - 1`. Of the newest three all but the last `unwritten` are there as well.
///
/// A state that was read may hold anything: `head` is bounded where it is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Log {
    head: u32,
    len: u32,
    /// How many of the newest events, the oldest never among them, are not in the ring: up to three.
    unwritten: u32,
    newest: u64,
    third: u32,
    oldest: u32,
}

impl LogRule {
    pub(crate) const WORDS: usize = 3;

    /// The reading of a log whose quota was used up at the tick `now`.
    pub(crate) fn denial_for_a_window(&self, now: u64) -> Reading {
        let event = u64::from(now as u32);
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

    /// The ring slot `offset` after `head`; an offset is at most the number of slots.
    #[inline(always)]
    fn slot(&self, head: u32, offset: u32) -> u32 {
        let slots = self.ring_slots();
        let index = offset + if head < slots { head } else { 0 };
        if index >= slots { index - slots } else { index }
    }

    /// A cost of at most the quota, as a number of events.
    #[inline(always)]
    fn events(&self, cost: u64) -> u32 {
        u32::try_from(cost).unwrap_or(self.quota)
    }
}

impl Log {
    /// Event `index` of `len`, counted from the oldest.
    #[inline(always)]
    fn event(self, rule: &LogRule, ring: impl Ring, index: u32) -> u32 {
        match self.len - 1 - index {
            _ if index == 0 => self.oldest,
            0 => self.newest as u32,
            1 => (self.newest >> 32) as u32,
            2 => self.third,
            _ => ring.get(rule.slot(self.head, index - 1)),
        }
    }

    /// Events that stand in the ring: all but the oldest and those not written yet.
    #[inline(always)]
    fn in_ring(self) -> u32 {
        self.len.saturating_sub(1 + self.unwritten)
    }

    /// The log without the `gone` oldest events, given the oldest of the rest, which is then no
    /// longer counted among the unwritten ones.
    #[inline(always)]
    fn without(self, rule: &LogRule, gone: u32, oldest: u32) -> Self {
        let head = rule.slot(self.head, gone.min(self.in_ring()));
        let len = self.len - gone;
        Self { head, len, unwritten: self.unwritten.min(len.saturating_sub(1)), oldest, ..self }
    }

    /// The log without the events that have left, given that the oldest has. Mostly it alone has.
    #[inline(always)]
    fn without_expired(self, rule: &LogRule, ring: impl Ring, now: u32) -> Self {
        // `now` stands for the next of one event: it is live, and an empty log's oldest is not read.
        let next = if self.len > 1 { self.event(rule, ring, 1) } else { now };
        if rule.is_live(next, now) {
            return self.without(rule, 1, next);
        }
        let ends = (self.third, self.oldest);
        let (gone, oldest) = expired(rule, ring, now, (self.head, self.len), self.newest, ends);
        self.without(rule, gone, oldest)
    }

    /// How many of the oldest events have left, given that two have. Events are in order, and mostly
    /// few leave at a time: doubling steps, then bisection.
    fn expired(self, rule: &LogRule, ring: impl Ring, now: u32) -> u32 {
        let has_left = |count: u32| !rule.is_live(self.event(rule, ring, count - 1), now);
        let (mut gone, mut step) = (2, 1);
        while gone + step <= self.len && has_left(gone + step) {
            gone += step;
            step *= 2;
        }
        let mut beyond = (gone + step).min(self.len + 1);
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
        let unwritten = if self.unwritten == RECENT { self.flush(rule, ring) } else { self.unwritten };
        Self {
            head: self.head,
            len: self.len + 1,
            unwritten: if self.len == 0 { 0 } else { unwritten + 1 },
            newest: self.newest << 32 | u64::from(event),
            third: (self.newest >> 32) as u32,
            oldest: if self.len == 0 { event } else { self.oldest },
        }
    }

    /// Writes as many of three unwritten events to the ring as it has slots for, the oldest first;
    /// how many are left.
    ///
    /// Before a push there is always a slot: the oldest, those in the ring and the three unwritten
    /// ones are fewer than the quota, so those in the ring are fewer than its slots, the quota less
    /// four. In a full log there is just one, so that a log that stays full writes at each push.
    #[inline(always)]
    fn flush(self, rule: &LogRule, ring: impl Ring) -> u32 {
        let used = self.in_ring();
        let free = rule.ring_slots().saturating_sub(used);
        let events = [self.third, (self.newest >> 32) as u32, self.newest as u32];
        for (offset, event) in (0..).zip(events) {
            if offset < free {
                ring.set(rule.slot(self.head, used + offset), event);
            }
        }
        // A state that holds anything may leave no slot; its event is lost, not the bound of three.
        RECENT - free.clamp(1, RECENT)
    }

    #[inline(never)]
    fn push_many(self, rule: &LogRule, ring: impl Ring, event: u32, count: u32) -> Self {
        (0..count).fold(self, |log, _| log.push(rule, ring, event))
    }
}

impl Rule for LogRule {
    type State = Log;

    #[inline(always)]
    fn empty(&self) -> Log {
        Log::default()
    }

    #[inline(always)]
    fn read(&self, word: impl Fn(usize) -> u64) -> Log {
        let (place, ends) = (word(0), word(2));
        let count = (place >> 32) as u32;
        Log {
            head: place as u32,
            len: (count & LEN).min(self.quota),
            unwritten: count >> LEN.count_ones(),
            newest: word(1),
            third: ends as u32,
            oldest: (ends >> 32) as u32,
        }
    }

    #[inline(always)]
    fn write(&self, log: Log, mut word: impl FnMut(usize, u64)) {
        word(2, u64::from(log.oldest) << 32 | u64::from(log.third));
        word(1, log.newest);
        let count = log.unwritten << LEN.count_ones() | log.len;
        word(0, u64::from(count) << 32 | u64::from(log.head));
    }

    #[inline(always)]
    fn counts_from_last(&self) -> bool {
        false
    }

    #[inline(always)]
    fn settle(&self, log: Log, ring: impl Ring, present: Present) -> Log {
        if log.len == 0 || present.idle_nanos > self.stale_nanos {
            return Log { len: 0, unwritten: 0, ..log };
        }
        if self.is_live(log.oldest, present.now as u32) {
            log
        } else {
            log.without_expired(self, ring, present.now as u32)
        }
    }

    #[inline(always)]
    fn admits(&self, log: Log, cost: u64) -> bool {
        cost <= u64::from(self.quota - log.len)
    }

    #[inline(always)]
    fn take(&self, log: Log, ring: impl Ring, present: Present, cost: u64) -> Log {
        let recorded = (present.now + present.lead) as u32;
        match self.events(cost) {
            1 => log.push(self, ring, recorded),
            count => log.push_many(self, ring, recorded, count),
        }
    }

    fn give_back(&self, log: Log, ring: impl Ring, cost: u64) -> Log {
        let len = log.len - self.events(cost).min(log.len);
        if len == 0 {
            return Log { len, unwritten: 0, ..log };
        }
        // Of fewer than three the rest is never read.
        let newest = |n: u32| if n < len { log.event(self, ring, len - 1 - n) } else { 0 };
        let pair = u64::from(newest(1)) << 32 | u64::from(newest(0));
        // Those not written yet are the first to go.
        let unwritten = (len - 1).saturating_sub(log.in_ring());
        Log { len, unwritten, newest: pair, third: newest(2), ..log }
    }

    /// The count, the newest event, and the one whose leaving is waited for: the oldest, or when a
    /// cost is denied the last of as many of the oldest as units are lacking.
    #[inline(always)]
    fn reading(&self, log: Log, ring: impl Ring, denied: Option<u64>) -> Reading {
        let lacking = denied.map_or(1, |cost| self.events(cost).saturating_sub(self.quota - log.len));
        let awaited = if lacking <= 1 { log.oldest } else { log.event(self, ring, lacking.min(log.len) - 1) };
        Reading([log.newest << 32 | u64::from(log.len), u64::from(awaited)])
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
    fn spent_for(&self, log: Log, present: Present) -> Option<u64> {
        (log.len >= self.quota).then(|| self.until_leaves(log.oldest, present.now))
    }

    #[inline(always)]
    fn next_slot(&self, log: Log) -> Option<u32> {
        (log.unwritten == RECENT).then(|| self.slot(log.head, log.in_ring()))
    }

    fn recovers_at(&self, log: Log, last: u64) -> Option<u64> {
        let ahead = (log.newest as u32).wrapping_sub(last as u32) as i32;
        let leaves = last.saturating_add_signed(i64::from(ahead)).saturating_add(u64::from(self.window));
        (log.len != 0).then_some(leaves)
    }
}

/// How many of the oldest events have left, given that two have, and the oldest of the rest.
///
/// Out of line, and taking the log apart, so that the way past it keeps the log in registers.
#[inline(never)]
fn expired(
    rule: &LogRule,
    ring: impl Ring,
    now: u32,
    (head, len): (u32, u32),
    newest: u64,
    (third, oldest): (u32, u32),
) -> (u32, u32) {
    // Where an event is read does not depend on which are written.
    let log = Log { head, len, unwritten: 0, newest, third, oldest };
    let gone = log.expired(rule, ring, now);
    (gone, if gone < len { log.event(rule, ring, gone) } else { 0 })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]

    use std::cell::{Cell, RefCell};

    use super::{Log, LogRule, RECENT};
    use crate::algorithm::{Present, Ring, Rule};

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

    fn at(now: u32) -> Present {
        Present { now: now.into(), ..Present::default() }
    }

    /// The log as a table stores it and finds it again.
    fn stored(rule: &LogRule, log: Log) -> Log {
        let mut words = [0; LogRule::WORDS];
        rule.write(log, |index, word| words[index] = word);
        rule.read(|index| words[index])
    }

    fn events(rule: &LogRule, ring: &Slots, log: Log) -> Vec<u32> {
        (0..log.len).map(|index| log.event(rule, ring, index)).collect()
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
                        let slot = rule.slot(log.head, offset) as usize;
                        assert_eq!(ring.events.borrow()[slot], before[slot], "a slot in use was written");
                    }
                    log = taken;
                    list.extend((0..cost).map(|_| now));
                }
                assert_eq!(events(&rule, &ring, log), list);
                assert!(log.unwritten <= RECENT && log.in_ring() <= rule.ring_slots());
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
                let near = |word: u64| word & 0xc000_001f_0000_000f;
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
                    assert_eq!(taken.len, settled.len + cost as u32);
                    rule.settle(taken, &ring, at(present.now as u32 ^ WINDOW));
                }
            }
        }
    }
}
