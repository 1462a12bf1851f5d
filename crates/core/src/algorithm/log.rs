//! The sliding-window log: at every instant the units admitted in (t−w, t] are at most q.
//!
//! Every admitted unit is an *event*: the tick it was recorded at, as a wrapping `u32`. A log is
//! a list of events in order of time. The newest [`RECENT`] are part of the log's own words, the
//! older ones stand in a ring outside, which a key with few events never touches.
//!
//! Deciding a cost of n reads one event: the n-th oldest of those that would have to leave.

use super::{Present, Ring, Rule, ticks};
use crate::decision::Outcome;

/// How many of the newest events are kept with the log itself.
pub(crate) const RECENT: u32 = 4;

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
    /// The most ticks after the present that an admission is recorded.
    pub(crate) lead: u64,
}

/// The state of a log.
///
/// Event i (0 is the oldest) is in ring slot `head + i`, or among `recent` if it is one of the
/// newest four; `recent[0]` holds the two newest, the very newest in its low half.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Log {
    head: u32,
    len: u32,
    recent: [u64; 2],
}

impl LogRule {
    /// Slots of the ring outside.
    #[inline(always)]
    pub(crate) fn ring_slots(&self) -> u32 {
        self.quota.saturating_sub(RECENT)
    }

    #[inline(always)]
    fn is_live(&self, event: u32, now: u32) -> bool {
        now.wrapping_sub(event).wrapping_add(FUTURE) < self.window + FUTURE
    }

    /// Ticks until a live event leaves the window.
    #[inline(always)]
    fn until_leaves(&self, event: u32, now: u32) -> u32 {
        event.wrapping_add(self.window).wrapping_sub(now)
    }

    #[inline(always)]
    fn wrap(&self, index: u32) -> u32 {
        let slots = self.ring_slots();
        if index >= slots { index - slots } else { index }
    }
}

impl Log {
    /// Event `index` of `len`, counted from the oldest.
    #[inline(always)]
    fn event(self, rule: &LogRule, ring: impl Ring, index: u32) -> u32 {
        let from_newest = self.len - 1 - index;
        if from_newest < RECENT {
            let pair = if from_newest < 2 { self.recent[0] } else { self.recent[1] };
            (pair >> (32 * (from_newest & 1))) as u32
        } else {
            ring.get(rule.wrap(self.head + index))
        }
    }

    /// Events that stand in the ring.
    #[inline(always)]
    fn in_ring(self) -> u32 {
        self.len.saturating_sub(RECENT)
    }

    /// How many of the oldest events have left, given that the oldest has. Events are in order,
    /// and mostly one or two leave at a time: doubling steps, then bisection.
    #[inline(never)]
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

    fn without_oldest(self, rule: &LogRule, count: u32) -> Self {
        let from_ring = count.min(self.in_ring());
        Self { head: rule.wrap(self.head + from_ring), len: self.len - count, ..self }
    }

    /// Ticks until the oldest event leaves; 0 if there is none.
    #[inline(always)]
    fn until_next(self, rule: &LogRule, ring: impl Ring, present: Present) -> u32 {
        if self.len == 0 { 0 } else { rule.until_leaves(self.event(rule, ring, 0), present.now as u32) }
    }
}

impl Rule for LogRule {
    type State = Log;

    #[inline(always)]
    fn empty(&self) -> Log {
        Log { head: 0, len: 0, recent: [0; 2] }
    }

    #[inline(always)]
    fn read(&self, word: impl Fn(usize) -> u64) -> Log {
        let place = word(0);
        let (head, len) = (place as u32, (place >> 32) as u32);
        Log {
            head: if head < self.ring_slots() { head } else { 0 },
            len: len.min(self.quota),
            recent: [word(1), word(2)],
        }
    }

    #[inline(always)]
    fn write(&self, state: Log, mut word: impl FnMut(usize, u64)) {
        word(2, state.recent[1]);
        word(1, state.recent[0]);
        word(0, u64::from(state.len) << 32 | u64::from(state.head));
    }

    #[inline(always)]
    fn settle(&self, log: Log, ring: impl Ring, present: Present) -> Log {
        let now = present.now as u32;
        if log.len == 0 || present.idle > u64::from(self.window) + self.lead {
            return Log { len: 0, ..log };
        }
        if self.is_live(log.event(self, ring, 0), now) {
            return log;
        }
        log.without_oldest(self, log.expired(self, ring, now))
    }

    #[inline(always)]
    fn admits(&self, log: Log, cost: u64) -> bool {
        cost <= u64::from(self.quota - log.len)
    }

    #[inline(always)]
    fn take(&self, log: Log, ring: impl Ring, present: Present, cost: u64) -> Log {
        let cost = ticks(cost).min(self.quota - log.len);
        let recorded = (present.now + present.lead) as u32;
        let len = log.len + cost;
        for index in log.in_ring()..len.saturating_sub(RECENT) {
            let event = if index < log.len { log.event(self, ring, index) } else { recorded };
            ring.set(self.wrap(log.head + index), event);
        }
        let mut recent = log.recent;
        for _ in 0..cost.min(RECENT) {
            recent = pushed(recent, recorded);
        }
        Log { len, recent, ..log }
    }

    fn give_back(&self, log: Log, ring: impl Ring, cost: u64) -> Log {
        let len = log.len - ticks(cost).min(log.len);
        let kept = len.saturating_sub(RECENT)..len;
        let recent = kept.fold([0; 2], |recent, index| pushed(recent, log.event(self, ring, index)));
        Log { len, recent, ..log }
    }

    #[inline(always)]
    fn outcome(&self, log: Log, ring: impl Ring, present: Present) -> Outcome {
        let newest = self.until_leaves(log.recent[0] as u32, present.now as u32);
        Outcome {
            remaining: u64::from(self.quota - log.len),
            reset: if log.len == 0 { 0 } else { newest },
            next: log.until_next(self, ring, present),
        }
    }

    /// The cost waits until as many of the oldest events have left as units are lacking.
    #[inline(always)]
    fn denial(&self, log: Log, ring: impl Ring, present: Present, cost: u64) -> Outcome {
        let now = present.now as u32;
        let lacking = ticks(cost).saturating_sub(self.quota - log.len);
        let last_to_leave = lacking.min(log.len).saturating_sub(1);
        Outcome {
            remaining: u64::from(self.quota - log.len),
            reset: self.until_leaves(log.recent[0] as u32, now),
            next: match log.len {
                0 => self.window,
                _ => self.until_leaves(log.event(self, ring, last_to_leave), now),
            },
        }
    }

    #[inline(always)]
    fn spent_for(&self, log: Log, ring: impl Ring, present: Present) -> Option<u32> {
        (log.len >= self.quota).then(|| log.until_next(self, ring, present))
    }

    fn recovers_at(&self, log: Log, last: u64) -> Option<u64> {
        let newest = log.recent[0] as u32;
        let ahead = newest.wrapping_sub(last as u32) as i32;
        let leaves = last.saturating_add_signed(i64::from(ahead)).saturating_add(u64::from(self.window));
        (log.len != 0).then_some(leaves)
    }
}

/// The four newest events with one more.
#[inline(always)]
fn pushed([newer, older]: [u64; 2], event: u32) -> [u64; 2] {
    [newer << 32 | u64::from(event), older << 32 | newer >> 32]
}
