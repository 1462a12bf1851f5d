//! The sliding-window log: at every instant the units admitted in (t−w, t] are at most q.
//!
//! Every admitted unit is an *event*: the tick it was recorded at, as a wrapping `u32`. A log is
//! a list of events in order of time. The oldest and the newest [`RECENT`] are part of the log's own
//! words; those between stand in a ring outside. A key with up to four events never touches its
//! ring, and one with more reads it only when an event leaves.
//!
//! Deciding a cost of n reads one event: the n-th oldest of those that would have to leave.

use super::{Outcome, Present, Reading, Ring, Rule};

/// How many of the newest events are kept with the log itself.
const RECENT: u32 = 3;

/// Events that need no ring.
const APART: u32 = RECENT + 1;

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
/// ring slot `head + i - 1`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Log {
    head: u32,
    len: u32,
    newest: u64,
    third: u32,
    oldest: u32,
}

impl LogRule {
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

    #[inline(always)]
    fn wrap(&self, index: u32) -> u32 {
        let slots = self.ring_slots();
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
    fn event(self, rule: &LogRule, ring: impl Ring, index: u32) -> u32 {
        match self.len - 1 - index {
            _ if index == 0 => self.oldest,
            0 => self.newest as u32,
            1 => (self.newest >> 32) as u32,
            2 => self.third,
            _ => ring.get(rule.wrap(self.head + index - 1)),
        }
    }

    /// Events that stand in the ring.
    #[inline(always)]
    fn in_ring(self) -> u32 {
        self.len.saturating_sub(APART)
    }

    /// The log without the events that have left, given that the oldest has.
    #[inline(always)]
    fn without_expired(self, rule: &LogRule, ring: impl Ring, now: u32) -> Self {
        let ends = (self.third, self.oldest);
        let (gone, oldest) = expired(rule, ring, now, (self.head, self.len), self.newest, ends);
        let head = rule.wrap(self.head + gone.min(self.in_ring()));
        Self { head, len: self.len - gone, oldest, ..self }
    }

    /// How many of the oldest events have left, given that the oldest has. Events are in order,
    /// and mostly one or two leave at a time: doubling steps, then bisection.
    fn expired(self, rule: &LogRule, ring: impl Ring, now: u32) -> u32 {
        let has_left = |count: u32| !rule.is_live(self.event(rule, ring, count - 1), now);
        let (mut gone, mut step) = (1, 1);
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

    /// The log with one more event, the newest. The one that falls out of the newest three goes to
    /// the ring, unless it is the oldest.
    #[inline(always)]
    fn push(self, rule: &LogRule, ring: impl Ring, event: u32) -> Self {
        if self.len >= APART {
            ring.set(rule.wrap(self.head + self.in_ring()), self.third);
        }
        Self {
            head: self.head,
            len: self.len + 1,
            newest: self.newest << 32 | u64::from(event),
            third: (self.newest >> 32) as u32,
            oldest: if self.len == 0 { event } else { self.oldest },
        }
    }

    #[inline(never)]
    fn push_many(self, rule: &LogRule, ring: impl Ring, event: u32, count: u32) -> Self {
        (0..count).fold(self, |log, _| log.push(rule, ring, event))
    }
}

impl Rule for LogRule {
    type State = Log;

    const WORDS: usize = 3;

    #[inline(always)]
    fn empty(&self) -> Log {
        Log { head: 0, len: 0, newest: 0, third: 0, oldest: 0 }
    }

    #[inline(always)]
    fn read(&self, word: impl Fn(usize) -> u64) -> Log {
        let (place, ends) = (word(0), word(2));
        let (head, len) = (place as u32, (place >> 32) as u32);
        Log {
            head: if head < self.ring_slots() { head } else { 0 },
            len: len.min(self.quota),
            newest: word(1),
            third: ends as u32,
            oldest: (ends >> 32) as u32,
        }
    }

    #[inline(always)]
    fn write(&self, log: Log, mut word: impl FnMut(usize, u64)) {
        word(2, u64::from(log.oldest) << 32 | u64::from(log.third));
        word(1, log.newest);
        word(0, u64::from(log.len) << 32 | u64::from(log.head));
    }

    #[inline(always)]
    fn counts_from_last(&self) -> bool {
        false
    }

    #[inline(always)]
    fn settle(&self, log: Log, ring: impl Ring, present: Present<'_>) -> Log {
        let settled = self.settle_at_once(log, ring, present);
        settled.unwrap_or_else(|| log.without_expired(self, ring, present.now as u32))
    }

    /// Unless events have left.
    #[inline(always)]
    fn settle_at_once(&self, log: Log, _ring: impl Ring, present: Present<'_>) -> Option<Log> {
        if log.len == 0 || present.idle_nanos() > self.stale_nanos {
            return Some(Log { len: 0, ..log });
        }
        self.is_live(log.oldest, present.now as u32).then_some(log)
    }

    #[inline(always)]
    fn admits(&self, log: Log, cost: u64) -> bool {
        cost <= u64::from(self.quota - log.len)
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
        let len = log.len - self.events(cost).min(log.len);
        if len == 0 {
            return Log { len, ..log };
        }
        // Of fewer than three the rest is never read.
        let newest = |n: u32| if n < len { log.event(self, ring, len - 1 - n) } else { 0 };
        let pair = u64::from(newest(1)) << 32 | u64::from(newest(0));
        Log { len, newest: pair, third: newest(2), ..log }
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
    fn spent_for(&self, log: Log, present: Present<'_>) -> Option<u64> {
        (log.len >= self.quota).then(|| self.until_leaves(log.oldest, present.now))
    }

    #[inline(always)]
    fn next_slot(&self, log: Log) -> Option<u32> {
        (log.len >= APART).then(|| self.wrap(log.head + log.in_ring()))
    }

    fn recovers_at(&self, log: Log, last: u64) -> Option<u64> {
        let ahead = (log.newest as u32).wrapping_sub(last as u32) as i32;
        let leaves = last.saturating_add_signed(i64::from(ahead)).saturating_add(u64::from(self.window));
        (log.len != 0).then_some(leaves)
    }
}

/// How many of the oldest events have left, given that the oldest has, and the oldest of the rest.
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
    let log = Log { head, len, newest, third, oldest };
    let gone = log.expired(rule, ring, now);
    (gone, if gone < len { log.event(rule, ring, gone) } else { 0 })
}
